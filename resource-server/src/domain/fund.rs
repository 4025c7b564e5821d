//! What a retirement account may be invested in, and what it is.

use serde::{Deserialize, Serialize};

use super::{Currency, Line, Money, ascii_text, is_handle, shown};
use oauth_core::{HttpsUrl, Timestamp};

ascii_text! {
    /// A product.
    ProductId, is_handle
}
shown!(ProductId);

ascii_text! {
    /// A figure with up to six decimals, as it is printed: units, prices, percentages. Not calculated with.
    Figure, is_figure
}
shown!(Figure);

/// A product a contributor can choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Which.
    pub id: ProductId,
    /// Its name.
    pub name: Line<140>,
    /// What it is.
    pub kind: ProductKind,
    /// What it is quoted in.
    pub currency: Currency,
    /// For whom.
    pub risk: RiskRating,
    /// Price of one unit.
    pub unit_price: Figure,
    /// Who runs it.
    pub manager: Line<140>,
    /// Least first amount.
    pub first_min: Money,
    /// Least further amount.
    pub further_min: Money,
    /// Yearly fee in per cent.
    pub fee: Figure,
    /// Approval of the central bank.
    pub central_bank_approval: Option<Line<50>>,
    /// Registration at the securities commission.
    pub commission_registration: Option<Line<50>>,
    /// What it has earned, in per cent.
    pub performance: Performance,
    /// What it invests in.
    pub policy: Line<500>,
    /// Until when on a day orders count for that day.
    pub cutoff: Line<20>,
    /// When orders settle.
    pub settlement: Line<20>,
    /// Its key information.
    pub key_information: Option<HttpsUrl>,
}

/// What a product has earned, in per cent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Performance {
    /// This year so far.
    pub year_to_date: Figure,
    /// In one year.
    pub one_year: Figure,
    /// A year over three years.
    pub three_years: Figure,
    /// A year over five years.
    pub five_years: Figure,
}

/// What a product is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProductKind {
    /// A unit investment trust fund.
    Uitf,
    /// A mutual fund.
    MutualFund,
    /// An insurance.
    Insurance,
    /// Bonds of the state.
    GovernmentSecurities,
}

/// For whom a product is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RiskRating {
    /// Who wants to lose nothing.
    Conservative,
    /// Who can wait.
    Moderate,
    /// Who can lose.
    Aggressive,
}

/// What an account is invested in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// In which product.
    pub product: ProductId,
    /// How many units.
    pub units: Figure,
    /// Price of one.
    pub unit_price: Figure,
    /// What they are worth.
    pub value: Money,
    /// When that was so.
    pub as_of: Timestamp,
}

/// What a line of a statement bought or sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trade {
    /// How many units.
    pub units: Figure,
    /// Price of one.
    pub unit_price: Figure,
    /// What it cost.
    pub fee: Option<Money>,
}

fn is_figure(text: &str) -> bool {
    let bare = text.strip_prefix('-').unwrap_or(text);
    let (whole, decimals) = bare.split_once('.').map_or((bare, None), |(whole, rest)| (whole, Some(rest)));
    let digits = |part: &str, most: usize| {
        (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    digits(whole, 13) && decimals.is_none_or(|decimals| digits(decimals, 6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_digits_with_up_to_six_decimals() {
        for good in ["0", "1.25", "-3.4", "1234567890123.123456"] {
            assert!(Figure::new(good).is_ok(), "{good}");
        }
        for bad in ["", "-", ".5", "1.", "1.1234567", "1e3", "+1", "NaN", "12345678901234"] {
            assert!(Figure::new(bad).is_err(), "{bad}");
        }
    }
}
