//! `refresh_token` (RFC 6749 section 6). The token is bound to the client; a refresh may bring a new DPoP key.

use std::sync::Arc;

use super::mint::{self, Wanted};
use super::{PARAMETERS_PRESENT, TokenAnswer, refuse};
use crate::identify::Caller;
use crate::model::binding::Binding;
use crate::model::client::Client;
use crate::model::details::{AuthorizationDetails, VettedDetails};
use crate::policy::{Policy, RefreshRotation};
use crate::port::consents::Standing;
use crate::port::store::{Redemption, RefreshRecord, Spend};
use crate::port::users::UserStanding;
use crate::refusal::reason::{GrantReason, Reason, RequestReason};
use crate::refusal::{Error, Refusal, RuleId};
use crate::rules::{Rule, hold, rfc6749};
use crate::server::Context;
use crate::vocabulary::scope::Scope;
use crate::vocabulary::secret::{Fingerprint, Refresh, Secret};
use crate::vocabulary::time::Timestamp;
use crate::wire::form::Form;

/// What the rules of this grant judge.
pub(crate) struct RefreshCase {
    pub(crate) client: Arc<Client>,
    pub(crate) record: RefreshRecord,
    pub(crate) scope: Option<Scope>,
    pub(crate) standing: Standing,
    pub(crate) customer: UserStanding,
    pub(crate) now: Timestamp,
    binding: Binding,
    narrowed: AuthorizationDetails,
}

/// The specification of this grant.
pub(crate) const RULES: &[&Rule<RefreshCase>] = &[
    &rfc6749::REFRESH_OF_CLIENT,
    &rfc6749::REFRESH_UNSPENT,
    &rfc6749::REFRESH_LIVES,
    &rfc6749::REFRESH_CONSENT_STANDS,
    &rfc6749::REFRESH_CUSTOMER_STANDS,
    &rfc6749::REFRESH_WITHIN,
];

/// RFC 6749 section 6: the refresh token exists.
const KNOWN: RuleId = RuleId("RFC6749-6");
/// RFC 6749 section 6: `scope` of a refresh is well-formed.
const SCOPE_FORM: RuleId = RuleId("RFC6749-6-form");
/// RFC 9396 section 6: `authorization_details` of a refresh are well-formed.
const DETAILS_FORM: RuleId = RuleId("RFC9396-6-form");

pub(crate) async fn refresh(
    context: &Context<'_>,
    form: &Form,
    caller: &Caller,
) -> Result<TokenAnswer, Error> {
    let key = read(context, form)?;
    let binding = caller.binding()?;
    let case = gather(context, form, caller, binding, &key).await?;
    let details = match decide(context, &case, caller.policy) {
        Ok(details) => details,
        Err(refusal) => return Err(end_if_reused(context, &case, refusal).await),
    };
    let (answer, change) = prepare(context, caller, &case, &details).await?;
    commit(context, &key, &change).await?;
    Ok(answer)
}

fn read(context: &Context<'_>, form: &Form) -> Result<Fingerprint<Refresh>, Refusal> {
    let text = form
        .get("refresh_token")
        .ok_or_else(|| refuse(PARAMETERS_PRESENT, RequestReason::ParameterMissing))?;
    let token = Secret::<Refresh>::presented(text).ok_or_else(unknown)?;
    Ok(token.fingerprint(&context.settings.issuer))
}

async fn gather(
    context: &Context<'_>,
    form: &Form,
    caller: &Caller,
    binding: Binding,
    key: &Fingerprint<Refresh>,
) -> Result<RefreshCase, Error> {
    let scope = form.get("scope").map(Scope::new).transpose();
    let scope = scope.map_err(|_| refuse(SCOPE_FORM, RequestReason::ScopeMalformed))?;
    let narrowed = match form.get("authorization_details") {
        None => AuthorizationDetails::default(),
        Some(text) => AuthorizationDetails::read(text)
            .map_err(|reason| Refusal { rule: DETAILS_FORM, reason: reason.into() })?,
    };
    let record = context.ports.store.grant_by_refresh(key).await?.ok_or_else(unknown)?;
    let standing = context.standing_of(&record.grant).await?;
    let customer = context.ports.users.standing(&record.grant.subject).await?;
    Ok(RefreshCase {
        client: Arc::clone(&caller.client),
        record,
        scope,
        standing,
        customer,
        now: context.now,
        binding,
        narrowed,
    })
}

fn decide(context: &Context<'_>, case: &RefreshCase, policy: &Policy) -> Result<VettedDetails, Refusal> {
    hold(RULES, case, policy)?;
    let (details, granted) = (&context.ports.details, &case.record.grant.details);
    if case.narrowed.is_empty() {
        return Ok(details.told(granted, case.standing));
    }
    Ok(details.told(&details.narrow(granted, &case.narrowed)?, case.standing))
}

async fn end_if_reused(context: &Context<'_>, case: &RefreshCase, refusal: Refusal) -> Error {
    if refusal.reason == Reason::Grant(GrantReason::SpentBefore)
        && let Err(fault) = context.ports.store.revoke(&case.record.grant.id, context.now).await
    {
        return fault.into();
    }
    refusal.into()
}

async fn prepare(
    context: &Context<'_>,
    caller: &Caller,
    case: &RefreshCase,
    details: &VettedDetails,
) -> Result<(TokenAnswer, Redemption), Error> {
    let grant = &case.record.grant;
    let scope = case.scope.clone().unwrap_or_else(|| grant.scope.clone());
    let wanted = Wanted {
        client: &case.client,
        binding: case.binding,
        scope: scope.clone(),
        details,
        resource: grant.resource.as_ref(),
        grant: Some(grant),
        until: grant.until,
    };
    let access = mint::access_token(context, &wanted).await?;
    let id_token =
        if scope.contains("openid") { mint::id_token(context, caller, grant, None).await? } else { None };
    let next: Option<Secret<Refresh>> = match caller.policy.refresh_rotation {
        RefreshRotation::Keep => None,
        RefreshRotation::EveryUse => Some(Secret::made_at(context.now, &context.ports.entropy.draw()?)),
    };
    let change = Redemption {
        at: context.now,
        access: access.stored,
        refresh: next.as_ref().map(|token| (token.fingerprint(&context.settings.issuer), grant.until)),
    };
    let answer = TokenAnswer {
        access_token: access.token,
        token_type: case.binding.token_type(),
        expires_in: access.expires_in,
        scope,
        refresh_token: next.as_ref().map(|token| token.reveal().to_owned()),
        id_token,
        authorization_details: details.echo(),
        consent_text_sha256: details.shown.clone(),
    };
    Ok((answer, change))
}

/// Where nothing has to be kept nothing is written: a refresh of a JWT without rotation costs no write.
async fn commit(context: &Context<'_>, key: &Fingerprint<Refresh>, change: &Redemption) -> Result<(), Error> {
    if change.access.is_none() && change.refresh.is_none() {
        return Ok(());
    }
    match context.ports.store.rotate(key, change).await? {
        Spend::Applied => Ok(()),
        Spend::SpentBefore(grant) => {
            if let Some(grant) = grant {
                context.ports.store.revoke(&grant, context.now).await?;
            }
            Err(Refusal { rule: rfc6749::REFRESH_UNSPENT.id, reason: GrantReason::SpentBefore.into() }.into())
        }
        Spend::Unknown => Err(unknown().into()),
    }
}

fn unknown() -> Refusal {
    Refusal { rule: KNOWN, reason: GrantReason::Unknown.into() }
}
