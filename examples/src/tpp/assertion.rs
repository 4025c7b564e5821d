//! Client assertions (RFC 7523 section 3, FAPI 2.0 Security Profile section 5.3.3.2).

use oauth_core::{Seconds, Timestamp};
use serde::Serialize;

use super::error::Stop;
use super::keys::{ClientKey, Random};

/// `client_assertion_type`
pub(crate) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long an assertion is good for.
const LIFETIME: Seconds = Seconds::new(60);

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: i64,
    exp: i64,
}

/// Signs a new assertion. Every request needs its own, a repeated one as well: the server spends the `jti`.
pub(crate) fn assertion(
    client_id: &str,
    issuer: &str,
    now: Timestamp,
    random: &Random,
    key: &ClientKey,
) -> Result<String, Stop> {
    let claims = Claims {
        iss: client_id,
        sub: client_id,
        aud: issuer,
        jti: random.text()?,
        iat: now.seconds(),
        exp: now.plus(LIFETIME).seconds(),
    };
    key.sign(None, &claims)
}

#[cfg(test)]
mod tests {
    use oauth_core::jose::Jws;
    use oauth_core::limits;
    use serde_json::Value;

    use super::*;
    use crate::tpp::keys::tests::{fresh, random};

    #[test]
    fn every_assertion_has_its_own_jti_the_issuer_as_audience_and_a_short_life() {
        let (key, public) = fresh("k1");
        let make = || {
            let text =
                assertion("palm", "https://bank", Timestamp::from_seconds(1000), &random(), &key).unwrap();
            let jws = Jws::parse(&text, limits::JWT_BYTES).unwrap();
            assert_eq!(jws.kid(), Some("k1"));
            jws.verify(&public).unwrap().claims::<Value>().unwrap()
        };
        let (one, two) = (make(), make());
        assert_ne!(one["jti"], two["jti"]);
        assert_eq!(one["aud"], "https://bank");
        assert_eq!((&one["iss"], &one["sub"]), (&"palm".into(), &"palm".into()));
        assert_eq!((one["iat"].as_i64(), one["exp"].as_i64()), (Some(1000), Some(1060)));
    }
}
