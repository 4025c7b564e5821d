//! The operator's calls about signing keys: list, publish, activate, retire, withdraw.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, Full, Limited};
use oauth_core::jose::Alg;
use oauth_core::json::read_strict;
use oauth_core::store::keys::{KeyChange, KeyRow};
use oauth_core::{Cause, Fault, Haste, Issuer, KeyEvent, KeyId, KeyRefusal, KeyStage, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::admin::json_answer;
use super::signing_keys::SigningKeys;

/// Bytes of a request body.
const BODY_BYTES: usize = 4096;
/// Bytes of an actor or a reason.
const WORDS_BYTES: usize = 200;

/// Who asks, and why. Both go to the audit trail.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    actor: String,
    reason: String,
    /// For a new key.
    #[serde(default)]
    alg: Option<Alg>,
    /// For a new key, whose; otherwise the first issuer's.
    #[serde(default)]
    issuer: Option<Issuer>,
    /// For activation: does not wait until every relying party has seen the key.
    #[serde(default)]
    force: Option<bool>,
}

/// Answers a request below `/keys`.
pub(super) async fn answer<B>(keys: &[SigningKeys], request: Request<B>) -> Response<Full<Bytes>>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let path = request.uri().path().to_owned();
    let rest = path.strip_prefix("/keys").unwrap_or_default();
    if request.method() == Method::GET && rest.is_empty() {
        return match list(keys).await {
            Ok(rows) => json_answer(StatusCode::OK, &json!({ "keys": rows })),
            Err(fault) => failed(&fault),
        };
    }
    if request.method() != Method::POST {
        return refuse(StatusCode::NOT_FOUND, "not_found", "there is no such call");
    }
    let asked = match read(request).await {
        Ok(asked) => asked,
        Err(answer) => return answer,
    };
    change(keys, rest, asked).await.unwrap_or_else(|fault| failed(&fault))
}

async fn list(keys: &[SigningKeys]) -> Result<Vec<Value>, Fault> {
    let mut rows = Vec::new();
    for own in keys {
        rows.extend(own.keeper.list().await?.iter().map(|key| row(&own.issuer, key)));
    }
    Ok(rows)
}

async fn change(keys: &[SigningKeys], rest: &str, asked: Asked) -> Result<Response<Full<Bytes>>, Fault> {
    let words: Vec<&str> = rest.split('/').skip(1).collect();
    let own = match words.as_slice() {
        [] => keys.iter().find(|own| asked.issuer.as_ref().is_none_or(|issuer| own.issuer == *issuer)),
        [kid, ..] => owner(keys, kid).await?,
    };
    let Some(own) = own else { return Ok(refused(&KeyRefusal::Unknown)) };
    let Some(done) = verb(own, &words, asked).await? else {
        return Ok(refuse(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "a new key needs alg, and nothing else does",
        ));
    };
    // What this process did holds here at once, not only after its next look.
    own.signer.look().await?;
    Ok(match done {
        KeyChange::Done(events) => {
            json_answer(StatusCode::OK, &json!({ "changes": events.iter().map(event).collect::<Vec<_>>() }))
        }
        KeyChange::Refused(refusal) => refused(&refusal),
    })
}

/// Whose key this is; a name follows from the key, so no two issuers share one.
pub(super) async fn owner<'a>(keys: &'a [SigningKeys], kid: &str) -> Result<Option<&'a SigningKeys>, Fault> {
    for own in keys {
        if own.keeper.list().await?.iter().any(|row| row.kid.as_str() == kid) {
            return Ok(Some(own));
        }
    }
    Ok(None)
}

