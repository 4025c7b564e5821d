//! The bank's pages. The core says what to ask; the bank asks, and calls
//! [`resume`](crate::AuthorizationServer::resume) with the outcome.

use async_trait::async_trait;

use crate::model::request::VettedRequest;
use crate::refusal::Fault;
use crate::vocabulary::id::CorrelationId;

/// The bank's pages.
#[async_trait]
pub trait Interaction: Send + Sync {
    /// Where the browser goes next: the address of the bank's first page for this ticket. Called when a browser
    /// arrives at the authorization endpoint; may be called several times for one request.
    async fn begin(&self, ticket: &str, request: &VettedRequest) -> Result<String, Fault>;

    /// The name of the cookie in which the bank's pages keep the language that was chosen on one of them, where they do.
    fn language_cookie(&self) -> Option<&str> {
        None
    }

    /// The page shown when a request ends in the browser and may not be sent back to the client.
    fn error_page(&self, page: &ErrorPage) -> String {
        format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Request refused</title></head>\
             <body><main><h1>Request refused</h1><p id=\"error\">{}</p><p>Reference: {}</p></main></body></html>",
            page.description, page.correlation
        )
    }
}

/// What an error page says, in plain text from fixed tables, and in which language it is to be said. Nothing else of the
/// request is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorPage {
    /// HTTP status.
    pub status: u16,
    /// What went wrong and what to do.
    pub description: String,
    /// The identifier of this request in our log.
    pub correlation: CorrelationId,
    /// What the cookie holds that [`Interaction::language_cookie`] names; as sent, for choosing words and nothing else.
    pub chosen_language: Option<String>,
    /// `Accept-Language` (RFC 9110 section 12.5.4), as sent, for choosing words and nothing else; empty where it is missing.
    pub accept_language: String,
}

/// What the bank's pages found out.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The customer approved.
    Approved(crate::model::grant::Approval),
    /// Nobody approved.
    Denied(Denial),
}

/// Why nobody approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// The customer refused, or the bank did.
    Refused,
    /// `prompt=none`, and nobody is signed in (OpenID Connect Core section 3.1.2.6).
    LoginRequired,
    /// `prompt=none`, and something has to be approved (OpenID Connect Core section 3.1.2.6).
    ConsentRequired,
    /// Nobody decided while the ticket was good. Taken for five minutes from then on.
    TimedOut,
}
