//! The requests of one client, from discovery to the bank's API.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use serde_json::{Value, json};
use url::Url;

pub use crate::tpp::ask::{Ask, Carried};

use crate::client::{Answer, Client};
use crate::tpp::config::Registered;
use crate::tpp::jws::Members;
use crate::tpp::keys::{Alg, Key};
use crate::tpp::mutate::{HONEST, Jws, Mistake, Part, seal};
use crate::tpp::request_object;
use crate::tpp::verify::ServerKeys;
use crate::user::{Decision, Place, Returned, User, Visit};
use crate::{Doing as _, Trouble};

mod send;

/// A client that has discovered the bank.
#[derive(Debug, Clone)]
pub struct Tpp {
    registered: Registered,
    proof_key: Key,
    metadata: Value,
    nonces: Arc<Mutex<BTreeMap<String, String>>>,
}

/// What a code or a refresh token was exchanged for.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Access token.
    pub access: String,
    /// Refresh token, where one was issued.
    pub refresh: Option<String>,
    /// The whole answer.
    pub body: Value,
}

/// One call of the bank's API.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// Method.
    pub method: &'a str,
    /// Address.
    pub url: &'a str,
    /// Access token.
    pub token: &'a str,
    /// Headers beside those of the token; `x-fapi-interaction-id` is added when absent.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: Bytes,
}

impl Tpp {
    /// Reads `tpp.toml` and discovers the bank.
    ///
    /// # Errors
    /// When a file or the metadata cannot be read, or the metadata names another issuer (RFC 8414 section 3.3).
    pub async fn load(file: &Path, client: Option<&str>) -> Result<Self, Trouble> {
        Self::discover(Registered::load(file, client)?).await
    }

    /// Discovers the bank for a client that is already read.
    ///
    /// # Errors
    /// When the metadata cannot be read or names another issuer (RFC 8414 section 3.3).
    pub async fn discover(registered: Registered) -> Result<Self, Trouble> {
        let mut answer = registered.http.get(&metadata_url(&registered.issuer)?).await?;
        if !answer.status.is_success() {
            // OpenID Connect Discovery section 4.1: there the well-known part stands at the end
            let issuer = registered.issuer.trim_end_matches('/');
            answer = registered.http.get(&format!("{issuer}/.well-known/openid-configuration")).await?;
        }
        let metadata = answer.json()?;
        if metadata.get("issuer").and_then(Value::as_str) != Some(&registered.issuer) {
            return Err(Trouble::new(format!("the metadata of {} names another issuer", registered.issuer)));
        }
        let proof_key = Key::generate(Alg::Es256, "proof")?;
        Ok(Self { registered, proof_key, metadata, nonces: Arc::default() })
    }

    /// The same client with another `DPoP` key and no nonces.
    #[must_use]
    pub fn with_proof_key(&self, key: Key) -> Self {
        Self { proof_key: key, nonces: Arc::default(), ..self.clone() }
    }

    /// The same client sending through another connection: without its certificate, or with another.
    #[must_use]
    pub fn over(&self, http: Client) -> Self {
        let registered = Registered { http, ..self.registered.clone() };
        Self { registered, ..self.clone() }
    }

    /// Another client of the same bank, with what is known of the bank already.
    #[must_use]
    pub fn registered_as(&self, registered: Registered) -> Self {
        Self { registered, nonces: Arc::default(), ..self.clone() }
    }

    /// `client_id`.
    pub fn id(&self) -> &str {
        &self.registered.id
    }

    /// What the client was registered with.
    pub fn registered(&self) -> &Registered {
        &self.registered
    }

    /// The server's metadata.
    pub fn metadata(&self) -> &Value {
        &self.metadata
    }

    /// Its `DPoP` key.
    pub fn proof_key(&self) -> &Key {
        &self.proof_key
    }

    /// An endpoint from the metadata; its alias where the client shows a certificate (RFC 8705 section 5).
    ///
    /// # Errors
    /// When the metadata lacks it.
    pub fn endpoint(&self, name: &str) -> Result<String, Trouble> {
        let alias = self.metadata.get("mtls_endpoint_aliases").and_then(|aliases| aliases.get(name));
        let alias = alias.filter(|_| self.registered.entry.needs_certificate());
        let found = alias.or_else(|| self.metadata.get(name)).and_then(Value::as_str);
        found.map(str::to_owned).doing(format!("find {name} in the metadata"))
    }

    /// The keys with which the server signs.
    ///
    /// # Errors
    /// When they cannot be fetched or read.
    pub async fn server_keys(&self) -> Result<ServerKeys, Trouble> {
        ServerKeys::new(&self.registered.http.get(&self.endpoint("jwks_uri")?).await?.json()?)
    }

    /// Pushes a request (RFC 9126 section 2.1).
    ///
    /// # Errors
    /// When no answer arrives. A refusal is an answer.
    pub async fn push(&self, ask: &Ask, mistakes: &[Mistake]) -> Result<Answer, Trouble> {
        let demanded = self.metadata.get("require_signed_request_object") == Some(&json!(true));
        let url = self.endpoint("pushed_authorization_request_endpoint")?;
        let plain = ask.carried == Carried::Plain || (ask.carried == Carried::AsDemanded && !demanded);
        let parameters = ask.all(&self.registered);
        if plain {
            return self.post(&url, parameters, Part::PushForm, mistakes).await;
        }
        let key = &self.registered.key;
        let object = request_object::draft(self.id(), &self.registered.issuer, parameters, key);
        let mut form = Members::of([("client_id", self.id())]);
        for sealed in seal(Jws::RequestObject, object, key, mistakes)? {
            form.add("request", sealed);
        }
        self.post(&url, form, Part::PushForm, mistakes).await
    }

