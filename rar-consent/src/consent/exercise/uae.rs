//! UAE bank service initiation, section 9.3: a payment against the limits of its consent, type by type, in the order of the
//! table. And what follows when it is rejected (8.4), when it succeeds (8.4), and when somebody asks (8.5).

use oauth_core::Timestamp;

use super::{ExerciseFault, ExerciseRefusal, Use, demand, exactly, refusal};
use crate::consent::Consent;
use crate::consent::schedule::{
    ListedPayment, Maxima, MultiPayment, Part, PeriodicSchedule, Schedule, SinglePayment, UaePaymentType,
};
use crate::consent::terms::{Terms, UaePayment};
use crate::consent::usage::{MultiUsage, SlotUsage, Usage};
use crate::value::amount::Amount;
use crate::value::calendar::{Day, Zone};
use crate::value::period::Period;

macro_rules! multi {
    ($member:literal) => {
        concat!("Data.ControlParameters.ConsentSchedule.MultiPayment.", $member)
    };
}

const SINGLE: &str = "Data.ControlParameters.ConsentSchedule.SinglePayment";
const EXECUTION: &str = "Data.ControlParameters.ConsentSchedule.SinglePayment.RequestedExecutionDateTime";
const PAYMENTS: &str = multi!("TotalNumberOfPayments");
const INDIVIDUAL: &str = multi!("MaximumIndividualPaymentAmount");
const COUNT: &str = multi!("MaximumCumulativeNumberOfPayments");
const VALUE: &str = multi!("MaximumCumulativeValueOfPayments");
const START: &str = multi!("PeriodicSchedule.PeriodStartDate");
const PERIOD: &str = multi!("PeriodicSchedule.PeriodType");
const PERIOD_COUNT: &str = multi!("PeriodicSchedule.MaximumCumulativeNumberOfPaymentsPerPeriodType");
const PERIOD_VALUE: &str = multi!("PeriodicSchedule.MaximumCumulativeValueOfPaymentsPerPeriodType");
const LISTED: &str = multi!("PaymentSchedule");
const CURRENCY: &str = "AED";
const INSTRUCTED: &str = "Data.Instruction.Amount.Amount";

impl Consent {
    /// The part of a UAE consent under which an order is made that cannot name one (version 1.2): the single payment while it
    /// is not made and its amount is ordered, the others otherwise.
    #[must_use]
    pub fn part_for(&self, amount_minor: i64) -> Option<UaePaymentType> {
        let Terms::UaePayment(payment) = &self.terms else { return None };
        Some(match &payment.schedule {
            Schedule::Single(single) => single.kind(),
            Schedule::Multi(multi) => multi.kind(),
            Schedule::Combined { single, multi } => {
                let first = self.usage.single_count() == 0 && single.amount().minor == amount_minor;
                if first { single.kind() } else { multi.kind() }
            }
        })
    }
}

/// The usage of a consent with one more payment, when it is within the consent.
pub(super) fn exercised(
    consent: &Consent,
    payment: &UaePayment,
    wanted: &Use,
) -> Result<Usage, ExerciseRefusal> {
    let part = payment.schedule.part(wanted.kind);
    let part = part.ok_or_else(|| refusal(ExerciseFault::Part, "Data.Type"))?;
    as_agreed(payment, part, wanted)?;
    let (amount, usage) = (wanted.amount_minor, &consent.usage);
    let used = match part {
        Part::Single(single) => {
            within_single(consent, (&payment.schedule, single), wanted)?;
            usage.plus(amount)
        }
        Part::Multi(multi) => {
            let order = Order { usage: &usage.multi, day: Zone::Dubai.day(wanted.at), wanted };
            usage.plus_multi(amount, order.slot_within(multi)?)
        }
    };
    used.ok_or_else(|| refusal(ExerciseFault::Total, INSTRUCTED))
}

