//! OFxPERA section 3.3: from what went wrong to code, status and words. No wildcard arm: a new refusal does not compile
//! until its wire form is decided here.

use std::borrow::Cow;

use oauth_core::Standing;
use rar_consent::{AmendFault, ConsentStatus, ExerciseFault, TermsFault};

use crate::dialect::query::QueryFault;
use crate::domain::PageFault;
use crate::guard::{GuardRefusal, HeaderFault};
use crate::operation::accounts::AccountRefusal;
use crate::operation::amend::AmendRefusal;
use crate::operation::consents::ConsentRefusal;
use crate::operation::customers::{CustomerRefusal, Ineligible};
use crate::operation::openings::OpeningRefusal;
use crate::operation::payments::PaymentRefusal;
use crate::operation::registry::RegistryRefusal;
use crate::rules::rfc6750::NOT_IN_FORM;

/// One entry of `errors`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) code: Code,
    pub(super) path: Option<Cow<'static, str>>,
}

macro_rules! codes {
    ($($name:ident $wire:literal $status:literal $message:literal;)+) => {
        /// `code` of an error object.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Code {$($name,)+}

        impl Code {
            #[cfg(test)]
            pub(super) const ALL: &'static [Self] = &[$(Self::$name),+];

            pub(super) const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $wire,)+ }
            }

            pub(super) const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// What the caller can do about it; fixed, so that nothing sent or stored leaks.
            pub(super) const fn message(self) -> &'static str {
                match self { $(Self::$name => $message,)+ }
            }
        }
    };
}

