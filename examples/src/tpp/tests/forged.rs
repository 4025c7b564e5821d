//! A bank on a real TLS socket, honest but for one lie.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use oauth_core::jose::{Alg, JwkSet, Jws, PublicJwk, SigningKey};
use oauth_core::message::{Field, RequestMessage, ResponseMessage, prepare_response, verify_request};
use oauth_core::{Clock as _, FAPI2_MESSAGE_SIGNING, KeyId, Seconds, SystemClock, limits};
use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::rand::SystemRandom;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::keys;
use crate::pki::{ClientNames, LocalPki};
use crate::tls::{ClientCertificates, server_config};

/// The keys of the client, of the bank, and of neither, as PEM: made once, since RSA keys take their time.
static KEYS: OnceLock<[String; 3]> = OnceLock::new();

fn make_keys() -> [String; 3] {
    let name = crate::tpp::keys::tests::random().uuid().unwrap();
    let dir = std::env::temp_dir().join(format!("tpp-keys-{name}"));
    std::fs::create_dir_all(&dir).unwrap();
    let made = ["palm", "bank", "stranger"].map(|name| {
        let path = dir.join(name);
        keys::ensure_ps256(&path, &SystemRandom::new()).unwrap();
        std::fs::read_to_string(path).unwrap()
    });
    std::fs::remove_dir_all(dir).unwrap();
    made
}

/// The one thing that is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lie {
    None,
    DiscoveryIssuer,
    NoIss,
    OtherIss,
    OtherState,
    LeavesOrigin,
    KeepsForm,
    BearerToken,
    OtherDetails,
    NoIdToken,
    OtherNonce,
    OtherKey,
    OtherInteraction,
    PlainPayment,
    OtherAmount,
    OtherAudience,
    OtherCustomer,
    /// Every proof is answered by a demand for a nonce.
    AlwaysNonce,
    /// The connection breaks on the first order.
    LosesOrder,
    /// Every signed answer has the same `jti`.
    RepeatsJti,
    /// No lie: a client of signed authorization responses.
    Signed,
    /// Signed responses were registered, and a plain one comes.
    SignedNot,
    /// A signed response of another issuer.
    SignedOtherIss,
    /// A signed response for another client.
    SignedOtherAudience,
    /// A signed response with another state.
    SignedOtherState,
    /// A signed response that is over.
    SignedLate,
    /// A signed response without an end.
    SignedForever,
    /// A response signed by somebody else.
    SignedOtherKey,
    /// A response that says `alg` is `none`.
    SignedByNobody,
    /// The content of a signed answer is changed on the way.
    OtherDigest,
    /// The resource server asks for a nonce of its own, once.
    ResourceNonce,
    /// The resource server answers every proof by a demand for a nonce.
    AlwaysResourceNonce,
}

/// A document that the bank sends, or the header of one that it signs. A header may name in `by` who signs: `bank`,
/// `stranger`, `curve` (the bank's key for ES256), `hmac` (keyed with the public key) or `nobody`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Metadata,
    Resource,
    Keys,
    Pushed,
    /// Parameters of the authorization response.
    Response,
    /// Claims of a signed authorization response.
    SignedResponse,
    SignedResponseHeader,
    Token,
    /// Claims of the access token.
    AccessToken,
    IdToken,
    IdTokenHeader,
    Userinfo,
    /// The envelope of a signed body.
    Envelope,
    EnvelopeHeader,
    /// The payment in it.
    Payment,
    /// The values of `x-fapi-interaction-id`.
    Echo,
    /// How an answer to a signed request is signed: `by`, and `over` what: `answer`, `nothing`, `other` (request), `old`.
    Message,
}

/// Changes what an honest bank would send.
pub(super) type Twist = Box<dyn Fn(Place, &mut Value) + Send + Sync>;

/// How the one client of the bank is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Registered {
    Plain,
    /// Requests are signed objects, responses are signed.
    Signing,
    /// Tokens are bound to the certificate.
    Certificate,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(super) struct Captured {
    /// Method and path.
    pub(super) asked: String,
    pub(super) query: String,
    pub(super) headers: http::HeaderMap,
    pub(super) form: Form,
    /// Hash of the client certificate of the connection.
    pub(super) certificate: Option<String>,
    pub(super) port: u16,
}

