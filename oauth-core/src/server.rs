//! The authorization server: one method per endpoint, and the only reader of the clock.

mod introspection;
mod trail;

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::endpoint::authorize::{self, AuthorizeSubmitted, Interacting};
use crate::endpoint::metadata::{self, Metadata};
use crate::endpoint::pace::{self, Pace};
use crate::endpoint::push::{self, Pushed};
use crate::endpoint::response::Return;
use crate::endpoint::resume::{self, ResumeSubmitted, Waiting};
use crate::endpoint::ticket::Tickets;
use crate::endpoint::token::{self, TokenAnswer};
use crate::endpoint::userinfo::{self, UserinfoAnswer};
use crate::endpoint::{Submitted, jwks, revoke};
pub(crate) use crate::identify::Presented;
use crate::identify::nonce::Nonces;
use crate::jose::Alg;
use crate::model::client::Client;
use crate::model::grant::Grant;
use crate::policy::Policy;
use crate::policy::settings::{OutOfBounds, ProofNonce, Settings};
use crate::port::Ports;
use crate::port::consents::Standing;
use crate::port::token_index::{NoTokenIndex, TokenIndex};
use crate::refusal::{Error, Fault};
use crate::verify::access_token::{ResourceSide, proof_algs};
use crate::vocabulary::id::{ClientId, CorrelationId};
use crate::vocabulary::secret::{Browser, Secret};
use crate::vocabulary::time::Timestamp;

// What callers of the methods below need to name.
#[cfg(feature = "http")]
pub(crate) use crate::model::certificate::PeerCertificate;
pub(crate) use crate::port::interaction::ErrorPage;

/// An authorization server for one issuer.
#[derive(Debug)]
pub struct AuthorizationServer {
    policy: &'static Policy,
    settings: Settings,
    ports: Ports,
    derived: Derived,
}

/// What follows from the settings once and for all.
struct Derived {
    nonces: Nonces,
    tickets: Tickets,
    index: Arc<dyn TokenIndex>,
    pushes: Pace,
    misses: Pace,
}

impl std::fmt::Debug for Derived {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Derived(…)")
    }
}

/// Everything one request works with. `now` is read once, when the request begins.
pub(crate) struct Context<'a> {
    pub(crate) policy: &'static Policy,
    pub(crate) settings: &'a Settings,
    pub(crate) ports: &'a Ports,
    pub(crate) nonces: &'a Nonces,
    pub(crate) tickets: &'a Tickets,
    pub(crate) index: &'a dyn TokenIndex,
    pub(crate) pushes: &'a Pace,
    pub(crate) misses: &'a Pace,
    pub(crate) now: Timestamp,
    trail: Mutex<Option<ClientId>>,
}

