//! The bank's words for what third parties ask: scopes, dates, statuses. Everything specific to a type of detail comes
//! from `rar_consent::describe`.

use chrono::{DateTime, FixedOffset, Utc};
use oauth_core::{ClaimsRequest, Client, Scope, Timestamp};
use rar_consent::{Actor, ConsentStatus, Description, Weight};

use crate::pages::my_view::{Moment, Standing, Tone};
use crate::pages::view::{Emphasis, PaymentSummary, Requester, Row, Section};

/// The business zone the demo bank shows times in: the Gulf.
const ZONE_SECONDS: i32 = 4 * 3600;

/// Who asks, from the registry and never from the request.
pub(super) fn requester(client: &Client) -> Requester {
    Requester {
        name: client.organisation.name.clone(),
        organisation_id: client.organisation.id.clone(),
        domain: client.organisation.domain.clone(),
        register: "this bank's register of third parties".to_owned(),
    }
}

/// A moment for people and for programs.
pub(super) fn moment(at: Timestamp) -> Moment {
    let utc = DateTime::<Utc>::from_timestamp_millis(at.millis()).unwrap_or_default();
    let shown = match FixedOffset::east_opt(ZONE_SECONDS) {
        Some(zone) => utc.with_timezone(&zone).format("%-d %B %Y, %H:%M").to_string(),
        None => utc.format("%-d %B %Y, %H:%M UTC").to_string(),
    };
    Moment { shown, rfc3339: utc.to_rfc3339_opts(chrono::SecondsFormat::Secs, true) }
}

/// What a scope opens, one sentence each, in the customer's words. Consent-bound values are told by their consent.
pub(super) fn may(scope: &Scope, claims: &ClaimsRequest) -> Vec<String> {
    let known: &[(&str, &str)] = &[
        ("openid", "Know that it is you, by an identifier of this bank"),
        ("profile", "See your name"),
        ("email", "See your e-mail address"),
        ("phone", "See your telephone number"),
        ("address", "See your postal address"),
    ];
    let opened = known.iter().filter(|(value, _)| scope.contains(value)).map(|(_, words)| *words);
    let asked = |name: &&str| claims.userinfo.iter().chain(&claims.id_token).any(|own| own == name);
    let by_name = BY_NAME
        .iter()
        .filter(|(value, names, _)| !scope.contains(value) && names.iter().any(|name| asked(&name)))
        .map(|(_, _, words)| *words);
    opened.chain(by_name).map(str::to_owned).collect()
}

/// Claims asked for one by one: the scope that would open them anyway, their names, the words.
const BY_NAME: &[(&str, &[&str], &str)] = &[
    (
        "profile",
        &["name", "given_name", "family_name", "middle_name", "nickname", "preferred_username"],
        "See your name",
    ),
    ("profile", &["birthdate"], "See your date of birth"),
    ("profile", &["gender"], "See your gender"),
    (
        "profile",
        &["profile", "picture", "website", "zoneinfo", "locale", "updated_at"],
        "See the other details of your profile",
    ),
    ("email", &["email", "email_verified"], "See your e-mail address"),
    ("phone", &["phone_number", "phone_number_verified"], "See your telephone number"),
    ("address", &["address"], "See your postal address"),
];

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
pub(super) fn summary(description: &Description) -> String {
    match &description.payment {
        Some(payment) => format!("{} to {}", payment.amount, payment.payee),
        None => description.headline.trim_end_matches('?').to_owned(),
    }
}

/// What a consent is, for a heading.
pub(super) fn title(description: &Description, requester: &str) -> String {
    match &description.payment {
        Some(_) => format!("Payment through {requester}"),
        None => format!("Account access for {requester}"),
    }
}

/// A status as word and tone.
pub(super) fn standing(status: ConsentStatus) -> Standing {
    let (label, tone) = match status {
        ConsentStatus::AwaitingAuthorization => ("Waiting for approval", Tone::Waiting),
        ConsentStatus::Authorized => ("Active", Tone::Active),
        ConsentStatus::Suspended => ("On hold", Tone::Waiting),
        ConsentStatus::Rejected => ("Refused", Tone::Ended),
        ConsentStatus::Revoked => ("Ended", Tone::Ended),
        ConsentStatus::Expired => ("Expired", Tone::Ended),
        ConsentStatus::Finished => ("Completed", Tone::Ended),
    };
    Standing { label: label.to_owned(), tone }
}

/// What a transition is called in a history.
pub(super) fn transition(to: ConsentStatus) -> &'static str {
    match to {
        ConsentStatus::AwaitingAuthorization => "Asked for",
        ConsentStatus::Authorized => "Approved",
        ConsentStatus::Suspended => "Put on hold",
        ConsentStatus::Rejected => "Refused",
        ConsentStatus::Revoked => "Ended",
        ConsentStatus::Expired => "Expired",
        ConsentStatus::Finished => "Completed",
    }
}

/// Who acted, as the customer knows them.
pub(super) fn actor(actor: &Actor, requester: &str) -> String {
    match actor {
        Actor::Tpp(_) => requester.to_owned(),
        Actor::Customer(_) => "You".to_owned(),
        Actor::Operator(_) => "The bank".to_owned(),
        Actor::Clock => "Time ran out".to_owned(),
        Actor::Engine => "The bank's system".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_in_the_banks_zone_and_written_in_utc() {
        let moment = moment(Timestamp::from_seconds(1_795_248_000));
        assert_eq!(moment.shown, "21 November 2026, 12:00");
        assert_eq!(moment.rfc3339, "2026-11-21T08:00:00Z");
    }
}
