//! Payments of every type, from the consent to its end, as a client sees them.

use std::sync::Arc;
use std::time::Duration;

use oauth_core::{Grant, Seconds};
use resource_server::domain::AccountStatus;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::bank::{Bank, Got, staged};
use crate::fixture::Place;

const ID: &str = "aac-0b6f3c1e-7d52-4d0a-8a63-5f0a4c1d9e21";
const MULTI: &str = "Data.ControlParameters.ConsentSchedule.MultiPayment";

fn aed(amount: &str) -> Value {
    json!({"Amount": amount, "Currency": "AED"})
}

/// A consent with this schedule until this instant.
fn element(schedule: &Value, until: &str) -> Value {
    let mut element = staged(ID);
    element["Data"]["ExpirationDateTime"] = json!(until);
    element["Data"]["ControlParameters"]["ConsentSchedule"] = schedule.clone();
    element
}

fn order(amount: &str) -> Value {
    json!({"Data": {
        "ConsentId": ID,
        "Instruction": {"Amount": aed(amount)},
        "PaymentPurposeCode": "GDDS"
    }})
}

fn order_of(kind: &str, amount: &str) -> Value {
    let mut order = order(amount);
    order["Data"]["Type"] = json!(kind);
    order
}

/// A bank and a consent that its customer has approved.
struct Desk {
    bank: Bank,
    grant: Grant,
}

impl Desk {
    async fn open(schedule: Value, until: &str) -> Self {
        let bank = Bank::open().await;
        let grant = bank.approved(&element(&schedule, until), "tpp").await;
        Self { bank, grant }
    }

    async fn pay(&self, key: &str, order: &Value) -> Got {
        self.bank.pay(&self.bank.bearer(&self.grant), key, order).await
    }

    async fn paid(&self, key: &str, order: &Value) -> Value {
        let got = self.pay(key, order).await;
        assert_eq!(got.status, 201, "{got:?}");
        got.message
    }

    async fn refused(&self, key: &str, order: &Value, path: &str) {
        let got = self.pay(key, order).await;
        assert_eq!((got.code(), got.path()), ((400, "Consent.FailsControlParameters"), path), "{got:?}");
    }

    /// Everything that is due is settled.
    async fn settle(&self) {
        for _ in 0..3 {
            self.bank.settle().await;
            self.bank.clock.advance(Seconds::new(2));
        }
    }

    async fn consent(&self) -> Value {
        let got = self.bank.get(&self.bank.client_token("tpp"), &format!("/payment-consents/{ID}")).await;
        assert_eq!(got.status, 200, "{got:?}");
        got.message
    }

    async fn status(&self) -> Value {
        self.consent().await["Data"]["Status"].clone()
    }

    async fn payment(&self, paid: &Value) -> Value {
        let path = format!("/payments/{}", paid["Data"]["PaymentId"].as_str().unwrap());
        self.bank.get(&self.bank.client_token("tpp"), &path).await.message["Data"].clone()
    }
}

fn recurring(payments: u32) -> Value {
    json!({"MultiPayment": {
        "Type": "UAEOF.FixedRecurringPayment", "TotalNumberOfPayments": payments,
        "PeriodicSchedule": {"PeriodType": "Month", "PeriodStartDate": "2026-12-01", "Amount": aed("100.00")}}})
}

fn on_demand(count: u32) -> Value {
    json!({"MultiPayment": {
        "Type": "UAEOF.VariableOnDemandPayment",
        "MaximumIndividualPaymentAmount": aed("50.00"),
        "MaximumCumulativeValueOfPayments": aed("120.00"), "MaximumCumulativeNumberOfPayments": count,
        "PeriodicSchedule": {"PeriodType": "Day", "PeriodStartDate": "2026-11-21",
            "Controls": {"MaximumCumulativeValueOfPaymentsPerPeriod": aed("80.00")}}}})
}

