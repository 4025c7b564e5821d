use oauth_core::store::database::{Chained, Database, DbError, Statement};

use super::fixture::{count, everywhere, file, insert};

fn raise(id: &str, from: i64) -> Statement {
    Statement::new("UPDATE item SET n = n + 1 WHERE id = $1 AND n = $2").text(id).int(from)
}

async fn n_of(db: &Database, id: &str) -> Option<i64> {
    let query = Statement::new("SELECT n, data FROM item WHERE id = $1").text(id);
    db.look_up(query).await.unwrap().map(|row| row.int("n").unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_is_kept_when_each_of_its_statements_changes_a_row_and_not_otherwise() {
    for place in everywhere().await {
        let db = place.with_tables().await;
        let whole = vec![insert("a", 1), raise("a", 1), insert("b", 7)];
        assert_eq!(db.chain(whole).await.unwrap(), Chained::Done, "{}", place.name);
        assert_eq!((n_of(&db, "a").await, n_of(&db, "b").await), (Some(2), Some(7)), "{}", place.name);
        let stops = vec![insert("c", 1), raise("a", 99), insert("d", 1)];
        assert_eq!(db.chain(stops).await.unwrap(), Chained::Stopped(1), "{}", place.name);
        let fails = vec![insert("c", 1), insert("a", 1)];
        let failed = db.chain(fails).await;
        assert!(matches!(failed, Err(DbError::UniqueViolation { .. })), "{}: {failed:?}", place.name);
        let stops_first = vec![raise("nobody", 1), insert("a", 1)];
        assert_eq!(db.chain(stops_first).await.unwrap(), Chained::Stopped(0), "{}", place.name);
        assert_eq!(count(&db).await, 2, "{}", place.name);
    }
}

/// On SQLite they share commits: one that does not come to its end must not take the others with it.
#[tokio::test(flavor = "multi_thread")]
async fn chains_and_writes_at_one_time_do_not_meet_each_other() {
    for place in everywhere().await {
        let db = place.with_tables().await;
        let mut racers = tokio::task::JoinSet::new();
        for n in 0..96 {
            let db = db.clone();
            racers.spawn(async move {
                let id = format!("i-{n}");
                match n % 4 {
                    0 => {
                        db.chain(vec![insert(&id, 1), raise(&id, 1)]).await.map(|done| done == Chained::Done)
                    }
                    1 => {
                        db.chain(vec![insert(&id, 1), raise(&id, 5)]).await.map(|done| done != Chained::Done)
                    }
                    2 => Ok(db.chain(vec![insert(&id, 1), insert(&id, 1)]).await.is_err()),
                    _ => db.write(insert(&id, 9)).await.map(|written| written.affected == 1),
                }
            });
        }
        let expected = racers.join_all().await;
        assert!(
            expected.iter().all(|as_expected| matches!(as_expected, Ok(true))),
            "{}: {expected:?}",
            place.name
        );
        for n in 0..96 {
            let wanted = [Some(2), None, None, Some(9)][n % 4];
            assert_eq!(n_of(&db, &format!("i-{n}")).await, wanted, "{} {n}", place.name);
        }
    }
}

/// On SQLite changes of the same statements make one trip.
#[tokio::test(flavor = "multi_thread")]
async fn changes_that_travel_together_are_each_answered_with_their_own_rows() {
    for place in everywhere().await {
        let db = place.with_tables().await;
        let mut racers = tokio::task::JoinSet::new();
        for n in 0..90_i64 {
            let db = db.clone();
            racers.spawn(async move {
                let id = format!("i-{n}");
                if n % 3 == 0 {
                    assert_eq!(db.chain(vec![insert(&id, n), raise(&id, n)]).await.unwrap(), Chained::Done);
                } else {
                    let insert = Statement::new("INSERT INTO item (id, n) VALUES ($1, $2) RETURNING id, n");
                    let row = db.write(insert.text(&id).int(n)).await.unwrap().first().unwrap();
                    assert_eq!((row.text("id").unwrap(), row.int("n").unwrap()), (&*id, n));
                }
            });
        }
        racers.join_all().await;
        for n in 0..90 {
            let wanted = if n % 3 == 0 { n + 1 } else { n };
            assert_eq!(n_of(&db, &format!("i-{n}")).await, Some(wanted), "{}", place.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_written_by_requests_that_need_not_wait_is_one_commit() {
    let db = file().with_tables().await;
    let before = db.commits();
    let inside = db.clone();
    let all = tokio::spawn(async move {
        let mut requests = tokio::task::JoinSet::new();
        for n in 0..8 {
            let db = inside.clone();
            requests.spawn(async move { db.write(insert(format!("i-{n}"), n)).await.map(drop) });
        }
        requests.join_all().await
    });
    assert!(all.await.unwrap().iter().all(Result::is_ok));
    assert_eq!(db.commits() - before, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn look_ups_at_one_time_each_find_their_own_row_or_none() {
    for place in everywhere().await {
        let db = place.with_tables().await;
        for n in 0..40 {
            db.write(insert(format!("i-{n}"), n)).await.unwrap();
        }
        let mut racers = tokio::task::JoinSet::new();
        for n in 0..200_i64 {
            let db = db.clone();
            racers.spawn(async move {
                let by_id = Statement::new("SELECT n, data FROM item WHERE id = $1 AND n = $2");
                let wrong = Statement::new("SELECT absent FROM item WHERE id = $1").text("i-1");
                match n % 5 {
                    4 => assert!(db.look_up(wrong).await.is_err()),
                    3 => {
                        assert_eq!(n_of(&db, &format!("i-{}", n % 80)).await, (n % 80 < 40).then_some(n % 80))
                    }
                    _ => {
                        let found =
                            db.look_up(by_id.text(format!("i-{}", n % 50)).int(n % 50)).await.unwrap();
                        let found = found
                            .map(|row| (row.int(0_usize).unwrap(), row.opt_bytes("data").unwrap().is_none()));
                        assert_eq!(found, (n % 50 < 40).then_some((n % 50, true)));
                    }
                }
            });
        }
        racers.join_all().await;
        db.close().await;
        let closed = db.look_up(Statement::new("SELECT n FROM item WHERE id = 'i-1'")).await;
        assert!(matches!(closed, Err(DbError::Closed)), "{}: {closed:?}", place.name);
    }
}
