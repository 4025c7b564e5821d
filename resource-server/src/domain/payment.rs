//! One payment for every dialect.
//!
//! | Domain | UAE Open Finance | OFxPERA |
//! |---|---|---|
//! | `Received` | `Pending` | `RECEIVED` |
//! | `Pending` | `Pending` | `PENDING` |
//! | `DebtorSettled` | `AcceptedSettlementCompleted` | `ACCEPTED` |
//! | `CreditorAccepted` | `AcceptedWithoutPosting` | `ACCEPTED` |
//! | `Completed` | `AcceptedCreditSettlementCompleted` | `COMPLETED` |
//! | `Rejected` | `Rejected` | `REJECTED` |
//! | `Cancelled` | `Rejected` | `CANCELLED` |
//!
//! The two differ after the debtor has paid: a transfer is then final and comes back only as another payment, while
//! a contribution can still be turned down by the administrator. [`TRANSITIONS`] says so in its last column.

mod status;

use oauth_core::{ConsentId, Subject, Timestamp};
use rar_consent::{UaePaymentType, Use};
use serde::{Deserialize, Serialize};

pub use status::{IllegalMove, Move, PaymentStatus, RejectionReason, Stage, TRANSITIONS};

use super::{
    AccountId, ClientOf, Day, Iban, Line, LocalizedName, Money, MoneyFault, ascii_text, is_uuid, shown,
};

ascii_text! {
    /// A payment, as every dialect names it: a UUID in lower case (RFC 9562 section 4).
    PaymentId, |text| is_uuid(text) && !text.bytes().any(|byte| byte.is_ascii_uppercase())
}
shown!(PaymentId);

impl PaymentId {
    /// A version 4 identifier from sixteen random bytes (RFC 9562 section 5.4).
    #[must_use]
    pub fn from_random(random: [u8; 16]) -> Self {
        let bits =
            u128::from_be_bytes(random) & !(0xf000 << 64) & !(0xc000 << 48) | 0x4000 << 64 | 0x8000 << 48;
        let hex = format!("{bits:032x}");
        let mut text = String::with_capacity(36);
        for (at, digit) in hex.chars().enumerate() {
            if matches!(at, 8 | 12 | 16 | 20) {
                text.push('-');
            }
            text.push(digit);
        }
        Self(text)
    }
}

/// A payment: what was ordered, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    terms: PaymentTerms,
    status: PaymentStatus,
    status_at: Timestamp,
    rail_reference: Option<Line<40>>,
}

impl Payment {
    /// A payment as it enters the bank.
    ///
    /// # Errors
    /// [`MoneyFault::NotPositive`]: nobody pays nothing.
    pub fn receive(terms: PaymentTerms) -> Result<Self, MoneyFault> {
        terms.amount.positive()?;
        let status_at = terms.created_at;
        Ok(Self { terms, status: PaymentStatus::Received, status_at, rail_reference: None })
    }

    /// The same payment in its next status. The instant of a status never runs backwards, even where two processes
    /// disagree about the time.
    ///
    /// # Errors
    /// [`IllegalMove`] when [`TRANSITIONS`] has no such row for this kind of payment.
    pub fn advance(&self, to: PaymentStatus, at: Timestamp) -> Result<Self, IllegalMove> {
        let (from, next) = (self.status.stage(), to.stage());
        let row = TRANSITIONS.iter().find(|row| row.from == from && row.to == next);
        if !row.is_some_and(|row| row.by.includes(self.terms.kind)) {
            return Err(IllegalMove { from, to: next });
        }
        Ok(Self { status: to, status_at: at.max(self.status_at), ..self.clone() })
    }

    /// The same payment as it was when it came in: what a repeat of its order is answered with.
    #[must_use]
    pub fn as_received(&self) -> Self {
        let terms = self.terms.clone();
        Self { status: PaymentStatus::Received, status_at: terms.created_at, rail_reference: None, terms }
    }

