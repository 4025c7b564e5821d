//! The authorization endpoint (RFC 6749 section 3.1): the browser arrives with a pushed request and is sent to the
//! bank's pages. Nothing is spent here, so a reload or a link preview costs nothing; consents are told that their page is open.

use crate::limits;
use crate::model::client::ClientStatus;
use crate::model::request::VettedRequest;
use crate::policy::Policy;
use crate::refusal::{Error, Refusal};
use crate::rules::{Rule, hold, rfc9126};
use crate::server::Context;
use crate::vocabulary::secret::{Browser, Fingerprint, RequestUri, Secret};
use crate::vocabulary::time::{Seconds, Timestamp};
use crate::wire::form::Form;

/// A browser at the authorization endpoint.
#[derive(Clone, Default)]
pub struct AuthorizeSubmitted {
    /// The query string, or the form body of a POST.
    pub query: Vec<u8>,
    /// The value of our browser cookie, when there is one.
    pub browser: Option<String>,
}

// What was sent holds credentials or what customers own; none of it is for a log.
impl std::fmt::Debug for AuthorizeSubmitted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorizeSubmitted").finish_non_exhaustive()
    }
}

/// What the rules of this endpoint judge.
pub(crate) struct AuthorizeCase {
    pub(crate) client_id: Option<String>,
    pub(crate) request_uri: Option<Fingerprint<RequestUri>>,
    pub(crate) request: Option<VettedRequest>,
    /// Whether the client that pushed it may still ask.
    pub(crate) client: Option<ClientStatus>,
    /// How long after the push a browser may arrive.
    pub(crate) lifetime: Seconds,
    pub(crate) now: Timestamp,
}

/// The specification of this endpoint.
pub(crate) const RULES: &[&Rule<AuthorizeCase>] =
    &[&rfc9126::PUSHED, &rfc9126::SAME_CLIENT, &rfc9126::CLIENT_ACTIVE, &rfc9126::ARRIVES_IN_TIME];

/// Where the browser goes, and the cookie that ties it to its ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interacting {
    /// The bank's first page.
    pub location: String,
    /// The new value of the browser cookie, when it had none of ours.
    pub browser: Option<String>,
}

pub(crate) async fn authorize(
    context: &Context<'_>,
    submitted: AuthorizeSubmitted,
) -> Result<Interacting, Error> {
    let form = read(&submitted)?;
    let case = gather(context, &form).await?;
    let (key, request) = decide(case, context.policy)?;
    answer(context, &submitted, &key, &request).await
}

fn read(submitted: &AuthorizeSubmitted) -> Result<Form, Refusal> {
    Form::read(&submitted.query, limits::QUERY_BYTES)
}

/// RFC 9126 section 4: `client_id` and `request_uri` are the whole request; other parameters are ignored.
async fn gather(context: &Context<'_>, form: &Form) -> Result<AuthorizeCase, Error> {
    let request_uri = form.get("request_uri").and_then(Secret::<RequestUri>::presented);
    let key = request_uri.map(|secret| secret.fingerprint(&context.settings.issuer));
    let request = match &key {
        Some(key) => context.ports.store.pushed(key, context.now).await?,
        None => None,
    };
    let client = match &request {
        Some(request) => context.ports.clients.client(&request.client).await?.map(|client| client.status),
        None => None,
    };
    let sent = form.get("request_uri").map(|_| key.unwrap_or(Fingerprint::from_bytes([0; 32])));
    Ok(AuthorizeCase {
        client_id: form.owned("client_id"),
        request_uri: sent,
        request,
        client,
        lifetime: context.settings.request_uri_lifetime,
        now: context.now,
    })
}

fn decide(case: AuthorizeCase, policy: &Policy) -> Result<(Fingerprint<RequestUri>, VettedRequest), Refusal> {
    hold(RULES, &case, policy)?;
    match (case.request_uri, case.request) {
        (Some(key), Some(request)) => Ok((key, request)),
        (None, _) | (_, None) => Err(Refusal {
            rule: rfc9126::SAME_CLIENT.id,
            reason: crate::refusal::reason::RequestReason::RequestUriUnknown.into(),
        }),
    }
}

async fn answer(
    context: &Context<'_>,
    submitted: &AuthorizeSubmitted,
    key: &Fingerprint<RequestUri>,
    request: &VettedRequest,
) -> Result<Interacting, Error> {
    let known = submitted.browser.as_deref().and_then(Secret::<Browser>::presented);
    let (browser, fresh) = match known {
        Some(browser) => (browser, None),
        None => {
            let browser = Secret::from_random(&context.ports.entropy.draw()?);
            let text = browser.reveal().to_owned();
            (browser, Some(text))
        }
    };
    context.ports.consents.opened(request, context.now).await?;
    let until = context.now.plus(context.settings.interaction_lifetime);
    let ticket = context.tickets.make(key, until, &browser);
    let location = context.ports.interaction.begin(&ticket, request).await?;
    Ok(Interacting { location, browser: fresh })
}