/// Section 8.1, step 10: of a single payment, purpose and references are the consent's; of several, they may differ.
fn as_agreed(payment: &UaePayment, part: Part<'_>, wanted: &Use) -> Result<(), ExerciseRefusal> {
    let same = |asked: &Option<String>, own: Option<&String>| asked.is_none() || asked.as_ref() == own;
    let rule = ExerciseFault::BusinessRule;
    if let Part::Single(_) = part {
        let own = payment.beneficiary_reference.as_ref();
        demand(same(&wanted.purpose, Some(&payment.purpose_code)), rule, "Data.PaymentPurposeCode")?;
        let payer = same(&wanted.payer_reference, payment.payer_reference.as_ref());
        demand(payer, rule, "Data.PayerReference")?;
        let payee = same(&wanted.beneficiary_reference, own);
        demand(payee, rule, "Data.Instruction.BeneficiaryReference")?;
    }
    let listed = |iban: &String| payment.creditors.iter().any(|creditor| creditor.iban == *iban);
    let creditor = payment.creditors.is_empty() || wanted.creditor.as_ref().is_none_or(listed);
    demand(creditor, rule, "Data.Initiation.CreditorAccount.Identification")
}

/// Types 1 and 2.
fn within_single(
    consent: &Consent,
    (schedule, single): (&Schedule, &SinglePayment),
    wanted: &Use,
) -> Result<(), ExerciseRefusal> {
    let day = Zone::Dubai.day(wanted.at);
    demand(consent.usage.single_count() == 0, ExerciseFault::Count, SINGLE)?;
    exactly(single.amount(), wanted)?;
    match single {
        SinglePayment::Instant { .. } => {
            // Section 5.2: the approval of a combined consent may take longer than the day it was asked for.
            let from = match schedule {
                Schedule::Combined { .. } => consent.authorised_at,
                Schedule::Single(_) | Schedule::Multi(_) => Some(consent.created_at),
            };
            demand(from.is_some_and(|from| Zone::Dubai.day(from) == day), ExerciseFault::Day, SINGLE)
        }
        SinglePayment::FutureDated { execute_at, .. } => {
            demand(day <= Zone::Dubai.day(*execute_at), ExerciseFault::Day, EXECUTION)
        }
    }
}

/// An order under the part that allows several payments.
struct Order<'a> {
    usage: &'a MultiUsage,
    day: Day,
    wanted: &'a Use,
}