impl AuthorizationServer {
    /// Builds a server.
    ///
    /// # Errors
    /// Every setting that is out of bounds, each with the section that bounds it.
    pub fn new(policy: &'static Policy, settings: Settings, ports: Ports) -> Result<Self, Vec<OutOfBounds>> {
        let mut wrong = settings.out_of_bounds(policy);
        if ports.signer.active(settings.signing_alg).is_none() {
            wrong.push(OutOfBounds {
                setting: "signing_alg",
                bound_by: "RFC 7517 4",
                message: format!("the signer has no key for {}", settings.signing_alg.as_str()),
            });
        }
        for policy in &settings.client_policies {
            if policy.signing_algs.iter().all(|alg| ports.signer.active(*alg).is_none()) {
                wrong.push(OutOfBounds {
                    setting: "client_policies",
                    bound_by: "RFC 7517 4",
                    message: format!("the signer has no key for any algorithm of {}", policy.name),
                });
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let derived = Derived {
            nonces: Nonces::new(
                settings.secret.key("nonce of the authorization server"),
                settings.issuer.clone(),
            ),
            tickets: Tickets::new(settings.secret.key("ticket"), settings.issuer.clone()),
            index: Arc::new(NoTokenIndex),
            pushes: Pace::new(pace::PUSHES_KEPT, settings.push_rate),
            misses: Pace::new(pace::MISSES_KEPT, pace::MISSES),
        };
        Ok(Self { policy, settings, ports, derived })
    }

    /// Pushed authorization request (RFC 9126).
    ///
    /// # Errors
    /// A refusal, or a fault of a port.
    pub async fn push(&self, submitted: Submitted, correlation: &CorrelationId) -> Result<Pushed, Error> {
        let context = self.context();
        let result = push::push(&context, submitted).await;
        self.audited("par", &context, correlation, result)
    }

    /// A browser arrives (RFC 6749 section 3.1).
    ///
    /// # Errors
    /// A refusal to be shown as a page, or a fault of a port.
    pub async fn authorize(
        &self,
        submitted: AuthorizeSubmitted,
        correlation: &CorrelationId,
    ) -> Result<Interacting, Error> {
        let context = self.context();
        let result = authorize::authorize(&context, submitted).await;
        self.audited("authorize", &context, correlation, result)
    }

    /// What the bank's pages show for a ticket.
    ///
    /// # Errors
    /// A refusal to be shown as a page, or a fault of a port.
    pub async fn waiting(&self, ticket: &str, browser: Option<&str>) -> Result<Waiting, Error> {
        resume::waiting(&self.context(), ticket, browser).await
    }

    /// The bank's pages are done: where the browser goes next.
    ///
    /// # Errors
    /// A refusal to be shown as a page, or a fault of a port.
    pub async fn resume(
        &self,
        submitted: ResumeSubmitted,
        correlation: &CorrelationId,
    ) -> Result<Return, Error> {
        let context = self.context();
        let result = resume::resume(&context, submitted).await;
        self.audited("resume", &context, correlation, result)
    }

    /// The token endpoint (RFC 6749 section 3.2).
    ///
    /// # Errors
    /// A refusal, or a fault of a port.
    pub async fn token(
        &self,
        submitted: Submitted,
        correlation: &CorrelationId,
    ) -> Result<TokenAnswer, Error> {
        let context = self.context();
        let result = token::token(&context, submitted).await;
        self.audited("token", &context, correlation, result)
    }

    /// Revocation (RFC 7009).
    ///
    /// # Errors
    /// A refusal, or a fault of a port.
    pub async fn revoke(&self, submitted: Submitted, correlation: &CorrelationId) -> Result<(), Error> {
        let context = self.context();
        let result = revoke::revoke(&context, submitted).await;
        self.audited("revoke", &context, correlation, result)
    }

    /// Userinfo (OpenID Connect Core section 5.3).
    ///
    /// # Errors
    /// A refusal, or a fault of a port.
    pub async fn userinfo(
        &self,
        presented: &Presented,
        correlation: &CorrelationId,
    ) -> Result<UserinfoAnswer, Error> {
        let context = self.context();
        let result = userinfo::userinfo(&context, presented).await;
        self.audited("userinfo", &context, correlation, result)
    }

    /// The metadata document (RFC 8414, OpenID Connect Discovery).
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        metadata::metadata(self.policy, &self.settings, &self.ports)
    }

    /// The key set as it stands now (RFC 7517). A relying party may keep it for
    /// [`KeyTimes::set_max_age`](crate::KeyTimes::set_max_age).
    ///
    /// # Errors
    /// When the signer cannot tell where its keys stand.
    pub async fn jwks(&self) -> Result<Value, Error> {
        jwks::jwks(&self.ports, self.ports.clock.now()).await
    }

    /// The settings this server was built with.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A nonce for the `DPoP-Nonce` header (RFC 9449 section 8), when this server asks for them.
    #[must_use]
    pub fn fresh_nonce(&self) -> Option<String> {
        (self.settings.proof_nonce == ProofNonce::Require)
            .then(|| self.derived.nonces.make(self.ports.clock.now()))
    }

    /// A nonce for an answer that demands one. Also where proofs need none, a client that brought one we do not know
    /// is told one that we do (RFC 9449 section 8).
    #[must_use]
    pub fn demanded_nonce(&self) -> String {
        self.derived.nonces.make(self.ports.clock.now())
    }

    /// Algorithms a proof may be signed with, for the `algs` of a challenge.
    #[must_use]
    pub fn proof_algs(&self) -> String {
        proof_algs(self.policy)
    }

    /// A fresh correlation identifier: a UUID of version 4 (RFC 9562 section 5.4).
    ///
    /// # Errors
    /// When the random source fails.
    pub fn fresh_correlation(&self) -> Result<CorrelationId, Fault> {
        let bytes = self.ports.entropy.draw()?;
        CorrelationId::new(&uuid_text(&bytes)).map_err(|fault| Fault::new("entropy", fault))
    }

    /// A fresh value for the browser cookie, for pages that need one before a request arrives.
    ///
    /// # Errors
    /// When the random source fails.
    pub fn fresh_browser(&self) -> Result<String, Fault> {
        let secret: Secret<Browser> = Secret::from_random(&self.ports.entropy.draw()?);
        Ok(secret.reveal().to_owned())
    }

    /// The cookie in which the bank's pages keep the language that was chosen on one of them.
    #[must_use]
    pub fn language_cookie(&self) -> Option<&str> {
        self.ports.interaction.language_cookie()
    }

    /// The bank's own error page for a browser.
    #[must_use]
    pub fn error_page(&self, page: &ErrorPage) -> String {
        self.ports.interaction.error_page(page)
    }

    fn context(&self) -> Context<'_> {
        Context {
            policy: self.policy,
            settings: &self.settings,
            ports: &self.ports,
            nonces: &self.derived.nonces,
            tickets: &self.derived.tickets,
            index: &*self.derived.index,
            pushes: &self.derived.pushes,
            misses: &self.derived.misses,
            now: self.ports.clock.now(),
            trail: Mutex::new(None),
        }
    }
}

