//! UAE service initiation: what is taken, in which spelling, and what is refused, by which rule and where.

use oauth_core::{AuthorizationDetails, DetailTypes as _, DetailsFault, Standing, Timestamp};
use rar_consent::DetailRegistry;
use serde_json::{Value, json};

use crate::fixture::{ID, Push, UAE, data, details, element, scope, with, without};

const RULE_VALUE: &str = "RFC9396-5-value";

#[test]
fn the_first_example_is_taken_in_every_spelling_of_both_dialects() {
    let spellings = [
        json!({"Type": "PaymentConsent", "Data": data()}),
        json!({"Type": "https://www.openfinance.ae/service-initiation-consent", "Data": data()}),
        json!({"type": UAE, "consent": data()}),
        json!({"type": format!("{UAE}:v1.0-draft1"), "consent": data()}),
        json!({"type": format!("{UAE}:v1.0-draft2"), "Data": data()}),
        json!({"type": "PaymentConsent", "consent": data()}),
        json!({"type": UAE, "Type": "PaymentConsent", "Data": data()}),
    ];
    for element in spellings {
        let vetted = Push::of(element.clone()).taken();
        assert_eq!(vetted.elements[0].kind.as_str(), UAE, "{element}");
        assert_eq!(vetted.consent.as_ref().unwrap().as_str(), ID);
        assert_eq!(vetted.until, Some(Timestamp::from_seconds(1_795_291_199)));
        let echo = &vetted.elements[0].value;
        assert!(echo["type"].is_string(), "{echo}");
        let container = if element.get("Data").is_some() { "Data" } else { "consent" };
        assert_eq!(echo[container]["Status"], "Authorized");
        assert_eq!(echo[container]["Initiation"], data()["Initiation"]);
    }
}

#[test]
fn dialect_a_is_echoed_with_both_types_and_dialect_b_as_received() {
    let a = Push::of(element()).taken();
    assert_eq!(
        (&a.elements[0].value["type"], &a.elements[0].value["Type"]),
        (&json!(UAE), &json!("PaymentConsent"))
    );
    let b = Push::of(json!({"type": "PaymentConsent", "consent": data()})).taken();
    assert_eq!(b.elements[0].value["type"], "PaymentConsent");
    assert!(b.elements[0].value.get("Type").is_none());
}

#[test]
fn the_scope_becomes_the_one_of_this_consent() {
    let own = format!("payments:{ID}");
    for asked in ["openid payments".to_owned(), format!("openid {own}"), format!("openid payments {own}")] {
        assert_eq!(
            Push::of(element()).scope(&asked).taken().scope,
            scope(&format!("openid {own}")),
            "{asked}"
        );
    }
}

#[test]
fn a_scope_that_does_not_go_with_the_consent_is_refused() {
    for (asked, rule) in [
        ("openid", "UAEBSI-10"),
        ("openid payments:aac-00000000-0000-4000-8000-000000000000", "UAEBSI-10"),
        ("payments payments:aac-00000000-0000-4000-8000-000000000000", "RFC9396-3-scope"),
        ("payments accounts.basic", "RFC9396-3-scope"),
        ("payments consent:x", "RFC9396-3-scope"),
    ] {
        let (found, reason) = Push::of(element()).scope(asked).refused();
        assert_eq!((found, reason.fault), (rule, DetailsFault::ScopeMismatch), "{asked}");
    }
}

#[test]
fn a_scope_that_needs_a_consent_is_refused_without_details() {
    for asked in
        ["openid payments", "payments:x", "accounts.details", "customer", "consent:x", "bank_account"]
    {
        let push = Push { asked: Default::default(), ..Push::of(element()).scope(asked) };
        assert_eq!(push.refused().1.fault, DetailsFault::ScopeMismatch, "{asked}");
    }
    let push = Push { asked: Default::default(), ..Push::of(element()).scope("openid products email") };
    assert!(push.taken().is_empty());
}

