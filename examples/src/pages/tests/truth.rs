//! Everything a view holds is on the page, as text and as nothing else (RFC 9396 section 11 asks that the customer
//! sees what is asked).

use serde_json::Value as Json;

use super::{Pages, cases, markup::Page, sample};
use crate::pages::{
    text::LONG_CHARS,
    view::{ConsentView, Emphasis, Row, Section},
};

/// Fields that choose between presentations and are not shown.
const CHOICES: [&str; 7] = ["emphasis", "selection", "step", "ending", "tone", "kind", "percent"];
/// Fields that stand in attributes.
const ATTRIBUTES: [&str; 6] = ["csrf", "ticket", "id", "rfc3339", "username", "shown_hash"];

/// Calls `change` on every string of a view with the name of its field.
fn each_string(view: &mut Json, field: &str, change: &mut dyn FnMut(&str, &mut String)) {
    match view {
        Json::String(text) => change(field, text),
        Json::Array(items) => items.iter_mut().for_each(|item| each_string(item, field, change)),
        Json::Object(members) => members.iter_mut().for_each(|(name, item)| each_string(item, name, change)),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

fn is_address(field: &str) -> bool {
    field == "action" || field.ends_with("href")
}

/// The view with a different hostile value in every field, and those values.
fn marked(view: &Json) -> (Json, Vec<(String, String)>) {
    let mut view = view.clone();
    let mut marks = Vec::new();
    each_string(&mut view, "", &mut |field, text| {
        if CHOICES.contains(&field) {
            return;
        }
        let number = marks.len();
        *text = if is_address(field) {
            format!("/m{number}?\"'><script>alert({number})</script>&lt;")
        } else if ATTRIBUTES.contains(&field) {
            format!("m{number}\"'><script>alert({number})</script>&lt;")
        } else {
            format!("m{number}\"'><script>alert({number})</script>&lt;\u{202e}evil\u{0}")
        };
        marks.push((field.to_owned(), text.clone()));
    });
    (view, marks)
}

#[test]
fn every_field_of_every_view_is_on_its_page_escaped() {
    let pages = Pages::new().unwrap();
    for case in cases(&pages) {
        let (view, marks) = marked(&case.view);
        let page = Page::read(pages.page(case.template, "Title", &view).unwrap());
        assert!(page.all("script").is_empty() && !page.html.contains("<script"), "{}", case.name);
        assert!(!page.html.contains(['\u{202e}', '\u{0}']), "{}: a hidden character got through", case.name);
        let text = &page.one("html").text;
        let attributes: Vec<_> = page.elements.iter().flat_map(|element| &element.attributes).collect();
        assert!(!marks.is_empty() || case.name == "completed");
        for (field, mark) in marks {
            let present = if is_address(&field) || ATTRIBUTES.contains(&field.as_str()) {
                attributes.iter().any(|(_, value)| *value == mark)
            } else {
                text.contains(&mark.replace('\u{202e}', "U+202E").replace('\u{0}', "U+0000"))
            };
            let not_an_input =
                matches!((case.name, field.as_str()), ("login-code", "username") | ("consent-fixed", "id"));
            assert!(present || not_an_input, "{}: {field} is not on the page", case.name);
        }
    }
}

#[test]
fn every_optional_field_is_filled_in_some_case() {
    let cases = cases(&Pages::new().unwrap());
    let holds = |template: &str, field: &str, wanted: fn(&Json) -> bool| {
        cases
            .iter()
            .filter(|case| case.template == template)
            .any(|case| case.view.get(field).is_some_and(wanted))
    };
    for case in &cases {
        for field in case.view.as_object().unwrap().keys() {
            let filled =
                holds(case.template, field, |value| !value.is_null() && value != &Json::Array(Vec::new()));
            assert!(filled, "{}: {field} is never filled", case.template);
        }
    }
}

#[test]
fn every_value_shown_is_isolated_from_the_direction_of_its_surroundings() {
    let pages = Pages::new().unwrap();
    for case in cases(&pages) {
        let (view, marks) = marked(&case.view);
        let page = Page::read(pages.page(case.template, "Title", &view).unwrap());
        let isolated: String = page.all("bdi").iter().map(|bdi| bdi.text.as_str()).collect();
        for (field, mark) in marks {
            if !is_address(&field) && !ATTRIBUTES.contains(&field.as_str()) {
                let shown = mark.replace('\u{202e}', "U+202E").replace('\u{0}', "U+0000");
                assert!(isolated.contains(&shown), "{}: {field} is not in a <bdi>", case.name);
            }
        }
    }
}

#[test]
fn ten_thousand_characters_in_every_field_leave_the_amount_and_the_buttons() {
    let pages = Pages::new().unwrap();
    let mut view = serde_json::to_value(sample::payment_consent()).unwrap();
    each_string(&mut view, "", &mut |field, text| {
        if !CHOICES.contains(&field)
            && !is_address(field)
            && !ATTRIBUTES.contains(&field)
            && field != "amount"
        {
            *text = "W".repeat(10_000);
        }
    });
    let page = Page::read(pages.page("consent", "Title", &view).unwrap());
    let amount = page.elements.iter().find(|element| element.attribute("class") == Some("amount")).unwrap();
    assert_eq!(amount.text, "AED 149.90");
    assert!(page.by_id("approve").is_some() && page.by_id("deny").is_some());
    for bdi in page.all("bdi") {
        let bounded = bdi.attribute("class") == Some("long") && bdi.attribute("tabindex") == Some("0");
        assert_eq!(bounded, bdi.text.chars().count() > LONG_CHARS, "a long text has no box");
    }
    let rule = super::STYLE_CSS.lines().find(|line| line.starts_with(".long {")).unwrap();
    assert!(rule.contains("max-block-size") && rule.contains("overflow: auto"));
}

#[test]
fn the_amount_and_the_payee_come_before_everything_the_third_party_wrote() {
    let page = Pages::new().unwrap().consent(&sample::payment_consent()).unwrap();
    let place = |text: &str| page.find(text).unwrap();
    assert!(place("AED 149.90") < place("Date Palm Books LLC"));
    assert!(place("Date Palm Books LLC") < place("Order 20417"));
    assert!(place("Date Palm Books LLC") < place("Books and stationery"));
}

#[test]
fn the_customer_sees_the_verified_name_the_domain_and_the_organisation_of_who_asks() {
    let page = Page::read(Pages::new().unwrap().consent(&sample::payment_consent()).unwrap());
    for text in ["Palm Books", "palmbooks.example", "AE-CBUAE-OF-20417", "UAE Open Finance Trust Framework"] {
        assert!(page.all("dd").iter().any(|dd| dd.text == text), "{text}");
    }
}

#[test]
fn a_view_that_links_to_a_script_or_posts_elsewhere_makes_no_page() {
    let pages = Pages::new().unwrap();
    let mut view = sample::refused();
    view.return_href = Some("javascript:alert(1)".to_owned());
    assert!(pages.refused(&view).is_err());
    let mut view = sample::payment_consent();
    view.form = sample::form("https://evil.example/");
    assert!(pages.consent(&view).is_err());
}

#[test]
fn hidden_values_do_not_show_when_a_view_is_logged() {
    let logged = format!("{:?}", sample::payment_consent());
    assert!(!logged.contains("csrf-8Zq1") && !logged.contains("form: tkt-"), "{logged}");
}

/// A consent as an attacker would write it.
pub(super) fn hostile_consent() -> ConsentView {
    let row = |term: &str, value: String| Row { term: term.to_owned(), value, emphasis: Emphasis::Plain };
    let mut view = sample::payment_consent();
    view.requester.name = format!("Аcme\u{200b} Bank ✔ verified {}", "very ".repeat(50));
    view.payments[0].payee = "W".repeat(10_000);
    let mut stacked = view.payments[0].clone();
    stacked.payee = format!("Stacked{}", "\u{301}\u{30d}\u{316}".repeat(80));
    view.payments.push(stacked);
    view.purpose = Some("\u{202e}09.1 DEA\u{202c} only <script>alert(1)</script> \u{0}".to_owned());
    view.sections.push(Section {
        heading: "Remittance".to_owned(),
        rows: vec![
            row("Message", "Please approve quickly. ".repeat(420)),
            row("Zalgo", format!("Z{}", "\u{301}\u{30d}\u{316}".repeat(80))),
            row("No breaks", "x".repeat(10_000)),
            row("مكتبة", "مكتبة النخيل 149.90".to_owned()),
        ],
    });
    view.next = "\u{2066}Approving sends AED 149.90\u{2069}".to_owned();
    view
}
