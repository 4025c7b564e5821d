//! Userinfo (OpenID Connect Core section 5.3): a protected resource like any other, behind the same verifier. Signed, and
//! encrypted around the signature, where the client registered so.

use serde_json::{Map, Value};

use super::seal::{Seal, seal};
use crate::identify::Presented;
use crate::refusal::reason::TokenReason;
use crate::refusal::{Error, Refusal, RuleId};
use crate::server::Context;
use crate::verify::access_token::{Authority, verify};
use crate::vocabulary::id::{ClientId, Subject};

/// OpenID Connect Core section 5.3.1: the token carries `openid`, so a customer stands behind it.
const OPENID: RuleId = RuleId("OIDCC-5.3.1");
/// OpenID Connect Core section 5.3.3: the customer still exists.
const CUSTOMER: RuleId = RuleId("OIDCC-5.3.3");
/// OpenID Connect Core section 5.3.2: what the client registered decides the form, so the client still exists.
const CLIENT: RuleId = RuleId("OIDCC-5.3.2");

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub enum UserinfoAnswer {
    /// JSON.
    Json(Map<String, Value>),
    /// A JWT, for `application/jwt`.
    Jwt(String),
}

pub(crate) async fn userinfo(context: &Context<'_>, presented: &Presented) -> Result<UserinfoAnswer, Error> {
    let authority = verify(&context.resource_side(), presented, context.now).await?;
    let subject = decide(&authority)?;
    let claims = context.ports.users.claims(&subject, &authority.claims.scope).await?;
    let mut claims = claims.ok_or(Refusal { rule: CUSTOMER, reason: TokenReason::Revoked.into() })?;
    if !authority.claims.userinfo_claims.is_empty() {
        claims.extend(context.ports.users.named(&subject, &authority.claims.userinfo_claims).await?);
    }
    claims.insert("sub".to_owned(), Value::String(subject.as_str().to_owned()));
    answer(context, &authority.claims.client_id, claims).await
}

/// Pure: whose claims are asked for.
fn decide(authority: &Authority) -> Result<Subject, Refusal> {
    let lacking = || Refusal { rule: OPENID, reason: TokenReason::Scope.into() };
    if authority.claims.grant_id.is_none() || !authority.claims.scope.contains("openid") {
        return Err(lacking());
    }
    Subject::new(&authority.claims.sub).map_err(|_| lacking())
}

async fn answer(
    context: &Context<'_>,
    client: &ClientId,
    mut claims: Map<String, Value>,
) -> Result<UserinfoAnswer, Error> {
    let client = context
        .active_client(client)
        .await?
        .ok_or(Refusal { rule: CLIENT, reason: TokenReason::Revoked.into() })?;
    let protection = client.messages.userinfo;
    if protection.alg.is_none() && protection.encryption.is_none() {
        return Ok(UserinfoAnswer::Json(claims));
    }
    // a signed answer says who signed it, and for whom
    claims.insert("iss".to_owned(), context.settings.issuer.as_str().into());
    claims.insert("aud".to_owned(), client.id.as_str().into());
    let how = Seal { alg: protection.alg, typ: None, encryption: protection.encryption };
    Ok(UserinfoAnswer::Jwt(seal(context, &client, &how, &claims).await?))
}