impl Lie {
    /// Lies to a client that registered signed responses.
    const fn is_signed(self) -> bool {
        matches!(
            self,
            Self::Signed
                | Self::SignedNot
                | Self::SignedOtherIss
                | Self::SignedOtherAudience
                | Self::SignedOtherState
                | Self::SignedLate
                | Self::SignedForever
                | Self::SignedOtherKey
                | Self::SignedByNobody
        )
    }
}

/// A running bank and the directory of its client.
pub(super) struct ForgedBank {
    pub(super) dir: PathBuf,
    bank: Arc<Bank>,
}

struct Bank {
    lie: Lie,
    twist: Twist,
    registered: Registered,
    issuer: String,
    /// The listener that asks for certificates.
    mtls: String,
    key: SigningKey,
    stranger: SigningKey,
    /// Another key of the bank.
    curve: SigningKey,
    /// The client's public key.
    client: PublicJwk,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    asked: Vec<String>,
    captured: Vec<Captured>,
    signed: usize,
    once: Vec<String>,
    proof_keys: BTreeSet<String>,
    pushed: HashMap<String, String>,
    polls: usize,
    idempotency_keys: Vec<String>,
    answers: usize,
}

pub(super) type Form = HashMap<String, String>;

impl ForgedBank {
    pub(super) async fn open(lie: Lie) -> Self {
        let registered = if lie.is_signed() { Registered::Signing } else { Registered::Plain };
        Self::with((lie, registered), Box::new(|_, _| ())).await
    }

    /// A bank that is honest but for what is changed here.
    pub(super) async fn twisted(
        registered: Registered,
        twist: impl Fn(Place, &mut Value) + Send + Sync + 'static,
    ) -> Self {
        Self::with((Lie::None, registered), Box::new(twist)).await
    }

    async fn with((lie, registered): (Lie, Registered), twist: Twist) -> Self {
        let name = crate::tpp::keys::tests::random().uuid().unwrap();
        let dir = std::env::temp_dir().join(format!("tpp-forged-{name}"));
        std::fs::create_dir_all(dir.join("tpp")).unwrap();
        let [palm, bank, stranger] = KEYS.get_or_init(make_keys);
        std::fs::write(dir.join("tpp/palm.sig.pem"), palm).unwrap();
        let loaded = |pem: &str| SigningKey::from_pkcs8_pem(Alg::Ps256, pem, &SystemRandom::new()).unwrap();
        let (key, stranger, client) = (loaded(bank), loaded(stranger), loaded(palm));
        let der = SigningKey::generate_es256(&SystemRandom::new()).unwrap();
        let curve = SigningKey::from_pkcs8_der(Alg::Es256, &der, &SystemRandom::new()).unwrap();
        let pki = LocalPki::ensure(&dir, SystemClock.now()).unwrap();
        let own = pki.issue_client_certificate(&ClientNames::new("palm", "Palm"), SystemClock.now()).unwrap();
        std::fs::write(dir.join("tpp/palm.cert.pem"), &own.certificate_pem).unwrap();
        std::fs::write(dir.join("tpp/palm.key.pem"), &own.key_pem).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let asking = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let at =
            |listener: &TcpListener| format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let (issuer, mtls) = (at(&listener), at(&asking));
        std::fs::write(dir.join("tpp/tpp.toml"), config((&issuer, &mtls), registered)).unwrap();
        let client = client.public(&KeyId::new("p1").unwrap());
        let seen = Mutex::default();
        let bank = Bank { lie, twist, registered, issuer, mtls, key, stranger, curve, client, seen };
        let bank = Arc::new(bank);
        for (listener, ask) in
            [(listener, ClientCertificates::NotAsked), (asking, ClientCertificates::Optional)]
        {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let tls = server_config(pki.server(), ask, provider).unwrap();
            tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(tls)), Arc::clone(&bank)));
        }
        Self { dir, bank }
    }

    /// Every request, as it arrived.
    pub(super) fn captured(&self) -> Vec<Captured> {
        self.bank.seen.lock().unwrap().captured.clone()
    }

    /// What was pushed last, out of its signed object where it came in one.
    pub(super) fn pushed(&self) -> Form {
        self.bank.seen.lock().unwrap().pushed.clone()
    }

    /// Requests to the resource server whose signature held.
    pub(super) fn signed_requests(&self) -> usize {
        self.bank.seen.lock().unwrap().signed
    }

    /// Its issuer.
    pub(super) fn issuer(&self) -> &str {
        &self.bank.issuer
    }

    /// Method and path of every request.
    pub(super) fn asked(&self) -> Vec<String> {
        self.bank.seen.lock().unwrap().asked.clone()
    }

    /// Everything that may be used only once.
    pub(super) fn once(&self) -> Vec<String> {
        self.bank.seen.lock().unwrap().once.clone()
    }

    /// Thumbprints of the keys that proofs were made with.
    pub(super) fn proof_keys(&self) -> BTreeSet<String> {
        self.bank.seen.lock().unwrap().proof_keys.clone()
    }

    /// The idempotency key of every order, in their order.
    pub(super) fn idempotency_keys(&self) -> Vec<String> {
        self.bank.seen.lock().unwrap().idempotency_keys.clone()
    }

    /// Values that no narration may contain.
    pub(super) fn secrets(&self) -> Vec<String> {
        let seen = self.bank.seen.lock().unwrap();
        let pushed = ["state", "nonce", "client_assertion"].map(|name| seen.pushed[name].clone());
        pushed.into_iter().chain(["SECRET".to_owned()]).collect()
    }
}

