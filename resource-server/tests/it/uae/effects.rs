//! Section 6: what the status of a consent does to its tokens, row by row and use by use, with an authorization server and the
//! interface over one database.

use std::sync::atomic::{AtomicU32, Ordering};

use http::StatusCode;
use oauth_core::jose::Alg;
use oauth_core::store::database::{Database, DatabaseUrl};
use oauth_core::testkit::{self, keys};
use oauth_core::{
    AnswerForm, Approval, Authentication, AuthorizationServer, AuthorizeSubmitted, CorrelationId, Error,
    GrantReason, Introspection, IntrospectionAnswer, Outcome, Presented, Reason, Resource, ResumeSubmitted,
    Return, Scope, Seconds, ServerSecret, Settings, Subject, Submitted, TokenAnswer, UAE_OPEN_FINANCE,
};
use rar_consent::{Actor, Channel, ConsentStatus, Decision, Vote};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::bank::{Bank, CONSENT, JOINT, ORIGIN, certificate, consent_id, order, sign_with, staged};
use crate::fixture::Place;

const REDIRECT: &str = "https://tpp.example/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The bank with its authorization server.
struct Whole {
    bank: Bank,
    server: AuthorizationServer,
    jtis: AtomicU32,
}

/// What one use of a token comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comes {
    Good,
    NotAuthorized,
    InvalidGrant,
    Dead,
}

use Comes::{Dead, Good, InvalidGrant, NotAuthorized};

/// The table of section 6: status, refresh, `POST /payments`, `GET`, introspection.
const TABLE: &[(ConsentStatus, Comes, Comes, Comes, Comes)] = &[
    (ConsentStatus::AwaitingAuthorization, Good, NotAuthorized, Good, Good),
    (ConsentStatus::Authorized, Good, Good, Good, Good),
    (ConsentStatus::Suspended, Good, NotAuthorized, Good, Good),
    (ConsentStatus::Finished, InvalidGrant, NotAuthorized, Good, Good),
    (ConsentStatus::Revoked, InvalidGrant, Dead, Dead, Dead),
    (ConsentStatus::Rejected, InvalidGrant, Dead, Dead, Dead),
    (ConsentStatus::Expired, InvalidGrant, Dead, Dead, Dead),
];

#[tokio::test(flavor = "multi_thread")]
async fn section_6_every_status_has_its_effect_on_every_use_of_a_token() {
    let statuses: Vec<ConsentStatus> = TABLE.iter().map(|row| row.0).collect();
    assert!(ConsentStatus::ALL.iter().all(|status| statuses.contains(status)));
    for (status, refresh, post, get, introspect) in TABLE {
        for (place, database) in everywhere().await {
            let whole = whole(database).await;
            let tokens = whole.tokens(*status).await;
            whole.brought_to(*status, &tokens.access_token).await;
            let found = whole.bank.engine.consent(&consent_id(), whole.bank.now()).await.unwrap().unwrap();
            assert_eq!(found.status, *status, "{place}");
            assert_eq!(whole.refresh(&tokens).await, *refresh, "{place}: refresh while {status:?}");
            assert_eq!(whole.pay(&tokens, "another").await, *post, "{place}: POST while {status:?}");
            assert_eq!(whole.read(&tokens).await, *get, "{place}: GET while {status:?}");
            assert_eq!(
                whole.introspect(&tokens).await,
                *introspect,
                "{place}: introspection while {status:?}"
            );
        }
    }
}

#[tokio::test]
async fn section_6_a_repeat_is_answered_while_finished_and_not_after_a_revocation() {
    let whole = whole(sqlite().await).await;
    let tokens = whole.tokens(ConsentStatus::Finished).await;
    whole.brought_to(ConsentStatus::Finished, &tokens.access_token).await;
    assert_eq!(whole.pay(&tokens, "first").await, Good, "the first answer again");
    assert_eq!(whole.pay(&tokens, "another").await, NotAuthorized);
}

#[tokio::test]
async fn section_10_a_refresh_token_lives_as_long_as_its_consent() {
    let whole = whole(sqlite().await).await;
    let mut element = staged(CONSENT);
    element["Data"]["ExpirationDateTime"] = json!("2027-09-20T23:59:59+04:00");
    element["Data"]["ControlParameters"]["ConsentSchedule"] = json!({"MultiPayment": {
        "Type": "UAEOF.FixedRecurringPayment", "TotalNumberOfPayments": 10,
        "PeriodicSchedule": {"PeriodType": "Month", "PeriodStartDate": "2026-12-01",
            "Amount": {"Amount": "100.00", "Currency": "AED"}}}});
    let tokens = whole.tokens_under(&element, "acc-1").await;
    whole.bank.at("2027-09-20T19:59:58Z");
    assert_eq!(whole.refresh(&tokens).await, Good);
    whole.bank.at("2027-09-20T19:59:59Z");
    assert_eq!(whole.refresh(&tokens).await, InvalidGrant);
}

