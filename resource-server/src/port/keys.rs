//! The names of requests among their repeats.

use crate::domain::{ClientOf, IdempotencyKey};

/// The name of a request among its repeats: keys belong to one client and one operation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyRef {
    /// Whose key.
    pub client: ClientOf,
    /// For which operation.
    pub operation: KeyedOperation,
    /// The key.
    pub key: IdempotencyKey,
}

/// Operations that are retried by key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyedOperation {
    /// A payment is initiated.
    InitiatePayment,
    /// A consent is lodged.
    LodgeConsent,
    /// A participant is registered.
    RegisterOrganisation,
    /// A customer is registered.
    SubmitCustomer,
    /// An account is opened.
    OpenAccount,
}

impl KeyedOperation {
    /// The name it is stored by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InitiatePayment => "initiate_payment",
            Self::LodgeConsent => "lodge_consent",
            Self::RegisterOrganisation => "register_organisation",
            Self::SubmitCustomer => "submit_customer",
            Self::OpenAccount => "open_account",
        }
    }
}
