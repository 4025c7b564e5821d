//! The closed lists of encryption algorithms (RFC 7518 sections 4.1 and 5.1). No password, no shared key, no CBC.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::KeyType;

/// How the content key reaches its reader (RFC 7518 section 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyManagement {
    /// RSAES OAEP with SHA-256.
    RsaOaep256,
    /// RSAES OAEP with SHA-1, opened with the keys of [`RsaOaep256`](Self::RsaOaep256) and only by those who name it in
    /// [`Jwe::parse_among`](super::Jwe::parse_among). Nobody registers it and we never encrypt with it.
    RsaOaep,
    /// Ephemeral-static Diffie-Hellman on P-256, the agreed key used directly.
    EcdhEs,
}

/// How the content is encrypted (RFC 7518 section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContentEncryption {
    /// AES in Galois counter mode with a key of 256 bits.
    A256Gcm,
}

/// Both, as a client registers them and a header names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Encryption {
    /// `alg`
    pub alg: KeyManagement,
    /// `enc`
    pub enc: ContentEncryption,
}

impl KeyManagement {
    /// Every algorithm on offer: those that clients register, and that we encrypt with.
    pub const ALL: &'static [Self] = &[Self::RsaOaep256, Self::EcdhEs];

    /// The algorithm under which we publish the key for it.
    #[must_use]
    pub const fn published(self) -> Self {
        match self {
            Self::RsaOaep256 | Self::RsaOaep => Self::RsaOaep256,
            Self::EcdhEs => Self::EcdhEs,
        }
    }

    /// Reads the registered name, in its one spelling.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|alg| alg.as_str() == name)
    }

    /// The registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RsaOaep256 => "RSA-OAEP-256",
            Self::RsaOaep => "RSA-OAEP",
            Self::EcdhEs => "ECDH-ES",
        }
    }

    /// The type of key it needs.
    #[must_use]
    pub const fn key_type(self) -> KeyType {
        match self {
            Self::RsaOaep256 | Self::RsaOaep => KeyType::Rsa,
            Self::EcdhEs => KeyType::P256,
        }
    }
}

impl ContentEncryption {
    /// Every algorithm on offer.
    pub const ALL: &'static [Self] = &[Self::A256Gcm];

    /// Reads the registered name, in its one spelling.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|enc| enc.as_str() == name)
    }

    /// The registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A256Gcm => "A256GCM",
        }
    }
}

impl Encryption {
    /// Whether this build can encrypt and decrypt at all (feature `jwe`).
    pub const BUILT: bool = cfg!(feature = "jwe");
}

macro_rules! by_name {
    ($($name:ident),+) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = String::deserialize(deserializer)?;
                Self::parse(&name).ok_or_else(|| de::Error::custom("an algorithm that is not on offer"))
            }
        }
    )+};
}

by_name!(KeyManagement, ContentEncryption);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_names_of_the_lists_are_algorithms() {
        for bad in [
            "",
            "RSA1_5",
            "RSA-OAEP",
            "rsa-oaep-256",
            "dir",
            "A256KW",
            "PBES2-HS256+A128KW",
            "ECDH-ES+A256KW",
        ] {
            assert_eq!(KeyManagement::parse(bad), None, "{bad:?}");
        }
        for bad in ["", "A128CBC-HS256", "A256CBC-HS512", "A128GCM", "a256gcm", "A256GCM "] {
            assert_eq!(ContentEncryption::parse(bad), None, "{bad:?}");
        }
        assert_eq!(KeyManagement::parse("ECDH-ES"), Some(KeyManagement::EcdhEs));
        assert_eq!(ContentEncryption::parse("A256GCM"), Some(ContentEncryption::A256Gcm));
    }
}
