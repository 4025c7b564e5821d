use oauth_core::store::database::{DbError, Migration, MigrationSet, Statement};

use super::fixture::{TABLES, count, everywhere, file, insert, postgres};

#[tokio::test(flavor = "multi_thread")]
async fn migrating_twice_changes_nothing_the_second_time() {
    for place in everywhere().await {
        let db = place.with_tables().await;
        db.write(insert("a", 1)).await.unwrap();
        db.migrate(&TABLES).await.unwrap();
        assert_eq!(count(&db).await, 1, "{}", place.name);
        let book = Statement::new("SELECT version, applied_at FROM schema_migration WHERE set_name = 'test'");
        assert_eq!(db.read(book).await.unwrap().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_may_migrate_at_once() {
    let mut places = vec![file()];
    places.extend(postgres().await);
    for place in places {
        for _ in 0..20 {
            let all: Vec<_> = (0..8)
                .map(|_| {
                    let url = place.url.clone();
                    tokio::spawn(async move {
                        let db = oauth_core::store::database::Database::open(&url).await?;
                        db.migrate(&TABLES).await
                    })
                })
                .collect();
            for one in all {
                one.await.unwrap().unwrap();
            }
            let db = place.open().await;
            db.write(insert("a", 1)).await.unwrap();
            for drop in ["DROP TABLE item", "DROP TABLE entry", "DROP TABLE schema_migration"] {
                db.write(Statement::new(drop)).await.unwrap();
            }
            db.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_applied_migration_whose_text_has_changed_is_refused() {
    const CHANGED: MigrationSet =
        MigrationSet::new("test", &[Migration::shared(1, "items", "CREATE TABLE item (id TEXT)")]);
    for place in everywhere().await {
        let db = place.with_tables().await;
        let outcome = db.migrate(&CHANGED).await;
        assert!(matches!(outcome, Err(DbError::Corrupt { .. })), "{}: {outcome:?}", place.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_fails_half_way_leaves_nothing_behind() {
    const HALF: MigrationSet = MigrationSet::new(
        "half",
        &[Migration::shared(1, "half", "CREATE TABLE half (id TEXT); CREATE INDEX i ON absent (id);")],
    );
    const WHOLE: MigrationSet =
        MigrationSet::new("half", &[Migration::shared(1, "whole", "CREATE TABLE half (id TEXT)")]);
    for place in everywhere().await {
        let db = place.with_tables().await;
        assert!(db.migrate(&HALF).await.is_err());
        db.migrate(&WHOLE).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_out_of_order_is_refused() {
    const SET: MigrationSet = MigrationSet::new(
        "order",
        &[Migration::shared(2, "b", "SELECT 1"), Migration::shared(1, "a", "SELECT 1")],
    );
    let place = file();
    assert!(matches!(place.open().await.migrate(&SET).await, Err(DbError::Other(_))));
}
