//! The closed list of signature algorithms. There is no `none` and no HMAC in it, so neither can be asked for.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A signature algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alg {
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519. Written `EdDSA`; RFC 9864's name `Ed25519` is read as well.
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256, for plain OpenID Connect only.
    Rs256,
}

impl Alg {
    /// Reads the registered name, in its one spelling.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "PS256" => Some(Self::Ps256),
            "ES256" => Some(Self::Es256),
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            "RS256" => Some(Self::Rs256),
            _ => None,
        }
    }

    /// The registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        }
    }
}

impl fmt::Display for Alg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Alg {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Alg {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name)
            .ok_or_else(|| de::Error::unknown_variant("", &["PS256", "ES256", "EdDSA", "RS256"]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_names_of_the_list_are_algorithms() {
        for alg in [Alg::Ps256, Alg::Es256, Alg::EdDsa, Alg::Rs256] {
            assert_eq!(Alg::parse(alg.as_str()), Some(alg));
        }
        assert_eq!(Alg::parse("Ed25519"), Some(Alg::EdDsa));
        for bad in [
            "", "none", "None", "NONE", "nOnE", "HS256", "HS384", "HS512", "es256", "ES256 ", "ES384",
            "ES512", "ES256K", "PS384", "RS384", "RSA1_5", "Ed448", "eddsa", "ES256\0",
        ] {
            assert_eq!(Alg::parse(bad), None, "{bad:?}");
        }
    }
}
