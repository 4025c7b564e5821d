//! Token revocation (RFC 7009). A refresh token, or an access token with a customer behind it, ends its whole grant;
//! a client's own token ends alone. An unknown token, or one of another client, is answered like a revoked one.

use super::Submitted;
use crate::identify::{self, Caller};
use crate::limits;
use crate::refusal::reason::RequestReason;
use crate::refusal::{Error, Refusal, RuleId};
use crate::server::Context;
use crate::verify::access_token::resolve;
use crate::vocabulary::id::GrantId;
use crate::vocabulary::secret::{Refresh, Secret};
use crate::vocabulary::time::Timestamp;
use crate::wire::form::Form;

/// RFC 7009 section 2.1: `token` is required.
const TOKEN_PRESENT: RuleId = RuleId("RFC7009-2.1");

/// What a revocation ends.
enum Ending {
    Grant(GrantId),
    Token { jti: String, until: Timestamp },
    Nothing,
}

pub(crate) async fn revoke(context: &Context<'_>, submitted: Submitted) -> Result<(), Error> {
    let form = Form::read(&submitted.body, limits::FORM_BODY_BYTES)?;
    let caller = identify::identify(context, &form, &submitted.presented).await?;
    let token = form
        .get("token")
        .ok_or(Refusal { rule: TOKEN_PRESENT, reason: RequestReason::TokenMissing.into() })?;
    match gather(context, token, &caller).await? {
        Ending::Grant(grant) => context.ports.store.revoke(&grant, context.now).await?,
        Ending::Token { jti, until } => context.ports.store.revoke_token(&jti, until).await?,
        Ending::Nothing => {}
    }
    Ok(())
}

/// RFC 7009 section 2.1: only the client a token was issued to may end it.
async fn gather(context: &Context<'_>, token: &str, caller: &Caller) -> Result<Ending, Error> {
    if let Some(refresh) = Secret::<Refresh>::presented(token) {
        let key = refresh.fingerprint(&context.settings.issuer);
        let record = context.ports.store.grant_by_refresh(&key).await?;
        let own = record.filter(|record| record.grant.client == caller.client.id);
        return Ok(own.map_or(Ending::Nothing, |record| Ending::Grant(record.grant.id)));
    }
    let Some(found) = resolve(context, token).await? else { return Ok(Ending::Nothing) };
    if found.claims.client_id != caller.client.id {
        return Ok(Ending::Nothing);
    }
    Ok(match found.claims.grant_id {
        Some(grant) => Ending::Grant(grant),
        None => Ending::Token { jti: found.claims.jti, until: Timestamp::from_seconds(found.claims.exp) },
    })
}
