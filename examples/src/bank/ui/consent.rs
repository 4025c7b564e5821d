//! The approval page: what is asked, exactly as stored, and the decision, exactly once.

use std::sync::Arc;

use http::StatusCode;
use oauth_core::http::returning;
use oauth_core::{
    Approval, ApprovalReason, Denial, Error, Outcome, Prompt, ResumeSubmitted, ShownText, VettedRequest,
    Waiting,
};
use rar_consent::{AccountChoice as Choice, Consent, Description, Objection};

use super::web::{Answer, page};
use super::{Debit, OwnAccount, Ui, UiFault, Visit, login, words};
use crate::pages::csp::ReturnOrigin;
use crate::pages::view::{AccountChoice, AccountOption, ConsentView, Form, Hidden, Selection};
use crate::pages::words::{Words, fill};
use crate::pages::{Pages, agreed_text};

/// What the decision form is for, in its form token.
const DECIDE: &str = "decide";
/// What the cancel form of the login page is for.
pub(super) const CANCEL: &str = "cancel";

/// A request that waits, with everything the page says about it.
pub(super) struct Shown {
    pub(super) waiting: Waiting,
    consent: Option<Consent>,
    description: Option<Description>,
    pub(super) accounts: AccountChoice,
    /// The language that there are words in.
    pub(super) pages: Pages,
    objection: Option<Objection>,
}

impl Shown {
    /// Whether this customer can approve at all: with one account at least where one person has to be enough, and none of
    /// another customer's consents to continue. Otherwise the bank says no for the customer.
    pub(super) fn can_be_given(&self) -> bool {
        let for_one = self.consent.as_ref().is_some_and(Consent::is_for_one);
        let none_left = match &self.accounts {
            AccountChoice::OneOf(options) => options.iter().all(|option| option.unavailable.is_some()),
            AccountChoice::Fixed(options) => {
                !options.is_empty() && options.iter().all(|option| option.unavailable.is_some())
            }
            AccountChoice::AnyOf(_) | AccountChoice::AnyOrNone(_) | AccountChoice::NotNeeded => false,
        };
        self.objection.is_none() && !(for_one && none_left)
    }
}

/// Why the page is shown again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Problem {
    /// Neither yes nor no.
    Undecided,
    /// The accounts that were given do not fit.
    Accounts(&'static str),
    /// Its text is another one by now.
    TextChanged,
}

/// The page of a request: sign in first, then decide.
pub(super) async fn show(ui: &Ui, visit: &Visit, problem: Option<Problem>) -> Result<Answer, UiFault> {
    let waiting = waiting(ui, visit).await?;
    let request = &waiting.request;
    if login::must_sign_in_again(visit, request) {
        if request.prompt == Prompt::None {
            return deny(ui, visit, Denial::LoginRequired).await;
        }
        let hint = request.login_hint.clone().unwrap_or_default();
        return login::for_request(ui, visit, &waiting, &hint);
    }
    if request.prompt == Prompt::None {
        return deny(ui, visit, Denial::ConsentRequired).await;
    }
    let shown = gather(ui, visit, waiting).await?;
    if !shown.can_be_given() {
        return deny(ui, visit, Denial::Refused).await;
    }
    let (answer, _) = render(ui, visit, &shown, problem)?;
    Ok(answer)
}

