//! UAE bank service initiation: what a consent must say, in the words of the early drafts or of version 1.2.
//!
//! | Section | Met by |
//! |---|---|
//! | 3.1, spellings | [`DIALECT`], [`VOCABULARY`] |
//! | 3.2, normalisation | [`ONE_CONTAINER`], [`ONE_SUBSCRIPTION`] and [`Spelling`](crate::detail::uae::spelling) |
//! | 4, accounts | [`DEBTOR_IBAN`], [`CREDITOR_IBAN`], [`ACCOUNTS_DIFFER`], [`NAMES`] |
//! | 4, references, purpose, sponsor | [`REFERENCES`], [`REFERENCES_EQUAL`], [`PURPOSE`], [`SPONSOR`] |
//! | 4, amounts | [`AMOUNT`] |
//! | 4.1 | [`CONSENT_ID`] and [`Consent::unique_key`](crate::Consent::unique_key) |
//! | 4.2 | [`WINDOW`], [`WINDOW_POSITIVE`], [`AUTHORISE_BY`] |
//! | 4.3 | [`DATE_TIME`], [`EXPIRY_AHEAD`], [`EXPIRY_WITHIN_YEAR`], [`EXPIRY_TODAY`] |
//! | 5, types | [`SCHEDULE`], [`REFERENCE`], [`NUMBERS`], [`DATE`], [`PLACES_AGREE`] |
//! | 5.1, type 1 | [`EXPIRY_TODAY`] |
//! | 5.1, type 2 | [`EXECUTION_AHEAD`], [`EXECUTION_WITHIN_YEAR`], [`EXECUTION_BEFORE_END`] |
//! | 5.1, type 3 | [`START_AHEAD`], [`LAST_BEFORE_END`] |
//! | 5.1, types 4 to 6 | [`VALUE_HOLDS_ONE`], [`START_BEFORE_END`] |
//! | 5.1, type 7 | [`LIST_SIZE`], [`LIST_UNIQUE`], [`LIST_AHEAD`], [`LIST_BEFORE_END`] |
//! | 5.2 | [`Schedule::Combined`]: the rules of both parts |
//! | 5.3 | [`UaeVocabulary::place`], [`NOT_DELEGATED`] |
//! | 10 | [`SCOPE`] |
//! | 11.1 | [`WEBHOOK`] |
//! | 16, version 1.2 | [`PERSONAL_SEALED`], [`CREDITORS`], [`BESIDE`] |

mod types;

use oauth_core::{DetailsFault, Rule, RuleId, Timestamp};
use serde_json::Value;

use super::{demand, value};
use crate::consent::schedule::{MultiPayment, Schedule, SinglePayment};
use crate::consent::terms::{UaeAccount, UaeName, UaePayment};
use crate::consent::vocabulary::UaeVocabulary;
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
    &CREDITORS,
    &BESIDE,
    &REFERENCES,
    &PURPOSE,
    &SPONSOR,
    &CONSENT_ID,
    &WINDOW_POSITIVE,
    &AUTHORISE_BY,
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

impl UaeCase {
    /// A member of the container, named in the words of the early drafts.
    fn at(&self, seed: &str) -> Place {
        let kind = self.terms.schedule.multi().map(MultiPayment::kind);
        self.place.member(&self.terms.vocabulary.place(seed, kind))
    }

    /// The creditors, each with the place of its account.
    fn creditors(&self) -> impl Iterator<Item = (&UaeAccount, Place)> {
        self.terms.creditors.iter().enumerate().map(|(index, creditor)| match self.terms.vocabulary {
            UaeVocabulary::Seed => (creditor, self.place.member(CREDITOR)),
            UaeVocabulary::V1_2 => {
                (creditor, self.at(&format!("Initiation.Creditor[{index}]")).member("CreditorAccount"))
            }
        })
    }
}

/// Section 4: the debtor's account is a UAE IBAN.
pub(crate) const DEBTOR_IBAN: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-4-debtor"),
    check: |case, _| {
        let fits = case.terms.debtor.as_ref().is_none_or(|debtor| iban::is_uae_iban(&debtor.iban));
        value(fits, &case.at(DEBTOR).member("Identification"), "must be a UAE IBAN")
    },
};

/// Section 4: the creditor's account is a UAE IBAN.
pub(crate) const CREDITOR_IBAN: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-4-creditor"),
    check: |case, _| {
        case.creditors().try_for_each(|(creditor, place)| {
            value(iban::is_uae_iban(&creditor.iban), &place.member("Identification"), "must be a UAE IBAN")
        })
    },
};

/// Section 4: nobody pays themselves.
pub(crate) const ACCOUNTS_DIFFER: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-4-differ"),
    check: |case, _| {
        case.creditors().try_for_each(|(creditor, place)| {
            let differ = case.terms.debtor.as_ref().is_none_or(|debtor| debtor.iban != creditor.iban);
            value(differ, &place.member("Identification"), "must be another account than the debtor's")
        })
    },
};

