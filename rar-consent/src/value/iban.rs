//! International bank account numbers (ISO 13616), with the check of ISO 7064 mod 97-10.

/// Whether this is an IBAN in its electronic form: capitals and digits only, and the check digits fit.
pub(crate) fn is_iban(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shape = (15..=34).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && bytes.iter().take(2).all(u8::is_ascii_uppercase)
        && bytes.iter().skip(2).take(2).all(u8::is_ascii_digit);
    shape && remainder(bytes) == 1
}

/// Whether this is an IBAN of the United Arab Emirates: `AE` and 21 digits.
pub(crate) fn is_uae_iban(text: &str) -> bool {
    is_iban(text)
        && text.len() == 23
        && text.strip_prefix("AE").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
}

fn remainder(bytes: &[u8]) -> u32 {
    let rotated = bytes.iter().skip(4).chain(bytes.iter().take(4));
    rotated.fold(0, |sum, byte| {
        let value = match byte {
            b'0'..=b'9' => u32::from(byte - b'0'),
            letter => u32::from(letter.wrapping_sub(b'A')) + 10,
        };
        let shift = if value < 10 { 10 } else { 100 };
        (sum * shift + value) % 97
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_case_spaces_and_look_alikes_count() {
        assert!(is_uae_iban("AE760330000010195511162"));
        assert!(is_uae_iban("AE050260001015432198765"));
        assert!(is_iban("DE02100100109307118603"));
        assert!(!is_uae_iban("DE02100100109307118603"));
        for bad in [
            "AE760330000010195511161",
            "AE760330000010195511126",
            "ae760330000010195511162",
            "AE76 0330 0000 1019 5511 162",
            "AE76033000001019551116",
            "\u{410}E760330000010195511162",
            "AE760330000010195511162\u{202e}",
            "",
            "AE76033000001019551116O",
        ] {
            assert!(!is_uae_iban(bad), "{bad:?}");
        }
    }
}