/// The customer pressed a button.
pub(super) async fn decide(ui: &Ui, visit: &Visit) -> Result<Answer, UiFault> {
    let (ticket, session) = (visit.ticket.as_deref(), visit.session.as_deref());
    let read = visit.posted.get("shown").unwrap_or_default();
    let purpose = purpose(ticket.unwrap_or_default(), read);
    let Some((signed_in, _)) = &visit.signed_in else { return Err(UiFault::Form) };
    if !ui.sessions.form_token_fits(visit.posted.get("csrf"), session, &purpose) {
        return Err(UiFault::Form);
    }
    match visit.posted.get("decision") {
        Some("approve") => {}
        Some("deny") => return deny(ui, visit, Denial::Refused).await,
        Some(_) | None => return show(ui, visit, Some(Problem::Undecided)).await,
    }
    let waiting = waiting(ui, visit).await?;
    if login::must_sign_in_again(visit, &waiting.request) {
        return show(ui, visit, None).await;
    }
    let shown = gather(ui, visit, waiting).await?;
    if !shown.can_be_given() {
        return deny(ui, visit, Denial::Refused).await;
    }
    let accounts = visit.posted.all("accounts");
    let (page, text) = render(ui, visit, &shown, None)?;
    drop(page);
    let problem = match unfit(&shown.accounts, &accounts, shown.pages.words()) {
        _ if text.sha256() != read => Some(Problem::TextChanged),
        Some(words) => Some(Problem::Accounts(words)),
        None => None,
    };
    if let Some(problem) = problem {
        let (mut answer, _) = render(ui, visit, &shown, Some(problem))?;
        *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(answer);
    }
    let approval = Approval {
        subject: signed_in.subject.clone(),
        authentication: signed_in.authentication.clone(),
        scope: shown.waiting.request.scope.clone(),
        accounts: chosen(&shown.accounts, accounts),
        shown: Some(text),
    };
    resume(ui, visit, Outcome::Approved(approval)).await
}

/// The customer gave up on the login page.
pub(super) async fn cancel(ui: &Ui, visit: &Visit) -> Result<Answer, UiFault> {
    let purpose = format!("{CANCEL} {}", visit.ticket.as_deref().unwrap_or_default());
    if !ui.sessions.form_token_fits(visit.posted.get("csrf"), visit.browser.as_deref(), &purpose) {
        return Err(UiFault::Form);
    }
    deny(ui, visit, Denial::Refused).await
}

async fn deny(ui: &Ui, visit: &Visit, denial: Denial) -> Result<Answer, UiFault> {
    resume(ui, visit, Outcome::Denied(denial)).await
}

/// What could not be shown because the customer took too long: the browser goes back to the client, which is told so. Anything
/// else stays the page it was, and so does the ticket of another browser.
pub(super) async fn told_in_time(ui: &Ui, visit: &Visit, fault: UiFault) -> Result<Answer, UiFault> {
    let over = matches!(&fault, UiFault::Protocol(Error::Refused(refusal))
        if refusal.reason == ApprovalReason::Ticket.into());
    if over { deny(ui, visit, Denial::TimedOut).await.or(Err(fault)) } else { Err(fault) }
}

async fn resume(ui: &Ui, visit: &Visit, outcome: Outcome) -> Result<Answer, UiFault> {
    let ticket = visit.ticket.clone().ok_or(UiFault::Form)?;
    let submitted = ResumeSubmitted { ticket, browser: visit.browser.clone(), outcome };
    let back = ui.server.resume(submitted, &visit.correlation).await.map_err(UiFault::Protocol)?;
    Ok(returning(&back))
}

pub(super) async fn waiting(ui: &Ui, visit: &Visit) -> Result<Waiting, Error> {
    ui.server.waiting(visit.ticket.as_deref().unwrap_or_default(), visit.browser.as_deref()).await
}

pub(super) async fn gather(ui: &Ui, visit: &Visit, waiting: Waiting) -> Result<Shown, UiFault> {
    let consent = match &waiting.request.details.consent {
        Some(id) => ui.consents.consent(id, visit.now).await?,
        None => None,
    };
    let wanted = visit.language(Some(&waiting.request));
    let language = consent.as_ref().map_or(wanted, |consent| wanted.spoken(consent));
    let pages = ui.pages_in(language, visit);
    let description = consent.as_ref().map(|consent| ui.describe(consent, language));
    let accounts = match (&description, &visit.signed_in) {
        (Some(description), Some((signed_in, _))) => {
            let mut own = ui.accounts.own(&signed_in.subject).await?;
            own.retain(|account| is_concerned(account, consent.as_ref()));
            for account in &mut own {
                bar_other_currencies(account, description, pages.words());
                ask_for_others(account, consent.as_ref(), pages.words());
            }
            options(&description.choice, own)
        }
        (None, _) | (_, None) => AccountChoice::NotNeeded,
    };
    let objection = match (&consent, &visit.signed_in) {
        (Some(consent), Some((signed_in, _))) => {
            ui.consents.objection(consent, &signed_in.subject, visit.now).await?
        }
        (None, _) | (_, None) => None,
    };
    Ok(Shown { waiting, consent, description, accounts, pages, objection })
}

