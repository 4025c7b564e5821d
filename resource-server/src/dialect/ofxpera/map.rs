//! Into the domain and out of it.

mod admin;
mod customer;
mod payment;
mod product;

use oauth_core::Timestamp;
use oauth_core::json::{JsonFault, from_tree};
use rar_consent::{
    AdditionalTerm, Amount, Consent, ConsentStatus, OfxperaConsent, PaymentLimits, Permission,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::{
    Account, AccountKind, AccountStatus, Balance, BookedTransaction, Currency, Holding, IntegerDigits, Line,
    Money, MoneyFault, Precision, SignedMoney, Trade, TransactionKind, TransactionStatus, read_instant,
    write_instant,
};

use crate::operation::amend::{Amendment, WantedStatus};
use crate::operation::openings::is_linkable;

use super::OfxperaSettings;
use super::body::{
    BalanceShown, ChangedConsent, ConsentShown, Duration, Extended, Institution, Limits, NewConsent,
    PeraAccount, RevocationShown, Sent, SourceAccount, Term, TransactionShown, WireMoney, WireStatus,
};
use super::error::{Code, Problem};

pub(super) use admin::{certificate, organization, organization_status, registration};
pub(super) use customer::{contact, file, information, onboarding};
pub(super) use payment::{contribution, payment, payment_status};
pub(super) use product::{holding, opening, product, read_kind, read_risk};

/// A body of this shape, read strictly.
pub(super) fn read<T: DeserializeOwned>(tree: Value) -> Result<T, Problem> {
    from_tree::<Sent<T>>(tree).map(|sent| sent.data).map_err(|fault| of_json(&fault))
}

/// A body of this shape without a wrapper, read strictly.
pub(super) fn read_bare<T: DeserializeOwned>(tree: Value) -> Result<T, Problem> {
    from_tree::<T>(tree).map_err(|fault| of_json(&fault))
}

/// The member of a request that values stand in.
#[derive(Clone, Copy)]
struct At<'a>(&'a str);

impl At<'_> {
    fn bad(self, member: &str) -> Problem {
        let path = if self.0.is_empty() { member.to_owned() } else { format!("{}.{member}", self.0) };
        Problem { code: Code::InvalidField, path: Some(path.into()) }
    }

    fn read<T, E>(self, member: &str, read: Result<T, E>) -> Result<T, Problem> {
        read.map_err(|_| self.bad(member))
    }

    fn line<const MAX: usize>(self, member: &str, text: Option<&str>) -> Result<Option<Line<MAX>>, Problem> {
        self.read(member, text.map(Line::new).transpose())
    }
}

/// Missing members and wrong values are told apart; the rest is a document that cannot be read.
fn of_json(fault: &JsonFault) -> Problem {
    let (code, path) = match fault {
        JsonFault::Missing(path) => (Code::MissingField, path),
        JsonFault::Unknown(path) | JsonFault::Shape { at: path, .. } | JsonFault::Refused(path) => {
            (Code::InvalidField, path)
        }
        JsonFault::Repeated(path) => (Code::InvalidRequest, path),
        JsonFault::NotUtf8
        | JsonFault::ByteOrderMark
        | JsonFault::Malformed { .. }
        | JsonFault::TrailingData
        | JsonFault::NotFinite
        | JsonFault::TooDeep
        | _ => return Problem::new(Code::InvalidRequest),
    };
    Problem { code, path: Some(dotted(path.as_str()).into()) }
}

/// `/data/amount/currency` as `data.amount.currency`.
fn dotted(path: &str) -> String {
    path.strip_prefix('/').unwrap_or(path).replace('/', ".")
}

/// Section 4.1: the terms of a consent as asked. Judged by [`OfxperaConsent::check`] afterwards.
pub(super) fn terms(asked: NewConsent) -> Result<OfxperaConsent, Problem> {
    let limits = asked.payment_limits.map(limits).transpose()?;
    let readable = |text: &str, path| {
        Line::<255>::new(text).map(drop).map_err(|_| Problem::at(Code::InvalidField, path))
    };
    readable(&asked.purpose, "data.purpose")?;
    for term in &asked.additional_terms {
        readable(&term.key, "data.additional_terms")?;
        readable(&term.value, "data.additional_terms")?;
    }
    // To the second, as it is told again: who sends back what was told asks for no change.
    let instant = |text: &str, path| {
        let read = read_instant(text).map_err(|_| Problem::at(Code::InvalidField, path))?;
        Ok::<_, Problem>(Timestamp::from_seconds(read.seconds()))
    };
    Ok(OfxperaConsent {
        data_holder: asked.data_holder_id,
        permissions: asked.permissions,
        start: instant(&asked.sharing_duration.start_date, "data.sharing_duration.start_date")?,
        end: instant(&asked.sharing_duration.end_date, "data.sharing_duration.end_date")?,
        purpose: asked.purpose,
        additional_terms: asked
            .additional_terms
            .into_iter()
            .map(|term| AdditionalTerm { key: term.key, value: term.value })
            .collect(),
        limits,
    })
}