#[tokio::test]
async fn section_5_1_3_a_fixed_recurring_payment_is_made_each_month_until_the_consent_is_finished() {
    let desk = Desk::open(recurring(2), "2027-11-20T23:59:59+04:00").await;
    let start = format!("{MULTI}.PeriodicSchedule.PeriodStartDate");
    desk.refused("early", &order("100.00"), &start).await;
    desk.bank.at("2026-11-30T20:00:00Z");
    desk.refused("more", &order("100.01"), "Data.Instruction.Amount.Amount").await;
    let first = desk.paid("first", &order("100.00")).await;
    assert_eq!(first["Data"]["Type"], "UAEOF.FixedRecurringPayment", "the consent says it");
    desk.refused("again", &order("100.00"), &format!("{MULTI}.PeriodicSchedule.PeriodType")).await;
    desk.settle().await;
    assert_eq!(desk.status().await, "Authorized");
    desk.bank.at("2027-01-01T19:59:59Z");
    let second = desk.paid("second", &order("100.00")).await;
    desk.settle().await;
    let consent = desk.consent().await;
    assert_eq!(consent["Data"]["Status"], "Finished");
    let links = [&first, &second].map(|paid| paid["Links"]["Self"].clone());
    assert_eq!(consent["Links"]["Related"], json!(links), "in the order they were made");
    let repeated = desk.pay("second", &order("100.00")).await;
    assert_eq!((repeated.status.as_u16(), &repeated.message), (201, &second), "a repeat is answered still");
    assert_eq!(desk.pay("third", &order("100.00")).await.code(), (400, "Consent.Invalid"));
}

#[tokio::test]
async fn section_5_1_2_a_future_dated_payment_waits_for_its_instant() {
    let schedule = json!({"SinglePayment": {
        "Type": "UAEOF.SingleFutureDatedPayment", "Amount": aed("300.00"),
        "RequestedExecutionDateTime": "2026-12-05T06:00:00+04:00"}});
    let desk = Desk::open(schedule, "2026-12-06T00:00:00+04:00").await;
    let paid = desk.paid("now", &order("300.00")).await;
    desk.settle().await;
    assert_eq!(desk.payment(&paid).await["PaymentStatus"], "Pending");
    assert_eq!(desk.bank.balance().await, 100_000, "nothing is taken before the day");
    desk.bank.at("2026-12-05T01:59:00Z");
    desk.settle().await;
    let waiting = desk.payment(&paid).await;
    assert_eq!((&waiting["PaymentStatus"], &desk.status().await), (&json!("Pending"), &json!("Authorized")));
    assert_eq!(waiting["PaymentTransactionId"], Value::Null, "the rail has not heard of it");
    desk.bank.at("2026-12-05T02:00:01Z");
    desk.settle().await;
    assert_eq!(desk.payment(&paid).await["PaymentStatus"], "AcceptedCreditSettlementCompleted");
    assert_eq!(desk.status().await, "Finished");
    assert_eq!(desk.bank.balance().await, 70_000, "and once then");
}

/// An order of AED 300.00 for the fifth of December.
async fn ordered() -> (Desk, Value) {
    let desk = Desk::open(dated("2026-12-05T06:00:00+04:00"), "2026-12-06T00:00:00+04:00").await;
    let paid = desk.paid("now", &order("300.00")).await;
    (desk, paid)
}

/// What an order that was turned down on its day says of it.
async fn turned_down(desk: &Desk, paid: &Value) -> Value {
    desk.bank.at("2026-12-05T02:00:01Z");
    desk.settle().await;
    let payment = desk.payment(paid).await;
    assert_eq!(payment["PaymentStatus"], "Rejected", "{payment}");
    payment["PaymentStatusDetail"]["Reason"].clone()
}

