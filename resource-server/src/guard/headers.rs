//! Header fields of a dialect's routes, judged by its rules.

use http::header::ACCEPT;
use oauth_core::Client;

use crate::dialect::{HeaderRules, KeyForm, Participant, Versions};
use crate::domain::IdempotencyKey;

use super::arrived::{
    AUTH_DATE, Arrived, CUSTOMER_IP, IDEMPOTENCY_KEY, INTERACTION_ID, Interaction, is_address,
};
use super::needs::{Body, Needs, Retry};
use super::refusal::{GuardRefusal, HeaderFault};

/// `participant-id`: the organisation that calls.
const PARTICIPANT: &str = "participant-id";
/// `x-v`: the version of the interface that is asked for.
const VERSION: &str = "x-v";

/// What the header fields ask for.
pub(crate) struct Asked {
    pub(crate) key: Option<IdempotencyKey>,
}

/// Judges the header fields of a call.
///
/// # Errors
/// The first field that is missing or malformed, a media type that does not fit, or a foreign participant.
pub(crate) fn judge(
    arrived: &Arrived,
    (rules, produces): (&HeaderRules, &[&str]),
    needs: &Needs,
    client: &Client,
) -> Result<Asked, GuardRefusal> {
    if arrived.interaction == Interaction::Malformed {
        return Err(malformed(INTERACTION_ID));
    }
    if arrived.header(AUTH_DATE)?.is_some_and(|date| !rules.auth_date.takes(date)) {
        return Err(malformed(AUTH_DATE));
    }
    if arrived.header(CUSTOMER_IP)?.is_some_and(|address| !is_address(address)) {
        return Err(malformed(CUSTOMER_IP));
    }
    version(arrived, rules)?;
    let participant = participant(arrived, rules)?;
    media(arrived, produces, needs)?;
    let key = key(arrived, rules, needs)?;
    if participant.is_some_and(|organisation| organisation != client.organisation.id) {
        return Err(GuardRefusal::Participant);
    }
    Ok(Asked { key })
}

fn version(arrived: &Arrived, rules: &HeaderRules) -> Result<(), GuardRefusal> {
    let asked = match rules.version {
        Versions::Ignored => None,
        Versions::One => arrived.header(VERSION)?,
    };
    let Some(asked) = asked else { return Ok(()) };
    let parts: Vec<&str> = asked.split('.').collect();
    let number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match parts.as_slice() {
        [major] | [major, _, _] if parts.iter().all(number) && !major.starts_with('0') => match *major {
            "1" => Ok(()),
            _ => Err(GuardRefusal::Version),
        },
        _ => Err(malformed(VERSION)),
    }
}

fn participant<'a>(arrived: &'a Arrived, rules: &HeaderRules) -> Result<Option<&'a str>, GuardRefusal> {
    match rules.participant {
        Participant::Ignored => Ok(None),
        Participant::Required => {
            let id = arrived.header(PARTICIPANT)?.ok_or_else(|| missing(PARTICIPANT))?;
            let well_formed = (1..=64).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
            if well_formed { Ok(Some(id)) } else { Err(malformed(PARTICIPANT)) }
        }
    }
}

fn media(arrived: &Arrived, produces: &[&str], needs: &Needs) -> Result<(), GuardRefusal> {
    let wanted: Vec<&str> =
        arrived.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let takes = |produced: &&str| wanted.iter().any(|list| accepts(list, produced));
    if !wanted.is_empty() && !produces.iter().any(takes) {
        return Err(GuardRefusal::NotAcceptable);
    }
    let needed = match needs.body {
        Body::None => return Ok(()),
        Body::Json => "application/json",
        Body::SignedJwt => "application/jwt",
    };
    let sent = arrived.header("content-type").map_err(|_| GuardRefusal::MediaType)?;
    match sent.map(essence) {
        Some(sent) if sent.eq_ignore_ascii_case(needed) => Ok(()),
        Some(_) | None => Err(GuardRefusal::MediaType),
    }
}

/// RFC 9110 section 12.5.1: whether a list of media ranges takes a type. A weight of zero takes it away.
pub(crate) fn accepts(list: &str, produced: &str) -> bool {
    let group = produced.split('/').next().unwrap_or_default();
    list.split(',').any(|range| {
        let kind = essence(range);
        let matches = kind == "*/*"
            || kind.eq_ignore_ascii_case(produced)
            || kind.strip_suffix("/*").is_some_and(|wanted| wanted.eq_ignore_ascii_case(group));
        matches && !refuses_weight(range)
    })
}

fn refuses_weight(range: &str) -> bool {
    range.split(';').skip(1).map(str::trim_ascii).any(|parameter| {
        parameter.strip_prefix("q=").is_some_and(|weight| {
            weight.bytes().all(|byte| byte == b'0' || byte == b'.') && weight.starts_with('0')
        })
    })
}

fn essence(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim_ascii()
}

fn key(
    arrived: &Arrived,
    rules: &HeaderRules,
    needs: &Needs,
) -> Result<Option<IdempotencyKey>, GuardRefusal> {
    let sent = match needs.retry {
        Retry::None => None,
        Retry::ByOptionalKey => arrived.header(IDEMPOTENCY_KEY)?,
        Retry::ByIdempotencyKey => {
            Some(arrived.header(IDEMPOTENCY_KEY)?.ok_or_else(|| missing(IDEMPOTENCY_KEY))?)
        }
    };
    let read = sent.map(|text| match rules.key {
        KeyForm::Uuid => IdempotencyKey::uuid(text),
        KeyForm::Visible => IdempotencyKey::new(text),
    });
    read.transpose().map_err(|_| malformed(IDEMPOTENCY_KEY))
}

const fn missing(name: &'static str) -> GuardRefusal {
    GuardRefusal::Header { name, fault: HeaderFault::Missing }
}

const fn malformed(name: &'static str) -> GuardRefusal {
    GuardRefusal::Header { name, fault: HeaderFault::Malformed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_9110_section_12_5_1_lists_parameters_and_wildcards_are_understood() {
        for good in [
            "application/json",
            "application/json;charset=UTF-8",
            "application/json, application/*",
            "text/html, */*;q=0.1",
            "APPLICATION/JSON",
        ] {
            assert!(accepts(good, "application/json"), "{good}");
        }
        for bad in ["text/html", "application/xml", "application/json;q=0", "application/json; q=0.000", ""] {
            assert!(!accepts(bad, "application/json"), "{bad}");
        }
    }
}
