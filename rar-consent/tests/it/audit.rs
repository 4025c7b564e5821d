//! The audit trail: what is written is sealed, and what is changed afterwards is found and named.

use std::sync::Arc;

use oauth_core::jose::{JwkSet, SigningKey};
use oauth_core::store::database::{Database, Statement};
use oauth_core::{ConsentId, Seconds, Timestamp};
use rar_consent::audit::{
    Checkpoint, CheckpointFault, CheckpointKey, CheckpointPace, Finding, Link, Trail, Verifier, Witness,
};
use rar_consent::{Actor, Channel, Consent, ConsentStatus, ConsentStore as _, SqlConsents};
use ring::rand::SystemRandom;
use tokio::task::JoinSet;

use crate::fixture::{NOW, authorised, uae_consent};
use crate::stores::{postgres, sqlite};

/// A checkpoint after every turn.
const EACH: CheckpointPace = CheckpointPace { rows: 1, every: Seconds::days(40_000) };
/// No checkpoint in any test.
const NEVER: CheckpointPace = CheckpointPace { rows: u64::MAX, every: Seconds::days(40_000) };

fn later(seconds: i64) -> Timestamp {
    NOW.plus(Seconds::new(seconds))
}

/// A trail of ten rows: two consents asked for, then one approved, suspended, resumed and revoked.
struct Bench {
    database: Database,
    trail: Trail,
    key: Arc<CheckpointKey>,
    signed: Vec<Checkpoint>,
}

impl Bench {
    async fn filled(database: Database) -> Self {
        let key = SigningKey::generate_es256(&SystemRandom::new()).unwrap();
        let key = Arc::new(CheckpointKey::new(&key, SystemRandom::new()).unwrap());
        let mut bench = Self { trail: Trail::new(database.clone()), database, key, signed: Vec::new() };
        let store = SqlConsents::new(bench.database.clone());
        let (waiting, entry) = uae_consent();
        store.insert(&waiting, &entry).await.unwrap();
        let (mut consent, entry) = authorised(&waiting);
        store.replace(&consent, &entry).await.unwrap();
        bench.seal(NEVER).await;
        let bank = Actor::Operator("olga".to_owned());
        for (step, to) in
            [ConsentStatus::Suspended, ConsentStatus::Authorized].iter().cycle().take(8).enumerate()
        {
            consent.revision += 1;
            let (moved, entry) =
                consent.moved(*to, &bank, "checked", later(i64::try_from(step).unwrap())).unwrap();
            store.replace(&moved, &entry).await.unwrap();
            consent = moved;
            let pace = if step == 4 { EACH } else { NEVER };
            bench.seal(pace).await;
        }
        bench
    }

    async fn seal(&mut self, pace: CheckpointPace) {
        let sealed = self.trail.seal(&self.key, pace, later(100)).await.unwrap();
        self.signed.extend(sealed.checkpoint);
    }

    async fn findings(&self) -> Vec<Finding> {
        self.trail.verify(Verifier::new(self.signed.iter().copied())).await.unwrap()
    }

    async fn tamper(&self, sql: &'static str) {
        assert!(self.database.write(Statement::new(sql)).await.unwrap().affected > 0, "{sql}");
    }
}

async fn everywhere() -> Vec<Bench> {
    let mut benches = vec![Bench::filled(sqlite().await).await];
    if let Some(database) = postgres().await {
        benches.push(Bench::filled(database).await);
    }
    benches
}