codes! {
    InvalidRequest "INVALID_REQUEST" 400 "The request is not one well-formed JSON document without repeated members, or not one this interface reads.";
    InvalidField "INVALID_FIELD" 400 "This member or parameter has a value that is not allowed.";
    MissingField "MISSING_FIELD" 400 "This member is mandatory.";
    MissingHeader "MISSING_HEADER" 400 "This header field is mandatory.";
    InvalidHeader "INVALID_HEADER" 400 "This header field is repeated or not in its form.";
    InvalidToken "INVALID_TOKEN" 401 "Send a current access token with the proof or certificate it is bound to; see WWW-Authenticate.";
    InsufficientScope "INSUFFICIENT_SCOPE" 403 "The access token does not carry the scope this resource needs.";
    ConsentNotGranted "CONSENT_NOT_GRANTED" 403 "The consent does not include this permission, or is not in force.";
    ConsentSuspended "CONSENT_SUSPENDED" 403 "The consent is suspended.";
    ParticipantMismatch "PARTICIPANT_MISMATCH" 403 "participant-id is not the organisation of this client.";
    ParticipantInactive "PARTICIPANT_INACTIVE" 403 "The organisation of this client does not take part at present.";
    CustomerNotFound "CUSTOMER_NOT_FOUND" 404 "There is no such customer for this token.";
    AccountNotFound "ACCOUNT_NOT_FOUND" 404 "There is no such account under this consent.";
    TransactionNotFound "TRANSACTION_NOT_FOUND" 404 "There is no such transaction on this account.";
    PaymentNotFound "PAYMENT_NOT_FOUND" 404 "There is no such payment for this token.";
    ConsentNotFound "CONSENT_NOT_FOUND" 404 "There is no such consent for this token.";
    OrganizationNotFound "ORGANIZATION_NOT_FOUND" 404 "There is no such organisation.";
    CertificateNotFound "CERTIFICATE_NOT_FOUND" 404 "The organisation has registered no certificate.";
    NotFound "RESOURCE_NOT_FOUND" 404 "There is no such path.";
    MethodNotAllowed "METHOD_NOT_ALLOWED" 405 "This path has no such method; see Allow.";
    NotAcceptable "NOT_ACCEPTABLE" 406 "This interface answers in application/json.";
    UnsupportedVersion "UNSUPPORTED_VERSION" 406 "Only version 1 is served.";
    TooLarge "PAYLOAD_TOO_LARGE" 413 "The body is too large.";
    UnsupportedMediaType "UNSUPPORTED_MEDIA_TYPE" 415 "Send application/json.";
    ConsentStateConflict "CONSENT_STATE_CONFLICT" 409 "The status of the consent does not allow this.";
    DuplicateOrganization "DUPLICATE_ORGANIZATION" 409 "There is an organisation of this identifier.";
    CustomerAlreadyRegistered "CUSTOMER_ALREADY_REGISTERED" 409 "The customer has a registration that is not over.";
    CustomerNotOnboarded "CUSTOMER_NOT_ONBOARDED" 409 "The customer's registration is not active; see GET /banking/customer.";
    PaymentNotCancellable "PAYMENT_NOT_CANCELLABLE" 409 "The payment has come too far to be cancelled.";
    IdempotencyConflict "IDEMPOTENCY_CONFLICT" 409 "x-idempotency-key belongs to another request.";
    RequestInProgress "REQUEST_IN_PROGRESS" 409 "The same request is being worked on; ask again.";
    PreconditionFailed "PRECONDITION_FAILED" 412 "The consent has changed since its ETag was read.";
    ConsentWideningNotAllowed "CONSENT_WIDENING_NOT_ALLOWED" 422 "This is more than the customer approved; create a new consent.";
    CustomerNotEligible "CUSTOMER_NOT_ELIGIBLE" 422 "A contributor is of age and has a taxpayer number.";
    UnknownProduct "UNKNOWN_PRODUCT" 422 "There is no such product.";
    AccountLimitReached "ACCOUNT_LIMIT_REACHED" 422 "The customer has as many open accounts as the law allows.";
    InvalidPeriod "INVALID_PERIOD" 422 "sharing_duration begins in the past, ends before it begins, or is longer than a year.";
    UnknownDataHolder "UNKNOWN_DATA_HOLDER" 422 "data_holder_id is not this organisation.";
    ContributionLimitExceeded "CONTRIBUTION_LIMIT_EXCEEDED" 422 "The customer's contributions of this calendar year would exceed the legal maximum.";
    ConsentLimitExceeded "CONSENT_LIMIT_EXCEEDED" 422 "The payment exceeds a limit of the consent.";
    RailLimitExceeded "RAIL_LIMIT_EXCEEDED" 422 "The payment exceeds what this rail takes.";
    InsufficientFunds "INSUFFICIENT_FUNDS" 422 "The available balance is below the amount.";
    SourceAccountUnusable "SOURCE_ACCOUNT_UNUSABLE" 422 "The source account is not part of the consent, not active, or not in PHP.";
    InvalidPage "INVALID_PAGE" 422 "There is no such page.";
    InvalidExecutionDate "INVALID_EXECUTION_DATE" 422 "requestedExecutionDate is in the past, more than 90 days ahead, or after the end of the consent.";
    TooManyRequests "TOO_MANY_REQUESTS" 429 "This client calls more often than it may; see Retry-After.";
    InternalError "INTERNAL_ERROR" 500 "Something broke on our side; the interaction id finds it in our log.";
    Unavailable "UNAVAILABLE" 503 "Try again in a moment.";
}

impl Code {
    /// Seconds after which trying again makes sense.
    pub(super) fn retry_after(self) -> Option<&'static str> {
        matches!(self, Self::RequestInProgress | Self::Unavailable).then_some("1")
    }
}

impl Problem {
    pub(super) const fn new(code: Code) -> Self {
        Self { code, path: None }
    }

    pub(super) const fn at(code: Code, path: &'static str) -> Self {
        Self { code, path: Some(Cow::Borrowed(path)) }
    }

