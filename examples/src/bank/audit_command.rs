//! `bank audit`: verifies the audit trail in the database against its checkpoints, or shows what it says about a consent.
//! Changes nothing; the bank may run meanwhile.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use oauth_core::jose::JwkSet;
use oauth_core::store::database::Database;
use oauth_core::{Clock as _, ConsentId, Seconds, SystemClock};
use rar_consent::audit::{Checkpoint, Finding, Trail, TrailRow, Verifier};

use super::audit::AuditFiles;
use super::audit_contents::Contents;
use super::config::Deployment;
use super::ground;
use super::key_admin::text;

/// What to do with the audit trail.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Verifies the whole trail. Says what was edited, deleted, reordered, rewritten or cut off, and where; then it fails.
    Verify {
        /// Files of checkpoints, such as one that is kept elsewhere; without it the one of the data directory.
        #[arg(long, value_name = "FILE")]
        checkpoints: Vec<PathBuf>,
        /// The public keys of the trail, as an auditor got them; without it those of the data directory.
        #[arg(long, value_name = "FILE")]
        keys: Option<PathBuf>,
    },
    /// Shows what happened to a consent and under it, with the positions in the trail.
    Show {
        /// Its identifier.
        #[arg(long, value_name = "ID")]
        consent: String,
    },
}

/// What a command may end with.
type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Rows that wait longer than this to be sealed are a finding.
const SEALED_WITHIN: Seconds = Seconds::new(60);

/// Does it and says what was found.
///
/// # Errors
/// When the trail does not fit, or cannot be read.
pub async fn run(deployment: &Deployment, command: AuditCommand) -> Outcome {
    let database = ground::open_as_it_is(deployment).await?;
    let trail = Trail::new(database.clone());
    let outcome = match command {
        AuditCommand::Verify { checkpoints, keys } => {
            let own = AuditFiles::of(&deployment.data_dir);
            let files = if checkpoints.is_empty() { vec![own.checkpoints] } else { checkpoints };
            verify((&trail, &database), &files, &keys.unwrap_or(own.keys)).await
        }
        AuditCommand::Show { consent } => show(&trail, &consent).await,
    };
    database.close().await;
    outcome
}

async fn verify((trail, database): (&Trail, &Database), files: &[PathBuf], keys: &Path) -> Outcome {
    let set = std::fs::read(keys).map_err(|fault| format!("{}: {fault}", keys.display()))?;
    let set = JwkSet::read(&set).map_err(|fault| format!("{}: {fault}", keys.display()))?;
    let mut checkpoints = Checkpoints { keys: set, good: Vec::new(), bad: Vec::new() };
    for file in files {
        let text = std::fs::read_to_string(file).map_err(|fault| format!("{}: {fault}", file.display()))?;
        let lines: Vec<(String, &str)> = text
            .lines()
            .enumerate()
            .map(|(n, line)| (format!("{} line {}", file.display(), n.saturating_add(1)), line))
            .collect();
        checkpoints.read(&lines);
    }
    let outside = checkpoints.good.len();
    let mut after = 0;
    loop {
        let page = trail.checkpoints_after(after).await?;
        let lines: Vec<(String, &str)> =
            page.iter().map(|line| ("a checkpoint in the database".to_owned(), line.as_str())).collect();
        let before = checkpoints.good.len();
        checkpoints.read(&lines);
        let last = checkpoints.good.iter().skip(before).map(|checkpoint| checkpoint.link.position).max();
        match last {
            Some(last) if last > after => after = last,
            Some(_) | None => break,
        }
    }
    let mut verifier = Verifier::new(checkpoints.good.iter().copied());
    for bad in checkpoints.bad {
        verifier.note(bad);
    }
    if let Some(since) = trail.oldest_not_sealed().await?
        && since.plus(SEALED_WITHIN) < SystemClock.now()
    {
        verifier.note(Finding::NotSealed { since });
    }
    let mut contents = Contents::default();
    let mut findings = trail.verify_and(verifier, |row| contents.take(row)).await?;
    findings.extend(contents.compare(database).await?);
    report(trail, &findings, (&checkpoints.good, outside)).await
}

