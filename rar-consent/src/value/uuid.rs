//! UUIDs as consent identifiers (RFC 9562).

use oauth_core::Timestamp;

/// Whether this is a version 4 UUID in upper or lower case, alone or behind three small letters and a hyphen.
pub(crate) fn is_consent_id(text: &str) -> bool {
    let bare = without_prefix(text).as_bytes();
    is_uuid(bare)
        && bare.get(14) == Some(&b'4')
        && bare
            .get(19)
            .is_some_and(|variant| matches!(variant.to_ascii_lowercase(), b'8' | b'9' | b'a' | b'b'))
}

/// The key by which an identifier is unique: the UUID in it, in lower case; the identifier itself when it holds none.
pub(crate) fn key(text: &str) -> String {
    let bare = without_prefix(text);
    if is_uuid(bare.as_bytes()) { bare.to_ascii_lowercase() } else { text.to_owned() }
}

/// A version 7 UUID of this instant over the first ten of these random bytes. What was made one after the other stands
/// side by side in every index, so that a database writes few pages for many consents.
pub(crate) fn made_at(now: Timestamp, bytes: &[u8; 32]) -> String {
    let [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, ..] = *bytes;
    let millis = u64::try_from(now.millis()).unwrap_or_default();
    let random = [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9];
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().to_string()
}

fn without_prefix(text: &str) -> &str {
    match text.as_bytes() {
        [a, b, c, b'-', ..] if [a, b, c].iter().all(|letter| letter.is_ascii_lowercase()) => {
            text.get(4..).unwrap_or_default()
        }
        _ => text,
    }
}

fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: &str = "69255d98-ab0e-4758-92a7-cacbf3073efa";

    #[test]
    fn a_consent_id_is_a_version_4_uuid_with_or_without_a_prefix() {
        let upper = BARE.to_ascii_uppercase();
        for good in [BARE, &format!("aac-{BARE}"), &upper, &format!("aac-{upper}")] {
            assert!(is_consent_id(good), "{good}");
            assert_eq!(key(good), BARE);
        }
        for bad in [
            "69255d98-ab0e-1758-92a7-cacbf3073efa",
            "69255d98-ab0e-4758-c2a7-cacbf3073efa",
            "AAC-69255d98-ab0e-4758-92a7-cacbf3073efa",
            "aa-69255d98-ab0e-4758-92a7-cacbf3073efa",
            "69255d98ab0e475892a7cacbf3073efa",
            "",
            "aac-",
            "69255d98-ab0e-4758-92a7-cacbf3073efa ",
            "{69255d98-ab0e-4758-92a7-cacbf3073efa}",
            "aac-aac-69255d98-ab0e-4758-92a7-cacbf3073efa",
        ] {
            assert!(!is_consent_id(bad), "{bad}");
        }
    }

    #[test]
    fn a_fresh_identifier_is_a_version_7_uuid_and_later_ones_come_later() {
        let at = |millis: i64, random: u8| made_at(Timestamp::from_millis(millis), &[random; 32]);
        assert_eq!(at(0x0123_4567_89ab, 0xff), "01234567-89ab-7fff-bfff-ffffffffffff");
        assert_eq!(at(0x0123_4567_89ab, 0), "01234567-89ab-7000-8000-000000000000");
        assert!(at(1_700_000_000_000, 0xff) < at(1_700_000_000_001, 0));
    }
}
