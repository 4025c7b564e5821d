//! What a trace may show: names in full, secrets replaced.

use serde_json::Value;

/// Form parameters and JSON members whose values let someone act for the client or the customer.
const SECRET: [&str; 14] = [
    "access_token",
    "client_assertion",
    "code",
    "code_verifier",
    "cookie",
    "csrf",
    "id_token",
    "nonce",
    "otp",
    "password",
    "refresh_token",
    "request_uri",
    "state",
    "ticket",
];
/// Header fields of the same kind.
const SECRET_HEADERS: [&str; 5] = ["authorization", "dpop", "cookie", "set-cookie", "dpop-nonce"];

/// A header value for the trace.
pub(crate) fn header(name: &str, value: &str) -> String {
    match name {
        "location" => location(value),
        "authorization" => match value.split_once(' ') {
            Some((scheme, rest)) => format!("{scheme} {}", stars(rest)),
            None => stars(value),
        },
        _ if SECRET_HEADERS.contains(&name) => stars(value),
        _ => value.to_owned(),
    }
}

/// A URL for the trace: its query masked like a form.
pub(crate) fn location(value: &str) -> String {
    match value.split_once('?') {
        Some((before, query)) => format!("{before}?{}", form(query)),
        None => value.to_owned(),
    }
}

/// A form body or query for the trace.
pub(crate) fn form(body: &str) -> String {
    let pairs = url::form_urlencoded::parse(body.as_bytes()).map(|(name, value)| {
        let shown = if SECRET.contains(&name.as_ref()) { stars(&value) } else { value.into_owned() };
        format!("{name}={shown}")
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// A JSON value for the trace.
pub(crate) fn json(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    // In JSON `code` is the code of an error; authorization codes travel in queries and forms.
                    Value::String(text) if name != "code" && SECRET.contains(&name.as_str()) => {
                        *text = stars(text);
                    }
                    Value::String(_)
                    | Value::Null
                    | Value::Bool(_)
                    | Value::Number(_)
                    | Value::Array(_)
                    | Value::Object(_) => json(member),
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(json),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn stars(secret: &str) -> String {
    format!("***({} characters)", secret.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_forms_headers_urls_and_json_are_replaced() {
        let shown = [
            form("grant_type=authorization_code&code=SECRET1&code_verifier=SECRET2&client_assertion=SECRET3"),
            form("username=mariam&password=SECRET4"),
            header("authorization", "DPoP SECRET5"),
            header("dpop", "SECRET6"),
            header("set-cookie", "a=SECRET7"),
            header("location", "http://127.0.0.1/cb?code=SECRET8&iss=https%3A%2F%2Fa"),
            {
                let mut value =
                    serde_json::json!({"access_token": "SECRET9", "a": [{"refresh_token": "SECRET10"}]});
                json(&mut value);
                value.to_string()
            },
        ]
        .join("\n");
        assert!(!shown.contains("SECRET"), "{shown}");
        for kept in ["grant_type=authorization_code", "username=mariam", "DPoP ***", "iss=https://a"] {
            assert!(shown.contains(kept), "{kept}: {shown}");
        }
    }
}
