//! Into the domain and out of it.

use oauth_core::Timestamp;
use oauth_core::json::{JsonFault, from_tree};
use rar_consent::{
    AdditionalTerm, Amount, Consent, ConsentStatus, OfxperaConsent, PaymentLimits, Permission,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::{
    Account, AccountId, AccountKind, AccountStatus, Balance, BookedTransaction, Creditor, Currency, Day,
    IntegerDigits, Line, Money, MoneyFault, Payment, PaymentKind, PaymentStatus, Precision, Rail,
    RejectionReason, Stage, TransactionKind, TransactionStatus, read_instant, write_instant,
};

use super::OfxperaSettings;
use super::body::{
    BalanceShown, ConsentShown, Duration, Extended, Institution, Limits, NewConsent, NewPayment,
    PaymentShown, PeraAccount, Rejection, RevocationShown, Sent, SourceAccount, Term, TransactionShown,
    WireMoney, WireRail,
};
use super::error::{Code, Problem};

/// A body of this shape, read strictly.
pub(super) fn read<T: DeserializeOwned>(tree: Value) -> Result<T, Problem> {
    from_tree::<Sent<T>>(tree).map(|sent| sent.data).map_err(|fault| of_json(&fault))
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
    let instant = |text: &str, path| read_instant(text).map_err(|_| Problem::at(Code::InvalidField, path));
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
    Money::parse(&money.amount, Currency::Php, IntegerDigits::THIRTEEN)?.positive()
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
        linkable: account.status == AccountStatus::Active && account.currency == Currency::Php,
        institution: Institution {
            organization_id: settings.organization_id.clone(),
            name: settings.organization_name.clone(),
            bic: settings.bic.clone(),
        },
    }
}

/// Section 8.4. The balance is there exactly when it may be shown.
pub(super) fn pera_account(account: &Account, balance: Option<(Balance, Timestamp)>) -> PeraAccount {
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
    }
}

/// The interface knows no blocked PERA: it exists and is not closed.
pub(super) const fn pera_status(status: AccountStatus) -> &'static str {
    match status {
        AccountStatus::Active | AccountStatus::Dormant | AccountStatus::Frozen => "ACTIVE",
        AccountStatus::Closed => "CLOSED",
    }
}

/// Whether `extendedData` is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    Brief,
    Full,
}

/// Section 8.5.
pub(super) fn transaction(line: &BookedTransaction, detail: Detail) -> TransactionShown {
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
        extended_data: (detail == Detail::Full).then(|| Extended {
            payment_id: line.payment.as_ref().map(|payment| payment.as_str().to_owned()),
        }),
    }
}

/// Section 8.6: a contribution as ordered.
#[derive(Debug)]
pub(super) struct Contribution {
    pub(super) source: Option<AccountId>,
    pub(super) pera: AccountId,
    pub(super) amount: Money,
    pub(super) rail: Rail,
    pub(super) day: Option<Day>,
    pub(super) reference: Line<120>,
}

pub(super) fn contribution(asked: &NewPayment) -> Result<Contribution, Problem> {
    let amount = pesos(&asked.amount).map_err(|fault| {
        let path = match fault {
            MoneyFault::OtherCurrency | MoneyFault::UnknownCurrency => "data.amount.currency",
            MoneyFault::NotCanonical
            | MoneyFault::TooLarge
            | MoneyFault::NotPositive
            | MoneyFault::Negative
            | MoneyFault::Overflow => "data.amount.amount",
        };
        Problem::at(Code::InvalidField, path)
    })?;
    let day = asked.requested_execution_date.as_deref().map(Day::parse).transpose();
    let day = day.map_err(|_| Problem::at(Code::InvalidField, "data.requestedExecutionDate"))?;
    Ok(Contribution {
        // What is no identifier names no account: the same answer as for an account that is not there.
        source: AccountId::new(&asked.source_account_id).ok(),
        pera: AccountId::new(&asked.pera_account_id)
            .map_err(|_| Problem::at(Code::AccountNotFound, "data.peraAccountId"))?,
        amount,
        rail: match asked.rail {
            WireRail::Internal => Rail::Internal,
            WireRail::Instapay => Rail::Instapay,
            WireRail::Pesonet => Rail::Pesonet,
        },
        day,
        reference: reference(&asked.reference)?,
    })
}

fn reference(text: &str) -> Result<Line<120>, Problem> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b" ./-".contains(&byte);
    let problem = || Problem::at(Code::InvalidField, "data.reference");
    if !(1..=35).contains(&text.len()) || !text.bytes().all(allowed) {
        return Err(problem());
    }
    Line::new(text).map_err(|_| problem())
}

