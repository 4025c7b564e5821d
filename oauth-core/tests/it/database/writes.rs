use std::time::Duration;

use oauth_core::store::database::{Database, DbError, Engine, Statement};

use super::fixture::{count, everywhere, file, insert, postgres};

#[tokio::test(flavor = "multi_thread")]
async fn values_come_back_as_they_were_written_and_never_as_another_type() {
    for place in everywhere().await {
        let db = place.with_tables().await;
        let statement = Statement::new(
            "INSERT INTO item (id, n, data) VALUES ($2, $1, $3), ($4, -1, $5) RETURNING id, n, data",
        )
        .int(i64::MAX)
        .text("é")
        .bytes([0, 255])
        .text("")
        .opt_bytes(None::<Vec<u8>>);
        let written = db.write(statement).await.unwrap();
        assert_eq!(written.affected, 2, "{}", place.name);
        let row = &written.rows[0];
        assert_eq!(row.text("id").unwrap(), "é");
        assert_eq!(row.int(1).unwrap(), i64::MAX);
        assert_eq!(row.bytes("data").unwrap(), [0, 255]);
        assert_eq!(written.rows[1].opt_bytes("data").unwrap(), None);
        for wrong in [
            row.text("n").map(drop),
            row.int("id").map(drop),
            row.bytes("id").map(drop),
            row.int("absent").map(drop),
            row.int(9).map(drop),
            written.rows[1].bytes("data").map(drop),
        ] {
            assert!(matches!(wrong, Err(DbError::Corrupt { .. })), "{wrong:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_stand_for_their_numbers_wherever_they_stand() {
    for place in everywhere().await {
        let db = place.with_tables().await;
        let turned =
            Statement::new("INSERT INTO item (n, id) VALUES ($2, $1) RETURNING id, n, $2 + 1 AS more");
        let row = db.write(turned.text("a").int(7)).await.unwrap().first().unwrap();
        let found = (row.text("id").unwrap(), row.int("n").unwrap(), row.int("more").unwrap());
        assert_eq!(found, ("a", 7, 8), "{}", place.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_row_of_the_same_key_is_a_unique_violation_that_shows_no_value() {
    for place in everywhere().await {
        let db = place.with_tables().await;
        db.write(insert("hunter2", 1)).await.unwrap();
        let error = db.write(insert("hunter2", 2)).await.unwrap_err();
        assert!(matches!(error, DbError::UniqueViolation { .. }), "{}: {error:?}", place.name);
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        assert!(error.to_string().contains("item"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_tasks_that_spend_one_row_exactly_one_sees_it() {
    for place in everywhere().await {
        let db = place.with_tables().await;
        for round in 0..10 {
            let id = format!("code-{round}");
            db.write(insert(&id, 0)).await.unwrap();
            let tasks: Vec<_> = (0..64)
                .map(|_| {
                    let (db, id) = (db.clone(), id.clone());
                    tokio::spawn(async move {
                        let spend =
                            Statement::new("UPDATE item SET n = 1 WHERE id = $1 AND n = 0 RETURNING id");
                        db.write(spend.text(id)).await.unwrap().first().is_some()
                    })
                })
                .collect();
            let mut winners = 0;
            for task in tasks {
                winners += u32::from(task.await.unwrap());
            }
            assert_eq!(winners, 1, "{}", place.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_writes_to_a_file_share_commits_and_all_of_them_survive_reopening() {
    let place = file();
    let db = place.with_tables().await;
    let before = db.commits();
    let tasks: Vec<_> = (0..512)
        .map(|n| {
            let db = db.clone();
            tokio::spawn(
                async move { db.write(insert(format!("row-{n}"), n)).await.map(|done| done.affected) },
            )
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), 1);
    }
    let commits = db.commits() - before;
    assert!((8..=256).contains(&commits), "{commits} commits for 512 writes");
    db.close().await;
    assert_eq!(count(&place.open().await).await, 512);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_caller_has_gone_still_lands() {
    for place in everywhere().await {
        let db = place.with_tables().await;
        for n in 0..20 {
            // Polled once, then dropped.
            drop(tokio::time::timeout(Duration::ZERO, db.write(insert(format!("gone-{n}"), n))).await);
        }
        eventually(&db, 20, place.name).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_statement_of_a_caller_is_counted_once() {
    for place in everywhere().await {
        let db = place.with_tables().await;
        let before = db.statements();
        db.write(insert("a", 1)).await.unwrap();
        db.read(Statement::new("SELECT n FROM item")).await.unwrap();
        db.transaction(|transaction| {
            Box::pin(async move {
                transaction.execute(insert("b", 1)).await?;
                transaction.query_one(Statement::new("SELECT n FROM item")).await
            })
        })
        .await
        .unwrap();
        assert_eq!(db.statements() - before, 4, "{}", place.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_database_says_so() {
    for place in everywhere().await {
        let db = place.with_tables().await;
        db.close().await;
        db.close().await;
        assert!(matches!(db.write(insert("a", 1)).await, Err(DbError::Closed)), "{}", place.name);
        let read = db.read(Statement::new("SELECT n FROM item")).await;
        assert!(matches!(read, Err(DbError::Closed)), "{}: {read:?}", place.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_a_statement_is_refused_and_explained() {
    for place in everywhere().await {
        let db = place.with_tables().await;
        let error = db.write(Statement::new("UPDATE missing SET n = 1")).await.unwrap_err();
        assert!(matches!(&error, DbError::Other(text) if text.contains("missing")), "{error:?}");
        assert!(db.write(insert("after", 1)).await.is_ok());
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_and_its_log_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = file();
    let db = place.with_tables().await;
    db.write(insert("a", 1)).await.unwrap();
    for name in ["test.db", "test.db-wal"] {
        let mode = std::fs::metadata(place.path().with_file_name(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_a_file_cannot_write() {
    let place = file();
    let db = place.with_tables().await;
    assert!(db.read(insert("a", 1)).await.is_err());
    assert_eq!(count(&db).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_commit_of_a_file_waits_for_the_disk() {
    let place = file();
    let db = place.with_tables().await;
    for (pragma, wanted) in
        [("synchronous", 2), ("foreign_keys", 1), ("mmap_size", 0), ("busy_timeout", 5000)]
    {
        let row = db.write(Statement::new(format!("PRAGMA {pragma}").leak())).await.unwrap().first();
        assert_eq!(row.map(|row| row.int(0).unwrap()).unwrap_or_default(), wanted, "{pragma}");
    }
    let mode = db.write(Statement::new("PRAGMA journal_mode")).await.unwrap().first().unwrap();
    assert_eq!(mode.text(0).unwrap(), "wal");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_whose_connections_were_cut_recovers_by_itself() {
    let Some(place) = postgres().await else { return };
    let db = place.with_tables().await;
    assert_eq!(db.engine(), Engine::Postgres);
    let all: Vec<_> = (0..16)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move { db.write(Statement::new("SELECT CAST(pg_sleep(0.1) AS TEXT)")).await })
        })
        .collect();
    for one in all {
        one.await.unwrap().unwrap();
    }
    let other = place.open().await;
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE pid <> pg_backend_pid() AND application_name = 'mandate' AND query LIKE '%pg_sleep%'
               AND datname = current_database() AND state = 'idle'";
    other.write(Statement::new(cut)).await.unwrap();
    let mut failed = 0;
    for n in 0..50 {
        failed += u32::from(db.write(insert(format!("n-{n}"), n)).await.is_err());
    }
    assert!(failed <= 1, "{failed} of 50 writes failed");
    assert_eq!(count(&db).await, 50 - i64::from(failed));
}

async fn eventually(db: &Database, rows: i64, name: &str) {
    for _ in 0..200 {
        if count(db).await == rows {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{name}: {} rows instead of {rows}", count(db).await);
}