impl Order<'_> {
    /// Types 3 to 7 and the list of version 1.2: the period or the listed day it is counted in, when it is within all limits.
    fn slot_within(&self, multi: &MultiPayment) -> Result<Option<Day>, ExerciseRefusal> {
        match multi {
            MultiPayment::FixedRecurring { amount, payments, periodic } => {
                let period = self.occurrence(periodic)?;
                demand(period.index < *payments, ExerciseFault::Day, PAYMENTS)?;
                self.once(period)?;
                exactly(amount, self.wanted)?;
                demand(self.usage.count < u64::from(*payments), ExerciseFault::Count, PAYMENTS)?;
                self.within_period(periodic, period)
            }
            MultiPayment::FixedOnDemand { amount, lifetime, periodic } => {
                exactly(amount, self.wanted)?;
                self.within_lifetime(lifetime)?;
                self.on_demand(periodic.as_ref())
            }
            MultiPayment::VariableRecurring { individual, lifetime, periodic } => {
                let period = self.occurrence(periodic)?;
                self.once(period)?;
                self.at_most(Some(individual), INDIVIDUAL)?;
                self.within_lifetime(lifetime)?;
                self.within_period(periodic, period)
            }
            MultiPayment::VariableOnDemand { individual, lifetime, periodic } => {
                self.at_most(individual.as_ref(), INDIVIDUAL)?;
                self.within_lifetime(lifetime)?;
                self.on_demand(periodic.as_ref())
            }
            MultiPayment::VariableDefined { payments, lifetime } => {
                let listed = self.of_today(payments)?;
                exactly(&listed.amount, self.wanted)?;
                self.within_lifetime(lifetime)?;
                Ok(Some(listed.day))
            }
            MultiPayment::DefinedUpTo { payments, lifetime } => {
                let listed = self.of_today(payments)?;
                self.at_most(Some(&listed.amount), LISTED)?;
                self.within_lifetime(lifetime)?;
                Ok(Some(listed.day))
            }
        }
    }

    /// The entry of this day, under which nothing was paid yet.
    fn of_today<'p>(&self, payments: &'p [ListedPayment]) -> Result<&'p ListedPayment, ExerciseRefusal> {
        let listed = payments.iter().find(|listed| listed.day == self.day);
        let listed = listed.ok_or_else(|| refusal(ExerciseFault::Day, LISTED))?;
        demand(self.of_slot(listed.day, LISTED)?.count == 0, ExerciseFault::Count, LISTED)?;
        Ok(listed)
    }

    /// The period of which this day is the occurrence.
    fn occurrence(&self, periodic: &PeriodicSchedule) -> Result<Period, ExerciseRefusal> {
        periodic.periods.occurring_on(self.day).ok_or_else(|| refusal(ExerciseFault::Day, START))
    }

    /// At most one payment in a period.
    fn once(&self, period: Period) -> Result<(), ExerciseRefusal> {
        demand(self.of_slot(period.start, PERIOD)?.count == 0, ExerciseFault::Count, PERIOD)
    }

    /// Where nothing bounds one payment, its currency is that of every consent: section 4.
    fn at_most(&self, individual: Option<&Amount>, path: &'static str) -> Result<(), ExerciseRefusal> {
        let currency = individual.map_or(CURRENCY, |most| &most.currency);
        let same = self.wanted.currency == currency;
        demand(same, ExerciseFault::Currency, "Data.Instruction.Amount.Currency")?;
        demand(self.wanted.amount_minor > 0, ExerciseFault::Amount, INSTRUCTED)?;
        let within = individual.is_none_or(|most| self.wanted.amount_minor <= most.minor);
        demand(within, ExerciseFault::Amount, path)
    }

    fn within_lifetime(&self, most: &Maxima) -> Result<(), ExerciseRefusal> {
        let count = most.count.is_none_or(|most| self.usage.count < u64::from(most));
        demand(count, ExerciseFault::Count, COUNT)?;
        let value = most.value.as_ref().is_none_or(|most| self.fits(self.usage.total_minor, most));
        demand(value, ExerciseFault::Total, VALUE)
    }

    /// Any day from the first of the first period on, when there are periods.
    fn on_demand(&self, periodic: Option<&PeriodicSchedule>) -> Result<Option<Day>, ExerciseRefusal> {
        let Some(periodic) = periodic else { return Ok(None) };
        let period = periodic.periods.holding(self.day);
        self.within_period(periodic, period.ok_or_else(|| refusal(ExerciseFault::Day, START))?)
    }

    /// The period, as long as its own maxima hold.
    fn within_period(
        &self,
        periodic: &PeriodicSchedule,
        period: Period,
    ) -> Result<Option<Day>, ExerciseRefusal> {
        let used = self.of_slot(period.start, START)?;
        let count = periodic.count.is_none_or(|most| used.count < u64::from(most));
        demand(count, ExerciseFault::Count, PERIOD_COUNT)?;
        let value = periodic.value.as_ref().is_none_or(|most| self.fits(used.total_minor, most));
        demand(value, ExerciseFault::Total, PERIOD_VALUE)?;
        Ok(Some(period.start))
    }

    /// A period that is forgotten is over.
    fn of_slot(&self, start: Day, path: &'static str) -> Result<SlotUsage, ExerciseRefusal> {
        self.usage.of_slot(start).ok_or_else(|| refusal(ExerciseFault::Day, path))
    }

    fn fits(&self, used_minor: i64, most: &Amount) -> bool {
        used_minor.checked_add(self.wanted.amount_minor).is_some_and(|total| total <= most.minor)
    }
}

/// The usage of a consent without a payment that was rejected. Its period is that of the day it was received.
pub(super) fn given_back(consent: &Consent, payment: &UaePayment, used: &Use) -> Usage {
    match payment.schedule.part(used.kind) {
        Some(Part::Multi(multi)) => {
            consent.usage.minus_multi(used.amount_minor, slot(multi, Zone::Dubai.day(used.at)))
        }
        Some(Part::Single(_)) | None => consent.usage.minus(used.amount_minor),
    }
}

