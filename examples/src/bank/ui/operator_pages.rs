//! The operators' pages about consents.

use http::StatusCode;
use rar_consent::audit::{TrailRow, digest};
use rar_consent::{Consent, ConsentStatus, HistoryEntry, Language};

use super::web::{Answer, page};
use super::words;
use crate::pages::my_view;
use crate::pages::operator_view::{OperatorConsentView, OperatorLine, OperatorListView, ShownView, Verb};
use crate::pages::view::{Emphasis, Form, Hidden, Row};
use crate::pages::words::Words;
use crate::pages::{Pages, PagesFault};

use super::super::operator::PAGES;

/// A consent with everything that was written about it.
pub(in crate::bank) struct Found {
    pub(in crate::bank) consent: Consent,
    pub(in crate::bank) history: Vec<HistoryEntry>,
    pub(in crate::bank) trail: Vec<TrailRow>,
}

impl Found {
    /// Where an entry of the history stands in the audit trail, once sealed.
    pub(in crate::bank) fn position(&self, entry: &HistoryEntry) -> Option<u64> {
        let stored = serde_json::to_string(entry).ok()?;
        let own = digest(stored.as_bytes()).to_string();
        let row = self.trail.iter().find(|row| row.row.digest.as_deref() == Some(own.as_str()))?;
        row.link.map(|link| link.position)
    }
}

/// The list.
pub(in crate::bank) fn list(pages: &Pages, wanted: &str, found: &[Consent]) -> Result<Answer, PagesFault> {
    let t = Words::of(Language::English);
    let fields: Vec<(String, String)> = serde_urlencoded::from_str(wanted).unwrap_or_default();
    let field = |wanted: &str| {
        let value = fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
        value.unwrap_or_default()
    };
    let line = |consent: &Consent| OperatorLine {
        href: format!("{PAGES}/{}", consent.id),
        id: consent.id.as_str().to_owned(),
        client: consent.client.as_str().to_owned(),
        customer: consent.subject.as_ref().map(|subject| subject.as_str().to_owned()),
        status: words::standing(consent.status, t),
        created_at: words::moment_of(&consent.terms, consent.created_at, t),
    };
    let view = OperatorListView {
        find_path: PAGES.to_owned(),
        id: field("id"),
        client: field("client"),
        customer: field("customer"),
        status: field("status"),
        statuses: ConsentStatus::ALL.iter().map(|status| status.as_str()).collect(),
        lines: found.iter().map(line).collect(),
    };
    Ok(page(StatusCode::OK, pages.further("operator_consents", "Consents", &view)?, None))
}

/// One consent.
pub(in crate::bank) fn one(
    pages: &Pages,
    found: &Found,
    token: &str,
    error: Option<&str>,
) -> Result<Answer, PagesFault> {
    let t = Words::of(Language::English);
    let consent = &found.consent;
    let view = OperatorConsentView {
        back_href: PAGES.to_owned(),
        heading: consent.id.as_str().to_owned(),
        status: words::standing(consent.status, t),
        rows: rows(consent, t),
        history: history(found, t),
        shown: found.history.iter().filter_map(|entry| shown(entry, consent, t)).collect(),
        form: Form { action: format!("{PAGES}/{}", consent.id), csrf: Hidden::new(token), ticket: None },
        verbs: verbs(consent.status),
        error: error.map(str::to_owned),
    };
    let status = if error.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    Ok(page(status, pages.further("operator_consent", consent.id.as_str(), &view)?, None))
}

/// The text of an approval, with who read it.
fn shown(entry: &HistoryEntry, consent: &Consent, t: &Words) -> Option<ShownView> {
    let text = entry.shown.as_ref()?;
    Some(ShownView {
        by: entry.actor.name().unwrap_or_else(|| entry.actor.role().as_str()).to_owned(),
        at: words::moment_of(&consent.terms, entry.at, t),
        hash: text.sha256(),
        language: text.language.clone(),
        text: text.text.clone(),
    })
}

fn rows(consent: &Consent, t: &Words) -> Vec<Row> {
    let row = |term: &str, value: &str| Row {
        term: term.to_owned(),
        value: value.to_owned(),
        emphasis: Emphasis::Plain,
    };
    let moment = |at| words::moment_of(&consent.terms, at, t).shown;
    let mut rows = vec![row("Issuer", consent.issuer.as_str()), row("Third party", consent.client.as_str())];
    rows.extend(consent.subject.as_ref().map(|subject| row("Customer", subject.as_str())));
    rows.push(row("Asked for", &moment(consent.created_at)));
    rows.push(row("Status since", &moment(consent.status_at)));
    rows.extend(consent.until.map(|until| row("Ends", &moment(until))));
    rows.push(row("Payments", &consent.usage.count.to_string()));
    rows
}

fn history(found: &Found, t: &Words) -> Vec<my_view::HistoryEntry> {
    let entry = |entry: &HistoryEntry| {
        let place = found.position(entry).map_or_else(
            || "not sealed yet".to_owned(),
            |position| format!("position {position} of the audit trail"),
        );
        let channel = entry.channel.map_or("", rar_consent::Channel::as_str);
        let by = match entry.actor.name() {
            Some(name) => format!("{} {name}", entry.actor.role().as_str()),
            None => entry.actor.role().as_str().to_owned(),
        };
        my_view::HistoryEntry {
            at: words::moment_of(&found.consent.terms, entry.at, t),
            what: format!("{}: {}", words::event(entry, t), entry.reason),
            by: format!("{by}, {channel}; {place}"),
        }
    };
    found.history.iter().map(entry).collect()
}

fn verbs(status: ConsentStatus) -> Vec<Verb> {
    let verb = |name, label| Verb { name, label };
    match status {
        ConsentStatus::Authorized => vec![verb("suspend", "Hold"), verb("revoke", "End")],
        ConsentStatus::Suspended => vec![verb("resume", "Let go on"), verb("revoke", "End")],
        ConsentStatus::AwaitingAuthorization
        | ConsentStatus::Rejected
        | ConsentStatus::Revoked
        | ConsentStatus::Expired
        | ConsentStatus::Finished => Vec::new(),
    }
}
