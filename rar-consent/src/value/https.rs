//! Addresses that are named and never opened here.

/// Host and port of an `https` URL in printable ASCII, without user and fragment.
pub(crate) fn host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://")?;
    // every byte is looked at, so that many are at a time
    let clean = rest.bytes().fold(true, |clean, byte| {
        clean & byte.is_ascii_graphic() & !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'#')
    });
    let authority = rest.split(['/', '?']).next()?;
    (clean && !authority.is_empty() && !authority.contains('@')).then_some(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_https_url_without_user_and_fragment_has_a_host() {
        assert_eq!(host("https://tpp.example:8443/a?b=c"), Some("tpp.example:8443"));
        for bad in [
            "http://a",
            "HTTPS://a",
            "https://",
            "https:///a",
            "https://u@a",
            "https://a#f",
            "https://a b",
            "https://\u{e9}",
            "",
            &format!("https://a/{}#", "b".repeat(100)),
            &format!("https://a/{} {}", "b".repeat(50), "c".repeat(50)),
        ] {
            assert_eq!(host(bad), None, "{bad}");
        }
    }
}