    /// The address to which the browser is sent: client and reference, nothing else (FAPI 2.0 section 5.3.3.2).
    ///
    /// # Errors
    /// When the metadata lacks the endpoint.
    pub fn authorization_url(&self, request_uri: &str) -> Result<String, Trouble> {
        // the browser has no client certificate, so the alias would not serve it
        let endpoint = self.metadata.get("authorization_endpoint").and_then(Value::as_str);
        let mut url = Url::parse(endpoint.doing("find authorization_endpoint")?).doing("read it")?;
        url.query_pairs_mut().append_pair("client_id", self.id()).append_pair("request_uri", request_uri);
        Ok(url.into())
    }

    /// A fresh browser that leaves the bank at this client's redirect URI.
    ///
    /// # Errors
    /// When the redirect URI is no address.
    pub fn visit(&self) -> Result<Visit, Trouble> {
        Visit::new(&self.registered.http, &self.registered.entry.redirect_uri)
    }

    /// The code that came back, after the checks a client owes: `state`, `iss` (RFC 9207), or a signed answer (JARM).
    ///
    /// # Errors
    /// When a check fails or the answer is an error.
    pub async fn code(&self, ask: &Ask, returned: &Returned) -> Result<String, Trouble> {
        let issuer = &self.registered.issuer;
        let parameter = match returned.parameter("response") {
            Some(signed) => {
                let claims = self.server_keys().await?.open_for(&signed, issuer, self.id())?;
                let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
                [text("state"), text("iss"), text("code")]
            }
            None => ["state", "iss", "code"].map(|name| returned.parameter(name)),
        };
        let [state, iss, code] = parameter;
        if state.as_ref() != Some(&ask.state) {
            return Err(Trouble::new(format!("another state: {}", returned.url())));
        }
        if iss.as_ref() != Some(issuer) {
            return Err(Trouble::new(format!("another issuer: {}", returned.url())));
        }
        code.doing(format!("find a code in {}", returned.url()))
    }

    /// Exchanges a code (RFC 6749 section 4.1.3).
    ///
    /// # Errors
    /// When no answer arrives. A refusal is an answer.
    pub async fn redeem(&self, ask: &Ask, code: &str, mistakes: &[Mistake]) -> Result<Answer, Trouble> {
        let form = Members::of([
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.registered.entry.redirect_uri),
            ("code_verifier", &ask.verifier),
        ]);
        self.post(&self.endpoint("token_endpoint")?, form, Part::TokenForm, mistakes).await
    }

    /// Refreshes (RFC 6749 section 6).
    ///
    /// # Errors
    /// When no answer arrives. A refusal is an answer.
    pub async fn refresh(&self, refresh_token: &str, mistakes: &[Mistake]) -> Result<Answer, Trouble> {
        let form = Members::of([("grant_type", "refresh_token"), ("refresh_token", refresh_token)]);
        self.post(&self.endpoint("token_endpoint")?, form, Part::TokenForm, mistakes).await
    }

    /// Asks for a token of the client's own (RFC 6749 section 4.4).
    ///
    /// # Errors
    /// When no answer arrives. A refusal is an answer.
    pub async fn act_alone(&self, scope: &str, mistakes: &[Mistake]) -> Result<Answer, Trouble> {
        let form = Members::of([("grant_type", "client_credentials"), ("scope", scope)]);
        self.post(&self.endpoint("token_endpoint")?, form, Part::TokenForm, mistakes).await
    }

    /// Introspects or revokes: a form with `token` at any endpoint that authenticates clients.
    ///
    /// # Errors
    /// When no answer arrives. A refusal is an answer.
    pub async fn present(
        &self,
        endpoint: &str,
        token: &str,
        mistakes: &[Mistake],
    ) -> Result<Answer, Trouble> {
        self.post(&self.endpoint(endpoint)?, Members::of([("token", token)]), Part::OtherForm, mistakes).await
    }

    /// The whole way, honestly: push, sign in, decide, exchange.
    ///
    /// # Errors
    /// At the first step that does not lead on.
    pub async fn grant(&self, ask: &Ask, user: &User, decision: &Decision) -> Result<Tokens, Trouble> {
        let request_uri = self.push(ask, HONEST).await?.member("request_uri")?;
        let place = self.visit()?.complete(&self.authorization_url(&request_uri)?, user, decision).await?;
        let code = self.code(ask, &Place::returned(&place)?).await?;
        Tokens::read(&self.redeem(ask, &code, HONEST).await?)
    }

    /// GET from the bank's API.
    ///
    /// # Errors
    /// When no answer arrives. A refusal is an answer.
    pub async fn get(&self, url: &str, token: &str, mistakes: &[Mistake]) -> Result<Answer, Trouble> {
        self.call(&Call { method: "GET", url, token, headers: Vec::new(), body: Bytes::new() }, mistakes)
            .await
    }
}

impl Tokens {
    /// Reads a successful answer of the token endpoint.
    ///
    /// # Errors
    /// When it is none; the trouble quotes it.
    pub fn read(answer: &Answer) -> Result<Self, Trouble> {
        let access = answer.member("access_token")?;
        Ok(Self { access, refresh: answer.member("refresh_token").ok(), body: answer.json()? })
    }
}

/// RFC 8414 section 3.1: the well-known part stands between host and path.
fn metadata_url(issuer: &str) -> Result<String, Trouble> {
    let mut url = Url::parse(issuer).doing("read the issuer")?;
    let path = format!("/.well-known/oauth-authorization-server{}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url.into())
}

#[cfg(test)]
mod tests;
