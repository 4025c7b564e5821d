use serde::Serialize;
use serde_json::Value as Json;

use super::*;

mod accessibility;
mod look;
mod markup;
mod sample;
mod style;
mod truth;

/// One rendering of a page.
struct Case {
    /// Name of the template.
    template: &'static str,
    /// Name that tells it from the others.
    name: &'static str,
    /// What it says.
    view: Json,
    html: String,
}

impl Case {
    fn page(&self) -> markup::Page {
        markup::Page::read(self.html.clone())
    }
}

fn case<View: Serialize>(
    names: (&'static str, &'static str),
    view: &View,
    html: Result<String, PagesFault>,
) -> Case {
    Case { template: names.0, name: names.1, view: serde_json::to_value(view).unwrap(), html: html.unwrap() }
}

/// Every page at least once, through the public functions.
fn cases(pages: &Pages) -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, view) in [
        ("login", sample::login(LoginStep::Password)),
        ("login-code", sample::login(LoginStep::Code)),
        ("login-failed", sample::login_failed()),
    ] {
        cases.push(case(("login", name), &view, pages.login(&view)));
    }
    for (name, view) in
        [("consent-payment", sample::payment_consent()), ("consent-access", sample::access_consent())]
    {
        cases.push(case(("consent", name), &view, pages.consent(&view)));
    }
    let view = sample::refused();
    cases.push(case(("refused", "refused"), &view, pages.refused(&view)));
    let view = sample::error();
    cases.push(case(("error", "error"), &view, pages.error(&view)));
    let view = sample::completed();
    cases.push(case(("completed", "completed"), &view, pages.completed(&view)));
    let view = sample::my_consents();
    cases.push(case(("my_consents", "my-consents"), &view, pages.my_consents(&view)));
    let view = sample::consent_details();
    cases.push(case(("consent_details", "consent-details"), &view, pages.consent_details(&view)));
    let view = sample::revoke();
    cases.push(case(("revoke", "revoke"), &view, pages.revoke(&view)));
    let view = sample::revoked();
    cases.push(case(("revoked", "revoked"), &view, pages.revoked(&view)));
    let view = sample::sign_out();
    cases.push(case(("sign_out", "sign-out"), &view, pages.sign_out(&view)));
    let view = sample::signed_out();
    cases.push(case(("signed_out", "signed-out"), &view, pages.signed_out(&view)));
    let view = sample::landing();
    cases.push(case(("landing", "landing"), &view, pages.landing(&view)));
    cases
}
