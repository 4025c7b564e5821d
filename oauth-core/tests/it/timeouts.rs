//! A customer who takes too long: the client is told, and the consent behind the request stays as it is.

use oauth_core::{Denial, FAPI2_SECURITY, Outcome};
use serde_json::json;

use crate::bank::{Bank, parameters, plain};

#[tokio::test]
async fn a_client_is_told_access_denied_or_the_name_it_registered_for_and_only_once() {
    for (registered, error) in
        [(json!({}), "access_denied"), (json!({"timeout_error": "login_timeout"}), "login_timeout")]
    {
        let bank = Bank::with(&FAPI2_SECURITY, &registered);
        let arrived = bank.arrive(bank.push(&plain()).await).await;
        bank.advance(600);
        let back = arrived.again().decide(Outcome::Denied(Denial::TimedOut)).await.unwrap();
        let told = parameters(&back);
        assert_eq!((told["error"].as_str(), told["state"].as_str()), (error, "st"));
        assert!(told["error_description"].starts_with("login_timeout"), "{told:?}");
        arrived.decide(Outcome::Denied(Denial::TimedOut)).await.expect_err("the request is spent");
    }
}

#[tokio::test]
async fn nobody_times_out_early_and_nobody_approves_late() {
    let bank = Bank::with(&FAPI2_SECURITY, &json!({}));
    let arrived = bank.arrive(bank.push(&plain()).await).await;
    arrived.again().decide(Outcome::Denied(Denial::TimedOut)).await.expect_err("there is time left");
    bank.advance(600);
    let approval = arrived.approval();
    arrived.again().decide(approval).await.expect_err("too late");
    bank.advance(300);
    arrived.decide(Outcome::Denied(Denial::TimedOut)).await.expect_err("the request is gone");
}
