//! Pushed authorization requests (RFC 9126 section 2).

use std::sync::Arc;

use serde::Serialize;
use zeroize::Zeroizing;

use super::ticket::FAREWELL;
use super::{CHANGES_MAX, Submitted, contended, request_object};
use crate::identify::{self, Caller};
use crate::limits;
use crate::model::binding::Thumbprint;
use crate::model::claims_request::{ClaimsAsked, ClaimsRequest};
use crate::model::client::Client;
use crate::model::details::AuthorizationDetails;
use crate::model::request::{AuthorizationParams, Prompt, VettedRequest};
use crate::policy::{AnswerBy, Policy};
use crate::port::companion::Kept;
use crate::port::consents::{ConsentFacts, DetailsCase, Overtaken};
use crate::refusal::reason::{DetailsReason, RequestReason};
use crate::refusal::{Error, Refusal, RuleId};
use crate::rules::{
    Rule, fapi2_message_signing, fapi2_security, hold, oidc_core, rfc6749, rfc7636, rfc8707, rfc9101,
    rfc9126, rfc9449, uae_security,
};
use crate::server::Context;
use crate::vocabulary::scope::Scope;
use crate::vocabulary::secret::{RequestUri, Secret};
use crate::vocabulary::time::{Seconds, Timestamp};
use crate::vocabulary::uri::{RedirectUri, Resource};
use crate::wire::form::Form;

/// What the rules about the form judge, before its parameters are known.
pub(crate) struct FormCase {
    pub(crate) client: Arc<Client>,
    /// `request` (RFC 9101).
    pub(crate) request: Option<String>,
    /// `request_uri` (RFC 9101, RFC 9126).
    pub(crate) request_uri: Option<String>,
    /// Whether a parameter of an authorization request stands in the form itself.
    pub(crate) asked_in_form: bool,
}

/// Whether the request comes in a form that is taken. Judged before a request object is opened.
pub(crate) const FORM_RULES: &[&Rule<FormCase>] =
    &[&rfc9126::REQUEST_URI_ABSENT, &rfc9101::FORM_TAKEN, &uae_security::OBJECT_ALONE];

/// The parameters of an authorization request; `client_id` says who asks and may stand beside a request object.
const AUTHORIZATION_PARAMETERS: &[&str] = &[
    "response_type",
    "response_mode",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "authorization_details",
    "dpop_jkt",
    "prompt",
    "max_age",
    "acr_values",
    "login_hint",
    "ui_locales",
    "resource",
    "claims",
    "display",
    "id_token_hint",
];

/// What the rules of this endpoint judge.
pub(crate) struct PushCase {
    pub(crate) client: Arc<Client>,
    pub(crate) params: AuthorizationParams,
    pub(crate) scope: Scope,
    /// The key of a DPoP proof that came with the push.
    pub(crate) proof: Option<Thumbprint>,
    /// The scopes this server offers.
    pub(crate) offered: Scope,
    /// The resources this server issues tokens for.
    pub(crate) resources: Vec<Resource>,
    facts: ConsentFacts,
    fresh: Fresh,
    now: Timestamp,
}

/// Random bits, drawn before anything is decided.
struct Fresh {
    request_uri: Secret<RequestUri>,
    consent: Zeroizing<[u8; 32]>,
}

/// The specification of this endpoint: every rule about the request itself, in the order in which they are judged.
pub(crate) const RULES: &[&Rule<PushCase>] = &[
    &rfc6749::GRANT_REGISTERED,
    &rfc6749::RESPONSE_TYPE_PRESENT,
    &rfc6749::RESPONSE_TYPE_OFFERED,
    &fapi2_message_signing::RESPONSE_SIGNED,
    &fapi2_security::RESPONSE_MODE_OFFERED,
    &fapi2_security::REDIRECT_URI_PRESENT,
    &rfc6749::REDIRECT_URI_REGISTERED,
    &rfc7636::CHALLENGE_PRESENT,
    &rfc7636::CHALLENGE_METHOD,
    &rfc7636::CHALLENGE_WELL_FORMED,
    &rfc6749::STATE_BOUNDED,
    &oidc_core::NONCE_BOUNDED,
    &oidc_core::PROMPT_KNOWN,
    &oidc_core::MAX_AGE_KNOWN,
    &rfc6749::SCOPE_ALLOWED,
    &rfc8707::RESOURCE_KNOWN,
    &rfc9449::JKT_WELL_FORMED,
    &rfc9449::JKT_IS_PROOF_KEY,
];

