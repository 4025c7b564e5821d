//! UAE Bank Service Initiation, into and out of the domain (sections 8.1, 8.3, 8.5, 14).

use oauth_core::{ConsentId, RuleId, Timestamp};
use rar_consent::{
    Actor, Amount, AuthorizerApproval, Consent, Consumption, SinglePayment, Subscription, UaeAccount,
    UaeName, UaePayment, UaePaymentType, UaeVocabulary, Use,
};
use serde_json::{Map, Value, json};

use super::body::{
    AmountText, Authorization, ConsentAnswer, ConsentLinks, ConsentMeta, Empty, English, Instruction,
    MultipleAuthorizers, PaymentAnswer, PaymentData, PaymentFound, PaymentLinks, PaymentRequestData,
    PaymentStatusCode, RefundAccount, RefundAnswer, RefundData, SelfLink, SequenceNumber, StatusDetail,
    StatusReason,
};
use super::error::{Reason, Refused};
use super::patch::RevokedBy;
use super::v1_2;
use crate::domain::{
    Creditor, Currency, Iban, IdempotencyKey, Line, LocalizedName, Money, Payment, PaymentId, PaymentStatus,
    Precision, Purpose, Rail, RejectionReason, RequestFingerprint, write_instant,
};
use crate::operation::payments::{Debtor, KeyKept, OrderKind, PaymentOrder};

/// Where the resources of this dialect live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Base(String);

/// The path below the server's own address, by the vocabulary that is spoken there (section 1).
pub(crate) const fn base_path(vocabulary: UaeVocabulary) -> &'static str {
    match vocabulary {
        UaeVocabulary::Seed => "/open-finance/payment/v1",
        UaeVocabulary::V1_2 => "/open-finance/payment/v1.2",
    }
}

impl Base {
    /// Under this origin, without a slash at its end.
    pub(crate) fn at(origin: &str, vocabulary: UaeVocabulary) -> Self {
        Self(format!("{origin}{}", base_path(vocabulary)))
    }

    /// The address itself, one of the names of this server in `aud`.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of a payment.
    pub(crate) fn payment(&self, id: &PaymentId) -> String {
        format!("{}/payments/{id}", self.0)
    }

    /// The address of a consent. Its characters are safe in a path: section 4.1.
    pub(crate) fn consent(&self, id: &ConsentId) -> String {
        format!("{}/payment-consents/{id}", self.0)
    }
}

/// The order behind a request: the payee is the consent's, since the request names none (section 8.1).
pub(crate) fn order(
    data: PaymentRequestData,
    (terms, part): (&UaePayment, UaePaymentType),
    (key, fingerprint): (IdempotencyKey, RequestFingerprint),
) -> Result<PaymentOrder, Refused> {
    Ok(PaymentOrder {
        amount: amount(&data.instruction.amount)?,
        consent: data.consent_id,
        creditor: creditor(terms.only_creditor().ok_or_else(unpayable)?)?,
        debtor: Debtor::OfConsent,
        kind: OrderKind::Transfer,
        rail: Rail::UaeInstant,
        execution_day: None,
        execute_at: terms
            .schedule
            .single()
            .filter(|single| single.kind() == part)
            .and_then(SinglePayment::execute_at),
        debtor_reference: data.payer_reference,
        creditor_reference: data.instruction.beneficiary_reference,
        purpose: Some(data.payment_purpose_code),
        client_sequence: data.instruction.payment_sequence_number.map(SequenceNumber::into_line),
        billing: None,
        personal: None,
        consent_part: Some(part),
        key,
        key_kept: KeyKept::WithPayment,
        fingerprint,
    })
}

/// What of its consent an order uses. The account is judged later, and the book judges all of it again under its lock.
pub(crate) fn use_of(order: &PaymentOrder, at: Timestamp) -> Use {
    let text = |line: &Option<Line<120>>| line.as_ref().map(Line::to_string);
    Use {
        purpose: order.purpose.as_ref().map(Purpose::to_string),
        payer_reference: text(&order.debtor_reference),
        beneficiary_reference: text(&order.creditor_reference),
        kind: order.consent_part,
        ..Use::new(order.amount.minor(), order.amount.currency().code(), at)
    }
}

/// The payee of a consent. What the consent was vetted with is read again by the stricter types of the domain.
pub(crate) fn creditor(account: &UaeAccount) -> Result<Creditor, Refused> {
    let refused = unpayable;
    let name = |name: &UaeName| {
        let line = |text: &Option<String>| text.as_deref().map(Line::new).transpose();
        let (en, ar) = (line(&name.en).map_err(|_| refused())?, line(&name.ar).map_err(|_| refused())?);
        LocalizedName::new(en, ar).map_err(|_| refused())
    };
    Ok(Creditor::External {
        iban: Iban::parse(&account.iban).map_err(|_| refused())?,
        name: account.name.as_ref().map(name).transpose()?.ok_or_else(refused)?,
        trading_name: account.trading_name.as_ref().map(name).transpose()?,
    })
}

