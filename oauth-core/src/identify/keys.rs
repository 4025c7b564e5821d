//! The keys of a client, for every endpoint that verifies something of its or encrypts to it.

use crate::model::client::Client;
use crate::port::client_keys::{HeldKeys, KeyHint, KeysFault};
use crate::refusal::reason::ClientReason;
use crate::refusal::{Error, Fault, Refusal, RuleId};
use crate::server::Context;

/// RFC 7591 section 2, `jwks_uri`: the client's keys are there when they are needed.
const REACHABLE: RuleId = RuleId("RFC7591-2-jwks-uri");

/// The keys of a client, wherever it registered them.
///
/// # Errors
/// A refusal when the client's own key set cannot be had; a fault when this server is too busy to look.
pub(crate) async fn of<'c>(
    context: &Context<'_>,
    client: &'c Client,
    hint: KeyHint<'_>,
) -> Result<HeldKeys<'c>, Error> {
    match context.ports.client_keys.of(client, hint, context.now).await {
        Ok(keys) => Ok(keys),
        Err(KeysFault::Busy) => Err(Fault::new("client keys", KeysFault::Busy).into()),
        Err(KeysFault::Unavailable(why)) => {
            tracing::warn!(client = client.id.as_str(), why, "a client's key set cannot be had");
            Err(Refusal { rule: REACHABLE, reason: ClientReason::KeysUnavailable.into() }.into())
        }
    }
}