/// What is kept, under which name, until when.
struct PushDecision {
    request: VettedRequest,
    request_uri: Secret<RequestUri>,
    /// Until when it is kept: the browser arrives in time, and the customer then has time to decide.
    until: Timestamp,
    expires_in: Seconds,
}

/// The answer: 201 with a reference to the request (RFC 9126 section 2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pushed {
    /// The reference. It is good once, for this client, until it is decided.
    pub request_uri: String,
    /// Seconds until it is over.
    pub expires_in: i64,
}

pub(crate) async fn push(context: &Context<'_>, submitted: Submitted) -> Result<Pushed, Error> {
    let form = read(&submitted)?;
    let caller = identify::identify(context, &form, &submitted.presented).await?;
    context.pushes.take(&caller.client.id, context.now)?;
    let case = gather(context, form, &caller).await?;
    let decision = decide(context, case, caller.policy)?;
    commit(context, &decision).await?;
    Ok(answer(&decision))
}

fn read(submitted: &Submitted) -> Result<Form, Refusal> {
    Form::read(&submitted.body, limits::FORM_BODY_BYTES)
}

async fn gather(context: &Context<'_>, form: Form, caller: &Caller) -> Result<PushCase, Error> {
    let mut sent = FormCase {
        client: Arc::clone(&caller.client),
        request: form.owned("request"),
        request_uri: form.owned("request_uri"),
        asked_in_form: AUTHORIZATION_PARAMETERS.iter().any(|name| form.get(name).is_some()),
    };
    hold(FORM_RULES, &sent, caller.policy)?;
    let params = match sent.request.take() {
        Some(object) => request_object::read(context, caller, &object).await?,
        None => params(&form)?,
    };
    let scope = Scope::new(params.scope.as_deref().unwrap_or_default())
        .map_err(|_| refuse(SCOPE_WELL_FORMED, RequestReason::ScopeMalformed))?;
    let facts = context.ports.consents.facts(&params.authorization_details, &caller.client).await?;
    let fresh = Fresh {
        request_uri: Secret::made_at(context.now, &context.ports.entropy.draw()?),
        consent: context.ports.entropy.draw()?,
    };
    Ok(PushCase {
        client: Arc::clone(&caller.client),
        params,
        scope,
        proof: caller.proof,
        offered: context.settings.scopes.clone(),
        resources: context.settings.resources.iter().map(|resource| resource.uri.clone()).collect(),
        facts,
        fresh,
        now: context.now,
    })
}

fn decide(context: &Context<'_>, case: PushCase, policy: &Policy) -> Result<PushDecision, Refusal> {
    hold(RULES, &case, policy)?;
    let details = context.ports.details.vet(&DetailsCase {
        asked: &case.params.authorization_details,
        scope: &case.scope,
        client: &case.client,
        facts: &case.facts,
        now: case.now,
        fresh: &case.fresh.consent,
    })?;
    let params = case.params;
    let answer_by = params.answer_by().unwrap_or(AnswerBy::Query);
    let redirect_uri = params.redirect_uri.as_deref().map(RedirectUri::new);
    let redirect_uri = redirect_uri.and_then(Result::ok).ok_or_else(|| {
        refuse(rfc6749::REDIRECT_URI_REGISTERED.id, RequestReason::RedirectUriNotRegistered)
    })?;
    let thumbprint = |text: Option<String>| text.and_then(|text| Thumbprint::parse(&text).ok());
    let request = VettedRequest {
        issuer: context.settings.issuer.clone(),
        client: case.client.id.clone(),
        redirect_uri,
        answer_by,
        scope: details.scope.clone(),
        state: params.state,
        nonce: params.nonce,
        code_challenge: thumbprint(params.code_challenge),
        dpop_jkt: case.proof.or_else(|| thumbprint(params.dpop_jkt)),
        details,
        prompt: prompt(params.prompt.as_deref()),
        max_age: params.max_age.and_then(|text| text.parse().ok()).map(Seconds::new),
        acr_values: acr_values(params.acr_values.as_deref(), params.claims.acr_wished),
        login_hint: params.login_hint,
        ui_locales: params.ui_locales.as_deref().map(locales).unwrap_or_default(),
        resource: params.resource.and_then(|text| Resource::new(&text).ok()),
        claims: if case.scope.contains("openid") { params.claims.request } else { ClaimsRequest::default() },
        asked_at: case.now,
    };
    let expires_in = context.settings.request_uri_lifetime;
    let until = case.now.plus(expires_in).plus(context.settings.interaction_lifetime).plus(FAREWELL);
    Ok(PushDecision { request, request_uri: case.fresh.request_uri, until, expires_in })
}