    pub(super) fn of_guard(refusal: &GuardRefusal) -> Self {
        match refusal {
            GuardRefusal::NotFound => Self::new(Code::NotFound),
            GuardRefusal::Method { .. } => Self::new(Code::MethodNotAllowed),
            // Section 3.1: a form is what no route takes, wherever a token might hide in it.
            GuardRefusal::Token(refused) if refused.rule == NOT_IN_FORM.id => {
                Self::new(Code::UnsupportedMediaType)
            }
            GuardRefusal::Token(_) if refusal.status() == 400 => Self::new(Code::InvalidRequest),
            GuardRefusal::Token(_) | GuardRefusal::Authentication(_) => Self::new(Code::InvalidToken),
            GuardRefusal::Header { name, fault: HeaderFault::Missing } => Self::at(Code::MissingHeader, name),
            GuardRefusal::Header { name, fault: HeaderFault::Malformed } => {
                Self::at(Code::InvalidHeader, name)
            }
            GuardRefusal::NotAcceptable => Self::new(Code::NotAcceptable),
            GuardRefusal::Version => Self::at(Code::UnsupportedVersion, "x-v"),
            GuardRefusal::MediaType => Self::new(Code::UnsupportedMediaType),
            GuardRefusal::TooLarge => Self::new(Code::TooLarge),
            GuardRefusal::BrokenOff => Self::new(Code::InvalidRequest),
            GuardRefusal::TooOften(_) => Self::new(Code::TooManyRequests),
            GuardRefusal::Participant => Self::at(Code::ParticipantMismatch, "participant-id"),
            GuardRefusal::ParticipantInactive => Self::at(Code::ParticipantInactive, "participant-id"),
            GuardRefusal::Scope { .. } => Self::new(Code::InsufficientScope),
            GuardRefusal::Standing(standing) => Self::new(of_standing(*standing)),
            GuardRefusal::Permission(_) => Self::at(Code::ConsentNotGranted, "permissions"),
            GuardRefusal::Failed(_) => Self::new(Code::InternalError),
        }
    }
}

const fn of_standing(standing: Standing) -> Code {
    match standing {
        Standing::Suspended => Code::ConsentSuspended,
        Standing::Waiting | Standing::Good | Standing::Finished => Code::ConsentNotGranted,
        Standing::Ended => Code::InvalidToken,
    }
}

impl From<QueryFault> for Problem {
    fn from(fault: QueryFault) -> Self {
        match fault {
            QueryFault::Malformed | QueryFault::TooLong => Self::new(Code::InvalidRequest),
            QueryFault::Repeated(name) => Self::at(Code::InvalidField, name),
        }
    }
}

impl From<PageFault> for Problem {
    fn from(fault: PageFault) -> Self {
        match fault {
            PageFault::Page => Self::at(Code::InvalidField, "page"),
            PageFault::Size => Self::at(Code::InvalidField, "page-size"),
        }
    }
}

impl From<oauth_core::Fault> for Problem {
    fn from(fault: oauth_core::Fault) -> Self {
        tracing::error!(port = fault.port, error = %fault.source, "operation");
        Self::new(Code::InternalError)
    }
}

impl From<AccountRefusal> for Problem {
    fn from(refusal: AccountRefusal) -> Self {
        match refusal {
            AccountRefusal::NoSuchAccount => Self::new(Code::AccountNotFound),
            AccountRefusal::NoSuchTransaction => Self::new(Code::TransactionNotFound),
            AccountRefusal::NoSuchPage(_) => Self::at(Code::InvalidPage, "page"),
            AccountRefusal::Failed(fault) => fault.into(),
        }
    }
}

impl From<ConsentRefusal> for Problem {
    fn from(refusal: ConsentRefusal) -> Self {
        match refusal {
            ConsentRefusal::NoSuchConsent => Self::new(Code::ConsentNotFound),
            ConsentRefusal::Over(_) | ConsentRefusal::OtherSide => Self::new(Code::ConsentStateConflict),
            ConsentRefusal::Subscription(_) => Self::at(Code::InvalidField, "subscription"),
            ConsentRefusal::ConflictingRepeat => Self::at(Code::IdempotencyConflict, "x-idempotency-key"),
            ConsentRefusal::Busy => Self::new(Code::Unavailable),
            ConsentRefusal::Failed(fault) => fault.into(),
        }
    }
}

