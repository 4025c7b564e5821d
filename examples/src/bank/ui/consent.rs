//! The approval page: what is asked, exactly as stored, and the decision, exactly once.

use std::sync::Arc;

use http::StatusCode;
use oauth_core::http::returning;
use oauth_core::{Approval, Denial, Error, Outcome, Prompt, ResumeSubmitted, VettedRequest, Waiting};
use rar_consent::{AccountChoice as Choice, Consent, Description, Objection};

use super::web::{Answer, page};
use super::{Debit, OwnAccount, Ui, UiFault, Visit, login, words};
use crate::pages::csp::ReturnOrigin;
use crate::pages::view::{AccountChoice, AccountOption, ConsentView, Form, Hidden, Selection};

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
            AccountChoice::AnyOf(_) | AccountChoice::NotNeeded => false,
        };
        self.objection.is_none() && !(for_one && none_left)
    }
}

/// The page of a request: sign in first, then decide.
pub(super) async fn show(ui: &Ui, visit: &Visit, error: Option<&str>) -> Result<Answer, UiFault> {
    let waiting = waiting(ui, visit).await?;
    let request = &waiting.request;
    if login::must_sign_in_again(visit, request) {
        if request.prompt == Prompt::None {
            return deny(ui, visit, Denial::LoginRequired).await;
        }
        let hint = request.login_hint.clone().unwrap_or_default();
        let name = &waiting.client.organisation.name;
        return login::for_request(ui, visit, name, request.redirect_uri.as_str(), &hint);
    }
    if request.prompt == Prompt::None {
        return deny(ui, visit, Denial::ConsentRequired).await;
    }
    let shown = gather(ui, visit, waiting).await?;
    if !shown.can_be_given() {
        return deny(ui, visit, Denial::Refused).await;
    }
    render(ui, visit, &shown, error)
}

