//! UAE bank service initiation, early drafts: what each payment type must say beyond its members, sections 5 to 5.2. The
//! members themselves are demanded by the wire form; a combined consent meets the demands on both of its parts.

use oauth_core::{DetailsFault, Reason, Rule, RuleId};

use super::UaeCase;
use crate::consent::schedule::{ListedPayment, Maxima, MultiPayment, PeriodicSchedule, SinglePayment};
use crate::detail::Place;
use crate::rules::{demand, value};
use crate::value::calendar::{Day, Zone};

/// Section 5: whoever pays several times says what for; version 1.2 leaves that to each payment.
pub(crate) const REFERENCE: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-5-reference"),
    check: |case, _| {
        let demanded = case.terms.schedule.multi().is_some() && case.terms.vocabulary.is_seed();
        let given = !demanded || case.terms.payer_reference.is_some();
        let hint = "a consent for several payments has a PayerReference, also called UserReference";
        demand(given, &case.place.member("PayerReference"), DetailsFault::MemberMissing, hint)
    },
};

/// Section 5: numbers of payments are at least one.
pub(crate) const NUMBERS: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-5-number"),
    check: |case, _| {
        let Some(multi) = case.terms.schedule.multi() else { return Ok(()) };
        let total = match multi {
            MultiPayment::FixedRecurring { payments, .. } => Some(*payments),
            MultiPayment::FixedOnDemand { .. }
            | MultiPayment::VariableRecurring { .. }
            | MultiPayment::VariableOnDemand { .. }
            | MultiPayment::VariableDefined { .. }
            | MultiPayment::DefinedUpTo { .. } => None,
        };
        let numbers = [
            (total, "TotalNumberOfPayments"),
            (multi.lifetime().and_then(|most| most.count), "MaximumCumulativeNumberOfPayments"),
            (multi.periodic().and_then(|periodic| periodic.count), PERIOD_COUNT),
        ];
        numbers.iter().try_for_each(|(number, member)| {
            value(number.is_none_or(|number| number > 0), &in_multi(case, member), "must be at least 1")
        })
    },
};

/// Section 5.1, type 2: the day of execution is after today. Later today is not the future.
pub(crate) const EXECUTION_AHEAD: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-5.1-2-ahead"),
    check: |case, _| {
        let ahead = execution_day(case).is_none_or(|day| day > today(case));
        value(ahead, &in_single(case, EXECUTION), "must be on a day after today, Dubai time")
    },
};

/// Section 5.1, type 2: the day of execution is at most one year ahead.
pub(crate) const EXECUTION_WITHIN_YEAR: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-5.1-2-year"),
    check: |case, _| {
        let last = super::anniversary(today(case));
        let within = execution_day(case).is_none_or(|day| day <= last);
        value(within, &in_single(case, EXECUTION), "more than one year ahead")
    },
};

/// Section 5.1, type 2: the payment is executed before the consent ends.
pub(crate) const EXECUTION_BEFORE_END: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-5.1-2-end"),
    check: |case, _| {
        let execute_at = case.terms.schedule.single().and_then(SinglePayment::execute_at);
        let before = execute_at.is_none_or(|at| at <= case.terms.expires_at);
        value(before, &in_single(case, EXECUTION), "after ExpirationDateTime")
    },
};

/// Section 5.1, type 3: the first payment is not in the past.
pub(crate) const START_AHEAD: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-5.1-3-start"),
    check: |case, _| match case.terms.schedule.multi() {
        Some(MultiPayment::FixedRecurring { periodic, .. }) => {
            let ahead = periodic.periods.anchor >= today(case);
            value(ahead, &in_multi(case, START), "must not be before today, Dubai time")
        }
        Some(
            MultiPayment::FixedOnDemand { .. }
            | MultiPayment::VariableRecurring { .. }
            | MultiPayment::VariableOnDemand { .. }
            | MultiPayment::VariableDefined { .. }
            | MultiPayment::DefinedUpTo { .. },
        )
        | None => Ok(()),
    },
};

/// Section 5.1, type 3: the last payment comes before the consent ends; otherwise the schedule could never be finished.
pub(crate) const LAST_BEFORE_END: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-5.1-3-last"),
    check: |case, _| match case.terms.schedule.multi() {
        Some(MultiPayment::FixedRecurring { payments, periodic, .. }) => {
            let last = periodic.periods.occurrence(payments.saturating_sub(1));
            let before = last.is_some_and(|day| day <= last_day(case));
            let hint = "the last payment would be after ExpirationDateTime";
            value(before, &in_multi(case, "TotalNumberOfPayments"), hint)
        }
        Some(
            MultiPayment::FixedOnDemand { .. }
            | MultiPayment::VariableRecurring { .. }
            | MultiPayment::VariableOnDemand { .. }
            | MultiPayment::VariableDefined { .. }
            | MultiPayment::DefinedUpTo { .. },
        )
        | None => Ok(()),
    },
};

/// Section 5.1, by analogy with type 3: periods begin before the consent ends; otherwise it could never be used.
pub(crate) const START_BEFORE_END: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-5.1-start"),
    check: |case, _| {
        let periodic: Option<&PeriodicSchedule> =
            case.terms.schedule.multi().and_then(MultiPayment::periodic);
        let before = periodic.is_none_or(|periodic| periodic.periods.anchor <= last_day(case));
        value(before, &in_multi(case, START), "after ExpirationDateTime")
    },
};

