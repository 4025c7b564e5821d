//! Signed HTTP messages with the resource server (FAPI 2.0 Message Signing section 5.6, RFC 9421, RFC 9530): requests go
//! out signed, and nothing in an answer is used before its signature has been checked.

use std::sync::{Mutex, PoisonError};

use http::header::HeaderName;
use http::{HeaderMap, StatusCode};
use oauth_core::jose::JwkSet;
use oauth_core::message::{Field, RequestMessage, ResponseMessage, prepare_request, verify_response};
use oauth_core::{FAPI2_MESSAGE_SIGNING, MessageReason, Reason};
use serde::Deserialize;

use super::Tpp;
use super::config::{Config, Messages};
use super::discovery::{check_https, read_keys};
use super::error::{Refusal, Stop, quoted};
use super::http::{Ask, Channel, Http, Reply};

const SIGNATURE: HeaderName = HeaderName::from_static("signature");
const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
/// RFC 9728 section 3: this, and then the path of the resource.
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
/// The document's place in messages.
const PLACE: &str = "resource metadata";

/// The members of the document that this client uses (RFC 9728 section 2).
#[derive(Deserialize)]
struct ProtectedResource {
    #[serde(default)]
    resource: String,
    #[serde(default)]
    authorization_servers: Vec<String>,
    jwks_uri: Option<String>,
}

/// The keys that answers of the resource server are signed with, and where they are published.
pub(crate) struct ResourceKeys {
    jwks_uri: String,
    keys: Mutex<JwkSet>,
}

impl ResourceKeys {
    /// Asks the resource for its metadata and its keys, where messages are signed.
    pub(crate) async fn fetch(http: &Http, config: &Config) -> Result<Option<Self>, Stop> {
        if config.messages == Messages::Plain {
            return Ok(None);
        }
        let reply = http.send(Ask::get(metadata_url(&config.resource_id), Channel::Plain)).await?;
        let metadata: ProtectedResource = reply.json(PLACE, StatusCode::OK)?;
        let jwks_uri = metadata.check(config)?;
        let keys = Mutex::new(fetch_keys(http, &jwks_uri).await?);
        Ok(Some(Self { jwks_uri, keys }))
    }

    fn known(&self) -> JwkSet {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn learn(&self, http: &Http) -> Result<JwkSet, Stop> {
        let fresh = fetch_keys(http, &self.jwks_uri).await?;
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&fresh);
        Ok(fresh)
    }
}

impl ProtectedResource {
    /// RFC 9728 sections 3.3 and 7.6: the document is about this resource, which knows our issuer; section 2: its keys.
    fn check(self, config: &Config) -> Result<String, Refusal> {
        if self.resource != config.resource_id {
            let expected = format!("resource {}", quoted(&config.resource_id));
            return Err(Refusal::new("CL-21", PLACE, expected, quoted(&self.resource)));
        }
        if !self.authorization_servers.contains(&config.issuer) {
            let expected = format!("authorization_servers with {}", quoted(&config.issuer));
            let found = quoted(&self.authorization_servers.join(" "));
            return Err(Refusal::new("CL-21", PLACE, expected, found));
        }
        let jwks_uri = self.jwks_uri.ok_or_else(|| {
            Refusal::new("CL-21", PLACE, "jwks_uri, with the keys that answers are signed with", "none")
        })?;
        check_https("jwks_uri", &jwks_uri)?;
        Ok(jwks_uri)
    }
}

impl Tpp {
    /// The keys of signed answers, when this request is one that is signed: to the resource server, and not userinfo,
    /// which the authorization server answers.
    fn signed_with(&self, url: &str) -> Option<&ResourceKeys> {
        let below = url.strip_prefix(&self.config.resource)?;
        let is_ours = below.starts_with('/') && self.endpoints.userinfo.as_deref() != Some(url);
        self.resource_keys.as_ref().filter(|_| is_ours)
    }