impl Drop for ForgedBank {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn config((issuer, mtls): (&str, &str), registered: Registered) -> String {
    let constraint = if registered == Registered::Certificate { "mtls" } else { "dpop" };
    let signing = if registered == Registered::Signing {
        "authorization_signed_response_alg = \"PS256\"\nrequest_object_signing_alg = \"PS256\"\n"
    } else {
        ""
    };
    format!(
        "issuer = \"{issuer}\"\nca = \"../ca.pem\"\ndefault = \"palm\"\nresource = \"{issuer}\"\n\
         resource_mtls = \"{mtls}\"\nresource_identifier = \"{issuer}/api\"\n\
         [demo]\nusername = \"mariam\"\npassword = \"pass-SECRET\"\n[clients.palm]\n\
         redirect_uri = \"http://127.0.0.1:9473/callback\"\ntoken_endpoint_auth_method = \"private_key_jwt\"\n\
         sender_constraint = \"{constraint}\"\nsigning_key = \"palm.sig.pem\"\nsigning_kid = \"p1\"\n\
         signing_alg = \"PS256\"\ncertificate = \"palm.cert.pem\"\ncertificate_key = \"palm.key.pem\"\n{signing}"
    )
}

/// What the client showed of itself on a connection, and where.
#[derive(Clone)]
struct Shown(u16, Option<String>);

async fn serve(listener: TcpListener, tls: TlsAcceptor, bank: Arc<Bank>) {
    let port = listener.local_addr().unwrap().port();
    while let Ok((tcp, _)) = listener.accept().await {
        let (tls, bank) = (tls.clone(), Arc::clone(&bank));
        tokio::spawn(async move {
            let Ok(stream) = tls.accept(tcp).await else { return };
            let leaf = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first().cloned());
            let shown = Shown(port, leaf.map(|leaf| sha256(&leaf)));
            let answer = service_fn(move |mut request: Request<Incoming>| {
                let bank = Arc::clone(&bank);
                request.extensions_mut().insert(shown.clone());
                async move { bank.answer(request).await.ok_or("lost") }
            });
            let builder = hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new());
            let _ = builder.serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

impl Bank {
    async fn answer(&self, request: Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let form: Form = url::form_urlencoded::parse(&body).into_owned().collect();
        let asked = format!("{} {}", parts.method, parts.uri.path());
        self.note(&asked, &parts, &form);
        let orders = self.seen.lock().unwrap().idempotency_keys.len();
        if self.lie == Lie::LosesOrder && asked.ends_with("/payments") && orders == 1 {
            return None;
        }
        let mut answer = match asked.as_str() {
            _ if self.demands_nonce(&asked, &parts.headers) => demand_nonce(),
            "GET /.well-known/openid-configuration" => self.say(Place::Metadata, self.metadata()),
            "GET /.well-known/oauth-protected-resource/api" => self.say(Place::Resource, self.resource()),
            "GET /jwks" => self.say(Place::Keys, self.jwks()),
            "POST /par" => self.par(&parts.headers, form),
            "GET /authorize" => redirect("/login"),
            "GET /login" => page(LOGIN),
            "POST /login" if form["password"] == "pass-SECRET" => redirect("consent"),
            "POST /login" => page(&format!("<p id=\"error\">Wrong password</p>{LOGIN}")),
            "GET /consent" => page(CONSENT),
            "POST /consent" if form["decision"] == "approve" && form["accounts"] == "a1" => self.respond(),
            "POST /token" => self.say(Place::Token, self.token(&parts.headers, &form)),
            "GET /userinfo" => {
                self.say(Place::Userinfo, json!({"sub": self.or(Lie::OtherCustomer, "u1", "u2")}))
            }
            "POST /open-finance/payment/v1/payments" => self.order(&parts.headers, &body),
            _ if asked.starts_with("GET /open-finance/payment/v1/payments/") => self.status(),
            _ => json_answer(404, &json!({"error": "not_found"})),
        };
        if let Some(id) = parts.headers.get("x-fapi-interaction-id") {
            let other = http::HeaderValue::from_static("00000000-0000-4000-8000-000000000000");
            let echoed = if self.lie == Lie::OtherInteraction { other } else { id.clone() };
            let mut values = json!([echoed.to_str().unwrap()]);
            (self.twist)(Place::Echo, &mut values);
            for value in values.as_array().unwrap() {
                answer
                    .headers_mut()
                    .append("x-fapi-interaction-id", value.as_str().unwrap().parse().unwrap());
            }
        }
        if parts.headers.contains_key("signature-input") {
            self.sign_answer(&parts, &body, &mut answer);
        }
        Some(answer)
    }

    fn say(&self, place: Place, mut value: Value) -> Response<Full<Bytes>> {
        (self.twist)(place, &mut value);
        json_answer(200, &value)
    }

    fn twisted(&self, place: Place, mut value: Value) -> Value {
        (self.twist)(place, &mut value);
        value
    }

    /// RFC 9449 section 9: the resource server has nonces of its own.
    fn demands_nonce(&self, asked: &str, headers: &http::HeaderMap) -> bool {
        let asks = matches!(self.lie, Lie::ResourceNonce | Lie::AlwaysResourceNonce);
        asks && asked.contains("/open-finance/")
            && (self.lie == Lie::AlwaysResourceNonce
                || proof_claims(headers["dpop"].to_str().unwrap())["nonce"] != "n-resource")
    }

    fn note(&self, asked: &str, parts: &http::request::Parts, form: &Form) {
        let headers = &parts.headers;
        let Shown(port, certificate) = parts.extensions.get::<Shown>().unwrap().clone();
        let mut seen = self.seen.lock().unwrap();
        seen.asked.push(asked.to_owned());
        seen.captured.push(Captured {
            asked: asked.to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: headers.clone(),
            form: form.clone(),
            certificate,
            port,
        });
        let jti = |jwt: &str| {
            let payload = URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1).unwrap()).unwrap();
            serde_json::from_slice::<Value>(&payload).unwrap()["jti"].as_str().unwrap().to_owned()
        };
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        if let Some(proof) = text("dpop") {
            seen.once.push(jti(&proof));
            let jws = Jws::parse_with_embedded_key(&proof, limits::JWT_BYTES).unwrap();
            let key = jws.embedded_key().unwrap().clone();
            jws.verify(&key).unwrap();
            seen.proof_keys.insert(key.thumbprint_text());
        }
        seen.idempotency_keys.extend(text("x-idempotency-key"));
        seen.once.extend(text("x-fapi-interaction-id"));
        seen.once.extend(form.get("client_assertion").map(|assertion| jti(assertion)));
    }

    /// The answer that is a lie, when it is this one.
    fn or<'a>(&self, lie: Lie, truth: &'a str, lied: &'a str) -> &'a str {
        if self.lie == lie { lied } else { truth }
    }

    fn metadata(&self) -> Value {
        let issuer = &self.issuer;
        let at = |path: &str| format!("{issuer}{path}");
        json!({
            "issuer": self.or(Lie::DiscoveryIssuer, issuer, "https://evil.example"),
            "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
            "pushed_authorization_request_endpoint": at("/par"), "userinfo_endpoint": at("/userinfo"),
            "jwks_uri": at("/jwks"), "authorization_response_iss_parameter_supported": true,
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["PS256"],
            "dpop_signing_alg_values_supported": ["ES256"], "id_token_signing_alg_values_supported": ["PS256"],
            "response_modes_supported": ["query", "jwt"],
            "authorization_signing_alg_values_supported": ["PS256"],
            "request_object_signing_alg_values_supported": ["PS256"],
            "mtls_endpoint_aliases": {"token_endpoint": format!("{}/token", self.mtls),
                "pushed_authorization_request_endpoint": format!("{}/par", self.mtls),
                "userinfo_endpoint": format!("{}/userinfo", self.mtls)},
            "authorization_details_types_supported": ["urn:openfinanceuae:service-initiation-consent"],
        })
    }

    fn jwks(&self) -> Value {
        let kid = KeyId::new("b1").unwrap();
        let (_, decoy) = crate::tpp::keys::tests::fresh("b1");
        let curve = self.curve.public(&KeyId::new("b2").unwrap());
        JwkSet::new(vec![decoy, self.key.public(&kid), curve]).to_value()
    }

    /// RFC 9728 section 2.
    fn resource(&self) -> Value {
        json!({"resource": format!("{}/api", self.issuer), "authorization_servers": [self.issuer],
            "jwks_uri": format!("{}/jwks", self.issuer)})
    }

    fn par(&self, headers: &http::HeaderMap, form: Form) -> Response<Full<Bytes>> {
        let nonce = headers.get("dpop").map(|proof| proof_claims(proof.to_str().unwrap())["nonce"].clone());
        if nonce == Some(Value::Null) || self.lie == Lie::AlwaysNonce {
            let mut answer = json_answer(400, &json!({"error": "use_dpop_nonce"}));
            answer.headers_mut().insert("dpop-nonce", http::HeaderValue::from_static("n-1"));
            return answer;
        }
        assert!(!form.contains_key("request_uri"));
        self.seen.lock().unwrap().pushed = self.unsigned(form);
        let reference = json!({"request_uri": "urn:ietf:params:oauth:request_uri:SECRET", "expires_in": 60});
        json_answer(201, &self.twisted(Place::Pushed, reference))
    }

    fn respond(&self) -> Response<Full<Bytes>> {
        let seen = self.seen.lock().unwrap();
        let state = self.or(Lie::OtherState, &seen.pushed["state"], "other");
        let redirect_uri =
            self.or(Lie::LeavesOrigin, &seen.pushed["redirect_uri"], "https://evil.example/cb");
        let mut members = if self.registered == Registered::Signing && self.lie != Lie::SignedNot {
            assert_eq!(seen.pushed["response_mode"], "jwt");
            json!({"response": self.signed_response(&seen.pushed["state"])})
        } else {
            let iss = self.or(Lie::OtherIss, &self.issuer, "https://evil.example");
            json!({"code": "code-SECRET", "state": state, "iss": iss})
        };
        if self.lie == Lie::NoIss {
            members.as_object_mut().unwrap().remove("iss");
        }
        // a member may be a list: then the parameter comes as often
        let members = self.twisted(Place::Response, members);
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in members.as_object().unwrap() {
            for one in value.as_array().unwrap_or(&vec![value.clone()]) {
                query.append_pair(name, one.as_str().unwrap());
            }
        }
        let query = query.finish();
        let mut answer = redirect(&format!("{redirect_uri}?{query}"));
        if self.lie == Lie::KeepsForm {
            *answer.status_mut() = http::StatusCode::TEMPORARY_REDIRECT;
        }
        answer
    }

    /// JARM section 2.1.
    fn signed_response(&self, state: &str) -> String {
        let now = SystemClock.now().seconds();
        let end = if self.lie == Lie::SignedLate { now - 60 } else { now + 300 };
        let mut claims = json!({"code": "code-SECRET", "exp": end,
            "iss": self.or(Lie::SignedOtherIss, &self.issuer, "https://evil.example"),
            "aud": self.or(Lie::SignedOtherAudience, "palm", "other"),
            "state": self.or(Lie::SignedOtherState, state, "other")});
        if self.lie == Lie::SignedForever {
            claims.as_object_mut().unwrap().remove("exp");
        }
        if self.lie == Lie::SignedByNobody {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            return format!("{}.{}.", part(&json!({"alg": "none"})), part(&claims));
        }
        let by = if self.lie == Lie::SignedOtherKey { "stranger" } else { "bank" };
        let claims = self.twisted(Place::SignedResponse, claims);
        self.sign(Place::SignedResponseHeader, by, &claims)
    }

    fn token(&self, headers: &http::HeaderMap, form: &Form) -> Value {
        let (binding, kind) = match headers.get("dpop") {
            Some(proof) => {
                let proof = Jws::parse_with_embedded_key(proof.to_str().unwrap(), limits::JWT_BYTES).unwrap();
                (json!({"jkt": proof.embedded_key().unwrap().thumbprint_text()}), "dpop")
            }
            None => {
                let certificate = self.seen.lock().unwrap().captured.last().unwrap().certificate.clone();
                (json!({"x5t#S256": certificate}), "bearer")
            }
        };
        let pushed = self.seen.lock().unwrap().pushed.clone();
        let now = SystemClock.now().seconds();
        let claims = self.twisted(Place::AccessToken, json!({"cnf": binding, "note": "SECRET"}));
        let access = self.sign(Place::AccessToken, "bank", &claims);
        let mut answer = json!({
            "access_token": access, "expires_in": 300,
            "token_type": self.or(Lie::BearerToken, kind, "Bearer"),
        });
        if form["grant_type"] == "refresh_token" {
            assert!(form["refresh_token"].starts_with("rt_SECRET"));
            let claims =
                json!({"iss": self.issuer, "sub": "u1", "aud": "palm", "iat": now, "exp": now + 300});
            let claims = self.twisted(Place::IdToken, claims);
            answer["id_token"] = self.sign(Place::IdTokenHeader, "bank", &claims).into();
            return answer;
        }
        assert_eq!(form["code"], "code-SECRET");
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, form["code_verifier"].as_bytes()));
        assert_eq!(challenge, pushed["code_challenge"], "RFC 7636 section 4.6");
        let mut details: Value = serde_json::from_str(&pushed["authorization_details"]).unwrap();
        if self.lie == Lie::OtherDetails {
            details[0]["Data"]["ConsentId"] = "another".into();
        }
        let claims = json!({"iss": self.issuer, "sub": "u1", "aud": "palm", "iat": now, "exp": now + 300,
            "nonce": self.or(Lie::OtherNonce, &pushed["nonce"], "other")});
        let by = if self.lie == Lie::OtherKey { "stranger" } else { "bank" };
        if self.lie != Lie::NoIdToken {
            let claims = self.twisted(Place::IdToken, claims);
            answer["id_token"] = self.sign(Place::IdTokenHeader, by, &claims).into();
        }
        answer["refresh_token"] = "rt_SECRET".into();
        answer["authorization_details"] = details;
        answer
    }

    fn order(&self, headers: &http::HeaderMap, body: &[u8]) -> Response<Full<Bytes>> {
        let scheme = if self.registered == Registered::Certificate { "Bearer " } else { "DPoP " };
        assert!(headers["authorization"].to_str().unwrap().starts_with(scheme));
        assert_eq!(headers["x-idempotency-key"].len(), 36);
        let payload = std::str::from_utf8(body).unwrap().split('.').nth(1).unwrap().to_owned();
        let order: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        let mut data = order["message"]["Data"].clone();
        data["PaymentId"] = "6f1d2c7a-2b56-4c1e-9c57-0f4f5d0a7b33".into();
        data["PaymentStatus"] = "Pending".into();
        if self.lie == Lie::OtherAmount {
            data["Instruction"]["Amount"]["Amount"] = "1.00".into();
        }
        self.seen.lock().unwrap().pushed.insert("payment".to_owned(), data.to_string());
        self.signed(201, &data)
    }

    fn status(&self) -> Response<Full<Bytes>> {
        let mut seen = self.seen.lock().unwrap();
        seen.polls += 1;
        let mut data: Value = serde_json::from_str(&seen.pushed["payment"]).unwrap();
        let settled = seen.polls > 1;
        data["PaymentStatus"] =
            if settled { "AcceptedCreditSettlementCompleted" } else { "AcceptedWithoutPosting" }.into();
        drop(seen);
        self.signed(200, &data)
    }

    fn signed(&self, status: u16, data: &Value) -> Response<Full<Bytes>> {
        let now = SystemClock.now().seconds();
        let data = self.twisted(Place::Payment, data.clone());
        let message = json!({"Data": data, "Links": {}, "Meta": {}});
        if self.lie == Lie::PlainPayment {
            return json_answer(status, &message);
        }
        let audience = self.or(Lie::OtherAudience, "palm", "other");
        let mut seen = self.seen.lock().unwrap();
        seen.answers += usize::from(self.lie != Lie::RepeatsJti);
        let claims = json!({"iss": self.issuer, "aud": [audience], "iat": now, "exp": now + 300,
            "jti": seen.answers.to_string(), "message": message});
        drop(seen);
        let claims = self.twisted(Place::Envelope, claims);
        answer(status, "application/jwt", self.sign(Place::EnvelopeHeader, "bank", &claims))
    }

    fn sign(&self, place: Place, by: &str, claims: &Value) -> String {
        let mut header = self.twisted(place, json!({"alg": "PS256", "kid": "b1", "by": by}));
        let by = header.as_object_mut().and_then(|members| members.remove("by"));
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", part(&header), part(claims));
        let by = by.as_ref().and_then(Value::as_str).unwrap_or("bank");
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(self.signature(by, input.as_bytes())))
    }

    fn signature(&self, by: &str, input: &[u8]) -> Vec<u8> {
        let key = match by {
            "bank" => &self.key,
            "stranger" => &self.stranger,
            "curve" => &self.curve,
            "hmac" => {
                let public = self.key.public(&KeyId::new("b1").unwrap()).to_value();
                let secret = public["n"].as_str().unwrap().as_bytes();
                return hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input).as_ref().to_vec();
            }
            _ => return Vec::new(),
        };
        key.sign(&SystemRandom::new(), input).unwrap()
    }

    /// RFC 9101 section 6: the parameters of a signed object; what is pushed plainly stays as it is.
    fn unsigned(&self, form: Form) -> Form {
        assert_eq!(form.contains_key("request"), self.registered == Registered::Signing);
        let Some(object) = form.get("request") else { return form };
        let jws = Jws::parse(object, limits::JWT_BYTES).unwrap();
        let claims: Value = jws.verify(&self.client).unwrap().claims().unwrap();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let inside = claims.as_object().unwrap().iter().map(|(name, value)| (name.clone(), text(value)));
        inside.chain(form.clone()).collect()
    }

    /// FAPI 2.0 Message Signing sections 5.6.1.2 and 5.6.2.1.
    fn sign_answer(&self, parts: &http::request::Parts, body: &[u8], answer: &mut Response<Full<Bytes>>) {
        let origin =
            if parts.extensions.get::<Shown>().unwrap().1.is_some() { &self.mtls } else { &self.issuer };
        let uri = format!("{origin}{}", parts.uri.path());
        let asked: Vec<Field<'_>> =
            parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let method = parts.method.as_str();
        let mut request = RequestMessage { method, target_uri: &uri, fields: &asked, body };
        let (keys, now) = (JwkSet::new(vec![self.client.clone()]), SystemClock.now());
        verify_request(&request, &keys, &FAPI2_MESSAGE_SIGNING, now).unwrap();
        self.seen.lock().unwrap().signed += 1;
        let how = self.twisted(Place::Message, json!({"by": "bank", "over": "answer"}));
        let (by, over) = (how["by"].as_str().unwrap(), how["over"].as_str().unwrap());
        let said = collected(answer);
        let other = format!("{uri}/other");
        if over == "other" {
            request.target_uri = &other;
        }
        let when = if over == "old" { now.minus(Seconds::minutes(5)) } else { now };
        let headers = answer.headers().clone();
        let fields: Vec<Field<'_>> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let response = ResponseMessage { status: answer.status().as_u16(), fields: &fields, body: &said };
        let prepared = prepare_response(&response, &request, &KeyId::new("b1").unwrap(), when).unwrap();
        let signature = self.signature(by, prepared.base());
        let made = prepared.seal(&signature);
        if over == "nothing" {
            return;
        }
        let headers = answer.headers_mut();
        headers.insert("signature-input", made.signature_input.parse().unwrap());
        headers.insert("signature", made.signature.parse().unwrap());
        headers.insert("content-digest", made.content_digest.unwrap().parse().unwrap());
        if over == "status" {
            *answer.status_mut() = http::StatusCode::OK;
        }
        if self.lie == Lie::OtherDigest {
            *answer.body_mut() = Full::new(Bytes::from_static(b"{}"));
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, bytes))
}