/// Section 5.1, types 4 to 6, and the list of version 1.2: one payment fits into the value of all.
pub(crate) const VALUE_HOLDS_ONE: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-5.1-value"),
    check: |case, _| {
        let (one, most, member) = match case.terms.schedule.multi() {
            Some(MultiPayment::FixedOnDemand { amount, lifetime, .. }) => {
                (Some(amount), lifetime, "MaximumCumulativeValueOfPayments")
            }
            Some(MultiPayment::VariableRecurring { individual, lifetime, .. }) => {
                (Some(individual), lifetime, "MaximumIndividualPaymentAmount")
            }
            Some(MultiPayment::VariableOnDemand { individual, lifetime, .. }) => {
                (individual.as_ref(), lifetime, "MaximumIndividualPaymentAmount")
            }
            Some(MultiPayment::DefinedUpTo { payments, lifetime }) => {
                return each_within(case, payments, lifetime);
            }
            Some(MultiPayment::FixedRecurring { .. } | MultiPayment::VariableDefined { .. }) | None => {
                return Ok(());
            }
        };
        let holds = one.zip(most.value.as_ref()).is_none_or(|(one, most)| one.minor <= most.minor);
        value(holds, &in_multi(case, member), HOLDS_ONE)
    },
};

/// Section 5.1, type 7: a list has 1 to 53 payments.
pub(crate) const LIST_SIZE: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-5.1-7-size"),
    check: |case, _| match listed(case) {
        Some(payments) => {
            let fits = (1..=53).contains(&payments.len());
            value(fits, &in_multi(case, LIST), "must have 1 to 53 entries")
        }
        None => Ok(()),
    },
};

/// Section 5.1, type 7: no day is listed twice.
pub(crate) const LIST_UNIQUE: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-5.1-7-unique"),
    check: |case, _| {
        each_listed(case, "stands in the list twice", |day| {
            listed(case).unwrap_or_default().iter().filter(|other| other.day == day).count() == 1
        })
    },
};

/// Section 5.1, type 7: no listed day is in the past.
pub(crate) const LIST_AHEAD: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-5.1-7-ahead"),
    check: |case, _| each_listed(case, "must not be before today, Dubai time", |day| day >= today(case)),
};

/// Section 5.1, type 7: no listed day is after the end of the consent.
pub(crate) const LIST_BEFORE_END: Rule<UaeCase> = Rule {
    id: RuleId("UAEBSI-5.1-7-end"),
    check: |case, _| each_listed(case, "after ExpirationDateTime", |day| day <= last_day(case)),
};

const SINGLE: &str = "ControlParameters.ConsentSchedule.SinglePayment";
const MULTI: &str = "ControlParameters.ConsentSchedule.MultiPayment";
const EXECUTION: &str = "RequestedExecutionDateTime";
const START: &str = "PeriodicSchedule.PeriodStartDate";
const PERIOD_COUNT: &str = "PeriodicSchedule.MaximumCumulativeNumberOfPaymentsPerPeriodType";
const LIST: &str = "PaymentSchedule";
const HOLDS_ONE: &str = "one payment may have more than all together: MaximumCumulativeValueOfPayments";

fn in_single(case: &UaeCase, member: &str) -> Place {
    case.at(&format!("{SINGLE}.{member}"))
}

fn in_multi(case: &UaeCase, member: &str) -> Place {
    case.at(&format!("{MULTI}.{member}"))
}

fn today(case: &UaeCase) -> Day {
    Zone::Dubai.day(case.now)
}

fn last_day(case: &UaeCase) -> Day {
    Zone::Dubai.day(case.terms.expires_at)
}

fn execution_day(case: &UaeCase) -> Option<Day> {
    let execute_at = case.terms.schedule.single().and_then(SinglePayment::execute_at);
    execute_at.map(|at| Zone::Dubai.day(at))
}

fn listed(case: &UaeCase) -> Option<&[ListedPayment]> {
    case.terms.schedule.multi().and_then(MultiPayment::listed)
}

/// Each entry of a list fits into the value of all, or the first that does not is named.
fn each_within(case: &UaeCase, payments: &[ListedPayment], lifetime: &Maxima) -> Result<(), Reason> {
    payments.iter().enumerate().try_for_each(|(index, entry)| {
        let place = in_multi(case, &format!("{LIST}[{index}].MaximumIndividualAmount"));
        let holds = lifetime.value.as_ref().is_none_or(|most| entry.amount.minor <= most.minor);
        value(holds, &place, HOLDS_ONE)
    })
}

/// Every listed day fits, or the first that does not is named.
fn each_listed(case: &UaeCase, hint: &'static str, fits: impl Fn(Day) -> bool) -> Result<(), Reason> {
    listed(case).unwrap_or_default().iter().enumerate().try_for_each(|(index, entry)| {
        let place = in_multi(case, &format!("{LIST}[{index}].PaymentExecutionDate"));
        value(fits(entry.day), &place, hint)
    })
}