#[tokio::test]
async fn section_8_3_an_order_whose_money_is_gone_on_its_day_is_rejected_for_that_and_may_be_made_again() {
    let (desk, paid) = ordered().await;
    desk.bank.empty_account().await;
    let reason = turned_down(&desk, &paid).await;
    assert_eq!(reason["Code"], "LFI.InsufficientFunds", "{reason}");
    assert_eq!(desk.status().await, "Authorized");
    desk.bank.fill_account().await;
    let again = desk.paid("again", &order("300.00")).await;
    desk.settle().await;
    assert_eq!(desk.payment(&again).await["PaymentStatus"], "AcceptedCreditSettlementCompleted");
}

#[tokio::test]
async fn section_8_3_an_order_whose_consent_was_revoked_or_held_before_its_day_is_rejected_and_takes_nothing()
{
    for status in ["Revoked", "Suspended"] {
        let (desk, paid) = ordered().await;
        let (id, bank) =
            (oauth_core::ConsentId::new(ID).unwrap(), rar_consent::Actor::Operator("b".to_owned()));
        if status == "Revoked" {
            desk.bank.engine.revoke(&id, &bank, "left", desk.bank.now()).await.unwrap();
        } else {
            desk.bank.engine.suspend(&id, &bank, "checked", desk.bank.now()).await.unwrap();
        }
        let reason = turned_down(&desk, &paid).await;
        assert_eq!(reason["Code"], "LFI.GenericFailure", "{status}: {reason}");
        assert!(reason["Detail"].as_str().unwrap().contains("consent was not in force"), "{reason}");
        assert_eq!((desk.status().await, desk.bank.balance().await), (json!(status), 100_000));
    }
}

/// Who ends the consent of an order, long before its day.
const ENDED_BY: [&str; 4] = ["client", "bank", "operator", "customer"];

/// The end of the consent, by one of [`ENDED_BY`]; what does not come through the interface is followed by the worker's next run.
async fn ended(desk: &Desk, by: &str) {
    let bank = &desk.bank;
    let id = oauth_core::ConsentId::new(ID).unwrap();
    match by {
        "client" => {
            let over = json!({"Data": {"Status": "Revoked", "RevokedBy": "TPP"}});
            assert_eq!(bank.patch("tpp", ID, &over).await.status, 204);
        }
        "bank" => {
            let path = format!("/consents/{ID}/action/revoke");
            let answer = bank.lfi(http::Method::POST, &path, &json!({"revokedBy": "LFI"})).await;
            assert_eq!(answer.status, 204, "{answer:?}");
        }
        "operator" => {
            let operator = rar_consent::Actor::Operator("b".to_owned());
            bank.engine.revoke(&id, &operator, "left", bank.now()).await.unwrap();
            bank.settle().await;
        }
        _ => {
            let alice = rar_consent::Actor::Customer(oauth_core::Subject::new("alice").unwrap());
            bank.engine.revoke(&id, &alice, "no more", bank.now()).await.unwrap();
            bank.settle().await;
        }
    }
}

#[tokio::test]
async fn section_8_3_an_order_is_rejected_with_the_end_of_its_consent_whoever_ends_it() {
    for by in ENDED_BY {
        let mut element = element(&dated("2026-12-05T06:00:00+04:00"), "2026-12-06T00:00:00+04:00");
        element["Subscription"] = json!({"Webhook": {"Url": "https://tpp.example/hooks", "IsActive": true}});
        let bank = Bank::open().await;
        let grant = bank.approved(&element, "tpp").await;
        let desk = Desk { bank, grant };
        let paid = desk.paid("now", &order("300.00")).await;
        desk.bank.tell().await;
        desk.bank.postbox.take();
        ended(&desk, by).await;
        let payment = desk.payment(&paid).await;
        assert_eq!(payment["PaymentStatus"], "Rejected", "{by}: {payment}");
        assert_eq!(payment["PaymentStatusDetail"]["Reason"]["Code"], "LFI.GenericFailure", "{by}");
        assert_eq!(payment["PaymentStatusUpdateDateTime"], "2026-11-21T08:00:00.000Z", "{by}: at once");
        let consent = desk.consent().await;
        assert_eq!(consent["Data"]["Status"], "Revoked", "{by}");
        assert_eq!(consent["Data"]["PaymentConsumption"]["CumulativeNumberOfPayments"], 0, "{by}");
        desk.bank.tell().await;
        let told: Vec<String> =
            desk.bank.postbox.take().iter().map(|letter| spoken(&super::events::claims(letter))).collect();
        assert_eq!(told, ["consent Revoked", "payment Rejected"], "{by}");
        desk.bank.at("2026-12-05T02:00:01Z");
        desk.settle().await;
        assert_eq!(desk.bank.balance().await, 100_000, "{by}: no money has moved");
        desk.bank.tell().await;
        assert!(desk.bank.postbox.take().is_empty(), "{by}: and nothing is told on the day");
    }
}

