//! The authorization response (RFC 6749 section 4.1.2, RFC 9207, JARM): one place for codes and errors, so that what is
//! signed for the one is signed for the other.

use serde::Serialize;

use super::seal::{Seal, seal};
use crate::model::client::Client;
use crate::model::request::VettedRequest;
use crate::policy::AnswerBy;
use crate::refusal::{Error, Fault};
use crate::server::Context;
use crate::vocabulary::id::ClientId;
use crate::vocabulary::uri::Issuer;
use crate::wire::form_post;
use crate::wire::redirect;

/// How the browser goes back to the client.
#[derive(Clone, PartialEq, Eq)]
pub enum Return {
    /// By a redirect to this address: 303, never 307 (RFC 9700 section 4.12).
    Redirect(String),
    /// By a page that posts these fields (OAuth 2.0 Form Post Response Mode).
    Post(FormPost),
}

/// A form that the browser posts to the client.
#[derive(Clone, PartialEq, Eq)]
pub struct FormPost {
    /// The redirect URI.
    pub action: String,
    /// Names and values, as they are.
    pub fields: Vec<(&'static str, String)>,
}

// Both carry the code, which is not for a log.

impl std::fmt::Debug for Return {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Redirect(_) => f.write_str("Redirect(…)"),
            Self::Post(form) => f.debug_tuple("Post").field(form).finish(),
        }
    }
}

impl std::fmt::Debug for FormPost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FormPost").field("action", &self.action).finish_non_exhaustive()
    }
}

impl FormPost {
    /// The page: a form that submits itself, with a button where scripts do not run. Values are escaped.
    #[must_use]
    pub fn page(&self) -> String {
        form_post::page(&self.action, &self.fields)
    }

    /// The `Content-Security-Policy` of that page: its one script by its hash, and nothing else.
    #[must_use]
    pub fn content_security_policy() -> String {
        form_post::content_security_policy()
    }
}

/// What the customer's decision came to.
#[derive(Debug, Default)]
pub(crate) struct Decided<'a> {
    pub(crate) code: Option<&'a str>,
    pub(crate) error: Option<&'a str>,
    pub(crate) error_description: Option<&'a str>,
}

/// JARM section 2.1: the parameters of the response, who answers, to whom, until when.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a Issuer,
    aud: &'a ClientId,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
}

/// Makes the response, signed where the request asked for that. Called before the one write.
///
/// # Errors
/// A fault of the signer, or a refusal when the client cannot be sent what it registered for.
pub(crate) async fn respond(
    context: &Context<'_>,
    client: &Client,
    request: &VettedRequest,
    decided: &Decided<'_>,
) -> Result<Return, Error> {
    let parameters = if request.answer_by.is_signed() {
        vec![("response", signed(context, client, request, decided).await?)]
    } else {
        plain(request, decided)
    };
    match request.answer_by {
        AnswerBy::Query | AnswerBy::Jarm | AnswerBy::JarmQuery => {
            Ok(Return::Redirect(redirect::with_query(&request.redirect_uri, &parameters)))
        }
        AnswerBy::FormPost | AnswerBy::JarmFormPost => {
            let action = request.redirect_uri.as_str().to_owned();
            Ok(Return::Post(FormPost { action, fields: parameters }))
        }
        AnswerBy::Fragment => {
            Err(Fault::new("policy", "no response type of this build uses the fragment").into())
        }
    }
}

/// RFC 9207 section 2: `iss` stands in every response; RFC 6749 section 4.1.2: `state` exactly as sent, if sent.
fn plain(request: &VettedRequest, decided: &Decided<'_>) -> Vec<(&'static str, String)> {
    let parameters = [
        ("code", decided.code),
        ("error", decided.error),
        ("error_description", decided.error_description),
        ("state", request.state.as_deref()),
        ("iss", Some(request.issuer.as_str())),
    ];
    parameters.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))).collect()
}

/// JARM section 2.1. `iss` is inside, so none stands beside it (RFC 9207 section 2.4).
async fn signed(
    context: &Context<'_>,
    client: &Client,
    request: &VettedRequest,
    decided: &Decided<'_>,
) -> Result<String, Error> {
    let claims = Claims {
        iss: &request.issuer,
        aud: &request.client,
        exp: context.now.plus(context.settings.authorization_response_lifetime).seconds(),
        code: decided.code,
        error: decided.error,
        error_description: decided.error_description,
        state: request.state.as_deref(),
    };
    let protection = client.messages.authorization;
    let how = Seal { alg: protection.alg, typ: None, encryption: protection.encryption };
    seal(context, client, &how, &claims).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_the_code() {
        let post =
            FormPost { action: "https://tpp.example/cb".into(), fields: vec![("code", "hunter2".into())] };
        let redirect = Return::Redirect("https://tpp.example/cb?code=hunter2".into());
        assert!(!format!("{:?} {redirect:?}", Return::Post(post)).contains("hunter2"));
    }
}
