//! `ConsentSchedule` as version 1.2 writes it (section 5.3): the types of the early drafts under other names, each a
//! `PeriodicSchedule` of its own.

use oauth_core::{DetailsFault, Refusal, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::super::schedule::{WireAmount, amount, day, missing};
use crate::consent::schedule::{
    ListedPayment, Maxima, MultiPayment, PeriodicSchedule, Schedule, SinglePayment,
};
use crate::detail::Place;
use crate::detail::element::typed;
use crate::rules::uae_consent;
use crate::value::amount::Amount;
use crate::value::calendar::Zone;
use crate::value::period::{Alignment, PeriodType, Periods};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct WireSchedule {
    single_payment: Option<Single>,
    multi_payment: Option<Multi>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Single {
    #[serde(rename = "Type")]
    kind: SingleType,
    amount: WireAmount,
    requested_execution_date: Option<String>,
}

#[derive(Deserialize)]
enum SingleType {
    SingleInstantPayment,
    SingleFutureDatedPayment,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Multi {
    maximum_cumulative_number_of_payments: Option<u32>,
    maximum_cumulative_value_of_payments: Option<WireAmount>,
    periodic_schedule: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct FixedPeriodic {
    #[serde(rename = "Type")]
    _type: String,
    period_type: PeriodType,
    period_start_date: String,
    amount: WireAmount,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct VariablePeriodic {
    #[serde(rename = "Type")]
    _type: String,
    period_type: PeriodType,
    period_start_date: String,
    maximum_individual_amount: WireAmount,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct FixedOnDemand {
    #[serde(rename = "Type")]
    _type: String,
    period_type: PeriodType,
    period_start_date: String,
    amount: WireAmount,
    controls: FixedControls,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct FixedControls {
    maximum_cumulative_number_of_payments_per_period: Option<u32>,
    maximum_cumulative_value_of_payments_per_period: Option<WireAmount>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct VariableOnDemand {
    #[serde(rename = "Type")]
    _type: String,
    period_type: PeriodType,
    period_start_date: String,
    controls: VariableControls,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct VariableControls {
    maximum_individual_amount: Option<WireAmount>,
    maximum_cumulative_number_of_payments_per_period: Option<u32>,
    maximum_cumulative_value_of_payments_per_period: Option<WireAmount>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct FixedDefined {
    #[serde(rename = "Type")]
    _type: String,
    schedule: Vec<Listed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Listed {
    payment_execution_date: String,
    amount: WireAmount,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct VariableDefined {
    #[serde(rename = "Type")]
    _type: String,
    schedule: Vec<ListedUpTo>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ListedUpTo {
    payment_execution_date: String,
    maximum_individual_amount: WireAmount,
}

/// Which payments a consent asks for. `place` is that of its container.
pub(super) fn read(
    wire: WireSchedule,
    place: &Place,
    (alignment, until): (Alignment, Timestamp),
) -> Result<Schedule, Refusal> {
    let place = place.member("ControlParameters.ConsentSchedule");
    let single = wire.single_payment.map(|part| single(&part, &place.member("SinglePayment"))).transpose()?;
    let at = place.member("MultiPayment");
    let multi = wire.multi_payment.map(|part| Reader { part, place: &at, alignment, until }.multi());
    match (single, multi.transpose()?) {
        (Some(single), None) => Ok(Schedule::Single(single)),
        (None, Some(multi)) => Ok(Schedule::Multi(multi)),
        (Some(single), Some(multi)) => Ok(Schedule::Combined { single, multi }),
        (None, None) => {
            let hint = "SinglePayment or MultiPayment must be there";
            Err(place.refuse(uae_consent::SCHEDULE, DetailsFault::MemberMissing, hint))
        }
    }
}

fn single(wire: &Single, place: &Place) -> Result<SinglePayment, Refusal> {
    let amount = amount(&wire.amount, &place.member("Amount"))?;
    let at = place.member("RequestedExecutionDate");
    match (&wire.kind, wire.requested_execution_date.as_deref()) {
        (SingleType::SingleInstantPayment, None) => Ok(SinglePayment::Instant { amount }),
        (SingleType::SingleInstantPayment, Some(_)) => {
            let hint = "an instant payment has no day of its own";
            Err(at.refuse(uae_consent::SCHEDULE, DetailsFault::MemberUnknown, hint))
        }
        (SingleType::SingleFutureDatedPayment, None) => Err(missing(&at)),
        (SingleType::SingleFutureDatedPayment, Some(text)) => {
            Ok(SinglePayment::FutureDated { amount, execute_at: day(text, &at)?.start_of_day(Zone::Dubai) })
        }
    }
}

/// One `MultiPayment`, and what is known around it.
struct Reader<'a> {
    part: Multi,
    place: &'a Place,
    alignment: Alignment,
    until: Timestamp,
}

impl Reader<'_> {
    fn multi(&self) -> Result<MultiPayment, Refusal> {
        let place = self.place.member("PeriodicSchedule");
        let wire = &self.part.periodic_schedule;
        match wire.get("Type").and_then(Value::as_str) {
            Some("FixedPeriodicSchedule") => self.fixed_periodic(&typed(wire, &place)?, &place),
            Some("VariablePeriodicSchedule") => self.variable_periodic(&typed(wire, &place)?, &place),
            Some("FixedOnDemand") => self.fixed_on_demand(&typed(wire, &place)?, &place),
            Some("VariableOnDemand") => self.variable_on_demand(&typed(wire, &place)?, &place),
            Some("FixedDefinedSchedule") => self.fixed_defined(&typed(wire, &place)?, &place),
            Some("VariableDefinedSchedule") => self.variable_defined(&typed(wire, &place)?, &place),
            Some(_) | None => {
                let hint = "not a schedule of version 1.2 that is on offer";
                Err(place.member("Type").refuse(uae_consent::SCHEDULE, DetailsFault::Value, hint))
            }
        }
    }

    /// Both maxima may be left out or be larger than the schedule: what it comes to is the smallest of the number asked for,
    /// of the occurrences before the consent ends, and of the payments the value of all together has room for.
    fn fixed_periodic(&self, wire: &FixedPeriodic, place: &Place) -> Result<MultiPayment, Refusal> {
        let amount = amount(&wire.amount, &place.member("Amount"))?;
        let periodic = self.periodic(wire.period_type, &wire.period_start_date, place)?;
        let occurrences = self.occurrences(&periodic.periods);
        let number =
            self.part.maximum_cumulative_number_of_payments.map_or(occurrences, |most| most.min(occurrences));
        let payments = number.min(self.room_for(&amount)?);
        Ok(MultiPayment::FixedRecurring { amount, payments, periodic })
    }

    fn variable_periodic(&self, wire: &VariablePeriodic, place: &Place) -> Result<MultiPayment, Refusal> {
        Ok(MultiPayment::VariableRecurring {
            individual: amount(&wire.maximum_individual_amount, &place.member("MaximumIndividualAmount"))?,
            lifetime: self.lifetime()?,
            periodic: self.periodic(wire.period_type, &wire.period_start_date, place)?,
        })
    }

    fn fixed_on_demand(&self, wire: &FixedOnDemand, place: &Place) -> Result<MultiPayment, Refusal> {
        let periodic = self.periodic(wire.period_type, &wire.period_start_date, place)?;
        let controls = place.member("Controls");
        let count = wire.controls.maximum_cumulative_number_of_payments_per_period;
        let value = wire.controls.maximum_cumulative_value_of_payments_per_period.as_ref();
        if count.is_none() && value.is_none() {
            return Err(uncontrolled(&controls));
        }
        Ok(MultiPayment::FixedOnDemand {
            amount: amount(&wire.amount, &place.member("Amount"))?,
            lifetime: self.lifetime()?,
            periodic: Some(PeriodicSchedule { count, value: optional(value, &controls, VALUE)?, ..periodic }),
        })
    }

    fn variable_on_demand(&self, wire: &VariableOnDemand, place: &Place) -> Result<MultiPayment, Refusal> {
        let periodic = self.periodic(wire.period_type, &wire.period_start_date, place)?;
        let at = place.member("Controls");
        let controls = &wire.controls;
        let individual = optional(controls.maximum_individual_amount.as_ref(), &at, INDIVIDUAL)?;
        let count = controls.maximum_cumulative_number_of_payments_per_period;
        let value = controls.maximum_cumulative_value_of_payments_per_period.as_ref();
        if individual.is_none() && count.is_none() && value.is_none() {
            return Err(uncontrolled(&at));
        }
        Ok(MultiPayment::VariableOnDemand {
            individual,
            lifetime: self.lifetime()?,
            periodic: Some(PeriodicSchedule { count, value: optional(value, &at, VALUE)?, ..periodic }),
        })
    }

    /// As around a schedule of periods: bounds of all payments may be left out or be larger than the list, and bound it where
    /// they are smaller, as long as they have room for one of its payments.
    fn fixed_defined(&self, wire: &FixedDefined, place: &Place) -> Result<MultiPayment, Refusal> {
        let listed = wire.schedule.iter().enumerate().map(|(index, wire)| {
            let place = place.member(&format!("Schedule[{index}]"));
            Ok(ListedPayment {
                day: day(&wire.payment_execution_date, &place.member("PaymentExecutionDate"))?,
                amount: amount(&wire.amount, &place.member("Amount"))?,
            })
        });
        let payments: Vec<ListedPayment> = listed.collect::<Result<_, Refusal>>()?;
        if let Some(entry) = payments.iter().min_by_key(|entry| entry.amount.minor) {
            self.room_for(&entry.amount)?;
        }
        Ok(MultiPayment::VariableDefined { payments, lifetime: self.lifetime()? })
    }

    /// A bound of all payments below what the list comes to is a bound; without any, the list bounds itself.
    fn variable_defined(&self, wire: &VariableDefined, place: &Place) -> Result<MultiPayment, Refusal> {
        let listed = wire.schedule.iter().enumerate().map(|(index, wire)| {
            let place = place.member(&format!("Schedule[{index}]"));
            Ok(ListedPayment {
                day: day(&wire.payment_execution_date, &place.member("PaymentExecutionDate"))?,
                amount: amount(&wire.maximum_individual_amount, &place.member(INDIVIDUAL))?,
            })
        });
        let payments = listed.collect::<Result<_, Refusal>>()?;
        Ok(MultiPayment::DefinedUpTo { payments, lifetime: self.lifetime()? })
    }

    fn periodic(&self, kind: PeriodType, start: &str, place: &Place) -> Result<PeriodicSchedule, Refusal> {
        let anchor = day(start, &place.member("PeriodStartDate"))?;
        let periods = Periods { kind, anchor, alignment: self.alignment };
        Ok(PeriodicSchedule { periods, count: None, value: None })
    }

    fn lifetime(&self) -> Result<Maxima, Refusal> {
        Ok(Maxima {
            count: self.part.maximum_cumulative_number_of_payments,
            value: optional(self.part.maximum_cumulative_value_of_payments.as_ref(), self.place, LIFETIME)?,
        })
    }

    /// How many payments of one amount the value of all together has room for: one at least.
    fn room_for(&self, amount: &Amount) -> Result<u32, Refusal> {
        let most = optional(self.part.maximum_cumulative_value_of_payments.as_ref(), self.place, LIFETIME)?;
        let Some(most) = most else { return Ok(u32::MAX) };
        let room = most.minor.checked_div(amount.minor).unwrap_or_default();
        if room == 0 {
            let hint = "less than one of the fixed payments";
            let place = self.place.member(LIFETIME);
            return Err(place.refuse(uae_consent::PLACES_AGREE, DetailsFault::Value, hint));
        }
        Ok(u32::try_from(room).unwrap_or(u32::MAX))
    }

    /// The occurrences of a schedule up to the day on which the consent ends.
    fn occurrences(&self, periods: &Periods) -> u32 {
        let last = Zone::Dubai.day(self.until);
        let before = |index: &u32| periods.occurrence(*index).is_some_and(|day| day <= last);
        u32::try_from((0..OCCURRENCES_MAX).take_while(before).count()).unwrap_or(OCCURRENCES_MAX)
    }
}

/// Every day of the longest consent.
const OCCURRENCES_MAX: u32 = 367;
const INDIVIDUAL: &str = "MaximumIndividualAmount";
const VALUE: &str = "MaximumCumulativeValueOfPaymentsPerPeriod";
const LIFETIME: &str = "MaximumCumulativeValueOfPayments";

fn optional(wire: Option<&WireAmount>, place: &Place, member: &str) -> Result<Option<Amount>, Refusal> {
    wire.map(|wire| amount(wire, &place.member(member))).transpose()
}

fn uncontrolled(place: &Place) -> Refusal {
    let hint = "must have at least one member";
    place.refuse(uae_consent::SCHEDULE, DetailsFault::MemberMissing, hint)
}
