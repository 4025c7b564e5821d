//! Userinfo (OpenID Connect Core section 5.3): a protected resource like any other, behind the same verifier.

use serde_json::{Map, Value};

use crate::identify::Presented;
use crate::refusal::reason::TokenReason;
use crate::refusal::{Error, Refusal, RuleId};
use crate::server::Context;
use crate::verify::access_token::{Authority, verify};
use crate::vocabulary::id::Subject;

/// OpenID Connect Core section 5.3.1: the token carries `openid`, so a customer stands behind it.
const OPENID: RuleId = RuleId("OIDCC-5.3.1");
/// OpenID Connect Core section 5.3.3: the customer still exists.
const CUSTOMER: RuleId = RuleId("OIDCC-5.3.3");

pub(crate) async fn userinfo(
    context: &Context<'_>,
    presented: &Presented,
) -> Result<Map<String, Value>, Error> {
    let authority = verify(&context.resource_side(), presented, context.now).await?;
    let subject = decide(&authority)?;
    let claims = context.ports.users.claims(&subject, &authority.claims.scope).await?;
    let mut claims = claims.ok_or(Refusal { rule: CUSTOMER, reason: TokenReason::Revoked.into() })?;
    claims.insert("sub".to_owned(), Value::String(subject.as_str().to_owned()));
    Ok(claims)
}

/// Pure: whose claims are asked for.
fn decide(authority: &Authority) -> Result<Subject, Refusal> {
    let lacking = || Refusal { rule: OPENID, reason: TokenReason::Scope.into() };
    if authority.claims.grant_id.is_none() || !authority.claims.scope.contains("openid") {
        return Err(lacking());
    }
    Subject::new(&authority.claims.sub).map_err(|_| lacking())
}