/// Whether the consent opens or debits an account of this kind. No other is offered: ticking it would give nothing.
fn is_concerned(account: &OwnAccount, consent: Option<&Consent>) -> bool {
    consent.is_none_or(|consent| consent.terms.concern(account.group, account.currency))
}

/// A payment is made from an account of its own currency.
fn bar_other_currencies(account: &mut OwnAccount, description: &Description, t: &Words) {
    let currency = description.payment.as_ref().and_then(|payment| payment.amount.split(' ').next());
    if let Some(currency) = currency
        && currency != account.currency
        && account.unavailable.is_none()
    {
        account.unavailable = Some(fill(t.other_currency, account.currency));
    }
}

/// An account that asks for others as well says so, and cannot be chosen where one person has to be enough.
fn ask_for_others(account: &mut OwnAccount, consent: Option<&Consent>, t: &Words) {
    let Debit::Together(persons) = account.debit else { return };
    let persons = persons.to_string();
    if consent.is_some_and(|consent| consent.terms.moves_money()) {
        account.name = fill(&fill(t.people_approve, &account.name), &persons);
    }
    if consent.is_some_and(Consent::is_for_one) && account.unavailable.is_none() {
        account.unavailable = Some(fill(t.needs_people, &persons));
    }
}

/// Which of the customer's accounts can be chosen, and how.
fn options(choice: &Choice, own: Vec<OwnAccount>) -> AccountChoice {
    let option = |account: OwnAccount| AccountOption {
        id: account.id,
        name: account.name,
        masked_number: account.masked_number,
        balance: account.balance,
        selection: Selection::Open,
        unavailable: account.unavailable,
    };
    match choice {
        Choice::OneOf => {
            let mut options: Vec<AccountOption> = own.into_iter().map(option).collect();
            if let Some(first) = options.iter_mut().find(|option| option.unavailable.is_none()) {
                first.selection = Selection::Selected;
            }
            AccountChoice::OneOf(options)
        }
        Choice::AnyOf => AccountChoice::AnyOf(own.into_iter().map(option).collect()),
        Choice::AnyOrNone if own.is_empty() => AccountChoice::NotNeeded,
        Choice::AnyOrNone => AccountChoice::AnyOrNone(own.into_iter().map(option).collect()),
        Choice::Fixed(iban) => {
            let named = |account: &OwnAccount| account.iban.as_ref() == Some(iban);
            let mut options: Vec<AccountOption> = own.into_iter().filter(named).map(option).collect();
            for option in &mut options {
                option.selection = Selection::Selected;
            }
            AccountChoice::Fixed(options)
        }
        Choice::None => AccountChoice::NotNeeded,
    }
}

/// What somebody who ticks nothing but the obvious would post: the preselected account, or all that can be chosen.
pub(super) fn offered(accounts: &AccountChoice) -> Vec<String> {
    let (options, at_most) = match accounts {
        AccountChoice::OneOf(options) => (options, 1),
        AccountChoice::AnyOf(options) | AccountChoice::AnyOrNone(options) => (options, usize::MAX),
        AccountChoice::Fixed(_) | AccountChoice::NotNeeded => return Vec::new(),
    };
    let usable = options.iter().filter(|option| option.unavailable.is_none());
    usable.take(at_most).map(|option| option.id.clone()).collect()
}

/// What is wrong with the posted choice, in words for the page.
pub(super) fn unfit(offered: &AccountChoice, posted: &[String], t: &Words) -> Option<&'static str> {
    let usable = |options: &[AccountOption]| {
        posted.iter().all(|id| options.iter().any(|option| option.id == *id && option.unavailable.is_none()))
    };
    match offered {
        AccountChoice::OneOf(options) if posted.len() != 1 || !usable(options) => Some(t.choose_one),
        AccountChoice::AnyOf(options) if posted.is_empty() || !usable(options) => Some(t.choose_at_least_one),
        AccountChoice::AnyOrNone(options) if !usable(options) => Some(t.choose_offered),
        AccountChoice::Fixed(options) if options.iter().all(|option| option.unavailable.is_some()) => {
            Some(t.not_your_account)
        }
        AccountChoice::OneOf(_)
        | AccountChoice::AnyOf(_)
        | AccountChoice::AnyOrNone(_)
        | AccountChoice::Fixed(_)
        | AccountChoice::NotNeeded => None,
    }
}

