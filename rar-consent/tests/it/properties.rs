//! The order on what is asked and granted (RFC 9396 section 7): laws for all terms, not only for examples.

use oauth_core::{
    AuthorizationDetails, DetailType, DetailTypes as _, Timestamp, VettedDetail, VettedDetails,
};
use proptest::prelude::*;
use rar_consent::{Amount, DetailRegistry, OfxperaConsent, PaymentLimits, Permission};
use serde_json::{Value, json};

const PERMISSIONS: [Permission; 3] =
    [Permission::PeraBasicInfo, Permission::PeraBalance, Permission::PaymentInitiate];
const WORDS: [&str; 3] = ["balances", "transactions", "details"];

/// Terms as the checks of the type let them be: limits only where there are payments.
fn terms() -> impl Strategy<Value = OfxperaConsent> {
    let permissions = prop::sample::subsequence(PERMISSIONS.to_vec(), 1..=3);
    let limits = prop::option::of((1_i64..4, 1_i64..4));
    (permissions, 1_i64..4, limits).prop_map(|(permissions, days, limits)| OfxperaConsent {
        data_holder: "bayan-trust".into(),
        start: Timestamp::EPOCH,
        end: Timestamp::from_seconds(days * 86_400),
        purpose: "tests".into(),
        additional_terms: Vec::new(),
        limits: limits.filter(|_| permissions.contains(&Permission::PaymentInitiate)).map(
            |(individual, total)| PaymentLimits {
                individual: Amount::new(individual, "PHP"),
                total: Amount::new(total, "PHP"),
            },
        ),
        permissions,
    })
}

/// An element of RFC 9396's account information type.
fn element() -> impl Strategy<Value = Value> {
    (prop::sample::subsequence(WORDS.to_vec(), 1..=3), any::<bool>(), 1_u8..5).prop_map(
        |(permissions, recurring, day)| {
            json!({
                "type": "account_information",
                "access": {"permissions": permissions},
                "recurringIndicator": recurring,
                "validUntil": format!("2027-01-0{day}T00:00:00Z"),
            })
        },
    )
}

/// What narrowing a granted element to another one yields.
fn narrowed(granted: &Value, asked: &Value) -> Option<Value> {
    let granted = VettedDetails {
        elements: vec![VettedDetail {
            kind: DetailType::new("account_information").unwrap(),
            value: granted.clone(),
            confidential: None,
        }],
        ..VettedDetails::default()
    };
    let asked = AuthorizationDetails::read(&json!([asked]).to_string()).unwrap();
    let outcome = DetailRegistry::standard().narrow(&granted, &asked).ok()?;
    Some(outcome.elements.into_iter().next().unwrap().value)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn narrowing_a_consent_is_reflexive_transitive_and_ends_in_equality(
        a in terms(), b in terms(), c in terms(),
    ) {
        prop_assert!(a.is_within(&a));
        prop_assert!(!(a.is_within(&b) && b.is_within(&c)) || a.is_within(&c), "{a:?}\n{b:?}\n{c:?}");
        if a.is_within(&b) {
            prop_assert!(a.end <= b.end);
            prop_assert!(a.permissions.iter().all(|permission| b.permissions.contains(permission)));
        }
    }

    #[test]
    fn narrowing_details_is_transitive_and_yields_what_was_asked(
        granted in element(), asked in element(), further in element(),
    ) {
        prop_assert_eq!(narrowed(&granted, &granted), Some(granted.clone()));
        if let Some(first) = narrowed(&granted, &asked) {
            prop_assert_eq!(&first, &asked);
            if narrowed(&first, &further).is_some() {
                prop_assert!(narrowed(&granted, &further).is_some(), "granted within vetted within asked");
            }
        }
    }
}
