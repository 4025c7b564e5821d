//! `ConsentSchedule`, as the early drafts write it: the seven types in their two slots (section 5).

use oauth_core::{DetailsFault, Refusal, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use crate::consent::schedule::{
    ListedPayment, Maxima, MultiPayment, PeriodicSchedule, Schedule, SinglePayment, UaePaymentType,
};
use crate::detail::Place;
use crate::detail::element::typed;
use crate::rules::{rfc9396, uae_consent};
use crate::value::amount::{Amount, AmountFault};
use crate::value::calendar::{Day, Zone, read_instant};
use crate::value::period::{Alignment, PeriodType, Periods};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct WireSchedule {
    single_payment: Option<Value>,
    multi_payment: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct WireAmount {
    amount: String,
    currency: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Instant {
    #[serde(rename = "Type")]
    _type: UaePaymentType,
    amount: WireAmount,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct FutureDated {
    #[serde(rename = "Type")]
    _type: UaePaymentType,
    amount: WireAmount,
    requested_execution_date_time: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct FixedRecurring {
    #[serde(rename = "Type")]
    _type: UaePaymentType,
    total_number_of_payments: u32,
    periodic_schedule: Periodic,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct FixedOnDemand {
    #[serde(rename = "Type")]
    _type: UaePaymentType,
    amount: Option<WireAmount>,
    maximum_cumulative_number_of_payments: u32,
    maximum_cumulative_value_of_payments: WireAmount,
    periodic_schedule: Option<Periodic>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct VariableRecurring {
    #[serde(rename = "Type")]
    _type: UaePaymentType,
    maximum_individual_payment_amount: WireAmount,
    maximum_cumulative_number_of_payments: u32,
    maximum_cumulative_value_of_payments: WireAmount,
    periodic_schedule: Periodic,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct VariableOnDemand {
    #[serde(rename = "Type")]
    _type: UaePaymentType,
    maximum_individual_payment_amount: WireAmount,
    maximum_cumulative_number_of_payments: u32,
    maximum_cumulative_value_of_payments: WireAmount,
    periodic_schedule: Option<Periodic>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct VariableDefined {
    #[serde(rename = "Type")]
    _type: UaePaymentType,
    payment_schedule: Vec<Listed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Listed {
    payment_execution_date: String,
    amount: WireAmount,
}

/// `PeriodicSchedule`. The later drafts have other names for the maxima of a period, and put them one level deeper.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Periodic {
    period_type: PeriodType,
    period_start_date: String,
    amount: Option<WireAmount>,
    maximum_cumulative_number_of_payments_per_period_type: Option<u32>,
    maximum_cumulative_number_of_payments_per_period: Option<u32>,
    maximum_cumulative_value_of_payments_per_period_type: Option<WireAmount>,
    maximum_cumulative_value_of_payments_per_period: Option<WireAmount>,
    controls: Option<Controls>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Controls {
    maximum_cumulative_number_of_payments_per_period: Option<u32>,
    maximum_cumulative_value_of_payments_per_period: Option<WireAmount>,
}

/// Which payments a consent asks for. `place` is that of its container.
pub(super) fn read(wire: WireSchedule, place: &Place, alignment: Alignment) -> Result<Schedule, Refusal> {
    let place = place.member("ControlParameters.ConsentSchedule");
    let single = wire.single_payment.map(|part| single(part, &place.member("SinglePayment"))).transpose()?;
    let multi = wire.multi_payment.map(|part| multi(part, &place.member("MultiPayment"), alignment));
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

fn single(part: Value, place: &Place) -> Result<SinglePayment, Refusal> {
    match kind(&part, place)? {
        UaePaymentType::SingleInstant => {
            let wire: Instant = typed(part, place)?;
            Ok(SinglePayment::Instant { amount: amount(&wire.amount, &place.member("Amount"))? })
        }
        UaePaymentType::SingleFutureDated => {
            let wire: FutureDated = typed(part, place)?;
            let at = place.member("RequestedExecutionDateTime");
            Ok(SinglePayment::FutureDated {
                amount: amount(&wire.amount, &place.member("Amount"))?,
                execute_at: execution(&wire.requested_execution_date_time, &at)?,
            })
        }
        UaePaymentType::FixedRecurring
        | UaePaymentType::FixedOnDemand
        | UaePaymentType::VariableRecurring
        | UaePaymentType::VariableOnDemand
        | UaePaymentType::VariableDefined => Err(other_slot(place)),
    }
}

fn multi(part: Value, place: &Place, alignment: Alignment) -> Result<MultiPayment, Refusal> {
    let below = |member| place.member(member);
    let periodic_at = below("PeriodicSchedule");
    let individual = |wire: &WireAmount| amount(wire, &below("MaximumIndividualPaymentAmount"));
    let lifetime = |count, value: &WireAmount| {
        let value = amount(value, &below("MaximumCumulativeValueOfPayments"))?;
        Ok::<_, Refusal>(Maxima { count: Some(count), value: Some(value) })
    };
    match kind(&part, place)? {
        UaePaymentType::FixedRecurring => {
            let wire: FixedRecurring = typed(part, place)?;
            let own = wire.periodic_schedule.amount.as_ref();
            let own = own.ok_or_else(|| missing(&periodic_at.member("Amount")))?;
            Ok(MultiPayment::FixedRecurring {
                amount: amount(own, &periodic_at.member("Amount"))?,
                payments: wire.total_number_of_payments,
                periodic: periodic(&wire.periodic_schedule, &periodic_at, alignment)?,
            })
        }
        UaePaymentType::FixedOnDemand => fixed_on_demand(&typed(part, place)?, place, alignment),
        UaePaymentType::VariableRecurring => {
            let wire: VariableRecurring = typed(part, place)?;
            Ok(MultiPayment::VariableRecurring {
                individual: individual(&wire.maximum_individual_payment_amount)?,
                lifetime: lifetime(
                    wire.maximum_cumulative_number_of_payments,
                    &wire.maximum_cumulative_value_of_payments,
                )?,
                periodic: unpriced(&wire.periodic_schedule, &periodic_at, alignment)?,
            })
        }
        UaePaymentType::VariableOnDemand => {
            let wire: VariableOnDemand = typed(part, place)?;
            let schedule = wire.periodic_schedule.as_ref();
            Ok(MultiPayment::VariableOnDemand {
                individual: Some(individual(&wire.maximum_individual_payment_amount)?),
                lifetime: lifetime(
                    wire.maximum_cumulative_number_of_payments,
                    &wire.maximum_cumulative_value_of_payments,
                )?,
                periodic: schedule.map(|wire| unpriced(wire, &periodic_at, alignment)).transpose()?,
            })
        }
        UaePaymentType::VariableDefined => variable_defined(typed(part, place)?, place),
        UaePaymentType::SingleInstant | UaePaymentType::SingleFutureDated => Err(other_slot(place)),
    }
}

/// The amount may stand beside the schedule or in it; in both places it is the same.
fn fixed_on_demand(
    wire: &FixedOnDemand,
    place: &Place,
    alignment: Alignment,
) -> Result<MultiPayment, Refusal> {
    let periodic_at = place.member("PeriodicSchedule");
    let (own_at, inner_at) = (place.member("Amount"), periodic_at.member("Amount"));
    let own = wire.amount.as_ref().map(|wire| amount(wire, &own_at)).transpose()?;
    let inner = wire.periodic_schedule.as_ref().and_then(|wire| wire.amount.as_ref());
    let inner = inner.map(|wire| amount(wire, &inner_at)).transpose()?;
    let value_at = place.member("MaximumCumulativeValueOfPayments");
    let agreed = agreed([(own, &own_at), (inner, &inner_at)], "says something else than Amount beside it")?;
    let periodic = wire.periodic_schedule.as_ref().map(|wire| periodic(wire, &periodic_at, alignment));
    Ok(MultiPayment::FixedOnDemand {
        amount: agreed.ok_or_else(|| missing(&own_at))?,
        lifetime: Maxima {
            count: Some(wire.maximum_cumulative_number_of_payments),
            value: Some(amount(&wire.maximum_cumulative_value_of_payments, &value_at)?),
        },
        periodic: periodic.transpose()?,
    })
}

fn variable_defined(wire: VariableDefined, place: &Place) -> Result<MultiPayment, Refusal> {
    let listed = wire.payment_schedule.into_iter().enumerate().map(|(index, wire)| {
        let place = place.member(&format!("PaymentSchedule[{index}]"));
        Ok(ListedPayment {
            day: day(&wire.payment_execution_date, &place.member("PaymentExecutionDate"))?,
            amount: amount(&wire.amount, &place.member("Amount"))?,
        })
    });
    Ok(MultiPayment::VariableDefined {
        payments: listed.collect::<Result<_, _>>()?,
        lifetime: Maxima::default(),
    })
}

/// A schedule of the variable types, which has no amount.
fn unpriced(wire: &Periodic, place: &Place, alignment: Alignment) -> Result<PeriodicSchedule, Refusal> {
    if wire.amount.is_some() {
        let hint = "a variable payment has no fixed amount";
        let place = place.member("Amount");
        return Err(place.refuse(rfc9396::MEMBERS_KNOWN, DetailsFault::MemberUnknown, hint));
    }
    periodic(wire, place, alignment)
}

fn periodic(wire: &Periodic, place: &Place, alignment: Alignment) -> Result<PeriodicSchedule, Refusal> {
    const HINT: &str = "says something else than the other spelling of this maximum";
    let names = |what: &str| {
        let name = format!("MaximumCumulative{what}OfPaymentsPerPeriod");
        [place.member(&format!("{name}Type")), place.member(&name), place.member(&format!("Controls.{name}"))]
    };
    let [own, short, deep] = &names("Number");
    let controls = wire.controls.as_ref();
    let count = [
        (wire.maximum_cumulative_number_of_payments_per_period_type, own),
        (wire.maximum_cumulative_number_of_payments_per_period, short),
        (controls.and_then(|it| it.maximum_cumulative_number_of_payments_per_period), deep),
    ];
    let [own, short, deep] = &names("Value");
    let read = |wire: Option<&WireAmount>, place| wire.map(|wire| amount(wire, place)).transpose();
    let value = [
        (read(wire.maximum_cumulative_value_of_payments_per_period_type.as_ref(), own)?, own),
        (read(wire.maximum_cumulative_value_of_payments_per_period.as_ref(), short)?, short),
        (
            read(controls.and_then(|it| it.maximum_cumulative_value_of_payments_per_period.as_ref()), deep)?,
            deep,
        ),
    ];
    Ok(PeriodicSchedule {
        periods: Periods {
            kind: wire.period_type,
            anchor: day(&wire.period_start_date, &place.member("PeriodStartDate"))?,
            alignment,
        },
        count: agreed(count, HINT)?,
        value: agreed(value, HINT)?,
    })
}

/// The one value of a member that has several places.
fn agreed<T: PartialEq, const N: usize>(
    places: [(Option<T>, &Place); N],
    hint: &'static str,
) -> Result<Option<T>, Refusal> {
    let mut agreed = None;
    for (value, place) in places {
        match (&agreed, value) {
            (None, value) => agreed = value,
            (Some(_), None) => {}
            (Some(first), Some(value)) if *first == value => {}
            (Some(_), Some(_)) => {
                return Err(place.refuse(uae_consent::PLACES_AGREE, DetailsFault::Value, hint));
            }
        }
    }
    Ok(agreed)
}

fn kind(part: &Value, place: &Place) -> Result<UaePaymentType, Refusal> {
    let named = part.get("Type").and_then(Value::as_str);
    let known = UaePaymentType::ALL.into_iter().find(|kind| named == Some(kind.as_str()));
    known.ok_or_else(|| {
        place.member("Type").refuse(uae_consent::SCHEDULE, DetailsFault::Value, "not a payment type")
    })
}

fn other_slot(place: &Place) -> Refusal {
    let hint = "this payment type belongs into the other slot";
    place.member("Type").refuse(uae_consent::SCHEDULE, DetailsFault::Value, hint)
}

pub(super) fn missing(place: &Place) -> Refusal {
    place.refuse(rfc9396::MEMBERS_PRESENT, DetailsFault::MemberMissing, "this member is required")
}

/// Section 4: up to sixteen digits, zeros in front among them, a point and two decimals. Amounts are compared as numbers.
pub(super) fn amount(wire: &WireAmount, place: &Place) -> Result<Amount, Refusal> {
    let refuse = |member, hint| place.member(member).refuse(uae_consent::AMOUNT, DetailsFault::Value, hint);
    if wire.currency != "AED" {
        return Err(refuse("Currency", "must be AED"));
    }
    Amount::padded(&wire.amount, &wire.currency).map_err(|fault| match fault {
        AmountFault::Spelling | AmountFault::Currency => {
            refuse("Amount", "must be one to sixteen digits, a point and two decimals")
        }
        AmountFault::TooLarge => refuse("Amount", "too many digits"),
        AmountFault::Zero => refuse("Amount", "must be more than zero"),
    })
}

pub(super) fn day(text: &str, place: &Place) -> Result<Day, Refusal> {
    let hint = "must be a day of the calendar as in 2026-12-01";
    Day::parse(text).map_err(|_| place.refuse(uae_consent::DATE, DetailsFault::Value, hint))
}

/// Section 5.1, type 2: a date alone means its first instant in Dubai.
fn execution(text: &str, place: &Place) -> Result<Timestamp, Refusal> {
    let day = Day::parse(text).map(|day| day.start_of_day(Zone::Dubai));
    day.or_else(|_| read_instant(text)).map_err(|_| {
        let hint = "must be a date-time of RFC 3339 with its offset, or a date";
        place.refuse(uae_consent::DATE, DetailsFault::Value, hint)
    })
}
