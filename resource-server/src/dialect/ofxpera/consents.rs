//! OFxPERA section 7.1: consents as a participant handles them.

use http::header::ETAG;
use http::{HeaderValue, StatusCode};
use oauth_core::{ConsentId, json as strict};
use rar_consent::{Consent, Terms};

use super::body::NewConsent;
use super::error::{Code, Problem};
use super::routes::{query, told};
use super::{Ofxpera, map};
use crate::dialect::{Answer, Call};
use crate::domain::RequestFingerprint;
use crate::operation::consents::{self, RetriedBy};

pub(super) async fn create_consent(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let tree = strict::read_value(&call.body).map_err(|_| Problem::new(Code::InvalidRequest))?;
    let (operations, authority) = (&dialect.operations, &call.authority);
    let by = call.key.clone().map(|key| {
        let fingerprint = RequestFingerprint::of(&strict::canonical(&tree));
        RetriedBy { key, fingerprint }
    });
    if let Some(by) = &by
        && let Some(first) = consents::replay(operations, authority, by).await?
    {
        return consent_told(dialect, call, StatusCode::CREATED, &first);
    }
    authority.pass().map_err(|refusal| Problem::of_guard(&refusal))?;
    let terms = map::terms(map::read::<NewConsent>(tree)?)?;
    terms.check(call.arrived.now)?;
    if terms.data_holder != dialect.settings.organization_id {
        return Err(Problem::at(Code::UnknownDataHolder, "data.data_holder_id"));
    }
    let consent = consents::lodge(operations, authority, Terms::Ofxpera(terms), by).await?;
    consent_told(dialect, call, StatusCode::CREATED, &consent)
}

pub(super) async fn one_consent(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let consent = consents::read(&dialect.operations, &call.authority, &consent_id(call)?).await?;
    consent_told(dialect, call, StatusCode::OK, &consent)
}

pub(super) async fn revoke_consent(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let query = query(call)?;
    let reason = query.one("reason")?.unwrap_or("revoked by the participant");
    let printable = reason.chars().all(|character| !character.is_control());
    if reason.is_empty() || reason.chars().count() > 255 || !printable {
        return Err(Problem::at(Code::InvalidField, "reason"));
    }
    let id = consent_id(call)?;
    let before = consents::read(&dialect.operations, &call.authority, &id).await?;
    ours(&before)?;
    let consent = consents::revoke(&dialect.operations, &call.authority, &id, reason).await?;
    consent_told(dialect, call, StatusCode::OK, &consent)
}

fn consent_id(call: &Call) -> Result<ConsentId, Problem> {
    ConsentId::new(call.param(0)).map_err(|_| Problem::new(Code::ConsentNotFound))
}

/// The terms of a consent of this interface; any other is not found here.
fn ours(consent: &Consent) -> Result<&rar_consent::OfxperaConsent, Problem> {
    match &consent.terms {
        Terms::Ofxpera(terms) => Ok(terms),
        Terms::UaePayment(_) | Terms::Payment(_) | Terms::Accounts(_) => {
            Err(Problem::new(Code::ConsentNotFound))
        }
    }
}

fn consent_told(
    dialect: &Ofxpera,
    call: &Call,
    status: StatusCode,
    consent: &Consent,
) -> Result<Answer, Problem> {
    let shown = map::consent(consent, ours(consent)?);
    let mut answer = told(dialect, call, status, (shown, &format!("/common/consent/{}", consent.id)))?;
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", consent.revision)) {
        answer.headers_mut().insert(ETAG, tag);
    }
    Ok(answer)
}