/// The request and the consent it asks for, in one write.
async fn commit(context: &Context<'_>, decision: &PushDecision) -> Result<(), Error> {
    let key = decision.request_uri.fingerprint(&context.settings.issuer);
    let (request, until) = (&decision.request, decision.until);
    for _ in 0..CHANGES_MAX {
        let Some(change) = context.ports.consents.lodging(request, context.now).await? else {
            return Ok(context.ports.store.push(&key, request, until).await?);
        };
        match (
            context.ports.store.push_with(&key, (request, until), &*change.companion).await?,
            change.overtaken,
        ) {
            (Kept::Done, _) => return Ok(()),
            (Kept::Overtaken, Overtaken::Again) => {}
            (Kept::Overtaken, Overtaken::Refused(refusal)) => return Err(refusal.into()),
        }
    }
    Err(contended().into())
}

fn answer(decision: &PushDecision) -> Pushed {
    Pushed { request_uri: decision.request_uri.reveal().to_owned(), expires_in: decision.expires_in.get() }
}

/// RFC 6749 section 3.3: the grammar of `scope`.
const SCOPE_WELL_FORMED: RuleId = RuleId("RFC6749-3.3-form");
/// RFC 9396 section 2: the shape of `authorization_details`.
const DETAILS_WELL_FORMED: RuleId = RuleId("RFC9396-2");

fn params(form: &Form) -> Result<AuthorizationParams, Refusal> {
    let malformed = |reason: DetailsReason| Refusal { rule: DETAILS_WELL_FORMED, reason: reason.into() };
    let authorization_details = match form.get("authorization_details") {
        Some(text) => AuthorizationDetails::read(text).map_err(malformed)?,
        None => AuthorizationDetails::default(),
    };
    Ok(AuthorizationParams {
        client_id: form.owned("client_id"),
        response_type: form.owned("response_type"),
        response_mode: form.owned("response_mode"),
        redirect_uri: form.owned("redirect_uri"),
        scope: form.owned("scope"),
        state: form.owned("state"),
        nonce: form.owned("nonce"),
        code_challenge: form.owned("code_challenge"),
        code_challenge_method: form.owned("code_challenge_method"),
        authorization_details,
        dpop_jkt: form.owned("dpop_jkt"),
        prompt: form.owned("prompt"),
        max_age: form.owned("max_age"),
        acr_values: form.owned("acr_values"),
        login_hint: form.owned("login_hint"),
        ui_locales: form.owned("ui_locales"),
        resource: form.owned("resource"),
        claims: match form.get("claims") {
            Some(text) => ClaimsAsked::read(text)
                .map_err(|_| refuse(oidc_core::CLAIMS_WELL_FORMED, RequestReason::ClaimsMalformed))?,
            None => ClaimsAsked::default(),
        },
    })
}

/// OpenID Connect Core section 5.5.1.1: `acr` wished for in `claims` counts as `acr_values` does.
fn acr_values(asked: Option<&str>, wished: Vec<String>) -> Vec<String> {
    asked.iter().flat_map(|text| text.split(' ')).map(str::to_owned).chain(wished).collect()
}

/// RFC 5646 section 2.1: letters, digits and hyphens. What is no tag is passed over.
fn locales(asked: &str) -> Vec<String> {
    let is_tag = |tag: &&str| {
        let sound = tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        sound && (1..=limits::LOCALE_BYTES).contains(&tag.len())
    };
    asked.split(' ').filter(is_tag).take(limits::LOCALES).map(str::to_owned).collect()
}

fn prompt(asked: Option<&str>) -> Prompt {
    match asked {
        Some("none") => Prompt::None,
        Some(values) if values.split(' ').any(|value| value == "login") => Prompt::Login,
        Some(_) | None => Prompt::AsNeeded,
    }
}

fn refuse(rule: RuleId, reason: RequestReason) -> Refusal {
    Refusal { rule, reason: reason.into() }
}
