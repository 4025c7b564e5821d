//! Small well-formed values to start a test from: change the one thing the test is about. The public way to them is
//! the test kit.
#![expect(clippy::expect_used, reason = "the texts are constants of this file or names a test chose")]

use serde_json::json;

use crate::jose::Audience;
use crate::model::binding::{Binding, Thumbprint};
use crate::model::claims_request::ClaimsRequest;
use crate::model::details::{Confidential, VettedDetail, VettedDetails};
use crate::model::grant::{Authentication, Grant, Stage};
use crate::model::request::{Prompt, VettedRequest};
use crate::model::token::AccessClaims;
use crate::policy::AnswerBy;
use crate::vocabulary::id::{ClientId, ConsentId, DetailType, GrantId, Subject};
use crate::vocabulary::scope::Scope;
use crate::vocabulary::secret::{Fingerprint, Kind, Secret};
use crate::vocabulary::time::{Seconds, Timestamp};
use crate::vocabulary::uri::{Issuer, RedirectUri};

/// `https://as.example`.
#[must_use]
pub fn issuer() -> Issuer {
    Issuer::new("https://as.example").expect("an issuer")
}

/// A vetted request of the client `tpp`, pushed now.
#[must_use]
pub fn vetted_request(now: Timestamp) -> VettedRequest {
    VettedRequest {
        issuer: issuer(),
        client: ClientId::new("tpp").expect("a client identifier"),
        redirect_uri: redirect_uri(),
        answer_by: AnswerBy::Query,
        scope: scope(),
        state: Some("state-é \"'".into()),
        nonce: Some("nonce".into()),
        code_challenge: Some(Thumbprint::of(b"verifier")),
        dpop_jkt: Some(Thumbprint::of(b"key")),
        details: details(now),
        prompt: Prompt::Login,
        max_age: Some(Seconds::minutes(5)),
        acr_values: vec!["urn:openbanking:psd2:sca".into()],
        login_hint: Some("alice".into()),
        ui_locales: vec!["ar-AE".into()],
        resource: None,
        claims: ClaimsRequest { userinfo: vec!["email".into()], ..ClaimsRequest::default() },
        asked_at: now,
    }
}

/// A grant opened now by the customer `alice` for the client `tpp`; its code lives a minute, the grant an hour.
///
/// # Panics
/// When the name is not a grant identifier.
#[must_use]
pub fn grant(id: &str, now: Timestamp) -> Grant {
    Grant {
        id: GrantId::new(id).expect("a grant identifier"),
        issuer: issuer(),
        client: ClientId::new("tpp").expect("a client identifier"),
        subject: Subject::new("alice").expect("a subject"),
        scope: scope(),
        details: details(now),
        resource: None,
        redirect_uri: redirect_uri(),
        code_challenge: Some(Thumbprint::of(b"verifier")),
        dpop_jkt: Some(Thumbprint::of(b"key")),
        nonce: Some("nonce".into()),
        claims: ClaimsRequest { id_token: vec!["name".into()], ..ClaimsRequest::default() },
        authentication: Authentication {
            at: now,
            acr: "urn:openbanking:psd2:sca".into(),
            amr: vec!["pwd".into(), "otp".into()],
        },
        opened_at: now,
        code_until: now.plus(Seconds::minutes(1)),
        until: now.plus(Seconds::minutes(60)),
        stage: Stage::Opened,
    }
}

/// The claims of an access token of the client `tpp`, issued now for five minutes.
#[must_use]
pub fn access_claims(jti: &str, grant: Option<&GrantId>, now: Timestamp) -> AccessClaims {
    AccessClaims {
        iss: issuer(),
        sub: "alice".into(),
        aud: Audience::One("https://rs.example".into()),
        client_id: ClientId::new("tpp").expect("a client identifier"),
        scope: scope(),
        iat: now.seconds(),
        exp: now.plus(Seconds::minutes(5)).seconds(),
        jti: jti.to_owned(),
        cnf: Binding::Dpop(Thumbprint::of(b"key")),
        authorization_details: details(now).echo(),
        grant_id: grant.cloned(),
        consent_id: None,
        consent_text_sha256: None,
        auth_time: Some(now.seconds()),
        acr: None,
        userinfo_claims: Vec::new(),
    }
}

/// The fingerprint of a secret that only this name leads to, at [`issuer`].
#[must_use]
pub fn fingerprint<K: Kind>(name: &str) -> Fingerprint<K> {
    let bytes = zeroize::Zeroizing::new(*Thumbprint::of(name.as_bytes()).as_bytes());
    Secret::<K>::from_random(&bytes).fingerprint(&issuer())
}

fn details(now: Timestamp) -> VettedDetails {
    VettedDetails {
        elements: vec![VettedDetail {
            kind: detail_type(),
            value: json!({
                "type": "payment_initiation",
                "instructedAmount": {"currency": "EUR", "amount": "12.50"},
                "creditorName": "Müller & Söhne \u{1f642}",
                "count": 9_007_199_254_740_993_i64,
            }),
            confidential: Some(Confidential(json!({"creditor": "AE050260001015432198765"}))),
        }],
        scope: scope(),
        consent: Some(ConsentId::new("consent-1").expect("a consent identifier")),
        until: Some(now.plus(Seconds::days(90))),
        shown: Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned()),
    }
}

pub(crate) fn detail_type() -> DetailType {
    DetailType::new("payment_initiation").expect("a type")
}

pub(crate) fn redirect_uri() -> RedirectUri {
    RedirectUri::new("https://tpp.example/callback").expect("a redirect URI")
}

pub(crate) fn scope() -> Scope {
    Scope::new("openid payments").expect("a scope")
}
