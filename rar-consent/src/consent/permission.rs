//! What an OFxPERA consent permits (section 4.2), and which accounts that is about.

use serde::{Deserialize, Serialize};

/// What an OFxPERA consent lets a participant do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Permission {
    /// See the PERA accounts.
    PeraBasicInfo,
    /// See their balances.
    PeraBalance,
    /// See what they are invested in.
    PeraInvestmentDetails,
    /// See their transactions.
    PeraTransactions,
    /// See their statements.
    PeraStatements,
    /// See the account that pays.
    SourceAccountRead,
    /// See who the customer is.
    CustomerRead,
    /// See all that is known of the customer.
    CustomerDetailRead,
    /// Make the customer known.
    CustomerOnboard,
    /// Open a PERA.
    AccountOpen,
    /// Pay contributions.
    PaymentInitiate,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 11] = [
        Self::PeraBasicInfo,
        Self::PeraBalance,
        Self::PeraInvestmentDetails,
        Self::PeraTransactions,
        Self::PeraStatements,
        Self::SourceAccountRead,
        Self::CustomerRead,
        Self::CustomerDetailRead,
        Self::CustomerOnboard,
        Self::AccountOpen,
        Self::PaymentInitiate,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PeraBasicInfo => "PERA_BASIC_INFO",
            Self::PeraBalance => "PERA_BALANCE",
            Self::PeraInvestmentDetails => "PERA_INVESTMENT_DETAILS",
            Self::PeraTransactions => "PERA_TRANSACTIONS",
            Self::PeraStatements => "PERA_STATEMENTS",
            Self::SourceAccountRead => "SOURCE_ACCOUNT_READ",
            Self::CustomerRead => "CUSTOMER_READ",
            Self::CustomerDetailRead => "CUSTOMER_DETAIL_READ",
            Self::CustomerOnboard => "CUSTOMER_ONBOARD",
            Self::AccountOpen => "ACCOUNT_OPEN",
            Self::PaymentInitiate => "PAYMENT_INITIATE",
        }
    }

    /// Which accounts it opens or debits; none where it is about the person.
    #[must_use]
    pub const fn accounts(self) -> Option<AccountGroup> {
        match self {
            Self::PeraBasicInfo
            | Self::PeraBalance
            | Self::PeraInvestmentDetails
            | Self::PeraTransactions
            | Self::PeraStatements => Some(AccountGroup::Retirement),
            Self::SourceAccountRead | Self::PaymentInitiate => Some(AccountGroup::Source),
            Self::CustomerRead | Self::CustomerDetailRead | Self::CustomerOnboard | Self::AccountOpen => None,
        }
    }

    /// Whether it opens or debits an account of this group and currency (ISO 4217): only pesos are contributed.
    pub(super) fn concerns(self, group: AccountGroup, currency: &str) -> bool {
        self.accounts() == Some(group) && (self != Self::PaymentInitiate || currency == "PHP")
    }

    /// The scope that goes with it; one permission has no endpoint and so no scope.
    #[must_use]
    pub const fn scope(self) -> Option<&'static str> {
        match self {
            Self::PeraBasicInfo => Some("accounts.basic"),
            Self::PeraBalance | Self::PeraInvestmentDetails | Self::PeraTransactions => {
                Some("accounts.details")
            }
            Self::PeraStatements => None,
            Self::SourceAccountRead => Some("bank_account"),
            Self::CustomerRead => Some("customer"),
            Self::CustomerDetailRead => Some("customer_details"),
            Self::CustomerOnboard => Some("customer_onboarding"),
            Self::AccountOpen => Some("accounts.open"),
            Self::PaymentInitiate => Some("payments"),
        }
    }
}

/// What a customer's account is to a retirement-account scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountGroup {
    /// A retirement account (PERA).
    Retirement,
    /// An ordinary account, which contributions can come from.
    Source,
}
