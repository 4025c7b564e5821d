//! What of a consent is used and what is left, in words.

use oauth_core::Timestamp;
use rar_consent::{Amount, Consent};

use super::words;
use crate::pages::my_view::Usage;
use crate::pages::words::{Words, fill};

/// In a few words, for a list; nothing for a consent that was not used.
pub(super) fn gist(consent: &Consent, t: &Words) -> Option<String> {
    match consent.usage.count {
        0 => None,
        1 => Some(t.used_once.to_owned()),
        count => Some(fill(t.used_times, &count.to_string())),
    }
}

/// Counter by counter: payments and their sum, each out of what is allowed in all. Nothing for a consent that moves no money.
pub(super) fn counters(consent: &Consent, t: &Words) -> Vec<Usage> {
    let Some(allowed) = consent.terms.allowed() else { return Vec::new() };
    let usage = &consent.usage;
    let of = |used: String, most: Option<String>| match most {
        Some(most) => fill(&fill(t.of_at_most, &words::apart(&used)), &words::apart(&most)),
        None => used,
    };
    let spent = Amount::new(usage.total_minor, &allowed.currency);
    let count = i64::try_from(usage.count).unwrap_or(i64::MAX);
    vec![
        Usage {
            label: t.payments_made.to_owned(),
            text: of(count.to_string(), allowed.count.map(|most| most.to_string())),
            percent: allowed.count.and_then(|most| percent(count, i64::from(most))),
        },
        Usage {
            label: t.paid_in_all.to_owned(),
            text: of(spent.to_string(), allowed.total.as_ref().map(Amount::to_string)),
            percent: allowed.total.and_then(|most| percent(spent.minor, most.minor)),
        },
    ]
}

/// When the next payment is due, where the consent says so.
pub(super) fn next_payment(consent: &Consent, now: Timestamp, t: &Words) -> Option<String> {
    let next = consent.next_payment(now)?;
    Some(fill(t.next_payment, &words::day(next, t)))
}

fn percent(used: i64, most: i64) -> Option<u8> {
    let share = used.max(0).checked_mul(100)?.checked_div(most)?;
    u8::try_from(share.min(100)).ok()
}