/// Section 4: names have one or two languages, each of 1 to 70 readable characters, and a creditor has one.
pub(crate) const NAMES: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-4-name"),
    check: |case, _| {
        let debtor = case.terms.debtor.iter().map(|debtor| (debtor, case.at(DEBTOR)));
        let hint = "must have en, ar or both, each of 1 to 70 readable characters";
        debtor.chain(case.creditors()).try_for_each(|(account, place)| {
            let names = [(&account.name, "Name"), (&account.trading_name, "TradingName")];
            names.iter().try_for_each(|(name, member)| {
                value(name.as_ref().is_none_or(is_name), &place.member(member), hint)
            })
        })?;
        case.creditors().try_for_each(|(creditor, place)| {
            let hint = "the creditor has a name";
            demand(creditor.name.is_some(), &place.member("Name"), DetailsFault::MemberMissing, hint)
        })
    },
};

/// Section 16: exactly one creditor; payments on demand of any amount up to a maximum may have none, or up to ten.
pub(crate) const CREDITORS: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-16-creditors"),
    check: |case, _| {
        let on_demand = matches!(case.terms.schedule, Schedule::Multi(MultiPayment::VariableOnDemand { .. }));
        let count = case.terms.creditors.len();
        let fits = count == 1 || (on_demand && count <= 10);
        let hint = "exactly one creditor; with VariableOnDemand none, or one to ten";
        value(fits, &case.at("Initiation.Creditor"), hint)
    },
};

/// Section 16: what is said of a creditor beside its account is text that can be shown.
pub(crate) const BESIDE: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-16-beside"),
    check: |case, _| {
        case.creditors().enumerate().try_for_each(|(index, (creditor, _))| {
            let place = case.at(&format!("Initiation.Creditor[{index}]"));
            let hint = "a text in here is empty, too long, or has characters that cannot be shown";
            value(creditor.beside.as_ref().is_none_or(is_shown), &place, hint)
        })
    },
};

/// Every text in there, however deep: types hold the depth.
fn is_shown(part: &Value) -> bool {
    match part {
        Value::String(text) => text::is_readable(text, 140),
        Value::Array(items) => items.iter().all(is_shown),
        Value::Object(members) => members.values().all(is_shown),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

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
            value(fits, &case.at(member), "empty, too long, or with characters that cannot be shown")
        })
    },
};

/// Section 4: the purpose code has three or four capital letters, in version 1.2 three.
pub(crate) const PURPOSE: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-4-purpose"),
    check: |case, _| {
        let code = &case.terms.purpose_code;
        let (lengths, hint) = match case.terms.vocabulary {
            UaeVocabulary::Seed => (3..=4, "must be three or four capital letters"),
            UaeVocabulary::V1_2 => (3..=3, "must be three capital letters"),
        };
        let fits = lengths.contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_uppercase());
        value(fits, &case.place.member("PaymentPurposeCode"), hint)
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

/// Section 4.2: an instant to authorise by is ahead, and not after the end.
pub(crate) const AUTHORISE_BY: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-4.2-by"),
    check: |case, _| {
        let fits = |by: Timestamp| by > case.now && by <= case.terms.expires_at;
        let place = case.place.member("AuthorizationExpirationDateTime");
        let hint = "must be later than now, and not after ExpirationDateTime";
        value(case.terms.authorise_by.is_none_or(fits), &place, hint)
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

/// Section 4.3: the end is, as a day in Dubai, at most one calendar year ahead; the anniversary itself is allowed. In version
/// 1.2 it is less than a year ahead, to the instant.
pub(crate) const EXPIRY_WITHIN_YEAR: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-4.3-year"),
    check: |case, _| {
        let last = anniversary(Zone::Dubai.day(case.now));
        let within = match case.terms.vocabulary {
            UaeVocabulary::Seed => Zone::Dubai.day(case.terms.expires_at) <= last,
            UaeVocabulary::V1_2 => case.terms.expires_at < Zone::Dubai.year_after(case.now),
        };
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
/// Section 3.1: version 1.2 has one spelling.
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
/// Section 5.3: `IsDelegatedAuthentication` is another feature, which is not on offer.
pub(crate) const NOT_DELEGATED: RuleId = RuleId("UAEBSI-5.3-delegated");
/// Section 16: who pays whom is signed by the client and encrypted to this server, and never stands in the clear.
pub(crate) const PERSONAL_SEALED: RuleId = RuleId("UAEBSI-16-personal");
/// Section 10: the scope is `payments` or names this consent.
pub(crate) const SCOPE: RuleId = RuleId("UAEBSI-10");