async fn report(
    trail: &Trail,
    findings: &[Finding],
    (checkpoints, outside): (&[Checkpoint], usize),
) -> Outcome {
    let mut out = std::io::stdout();
    let head = trail.head().await?;
    writeln!(
        out,
        "{} rows are sealed; the chain ends at position {} with {}.",
        trail.count().await?,
        head.position,
        head.hash
    )?;
    match checkpoints.iter().max_by_key(|checkpoint| checkpoint.link.position) {
        Some(last) => writeln!(
            out,
            "{outside} checkpoints are kept outside the database; the last one was signed at {} for position {}.",
            text(last.at),
            last.link.position
        )?,
        None => writeln!(out, "There is no checkpoint yet.")?,
    }
    if findings.is_empty() {
        writeln!(out, "The trail fits.")?;
        return Ok(());
    }
    for finding in findings {
        writeln!(out, "{finding}")?;
    }
    Err(format!("the audit trail does not fit: {} finding(s)", findings.len()).into())
}

/// Checkpoints as they are read, the good ones and the others.
struct Checkpoints {
    keys: JwkSet,
    good: Vec<Checkpoint>,
    bad: Vec<Finding>,
}

impl Checkpoints {
    fn read(&mut self, lines: &[(String, &str)]) {
        for (place, line) in lines {
            match Checkpoint::read(line, &self.keys) {
                Ok(checkpoint) => self.good.push(checkpoint),
                Err(fault) => {
                    self.bad.push(Finding::BadCheckpoint { place: place.clone(), what: fault.to_string() });
                }
            }
        }
    }
}

async fn show(trail: &Trail, consent: &str) -> Outcome {
    let id = ConsentId::new(consent).map_err(|_| "this is no identifier of a consent")?;
    let rows = trail.of_consent(&id).await?;
    if rows.is_empty() {
        return Err("the trail knows nothing of this consent".into());
    }
    let mut out = std::io::stdout();
    for row in &rows {
        writeln!(out, "{}", line(row))?;
    }
    Ok(())
}

