//! Access tokens at a protected resource (RFC 6750, RFC 8705 section 3, RFC 9068 section 4, RFC 9449 section 7).
//!
//! In this order: read the header, resolve the token (signature or handle), its life and audience, its binding, and
//! last the standing of grant and consent, from the durable store, at every call.

use std::sync::Arc;

use crate::identify::Presented;
use crate::identify::certificate::is_current;
use crate::identify::keys;
use crate::identify::nonce::Nonces;
use crate::identify::proof::{self, ProofContext, Target};
use crate::jose::{Jws, PublicJwk};
use crate::limits;
use crate::model::binding::Binding;
use crate::model::client::Client;
use crate::model::grant::Stage;
use crate::model::token::{ACCESS_TOKEN_TYPE, AccessClaims};
use crate::policy::Policy;
use crate::policy::settings::{ProofNonce, ServerSecret, TokenForm};
use crate::port::Ports;
use crate::port::claims::{Claimed, Claims, Once};
use crate::port::client_keys::{ClientKeys, KeyHint};
use crate::port::consents::{Consents, Standing};
use crate::port::signer::{Signer, Wanted};
use crate::port::store::{Store, TokenStanding};
use crate::port::users::{UserClaims, UserStanding};
use crate::refusal::reason::{MessageReason, ProofReason, TokenReason};
use crate::refusal::{Error, Fault, Refusal, RuleId};
use crate::rules::rfc8705::CERTIFICATE_CURRENT;
use crate::rules::rfc9421;
use crate::server::Context;
use crate::verify::message::{RequestMessage, VerifiedMessage, judge_request};
use crate::vocabulary::id::{KeyId, Subject};
use crate::vocabulary::secret::{Access, Secret};
use crate::vocabulary::time::Timestamp;
use crate::vocabulary::uri::Issuer;
use crate::wire::header::{Scheme, read_authorization};

/// RFC 9068 section 4: the token is one of this issuer's, whole and alive.
const VALID: RuleId = RuleId("RFC9068-4");
/// RFC 9068 section 4: the token is for this resource.
const AUDIENCE: RuleId = RuleId("RFC9068-4-aud");
/// RFC 9449 section 7.2: a bound token goes with the scheme of its binding.
const SCHEME: RuleId = RuleId("RFC9449-7.2");
/// RFC 9449 section 7.1 and RFC 8705 section 3: the sender holds what the token is bound to.
const BOUND: RuleId = RuleId("RFC9449-7.1");
/// RFC 7009 section 2.1: what was revoked is over.
const STANDS: RuleId = RuleId("RFC7009-2.1-stands");

/// A caller of a protected resource whose token, binding and standing were checked in this very request. Only
/// [`verify`] builds one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Authority {
    /// What the token says.
    pub claims: AccessClaims,
    /// How the consent behind it stands; [`Standing::Good`] when there is none. Never [`Standing::Ended`].
    pub standing: Standing,
}

/// What a resource server needs to judge access tokens of one issuer.
pub(crate) struct ResourceSide<'a> {
    pub(crate) issuer: &'a Issuer,
    pub(crate) policy: &'a Policy,
    pub(crate) signer: &'a dyn Signer,
    pub(crate) audiences: Vec<&'a str>,
    pub(crate) nonces: &'a Nonces,
    pub(crate) nonce_policy: ProofNonce,
    pub(crate) store: &'a dyn Store,
    pub(crate) claims: &'a dyn Claims,
    pub(crate) consents: &'a dyn Consents,
    pub(crate) users: &'a dyn UserClaims,
}

/// Judges access tokens of one issuer for one resource server that shares the issuer's stores.
pub struct TokenVerifier {
    issuer: Issuer,
    policy: &'static Policy,
    signer: Arc<dyn Signer>,
    audience: String,
    nonces: Nonces,
    nonce_policy: ProofNonce,
    store: Arc<dyn Store>,
    claims: Arc<dyn Claims>,
    client_keys: Arc<dyn ClientKeys>,
    consents: Arc<dyn Consents>,
    users: Arc<dyn UserClaims>,
}

impl std::fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenVerifier")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

/// Which tokens a verifier takes, and for whom.
#[derive(Debug)]
pub struct VerifierSettings {
    /// Whose tokens.
    pub issuer: Issuer,
    /// By which policy.
    pub policy: &'static Policy,
    /// For which resource: `aud`.
    pub audience: String,
    /// Whether proofs need a nonce of this side.
    pub proof_nonce: ProofNonce,
    /// Keys the nonces; shared by all processes of this resource server.
    pub secret: ServerSecret,
}

