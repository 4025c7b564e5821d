//! Identifiers. Each kind is its own type, so that a grant can never be looked up with a client's name.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::limits;

/// An identifier that is empty, too long, or holds characters its standard does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed {0}")]
pub struct IllFormed(
    /// What was being read.
    pub &'static str,
);

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $max:expr, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads the text form.
            ///
            /// # Errors
            /// When it is empty, too long, or holds a character that this kind of identifier does not allow.
            pub fn new(text: &str) -> Result<Self, IllFormed> {
                let allowed: fn(u8) -> bool = $allowed;
                if text.is_empty() || text.len() > $max || !text.bytes().all(allowed) {
                    return Err(IllFormed(stringify!($name)));
                }
                Ok(Self(Arc::from(text)))
            }

            /// The text form.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IllFormed;
            fn try_from(text: String) -> Result<Self, IllFormed> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), &*self.0)
            }
        }
    };
}

/// `VSCHAR` of RFC 6749 appendix A: printable ASCII and the space.
fn vschar(byte: u8) -> bool {
    (0x20..=0x7e).contains(&byte)
}

/// Printable ASCII without the space, the quotation mark and the backslash: safe in a log line and in a header.
fn token_char(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

identifier! {
    /// Who the client is (RFC 6749 section 2.2).
    ClientId, limits::CLIENT_ID_BYTES, vschar
}
identifier! {
    /// Who the end-user is, as this issuer names them (OpenID Connect Core section 2: at most 255 ASCII characters).
    Subject, 255, token_char
}
identifier! {
    /// One act of approval: what the user gave, to whom, bound to which key.
    GrantId, 128, token_char
}
identifier! {
    /// A consent, chosen by the TPP or by us, in the spelling it was created with.
    ConsentId, 128, token_char
}
identifier! {
    /// `kid` of a key (RFC 7517 section 4.5).
    KeyId, limits::KID_BYTES, vschar
}
identifier! {
    /// `type` of one element of `authorization_details` (RFC 9396 section 2).
    DetailType, limits::DETAIL_TYPE_BYTES, token_char
}
identifier! {
    /// The identifier that ties a request, its log lines and its answer together (`x-fapi-interaction-id`).
    CorrelationId, 64, token_char
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_refuses_what_its_standard_does_not_allow() {
        assert!(ClientId::new("tpp-1").is_ok());
        for bad in ["", "caf\u{e9}", "new\nline", &"x".repeat(limits::CLIENT_ID_BYTES + 1)] {
            assert_eq!(ClientId::new(bad), Err(IllFormed("ClientId")), "{bad:?}");
        }
        assert!(Subject::new("two words").is_err());
    }
}
