//! Several authorisers for one consent (UAE bank service initiation section 7).

use std::sync::Arc;

use async_trait::async_trait;
use oauth_core::testkit::FixedClock;
use oauth_core::{
    ApprovalReason, Consents as _, Error, Fault, Reason, Seconds, ShownText, Standing, Subject, Timestamp,
    VettedRequest,
};
use rar_consent::{
    Actor, ApprovalState, Authorizer, Changed, Channel, Consent, ConsentEngine, ConsentStatus, ConsentStore,
    Decided, Decision, DecisionFault, DetailRegistry, FirstApproval, FirstFault, Mandates, MemoryConsents,
    Shown, SqlConsents, Terms, Vote,
};
use serde_json::json;

use crate::fixture::{NOW, Push, approval, client, customer, data, grant, request, uae_consent, without};
use crate::stores::{postgres, sqlite};

const OPERATOR: &str = "lfi";

fn subject(name: &str) -> Subject {
    Subject::new(name).unwrap()
}

/// The customer and `others` more, each with a name of the mandate.
fn authorizers(others: usize) -> Vec<Authorizer> {
    let one = |n: usize| Authorizer {
        id: format!("fin-{n}"),
        kind: "Financial".to_owned(),
        subject: Some(if n == 0 { customer() } else { subject(&format!("other-{n}")) }),
    };
    (0..=others).map(one).collect()
}

fn first(authorizers: Vec<Authorizer>) -> FirstApproval {
    FirstApproval { by: customer(), accounts: vec!["acc-1".to_owned()], authorizers }
}

/// The consent of the first example, which any account will do for.
fn multi() -> Consent {
    let consent = uae_consent().0;
    let Terms::UaePayment(terms) = consent.terms else { panic!("a UAE payment") };
    Consent { terms: Terms::UaePayment(rar_consent::UaePayment { authorization: None, ..terms }), ..consent }
}

fn waiting(others: usize) -> Consent {
    multi().approved_by(first(authorizers(others)), NOW).unwrap().0
}

fn operator() -> Actor {
    Actor::Operator(OPERATOR.to_owned())
}

fn states(consent: &Consent) -> Vec<ApprovalState> {
    consent.approvals.iter().map(|entry| entry.state).collect()
}

#[test]
fn the_first_of_several_approvals_leaves_the_consent_waiting() {
    let before = multi();
    let (after, entry) = before.approved_by(first(authorizers(2)), NOW.plus(Seconds::new(9))).unwrap();
    assert_eq!((after.status, after.status_at), (ConsentStatus::AwaitingAuthorization, before.status_at));
    assert_eq!((after.subject.clone(), after.authorised_at), (Some(customer()), None));
    assert_eq!(states(&after), [ApprovalState::Approved, ApprovalState::Pending, ApprovalState::Pending]);
    let dates: Vec<_> = after.approvals.iter().map(|entry| entry.decided_at).collect();
    assert_eq!(dates, [Some(NOW.plus(Seconds::new(9))), None, None]);
    assert_eq!((entry.what, entry.from, entry.to), (Changed::Decision, Some(before.status), before.status));
    assert_eq!((&*entry.reason, entry.actor), ("approved, 1 of 3", Actor::Customer(customer())));
    assert_eq!(after.waits_for().collect::<Vec<_>>(), [&subject("other-1"), &subject("other-2")]);
}

#[test]
fn whoever_may_debit_the_account_alone_authorises_alone() {
    for list in [Vec::new(), authorizers(0)] {
        let (after, entry) = multi().approved_by(first(list), NOW).unwrap();
        assert_eq!((after.status, entry.to), (ConsentStatus::Authorized, ConsentStatus::Authorized));
        assert!(after.approvals.is_empty(), "nobody else was asked");
    }
}

#[test]
fn a_customer_whom_the_mandate_does_not_list_approves_nothing_alone() {
    let others = authorizers(1).split_off(1);
    let (after, _) = multi().approved_by(first(others), NOW).unwrap();
    assert_eq!(
        (after.status, states(&after)),
        (ConsentStatus::AwaitingAuthorization, vec![ApprovalState::Pending])
    );
}

#[test]
fn a_consent_for_one_person_takes_no_account_that_needs_more() {
    let single = uae_consent().0;
    assert_eq!(single.approved_by(first(authorizers(1)), NOW), Err(FirstFault::NotAlone));
    assert!(single.approved_by(first(authorizers(0)), NOW).is_ok());
    assert_eq!(waiting(1).approved_by(first(Vec::new()), NOW), Err(FirstFault::DecidedBefore));
}

