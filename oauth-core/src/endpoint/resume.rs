//! The customer has decided: the pushed request is spent, its grant opens, and the browser goes back to the client
//! (RFC 6749 section 4.1.2, RFC 9207).

use std::sync::Arc;

use super::response::{Decided, Return, respond};
use super::{CHANGES_MAX, contended};
use crate::model::client::Client;
use crate::model::grant::{Approval, Grant, ShownText, Stage};
use crate::model::messages::TimeoutError;
use crate::model::request::VettedRequest;
use crate::port::consents::Overtaken;
use crate::port::interaction::{Denial, Outcome};
use crate::port::store::{Opening, Spend, Together};
use crate::port::users::UserStanding;
use crate::refusal::code::{At, ErrorCode};
use crate::refusal::reason::{ApprovalReason, Reason, RequestReason};
use crate::refusal::{Error, Refusal, RuleId};
use crate::server::Context;
use crate::vocabulary::id::GrantId;
use crate::vocabulary::secret::{Code, Fingerprint, RequestUri, Secret};

/// The bank's pages report an outcome.
#[derive(Clone)]
pub struct ResumeSubmitted {
    /// The ticket the pages were opened with.
    pub ticket: String,
    /// The value of the browser cookie.
    pub browser: Option<String>,
    /// What the customer decided.
    pub outcome: Outcome,
}

// What was sent holds credentials or what customers own; none of it is for a log.
impl std::fmt::Debug for ResumeSubmitted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResumeSubmitted").finish_non_exhaustive()
    }
}

/// A request that waits for the customer: what the pages show.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Who asks, from the registry.
    pub client: Arc<Client>,
    /// What is asked, as vetted and stored.
    pub request: VettedRequest,
}

/// RFC 9700 section 2.1: what is granted is within what was asked.
const WITHIN: RuleId = RuleId("RFC9396-7-within");
/// RFC 9126 section 7.3: a pushed request is decided once.
const ONCE: RuleId = RuleId("RFC9126-7.3");
/// RFC 9126 section 4: the request is still there.
const THERE: RuleId = RuleId("RFC9126-4-there");

/// What the pages show for a ticket. Spends nothing.
pub(crate) async fn waiting(
    context: &Context<'_>,
    ticket: &str,
    browser: Option<&str>,
) -> Result<Waiting, Error> {
    let key = context.tickets.open(ticket, browser, context.now)?;
    let request = pushed(context, &key).await?;
    let client = context.active_client(&request.client).await?;
    let client = client.ok_or_else(|| refuse(THERE, RequestReason::RequestUriUnknown))?;
    Ok(Waiting { client, request })
}

/// Where the browser goes: back to the client, with a code or an error.
pub(crate) async fn resume(context: &Context<'_>, submitted: ResumeSubmitted) -> Result<Return, Error> {
    let (ticket, browser) = (submitted.ticket.as_str(), submitted.browser.as_deref());
    let key = match submitted.outcome {
        Outcome::Denied(Denial::TimedOut) => context.tickets.late(ticket, browser, context.now)?,
        Outcome::Approved(_) | Outcome::Denied(_) => context.tickets.open(ticket, browser, context.now)?,
    };
    let request = pushed(context, &key).await?;
    let client = context.active_client(&request.client).await?;
    let client = client.ok_or_else(|| refuse(THERE, RequestReason::RequestUriUnknown))?;
    let refused = match submitted.outcome {
        Outcome::Approved(approval) => match hindrance(context, &request, &approval).await? {
            None => return approve(context, &client, &key, &request, &approval).await,
            Some(reason) => reason,
        },
        Outcome::Denied(Denial::Refused) => ApprovalReason::Denied,
        Outcome::Denied(Denial::LoginRequired) => ApprovalReason::LoginRequired,
        Outcome::Denied(Denial::ConsentRequired) => ApprovalReason::ConsentRequired,
        Outcome::Denied(Denial::TimedOut) => ApprovalReason::TimedOut,
    };
    deny(context, &client, &key, &request, refused).await
}

/// Why an approval opens nothing: the bank has locked the customer, or it is not the customer, or not the sign-in, that the
/// request demands (OpenID Connect Core section 5.5.1).
async fn hindrance(
    context: &Context<'_>,
    request: &VettedRequest,
    approval: &Approval,
) -> Result<Option<ApprovalReason>, Error> {
    if context.ports.users.standing(&approval.subject).await? == UserStanding::Locked {
        return Ok(Some(ApprovalReason::Denied));
    }
    let meets = |demanded: &[String], is: &str| demanded.is_empty() || demanded.iter().any(|one| one == is);
    if !meets(&request.claims.sub, approval.subject.as_str()) {
        return Ok(Some(ApprovalReason::LoginRequired));
    }
    let acr = meets(&request.claims.acr, &approval.authentication.acr);
    Ok((!acr).then_some(ApprovalReason::AuthenticationUnmet))
}

async fn pushed(context: &Context<'_>, key: &Fingerprint<RequestUri>) -> Result<VettedRequest, Error> {
    let request = context.ports.store.pushed(key, context.now).await?;
    Ok(request.ok_or_else(|| refuse(ONCE, ApprovalReason::DecidedBefore))?)
}