fn unpayable() -> Refused {
    Refused::at(CREDITOR, Reason::Consent, "Data.Initiation.CreditorAccount")
}

/// Section 9.3: the amount, in a currency the domain knows with the two decimals of the wire form. Any other cannot be
/// the consent's, whose currency is AED.
pub(crate) fn amount(text: &AmountText) -> Result<Money, Refused> {
    let currency = Currency::parse(text.currency.as_str()).ok().filter(|known| known.decimals() == 2);
    let refused = |path| Refused::at(CONTROL, Reason::ControlParameters, path);
    let currency = currency.ok_or_else(|| refused("Data.Instruction.Amount.Currency"))?;
    let read = Amount::padded(text.amount.as_str(), currency.code()).ok();
    let read = read.and_then(|read| Money::new(read.minor, currency).ok());
    read.ok_or_else(|| refused("Data.Instruction.Amount.Amount"))
}

/// Which state of a payment an answer shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// As it was when it was created: the answer to the order and to its repeats (sections 8.2 and 8.3).
    AsCreated,
    /// As it is now.
    Current,
}

/// The message about a payment.
pub(crate) fn payment_answer(
    base: &Base,
    payment: &Payment,
    kind: Option<UaePaymentType>,
    shown: Shown,
) -> PaymentAnswer {
    let terms = payment.terms();
    let (status, status_at, trace) = match shown {
        Shown::AsCreated => (PaymentStatus::Received, terms.created_at, None),
        Shown::Current => (payment.status(), payment.status_at(), payment.rail_reference()),
    };
    PaymentAnswer {
        data: PaymentData {
            payment_id: terms.id.to_string(),
            consent_id: terms.consent.to_string(),
            kind,
            payment_transaction_id: trace.map(Line::to_string),
            payment_status: status_code(status),
            payment_status_update_date_time: date_time(status_at),
            payment_status_detail: status_detail(status),
            creation_date_time: date_time(terms.created_at),
            instruction: Instruction {
                amount: AmountText::of(terms.amount),
                beneficiary_reference: terms.creditor_reference.clone(),
                payment_sequence_number: terms.client_sequence.clone().map(SequenceNumber::of),
            },
            payment_purpose_code: terms.purpose.as_ref().map(Purpose::to_string),
            payer_reference: terms.debtor_reference.as_ref().map(Line::to_string),
        },
        links: PaymentLinks { this: base.payment(&terms.id), related: base.consent(&terms.consent) },
        meta: Empty {},
    }
}

/// The message that says where the payment of an idempotency key is.
pub(crate) fn payment_found(base: &Base, id: &PaymentId) -> PaymentFound {
    PaymentFound { data: Empty {}, links: SelfLink { this: base.payment(id) } }
}

/// The message about a consent (section 14): the container as staged, with what the platform adds to it.
pub(crate) fn consent_answer(
    base: &Base,
    (consent, terms): (&Consent, &UaePayment),
    payments: &[PaymentId],
    now: Timestamp,
) -> ConsentAnswer {
    let data = match terms.vocabulary {
        UaeVocabulary::Seed => consent_data((consent, terms), now),
        UaeVocabulary::V1_2 => v1_2::map::consent_data((consent, terms), now),
    };
    ConsentAnswer {
        data,
        subscription: consent.subscription.as_ref().map(subscription),
        links: ConsentLinks {
            this: base.consent(&consent.id),
            related: payments.iter().map(|id| base.payment(id)).collect(),
        },
        meta: ConsentMeta { multiple_authorizers: multiple_authorizers(consent) },
    }
}

/// `Data` of a consent, in the words of the early drafts.
fn consent_data((consent, terms): (&Consent, &UaePayment), now: Timestamp) -> Map<String, Value> {
    let staged = ["Data", "consent"].into_iter().find_map(|name| consent.element.get(name));
    let mut data = staged.and_then(Value::as_object).cloned().unwrap_or_default();
    let mut set = |name: &str, value: Value| data.insert(name.to_owned(), value);
    set("ConsentId", consent.id.as_str().into());
    set("AuthorizationExpirationTimeWindow", terms.window.as_str().into());
    set("ExpirationDateTime", date_time(terms.expires_at).into());
    set("Status", consent.status.as_str().into());
    set("CreationDateTime", date_time(consent.created_at).into());
    set("StatusUpdateDateTime", date_time(consent.status_at).into());
    if let Some(revocation) = &consent.revocation {
        set("RevokedBy", revoked_by(&revocation.by, &revocation.reason).into());
    }
    if let Some(used) = consent.consumption(now) {
        set("PaymentConsumption", consumption(&used).into());
    }
    if let Some(schedule) = data.get_mut("ControlParameters").and_then(|it| it.pointer_mut(PERIODIC)) {
        name_period_maxima(schedule);
    }
    data
}

