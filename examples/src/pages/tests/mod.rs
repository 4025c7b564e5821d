use serde::Serialize;
use serde_json::Value as Json;

use super::{view::Ending, *};

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

/// Every page in each of its states, through the public functions.
fn cases(pages: &Pages) -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, view) in [
        ("login", sample::login(LoginStep::Password)),
        ("login-code", sample::login(LoginStep::Code)),
        ("login-failed", sample::login_failed()),
        ("login-own", LoginView { requester_name: None, cancel: None, ..sample::login(LoginStep::Password) }),
    ] {
        cases.push(case(("login", name), &view, pages.login(&view)));
    }
    for (name, view) in [
        ("consent-payment", sample::payment_consent()),
        ("consent-access", sample::access_consent()),
        ("consent-unchosen", sample::unchosen_consent()),
        ("consent-fixed", sample::fixed_consent()),
        ("consent-opening", sample::opening_consent()),
    ] {
        cases.push(case(("consent", name), &view, pages.consent(&view)));
    }
    for (name, ending) in [
        ("refused", Ending::Denied),
        ("refused-cancelled", Ending::Cancelled),
        ("refused-late", Ending::TimedOut),
    ] {
        let view = RefusedView { ending, ..sample::refused() };
        cases.push(case(("refused", name), &view, pages.refused(&view)));
    }
    for (name, view) in [("my-consents", sample::my_consents()), ("my-consents-none", sample::no_consents())]
    {
        cases.push(case(("my_consents", name), &view, pages.my_consents(&view)));
    }
    for (name, view) in
        [("consent-details", sample::consent_details()), ("consent-ended", sample::ended_consent())]
    {
        cases.push(case(("consent_details", name), &view, pages.consent_details(&view)));
    }
    for (name, view) in [("approval", sample::approval()), ("approval-decided", sample::decided_approval())] {
        cases.push(case(("approval", name), &view, pages.approval(&view)));
    }
    cases.extend(plain_cases(pages));
    cases
}

/// The pages that have one state.
fn plain_cases(pages: &Pages) -> Vec<Case> {
    let (error, completed, landing) = (sample::error(), sample::completed(), sample::landing());
    let (revoke, revoked) = (sample::revoke(), sample::revoked());
    let (sign_out, signed_out) = (sample::sign_out(), sample::signed_out());
    vec![
        case(("error", "error"), &error, pages.error(&error)),
        case(("completed", "completed"), &completed, pages.completed(&completed)),
        case(("landing", "landing"), &landing, pages.landing(&landing)),
        case(("revoke", "revoke"), &revoke, pages.revoke(&revoke)),
        case(("revoked", "revoked"), &revoked, pages.revoked(&revoked)),
        case(("sign_out", "sign-out"), &sign_out, pages.sign_out(&sign_out)),
        case(("signed_out", "signed-out"), &signed_out, pages.signed_out(&signed_out)),
    ]
}

/// The operators' pages, which say what the bank knows, in English.
fn operator_cases(pages: &Pages) -> Vec<Case> {
    let (list, one) = (sample::operator_list(), sample::operator_consent());
    vec![
        case(
            ("operator_consents", "operator-consents"),
            &list,
            pages.further("operator_consents", "Consents", &list),
        ),
        case(
            ("operator_consent", "operator-consent"),
            &one,
            pages.further("operator_consent", "Consent", &one),
        ),
    ]
}

#[test]
fn every_template_is_rendered_by_some_case() {
    let pages = Pages::new().unwrap();
    let mut cases = cases(&pages);
    cases.extend(operator_cases(&pages));
    for (name, _) in TEMPLATES {
        assert!(name == "frame" || cases.iter().any(|case| case.template == name), "{name}");
    }
}
