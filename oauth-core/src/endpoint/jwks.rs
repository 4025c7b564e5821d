//! The key set (RFC 7517 section 5): public keys only, each with `kid`, `use` and `alg`.

use serde_json::{Value, json};

use crate::jose::PublicJwk;
use crate::port::Ports;
use crate::refusal::Error;
use crate::vocabulary::time::Timestamp;

pub(crate) async fn jwks(ports: &Ports, now: Timestamp) -> Result<Value, Error> {
    ports.signer.settle(now).await?;
    let (signing, sealing) = (ports.signer.published(), ports.decrypter.published());
    let keys: Vec<Value> = signing.iter().chain(sealing.iter()).map(PublicJwk::to_value).collect();
    Ok(json!({ "keys": keys }))
}
