//! How rows hang together. Pure.

use std::fmt;

use oauth_core::Timestamp;
use ring::digest::{SHA256, digest as hash_of};

use super::AuditRow;

/// SHA-256 as the trail writes it: 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// What stands before the first row.
    pub const BEGINNING: Self = Self([0; 32]);

    /// Reads 64 digits, small letters.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 64 {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(bytes.chunks_exact(2)) {
            let [high, low] = pair else { return None };
            *byte = (digit(*high)? << 4) | digit(*low)?;
        }
        Some(Self(hash))
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
        let digits = self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
        f.write_str(&digits.collect::<String>())
    }
}

/// Where a row stands: its position, counted from one without a gap, and its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Its position.
    pub position: u64,
    /// Its hash.
    pub hash: ChainHash,
}

impl Link {
    /// Before the first row.
    pub const BEGINNING: Self = Self { position: 0, hash: ChainHash::BEGINNING };

    /// The link of the row that comes next.
    #[must_use]
    pub fn next(&self, row: &AuditRow) -> Self {
        let position = self.position.saturating_add(1);
        Self { position, hash: link(self.hash, position, row) }
    }
}

/// The hash of a row at a position, after the row of another hash: SHA-256 over
///
/// - `mandate audit link 1`, a line feed, the hash before in hexadecimal, a line feed, the position in decimal, a line feed,
/// - and the canonical bytes of the row: `mandate audit row 1`, a line feed, then each field in the order of [`AuditRow`]. A
///   field that is there is its length in bytes in decimal, a colon, its UTF-8, a comma; one that is not is `-,`. The time
///   is milliseconds since 1970 in decimal, written as any other field.
///
/// Lengths stand before what they measure, so that no two rows have the same bytes.
#[must_use]
pub fn link(before: ChainHash, position: u64, row: &AuditRow) -> ChainHash {
    let mut bytes = format!("mandate audit link 1\n{before}\n{position}\n").into_bytes();
    canonical(row, &mut bytes);
    digest(&bytes)
}

/// SHA-256.
#[must_use]
pub fn digest(bytes: &[u8]) -> ChainHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(hash_of(&SHA256, bytes).as_ref());
    ChainHash(hash)
}

fn canonical(row: &AuditRow, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(b"mandate audit row 1\n");
    let at = millis(row.at);
    let fields = [
        Some(at.as_str()),
        Some(&row.kind),
        Some(&row.subject),
        row.issuer.as_deref(),
        row.consent.as_deref(),
        row.client.as_deref(),
        row.customer.as_deref(),
        Some(&row.role),
        row.actor.as_deref(),
        Some(&row.channel),
        Some(&row.what),
        row.from.as_deref(),
        row.to.as_deref(),
        row.reason.as_deref(),
        row.correlation.as_deref(),
        row.digest.as_deref(),
    ];
    for field in fields {
        match field {
            Some(text) => {
                bytes.extend_from_slice(format!("{}:", text.len()).as_bytes());
                bytes.extend_from_slice(text.as_bytes());
                bytes.push(b',');
            }
            None => bytes.extend_from_slice(b"-,"),
        }
    }
}

fn millis(at: Timestamp) -> String {
    at.millis().to_string()
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::AuditKind;

    fn row() -> AuditRow {
        AuditRow {
            at: Timestamp::from_millis(1_795_248_000_000),
            kind: AuditKind::Consent.as_str().to_owned(),
            subject: "c-1".to_owned(),
            issuer: None,
            consent: Some("c-1".to_owned()),
            client: Some("tpp".to_owned()),
            customer: None,
            role: "tpp".to_owned(),
            actor: Some("tpp".to_owned()),
            channel: "api".to_owned(),
            what: "status".to_owned(),
            from: None,
            to: Some("AwaitingAuthorization".to_owned()),
            reason: None,
            correlation: None,
            digest: None,
        }
    }

    #[test]
    fn the_canonical_bytes_of_a_row_are_those_that_are_documented() {
        let mut bytes = Vec::new();
        canonical(&row(), &mut bytes);
        let expected = "mandate audit row 1\n13:1795248000000,7:consent,3:c-1,-,3:c-1,3:tpp,-,3:tpp,3:tpp,3:api,\
                        6:status,-,21:AwaitingAuthorization,-,-,-,";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }

    #[test]
    fn a_hash_depends_on_the_row_its_position_and_the_hash_before() {
        let first = Link::BEGINNING.next(&row());
        let moved = AuditRow { client: None, customer: Some("tpp".to_owned()), ..row() };
        let others = [
            link(ChainHash::BEGINNING, 2, &row()),
            link(first.hash, 1, &row()),
            link(ChainHash::BEGINNING, 1, &moved),
        ];
        assert!(others.iter().all(|other| *other != first.hash));
        assert_eq!(ChainHash::read(&first.hash.to_string()), Some(first.hash));
        assert_eq!(ChainHash::read(&first.hash.to_string().to_uppercase()), None);
    }
}