impl From<AmendRefusal> for Problem {
    fn from(refusal: AmendRefusal) -> Self {
        match refusal {
            AmendRefusal::Consent(refusal) => refusal.into(),
            AmendRefusal::Terms(AmendFault::Widened) => Self::new(Code::ConsentWideningNotAllowed),
            AmendRefusal::Terms(AmendFault::Malformed(fault)) => fault.into(),
            AmendRefusal::Terms(AmendFault::Status(_)) => Self::new(Code::ConsentStateConflict),
            AmendRefusal::Terms(AmendFault::OtherKind) => Self::new(Code::ConsentNotFound),
            AmendRefusal::OtherSide => Self::new(Code::ConsentSuspended),
            AmendRefusal::Precondition => Self::at(Code::PreconditionFailed, "if-match"),
        }
    }
}

impl From<RegistryRefusal> for Problem {
    fn from(refusal: RegistryRefusal) -> Self {
        match refusal {
            RegistryRefusal::OtherOrganisation => Self::at(Code::ParticipantMismatch, "organizationId"),
            RegistryRefusal::Duplicate => Self::at(Code::DuplicateOrganization, "organizationId"),
            RegistryRefusal::OriginTaken => Self::at(Code::InvalidField, "corsUris"),
            RegistryRefusal::ConflictingRepeat => Self::at(Code::IdempotencyConflict, "x-idempotency-key"),
            RegistryRefusal::NoSuchOrganisation => Self::new(Code::OrganizationNotFound),
            RegistryRefusal::NoCertificate => Self::new(Code::CertificateNotFound),
            RegistryRefusal::NoSuchPage(_) => Self::at(Code::InvalidPage, "page"),
            RegistryRefusal::Failed(fault) => fault.into(),
        }
    }
}

impl From<CustomerRefusal> for Problem {
    fn from(refusal: CustomerRefusal) -> Self {
        const PERSON: &str = "data.personalInformation.";
        match refusal {
            CustomerRefusal::Guard(refusal) => Self::of_guard(&refusal),
            CustomerRefusal::NoSuchCustomer => Self::new(Code::CustomerNotFound),
            CustomerRefusal::NotEligible(why) => Self {
                code: Code::CustomerNotEligible,
                path: Some(match why {
                    Ineligible::Age => format!("{PERSON}birthdate").into(),
                    Ineligible::Tin => format!("{PERSON}tin").into(),
                }),
            },
            CustomerRefusal::AlreadyRegistered => Self::new(Code::CustomerAlreadyRegistered),
            CustomerRefusal::ConflictingRepeat => Self::at(Code::IdempotencyConflict, "x-idempotency-key"),
            CustomerRefusal::Failed(fault) => fault.into(),
        }
    }
}

impl From<OpeningRefusal> for Problem {
    fn from(refusal: OpeningRefusal) -> Self {
        match refusal {
            OpeningRefusal::Guard(refusal) => Self::of_guard(&refusal),
            OpeningRefusal::NotOnboarded => Self::new(Code::CustomerNotOnboarded),
            OpeningRefusal::NoSuchProduct => Self::at(Code::UnknownProduct, "data.productId"),
            OpeningRefusal::LimitReached => Self::new(Code::AccountLimitReached),
            OpeningRefusal::SourceUnusable => Self::at(Code::SourceAccountUnusable, "data.sourceAccountId"),
            OpeningRefusal::ConsentGone => Self::new(Code::ConsentNotGranted),
            OpeningRefusal::ConflictingRepeat => Self::at(Code::IdempotencyConflict, "x-idempotency-key"),
            OpeningRefusal::Failed(fault) => fault.into(),
        }
    }
}

