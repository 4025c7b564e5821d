//! The engine behind grants: what PAR lodges, what approval makes of it, and what time does.

use std::sync::Arc;

use oauth_core::testkit::FixedClock;
use oauth_core::{
    ApprovalReason, ClientId, Consents as _, DetailsFault, Error, Reason, Refusal, Seconds, Standing,
    Timestamp, VettedRequest,
};
use rar_consent::{
    AccountChoice, Actor, Amended, Changed, Consent, ConsentEngine, ConsentStatus, DetailRegistry,
    HistoryEntry, Inserted, MemoryConsents, Moved, OfxperaConsent, Permission, Revoked, TermsFault, describe,
    describe_details,
};
use serde_json::{Value, json};

use crate::fixture::{
    ID, NOW, Push, UAE, approval, client, customer, data, details, element, grant, request, without,
};
use crate::ofxpera;

struct Bank {
    engine: Arc<ConsentEngine>,
    clock: Arc<FixedClock>,
}

fn bank() -> Bank {
    let clock = Arc::new(FixedClock::at(NOW));
    let store = Arc::new(MemoryConsents::new());
    Bank { engine: ConsentEngine::new(DetailRegistry::standard(), store, clock.clone()), clock }
}

impl Bank {
    async fn lodged(&self, element: Value) -> VettedRequest {
        let request = request(Push::of(element).taken());
        self.engine.lodge(&request, NOW).await.unwrap();
        request
    }

    async fn of(&self, request: &VettedRequest, now: Timestamp) -> Consent {
        self.engine.consent(request.details.consent.as_ref().unwrap(), now).await.unwrap().unwrap()
    }

    async fn standing(&self, request: &VettedRequest, now: Timestamp) -> Standing {
        self.engine.standing(request.details.consent.as_ref().unwrap(), now).await.unwrap()
    }
}

fn later(seconds: i64) -> Timestamp {
    NOW.plus(Seconds::new(seconds))
}

fn refusal(error: Error) -> Refusal {
    match error {
        Error::Refused(refusal) => refusal,
        Error::Failed(fault) => panic!("{fault}"),
    }
}

const IBAN: &str = "AE760330000010195511162";

#[tokio::test]
async fn a_pushed_consent_waits_with_the_element_as_received() {
    for element in [
        element(),
        json!({"Type": "https://www.openfinance.ae/service-initiation-consent", "Data": data()}),
        json!({"type": UAE, "consent": data()}),
        json!({"type": "PaymentConsent", "consent": data()}),
    ] {
        let bank = bank();
        let request = bank.lodged(element.clone()).await;
        let consent = bank.of(&request, NOW).await;
        assert_eq!((consent.status, consent.element), (ConsentStatus::AwaitingAuthorization, element));
        assert_eq!((consent.created_at, consent.authorise_until), (NOW, later(3600)));
        assert_eq!(consent.until, Some(Timestamp::from_seconds(1_795_291_199)));
        assert_eq!(bank.standing(&request, NOW).await, Standing::Waiting);
    }
}

#[tokio::test]
async fn an_identifier_is_used_once_whoever_used_it_and_however_it_is_spelled() {
    let bank = bank();
    bank.lodged(element()).await;
    for id in [ID.to_owned(), ID[4..].to_owned(), format!("xyz-{}", ID[4..].to_ascii_uppercase())] {
        let mut data = data();
        data["ConsentId"] = json!(id);
        let mut again = request(Push::of(json!({"type": UAE, "consent": data})).taken());
        again.client = ClientId::new("another").unwrap();
        let refusal = refusal(bank.engine.lodge(&again, NOW).await.unwrap_err());
        assert!(
            matches!(&refusal.reason, Reason::Details(reason) if reason.fault == DetailsFault::ConsentIdUsed),
            "{id}"
        );
    }
}

