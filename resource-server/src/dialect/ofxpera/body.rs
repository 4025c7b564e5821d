//! OFxPERA on the wire: one struct per shape, read strictly, written without nulls.

mod admin;
mod customer;
mod product;

use rar_consent::Permission;
use serde::{Deserialize, Serialize};

use super::error::Problem;

pub(super) use admin::{
    AuthorizationServerShown, CertificateShown, CertificateSubject, ContactDetails, EndpointUris,
    NewOrganization, OrganizationShown, OrganizationType,
};
pub(super) use customer::{
    Address, Cdd, CddIndicator, ContactShown, CustomerInformation, IdType, OnboardingShown,
    PersonalInformation, WireContributor,
};
pub(super) use product::{HistoricalPerformance, HoldingShown, NewAccount, ProductShown, RegulatoryInfo};

/// Section 3.2: what a request wraps its content in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sent<T> {
    pub(super) data: T,
}

/// Section 3.2: what an answer wraps its content in.
#[derive(Debug, Serialize)]
pub(super) struct Told<T> {
    pub(super) data: T,
    pub(super) links: Links,
    pub(super) meta: Meta,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Links {
    #[serde(rename = "self")]
    pub(super) own: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prev: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last: Option<String>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Meta {
    #[serde(rename = "total-records", skip_serializing_if = "Option::is_none")]
    pub(super) total_records: Option<u64>,
    #[serde(rename = "total-pages", skip_serializing_if = "Option::is_none")]
    pub(super) total_pages: Option<u64>,
}

/// Section 3.3.
#[derive(Debug, Serialize)]
pub(super) struct Errors<'a> {
    errors: [OneError<'a>; 1],
    meta: Meta,
}

#[derive(Debug, Serialize)]
struct OneError<'a> {
    code: &'static str,
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
}

impl<'a> Errors<'a> {
    pub(super) fn of(problem: &'a Problem) -> Self {
        let (code, message) = (problem.code.as_str(), problem.code.message());
        Self { errors: [OneError { code, message, path: problem.path.as_deref() }], meta: Meta::default() }
    }
}

/// An amount: digits, a point, two decimals.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireMoney {
    pub(super) amount: String,
    pub(super) currency: String,
}

/// Section 4.1, the members a request may have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewConsent {
    pub(super) data_holder_id: String,
    pub(super) permissions: Vec<Permission>,
    pub(super) sharing_duration: Duration,
    pub(super) purpose: String,
    #[serde(default)]
    pub(super) additional_terms: Vec<Term>,
    #[serde(default)]
    pub(super) payment_limits: Option<Limits>,
}

/// Section 7.1: the members of a change are those of a new one, and a status.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangedConsent {
    pub(super) data_holder_id: String,
    pub(super) permissions: Vec<Permission>,
    pub(super) sharing_duration: Duration,
    pub(super) purpose: String,
    #[serde(default)]
    pub(super) additional_terms: Vec<Term>,
    #[serde(default)]
    pub(super) payment_limits: Option<Limits>,
    #[serde(default)]
    pub(super) status: Option<WireStatus>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum WireStatus {
    Active,
    Suspended,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Duration {
    pub(super) start_date: String,
    pub(super) end_date: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Term {
    pub(super) key: String,
    pub(super) value: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) max_individual_amount: WireMoney,
    pub(super) max_total_amount: WireMoney,
}

/// Section 4.1.
#[derive(Debug, Serialize)]
pub(super) struct ConsentShown {
    pub(super) id: String,
    pub(super) status: &'static str,
    pub(super) created_at: String,
    pub(super) last_updated_at: String,
    pub(super) client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) customer_id: Option<String>,
    pub(super) data_holder_id: String,
    pub(super) permissions: Vec<&'static str>,
    pub(super) sharing_duration: Duration,
    pub(super) purpose: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) additional_terms: Vec<Term>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) payment_limits: Option<Limits>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) account_ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) revocation_info: Option<RevocationShown>,
}

#[derive(Debug, Serialize)]
pub(super) struct RevocationShown {
    pub(super) revoked_at: String,
    pub(super) reason: String,
}

/// Section 8.1.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SourceAccount {
    pub(super) account_id: String,
    pub(super) account_number: String,
    pub(super) masked_number: String,
    pub(super) account_type: &'static str,
    pub(super) account_name: String,
    pub(super) currency: &'static str,
    pub(super) status: &'static str,
    pub(super) linkable: bool,
    pub(super) institution: Institution,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Institution {
    pub(super) organization_id: String,
    pub(super) name: String,
    pub(super) bic: String,
}

/// Section 8.4.
#[derive(Debug, Serialize)]
pub(super) struct PeraAccount {
    pub(super) id: String,
    pub(super) account_id: String,
    pub(super) creation_date: String,
    pub(super) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) product: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) balance: Option<BalanceShown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) holdings: Option<Vec<HoldingShown>>,
}

#[derive(Debug, Serialize)]
pub(super) struct BalanceShown {
    pub(super) current_value: String,
    pub(super) currency: &'static str,
    pub(super) as_of: String,
}

/// Section 8.5.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TransactionShown {
    pub(super) transaction_id: String,
    pub(super) account_id: String,
    pub(super) is_detail_available: bool,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) status: &'static str,
    pub(super) description: String,
    pub(super) execution_date_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) posting_date_time: Option<String>,
    pub(super) amount: String,
    pub(super) currency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) extended_data: Option<Extended>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Extended {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) payment_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) units: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nav_per_unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fee: Option<String>,
}

/// Section 8.6, as sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct NewPayment {
    pub(super) source_account_id: String,
    pub(super) pera_account_id: String,
    pub(super) amount: WireMoney,
    #[serde(default)]
    pub(super) rail: WireRail,
    #[serde(default)]
    pub(super) requested_execution_date: Option<String>,
    pub(super) reference: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum WireRail {
    #[default]
    Internal,
    Instapay,
    Pesonet,
}

/// Section 8.6, as told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentShown {
    pub(super) payment_id: String,
    pub(super) consent_id: String,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) status: &'static str,
    pub(super) creation_date_time: String,
    pub(super) status_update_date_time: String,
    pub(super) source_account_id: String,
    pub(super) pera_account_id: String,
    pub(super) amount: WireMoney,
    pub(super) rail: WireRail,
    pub(super) contribution_year: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) requested_execution_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rejection_reason: Option<Rejection>,
}

#[derive(Debug, Serialize)]
pub(super) struct Rejection {
    pub(super) code: &'static str,
    pub(super) message: &'static str,
}