/// Section 7: who has to approve, from the first of several approvals on.
pub(crate) fn multiple_authorizers(consent: &Consent) -> Option<MultipleAuthorizers> {
    let told = |entry: &AuthorizerApproval| Authorization {
        authorizer_id: entry.authorizer.id.clone(),
        authorizer_type: entry.authorizer.kind.clone(),
        authorization_status: entry.state.as_str(),
        authorization_date: entry.decided_at.map(date_time),
    };
    let authorizations: Vec<Authorization> = consent.approvals.iter().map(told).collect();
    let total_required = authorizations.len();
    (total_required > 0).then_some(MultipleAuthorizers { total_required, authorizations })
}

/// The message that says where a refund goes (section 14).
pub(crate) fn refund_answer(
    base: &Base,
    (consent, terms): (&Consent, &UaePayment),
    iban: &str,
    holder: &str,
) -> RefundAnswer {
    RefundAnswer {
        data: RefundData {
            consent_id: consent.id.as_str().to_owned(),
            base_consent_id: terms.base_consent.clone(),
            refund_account: RefundAccount {
                scheme_name: "IBAN",
                identification: iban.to_owned(),
                name: holder.to_owned(),
            },
        },
        links: SelfLink { this: format!("{}/refund", base.consent(&consent.id)) },
    }
}

/// Section 11.1: where the client wants its events now.
fn subscription(to: &Subscription) -> Value {
    json!({"Webhook": {"Url": to.url, "IsActive": to.active}})
}

/// Section 8.5.
pub(super) fn consumption(used: &Consumption) -> Map<String, Value> {
    let value = |amount: &Amount| json!({"Amount": amount.decimal(), "Currency": amount.currency});
    let mut told = Map::new();
    let mut tell = |name: &str, value: Value| drop(told.insert(name.to_owned(), value));
    tell("CumulativeNumberOfPayments", used.count.into());
    tell("CumulativeValueOfPayments", value(&used.value));
    if let Some(period) = &used.in_period {
        tell("CumulativeNumberOfPaymentsInCurrentPeriod", period.count.into());
        tell("CumulativeValueOfPaymentsInCurrentPeriod", value(&period.value));
    }
    told
}

/// Section 5: the maxima of a period are told under their first names, whichever the client used.
fn name_period_maxima(schedule: &mut Value) {
    let Some(members) = schedule.as_object_mut() else { return };
    let mut controls = match members.remove("Controls") {
        Some(Value::Object(controls)) => controls,
        Some(_) | None => Map::new(),
    };
    for what in ["Number", "Value"] {
        let name = format!("MaximumCumulative{what}OfPaymentsPerPeriod");
        let given = members.remove(&name).or_else(|| controls.remove(&name));
        if let Some(given) = given {
            members.entry(format!("{name}Type")).or_insert(given);
        }
    }
}

const PERIODIC: &str = "/ConsentSchedule/MultiPayment/PeriodicSchedule";

/// Section 6: who took the consent back. A client says itself on whose behalf; the word is kept as the reason.
pub(super) fn revoked_by(actor: &Actor, reason: &str) -> &'static str {
    match actor {
        Actor::Tpp(_) if reason == RevokedBy::TppInitiatedByUser.as_str() => {
            RevokedBy::TppInitiatedByUser.as_str()
        }
        Actor::Tpp(_) => RevokedBy::Tpp.as_str(),
        Actor::Customer(_) => "LFI.InitiatedByUser",
        Actor::Operator(_) | Actor::Clock | Actor::Engine => "LFI",
    }
}

/// UTC with `Z` and milliseconds.
pub(crate) fn date_time(at: Timestamp) -> String {
    write_instant(at, Precision::Milliseconds)
}

