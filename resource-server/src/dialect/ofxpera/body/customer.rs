//! Sections 7.2 and 8.3 on the wire: customers. No shape of this file is for a log.

use serde::{Deserialize, Serialize};

/// Section 7.2: the contact subset.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ContactShown {
    pub(in super::super) customer_id: String,
    pub(in super::super) sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) title: Option<String>,
    pub(in super::super) given_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) middle_name: Option<String>,
    pub(in super::super) last_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) suffix: Option<String>,
    pub(in super::super) mobile_number: String,
    pub(in super::super) email: String,
}

/// Section 7.2, told and sent.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in super::super) struct CustomerInformation {
    pub(in super::super) sub: String,
    pub(in super::super) arrangement_id: String,
    pub(in super::super) personal_information: PersonalInformation,
    pub(in super::super) presented_ids: Vec<IdType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) cdd: Option<Cdd>,
    pub(in super::super) pera_admin: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in super::super) struct PersonalInformation {
    pub(in super::super) sub: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) title: Option<String>,
    pub(in super::super) given_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) middle_name: Option<String>,
    pub(in super::super) last_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) suffix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) phone_number: Option<String>,
    pub(in super::super) mobile_number: String,
    pub(in super::super) email: String,
    pub(in super::super) birthdate: String,
    pub(in super::super) nationality: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) tin: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) present_address: Option<Address>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) permanent_address: Option<Address>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Address {
    pub(in super::super) region: String,
    pub(in super::super) province: String,
    pub(in super::super) city: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) barangay: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) street_address: Option<String>,
    pub(in super::super) country: String,
    pub(in super::super) postal_code: String,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Address(…)")
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in super::super) struct IdType {
    pub(in super::super) id_number: String,
    pub(in super::super) id_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) id_expiry_date: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in super::super) struct Cdd {
    pub(in super::super) employment_status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) occupation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) nature_of_work: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) employer_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) employer_address: Option<Address>,
    pub(in super::super) pep_indicator: bool,
    pub(in super::super) fund_source: String,
    pub(in super::super) cdd_indicator: CddIndicator,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) contributor_type: Option<WireContributor>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) enum CddIndicator {
    Low,
    Normal,
    High,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) enum WireContributor {
    Employee,
    #[serde(rename = "Self-Employed")]
    SelfEmployed,
    #[serde(rename = "Overseas Filipino")]
    OverseasFilipino,
}

/// Section 8.3, as told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct OnboardingShown {
    pub(in super::super) customer_id: String,
    pub(in super::super) admin_id: String,
    pub(in super::super) reference_id: String,
    pub(in super::super) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) reason: Option<&'static str>,
    pub(in super::super) creation_date: String,
    pub(in super::super) last_update_date: String,
}
