//! What waits for a customer's approval because an account asks for more than one person: the same words as on the page of
//! the first approval, and the decision, once.

use http::{Method, StatusCode};
use oauth_core::ShownText;
use rar_consent::{
    Actor, ApprovalState, AuthorizerApproval, Channel, Consent, Decided, Decision, Language, Vote,
};

use super::web::{Answer, page};
use super::{Ui, UiFault, Visit, mine, words};
use crate::pages::inbox_view::{ApprovalView, ApproverLine};
use crate::pages::my_view::ConsentLine;
use crate::pages::view::{Form, Hidden};
use crate::pages::words::{Words, fill};
use crate::pages::{Pages, agreed_text};

/// What the decision form is for, in its form token.
const DECIDE: &str = "approval";

/// The requests that wait for the customer who is signed in, for the list of consents.
pub(super) async fn lines(ui: &Ui, visit: &Visit, language: Language) -> Result<Vec<ConsentLine>, UiFault> {
    let t = Words::of(language);
    let Some((signed_in, _)) = &visit.signed_in else { return Ok(Vec::new()) };
    let mut lines = Vec::new();
    for consent in ui.consents.waiting_for(&signed_in.subject, visit.now).await? {
        if mine::is_ours(ui, &consent) {
            let requester = mine::requester(ui, &consent, t).await?;
            let period = fill(t.approve_by, &words::moment(consent.authorise_until, t).shown);
            let line = mine::line(ui, visit, &consent, &requester, language);
            lines.push(ConsentLine { period, used: None, next_payment: None, stop: None, ..line });
        }
    }
    Ok(lines)
}

/// One request: shown, and decided at `{id}/decide`. Whoever is not asked finds nothing here.
pub(super) async fn one(
    ui: &Ui,
    visit: &Visit,
    consent: &Consent,
    (method, action): (&Method, &str),
) -> Result<Answer, UiFault> {
    let own = own_entry(visit, consent).ok_or(UiFault::NotFound)?;
    match (method, action) {
        (&Method::GET, "") => show(ui, visit, (consent, own), None).await,
        (&Method::POST, "decide") => decide(ui, visit, (consent, own)).await,
        (_, "" | "decide") => Err(UiFault::Method),
        (_, _) => Err(UiFault::NotFound),
    }
}

/// The customer pressed a button.
async fn decide(
    ui: &Ui,
    visit: &Visit,
    (consent, own): (&Consent, &AuthorizerApproval),
) -> Result<Answer, UiFault> {
    let read = visit.posted.get("shown").unwrap_or_default();
    let purpose = purpose(consent, read);
    if !ui.sessions.form_token_fits(visit.posted.get("csrf"), visit.session.as_deref(), &purpose) {
        return Err(UiFault::Form);
    }
    let Some((signed_in, _)) = &visit.signed_in else { return Err(UiFault::Form) };
    let (_, pages) = mine::spoken(ui, visit);
    let t = pages.words();
    let decision = match visit.posted.get("decision") {
        Some("approve") => Decision::Approved,
        Some("deny") => Decision::Rejected,
        Some(_) | None => return show(ui, visit, (consent, own), Some(t.decide_first)).await,
    };
    let text = agreed(ui, visit, (consent, own)).await?;
    if decision == Decision::Approved && text.sha256() != read {
        let mut answer = show(ui, visit, (consent, own), Some(t.text_changed)).await?;
        *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(answer);
    }
    let actor = Actor::Customer(signed_in.subject.clone());
    let vote = Vote {
        consent: &consent.id,
        authorizer: &own.authorizer.id,
        decision,
        actor: &actor,
        channel: Channel::OnlineBanking,
        shown: Some(&text),
    };
    let problem = match ui.consents.decide(&vote, visit.now).await? {
        Decided::Now(_) => None,
        Decided::Before => Some(t.decided_before),
        Decided::Closed(_) => Some(t.waits_no_longer),
        Decided::Unknown => return Err(UiFault::NotFound),
    };
    let now = ui.consents.consent(&consent.id, visit.now).await?.ok_or(UiFault::NotFound)?;
    let own = own_entry(visit, &now).ok_or(UiFault::NotFound)?;
    let mut answer = show(ui, visit, (&now, own), problem).await?;
    if problem.is_some() {
        *answer.status_mut() = StatusCode::CONFLICT;
    }
    Ok(answer)
}

