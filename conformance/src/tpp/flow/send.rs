//! How requests leave: authenticated, with a proof, and once more when the server asks for a nonce.

use std::sync::PoisonError;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Request};

use super::{Call, Tpp};
use crate::client::{Answer, form_request, origin};
use crate::host;
use crate::tpp::assertion;
use crate::tpp::config::{Authentication, Constraint};
use crate::tpp::jws::Members;
use crate::tpp::mutate::{Jws, Mistake, Part, apply, seal};
use crate::tpp::proof::{self, About};
use crate::{Doing as _, Trouble};

impl Tpp {
    /// Any call of the bank's API, with the token and, where it is bound to one, a proof (RFC 9449 section 7).
    ///
    /// # Errors
    /// When no answer arrives. A refusal is an answer.
    pub async fn call(&self, call: &Call<'_>, mistakes: &[Mistake]) -> Result<Answer, Trouble> {
        let scheme = match self.registered.entry.sender_constraint {
            Constraint::Dpop => "DPoP",
            Constraint::Mtls => "Bearer",
        };
        self.until_nonce(call.url, || {
            let mut request = Request::builder()
                .method(call.method)
                .uri(call.url)
                .header(AUTHORIZATION, format!("{scheme} {}", call.token))
                .body(call.body.clone())
                .doing("write a call")?;
            for (name, value) in &call.headers {
                request.headers_mut().append(HeaderName::from_static(name), header(value)?);
            }
            self.finish(&mut request, call.url, Some(call.token), mistakes)?;
            Ok(request)
        })
        .await
    }

    pub(super) async fn post(
        &self,
        url: &str,
        form: Members,
        part: Part,
        mistakes: &[Mistake],
    ) -> Result<Answer, Trouble> {
        self.until_nonce(url, || {
            let mut form = form.clone();
            self.authenticate(&mut form, mistakes)?;
            apply(part, &mut form, mistakes);
            let mut request = form_request(url, &form.to_form())?;
            self.finish(&mut request, url, None, mistakes)?;
            Ok(request)
        })
        .await
    }

    fn authenticate(&self, form: &mut Members, mistakes: &[Mistake]) -> Result<(), Trouble> {
        match self.registered.entry.token_endpoint_auth_method {
            Authentication::TlsClientAuth | Authentication::SelfSignedTlsClientAuth => {
                form.set("client_id", self.id())
            }
            Authentication::PrivateKeyJwt => {
                let key = &self.registered.key;
                let draft = assertion::draft(self.id(), &self.registered.issuer, key);
                form.set("client_assertion_type", assertion::ASSERTION_TYPE);
                for sealed in seal(Jws::Assertion, draft, key, mistakes)? {
                    form.add("client_assertion", sealed);
                }
            }
        }
        Ok(())
    }

    /// Adds what every request carries: a correlation id, and a proof where tokens are bound to one.
    fn finish(
        &self,
        request: &mut Request<Bytes>,
        url: &str,
        access_token: Option<&str>,
        mistakes: &[Mistake],
    ) -> Result<(), Trouble> {
        let method = request.method().as_str().to_owned();
        let headers = request.headers_mut();
        if !headers.contains_key("x-fapi-interaction-id") {
            headers.insert("x-fapi-interaction-id", header(&host::uuid())?);
        }
        if access_token.is_some() && !headers.contains_key(CONTENT_TYPE) && method != "GET" {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if self.registered.entry.sender_constraint == Constraint::Dpop {
            let nonce = self.nonces.lock().unwrap_or_else(PoisonError::into_inner).get(&origin(url)).cloned();
            let about = About { method: &method, url, access_token, nonce: nonce.as_deref() };
            for sealed in seal(Jws::Proof, proof::draft(&self.proof_key, &about), &self.proof_key, mistakes)?
            {
                headers.append("dpop", header(&sealed)?);
            }
        }
        Ok(())
    }

    /// Sends a request, and once more with the nonce when the server asks for one (RFC 9449 sections 8 and 9).
    async fn until_nonce(
        &self,
        url: &str,
        request: impl Fn() -> Result<Request<Bytes>, Trouble>,
    ) -> Result<Answer, Trouble> {
        let first = self.registered.http.send(request()?).await?;
        self.remember(url, &first);
        if !wants_nonce(&first) {
            return Ok(first);
        }
        let second = self.registered.http.send(request()?).await?;
        self.remember(url, &second);
        Ok(second)
    }

    fn remember(&self, url: &str, answer: &Answer) {
        if let Some(nonce) = answer.header("dpop-nonce") {
            let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
            nonces.insert(origin(url), nonce.to_owned());
        }
    }
}

fn wants_nonce(answer: &Answer) -> bool {
    matches!(answer.status.as_u16(), 400 | 401)
        && (answer.error().as_deref() == Some("use_dpop_nonce")
            || answer.all("www-authenticate").iter().any(|challenge| challenge.contains("use_dpop_nonce")))
}

fn header(value: &str) -> Result<HeaderValue, Trouble> {
    HeaderValue::from_str(value).doing("write a header")
}
