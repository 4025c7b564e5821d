//! Whole runs against a bank that can lie in one place: what stops the run, and that nothing is sent afterwards.

mod forged;
mod messages;
mod rules;

use std::sync::Arc;

use super::command::Command;
use super::error::Stop;
use super::narrate::{Form, Narrator, Report, Trace};
use super::state::{Api, Consent, State};
use clap::Parser as _;
use forged::{ForgedBank, Lie};

async fn run(bank: &ForgedBank, words: &str) -> (Result<Report, Stop>, String) {
    let dir = bank.dir.to_str().unwrap();
    let line = ["tpp", "--data-dir", dir].into_iter().chain(words.split(' '));
    let command = Command::try_parse_from(line).unwrap();
    let narrator = Arc::new(Narrator::new(Form::Json, Trace::Full));
    let outcome = super::execute(&command, &narrator).await;
    (outcome, narrator.heard())
}

#[tokio::test]
async fn an_honest_bank_is_paid_through_and_nothing_secret_is_narrated() {
    let bank = ForgedBank::open(Lie::None).await;
    let (outcome, heard) = run(&bank, "pay --headless --amount 12.50").await;
    let report = outcome.unwrap_or_else(|stop| panic!("{stop}\n{heard}"));
    assert_eq!(report.value["status"], "AcceptedCreditSettlementCompleted");
    assert_eq!(report.value["amount"], "12.50");
    for secret in bank.secrets() {
        assert!(!heard.contains(&secret), "{secret} was narrated:\n{heard}");
    }
    for said in ["1. Discover", "RFC 9126 section 2.1", "POST /par -> 201", "asks for its DPoP nonce"] {
        assert!(heard.contains(said), "{said}:\n{heard}");
    }
}

#[tokio::test]
async fn a_signed_authorization_response_is_paid_through_as_well() {
    let bank = ForgedBank::open(Lie::Signed).await;
    let (outcome, heard) = run(&bank, "pay --headless").await;
    outcome.unwrap_or_else(|stop| panic!("{stop}\n{heard}"));
    assert!(!heard.contains("SECRET"), "{heard}");
}

#[tokio::test]
async fn every_proof_assertion_and_interaction_id_is_used_once() {
    let bank = ForgedBank::open(Lie::None).await;
    run(&bank, "pay --headless").await.0.unwrap();
    let once = bank.once();
    assert!(once.len() >= 12, "{once:?}");
    let distinct: std::collections::HashSet<_> = once.iter().collect();
    assert_eq!(distinct.len(), once.len());
}

#[tokio::test]
async fn each_lie_stops_the_run_with_its_rule_and_no_further_request() {
    let cases = [
        (Lie::DiscoveryIssuer, "CL-01", "GET /.well-known/openid-configuration"),
        (Lie::NoIss, "CL-05", "POST /consent"),
        (Lie::OtherIss, "CL-05", "POST /consent"),
        (Lie::OtherState, "CL-05", "POST /consent"),
        (Lie::SignedNot, "CL-06", "POST /consent"),
        (Lie::SignedOtherIss, "CL-06", "POST /consent"),
        (Lie::SignedOtherAudience, "CL-06", "POST /consent"),
        (Lie::SignedOtherState, "CL-05", "POST /consent"),
        (Lie::SignedLate, "CL-06", "POST /consent"),
        (Lie::SignedForever, "CL-06", "POST /consent"),
        (Lie::SignedOtherKey, "CL-06", "POST /consent"),
        (Lie::SignedByNobody, "CL-06", "POST /consent"),
        (Lie::LeavesOrigin, "CL-19", "POST /consent"),
        (Lie::KeepsForm, "CL-19", "POST /consent"),
        (Lie::BearerToken, "CL-09", "POST /token"),
        (Lie::OtherDetails, "CL-16", "POST /token"),
        (Lie::NoIdToken, "CL-07", "POST /token"),
        (Lie::OtherNonce, "CL-07", "POST /token"),
        (Lie::OtherKey, "CL-08", "POST /token"),
        (Lie::OtherInteraction, "CL-13", "POST /open-finance/payment/v1/payments"),
        (Lie::PlainPayment, "CL-20", "POST /open-finance/payment/v1/payments"),
        (Lie::OtherAmount, "CL-20", "POST /open-finance/payment/v1/payments"),
        (Lie::OtherAudience, "CL-20", "POST /open-finance/payment/v1/payments"),
        (
            Lie::RepeatsJti,
            "CL-20",
            "GET /open-finance/payment/v1/payments/6f1d2c7a-2b56-4c1e-9c57-0f4f5d0a7b33",
        ),
    ];
    for (lie, check, last) in cases {
        let bank = ForgedBank::open(lie).await;
        let (outcome, heard) = run(&bank, "pay --headless").await;
        match outcome {
            Err(Stop::Refused(refusal)) => assert_eq!(refusal.check, check, "{lie:?}: {refusal}\n{heard}"),
            Err(other) => panic!("{lie:?}: {other}\n{heard}"),
            Ok(_) => panic!("{lie:?} was believed\n{heard}"),
        }
        assert_eq!(bank.asked().last().map(String::as_str), Some(last), "{lie:?}: {:?}", bank.asked());
    }
}

