//! The bank's side, wire shapes (section 15).

use oauth_core::jose::present;
use oauth_core::{RuleId, Subject, Timestamp};
use rar_consent::{ApprovalState, Authorizer, AuthorizerApproval, Channel, Consent, ConsentStatus, Decision};
use serde::{Deserialize, Serialize};

use super::error::Problem;
use crate::domain::{PaymentStatus, Precision, RejectionReason, read_instant, write_instant};
use crate::rules::uae_bank_side as rules;

/// Operation 10.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ConsentOrder {
    #[serde(default, deserialize_with = "present")]
    authorization_channel: Option<WireChannel>,
    #[serde(default, deserialize_with = "present")]
    psu_identifiers: Option<Psu>,
    #[serde(default, deserialize_with = "present")]
    account_ids: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    consent_body: Option<ConsentBody>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum WireChannel {
    App,
    Web,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Psu {
    user_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ConsentBody {
    #[serde(default, deserialize_with = "present")]
    data: Option<ConsentData>,
    #[serde(default, deserialize_with = "present")]
    meta: Option<ConsentMeta>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ConsentData {
    status: ConsentStatus,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ConsentMeta {
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    multiple_authorizers: Option<MultipleAuthorizers>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct MultipleAuthorizers {
    total_required: usize,
    authorizations: Vec<Authorization>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Authorization {
    authorizer_id: String,
    authorizer_type: String,
    authorization_status: ApprovalState,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    authorization_date: Option<String>,
}

/// What operation 10 asks for, read.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) channel: Channel,
    pub(super) customer: Option<Subject>,
    pub(super) accounts: Option<Vec<String>>,
    pub(super) approvals: Option<Vec<AuthorizerApproval>>,
    pub(super) status: Option<ConsentStatus>,
}

impl ConsentOrder {
    /// What is asked for.
    pub(super) fn read(self) -> Result<Wanted, Problem> {
        let at = |path| Problem::at(rules::BODY, path);
        let body = self.consent_body.unwrap_or_default();
        let customer = self.psu_identifiers.map(Psu::subject).transpose()?;
        let approvals = body.meta.and_then(|meta| meta.multiple_authorizers);
        let status = body.data.map(|data| data.status);
        if customer.is_none() && self.account_ids.is_none() && approvals.is_none() && status.is_none() {
            return Err(at("consentBody"));
        }
        let named =
            |id: &String| (1..=NAME_BYTES).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
        let listed = |ids: &Vec<String>| !ids.is_empty() && ids.len() <= ACCOUNTS && ids.iter().all(named);
        if !self.account_ids.as_ref().is_none_or(listed) {
            return Err(at("accountIds"));
        }
        let channel = match self.authorization_channel {
            Some(WireChannel::App) => Channel::App,
            Some(WireChannel::Web) => Channel::OnlineBanking,
            None => Channel::BankApi,
        };
        let approvals = approvals.map(MultipleAuthorizers::read).transpose()?;
        Ok(Wanted { channel, customer, accounts: self.account_ids, approvals, status })
    }
}

/// Accounts one order names at most.
const ACCOUNTS: usize = 50;
/// Authorisers one order names at most.
const AUTHORIZERS: usize = 50;
/// Bytes of a name.
const NAME_BYTES: usize = 128;

impl Psu {
    fn subject(self) -> Result<Subject, Problem> {
        Subject::new(&self.user_id).map_err(|_| Problem::at(rules::BODY, "psuIdentifiers.userId"))
    }
}

impl MultipleAuthorizers {
    fn read(self) -> Result<Vec<AuthorizerApproval>, Problem> {
        const PLACE: &str = "consentBody.Meta.MultipleAuthorizers";
        let wrong = || Problem::at(rules::BODY, PLACE);
        if self.total_required != self.authorizations.len() || self.authorizations.len() > AUTHORIZERS {
            return Err(wrong());
        }
        let named =
            |name: &str| (1..=NAME_BYTES).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic());
        let read = |one: Authorization| {
            let decided_at = one.authorization_date.as_deref().map(read_instant);
            let decided_at: Option<Timestamp> = decided_at.transpose().map_err(|_| wrong())?;
            if !named(&one.authorizer_id) || !named(&one.authorizer_type) {
                return Err(wrong());
            }
            let authorizer = Authorizer { id: one.authorizer_id, kind: one.authorizer_type, subject: None };
            Ok(AuthorizerApproval { authorizer, state: one.authorization_status, decided_at, shown: None })
        };
        self.authorizations.into_iter().map(read).collect()
    }
}

/// Operation 11.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Revocation {
    pub(super) revoked_by: RevokedBy,
    #[serde(default, deserialize_with = "present")]
    revoked_by_psu: Option<Psu>,
}

/// On whose behalf the bank ends a consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum RevokedBy {
    /// Its own.
    #[serde(rename = "LFI")]
    Lfi,
    /// The customer's.
    #[serde(rename = "LFI.InitiatedByUser")]
    LfiInitiatedByUser,
}

impl Revocation {
    /// The customer, who is named exactly when the customer wants the end.
    pub(super) fn customer(self) -> Result<Option<Subject>, Problem> {
        let named = self.revoked_by_psu.map(Psu::subject).transpose()?;
        match (self.revoked_by, named) {
            (RevokedBy::LfiInitiatedByUser, None) => Err(Problem::at(rules::BODY, "revokedByPsu")),
            (RevokedBy::LfiInitiatedByUser, named) => Ok(named),
            (RevokedBy::Lfi, _) => Ok(None),
        }
    }
}

/// Operation 12.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionMade {
    decision: WireDecision,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum WireDecision {
    Approved,
    Rejected,
}

impl DecisionMade {
    /// The decision.
    pub(super) const fn read(&self) -> Decision {
        match self.decision {
            WireDecision::Approved => Decision::Approved,
            WireDecision::Rejected => Decision::Rejected,
        }
    }
}

/// The answer of operation 12.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DecisionTold {
    status: &'static str,
    meta: ConsentMeta,
}

impl DecisionTold {
    /// How the consent stands after the decision.
    pub(super) fn of(consent: &Consent) -> Self {
        let told = |entry: &AuthorizerApproval| Authorization {
            authorizer_id: entry.authorizer.id.clone(),
            authorizer_type: entry.authorizer.kind.clone(),
            authorization_status: entry.state,
            authorization_date: entry.decided_at.map(|at| write_instant(at, Precision::Milliseconds)),
        };
        let authorizations: Vec<Authorization> = consent.approvals.iter().map(told).collect();
        let multiple = MultipleAuthorizers { total_required: authorizations.len(), authorizations };
        Self { status: consent.status.as_str(), meta: ConsentMeta { multiple_authorizers: Some(multiple) } }
    }
}

/// Operation 13.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LogEntry {
    payment_response: PaymentResponse,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PaymentResponse {
    status: WireStatus,
    #[serde(default, deserialize_with = "present")]
    payment_transaction_id: Option<String>,
    #[serde(default, deserialize_with = "present")]
    status_detail: Option<StatusDetail>,
}

/// Section 8.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum WireStatus {
    Pending,
    AcceptedSettlementCompleted,
    AcceptedWithoutPosting,
    AcceptedCreditSettlementCompleted,
    Rejected,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct StatusDetail {
    reason: StatusReason,
    #[serde(rename = "Message", default, deserialize_with = "present")]
    _message: Option<Localized>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct StatusReason {
    code: String,
    #[serde(rename = "Detail", default, deserialize_with = "present")]
    _detail: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Localized {
    #[serde(rename = "en", default, deserialize_with = "present")]
    _en: Option<String>,
    #[serde(rename = "ar", default, deserialize_with = "present")]
    _ar: Option<String>,
}

/// What operation 13 says became of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Became {
    pub(super) status: PaymentStatus,
    pub(super) transaction: Option<String>,
}

impl LogEntry {
    /// What became of the payment. A detail goes with a rejection and with nothing else.
    pub(super) fn read(self) -> Result<Became, Problem> {
        let detail = |rule: RuleId| Problem::at(rule, "paymentResponse.statusDetail");
        let PaymentResponse { status, payment_transaction_id, status_detail } = self.payment_response;
        let status = match (status, status_detail) {
            (WireStatus::Rejected, None) => return Err(detail(rules::DETAIL)),
            (WireStatus::Rejected, Some(told)) => PaymentStatus::Rejected { reason: told.reason.read()? },
            (
                WireStatus::Pending
                | WireStatus::AcceptedSettlementCompleted
                | WireStatus::AcceptedWithoutPosting
                | WireStatus::AcceptedCreditSettlementCompleted,
                Some(_),
            ) => return Err(detail(rules::DETAIL)),
            (WireStatus::Pending, None) => PaymentStatus::Pending,
            (WireStatus::AcceptedSettlementCompleted, None) => PaymentStatus::DebtorSettled,
            (WireStatus::AcceptedWithoutPosting, None) => PaymentStatus::CreditorAccepted,
            (WireStatus::AcceptedCreditSettlementCompleted, None) => PaymentStatus::Completed,
        };
        Ok(Became { status, transaction: payment_transaction_id })
    }
}

impl StatusReason {
    /// Section 8.3: the bank's codes, and those of the rail.
    fn read(&self) -> Result<RejectionReason, Problem> {
        let known = REASONS.iter().find(|(code, _)| *code == self.code).map(|(_, reason)| *reason);
        let of_rail = self.code.strip_prefix("AANI.").is_some_and(|code| {
            (1..=40).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        let rail = of_rail.then_some(RejectionReason::RailRefused);
        known.or(rail).ok_or_else(|| Problem::at(rules::DETAIL, "paymentResponse.statusDetail.Reason.Code"))
    }
}

const REASONS: &[(&str, RejectionReason)] = &[
    ("LFI.InsufficientFunds", RejectionReason::InsufficientFunds),
    ("LFI.AccountBlocked", RejectionReason::AccountBlocked),
    ("LFI.AccountClosed", RejectionReason::AccountClosed),
    ("LFI.CreditorAccountInvalid", RejectionReason::CreditorAccountInvalid),
    ("LFI.LimitExceeded", RejectionReason::LimitExceeded),
    ("LFI.FraudSuspected", RejectionReason::FraudSuspected),
    ("LFI.GenericFailure", RejectionReason::GenericFailure),
];