/// What an event is about, and the status it tells.
fn spoken(claims: &Value) -> String {
    let data = &claims["message"]["Data"];
    match data["PaymentStatus"].as_str() {
        Some(status) => format!("payment {status}"),
        None => format!("consent {}", data["Status"].as_str().unwrap()),
    }
}

#[tokio::test]
async fn section_5_1_2_an_order_for_the_very_instant_its_consent_ends_is_executed() {
    let desk = Desk::open(dated("2026-12-05T06:00:00+04:00"), "2026-12-05T06:00:00+04:00").await;
    let paid = desk.paid("now", &order("300.00")).await;
    desk.bank.at("2026-12-05T01:59:59Z");
    desk.settle().await;
    desk.bank.at("2026-12-05T02:00:01Z");
    assert_eq!(desk.status().await, "Expired");
    desk.settle().await;
    assert_eq!(desk.payment(&paid).await["PaymentStatus"], "AcceptedCreditSettlementCompleted");
    assert_eq!(desk.status().await, "Expired", "section 8.4: what time has ended is not finished");
}

fn dated(at: &str) -> Value {
    json!({"SinglePayment": {
        "Type": "UAEOF.SingleFutureDatedPayment", "Amount": aed("300.00"), "RequestedExecutionDateTime": at}})
}

#[tokio::test]
async fn section_8_3_an_order_whose_account_is_blocked_on_its_day_is_rejected_for_that() {
    for (status, code) in
        [(AccountStatus::Frozen, "LFI.AccountBlocked"), (AccountStatus::Closed, "LFI.AccountClosed")]
    {
        let (desk, paid) = ordered().await;
        desk.bank.change_account(status).await;
        assert_eq!(turned_down(&desk, &paid).await["Code"], code);
        assert_eq!(desk.bank.balance().await, 100_000);
    }
}

#[tokio::test]
async fn section_5_1_2_a_future_dated_payment_may_be_ordered_on_its_day_and_not_after_it() {
    let schedule = json!({"SinglePayment": {
        "Type": "UAEOF.SingleFutureDatedPayment", "Amount": aed("300.00"),
        "RequestedExecutionDateTime": "2026-12-05"}});
    let desk = Desk::open(schedule, "2027-01-06T00:00:00+04:00").await;
    desk.bank.at("2026-12-05T20:00:00Z");
    let path = "Data.ControlParameters.ConsentSchedule.SinglePayment.RequestedExecutionDateTime";
    desk.refused("late", &order("300.00"), path).await;
    let other = Desk::open(
        json!({"SinglePayment": {"Type": "UAEOF.SingleFutureDatedPayment", "Amount": aed("300.00"),
            "RequestedExecutionDateTime": "2026-12-05"}}),
        "2027-01-06T00:00:00+04:00",
    )
    .await;
    other.bank.at("2026-12-05T19:59:50Z");
    let paid = other.paid("in-time", &order("300.00")).await;
    other.settle().await;
    assert_eq!(other.payment(&paid).await["PaymentStatus"], "AcceptedCreditSettlementCompleted");
}

