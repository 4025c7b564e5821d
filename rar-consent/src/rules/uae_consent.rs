//! UAE bank service initiation, early drafts: what a consent must say.
//!
//! | Section | Met by |
//! |---|---|
//! | 3.1, spellings | [`DIALECT`], [`VOCABULARY`] |
//! | 3.2, normalisation | [`ONE_CONTAINER`], [`ONE_SUBSCRIPTION`] and [`Spelling`](crate::detail::uae::spelling) |
//! | 4, accounts | [`DEBTOR_IBAN`], [`CREDITOR_IBAN`], [`ACCOUNTS_DIFFER`], [`NAMES`] |
//! | 4, references, purpose, sponsor | [`REFERENCES`], [`REFERENCES_EQUAL`], [`PURPOSE`], [`SPONSOR`] |
//! | 4, amounts | [`AMOUNT`] |
//! | 4.1 | [`CONSENT_ID`] and [`Consent::unique_key`](crate::Consent::unique_key) |
//! | 4.2 | [`WINDOW`] |
//! | 4.3 | [`DATE_TIME`], [`EXPIRY_AHEAD`], [`EXPIRY_WITHIN_YEAR`], [`EXPIRY_TODAY`] |
//! | 5, types | [`SCHEDULE`], [`REFERENCE`], [`NUMBERS`], [`DATE`], [`PLACES_AGREE`] |
//! | 5.1, type 1 | [`EXPIRY_TODAY`] |
//! | 5.1, type 2 | [`EXECUTION_AHEAD`], [`EXECUTION_WITHIN_YEAR`], [`EXECUTION_BEFORE_END`] |
//! | 5.1, type 3 | [`START_AHEAD`], [`LAST_BEFORE_END`] |
//! | 5.1, types 4 to 6 | [`VALUE_HOLDS_ONE`], [`START_BEFORE_END`] |
//! | 5.1, type 7 | [`LIST_SIZE`], [`LIST_UNIQUE`], [`LIST_AHEAD`], [`LIST_BEFORE_END`] |
//! | 5.2 | [`Schedule::Combined`]: the rules of both parts |
//! | 10 | [`SCOPE`] |
//! | 11.1 | [`WEBHOOK`] |

mod types;

use oauth_core::{DetailsFault, Rule, RuleId, Timestamp};

use super::{demand, value};
use crate::consent::schedule::{Schedule, SinglePayment};
use crate::consent::terms::{UaeName, UaePayment};
use crate::detail::Place;
use crate::value::calendar::{Day, Zone};
use crate::value::{iban, text, uuid};
use types::{
    EXECUTION_AHEAD, EXECUTION_BEFORE_END, EXECUTION_WITHIN_YEAR, LAST_BEFORE_END, LIST_AHEAD,
    LIST_BEFORE_END, LIST_SIZE, LIST_UNIQUE, NUMBERS, REFERENCE, START_AHEAD, START_BEFORE_END,
    VALUE_HOLDS_ONE,
};

/// A consent that was read, and when.
pub(crate) struct UaeCase {
    /// Where its container stands.
    pub(crate) place: Place,
    pub(crate) consent: String,
    pub(crate) terms: UaePayment,
    /// Where its subscription stands.
    pub(crate) subscription: Place,
    pub(crate) subscribed: Subscribed,
    pub(crate) now: Timestamp,
}

/// Where a subscription wants its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subscribed {
    /// It wants none.
    Nothing,
    /// At an address that may be called for this client.
    AtHome,
    /// Anywhere else.
    Elsewhere,
}

/// What every consent must say, in the order of the sections.
pub(crate) const CONSENT: &[&Rule<UaeCase>] = &[
    &DEBTOR_IBAN,
    &CREDITOR_IBAN,
    &ACCOUNTS_DIFFER,
    &NAMES,
    &REFERENCES,
    &PURPOSE,
    &SPONSOR,
    &CONSENT_ID,
    &WINDOW_POSITIVE,
    &EXPIRY_AHEAD,
    &EXPIRY_WITHIN_YEAR,
    &EXPIRY_TODAY,
    &REFERENCE,
    &NUMBERS,
    &EXECUTION_AHEAD,
    &EXECUTION_WITHIN_YEAR,
    &EXECUTION_BEFORE_END,
    &START_AHEAD,
    &LAST_BEFORE_END,
    &START_BEFORE_END,
    &VALUE_HOLDS_ONE,
    &LIST_SIZE,
    &LIST_UNIQUE,
    &LIST_AHEAD,
    &LIST_BEFORE_END,
    &WEBHOOK,
];