/// The accounts the approval names: the posted ones. An account that the request names itself needs no naming.
pub(super) fn chosen(offered: &AccountChoice, posted: Vec<String>) -> Vec<String> {
    match offered {
        AccountChoice::OneOf(_) | AccountChoice::AnyOf(_) | AccountChoice::AnyOrNone(_) => posted,
        AccountChoice::Fixed(_) | AccountChoice::NotNeeded => Vec::new(),
    }
}

/// The page, and the text of it that the customer agrees to.
pub(super) fn render(
    ui: &Ui,
    visit: &Visit,
    shown: &Shown,
    problem: Option<Problem>,
) -> Result<(Answer, ShownText), UiFault> {
    let request = &shown.waiting.request;
    let t = shown.pages.words();
    let draft = view(ui, visit, shown);
    let text = agreed_text(&shown.pages.consent(&draft)?).ok_or(UiFault::Form)?;
    let text = ShownText { language: t.tag.to_owned(), text };
    let (ticket, session) = (visit.ticket.as_deref().unwrap_or_default(), visit.session.as_deref());
    let hash = text.sha256();
    let csrf = ui.sessions.form_token(session.unwrap_or_default(), &purpose(ticket, &hash));
    let error = problem.map(|problem| match problem {
        Problem::Undecided => t.decide_first,
        Problem::Accounts(words) => words,
        Problem::TextChanged => t.text_changed,
    });
    let view = ConsentView {
        form: Form { csrf: Hidden::new(csrf), ..draft.form },
        shown_hash: Some(hash),
        error: error.map(str::to_owned),
        ..draft
    };
    let returns_to = ReturnOrigin::of(request.redirect_uri.as_str())?;
    Ok((page(StatusCode::OK, shown.pages.consent(&view)?, Some(&returns_to)), text))
}

/// Everything the page says; its form is not signed yet.
fn view(ui: &Ui, visit: &Visit, shown: &Shown) -> ConsentView {
    let (request, t) = (&shown.waiting.request, shown.pages.words());
    let client = Arc::clone(&shown.waiting.client);
    let description = shown.description.as_ref();
    let customer = visit.signed_in.as_ref().map(|(_, customer)| customer.name.clone());
    ConsentView {
        form: Form {
            action: ui.at("/request/decide"),
            csrf: Hidden::new(""),
            ticket: Some(Hidden::new(visit.ticket.as_deref().unwrap_or_default())),
        },
        heading: description.map_or_else(|| t.approve_request.to_owned(), |words| words.headline.clone()),
        customer_name: customer.unwrap_or_default(),
        not_you_href: ui.at("/sign-out"),
        requester: words::requester(&client, t),
        payments: description.map(words::payments).unwrap_or_default(),
        may: words::may(&request.scope, &request.claims, t),
        may_not: Vec::new(),
        sections: description.map(words::sections).unwrap_or_default(),
        accounts: shown.accounts.clone(),
        validity: validity(shown.consent.as_ref(), request, t),
        purpose: None,
        next: next(description, &client.organisation.name, t),
        shown_hash: None,
        error: None,
    }
}

/// What the token of the decision form is for: this request, read in this text.
fn purpose(ticket: &str, shown: &str) -> String {
    format!("{DECIDE} {ticket} {shown}")
}

fn validity(consent: Option<&Consent>, request: &VettedRequest, t: &Words) -> String {
    let of_consent = consent.and_then(|consent| Some(words::moment_of(&consent.terms, consent.until?, t)));
    match of_consent.or_else(|| Some(words::moment(request.details.until?, t))) {
        Some(until) => fill(t.until_or_ended, &until.shown),
        None => t.until_ended.to_owned(),
    }
}

fn next(description: Option<&Description>, requester: &str, t: &Words) -> String {
    let first = description.map(|words| words.next.clone()).unwrap_or_default();
    let gap = if first.is_empty() { "" } else { " " };
    format!("{first}{gap}{}", fill(t.you_return, requester))
}
