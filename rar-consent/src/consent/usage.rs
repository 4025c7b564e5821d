//! What has been used of a consent.
//!
//! It does not grow with the payments: of periods and listed days it holds the two newest that were paid in. Only the
//! period of the present day takes payments, and what was missed is not caught up on (section 9.3), so an older one is
//! never asked about again: a payment of it that is rejected later gives its part of the lifetime back and nothing else.
//! The one before the newest is kept because processes may disagree about midnight.

use serde::{Deserialize, Serialize};

use crate::value::calendar::Day;

/// Payments initiated and not rejected; those still pending count. It rises with the payment and falls with its
/// rejection, each in one transaction with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// How many, of all parts of the consent.
    pub count: u64,
    /// Their sum in minor units of the consent's currency.
    pub total_minor: i64,
    /// How many of them the debtor has paid, where the consent ends by that.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub successes: u64,
    /// The part that allows several payments, in it.
    #[serde(default, skip_serializing_if = "MultiUsage::is_unused")]
    pub multi: MultiUsage,
}

/// What has been used of the part that allows several payments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiUsage {
    /// How many payments.
    pub count: u64,
    /// Their sum in minor units.
    pub total_minor: i64,
    /// How many of them the debtor has paid.
    pub successes: u64,
    /// The newest periods or listed days that were paid in, oldest first, at most two.
    pub recent: Vec<SlotUsage>,
}

/// What has been used of one period or one listed day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotUsage {
    /// Its first day, which names it.
    pub start: Day,
    /// How many payments.
    pub count: u64,
    /// Their sum in minor units.
    pub total_minor: i64,
}

/// Periods and listed days that are remembered.
const RECENT: usize = 2;

impl Usage {
    /// With one more payment; `None` when the sum is beyond counting.
    pub(crate) fn plus(&self, amount_minor: i64) -> Option<Self> {
        let (count, total_minor) = more(self.count, self.total_minor, amount_minor)?;
        Some(Self { count, total_minor, ..self.clone() })
    }

    /// With one payment less.
    pub(crate) fn minus(&self, amount_minor: i64) -> Self {
        let (count, total_minor) = less(self.count, self.total_minor, amount_minor);
        Self { count, total_minor, ..self.clone() }
    }

    /// With one more payment of the part that allows several, in its period or on its listed day.
    pub(crate) fn plus_multi(&self, amount_minor: i64, slot: Option<Day>) -> Option<Self> {
        let multi = self.multi.plus(amount_minor, slot)?;
        Some(Self { multi, ..self.plus(amount_minor)? })
    }

    /// With one payment less of the part that allows several.
    pub(crate) fn minus_multi(&self, amount_minor: i64, slot: Option<Day>) -> Self {
        Self { multi: self.multi.minus(amount_minor, slot), ..self.minus(amount_minor) }
    }

    /// Payments of the part that allows one.
    pub(crate) const fn single_count(&self) -> u64 {
        self.count.saturating_sub(self.multi.count)
    }

    /// Those of them that the debtor has paid.
    pub(crate) const fn single_successes(&self) -> u64 {
        self.successes.saturating_sub(self.multi.successes)
    }
}

impl MultiUsage {
    fn plus(&self, amount_minor: i64, slot: Option<Day>) -> Option<Self> {
        let (count, total_minor) = more(self.count, self.total_minor, amount_minor)?;
        let mut recent = self.recent.clone();
        if let Some(start) = slot {
            let before = self.of_slot(start)?;
            let (count, total_minor) = more(before.count, before.total_minor, amount_minor)?;
            recent.retain(|slot| slot.start != start);
            recent.push(SlotUsage { start, count, total_minor });
            recent.sort_by_key(|slot| slot.start);
            let forgotten = recent.len().saturating_sub(RECENT);
            recent.drain(..forgotten);
        }
        Some(Self { count, total_minor, recent, ..self.clone() })
    }

    fn minus(&self, amount_minor: i64, slot: Option<Day>) -> Self {
        let (count, total_minor) = less(self.count, self.total_minor, amount_minor);
        let mut recent = self.recent.clone();
        // A slot that is empty again stays, so that what is missing here was never paid in or is over.
        for own in recent.iter_mut().filter(|own| Some(own.start) == slot) {
            (own.count, own.total_minor) = less(own.count, own.total_minor, amount_minor);
        }
        Self { count, total_minor, recent, ..self.clone() }
    }

    /// What was used of one period or listed day; `None` for one so long over that it is forgotten.
    pub(crate) fn of_slot(&self, start: Day) -> Option<SlotUsage> {
        if let Some(own) = self.recent.iter().find(|slot| slot.start == start) {
            return Some(*own);
        }
        let forgotten = self.recent.len() >= RECENT && self.recent.iter().all(|slot| start < slot.start);
        (!forgotten).then_some(SlotUsage { start, count: 0, total_minor: 0 })
    }

    /// Whether every payment that counts has been paid by the debtor.
    pub(crate) const fn is_settled(&self) -> bool {
        self.successes >= self.count
    }

    fn is_unused(&self) -> bool {
        *self == Self::default()
    }
}

fn more(count: u64, total_minor: i64, amount_minor: i64) -> Option<(u64, i64)> {
    Some((count.checked_add(1)?, total_minor.checked_add(amount_minor)?))
}

const fn less(count: u64, total_minor: i64, amount_minor: i64) -> (u64, i64) {
    let rest = total_minor.saturating_sub(amount_minor);
    (count.saturating_sub(1), if rest < 0 { 0 } else { rest })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}
