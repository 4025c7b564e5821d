//! What every page has, so that it works without script, with a keyboard and with a screen reader.

use rar_consent::Language;

use super::{Pages, cases, markup::Page, sample};
use crate::pages::view::{AccountChoice, LoginStep};

#[test]
fn every_page_has_one_h1_a_title_a_language_a_direction_and_a_main_landmark() {
    for case in cases(&Pages::new().unwrap()) {
        let page = case.page();
        assert!(!page.one("h1").text.is_empty(), "{}", case.name);
        assert!(page.one("title").text.ends_with(" – Mandate Bank"), "{}", case.name);
        assert_eq!(page.one("html").attribute("lang"), Some("en"), "{}", case.name);
        assert_eq!(page.one("html").attribute("dir"), Some("ltr"), "{}", case.name);
        assert_eq!(page.one("main").attribute("id"), Some("main"), "{}", case.name);
        page.one("header");
        page.one("footer");
    }
}

#[test]
fn headings_never_skip_a_level() {
    for case in cases(&Pages::new().unwrap()) {
        let mut last = 0;
        for element in &case.page().elements {
            let Some(level) = ["h1", "h2", "h3"].iter().position(|name| element.name == *name) else {
                continue;
            };
            assert!(level <= last + 1, "{}: {} after h{}", case.name, element.name, last);
            last = level + 1;
        }
    }
}

#[test]
fn no_page_has_script_inline_style_event_handlers_or_outside_resources() {
    let pages = Pages::new().unwrap();
    for case in cases(&pages) {
        let page = case.page();
        for name in ["script", "style", "iframe", "img", "object", "embed", "base"] {
            assert!(page.all(name).is_empty(), "{}: <{name}>", case.name);
        }
        for (key, value) in page.elements.iter().flat_map(|element| &element.attributes) {
            assert!(key != "style" && key != "src" && !key.starts_with("on"), "{}: {key}={value}", case.name);
        }
        assert_eq!(page.one("link").attribute("href"), Some(pages.style_path()), "{}", case.name);
    }
}

#[test]
fn ids_are_unique_and_what_refers_to_one_finds_it() {
    for case in cases(&Pages::new().unwrap()) {
        let page = case.page();
        let mut ids: Vec<_> = page.elements.iter().filter_map(|element| element.attribute("id")).collect();
        for (key, value) in page.elements.iter().flat_map(|element| &element.attributes) {
            if key == "for" || key == "aria-describedby" {
                for id in value.split(' ') {
                    assert!(ids.contains(&id), "{}: {key}={id} leads nowhere", case.name);
                }
            }
        }
        ids.sort_unstable();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count, "{}", case.name);
    }
}

#[test]
fn every_input_has_a_label_and_every_button_and_link_has_words() {
    for case in cases(&Pages::new().unwrap()) {
        let page = case.page();
        for input in page.all("input") {
            if input.attribute("type") == Some("hidden") {
                continue;
            }
            let wrapped = input.inside.iter().any(|at| page.elements[*at].name == "label");
            let named = page.all("label").iter().any(|label| {
                label.attribute("for").is_some() && label.attribute("for") == input.attribute("id")
            });
            assert!(wrapped || named, "{}: {input:?}", case.name);
        }
        for element in page.all("button").into_iter().chain(page.all("a")) {
            let hidden = element.attribute("aria-hidden") == Some("true");
            assert!(hidden || !element.text.trim().is_empty(), "{}: {element:?}", case.name);
        }
    }
}

#[test]
fn every_form_is_posted_with_a_csrf_token_and_hides_nothing_but_that_the_ticket_and_what_was_read() {
    for case in cases(&Pages::new().unwrap()) {
        let page = case.page();
        for form in page.all("form") {
            assert_eq!(form.attribute("method"), Some("post"), "{}", case.name);
            let hidden: Vec<_> = page
                .within(form, "input")
                .into_iter()
                .filter(|input| input.attribute("type") == Some("hidden"))
                .map(|input| (input.attribute("name").unwrap(), input.attribute("value").unwrap()))
                .collect();
            assert_eq!(hidden.first(), Some(&("csrf", "csrf-8Zq1")), "{}", case.name);
            let decision = [("ticket", "tkt-Yx20"), ("lang", "en"), ("shown", "hash-4711")];
            let known = [&[][..], &decision[..1], &decision[1..], &decision[..]];
            assert!(known.contains(&&hidden[1..]), "{}: {hidden:?}", case.name);
        }
    }
}

fn login(step: LoginStep) -> Page {
    Page::read(Pages::new().unwrap().login(&sample::login(step)).unwrap())
}

