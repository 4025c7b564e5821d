//! Consent as an object: typed `authorization_details` (RFC 9396), their life and their limits.
//!
//! A [`DetailRegistry`] says which details exist and what they mean; it is pure and implements
//! [`oauth_core::DetailTypes`]. A [`ConsentEngine`] keeps the [`Consent`] behind every grant in a [`ConsentStore`] and
//! implements [`oauth_core::Consents`]. A consent changes its status through the one table [`TRANSITIONS`], is used
//! through [`Consent::exercise`], and is put into words by [`describe()`].
//!
//! To add a type of detail, implement [`DetailKind`]; its documentation is the checklist.

pub mod audit;
mod consent;
mod describe;
mod detail;
mod engine;
mod event;
mod outbox;
mod personal;
mod port;
mod rules;
pub mod store;
mod value;

pub use consent::amend::AmendFault;
pub use consent::approval::{
    ApprovalState, Authorizer, AuthorizerApproval, Decision, DecisionFault, FirstApproval, FirstFault,
};
pub use consent::bank::{BankFault, BankOrder};
pub use consent::exercise::{Consumption, ExerciseFault, ExerciseRefusal, PeriodConsumption, Use};
pub use consent::history::{Actor, Changed, Channel, HistoryEntry};
pub use consent::outlook::Allowed;
pub use consent::schedule::{
    ListedPayment, Maxima, MultiPayment, PeriodicSchedule, Schedule, SinglePayment, UaePaymentType,
};
pub use consent::status::{ConsentStatus, IllegalMove, MoveFault, Role, TRANSITIONS, Transition};
pub use consent::subscription::Subscription;
pub use consent::terms::{
    AccountGroup, AccountInformation, AccountPermission, AdditionalTerm, Dialect, OfxperaConsent,
    PaymentInitiation, PaymentLimits, Permission, Sponsor, Terms, UaeAccount, UaeAuthorization, UaeName,
    UaePayment, UaePermission,
};
pub use consent::usage::{MultiUsage, SlotUsage, Usage};
pub use consent::vocabulary::UaeVocabulary;
pub use consent::{Consent, Lodged, Revocation, Shown};
pub use describe::{
    AccountChoice, Description, Holder, Language, PaymentWords, Row, Section, Weight, describe, describe_at,
    describe_details, describe_in,
};
pub use detail::ofxpera::TermsFault;
pub use detail::registry::DetailRegistry;
pub use detail::{Asked, DetailKind, Lodging, Place, Reading, Recognised, Supported};
pub use engine::{Amended, ConsentEngine, Decided, Moved, Objection, Ordered, Revoked, Vote};
pub use event::{Event, EventId, EventKind, EventResource, PaymentState};
pub use outbox::{ClaimedEvent, EventClaim, EventOutbox, Lease, LeaseEnd, PutOff};
pub use personal::{OpeningConsents, PersonalOpener, Unopened, ordered_creditor};
pub use port::{ConsentStore, DUE_MAX, Inserted, KeptStatus, LIST_MAX, Mandates, Replaced, SoleHolders};
#[cfg(feature = "sql")]
pub use store::sql::{ConsentQuery, SqlConsents, enqueue, insert, lock, migrations, save};
#[cfg(feature = "memory")]
pub use store::{HeldConsents, MemoryConsents};
pub use value::amount::{Amount, AmountFault};
pub use value::calendar::{CalendarFault, Day, Precision, Zone, read_instant, write_instant};
pub use value::period::{Alignment, Period, PeriodType, Periods};
