//! The APIs of a process that has no store of grants: tokens are verified by the issuer's published keys, and how they
//! stand is asked of the issuer, once a second for readings and at every call for everything else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use async_trait::async_trait;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Method, Request, Response};
use http_body::Body;
use http_body_util::Full;
use oauth_core::jose::{Alg, Jws, PublicJwk};
use oauth_core::{
    Access, AccessClaims, Clock, Code, Currency, Fault, Fingerprint, Grant, GrantId, KeyId, Opening,
    Redemption, Refresh, RefreshRecord, RequestUri, Seconds, Signer, Spend, Stage, Store, StoredAccess,
    Subject, Timestamp, TokenStanding, VettedRequest, Wanted, limits,
};
use resource_server::http::ResourceService;
use tower_service::Service as _;

use crate::tpp::{Introspector, Told};

/// How long an answer about a token counts for a reading.
const READING_AGE_MAX: Seconds = Seconds::new(1);
/// Answers that are remembered.
const ANSWERS_MAX: usize = 10_000;
/// Between two fetches of keys because of a name that nobody knows.
const KEYS_AGE_MIN: Seconds = Seconds::new(10);

tokio::task_local! {
    /// The token of the request this task answers, and how old an answer about it may be.
    static CALL: (String, Freshness);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Freshness {
    WithinASecond,
    Now,
}

/// How tokens stand, from introspection. Everything that only an issuer does is refused.
pub struct IntrospectedStore {
    server: Arc<Introspector>,
    clock: Arc<dyn Clock>,
    answers: Mutex<HashMap<String, (Timestamp, Told)>>,
}

impl IntrospectedStore {
    /// Asks this server.
    #[must_use]
    pub fn new(server: Arc<Introspector>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { server, clock, answers: Mutex::default() })
    }

    /// How the token of the request in progress stands. Called after its signature and binding have been checked, where
    /// it has a signature, so that only the issuer's own tokens cost a question.
    async fn standing(&self) -> Result<Told, Fault> {
        let (token, freshness) = CALL
            .try_with(Clone::clone)
            .map_err(|_| Fault::new("introspection", "no request is in progress"))?;
        let asked_at = self.clock.now();
        if freshness == Freshness::WithinASecond
            && let Some(known) = self.known(&token, asked_at)
        {
            return Ok(known);
        }
        let told = self.server.ask(&token).await.map_err(|fault| Fault::new("introspection", fault))?;
        self.remember(token, asked_at, told.clone());
        Ok(told)
    }

    fn known(&self, token: &str, now: Timestamp) -> Option<Told> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, told) = answers.get(token)?;
        (now < at.plus(READING_AGE_MAX)).then(|| told.clone())
    }

    /// Only what is good is remembered: a token that is not may be none at all.
    fn remember(&self, token: String, at: Timestamp, told: Told) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= ANSWERS_MAX {
            answers.retain(|_, (then, _)| at < then.plus(READING_AGE_MAX));
        }
        match told {
            Told::Active(_) if answers.len() < ANSWERS_MAX => {
                answers.insert(token, (at, told));
            }
            Told::Active(_) | Told::Inactive => {
                answers.remove(&token);
            }
        }
    }
}

impl std::fmt::Debug for IntrospectedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IntrospectedStore(…)")
    }
}

fn elsewhere() -> Fault {
    Fault::new("store", "only the authorization server does this")
}

#[async_trait]
impl Store for IntrospectedStore {
    async fn access(&self, _: &Fingerprint<Access>, _: Timestamp) -> Result<Option<AccessClaims>, Fault> {
        match self.standing().await? {
            Told::Active(members) => {
                let claims = serde_json::from_value(members);
                Ok(Some(claims.map_err(|fault| Fault::new("introspection", fault))?))
            }
            Told::Inactive => Ok(None),
        }
    }

    async fn stage(&self, _: &GrantId) -> Result<Option<Stage>, Fault> {
        Ok(match self.standing().await? {
            Told::Active(_) => Some(Stage::Redeemed),
            Told::Inactive => None,
        })
    }

    async fn token_standing(&self, _: &str, _: Timestamp) -> Result<TokenStanding, Fault> {
        Ok(match self.standing().await? {
            Told::Active(_) => TokenStanding::Good,
            Told::Inactive => TokenStanding::Revoked,
        })
    }

    async fn push(&self, _: &Fingerprint<RequestUri>, _: &VettedRequest, _: Timestamp) -> Result<(), Fault> {
        Err(elsewhere())
    }

    async fn pushed(
        &self,
        _: &Fingerprint<RequestUri>,
        _: Timestamp,
    ) -> Result<Option<VettedRequest>, Fault> {
        Err(elsewhere())
    }

    async fn open(&self, _: &Fingerprint<RequestUri>, _: &Opening, _: Timestamp) -> Result<Spend, Fault> {
        Err(elsewhere())
    }

