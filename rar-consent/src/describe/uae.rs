//! UAE service initiation in words.

mod schedule;

use serde_json::Value;

use super::{Description, Row, Section, choice_of_debtor, plain, section, strong, yes_or_no};
use crate::consent::terms::{UaeAccount, UaeAuthorization, UaeName, UaePayment, UaePermission};
use crate::value::calendar::Zone;
use schedule::Around;

pub(super) fn words(payment: &UaePayment) -> Description {
    let payee = payment.creditor.name.as_ref().map_or_else(|| payment.creditor.iban.clone(), name);
    let until = Zone::Dubai.words(payment.expires_at);
    let mut words = schedule::words(&payment.schedule, &Around { payee: &payee, until: &until });
    if let Some(first) = words.sections.first_mut() {
        first.rows.extend(purpose(payment));
    }
    Description {
        headline: words.headline,
        payment: Some(words.payment),
        sections: words.sections.into_iter().chain(sections(payment, &until)).collect(),
        next: words.next,
        choice: choice_of_debtor(payment.debtor.as_ref()),
    }
}

fn purpose(payment: &UaePayment) -> Vec<Row> {
    let mut rows = vec![plain("Purpose", &*payment.purpose_code)];
    rows.extend(payment.payer_reference.as_ref().map(|text| plain("Your reference", &**text)));
    rows.extend(payment.beneficiary_reference.as_ref().map(|text| plain("Payee's reference", &**text)));
    rows
}

fn sections(payment: &UaePayment, until: &str) -> Vec<Section> {
    let mut consent = vec![
        strong("Ends", until),
        plain("Time to approve", format!("{} (hours:minutes:seconds)", payment.window)),
        plain("Pay by account", yes_or_no(payment.pay_by_account)),
    ];
    consent.extend(payment.authorization.map(|kind| {
        plain(
            "Who approves",
            match kind {
                UaeAuthorization::Single => "One person",
                UaeAuthorization::Multi => "Everybody whom the account asks for",
            },
        )
    }));
    consent.extend(payment.base_consent.as_ref().map(|id| plain("Continues the consent", &**id)));
    let mut behind = Vec::new();
    if let Some(sponsor) = &payment.sponsor {
        behind.push(plain("On behalf of", &*sponsor.name));
        behind.push(plain("Its identification", &*sponsor.identification));
    }
    behind.extend(payment.permissions.iter().map(|permission| match permission {
        UaePermission::ReadRefundAccount => {
            plain("May also see", "The account you pay from, to send money back")
        }
    }));
    let risk = payment.risk.as_ref().map(|risk| leaves("", risk)).unwrap_or_default();
    let paid_from = payment.debtor.as_ref().map(account).unwrap_or_default();
    [
        section("Paid to", account(&payment.creditor)),
        section("Paid from", paid_from),
        section("Consent", consent),
        section("Third party", behind),
        section("Sent along for risk assessment", risk),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn account(account: &UaeAccount) -> Vec<Row> {
    let mut rows = names(account.name.as_ref(), ["Name", "Name in Arabic"]);
    rows.extend(names(account.trading_name.as_ref(), ["Trading name", "Trading name in Arabic"]));
    rows.push(strong("IBAN", &*account.iban));
    rows
}

fn names(name: Option<&UaeName>, terms: [&str; 2]) -> Vec<Row> {
    let given = [name.and_then(|name| name.en.as_deref()), name.and_then(|name| name.ar.as_deref())];
    terms.iter().zip(given).filter_map(|(term, name)| name.map(|name| strong(term, name))).collect()
}

fn name(name: &UaeName) -> String {
    name.en.as_deref().or(name.ar.as_deref()).unwrap_or_default().to_owned()
}

/// Every leaf of a document of any shape, with the way to it.
fn leaves(way: &str, value: &Value) -> Vec<Row> {
    let below = |step: &str| if way.is_empty() { step.to_owned() } else { format!("{way}, {step}") };
    match value {
        Value::Null => vec![plain(way, "nothing")],
        Value::Bool(value) => vec![plain(way, yes_or_no(*value))],
        Value::Number(number) => vec![plain(way, number.to_string())],
        Value::String(text) => vec![plain(way, &**text)],
        Value::Array(items) => {
            let numbered = items.iter().enumerate();
            numbered.flat_map(|(index, item)| leaves(&below(&format!("{}", index + 1)), item)).collect()
        }
        Value::Object(members) => {
            members.iter().flat_map(|(name, member)| leaves(&below(name), member)).collect()
        }
    }
}