    /// The same payment with the number the rail gave it.
    #[must_use]
    pub fn traced(self, rail_reference: Line<40>) -> Self {
        Self { rail_reference: Some(rail_reference), ..self }
    }

    /// Whether it is an order for a later day whose money nobody has taken yet.
    #[must_use]
    pub fn awaits_debit(&self) -> bool {
        self.status.stage() == Stage::Received && self.terms.debit_at.is_some()
    }

    /// What was ordered.
    #[must_use]
    pub const fn terms(&self) -> &PaymentTerms {
        &self.terms
    }

    /// Which payment.
    #[must_use]
    pub const fn id(&self) -> &PaymentId {
        &self.terms.id
    }

    /// How far it has come.
    #[must_use]
    pub const fn status(&self) -> PaymentStatus {
        self.status
    }

    /// Since when.
    #[must_use]
    pub const fn status_at(&self) -> Timestamp {
        self.status_at
    }

    /// The number the rail gave it, once it has.
    #[must_use]
    pub const fn rail_reference(&self) -> Option<&Line<40>> {
        self.rail_reference.as_ref()
    }
}

/// What was ordered. Never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentTerms {
    /// Which payment.
    pub id: PaymentId,
    /// Through which client.
    pub client: ClientOf,
    /// Under which consent.
    pub consent: ConsentId,
    /// Whose money.
    pub customer: Subject,
    /// From which account.
    pub debtor: AccountId,
    /// To whom.
    pub creditor: Creditor,
    /// How much; more than zero.
    pub amount: Money,
    /// What kind of payment.
    pub kind: PaymentKind,
    /// By which way.
    pub rail: Rail,
    /// The day it is to be executed, when not at once.
    pub execution_day: Option<Day>,
    /// The instant before which it is not executed, where the consent names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execute_at: Option<Timestamp>,
    /// The instant from which its money is taken, where that is a later day's matter: until then it is an order and nothing
    /// has left the account. `None` for what is taken with the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debit_at: Option<Timestamp>,
    /// Which part of its consent it uses, where the consent says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent_part: Option<UaePaymentType>,
    /// What the payer notes.
    pub debtor_reference: Option<Line<120>>,
    /// What the payee is told.
    pub creditor_reference: Option<Line<120>>,
    /// Why the money moves, as a code.
    pub purpose: Option<Purpose>,
    /// The client's own number of the payment, told again and not interpreted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_sequence: Option<Line<20>>,
    /// What the client is billed for, told again and not interpreted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing: Option<Billing>,
    /// When the order arrived.
    pub created_at: Timestamp,
}

/// What a third party signed and then encrypted to the bank, as it was sent. No log shows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SealedNote(String);

impl SealedNote {
    /// A JWE in compact form that was opened when it came.
    #[must_use]
    pub const fn new(sealed: String) -> Self {
        Self(sealed)
    }

    /// The JWE.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SealedNote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedNote({} bytes)", self.0.len())
    }
}

impl PaymentTerms {
    /// What of its consent it uses. The same before it is booked and ever after.
    #[must_use]
    pub fn consent_use(&self) -> Use {
        let text = |line: &Option<Line<120>>| line.as_ref().map(|line| line.as_str().to_owned());
        let creditor = match &self.creditor {
            Creditor::Internal { .. } => None,
            Creditor::External { iban, .. } => Some(iban.as_str().to_owned()),
        };
        Use {
            creditor,
            purpose: self.purpose.as_ref().map(|purpose| purpose.as_str().to_owned()),
            payer_reference: text(&self.debtor_reference),
            beneficiary_reference: text(&self.creditor_reference),
            kind: self.consent_part,
            account: Some(self.debtor.as_str().to_owned()),
            ..Use::new(self.amount.minor(), self.amount.currency().code(), self.created_at)
        }
    }
}

/// Who is paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Creditor {
    /// An account of this bank.
    Internal {
        /// Which.
        account: AccountId,
        /// The holder, when the order named one.
        name: Option<LocalizedName>,
    },
    /// An account anywhere.
    External {
        /// Its IBAN.
        iban: Iban,
        /// The holder.
        name: LocalizedName,
        /// The name the payee trades under.
        trading_name: Option<LocalizedName>,
    },
}

