use std::time::Duration;

use super::fixture::{everywhere, insert};

/// Prints single-row writes per second; asserts nothing.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, run by hand"]
async fn writes_per_second() {
    for place in everywhere().await {
        let db = place.with_tables().await;
        for tasks in [1, 8, 64] {
            let before = db.statements();
            let commits = db.commits();
            let all: Vec<_> = (0..tasks)
                .map(|task| {
                    let db = db.clone();
                    tokio::spawn(async move {
                        for n in 0.. {
                            db.write(insert(format!("{tasks}-{task}-{n}"), n)).await.unwrap();
                        }
                    })
                })
                .collect();
            tokio::time::sleep(Duration::from_secs(3)).await;
            let (done, commits) = (db.statements() - before, db.commits() - commits);
            all.iter().for_each(tokio::task::JoinHandle::abort);
            println!("{} {tasks} tasks: {} writes/s in {} commits/s", place.name, done / 3, commits / 3);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
