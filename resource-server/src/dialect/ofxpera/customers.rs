//! Sections 7.2 and 8.3: customers, and how they become known.

use http::StatusCode;
use oauth_core::{ConsentId, json as strict};

use super::answers::{by_key, told};
use super::body::CustomerInformation;
use super::error::{Code, Problem};
use super::{Ofxpera, map};
use crate::dialect::{Answer, Call};
use crate::operation::customers;

pub(super) async fn customer(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let file = customers::file(&dialect.operations, &call.authority).await?;
    told(dialect, call, StatusCode::OK, (map::contact(&file), "/common/customer"))
}

/// Section 7.2: another customer is not found, whether there is one or not.
pub(super) async fn customer_detail(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let own = call.authority.subject.as_ref().is_some_and(|own| own.as_str() == call.param(0));
    if !own {
        return Err(Problem::new(Code::CustomerNotFound));
    }
    let file = customers::file(&dialect.operations, &call.authority).await?;
    let shown = map::information(&file, consent(call)?, &call.authority.client.organisation.id);
    told(dialect, call, StatusCode::OK, (shown, &format!("/common/customer/{}/detail", file.customer)))
}

/// Section 8.3. A repeat is answered before the consent is looked at, and the consent before the body.
pub(super) async fn submit_customer(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let (operations, authority) = (&dialect.operations, &call.authority);
    let Ok(tree) = strict::read_value(&call.body) else {
        authority.pass().map_err(|refusal| Problem::of_guard(&refusal))?;
        return Err(Problem::new(Code::InvalidRequest));
    };
    let by = by_key(call, &tree).ok_or_else(|| Problem::at(Code::MissingHeader, "x-idempotency-key"))?;
    let known = match customers::replay(operations, authority, &by).await? {
        Some(first) => first,
        None => {
            let subject = authority.subject.as_ref().ok_or_else(|| Problem::new(Code::CustomerNotFound))?;
            let file = map::file(map::read::<CustomerInformation>(tree)?, (consent(call)?, subject))?;
            customers::submit(operations, authority, file, by).await?
        }
    };
    let shown = map::onboarding(&known, &dialect.settings.organization_id);
    told(dialect, call, StatusCode::CREATED, (shown, "/banking/customer"))
}

pub(super) async fn onboarding(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let known = customers::onboarding(&dialect.operations, &call.authority).await?;
    let shown = map::onboarding(&known, &dialect.settings.organization_id);
    told(dialect, call, StatusCode::OK, (shown, "/banking/customer"))
}

fn consent(call: &Call) -> Result<&ConsentId, Problem> {
    let consent = call.authority.consent.as_ref();
    consent.map(|consent| &consent.id).ok_or_else(|| Problem::new(Code::ConsentNotGranted))
}
