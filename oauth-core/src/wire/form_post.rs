//! The authorization response as a page that posts itself (OAuth 2.0 Form Post Response Mode section 2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;

/// The one script of the page. Where it does not run, the button does the same.
const SCRIPT: &str = "document.forms[0].submit()";

/// The page. Address and values are escaped, so that none can leave its attribute.
#[must_use]
pub(crate) fn page(action: &str, fields: &[(&'static str, String)]) -> String {
    let mut inputs = String::new();
    for (name, value) in fields {
        inputs.push_str("<input type=\"hidden\" name=\"");
        escape(name, &mut inputs);
        inputs.push_str("\" value=\"");
        escape(value, &mut inputs);
        inputs.push_str("\">");
    }
    let mut address = String::new();
    escape(action, &mut address);
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Back to the app</title></head>\
         <body><noscript><h1>One more step</h1><p>Your answer is ready. Press the button to take it back to the app you \
         came from.</p></noscript><form method=\"post\" action=\"{address}\">{inputs}<button type=\"submit\">Continue</button></form>\
         <script>{SCRIPT}</script></body></html>"
    )
}

/// What the page may do: run its one script. Where the form goes is fixed by the page itself; `form-action` would also
/// stop redirects of the client's own.
#[must_use]
pub(crate) fn content_security_policy() -> String {
    let hash = STANDARD.encode(digest::digest(&digest::SHA256, SCRIPT.as_bytes()));
    format!("default-src 'none'; script-src 'sha256-{hash}'; base-uri 'none'; frame-ancestors 'none'")
}

fn escape(text: &str, into: &mut String) {
    for char in text.chars() {
        match char {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            '\'' => into.push_str("&#39;"),
            other => into.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_attribute() {
        let state = "\"><script>alert('x')</script>&".to_owned();
        let page = page("https://tpp.example/cb?a=\"b", &[("state", state)]);
        assert_eq!(page.matches("<script>").count(), 1, "{page}");
        assert!(
            page.contains("value=\"&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;\""),
            "{page}"
        );
        assert!(page.contains("action=\"https://tpp.example/cb?a=&quot;b\""), "{page}");
    }

    #[test]
    fn only_the_page_s_own_script_may_run() {
        let hash = STANDARD.encode(digest::digest(&digest::SHA256, b"document.forms[0].submit()"));
        assert!(content_security_policy().contains(&format!("script-src 'sha256-{hash}';")));
    }
}
