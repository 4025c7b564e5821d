//! The stores, held to the contract where they really run.

mod contract;
mod keys;
mod redis;
mod statements;
mod tls;
mod token_index;

use std::sync::atomic::{AtomicU32, Ordering};

use oauth_core::store::database::Database;
use oauth_core::store::sql;

use crate::database::fixture::Place;

async fn migrated(place: &Place) -> Database {
    let database = place.open().await;
    database.migrate(&sql::migrations()).await.unwrap();
    database
}

fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