#[tokio::test]
async fn section_10_a_refresh_cannot_change_the_consent_of_its_scope() {
    let whole = whole(sqlite().await).await;
    let tokens = whole.tokens(ConsentStatus::Authorized).await;
    assert_eq!(tokens.scope, Scope::new(&format!("openid payments:{CONSENT}")).unwrap());
    let other = "aac-5f7c1d3a-0b9e-4f7d-a0a4-6a3f5f8e2b02";
    for scope in ["payments", &format!("payments:{other}"), &format!("payments:{CONSENT} payments:{other}")] {
        let refused = whole.refresh_for(&tokens, Some(scope)).await.unwrap_err();
        let Error::Refused(refusal) = refused else { panic!("{scope}") };
        assert_eq!(refusal.reason, Reason::Grant(GrantReason::Widened), "{scope}");
    }
    let own = whole.refresh_for(&tokens, Some(&format!("payments:{CONSENT}"))).await.unwrap();
    assert_eq!(own.scope, Scope::new(&format!("payments:{CONSENT}")).unwrap());
}

async fn everywhere() -> Vec<(&'static str, Database)> {
    let mut places = vec![("SQLite", sqlite().await)];
    if let Some(place) = Place::postgres().await {
        places.push(("PostgreSQL", place.open().await));
    }
    places
}

async fn sqlite() -> Database {
    Database::open(&DatabaseUrl::sqlite_memory()).await.unwrap()
}

async fn whole(database: Database) -> Whole {
    let bank = Bank::over(database).await;
    let secret = ServerSecret::new(Zeroizing::new([7; 32]));
    let mut settings = Settings::recommended(testkit::issuer(), Resource::new(ORIGIN).unwrap(), secret);
    settings.scopes = Scope::new("openid payments introspection").unwrap();
    settings.signing_alg = Alg::Ps256;
    settings.mtls_origin = Some("https://mtls.as.example".to_owned());
    let server = AuthorizationServer::new(&UAE_OPEN_FINANCE, settings, bank.core.clone()).unwrap();
    Whole { bank, server, jtis: AtomicU32::new(0) }
}

fn correlation() -> CorrelationId {
    CorrelationId::new("7c1f3a52-5b0e-4e0d-9a7a-0c1d2e3f4a5b").unwrap()
}

fn form(pairs: &[(&str, &str)]) -> String {
    let encoded = |text: &str| {
        let byte = |byte: u8| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        };
        text.bytes().map(byte).collect::<String>()
    };
    pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&")
}

impl Whole {
    fn signed(&self, claims: Value) -> String {
        sign_with(&keys::ps256(), None, &claims)
    }

    fn submitted(&self, path: &str, pairs: &[(&str, &str)]) -> Submitted {
        let jti = format!("jti-{}", self.jtis.fetch_add(1, Ordering::Relaxed));
        let now = self.bank.now().seconds();
        let assertion = self.signed(json!({
            "iss": "tpp", "sub": "tpp", "aud": testkit::issuer(), "jti": jti, "iat": now, "exp": now + 60}));
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let own = [("client_assertion_type", kind), ("client_assertion", assertion.as_str())];
        let body = form(&[pairs, &own].concat());
        let presented = Presented {
            method: "POST".to_owned(),
            uri: format!("{}{path}", testkit::issuer()),
            certificate: Some(certificate()),
            ..Presented::default()
        };
        Submitted { body: body.into_bytes(), presented }
    }

    /// From the pushed request to tokens: approved by Alice, from an account that needs Bob where the status wants that.
    async fn tokens(&self, status: ConsentStatus) -> TokenAnswer {
        let mut element = staged(CONSENT);
        element["Data"].as_object_mut().unwrap().remove("AcceptedAuthorizationType");
        if status == ConsentStatus::Expired {
            element["Data"]["ExpirationDateTime"] = json!("2026-11-21T12:02:00+04:00");
        }
        let together = [ConsentStatus::AwaitingAuthorization, ConsentStatus::Rejected].contains(&status);
        self.tokens_under(&element, if together { JOINT } else { "acc-1" }).await
    }

