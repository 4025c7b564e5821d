//! Query strings (RFC 3986 section 3.4), decoded once, names and values.

/// The parameters of a query, in the order sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

/// Why a query cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryFault {
    /// A percent sign without two digits, or octets that are not UTF-8.
    #[error("malformed query")]
    Malformed,
    /// More parameters or octets than we read.
    #[error("query too long")]
    TooLong,
    /// This parameter twice.
    #[error("parameter {0} is repeated")]
    Repeated(&'static str),
}

impl Query {
    /// Reads a query; an absent one is empty.
    ///
    /// # Errors
    /// [`QueryFault::Malformed`] or [`QueryFault::TooLong`].
    pub fn read(query: Option<&str>) -> Result<Self, QueryFault> {
        let text = query.unwrap_or_default();
        if text.len() > oauth_core::limits::QUERY_BYTES {
            return Err(QueryFault::TooLong);
        }
        let mut pairs = Vec::new();
        for parameter in text.split('&').filter(|parameter| !parameter.is_empty()) {
            if pairs.len() == oauth_core::limits::FORM_PARAMETERS {
                return Err(QueryFault::TooLong);
            }
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            pairs.push((decode(name)?, decode(value)?));
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter that may be there once.
    ///
    /// # Errors
    /// [`QueryFault::Repeated`].
    pub fn one(&self, name: &'static str) -> Result<Option<&str>, QueryFault> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (first, None) => Ok(first),
            (_, Some(_)) => Err(QueryFault::Repeated(name)),
        }
    }

    /// The same query with some parameters set anew, after the others.
    #[must_use]
    pub fn with(&self, set: &[(&str, String)]) -> String {
        let kept = self.0.iter().filter(|(name, _)| !set.iter().any(|(other, _)| other == name));
        let kept = kept.map(|(name, value)| (name.as_str(), value));
        let pairs: Vec<String> = kept
            .chain(set.iter().map(|(name, value)| (*name, value)))
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        pairs.join("&")
    }
}

fn decode(text: &str) -> Result<String, QueryFault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                let (high, low) = digit(rest.next()).zip(digit(rest.next())).ok_or(QueryFault::Malformed)?;
                u8::try_from(high * 16 + low).map_err(|_| QueryFault::Malformed)?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| QueryFault::Malformed)
}

/// RFC 3986 section 2.3: everything but unreserved characters is encoded.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_decoded_and_may_be_there_once() {
        let query = Query::read(Some("a=1%2B1&b=x+y&c&a2=2")).unwrap();
        assert_eq!(query.one("a"), Ok(Some("1+1")));
        assert_eq!(query.one("b"), Ok(Some("x y")));
        assert_eq!(query.one("c"), Ok(Some("")));
        assert_eq!(query.one("d"), Ok(None));
        assert_eq!(Query::read(Some("a=1&a=2")).unwrap().one("a"), Err(QueryFault::Repeated("a")));
    }

    #[test]
    fn what_is_no_query_is_refused() {
        for bad in ["a=%", "a=%4", "a=%zz", "a=%ff"] {
            assert_eq!(Query::read(Some(bad)), Err(QueryFault::Malformed), "{bad}");
        }
        assert_eq!(Query::read(Some(&"a=1&".repeat(65))), Err(QueryFault::TooLong));
    }

    #[test]
    fn setting_a_parameter_keeps_the_others() {
        let query = Query::read(Some("status=ACTIVE&page=3&x=a%26b")).unwrap();
        assert_eq!(query.with(&[("page", "4".to_owned())]), "status=ACTIVE&x=a%26b&page=4");
    }
}