async fn show(
    ui: &Ui,
    visit: &Visit,
    (consent, own): (&Consent, &AuthorizerApproval),
    error: Option<&str>,
) -> Result<Answer, UiFault> {
    let (_, pages) = mine::spoken(ui, visit);
    let draft = view(ui, visit, (consent, own)).await?;
    let hash = agreed_on(&pages, &draft)?.sha256();
    let session = visit.session.as_deref().unwrap_or_default();
    let csrf = Hidden::new(ui.sessions.form_token(session, &purpose(consent, &hash)));
    let view = ApprovalView {
        form: draft.form.map(|form| Form { csrf, ..form }),
        shown_hash: Some(hash),
        error: error.map(str::to_owned),
        ..draft
    };
    Ok(page(StatusCode::OK, pages.approval(&view)?, None))
}

/// What an approval by this customer, on this page, is of.
pub(super) async fn agreed(
    ui: &Ui,
    visit: &Visit,
    (consent, own): (&Consent, &AuthorizerApproval),
) -> Result<ShownText, UiFault> {
    let (_, pages) = mine::spoken(ui, visit);
    agreed_on(&pages, &view(ui, visit, (consent, own)).await?)
}

fn agreed_on(pages: &Pages, view: &ApprovalView) -> Result<ShownText, UiFault> {
    let text = agreed_text(&pages.approval(view)?).ok_or(UiFault::Form)?;
    Ok(ShownText { language: pages.words().tag.to_owned(), text })
}

/// What the token of the decision form is for: this request, read in this text.
fn purpose(consent: &Consent, shown: &str) -> String {
    format!("{DECIDE} {} {shown}", consent.id)
}

/// Everything the page says; its form is not signed yet.
async fn view(
    ui: &Ui,
    visit: &Visit,
    (consent, own): (&Consent, &AuthorizerApproval),
) -> Result<ApprovalView, UiFault> {
    let (language, pages) = mine::spoken(ui, visit);
    let t = pages.words();
    let requester = mine::requester(ui, consent, t).await?;
    let description = ui.describe(consent, language);
    let form = || Form { action: mine::path(ui, consent, "decide"), csrf: Hidden::new(""), ticket: None };
    let asked = consent.waits_for().any(|subject| Some(subject) == own.authorizer.subject.as_ref());
    Ok(ApprovalView {
        session: mine::session(ui, visit),
        back_href: ui.at("/my/consents"),
        heading: description.headline.clone(),
        status: words::standing(consent.status, t),
        consent_id: consent.id.as_str().to_owned(),
        payments: words::payments(&description),
        sections: words::sections(&description),
        accounts: ui.accounts.names(&consent.accounts).await?,
        approvers: consent.approvals.iter().map(|entry| line(ui, entry, t)).collect(),
        until: words::moment(consent.authorise_until, t),
        form: asked.then(form),
        next: format!("{} {}", description.next, t.all_approve),
        shown_hash: None,
        error: None,
        requester,
    })
}

fn line(ui: &Ui, entry: &AuthorizerApproval, t: &Words) -> ApproverLine {
    let customer = entry.authorizer.subject.as_ref().and_then(|subject| ui.customers.by_subject(subject));
    ApproverLine {
        name: customer.map_or_else(|| entry.authorizer.id.clone(), |customer| customer.name),
        role: entry.authorizer.kind.clone(),
        said: match entry.state {
            ApprovalState::Pending => t.not_decided.to_owned(),
            ApprovalState::Approved => t.approved.to_owned(),
            ApprovalState::Rejected => t.was_refused.to_owned(),
        },
        at: entry.decided_at.map(|at| words::moment(at, t)),
    }
}

/// What the customer who is signed in was asked for, what is pending before what is decided.
fn own_entry<'c>(visit: &Visit, consent: &'c Consent) -> Option<&'c AuthorizerApproval> {
    let (signed_in, _) = visit.signed_in.as_ref()?;
    let own = || {
        let entries = consent.approvals.iter();
        entries.filter(|entry| entry.authorizer.subject.as_ref() == Some(&signed_in.subject))
    };
    own().find(|entry| entry.state == ApprovalState::Pending).or_else(|| own().next())
}
