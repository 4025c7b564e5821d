//! Which payments a UAE consent allows, and when: the seven types and the combined one, UAE bank service initiation
//! sections 5 to 5.2.

use oauth_core::Timestamp;
use serde::{Deserialize, Serialize};

use crate::value::amount::Amount;
use crate::value::calendar::Day;
use crate::value::period::Periods;

/// The seven payment types, by their names on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum UaePaymentType {
    /// Once, on the day it is asked for.
    #[serde(rename = "UAEOF.SingleInstantPayment")]
    SingleInstant,
    /// Once, on a later day.
    #[serde(rename = "UAEOF.SingleFutureDatedPayment")]
    SingleFutureDated,
    /// The same amount every period.
    #[serde(rename = "UAEOF.FixedRecurringPayment")]
    FixedRecurring,
    /// The same amount whenever asked.
    #[serde(rename = "UAEOF.FixedOnDemandPayment")]
    FixedOnDemand,
    /// Up to an amount every period.
    #[serde(rename = "UAEOF.VariableRecurringPayment")]
    VariableRecurring,
    /// Up to an amount whenever asked.
    #[serde(rename = "UAEOF.VariableOnDemandPayment")]
    VariableOnDemand,
    /// Listed days with listed amounts; in version 1.2 also up to listed amounts.
    #[serde(rename = "UAEOF.VariableDefinedPayment")]
    VariableDefined,
}

impl UaePaymentType {
    /// Every type, in the order of section 5.
    pub const ALL: [Self; 7] = [
        Self::SingleInstant,
        Self::SingleFutureDated,
        Self::FixedRecurring,
        Self::FixedOnDemand,
        Self::VariableRecurring,
        Self::VariableOnDemand,
        Self::VariableDefined,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SingleInstant => "UAEOF.SingleInstantPayment",
            Self::SingleFutureDated => "UAEOF.SingleFutureDatedPayment",
            Self::FixedRecurring => "UAEOF.FixedRecurringPayment",
            Self::FixedOnDemand => "UAEOF.FixedOnDemandPayment",
            Self::VariableRecurring => "UAEOF.VariableRecurringPayment",
            Self::VariableOnDemand => "UAEOF.VariableOnDemandPayment",
            Self::VariableDefined => "UAEOF.VariableDefinedPayment",
        }
    }
}

/// Which payments are allowed: one, several, or both (section 5.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", from = "Kept")]
pub enum Schedule {
    /// `SinglePayment` alone.
    Single(SinglePayment),
    /// `MultiPayment` alone.
    Multi(MultiPayment),
    /// Both. An order says which of the two it belongs to.
    Combined {
        /// `SinglePayment`.
        single: SinglePayment,
        /// `MultiPayment`.
        multi: MultiPayment,
    },
}

/// One payment of exactly one amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SinglePayment {
    /// `UAEOF.SingleInstantPayment`: on the day in Dubai on which it was asked for; of a combined consent, approved.
    Instant {
        /// `Amount`.
        amount: Amount,
    },
    /// `UAEOF.SingleFutureDatedPayment`: ordered at the latest on a later day in Dubai, executed then.
    FutureDated {
        /// `Amount`.
        amount: Amount,
        /// `RequestedExecutionDateTime`: not before this instant.
        execute_at: Timestamp,
    },
}

/// Several payments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MultiPayment {
    /// `UAEOF.FixedRecurringPayment`: exactly this amount on the occurrences of a schedule.
    FixedRecurring {
        /// `PeriodicSchedule.Amount`.
        amount: Amount,
        /// `TotalNumberOfPayments`.
        payments: u32,
        /// `PeriodicSchedule`.
        periodic: PeriodicSchedule,
    },
    /// `UAEOF.FixedOnDemandPayment`: exactly this amount on any day.
    FixedOnDemand {
        /// `Amount`.
        amount: Amount,
        /// The bounds of all payments together.
        lifetime: Maxima,
        /// `PeriodicSchedule`: bounds for each period.
        periodic: Option<PeriodicSchedule>,
    },
    /// `UAEOF.VariableRecurringPayment`: up to an amount on the occurrences of a schedule.
    VariableRecurring {
        /// `MaximumIndividualPaymentAmount`.
        individual: Amount,
        /// The bounds of all payments together.
        lifetime: Maxima,
        /// `PeriodicSchedule`.
        periodic: PeriodicSchedule,
    },
    /// `UAEOF.VariableOnDemandPayment`: up to an amount on any day.
    VariableOnDemand {
        /// `MaximumIndividualPaymentAmount`; version 1.2 may leave it out where a period has bounds.
        individual: Option<Amount>,
        /// The bounds of all payments together.
        lifetime: Maxima,
        /// `PeriodicSchedule`: bounds for each period.
        periodic: Option<PeriodicSchedule>,
    },
    /// `UAEOF.VariableDefinedPayment`: exactly the listed amounts on the listed days.
    VariableDefined {
        /// `PaymentSchedule`.
        payments: Vec<ListedPayment>,
        /// The bounds of all payments together; the early drafts have none around a list.
        #[serde(default, skip_serializing_if = "Maxima::are_none")]
        lifetime: Maxima,
    },
    /// `VariableDefinedSchedule` of version 1.2: one payment on each listed day, up to its amount. The early drafts have no
    /// such type.
    DefinedUpTo {
        /// `Schedule`: the amount of an entry is its `MaximumIndividualAmount`.
        payments: Vec<ListedPayment>,
        /// The bounds of all payments together.
        lifetime: Maxima,
    },
}

/// The bounds of all payments together, both inclusive. Only version 1.2 may leave one out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maxima {
    /// `MaximumCumulativeNumberOfPayments`.
    pub count: Option<u32>,
    /// `MaximumCumulativeValueOfPayments`.
    pub value: Option<Amount>,
}

