//! `authorization_code` (RFC 6749 section 4.1.3). The code is spent last, after every check and every signature.

use std::sync::Arc;

use super::mint::{self, Wanted};
use super::{PARAMETERS_PRESENT, TokenAnswer, refuse};
use crate::identify::Caller;
use crate::model::binding::Binding;
use crate::model::client::{Client, GrantType};
use crate::model::grant::Grant;
use crate::policy::Policy;
use crate::port::consents::Standing;
use crate::port::store::{Redemption, Spend};
use crate::port::users::UserStanding;
use crate::refusal::reason::{GrantReason, Reason, RequestReason};
use crate::refusal::{Error, Refusal, RuleId};
use crate::rules::{Rule, hold, rfc6749, rfc7636, rfc9449};
use crate::server::Context;
use crate::vocabulary::secret::{Code, Fingerprint, Refresh, Secret};
use crate::vocabulary::time::Timestamp;
use crate::wire::form::Form;

/// What the rules of this grant judge.
pub(crate) struct RedeemCase {
    pub(crate) client: Arc<Client>,
    pub(crate) binding: Binding,
    pub(crate) grant: Grant,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) verifier: Option<String>,
    pub(crate) standing: Standing,
    pub(crate) customer: UserStanding,
    pub(crate) now: Timestamp,
}

/// The specification of this grant. The order matters in one place: another client's attempt must stop before
/// anything that ends the grant.
pub(crate) const RULES: &[&Rule<RedeemCase>] = &[
    &rfc6749::CODE_OF_CLIENT,
    &rfc6749::CODE_UNSPENT,
    &rfc6749::CODE_LIVES,
    &rfc9449::CODE_KEY,
    &rfc6749::REDIRECT_URI_SAME,
    &rfc7636::VERIFIER_MATCHES,
    &rfc6749::CODE_CONSENT_STANDS,
    &rfc6749::CODE_CUSTOMER_STANDS,
];

/// RFC 6749 section 4.1.2: the code exists.
const KNOWN: RuleId = RuleId("RFC6749-4.1.2");

pub(crate) async fn redeem(
    context: &Context<'_>,
    form: &Form,
    caller: &Caller,
) -> Result<TokenAnswer, Error> {
    let code = read(form)?;
    let binding = caller.binding()?;
    let case = gather(context, form, caller, binding, &code).await?;
    if let Err(refusal) = decide(&case, caller.policy) {
        return Err(end_if_misused(context, &case, refusal).await);
    }
    let (answer, change) = prepare(context, caller, &case).await?;
    commit(context, &code, &change).await?;
    Ok(answer)
}

/// What does not even have the shape of a code costs no look-up.
fn read(form: &Form) -> Result<Fingerprintable, Refusal> {
    let text = form.get("code").ok_or_else(|| refuse(PARAMETERS_PRESENT, RequestReason::ParameterMissing))?;
    Secret::<Code>::presented(text).map(Fingerprintable).ok_or_else(unknown)
}

/// A code as presented.
struct Fingerprintable(Secret<Code>);

impl Fingerprintable {
    fn key(&self, context: &Context<'_>) -> Fingerprint<Code> {
        self.0.fingerprint(&context.settings.issuer)
    }
}

async fn gather(
    context: &Context<'_>,
    form: &Form,
    caller: &Caller,
    binding: Binding,
    code: &Fingerprintable,
) -> Result<RedeemCase, Error> {
    let grant = context.ports.store.grant_by_code(&code.key(context)).await?.ok_or_else(unknown)?;
    let standing = context.standing_of(&grant).await?;
    let customer = context.ports.users.standing(&grant.subject).await?;
    Ok(RedeemCase {
        client: Arc::clone(&caller.client),
        binding,
        grant,
        redirect_uri: form.owned("redirect_uri"),
        verifier: form.owned("code_verifier"),
        standing,
        customer,
        now: context.now,
    })
}

fn decide(case: &RedeemCase, policy: &Policy) -> Result<(), Refusal> {
    hold(RULES, case, policy)
}

/// RFC 6749 section 4.1.2: a second use ends what the first brought. A wrong verifier or redirect URI from the
/// right client ends the code, which is out in the wrong hands or the wrong flow.
async fn end_if_misused(context: &Context<'_>, case: &RedeemCase, refusal: Refusal) -> Error {
    let misused = matches!(
        refusal.reason,
        Reason::Grant(GrantReason::SpentBefore | GrantReason::Verifier | GrantReason::RedirectUri)
    );
    if misused && let Err(fault) = context.ports.store.revoke(&case.grant.id, context.now).await {
        return fault.into();
    }
    refusal.into()
}

/// Everything that can fail happens here, before the one write.
async fn prepare(
    context: &Context<'_>,
    caller: &Caller,
    case: &RedeemCase,
) -> Result<(TokenAnswer, Redemption), Error> {
    let grant = &case.grant;
    let details = context.ports.details.told(&grant.details, case.standing);
    let wanted = Wanted {
        client: &case.client,
        binding: case.binding,
        scope: grant.scope.clone(),
        details: &details,
        resource: grant.resource.as_ref(),
        grant: Some(grant),
        until: grant.until,
    };
    let access = mint::access_token(context, &wanted).await?;
    let id_token = mint::id_token(context, caller, grant, grant.nonce.as_deref()).await?;
    let refresh: Option<Secret<Refresh>> = if case.client.grant_types.contains(&GrantType::RefreshToken) {
        Some(Secret::made_at(context.now, &context.ports.entropy.draw()?))
    } else {
        None
    };
    let change = Redemption {
        at: context.now,
        access: access.stored,
        refresh: refresh.as_ref().map(|token| (token.fingerprint(&context.settings.issuer), grant.until)),
    };
    let answer = TokenAnswer {
        access_token: access.token,
        token_type: case.binding.token_type(),
        expires_in: access.expires_in,
        scope: grant.scope.clone(),
        refresh_token: refresh.as_ref().map(|token| token.reveal().to_owned()),
        id_token,
        authorization_details: details.echo(),
        consent_text_sha256: details.shown.clone(),
    };
    Ok((answer, change))
}

async fn commit(context: &Context<'_>, code: &Fingerprintable, change: &Redemption) -> Result<(), Error> {
    match context.ports.store.redeem(&code.key(context), change).await? {
        Spend::Applied => Ok(()),
        Spend::SpentBefore(grant) => {
            if let Some(grant) = grant {
                context.ports.store.revoke(&grant, context.now).await?;
            }
            Err(Refusal { rule: rfc6749::CODE_UNSPENT.id, reason: GrantReason::SpentBefore.into() }.into())
        }
        Spend::Unknown => Err(unknown().into()),
    }
}

fn unknown() -> Refusal {
    Refusal { rule: KNOWN, reason: GrantReason::Unknown.into() }
}