#[test]
fn spellings_that_contradict_or_mix_are_refused() {
    let two = |a: &str, b: &str| json!({"type": a, "Type": b, "Data": data()});
    for (element, rule, path) in [
        (two(UAE, "AccountAccessConsent"), "UAEBSI-3.1-type", ".Type"),
        (two("payment_initiation", "PaymentConsent"), "UAEBSI-3.1-type", ".type"),
        (json!({"type": 7, "Type": "PaymentConsent", "Data": data()}), "UAEBSI-3.1-type", ".type"),
        (json!({"Type": "PaymentConsent", "Data": data(), "consent": data()}), "UAEBSI-3.2-container", ""),
        (json!({"Type": "PaymentConsent"}), "UAEBSI-3.2-container", ""),
        (
            json!({"Type": "PaymentConsent", "Data": data(), "Subscription": {}, "subscription": {}}),
            "UAEBSI-3.2-subscription",
            "",
        ),
        (
            json!({"Type": "PaymentConsent", "Data": data(), "locations": []}),
            "RFC9396-5-member",
            ".locations",
        ),
        (json!({"Type": "PaymentConsent", "Data": data(), "Risk": {}}), "RFC9396-5-member", ".Risk"),
        (json!({"Type": "PaymentConsent", "Data": [data()]}), RULE_VALUE, ".Data"),
        (
            json!({"type": format!("{UAE}:v1.2"), "Type": "PaymentConsent", "consent": data()}),
            "UAEBSI-3.1-v12",
            ".Type",
        ),
    ] {
        Push::of(element).because(rule, &format!("authorization_details[0]{path}"));
    }
}

#[test]
fn an_unknown_type_is_refused_whatever_it_is() {
    for kind in [
        json!("AccountAccessConsent"),
        json!("__proto__"),
        json!("constructor"),
        json!(""),
        json!(1),
        json!([]),
        json!({}),
        json!("urn:openfinanceuae:service-initiation-consent:v9"),
        json!("paymentconsent"),
        json!("PaymentConsent "),
    ] {
        for member in ["type", "Type"] {
            let (rule, reason) = Push::of(json!({member: kind, "Data": data()})).refused();
            assert_eq!(
                (rule, reason.fault),
                ("RFC9396-5-type", DetailsFault::TypeUnknown),
                "{member} {kind}"
            );
        }
    }
    Push::of(json!({"Data": data()})).because("RFC9396-5-type", "authorization_details[0].type");
}

#[test]
fn a_client_uses_only_the_types_it_is_registered_for() {
    let mut push = Push::of(element());
    push.client.detail_types.retain(|kind| kind.as_str() != UAE);
    push.because("RFC9396-10-client", "authorization_details[0].type");
}

#[test]
fn a_second_element_is_refused() {
    let push = Push { asked: details(json!([element(), element()])), ..Push::of(element()) };
    push.because("RFC9396-2-one", "authorization_details[1]");
}

#[test]
fn an_unknown_member_is_refused_at_every_level_by_its_path() {
    for parent in [
        "",
        "ControlParameters",
        "ControlParameters/ConsentSchedule",
        "ControlParameters/ConsentSchedule/SinglePayment",
        "ControlParameters/ConsentSchedule/SinglePayment/Amount",
        "Initiation",
        "Initiation/CreditorAccount",
        "Initiation/CreditorAccount/Name",
        "Initiation/DebtorAccount",
    ] {
        let pointer = if parent.is_empty() { "Extra".to_owned() } else { format!("{parent}/Extra") };
        let path = format!("authorization_details[0].Data.{}", pointer.replace('/', "."));
        Push::of(with(&pointer, json!("x"))).because("RFC9396-5-member", &path);
    }
    Push::of(with("Risk", json!({"anything": [1, {"goes": true}]}))).taken();
    Push::of(with("Risk", json!("text"))).because(RULE_VALUE, "authorization_details[0].Data.Risk");
}

