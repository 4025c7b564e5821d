use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use oauth_core::store::database::{Database, DbError, Isolation, Statement, Transaction};
use tokio::sync::{Barrier, Notify};

use super::fixture::{count, everywhere, file, insert, memory, postgres, postgres_with};

#[derive(Debug, PartialEq)]
struct TooMuch(u32);

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_given_up_leaves_nothing_and_returns_its_reason() {
    for place in everywhere().await {
        let db = place.with_tables().await;
        let outcome: Result<(), DbError> = db
            .transaction(|transaction| {
                Box::pin(async move {
                    transaction.execute(insert("a", 1)).await?;
                    Err(Transaction::abort(TooMuch(7)))
                })
            })
            .await;
        assert_eq!(outcome.unwrap_err().into_reason::<TooMuch>().unwrap(), TooMuch(7), "{}", place.name);
        assert_eq!(count(&db).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_in_which_a_statement_failed_is_undone_even_if_the_work_carries_on() {
    for place in everywhere().await {
        let db = place.with_tables().await;
        db.write(insert("taken", 1)).await.unwrap();
        let outcome = db
            .transaction(|transaction| {
                Box::pin(async move {
                    transaction.execute(insert("a", 1)).await?;
                    drop(transaction.execute(insert("taken", 1)).await);
                    drop(transaction.execute(insert("b", 1)).await);
                    Ok(())
                })
            })
            .await;
        assert!(matches!(outcome, Err(DbError::UniqueViolation { .. })), "{}: {outcome:?}", place.name);
        assert_eq!(count(&db).await, 1, "{}", place.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_waits_runs_before_the_next_one_or_at_the_end() {
    for place in everywhere().await {
        let db = place.with_tables().await;
        let before = db.statements();
        let seen = db.transaction(|transaction| {
            Box::pin(async move {
                transaction.later(insert("a", 1));
                transaction.later(insert("b", 2));
                let names = transaction.query(Statement::new("SELECT id FROM item ORDER BY id")).await?;
                transaction.later(insert("c", 3));
                transaction.later(Statement::new("UPDATE item SET n = 4 WHERE id = $1").text("c"));
                names.iter().map(|row| row.text(0_usize).map(str::to_owned)).collect::<Result<Vec<_>, _>>()
            })
        });
        assert_eq!(seen.await.unwrap(), ["a", "b"], "{}", place.name);
        assert_eq!(db.statements() - before, 5, "{}", place.name);
        let changed = db.read_one(Statement::new("SELECT n FROM item WHERE id = $1").text("c")).await;
        assert_eq!(changed.unwrap().unwrap().int(0_usize).unwrap(), 4, "{}", place.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_waited_and_fails_undoes_the_transaction_at_the_next_one_and_at_the_end() {
    for place in everywhere().await {
        let db = place.with_tables().await;
        db.write(insert("taken", 1)).await.unwrap();
        let next = db.transaction(|transaction| {
            Box::pin(async move {
                transaction.later(insert("taken", 2));
                drop(transaction.execute(insert("a", 1)).await);
                transaction.later(insert("b", 1));
                Ok(())
            })
        });
        let next = next.await;
        assert!(matches!(next, Err(DbError::UniqueViolation { .. })), "{}: {next:?}", place.name);
        let end = db.transaction(|transaction| {
            Box::pin(async move {
                transaction.execute(insert("c", 1)).await?;
                transaction.later(insert("d", 1));
                transaction.later(insert("taken", 2));
                Ok(())
            })
        });
        let end = end.await;
        assert!(matches!(end, Err(DbError::UniqueViolation { .. })), "{}: {end:?}", place.name);
        assert_eq!(count(&db).await, 1, "{}", place.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_a_transaction_that_is_given_up_never_runs() {
    for place in everywhere().await {
        let db = place.with_tables().await;
        let before = db.statements();
        let given_up: Result<(), DbError> = db
            .transaction(|transaction| {
                Box::pin(async move {
                    transaction.later(insert("a", 1));
                    Err(Transaction::abort(TooMuch(1)))
                })
            })
            .await;
        assert_eq!(given_up.unwrap_err().into_reason::<TooMuch>().unwrap(), TooMuch(1), "{}", place.name);
        assert_eq!((db.statements() - before, count(&db).await), (0, 0), "{}", place.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_transaction_undoes_it_and_harms_nobody_else() {
    for place in everywhere().await {
        let db = place.with_tables().await;
        for _ in 0..20 {
            let outcome: Result<(), DbError> = db
                .transaction(|transaction| {
                    Box::pin(async move {
                        transaction.execute(insert("a", 1)).await?;
                        panic!("on purpose");
                    })
                })
                .await;
            assert!(matches!(outcome, Err(DbError::Other(_))), "{}: {outcome:?}", place.name);
        }
        db.write(insert("a", 1)).await.unwrap();
        assert_eq!(count(&db).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_whose_caller_has_gone_is_finished() {
    for place in everywhere().await {
        let db = place.with_tables().await;
        let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let caller = {
            let (db, begun, go_on) = (db.clone(), Arc::clone(&begun), Arc::clone(&go_on));
            tokio::spawn(async move {
                db.transaction(move |t| Box::pin(two_rows(t, begun.clone(), go_on.clone()))).await
            })
        };
        begun.notified().await;
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        go_on.notify_one();
        for _ in 0..200 {
            let rows = count(&db).await;
            assert_ne!(rows, 1, "{}", place.name);
            if rows == 2 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(count(&db).await, 2, "{}", place.name);
    }
}

async fn two_rows(t: &mut Transaction<'_>, begun: Arc<Notify>, go_on: Arc<Notify>) -> Result<(), DbError> {
    t.execute(insert("first", 1)).await?;
    begun.notify_one();
    go_on.notified().await;
    t.execute(insert("second", 2)).await.map(drop)
}

/// Holds the writer until told, so that what is sent meanwhile becomes one batch.
async fn hold(db: &Database) -> (tokio::task::JoinHandle<Result<(), DbError>>, Arc<Notify>) {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let holder = {
        let (db, begun, go_on) = (db.clone(), Arc::clone(&begun), Arc::clone(&go_on));
        tokio::spawn(async move {
            db.transaction(move |t| Box::pin(two_rows(t, begun.clone(), go_on.clone()))).await
        })
    };
    begun.notified().await;
    (holder, go_on)
}

async fn later<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    let task = tokio::spawn(work);
    tokio::time::sleep(Duration::from_millis(20)).await;
    task
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_batch_that_fails_leaves_the_others_alone() {
    for place in [file(), memory()] {
        let db = place.with_tables().await;
        let (holder, go_on) = hold(&db).await;
        let before = db.commits();
        let (a, b, c, d, e) = (db.clone(), db.clone(), db.clone(), db.clone(), db.clone());
        let write = later(async move { a.write(insert("write", 1)).await.map(drop) }).await;
        let given_up: tokio::task::JoinHandle<Result<(), DbError>> = later(async move {
            b.transaction(|t| {
                Box::pin(async move {
                    t.execute(insert("given up", 1)).await?;
                    Err(Transaction::abort(()))
                })
            })
            .await
        })
        .await;
        let clash = later(async move { c.write(insert("write", 1)).await.map(drop) }).await;
        let clash_inside = later(async move {
            d.transaction(|t| {
                Box::pin(async move {
                    t.execute(insert("lost", 1)).await?;
                    t.execute(insert("write", 1)).await.map(drop)
                })
            })
            .await
        })
        .await;
        let good = later(async move {
            e.transaction(|t| Box::pin(async move { t.execute(insert("good", 1)).await.map(drop) })).await
        })
        .await;
        go_on.notify_one();
        holder.await.unwrap().unwrap();
        write.await.unwrap().unwrap();
        good.await.unwrap().unwrap();
        assert!(matches!(given_up.await.unwrap(), Err(DbError::Aborted(_))));
        assert!(matches!(clash.await.unwrap(), Err(DbError::UniqueViolation { .. })));
        assert!(matches!(clash_inside.await.unwrap(), Err(DbError::UniqueViolation { .. })));
        assert_eq!(db.commits() - before, 2, "the holder's, and one for the batch");
        assert_eq!(count(&db).await, 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_sqlite_rolls_back_by_itself_fails_as_a_whole() {
    for place in [file(), memory()] {
        let db = place.with_tables().await;
        db.write(insert("taken", 1)).await.unwrap();
        let (holder, go_on) = hold(&db).await;
        let (a, b, c) = (db.clone(), db.clone(), db.clone());
        let earlier = later(async move { a.write(insert("earlier", 1)).await }).await;
        // Stands for a full disk: the one failure of a constraint that ends the transaction around it.
        let fatal = Statement::new("INSERT OR ROLLBACK INTO item (id, n) VALUES ('taken', 1)");
        let fatal = later(async move { b.write(fatal).await }).await;
        let after = later(async move { c.write(insert("after", 1)).await }).await;
        go_on.notify_one();
        holder.await.unwrap().unwrap();
        for outcome in [earlier.await.unwrap(), fatal.await.unwrap(), after.await.unwrap()] {
            assert!(outcome.is_err());
        }
        assert_eq!(count(&db).await, 3, "{}", place.name);
        db.write(insert("afterwards", 1)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_does_not_end_is_undone_and_the_writer_goes_on() {
    let place = file();
    let db = place.with_tables().await;
    let stuck = {
        let db = db.clone();
        tokio::spawn(async move {
            db.transaction(|t| {
                Box::pin(async move {
                    t.execute(insert("stuck", 1)).await?;
                    std::future::pending::<Result<(), DbError>>().await
                })
            })
            .await
        })
    };
    tokio::time::sleep(Duration::from_millis(100)).await;
    tokio::time::timeout(Duration::from_secs(20), db.write(insert("next", 1))).await.unwrap().unwrap();
    assert!(matches!(stuck.await.unwrap(), Err(DbError::Busy { .. })));
    assert_eq!(count(&db).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_never_stops_asking_is_undone_too() {
    for place in [file(), memory()] {
        let db = place.with_tables().await;
        let endless: Result<(), DbError> = db
            .transaction(|t| {
                Box::pin(async move {
                    t.execute(insert("endless", 1)).await?;
                    loop {
                        t.query(Statement::new("SELECT n FROM item")).await?;
                    }
                })
            })
            .await;
        assert!(matches!(endless, Err(DbError::Busy { .. })), "{}: {endless:?}", place.name);
        db.write(insert("next", 1)).await.unwrap();
        assert_eq!(count(&db).await, 1, "{}", place.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_read_while_it_is_written() {
    let place = file();
    let db = place.with_tables().await;
    db.write(insert("before", 1)).await.unwrap();
    let (holder, go_on) = hold(&db).await;
    for _ in 0..3 {
        let found = db.look_up(Statement::new("SELECT n FROM item WHERE id = 'before'")).await.unwrap();
        assert_eq!(found.unwrap().int(0_usize).unwrap(), 1);
        assert_eq!(count(&db).await, 1);
    }
    go_on.notify_one();
    holder.await.unwrap().unwrap();
    assert_eq!(count(&db).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serializable_transaction_that_loses_is_run_again() {
    let Some(place) = postgres().await else { return };
    let db = place.with_tables().await;
    let (meet, runs) = (Arc::new(Barrier::new(2)), Arc::new(AtomicU32::new(0)));
    let tasks: Vec<_> = ["a", "b"]
        .map(|id| {
            let (db, meet, runs) = (db.clone(), Arc::clone(&meet), Arc::clone(&runs));
            tokio::spawn(async move {
                db.transaction_at(Isolation::Serializable, move |t| {
                    Box::pin(count_then_insert(t, id, meet.clone(), runs.clone()))
                })
                .await
            })
        })
        .into();
    let mut seen = Vec::new();
    for task in tasks {
        seen.push(task.await.unwrap().unwrap());
    }
    seen.sort_unstable();
    assert_eq!(seen, [0, 1], "one after the other");
    // a busy engine may turn the loser away more than once
    assert!(runs.load(Ordering::Relaxed) > 2);
}

async fn count_then_insert(
    t: &mut Transaction<'_>,
    id: &'static str,
    meet: Arc<Barrier>,
    runs: Arc<AtomicU32>,
) -> Result<i64, DbError> {
    let rows = t.query(Statement::new("SELECT count(*) FROM item")).await?;
    if runs.fetch_add(1, Ordering::Relaxed) < 2 {
        meet.wait().await;
    }
    t.execute(insert(id, 1)).await?;
    rows[0].int(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_loses_a_deadlock_is_run_again() {
    // found long before a wait for a lock ends, however busy the machine is
    let Some(place) = postgres_with("&options[deadlock_timeout]=20ms").await else { return };
    let db = place.with_tables().await;
    db.write(insert("a", 0)).await.unwrap();
    db.write(insert("b", 0)).await.unwrap();
    let (meet, runs) = (Arc::new(Barrier::new(2)), Arc::new(AtomicU32::new(0)));
    let tasks: Vec<_> = [("a", "b"), ("b", "a")]
        .map(|(first, second)| {
            let (db, meet, runs) = (db.clone(), Arc::clone(&meet), Arc::clone(&runs));
            tokio::spawn(async move {
                db.transaction(move |t| Box::pin(raise_both(t, [first, second], meet.clone(), runs.clone())))
                    .await
            })
        })
        .into();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(runs.load(Ordering::Relaxed), 3);
    let rows = db.read(Statement::new("SELECT n FROM item")).await.unwrap();
    assert!(rows.iter().all(|row| row.int(0).unwrap() == 2));
}

async fn raise_both(
    t: &mut Transaction<'_>,
    ids: [&'static str; 2],
    meet: Arc<Barrier>,
    runs: Arc<AtomicU32>,
) -> Result<(), DbError> {
    let raise = |id| Statement::new("UPDATE item SET n = n + 1 WHERE id = $1").text(id);
    t.execute(raise(ids[0])).await?;
    if runs.fetch_add(1, Ordering::Relaxed) < 2 {
        meet.wait().await;
    }
    t.execute(raise(ids[1])).await.map(drop)
}