#[test]
fn the_others_decide_in_any_order_and_the_last_approval_authorises() {
    for order in [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]] {
        let mut consent = waiting(3);
        for (turn, n) in order.into_iter().enumerate() {
            let at = NOW.plus(Seconds::new(60));
            let (after, entry) =
                consent.decided(&format!("fin-{n}"), Decision::Approved, &operator(), at).unwrap();
            let (status, what) = match turn {
                2 => (ConsentStatus::Authorized, Changed::Status),
                _ => (ConsentStatus::AwaitingAuthorization, Changed::Decision),
            };
            assert_eq!((after.status, entry.what), (status, what), "{order:?}");
            let moved = after.status_at != consent.status_at;
            assert_eq!(moved, turn == 2, "the time of the status changes with the status only");
            consent = after;
        }
        assert_eq!(consent.authorised_at, Some(NOW.plus(Seconds::new(60))));
        assert!(consent.is_approved_by_all());
    }
}

#[test]
fn the_first_rejection_ends_it_and_the_rest_stay_pending() {
    let consent = waiting(3);
    let (after, entry) = consent.decided("fin-2", Decision::Rejected, &operator(), NOW).unwrap();
    assert_eq!((after.status, entry.to), (ConsentStatus::Rejected, ConsentStatus::Rejected));
    use ApprovalState::{Approved, Pending, Rejected};
    assert_eq!(states(&after), [Approved, Pending, Rejected, Pending]);
    for (id, decision) in
        [("fin-1", Decision::Approved), ("fin-2", Decision::Approved), ("fin-3", Decision::Rejected)]
    {
        let closed = DecisionFault::Closed(ConsentStatus::Rejected);
        assert_eq!(after.decided(id, decision, &operator(), NOW), Err(closed), "{id}");
    }
    assert_eq!(after.waits_for().count(), 0);
}

#[test]
fn a_second_decision_and_an_unknown_authoriser_change_nothing() {
    let (once, _) = waiting(2).decided("fin-1", Decision::Approved, &operator(), NOW).unwrap();
    for decision in [Decision::Approved, Decision::Rejected] {
        for id in ["fin-0", "fin-1"] {
            let again = once.decided(id, decision, &operator(), NOW);
            assert_eq!(again, Err(DecisionFault::DecidedBefore), "{id}");
        }
        for id in ["fin-9", "", "FIN-2", "fin-2 "] {
            assert_eq!(once.decided(id, decision, &operator(), NOW), Err(DecisionFault::Unknown), "{id}");
        }
    }
}

#[test]
fn no_side_authorises_past_a_missing_approval() {
    let consent = waiting(2);
    for actor in [Actor::Customer(customer()), operator()] {
        let refused = consent.moved(ConsentStatus::Authorized, &actor, "all the same", NOW).unwrap_err();
        assert_eq!(refused.why, rar_consent::MoveFault::ApprovalMissing);
    }
}

/// Accounts whose name ends in a digit ask for the customer and so many others.
#[derive(Debug)]
struct Digits;

#[async_trait]
impl Mandates for Digits {
    async fn authorizers(&self, account: &str) -> Result<Vec<Authorizer>, Fault> {
        let digit = account.chars().last().and_then(|last| last.to_digit(10)).unwrap_or(0);
        Ok(if digit == 0 { Vec::new() } else { authorizers(usize::try_from(digit).unwrap()) })
    }
}

struct Bank {
    engine: Arc<ConsentEngine>,
    store: Arc<dyn ConsentStore>,
}

fn bank(store: Arc<dyn ConsentStore>) -> Bank {
    let clock = Arc::new(FixedClock::at(NOW));
    let registry = DetailRegistry::standard();
    let engine = ConsentEngine::with_mandates(registry, store.clone(), clock, Arc::new(Digits));
    Bank { engine, store }
}

async fn everywhere() -> Vec<Bank> {
    let mut stores: Vec<Arc<dyn ConsentStore>> =
        vec![Arc::new(MemoryConsents::new()), Arc::new(SqlConsents::new(sqlite().await))];
    if let Some(database) = postgres().await {
        stores.push(Arc::new(SqlConsents::new(database)));
    }
    stores.into_iter().map(bank).collect()
}

