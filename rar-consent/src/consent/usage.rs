//! What has been used of a consent.

use serde::{Deserialize, Serialize};

/// Payments initiated and not rejected; those still pending count. It rises with the payment and falls with its
/// rejection, each in one transaction with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// How many.
    pub count: u64,
    /// Their sum in minor units of the consent's currency.
    pub total_minor: i64,
}

impl Usage {
    /// With one more payment; `None` when the sum is beyond counting.
    pub(crate) fn plus(self, amount_minor: i64) -> Option<Self> {
        Some(Self {
            count: self.count.checked_add(1)?,
            total_minor: self.total_minor.checked_add(amount_minor)?,
        })
    }

    /// With one payment less.
    pub(crate) const fn minus(self, amount_minor: i64) -> Self {
        let rest = self.total_minor.saturating_sub(amount_minor);
        Self { count: self.count.saturating_sub(1), total_minor: if rest < 0 { 0 } else { rest } }
    }
}
