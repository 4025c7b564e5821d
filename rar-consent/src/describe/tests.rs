use serde_json::{Value, json};

use super::*;

/// Everything the customer can read.
fn page(description: &Description) -> String {
    let rows = description.sections.iter().flat_map(|section| &section.rows);
    let rows: Vec<String> = rows.map(|row| format!("{}: {}", row.term, row.value)).collect();
    format!("{}\n{}\n{}", description.headline, rows.join("\n"), description.next)
}

/// Every leaf of a document, with the name of the member it stands in.
fn leaves(name: &str, value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| leaves(name, item, found)),
        Value::Object(members) => members.iter().for_each(|(name, member)| leaves(name, member, found)),
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => found.push((name.to_owned(), value.clone())),
    }
}

/// How a leaf of stored terms is said in words, where it is not said as it stands.
fn in_words(name: &str, leaf: &Value) -> String {
    match (name, leaf) {
        ("minor", Value::Number(minor)) => crate::Amount::new(minor.as_i64().unwrap(), "AED").decimal(),
        ("expires_at", _) => "21 November 2026, 23:59:59 (Dubai time)".to_owned(),
        ("start", _) => "21 November 2026, 16:00:00 (Manila time)".to_owned(),
        ("end", _) => "21 November 2027, 16:00:00 (Manila time)".to_owned(),
        ("valid_until", _) => "1 March 2027, 00:00:00 (UTC)".to_owned(),
        ("authorise_within", _) => "01:00:00".to_owned(),
        ("authorization", _) => "One person".to_owned(),
        ("pay_by_account", _) => "Pay by account: Yes".to_owned(),
        ("active", _) => "Events wanted: No".to_owned(),
        ("permissions", Value::String(name)) if name == "ReadRefundAccount" => {
            "The account you pay from, to send money back".to_owned()
        }
        ("permissions", Value::String(name)) if name.chars().all(|c| c.is_ascii_uppercase() || c == '_') => {
            let (what, opened) = ofxpera::meaning(serde_json::from_value(leaf.clone()).unwrap());
            format!("{what}: {opened}")
        }
        ("execute_at", _) => "5 December 2026, 06:00:00 (Dubai time)".to_owned(),
        ("kind", Value::String(kind)) => format!("One {}", kind.to_ascii_lowercase()),
        ("alignment", Value::String(alignment)) if alignment == "consent" => "counted from".to_owned(),
        ("alignment", _) => "of the calendar".to_owned(),
        ("anchor" | "day", Value::String(day)) => crate::Day::parse(day).unwrap().words(),
        ("recurring", _) => "More than once: Yes".to_owned(),
        ("trusted", _) => "trusted: Yes".to_owned(),
        ("permissions", Value::String(name)) if name.chars().all(|c| c.is_ascii_lowercase()) => {
            name[..1].to_ascii_uppercase() + &name[1..]
        }
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}

fn every_leaf_is_shown(terms: Value, at_least: usize) {
    every_leaf_is_shown_with(terms, None, at_least);
}

fn every_leaf_is_shown_with(terms: Value, subscription: Option<Subscription>, at_least: usize) {
    let terms: Terms = serde_json::from_value(terms).unwrap();
    let page = page(&words(&terms, subscription.as_ref()));
    let mut found = Vec::new();
    leaves("", &serde_json::to_value(&terms).unwrap(), &mut found);
    leaves("", &serde_json::to_value(&subscription).unwrap(), &mut found);
    assert!(found.len() >= at_least, "{} leaves", found.len());
    for (name, leaf) in found {
        let shown = in_words(&name, &leaf);
        assert!(page.contains(&shown), "{name} ({shown}) is missing from:\n{page}");
    }
}

#[test]
fn every_field_of_a_uae_payment_is_shown() {
    let name = |en: &str, ar: &str| json!({"en": en, "ar": ar});
    let subscription = Subscription { url: "https://tpp.example/hooks".to_owned(), active: false };
    every_leaf_is_shown_with(
        json!({"uae_payment_2": {
            "base_consent": "base-1", "authorization": "Single", "window": "01:00:00", "authorise_within": 3600,
            "expires_at": 1_795_291_199_000_i64, "pay_by_account": true,
            "schedule": {"single": {"instant": {"amount": {"minor": 14990, "currency": "AED"}}}},
            "debtor": {"iban": "AE760330000010195511162", "name": name("Mariam", "d-ar"), "trading_name": name("Mar", "t-ar")},
            "creditor": {"iban": "AE050260001015432198765", "name": name("Date Palm Books LLC", "c-ar"),
                "trading_name": name("Palm Books", "ct-ar")},
            "payer_reference": "order 88121", "beneficiary_reference": "inv 7", "purpose_code": "GDDS",
            "permissions": ["ReadRefundAccount"],
            "sponsor": {"name": "Sponsor Ltd", "identification": "LIC-9"},
            "risk": {"device": {"ip": "192.0.2.1", "score": 17, "trusted": true}, "tags": ["a-tag"]}
        }}),
        Some(subscription),
        27,
    );
}

fn payment(schedule: Value) -> Value {
    json!({"uae_payment_2": {
        "base_consent": null, "authorization": null, "window": "01:00:00", "authorise_within": 3600,
        "expires_at": 1_795_291_199_000_i64, "pay_by_account": true, "schedule": schedule, "debtor": null,
        "creditor": {"iban": "AE050260001015432198765", "name": {"en": "Home Hub", "ar": null}, "trading_name": null},
        "payer_reference": "sofa plan", "beneficiary_reference": null, "purpose_code": "GDDS", "sponsor": null,
        "risk": null
    }})
}

fn aed(minor: i64) -> Value {
    json!({"minor": minor, "currency": "AED"})
}

fn periodic(kind: &str, alignment: &str) -> Value {
    json!({"periods": {"kind": kind, "anchor": "2026-12-21", "alignment": alignment}, "count": 7, "value": aed(888_800)})
}

/// One schedule of each type.
fn schedules() -> [Value; 8] {
    let lifetime = json!({"count": 40, "value": aed(777_700)});
    let instant = json!({"instant": {"amount": aed(50_000)}});
    let recurring = json!({"fixed_recurring": {
        "amount": aed(20_001), "payments": 6, "periodic": periodic("Month", "consent")}});
    [
        json!({"single": {"future_dated": {"amount": aed(320_000), "execute_at": 1_796_436_000_000_i64}}}),
        json!({"multi": recurring}),
        json!({"multi": {"fixed_on_demand": {
            "amount": aed(5001), "lifetime": lifetime, "periodic": periodic("Week", "calendar")}}}),
        json!({"multi": {"variable_recurring": {
            "individual": aed(60_002), "lifetime": lifetime, "periodic": periodic("Year", "consent")}}}),
        json!({"multi": {"variable_on_demand": {
            "individual": aed(12_003), "lifetime": lifetime, "periodic": periodic("Day", "calendar")}}}),
        json!({"multi": {"variable_defined": {"payments": [
            {"day": "2026-12-15", "amount": aed(1_000_004)}, {"day": "2027-03-15", "amount": aed(750_005)}]}}}),
        json!({"multi": {"defined_up_to": {"lifetime": {"count": 40, "value": aed(1_500_006)}, "payments": [
            {"day": "2026-12-15", "amount": aed(1_000_004)}, {"day": "2027-03-15", "amount": aed(750_005)}]}}}),
        json!({"combined": {"single": instant, "multi": recurring}}),
    ]
}

#[test]
fn every_field_of_every_uae_payment_type_is_shown() {
    for schedule in schedules() {
        every_leaf_is_shown(payment(schedule), 11);
    }
}

#[test]
fn every_uae_payment_type_says_what_it_asks_for_and_what_happens_next() {
    let said = |schedule: Value| {
        let terms: Terms = serde_json::from_value(payment(schedule)).unwrap();
        let Description { headline, payment, next, .. } = words(&terms, None);
        let payment = payment.unwrap();
        assert_eq!(payment.payee, "Home Hub");
        assert!(next.starts_with("If you approve, ") && next.ends_with('.'), "{next}");
        (headline, format!("{} {}, {}", payment.lead, payment.amount, payment.note.unwrap()))
    };
    let expected = [
        (
            "Pay AED 3200.00 to Home Hub on 5 December 2026?",
            "You pay AED 3200.00, One payment, on 5 December 2026",
        ),
        (
            "Pay AED 200.01 to Home Hub every month, 6 times?",
            "You pay each time AED 200.01, 6 payments, one every month from 21 December 2026 on",
        ),
        (
            "Allow payments of AED 50.01 to Home Hub, up to AED 7777.00 in all?",
            "Each payment AED 50.01, At most 40 payments, AED 7777.00 in all",
        ),
        (
            "Allow a payment of up to AED 600.02 to Home Hub every year?",
            "Each payment, at most AED 600.02, One every year from 21 December 2026 on; at most 40 payments, AED 7777.00 in all",
        ),
        (
            "Allow payments of up to AED 120.03 each to Home Hub, up to AED 7777.00 in all?",
            "Each payment, at most AED 120.03, At most 40 payments, AED 7777.00 in all",
        ),
        (
            "Pay AED 17500.09 to Home Hub in 2 payments?",
            "You pay in all AED 17500.09, 2 payments on the days listed below",
        ),
        (
            "Allow payments of up to AED 15000.06 in all to Home Hub, in 2 payments?",
            "All payments together, at most AED 15000.06, At most 2 payments, on the days listed below",
        ),
        (
            "Pay Home Hub AED 500.00 once, today, and AED 200.01 every month, 6 times?",
            "You pay AED 500.00, Once, on the day you approve; and AED 200.01 every month, 6 times",
        ),
    ];
    for (schedule, (headline, first)) in schedules().into_iter().zip(expected) {
        assert_eq!(said(schedule), (headline.to_owned(), first.to_owned()));
    }
}

#[test]
fn every_field_of_an_ofxpera_consent_is_shown() {
    every_leaf_is_shown(
        json!({"ofxpera_1": {
            "data_holder": "bayan-trust", "permissions": Permission::ALL, "start": 1_795_248_000_000_i64,
            "end": 1_826_784_000_000_i64, "purpose": "show my PERA",
            "additional_terms": [{"key": "fee", "value": "none at all"}],
            "limits": {"individual": {"minor": 150_000, "currency": "PHP"}, "total": {"minor": 900_000, "currency": "PHP"}}
        }}),
        21,
    );
}

#[test]
fn every_field_of_the_generic_types_is_shown() {
    every_leaf_is_shown(
        json!({"payment_1": {
            "amount": {"minor": 12350, "currency": "EUR"}, "creditor_name": "Merchant A", "creditor_iban": "DE02100100109307118603",
            "remittance": "Ref Number Merchant", "actions": ["initiate", "status"], "locations": ["https://example.com/payments"]
        }}),
        8,
    );
    every_leaf_is_shown(
        json!({"accounts_1": {"permissions": ["balances", "transactions", "details"], "recurring": true,
            "valid_until": 1_803_859_200_000_i64}}),
        5,
    );
}

#[test]
fn a_consent_about_the_person_alone_asks_for_no_account() {
    for (permission, choice) in [
        (Permission::CustomerOnboard, AccountChoice::None),
        (Permission::AccountOpen, AccountChoice::None),
        (Permission::SourceAccountRead, AccountChoice::AnyOf),
        (Permission::PaymentInitiate, AccountChoice::AnyOf),
    ] {
        assert_eq!(choice_of_permissions(&[permission]), choice);
    }
}

#[test]
fn who_has_an_account_opened_need_not_have_one_before() {
    let choice = |beside: &[Permission]| {
        choice_of_permissions(&[&[Permission::AccountOpen, Permission::PeraBasicInfo], beside].concat())
    };
    assert_eq!(choice(&[]), AccountChoice::AnyOrNone);
    assert_eq!(choice(&[Permission::PeraBalance]), AccountChoice::AnyOrNone);
    assert_eq!(choice(&[Permission::SourceAccountRead]), AccountChoice::AnyOf, "that one is there");
    assert!(AccountChoice::AnyOrNone.takes(&[]) && AccountChoice::AnyOrNone.takes(&["pa-1".to_owned()]));
}

fn ofxpera(permissions: &[Permission]) -> Terms {
    serde_json::from_value(json!({"ofxpera_1": {
        "data_holder": "bayan-trust", "permissions": permissions, "start": 1_795_248_000_000_i64,
        "end": 1_826_784_000_000_i64, "purpose": "show my PERA", "additional_terms": [], "limits": null
    }}))
    .unwrap()
}

#[test]
fn a_consent_concerns_the_accounts_that_its_permissions_open_or_debit() {
    let (retirement, source) = (AccountGroup::Retirement, AccountGroup::Source);
    for (permission, concerned) in [
        (Permission::PeraBasicInfo, [true, false, false]),
        (Permission::PeraTransactions, [true, false, false]),
        (Permission::SourceAccountRead, [false, true, true]),
        (Permission::PaymentInitiate, [false, true, false]),
        (Permission::AccountOpen, [false, false, false]),
        (Permission::CustomerRead, [false, false, false]),
    ] {
        let terms = ofxpera(&[permission]);
        let pairs = [(retirement, "PHP"), (source, "PHP"), (source, "AED")];
        assert_eq!(
            pairs.map(|(group, currency)| terms.concern(group, currency)),
            concerned,
            "{permission:?}"
        );
    }
    let both = ofxpera(&[Permission::PeraBasicInfo, Permission::PaymentInitiate]);
    assert!(both.concern(retirement, "PHP") && both.concern(source, "PHP") && !both.concern(source, "AED"));
}

#[test]
fn who_holds_the_data_is_named_with_the_identifier_beside_it() {
    let held_by = |holder| {
        let words = composed((&ofxpera(&[Permission::CustomerRead]), None), Language::English, holder);
        let rows = words.sections.into_iter().flat_map(|section| section.rows);
        rows.filter(|row| row.term == "Data held by").map(|row| row.value).collect::<Vec<_>>()
    };
    assert_eq!(
        held_by(Some(Holder { id: "bayan-trust", name: "Bayan Trust" })),
        ["Bayan Trust (bayan-trust)"]
    );
    assert_eq!(
        held_by(Some(Holder { id: "luzon-bank", name: "Luzon Bank" })),
        ["bayan-trust"],
        "another one"
    );
    assert_eq!(held_by(None), ["bayan-trust"]);
}

/// Every terms that there are Arabic words for.
fn uae_terms() -> Vec<Terms> {
    let name = |en: &str, ar: &str| json!({"en": en, "ar": ar});
    let full = json!({"uae_payment_2": {
        "base_consent": "base-1", "authorization": "Multi", "window": "01:00:00", "authorise_within": 3600,
        "expires_at": 1_795_291_199_000_i64, "pay_by_account": true,
        "schedule": {"single": {"instant": {"amount": {"minor": 14990, "currency": "AED"}}}},
        "debtor": {"iban": "AE760330000010195511162", "name": name("Mariam", "d-ar"), "trading_name": name("Mar", "t-ar")},
        "creditor": {"iban": "AE050260001015432198765", "name": name("Date Palm Books LLC", "مكتبة النخيل"),
            "trading_name": name("Palm Books", "ct-ar")},
        "payer_reference": "order 88121", "beneficiary_reference": "inv 7", "purpose_code": "GDDS",
        "permissions": ["ReadRefundAccount"], "sponsor": {"name": "Sponsor Ltd", "identification": "LIC-9"},
        "risk": {"device": {"ip": "192.0.2.1", "score": 17, "trusted": true}, "tags": ["a-tag"]}
    }});
    let all = schedules().into_iter().map(payment).chain([full]);
    all.map(|terms| serde_json::from_value(terms).unwrap()).collect()
}

#[test]
fn arabic_says_as_much_as_english_field_by_field() {
    let subscription = Subscription { url: "https://tpp.example/hooks".to_owned(), active: true };
    for terms in uae_terms() {
        let said = |language| words_in(&terms, Some(&subscription), language);
        let (english, arabic) = (said(Language::English), said(Language::Arabic));
        let shape = |words: &Description| {
            let rows = |section: &Section| section.rows.iter().map(|row| row.strong).collect::<Vec<_>>();
            words.sections.iter().map(rows).collect::<Vec<_>>()
        };
        assert_eq!(shape(&english), shape(&arabic), "{}", english.headline);
        assert_eq!(english.choice, arabic.choice);
        assert_eq!(english.payment.map(|words| words.amount), arabic.payment.map(|words| words.amount));
        let amounts = |text: &str| {
            let mut found: Vec<String> = text.split("AED ").skip(1).map(number).collect();
            found.sort();
            found
        };
        let whole = |words: &Description| {
            let rows = words.sections.iter().flat_map(|section| &section.rows);
            rows.map(|row| row.value.clone()).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(amounts(&whole(&said(Language::English))), amounts(&whole(&said(Language::Arabic))));
    }
}

fn number(text: &str) -> String {
    text.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect()
}

#[test]
fn arabic_has_no_word_of_english_and_no_digit_but_latin_ones() {
    for terms in uae_terms() {
        let words = words_in(&terms, None, Language::Arabic);
        let headings = words.sections.iter().map(|section| section.heading.clone());
        let own = words.sections.iter().filter(|section| section.heading != "بيانات مرفقة لتقييم المخاطر");
        let names = own.flat_map(|section| &section.rows).map(|row| row.term.replace("(IBAN)", ""));
        for text in headings.chain(names) {
            assert!(!text.chars().any(|c| c.is_ascii_alphabetic()), "{text}");
        }
        let page = page(&words) + &words.payment.unwrap().note.unwrap();
        assert!(!page.chars().any(|c| ('\u{660}'..='\u{669}').contains(&c)), "{page}");
        let sentences = format!("{}\n{}", words.headline, words.next);
        let plain = sentences.replace("AED", "").replace("Home Hub", "");
        assert!(!plain.chars().any(|c| c.is_ascii_alphabetic()), "{plain}");
        let (opened, closed) = (sentences.matches('\u{2068}').count(), sentences.matches('\u{2069}').count());
        assert!(opened == closed && opened >= 2, "amount and payee are isolated: {sentences}");
    }
}

#[test]
fn the_name_on_an_arabic_page_is_the_arabic_one() {
    let terms = uae_terms().pop().unwrap();
    let payee = |language| words_in(&terms, None, language).payment.unwrap().payee;
    assert_eq!(payee(Language::Arabic), "مكتبة النخيل");
    assert_eq!(payee(Language::English), "Date Palm Books LLC");
}

#[test]
fn a_changed_description_is_another_text() {
    let terms = |purpose: &str| {
        let mut terms = payment(schedules()[0].clone());
        terms["uae_payment_2"]["purpose_code"] = json!(purpose);
        let terms: Terms = serde_json::from_value(terms).unwrap();
        page(&words(&terms, None))
    };
    let shown = |language: &str, text: String| oauth_core::ShownText { language: language.to_owned(), text };
    assert_ne!(shown("en", terms("GDDS")).sha256(), shown("en", terms("RENT")).sha256());
    assert_ne!(shown("en", terms("GDDS")).sha256(), shown("ar", terms("GDDS")).sha256());
    assert_eq!(shown("en", terms("GDDS")).sha256(), shown("en", terms("GDDS")).sha256());
}
