//! Signing in and out. A session begins with a new identifier; what was typed is never shown again but the name.

use http::StatusCode;
use oauth_core::{Prompt, Waiting};

use super::super::customers::SignIn;
use super::web::{Answer, clear_cookie, page, redirect, set_cookie};
use super::{Ui, UiFault, Visit};
use crate::pages::Pages;
use crate::pages::csp::ReturnOrigin;
use crate::pages::view::{Form, Hidden, LoginStep, LoginView, SignOutView, SignedOutView};

/// What the login form is for, in its form token.
const SIGN_IN: &str = "sign-in";
/// What the sign-out form is for.
pub(super) const SIGN_OUT: &str = "sign-out";

/// The login page, outside a request.
pub(super) fn show(ui: &Ui, visit: &Visit) -> Result<Answer, UiFault> {
    render(ui, visit, &ui.pages_in(visit.language(None), visit), ("", None))
}

/// The login page of a request that needs one.
pub(super) fn for_request(ui: &Ui, visit: &Visit, waiting: &Waiting, hint: &str) -> Result<Answer, UiFault> {
    let browser = visit.browser.as_deref().ok_or(UiFault::Form)?;
    let ticket = visit.ticket.as_deref().ok_or(UiFault::Form)?;
    let form = |action: &str, purpose: &str| Form {
        action: ui.at(action),
        csrf: Hidden::new(ui.sessions.form_token(browser, &format!("{purpose} {ticket}"))),
        ticket: Some(Hidden::new(ticket)),
    };
    let view = LoginView {
        form: form("/sign-in", SIGN_IN),
        cancel: Some(form("/request/cancel", super::consent::CANCEL)),
        requester_name: Some(waiting.client.organisation.name.clone()),
        username: hint.to_owned(),
        step: LoginStep::Password,
        error: None,
    };
    let returns_to = ReturnOrigin::of(waiting.request.redirect_uri.as_str())?;
    let pages = ui.pages_in(visit.language(Some(&waiting.request)), visit);
    Ok(page(StatusCode::OK, pages.login(&view)?, Some(&returns_to)))
}

/// Somebody typed a name and a password.
pub(super) async fn submit(ui: &Ui, visit: &Visit) -> Result<Answer, UiFault> {
    let cookie = visit.browser.as_deref();
    let purpose = match &visit.ticket {
        Some(ticket) => format!("{SIGN_IN} {ticket}"),
        None => SIGN_IN.to_owned(),
    };
    if !ui.sessions.form_token_fits(visit.posted.get("csrf"), cookie, &purpose) {
        return Err(UiFault::Form);
    }
    let username = visit.posted.get("username").unwrap_or_default();
    let password = visit.posted.get("password").unwrap_or_default().to_owned();
    let request = match &visit.ticket {
        Some(_) => super::consent::waiting(ui, visit).await.ok().map(|waiting| waiting.request),
        None => None,
    };
    let pages = ui.pages_in(visit.language(request.as_ref()), visit);
    let t = pages.words();
    let (message, status) = match ui.customers.sign_in(username, password, (visit.from, visit.now)).await? {
        SignIn::Welcome(customer) => {
            ui.sessions.close(visit.session.as_deref()).await?;
            let session = ui.sessions.open(&customer.subject, visit.now).await?;
            let mut answer = redirect(&match &visit.ticket {
                Some(ticket) => ui.at(&format!("/request?ticket={ticket}")),
                None => ui.at("/my/consents"),
            });
            set_cookie(&mut answer, &ui.session_cookie, &session);
            return Ok(answer);
        }
        SignIn::Wrong => (t.wrong_sign_in, StatusCode::UNPROCESSABLE_ENTITY),
        SignIn::Wait => (t.too_many_attempts, StatusCode::TOO_MANY_REQUESTS),
        SignIn::Locked => (t.locked, StatusCode::FORBIDDEN),
    };
    let mut answer = render(ui, visit, &pages, (username, Some(message)))?;
    *answer.status_mut() = status;
    Ok(answer)
}

fn render(
    ui: &Ui,
    visit: &Visit,
    pages: &Pages,
    (username, error): (&str, Option<&str>),
) -> Result<Answer, UiFault> {
    let fresh = match &visit.browser {
        Some(_) => None,
        None => Some(ui.server.fresh_browser()?),
    };
    let cookie = visit.browser.as_deref().or(fresh.as_deref()).unwrap_or_default();
    let purpose = match &visit.ticket {
        Some(ticket) => format!("{SIGN_IN} {ticket}"),
        None => SIGN_IN.to_owned(),
    };
    let form = Form {
        action: ui.at("/sign-in"),
        csrf: Hidden::new(ui.sessions.form_token(cookie, &purpose)),
        ticket: visit.ticket.as_deref().map(Hidden::new),
    };
    let view = LoginView {
        form,
        cancel: None,
        requester_name: None,
        username: username.chars().take(128).collect(),
        step: LoginStep::Password,
        error: error.map(str::to_owned),
    };
    let mut answer = page(StatusCode::OK, pages.login(&view)?, None);
    if let Some(fresh) = fresh {
        set_cookie(&mut answer, oauth_core::http::BROWSER_COOKIE, &fresh);
    }
    Ok(answer)
}

/// Asks before signing out.
pub(super) fn ask_to_leave(ui: &Ui, visit: &Visit) -> Result<Answer, UiFault> {
    let (Some((_, customer)), Some(session)) = (&visit.signed_in, &visit.session) else {
        return Ok(redirect(&ui.at("/sign-in")));
    };
    let view = SignOutView {
        form: Form {
            action: ui.at("/sign-out"),
            csrf: Hidden::new(ui.sessions.form_token(session, SIGN_OUT)),
            ticket: None,
        },
        customer_name: customer.name.clone(),
        stay_href: ui.at("/my/consents"),
    };
    Ok(page(StatusCode::OK, ui.pages_in(visit.language(None), visit).sign_out(&view)?, None))
}

/// Ends the session.
pub(super) async fn leave(ui: &Ui, visit: &Visit) -> Result<Answer, UiFault> {
    if !ui.sessions.form_token_fits(visit.posted.get("csrf"), visit.session.as_deref(), SIGN_OUT) {
        return Err(UiFault::Form);
    }
    ui.sessions.close(visit.session.as_deref()).await?;
    let view = SignedOutView { sign_in_href: ui.at("/sign-in"), return_href: None, requester_name: None };
    let mut answer = page(StatusCode::OK, ui.pages_in(visit.language(None), visit).signed_out(&view)?, None);
    clear_cookie(&mut answer, &ui.session_cookie);
    Ok(answer)
}

/// Whether a request asks for a sign-in newer than the one that is there (OpenID Connect Core section 3.1.2.1).
pub(super) fn must_sign_in_again(visit: &Visit, request: &oauth_core::VettedRequest) -> bool {
    let Some((signed_in, _)) = &visit.signed_in else { return true };
    let since = signed_in.authentication.at;
    let too_old = request.max_age.is_some_and(|age| since.plus(age) < visit.now);
    too_old || (request.prompt == Prompt::Login && since < request.asked_at)
}
