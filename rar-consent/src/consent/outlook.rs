//! What a consent allows in all, and when its next payment is due: for the pages of its customer.

use oauth_core::Timestamp;

use super::Consent;
use super::schedule::{ListedPayment, Maxima, MultiPayment, PeriodicSchedule, Schedule, SinglePayment};
use super::status::ConsentStatus;
use super::terms::{Permission, Terms};
use crate::value::amount::Amount;
use crate::value::calendar::{Day, Zone};

/// The most that may be paid under a consent. What is not bounded is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// ISO 4217.
    pub currency: String,
    /// Payments.
    pub count: Option<u32>,
    /// All of them together.
    pub total: Option<Amount>,
}

impl Terms {
    /// What may be paid under these terms in all; `None` where no money moves.
    #[must_use]
    pub fn allowed(&self) -> Option<Allowed> {
        match self {
            Self::UaePayment(payment) => Some(of_schedule(&payment.schedule)),
            Self::Payment(payment) => Some(of_amount(1, payment.amount.clone())),
            Self::Ofxpera(consent) if consent.permissions.contains(&Permission::PaymentInitiate) => {
                let total = consent.limits.as_ref().map(|limits| limits.total.clone());
                Some(Allowed { currency: "PHP".to_owned(), count: None, total })
            }
            Self::Ofxpera(_) | Self::Accounts(_) => None,
        }
    }
}

impl Consent {
    /// The day in Dubai on which the schedule has its next payment; `None` where a third party orders payments when it likes,
    /// or none is left.
    #[must_use]
    pub fn next_payment(&self, now: Timestamp) -> Option<Day> {
        let Terms::UaePayment(payment) = &self.terms else { return None };
        if self.status != ConsentStatus::Authorized {
            return None;
        }
        let today = Zone::Dubai.day(now);
        let single = match payment.schedule.single() {
            Some(SinglePayment::FutureDated { execute_at, .. }) if self.usage.single_count() == 0 => {
                Some(Zone::Dubai.day(*execute_at)).filter(|day| *day >= today)
            }
            Some(SinglePayment::FutureDated { .. } | SinglePayment::Instant { .. }) | None => None,
        };
        let multi = payment.schedule.multi().and_then(|multi| self.next_of(multi, today));
        let last = self.until.map_or(Day::MAX, |until| Zone::Dubai.day(until));
        single.into_iter().chain(multi).min().filter(|day| *day <= last)
    }

    /// The next day of a schedule on which nothing was paid yet.
    fn next_of(&self, multi: &MultiPayment, today: Day) -> Option<Day> {
        match multi {
            MultiPayment::VariableDefined { payments, .. } | MultiPayment::DefinedUpTo { payments, .. } => {
                let days = payments.iter().map(|listed| listed.day).filter(|day| *day >= today);
                days.filter(|day| self.is_free(*day)).min()
            }
            MultiPayment::FixedRecurring { payments, periodic, .. } => {
                self.next_occurrence(periodic, *payments, today)
            }
            MultiPayment::VariableRecurring { lifetime, periodic, .. } => {
                if lifetime.count.is_some_and(|most| self.usage.multi.count >= u64::from(most)) {
                    return None;
                }
                self.next_occurrence(periodic, u32::MAX, today)
            }
            MultiPayment::FixedOnDemand { .. } | MultiPayment::VariableOnDemand { .. } => None,
        }
    }

    /// This period's occurrence or the next one's; one that was missed is not made later.
    fn next_occurrence(&self, periodic: &PeriodicSchedule, most: u32, today: Day) -> Option<Day> {
        let periods = &periodic.periods;
        let from = periods.holding(today).map_or(0, |period| period.index);
        let ahead = (from..most)
            .take(3)
            .filter(|index| periods.start(*index).is_some_and(|start| self.is_free(start)));
        ahead.filter_map(|index| periods.occurrence(index)).find(|day| *day >= today)
    }

    /// Whether nothing was paid in the period or on the listed day that begins so.
    fn is_free(&self, start: Day) -> bool {
        self.usage.multi.of_slot(start).is_some_and(|slot| slot.count == 0)
    }
}

fn of_schedule(schedule: &Schedule) -> Allowed {
    let single = schedule.single().map(|single| of_amount(1, single.amount().clone()));
    let multi = schedule.multi().map(|multi| match multi {
        MultiPayment::FixedRecurring { amount, payments, .. } => {
            let total = amount.minor.saturating_mul(i64::from(*payments));
            of_amount(*payments, Amount::new(total, &amount.currency))
        }
        MultiPayment::FixedOnDemand { lifetime, .. }
        | MultiPayment::VariableRecurring { lifetime, .. }
        | MultiPayment::VariableOnDemand { lifetime, .. } => {
            let currency = lifetime.value.as_ref().map_or("AED", |value| &value.currency).to_owned();
            Allowed { currency, count: lifetime.count, total: lifetime.value.clone() }
        }
        MultiPayment::VariableDefined { payments, lifetime }
        | MultiPayment::DefinedUpTo { payments, lifetime } => {
            let Maxima { count, value } = bounds(payments, lifetime);
            let currency = value.as_ref().map_or("AED", |value| &value.currency).to_owned();
            Allowed { currency, count, total: value }
        }
    });
    match (single, multi) {
        (Some(one), Some(more)) => Allowed {
            count: one.count.zip(more.count).map(|(one, more)| one.saturating_add(more)),
            total: one
                .total
                .zip(more.total)
                .map(|(one, more)| Amount::new(one.minor.saturating_add(more.minor), &more.currency)),
            currency: one.currency,
        },
        (Some(alone), None) | (None, Some(alone)) => alone,
        (None, None) => Allowed { currency: "AED".to_owned(), count: None, total: None },
    }
}

/// What a list of amounts comes to at most: with the bounds beside it, or by the list alone.
pub(crate) fn bounds(payments: &[ListedPayment], lifetime: &Maxima) -> Maxima {
    let sum = payments.iter().fold(0_i64, |sum, listed| sum.saturating_add(listed.amount.minor));
    let currency = payments.first().map_or("AED", |listed| listed.amount.currency.as_str());
    let entries = u32::try_from(payments.len()).unwrap_or(u32::MAX);
    let value = lifetime.value.as_ref().map_or(sum, |most| most.minor.min(sum));
    Maxima {
        count: Some(lifetime.count.map_or(entries, |most| most.min(entries))),
        value: Some(Amount::new(value, currency)),
    }
}

fn of_amount(count: u32, total: Amount) -> Allowed {
    Allowed { currency: total.currency.clone(), count: Some(count), total: Some(total) }
}