const DEBTOR: &str = "Initiation.DebtorAccount";
const CREDITOR: &str = "Initiation.CreditorAccount";

/// Section 4: the debtor's account is a UAE IBAN.
pub(crate) const DEBTOR_IBAN: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-4-debtor"),
    check: |case, _| {
        let fits = case.terms.debtor.as_ref().is_none_or(|debtor| iban::is_uae_iban(&debtor.iban));
        value(fits, &case.place.member(DEBTOR).member("Identification"), "must be a UAE IBAN")
    },
};

/// Section 4: the creditor's account is a UAE IBAN.
pub(crate) const CREDITOR_IBAN: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-4-creditor"),
    check: |case, _| {
        let fits = iban::is_uae_iban(&case.terms.creditor.iban);
        value(fits, &case.place.member(CREDITOR).member("Identification"), "must be a UAE IBAN")
    },
};

/// Section 4: nobody pays themselves.
pub(crate) const ACCOUNTS_DIFFER: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-4-differ"),
    check: |case, _| {
        let differ = case.terms.debtor.as_ref().is_none_or(|debtor| debtor.iban != case.terms.creditor.iban);
        let place = case.place.member(CREDITOR).member("Identification");
        value(differ, &place, "must be another account than the debtor's")
    },
};

/// Section 4: names have one or two languages, each of 1 to 70 readable characters.
pub(crate) const NAMES: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-4-name"),
    check: |case, _| {
        let debtor = case.terms.debtor.as_ref();
        let creditor = &case.terms.creditor;
        let places = [
            (debtor.and_then(|debtor| debtor.name.as_ref()), DEBTOR, "Name"),
            (debtor.and_then(|debtor| debtor.trading_name.as_ref()), DEBTOR, "TradingName"),
            (creditor.name.as_ref(), CREDITOR, "Name"),
            (creditor.trading_name.as_ref(), CREDITOR, "TradingName"),
        ];
        places.iter().try_for_each(|(name, account, member)| {
            let place = case.place.member(account).member(member);
            let hint = "must have en, ar or both, each of 1 to 70 readable characters";
            value(name.is_none_or(is_name), &place, hint)
        })?;
        let place = case.place.member(CREDITOR).member("Name");
        demand(creditor.name.is_some(), &place, DetailsFault::MemberMissing, "the creditor has a name")
    },
};

fn is_name(name: &UaeName) -> bool {
    let mut given = [&name.en, &name.ar].into_iter().flatten().peekable();
    given.peek().is_some() && given.all(|name| text::is_readable(name, 70))
}

/// Section 4: references have 1 to 120 readable characters, the base consent 1 to 128.
pub(crate) const REFERENCES: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-4-reference"),
    check: |case, _| {
        let terms = &case.terms;
        let fields = [
            (&terms.payer_reference, "PayerReference", 120),
            (&terms.beneficiary_reference, "BeneficiaryReference", 120),
            (&terms.base_consent, "BaseConsentId", 128),
        ];
        fields.iter().try_for_each(|(field, member, max)| {
            let fits = field.as_ref().is_none_or(|text| text::is_readable(text, *max));
            value(
                fits,
                &case.place.member(member),
                "empty, too long, or with characters that cannot be shown",
            )
        })
    },
};

/// Section 4: the purpose code has three or four capital letters.
pub(crate) const PURPOSE: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-4-purpose"),
    check: |case, _| {
        let code = &case.terms.purpose_code;
        let fits = matches!(code.len(), 3 | 4) && code.bytes().all(|byte| byte.is_ascii_uppercase());
        value(fits, &case.place.member("PaymentPurposeCode"), "must be three or four capital letters")
    },
};

/// Section 4: a sponsored third party has a name and an identification of 1 to 50 readable characters.
pub(crate) const SPONSOR: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-4-sponsor"),
    check: |case, _| {
        let fits = case.terms.sponsor.as_ref().is_none_or(|sponsor| {
            text::is_readable(&sponsor.name, 50) && text::is_readable(&sponsor.identification, 50)
        });
        let place = case.place.member("SponsoredTPPInformation");
        value(fits, &place, "Name and Identification have 1 to 50 readable characters")
    },
};

