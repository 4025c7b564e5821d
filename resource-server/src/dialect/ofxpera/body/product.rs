//! Sections 8.2 and 8.4 on the wire: products, and the opening of accounts.

use serde::{Deserialize, Serialize};

/// Section 8.2.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ProductShown {
    pub(in super::super) product_id: String,
    pub(in super::super) product_name: String,
    pub(in super::super) product_type: &'static str,
    pub(in super::super) currency: &'static str,
    pub(in super::super) risk_rating: &'static str,
    pub(in super::super) nav_per_share: String,
    pub(in super::super) fund_manager: String,
    pub(in super::super) minimum_initial_investment: String,
    pub(in super::super) minimum_additional_investment: String,
    pub(in super::super) management_fee: String,
    pub(in super::super) regulatory_info: RegulatoryInfo,
    pub(in super::super) historical_performance: HistoricalPerformance,
    pub(in super::super) investment_policy: String,
    pub(in super::super) cutoff_time: String,
    pub(in super::super) settlement_period: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) product_kiid_uri: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct RegulatoryInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) bsp_approval_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) sec_registration_number: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct HistoricalPerformance {
    pub(in super::super) ytd: String,
    pub(in super::super) one_year: String,
    pub(in super::super) three_year: String,
    pub(in super::super) five_year: String,
}

/// Section 8.4, as sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in super::super) struct NewAccount {
    pub(in super::super) product_id: String,
    #[serde(default)]
    pub(in super::super) nickname: Option<String>,
    #[serde(default)]
    pub(in super::super) source_account_id: Option<String>,
    pub(in super::super) terms_accepted: bool,
}

/// Section 8.4: what an account is invested in.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct HoldingShown {
    pub(in super::super) product_id: String,
    pub(in super::super) units: String,
    pub(in super::super) nav_per_unit: String,
    pub(in super::super) market_value: String,
    #[serde(rename = "as_of")]
    pub(in super::super) as_of: String,
}
