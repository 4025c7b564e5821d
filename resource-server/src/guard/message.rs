//! Signed HTTP messages at the guard (FAPI 2.0 Message Signing section 5.6): what comes in is judged, what goes out is
//! signed, when the bank says so.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use oauth_core::jose::Alg;
use oauth_core::message::{Field, RequestMessage, ResponseMessage, accept_signature, prepare_response};
use oauth_core::{Client, Fault, Signer};

use super::{Arrived, Guard, GuardRefusal};

/// Which messages are signed, and with what.
#[derive(Clone)]
pub struct MessageSigning {
    /// Requests of clients.
    pub requests: SignedRequests,
    /// Our answers.
    pub responses: SignedResponses,
    /// Signs the answers.
    pub signer: Arc<dyn Signer>,
    /// The algorithm of the answers.
    pub alg: Alg,
    /// Where the keys of the answers are published, for the metadata of the resource (RFC 9728 section 2).
    pub jwks_uri: Option<String>,
}

impl std::fmt::Debug for MessageSigning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MessageSigning")
            .field("requests", &self.requests)
            .field("responses", &self.responses)
            .finish_non_exhaustive()
    }
}

/// Whether requests are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedRequests {
    /// A signature that is there must hold.
    WhenSigned,
    /// A request without a signature is refused.
    Required,
}

/// Whether answers are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedResponses {
    /// Answers to signed requests are.
    ToSignedRequests,
    /// All of them are.
    Always,
}

impl Guard {
    /// Whether every request has to be signed.
    pub(super) fn demands_signatures(&self) -> bool {
        self.signing.as_ref().is_some_and(|signing| signing.requests == SignedRequests::Required)
    }

    /// Judges the signature of a request whose content has been read, against the keys of the client. Does nothing when
    /// no signatures were asked for with [`Guard::with_message_signing`].
    ///
    /// # Errors
    /// [`GuardRefusal::Token`], answered 401, or a fault of a store.
    pub async fn judge_message(
        &self,
        arrived: &Arrived,
        client: &Client,
        body: &[u8],
    ) -> Result<(), GuardRefusal> {
        let Some(signing) = &self.signing else { return Ok(()) };
        if signing.requests == SignedRequests::WhenSigned && !is_signed(&arrived.headers) {
            return Ok(());
        }
        let (uri, fields) = (target_uri(arrived), fields(&arrived.headers));
        let request =
            RequestMessage { method: arrived.method.as_str(), target_uri: &uri, fields: &fields, body };
        let judged = self.verifier.verify_message(&request, client, arrived.now).await;
        judged.map(|_| ()).map_err(super::refused)
    }

    /// Signs an answer, tied to the request it answers, where [`Guard::with_message_signing`] asks for it. Call it
    /// last: what is added to the answer afterwards is not covered.
    ///
    /// # Errors
    /// When the signer fails. The answer must not go out unsigned then.
    pub async fn sign_answer(&self, arrived: &Arrived, answer: &mut Response<Bytes>) -> Result<(), Fault> {
        let Some(signing) = &self.signing else { return Ok(()) };
        if signing.responses == SignedResponses::ToSignedRequests && !is_signed(&arrived.headers) {
            return Ok(());
        }
        let key = signing.signer.active(signing.alg);
        let key = key.ok_or_else(|| Fault::new("signer", "no key for signed answers"))?;
        let (uri, asked) = (target_uri(arrived), fields(&arrived.headers));
        let request =
            RequestMessage { method: arrived.method.as_str(), target_uri: &uri, fields: &asked, body: b"" };
        let said = fields(answer.headers());
        let response =
            ResponseMessage { status: answer.status().as_u16(), fields: &said, body: answer.body() };
        let prepared = prepare_response(&response, &request, &key, arrived.now)
            .map_err(|refusal| Fault::new("signer", format!("{:?}", refusal.reason)))?;
        let signature = signing.signer.sign(&key, prepared.base()).await?;
        let made = prepared.seal(&signature);
        let digest = made.content_digest.map(|digest| ("content-digest", digest));
        let all = [("signature-input", made.signature_input), ("signature", made.signature)];
        for (name, value) in digest.into_iter().chain(all) {
            let value = HeaderValue::from_str(&value).map_err(|fault| Fault::new("signer", fault))?;
            answer.headers_mut().insert(name, value);
        }
        Ok(())
    }

    /// `Accept-Signature` for a refused signature: what the next one must cover.
    pub(super) fn accepted_signature(&self, arrived: &Arrived) -> Option<String> {
        self.signing.as_ref()?;
        let (uri, fields) = (target_uri(arrived), fields(&arrived.headers));
        let request =
            RequestMessage { method: arrived.method.as_str(), target_uri: &uri, fields: &fields, body: b"" };
        Some(accept_signature(&request))
    }
}

fn is_signed(headers: &HeaderMap) -> bool {
    headers.contains_key("signature") || headers.contains_key("signature-input")
}

fn target_uri(arrived: &Arrived) -> String {
    let query = arrived.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}{}{query}", arrived.origin, arrived.path)
}

fn fields(headers: &HeaderMap) -> Vec<Field<'_>> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}