    async fn close(&self, _: &Fingerprint<RequestUri>, _: Timestamp) -> Result<Spend, Fault> {
        Err(elsewhere())
    }

    async fn grant_by_code(&self, _: &Fingerprint<Code>) -> Result<Option<Grant>, Fault> {
        Err(elsewhere())
    }

    async fn redeem(&self, _: &Fingerprint<Code>, _: &Redemption) -> Result<Spend, Fault> {
        Err(elsewhere())
    }

    async fn grant_by_refresh(&self, _: &Fingerprint<Refresh>) -> Result<Option<RefreshRecord>, Fault> {
        Err(elsewhere())
    }

    async fn rotate(&self, _: &Fingerprint<Refresh>, _: &Redemption) -> Result<Spend, Fault> {
        Err(elsewhere())
    }

    async fn issue(&self, _: &StoredAccess) -> Result<(), Fault> {
        Err(elsewhere())
    }

    async fn grant(&self, _: &GrantId) -> Result<Option<Grant>, Fault> {
        Err(elsewhere())
    }

    async fn grants_of(&self, _: &Subject, _: Timestamp) -> Result<Vec<Grant>, Fault> {
        Err(elsewhere())
    }

    async fn revoke(&self, _: &GrantId, _: Timestamp) -> Result<(), Fault> {
        Err(elsewhere())
    }

    async fn revoke_token(&self, _: &str, _: Timestamp) -> Result<(), Fault> {
        Err(elsewhere())
    }

    async fn sweep(&self, _: Timestamp) -> Result<u64, Fault> {
        Ok(0)
    }
}

/// The issuer's published keys for verifying; the bank's own for signing answers.
#[derive(Clone)]
pub struct PublishedKeys {
    /// As fetched.
    pub published: Arc<[PublicJwk]>,
    /// Signs answers of the APIs.
    pub signing: Arc<dyn Signer>,
}

#[async_trait]
impl Signer for PublishedKeys {
    fn published(&self) -> Arc<[PublicJwk]> {
        Arc::clone(&self.published)
    }

    fn active(&self, alg: Alg) -> Option<KeyId> {
        self.signing.active(alg)
    }

    async fn sign(&self, key: &KeyId, input: &[u8]) -> Result<Vec<u8>, Fault> {
        self.signing.sign(key, input).await
    }

    fn currency(&self, now: Timestamp) -> Currency {
        self.signing.currency(now)
    }

    async fn refresh(&self, wanted: Wanted) -> Result<(), Fault> {
        self.signing.refresh(wanted).await
    }
}

/// Makes the APIs over a set of published keys.
pub type Build = Box<dyn Fn(Vec<PublicJwk>) -> Result<ResourceService, String> + Send + Sync>;

/// The APIs of one issuer in a process of their own.
pub struct IntrospectedApi {
    server: Arc<Introspector>,
    clock: Arc<dyn Clock>,
    build: Build,
    current: RwLock<(Timestamp, ResourceService)>,
}

impl std::fmt::Debug for IntrospectedApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IntrospectedApi({:?})", self.server)
    }
}

impl IntrospectedApi {
    /// Builds the APIs over the keys that the server publishes now.
    ///
    /// # Errors
    /// What `build` says.
    pub fn new(server: Arc<Introspector>, clock: Arc<dyn Clock>, build: Build) -> Result<Arc<Self>, String> {
        let current = RwLock::new((clock.now(), build(server.keys())?));
        Ok(Arc::new(Self { server, clock, build, current }))
    }

    /// Whether a path is one of theirs.
    #[must_use]
    pub fn serves(&self, path: &str) -> bool {
        self.service().serves(path)
    }

    /// Answers one request.
    pub async fn call<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.split_once(' ')).map_or("", |(_, token)| token).to_owned();
        self.learn_new_keys(&token).await;
        let freshness = match *request.method() {
            Method::GET | Method::HEAD => Freshness::WithinASecond,
            _ => Freshness::Now,
        };
        let mut service = self.service();
        let Ok(answer) = CALL.scope((token, freshness), service.call(request)).await;
        answer
    }

    fn service(&self) -> ResourceService {
        self.current.read().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// A key that nobody has seen may be new. It is looked for, but not for every stranger.
    async fn learn_new_keys(&self, token: &str) {
        let Ok(jws) = Jws::parse(token, limits::JWT_BYTES) else { return };
        let known = |key: &PublicJwk| key.kid().map(KeyId::as_str) == jws.kid();
        let (at, now) = (self.current.read().unwrap_or_else(PoisonError::into_inner).0, self.clock.now());
        if self.server.keys().iter().any(known) || now < at.plus(KEYS_AGE_MIN) {
            return;
        }
        let refreshed = self.server.refresh_keys().await.map_err(|fault| fault.to_string());
        match refreshed.and_then(|()| (self.build)(self.server.keys())) {
            Ok(service) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = (now, service);
            }
            Err(fault) => tracing::warn!(fault, "the keys of the authorization server cannot be fetched"),
        }
    }
}
