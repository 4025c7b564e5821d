//! Whether what is stored is what its rows in the audit trail are about: the histories of consents, and payments.

use std::collections::{HashMap, HashSet};

use oauth_core::Fault;
use oauth_core::store::database::{Database, DbError, Statement};
use rar_consent::ConsentStatus;
use rar_consent::audit::{AuditKind, Finding, TrailRow, digest};

/// What the rows of the trail are about, gathered while the trail is read.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// Digests of entries of histories.
    entries: HashMap<String, Place>,
    /// Consents that were approved: their histories are never forgotten.
    approved: HashMap<String, u64>,
    /// The newest row of each payment.
    payments: HashMap<String, (u64, String)>,
}

#[derive(Debug)]
struct Place {
    position: u64,
    consent: String,
}

const HISTORY: &str = "SELECT position, consent, body FROM consent_history WHERE position > $1
    ORDER BY position LIMIT 1000";
const PAYMENTS: &str = "SELECT id, body FROM payment WHERE id > $1 ORDER BY id LIMIT 1000";
const PAYMENT: &str = "SELECT body FROM payment WHERE id = $1";
const NEWEST: &str = "SELECT digest FROM audit_row WHERE kind = 'payment' AND subject = $1
    ORDER BY serial DESC LIMIT 1";

impl Contents {
    /// One more sealed row.
    pub(super) fn take(&mut self, found: &TrailRow) {
        let (Some(link), row) = (found.link, &found.row) else { return };
        let Some(digest) = row.digest.clone() else { return };
        if row.kind == AuditKind::Payment.as_str() {
            self.payments.insert(row.subject.clone(), (link.position, digest));
        } else if row.kind == AuditKind::Consent.as_str() {
            self.entries.insert(digest, Place { position: link.position, consent: row.subject.clone() });
            if row.to.as_deref() == Some(ConsentStatus::Authorized.as_str()) {
                self.approved.entry(row.subject.clone()).or_insert(link.position);
            }
        }
    }

    /// Holds what is stored against the rows.
    pub(super) async fn compare(mut self, database: &Database) -> Result<Vec<Finding>, Fault> {
        let mut findings = self.histories(database).await.map_err(fault)?;
        findings.extend(self.payments(database).await.map_err(fault)?);
        Ok(findings)
    }

    async fn histories(&mut self, database: &Database) -> Result<Vec<Finding>, DbError> {
        let (mut after, mut kept) = (0, HashSet::new());
        loop {
            let page = database.read(Statement::new(HISTORY).int(after)).await?;
            let Some(last) = page.last() else { break };
            after = last.int("position")?;
            for row in &page {
                self.entries.remove(&digest(row.text("body")?.as_bytes()).to_string());
                kept.insert(row.text("consent")?.to_owned());
            }
        }
        let changed = self.entries.values().filter(|place| kept.contains(&place.consent));
        let mut findings: Vec<Finding> =
            changed.map(|place| finding(place.position, "the history of consent", &place.consent)).collect();
        let gone = self.approved.iter().filter(|(consent, _)| !kept.contains(*consent));
        findings
            .extend(gone.map(|(consent, position)| finding(*position, "the history of consent", consent)));
        Ok(findings)
    }

    async fn payments(&mut self, database: &Database) -> Result<Vec<Finding>, DbError> {
        let (mut after, mut findings) = (String::new(), Vec::new());
        loop {
            let page = database.read(Statement::new(PAYMENTS).text(&*after)).await?;
            let Some(last) = page.last() else { break };
            after = last.text("id")?.to_owned();
            for row in &page {
                let id = row.text("id")?;
                let Some((position, kept)) = self.payments.remove(id) else { continue };
                let same = digest(row.text("body")?.as_bytes()).to_string() == kept;
                if !same && !moved_on(database, id).await? {
                    findings.push(finding(position, "payment", id));
                }
            }
        }
        let gone = self.payments.iter();
        findings.extend(gone.map(|(payment, (position, _))| finding(*position, "payment", payment)));
        Ok(findings)
    }
}

/// Whether a payment went on while the trail was read: then its newest row is about it as it is now.
async fn moved_on(database: &Database, id: &str) -> Result<bool, DbError> {
    let body = database.read_one(Statement::new(PAYMENT).text(id)).await?;
    let newest = database.read_one(Statement::new(NEWEST).text(id)).await?;
    let (Some(body), Some(newest)) = (body, newest) else { return Ok(false) };
    let now = digest(body.text(0_usize)?.as_bytes()).to_string();
    Ok(newest.opt_text(0_usize)? == Some(now.as_str()))
}

fn finding(position: u64, what: &str, which: &str) -> Finding {
    Finding::OtherContent { position, about: format!("{what} {which}") }
}

fn fault(error: DbError) -> Fault {
    Fault::new("audit", error)
}