/// One row for a terminal. What came from outside is shown without control characters.
fn line(found: &TrailRow) -> String {
    let TrailRow { link, row, .. } = found;
    let place = link.map_or_else(
        || "not sealed yet".to_owned(),
        |link| format!("{:>8}  {:.16}", link.position, link.hash.to_string()),
    );
    let by = match &row.actor {
        Some(actor) => format!("{} {actor}", row.role),
        None => row.role.clone(),
    };
    let (from, to) = (row.from.as_deref().unwrap_or("-"), row.to.as_deref().unwrap_or("-"));
    let mut line = format!(
        "{place}  {}  {} {}  {from} -> {to}  by {by} ({})",
        text(row.at),
        row.kind,
        row.subject,
        row.channel
    );
    if let Some(reason) = &row.reason {
        line.push_str(": ");
        line.push_str(reason);
    }
    line.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use oauth_core::store::database::{DatabaseUrl, Statement};
    use oauth_core::{Cause, Clock, Issuer, KeyEvent, KeyId, KeyStage, Timestamp};
    use rar_consent::audit::{AuditRow, insertion};

    use super::super::audit::Sealer;
    use super::*;
    use crate::keys::tests::Scratch;

    /// A bank's trail of ten rows, all sealed, with its files.
    async fn sealed(scratch: &Scratch) -> Trail {
        std::fs::create_dir_all(&scratch.0).unwrap();
        let url = DatabaseUrl::parse(&format!("sqlite:{}/bank.sqlite", scratch.0.display())).unwrap();
        let database = Database::open(&url).await.unwrap();
        ground::migrate(&database).await.unwrap();
        for n in 0..10 {
            let event = KeyEvent {
                at: Timestamp::from_seconds(1_795_248_000 + n),
                issuer: Issuer::new("https://bank.example").unwrap(),
                kid: KeyId::new(&format!("key-{n}")).unwrap(),
                alg: oauth_core::jose::Alg::Es256,
                from: None,
                to: Some(KeyStage::Active),
                cause: Cause { actor: "olga".to_owned(), reason: "a drill".to_owned() },
            };
            database.write(insertion(&AuditRow::of_key(&event))).await.unwrap();
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let sealer = Sealer::open(&scratch.0, &database, &clock).unwrap();
        sealer.round().await.unwrap();
        Trail::new(database)
    }

    async fn verified(scratch: &Scratch, trail: &Trail) -> Result<(), String> {
        let files = AuditFiles::of(&scratch.0);
        let url = DatabaseUrl::parse(&format!("sqlite:{}/bank.sqlite", scratch.0.display())).unwrap();
        let database = Database::open(&url).await.unwrap();
        verify((trail, &database), &[files.checkpoints], &files.keys).await.map_err(|fault| fault.to_string())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_sound_trail_is_verified_and_any_of_four_tamperings_fails_the_command() {
        for tampering in [
            None,
            Some("UPDATE audit_row SET reason = 'nothing' WHERE position = 4"),
            Some("DELETE FROM audit_row WHERE position = 4"),
            Some(
                "UPDATE audit_row SET position = 1000 WHERE position = 4;
                 UPDATE audit_row SET position = 4 WHERE position = 5;
                 UPDATE audit_row SET position = 5 WHERE position = 1000",
            ),
            Some(
                "DELETE FROM audit_row WHERE position > 7; DELETE FROM audit_checkpoint;
                 UPDATE audit_head SET position = 7",
            ),
        ] {
            let scratch = Scratch::new();
            let trail = sealed(&scratch).await;
            let database =
                DatabaseUrl::parse(&format!("sqlite:{}/bank.sqlite", scratch.0.display())).unwrap();
            let database = Database::open(&database).await.unwrap();
            for sql in tampering.into_iter().flat_map(|sql| sql.split(';')) {
                database.write(Statement::new(sql)).await.unwrap();
            }
            let outcome = verified(&scratch, &trail).await;
            assert_eq!(outcome.is_err(), tampering.is_some(), "{tampering:?}: {outcome:?}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_history_or_a_payment_that_was_changed_behind_its_row_is_named() {
        let scratch = Scratch::new();
        let trail = sealed(&scratch).await;
        let url = DatabaseUrl::parse(&format!("sqlite:{}/bank.sqlite", scratch.0.display())).unwrap();
        let database = Database::open(&url).await.unwrap();
        let payment = rar_consent::audit::digest(b"{\"amount\":1}").to_string();
        let entry = rar_consent::audit::digest(b"{\"to\":\"Authorized\"}").to_string();
        for sql in [
            "INSERT INTO payment (id, client, consent, customer, debtor, kind, created_at, stage, entry, body)
                VALUES ('p-1', 'c', 'c-1', 's', 'd', 'transfer', 1, 'received', 'e', '{\"amount\":1}')",
            "INSERT INTO consent_history (consent, at, body) VALUES ('c-1', 1, '{\"to\":\"Authorized\"}')",
        ] {
            database.write(Statement::new(sql)).await.unwrap();
        }
        for (kind, subject, digest) in [("payment", "p-1", payment), ("consent", "c-1", entry)] {
            let row = AuditRow {
                kind: kind.to_owned(),
                subject: subject.to_owned(),
                to: Some("Authorized".to_owned()),
                digest: Some(digest),
                ..trail.sealed_after(0).await.unwrap()[0].row.clone()
            };
            database.write(insertion(&row)).await.unwrap();
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Sealer::open(&scratch.0, &database, &clock).unwrap().round().await.unwrap();
        verified(&scratch, &trail).await.unwrap();
        database.write(Statement::new("UPDATE payment SET body = '{\"amount\":9}'")).await.unwrap();
        assert!(verified(&scratch, &trail).await.unwrap_err().contains("1 finding"), "an edited payment");
        database.write(Statement::new("DELETE FROM consent_history")).await.unwrap();
        assert!(
            verified(&scratch, &trail).await.unwrap_err().contains("2 finding"),
            "a history that is gone"
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_line_of_the_file_that_the_bank_did_not_sign_is_named() {
        let scratch = Scratch::new();
        let trail = sealed(&scratch).await;
        let file = AuditFiles::of(&scratch.0).checkpoints;
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text.lines().count(), 1);
        std::fs::write(&file, text.replace('.', ".A")).unwrap();
        assert!(verified(&scratch, &trail).await.unwrap_err().contains("1 finding"));
    }

    #[test]
    fn what_came_from_outside_moves_no_cursor() {
        let event = KeyEvent {
            at: Timestamp::from_seconds(0),
            issuer: Issuer::new("https://bank.example").unwrap(),
            kid: KeyId::new("key-1").unwrap(),
            alg: oauth_core::jose::Alg::Es256,
            from: None,
            to: None,
            cause: Cause { actor: "o\u{1b}[2J".to_owned(), reason: "two\nlines".to_owned() },
        };
        let shown = line(&TrailRow { serial: 1, link: None, row: AuditRow::of_key(&event) });
        assert!(!shown.chars().any(char::is_control), "{shown}");
    }
}
