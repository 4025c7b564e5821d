//! OFxPERA section 7.1: consents as a participant handles them.

use http::header::ETAG;
use http::{HeaderValue, StatusCode};
use oauth_core::{ConsentId, json as strict};
use rar_consent::{Consent, Terms};

use super::answers::{by_key, query, told};
use super::body::{ChangedConsent, NewConsent};
use super::error::{Code, Problem};
use super::{Ofxpera, map};
use crate::dialect::{Answer, Call};
use crate::domain::Line;
use crate::operation::{amend, consents};

pub(super) async fn create_consent(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let tree = strict::read_value(&call.body).map_err(|_| Problem::new(Code::InvalidRequest))?;
    let (operations, authority) = (&dialect.operations, &call.authority);
    let by = by_key(call, &tree);
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

/// Section 7.1: to something else before the customer has seen it, to less afterwards.
pub(super) async fn update_consent(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let id = consent_id(call)?;
    let tree = strict::read_value(&call.body).map_err(|_| Problem::new(Code::InvalidRequest))?;
    let amendment = map::amendment(map::read::<ChangedConsent>(tree)?, revisions(call)?)?;
    let (operations, authority) = (&dialect.operations, &call.authority);
    let before = consents::read(operations, authority, &id).await?;
    ours(&before)?;
    let consent = amend::amend(operations, authority, &id, &amendment).await?;
    consent_told(dialect, call, StatusCode::OK, &consent)
}

/// RFC 9110 section 13.1.1: the revisions behind the tags of `If-Match`. Tags are compared strongly, and one that is not ours
/// names no revision.
fn revisions(call: &Call) -> Result<Option<Vec<i64>>, Problem> {
    let sent = call.arrived.header("if-match").map_err(|_| Problem::at(Code::InvalidHeader, "if-match"))?;
    let Some(list) = sent.filter(|list| list.trim_ascii() != "*") else { return Ok(None) };
    let tags = list.split(',').map(str::trim_ascii).map(|tag| {
        let quoted = tag.strip_prefix("W/").unwrap_or(tag);
        let bare = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let bare = bare.ok_or_else(|| Problem::at(Code::InvalidHeader, "if-match"))?;
        Ok::<_, Problem>(bare.parse::<i64>().ok().filter(|_| quoted == tag))
    });
    let tags: Vec<Option<i64>> = tags.collect::<Result<_, _>>()?;
    Ok(Some(tags.into_iter().flatten().collect()))
}

pub(super) async fn revoke_consent(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let query = query(call)?;
    let reason = query.one("reason")?.unwrap_or("revoked by the participant");
    Line::<255>::new(reason).map_err(|_| Problem::at(Code::InvalidField, "reason"))?;
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