/// Section 7.1: a consent as it is to become.
pub(super) fn amendment(asked: ChangedConsent, only_if: Option<Vec<i64>>) -> Result<Amendment, Problem> {
    let status = asked.status.map(|status| match status {
        WireStatus::Active => WantedStatus::Active,
        WireStatus::Suspended => WantedStatus::Suspended,
    });
    let terms = terms(NewConsent {
        data_holder_id: asked.data_holder_id,
        permissions: asked.permissions,
        sharing_duration: asked.sharing_duration,
        purpose: asked.purpose,
        additional_terms: asked.additional_terms,
        payment_limits: asked.payment_limits,
    })?;
    Ok(Amendment { terms, status, only_if })
}

fn limits(asked: Limits) -> Result<PaymentLimits, Problem> {
    let amount = |money: &WireMoney| {
        let pesos = pesos(money).map_err(|_| Problem::at(Code::InvalidField, "data.payment_limits"))?;
        Ok::<_, Problem>(Amount::new(pesos.minor(), pesos.currency().code()))
    };
    Ok(PaymentLimits {
        individual: amount(&asked.max_individual_amount)?,
        total: amount(&asked.max_total_amount)?,
    })
}

fn pesos(money: &WireMoney) -> Result<Money, MoneyFault> {
    if Currency::parse(&money.currency)? != Currency::Php {
        return Err(MoneyFault::OtherCurrency);
    }
    amount(&money.amount, Currency::Php)?.positive()
}

/// Section 0: up to thirteen digits, of which the first may be zeros, a point, two digits.
pub(super) fn amount(text: &str, currency: Currency) -> Result<Money, MoneyFault> {
    Money::parse(without_zeros(text)?, currency, IntegerDigits::THIRTEEN)
}

/// The same, with a sign where money leaves.
pub(super) fn signed_amount(text: &str, currency: Currency) -> Result<SignedMoney, MoneyFault> {
    match text.strip_prefix('-') {
        None => amount(text, currency).map(Money::credited),
        Some(magnitude) => amount(magnitude, currency).map(Money::debited),
    }
}

/// The same amount without the zeros in front.
fn without_zeros(text: &str) -> Result<&str, MoneyFault> {
    const DIGITS: usize = 13;
    let whole = text.find('.').filter(|whole| *whole <= DIGITS).ok_or(MoneyFault::NotCanonical)?;
    let zeros = text.bytes().take(whole.saturating_sub(1)).take_while(|byte| *byte == b'0').count();
    Ok(text.get(zeros..).unwrap_or(text))
}

/// Section 4.1, for consents of this interface.
pub(super) fn consent(consent: &Consent, terms: &OfxperaConsent) -> ConsentShown {
    let money = |amount: &Amount| WireMoney { amount: amount.decimal(), currency: amount.currency.clone() };
    ConsentShown {
        id: consent.id.as_str().to_owned(),
        status: consent_status(consent.status),
        created_at: instant(consent.created_at),
        last_updated_at: instant(consent.status_at),
        client_id: consent.client.as_str().to_owned(),
        customer_id: consent.subject.as_ref().map(|subject| subject.as_str().to_owned()),
        data_holder_id: terms.data_holder.clone(),
        permissions: terms.permissions.iter().copied().map(Permission::as_str).collect(),
        sharing_duration: Duration { start_date: instant(terms.start), end_date: instant(terms.end) },
        purpose: terms.purpose.clone(),
        additional_terms: terms
            .additional_terms
            .iter()
            .map(|term| Term { key: term.key.clone(), value: term.value.clone() })
            .collect(),
        payment_limits: terms.limits.as_ref().map(|limits| Limits {
            max_individual_amount: money(&limits.individual),
            max_total_amount: money(&limits.total),
        }),
        account_ids: consent.accounts.clone(),
        revocation_info: consent.revocation.as_ref().map(|revocation| RevocationShown {
            revoked_at: instant(revocation.at),
            reason: revocation.reason.clone(),
        }),
    }
}

const fn consent_status(status: ConsentStatus) -> &'static str {
    match status {
        ConsentStatus::AwaitingAuthorization => "pending",
        ConsentStatus::Authorized => "active",
        ConsentStatus::Suspended => "suspended",
        ConsentStatus::Rejected => "rejected",
        ConsentStatus::Revoked => "revoked",
        ConsentStatus::Expired | ConsentStatus::Finished => "expired",
    }
}

/// Section 8.1.
pub(super) fn source_account(account: &Account, settings: &OfxperaSettings) -> SourceAccount {
    SourceAccount {
        account_id: account.id.as_str().to_owned(),
        account_number: account.number.as_str().to_owned(),
        masked_number: account.number.masked(),
        account_type: match account.kind {
            AccountKind::Current | AccountKind::Pera => "CURRENT",
            AccountKind::Savings => "SAVINGS",
            AccountKind::EWallet => "EWALLET",
        },
        account_name: account.name.as_str().to_owned(),
        currency: account.currency.code(),
        status: match account.status {
            AccountStatus::Active => "ACTIVE",
            AccountStatus::Dormant => "DORMANT",
            AccountStatus::Frozen => "FROZEN",
            AccountStatus::Closed => "CLOSED",
        },
        linkable: is_linkable(account, Some(&account.customer)),
        institution: Institution {
            organization_id: settings.organization_id.clone(),
            name: settings.organization_name.clone(),
            bic: settings.bic.clone(),
        },
    }
}

