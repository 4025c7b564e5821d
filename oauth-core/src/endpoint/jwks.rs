//! The key set (RFC 7517 section 5): public keys only, each with `kid`, `use` and `alg`.

use serde_json::{Value, json};

use crate::port::Ports;

pub(crate) fn jwks(ports: &Ports) -> Value {
    let keys = ports.signer.published().into_iter().chain(ports.decrypter.published());
    let keys: Vec<Value> = keys.map(|key| key.to_value()).collect();
    json!({ "keys": keys })
}
