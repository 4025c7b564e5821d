//! Section 8.6: contributions, into the domain and out of it.

use super::{instant, pesos};
use crate::dialect::ofxpera::body::{NewPayment, PaymentShown, Rejection, WireMoney, WireRail};
use crate::dialect::ofxpera::error::{Code, Problem};
use crate::domain::{
    AccountId, Creditor, Day, Line, Money, MoneyFault, Payment, PaymentKind, PaymentStatus, Rail,
    RejectionReason, Stage,
};

/// Section 8.6: a contribution as ordered.
#[derive(Debug)]
pub(in super::super) struct Contribution {
    pub(in super::super) source: Option<AccountId>,
    pub(in super::super) pera: AccountId,
    pub(in super::super) amount: Money,
    pub(in super::super) rail: Rail,
    pub(in super::super) day: Option<Day>,
    pub(in super::super) reference: Line<120>,
}

pub(in super::super) fn contribution(asked: &NewPayment) -> Result<Contribution, Problem> {
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
pub(in super::super) fn payment(payment: &Payment) -> Option<PaymentShown> {
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

pub(in super::super) const fn payment_status(stage: Stage) -> &'static str {
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
        RejectionReason::ConsentEnded => {
            ("CONSENT_ENDED", "The consent was not in force on the day of execution, or ended before it.")
        }
        RejectionReason::LimitExceeded => ("LIMIT_EXCEEDED", "A limit of the bank or the rail was exceeded."),
        RejectionReason::FraudSuspected => ("REFUSED", "The bank refused the payment."),
        RejectionReason::RailRefused => ("RAIL_REFUSED", "The rail refused the payment."),
        RejectionReason::GenericFailure => ("FAILED", "The payment could not be made."),
    };
    Rejection { code, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_8_6_a_reference_has_35_characters_of_a_short_alphabet() {
        assert!(reference("CTR-2026/11 a.b").is_ok());
        for bad in ["", "a_b", "caf\u{e9}", &"x".repeat(36)] {
            assert!(reference(bad).is_err(), "{bad}");
        }
    }
}