impl TokenVerifier {
    /// A verifier over the issuer's own ports.
    #[must_use]
    pub fn new(settings: VerifierSettings, ports: &Ports) -> Self {
        let nonces =
            Nonces::new(settings.secret.key("nonce of the resource server"), settings.issuer.clone());
        Self {
            issuer: settings.issuer,
            policy: settings.policy,
            signer: Arc::clone(&ports.signer),
            audience: settings.audience,
            nonces,
            nonce_policy: settings.proof_nonce,
            store: Arc::clone(&ports.store),
            claims: Arc::clone(&ports.claims),
            client_keys: Arc::clone(&ports.client_keys),
            consents: Arc::clone(&ports.consents),
            users: Arc::clone(&ports.users),
        }
    }

    /// Judges one call.
    ///
    /// # Errors
    /// A refusal (401 or 403 by [`Reason::wire`](crate::Reason::wire)), or a fault of a store.
    pub async fn verify(&self, presented: &Presented, now: Timestamp) -> Result<Authority, Error> {
        let side = ResourceSide {
            issuer: &self.issuer,
            policy: self.policy,
            signer: &*self.signer,
            audiences: vec![&self.audience],
            nonces: &self.nonces,
            nonce_policy: self.nonce_policy,
            store: &*self.store,
            claims: &*self.claims,
            consents: &*self.consents,
            users: &*self.users,
        };
        verify(&side, presented, now).await
    }

    /// Judges the signature of a request by a client that [`TokenVerifier::verify`] has let in, and claims it: a
    /// signature is good for one request.
    ///
    /// # Errors
    /// A refusal, answered 401, or a fault of a store.
    pub async fn verify_message(
        &self,
        request: &RequestMessage<'_>,
        client: &Client,
        now: Timestamp,
    ) -> Result<VerifiedMessage, Error> {
        let judged = judge_request(request, self.policy, now)?;
        let absent = Refusal { rule: rfc9421::KEY, reason: MessageReason::Key.into() };
        let hint = KeyHint::Message(judged.keyid());
        let keys = keys::held(&*self.client_keys, (client, hint), now, absent).await?;
        let verified = judged.verified(&keys, self.policy)?;
        let replayed = Refusal { rule: rfc9421::USED_ONCE, reason: MessageReason::Replayed.into() };
        if verified.created < self.claims.remembers_since(now).await? {
            return Err(replayed.into());
        }
        let until = verified.created.plus(self.policy.proof_age_max).plus(self.policy.skew);
        let once =
            Once::message(&self.issuer, &client.id, &verified.fingerprint, until).issued(verified.created);
        match self.claims.claim(&[once], now).await? {
            Claimed::First => Ok(verified),
            Claimed::SeenBefore => Err(replayed.into()),
        }
    }

    /// Whose tokens are taken.
    #[must_use]
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// For which resource: `aud`.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// A nonce for the `DPoP-Nonce` header (RFC 9449 section 9), when this side asks for them.
    #[must_use]
    pub fn fresh_nonce(&self, now: Timestamp) -> Option<String> {
        (self.nonce_policy == ProofNonce::Require).then(|| self.nonces.make(now))
    }

    /// A nonce for an answer that demands one. Also where proofs need none, a client that brought one we do not know
    /// is told one that we do (RFC 9449 section 9).
    #[must_use]
    pub fn demanded_nonce(&self, now: Timestamp) -> String {
        self.nonces.make(now)
    }

    /// Algorithms a proof may be signed with, for the `algs` of a challenge (RFC 9449 section 7.1).
    #[must_use]
    pub fn proof_algs(&self) -> String {
        proof_algs(self.policy)
    }
}

/// Algorithms a proof may be signed with, separated by spaces.
pub(crate) fn proof_algs(policy: &Policy) -> String {
    let names: Vec<&str> = policy.signing_algs.iter().map(|alg| alg.as_str()).collect();
    names.join(" ")
}

pub(crate) async fn verify(
    side: &ResourceSide<'_>,
    presented: &Presented,
    now: Timestamp,
) -> Result<Authority, Error> {
    let headers: Vec<&str> = presented.authorization.iter().map(String::as_str).collect();
    let (scheme, token) = read_authorization(&headers)?;
    let (claims, form) = whole(side, token, now).await?.ok_or_else(|| refuse(VALID, TokenReason::Invalid))?;
    if !side.audiences.iter().any(|audience| claims.aud.contains(audience)) {
        return Err(refuse(AUDIENCE, TokenReason::Audience).into());
    }
    bound(side, presented, (scheme, token), &claims, now).await?;
    let standing =
        standing(side, &claims, form, now).await?.ok_or_else(|| refuse(STANDS, TokenReason::Revoked))?;
    match customer_standing(side.users, &claims).await? {
        UserStanding::Good => Ok(Authority { claims, standing }),
        UserStanding::Locked => Err(refuse(STANDS, TokenReason::Revoked).into()),
    }
}

