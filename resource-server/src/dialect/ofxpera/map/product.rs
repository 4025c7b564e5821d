//! Sections 8.2 and 8.4: products and holdings, out of the domain.

use super::{At, instant};
use crate::dialect::ofxpera::body::{
    HistoricalPerformance, HoldingShown, NewAccount, ProductShown, RegulatoryInfo,
};
use crate::dialect::ofxpera::error::{Code, Problem};
use crate::domain::{AccountId, Holding, Product, ProductId, ProductKind, RiskRating};
use crate::operation::openings::OpeningOrder;

/// Section 8.2.
pub(in super::super) fn product(product: &Product) -> ProductShown {
    let line = |line: &crate::domain::Line<50>| line.as_str().to_owned();
    ProductShown {
        product_id: product.id.as_str().to_owned(),
        product_name: product.name.as_str().to_owned(),
        product_type: kind(product.kind),
        currency: product.currency.code(),
        risk_rating: risk(product.risk),
        nav_per_share: product.unit_price.as_str().to_owned(),
        fund_manager: product.manager.as_str().to_owned(),
        minimum_initial_investment: product.first_min.to_text(),
        minimum_additional_investment: product.further_min.to_text(),
        management_fee: product.fee.as_str().to_owned(),
        regulatory_info: RegulatoryInfo {
            bsp_approval_number: product.central_bank_approval.as_ref().map(line),
            sec_registration_number: product.commission_registration.as_ref().map(line),
        },
        historical_performance: HistoricalPerformance {
            ytd: product.performance.year_to_date.as_str().to_owned(),
            one_year: product.performance.one_year.as_str().to_owned(),
            three_year: product.performance.three_years.as_str().to_owned(),
            five_year: product.performance.five_years.as_str().to_owned(),
        },
        investment_policy: product.policy.as_str().to_owned(),
        cutoff_time: product.cutoff.as_str().to_owned(),
        settlement_period: product.settlement.as_str().to_owned(),
        product_kiid_uri: product.key_information.as_ref().map(|uri| uri.as_str().to_owned()),
    }
}

const KINDS: [ProductKind; 4] =
    [ProductKind::Uitf, ProductKind::MutualFund, ProductKind::Insurance, ProductKind::GovernmentSecurities];
const RISKS: [RiskRating; 3] = [RiskRating::Conservative, RiskRating::Moderate, RiskRating::Aggressive];

/// `product-type` of a query.
pub(in super::super) fn read_kind(text: &str) -> Result<ProductKind, Problem> {
    let found = KINDS.into_iter().find(|known| kind(*known) == text);
    found.ok_or_else(|| Problem::at(Code::InvalidField, "product-type"))
}

/// `risk-rating` of a query.
pub(in super::super) fn read_risk(text: &str) -> Result<RiskRating, Problem> {
    let found = RISKS.into_iter().find(|known| risk(*known) == text);
    found.ok_or_else(|| Problem::at(Code::InvalidField, "risk-rating"))
}

const fn kind(kind: ProductKind) -> &'static str {
    match kind {
        ProductKind::Uitf => "UITF",
        ProductKind::MutualFund => "MUTUAL_FUND",
        ProductKind::Insurance => "INSURANCE",
        ProductKind::GovernmentSecurities => "GOVERNMENT_SECURITIES",
    }
}

const fn risk(risk: RiskRating) -> &'static str {
    match risk {
        RiskRating::Conservative => "CONSERVATIVE",
        RiskRating::Moderate => "MODERATE",
        RiskRating::Aggressive => "AGGRESSIVE",
    }
}

/// Section 8.4.
pub(in super::super) fn holding(holding: &Holding) -> HoldingShown {
    HoldingShown {
        product_id: holding.product.as_str().to_owned(),
        units: holding.units.as_str().to_owned(),
        nav_per_unit: holding.unit_price.as_str().to_owned(),
        market_value: holding.value.to_text(),
        as_of: instant(holding.as_of),
    }
}

/// Section 8.4: an account as ordered. Who has not accepted the terms gets none.
pub(in super::super) fn opening(asked: &NewAccount) -> Result<OpeningOrder, Problem> {
    let at = At("data");
    if !asked.terms_accepted {
        return Err(at.bad("termsAccepted"));
    }
    // What is no identifier names no account: the same answer as for one that was not given.
    let source = asked.source_account_id.as_deref().map(AccountId::new).transpose();
    Ok(OpeningOrder {
        product: ProductId::new(&asked.product_id)
            .map_err(|_| Problem::at(Code::UnknownProduct, "data.productId"))?,
        nickname: at.line("nickname", asked.nickname.as_deref())?,
        source: source.map_err(|_| Problem::at(Code::SourceAccountUnusable, "data.sourceAccountId"))?,
    })
}
