//! A request written by hand: what an honest client would send, with every byte in reach.

use bytes::Bytes;
use conformance::client::{Answer, Client};
use conformance::tpp::config::{Authentication, Constraint};
use conformance::tpp::flow::{Ask, Tpp};
use conformance::tpp::mutate::{HONEST, Jws, seal};
use conformance::tpp::proof::About;
use conformance::tpp::{assertion, proof};
use http::Request;

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Raw {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Fields of a form.
pub(crate) type Fields = Vec<(String, String)>;

impl Raw {
    /// A request without anything.
    pub(crate) fn bare(method: &'static str, url: &str) -> Self {
        Self { method, url: url.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// A POST of these fields, authenticated and proven as registered.
    pub(crate) fn honest(tpp: &Tpp, endpoint: &str, mut fields: Fields) -> Self {
        fields.extend(credential(tpp));
        let mut raw = Self::form(&tpp.endpoint(endpoint).unwrap(), &fields);
        if let Some(proof) = fresh_proof(tpp, &raw.url) {
            raw = raw.with("dpop", &proof);
        }
        raw
    }

    /// A pushed request of this ask.
    pub(crate) fn push(tpp: &Tpp, ask: &Ask) -> Self {
        Self::honest(tpp, "pushed_authorization_request_endpoint", ask.all(tpp.registered()).to_form())
    }

    /// A POST of a form without any credential.
    pub(crate) fn form(url: &str, fields: &[(String, String)]) -> Self {
        let body = serde_urlencoded::to_string(fields).unwrap().into_bytes();
        let media = ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned());
        Self { method: "POST", url: url.to_owned(), headers: vec![media], body }
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Another value for a header.
    #[must_use]
    pub(crate) fn instead(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(own, _)| own != name);
        self.with(name, value)
    }

    /// More text after the body.
    #[must_use]
    pub(crate) fn and(mut self, text: &str) -> Self {
        self.body.extend(text.as_bytes());
        self
    }

    pub(crate) async fn send(&self, http: &Client) -> Answer {
        self.try_send(http).await.unwrap()
    }

    pub(crate) async fn try_send(&self, http: &Client) -> Result<Answer, conformance::Trouble> {
        let mut request = Request::builder().method(self.method).uri(&self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        http.send(request.body(Bytes::from(self.body.clone())).unwrap()).await
    }
}

/// The fields that authenticate a client.
pub(crate) fn credential(tpp: &Tpp) -> Fields {
    let registered = tpp.registered();
    match registered.entry.token_endpoint_auth_method {
        Authentication::PrivateKeyJwt => vec![
            ("client_assertion_type".to_owned(), assertion::ASSERTION_TYPE.to_owned()),
            ("client_assertion".to_owned(), fresh_assertion(tpp)),
        ],
        Authentication::TlsClientAuth | Authentication::SelfSignedTlsClientAuth => {
            vec![("client_id".to_owned(), tpp.id().to_owned())]
        }
    }
}

/// An honest assertion.
pub(crate) fn fresh_assertion(tpp: &Tpp) -> String {
    let registered = tpp.registered();
    let draft = assertion::draft(tpp.id(), &registered.issuer, &registered.key);
    let [one] = seal(Jws::Assertion, draft, &registered.key, HONEST).unwrap().try_into().unwrap();
    one
}

/// An honest proof for a POST, where the client uses them.
pub(crate) fn fresh_proof(tpp: &Tpp, url: &str) -> Option<String> {
    if tpp.registered().entry.sender_constraint != Constraint::Dpop {
        return None;
    }
    Some(proof_about(tpp, &About { method: "POST", url, ..About::default() }))
}

/// An honest proof for any request.
pub(crate) fn proof_about(tpp: &Tpp, about: &About<'_>) -> String {
    let sealed = seal(Jws::Proof, proof::draft(tpp.proof_key(), about), tpp.proof_key(), HONEST);
    sealed.unwrap().remove(0)
}

/// Fields from pairs.
pub(crate) fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
