use std::sync::{Arc, Mutex};

use oauth_core::store::contract::{BEGINNING, claims_contract, key_ring_contract, store_contract};
use oauth_core::store::keys::MemoryKeyRing;
use oauth_core::store::memory::{MemoryClaims, MemoryStore};
use oauth_core::store::redis::RedisClaims;
use oauth_core::store::sql::{SqlClaims, SqlKeyRing, SqlStore};
use oauth_core::{Claims, KeyRing, Store};

use super::{fresh_name, migrated};
use crate::database::fixture::{self, Place};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_in_memory_keeps_the_contract() {
    store_contract(|| async { kept(MemoryStore::new()) }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_in_a_sqlite_file_keeps_the_contract() {
    let places = Mutex::new(Vec::new());
    store_contract(|| async {
        let place = fixture::file();
        let store = SqlStore::new(migrated(&place).await);
        places.lock().unwrap().push(place);
        kept(store)
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_in_sqlite_memory_keeps_the_contract() {
    store_contract(|| async { kept(SqlStore::new(migrated(&fixture::memory()).await)) }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_in_postgresql_keeps_the_contract() {
    if fixture::postgres().await.is_none() {
        return;
    }
    store_contract(|| async {
        let place = fixture::postgres().await.unwrap();
        kept(SqlStore::new(migrated(&place).await))
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn claims_in_memory_keep_the_contract() {
    claims_contract(|| async { claimed(MemoryClaims::new(BEGINNING)) }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn claims_in_every_database_keep_the_contract() {
    for make in [Engine::File, Engine::Memory, Engine::Postgres] {
        if matches!(make, Engine::Postgres) && fixture::postgres().await.is_none() {
            return;
        }
        let places = Mutex::new(Vec::new());
        claims_contract(|| async {
            let place = make.place().await;
            let claims = SqlClaims::new(migrated(&place).await);
            places.lock().unwrap().push(place);
            claimed(claims)
        })
        .await
        .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn claims_in_redis_keep_the_contract() {
    let Some(url) = crate::services::redis() else { return };
    claims_contract(|| async { claimed(RedisClaims::connect(url, &fresh_name(), BEGINNING).await.unwrap()) })
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_ring_in_memory_keeps_the_contract() {
    key_ring_contract(|| async { ringed(MemoryKeyRing::new()) }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_ring_in_every_database_keeps_the_contract() {
    for make in [Engine::File, Engine::Memory, Engine::Postgres] {
        if matches!(make, Engine::Postgres) && fixture::postgres().await.is_none() {
            return;
        }
        let places = Mutex::new(Vec::new());
        key_ring_contract(|| async {
            let place = make.place().await;
            let ring = SqlKeyRing::new(migrated(&place).await);
            places.lock().unwrap().push(place);
            ringed(ring)
        })
        .await
        .unwrap();
    }
}

#[derive(Clone, Copy)]
enum Engine {
    File,
    Memory,
    Postgres,
}

impl Engine {
    async fn place(self) -> Place {
        match self {
            Self::File => fixture::file(),
            Self::Memory => fixture::memory(),
            Self::Postgres => fixture::postgres().await.unwrap(),
        }
    }
}

fn kept(store: impl Store + 'static) -> Arc<dyn Store> {
    Arc::new(store)
}

fn ringed(ring: impl KeyRing + 'static) -> Arc<dyn KeyRing> {
    Arc::new(ring)
}

fn claimed(claims: impl Claims + 'static) -> Arc<dyn Claims> {
    Arc::new(claims)
}