impl From<TermsFault> for Problem {
    fn from(fault: TermsFault) -> Self {
        match fault {
            TermsFault::DataHolder => Self::at(Code::InvalidField, "data.data_holder_id"),
            TermsFault::Permissions | TermsFault::BasicInfoMissing => {
                Self::at(Code::InvalidField, "data.permissions")
            }
            TermsFault::Start => Self::at(Code::InvalidPeriod, "data.sharing_duration.start_date"),
            TermsFault::End => Self::at(Code::InvalidPeriod, "data.sharing_duration.end_date"),
            TermsFault::Purpose => Self::at(Code::InvalidField, "data.purpose"),
            TermsFault::AdditionalTerms => Self::at(Code::InvalidField, "data.additional_terms"),
            TermsFault::Limits => Self::at(Code::InvalidField, "data.payment_limits"),
        }
    }
}

impl From<PaymentRefusal> for Problem {
    fn from(refusal: PaymentRefusal) -> Self {
        match refusal {
            PaymentRefusal::Guard(refusal) => Self::of_guard(&refusal),
            PaymentRefusal::ConflictingRepeat => Self::at(Code::IdempotencyConflict, "x-idempotency-key"),
            PaymentRefusal::InProgress => Self::at(Code::RequestInProgress, "x-idempotency-key"),
            PaymentRefusal::OtherConsent => Self::new(Code::ConsentNotGranted),
            PaymentRefusal::Consent(refusal) => Self::new(of_exercise(refusal.fault)),
            PaymentRefusal::NoSuchCreditor => Self::at(Code::AccountNotFound, "data.peraAccountId"),
            PaymentRefusal::DebtorUnusable(_) => {
                Self::at(Code::SourceAccountUnusable, "data.sourceAccountId")
            }
            PaymentRefusal::ExecutionDay => {
                Self::at(Code::InvalidExecutionDate, "data.requestedExecutionDate")
            }
            PaymentRefusal::RailLimit => Self::at(Code::RailLimitExceeded, "data.amount.amount"),
            PaymentRefusal::AllowanceGone => Self::at(Code::ContributionLimitExceeded, "data.amount.amount"),
            PaymentRefusal::FundsGone => Self::at(Code::InsufficientFunds, "data.amount.amount"),
            PaymentRefusal::Nothing => Self::at(Code::InvalidField, "data.amount.amount"),
            PaymentRefusal::NoSuchPayment => Self::new(Code::PaymentNotFound),
            PaymentRefusal::NotCancellable(_) => Self::new(Code::PaymentNotCancellable),
            PaymentRefusal::NoSuchPage(_) => Self::at(Code::InvalidPage, "page"),
            PaymentRefusal::Failed(fault) => fault.into(),
        }
    }
}

const fn of_exercise(fault: ExerciseFault) -> Code {
    match fault {
        ExerciseFault::Status(ConsentStatus::Suspended) => Code::ConsentSuspended,
        ExerciseFault::Status(
            ConsentStatus::AwaitingAuthorization
            | ConsentStatus::Authorized
            | ConsentStatus::Rejected
            | ConsentStatus::Revoked
            | ConsentStatus::Expired
            | ConsentStatus::Finished,
        )
        | ExerciseFault::NoPayments
        | ExerciseFault::NotYet
        | ExerciseFault::Part
        | ExerciseFault::BusinessRule => Code::ConsentNotGranted,
        ExerciseFault::Account => Code::SourceAccountUnusable,
        ExerciseFault::Amount | ExerciseFault::Count | ExerciseFault::Total => Code::ConsentLimitExceeded,
        ExerciseFault::Currency => Code::InvalidField,
        ExerciseFault::Day => Code::InvalidExecutionDate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_3_3_every_code_is_upper_case_and_its_status_is_an_error() {
        for code in Code::ALL {
            assert!(code.as_str().bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{code:?}");
            assert!((400..=599).contains(&code.status()), "{code:?}");
            assert!(!code.message().is_empty(), "{code:?}");
        }
    }

    #[test]
    fn section_9_2_scope_and_permission_have_codes_of_their_own() {
        let scope = Problem::of_guard(&GuardRefusal::Scope { needed: String::new() });
        let permission = Problem::of_guard(&GuardRefusal::Permission(rar_consent::Permission::PeraBalance));
        assert_eq!((scope.code, permission.code), (Code::InsufficientScope, Code::ConsentNotGranted));
    }
}
