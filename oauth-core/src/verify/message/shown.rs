//! The signature that a message shows, and whose it is (RFC 9421 section 3.2).

use ring::digest::SHA256;
use sfv::{BareItem, InnerList, Item, ListEntry};

use super::component::{self, SIGNATURE, SIGNATURE_INPUT};
use super::{Field, VerifiedMessage, dictionary, malformed};
use crate::jose::{Alg, JwkSet, PublicJwk};
use crate::limits;
use crate::policy::Policy;
use crate::refusal::reason::MessageReason;
use crate::refusal::{Refusal, RuleId};
use crate::rules::fapi2_message_signing::SignatureCase;
use crate::rules::rfc9421;
use crate::vocabulary::time::Timestamp;

/// The one signature of a message that carries the tag of the profile.
pub(super) struct Shown {
    pub(super) covered: InnerList,
    pub(super) signature: Vec<u8>,
}

impl Shown {
    pub(super) fn read(fields: &[Field<'_>], tag: &str) -> Result<Self, Refusal> {
        let refused = |reason: MessageReason| Refusal { rule: rfc9421::ONE, reason: reason.into() };
        let inputs = dictionary(fields, SIGNATURE_INPUT)?;
        let mut tagged = inputs.into_iter().filter_map(|(label, entry)| match entry {
            ListEntry::InnerList(list) if parameter(&list, "tag") == Some(tag) => Some((label, list)),
            ListEntry::InnerList(_) | ListEntry::Item(_) => None,
        });
        let (label, covered) = match (tagged.next(), tagged.next()) {
            (Some(one), None) => one,
            (None, _) => return Err(refused(MessageReason::Missing)),
            (Some(_), Some(_)) => return Err(refused(MessageReason::Repeated)),
        };
        if covered.items.len() > limits::SIGNATURE_COMPONENTS {
            return Err(malformed(rfc9421::COMPONENTS));
        }
        match dictionary(fields, SIGNATURE)?.swap_remove(&label) {
            Some(ListEntry::Item(Item { bare_item: BareItem::ByteSequence(signature), .. })) => {
                Ok(Self { covered, signature })
            }
            Some(ListEntry::Item(_) | ListEntry::InnerList(_)) | None => {
                Err(refused(MessageReason::Malformed))
            }
        }
    }

    pub(super) fn case(&self, needed: Vec<&'static str>, now: Timestamp) -> Result<SignatureCase, Refusal> {
        let instant = |name: &str| match self.covered.params.get(name) {
            None => Ok(None),
            Some(BareItem::Integer(seconds)) => Ok(Some(Timestamp::from_seconds(i64::from(*seconds)))),
            Some(_) => Err(malformed(rfc9421::PARAMETERS)),
        };
        Ok(SignatureCase {
            covered: self.covered.items.iter().map(component::identifier).collect(),
            needed,
            created: instant("created")?,
            expires: instant("expires")?,
            now,
        })
    }

    /// RFC 9421 section 3.2 with section 3.3.7: the key says the algorithm.
    pub(super) fn verified(
        &self,
        base: &str,
        keys: &JwkSet,
        policy: &Policy,
    ) -> Result<VerifiedMessage, Refusal> {
        let refused = |rule: RuleId, reason: MessageReason| Refusal { rule, reason: reason.into() };
        let keyid = match self.covered.params.get("keyid") {
            None => None,
            Some(BareItem::String(id)) => Some(id.as_str()),
            Some(_) => return Err(malformed(rfc9421::PARAMETERS)),
        };
        let mut reason = refused(rfc9421::KEY, MessageReason::Key);
        for alg in policy.signing_algs {
            for key in keys.candidates(keyid, *alg) {
                if !named(&self.covered, *alg) {
                    reason = refused(rfc9421::ALGORITHM, MessageReason::Algorithm);
                } else if key.verify(*alg, base.as_bytes(), &self.signature).is_ok() {
                    return self.by(key);
                } else {
                    reason = refused(rfc9421::VERIFIES, MessageReason::Signature);
                }
            }
        }
        Err(reason)
    }

    fn by(&self, key: &PublicJwk) -> Result<VerifiedMessage, Refusal> {
        let Some(BareItem::Integer(created)) = self.covered.params.get("created") else {
            return Err(malformed(rfc9421::PARAMETERS));
        };
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(ring::digest::digest(&SHA256, &self.signature).as_ref());
        Ok(VerifiedMessage {
            key: key.kid().cloned(),
            created: Timestamp::from_seconds(i64::from(*created)),
            fingerprint,
        })
    }
}

/// RFC 9421 section 3.3: an `alg` parameter, when there is one, names the algorithm that is used.
fn named(covered: &InnerList, alg: Alg) -> bool {
    match parameter(covered, "alg") {
        None => !covered.params.contains_key("alg"),
        Some("ecdsa-p256-sha256") => alg == Alg::Es256,
        Some("ed25519") => alg == Alg::EdDsa,
        Some(_) => false,
    }
}

pub(super) fn parameter<'a>(list: &'a InnerList, name: &str) -> Option<&'a str> {
    list.params.get(name).and_then(BareItem::as_string).map(sfv::StringRef::as_str)
}