/// How the customer behind a token stands; good when there is none.
pub(crate) async fn customer_standing(
    users: &dyn UserClaims,
    claims: &AccessClaims,
) -> Result<UserStanding, Fault> {
    if claims.grant_id.is_none() {
        return Ok(UserStanding::Good);
    }
    match Subject::new(&claims.sub) {
        Ok(subject) => users.standing(&subject).await,
        Err(_) => Ok(UserStanding::Locked),
    }
}

/// Whether the sender holds what the token is bound to; the proof is claimed.
async fn bound(
    side: &ResourceSide<'_>,
    presented: &Presented,
    (scheme, token): (Scheme, &str),
    claims: &AccessClaims,
    now: Timestamp,
) -> Result<(), Error> {
    match (claims.cnf, scheme) {
        (Binding::Dpop(key), Scheme::Dpop) => {
            let missing = Refusal { rule: BOUND, reason: ProofReason::Missing.into() };
            let jwt = proof::header(&presented.dpop)?.ok_or(missing)?;
            let remembers_since = side.claims.remembers_since(now).await?;
            let around = ProofContext {
                issuer: side.issuer,
                nonces: side.nonces,
                nonce_policy: side.nonce_policy,
                now,
                remembers_since,
            };
            let target = Target { method: &presented.method, uri: &presented.uri, token: Some(token) };
            let proven = proof::judge(&around, jwt, &target, side.policy)?;
            if proven.key != key {
                return Err(refuse(BOUND, TokenReason::Binding).into());
            }
            match side.claims.claim(&[proven.once], now).await? {
                Claimed::First => Ok(()),
                Claimed::SeenBefore => {
                    Err(Refusal { rule: proof::ONCE, reason: ProofReason::Replayed.into() }.into())
                }
            }
        }
        (Binding::Mtls(certificate), Scheme::Bearer) => match &presented.certificate {
            Some(shown) if shown.thumbprint() != certificate => {
                Err(refuse(BOUND, TokenReason::Binding).into())
            }
            Some(shown) if !is_current(shown, now) => {
                Err(refuse(CERTIFICATE_CURRENT, TokenReason::Binding).into())
            }
            Some(_) => Ok(()),
            None => Err(refuse(BOUND, TokenReason::Binding).into()),
        },
        (Binding::Dpop(_), Scheme::Bearer) | (Binding::Mtls(_), Scheme::Dpop) => {
            Err(refuse(SCHEME, TokenReason::Scheme).into())
        }
    }
}

/// The claims of a token that is ours, whole and alive; the binding is not looked at.
async fn whole(
    side: &ResourceSide<'_>,
    token: &str,
    now: Timestamp,
) -> Result<Option<(AccessClaims, TokenForm)>, Error> {
    let (claims, form) = match Secret::<Access>::presented(token) {
        Some(handle) => (side.store.access(&handle.fingerprint(side.issuer), now).await?, TokenForm::Opaque),
        None => (signed_claims(side, token, now).await?, TokenForm::Jwt),
    };
    let alive =
        |claims: &AccessClaims| claims.iss == *side.issuer && now < Timestamp::from_seconds(claims.exp);
    Ok(claims.filter(alive).map(|claims| (claims, form)))
}

/// The claims of a token that one of our keys signed, as they stand now: a key that was withdrawn signs for nobody. A
/// name we do not know may be that of a key which another process has just published, so we look once more.
async fn signed_claims(
    side: &ResourceSide<'_>,
    token: &str,
    now: Timestamp,
) -> Result<Option<AccessClaims>, Fault> {
    let Ok(jws) = Jws::parse(token, limits::JWT_BYTES) else { return Ok(None) };
    if !jws.is_typed(ACCESS_TOKEN_TYPE) || !side.policy.signing_algs.contains(&jws.alg()) {
        return Ok(None);
    }
    side.signer.settle(now).await?;
    let named = |keys: &[PublicJwk]| keys.iter().position(|key| key.kid().map(KeyId::as_str) == jws.kid());
    let mut keys = side.signer.published();
    if named(&keys).is_none() {
        side.signer.refresh(Wanted::UnknownKey).await?;
        keys = side.signer.published();
    }
    let key = named(&keys).and_then(|index| keys.get(index));
    Ok(key.and_then(|key| jws.verify(key).ok()?.claims().ok()))
}