/// Breaks a trail of its own on every engine, and says what is found.
async fn found_after(tampering: &[&'static str]) -> Vec<Vec<Finding>> {
    let mut all = Vec::new();
    for bench in everywhere().await {
        assert_eq!(bench.findings().await, Vec::new(), "before anything is done to it");
        for sql in tampering {
            bench.tamper(sql).await;
        }
        all.push(bench.findings().await);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_transition_of_a_consent_is_sealed_in_order_with_actor_channel_and_reason() {
    for bench in everywhere().await {
        let rows = bench.trail.sealed_after(0).await.unwrap();
        let said: Vec<_> = rows
            .iter()
            .map(|row| {
                let (position, row) = (row.link.unwrap().position, &row.row);
                let to = row.to.clone().unwrap();
                (position, row.role.clone(), row.channel.clone(), to, row.reason.clone())
            })
            .collect();
        let line = |position, role: &str, channel: &str, to: &str, reason: Option<&str>| {
            (position, role.to_owned(), channel.to_owned(), to.to_owned(), reason.map(str::to_owned))
        };
        assert_eq!(said[0], line(1, "tpp", "api", "AwaitingAuthorization", None));
        assert_eq!(said[1], line(2, "customer", "online_banking", "Authorized", None));
        assert_eq!(said[2], line(3, "operator", "operator", "Suspended", Some("checked")));
        assert_eq!(said.len(), 10);
        assert_eq!(bench.trail.head().await.unwrap(), rows[9].link.unwrap());
        assert_eq!(bench.signed.len(), 1);
        assert_eq!(bench.signed[0].link, rows[6].link.unwrap());
        assert_eq!(bench.trail.oldest_not_sealed().await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_row_is_found_and_named() {
    for sql in [
        "UPDATE audit_row SET reason = 'nothing' WHERE position = 5",
        "UPDATE audit_row SET actor = NULL WHERE position = 5",
        "UPDATE audit_row SET at = at + 1 WHERE position = 5",
        "UPDATE audit_row SET customer = client, client = NULL WHERE position = 5",
        "UPDATE audit_row SET digest = 'x' WHERE position = 5",
    ] {
        for found in found_after(&[sql]).await {
            assert_eq!(found, [Finding::Edited { position: 5 }], "{sql}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_row_is_found_and_named_even_when_the_rest_was_renumbered() {
    let delete = "DELETE FROM audit_row WHERE position = 5";
    for found in found_after(&[delete]).await {
        assert_eq!(found, [Finding::Deleted { from: 5, to: 5 }]);
    }
    let renumber = [
        delete,
        "UPDATE audit_row SET position = position + 1000 WHERE position > 5",
        "UPDATE audit_row SET position = position - 1001 WHERE position > 1000",
        "UPDATE audit_head SET position = 9",
    ];
    for found in found_after(&renumber).await {
        assert!(found.contains(&Finding::Renumbered { from: 5, missing: 1 }), "{found:?}");
        assert!(found.iter().any(|one| matches!(one, Finding::Rewritten { position: 7, .. })), "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_in_each_others_place_are_found_and_named() {
    let positions = [
        "UPDATE audit_row SET position = 1000 WHERE position = 4",
        "UPDATE audit_row SET position = 4 WHERE position = 6",
        "UPDATE audit_row SET position = 6 WHERE position = 1000",
    ];
    for found in found_after(&positions).await {
        assert_eq!(found, [Finding::Exchanged { one: 4, other: 6 }]);
    }
    let neighbours = [
        "UPDATE audit_row SET position = 1000 WHERE position = 4",
        "UPDATE audit_row SET position = 4 WHERE position = 5",
        "UPDATE audit_row SET position = 5 WHERE position = 1000",
    ];
    for found in found_after(&neighbours).await {
        assert_eq!(found, [Finding::Exchanged { one: 4, other: 5 }]);
    }
    for bench in everywhere().await {
        let rows = bench.trail.sealed_after(0).await.unwrap();
        for sql in [
            "UPDATE audit_row SET position = 1000 WHERE position = 3",
            "UPDATE audit_row SET position = 3 WHERE position = 7",
            "UPDATE audit_row SET position = 7 WHERE position = 1000",
        ] {
            bench.tamper(sql).await;
        }
        for index in [2, 6] {
            let Link { position, hash } = rows[index].link.unwrap();
            let sql = Statement::new("UPDATE audit_row SET hash = $1 WHERE position = $2");
            let sql = sql.text(hash.to_string()).int(i64::try_from(position).unwrap());
            bench.database.write(sql).await.unwrap();
        }
        assert_eq!(bench.findings().await, [Finding::Exchanged { one: 3, other: 7 }], "contents");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_tail_is_found_by_the_checkpoint_even_when_the_database_agrees_with_itself() {
    let cut = "DELETE FROM audit_row WHERE position > 6";
    for found in found_after(&[cut]).await {
        assert!(matches!(
            found[..],
            [Finding::CutOff { ends_at: 6, went_to: 7, witness: Witness::Checkpoint(_) }]
        ));
    }
    let agreeing = [
        cut,
        "DELETE FROM audit_checkpoint",
        "UPDATE audit_head SET position = 6, signed_position = 0,
            hash = (SELECT hash FROM audit_row WHERE position = 6)",
    ];
    for found in found_after(&agreeing).await {
        assert!(matches!(
            found[..],
            [Finding::CutOff { ends_at: 6, went_to: 7, witness: Witness::Checkpoint(_) }]
        ));
    }
    for found in found_after(&["DELETE FROM audit_row WHERE position > 8"]).await {
        assert_eq!(found, [Finding::CutOff { ends_at: 8, went_to: 10, witness: Witness::Head }]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trail_that_was_computed_anew_is_not_the_one_that_was_signed() {
    for bench in everywhere().await {
        bench.tamper("UPDATE audit_row SET reason = 'nothing' WHERE position = 5").await;
        let mut link = Link::BEGINNING;
        for row in bench.trail.sealed_after(0).await.unwrap() {
            link = link.next(&row.row);
            let sql = Statement::new("UPDATE audit_row SET hash = $1 WHERE serial = $2");
            bench.database.write(sql.text(link.hash.to_string()).int(row.serial)).await.unwrap();
        }
        let signed_at = bench.signed[0].at;
        assert_eq!(bench.findings().await, [Finding::Rewritten { position: 7, signed_at }]);
        let blind = bench.trail.verify(Verifier::new([])).await.unwrap();
        assert_eq!(blind, [], "without a checkpoint nobody could know");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_sealers_at_once_none_seals_a_row_twice_and_none_is_left_out() {
    for bench in everywhere().await {
        let store = SqlConsents::new(bench.database.clone());
        let mut racers = JoinSet::new();
        for n in 0..40 {
            let (store, trail, key) = (store.clone(), bench.trail.clone(), Arc::clone(&bench.key));
            racers.spawn(async move {
                let (waiting, entry) = uae_consent();
                let id = ConsentId::new(&format!("69255d98-ab0e-4758-92a7-{n:012x}")).unwrap();
                store.insert(&Consent { id, ..waiting }, &entry).await.unwrap();
                trail.seal(&key, EACH, later(200)).await.unwrap();
            });
        }
        racers.join_all().await;
        bench.trail.seal(&bench.key, EACH, later(201)).await.unwrap();
        assert_eq!(bench.trail.count().await.unwrap(), 50);
        assert_eq!(bench.trail.head().await.unwrap().position, 50);
        assert_eq!(bench.findings().await, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forgotten_of_a_consent_stays_in_the_trail() {
    for bench in everywhere().await {
        let store = SqlConsents::new(bench.database.clone());
        let (waiting, entry) = uae_consent();
        let id = ConsentId::new("69255d98-ab0e-4758-92a7-0123456789ab").unwrap();
        let waiting = Consent { id: id.clone(), ..waiting };
        store.insert(&waiting, &entry).await.unwrap();
        let (over, entry) = waiting.at(later(400 * 86_400)).unwrap();
        assert_eq!(entry.channel, Some(Channel::Clock));
        store.replace(&over, &entry).await.unwrap();
        assert_eq!(store.forget(later(800 * 86_400)).await.unwrap(), 1);
        assert_eq!(store.history(&id).await.unwrap(), []);
        assert_eq!(bench.trail.of_consent(&id).await.unwrap().len(), 2);
        bench.trail.seal(&bench.key, NEVER, later(1)).await.unwrap();
        assert_eq!(bench.findings().await, []);
    }
}

#[test]
fn a_checkpoint_is_signed_by_a_key_of_the_bank_and_is_nothing_else() {
    let new = || {
        let der = SigningKey::generate_es256(&SystemRandom::new()).unwrap();
        CheckpointKey::new(&der, SystemRandom::new()).unwrap()
    };
    let (own, other) = (new(), new());
    let checkpoint = Checkpoint { link: Link { position: 7, ..Link::BEGINNING }, at: NOW };
    let text = own.sign(&checkpoint).unwrap();
    let set = |key: &CheckpointKey| JwkSet::new(vec![key.public()]);
    assert_eq!(Checkpoint::read(&text, &set(&own)), Ok(checkpoint));
    assert_eq!(Checkpoint::read(&text, &set(&other)), Err(CheckpointFault::Signature));
    let mut forged = text.split('.').map(str::to_owned).collect::<Vec<_>>();
    forged[1] = other.sign(&Checkpoint { at: Timestamp::from_millis(0), ..checkpoint }).unwrap();
    forged[1] = forged[1].split('.').nth(1).unwrap().to_owned();
    assert_eq!(Checkpoint::read(&forged.join("."), &set(&own)), Err(CheckpointFault::Signature));
    assert_eq!(Checkpoint::read("", &set(&own)), Err(CheckpointFault::Malformed));
}

#[test]
fn no_statement_of_this_program_changes_or_deletes_what_was_noted() {
    for (name, text) in [
        ("store/sql.rs", include_str!("../../src/store/sql.rs")),
        ("audit/trail.rs", include_str!("../../src/audit/trail.rs")),
        ("audit/sealer.rs", include_str!("../../src/audit/sealer.rs")),
        ("payments.rs", include_str!("../../../resource-server/src/store/sql/payments.rs")),
        ("settle.rs", include_str!("../../../resource-server/src/store/sql/settle.rs")),
    ] {
        let text = text.replace(char::is_whitespace, " ");
        let count = |what: &str| text.matches(what).count();
        let forgetting = usize::from(name == "store/sql.rs");
        assert_eq!(
            count("DELETE FROM consent_history"),
            forgetting,
            "{name}: only forgetting deletes history"
        );
        let sealing = usize::from(name == "audit/sealer.rs");
        assert_eq!(count("UPDATE audit_row"), sealing, "{name}: only the seal is added to a row");
        for never in ["UPDATE consent_history", "DELETE FROM audit_row", "DELETE FROM audit_checkpoint"] {
            assert_eq!(count(never), 0, "{name}: {never}");
        }
    }
}

/// Prints what writing a row and sealing it costs, each by itself. Six rows are a UAE payment with its consent.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures: cargo test -p rar-consent --all-features what_a_row_costs -- --ignored --nocapture"]
#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock of the machine")]
async fn what_a_row_costs() {
    const ROWS: u32 = 5120;
    for bench in everywhere().await {
        let row = bench.trail.sealed_after(0).await.unwrap()[1].row.clone();
        let begun = std::time::Instant::now();
        for _ in 0..ROWS / 64 {
            let row = row.clone();
            let work = bench.database.transaction(move |transaction| {
                let row = row.clone();
                Box::pin(async move {
                    for _ in 0..64 {
                        transaction.execute(rar_consent::audit::insertion(&row)).await?;
                    }
                    Ok(())
                })
            });
            work.await.unwrap();
        }
        let written = begun.elapsed();
        let begun = std::time::Instant::now();
        let statements = bench.database.statements();
        while bench.trail.seal(&bench.key, CheckpointPace::default(), later(300)).await.unwrap().is_full() {}
        let sealed = begun.elapsed();
        let statements = bench.database.statements() - statements;
        println!(
            "{:?}: {:?} to write a row, {:?} to seal it; {statements} statements for {ROWS} rows",
            bench.database,
            written / ROWS,
            sealed / ROWS
        );
        assert_eq!(bench.findings().await, []);
    }
}
