//! A request on its way in: what its head says, read once and bounded.

use std::net::IpAddr;

use http::{HeaderMap, Method};
use oauth_core::{CorrelationId, Entropy, Fault, PeerCertificate, Presented, Timestamp, limits};

use crate::domain::{PaymentId, read_instant};

use super::refusal::{GuardRefusal, HeaderFault};

/// `x-fapi-interaction-id`: ties a request, its answer and our log together.
pub const INTERACTION_ID: &str = "x-fapi-interaction-id";
/// `x-fapi-auth-date`: when the customer last signed in at the client.
pub const AUTH_DATE: &str = "x-fapi-auth-date";
/// `x-fapi-customer-ip-address`: where the customer is; its presence says that there is one.
pub const CUSTOMER_IP: &str = "x-fapi-customer-ip-address";
/// `x-idempotency-key`.
pub const IDEMPOTENCY_KEY: &str = "x-idempotency-key";

/// The head of a request.
#[derive(Clone)]
pub struct Arrived {
    /// The method.
    pub method: Method,
    /// The path as it was called, percent-encoding untouched.
    pub path: String,
    /// The query, without the question mark.
    pub query: Option<String>,
    /// The header fields.
    pub headers: HeaderMap,
    /// The client certificate of the connection.
    pub certificate: Option<PeerCertificate>,
    /// Scheme, host and port as the caller knows them; from configuration, never from `Host`.
    pub origin: String,
    /// The identifier of this call, in every answer.
    pub correlation: CorrelationId,
    /// Whether the caller's own identifier could be used.
    pub interaction: Interaction,
    /// Read once, when the request began.
    pub now: Timestamp,
}

// What was sent holds credentials or what customers own; none of it is for a log.
impl std::fmt::Debug for Arrived {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arrived")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("correlation", &self.correlation)
            .finish_non_exhaustive()
    }
}

/// Where the identifier of a call comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interaction {
    /// The caller sent it, or sent none and got ours.
    Agreed,
    /// The caller sent something that is not one UUID; the answer carries ours.
    Malformed,
}

impl Arrived {
    /// The one value of a header field.
    ///
    /// # Errors
    /// When the field is there twice, too long, or not visible ASCII.
    pub fn header(&self, name: &'static str) -> Result<Option<&str>, GuardRefusal> {
        let mut values = self.headers.get_all(name).iter();
        let malformed = || GuardRefusal::Header { name, fault: HeaderFault::Malformed };
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) if value.len() <= limits::HEADER_VALUE_BYTES => {
                value.to_str().map(Some).map_err(|_| malformed())
            }
            (Some(_), _) => Err(malformed()),
        }
    }

    /// The URI that was really called, as a DPoP proof names it (RFC 9449 section 4.2 `htu`): without the query.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("{}{}", self.origin, self.path)
    }

    /// What the token verifier looks at.
    #[must_use]
    pub fn presented(&self) -> Presented {
        let texts = |name: &str| {
            let values = self.headers.get_all(name).iter();
            values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
        };
        Presented {
            method: self.method.as_str().to_owned(),
            uri: self.uri(),
            dpop: texts("dpop"),
            authorization: texts("authorization"),
            certificate: self.certificate.clone(),
        }
    }
}

/// The identifier of a call: the caller's own UUID, or a fresh one of version 4.
///
/// # Errors
/// When the random source fails.
pub(crate) fn correlate(
    headers: &HeaderMap,
    entropy: &dyn Entropy,
) -> Result<(CorrelationId, Interaction), Fault> {
    let mut values = headers.get_all(INTERACTION_ID).iter();
    let sent = match (values.next(), values.next()) {
        (None, _) => return Ok((fresh(entropy)?, Interaction::Agreed)),
        (Some(one), None) => one.to_str().ok().filter(|text| is_uuid(text)),
        (Some(_), Some(_)) => None,
    };
    match sent.and_then(|text| CorrelationId::new(text).ok()) {
        Some(own) => Ok((own, Interaction::Agreed)),
        None => Ok((fresh(entropy)?, Interaction::Malformed)),
    }
}

