//! `client_credentials` (RFC 6749 section 4.4): the client acts for itself. No refresh token, no ID token.

use super::mint::{self, Wanted};
use super::{TokenAnswer, refuse};
use crate::identify::Caller;
use crate::model::details::VettedDetails;
use crate::refusal::reason::RequestReason;
use crate::refusal::{Error, Refusal, RuleId};
use crate::server::Context;
use crate::vocabulary::scope::Scope;
use crate::vocabulary::time::Timestamp;
use crate::vocabulary::uri::Resource;
use crate::wire::form::Form;

/// RFC 6749 section 3.3: the grammar of `scope`.
const SCOPE_FORM: RuleId = RuleId("RFC6749-4.4.2-form");
/// RFC 6749 section 4.4.2: scope values for which the client needs no customer, among those it registered.
const SCOPE_ALLOWED: RuleId = RuleId("RFC6749-4.4.2");
/// RFC 8707 section 2: a named resource is one of ours.
const RESOURCE_KNOWN: RuleId = RuleId("RFC8707-2-token");

/// Scopes that speak of a customer and therefore need one (OpenID Connect Core sections 3.1.2.1, 5.4 and 11).
const NEEDS_CUSTOMER: &[&str] = &["openid", "profile", "email", "address", "phone", "offline_access"];

pub(crate) async fn issue(context: &Context<'_>, form: &Form, caller: &Caller) -> Result<TokenAnswer, Error> {
    let asked = form.get("scope").map(Scope::new).transpose();
    let asked = asked.map_err(|_| refuse(SCOPE_FORM, RequestReason::ScopeMalformed))?;
    let resource = form.get("resource").map(Resource::new).transpose();
    let resource = resource.map_err(|_| refuse(RESOURCE_KNOWN, RequestReason::ResourceUnknown))?;
    let binding = caller.binding()?;
    let scope = decide(context, caller, asked, resource.as_ref())?;
    let details = VettedDetails::default();
    let wanted = Wanted {
        client: &caller.client,
        binding,
        scope: scope.clone(),
        details: &details,
        resource: resource.as_ref(),
        grant: None,
        until: Timestamp::FAR_FUTURE,
    };
    let access = mint::access_token(context, &wanted).await?;
    if let Some(stored) = &access.stored {
        context.ports.store.issue(stored).await?;
    }
    Ok(TokenAnswer {
        access_token: access.token,
        token_type: binding.token_type(),
        expires_in: access.expires_in,
        scope,
        refresh_token: None,
        id_token: None,
        authorization_details: Vec::new(),
        consent_text_sha256: None,
    })
}

/// Pure: the scope that is granted.
fn decide(
    context: &Context<'_>,
    caller: &Caller,
    asked: Option<Scope>,
    resource: Option<&Resource>,
) -> Result<Scope, Refusal> {
    if resource.is_some_and(|asked| context.settings.resources.iter().all(|known| known.uri != *asked)) {
        return Err(refuse(RESOURCE_KNOWN, RequestReason::ResourceUnknown));
    }
    let scope = asked.unwrap_or_default();
    let allowed = scope.iter().all(|value| {
        context.settings.scopes.contains(value)
            && caller.client.scope.contains(value)
            && !NEEDS_CUSTOMER.contains(&value)
    });
    if allowed { Ok(scope) } else { Err(refuse(SCOPE_ALLOWED, RequestReason::ScopeNotAllowed)) }
}