/// Section 8.4. The balance is there exactly when it may be shown.
pub(super) fn pera_account(account: &Account, parts: Parts) -> PeraAccount {
    let Parts { balance, holdings } = parts;
    PeraAccount {
        id: account.id.as_str().to_owned(),
        account_id: account.number.as_str().to_owned(),
        creation_date: instant(account.opened_at),
        status: pera_status(account.status),
        product: account.product.as_ref().map(|product| product.as_str().to_owned()),
        balance: balance.map(|(balance, as_of)| BalanceShown {
            current_value: balance.booked().to_text(),
            currency: balance.booked().currency().code(),
            as_of: instant(as_of),
        }),
        holdings: holdings.map(|all| all.iter().map(holding).collect()),
    }
}

/// What of an account may be shown beside its name: absent where it may not.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) balance: Option<(Balance, Timestamp)>,
    pub(super) holdings: Option<Vec<Holding>>,
}

/// The interface knows no blocked PERA: it exists and is not closed.
pub(super) const fn pera_status(status: AccountStatus) -> &'static str {
    match status {
        AccountStatus::Active | AccountStatus::Dormant | AccountStatus::Frozen => "ACTIVE",
        AccountStatus::Closed => "CLOSED",
    }
}

/// Whether `extendedData` is told, with what was bought or sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Detail {
    Brief,
    Full(Option<Trade>),
}

/// Section 8.5.
pub(super) fn transaction(line: &BookedTransaction, detail: &Detail) -> TransactionShown {
    let leaving = line.amount.minor() < 0;
    TransactionShown {
        transaction_id: line.id.as_str().to_owned(),
        account_id: line.account.as_str().to_owned(),
        is_detail_available: true,
        kind: match line.kind {
            TransactionKind::Contribution | TransactionKind::Deposit => "CONTRIBUTION",
            TransactionKind::Transfer if leaving => "WITHDRAWAL",
            TransactionKind::Transfer => "CONTRIBUTION",
            TransactionKind::Withdrawal => "WITHDRAWAL",
            TransactionKind::Subscription => "SUBSCRIPTION",
            TransactionKind::Redemption => "REDEMPTION",
            TransactionKind::Income => "INCOME",
            TransactionKind::Fee => "FEE",
            TransactionKind::Reversal => "REVERSAL",
        },
        status: match line.status {
            TransactionStatus::Pending => "PENDING",
            TransactionStatus::Posted { .. } => "POSTED",
        },
        description: line.description.as_str().to_owned(),
        execution_date_time: instant(line.executed_at),
        posting_date_time: line.posted_at().map(instant),
        amount: line.amount.to_text(),
        currency: line.amount.currency().code(),
        reference: line.reference.as_ref().map(|reference| reference.as_str().to_owned()),
        extended_data: match detail {
            Detail::Brief => None,
            Detail::Full(trade) => Some(Extended {
                payment_id: line.payment.as_ref().map(|payment| payment.as_str().to_owned()),
                units: trade.as_ref().map(|trade| trade.units.as_str().to_owned()),
                nav_per_unit: trade.as_ref().map(|trade| trade.unit_price.as_str().to_owned()),
                fee: trade.as_ref().and_then(|trade| trade.fee).map(Money::to_text),
            }),
        },
    }
}

/// An instant on the wire: RFC 3339 in UTC.
pub(super) fn instant(at: Timestamp) -> String {
    write_instant(at, Precision::Seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_3_3_a_missing_member_a_wrong_value_and_no_document_are_told_apart() {
        let problem = |text: &str| {
            let tree = oauth_core::json::read_value(text.as_bytes()).unwrap();
            read::<super::super::body::NewPayment>(tree).unwrap_err()
        };
        assert_eq!(problem("{}"), Problem { code: Code::MissingField, path: Some("data".into()) });
        let problem = problem(r#"{"data":{"sourceAccountId":1}}"#);
        assert_eq!(problem.code, Code::InvalidField);
        assert_eq!(problem.path.as_deref(), Some("data.sourceAccountId"));
    }

    #[test]
    fn section_8_6_an_amount_is_in_pesos_of_two_places_and_more_than_nothing() {
        let money = |amount: &str, currency: &str| {
            pesos(&WireMoney { amount: amount.to_owned(), currency: currency.to_owned() })
        };
        assert_eq!(money("10000.00", "PHP").map(Money::minor), Ok(1_000_000));
        assert_eq!(
            money("0000000000001.00", "PHP").map(Money::minor),
            Ok(100),
            "section 0 allows zeros in front"
        );
        for (amount, currency) in
            [("0.00", "PHP"), ("1.0", "PHP"), ("00000000000001.00", "PHP"), ("1.00", "USD"), ("1e2", "PHP")]
        {
            assert!(money(amount, currency).is_err(), "{amount} {currency}");
        }
    }
}