    /// The tokens of a consent that its customer has given from this account.
    async fn tokens_under(&self, element: &Value, account: &str) -> TokenAnswer {
        let now = self.bank.now();
        let seconds = now.seconds();
        let object = self.signed(json!({
            "iss": "tpp", "client_id": "tpp", "aud": testkit::issuer(), "nbf": seconds, "exp": seconds + 300,
            "response_type": "code", "redirect_uri": REDIRECT, "scope": "openid payments",
            "state": "s", "nonce": "n", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
            "authorization_details": [element]}));
        let push = self.submitted("/par", &[("request", &object)]);
        let pushed = self.server.push(push, &correlation()).await.unwrap();
        let query = form(&[("client_id", "tpp"), ("request_uri", &pushed.request_uri)]);
        let submitted = AuthorizeSubmitted { query: query.into_bytes(), browser: None };
        let arrived = self.server.authorize(submitted, &correlation()).await.unwrap();
        let approval = Approval {
            subject: Subject::new("alice").unwrap(),
            authentication: Authentication {
                at: now,
                acr: "urn:sca".to_owned(),
                amr: vec!["pwd".to_owned()],
            },
            scope: Scope::new(&format!("openid payments:{CONSENT}")).unwrap(),
            accounts: vec![account.to_owned()],
            shown: None,
        };
        let outcome = Outcome::Approved(approval);
        let resumed = ResumeSubmitted { ticket: arrived.location, browser: arrived.browser, outcome };
        let back = self.server.resume(resumed, &correlation()).await.unwrap();
        let Return::Redirect(location) = back else { panic!("a redirect was asked for") };
        let code = location.split_once("code=").unwrap().1.split('&').next().unwrap().to_owned();
        let redeem = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        self.server.token(self.submitted("/token", &redeem), &correlation()).await.unwrap()
    }

    /// Whatever leads to the status.
    async fn brought_to(&self, status: ConsentStatus, token: &str) {
        let (bank, id) = (&self.bank, consent_id());
        let operator = Actor::Operator("branch".to_owned());
        match status {
            ConsentStatus::AwaitingAuthorization | ConsentStatus::Authorized => {}
            ConsentStatus::Suspended => {
                let held = bank.engine.suspend(&id, &operator, "hold", bank.now()).await.unwrap();
                assert_eq!(held, rar_consent::Moved::Now);
            }
            ConsentStatus::Revoked => {
                let ended = bank.engine.revoke(&id, &operator, "LFI", bank.now()).await.unwrap();
                assert_eq!(ended, rar_consent::Revoked::Now);
            }
            ConsentStatus::Rejected => {
                let (decision, channel) = (Decision::Rejected, Channel::BankApi);
                let vote = Vote {
                    consent: &id,
                    authorizer: "mgt-0009",
                    decision,
                    actor: &operator,
                    channel,
                    shown: None,
                };
                bank.engine.decide(&vote, bank.now()).await.unwrap();
            }
            ConsentStatus::Expired => {
                bank.clock.advance(Seconds::minutes(2));
            }
            ConsentStatus::Finished => {
                assert_eq!(bank.pay(token, "first", &order(CONSENT)).await.status, 201);
                for _ in 0..3 {
                    bank.clock.advance(Seconds::new(5));
                    bank.settle().await;
                }
            }
        }
    }

    async fn refresh_for(&self, tokens: &TokenAnswer, scope: Option<&str>) -> Result<TokenAnswer, Error> {
        let refresh = tokens.refresh_token.as_ref().unwrap();
        let mut pairs = vec![("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
        pairs.extend(scope.map(|scope| ("scope", scope)));
        self.server.token(self.submitted("/token", &pairs), &correlation()).await
    }

    async fn refresh(&self, tokens: &TokenAnswer) -> Comes {
        match self.refresh_for(tokens, None).await {
            Ok(_) => Good,
            Err(Error::Refused(refusal)) => {
                let wire = refusal.reason.wire(oauth_core::At::ClientEndpoint);
                assert_eq!((wire.status, wire.code.as_str()), (400, "invalid_grant"), "{refusal:?}");
                InvalidGrant
            }
            Err(Error::Failed(fault)) => panic!("{fault}"),
        }
    }

    async fn pay(&self, tokens: &TokenAnswer, key: &str) -> Comes {
        let got = self.bank.pay(&tokens.access_token, key, &order(CONSENT)).await;
        match got.code() {
            (201, _) => Good,
            (400, "Consent.Invalid") => NotAuthorized,
            (401, "") => Dead,
            other => panic!("{other:?}"),
        }
    }

    async fn read(&self, tokens: &TokenAnswer) -> Comes {
        let got = self.bank.get(&tokens.access_token, &format!("/payment-consents/{CONSENT}")).await;
        match got.status {
            StatusCode::OK => Good,
            StatusCode::UNAUTHORIZED => Dead,
            other => panic!("{other}"),
        }
    }

    async fn introspect(&self, tokens: &TokenAnswer) -> Comes {
        let submitted = self.submitted("/introspect", &[("token", &tokens.access_token)]);
        let answer = self.server.introspect(submitted, AnswerForm::Json, &correlation()).await.unwrap();
        let IntrospectionAnswer::Json(answer) = answer else { panic!("JSON was asked for") };
        match *answer {
            Introspection::Active(_) => Good,
            Introspection::Inactive(_) => Dead,
        }
    }
}
