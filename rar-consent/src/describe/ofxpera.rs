//! OFxPERA consents in words.

use super::{Description, Holder, Row, choice_of_permissions, plain, section, strong};
use crate::consent::terms::{OfxperaConsent, Permission};
use crate::value::calendar::Zone;

pub(super) fn words(consent: &OfxperaConsent, holder: Option<Holder<'_>>) -> Description {
    let until = Zone::Manila.words(consent.end);
    let may = consent.permissions.iter().map(|permission| {
        let (what, opened) = meaning(*permission);
        plain(what, opened)
    });
    let mut terms = vec![
        plain("Data held by", held_by(&consent.data_holder, holder)),
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
        headline: headline(&consent.permissions),
        payment: None,
        sections: sections.into_iter().flatten().collect(),
        next: format!(
            "If you approve, the third party may do this until {until}, or until you take it back."
        ),
        choice: choice_of_permissions(&consent.permissions),
    }
}

/// What is asked in one question. What moves money or makes accounts is never behind what is only seen.
fn headline(permissions: &[Permission]) -> String {
    let pays = permissions.contains(&Permission::PaymentInitiate);
    let opens = permissions.contains(&Permission::AccountOpen);
    let sees = permissions.len() > usize::from(pays) + usize::from(opens);
    let question = match (sees, opens, pays) {
        (true, true, true) => "Share your data, have a PERA account opened and allow contributions?",
        (true, true, false) => "Share your data and have a PERA account opened?",
        (true, false, true) => "Share your data and allow contributions?",
        (false, true, true) => "Have a PERA account opened and allow contributions?",
        (false, true, false) => "Have a PERA account opened?",
        (false, false, true) => "Allow contributions from your account?",
        (true | false, false, false) => "Share your data?",
    };
    question.to_owned()
}

/// The holder's name, its identifier beside it; the identifier alone where nobody knows the name.
fn held_by(data_holder: &str, holder: Option<Holder<'_>>) -> String {
    match holder.filter(|known| known.id == data_holder) {
        Some(Holder { id, name }) => format!("{name} ({id})"),
        None => data_holder.to_owned(),
    }
}

/// What a permission is about, and what it opens.
pub(super) const fn meaning(permission: Permission) -> (&'static str, &'static str) {
    match permission {
        Permission::PeraBasicInfo => ("Your PERA accounts", "See which there are"),
        Permission::PeraBalance => ("Balances", "See what is in your PERA accounts"),
        Permission::PeraInvestmentDetails => ("Investments", "See what your PERA accounts are invested in"),
        Permission::PeraTransactions => ("Transactions", "See what came into and left your PERA accounts"),
        Permission::PeraStatements => ("Statements", "See the statements of your PERA accounts"),
        Permission::SourceAccountRead => ("Account you pay from", "See it"),
        Permission::CustomerRead => ("Your name and contact", "See who you are and how to reach you"),
        Permission::CustomerDetailRead => ("Your record", "See all the bank knows about you as a person"),
        Permission::CustomerOnboard => ("Registration", "Introduce you as a customer"),
        Permission::AccountOpen => ("New PERA account", "Open one for you"),
        Permission::PaymentInitiate => ("Contributions", "Make them from your account"),
    }
}
