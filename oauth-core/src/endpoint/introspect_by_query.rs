//! Introspection by query. RFC 7662 has only the form with POST, and says why: what stands in a URL ends up in logs. Where an
//! interface lists the other form, it does no harm here: it answers registered resource servers alone, takes the hash of a
//! token in the place of the token, and says so where the token itself was sent.

use super::introspect::{self, AnswerForm, IntrospectionAnswer};
use crate::identify::Presented;
use crate::limits;
use crate::model::client::Client;
use crate::port::token_index::TokenHash;
use crate::refusal::reason::{RequestReason, TokenReason};
use crate::refusal::{Error, Refusal, RuleId};
use crate::server::Context;
use crate::verify::access_token::{resolve, resolve_claims, verify};
use crate::wire::form::Form;

use std::sync::Arc;

/// RFC 7662 section 2.1: a resource server authenticates, here with a bound token that carries the scope.
const ASKER: RuleId = RuleId("RFC7662-2.1-asker");
/// RFC 7662 section 2.1: one token is asked about.
const ONE_TOKEN: RuleId = RuleId("RFC7662-2.1-query");
/// The scope of who may ask.
const SCOPE: &str = "introspection";

/// A question as it arrived.
#[derive(Debug)]
pub struct QuerySubmitted {
    /// The query, not decoded.
    pub query: Vec<u8>,
    /// How it arrived.
    pub presented: Presented,
}

/// An answer, and by what the token was named.
#[derive(Debug, Clone, PartialEq)]
pub struct Queried {
    /// The answer.
    pub answer: IntrospectionAnswer,
    /// By what the token was named.
    pub named: Named,
}

/// By what a token was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// By its hash.
    ByHash,
    /// By itself: it now stands in a URL.
    ByItself,
}

pub(crate) async fn introspect(context: &Context<'_>, submitted: &QuerySubmitted) -> Result<Queried, Error> {
    let asker = asker(context, &submitted.presented).await?;
    let form = Form::read(&submitted.query, limits::FORM_BODY_BYTES)?;
    let malformed = |reason: RequestReason| Refusal { rule: ONE_TOKEN, reason: reason.into() };
    let (found, named) = match (form.get("token_hash"), form.get("token")) {
        (Some(hash), None) => {
            let hash = TokenHash::read(hash).map_err(|_| malformed(RequestReason::Malformed))?;
            let claims = context.index.find(&hash, context.now).await?;
            (resolve_claims(context, claims).await?, Named::ByHash)
        }
        (None, Some(token)) => (resolve(context, token).await?, Named::ByItself),
        (Some(_), Some(_)) => return Err(malformed(RequestReason::Malformed).into()),
        (None, None) => return Err(malformed(RequestReason::TokenMissing).into()),
    };
    let found = introspect::acting(context, found).await?;
    let username = introspect::username(context, found.as_ref(), &asker).await?;
    let introspection = introspect::decide(found, &asker, username);
    let answer = introspect::answer(context, &asker, introspection, AnswerForm::Json).await?;
    Ok(Queried { answer, named })
}

/// Who asks, by a bound token of their own: a registered resource server, acting for itself.
pub(super) async fn asker(context: &Context<'_>, presented: &Presented) -> Result<Arc<Client>, Error> {
    let claims = verify(&context.resource_side(), presented, context.now).await?.claims;
    context.note_client(&claims.client_id);
    let refuse = |reason: TokenReason| Refusal { rule: ASKER, reason: reason.into() };
    let client = context.active_client(&claims.client_id).await?;
    let client = client.ok_or_else(|| refuse(TokenReason::Revoked))?;
    let may_ask = claims.grant_id.is_none() && claims.scope.contains(SCOPE) && client.resource.is_some();
    if may_ask { Ok(client) } else { Err(refuse(TokenReason::Scope).into()) }
}