/// `None` when there is no such call.
async fn verb(own: &SigningKeys, words: &[&str], asked: Asked) -> Result<Option<KeyChange>, Fault> {
    let Asked { actor, reason, alg, force, .. } = asked;
    let cause = Cause { actor, reason };
    let haste = if force == Some(true) { Haste::Emergency } else { Haste::Orderly };
    let done = match (words, alg) {
        ([], Some(alg)) => own.keeper.publish(alg, &cause).await?,
        ([kid, verb], None) => {
            let Ok(kid) = KeyId::new(kid) else { return Ok(None) };
            match *verb {
                "activate" => own.keeper.activate(&kid, haste, &cause).await?,
                "retire" => own.keeper.retire(&kid, &cause).await?,
                "withdraw" => own.keeper.withdraw(&kid, &cause).await?,
                _ => return Ok(None),
            }
        }
        (_, _) => return Ok(None),
    };
    Ok(Some(done))
}

async fn read<B>(request: Request<B>) -> Result<Asked, Response<Full<Bytes>>>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let words = "an object with actor, reason and, for a new key, alg and issuer; for activation, force";
    let asked: Asked = order(request, words).await?;
    if !said(&asked.actor) || !said(&asked.reason) {
        let text = "actor and reason are up to 200 printable ASCII characters each, and not empty";
        return Err(refuse(StatusCode::BAD_REQUEST, "invalid_request", text));
    }
    Ok(asked)
}

/// Whether somebody has said something, in words fit for a log.
pub(super) fn said(words: &str) -> bool {
    (1..=WORDS_BYTES).contains(&words.len()) && words.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
}

/// An operator's order; `shape` says what it must look like. A page in the operator's browser can send a form anywhere, but
/// no JSON without being asked first.
pub(super) async fn order<B, T>(request: Request<B>, shape: &str) -> Result<T, Response<Full<Bytes>>>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    T: DeserializeOwned,
{
    let bad = |text: &str| refuse(StatusCode::BAD_REQUEST, "invalid_request", text);
    let media = request.headers().get(http::header::CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    if media != Some(b"application/json") {
        return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request", "send application/json"));
    }
    let body = Box::pin(Limited::new(request.into_body(), BODY_BYTES).collect()).await;
    let bytes = body.map_err(|_| bad("the body is too long or ended early"))?.to_bytes();
    read_strict(&bytes).map_err(|_| bad(shape))
}

fn row(issuer: &Issuer, row: &KeyRow) -> Value {
    json!({
        "issuer": issuer.as_str(),
        "kid": row.kid.as_str(),
        "alg": row.alg.as_str(),
        "use": "sig",
        "stage": row.stage.as_str(),
        "since": text(row.since),
        "until": row.until.map(text),
        "made_at": text(row.made_at),
        "jwk": row.public.to_value(),
    })
}

fn event(event: &KeyEvent) -> Value {
    json!({
        "kid": event.kid.as_str(),
        "alg": event.alg.as_str(),
        "from": event.from.map(KeyStage::as_str),
        "to": event.to.map(KeyStage::as_str),
    })
}

/// RFC 3339.
pub(super) fn text(at: Timestamp) -> String {
    chrono::DateTime::from_timestamp_millis(at.millis())
        .map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
        .unwrap_or_default()
}

fn refused(refusal: &KeyRefusal) -> Response<Full<Bytes>> {
    let status = match refusal {
        KeyRefusal::Unknown => StatusCode::NOT_FOUND,
        KeyRefusal::NoSuchWay { .. }
        | KeyRefusal::TooEarly(_)
        | KeyRefusal::OnlyActive(_)
        | KeyRefusal::SuccessorWaits(_)
        | KeyRefusal::SignsAlready(_)
        | KeyRefusal::Full => StatusCode::CONFLICT,
    };
    refuse(status, "key_life", &refusal.to_string())
}

fn refuse(status: StatusCode, error: &str, description: &str) -> Response<Full<Bytes>> {
    json_answer(status, &json!({ "error": error, "error_description": description }))
}

fn failed(fault: &Fault) -> Response<Full<Bytes>> {
    tracing::error!(%fault, "a change of the signing keys failed");
    refuse(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "nothing is known to have changed; list the keys")
}
