//! What the person at the terminal sees: numbered steps, one line per HTTP exchange, a trace on demand, a result.

use std::fmt::Display;
use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use serde_json::Value;

use super::mask;

/// Where the result goes and in which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Narration and result as text on standard output.
    Text,
    /// One JSON object on standard output; the narration on standard error.
    Json,
    /// Nowhere: a server works in the background.
    Silent,
}

/// How much is told of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trace {
    /// One line.
    Line,
    /// Headers and bodies as well, secrets masked.
    Full,
}

/// What a command achieved.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    /// For `--json`.
    pub(crate) value: Value,
    /// For people.
    pub(crate) lines: Vec<String>,
}

/// Tells what happens. The only place that prints.
#[derive(Debug)]
pub(crate) struct Narrator {
    form: Form,
    trace: Trace,
    steps: AtomicU32,
    #[cfg(test)]
    heard: std::sync::Mutex<Vec<String>>,
}

/// One side of an HTTP exchange, for the trace.
pub(crate) struct Message<'a> {
    /// Request or status line.
    pub(crate) start: String,
    /// Header fields.
    pub(crate) headers: &'a HeaderMap,
    /// Body.
    pub(crate) body: &'a [u8],
}

impl Narrator {
    /// Begins at step 1.
    pub(crate) fn new(form: Form, trace: Trace) -> Self {
        Self {
            form,
            trace,
            steps: AtomicU32::new(0),
            #[cfg(test)]
            heard: std::sync::Mutex::default(),
        }
    }

    /// A new numbered step, with the document and section that defines it.
    pub(crate) fn step(&self, what: &str, section: &str) {
        let number = self.steps.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        self.tell(&format!("{number}. {what} ({section})"));
    }

    /// Something about the current step.
    pub(crate) fn say(&self, line: &str) {
        self.tell(&format!("   {line}"));
    }

    /// Something that arrived by itself: a line for people, or one JSON object on standard output.
    pub(crate) fn event(&self, value: &Value, line: &str) {
        match self.form {
            Form::Json => output(value),
            Form::Text | Form::Silent => self.say(line),
        }
    }

    /// One HTTP exchange in one line.
    pub(crate) fn exchange(&self, request: &str, status: http::StatusCode, millis: i64) {
        self.say(&format!("{request} -> {} ({millis} ms)", status.as_u16()));
    }

    /// One side of an exchange, when a trace is wanted.
    pub(crate) fn trace(&self, arrow: &str, message: &Message<'_>) {
        if self.trace == Trace::Line {
            return;
        }
        self.tell(&format!("     {arrow} {}", message.start));
        for (name, value) in message.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            self.tell(&format!("     {arrow} {name}: {}", mask::header(name.as_str(), &value)));
        }
        for line in body_lines(message) {
            self.tell(&format!("     {arrow} {line}"));
        }
    }

    /// The end of the run.
    pub(crate) fn result(&self, report: &Report) {
        match self.form {
            Form::Json => output(&report.value),
            Form::Silent => {}
            Form::Text => {
                for line in &report.lines {
                    output(line);
                }
            }
        }
    }

    #[cfg(not(test))]
    fn tell(&self, line: &str) {
        match self.form {
            Form::Text => output(&line),
            // as with the output
            Form::Json => drop(writeln!(std::io::stderr(), "{line}")),
            Form::Silent => {}
        }
    }

    #[cfg(test)]
    fn tell(&self, line: &str) {
        self.heard.lock().unwrap().push(line.to_owned());
    }

    #[cfg(test)]
    pub(in crate::tpp) fn heard(&self) -> String {
        self.heard.lock().unwrap().join("\n")
    }
}

fn body_lines(message: &Message<'_>) -> Vec<String> {
    let text = String::from_utf8_lossy(message.body);
    if text.is_empty() {
        return Vec::new();
    }
    let media = message.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.unwrap_or_default().split(';').next().unwrap_or_default().trim_ascii();
    match media {
        "application/x-www-form-urlencoded" => vec![mask::form(&text)],
        "application/jwt" => jwt_lines(&text),
        "text/html" => vec![format!("(a page of {} bytes)", message.body.len())],
        _ => match serde_json::from_str(&text) {
            Ok(value) => pretty(value),
            Err(_) => vec![format!("({} bytes)", message.body.len())],
        },
    }
}

/// Header and payload of a signed object, for reading only.
fn jwt_lines(text: &str) -> Vec<String> {
    let decoded =
        |part: &str| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok() };
    let mut parts = text.split('.');
    let shown = [parts.next(), parts.next()].into_iter().flatten().filter_map(decoded);
    shown.flat_map(pretty).chain(["(signature)".to_owned()]).collect()
}

fn pretty(mut value: Value) -> Vec<String> {
    mask::json(&mut value);
    let text = serde_json::to_string_pretty(&value).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// A line of the output. Where nobody reads it any more, the run goes on to its end all the same.
fn output(line: &impl Display) {
    drop(writeln!(std::io::stdout(), "{line}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(media: &'static str, body: &str, trace: Trace) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(media));
        headers.insert("authorization", http::HeaderValue::from_static("DPoP SECRET"));
        let narrator = Narrator::new(Form::Text, trace);
        narrator
            .trace(">", &Message { start: "POST /x".to_owned(), headers: &headers, body: body.as_bytes() });
        narrator.heard()
    }

    #[test]
    fn steps_are_numbered_and_name_their_document() {
        let narrator = Narrator::new(Form::Text, Trace::Line);
        narrator.step("Discovery", "RFC 8414 section 3");
        narrator.step("Pushed request", "RFC 9126 section 2");
        assert_eq!(
            narrator.heard(),
            "1. Discovery (RFC 8414 section 3)\n2. Pushed request (RFC 9126 section 2)"
        );
    }

    #[test]
    fn a_trace_shows_bodies_without_their_secrets() {
        let form = message("application/x-www-form-urlencoded", "grant_type=x&code=SECRET", Trace::Full);
        assert!(form.contains("grant_type=x") && !form.contains("SECRET"), "{form}");
        let json = message("application/json", r#"{"access_token":"SECRET","expires_in":300}"#, Trace::Full);
        assert!(json.contains("300") && !json.contains("SECRET"), "{json}");
        let jwt = message("application/jwt", "eyJhbGciOiJQUzI1NiJ9.eyJpc3MiOiJ0cHAifQ.SECRET", Trace::Full);
        assert!(jwt.contains("\"iss\": \"tpp\"") && !jwt.contains("SECRET"), "{jwt}");
        let page = message("text/html; charset=utf-8", "<input value=SECRET>", Trace::Full);
        assert!(!page.contains("SECRET"), "{page}");
    }

    #[test]
    fn without_trace_no_header_or_body_is_shown() {
        assert_eq!(message("application/json", r#"{"a":1}"#, Trace::Line), "");
    }
}
