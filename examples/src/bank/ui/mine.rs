//! The customer's own consents: what, who, until when, used so far, and how to end them.

use http::{Method, StatusCode};
use oauth_core::ConsentId;
use rar_consent::{Actor, Consent, ConsentStatus, Language, Revoked};

use super::web::{Answer, page, redirect};
use super::{Ui, UiFault, Visit, inbox, login, usage, words};
use crate::pages::Pages;
use crate::pages::my_view::{
    ConsentDetailsView, ConsentLine, HistoryEntry, MyConsentsView, RevokeView, RevokedView,
};
use crate::pages::view::{Form, Hidden, Requester, Session};
use crate::pages::words::{Words, fill};

/// What the revoke forms are for, in their form token.
const REVOKE: &str = "revoke";

/// The list.
pub(super) async fn list(ui: &Ui, visit: &Visit) -> Result<Answer, UiFault> {
    let Some((signed_in, _)) = &visit.signed_in else { return Ok(redirect(&ui.at("/sign-in"))) };
    let (language, pages) = spoken(ui, visit);
    let consents = ui.consents.of_subject(&signed_in.subject, visit.now).await?;
    let (mut open, mut ended) = (Vec::new(), Vec::new());
    for consent in consents.iter().filter(|consent| is_ours(ui, consent)) {
        let line = line(ui, visit, consent, &requester(ui, consent, pages.words()).await?, language);
        if is_open(consent.status) {
            open.push(line);
        } else {
            ended.push(line);
        }
    }
    let inbox = inbox::lines(ui, visit, language).await?;
    let session = session(ui, visit);
    let view = MyConsentsView { session, inbox, open, ended, notice: None, older_href: None };
    Ok(page(StatusCode::OK, pages.my_consents(&view)?, None))
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
    let (language, pages) = spoken(ui, visit);
    let t = pages.words();
    let requester = requester(ui, consent, t).await?;
    let description = ui.describe(consent, language);
    let entry = |entry: &rar_consent::HistoryEntry| HistoryEntry {
        at: words::moment_of(&consent.terms, entry.at, t),
        what: words::event(entry, t).to_owned(),
        by: by_whom(ui, visit, &entry.actor, (&requester.name, t)),
    };
    let view = ConsentDetailsView {
        session: session(ui, visit),
        back_href: ui.at("/my/consents"),
        heading: words::title(&description, &requester.name, t),
        status: words::standing(consent.status, t),
        consent_id: consent.id.as_str().to_owned(),
        payments: words::payments(&description),
        sections: words::sections(&description),
        usage: usage::counters(consent, t),
        next_payment: usage::next_payment(consent, visit.now, t),
        history: ui.consents.history(&consent.id).await?.iter().rev().map(entry).collect(),
        revoke: can_end(consent.status).then(|| form(ui, visit, consent, "revoke")),
        error: error.map(str::to_owned),
        requester,
    };
    Ok(page(StatusCode::OK, pages.consent_details(&view)?, None))
}

async fn ask(ui: &Ui, visit: &Visit, consent: &Consent) -> Result<Answer, UiFault> {
    check_token(ui, visit, consent)?;
    let (language, pages) = spoken(ui, visit);
    let t = pages.words();
    let requester = requester(ui, consent, t).await?;
    let view = RevokeView {
        session: session(ui, visit),
        form: form(ui, visit, consent, "revoke/confirm"),
        keep_href: path(ui, consent, ""),
        summary: words::summary(&ui.describe(consent, language), t),
        consequence: consequence(consent, &requester.name, t),
        requester_name: requester.name,
    };
    Ok(page(StatusCode::OK, pages.revoke(&view)?, None))
}

async fn revoke(ui: &Ui, visit: &Visit, consent: &Consent) -> Result<Answer, UiFault> {
    check_token(ui, visit, consent)?;
    let Some((signed_in, _)) = &visit.signed_in else { return Err(UiFault::Form) };
    let (_, pages) = spoken(ui, visit);
    let t = pages.words();
    let actor = Actor::Customer(signed_in.subject.clone());
    match ui.consents.revoke(&consent.id, &actor, "ended on the bank's page", visit.now).await? {
        Revoked::Now | Revoked::Before => {}
        Revoked::Illegal(_) => return details(ui, visit, consent, Some(t.already_ended)).await,
        Revoked::Unknown => return Err(UiFault::NotFound),
    }
    let requester = requester(ui, consent, t).await?;
    let view = RevokedView {
        session: session(ui, visit),
        at: words::moment_of(&consent.terms, visit.now, t),
        consequence: fill(t.no_longer_used, &requester.name),
        requester_name: requester.name,
        my_consents_href: ui.at("/my/consents"),
    };
    Ok(page(StatusCode::OK, pages.revoked(&view)?, None))
}

/// A customer's own pages have no request behind them.
pub(super) fn spoken(ui: &Ui, visit: &Visit) -> (Language, Pages) {
    let language = visit.language(None);
    (language, ui.pages_in(language, visit))
}

pub(super) fn line(
    ui: &Ui,
    visit: &Visit,
    consent: &Consent,
    requester: &Requester,
    language: Language,
) -> ConsentLine {
    let t = Words::of(language);
    let moment = |at| words::moment_of(&consent.terms, at, t).shown;
    let period = match (is_open(consent.status), consent.until) {
        (true, Some(until)) => fill(t.until, &moment(until)),
        (true, None) => t.until_ended.to_owned(),
        (false, _) => fill(t.ended_at, &moment(consent.status_at)),
    };
    ConsentLine {
        href: path(ui, consent, ""),
        requester_name: requester.name.clone(),
        summary: words::summary(&ui.describe(consent, language), t),
        status: words::standing(consent.status, t),
        period,
        used: usage::gist(consent, t),
        next_payment: usage::next_payment(consent, visit.now, t),
        stop: can_end(consent.status).then(|| form(ui, visit, consent, "revoke")),
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

/// Who did it: another customer, who had to approve as well, by name.
fn by_whom(ui: &Ui, visit: &Visit, actor: &Actor, (requester, t): (&str, &Words)) -> String {
    let own = visit.signed_in.as_ref().map(|(signed_in, _)| &signed_in.subject);
    match actor {
        Actor::Customer(subject) if Some(subject) != own => {
            ui.customers.by_subject(subject).map_or_else(|| t.another_customer.to_owned(), |other| other.name)
        }
        Actor::Customer(_) | Actor::Tpp(_) | Actor::Operator(_) | Actor::Clock | Actor::Engine => {
            words::actor(actor, requester, t)
        }
    }
}

fn consequence(consent: &Consent, requester: &str, t: &Words) -> String {
    if is_open(consent.status) { fill(t.not_called_back, requester) } else { t.already_ended.to_owned() }
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

pub(super) async fn requester(ui: &Ui, consent: &Consent, t: &Words) -> Result<Requester, UiFault> {
    let client = ui.clients.client(&consent.client).await?;
    Ok(match client.as_deref() {
        Some(client) => words::requester(client, t),
        None => gone(consent, t),
    })
}

/// A third party that has left the register still has its name in old consents.
fn gone(consent: &Consent, t: &Words) -> Requester {
    let name = consent.client.as_str().to_owned();
    Requester {
        organisation_id: name.clone(),
        domain: String::new(),
        name,
        register: t.no_longer_registered.to_owned(),
    }
}
