//! Every store of this crate keeps the contract.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use oauth_core::store::database::{Database, DatabaseUrl, Statement};
use rar_consent::store::contract::{EventPorts, consent_store_contract, event_outbox_contract};
use rar_consent::{ConsentStatus, ConsentStore, MemoryConsents, SqlConsents, lock, migrations, save};

use crate::fixture::{NOW, authorised, uae_consent, use_of};

static NEXT: AtomicU32 = AtomicU32::new(0);

#[tokio::test(flavor = "multi_thread")]
async fn the_store_in_memory_keeps_the_contract() {
    let make = || async {
        let store: Arc<dyn ConsentStore> = Arc::new(MemoryConsents::new());
        store
    };
    consent_store_contract(make).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_in_sqlite_keeps_the_contract() {
    let make = || async {
        let store: Arc<dyn ConsentStore> = Arc::new(SqlConsents::new(sqlite().await));
        store
    };
    consent_store_contract(make).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_in_postgresql_keeps_the_contract() {
    if postgres().await.is_none() {
        return;
    }
    let make = || async {
        let store: Arc<dyn ConsentStore> = Arc::new(SqlConsents::new(postgres().await.unwrap()));
        store
    };
    consent_store_contract(make).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixty_four_payments_racing_for_one_consent_exactly_one_is_booked() {
    let mut places = vec![sqlite().await];
    places.extend(postgres().await);
    for database in places {
        let store = SqlConsents::new(database.clone());
        let (waiting, entry) = uae_consent();
        store.insert(&waiting, &entry).await.unwrap();
        let (consent, entry) = authorised(&waiting);
        store.replace(&consent, &entry).await.unwrap();
        let mut racers = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let (database, id) = (database.clone(), consent.id.clone());
            racers.spawn(async move {
                database
                    .transaction(move |transaction| {
                        let id = id.clone();
                        Box::pin(async move {
                            let locked = lock(transaction, &id).await?.unwrap();
                            let Ok(used) = locked.exercise(&use_of(14990, NOW)) else { return Ok(0_u64) };
                            save(transaction, &used, None).await?;
                            Ok(1)
                        })
                    })
                    .await
                    .unwrap()
            });
        }
        assert_eq!(racers.join_all().await.iter().sum::<u64>(), 1);
        let after = store.consent(&consent.id).await.unwrap().unwrap();
        assert_eq!((after.usage.count, after.usage.total_minor), (1, 14990));
        assert_eq!((after.status, after.revision), (ConsentStatus::Authorized, 3));
        assert_eq!(store.history(&consent.id).await.unwrap().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn saving_over_a_newer_revision_undoes_the_transaction() {
    let database = sqlite().await;
    let store = SqlConsents::new(database.clone());
    let (waiting, entry) = uae_consent();
    store.insert(&waiting, &entry).await.unwrap();
    let (consent, entry) = authorised(&waiting);
    store.replace(&consent, &entry).await.unwrap();
    let old = consent.clone();
    let outcome = database
        .transaction(move |transaction| {
            let old = old.clone();
            Box::pin(async move { save(transaction, &old, None).await })
        })
        .await;
    assert!(outcome.is_err());
    assert_eq!(store.consent(&consent.id).await.unwrap().unwrap().revision, 2);
}

pub(crate) async fn sqlite() -> Database {
    let database = Database::open(&DatabaseUrl::sqlite_memory()).await.unwrap();
    database.migrate(&migrations()).await.unwrap();
    database
}

/// A schema of its own on the server that `MANDATE_TEST_POSTGRES` names. `None`, and said so, without it.
pub(crate) async fn postgres() -> Option<Database> {
    #[expect(
        clippy::disallowed_methods,
        reason = "where the test server is, only the one who started it knows"
    )]
    let Ok(server) = std::env::var("MANDATE_TEST_POSTGRES") else {
        println!("SKIPPED on PostgreSQL: MANDATE_TEST_POSTGRES is not set");
        return None;
    };
    let schema = format!("c_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let admin = Database::open(&DatabaseUrl::parse(&server).unwrap()).await.unwrap();
    admin.write(Statement::new(format!("DROP SCHEMA IF EXISTS {schema} CASCADE").leak())).await.unwrap();
    admin.write(Statement::new(format!("CREATE SCHEMA {schema}").leak())).await.unwrap();
    admin.close().await;
    let sign = if server.contains('?') { '&' } else { '?' };
    let url = DatabaseUrl::parse(&format!("{server}{sign}options[search_path]={schema}")).unwrap();
    let database = Database::open(&url).await.unwrap();
    database.migrate(&migrations()).await.unwrap();
    Some(database)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_in_memory_keep_the_contract() {
    let make = || async {
        let store = Arc::new(MemoryConsents::new());
        EventPorts { consents: store.clone(), events: store }
    };
    event_outbox_contract(make).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn events_in_sqlite_keep_the_contract() {
    event_outbox_contract(|| async { events_in(sqlite().await) }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn events_in_postgresql_keep_the_contract() {
    if postgres().await.is_some() {
        event_outbox_contract(|| async { events_in(postgres().await.unwrap()) }).await.unwrap();
    }
}

fn events_in(database: Database) -> EventPorts {
    let store = Arc::new(SqlConsents::new(database));
    EventPorts { consents: store.clone(), events: store }
}