/// Section 4.1: the identifier is a version 4 UUID, with or without a prefix of three letters.
pub(crate) const CONSENT_ID: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-4.1"),
    check: |case, _| {
        let fits = uuid::is_consent_id(&case.consent);
        value(
            fits,
            &case.place.member("ConsentId"),
            "must be a version 4 UUID, or three letters, a hyphen and one",
        )
    },
};

/// Section 4.2: somebody has time to authorise.
pub(crate) const WINDOW_POSITIVE: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-4.2-zero"),
    check: |case, _| {
        let place = case.place.member("AuthorizationExpirationTimeWindow");
        value(case.terms.authorise_within.get() > 0, &place, "must be more than zero")
    },
};

/// Section 4.3: the end is ahead.
pub(crate) const EXPIRY_AHEAD: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-4.3-ahead"),
    check: |case, _| {
        let place = case.place.member("ExpirationDateTime");
        value(case.terms.expires_at > case.now, &place, "must be later than now")
    },
};

/// Section 4.3: the end is, as a day in Dubai, at most one calendar year ahead; the anniversary itself is allowed.
pub(crate) const EXPIRY_WITHIN_YEAR: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-4.3-year"),
    check: |case, _| {
        let last = anniversary(Zone::Dubai.day(case.now));
        let within = Zone::Dubai.day(case.terms.expires_at) <= last;
        value(within, &case.place.member("ExpirationDateTime"), "more than one year ahead")
    },
};

/// Section 4.3: a single instant payment ends on the day in Dubai on which it is asked for. Combined with others it does
/// not: section 5.2.
pub(crate) const EXPIRY_TODAY: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-4.3-today"),
    check: |case, _| match case.terms.schedule {
        Schedule::Single(SinglePayment::Instant { .. }) => {
            let today = Zone::Dubai.day(case.terms.expires_at) == Zone::Dubai.day(case.now);
            let place = case.place.member("ExpirationDateTime");
            value(today, &place, "a single instant payment ends today, Dubai time")
        }
        Schedule::Single(SinglePayment::FutureDated { .. })
        | Schedule::Multi(_)
        | Schedule::Combined { .. } => Ok(()),
    },
};

/// The same day one year later; 28 February for 29 February.
fn anniversary(day: Day) -> Day {
    day.add_months(12).unwrap_or(Day::MAX)
}

/// Section 11.1: events go to an `https` address on a host the client is registered with.
pub(crate) const WEBHOOK: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-11.1"),
    check: |case, _| {
        let fits = case.subscribed != Subscribed::Elsewhere;
        let place = case.subscription.member("Webhook.Url");
        value(fits, &place, "must be an https URL on a host this client is registered with")
    },
};

/// Section 3.1: `type` and `Type` name this type in one of its spellings.
pub(crate) const DIALECT: RuleId = RuleId("UAEBSI-3.1-type");
/// Section 3.1: the later vocabulary is not served.
pub(crate) const VOCABULARY: RuleId = RuleId("UAEBSI-3.1-v12");
/// Section 3.2, step 3: exactly one container.
pub(crate) const ONE_CONTAINER: RuleId = RuleId("UAEBSI-3.2-container");
/// Section 3.2, step 4: at most one subscription.
pub(crate) const ONE_SUBSCRIPTION: RuleId = RuleId("UAEBSI-3.2-subscription");
/// Section 4: `PayerReference` and its alias `UserReference` say the same.
pub(crate) const REFERENCES_EQUAL: RuleId = RuleId("UAEBSI-4-alias");
/// Section 4: amounts have two decimals, are more than zero, and are in `AED`.
pub(crate) const AMOUNT: RuleId = RuleId("UAEBSI-4-amount");
/// Section 4.2: the form of the window.
pub(crate) const WINDOW: RuleId = RuleId("UAEBSI-4.2");
/// Section 4.3: a date-time with an offset.
pub(crate) const DATE_TIME: RuleId = RuleId("UAEBSI-4.3");
/// Section 5: a payment type, in its slot.
pub(crate) const SCHEDULE: RuleId = RuleId("UAEBSI-5-type");
/// Section 5: days are written as in `2026-12-01`.
pub(crate) const DATE: RuleId = RuleId("UAEBSI-5-date");
/// Sections 5 and 5.1, type 4: what may stand in several places or under several names says the same everywhere.
pub(crate) const PLACES_AGREE: RuleId = RuleId("UAEBSI-5-places");
/// Section 10: the scope is `payments` or names this consent.
pub(crate) const SCOPE: RuleId = RuleId("UAEBSI-10");
