//! `Content-Digest` (RFC 9530 section 2): what the content of a message hashes to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{Algorithm, SHA256, SHA512, digest};
use sfv::{BareItem, ListEntry};

use super::component::CONTENT_DIGEST;
use super::{Field, dictionary};
use crate::refusal::Refusal;
use crate::refusal::reason::MessageReason;
use crate::rules::rfc9421;

/// The field value for this content, by SHA-256.
#[must_use]
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(digest(&SHA256, body)))
}

/// At least one digest of an algorithm we know, and every one of those is that of the content.
pub(super) fn judge(fields: &[Field<'_>], body: &[u8]) -> Result<(), Refusal> {
    let refused = Refusal { rule: rfc9421::DIGEST, reason: MessageReason::Digest.into() };
    let shown = dictionary(fields, CONTENT_DIGEST).map_err(|_| refused.clone())?;
    let mut known =
        shown.iter().filter_map(|(name, entry)| Some((algorithm(name.as_str())?, entry))).peekable();
    let any = known.peek().is_some();
    let equal = |(algorithm, entry): (&'static Algorithm, &ListEntry)| match entry {
        ListEntry::Item(item) => match &item.bare_item {
            BareItem::ByteSequence(bytes) => digest(algorithm, body).as_ref() == bytes.as_slice(),
            BareItem::Decimal(_)
            | BareItem::Integer(_)
            | BareItem::String(_)
            | BareItem::Boolean(_)
            | BareItem::Token(_)
            | BareItem::Date(_)
            | BareItem::DisplayString(_) => false,
        },
        ListEntry::InnerList(_) => false,
    };
    if any && known.all(equal) { Ok(()) } else { Err(refused) }
}

/// RFC 9530 section 5: the algorithms of the registry that are active.
fn algorithm(name: &str) -> Option<&'static Algorithm> {
    match name {
        "sha-256" => Some(&SHA256),
        "sha-512" => Some(&SHA512),
        _ => None,
    }
}
