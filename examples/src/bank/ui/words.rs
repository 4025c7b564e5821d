//! What third parties ask in the bank's words: scopes, dates, statuses. Everything specific to a type of detail comes from
//! `rar_consent::describe_at`.

use chrono::{DateTime, Datelike as _, FixedOffset, Offset as _, Utc};
use oauth_core::{ClaimsRequest, Client, Scope, Timestamp};
use rar_consent::{Actor, Changed, ConsentStatus, Day, Description, HistoryEntry, Terms, Weight};

use crate::pages::my_view::{Moment, Standing, Tone};
use crate::pages::view::{Emphasis, PaymentSummary, Requester, Row, Section};
use crate::pages::words::{Words, fill};

/// The business zone the demo bank shows times in: the Gulf.
const OWN_ZONE_SECONDS: i32 = 4 * 3600;
/// The zone in which OFxPERA counts.
const MANILA_SECONDS: i32 = 8 * 3600;

/// Who asks, from the registry and never from the request.
pub(super) fn requester(client: &Client, t: &Words) -> Requester {
    Requester {
        name: client.organisation.name.clone(),
        organisation_id: client.organisation.id.clone(),
        domain: client.organisation.domain.clone(),
        register: t.own_register.to_owned(),
    }
}

/// A moment for people and for programs. The month is a word, so that no day is taken for a month.
pub(super) fn moment(at: Timestamp, t: &Words) -> Moment {
    moment_in(OWN_ZONE_SECONDS, at, t)
}

/// A moment of a consent: as its own words tell it, in Manila where it was made for there.
pub(super) fn moment_of(terms: &Terms, at: Timestamp, t: &Words) -> Moment {
    match terms {
        Terms::Ofxpera(_) => {
            let moment = moment_in(MANILA_SECONDS, at, t);
            Moment { shown: fill(t.manila_time, &moment.shown), ..moment }
        }
        Terms::UaePayment(_) | Terms::Payment(_) | Terms::Accounts(_) => moment(at, t),
    }
}

fn moment_in(ahead_seconds: i32, at: Timestamp, t: &Words) -> Moment {
    let utc = DateTime::<Utc>::from_timestamp_millis(at.millis()).unwrap_or_default();
    let zone = FixedOffset::east_opt(ahead_seconds).unwrap_or_else(|| Utc.fix());
    let local = utc.with_timezone(&zone);
    let month = usize::try_from(local.month0()).ok().and_then(|month| t.months.get(month));
    let (day, month, year) = (local.day(), month.unwrap_or(&""), local.year());
    let shown = format!("{day} {month} {year}{}{}", t.at_the_hour, local.format("%H:%M"));
    Moment { shown, rfc3339: utc.to_rfc3339_opts(chrono::SecondsFormat::Secs, true) }
}

/// A day for people.
pub(super) fn day(day: Day, t: &Words) -> String {
    let month = usize::try_from(day.month()).ok().and_then(|month| t.months.get(month.checked_sub(1)?));
    format!("{} {} {}", day.day_of_month(), month.unwrap_or(&""), day.year())
}

/// What a scope opens, one sentence each, in the customer's words. Consent-bound values are told by their consent.
pub(super) fn may(scope: &Scope, claims: &ClaimsRequest, t: &Words) -> Vec<String> {
    let known = [
        ("openid", t.may_openid),
        ("profile", t.may_profile),
        ("email", t.may_email),
        ("phone", t.may_phone),
        ("address", t.may_address),
    ];
    let opened = known.iter().filter(|(value, _)| scope.contains(value)).map(|(_, words)| *words);
    let asked = |name: &&str| claims.userinfo.iter().chain(&claims.id_token).any(|own| own == name);
    let by_name = by_name(t);
    let by_name = by_name
        .iter()
        .filter(|(value, names, _)| !scope.contains(value) && names.iter().any(asked))
        .map(|(_, _, words)| *words);
    opened.chain(by_name).map(str::to_owned).collect()
}