/// What the platform bills a client for, in the words of UAE Bank Service Initiation, version 1.2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billing {
    /// What kind of payment it is to be billed as.
    pub kind: BillingKind,
    /// The merchant it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant: Option<Line<20>>,
}

/// What kind of payment a payment is billed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BillingKind {
    /// A merchant collects.
    Collection,
    /// A merchant collects a large amount.
    LargeValueCollection,
    /// A person pays a person.
    PushP2P,
    /// A person is paid by a person who was asked.
    PullP2P,
    /// Between accounts of one person.
    Me2Me,
}

/// What kind of payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentKind {
    /// To a payee. Final once the debtor has paid.
    Transfer,
    /// To a PERA. Counts against the allowance of a year.
    Contribution {
        /// The calendar year in Manila it counts for.
        year: i32,
    },
}

/// The way money takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rail {
    /// Within this bank.
    Internal,
    /// The Philippine instant transfer scheme.
    Instapay,
    /// The Philippine batch transfer scheme.
    Pesonet,
    /// The UAE instant transfer scheme.
    UaeInstant,
}

ascii_text! {
    /// Why money moves: a code of three or four upper-case letters.
    Purpose, |text| PURPOSE_LETTERS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase())
}
shown!(Purpose);

/// Letters of a [`Purpose`].
pub const PURPOSE_LETTERS: std::ops::RangeInclusive<usize> = 3..=4;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Currency;

    const CONTRIBUTION: PaymentKind = PaymentKind::Contribution { year: 2026 };

    fn terms(kind: PaymentKind, minor: i64) -> PaymentTerms {
        PaymentTerms {
            id: PaymentId::new("6f1d2c7a-2b56-4c1e-9c57-0f4f5d0a7b33").unwrap(),
            client: ClientOf {
                issuer: oauth_core::Issuer::new("https://as.example").unwrap(),
                id: oauth_core::ClientId::new("tpp-1").unwrap(),
            },
            consent: ConsentId::new("aac-1").unwrap(),
            customer: Subject::new("mariam").unwrap(),
            debtor: AccountId::new("ca-1").unwrap(),
            creditor: Creditor::External {
                iban: Iban::parse("AE070331234567890123456").unwrap(),
                name: LocalizedName::english(Line::new("Palm Books").unwrap()),
                trading_name: None,
            },
            amount: Money::new(minor, Currency::Aed).unwrap(),
            kind,
            rail: Rail::UaeInstant,
            execution_day: Some(Day::parse("2026-11-22").unwrap()),
            execute_at: None,
            debit_at: None,
            consent_part: None,
            debtor_reference: None,
            creditor_reference: Some(Line::new("INV-2026-11").unwrap()),
            purpose: Some(Purpose::new("RENT").unwrap()),
            client_sequence: None,
            billing: None,
            created_at: Timestamp::from_seconds(1000),
        }
    }

    fn payment(kind: PaymentKind) -> Payment {
        Payment::receive(terms(kind, 25_000)).unwrap()
    }

    fn status(stage: Stage) -> PaymentStatus {
        match stage {
            Stage::Received => PaymentStatus::Received,
            Stage::Pending => PaymentStatus::Pending,
            Stage::DebtorSettled => PaymentStatus::DebtorSettled,
            Stage::CreditorAccepted => PaymentStatus::CreditorAccepted,
            Stage::Completed => PaymentStatus::Completed,
            Stage::Rejected => PaymentStatus::Rejected { reason: RejectionReason::InsufficientFunds },
            Stage::Cancelled => PaymentStatus::Cancelled,
        }
    }

    fn in_stage(stage: Stage, kind: PaymentKind) -> Payment {
        Payment { status: status(stage), ..payment(kind) }
    }

    /// The dialects' own tables, read off their documents, against which ours is projected.
    fn uae(stage: Stage) -> &'static str {
        match stage {
            Stage::Received | Stage::Pending => "Pending",
            Stage::DebtorSettled => "AcceptedSettlementCompleted",
            Stage::CreditorAccepted => "AcceptedWithoutPosting",
            Stage::Completed => "AcceptedCreditSettlementCompleted",
            Stage::Rejected | Stage::Cancelled => "Rejected",
        }
    }

    fn ofxpera(stage: Stage) -> &'static str {
        match stage {
            Stage::Received => "RECEIVED",
            Stage::Pending => "PENDING",
            Stage::DebtorSettled | Stage::CreditorAccepted => "ACCEPTED",
            Stage::Completed => "COMPLETED",
            Stage::Rejected => "REJECTED",
            Stage::Cancelled => "CANCELLED",
        }
    }

    fn projected(kind: PaymentKind, name: fn(Stage) -> &'static str) -> Vec<(&'static str, &'static str)> {
        let open = TRANSITIONS.iter().filter(|row| row.is_open_to(kind));
        let mut moves: Vec<_> =
            open.map(|row| (name(row.from), name(row.to))).filter(|(a, b)| a != b).collect();
        moves.sort_unstable();
        moves.dedup();
        moves
    }

    #[test]
    fn the_moves_of_a_transfer_are_those_of_the_uae_document() {
        let mut document = vec![
            ("Pending", "AcceptedSettlementCompleted"),
            ("Pending", "AcceptedWithoutPosting"),
            ("Pending", "AcceptedCreditSettlementCompleted"),
            ("Pending", "Rejected"),
            ("AcceptedSettlementCompleted", "AcceptedWithoutPosting"),
            ("AcceptedSettlementCompleted", "AcceptedCreditSettlementCompleted"),
            ("AcceptedWithoutPosting", "AcceptedCreditSettlementCompleted"),
        ];
        document.sort_unstable();
        assert_eq!(projected(PaymentKind::Transfer, uae), document);
    }

    #[test]
    fn stages_of_a_transfer_that_look_the_same_outside_may_move_to_the_same() {
        let next = |from: Stage| {
            let open = TRANSITIONS.iter().filter(|row| row.is_open_to(PaymentKind::Transfer));
            let mut seen: Vec<_> = open.filter(|row| row.from == from).map(|row| uae(row.to)).collect();
            seen.retain(|to| *to != uae(from));
            seen.sort_unstable();
            seen.dedup();
            seen
        };
        for (one, other) in Stage::ALL.iter().flat_map(|one| Stage::ALL.map(|other| (*one, other))) {
            if uae(one) == uae(other) {
                assert_eq!(next(one), next(other), "{one:?} and {other:?}");
            }
        }
    }

    #[test]
    fn the_moves_of_a_contribution_are_those_of_the_ofxpera_document() {
        let mut document = vec![
            ("RECEIVED", "PENDING"),
            ("RECEIVED", "CANCELLED"),
            ("RECEIVED", "REJECTED"),
            ("PENDING", "ACCEPTED"),
            ("PENDING", "CANCELLED"),
            ("PENDING", "REJECTED"),
            ("ACCEPTED", "COMPLETED"),
            ("ACCEPTED", "REJECTED"),
        ];
        document.sort_unstable();
        assert_eq!(projected(CONTRIBUTION, ofxpera), document);
    }

    #[test]
    fn nothing_leads_out_of_a_terminal_status() {
        let terminal = [Stage::Completed, Stage::Rejected, Stage::Cancelled];
        for from in Stage::ALL {
            assert_eq!(from.is_terminal(), terminal.contains(&from), "{from:?}");
        }
        for (from, to) in terminal.iter().flat_map(|from| Stage::ALL.map(|to| (*from, to))) {
            for kind in [PaymentKind::Transfer, CONTRIBUTION] {
                let moved = in_stage(from, kind).advance(status(to), Timestamp::EPOCH);
                assert_eq!(moved, Err(IllegalMove { from, to }));
            }
        }
    }

    #[test]
    fn a_transfer_is_final_once_the_debtor_has_paid_and_a_contribution_is_not() {
        let rejected = status(Stage::Rejected);
        for from in [Stage::DebtorSettled, Stage::CreditorAccepted] {
            assert!(in_stage(from, PaymentKind::Transfer).advance(rejected, Timestamp::EPOCH).is_err());
            assert!(in_stage(from, CONTRIBUTION).advance(rejected, Timestamp::EPOCH).is_ok());
        }
    }

    #[test]
    fn a_status_carries_the_instant_of_its_change_and_never_an_earlier_one() {
        let pending = payment(PaymentKind::Transfer)
            .advance(PaymentStatus::Pending, Timestamp::from_seconds(2000))
            .unwrap();
        assert_eq!(pending.status_at(), Timestamp::from_seconds(2000));
        let rejected = pending.advance(status(Stage::Rejected), Timestamp::from_seconds(1500)).unwrap();
        assert_eq!(rejected.status_at(), Timestamp::from_seconds(2000));
        assert_eq!(rejected.status(), PaymentStatus::Rejected { reason: RejectionReason::InsufficientFunds });
        assert_eq!(rejected.terms(), payment(PaymentKind::Transfer).terms());
    }

    #[test]
    fn a_payment_of_nothing_is_not_received() {
        assert_eq!(Payment::receive(terms(CONTRIBUTION, 0)), Err(MoneyFault::NotPositive));
    }

    #[test]
    fn a_payment_id_is_a_uuid_in_lower_case() {
        assert_eq!(PaymentId::from_random([0xff; 16]).as_str(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(PaymentId::from_random([0; 16]).as_str(), "00000000-0000-4000-8000-000000000000");
        for bad in [
            "",
            "6F1D2C7A-2b56-4c1e-9c57-0f4f5d0a7b33",
            "6f1d2c7a2b564c1e9c570f4f5d0a7b33",
            "{6f1d2c7a-2b56-4c1e-9c57-0f4f5d0a7b3}",
            "6f1d2c7a-2b56-4c1e-9c57-0f4f5d0a7b3g",
        ] {
            assert!(PaymentId::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_stored_form_of_a_payment_does_not_change() {
        let stored = r#"{"terms":{"id":"6f1d2c7a-2b56-4c1e-9c57-0f4f5d0a7b33","client":{"issuer":"https://as.example","id":"tpp-1"},"consent":"aac-1","customer":"mariam","debtor":"ca-1","creditor":{"external":{"iban":"AE070331234567890123456","name":{"en":"Palm Books"},"trading_name":null}},"amount":{"minor":25000,"currency":"AED"},"kind":{"contribution":{"year":2026}},"rail":"uae_instant","execution_day":"2026-11-22","debtor_reference":null,"creditor_reference":"INV-2026-11","purpose":"RENT","created_at":1000000},"status":{"rejected":{"reason":"insufficient_funds"}},"status_at":1000000,"rail_reference":null}"#;
        let rejected = in_stage(Stage::Rejected, CONTRIBUTION);
        assert_eq!(serde_json::to_string(&rejected).unwrap(), stored);
        assert_eq!(serde_json::from_str::<Payment>(stored).unwrap(), rejected);
    }

    proptest! {
        #[test]
        fn a_walk_over_any_wishes_ends_at_the_first_terminal_status(wishes in proptest::collection::vec(0_usize..7, 0..40)) {
            let mut walk = payment(CONTRIBUTION);
            let mut ended = None;
            for wish in wishes {
                if let Ok(next) = walk.advance(status(Stage::ALL[wish]), Timestamp::EPOCH) {
                    prop_assert_eq!(ended, None);
                    walk = next;
                    ended = walk.status().stage().is_terminal().then_some(walk.status());
                }
            }
        }

        #[test]
        fn every_random_identifier_is_well_formed(random in any::<[u8; 16]>()) {
            let id = PaymentId::from_random(random);
            prop_assert_eq!(PaymentId::new(id.as_str()), Ok(id));
        }
    }
}
