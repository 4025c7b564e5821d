//! OFxPERA consents in words.

use super::{Description, Row, choice_of_permissions, plain, section, strong};
use crate::consent::terms::{OfxperaConsent, Permission};
use crate::value::calendar::Zone;

pub(super) fn words(consent: &OfxperaConsent) -> Description {
    let until = Zone::Manila.words(consent.end);
    let may = consent.permissions.iter().map(|permission| plain(permission.as_str(), meaning(*permission)));
    let mut terms = vec![
        plain("Data held by", &*consent.data_holder),
        plain("Purpose", &*consent.purpose),
        plain("Begins", Zone::Manila.words(consent.start)),
        strong("Ends", &*until),
    ];
    terms.extend(consent.additional_terms.iter().map(|term| plain(&term.key, &*term.value)));
    let limits: Vec<Row> = consent
        .limits
        .iter()
        .flat_map(|limits| {
            [
                strong("At most for one payment", limits.individual.to_string()),
                strong("At most for all payments", limits.total.to_string()),
            ]
        })
        .collect();
    let sections = [
        section("The third party may", may.collect()),
        section("Payments", limits),
        section("Consent", terms),
    ];
    Description {
        headline: "Share your data?".to_owned(),
        payment: None,
        sections: sections.into_iter().flatten().collect(),
        next: format!(
            "If you approve, the third party may do this until {until}, or until you take it back."
        ),
        choice: choice_of_permissions(&consent.permissions),
    }
}

const fn meaning(permission: Permission) -> &'static str {
    match permission {
        Permission::PeraBasicInfo => "See your PERA accounts",
        Permission::PeraBalance => "See their balances",
        Permission::PeraInvestmentDetails => "See what they are invested in",
        Permission::PeraTransactions => "See their transactions",
        Permission::PeraStatements => "See their statements",
        Permission::SourceAccountRead => "See the account you pay from",
        Permission::CustomerRead => "See who you are",
        Permission::CustomerDetailRead => "See all the bank knows about you as a person",
        Permission::CustomerOnboard => "Introduce you as a customer",
        Permission::AccountOpen => "Open a PERA account for you",
        Permission::PaymentInitiate => "Make contributions from your account",
    }
}