/// The claims of a proof, or of any other signed object.
pub(super) fn proof_claims(text: &str) -> Value {
    let payload = URL_SAFE_NO_PAD.decode(text.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

/// The scheme of a challenge is written in any case.
fn demand_nonce() -> Response<Full<Bytes>> {
    let mut answer = json_answer(401, &json!({}));
    let headers = answer.headers_mut();
    headers.insert("dpop-nonce", http::HeaderValue::from_static("n-resource"));
    headers.insert("www-authenticate", http::HeaderValue::from_static("dpOP error=\"use_dpop_nonce\""));
    answer
}

fn collected(answer: &Response<Full<Bytes>>) -> Bytes {
    let body = answer.body().clone();
    futures_util::FutureExt::now_or_never(body.collect()).unwrap().unwrap().to_bytes()
}

const LOGIN: &str = r#"<form method="post" action="/login"><input type="hidden" name="csrf" value="csrf-SECRET">
    <input id="username" name="username"><input id="password" name="password" type="password">
    <button id="sign-in">Sign in</button></form>"#;
const CONSENT: &str = r#"<form method="post" action="/consent"><input type="radio" name="accounts" value="a1">
    <input type="radio" name="accounts" value="a2"><button id="deny" name="decision" value="deny">Deny</button>
    <button id="approve" name="decision" value="approve">Approve</button></form>"#;

fn answer(status: u16, media: &'static str, body: String) -> Response<Full<Bytes>> {
    let builder = Response::builder().status(status).header("content-type", media);
    builder.body(Full::new(Bytes::from(body))).unwrap()
}

fn json_answer(status: u16, value: &Value) -> Response<Full<Bytes>> {
    answer(status, "application/json", value.to_string())
}

fn page(body: &str) -> Response<Full<Bytes>> {
    answer(200, "text/html; charset=utf-8", body.to_owned())
}

fn redirect(to: &str) -> Response<Full<Bytes>> {
    Response::builder().status(303).header("location", to).body(Full::new(Bytes::new())).unwrap()
}
