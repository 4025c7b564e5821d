//! May this consent be used for this, now. Pure: the answer is the consent with the use booked, or why not.

use oauth_core::Timestamp;

use super::Consent;
use super::history::{Actor, HistoryEntry};
use super::status::ConsentStatus;
use super::terms::{OfxperaConsent, PaymentInitiation, Permission, Schedule, Terms, UaePayment};
use crate::value::amount::Amount;
use crate::value::calendar::Zone;

/// One use of a consent: a payment about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// In minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// The account paid to, when the order names one.
    pub creditor: Option<String>,
    /// `PaymentPurposeCode`, when the order has one.
    pub purpose: Option<String>,
    /// The payer's reference, when the order has one.
    pub payer_reference: Option<String>,
    /// The payee's reference, when the order has one.
    pub beneficiary_reference: Option<String>,
    /// Which payment of the consent, as in `UAEOF.SingleInstantPayment`, when the order says.
    pub kind: Option<String>,
    /// When the order was received.
    pub at: Timestamp,
    /// The account paid from, when known.
    pub account: Option<String>,
}

/// Why a consent may not be used so. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault:?} at {path}")]
pub struct ExerciseRefusal {
    /// Which way.
    pub fault: ExerciseFault,
    /// The member it fails at: of the order as `Data.Instruction.Amount.Amount`, of the consent as
    /// `Data.ControlParameters.ConsentSchedule.SinglePayment`. Empty when it is the consent as a whole.
    pub path: &'static str,
}

/// The ways a use can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExerciseFault {
    /// The consent is not in force.
    Status(ConsentStatus),
    /// It does not allow payments.
    NoPayments,
    /// It begins later.
    NotYet,
    /// Another purpose, payee, reference or kind of payment than the consent has.
    BusinessRule,
    /// An account the customer did not give.
    Account,
    /// Another amount, or more than one payment may have.
    Amount,
    /// Another currency.
    Currency,
    /// Not on this day.
    Day,
    /// As many payments as it allows have been made.
    Count,
    /// More than all payments together may have.
    Total,
}

impl Use {
    /// A use without the optional parts.
    #[must_use]
    pub fn new(amount_minor: i64, currency: &str, at: Timestamp) -> Self {
        Self {
            amount_minor,
            currency: currency.to_owned(),
            creditor: None,
            purpose: None,
            payer_reference: None,
            beneficiary_reference: None,
            kind: None,
            at,
            account: None,
        }
    }
}

impl Consent {
    /// This consent with the use booked.
    ///
    /// # Errors
    /// The first limit that does not hold.
    pub fn exercise(&self, wanted: &Use) -> Result<Self, ExerciseRefusal> {
        let status = self.at(wanted.at).map_or(self.status, |(moved, _)| moved.status);
        demand(status == ConsentStatus::Authorized, ExerciseFault::Status(status), "")?;
        let given = |account: &String| self.accounts.is_empty() || self.accounts.contains(account);
        demand(wanted.account.as_ref().is_none_or(given), ExerciseFault::Account, "")?;
        match &self.terms {
            Terms::UaePayment(payment) => self.within_uae(payment, wanted),
            Terms::Ofxpera(consent) => self.within_ofxpera(consent, wanted),
            Terms::Payment(payment) => self.within_payment(payment, wanted),
            Terms::Accounts(_) => refuse(ExerciseFault::NoPayments, "permissions"),
        }?;
        let usage = self.usage.plus(wanted.amount_minor);
        let usage = usage.ok_or(ExerciseRefusal { fault: ExerciseFault::Total, path: "" })?;
        Ok(Self { usage, ..self.clone() })
    }

    /// This consent with a rejected or cancelled payment taken out of its usage.
    #[must_use]
    pub fn give_back(&self, amount_minor: i64) -> Self {
        Self { usage: self.usage.minus(amount_minor), ..self.clone() }
    }

    /// What a successful payment makes of this consent: finished, when nothing is left to do.
    #[must_use]
    pub fn succeeded(&self, now: Timestamp) -> Option<(Self, HistoryEntry)> {
        let complete = match &self.terms {
            Terms::UaePayment(payment) => match payment.schedule {
                Schedule::SingleInstant { .. } => true,
            },
            Terms::Payment(_) => true,
            Terms::Ofxpera(_) | Terms::Accounts(_) => false,
        };
        if !complete {
            return None;
        }
        self.moved(ConsentStatus::Finished, &Actor::Engine, "its payment was made", now).ok()
    }