/// How grant and consent stand; `None` when either is over. The store has answered for the grant behind a handle
/// when it gave its claims.
async fn standing(
    side: &ResourceSide<'_>,
    claims: &AccessClaims,
    form: TokenForm,
    now: Timestamp,
) -> Result<Option<Standing>, Error> {
    match (&claims.grant_id, form) {
        (None, _) => match side.store.token_standing(&claims.jti, now).await? {
            TokenStanding::Good => {}
            TokenStanding::Revoked => return Ok(None),
        },
        (Some(_), TokenForm::Opaque) => {}
        (Some(id), TokenForm::Jwt) => match side.store.stage(id).await? {
            Some(Stage::Opened | Stage::Redeemed) => {}
            Some(Stage::Revoked) | None => return Ok(None),
        },
    }
    let Some(consent) = &claims.consent_id else { return Ok(Some(Standing::Good)) };
    match side.consents.standing(consent, now).await? {
        Standing::Ended => Ok(None),
        other @ (Standing::Good | Standing::Waiting | Standing::Suspended | Standing::Finished) => {
            Ok(Some(other))
        }
    }
}

/// A token as introspection and revocation see it.
pub(crate) struct Resolved {
    pub(crate) claims: AccessClaims,
}

/// The claims of an access token that is good right now, binding aside.
pub(crate) async fn resolve(context: &Context<'_>, token: &str) -> Result<Option<Resolved>, Error> {
    let side = context.resource_side();
    let Some((claims, form)) = whole(&side, token, context.now).await? else { return Ok(None) };
    let stands = standing(&side, &claims, form, context.now).await?.is_some();
    Ok(stands.then_some(Resolved { claims }))
}

/// The same for a token that was found by its hash: what was kept of it is judged as the token would be.
pub(crate) async fn resolve_claims(
    context: &Context<'_>,
    found: Option<AccessClaims>,
) -> Result<Option<Resolved>, Error> {
    let (side, now) = (context.resource_side(), context.now);
    let alive =
        |claims: &AccessClaims| claims.iss == *side.issuer && now < Timestamp::from_seconds(claims.exp);
    let Some(claims) = found.filter(alive) else { return Ok(None) };
    let stands = standing(&side, &claims, TokenForm::Jwt, now).await?.is_some();
    Ok(stands.then_some(Resolved { claims }))
}

fn refuse(rule: RuleId, reason: TokenReason) -> Refusal {
    Refusal { rule, reason: reason.into() }
}

#[cfg(all(test, feature = "testkit"))]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::policy::profiles::FAPI2_SECURITY;
    use crate::port::consents::NoConsents;
    use crate::port::store::{Opening, Redemption, StoredAccess};
    use crate::store::memory::{MemoryClaims, MemoryStore};
    use crate::testkit::{access_claims, fingerprint, grant, issuer, vetted_request};
    use crate::vocabulary::time::Seconds;

    #[tokio::test]
    async fn a_handle_is_good_until_its_grant_is_revoked() {
        let now = crate::store::contract::BEGINNING;
        let until = now.plus(Seconds::new(60));
        let (store, claims, issuer) = (MemoryStore::new(), MemoryClaims::new(now), issuer());
        let handle = Secret::<Access>::from_random(&Zeroizing::new([7; 32]));
        let (request, code, grant) = (fingerprint("request"), fingerprint("code"), grant("grant", now));
        let access = StoredAccess {
            token: handle.fingerprint(&issuer),
            claims: access_claims("token", Some(&grant.id), now),
            until,
        };
        store.push(&request, &vetted_request(now), until).await.unwrap();
        store.open(&request, &Opening { code, grant: grant.clone() }, now).await.unwrap();
        let change = Redemption { at: now, access: Some(access), refresh: None };
        store.redeem(&code, &change).await.unwrap();
        let nonces = Nonces::new(ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &[1; 32]), issuer.clone());
        let side = ResourceSide {
            issuer: &issuer,
            policy: &FAPI2_SECURITY,
            signer: &*crate::testkit::keys::signer(),
            audiences: Vec::new(),
            nonces: &nonces,
            nonce_policy: ProofNonce::Off,
            store: &store,
            claims: &claims,
            consents: &NoConsents,
            users: &crate::port::users::NoUserClaims,
        };
        let (found, form) = whole(&side, handle.reveal(), now).await.unwrap().unwrap();
        let found = AccessClaims { consent_id: None, ..found };
        assert_eq!(form, TokenForm::Opaque);
        assert_eq!(standing(&side, &found, form, now).await.unwrap(), Some(Standing::Good));
        store.revoke(&grant.id, now).await.unwrap();
        assert!(whole(&side, handle.reveal(), now).await.unwrap().is_none());
        assert_eq!(standing(&side, &found, TokenForm::Jwt, now).await.unwrap(), None);
    }
}