#[tokio::test]
async fn section_5_1_4_a_fixed_amount_is_paid_on_demand_within_its_week() {
    let schedule = json!({"MultiPayment": {
        "Type": "UAEOF.FixedOnDemandPayment", "Amount": aed("50.00"),
        "MaximumCumulativeNumberOfPayments": 3, "MaximumCumulativeValueOfPayments": aed("1000.00"),
        "PeriodicSchedule": {"PeriodType": "Week", "PeriodStartDate": "2026-11-21",
            "MaximumCumulativeNumberOfPaymentsPerPeriodType": 2}}});
    let desk = Desk::open(schedule, "2027-05-31T23:59:59+04:00").await;
    desk.paid("1", &order("50.00")).await;
    desk.paid("2", &order("50.00")).await;
    let path = format!("{MULTI}.PeriodicSchedule.MaximumCumulativeNumberOfPaymentsPerPeriodType");
    desk.refused("3", &order("50.00"), &path).await;
    desk.bank.at("2026-11-27T20:00:00Z");
    desk.paid("3", &order("50.00")).await;
    desk.refused("4", &order("50.00"), &format!("{MULTI}.MaximumCumulativeNumberOfPayments")).await;
    desk.settle().await;
    assert_eq!(desk.status().await, "Finished");
}

#[tokio::test]
async fn section_5_1_5_up_to_an_amount_is_paid_once_a_month() {
    let schedule = json!({"MultiPayment": {
        "Type": "UAEOF.VariableRecurringPayment",
        "MaximumIndividualPaymentAmount": aed("60.00"),
        "MaximumCumulativeValueOfPayments": aed("100.00"), "MaximumCumulativeNumberOfPayments": 12,
        "PeriodicSchedule": {"PeriodType": "Month", "PeriodStartDate": "2026-12-31"}}});
    let desk = Desk::open(schedule, "2027-11-20T23:59:59+04:00").await;
    desk.bank.at("2026-12-31T08:00:00Z");
    desk.refused("1", &order("60.01"), &format!("{MULTI}.MaximumIndividualPaymentAmount")).await;
    desk.paid("1", &order("60.00")).await;
    desk.settle().await;
    desk.bank.at("2027-02-28T08:00:00Z");
    desk.refused("2", &order("40.01"), &format!("{MULTI}.MaximumCumulativeValueOfPayments")).await;
    desk.paid("2", &order("40.00")).await;
    desk.settle().await;
    assert_eq!(desk.status().await, "Finished");
}

#[tokio::test]
async fn section_5_1_7_listed_payments_are_made_on_their_days() {
    let listed = |day: &str, amount: &str| json!({"PaymentExecutionDate": day, "Amount": aed(amount)});
    let schedule = json!({"MultiPayment": {"Type": "UAEOF.VariableDefinedPayment", "PaymentSchedule": [
        listed("2026-12-15", "10.00"), listed("2026-12-16", "20.00")]}});
    let desk = Desk::open(schedule, "2027-06-30T23:59:59+04:00").await;
    let list = format!("{MULTI}.PaymentSchedule");
    desk.refused("1", &order("10.00"), &list).await;
    desk.bank.at("2026-12-15T19:59:59Z");
    desk.refused("1", &order("20.00"), "Data.Instruction.Amount.Amount").await;
    let first = desk.paid("1", &order("10.00")).await;
    desk.refused("2", &order("10.00"), &list).await;
    desk.bank.reject(&first).await;
    desk.paid("2", &order("10.00")).await;
    desk.bank.at("2026-12-15T20:00:00Z");
    desk.paid("3", &order("20.00")).await;
    desk.settle().await;
    assert_eq!(desk.status().await, "Finished");
}

