//! The authorization response as a URI (RFC 6749 section 4.1.2, RFC 9207 section 2).

use url::form_urlencoded;

use crate::vocabulary::uri::RedirectUri;

/// Appends parameters to a registered redirect URI; a registered query is kept as it is (RFC 6749 section 3.1.2).
#[must_use]
pub(crate) fn with_query(uri: &RedirectUri, parameters: &[(&str, String)]) -> String {
    let mut location = uri.as_str().to_owned();
    location.push(if location.contains('?') { '&' } else { '?' });
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        query.append_pair(name, value);
    }
    location.push_str(&query.finish());
    location
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registered_query_is_kept_and_values_cannot_break_out() {
        let uri = RedirectUri::new("https://tpp.example/cb?tenant=a%20b").unwrap();
        let location = with_query(
            &uri,
            &[("code", "c".to_owned()), ("state", "x&code=evil\r\nSet-Cookie: a=b".to_owned())],
        );
        assert_eq!(
            location,
            "https://tpp.example/cb?tenant=a%20b&code=c&state=x%26code%3Devil%0D%0ASet-Cookie%3A+a%3Db"
        );
    }
}
