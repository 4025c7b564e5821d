//! Token introspection (RFC 7662), plain or signed (RFC 9701).

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::Submitted;
use super::introspect_by_query;
use super::seal::{Seal, seal};
use crate::identify::{self, Presented};
use crate::limits;
use crate::model::binding::Binding;
use crate::model::client::Client;
use crate::model::token::AccessClaims;
use crate::port::users::UserStanding;
use crate::refusal::reason::RequestReason;
use crate::refusal::{Error, Refusal, RuleId};
use crate::server::Context;
use crate::verify::access_token::{Resolved, customer_standing, resolve};
use crate::vocabulary::id::{ClientId, ConsentId, Subject};
use crate::vocabulary::scope::Scope;
use crate::vocabulary::uri::Issuer;
use crate::wire::form::Form;

/// RFC 7662 section 2.1: `token` is required.
const TOKEN_PRESENT: RuleId = RuleId("RFC7662-2.1");
/// `typ` and media type of the signed answer (RFC 9701 section 5).
const SIGNED_TYPE: &str = "token-introspection+jwt";

/// The form in which the caller wants the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerForm {
    /// JSON (RFC 7662 section 2.2).
    Json,
    /// A signed JWT (RFC 9701 section 4).
    Jwt,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub enum IntrospectionAnswer {
    /// JSON.
    Json(Box<Introspection>),
    /// A signed JWT.
    Jwt(String),
}

/// What a caller learns about a token. An inactive one has no other member (RFC 7662 section 2.2).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Introspection {
    /// Expired, revoked, unknown, or none of the caller's business.
    Inactive(Inactive),
    /// Good right now.
    Active(Box<Active>),
}

/// `{"active": false}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inactive {
    active: bool,
}

/// The members of RFC 7662 section 2.2 with those of RFC 8705, 9396, 9449 and our consent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the members carry the registered names of RFC 7662 section 2.2")]
pub struct Active {
    active: bool,
    pub iss: Issuer,
    pub sub: String,
    pub aud: String,
    pub client_id: ClientId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    pub scope: Scope,
    pub token_type: &'static str,
    pub iat: i64,
    pub exp: i64,
    pub jti: String,
    pub cnf: Binding,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent_id: Option<ConsentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent_text_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
}

/// The claims of a signed answer (RFC 9701 section 5): no `sub` and no `exp` beside the introspection itself.
#[derive(Serialize)]
struct SignedClaims<'a> {
    iss: &'a Issuer,
    aud: &'a ClientId,
    iat: i64,
    token_introspection: &'a Introspection,
}

pub(crate) async fn introspect(
    context: &Context<'_>,
    submitted: Submitted,
    wanted: AnswerForm,
) -> Result<IntrospectionAnswer, Error> {
    let form = Form::read(&submitted.body, limits::FORM_BODY_BYTES)?;
    let client = asker(context, &form, &submitted.presented).await?;
    let token = form
        .get("token")
        .ok_or(Refusal { rule: TOKEN_PRESENT, reason: RequestReason::TokenMissing.into() })?;
    // a resource server asks about what anybody brings: a bound would be in the hands of those
    let counts = client.resource.is_none();
    if counts {
        context.misses.take(&client.id, context.now)?;
    }
    let found = acting(context, resolve(context, token).await?).await?;
    let username = username(context, found.as_ref(), &client).await?;
    let introspection = decide(found, &client, username);
    if counts && matches!(introspection, Introspection::Active(_)) {
        context.misses.put_back(&client.id);
    }
    answer(context, &client, introspection, wanted).await
}

/// Who asks: a client that authenticates, or a resource server with a bound token of its own (RFC 7662 section 2.1 leaves
/// both open).
async fn asker(context: &Context<'_>, form: &Form, presented: &Presented) -> Result<Arc<Client>, Error> {
    let authenticates = ["client_id", "client_assertion"].iter().any(|name| form.get(name).is_some());
    if !authenticates && !presented.authorization.is_empty() {
        return introspect_by_query::asker(context, presented).await;
    }
    Ok(identify::identify(context, form, presented).await?.client)
}

/// The token, while the client it was issued to and the customer behind it may act.
pub(super) async fn acting(
    context: &Context<'_>,
    found: Option<Resolved>,
) -> Result<Option<Resolved>, Error> {
    let Some(found) = found else { return Ok(None) };
    let client = context.active_client(&found.claims.client_id).await?;
    let customer = customer_standing(&*context.ports.users, &found.claims).await?;
    Ok((client.is_some() && customer == UserStanding::Good).then_some(found))
}

/// The customer's name, for a resource server that a customer's token is meant for.
pub(super) async fn username(
    context: &Context<'_>,
    found: Option<&Resolved>,
    client: &Client,
) -> Result<Option<String>, Error> {
    let of_customer = |found: &&Resolved| found.claims.grant_id.is_some() && serves(&found.claims, client);
    let Some(found) = found.filter(of_customer) else { return Ok(None) };
    match Subject::new(&found.claims.sub) {
        Ok(subject) => Ok(context.ports.users.username(&subject).await?),
        Err(_) => Ok(None),
    }
}

/// Pure: what this caller may learn.
pub(super) fn decide(found: Option<Resolved>, client: &Client, username: Option<String>) -> Introspection {
    match found {
        Some(found) if is_for(&found.claims, client) => {
            Introspection::Active(Box::new(Active { username, ..active(found.claims) }))
        }
        Some(_) | None => Introspection::Inactive(Inactive { active: false }),
    }
}

/// RFC 7662 section 4: a resource server sees the tokens meant for it, a client its own; nobody sees another's.
fn is_for(claims: &AccessClaims, client: &Client) -> bool {
    serves(claims, client) || claims.client_id == client.id
}

fn serves(claims: &AccessClaims, client: &Client) -> bool {
    client.resource.as_ref().is_some_and(|resource| claims.aud.contains(resource.as_str()))
}

fn active(claims: AccessClaims) -> Active {
    Active {
        active: true,
        aud: claims.aud.iter().next().unwrap_or_default().to_owned(),
        token_type: claims.cnf.token_type(),
        iss: claims.iss,
        sub: claims.sub,
        client_id: claims.client_id,
        username: None,
        scope: claims.scope,
        iat: claims.iat,
        exp: claims.exp,
        jti: claims.jti,
        cnf: claims.cnf,
        authorization_details: claims.authorization_details,
        consent_id: claims.consent_id,
        consent_text_sha256: claims.consent_text_sha256,
        auth_time: claims.auth_time,
        acr: claims.acr,
    }
}

/// RFC 9701 section 4: `Accept` asks for the signed form. Who registered for encryption gets nothing in the clear,
/// whatever it accepts.
pub(super) async fn answer(
    context: &Context<'_>,
    client: &Client,
    introspection: Introspection,
    wanted: AnswerForm,
) -> Result<IntrospectionAnswer, Error> {
    let protection = client.messages.introspection;
    match (wanted, protection.encryption) {
        (AnswerForm::Json, None) => Ok(IntrospectionAnswer::Json(Box::new(introspection))),
        (AnswerForm::Jwt, _) | (AnswerForm::Json, Some(_)) => {
            let claims = SignedClaims {
                iss: &context.settings.issuer,
                aud: &client.id,
                iat: context.now.seconds(),
                token_introspection: &introspection,
            };
            let how = Seal { alg: protection.alg, typ: Some(SIGNED_TYPE), encryption: protection.encryption };
            Ok(IntrospectionAnswer::Jwt(seal(context, client, &how, &claims).await?))
        }
    }
}
