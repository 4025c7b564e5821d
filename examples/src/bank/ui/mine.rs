//! The customer's own consents: what, who, until when, used so far, and how to end them.

use http::{Method, StatusCode};
use oauth_core::ConsentId;
use rar_consent::{Actor, Changed, Consent, ConsentStatus, Revoked, describe};

use super::web::{Answer, page, redirect};
use super::{Ui, UiFault, Visit, inbox, login, words};
use crate::pages::my_view::{
    ConsentDetailsView, ConsentLine, HistoryEntry, MyConsentsView, RevokeView, RevokedView,
};
use crate::pages::view::{Form, Hidden, Requester, Session};

/// What the revoke forms are for, in their form token.
const REVOKE: &str = "revoke";

/// The list.
pub(super) async fn list(ui: &Ui, visit: &Visit) -> Result<Answer, UiFault> {
    let Some((signed_in, _)) = &visit.signed_in else { return Ok(redirect(&ui.at("/sign-in"))) };
    let consents = ui.consents.of_subject(&signed_in.subject, visit.now).await?;
    let (mut open, mut ended) = (Vec::new(), Vec::new());
    for consent in consents.iter().filter(|consent| is_ours(ui, consent)) {
        let line = line(ui, consent, &requester(ui, consent).await?);
        if is_open(consent.status) {
            open.push(line);
        } else {
            ended.push(line);
        }
    }
    let inbox = inbox::lines(ui, visit).await?;
    let session = session(ui, visit);
    let view = MyConsentsView { session, inbox, open, ended, notice: None, older_href: None };
    Ok(page(StatusCode::OK, ui.pages.my_consents(&view)?, None))
}

/// One consent: `{id}`, `{id}/revoke`, `{id}/revoke/confirm`.
pub(super) async fn one(ui: &Ui, visit: &Visit, method: &Method, rest: &str) -> Result<Answer, UiFault> {
    let Some((signed_in, _)) = &visit.signed_in else { return Ok(redirect(&ui.at("/sign-in"))) };
    let (id, action) = rest.split_once('/').map_or((rest, ""), |(id, action)| (id, action));
    let id = ConsentId::new(id).map_err(|_| UiFault::NotFound)?;
    let consent = ui.consents.consent(&id, visit.now).await?.ok_or(UiFault::NotFound)?;
    if !is_ours(ui, &consent) {
        return Err(UiFault::NotFound);
    }
    if consent.subject.as_ref() != Some(&signed_in.subject) {
        return inbox::one(ui, visit, &consent, (method, action)).await;
    }
    match (method, action) {
        (&Method::GET, "") => details(ui, visit, &consent, None).await,
        (&Method::POST, "revoke") => ask(ui, visit, &consent).await,
        (&Method::POST, "revoke/confirm") => revoke(ui, visit, &consent).await,
        (_, "" | "revoke" | "revoke/confirm") => Err(UiFault::Method),
        (_, _) => Err(UiFault::NotFound),
    }
}

async fn details(ui: &Ui, visit: &Visit, consent: &Consent, error: Option<&str>) -> Result<Answer, UiFault> {
    let requester = requester(ui, consent).await?;
    let description = describe(consent);
    let mut history = Vec::new();
    for entry in ui.consents.history(&consent.id).await?.iter().rev() {
        history.push(HistoryEntry {
            at: words::moment(entry.at),
            what: happened(entry),
            by: by_whom(ui, visit, &entry.actor, &requester.name),
        });
    }
    let view = ConsentDetailsView {
        session: session(ui, visit),
        back_href: ui.at("/my/consents"),
        heading: words::title(&description, &requester.name),
        status: words::standing(consent.status),
        consent_id: consent.id.as_str().to_owned(),
        payments: words::payments(&description),
        sections: words::sections(&description),
        usage: Vec::new(),
        history,
        revoke: can_end(consent.status).then(|| form(ui, visit, consent, "revoke")),
        error: error.map(str::to_owned),
        requester,
    };
    Ok(page(StatusCode::OK, ui.pages.consent_details(&view)?, None))
}

async fn ask(ui: &Ui, visit: &Visit, consent: &Consent) -> Result<Answer, UiFault> {
    check_token(ui, visit, consent)?;
    let requester = requester(ui, consent).await?;
    let view = RevokeView {
        session: session(ui, visit),
        form: form(ui, visit, consent, "revoke/confirm"),
        keep_href: path(ui, consent, ""),
        summary: words::summary(&describe(consent)),
        consequence: consequence(consent, &requester.name),
        requester_name: requester.name,
    };
    Ok(page(StatusCode::OK, ui.pages.revoke(&view)?, None))
}

async fn revoke(ui: &Ui, visit: &Visit, consent: &Consent) -> Result<Answer, UiFault> {
    check_token(ui, visit, consent)?;
    let Some((signed_in, _)) = &visit.signed_in else { return Err(UiFault::Form) };
    let actor = Actor::Customer(signed_in.subject.clone());
    match ui.consents.revoke(&consent.id, &actor, "ended on the bank's page", visit.now).await? {
        Revoked::Now | Revoked::Before => {}
        Revoked::Illegal(_) => {
            return details(ui, visit, consent, Some("This consent has already ended.")).await;
        }
        Revoked::Unknown => return Err(UiFault::NotFound),
    }
    let requester = requester(ui, consent).await?;
    let view = RevokedView {
        session: session(ui, visit),
        at: words::moment(visit.now),
        consequence: format!("{} can no longer use it. This took effect at once.", requester.name),
        requester_name: requester.name,
        my_consents_href: ui.at("/my/consents"),
    };
    Ok(page(StatusCode::OK, ui.pages.revoked(&view)?, None))
}