#[tokio::test]
async fn a_nonce_is_answered_once_and_a_second_demand_ends_the_run() {
    let bank = ForgedBank::open(Lie::AlwaysNonce).await;
    let (outcome, _) = run(&bank, "pay --headless").await;
    assert!(matches!(outcome, Err(Stop::Answer { status: 400, .. })));
    assert_eq!(bank.asked().iter().filter(|asked| *asked == "POST /par").count(), 2);
}

#[tokio::test]
async fn a_lost_answer_to_an_order_is_asked_for_again_with_the_same_idempotency_key() {
    let bank = ForgedBank::open(Lie::LosesOrder).await;
    run(&bank, "pay --headless").await.0.unwrap();
    let first = bank.idempotency_keys();
    assert!(first.len() == 2 && first[0] == first[1], "{first:?}");
    run(&bank, "pay --headless").await.0.unwrap();
    let both = bank.idempotency_keys();
    assert!(both.len() == 3 && both[2] != both[0], "a new payment has a new key: {both:?}");
}

#[tokio::test]
async fn a_customer_who_cannot_sign_in_is_no_security_reason() {
    let bank = ForgedBank::open(Lie::None).await;
    let (outcome, _) = run(&bank, "pay --headless --password wrong").await;
    assert!(matches!(outcome, Err(Stop::Declined(why)) if why.contains("Wrong password")));
}

#[tokio::test]
async fn a_refresh_uses_a_new_key_keeps_the_old_refresh_token_and_checks_the_customer() {
    let bank = ForgedBank::open(Lie::None).await;
    keep_consent(&bank);
    for _ in 0..2 {
        let report = run(&bank, "refresh").await.0.unwrap();
        assert_eq!(report.value["userinfo"]["sub"], "u1");
    }
    assert_eq!(kept_refresh_token(&bank).as_deref(), Some("rt_SECRET"));
    assert_eq!(bank.proof_keys().len(), 2, "each refresh has its own");

    let liar = ForgedBank::open(Lie::OtherCustomer).await;
    keep_consent(&liar);
    assert!(matches!(run(&liar, "refresh").await.0, Err(Stop::Refused(refusal)) if refusal.check == "CL-18"));
}

#[tokio::test]
async fn the_refresh_token_of_a_consent_for_one_payment_is_dropped_when_it_is_paid() {
    let bank = ForgedBank::open(Lie::None).await;
    run(&bank, "pay --headless").await.0.unwrap();
    assert_eq!(kept_refresh_token(&bank), None);
    assert_eq!(run(&bank, "consents").await.0.unwrap().value["consents"][0]["can_refresh"], false);
    assert!(matches!(run(&bank, "refresh").await.0, Err(Stop::Declined(_))));
}

#[tokio::test]
async fn a_refresh_token_of_another_bank_is_not_sent() {
    let (bank, other) = (ForgedBank::open(Lie::None).await, ForgedBank::open(Lie::None).await);
    keep_consent(&other);
    std::fs::copy(other.dir.join("tpp/state.json"), bank.dir.join("tpp/state.json")).unwrap();
    for words in ["refresh", "refresh c1", "consents revoke c1"] {
        assert!(matches!(run(&bank, words).await.0, Err(Stop::Declined(_))), "{words}");
    }
    assert!(bank.asked().iter().all(|asked| asked.starts_with("GET ")), "{:?}", bank.asked());
}

fn keep_consent(bank: &ForgedBank) {
    let consent = Consent {
        id: "c1".to_owned(),
        api: Api::Ofxpera,
        client: "palm".to_owned(),
        issuer: bank.issuer().to_owned(),
        created_at: 5,
        subject: Some("u1".to_owned()),
        refresh_token: Some("rt_SECRET".to_owned()),
    };
    State::read(&bank.dir.join("tpp")).unwrap().keep(consent).unwrap();
}

fn kept_refresh_token(bank: &ForgedBank) -> Option<String> {
    State::read(&bank.dir.join("tpp")).unwrap().consents()[0].refresh_token.clone()
}

#[tokio::test]
async fn a_server_outside_the_configured_authority_is_not_talked_to() {
    let (bank, other) = (ForgedBank::open(Lie::None).await, ForgedBank::open(Lie::None).await);
    std::fs::copy(other.dir.join("ca.pem"), bank.dir.join("ca.pem")).unwrap();
    let (outcome, _) = run(&bank, "pay --headless").await;
    assert!(matches!(outcome, Err(Stop::Network { .. })));
    assert!(bank.asked().is_empty());
}
