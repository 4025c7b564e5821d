//! The sandbox does what an amount or a payee asks for: every row of the table in the third-party guide.

use oauth_core::Seconds;
use serde_json::{Value, json};

use super::KEY;
use super::bank::{Bank, CONSENT, Got, order, staged};

async fn paid(amount: &str, creditor: Option<&str>) -> (Bank, Got, String) {
    let bank = Bank::open().await;
    let mut element = staged(CONSENT);
    let schedule = &mut element["Data"]["ControlParameters"]["ConsentSchedule"];
    schedule["SinglePayment"]["Amount"]["Amount"] = json!(amount);
    if let Some(iban) = creditor {
        element["Data"]["Initiation"]["CreditorAccount"]["Identification"] = json!(iban);
    }
    let token = bank.consented_to(&element, "tpp", "acc-1").await;
    let mut message = order(CONSENT);
    message["Data"]["Instruction"]["Amount"]["Amount"] = json!(amount);
    let got = bank.pay(&token, KEY, &message).await;
    (bank, got, token)
}

async fn after(bank: &Bank, got: &Got, token: &str, seconds: i64) -> Value {
    for _ in 0..seconds {
        bank.clock.advance(Seconds::new(1));
        bank.settle().await;
    }
    let path = format!("/payments/{}", got.message["Data"]["PaymentId"].as_str().unwrap());
    bank.get(token, &path).await.message["Data"].clone()
}

#[tokio::test]
async fn amounts_ending_in_01_to_08_are_rejected_each_for_its_reason_and_give_their_slot_back() {
    for (amount, code) in [
        ("10.01", "LFI.InsufficientFunds"),
        ("10.02", "LFI.AccountBlocked"),
        ("10.03", "LFI.AccountClosed"),
        ("10.04", "LFI.CreditorAccountInvalid"),
        ("10.05", "LFI.LimitExceeded"),
        ("10.06", "LFI.FraudSuspected"),
        ("10.07", "LFI.GenericFailure"),
        ("10.08", "AANI.Refused"),
    ] {
        let (bank, got, token) = paid(amount, None).await;
        assert_eq!((got.status.as_u16(), &got.message["Data"]["PaymentStatus"]), (201, &json!("Pending")));
        let data = after(&bank, &got, &token, 1).await;
        assert_eq!(data["PaymentStatus"], "Rejected", "{amount}");
        assert_eq!(data["PaymentStatusDetail"]["Reason"]["Code"], code, "{amount}");
        let consent = bank.get(&token, &format!("/payment-consents/{CONSENT}")).await.message;
        assert_eq!(consent["Data"]["PaymentConsumption"]["CumulativeNumberOfPayments"], 0);
        assert_eq!(consent["Data"]["Status"], "Authorized");
    }
}

#[tokio::test]
async fn other_endings_choose_the_pace() {
    for (amount, seconds, status) in [
        ("10.00", 3, "AcceptedCreditSettlementCompleted"),
        ("10.11", 240, "Pending"),
        ("10.12", 29, "Pending"),
        ("10.12", 33, "AcceptedCreditSettlementCompleted"),
        ("10.13", 240, "AcceptedSettlementCompleted"),
        ("10.14", 1, "AcceptedCreditSettlementCompleted"),
    ] {
        let (bank, got, token) = paid(amount, None).await;
        let data = after(&bank, &got, &token, seconds).await;
        assert_eq!(data["PaymentStatus"], status, "{amount} after {seconds} s");
        assert_eq!(data.get("PaymentStatusDetail"), None, "only a rejection has one");
    }
}

#[tokio::test]
async fn endings_21_to_23_find_the_account_in_a_state_that_takes_no_order() {
    for (amount, code) in [
        ("10.21", "Consent.AccountTemporarilyBlocked"),
        ("10.22", "Consent.TransientAccountAccessFailure"),
        ("10.23", "Consent.PermanentAccountAccessFailure"),
    ] {
        let (bank, got, _) = paid(amount, None).await;
        assert_eq!(got.code(), (403, code), "{amount}");
        assert!(bank.nothing_booked().await);
    }
}

#[tokio::test]
async fn payees_choose_too_and_before_the_amount() {
    use resource_server::domain::Iban;
    for (account, status, code) in [
        ("9999000000000001", "Rejected", "LFI.CreditorAccountInvalid"),
        ("9999000000000002", "Rejected", "AANI.Refused"),
    ] {
        let iban = Iban::issue("AE", &format!("026{account}")).unwrap();
        let (bank, got, token) = paid("10.14", Some(iban.as_str())).await;
        let data = after(&bank, &got, &token, 2).await;
        assert_eq!(data["PaymentStatus"], status, "{account} {got:?}");
        assert_eq!(data["PaymentStatusDetail"]["Reason"]["Code"], code, "{account}");
    }
    let iban = Iban::issue("AE", "0269999000000000003").unwrap();
    let (bank, got, token) = paid("10.00", Some(iban.as_str())).await;
    let data = after(&bank, &got, &token, 240).await;
    assert_eq!(data["PaymentStatus"], "AcceptedSettlementCompleted");
}