fn slot(multi: &MultiPayment, day: Day) -> Option<Day> {
    match multi {
        MultiPayment::VariableDefined { .. } | MultiPayment::DefinedUpTo { .. } => Some(day),
        MultiPayment::FixedRecurring { .. }
        | MultiPayment::FixedOnDemand { .. }
        | MultiPayment::VariableRecurring { .. }
        | MultiPayment::VariableOnDemand { .. } => {
            multi.periodic().and_then(|periodic| periodic.periods.holding(day)).map(|period| period.start)
        }
    }
}

/// The usage of a consent with one more success.
pub(super) fn with_success(consent: &Consent, payment: &UaePayment, used: &Use) -> Usage {
    let mut usage = consent.usage.clone();
    usage.successes = usage.successes.saturating_add(1);
    if let Some(Part::Multi(_)) = payment.schedule.part(used.kind) {
        usage.multi.successes = usage.multi.successes.saturating_add(1);
    }
    usage
}

/// Section 8.4: whether nothing is left to do.
pub(super) fn is_complete(schedule: &Schedule, usage: &Usage) -> bool {
    let single = schedule.single().is_none_or(|_| usage.single_successes() > 0);
    single && schedule.multi().is_none_or(|multi| all_made(multi, &usage.multi))
}

fn all_made(multi: &MultiPayment, usage: &MultiUsage) -> bool {
    let less_is_left = |most: &Maxima, minor: i64| {
        let rest = most.value.as_ref().map(|most| most.minor.saturating_sub(usage.total_minor));
        rest.is_some_and(|rest| rest < minor) && usage.is_settled()
    };
    let made = |count: u32| usage.successes >= u64::from(count);
    match multi {
        MultiPayment::FixedRecurring { payments, .. } => made(*payments),
        MultiPayment::FixedOnDemand { amount, lifetime, .. } => {
            lifetime.count.is_some_and(made) || less_is_left(lifetime, amount.minor)
        }
        MultiPayment::VariableRecurring { lifetime, .. }
        | MultiPayment::VariableOnDemand { lifetime, .. } => {
            lifetime.count.is_some_and(made) || less_is_left(lifetime, 1)
        }
        MultiPayment::VariableDefined { payments, lifetime } => {
            let least = payments.iter().map(|listed| listed.amount.minor).min().unwrap_or_default();
            made(entries(payments)) || lifetime.count.is_some_and(made) || less_is_left(lifetime, least)
        }
        MultiPayment::DefinedUpTo { payments, lifetime } => {
            made(entries(payments)) || lifetime.count.is_some_and(made) || less_is_left(lifetime, 1)
        }
    }
}

fn entries(payments: &[ListedPayment]) -> u32 {
    u32::try_from(payments.len()).unwrap_or(u32::MAX)
}

/// What has been used of a consent, as it is told (section 8.5). Of all parts, payments that are still pending included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumption {
    /// `CumulativeNumberOfPayments`.
    pub count: u64,
    /// `CumulativeValueOfPayments`.
    pub value: Amount,
    /// The period that runs now, when the consent has periods. Before the first there is nothing in it.
    pub in_period: Option<PeriodConsumption>,
}

/// What has been used of the period that runs now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodConsumption {
    /// `CumulativeNumberOfPaymentsInCurrentPeriod`.
    pub count: u64,
    /// `CumulativeValueOfPaymentsInCurrentPeriod`.
    pub value: Amount,
}

/// `PaymentConsumption` at an instant.
pub(super) fn consumption(consent: &Consent, payment: &UaePayment, now: Timestamp) -> Consumption {
    let usage = &consent.usage;
    let periodic = payment.schedule.multi().and_then(MultiPayment::periodic);
    let in_period = periodic.map(|periodic| {
        let period = periodic.periods.holding(Zone::Dubai.day(now));
        let used = period.and_then(|period| usage.multi.of_slot(period.start));
        let (count, minor) = used.map(|slot| (slot.count, slot.total_minor)).unwrap_or_default();
        PeriodConsumption { count, value: Amount::new(minor, CURRENCY) }
    });
    Consumption { count: usage.count, value: Amount::new(usage.total_minor, CURRENCY), in_period }
}
