//! Sets of public keys (RFC 7517 section 5).

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Value, json};

use super::{Alg, JwkFault, KeyManagement, PublicJwk};
use crate::limits;
use crate::wire::json;

/// Public keys of one party.
///
/// A key that we do not know or that is malformed is left out, and the others stay usable: section 5 asks for this
/// where the type is unknown, and a party that publishes one broken key must not be locked out of the good ones. A
/// key left out never verifies anything; [`JwkSet::check_registration`] reports it where someone can act on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JwkSet {
    keys: Vec<PublicJwk>,
    left_out: Vec<JwkFault>,
}

#[derive(Deserialize)]
struct RawSet {
    keys: Vec<Value>,
}

impl JwkSet {
    /// A set of these keys.
    #[must_use]
    pub const fn new(keys: Vec<PublicJwk>) -> Self {
        Self { keys, left_out: Vec::new() }
    }

    /// Reads a set.
    ///
    /// # Errors
    /// When it is not strict JSON with an array `keys`, or holds more than [`limits::KEYS_PER_SET`].
    pub fn read(bytes: &[u8]) -> Result<Self, JwkFault> {
        Self::from_raw(json::read_strict(bytes)?)
    }

    /// The usable keys, in the order of the document.
    #[must_use]
    pub fn keys(&self) -> &[PublicJwk] {
        &self.keys
    }

    /// The keys that may have made a signature: those of this `kid`, or all where the header names none, whose type,
    /// `alg` and `use` fit the algorithm.
    pub fn candidates(&self, kid: Option<&str>, alg: Alg) -> impl Iterator<Item = &PublicJwk> {
        self.keys.iter().filter(move |key| {
            let is_named = kid.is_none_or(|kid| key.kid().is_some_and(|own| own.as_str() == kid));
            is_named && key.fits(alg)
        })
    }

    /// The key to encrypt to with this algorithm: the first that is meant for it.
    #[must_use]
    pub fn encryption_key(&self, alg: KeyManagement) -> Option<&PublicJwk> {
        self.keys.iter().find(|key| key.fits_encryption(alg))
    }

    /// What is asked of a set when its owner registers it: a usable key, none malformed, symmetric or private, and a
    /// `kid` of its own for each (OpenID Connect Core section 10.1). Keys of unknown type are no fault.
    ///
    /// # Errors
    /// The first fault found.
    pub fn check_registration(&self) -> Result<(), JwkFault> {
        if let Some(fault) = self.left_out.iter().find(|fault| **fault != JwkFault::Unsupported) {
            return Err(fault.clone());
        }
        if self.keys.is_empty() {
            return Err(JwkFault::Empty);
        }
        self.check_ids()
    }

    /// What is asked of a set each time its owner publishes it: a usable key, none that should have stayed secret, and a
    /// `kid` of its own for each. A key that is weak or malformed is left out; nobody is there to be told.
    ///
    /// # Errors
    /// The first fault found.
    pub fn check_published(&self) -> Result<(), JwkFault> {
        let is_disclosed = |fault: &&JwkFault| matches!(fault, JwkFault::Private | JwkFault::Symmetric);
        if let Some(fault) = self.left_out.iter().find(is_disclosed) {
            return Err(fault.clone());
        }
        if self.keys.is_empty() {
            return Err(JwkFault::Empty);
        }
        self.check_ids()
    }

    /// Whether every key has a `kid` and no two have the same.
    ///
    /// # Errors
    /// [`JwkFault::Ids`] otherwise.
    pub fn check_ids(&self) -> Result<(), JwkFault> {
        let is_unique = |index: usize, key: &PublicJwk| {
            key.kid().is_some() && self.keys.iter().skip(index + 1).all(|other| other.kid() != key.kid())
        };
        let fine = self.keys.iter().enumerate().all(|(index, key)| is_unique(index, key));
        if fine { Ok(()) } else { Err(JwkFault::Ids) }
    }

    /// The set as published.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({ "keys": self.keys.iter().map(PublicJwk::to_value).collect::<Vec<_>>() })
    }

    fn from_raw(raw: RawSet) -> Result<Self, JwkFault> {
        if raw.keys.len() > limits::KEYS_PER_SET {
            return Err(JwkFault::TooMany);
        }
        let mut set = Self::default();
        for tree in raw.keys {
            match PublicJwk::from_tree(tree) {
                Ok(key) => set.keys.push(key),
                Err(fault) => set.left_out.push(fault),
            }
        }
        Ok(set)
    }
}

impl Serialize for JwkSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for JwkSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RawSet::deserialize(deserializer).and_then(|raw| Self::from_raw(raw).map_err(de::Error::custom))
    }
}

#[cfg(test)]
mod tests;