#[test]
fn the_login_page_has_the_inputs_of_its_step_and_lets_password_managers_work() {
    for (step, expected) in [
        (LoginStep::Password, vec!["username", "password"]),
        (LoginStep::PasswordAndCode, vec!["username", "password", "otp"]),
        (LoginStep::Code, vec!["otp"]),
    ] {
        let page = login(step);
        let shown: Vec<_> =
            ["username", "password", "otp"].into_iter().filter(|id| page.by_id(id).is_some()).collect();
        assert_eq!(shown, expected);
        for id in shown {
            let input = page.by_id(id).unwrap();
            assert_eq!((input.name.as_str(), input.attribute("name")), ("input", Some(id)));
            assert!(input.attribute("autocomplete").is_some_and(|value| value != "off"));
        }
        assert_eq!(page.by_id("sign-in").map(|button| button.name.as_str()), Some("button"));
        assert_eq!(page.by_id("cancel").map(|button| button.name.as_str()), Some("button"));
        assert!(page.by_id("error").is_none());
    }
}

#[test]
fn a_failed_login_says_so_in_the_title_in_an_alert_and_at_the_inputs() {
    let page = Page::read(Pages::new().unwrap().login(&sample::login_failed()).unwrap());
    assert!(page.one("title").text.starts_with("Error: "));
    let error = page.by_id("error").unwrap();
    assert_eq!(error.attribute("role"), Some("alert"));
    assert!(error.text.contains("is not right"));
    for id in ["username", "password", "otp"] {
        assert!(page.by_id(id).unwrap().attribute("aria-describedby").unwrap().ends_with("error"));
        assert!(page.by_id(id).unwrap().attribute("value").is_none_or(|value| value == "amira"));
    }
}

fn consent(accounts: fn(Vec<crate::pages::view::AccountOption>) -> AccountChoice) -> Page {
    let mut view = sample::payment_consent();
    if let AccountChoice::OneOf(options) = view.accounts {
        view.accounts = accounts(options);
    }
    Page::read(Pages::new().unwrap().consent(&view).unwrap())
}

#[test]
fn approve_and_deny_are_buttons_of_one_form_side_by_side() {
    let page = consent(AccountChoice::OneOf);
    let approve = page.by_id("approve").unwrap();
    let deny = page.by_id("deny").unwrap();
    assert_eq!((approve.attribute("name"), approve.attribute("value")), (Some("decision"), Some("approve")));
    assert_eq!((deny.attribute("name"), deny.attribute("value")), (Some("decision"), Some("deny")));
    assert_eq!(approve.inside, deny.inside);
    assert!(deny.attribute("formnovalidate").is_some(), "deny needs no account");
}

#[test]
fn the_enter_key_decides_nothing() {
    let page = consent(AccountChoice::OneOf);
    let form = page.all("form")[0];
    let first = page.within(form, "button")[0];
    assert_eq!(first.attribute("formmethod"), Some("dialog"), "a browser takes the first enabled button");
    assert!(
        first.attribute("disabled").is_none() && first.attribute("hidden").is_none(),
        "or it is passed over"
    );
    assert_eq!((first.attribute("name"), first.attribute("tabindex")), (None, Some("-1")));
    assert!(page.all("dialog").is_empty());
}

#[test]
fn accounts_are_radio_buttons_for_one_check_boxes_for_many_and_text_when_fixed() {
    for (page, kind) in
        [(consent(AccountChoice::OneOf), "radio"), (consent(AccountChoice::AnyOf), "checkbox")]
    {
        let inputs: Vec<_> =
            page.all("input").into_iter().filter(|i| i.attribute("name") == Some("accounts")).collect();
        assert_eq!(inputs.len(), 3);
        assert!(inputs.iter().all(|input| input.attribute("type") == Some(kind)));
        assert_eq!(
            inputs.iter().map(|i| i.attribute("value").unwrap()).collect::<Vec<_>>(),
            ["acc-1", "acc-2", "acc-3"]
        );
        assert_eq!(inputs.iter().filter(|i| i.attribute("checked").is_some()).count(), 1);
        assert!(inputs[2].attribute("disabled").is_some(), "the third cannot pay");
        assert_eq!(page.within(page.one("fieldset"), "legend").len(), 1);
    }
    let fixed = consent(AccountChoice::Fixed);
    assert!(fixed.all("input").iter().all(|input| input.attribute("name") != Some("accounts")));
    assert!(fixed.one("main").text.contains("AED 64,020.00"));
}

#[test]
fn the_direction_of_the_page_follows_the_language() {
    for case in cases(&Pages::new().unwrap().speaking(Language::Arabic)) {
        if case.name == "landing" {
            continue;
        }
        let page = case.page();
        assert_eq!(page.one("html").attribute("dir"), Some("rtl"));
        assert_eq!(page.one("html").attribute("lang"), Some("ar"));
    }
}
