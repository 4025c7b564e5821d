//! May this consent be used for this, now. Pure: the answer is the consent with the use booked, or why not.

mod uae;

use oauth_core::Timestamp;

use super::Consent;
use super::history::{Actor, HistoryEntry};
use super::schedule::UaePaymentType;
use super::status::ConsentStatus;
use super::terms::{OfxperaConsent, PaymentInitiation, Permission, Terms};
use super::usage::Usage;
use crate::value::amount::Amount;
pub use uae::{Consumption, PeriodConsumption};

/// One use of a consent: a payment about to be made, or one that was.
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
    /// Which part of the consent, when the order says; needed where there are two.
    pub kind: Option<UaePaymentType>,
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
    /// Another purpose, payee or reference than the consent has.
    BusinessRule,
    /// A type of payment that the consent does not have, or none where it has two.
    Part,
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
        let usage = match &self.terms {
            Terms::UaePayment(payment) => uae::exercised(self, payment, wanted),
            Terms::Ofxpera(consent) => self.within_ofxpera(consent, wanted),
            Terms::Payment(payment) => self.within_payment(payment, wanted),
            Terms::Accounts(_) => Err(refusal(ExerciseFault::NoPayments, "permissions")),
        }?;
        Ok(Self { usage, ..self.clone() })
    }

    /// This consent with a rejected or cancelled payment taken out of its usage. The slot is that of the day on which the
    /// payment was received; of a period that is over only the lifetime gets its part back, for nothing is paid in it again.
    #[must_use]
    pub fn give_back(&self, used: &Use) -> Self {
        let usage = match &self.terms {
            Terms::UaePayment(payment) => uae::given_back(self, payment, used),
            Terms::Ofxpera(_) | Terms::Payment(_) | Terms::Accounts(_) => self.usage.minus(used.amount_minor),
        };
        Self { usage, ..self.clone() }
    }

    /// What a successful payment makes of this consent, with an entry when nothing is left to do and it is finished by that.
    /// `None` when nothing changes.
    #[must_use]
    pub fn succeeded(&self, used: &Use, now: Timestamp) -> Option<(Self, Option<HistoryEntry>)> {
        let (changed, complete) = match &self.terms {
            Terms::UaePayment(payment) => {
                let usage = uae::with_success(self, payment, used);
                let complete = uae::is_complete(&payment.schedule, &usage);
                (Self { usage, ..self.clone() }, complete)
            }
            Terms::Payment(_) => (self.clone(), true),
            Terms::Ofxpera(_) | Terms::Accounts(_) => return None,
        };
        // What time has ended is not finished: section 8.4, last line.
        let running = complete && self.at(now).is_none();
        let finished = running.then(|| changed.moved(ConsentStatus::Finished, &Actor::Engine, REASON, now));
        match finished {
            Some(Ok((finished, entry))) => Some((finished, Some(entry))),
            Some(Err(_)) | None => (changed != *self).then_some((changed, None)),
        }
    }

    /// What has been used of it, as its dialect tells it once it is authorised; none where no dialect does.
    #[must_use]
    pub fn consumption(&self, now: Timestamp) -> Option<Consumption> {
        match &self.terms {
            Terms::UaePayment(payment) => self.authorised_at.map(|_| uae::consumption(self, payment, now)),
            Terms::Ofxpera(_) | Terms::Payment(_) | Terms::Accounts(_) => None,
        }
    }

    fn within_payment(&self, payment: &PaymentInitiation, wanted: &Use) -> Result<Usage, ExerciseRefusal> {
        let creditor = wanted.creditor.as_ref().is_none_or(|iban| *iban == payment.creditor_iban);
        demand(creditor, ExerciseFault::BusinessRule, "creditorAccount.iban")?;
        exactly(&payment.amount, wanted)?;
        demand(self.usage.count == 0, ExerciseFault::Count, "instructedAmount")?;
        self.with_one_more(wanted)
    }

    fn within_ofxpera(&self, consent: &OfxperaConsent, wanted: &Use) -> Result<Usage, ExerciseRefusal> {
        let allowed = consent.permissions.contains(&Permission::PaymentInitiate);
        demand(allowed, ExerciseFault::NoPayments, "permissions")?;
        demand(wanted.at >= consent.start, ExerciseFault::NotYet, "sharing_duration.start_date")?;
        demand(wanted.currency == "PHP", ExerciseFault::Currency, "amount.currency")?;
        demand(wanted.amount_minor > 0, ExerciseFault::Amount, "amount.amount")?;
        let used = self.with_one_more(wanted)?;
        if let Some(limits) = &consent.limits {
            let single = wanted.amount_minor <= limits.individual.minor;
            demand(single, ExerciseFault::Amount, "payment_limits.max_individual_amount")?;
            let within = used.total_minor <= limits.total.minor;
            demand(within, ExerciseFault::Total, "payment_limits.max_total_amount")?;
        }
        Ok(used)
    }

    fn with_one_more(&self, wanted: &Use) -> Result<Usage, ExerciseRefusal> {
        self.usage.plus(wanted.amount_minor).ok_or_else(|| refusal(ExerciseFault::Total, ""))
    }
}

/// Why a consent is finished.
const REASON: &str = "its payments were made";

fn exactly(amount: &Amount, wanted: &Use) -> Result<(), ExerciseRefusal> {
    let currency = wanted.currency == amount.currency;
    demand(currency, ExerciseFault::Currency, "Data.Instruction.Amount.Currency")?;
    let exact = wanted.amount_minor == amount.minor;
    demand(exact, ExerciseFault::Amount, "Data.Instruction.Amount.Amount")
}

fn demand(holds: bool, fault: ExerciseFault, path: &'static str) -> Result<(), ExerciseRefusal> {
    if holds { Ok(()) } else { Err(refusal(fault, path)) }
}

const fn refusal(fault: ExerciseFault, path: &'static str) -> ExerciseRefusal {
    ExerciseRefusal { fault, path }
}