impl Maxima {
    const fn are_none(&self) -> bool {
        self.count.is_none() && self.value.is_none()
    }
}

/// Periods, and the bounds of the payments in each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeriodicSchedule {
    /// `PeriodType` and `PeriodStartDate`, and how this consent aligns them: that never changes for a consent.
    pub periods: Periods,
    /// `MaximumCumulativeNumberOfPaymentsPerPeriodType`, inclusive.
    pub count: Option<u32>,
    /// `MaximumCumulativeValueOfPaymentsPerPeriodType`, inclusive.
    pub value: Option<Amount>,
}

/// One payment of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedPayment {
    /// `PaymentExecutionDate`, a day in Dubai.
    pub day: Day,
    /// `Amount`.
    pub amount: Amount,
}

/// The part of a schedule that an order belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part<'a> {
    Single(&'a SinglePayment),
    Multi(&'a MultiPayment),
}

impl Schedule {
    /// `SinglePayment`.
    #[must_use]
    pub const fn single(&self) -> Option<&SinglePayment> {
        match self {
            Self::Single(single) | Self::Combined { single, .. } => Some(single),
            Self::Multi(_) => None,
        }
    }

    /// `MultiPayment`.
    #[must_use]
    pub const fn multi(&self) -> Option<&MultiPayment> {
        match self {
            Self::Multi(multi) | Self::Combined { multi, .. } => Some(multi),
            Self::Single(_) => None,
        }
    }

    /// The type of the part that an order belongs to (section 5.2): the only one when the order does not say; none when it
    /// names another, or names none of two.
    #[must_use]
    pub fn part_named(&self, named: Option<UaePaymentType>) -> Option<UaePaymentType> {
        self.part(named).map(|part| match part {
            Part::Single(single) => single.kind(),
            Part::Multi(multi) => multi.kind(),
        })
    }

    /// The part itself.
    pub(crate) fn part(&self, named: Option<UaePaymentType>) -> Option<Part<'_>> {
        let fits = |kind: UaePaymentType| match named {
            Some(named) => named == kind,
            None => !matches!(self, Self::Combined { .. }),
        };
        let single = self.single().filter(|single| fits(single.kind())).map(Part::Single);
        single.or_else(|| self.multi().filter(|multi| fits(multi.kind())).map(Part::Multi))
    }
}

impl SinglePayment {
    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> UaePaymentType {
        match self {
            Self::Instant { .. } => UaePaymentType::SingleInstant,
            Self::FutureDated { .. } => UaePaymentType::SingleFutureDated,
        }
    }

    /// Its amount.
    #[must_use]
    pub const fn amount(&self) -> &Amount {
        match self {
            Self::Instant { amount } | Self::FutureDated { amount, .. } => amount,
        }
    }

    /// The instant before which it is not executed.
    #[must_use]
    pub const fn execute_at(&self) -> Option<Timestamp> {
        match self {
            Self::Instant { .. } => None,
            Self::FutureDated { execute_at, .. } => Some(*execute_at),
        }
    }
}

impl MultiPayment {
    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> UaePaymentType {
        match self {
            Self::FixedRecurring { .. } => UaePaymentType::FixedRecurring,
            Self::FixedOnDemand { .. } => UaePaymentType::FixedOnDemand,
            Self::VariableRecurring { .. } => UaePaymentType::VariableRecurring,
            Self::VariableOnDemand { .. } => UaePaymentType::VariableOnDemand,
            Self::VariableDefined { .. } | Self::DefinedUpTo { .. } => UaePaymentType::VariableDefined,
        }
    }

    /// Its periods, when it has any.
    #[must_use]
    pub const fn periodic(&self) -> Option<&PeriodicSchedule> {
        match self {
            Self::FixedRecurring { periodic, .. } | Self::VariableRecurring { periodic, .. } => {
                Some(periodic)
            }
            Self::FixedOnDemand { periodic, .. } | Self::VariableOnDemand { periodic, .. } => {
                periodic.as_ref()
            }
            Self::VariableDefined { .. } | Self::DefinedUpTo { .. } => None,
        }
    }

    /// Its listed payments, when it has any.
    #[must_use]
    pub fn listed(&self) -> Option<&[ListedPayment]> {
        match self {
            Self::VariableDefined { payments, .. } | Self::DefinedUpTo { payments, .. } => Some(payments),
            Self::FixedRecurring { .. }
            | Self::FixedOnDemand { .. }
            | Self::VariableRecurring { .. }
            | Self::VariableOnDemand { .. } => None,
        }
    }

    /// Its lifetime maxima, when it has any.
    #[must_use]
    pub const fn lifetime(&self) -> Option<&Maxima> {
        match self {
            Self::FixedOnDemand { lifetime, .. }
            | Self::VariableRecurring { lifetime, .. }
            | Self::VariableOnDemand { lifetime, .. }
            | Self::VariableDefined { lifetime, .. }
            | Self::DefinedUpTo { lifetime, .. } => Some(lifetime),
            Self::FixedRecurring { .. } => None,
        }
    }
}

/// Every form in which a schedule was ever kept.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Kept {
    Single(SinglePayment),
    Multi(MultiPayment),
    Combined {
        single: SinglePayment,
        multi: MultiPayment,
    },
    /// Of terms kept as `uae_payment_1`.
    #[serde(rename = "SingleInstant")]
    First {
        amount: Amount,
    },
}

impl From<Kept> for Schedule {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Single(single) => Self::Single(single),
            Kept::Multi(multi) => Self::Multi(multi),
            Kept::Combined { single, multi } => Self::Combined { single, multi },
            Kept::First { amount } => Self::Single(SinglePayment::Instant { amount }),
        }
    }
}
