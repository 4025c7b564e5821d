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
use oauth_core::jose::{Alg, Header, JwkSet, Jws, SignFault, SigningKey, compact};
use oauth_core::{Clock as _, KeyId, SystemClock, limits};
use ring::rand::SystemRandom;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::keys;
use crate::pki::LocalPki;
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
    issuer: String,
    key: SigningKey,
    stranger: SigningKey,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    asked: Vec<String>,
    once: Vec<String>,
    proof_keys: BTreeSet<String>,
    pushed: HashMap<String, String>,
    polls: usize,
    idempotency_keys: Vec<String>,
    answers: usize,
}

type Form = HashMap<String, String>;

impl ForgedBank {
    pub(super) async fn open(lie: Lie) -> Self {
        let name = crate::tpp::keys::tests::random().uuid().unwrap();
        let dir = std::env::temp_dir().join(format!("tpp-forged-{name}"));
        std::fs::create_dir_all(dir.join("tpp")).unwrap();
        let [palm, bank, stranger] = KEYS.get_or_init(make_keys);
        std::fs::write(dir.join("tpp/palm.sig.pem"), palm).unwrap();
        let loaded = |pem: &str| SigningKey::from_pkcs8_pem(Alg::Ps256, pem, &SystemRandom::new()).unwrap();
        let (key, stranger) = (loaded(bank), loaded(stranger));
        let pki = LocalPki::ensure(&dir, SystemClock.now()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = server_config(pki.server(), ClientCertificates::NotAsked, provider).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let issuer = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let config = format!(
            "issuer = \"{issuer}\"\nca = \"../ca.pem\"\ndefault = \"palm\"\nresource = \"{issuer}\"\n\
             [demo]\nusername = \"mariam\"\npassword = \"pass-SECRET\"\n[clients.palm]\n\
             redirect_uri = \"http://127.0.0.1:9473/callback\"\ntoken_endpoint_auth_method = \"private_key_jwt\"\n\
             sender_constraint = \"dpop\"\nsigning_key = \"palm.sig.pem\"\nsigning_kid = \"p1\"\nsigning_alg = \"PS256\"\n"
        );
        let signed = if lie.is_signed() { "authorization_signed_response_alg = \"PS256\"\n" } else { "" };
        std::fs::write(dir.join("tpp/tpp.toml"), config + signed).unwrap();
        let bank = Arc::new(Bank { lie, issuer, key, stranger, seen: Mutex::default() });
        tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(tls)), Arc::clone(&bank)));
        Self { dir, bank }
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