#[tokio::test]
async fn approval_makes_it_good_once() {
    let bank = bank();
    let request = bank.lodged(element()).await;
    let grant = grant(&request);
    bank.engine.authorise(&grant, &approval(&[IBAN]), later(30)).await.unwrap();
    let consent = bank.of(&request, later(31)).await;
    assert_eq!((consent.status, consent.authorised_at), (ConsentStatus::Authorized, Some(later(30))));
    assert_eq!((consent.subject, &*consent.accounts), (Some(customer()), &[IBAN.to_owned()][..]));
    assert_eq!(bank.standing(&request, later(31)).await, Standing::Good);
    let again = bank.engine.authorise(&grant, &approval(&[IBAN]), later(32)).await.unwrap_err();
    assert_eq!(refusal(again).reason, ApprovalReason::DecidedBefore.into());
    let history = bank.engine.history(&consent.id).await.unwrap();
    assert_eq!(
        history.iter().map(|entry| entry.to).collect::<Vec<_>>(),
        [ConsentStatus::AwaitingAuthorization, ConsentStatus::Authorized]
    );
    assert_eq!(history[1].actor, Actor::Customer(customer()));
    assert_eq!(bank.engine.of_subject(&customer(), later(33)).await.unwrap().len(), 1);
    assert_eq!(bank.engine.of_client(&client().id, later(33)).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_approvals_at_once_exactly_one_applies() {
    let bank = bank();
    let request = bank.lodged(element()).await;
    let mut racers = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (engine, grant) = (Arc::clone(&bank.engine), grant(&request));
        racers.spawn(async move { engine.authorise(&grant, &approval(&[IBAN]), later(1)).await.is_ok() });
    }
    assert_eq!(racers.join_all().await.into_iter().filter(|applied| *applied).count(), 1);
}

#[tokio::test]
async fn accounts_outside_the_choice_are_refused_and_change_nothing() {
    for (element, good, bad) in [
        (element(), vec![vec![], vec![IBAN]], vec![vec!["AE050260001015432198765"], vec![IBAN, IBAN]]),
        (without("Initiation/DebtorAccount"), vec![vec!["acc-1"]], vec![vec![], vec!["acc-1", "acc-2"]]),
    ] {
        for accounts in &bad {
            let bank = bank();
            let request = bank.lodged(element.clone()).await;
            let error =
                bank.engine.authorise(&grant(&request), &approval(accounts), later(1)).await.unwrap_err();
            assert_eq!(refusal(error).reason, ApprovalReason::Widened.into(), "{accounts:?}");
            assert_eq!(bank.standing(&request, later(1)).await, Standing::Waiting);
        }
        for accounts in &good {
            let bank = bank();
            let request = bank.lodged(element.clone()).await;
            bank.engine.authorise(&grant(&request), &approval(accounts), later(1)).await.unwrap();
            assert_eq!(bank.of(&request, later(1)).await.accounts.len(), 1);
        }
    }
}

#[tokio::test]
async fn another_clients_grant_authorises_nothing() {
    let bank = bank();
    let request = bank.lodged(element()).await;
    let mut grant = grant(&request);
    grant.client = ClientId::new("another").unwrap();
    assert!(bank.engine.authorise(&grant, &approval(&[IBAN]), later(1)).await.is_err());
    assert_eq!(bank.standing(&request, later(1)).await, Standing::Waiting);
}

#[tokio::test]
async fn a_refusal_rejects_and_may_be_repeated() {
    let bank = bank();
    let request = bank.lodged(element()).await;
    for _ in 0..2 {
        bank.engine.refuse(&request, Some(&customer()), later(1)).await.unwrap();
        assert_eq!(bank.of(&request, later(1)).await.status, ConsentStatus::Rejected);
    }
    assert_eq!(bank.standing(&request, later(1)).await, Standing::Ended);
    assert!(bank.engine.authorise(&grant(&request), &approval(&[IBAN]), later(2)).await.is_err());
}

#[tokio::test]
async fn time_is_applied_and_kept_at_every_reading() {
    let bank = bank();
    let request = bank.lodged(element()).await;
    assert_eq!(bank.standing(&request, later(3599)).await, Standing::Waiting);
    assert!(bank.engine.authorise(&grant(&request), &approval(&[IBAN]), later(3600)).await.is_err());
    let consent = bank.of(&request, later(9000)).await;
    assert_eq!(
        (consent.status, consent.status_at, consent.revision),
        (ConsentStatus::Rejected, later(3600), 2)
    );
    assert_eq!(bank.engine.history(&consent.id).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_sweep_moves_what_is_due_once() {
    let bank = bank();
    let request = bank.lodged(element()).await;
    bank.engine.authorise(&grant(&request), &approval(&[IBAN]), later(1)).await.unwrap();
    let end = Timestamp::from_seconds(1_795_291_199);
    assert_eq!(bank.engine.sweep(Timestamp::from_millis(end.millis() - 1)).await.unwrap(), 0);
    assert_eq!(bank.engine.sweep(end).await.unwrap(), 1);
    assert_eq!(bank.engine.sweep(end).await.unwrap(), 0);
    let listed = bank.engine.of_subject(&customer(), end).await.unwrap();
    assert_eq!(listed[0].status, ConsentStatus::Expired);
}

#[tokio::test]
async fn revoking_ends_it_once_and_for_good() {
    let bank = bank();
    let request = bank.lodged(element()).await;
    let id = request.details.consent.clone().unwrap();
    let tpp = Actor::Tpp(client().id);
    let waiting = bank.engine.revoke(&id, &tpp, "", later(1)).await.unwrap();
    assert_eq!(waiting, Revoked::Illegal(ConsentStatus::AwaitingAuthorization));
    bank.engine.authorise(&grant(&request), &approval(&[IBAN]), later(1)).await.unwrap();
    assert_eq!(bank.engine.revoke(&id, &tpp, "no longer needed", later(2)).await.unwrap(), Revoked::Now);
    assert_eq!(bank.standing(&request, later(2)).await, Standing::Ended);
    assert_eq!(bank.engine.revoke(&id, &tpp, "again", later(3)).await.unwrap(), Revoked::Before);
    let revocation = bank.of(&request, later(3)).await.revocation.unwrap();
    assert_eq!((revocation.at, &*revocation.reason), (later(2), "no longer needed"));
    let operator = Actor::Operator("ops".to_owned());
    let resumed = bank.engine.resume(&id, &operator, "", later(4)).await.unwrap();
    assert_eq!(resumed, Moved::Illegal(ConsentStatus::Revoked));
    let unknown = oauth_core::ConsentId::new("nobody").unwrap();
    assert_eq!(bank.engine.revoke(&unknown, &tpp, "", later(1)).await.unwrap(), Revoked::Unknown);
}

#[tokio::test]
async fn a_suspension_holds_until_its_own_side_lifts_it() {
    let bank = bank();
    let request = bank.lodged(element()).await;
    let id = request.details.consent.clone().unwrap();
    let (tpp, operator) = (Actor::Tpp(client().id), Actor::Operator("ops".to_owned()));
    let waiting = bank.engine.resume(&id, &operator, "", later(1)).await.unwrap();
    assert_eq!(waiting, Moved::Illegal(ConsentStatus::AwaitingAuthorization), "resuming authorises nothing");
    bank.engine.authorise(&grant(&request), &approval(&[IBAN]), later(1)).await.unwrap();
    assert_eq!(bank.engine.suspend(&id, &operator, "check", later(2)).await.unwrap(), Moved::Now);
    assert_eq!(bank.engine.suspend(&id, &operator, "check", later(2)).await.unwrap(), Moved::Before);
    assert_eq!(bank.standing(&request, later(2)).await, Standing::Suspended);
    let lifted = bank.engine.resume(&id, &tpp, "", later(3)).await.unwrap();
    assert_eq!(
        lifted,
        Moved::Illegal(ConsentStatus::Suspended),
        "a UAE third party suspends and resumes nothing"
    );
    assert_eq!(bank.engine.resume(&id, &operator, "", later(3)).await.unwrap(), Moved::Now);
    assert_eq!(bank.standing(&request, later(3)).await, Standing::Good);
}

#[tokio::test]
async fn an_ofxpera_consent_goes_from_creation_to_approval() {
    let bank = bank();
    let (consent, entry) = created();
    assert_eq!(bank.engine.create(&consent, &entry).await.unwrap(), Inserted::New);
    let asked = details(json!([ofxpera::element()]));
    let facts = bank.engine.facts(&asked, &client()).await.unwrap();
    assert_eq!(facts.0.len(), 1);
    let push = Push { facts: facts.clone(), ..Push::of(ofxpera::element()).scope("openid accounts.basic") };
    let vetted = push.taken();
    let words = describe_details(&vetted, &facts, &DetailRegistry::standard(), NOW).unwrap();
    assert_eq!(words, describe(&consent));
    assert_eq!(words.choice, AccountChoice::AnyOf);
    let request = request(vetted);
    bank.engine.lodge(&request, NOW).await.unwrap();
    bank.engine.authorise(&grant(&request), &approval(&["acc-1", "acc-2"]), later(5)).await.unwrap();
    assert_eq!(bank.standing(&request, later(5)).await, Standing::Good);
    assert!(bank.engine.lodge(&request, later(6)).await.is_err(), "one successful authorization only");
    let facts = bank.engine.facts(&asked, &client()).await.unwrap();
    Push { facts, ..push }.because("OFXPERA-4.4-waiting", "authorization_details[0].consentId");
    let foreign = oauth_core::testkit::client("another");
    assert!(bank.engine.facts(&asked, &foreign).await.unwrap().0.is_empty());
}

#[tokio::test]
async fn facts_have_the_clock_applied() {
    let bank = bank();
    let (consent, entry) = created();
    bank.engine.create(&consent, &entry).await.unwrap();
    bank.clock.advance(Seconds::minutes(60));
    let asked = details(json!([ofxpera::element()]));
    let facts = bank.engine.facts(&asked, &client()).await.unwrap();
    assert_eq!(facts.0[0]["status"], "Expired");
}

fn created() -> (Consent, HistoryEntry) {
    let consent = ofxpera::consent();
    let asks = Actor::Tpp(client().id);
    let note = HistoryEntry::note(ConsentStatus::AwaitingAuthorization, Changed::Status, &asks, "asked", NOW);
    (consent, HistoryEntry { from: None, ..note })
}

#[tokio::test]
async fn terms_are_free_while_waiting_and_only_narrower_afterwards() {
    let bank = bank();
    let (consent, entry) = created();
    bank.engine.create(&consent, &entry).await.unwrap();
    let tpp = Actor::Tpp(client().id);
    let wider = OfxperaConsent {
        permissions: vec![Permission::PeraBasicInfo, Permission::PeraBalance, Permission::PeraTransactions],
        ..ofxpera::terms()
    };
    let amend = async |terms: &OfxperaConsent, at: i64| {
        bank.engine.amend(&consent.id, terms, &tpp, later(at)).await.unwrap()
    };
    assert_eq!(amend(&wider, 1).await, Amended::Done);
    assert_eq!(amend(&ofxpera::terms(), 2).await, Amended::Done);
    let asked = details(json!([ofxpera::element()]));
    let facts = bank.engine.facts(&asked, &client()).await.unwrap();
    let push = Push { facts, ..Push::of(ofxpera::element()).scope("openid accounts.basic") };
    let request = request(push.taken());
    bank.engine.authorise(&grant(&request), &approval(&["acc-1"]), later(5)).await.unwrap();
    assert_eq!(amend(&wider, 6).await, Amended::Widened);
    let other = OfxperaConsent { data_holder: "other".to_owned(), ..ofxpera::terms() };
    assert_eq!(amend(&other, 6).await, Amended::Malformed(TermsFault::DataHolder));
    let shorter = OfxperaConsent { end: NOW.plus(Seconds::days(10)), ..ofxpera::terms() };
    assert_eq!(amend(&shorter, 3000).await, Amended::Done);
    assert_eq!(amend(&ofxpera::terms(), 3001).await, Amended::Widened);
    assert_eq!(bank.standing(&request, NOW.plus(Seconds::days(10))).await, Standing::Ended);
    assert_eq!(amend(&shorter, 10 * 86_400).await, Amended::Illegal(ConsentStatus::Expired));
}

#[tokio::test]
async fn terms_stand_still_from_the_first_page_until_the_customer_has_decided() {
    let bank = bank();
    let (consent, entry) = created();
    bank.engine.create(&consent, &entry).await.unwrap();
    let facts = bank.engine.facts(&details(json!([ofxpera::element()])), &client()).await.unwrap();
    let push = Push { facts, ..Push::of(ofxpera::element()).scope("openid accounts.basic") };
    let request = request(push.taken());
    let amend = async |at: i64| {
        let tpp = Actor::Tpp(client().id);
        bank.engine.amend(&consent.id, &ofxpera::terms(), &tpp, later(at)).await.unwrap()
    };
    bank.engine.lodge(&request, later(1)).await.unwrap();
    assert_eq!(amend(2).await, Amended::Done, "pushed, and nobody has read it");
    for at in [3, 4] {
        bank.engine.opened(&request, later(at)).await.unwrap();
    }
    assert_eq!(amend(5).await, Amended::Illegal(ConsentStatus::AwaitingAuthorization));
    let history = bank.engine.history(&consent.id).await.unwrap();
    let opened: Vec<_> = history.iter().filter(|entry| entry.what == Changed::Request).collect();
    assert_eq!((opened.len(), opened[0].at), (1, later(3)), "{history:?}");
}

#[tokio::test]
async fn only_the_client_of_a_consent_opens_its_page_and_only_while_it_waits() {
    let bank = bank();
    let (consent, entry) = created();
    bank.engine.create(&consent, &entry).await.unwrap();
    let facts = bank.engine.facts(&details(json!([ofxpera::element()])), &client()).await.unwrap();
    let push = Push { facts, ..Push::of(ofxpera::element()).scope("openid accounts.basic") };
    let own = request(push.taken());
    let mut foreign = own.clone();
    foreign.client = ClientId::new("another").unwrap();
    bank.engine.opened(&foreign, later(1)).await.unwrap();
    bank.engine.authorise(&grant(&own), &approval(&["acc-1"]), later(2)).await.unwrap();
    bank.engine.opened(&own, later(3)).await.unwrap();
    let kept = bank.engine.consent(&consent.id, later(3)).await.unwrap().unwrap();
    assert_eq!(kept.asked_at, None);
}

#[tokio::test]
async fn a_consent_of_another_issuer_is_not_accepted() {
    let bank = bank();
    let (consent, entry) = created();
    bank.engine.create(&consent, &entry).await.unwrap();
    let facts = bank.engine.facts(&details(json!([ofxpera::element()])), &client()).await.unwrap();
    let push = Push { facts, ..Push::of(ofxpera::element()).scope("openid accounts.basic") };
    let elsewhere = oauth_core::Issuer::new("https://elsewhere.example").unwrap();
    let mut request = request(push.taken());
    let mut grant = grant(&request);
    (request.issuer, grant.issuer) = (elsewhere.clone(), elsewhere);
    assert!(bank.engine.lodge(&request, later(1)).await.is_err());
    assert!(bank.engine.authorise(&grant, &approval(&["acc-1"]), later(1)).await.is_err());
    bank.engine.refuse(&request, None, later(1)).await.unwrap();
    assert_eq!(bank.standing(&request, later(1)).await, Standing::Waiting);
}

#[tokio::test]
async fn nobody_acts_on_the_consent_of_another() {
    let bank = bank();
    let request = bank.lodged(element()).await;
    let id = request.details.consent.clone().unwrap();
    bank.engine.authorise(&grant(&request), &approval(&[IBAN]), later(1)).await.unwrap();
    let other_client = Actor::Tpp(ClientId::new("another").unwrap());
    let other_customer = Actor::Customer(oauth_core::Subject::new("another").unwrap());
    for other in [other_client, other_customer] {
        assert_eq!(bank.engine.revoke(&id, &other, "", later(2)).await.unwrap(), Revoked::Unknown);
        assert_eq!(bank.engine.suspend(&id, &other, "", later(2)).await.unwrap(), Moved::Unknown);
        assert_eq!(bank.engine.resume(&id, &other, "", later(2)).await.unwrap(), Moved::Unknown);
    }
    assert_eq!(bank.standing(&request, later(2)).await, Standing::Good);
    assert_eq!(
        bank.engine.revoke(&id, &Actor::Customer(customer()), "", later(2)).await.unwrap(),
        Revoked::Now
    );
}

#[tokio::test]
async fn a_generic_payment_is_lodged_under_an_identifier_of_ours() {
    let bank = bank();
    let element = json!({"type": "payment_initiation", "instructedAmount": {"currency": "EUR", "amount": "123.50"},
        "creditorName": "Merchant A", "creditorAccount": {"iban": "DE02100100109307118603"}});
    let request = bank.lodged(element.clone()).await;
    let consent = bank.of(&request, NOW).await;
    assert_eq!(consent.element, element);
    assert_eq!(describe(&consent).payment.unwrap().amount, "EUR 123.50");
    bank.engine.authorise(&grant(&request), &approval(&["acc-1"]), later(1)).await.unwrap();
    let used = bank.of(&request, later(1)).await.exercise(&rar_consent::Use::new(12350, "EUR", later(2)));
    assert_eq!(used.unwrap().usage.count, 1);
}

#[tokio::test]
async fn a_consent_nobody_has_has_ended() {
    let unknown = oauth_core::ConsentId::new("nobody").unwrap();
    assert_eq!(bank().engine.standing(&unknown, NOW).await.unwrap(), Standing::Ended);
}