/// A request that any account will do for.
fn any_account(n: usize) -> VettedRequest {
    let mut element = without("AcceptedAuthorizationType");
    element["Data"].as_object_mut().unwrap()["Initiation"].as_object_mut().unwrap().remove("DebtorAccount");
    element["Data"]["ConsentId"] = json!(format!("3f0a9b64-9d0e-4c57-8d6b-{n:012x}"));
    request(Push::of(element).taken())
}

impl Bank {
    async fn asked(&self, request: &VettedRequest, account: &str) -> Consent {
        self.engine.lodge(request, NOW).await.unwrap();
        self.engine.authorise(&grant(request), &approval(&[account]), NOW).await.unwrap();
        self.of(request, NOW).await
    }

    async fn of(&self, request: &VettedRequest, now: Timestamp) -> Consent {
        self.engine.consent(request.details.consent.as_ref().unwrap(), now).await.unwrap().unwrap()
    }

    async fn vote(&self, consent: &Consent, id: &str, decision: Decision, at: i64) -> Decided {
        let (actor, channel) = (operator(), Channel::BankApi);
        let vote =
            Vote { consent: &consent.id, authorizer: id, decision, actor: &actor, channel, shown: None };
        self.engine.decide(&vote, NOW.plus(Seconds::new(at))).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_joint_account_waits_for_the_other_holder_and_says_so_to_that_one() {
    for bank in everywhere().await {
        let request = any_account(1);
        let consent = bank.asked(&request, "acc-2").await;
        assert_eq!(consent.approvals.len(), 3);
        assert_eq!(bank.engine.standing(&consent.id, NOW).await.unwrap(), Standing::Waiting);
        for name in ["other-1", "other-2"] {
            assert_eq!(bank.engine.waiting_for(&subject(name), NOW).await.unwrap(), vec![consent.clone()]);
        }
        let actor = Actor::Customer(subject("other-1"));
        let channel = Channel::OnlineBanking;
        let mut vote = Vote {
            consent: &consent.id,
            authorizer: "fin-2",
            decision: Decision::Approved,
            actor: &actor,
            channel,
            shown: None,
        };
        assert_eq!(bank.engine.decide(&vote, NOW).await.unwrap(), Decided::Unknown, "another's approval");
        vote.authorizer = "fin-1";
        assert!(matches!(bank.engine.decide(&vote, NOW).await.unwrap(), Decided::Now(_)));
        assert!(bank.engine.waiting_for(&subject("other-1"), NOW).await.unwrap().is_empty());
        assert_eq!(bank.engine.waiting_for(&subject("other-2"), NOW).await.unwrap().len(), 1);
        assert_eq!(bank.vote(&consent, "fin-1", Decision::Rejected, 1).await, Decided::Before);
        assert_eq!(bank.vote(&consent, "fin-9", Decision::Rejected, 1).await, Decided::Unknown);
        let Decided::Now(last) = bank.vote(&consent, "fin-2", Decision::Approved, 2).await else {
            panic!("the last approval counts")
        };
        assert_eq!(*last, bank.of(&request, NOW).await);
        assert_eq!(last.status, ConsentStatus::Authorized);
        let history = bank.store.history(&consent.id).await.unwrap();
        let told: Vec<_> = history.iter().map(|entry| (entry.what, entry.channel, &*entry.reason)).collect();
        assert_eq!(
            told,
            [
                (Changed::Status, Some(Channel::Api), "asked"),
                (Changed::Decision, Some(Channel::Redirect), "approved, 1 of 3"),
                (Changed::Decision, Some(Channel::OnlineBanking), "approved by fin-1, 2 of 3"),
                (Changed::Status, Some(Channel::BankApi), "approved by fin-2, 3 of 3"),
            ]
        );
        assert_eq!(history[2].actor, actor);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_each_approver_read_is_kept_word_for_word_with_its_language() {
    let text =
        |language: &str, text: &str| ShownText { language: language.to_owned(), text: text.to_owned() };
    let (english, arabic) = (text("en", "Pay?\nAED 1.00"), text("ar", "هل تدفع؟"));
    for bank in everywhere().await {
        let request = any_account(1);
        bank.engine.lodge(&request, NOW).await.unwrap();
        let first = oauth_core::Approval { shown: Some(english.clone()), ..approval(&["acc-2"]) };
        bank.engine.authorise(&grant(&request), &first, NOW).await.unwrap();
        let consent = bank.of(&request, NOW).await;
        for (n, decision, read) in
            [(1, Decision::Approved, Some(&arabic)), (2, Decision::Rejected, Some(&english))]
        {
            let actor = Actor::Customer(subject(&format!("other-{n}")));
            let vote = Vote {
                consent: &consent.id,
                authorizer: &format!("fin-{n}"),
                decision,
                actor: &actor,
                channel: Channel::OnlineBanking,
                shown: read,
            };
            assert!(matches!(bank.engine.decide(&vote, NOW).await.unwrap(), Decided::Now(_)));
        }
        let after = bank.of(&request, NOW).await;
        let kept: Vec<_> = after.approvals.iter().map(|entry| entry.shown.clone()).collect();
        assert_eq!(kept, [Some(Shown::of(&english)), Some(Shown::of(&arabic)), None], "hash and language");
        assert_eq!(after.shown, Some(Shown::of(&english)), "the first customer's stays the first customer's");
        let history = bank.store.history(&consent.id).await.unwrap();
        let texts: Vec<_> = history.into_iter().map(|entry| entry.shown).collect();
        assert_eq!(
            texts,
            [None, Some(english.clone()), Some(arabic.clone()), None],
            "who rejects signs nothing"
        );
    }
}

#[tokio::test]
async fn a_third_party_decides_for_nobody() {
    let bank = bank(Arc::new(MemoryConsents::new()));
    let consent = bank.asked(&any_account(1), "acc-1").await;
    for actor in [Actor::Tpp(client().id), Actor::Clock, Actor::Engine, Actor::Customer(customer())] {
        let channel = Channel::Api;
        let vote = Vote {
            consent: &consent.id,
            authorizer: "fin-1",
            decision: Decision::Approved,
            actor: &actor,
            channel,
            shown: None,
        };
        assert_eq!(bank.engine.decide(&vote, NOW).await.unwrap(), Decided::Unknown, "{actor:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_deadline_no_authoriser_decides_and_the_consent_is_rejected() {
    for bank in everywhere().await {
        let request = any_account(1);
        let consent = bank.asked(&request, "acc-1").await;
        let late = bank.vote(&consent, "fin-1", Decision::Approved, 3600).await;
        assert_eq!(late, Decided::Closed(ConsentStatus::Rejected));
        let after = bank.of(&request, NOW.plus(Seconds::new(3600))).await;
        assert_eq!((after.status, states(&after)[1]), (ConsentStatus::Rejected, ApprovalState::Pending));
        assert_eq!(bank.engine.waiting_for(&subject("other-1"), NOW).await.unwrap(), []);
        let request = any_account(2);
        let consent = bank.asked(&request, "acc-1").await;
        let in_time = bank.vote(&consent, "fin-1", Decision::Approved, 3599).await;
        assert!(matches!(in_time, Decided::Now(_)), "up to the deadline: {in_time:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixty_four_who_approve_at_once_exactly_one_is_the_last() {
    #[derive(Debug)]
    struct Crowd;
    #[async_trait]
    impl Mandates for Crowd {
        async fn authorizers(&self, _: &str) -> Result<Vec<Authorizer>, Fault> {
            Ok(authorizers(64))
        }
    }
    for bank in everywhere().await {
        let clock = Arc::new(FixedClock::at(NOW));
        let registry = DetailRegistry::standard();
        let engine = ConsentEngine::with_mandates(registry, bank.store.clone(), clock, Arc::new(Crowd));
        let bank = Arc::new(Bank { engine, store: bank.store });
        let request = any_account(1);
        let consent = bank.asked(&request, "acc").await;
        let mut racers = tokio::task::JoinSet::new();
        for n in 1..=64 {
            let (bank, consent) = (bank.clone(), consent.clone());
            racers
                .spawn(async move { bank.vote(&consent, &format!("fin-{n}"), Decision::Approved, 1).await });
        }
        let outcomes = racers.join_all().await;
        let status = |outcome: &Decided| match outcome {
            Decided::Now(consent) => consent.status,
            Decided::Unknown | Decided::Before | Decided::Closed(_) => panic!("{outcome:?}"),
        };
        let last = outcomes.iter().filter(|outcome| status(outcome) == ConsentStatus::Authorized).count();
        assert_eq!(last, 1);
        assert_eq!(bank.of(&request, NOW).await.status, ConsentStatus::Authorized);
        let history = bank.store.history(&consent.id).await.unwrap();
        assert_eq!(history.len(), 2 + 64);
        let authorised = history.iter().filter(|entry| entry.to == ConsentStatus::Authorized).count();
        assert_eq!(authorised, 1, "and one entry says so");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixty_four_decisions_of_one_authoriser_one_counts() {
    for bank in everywhere().await {
        let bank = Arc::new(bank);
        let request = any_account(1);
        let consent = bank.asked(&request, "acc-1").await;
        let mut racers = tokio::task::JoinSet::new();
        for n in 0..64 {
            let (bank, consent) = (bank.clone(), consent.clone());
            let decision = if n % 2 == 0 { Decision::Approved } else { Decision::Rejected };
            racers.spawn(async move { bank.vote(&consent, "fin-1", decision, 1).await });
        }
        let outcomes = racers.join_all().await;
        let counted = outcomes.iter().filter(|outcome| matches!(outcome, Decided::Now(_))).count();
        assert_eq!(counted, 1, "{outcomes:?}");
        assert_eq!(bank.store.history(&consent.id).await.unwrap().len(), 3);
        assert!(bank.of(&request, NOW).await.status != ConsentStatus::AwaitingAuthorization);
    }
}

#[tokio::test]
async fn a_single_consent_is_not_approved_from_an_account_that_needs_more() {
    let bank = bank(Arc::new(MemoryConsents::new()));
    let mut element = json!({"Type": "PaymentConsent", "Data": data()});
    element["Data"]["Initiation"].as_object_mut().unwrap().remove("DebtorAccount");
    let request = request(Push::of(element).taken());
    bank.engine.lodge(&request, NOW).await.unwrap();
    let refused = bank.engine.authorise(&grant(&request), &approval(&["acc-1"]), NOW).await;
    let Err(Error::Refused(refusal)) = refused else { panic!("{refused:?}") };
    assert_eq!((refusal.rule.0, refusal.reason), ("UAEBSI-7-single", Reason::from(ApprovalReason::Widened)));
    assert_eq!(bank.of(&request, NOW).await.status, ConsentStatus::AwaitingAuthorization);
    bank.engine.authorise(&grant(&request), &approval(&["acc-0"]), NOW).await.unwrap();
    assert_eq!(bank.of(&request, NOW).await.status, ConsentStatus::Authorized);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_continues_only_one_of_the_same_client_and_customer() {
    for bank in everywhere().await {
        let first = any_account(1);
        let base = bank.asked(&first, "acc-0").await;
        let continuing = |n: usize, base: &str| {
            let mut element = without("AcceptedAuthorizationType");
            let data = element["Data"].as_object_mut().unwrap();
            data["Initiation"].as_object_mut().unwrap().remove("DebtorAccount");
            data.insert("ConsentId".to_owned(), json!(format!("3f0a9b64-9d0e-4c57-8d6b-{n:012x}")));
            data.insert("BaseConsentId".to_owned(), json!(base));
            request(Push::of(element).taken())
        };
        let (good, bad) = (continuing(2, base.id.as_str()), continuing(3, "aac-gone"));
        bank.asked(&good, "acc-0").await;
        bank.engine.lodge(&bad, NOW).await.unwrap();
        let refused = bank.engine.authorise(&grant(&bad), &approval(&["acc-0"]), NOW).await;
        let Err(Error::Refused(refusal)) = refused else { panic!("{refused:?}") };
        assert_eq!(refusal.rule.0, "UAEBSI-4-base");
        let other = continuing(4, base.id.as_str());
        bank.engine.lodge(&other, NOW).await.unwrap();
        let consent = bank.of(&other, NOW).await;
        let objection = bank.engine.objection(&consent, &subject("other-1"), NOW).await.unwrap();
        assert!(objection.is_some(), "another customer's");
        assert!(bank.engine.objection(&consent, &customer(), NOW).await.unwrap().is_none());
        let found = bank.store.of_base(&client().id, base.id.as_str()).await.unwrap();
        let ids: Vec<_> = found.iter().map(|one| one.id.clone()).collect();
        assert_eq!(ids, [consent.id, good.details.consent.unwrap()], "the newest first");
        let stranger = oauth_core::ClientId::new("stranger").unwrap();
        assert_eq!(bank.store.of_base(&stranger, base.id.as_str()).await.unwrap(), []);
    }
}