#[tokio::test]
async fn section_5_2_an_order_under_a_combined_consent_names_its_part() {
    let mut schedule = recurring(1);
    schedule["SinglePayment"] = json!({"Type": "UAEOF.SingleInstantPayment", "Amount": aed("500.00")});
    let desk = Desk::open(schedule, "2027-05-31T23:59:59+04:00").await;
    let single = |amount| order_of("UAEOF.SingleInstantPayment", amount);
    let foreign = order_of("UAEOF.FixedOnDemandPayment", "500.00");
    for wrong in [order("500.00"), foreign] {
        let got = desk.pay("1", &wrong).await;
        assert_eq!((got.code(), got.path()), ((400, "Body.InvalidFormat"), "Data.Type"), "{got:?}");
        assert_eq!(got.rule, Some("UAEBSI-5.2"));
    }
    let deposit = desk.paid("1", &single("500.00")).await;
    assert_eq!(deposit["Data"]["Type"], "UAEOF.SingleInstantPayment");
    desk.refused("2", &single("500.00"), "Data.ControlParameters.ConsentSchedule.SinglePayment").await;
    desk.settle().await;
    assert_eq!(desk.status().await, "Authorized", "one part is not both");
    desk.bank.at("2026-12-01T08:00:00Z");
    let instalment = desk.paid("3", &order_of("UAEOF.FixedRecurringPayment", "100.00")).await;
    assert_eq!(desk.payment(&instalment).await["Type"], "UAEOF.FixedRecurringPayment");
    assert_eq!(desk.payment(&deposit).await["Type"], "UAEOF.SingleInstantPayment");
    let used = desk.consent().await["Data"]["PaymentConsumption"].clone();
    assert_eq!(
        used,
        json!({
            "CumulativeNumberOfPayments": 2, "CumulativeValueOfPayments": aed("600.00"),
            "CumulativeNumberOfPaymentsInCurrentPeriod": 1,
            "CumulativeValueOfPaymentsInCurrentPeriod": aed("100.00")
        })
    );
    desk.settle().await;
    assert_eq!(desk.status().await, "Finished");
}

#[tokio::test]
async fn section_8_1_purpose_and_references_of_several_payments_may_differ() {
    let desk = Desk::open(on_demand(9), "2027-02-28T23:59:59+04:00").await;
    let mut other = order("10.00");
    other["Data"]["PaymentPurposeCode"] = json!("RENT");
    other["Data"]["PayerReference"] = json!("another ride");
    other["Data"]["Instruction"]["BeneficiaryReference"] = json!("7");
    let paid = desk.paid("1", &other).await;
    assert_eq!(paid["Data"]["PaymentPurposeCode"], "RENT");
    assert_eq!(paid["Data"]["PayerReference"], "another ride");
}

#[tokio::test]
async fn section_8_4_a_rejected_payment_gives_its_slot_back_and_the_last_success_finishes() {
    let desk = Desk::open(on_demand(3), "2027-02-28T23:59:59+04:00").await;
    let first = desk.paid("1", &order("50.00")).await;
    desk.paid("2", &order("30.00")).await;
    let day = format!("{MULTI}.PeriodicSchedule.MaximumCumulativeValueOfPaymentsPerPeriodType");
    desk.refused("3", &order("0.01"), &day).await;
    desk.bank.reject(&first).await;
    let used = desk.consent().await["Data"]["PaymentConsumption"].clone();
    assert_eq!(
        used,
        json!({
            "CumulativeNumberOfPayments": 1, "CumulativeValueOfPayments": aed("30.00"),
            "CumulativeNumberOfPaymentsInCurrentPeriod": 1,
            "CumulativeValueOfPaymentsInCurrentPeriod": aed("30.00")
        })
    );
    desk.paid("3", &order("50.00")).await;
    desk.bank.at("2026-11-22T08:00:00Z");
    desk.paid("4", &order("40.00")).await;
    assert_eq!(desk.status().await, "Authorized", "what is pending is no success");
    desk.settle().await;
    assert_eq!(desk.status().await, "Finished");
}