    /// Section 5.6.1.1: the request with its signature, made last, over its token, its proof and its content.
    pub(super) fn sign_message(&self, ask: Ask) -> Result<Ask, Stop> {
        if self.signed_with(&ask.url).is_none() {
            return Ok(ask);
        }
        let fields = fields(&ask.headers);
        let prepared = prepare_request(&request(&ask, &fields), self.client_key.kid(), self.clock.now())
            .map_err(|refusal| Stop::local("signing the request", format!("{:?}", refusal.reason)))?;
        let signature = self.client_key.sign_bytes(prepared.base())?;
        let made = prepared.seal(&signature);
        drop(fields);
        self.narrator.say("request signed: method, address, token, proof and content");
        let ask = match &made.content_digest {
            Some(digest) => ask.with(CONTENT_DIGEST, digest),
            None => ask,
        };
        Ok(ask.with(SIGNATURE_INPUT, &made.signature_input).with(SIGNATURE, &made.signature))
    }

    /// CL-21, section 5.6.2.2: the answer is signed by the resource server, just now, and is the answer to this very
    /// request. A refusal without a signature may come from a layer in front; nothing of it is used.
    pub(super) async fn check_message(&self, ask: &Ask, reply: &Reply) -> Result<(), Stop> {
        let Some(known) = self.signed_with(&ask.url) else { return Ok(()) };
        let is_signed = [SIGNATURE, SIGNATURE_INPUT].iter().any(|name| reply.headers.contains_key(name));
        if !is_signed && !reply.status.is_success() {
            return Ok(());
        }
        let judged = match self.judge_message(ask, reply, &known.known()) {
            Err(Reason::Message(MessageReason::Key)) => {
                self.narrator.say("no key of the resource fits: its key set is fetched once more");
                self.judge_message(ask, reply, &known.learn(&self.http).await?)
            }
            judged => judged,
        };
        judged.map_err(|reason| {
            let found = format!("{reason:?}");
            Refusal::new("CL-21", "resource response", "a signature of the resource over this answer", found)
        })?;
        self.narrator.say("answer signed by the resource server, to this request");
        Ok(())
    }

    fn judge_message(&self, ask: &Ask, reply: &Reply, keys: &JwkSet) -> Result<(), Reason> {
        let (asked, said) = (fields(&ask.headers), fields(&reply.headers));
        let response = ResponseMessage { status: reply.status.as_u16(), fields: &said, body: &reply.body };
        let now = self.clock.now();
        let verified = verify_response(&response, &request(ask, &asked), keys, &FAPI2_MESSAGE_SIGNING, now);
        verified.map(|_| ()).map_err(|refusal| refusal.reason)
    }
}

async fn fetch_keys(http: &Http, jwks_uri: &str) -> Result<JwkSet, Stop> {
    let reply = http.send(Ask::get(jwks_uri, Channel::Plain)).await?;
    read_keys(&reply)
}

/// RFC 9728 section 3: the well-known path stands between host and path.
fn metadata_url(resource: &str) -> String {
    let host = resource.find("://").map_or(0, |at| at.saturating_add(3));
    let end = resource.get(host..).and_then(|rest| rest.find('/'));
    let end = end.map_or(resource.len(), |at| host.saturating_add(at));
    let (origin, path) = resource.split_at_checked(end).unwrap_or((resource, ""));
    format!("{origin}{WELL_KNOWN}{path}")
}

fn request<'a>(ask: &'a Ask, fields: &'a [Field<'a>]) -> RequestMessage<'a> {
    RequestMessage { method: ask.method.as_str(), target_uri: &ask.url, fields, body: &ask.body }
}

fn fields(headers: &HeaderMap) -> Vec<Field<'_>> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_9728_section_3_the_document_of_a_resource_with_a_path_is_found() {
        for (resource, url) in [
            ("https://rs.example", "https://rs.example/.well-known/oauth-protected-resource"),
            ("https://rs.example:8443", "https://rs.example:8443/.well-known/oauth-protected-resource"),
            ("https://rs.example/api/v1", "https://rs.example/.well-known/oauth-protected-resource/api/v1"),
        ] {
            assert_eq!(metadata_url(resource), url);
        }
    }
}