#[test]
fn a_missing_member_is_refused_by_its_path() {
    for pointer in [
        "ConsentId",
        "ExpirationDateTime",
        "ControlParameters",
        "ControlParameters/ConsentSchedule",
        "Initiation",
        "Initiation/CreditorAccount",
        "Initiation/CreditorAccount/Identification",
        "Initiation/CreditorAccount/IdentificationType",
        "PaymentPurposeCode",
        "ControlParameters/ConsentSchedule/SinglePayment/Amount",
        "ControlParameters/ConsentSchedule/SinglePayment/Amount/Currency",
    ] {
        let path = format!("authorization_details[0].Data.{}", pointer.replace('/', "."));
        Push::of(without(pointer)).because("RFC9396-5-missing", &path);
    }
    Push::of(without("Initiation/CreditorAccount/Name"))
        .because("UAEBSI-4-name", "authorization_details[0].Data.Initiation.CreditorAccount.Name");
    for optional in [
        "AcceptedAuthorizationType",
        "AuthorizationExpirationTimeWindow",
        "PayerReference",
        "BeneficiaryReference",
        "ControlParameters/IsPayByAccount",
        "Initiation/DebtorAccount",
    ] {
        Push::of(without(optional)).taken();
    }
}

#[test]
fn null_is_never_a_value() {
    for pointer in
        ["PayerReference", "Initiation/DebtorAccount", "AcceptedAuthorizationType", "ConsentId", "Risk"]
    {
        let path = format!("authorization_details[0].Data.{}", pointer.replace('/', "."));
        Push::of(with(pointer, Value::Null)).because(RULE_VALUE, &path);
    }
}

#[test]
fn a_value_of_another_json_type_is_refused_by_its_path() {
    for (pointer, value) in [
        ("ConsentId", json!(7)),
        ("ConsentId", json!([ID])),
        ("PayerReference", json!(["a"])),
        ("ControlParameters/IsPayByAccount", json!("false")),
        ("ControlParameters/IsPayByAccount", json!(0)),
        ("AcceptedAuthorizationType", json!("UAEOF.Both")),
        ("AcceptedAuthorizationType", json!("Single")),
        ("Initiation/CreditorAccount/IdentificationType", json!("IBAN")),
        ("Initiation", json!([])),
        ("ControlParameters/ConsentSchedule/SinglePayment/Amount", json!("149.90")),
        ("ControlParameters/ConsentSchedule/SinglePayment/Amount", json!(149.90)),
        ("ControlParameters/ConsentSchedule/SinglePayment/Amount/Amount", json!(149.90)),
        ("ControlParameters/ConsentSchedule/SinglePayment/Amount/Amount", json!(14990)),
    ] {
        let path = format!("authorization_details[0].Data.{}", pointer.replace('/', "."));
        Push::of(with(pointer, value)).because(RULE_VALUE, &path);
    }
}

#[test]
fn only_a_canonical_amount_in_dirhams_is_taken() {
    const AMOUNT: &str = "ControlParameters/ConsentSchedule/SinglePayment/Amount";
    let path = format!("authorization_details[0].Data.{}", AMOUNT.replace('/', "."));
    for bad in [
        "1e2",
        "1E2",
        "NaN",
        "Infinity",
        "-1.00",
        "+1.00",
        "-0.00",
        "0.00",
        "1.005",
        "1,00",
        "1_000.00",
        "0x10",
        " 1.00",
        "1.00\n",
        "\u{ff11}.\u{ff10}\u{ff10}",
        "\u{661}\u{66b}\u{660}\u{661}",
        "1.0",
        ".50",
        "00000000000000001.00",
        "00.00",
        "9223372036854775808",
        "1",
        "1000000000000000000000000000000.00",
        "",
    ] {
        Push::of(with(&format!("{AMOUNT}/Amount"), json!(bad)))
            .because("UAEBSI-4-amount", &format!("{path}.Amount"));
    }
    for bad in ["aed", "JPY", "BHD", "EUR", "", "AED ", "A\u{415}D"] {
        Push::of(with(&format!("{AMOUNT}/Currency"), json!(bad)))
            .because("UAEBSI-4-amount", &format!("{path}.Currency"));
    }
}