    fn within_uae(&self, payment: &UaePayment, wanted: &Use) -> Result<(), ExerciseRefusal> {
        let same = |asked: &Option<String>, own: Option<&String>| asked.is_none() || asked.as_ref() == own;
        let rule = ExerciseFault::BusinessRule;
        demand(same(&wanted.purpose, Some(&payment.purpose_code)), rule, "Data.PaymentPurposeCode")?;
        demand(same(&wanted.payer_reference, payment.payer_reference.as_ref()), rule, "Data.PayerReference")?;
        let reference = same(&wanted.beneficiary_reference, payment.beneficiary_reference.as_ref());
        demand(reference, rule, "Data.Instruction.BeneficiaryReference")?;
        let creditor = same(&wanted.creditor, Some(&payment.creditor.iban));
        demand(creditor, rule, "Data.Initiation.CreditorAccount.Identification")?;
        match &payment.schedule {
            Schedule::SingleInstant { amount } => self.within_single_instant(amount, wanted),
        }
    }

    fn within_single_instant(&self, amount: &Amount, wanted: &Use) -> Result<(), ExerciseRefusal> {
        const PART: &str = "Data.ControlParameters.ConsentSchedule.SinglePayment";
        let kind = wanted.kind.as_deref().is_none_or(|kind| kind == "UAEOF.SingleInstantPayment");
        demand(kind, ExerciseFault::BusinessRule, "Data.Type")?;
        exactly(amount, wanted)?;
        let today = Zone::Dubai.day(wanted.at) == Zone::Dubai.day(self.created_at);
        demand(today, ExerciseFault::Day, PART)?;
        demand(self.usage.count == 0, ExerciseFault::Count, PART)
    }

    fn within_payment(&self, payment: &PaymentInitiation, wanted: &Use) -> Result<(), ExerciseRefusal> {
        let creditor = wanted.creditor.as_ref().is_none_or(|iban| *iban == payment.creditor_iban);
        demand(creditor, ExerciseFault::BusinessRule, "creditorAccount.iban")?;
        exactly(&payment.amount, wanted)?;
        demand(self.usage.count == 0, ExerciseFault::Count, "instructedAmount")
    }

    fn within_ofxpera(&self, consent: &OfxperaConsent, wanted: &Use) -> Result<(), ExerciseRefusal> {
        let allowed = consent.permissions.contains(&Permission::PaymentInitiate);
        demand(allowed, ExerciseFault::NoPayments, "permissions")?;
        demand(wanted.at >= consent.start, ExerciseFault::NotYet, "sharing_duration.start_date")?;
        demand(wanted.currency == "PHP", ExerciseFault::Currency, "amount.currency")?;
        demand(wanted.amount_minor > 0, ExerciseFault::Amount, "amount.amount")?;
        let Some(limits) = &consent.limits else {
            return Ok(());
        };
        let single = wanted.amount_minor <= limits.individual.minor;
        demand(single, ExerciseFault::Amount, "payment_limits.max_individual_amount")?;
        let total = self.usage.plus(wanted.amount_minor);
        let within = total.is_some_and(|total| total.total_minor <= limits.total.minor);
        demand(within, ExerciseFault::Total, "payment_limits.max_total_amount")
    }
}

fn exactly(amount: &Amount, wanted: &Use) -> Result<(), ExerciseRefusal> {
    let currency = wanted.currency == amount.currency;
    demand(currency, ExerciseFault::Currency, "Data.Instruction.Amount.Currency")?;
    let exact = wanted.amount_minor == amount.minor;
    demand(exact, ExerciseFault::Amount, "Data.Instruction.Amount.Amount")
}

fn demand(holds: bool, fault: ExerciseFault, path: &'static str) -> Result<(), ExerciseRefusal> {
    if holds { Ok(()) } else { refuse(fault, path) }
}

const fn refuse(fault: ExerciseFault, path: &'static str) -> Result<(), ExerciseRefusal> {
    Err(ExerciseRefusal { fault, path })
}