/// The customer pressed a button.
pub(super) async fn decide(ui: &Ui, visit: &Visit) -> Result<Answer, UiFault> {
    let (ticket, session) = (visit.ticket.as_deref(), visit.session.as_deref());
    let purpose = format!("{DECIDE} {}", ticket.unwrap_or_default());
    let Some((signed_in, _)) = &visit.signed_in else { return Err(UiFault::Form) };
    if !ui.sessions.form_token_fits(visit.posted.get("csrf"), session, &purpose) {
        return Err(UiFault::Form);
    }
    match visit.posted.get("decision") {
        Some("approve") => {}
        Some("deny") => return deny(ui, visit, Denial::Refused).await,
        Some(_) | None => return show(ui, visit, Some("Please approve or refuse the request.")).await,
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
    if let Some(problem) = unfit(&shown.accounts, &accounts) {
        let mut answer = render(ui, visit, &shown, Some(problem))?;
        *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(answer);
    }
    let approval = Approval {
        subject: signed_in.subject.clone(),
        authentication: signed_in.authentication.clone(),
        scope: shown.waiting.request.scope.clone(),
        accounts: chosen(&shown.accounts, accounts),
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
    let description = consent.as_ref().map(rar_consent::describe);
    let accounts = match (&description, &visit.signed_in) {
        (Some(description), Some((signed_in, _))) => {
            let mut own = ui.accounts.own(&signed_in.subject).await?;
            for account in &mut own {
                bar_other_currencies(account, description);
                ask_for_others(account, consent.as_ref());
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
    Ok(Shown { waiting, consent, description, accounts, objection })
}

/// A payment is made from an account of its own currency.
fn bar_other_currencies(account: &mut OwnAccount, description: &Description) {
    let currency = description.payment.as_ref().and_then(|payment| payment.amount.split(' ').next());
    if let Some(currency) = currency
        && currency != account.currency
        && account.unavailable.is_none()
    {
        account.unavailable = Some(format!("This account holds {}.", account.currency));
    }
}

/// An account that asks for others as well says so, and cannot be chosen where one person has to be enough.
fn ask_for_others(account: &mut OwnAccount, consent: Option<&Consent>) {
    let Debit::Together(persons) = account.debit else { return };
    if consent.is_some_and(|consent| consent.terms.moves_money()) {
        account.name = format!("{} ({persons} people approve)", account.name);
    }
    if consent.is_some_and(Consent::is_for_one) && account.unavailable.is_none() {
        account.unavailable = Some(format!("Payments from it need the approval of {persons} people."));
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
        AccountChoice::AnyOf(options) => (options, usize::MAX),
        AccountChoice::Fixed(_) | AccountChoice::NotNeeded => return Vec::new(),
    };
    let usable = options.iter().filter(|option| option.unavailable.is_none());
    usable.take(at_most).map(|option| option.id.clone()).collect()
}

/// What is wrong with the posted choice, in words for the page.
pub(super) fn unfit(offered: &AccountChoice, posted: &[String]) -> Option<&'static str> {
    let usable = |options: &[AccountOption]| {
        posted.iter().all(|id| options.iter().any(|option| option.id == *id && option.unavailable.is_none()))
    };
    match offered {
        AccountChoice::OneOf(options) if posted.len() != 1 || !usable(options) => {
            Some("Please choose one of your accounts.")
        }
        AccountChoice::AnyOf(options) if posted.is_empty() || !usable(options) => {
            Some("Please choose at least one of your accounts.")
        }
        AccountChoice::Fixed(options) if options.iter().all(|option| option.unavailable.is_some()) => {
            Some("The account of this request is not one of yours, or cannot be used.")
        }
        AccountChoice::OneOf(_)
        | AccountChoice::AnyOf(_)
        | AccountChoice::Fixed(_)
        | AccountChoice::NotNeeded => None,
    }
}

/// The accounts the approval names: the posted ones. An account that the request names itself needs no naming.
pub(super) fn chosen(offered: &AccountChoice, posted: Vec<String>) -> Vec<String> {
    match offered {
        AccountChoice::OneOf(_) | AccountChoice::AnyOf(_) => posted,
        AccountChoice::Fixed(_) | AccountChoice::NotNeeded => Vec::new(),
    }
}

fn render(ui: &Ui, visit: &Visit, shown: &Shown, error: Option<&str>) -> Result<Answer, UiFault> {
    let ticket = visit.ticket.as_deref().unwrap_or_default();
    let session = visit.session.as_deref().unwrap_or_default();
    let request = &shown.waiting.request;
    let client = Arc::clone(&shown.waiting.client);
    let description = shown.description.as_ref();
    let view = ConsentView {
        form: Form {
            action: ui.at("/request/decide"),
            csrf: Hidden::new(ui.sessions.form_token(session, &format!("{DECIDE} {ticket}"))),
            ticket: Some(Hidden::new(ticket)),
        },
        heading: description
            .map_or_else(|| "Approve this request?".to_owned(), |words| words.headline.clone()),
        customer_name: visit
            .signed_in
            .as_ref()
            .map(|(_, customer)| customer.name.clone())
            .unwrap_or_default(),
        not_you_href: ui.at("/sign-out"),
        requester: words::requester(&client),
        payments: description.map(words::payments).unwrap_or_default(),
        may: words::may(&request.scope, &request.claims),
        may_not: Vec::new(),
        sections: description.map(words::sections).unwrap_or_default(),
        accounts: shown.accounts.clone(),
        validity: validity(shown.consent.as_ref(), request),
        purpose: None,
        next: next(description, &client.organisation.name),
        error: error.map(str::to_owned),
    };
    let returns_to = ReturnOrigin::of(request.redirect_uri.as_str())?;
    Ok(page(StatusCode::OK, ui.pages.consent(&view)?, Some(&returns_to)))
}

fn validity(consent: Option<&Consent>, request: &VettedRequest) -> String {
    match consent.and_then(|consent| consent.until).or(request.details.until) {
        Some(until) => format!("Until {}, or until you end it.", words::moment(until).shown),
        None => "Until you end it.".to_owned(),
    }
}

fn next(description: Option<&Description>, requester: &str) -> String {
    let first = description.map(|words| words.next.clone()).unwrap_or_default();
    let gap = if first.is_empty() { "" } else { " " };
    format!("{first}{gap}You return to {requester}.")
}
