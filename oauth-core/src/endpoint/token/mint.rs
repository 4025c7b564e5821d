//! The one place where tokens are made: every grant comes here, so no grant can forget the binding.

use serde::Serialize;
use serde_json::Map;

use crate::endpoint::seal::{Seal, seal};
use crate::identify::Caller;
use crate::jose::{Alg, Audience, Header};
use crate::model::binding::Binding;
use crate::model::client::Client;
use crate::model::details::VettedDetails;
use crate::model::grant::Grant;
use crate::model::id_token::IdTokenClaims;
use crate::model::token::{ACCESS_TOKEN_TYPE, AccessClaims};
use crate::policy::settings::{ResourceSetting, TokenForm};
use crate::port::store::StoredAccess;
use crate::port::token_index::TokenHash;
use crate::refusal::{Error, Fault};
use crate::server::{Context, identifier};
use crate::vocabulary::scope::Scope;
use crate::vocabulary::secret::{Access, Secret};
use crate::vocabulary::time::Timestamp;
use crate::vocabulary::uri::Resource;

/// What an access token is to say.
pub(crate) struct Wanted<'a> {
    pub(crate) client: &'a Client,
    pub(crate) binding: Binding,
    pub(crate) scope: Scope,
    pub(crate) details: &'a VettedDetails,
    pub(crate) resource: Option<&'a Resource>,
    /// The grant behind it; `None` when the client acts for itself.
    pub(crate) grant: Option<&'a Grant>,
    /// No token outlives this.
    pub(crate) until: Timestamp,
}

/// An access token, and its record when it is opaque.
pub(crate) struct Minted {
    pub(crate) token: String,
    pub(crate) stored: Option<StoredAccess>,
    pub(crate) expires_in: i64,
}

/// Makes an access token in the form the client or the resource asks for.
pub(crate) async fn access_token(context: &Context<'_>, wanted: &Wanted<'_>) -> Result<Minted, Error> {
    let resource = resource(context, wanted.resource)?;
    let claims = claims(context, wanted, resource)?;
    let expires_in = claims.exp - claims.iat;
    match wanted.client.tokens.unwrap_or(resource.tokens) {
        TokenForm::Jwt => {
            let token =
                sign(context, context.signing_alg(wanted.client), Some(ACCESS_TOKEN_TYPE), &claims).await?;
            index(context, &token, &claims).await?;
            Ok(Minted { token, stored: None, expires_in })
        }
        TokenForm::Opaque => {
            let handle: Secret<Access> = Secret::made_at(context.now, &context.ports.entropy.draw()?);
            let until = Timestamp::from_seconds(claims.exp);
            index(context, handle.reveal(), &claims).await?;
            let token = handle.fingerprint(&context.settings.issuer);
            Ok(Minted {
                token: handle.reveal().to_owned(),
                stored: Some(StoredAccess { token, claims, until }),
                expires_in,
            })
        }
    }
}

/// Keeps what a token says by its hash, where there is an index.
async fn index(context: &Context<'_>, token: &str, claims: &AccessClaims) -> Result<(), Fault> {
    context.index.keep(&TokenHash::of(token), claims, Timestamp::from_seconds(claims.exp)).await
}

fn resource<'a>(context: &'a Context<'_>, asked: Option<&Resource>) -> Result<&'a ResourceSetting, Fault> {
    let resources = &context.settings.resources;
    let found = match asked {
        Some(asked) => resources.iter().find(|known| known.uri == *asked),
        None => resources.first(),
    };
    found.ok_or_else(|| Fault::new("settings", "the resource of this grant is no longer configured"))
}

fn claims(
    context: &Context<'_>,
    wanted: &Wanted<'_>,
    resource: &ResourceSetting,
) -> Result<AccessClaims, Error> {
    let now = context.now;
    let end = now.plus(context.settings.access_token_lifetime).min(wanted.until);
    let authentication = wanted.grant.map(|grant| &grant.authentication);
    Ok(AccessClaims {
        iss: context.settings.issuer.clone(),
        sub: wanted
            .grant
            .map_or_else(|| wanted.client.id.as_str(), |grant| grant.subject.as_str())
            .to_owned(),
        aud: Audience::One(resource.uri.as_str().to_owned()),
        client_id: wanted.client.id.clone(),
        scope: wanted.scope.clone(),
        iat: now.seconds(),
        exp: end.seconds(),
        jti: identifier("", &*context.ports.entropy.draw()?),
        cnf: wanted.binding,
        authorization_details: wanted.details.echo(),
        grant_id: wanted.grant.map(|grant| grant.id.clone()),
        consent_id: wanted.details.consent.clone(),
        consent_text_sha256: wanted.details.shown.clone(),
        auth_time: authentication.map(|authentication| authentication.at.seconds()),
        acr: authentication.map(|authentication| authentication.acr.clone()),
        userinfo_claims: wanted.grant.map(|grant| grant.claims.userinfo.clone()).unwrap_or_default(),
    })
}

/// An ID token, when `openid` was granted (OpenID Connect Core section 3.1.3.3). On refresh the nonce is left out
/// (section 12.2).
pub(crate) async fn id_token(
    context: &Context<'_>,
    caller: &Caller,
    grant: &Grant,
    nonce: Option<&str>,
) -> Result<Option<String>, Error> {
    if !grant.scope.contains("openid") {
        return Ok(None);
    }
    let told = match grant.claims.id_token.as_slice() {
        [] => Map::new(),
        names => context.ports.users.named(&grant.subject, names).await?,
    };
    let claims = IdTokenClaims {
        iss: &context.settings.issuer,
        sub: &grant.subject,
        aud: &grant.client,
        exp: context.now.plus(context.settings.id_token_lifetime).seconds(),
        iat: context.now.seconds(),
        auth_time: grant.authentication.at.seconds(),
        acr: &grant.authentication.acr,
        amr: &grant.authentication.amr,
        nonce,
        told,
    };
    let client = &caller.client;
    let how = Seal { alg: client.id_token_alg, typ: None, encryption: client.messages.id_token };
    Ok(Some(seal(context, client, &how, &claims).await?))
}

/// Signs claims with the active key of an algorithm.
pub(crate) async fn sign(
    context: &Context<'_>,
    alg: Alg,
    typ: Option<&'static str>,
    claims: &(impl Serialize + Sync),
) -> Result<String, Error> {
    let signer = &context.ports.signer;
    signer.settle(context.now).await?;
    let kid = signer
        .active(alg)
        .ok_or_else(|| Fault::new("signer", format!("no signing key for {}", alg.as_str())))?;
    let header = Header { alg, kid, typ };
    let input = header.encode().signing_input(claims).map_err(|fault| Fault::new("jose", fault))?;
    let signature = signer.sign(&header.kid, input.as_bytes()).await?;
    Ok(input.complete(&signature))
}