async fn approve(
    context: &Context<'_>,
    client: &Client,
    key: &Fingerprint<RequestUri>,
    request: &VettedRequest,
    approval: &Approval,
) -> Result<Return, Error> {
    let code: Secret<Code> = Secret::made_at(context.now, &context.ports.entropy.draw()?);
    let id = grant_id(context)?;
    let grant = decide(context, request, approval, id)?;
    let back =
        respond(context, client, request, &Decided { code: Some(code.reveal()), ..Decided::default() })
            .await?;
    let opening = Opening { code: code.fingerprint(&context.settings.issuer), grant };
    applied(open(context, key, &opening, approval).await?)?;
    Ok(back)
}

/// The request is spent, the grant opened and its consent authorised, in one write.
async fn open(
    context: &Context<'_>,
    key: &Fingerprint<RequestUri>,
    opening: &Opening,
    approval: &Approval,
) -> Result<Spend, Error> {
    let (consents, store, now) = (&context.ports.consents, &context.ports.store, context.now);
    for _ in 0..CHANGES_MAX {
        let Some(change) = consents.authorisation(&opening.grant, approval, now).await? else {
            return Ok(store.open(key, opening, now).await?);
        };
        match (store.open_with(key, opening, now, &*change.companion).await?, change.overtaken) {
            (Together::Decided(spend), _) => return Ok(spend),
            (Together::Overtaken, Overtaken::Again) => {}
            (Together::Overtaken, Overtaken::Refused(refusal)) => return Err(refusal.into()),
        }
    }
    Err(contended().into())
}

fn applied(spend: Spend) -> Result<(), Refusal> {
    match spend {
        Spend::Applied => Ok(()),
        Spend::SpentBefore(_) | Spend::Unknown => Err(refuse(ONCE, ApprovalReason::DecidedBefore)),
    }
}

/// Pure: what the approval opens, or that it goes beyond what was asked.
fn decide(
    context: &Context<'_>,
    request: &VettedRequest,
    approval: &Approval,
    id: GrantId,
) -> Result<Grant, Refusal> {
    if !approval.scope.is_within(&request.scope) {
        return Err(refuse(WITHIN, ApprovalReason::Widened));
    }
    let now = context.now;
    // what a customer approves until a day is good until that day
    let until = request.details.until.unwrap_or_else(|| now.plus(context.settings.refresh_token_lifetime));
    Ok(Grant {
        id,
        issuer: request.issuer.clone(),
        client: request.client.clone(),
        subject: approval.subject.clone(),
        scope: approval.scope.clone(),
        details: request.details.for_grant(approval.shown.as_ref().map(ShownText::sha256)),
        resource: request.resource.clone(),
        redirect_uri: request.redirect_uri.clone(),
        code_challenge: request.code_challenge,
        dpop_jkt: request.dpop_jkt,
        nonce: request.nonce.clone(),
        claims: request.claims.clone(),
        authentication: approval.authentication.clone(),
        opened_at: now,
        code_until: now.plus(context.settings.code_lifetime),
        until,
        stage: Stage::Opened,
    })
}

async fn deny(
    context: &Context<'_>,
    client: &Client,
    key: &Fingerprint<RequestUri>,
    request: &VettedRequest,
    reason: ApprovalReason,
) -> Result<Return, Error> {
    let wire = Reason::from(reason).wire(At::Browser);
    let timed_out = reason == ApprovalReason::TimedOut;
    let code = match client.messages.timeout {
        TimeoutError::LoginTimeout if timed_out => ErrorCode::LoginTimeout,
        TimeoutError::LoginTimeout | TimeoutError::AccessDenied => wire.code,
    };
    let decided = Decided {
        error: Some(code.as_str()),
        error_description: Some(&wire.description),
        ..Decided::default()
    };
    let back = respond(context, client, request, &decided).await?;
    let spent = match timed_out {
        // nobody has said no: the consent behind it stays as it is
        true => context.ports.store.close(key, context.now).await?,
        false => close(context, key, request).await?,
    };
    applied(spent)?;
    Ok(back)
}

/// The request is spent and its consent rejected, in one write.
async fn close(
    context: &Context<'_>,
    key: &Fingerprint<RequestUri>,
    request: &VettedRequest,
) -> Result<Spend, Error> {
    let (consents, store, now) = (&context.ports.consents, &context.ports.store, context.now);
    for _ in 0..CHANGES_MAX {
        let Some(change) = consents.rejection(request, None, now).await? else {
            return Ok(store.close(key, now).await?);
        };
        match (store.close_with(key, now, &*change.companion).await?, change.overtaken) {
            (Together::Decided(spend), _) => return Ok(spend),
            (Together::Overtaken, Overtaken::Again) => {}
            (Together::Overtaken, Overtaken::Refused(refusal)) => return Err(refusal.into()),
        }
    }
    Err(contended().into())
}

fn grant_id(context: &Context<'_>) -> Result<GrantId, Error> {
    let text = crate::server::identifier_at("gr_", context.now, &*context.ports.entropy.draw()?);
    Ok(GrantId::new(&text).map_err(|fault| crate::refusal::Fault::new("entropy", fault))?)
}

fn refuse(rule: RuleId, reason: impl Into<Reason>) -> Refusal {
    Refusal { rule, reason: reason.into() }
}