/// Section 8.6. `None` for a payment that is no contribution, which this interface does not show.
pub(super) fn payment(payment: &Payment) -> Option<PaymentShown> {
    let terms = payment.terms();
    let PaymentKind::Contribution { year } = terms.kind else { return None };
    let Creditor::Internal { account, .. } = &terms.creditor else { return None };
    Some(PaymentShown {
        payment_id: terms.id.as_str().to_owned(),
        consent_id: terms.consent.as_str().to_owned(),
        kind: "CONTRIBUTION",
        status: payment_status(payment.status().stage()),
        creation_date_time: instant(terms.created_at),
        status_update_date_time: instant(payment.status_at()),
        source_account_id: terms.debtor.as_str().to_owned(),
        pera_account_id: account.as_str().to_owned(),
        amount: WireMoney {
            amount: terms.amount.to_text(),
            currency: terms.amount.currency().code().to_owned(),
        },
        rail: match terms.rail {
            Rail::Internal | Rail::UaeInstant => WireRail::Internal,
            Rail::Instapay => WireRail::Instapay,
            Rail::Pesonet => WireRail::Pesonet,
        },
        contribution_year: year,
        requested_execution_date: terms.execution_day.map(|day| day.to_string()),
        reference: terms.debtor_reference.as_ref().map(|line| line.as_str().to_owned()),
        rejection_reason: match payment.status() {
            PaymentStatus::Rejected { reason } => Some(rejection(reason)),
            PaymentStatus::Received
            | PaymentStatus::Pending
            | PaymentStatus::DebtorSettled
            | PaymentStatus::CreditorAccepted
            | PaymentStatus::Completed
            | PaymentStatus::Cancelled => None,
        },
    })
}

pub(super) const fn payment_status(stage: Stage) -> &'static str {
    match stage {
        Stage::Received => "RECEIVED",
        Stage::Pending => "PENDING",
        Stage::DebtorSettled | Stage::CreditorAccepted => "ACCEPTED",
        Stage::Completed => "COMPLETED",
        Stage::Rejected => "REJECTED",
        Stage::Cancelled => "CANCELLED",
    }
}

const fn rejection(reason: RejectionReason) -> Rejection {
    let (code, message) = match reason {
        RejectionReason::InsufficientFunds => ("INSUFFICIENT_FUNDS", "The balance was below the amount."),
        RejectionReason::AccountBlocked => ("ACCOUNT_BLOCKED", "The source account is blocked."),
        RejectionReason::AccountClosed => ("ACCOUNT_CLOSED", "The source account is closed."),
        RejectionReason::CreditorAccountInvalid => {
            ("PERA_ACCOUNT_INVALID", "The PERA account takes no money.")
        }
        RejectionReason::LimitExceeded => ("LIMIT_EXCEEDED", "A limit of the bank or the rail was exceeded."),
        RejectionReason::FraudSuspected => ("REFUSED", "The bank refused the payment."),
        RejectionReason::RailRefused => ("RAIL_REFUSED", "The rail refused the payment."),
        RejectionReason::GenericFailure => ("FAILED", "The payment could not be made."),
    };
    Rejection { code, message }
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
            read::<NewPayment>(tree).unwrap_err()
        };
        assert_eq!(problem("{}"), Problem { code: Code::MissingField, path: Some("data".into()) });
        let problem = problem(r#"{"data":{"sourceAccountId":1}}"#);
        assert_eq!(problem.code, Code::InvalidField);
        assert_eq!(problem.path.as_deref(), Some("data.sourceAccountId"));
    }

    #[test]
    fn section_8_6_an_amount_is_in_pesos_canonical_and_more_than_nothing() {
        let money = |amount: &str, currency: &str| {
            pesos(&WireMoney { amount: amount.to_owned(), currency: currency.to_owned() })
        };
        assert_eq!(money("10000.00", "PHP").map(Money::minor), Ok(1_000_000));
        for (amount, currency) in
            [("0.00", "PHP"), ("1.0", "PHP"), ("01.00", "PHP"), ("1.00", "USD"), ("1e2", "PHP")]
        {
            assert!(money(amount, currency).is_err(), "{amount} {currency}");
        }
    }

    #[test]
    fn section_8_6_a_reference_has_35_characters_of_a_short_alphabet() {
        assert!(reference("CTR-2026/11 a.b").is_ok());
        for bad in ["", "a_b", "caf\u{e9}", &"x".repeat(36)] {
            assert!(reference(bad).is_err(), "{bad}");
        }
    }
}
