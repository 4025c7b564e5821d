//! The keys of a client, for every endpoint that verifies something of its or encrypts to it.

use crate::model::client::Client;
use crate::port::client_keys::{ClientKeys, HeldKeys, KeyHint, KeysFault};
use crate::refusal::reason::ClientReason;
use crate::refusal::{Error, Fault, Refusal, RuleId};
use crate::server::Context;
use crate::vocabulary::time::Timestamp;

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
    let absent = Refusal { rule: REACHABLE, reason: ClientReason::KeysUnavailable.into() };
    held(&*context.ports.client_keys, (client, hint), context.now, absent).await
}

/// The same for who is no endpoint of the server; `absent` is the refusal when the client's own key set cannot be had.
///
/// # Errors
/// As [`of`].
pub(crate) async fn held<'c>(
    port: &dyn ClientKeys,
    (client, hint): (&'c Client, KeyHint<'_>),
    now: Timestamp,
    absent: Refusal,
) -> Result<HeldKeys<'c>, Error> {
    match port.of(client, hint, now).await {
        Ok(keys) => Ok(keys),
        Err(KeysFault::Busy) => Err(Fault::new("client keys", KeysFault::Busy).into()),
        Err(KeysFault::Unavailable(why)) => {
            tracing::warn!(client = client.id.as_str(), why, "a client's key set cannot be had");
            Err(absent.into())
        }
    }
}