#[test]
fn account_numbers_names_and_references_that_mislead_are_refused() {
    let at = |pointer: &str| format!("authorization_details[0].Data.{}", pointer.replace('/', "."));
    for bad in [
        "AE05 0260 0010 1543 2198 765",
        "ae050260001015432198765",
        "AE050260001015432198764",
        "DE02100100109307118603",
        "\u{410}E050260001015432198765",
        "",
    ] {
        let pointer = "Initiation/CreditorAccount/Identification";
        Push::of(with(pointer, json!(bad))).because("UAEBSI-4-creditor", &at(pointer));
        let pointer = "Initiation/DebtorAccount/Identification";
        Push::of(with(pointer, json!(bad))).because("UAEBSI-4-debtor", &at(pointer));
    }
    let pointer = "Initiation/CreditorAccount/Identification";
    Push::of(with(pointer, json!("AE760330000010195511162"))).because("UAEBSI-4-differ", &at(pointer));
    for bad in [
        json!({}),
        json!({"en": ""}),
        json!({"en": "a\u{202e}b"}),
        json!({"en": "x".repeat(71)}),
        json!({"ar": "\u{200b}"}),
    ] {
        let pointer = "Initiation/CreditorAccount/Name";
        Push::of(with(pointer, bad)).because("UAEBSI-4-name", &at(pointer));
    }
    for (pointer, bad) in [
        ("PayerReference", "x".repeat(121)),
        ("BeneficiaryReference", String::new()),
        ("BaseConsentId", "a\nb".to_owned()),
    ] {
        Push::of(with(pointer, json!(bad))).because("UAEBSI-4-reference", &at(pointer));
    }
    for bad in ["GD", "GDDSX", "gdds", "GD1", ""] {
        Push::of(with("PaymentPurposeCode", json!(bad)))
            .because("UAEBSI-4-purpose", &at("PaymentPurposeCode"));
    }
    let pointer = "SponsoredTPPInformation";
    Push::of(with(pointer, json!({"Name": "x", "Identification": ""})))
        .because("UAEBSI-4-sponsor", &at(pointer));
    Push::of(with(pointer, json!({"Name": "x"})))
        .because("RFC9396-5-missing", &at("SponsoredTPPInformation.Identification"));
}

#[test]
fn the_two_names_of_the_payers_reference_say_the_same() {
    Push::of(with("UserReference", json!("order 88121"))).taken();
    Push::of(with("UserReference", json!("other")))
        .because("UAEBSI-4-alias", "authorization_details[0].Data.UserReference");
}

#[test]
fn a_consent_id_is_a_version_4_uuid() {
    for bad in [
        "",
        "x",
        "3f0a9b64-9d0e-1c57-8d6b-1f2f7b5c0a01",
        "AAC-3f0a9b64-9d0e-4c57-8d6b-1f2f7b5c0a01",
        "aac_3f0a9b64",
    ] {
        let element = with("ConsentId", json!(bad));
        Push::of(element).because("UAEBSI-4.1", "authorization_details[0].Data.ConsentId");
    }
}

#[test]
fn the_authorisation_window_has_hours_minutes_and_seconds() {
    const PATH: &str = "authorization_details[0].Data.AuthorizationExpirationTimeWindow";
    for good in ["720:00:00", "0:00:01", "9999:59:59"] {
        Push::of(with("AuthorizationExpirationTimeWindow", json!(good))).taken();
    }
    for bad in [
        "00:00",
        "24:60:00",
        "24:00:60",
        "10000:00:00",
        "24:0:00",
        ":00:00",
        "-1:00:00",
        "24:00:00 ",
        "24:00:00:00",
    ] {
        Push::of(with("AuthorizationExpirationTimeWindow", json!(bad))).because("UAEBSI-4.2", PATH);
    }
    Push::of(with("AuthorizationExpirationTimeWindow", json!("0:00:00"))).because("UAEBSI-4.2-zero", PATH);
}