fn fresh(entropy: &dyn Entropy) -> Result<CorrelationId, Fault> {
    CorrelationId::new(&fresh_uuid(entropy)?).map_err(|fault| Fault::new("entropy", fault))
}

/// A UUID of version 4 (RFC 9562 section 5.4).
///
/// # Errors
/// When the random source fails.
pub(crate) fn fresh_uuid(entropy: &dyn Entropy) -> Result<String, Fault> {
    let random = entropy.draw()?;
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(random.iter()).for_each(|(to, from)| *to = *from);
    Ok(PaymentId::from_random(bytes).as_str().to_owned())
}

fn is_uuid(text: &str) -> bool {
    crate::domain::IdempotencyKey::uuid(text).is_ok()
}

/// Which spellings of `x-fapi-auth-date` a dialect takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthDate {
    /// The date of HTTP, `Tue, 11 Sep 2012 19:43:31 GMT` (or `UTC` at its end).
    Imf,
    /// That, or RFC 3339.
    ImfOrRfc3339,
}

impl AuthDate {
    /// Whether a value is one of the spellings.
    #[must_use]
    pub fn takes(self, value: &str) -> bool {
        is_imf_date(value) || (self == Self::ImfOrRfc3339 && read_instant(value).is_ok())
    }
}

/// An IPv4 or IPv6 address without zone or brackets.
pub(crate) fn is_address(value: &str) -> bool {
    value.len() <= 45 && value.parse::<IpAddr>().is_ok()
}

/// RFC 9110 section 5.6.7 `IMF-fixdate`, with `GMT` or `UTC`; the day of the week need not fit the date.
fn is_imf_date(value: &str) -> bool {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let parts: Vec<&str> = value.split(' ').collect();
    let [day_name, day, month, year, time, zone] = parts.as_slice() else { return false };
    let digits = |text: &str, width: usize| text.len() == width && text.bytes().all(|b| b.is_ascii_digit());
    let within = |text: &str, max: u8| digits(text, 2) && text.parse::<u8>().is_ok_and(|value| value <= max);
    let clock: Vec<&str> = time.split(':').collect();
    day_name.strip_suffix(',').is_some_and(|name| DAYS.contains(&name))
        && within(day, 31)
        && *day != "00"
        && MONTHS.contains(month)
        && digits(year, 4)
        && matches!(clock.as_slice(), [hours, minutes, seconds]
            if within(hours, 23) && within(minutes, 59) && within(seconds, 60))
        && matches!(*zone, "GMT" | "UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_http_is_read_and_nothing_near_it() {
        assert!(AuthDate::Imf.takes("Tue, 11 Sep 2012 19:43:31 GMT"));
        assert!(AuthDate::Imf.takes("Tue, 11 Sep 2012 19:43:31 UTC"));
        for bad in [
            "Tue, 11 Sep 2012 24:43:31 GMT",
            "Tue 11 Sep 2012 19:43:31 GMT",
            "Tue, 11 Sep 12 19:43:31 GMT",
            "Tue, 11 Sep 2012 19:43:31 PST",
            "2012-09-11T19:43:31Z",
            "",
        ] {
            assert!(!AuthDate::Imf.takes(bad), "{bad}");
        }
        assert!(AuthDate::ImfOrRfc3339.takes("2012-09-11T19:43:31Z"));
    }

    #[test]
    fn an_address_is_one_of_either_version_and_nothing_else() {
        assert!(is_address("198.51.100.119"));
        assert!(is_address("2001:db8::1893:25c8:1946"));
        for bad in ["", "198.51.100", "[::1]", "fe80::1%eth0", "example.com", "198.51.100.119, 10.0.0.1"] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