pub(super) fn line(ui: &Ui, consent: &Consent, requester: &Requester) -> ConsentLine {
    let period = match (is_open(consent.status), consent.until) {
        (true, Some(until)) => format!("Until {}", words::moment(until).shown),
        (true, None) => "Until you end it".to_owned(),
        (false, _) => format!("Ended {}", words::moment(consent.status_at).shown),
    };
    let used = match consent.usage.count {
        0 => None,
        1 => Some("Used once".to_owned()),
        count => Some(format!("Used {count} times")),
    };
    ConsentLine {
        href: path(ui, consent, ""),
        requester_name: requester.name.clone(),
        summary: words::summary(&describe(consent)),
        status: words::standing(consent.status),
        period,
        used,
    }
}

fn is_open(status: ConsentStatus) -> bool {
    match status {
        ConsentStatus::AwaitingAuthorization | ConsentStatus::Authorized | ConsentStatus::Suspended => true,
        ConsentStatus::Rejected
        | ConsentStatus::Revoked
        | ConsentStatus::Expired
        | ConsentStatus::Finished => false,
    }
}

/// What waits is declined by those who are asked, and what is over has ended.
fn can_end(status: ConsentStatus) -> bool {
    is_open(status) && status != ConsentStatus::AwaitingAuthorization
}

/// What happened, in words.
fn happened(entry: &rar_consent::HistoryEntry) -> String {
    let what = match entry.what {
        Changed::Status => words::transition(entry.to),
        Changed::Request => "Opened",
        Changed::Terms => "Changed",
        Changed::Subscription => "Events",
        Changed::Decision => "Decided",
    };
    if entry.reason.is_empty() { what.to_owned() } else { format!("{what}: {}", entry.reason) }
}

/// Who did it: another customer, who had to approve as well, by name.
fn by_whom(ui: &Ui, visit: &Visit, actor: &Actor, requester: &str) -> String {
    let own = visit.signed_in.as_ref().map(|(signed_in, _)| &signed_in.subject);
    match actor {
        Actor::Customer(subject) if Some(subject) != own => {
            ui.customers.by_subject(subject).map_or_else(|| "Another customer".to_owned(), |other| other.name)
        }
        Actor::Customer(_) | Actor::Tpp(_) | Actor::Operator(_) | Actor::Clock | Actor::Engine => {
            words::actor(actor, requester)
        }
    }
}

fn consequence(consent: &Consent, requester: &str) -> String {
    if !is_open(consent.status) {
        return "This consent has already ended.".to_owned();
    }
    format!(
        "{requester} can no longer use this consent. Payments that are already on their way are not called back."
    )
}

/// A customer may have given consents at several issuers; each shows its own.
pub(super) fn is_ours(ui: &Ui, consent: &Consent) -> bool {
    consent.issuer == ui.server.settings().issuer
}

pub(super) fn path(ui: &Ui, consent: &Consent, action: &str) -> String {
    let slash = if action.is_empty() { "" } else { "/" };
    ui.at(&format!("/my/consents/{}{slash}{action}", consent.id))
}

fn form(ui: &Ui, visit: &Visit, consent: &Consent, action: &str) -> Form {
    let session = visit.session.as_deref().unwrap_or_default();
    Form {
        action: path(ui, consent, action),
        csrf: Hidden::new(ui.sessions.form_token(session, &format!("{REVOKE} {}", consent.id))),
        ticket: None,
    }
}

fn check_token(ui: &Ui, visit: &Visit, consent: &Consent) -> Result<(), UiFault> {
    let purpose = format!("{REVOKE} {}", consent.id);
    if ui.sessions.form_token_fits(visit.posted.get("csrf"), visit.session.as_deref(), &purpose) {
        Ok(())
    } else {
        Err(UiFault::Form)
    }
}

pub(super) fn session(ui: &Ui, visit: &Visit) -> Session {
    let name = visit.signed_in.as_ref().map(|(_, customer)| customer.name.clone()).unwrap_or_default();
    let cookie = visit.session.as_deref().unwrap_or_default();
    let csrf = Hidden::new(ui.sessions.form_token(cookie, login::SIGN_OUT));
    Session { name, sign_out: Form { action: ui.at("/sign-out"), csrf, ticket: None } }
}

pub(super) async fn requester(ui: &Ui, consent: &Consent) -> Result<Requester, UiFault> {
    let client = ui.clients.client(&consent.client).await?;
    Ok(match client.as_deref() {
        Some(client) => words::requester(client),
        None => gone(consent),
    })
}

/// A third party that has left the register still has its name in old consents.
fn gone(consent: &Consent) -> Requester {
    let name = consent.client.as_str().to_owned();
    Requester {
        organisation_id: name.clone(),
        domain: String::new(),
        name,
        register: "no longer registered".to_owned(),
    }
}
