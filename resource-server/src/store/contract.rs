//! What every adapter of [`AccountBook`], [`PaymentBook`] and [`LodgingBook`] must do, as a suite to run in the tests of the
//! adapter.
//!
//! ```ignore
//! #[tokio::test(flavor = "multi_thread")]
//! async fn our_books_keep_the_contract() {
//!     books_contract(|| async { our_empty_books().await }).await.unwrap();
//! }
//! ```
//!
//! Each part begins with empty books of its own, so `make` is called many times. Run it on a runtime of several threads: for
//! every verb that spends something, sixty-four tasks try at once, round after round, and after each part the postings of
//! every entry sum to zero and every balance is the sum of its postings.

mod accounts;
mod atomicity;
mod dated;
mod desk;
mod events;
mod limits;
mod lodgings;
mod payments;
mod pera;
mod races;

use std::sync::Arc;

use async_trait::async_trait;
use oauth_core::Fault;
pub use oauth_core::store::contract::Breach;
use rar_consent::{ConsentStore, EventOutbox};

use crate::domain::{Account, EntryId, Money, Posting};
use crate::port::{AccountBook, LodgingBook, PaymentBook, PeraPorts};

/// Books under test: the ports, and what the suite needs beside them.
#[async_trait]
pub trait Books: Send + Sync {
    /// The ports. All of them are over the same books.
    fn ports(&self) -> BookPorts;

    /// Opens an account and pays an amount into it at `opened_at`: one posted line on its statement, balanced by
    /// [`LedgerAccount::Opening`](crate::domain::LedgerAccount::Opening). Nothing is posted for an amount of zero.
    async fn open(&self, account: &Account, paid_in: Money) -> Result<(), Fault>;

    /// Every posting of the journal, with the entry it is part of, in any order.
    async fn journal(&self) -> Result<Vec<(EntryId, Posting)>, Fault>;

    /// Lets every later change fail at its `step`-th part, counted from zero, until [`Books::mend`]: a missing table, a full
    /// disk, whatever the adapter can bring about between two writes of one change.
    async fn break_step(&self, step: usize) -> Result<Broken, Fault>;

    /// Lets changes succeed again.
    async fn mend(&self) -> Result<(), Fault>;
}

/// The ports under test.
#[derive(Clone)]
pub struct BookPorts {
    /// Accounts, balances and statements.
    pub accounts: Arc<dyn AccountBook>,
    /// Payments.
    pub payments: Arc<dyn PaymentBook>,
    /// Consents lodged by key.
    pub lodgings: Arc<dyn LodgingBook>,
    /// The consents that payments use and lodgings make.
    pub consents: Arc<dyn ConsentStore>,
    /// Participants, customers, products and openings.
    pub pera: PeraPorts,
    /// The events of both.
    pub events: Arc<dyn EventOutbox>,
}

impl std::fmt::Debug for BookPorts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BookPorts(…)")
    }
}

/// Whether there is such a step to break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// It is broken. A change that has no such part still succeeds.
    Step,
    /// No change has so many parts, or this adapter has nothing that can fail between two writes.
    NoSuchStep,
}

/// Holds books to their ports.
///
/// # Errors
/// The first thing they do that the ports do not say.
pub async fn books_contract<F>(make: impl Fn() -> F) -> Result<(), Breach>
where
    F: Future<Output = Arc<dyn Books>>,
{
    accounts::hold(&make).await?;
    payments::hold(&make).await?;
    dated::hold(&make).await?;
    lodgings::hold(&make).await?;
    events::hold(&make).await?;
    races::hold(&make).await?;
    limits::hold(&make).await?;
    pera::hold(&make).await?;
    atomicity::hold(&make).await
}
