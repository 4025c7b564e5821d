//! The key set (RFC 7517 section 5): public keys only, each with `kid`, `use` and `alg`.

use serde_json::{Value, json};

use crate::port::Ports;

pub(crate) fn jwks(ports: &Ports) -> Value {
    let keys: Vec<Value> = ports.signer.published().iter().map(crate::jose::PublicJwk::to_value).collect();
    json!({ "keys": keys })
}