/// Section 8.3. A cancelled payment is a rejected one here: the vocabulary has no other word.
pub(crate) const fn status_code(status: PaymentStatus) -> PaymentStatusCode {
    match status {
        PaymentStatus::Received | PaymentStatus::Pending => PaymentStatusCode::Pending,
        PaymentStatus::DebtorSettled => PaymentStatusCode::AcceptedSettlementCompleted,
        PaymentStatus::CreditorAccepted => PaymentStatusCode::AcceptedWithoutPosting,
        PaymentStatus::Completed => PaymentStatusCode::AcceptedCreditSettlementCompleted,
        PaymentStatus::Rejected { .. } | PaymentStatus::Cancelled => PaymentStatusCode::Rejected,
    }
}

/// Section 8.3: present exactly when the status is `Rejected`.
pub(crate) fn status_detail(status: PaymentStatus) -> Option<StatusDetail> {
    let (code, detail) = match status {
        PaymentStatus::Received
        | PaymentStatus::Pending
        | PaymentStatus::DebtorSettled
        | PaymentStatus::CreditorAccepted
        | PaymentStatus::Completed => return None,
        PaymentStatus::Cancelled => ("LFI.GenericFailure", "the payment was cancelled"),
        PaymentStatus::Rejected { reason } => rejection(reason),
    };
    let message = English { en: "The payment could not be executed." };
    Some(StatusDetail { reason: StatusReason { code, detail }, message })
}

const fn rejection(reason: RejectionReason) -> (&'static str, &'static str) {
    match reason {
        RejectionReason::InsufficientFunds => {
            ("LFI.InsufficientFunds", "the available balance is below the instructed amount")
        }
        RejectionReason::AccountBlocked => ("LFI.AccountBlocked", "the debtor account is blocked"),
        RejectionReason::AccountClosed => ("LFI.AccountClosed", "the debtor account is closed"),
        RejectionReason::CreditorAccountInvalid => {
            ("LFI.CreditorAccountInvalid", "the creditor account does not exist or takes no money")
        }
        RejectionReason::ConsentEnded => {
            ("LFI.GenericFailure", "the consent was not in force on the day of execution, or ended before it")
        }
        RejectionReason::LimitExceeded => ("LFI.LimitExceeded", "a limit of the bank or of the rail"),
        RejectionReason::FraudSuspected => ("LFI.FraudSuspected", "the bank suspects fraud"),
        RejectionReason::RailRefused => ("AANI.Refused", "the rail or the receiving bank refused"),
        RejectionReason::GenericFailure => ("LFI.GenericFailure", "the payment failed"),
    }
}

/// Section 4: the payee of a consent has an IBAN and a name.
const CREDITOR: RuleId = RuleId("UAEBSI-4-payee");
/// Section 9.3: the currency of a payment is the consent's.
const CONTROL: RuleId = RuleId("UAEBSI-9.3-currency");

#[cfg(test)]
mod tests {
    use oauth_core::json::read_strict;
    use oauth_core::{ClientId, Issuer, Subject};
    use serde_json::json;

    use super::*;
    use crate::domain::{AccountId, ClientOf, PaymentKind, PaymentTerms, read_instant};

    fn payment() -> Payment {
        let terms = PaymentTerms {
            id: PaymentId::new("6f1d2c7a-2b56-4c1e-9c57-0f4f5d0a7b33").unwrap(),
            client: ClientOf {
                issuer: Issuer::new("https://as.example").unwrap(),
                id: ClientId::new("tpp-1").unwrap(),
            },
            consent: ConsentId::new("aac-3f0a9b64-9d0e-4c57-8d6b-1f2f7b5c0a01").unwrap(),
            customer: Subject::new("mariam").unwrap(),
            debtor: AccountId::new("acc-1").unwrap(),
            creditor: Creditor::External {
                iban: Iban::parse("AE050260001015432198765").unwrap(),
                name: LocalizedName::english(Line::new("Date Palm Books LLC").unwrap()),
                trading_name: None,
            },
            amount: Money::new(14_990, Currency::Aed).unwrap(),
            kind: PaymentKind::Transfer,
            rail: Rail::UaeInstant,
            execution_day: None,
            execute_at: None,
            debit_at: None,
            consent_part: Some(UaePaymentType::SingleInstant),
            debtor_reference: Some(Line::new("order 88121").unwrap()),
            creditor_reference: Some(Line::new("88121").unwrap()),
            purpose: Some(Purpose::new("GDDS").unwrap()),
            client_sequence: Some(Line::new("1").unwrap()),
            billing: None,
            created_at: read_instant("2026-11-21T08:15:30.412Z").unwrap(),
        };
        Payment::receive(terms).unwrap()
    }

    fn shown(payment: &Payment, shown: Shown) -> Value {
        let kind = payment.terms().consent_part;
        let answer =
            payment_answer(&Base::at("https://rs.example", UaeVocabulary::Seed), payment, kind, shown);
        serde_json::to_value(answer).unwrap()
    }

