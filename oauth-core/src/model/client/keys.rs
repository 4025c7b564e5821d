//! The public keys of a registration: inline, or where to find them.

use super::ClientMetadata;
use crate::jose::JwkSet;
use crate::vocabulary::https_url::HttpsUrl;

/// Where a client's public keys are: in its registration or at an address of its own, never both (RFC 7591 section 2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegisteredKeys {
    /// `jwks`. Empty for a client that registered no keys.
    Inline(JwkSet),
    /// `jwks_uri`.
    At(HttpsUrl),
}

impl RegisteredKeys {
    /// Whether the client has registered neither a key nor where to find one.
    #[must_use]
    pub fn are_absent(&self) -> bool {
        matches!(self, Self::Inline(set) if set.keys().is_empty())
    }
}

impl From<JwkSet> for RegisteredKeys {
    fn from(set: JwkSet) -> Self {
        Self::Inline(set)
    }
}

/// RFC 7591 section 2: `jwks` and `jwks_uri` must not both be there.
pub(super) fn registered(
    metadata: &ClientMetadata,
    blame: &mut impl FnMut(&'static str, &str),
) -> RegisteredKeys {
    let none = || RegisteredKeys::Inline(JwkSet::default());
    match (&metadata.jwks, &metadata.jwks_uri) {
        (None, None) => none(),
        (Some(_), Some(_)) => {
            blame("jwks_uri", "register jwks or jwks_uri, not both");
            none()
        }
        (Some(value), None) => {
            let read = JwkSet::read(value.to_string().as_bytes());
            match read.and_then(|keys| keys.check_registration().map(|()| keys)) {
                Ok(keys) => RegisteredKeys::Inline(keys),
                Err(fault) => {
                    blame("jwks", &fault.to_string());
                    none()
                }
            }
        }
        (None, Some(text)) => match HttpsUrl::new(text) {
            Ok(uri) => RegisteredKeys::At(uri),
            Err(fault) => {
                blame("jwks_uri", &fault.to_string());
                none()
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Client, InvalidMetadata};
    use super::*;
    use crate::policy::profiles::FAPI2_SECURITY;

    fn register(keys: &Value) -> Result<Client, Vec<InvalidMetadata>> {
        let mut metadata = json!({
            "client_id": "tpp", "organisation": {"name": "T", "id": "t", "domain": "tpp.example"},
            "token_endpoint_auth_method": "private_key_jwt", "dpop_bound_access_tokens": true,
            "redirect_uris": ["https://tpp.example/cb"],
        });
        metadata.as_object_mut().unwrap().append(&mut keys.as_object().unwrap().clone());
        Client::register(serde_json::from_value(metadata).unwrap(), &FAPI2_SECURITY)
    }

    fn key() -> Value {
        let x = "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs";
        let y = "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA";
        json!({"keys": [{"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "k"}]})
    }

    #[test]
    fn keys_are_registered_inline_or_by_address_and_never_both() {
        assert!(matches!(register(&json!({"jwks": key()})).unwrap().keys, RegisteredKeys::Inline(_)));
        let at = register(&json!({"jwks_uri": "https://tpp.example/jwks"})).unwrap().keys;
        assert_eq!(at, RegisteredKeys::At(HttpsUrl::new("https://tpp.example/jwks").unwrap()));
        let blamed =
            |keys: Value| register(&keys).unwrap_err().iter().map(|one| one.member).collect::<Vec<_>>();
        assert_eq!(
            blamed(json!({"jwks": key(), "jwks_uri": "https://tpp.example/jwks"})),
            ["jwks_uri", "jwks"]
        );
        assert_eq!(blamed(json!({})), ["jwks"]);
    }

    #[test]
    fn an_address_of_keys_is_an_https_url_without_user_and_fragment() {
        for uri in [
            "http://tpp.example/jwks",
            "http://localhost/jwks",
            "https://me@tpp.example/jwks",
            "https://tpp.example/jwks#k",
            "https://2130706433/jwks",
            "javascript:alert(1)",
            "",
        ] {
            let wrong = register(&json!({ "jwks_uri": uri })).unwrap_err();
            assert!(wrong.iter().any(|one| one.member == "jwks_uri"), "{uri}");
        }
    }
}