async fn serve(listener: TcpListener, tls: TlsAcceptor, bank: Arc<Bank>) {
    while let Ok((tcp, _)) = listener.accept().await {
        let (tls, bank) = (tls.clone(), Arc::clone(&bank));
        tokio::spawn(async move {
            let Ok(stream) = tls.accept(tcp).await else { return };
            let answer = service_fn(move |request| {
                let bank = Arc::clone(&bank);
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
        self.note(&asked, &parts.headers, &form);
        let orders = self.seen.lock().unwrap().idempotency_keys.len();
        if self.lie == Lie::LosesOrder && asked.ends_with("/payments") && orders == 1 {
            return None;
        }
        let mut answer = match asked.as_str() {
            "GET /.well-known/openid-configuration" => json_answer(200, &self.metadata()),
            "GET /jwks" => json_answer(200, &self.jwks()),
            "POST /par" => self.par(&parts.headers, form),
            "GET /authorize" => redirect("/login"),
            "GET /login" => page(LOGIN),
            "POST /login" if form["password"] == "pass-SECRET" => redirect("consent"),
            "POST /login" => page(&format!("<p id=\"error\">Wrong password</p>{LOGIN}")),
            "GET /consent" => page(CONSENT),
            "POST /consent" if form["decision"] == "approve" && form["accounts"] == "a1" => self.respond(),
            "POST /token" => json_answer(200, &self.token(&parts.headers, &form)),
            "GET /userinfo" => json_answer(200, &json!({"sub": self.or(Lie::OtherCustomer, "u1", "u2")})),
            "POST /open-finance/payment/v1/payments" => self.order(&parts.headers, &body),
            _ if asked.starts_with("GET /open-finance/payment/v1/payments/") => self.status(),
            _ => json_answer(404, &json!({"error": "not_found"})),
        };
        if let Some(id) = parts.headers.get("x-fapi-interaction-id") {
            let other = http::HeaderValue::from_static("00000000-0000-4000-8000-000000000000");
            let echoed = if self.lie == Lie::OtherInteraction { other } else { id.clone() };
            answer.headers_mut().insert("x-fapi-interaction-id", echoed);
        }
        Some(answer)
    }

    fn note(&self, asked: &str, headers: &http::HeaderMap, form: &Form) {
        let mut seen = self.seen.lock().unwrap();
        seen.asked.push(asked.to_owned());
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
            "authorization_details_types_supported": ["urn:openfinanceuae:service-initiation-consent"],
        })
    }

    fn jwks(&self) -> Value {
        let kid = KeyId::new("b1").unwrap();
        let (_, decoy) = crate::tpp::keys::tests::fresh("b1");
        JwkSet::new(vec![decoy, self.key.public(&kid)]).to_value()
    }

    fn par(&self, headers: &http::HeaderMap, form: Form) -> Response<Full<Bytes>> {
        let proof = headers["dpop"].to_str().unwrap();
        let claims = URL_SAFE_NO_PAD.decode(proof.split('.').nth(1).unwrap()).unwrap();
        if serde_json::from_slice::<Value>(&claims).unwrap().get("nonce").is_none()
            || self.lie == Lie::AlwaysNonce
        {
            let mut answer = json_answer(400, &json!({"error": "use_dpop_nonce"}));
            answer.headers_mut().insert("dpop-nonce", http::HeaderValue::from_static("n-1"));
            return answer;
        }
        assert!(!form.contains_key("request_uri"));
        self.seen.lock().unwrap().pushed = form;
        json_answer(
            201,
            &json!({"request_uri": "urn:ietf:params:oauth:request_uri:SECRET", "expires_in": 60}),
        )
    }

    fn respond(&self) -> Response<Full<Bytes>> {
        let seen = self.seen.lock().unwrap();
        let state = self.or(Lie::OtherState, &seen.pushed["state"], "other");
        let redirect_uri =
            self.or(Lie::LeavesOrigin, &seen.pushed["redirect_uri"], "https://evil.example/cb");
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("code", "code-SECRET").append_pair("state", state);
        if self.lie != Lie::NoIss {
            query.append_pair("iss", self.or(Lie::OtherIss, &self.issuer, "https://evil.example"));
        }
        let query = if self.lie.is_signed() && self.lie != Lie::SignedNot {
            assert_eq!(seen.pushed["response_mode"], "jwt");
            format!("response={}", self.signed_response(&seen.pushed["state"]))
        } else {
            query.finish()
        };
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
        let signer = if self.lie == Lie::SignedOtherKey { &self.stranger } else { &self.key };
        self.sign(signer, &claims)
    }

    fn token(&self, headers: &http::HeaderMap, form: &Form) -> Value {
        let jws = Jws::parse_with_embedded_key(headers["dpop"].to_str().unwrap(), limits::JWT_BYTES).unwrap();
        let jkt = jws.embedded_key().unwrap().thumbprint_text();
        let pushed = self.seen.lock().unwrap().pushed.clone();
        let now = SystemClock.now().seconds();
        let access = self.sign(&self.key, &json!({"cnf": {"jkt": jkt}, "note": "SECRET"}));
        let mut answer = json!({
            "access_token": access, "expires_in": 300,
            "token_type": self.or(Lie::BearerToken, "dpop", "Bearer"),
        });
        if form["grant_type"] == "refresh_token" {
            assert_eq!(form["refresh_token"], "rt_SECRET");
            return answer;
        }
        assert_eq!(form["code"], "code-SECRET");
        let mut details: Value = serde_json::from_str(&pushed["authorization_details"]).unwrap();
        if self.lie == Lie::OtherDetails {
            details[0]["Data"]["ConsentId"] = "another".into();
        }
        let claims = json!({"iss": self.issuer, "sub": "u1", "aud": "palm", "iat": now, "exp": now + 300,
            "nonce": self.or(Lie::OtherNonce, &pushed["nonce"], "other")});
        let signer = if self.lie == Lie::OtherKey { &self.stranger } else { &self.key };
        if self.lie != Lie::NoIdToken {
            answer["id_token"] = self.sign(signer, &claims).into();
        }
        answer["refresh_token"] = "rt_SECRET".into();
        answer["authorization_details"] = details;
        answer
    }

    fn order(&self, headers: &http::HeaderMap, body: &[u8]) -> Response<Full<Bytes>> {
        assert!(headers["authorization"].to_str().unwrap().starts_with("DPoP "));
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
        answer(status, "application/jwt", self.sign(&self.key, &claims))
    }

    fn sign(&self, key: &SigningKey, claims: &Value) -> String {
        let header = Header { alg: Alg::Ps256, kid: KeyId::new("b1").unwrap(), typ: None }.encode();
        compact(&header, claims, |input| key.sign(&SystemRandom::new(), input))
            .map_err(|fault: SignFault| fault)
            .unwrap()
    }
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
