//! UAE service initiation in words.

mod arabic;
mod labels;
mod schedule;

use serde_json::Value;

use super::{Description, Language, Row, Section, choice_of_debtor, plain, section, strong};
use crate::consent::subscription::Subscription;
use crate::consent::terms::{UaeAccount, UaeAuthorization, UaeName, UaePayment, UaePermission};
use crate::value::calendar::Zone;
use labels::Labels;
use schedule::Around;

pub(super) fn words(payment: &UaePayment, language: Language) -> Description {
    let t = labels(language);
    let payee = payee(payment, language, t);
    let (until, mut words) = match language {
        Language::English => {
            let until = Zone::Dubai.words(payment.expires_at);
            let words = schedule::words(&payment.schedule, &Around { payee: &payee, until: &until });
            (until, words)
        }
        Language::Arabic => {
            let until = Zone::Dubai.words_in_arabic(payment.expires_at);
            let words = arabic::words(&payment.schedule, &Around { payee: &payee, until: &until });
            (until, words)
        }
    };
    if let Some(first) = words.sections.first_mut() {
        first.rows.extend(purpose(payment, t));
    }
    Description {
        headline: words.headline,
        payment: Some(words.payment),
        sections: words.sections.into_iter().chain(sections(payment, &until, (language, t))).collect(),
        next: words.next,
        choice: choice_of_debtor(payment.debtor.as_ref()),
    }
}

/// Where events go.
pub(super) fn events(subscription: &Subscription, language: Language) -> Option<Section> {
    let t = labels(language);
    let wanted = plain(t.events_wanted, t.yes_or_no(subscription.active));
    section(t.events, vec![plain(t.events_to, &*subscription.url), wanted])
}

const fn labels(language: Language) -> &'static Labels {
    match language {
        Language::English => &labels::ENGLISH,
        Language::Arabic => &labels::ARABIC,
    }
}

fn purpose(payment: &UaePayment, t: &Labels) -> Vec<Row> {
    let mut rows = vec![plain(t.purpose, &*payment.purpose_code)];
    rows.extend(payment.payer_reference.as_ref().map(|text| plain(t.payer_reference, &**text)));
    rows.extend(payment.beneficiary_reference.as_ref().map(|text| plain(t.beneficiary_reference, &**text)));
    rows
}

fn time_to_approve(payment: &UaePayment, language: Language, t: &Labels) -> String {
    match (payment.authorise_by, language) {
        (Some(by), Language::English) => Zone::Dubai.words(by),
        (Some(by), Language::Arabic) => Zone::Dubai.words_in_arabic(by),
        (None, _) => format!("{} {}", payment.window, t.window),
    }
}

fn sections(payment: &UaePayment, until: &str, (language, t): (Language, &Labels)) -> Vec<Section> {
    let mut consent =
        vec![strong(t.ends, until), plain(t.time_to_approve, time_to_approve(payment, language, t))];
    if payment.vocabulary.is_seed() {
        consent.push(plain(t.pay_by_account, t.yes_or_no(payment.pay_by_account)));
    }
    consent.extend(payment.authorization.map(|kind| {
        plain(
            t.who_approves,
            match kind {
                UaeAuthorization::Single => t.one_person,
                UaeAuthorization::Multi => t.everybody,
            },
        )
    }));
    consent.extend(payment.base_consent.as_ref().map(|id| plain(t.continues, &**id)));
    let mut behind = Vec::new();
    if let Some(sponsor) = &payment.sponsor {
        behind.push(plain(t.on_behalf, &*sponsor.name));
        behind.push(plain(t.identification, &*sponsor.identification));
    }
    behind.extend(payment.permissions.iter().map(|permission| match permission {
        UaePermission::ReadRefundAccount => plain(t.may_see, t.refund_account),
    }));
    let risk = payment.risk.as_ref().map(|risk| leaves("", risk, t)).unwrap_or_default();
    let paid_from = payment.debtor.as_ref().map(|debtor| account(debtor, t)).unwrap_or_default();
    [
        section(t.paid_to, paid_to(payment, t)),
        section(t.paid_from, paid_from),
        section(t.consent, consent),
        section(t.third_party, behind),
        section(t.risk, risk),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Who is paid, in a sentence.
fn payee(payment: &UaePayment, language: Language, t: &Labels) -> String {
    let named = |creditor: &UaeAccount| {
        creditor.name.as_ref().map_or_else(|| creditor.iban.clone(), |names| name(names, language))
    };
    match &*payment.creditors {
        [] => t.anybody.to_owned(),
        creditors => creditors.iter().map(named).collect::<Vec<_>>().join(t.or),
    }
}

/// Every payee with all that was sent of them.
fn paid_to(payment: &UaePayment, t: &Labels) -> Vec<Row> {
    if payment.creditors.is_empty() {
        return vec![strong(t.paid_to, t.anybody)];
    }
    payment.creditors.iter().flat_map(|creditor| account(creditor, t)).collect()
}

fn account(account: &UaeAccount, t: &Labels) -> Vec<Row> {
    let mut rows = names(account.name.as_ref(), t.names);
    rows.extend(names(account.trading_name.as_ref(), t.trading_names));
    rows.push(strong(t.iban, &*account.iban));
    rows.extend(account.beside.as_ref().map(|beside| leaves("", beside, t)).unwrap_or_default());
    rows
}

fn names(name: Option<&UaeName>, terms: [&str; 2]) -> Vec<Row> {
    let given = [name.and_then(|name| name.en.as_deref()), name.and_then(|name| name.ar.as_deref())];
    terms.iter().zip(given).filter_map(|(term, name)| name.map(|name| strong(term, name))).collect()
}

/// The name in the language of the page, or the one there is.
fn name(name: &UaeName, language: Language) -> String {
    let (own, other) = match language {
        Language::English => (&name.en, &name.ar),
        Language::Arabic => (&name.ar, &name.en),
    };
    own.as_deref().or(other.as_deref()).unwrap_or_default().to_owned()
}

/// Every leaf of a document of any shape, with the way to it.
fn leaves(way: &str, value: &Value, t: &Labels) -> Vec<Row> {
    let below = |step: &str| if way.is_empty() { step.to_owned() } else { format!("{way}, {step}") };
    match value {
        Value::Null => vec![plain(way, t.nothing)],
        Value::Bool(value) => vec![plain(way, t.yes_or_no(*value))],
        Value::Number(number) => vec![plain(way, number.to_string())],
        Value::String(text) => vec![plain(way, &**text)],
        Value::Array(items) => {
            let numbered = items.iter().enumerate();
            numbered.flat_map(|(index, item)| leaves(&below(&format!("{}", index + 1)), item, t)).collect()
        }
        Value::Object(members) => {
            members.iter().flat_map(|(name, member)| leaves(&below(name), member, t)).collect()
        }
    }
}