#[tokio::test]
async fn section_8_5_the_current_period_is_that_of_the_reading() {
    let desk = Desk::open(on_demand(9), "2027-02-28T23:59:59+04:00").await;
    desk.paid("1", &order("50.00")).await;
    let told = |consent: Value| {
        let used = &consent["Data"]["PaymentConsumption"];
        (
            used["CumulativeNumberOfPayments"].clone(),
            used["CumulativeNumberOfPaymentsInCurrentPeriod"].clone(),
            used["CumulativeValueOfPaymentsInCurrentPeriod"]["Amount"].clone(),
        )
    };
    assert_eq!(told(desk.consent().await), (json!(1), json!(1), json!("50.00")));
    desk.bank.at("2026-11-21T19:59:59Z");
    assert_eq!(told(desk.consent().await), (json!(1), json!(1), json!("50.00")));
    desk.bank.at("2026-11-21T20:00:00Z");
    assert_eq!(told(desk.consent().await), (json!(1), json!(0), json!("0.00")), "midnight in Dubai");
}

#[tokio::test]
async fn section_14_the_maxima_of_a_period_are_told_under_their_first_names() {
    let desk = Desk::open(on_demand(9), "2027-02-28T23:59:59+04:00").await;
    let schedule = desk.consent().await["Data"]["ControlParameters"]["ConsentSchedule"]["MultiPayment"]
        ["PeriodicSchedule"]
        .clone();
    assert_eq!(
        schedule,
        json!({"PeriodType": "Day", "PeriodStartDate": "2026-11-21",
            "MaximumCumulativeValueOfPaymentsPerPeriodType": aed("80.00")})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn section_9_3_of_256_orders_at_once_exactly_as_many_are_paid_as_the_limit_holds() {
    let mut places = vec![Place::file()];
    places.extend(Place::postgres().await);
    for place in places {
        let bank = Arc::new(Bank::over(place.open().await).await);
        let schedule = json!({"MultiPayment": {
            "Type": "UAEOF.VariableOnDemandPayment",
            "MaximumIndividualPaymentAmount": aed("5.00"),
            "MaximumCumulativeValueOfPayments": aed("500.00"), "MaximumCumulativeNumberOfPayments": 1000,
            "PeriodicSchedule": {"PeriodType": "Day", "PeriodStartDate": "2026-11-21"}}});
        let grant = bank.approved(&element(&schedule, "2027-02-28T23:59:59+04:00"), "tpp").await;
        let token = bank.bearer(&grant);
        let (mut orders, gate) = (JoinSet::new(), Arc::new(Semaphore::new(24)));
        for index in 0..256 {
            let (bank, token, gate) = (Arc::clone(&bank), token.clone(), Arc::clone(&gate));
            orders.spawn(async move {
                // More at once than the pool has connections would measure the pool; who waits too long tries again.
                for attempt in 0..40_u64 {
                    tokio::time::sleep(Duration::from_millis(attempt * 50)).await;
                    let _turn = gate.acquire().await.unwrap();
                    let got = bank.pay(&token, &format!("key-{index}"), &order("5.00")).await;
                    if got.status != 500 {
                        return got;
                    }
                }
                panic!("{index} is never answered: {:?}", bank.pay(&token, "last", &order("5.00")).await);
            });
        }
        let got = orders.join_all().await;
        let paid = got.iter().filter(|got| got.status == 201).count();
        let over = got.iter().filter(|got| got.path().ends_with("MaximumCumulativeValueOfPayments")).count();
        assert_eq!((paid, over), (100, 156), "{}", place.name);
        let read = bank.get(&token, &format!("/payment-consents/{ID}")).await.message;
        let used = &read["Data"]["PaymentConsumption"];
        assert_eq!(used["CumulativeNumberOfPayments"], 100, "{}", place.name);
        assert_eq!(used["CumulativeValueOfPayments"], aed("500.00"));
        assert_eq!(used["CumulativeValueOfPaymentsInCurrentPeriod"], aed("500.00"));
        assert_eq!(read["Links"]["Related"].as_array().unwrap().len(), 100);
    }
}