/// Claims asked for one by one: the scope that would open them anyway, their names, the words.
fn by_name(t: &Words) -> [(&'static str, &'static [&'static str], &'static str); 7] {
    [
        (
            "profile",
            &["name", "given_name", "family_name", "middle_name", "nickname", "preferred_username"],
            t.may_profile,
        ),
        ("profile", &["birthdate"], t.may_birthdate),
        ("profile", &["gender"], t.may_gender),
        (
            "profile",
            &["profile", "picture", "website", "zoneinfo", "locale", "updated_at"],
            t.may_other_profile,
        ),
        ("email", &["email", "email_verified"], t.may_email),
        ("phone", &["phone_number", "phone_number_verified"], t.may_phone),
        ("address", &["address"], t.may_address),
    ]
}

/// The sections of a description as the pages show them.
pub(super) fn sections(description: &Description) -> Vec<Section> {
    let row = |row: &rar_consent::Row| Row {
        term: row.term.clone(),
        value: row.value.clone(),
        emphasis: match row.strong {
            Weight::Plain => Emphasis::Plain,
            Weight::Strong => Emphasis::Strong,
        },
    };
    let section = |section: &rar_consent::Section| Section {
        heading: section.heading.clone(),
        rows: section.rows.iter().map(row).collect(),
    };
    description.sections.iter().map(section).collect()
}

/// The payment of a description, shown first and largest.
pub(super) fn payments(description: &Description) -> Vec<PaymentSummary> {
    let payment = description.payment.as_ref().map(|words| PaymentSummary {
        lead: words.lead.clone(),
        amount: words.amount.clone(),
        payee: words.payee.clone(),
        note: words.note.clone(),
    });
    payment.into_iter().collect()
}

/// What a consent allows, in a few words for a list.
pub(super) fn summary(description: &Description, t: &Words) -> String {
    match &description.payment {
        Some(payment) => fill(&fill(t.payment_to, &apart(&payment.amount)), &apart(&payment.payee)),
        None => description.headline.trim_end_matches(['?', '؟']).to_owned(),
    }
}

/// Between the marks that isolate a direction, which pages turn into an element.
pub(super) fn apart(value: &str) -> String {
    format!("\u{2068}{value}\u{2069}")
}

/// What a consent is, for a heading.
pub(super) fn title(description: &Description, requester: &str, t: &Words) -> String {
    match &description.payment {
        Some(_) => fill(t.payment_through, requester),
        None => fill(t.access_for, requester),
    }
}

/// A status as word and tone.
pub(super) fn standing(status: ConsentStatus, t: &Words) -> Standing {
    let (label, tone) = match status {
        ConsentStatus::AwaitingAuthorization => (t.waiting, Tone::Waiting),
        ConsentStatus::Authorized => (t.active, Tone::Active),
        ConsentStatus::Suspended => (t.on_hold, Tone::Waiting),
        ConsentStatus::Rejected => (t.was_refused, Tone::Ended),
        ConsentStatus::Revoked => (t.over, Tone::Ended),
        ConsentStatus::Expired => (t.expired, Tone::Ended),
        ConsentStatus::Finished => (t.completed, Tone::Ended),
    };
    Standing { label: label.to_owned(), tone }
}

/// What an entry is called in a history.
pub(super) const fn event(entry: &HistoryEntry, t: &Words) -> &'static str {
    match entry.what {
        Changed::Status => match entry.to {
            ConsentStatus::AwaitingAuthorization => t.asked_for,
            ConsentStatus::Authorized => t.approved,
            ConsentStatus::Suspended => t.on_hold,
            ConsentStatus::Rejected => t.was_refused,
            ConsentStatus::Revoked => t.over,
            ConsentStatus::Expired => t.expired,
            ConsentStatus::Finished => t.completed,
        },
        Changed::Request => t.request_seen,
        Changed::Terms => t.terms_changed,
        Changed::Subscription => t.events_changed,
        Changed::Decision => t.one_decided,
    }
}

/// Who acted, as the customer knows them.
pub(super) fn actor(actor: &Actor, requester: &str, t: &Words) -> String {
    match actor {
        Actor::Tpp(_) => requester.to_owned(),
        Actor::Customer(_) => t.by_you.to_owned(),
        Actor::Operator(_) => t.by_bank.to_owned(),
        Actor::Clock => t.by_time.to_owned(),
        Actor::Engine => t.by_system.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rar_consent::Language;

    use super::*;

    #[test]
    fn a_moment_of_a_consent_made_for_manila_is_shown_there_and_says_so() {
        let terms = serde_json::json!({"ofxpera_1": {"data_holder": "h", "permissions": ["PERA_BASIC_INFO"],
            "start": 0, "end": 1, "purpose": "p", "additional_terms": [], "limits": null}});
        let terms: Terms = serde_json::from_value(terms).unwrap();
        let moment = moment_of(&terms, Timestamp::from_seconds(1_795_248_000), Words::of(Language::English));
        assert_eq!(moment.shown, "21 November 2026, 16:00 (Manila time)");
        assert_eq!(moment.rfc3339, "2026-11-21T08:00:00Z");
    }

    #[test]
    fn a_moment_is_shown_in_the_banks_zone_and_written_in_utc() {
        let moment = moment(Timestamp::from_seconds(1_795_248_000), Words::of(Language::English));
        assert_eq!(moment.shown, "21 November 2026, 12:00");
        assert_eq!(moment.rfc3339, "2026-11-21T08:00:00Z");
        let arabic = super::moment(Timestamp::from_seconds(1_795_248_000), Words::of(Language::Arabic));
        assert_eq!(arabic.shown, "21 نوفمبر 2026، الساعة 12:00");
    }
}