    #[test]
    fn a_payment_is_written_as_the_document_shows_it() {
        let here = "https://rs.example/open-finance/payment/v1";
        assert_eq!(
            shown(&payment(), Shown::Current),
            json!({
                "Data": {
                    "PaymentId": "6f1d2c7a-2b56-4c1e-9c57-0f4f5d0a7b33",
                    "ConsentId": "aac-3f0a9b64-9d0e-4c57-8d6b-1f2f7b5c0a01",
                    "Type": "UAEOF.SingleInstantPayment",
                    "PaymentStatus": "Pending",
                    "PaymentStatusUpdateDateTime": "2026-11-21T08:15:30.412Z",
                    "CreationDateTime": "2026-11-21T08:15:30.412Z",
                    "Instruction": {
                        "Amount": {"Amount": "149.90", "Currency": "AED"},
                        "BeneficiaryReference": "88121",
                        "PaymentSequenceNumber": "1"
                    },
                    "PaymentPurposeCode": "GDDS",
                    "PayerReference": "order 88121"
                },
                "Links": {
                    "Self": format!("{here}/payments/6f1d2c7a-2b56-4c1e-9c57-0f4f5d0a7b33"),
                    "Related": format!("{here}/payment-consents/aac-3f0a9b64-9d0e-4c57-8d6b-1f2f7b5c0a01")
                },
                "Meta": {}
            })
        );
    }

    #[test]
    fn the_answer_to_a_repeat_shows_the_payment_as_it_was_created() {
        let later = read_instant("2026-11-21T09:00:00Z").unwrap();
        let moved = payment().traced(Line::new("20261121AE000417").unwrap());
        let moved = moved.advance(PaymentStatus::Pending, later).unwrap();
        let moved = moved.advance(PaymentStatus::Completed, later).unwrap();
        assert_eq!(shown(&moved, Shown::AsCreated), shown(&payment(), Shown::Current));
        let current = shown(&moved, Shown::Current);
        assert_eq!(current["Data"]["PaymentStatus"], "AcceptedCreditSettlementCompleted");
        assert_eq!(current["Data"]["PaymentStatusUpdateDateTime"], "2026-11-21T09:00:00.000Z");
        assert_eq!(current["Data"]["PaymentTransactionId"], "20261121AE000417");
    }

    #[test]
    fn a_status_detail_stands_exactly_with_a_rejection() {
        let rejected = |reason| PaymentStatus::Rejected { reason };
        for (status, code, detail) in [
            (PaymentStatus::Received, PaymentStatusCode::Pending, None),
            (PaymentStatus::Pending, PaymentStatusCode::Pending, None),
            (PaymentStatus::DebtorSettled, PaymentStatusCode::AcceptedSettlementCompleted, None),
            (PaymentStatus::CreditorAccepted, PaymentStatusCode::AcceptedWithoutPosting, None),
            (PaymentStatus::Completed, PaymentStatusCode::AcceptedCreditSettlementCompleted, None),
            (PaymentStatus::Cancelled, PaymentStatusCode::Rejected, Some("LFI.GenericFailure")),
            (
                rejected(RejectionReason::InsufficientFunds),
                PaymentStatusCode::Rejected,
                Some("LFI.InsufficientFunds"),
            ),
            (
                rejected(RejectionReason::AccountBlocked),
                PaymentStatusCode::Rejected,
                Some("LFI.AccountBlocked"),
            ),
            (rejected(RejectionReason::RailRefused), PaymentStatusCode::Rejected, Some("AANI.Refused")),
        ] {
            assert_eq!(status_code(status), code, "{status:?}");
            assert_eq!(status_detail(status).map(|it| it.reason.code), detail, "{status:?}");
        }
    }

    #[test]
    fn an_amount_in_a_currency_without_two_decimals_is_outside_every_consent() {
        let read = |currency: &str| {
            let text = format!(r#"{{"Amount":"149.90","Currency":"{currency}"}}"#);
            amount(&read_strict(text.as_bytes()).unwrap())
        };
        assert_eq!(read("AED").unwrap(), Money::new(14_990, Currency::Aed).unwrap());
        assert_eq!(read("EUR").unwrap(), Money::new(14_990, Currency::Eur).unwrap());
        for currency in ["KWD", "JPY", "ZZZ"] {
            let refused = read(currency).unwrap_err();
            assert_eq!(refused.reason, Reason::ControlParameters, "{currency}");
            assert_eq!(refused.path.as_deref(), Some("Data.Instruction.Amount.Currency"));
        }
    }
}