impl Context<'_> {
    /// Notes who is calling, for the audit event.
    pub(crate) fn note_client(&self, client: &ClientId) {
        if let Ok(mut trail) = self.trail.lock() {
            *trail = Some(client.clone());
        }
    }

    /// The algorithm of what is signed for a client that registered none: the issuer's own, or the first of the
    /// client's policy that we have a key for.
    pub(crate) fn signing_alg(&self, client: &Client) -> Alg {
        let own = self.settings.signing_alg;
        let allowed = client.policy_or(self.policy).signing_algs;
        if allowed.contains(&own) {
            return own;
        }
        allowed.iter().copied().find(|alg| self.ports.signer.active(*alg).is_some()).unwrap_or(own)
    }

    /// Token and PAR endpoint, for policies that take them as audience of an assertion.
    pub(crate) fn client_endpoints(&self) -> [String; 2] {
        let at = |path: &str| format!("{}{path}", self.settings.issuer);
        [at(&self.settings.paths.token), at(&self.settings.paths.par)]
    }

    /// How the consent behind a grant stands; [`Standing::Good`] when it has none.
    pub(crate) async fn standing_of(&self, grant: &Grant) -> Result<Standing, Fault> {
        match &grant.details.consent {
            None => Ok(Standing::Good),
            Some(consent) => self.ports.consents.standing(consent, self.now).await,
        }
    }

    /// This server as a judge of its own access tokens.
    pub(crate) fn resource_side(&self) -> ResourceSide<'_> {
        let mut audiences: Vec<&str> =
            self.settings.resources.iter().map(|known| known.uri.as_str()).collect();
        audiences.push(self.settings.issuer.as_str());
        ResourceSide {
            issuer: &self.settings.issuer,
            policy: self.policy,
            signer: &*self.ports.signer,
            audiences,
            nonces: self.nonces,
            nonce_policy: self.settings.proof_nonce,
            store: &*self.ports.store,
            claims: &*self.ports.claims,
            consents: &*self.ports.consents,
            users: &*self.ports.users,
        }
    }
}

/// An identifier of 256 random bits behind a prefix.
pub(crate) fn identifier(prefix: &str, bytes: &[u8; 32]) -> String {
    let mut text = prefix.to_owned();
    URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
    text
}

/// The same with the instant before the bits, so that what is made one after the other stands side by side in an index.
pub(crate) fn identifier_at(prefix: &str, now: Timestamp, bytes: &[u8; 32]) -> String {
    identifier(&format!("{prefix}{:012x}", now.millis()), bytes)
}

/// The text of a version 4 UUID over these random bytes.
fn uuid_text(bytes: &[u8; 32]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().take(16).enumerate() {
        let byte = match index {
            6 => (byte & 0x0f) | 0x40,
            8 => (byte & 0x3f) | 0x80,
            _ => *byte,
        };
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.extend([digit(byte >> 4), digit(byte & 15)]);
    }
    text
}