#[test]
fn a_single_instant_payment_ends_today_in_dubai_and_later_than_now() {
    const PATH: &str = "authorization_details[0].Data.ExpirationDateTime";
    for good in ["2026-11-21T23:59:59.999+04:00", "2026-11-21T19:59:59Z", "2026-11-21T12:00:00.001+04:00"] {
        Push::of(with("ExpirationDateTime", json!(good))).taken();
    }
    for (bad, rule) in [
        ("2026-11-21T20:00:00Z", "UAEBSI-4.3-today"),
        ("2026-11-22T00:00:00+04:00", "UAEBSI-4.3-today"),
        ("2026-11-21T12:00:00+04:00", "UAEBSI-4.3-ahead"),
        ("2026-11-21T00:00:00+04:00", "UAEBSI-4.3-ahead"),
        ("2027-11-22T00:00:00+04:00", "UAEBSI-4.3-year"),
        ("2027-11-21T23:59:59+04:00", "UAEBSI-4.3-today"),
        ("2026-11-21T23:59:59", "UAEBSI-4.3"),
        ("2026-11-21", "UAEBSI-4.3"),
        ("1795291199", "UAEBSI-4.3"),
    ] {
        Push::of(with("ExpirationDateTime", json!(bad))).because(rule, PATH);
    }
}

#[test]
fn events_go_only_to_a_host_of_the_client() {
    let hook = |url: &str| {
        let mut element = element();
        element["Subscription"] = json!({"Webhook": {"Url": url, "IsActive": true}});
        Push::of(element)
    };
    for good in ["https://tpp.example/hooks/uae?x=1", "https://TPP.example:8443/h"] {
        hook(good).taken();
    }
    for bad in [
        "http://tpp.example/h",
        "https://evil.example/h",
        "https://tpp.example@evil.example/",
        "https://tpp.example.evil.example",
        "https://tpp.example/#f",
        "https://",
        "https://hooks.tpp.example/h",
        "https://tpp.example:0/h",
        "//tpp.example",
        "https://tpp.example\\.evil.example/",
    ] {
        hook(bad).because("UAEBSI-11.1", "authorization_details[0].Subscription.Webhook.Url");
    }
    let mut element = element();
    element["subscription"] = json!({"Webhook": {"Url": "https://tpp.example/h"}});
    Push::of(element).because("RFC9396-5-missing", "authorization_details[0].subscription.Webhook.IsActive");
}

#[test]
fn details_of_two_kilobytes_and_more_are_taken() {
    let element = with("Risk", json!({"note": "x".repeat(8000)}));
    assert!(element.to_string().len() > 8000);
    Push::of(element).taken();
}

#[test]
fn a_token_request_repeats_the_consent_or_is_refused() {
    let registry = DetailRegistry::standard();
    let granted = Push::of(element()).taken();
    let again = |element: Value| registry.narrow(&granted, &details(json!([element])));
    assert_eq!(again(element()).unwrap(), granted);
    assert_eq!(again(granted.elements[0].value.clone()).unwrap(), granted);
    let more = with("ControlParameters/ConsentSchedule/SinglePayment/Amount/Amount", json!("149.91"));
    for wider in [
        more,
        with("ExpirationDateTime", json!("2026-11-21T23:59:59.5+04:00")),
        with("Risk", json!({})),
        json!({"type": "account_information"}),
        json!({}),
    ] {
        assert_eq!(again(wider.clone()).unwrap_err().rule.0, "RFC9396-6-within", "{wider}");
    }
    assert!(registry.narrow(&granted, &details(json!([element(), element()]))).is_err());
}

#[test]
fn the_types_on_offer_are_the_canonical_ones() {
    let types: Vec<String> = DetailRegistry::standard().supported().iter().map(ToString::to_string).collect();
    assert_eq!(types, [UAE, "urn:ofxpera:consent:v1", "payment_initiation", "account_information"]);
}

#[test]
fn section_3_3_a_token_tells_the_status_that_its_consent_has_when_it_is_issued() {
    let registry = DetailRegistry::standard();
    let granted = Push::of(element()).taken();
    for (standing, status) in [
        (Standing::Waiting, "AwaitingAuthorization"),
        (Standing::Good, "Authorized"),
        (Standing::Suspended, "Suspended"),
        (Standing::Finished, "Finished"),
    ] {
        let told = registry.told(&granted, standing);
        assert_eq!(told.elements[0].value["Data"]["Status"], status);
        let asked = AuthorizationDetails::from_value(json!(told.echo())).unwrap();
        assert_eq!(registry.narrow(&granted, &asked).unwrap(), granted, "what was told can be asked for");
    }
}
