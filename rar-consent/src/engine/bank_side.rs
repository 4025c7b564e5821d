//! Orders of the bank's side about a consent.

use oauth_core::{ConsentId, Fault, Timestamp};

use super::{ConsentEngine, contended, kept};
use crate::consent::Consent;
use crate::consent::bank::{BankFault, BankOrder};
use crate::port::Replaced;

/// What became of an order of the bank's side.
#[derive(Debug, Clone, PartialEq)]
pub enum Ordered {
    /// It is done; the consent as it is now.
    Done(Box<Consent>),
    /// The consent was as ordered before; nothing changed.
    Before,
    /// It cannot be done; nothing changed.
    Refused(BankFault),
    /// There is no such consent.
    Unknown,
}

/// Readings of a consent that somebody else keeps changing.
const TRIES: u32 = 64;

impl ConsentEngine {
    /// Does what the bank's side orders, all of it or nothing. Whom the accounts ask for, the bank's mandates say, unless the
    /// order says it itself.
    ///
    /// # Errors
    /// When the store or the mandates fail.
    pub async fn order(&self, id: &ConsentId, order: &BankOrder, now: Timestamp) -> Result<Ordered, Fault> {
        for _ in 0..TRIES {
            let Some(consent) = self.consent(id, now).await? else { return Ok(Ordered::Unknown) };
            let accounts = order.accounts.as_ref().unwrap_or(&consent.accounts);
            let authorizers = self.authorizers(&consent.terms, accounts).await?;
            let (changed, entry) = match consent.ordered_by_bank(order, authorizers, now) {
                Ok(Some(done)) => done,
                Ok(None) => return Ok(Ordered::Before),
                Err(fault) => return Ok(Ordered::Refused(fault)),
            };
            if self.store.replace(&changed, &entry).await? == Replaced::Done {
                return Ok(Ordered::Done(Box::new(kept(changed))));
            }
        }
        Err(contended())
    }
}
