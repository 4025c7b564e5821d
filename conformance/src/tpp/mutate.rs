//! The mistakes a client can make, one name each. Everything not named stays honest.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::tpp::jws::{Draft, Members};
use crate::tpp::keys::Key;
use crate::{Doing as _, Trouble};

/// No mistake at all.
pub const HONEST: &[Mistake] = &[];

/// The tokens a client signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jws {
    /// The client assertion.
    Assertion,
    /// The `DPoP` proof.
    Proof,
    /// The request object.
    RequestObject,
}

/// Where a mistake is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The JOSE header of a token, before it is signed.
    Header(Jws),
    /// The claims of a token, before it is signed.
    Claims(Jws),
    /// The form at PAR, with the fields that authenticate the client.
    PushForm,
    /// The form at the token endpoint, with the fields that authenticate the client.
    TokenForm,
    /// The form at introspection or revocation.
    OtherForm,
}

/// What is done to one member.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// It gets another value, or appears.
    Set(Value),
    /// It is left out.
    Remove,
    /// It is sent a second time, with this value.
    Duplicate(Value),
}

/// What is done to a whole token.
#[derive(Debug, Clone, PartialEq)]
pub enum Forgery {
    /// Signed by a fresh key of the same kind, under the same name.
    OtherKey,
    /// Signed by this algorithm, and saying so: `RS256`, `HS256` keyed with the public key, `none`.
    Algorithm(&'static str),
    /// Saying this algorithm in the header, but signed by the registered one.
    ClaimedAlgorithm(&'static str),
    /// One bit of the signature flipped.
    Broken,
    /// One letter appended after the signature.
    Longer,
    /// A fifth part, as JWE has.
    FiveParts,
    /// Not sent.
    Omitted,
    /// Sent twice.
    Twice,
    /// Another text sent in its place: yesterday's token, or none at all.
    Verbatim(String),
}

/// One mistake.
#[derive(Debug, Clone, PartialEq)]
pub enum Mistake {
    /// One member of one part is changed.
    Member {
        /// Where.
        part: Part,
        /// Which member.
        name: String,
        /// How.
        change: Change,
    },
    /// One token is forged.
    Token {
        /// Which token.
        jws: Jws,
        /// How.
        forgery: Forgery,
    },
}

impl fmt::Display for Mistake {
    /// What is wrong, for a report: long values are cut and private keys left out.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member { part, name, change: Change::Set(value) } => {
                write!(out, "{name} in {part:?} is {}", short(value))
            }
            Self::Member { part, name, change: Change::Remove } => write!(out, "no {name} in {part:?}"),
            Self::Member { part, name, change: Change::Duplicate(value) } => {
                write!(out, "{name} in {part:?} comes again as {}", short(value))
            }
            Self::Token { jws, forgery: Forgery::Verbatim(_) } => write!(out, "{jws:?} is another text"),
            Self::Token { jws, forgery } => write!(out, "{jws:?} is {forgery:?}"),
        }
    }
}

fn short(value: &Value) -> String {
    if value.get("d").is_some() {
        return "a private key".to_owned();
    }
    let text = value.to_string();
    let cut: String = text.chars().take(80).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}

/// A member gets another value, or appears.
pub fn set(part: Part, name: &str, value: impl Into<Value>) -> Mistake {
    Mistake::Member { part, name: name.to_owned(), change: Change::Set(value.into()) }
}

/// A member is left out.
pub fn remove(part: Part, name: &str) -> Mistake {
    Mistake::Member { part, name: name.to_owned(), change: Change::Remove }
}

/// A member is sent a second time.
pub fn duplicate(part: Part, name: &str, value: impl Into<Value>) -> Mistake {
    Mistake::Member { part, name: name.to_owned(), change: Change::Duplicate(value.into()) }
}

/// A token is forged.
pub fn forge(jws: Jws, forgery: Forgery) -> Mistake {
    Mistake::Token { jws, forgery }
}

/// Makes the mistakes of one part.
pub fn apply(part: Part, members: &mut Members, mistakes: &[Mistake]) {
    for mistake in mistakes {
        match mistake {
            Mistake::Member { part: own, name, change } if *own == part => match change {
                Change::Set(value) => members.set(name, value.clone()),
                Change::Remove => members.remove(name),
                Change::Duplicate(value) => members.add(name, value.clone()),
            },
            Mistake::Member { .. } | Mistake::Token { .. } => {}
        }
    }
}

/// Signs a draft with its mistakes. The answer is everything to be sent: one token, none, or two.
///
/// # Errors
/// When the key cannot sign that way.
pub fn seal(jws: Jws, mut draft: Draft, key: &Key, mistakes: &[Mistake]) -> Result<Vec<String>, Trouble> {
    apply(Part::Header(jws), &mut draft.header, mistakes);
    apply(Part::Claims(jws), &mut draft.claims, mistakes);
    let forgery = mistakes.iter().find_map(|mistake| match mistake {
        Mistake::Token { jws: own, forgery } if *own == jws => Some(forgery),
        Mistake::Token { .. } | Mistake::Member { .. } => None,
    });
    match forgery {
        // a member changed to nonsense is still signed honestly, so that only that member is wrong
        None => Ok(vec![draft.sign_despite_header(key)?]),
        Some(forgery) => forged(draft, key, forgery),
    }
}

fn forged(mut draft: Draft, key: &Key, forgery: &Forgery) -> Result<Vec<String>, Trouble> {
    let honest = draft.sign_despite_header(key)?;
    Ok(match forgery {
        Forgery::OtherKey => vec![draft.sign_despite_header(&Key::generate(key.alg(), key.id())?)?],
        Forgery::Algorithm(name) => {
            draft.header.set("alg", *name);
            vec![draft.sign(key)?]
        }
        Forgery::ClaimedAlgorithm(name) => {
            draft.header.set("alg", *name);
            vec![draft.sign_despite_header(key)?]
        }
        Forgery::Broken => vec![broken(&honest)?],
        Forgery::Longer => vec![format!("{honest}A")],
        Forgery::FiveParts => vec![format!("{honest}.e30.e30")],
        Forgery::Omitted => Vec::new(),
        Forgery::Twice => vec![honest.clone(), honest],
        Forgery::Verbatim(text) => vec![text.clone()],
    })
}

fn broken(compact: &str) -> Result<String, Trouble> {
    let (input, signature) = compact.rsplit_once('.').doing("find the signature")?;
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).doing("decode the signature")?;
    *bytes.last_mut().doing("find the end of the signature")? ^= 1;
    Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tpp::assertion;
    use crate::tpp::jws::peek;
    use crate::tpp::keys::Alg;
    use crate::tpp::keys::tests::ALGS;
    use crate::tpp::verify::ServerKeys;

    fn sealed(key: &Key, mistakes: &[Mistake]) -> Vec<String> {
        seal(Jws::Assertion, assertion::draft("c", "https://as.example", key), key, mistakes).unwrap()
    }

    fn holds(key: &Key, compact: &str) -> bool {
        let keys = ServerKeys::new(&json!({"keys": [key.registered()]})).unwrap();
        keys.open(compact, &["PS256", "ES256", "EdDSA"]).is_ok()
    }

    #[test]
    fn an_honest_assertion_verifies_and_has_one_text_audience() {
        for alg in ALGS {
            let key = Key::generate(alg, "k").unwrap();
            let [token] = sealed(&key, HONEST).try_into().unwrap();
            assert!(holds(&key, &token));
            let (header, claims) = peek(&token).unwrap();
            assert_eq!((&header["kid"], &header["alg"]), (&json!("k"), &json!(alg.name())));
            assert_eq!(
                (&claims["iss"], &claims["sub"], &claims["aud"]),
                (&json!("c"), &json!("c"), &json!("https://as.example"))
            );
            assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
        }
    }

    #[test]
    fn a_changed_member_is_the_only_thing_wrong() {
        let key = Key::generate(Alg::Es256, "k").unwrap();
        let [token] =
            sealed(&key, &[set(Part::Claims(Jws::Assertion), "aud", json!(["a"]))]).try_into().unwrap();
        assert!(holds(&key, &token));
        assert_eq!(peek(&token).unwrap().1["aud"], json!(["a"]));
        let [token] = sealed(&key, &[remove(Part::Claims(Jws::Assertion), "jti")]).try_into().unwrap();
        assert!(holds(&key, &token) && peek(&token).unwrap().1.get("jti").is_none());
        let [token] = sealed(&key, &[set(Part::Claims(Jws::Proof), "jti", "x")]).try_into().unwrap();
        assert_ne!(peek(&token).unwrap().1["jti"], "x", "a mistake elsewhere is not made here");
    }

    #[test]
    fn a_mistake_is_told_without_private_keys_and_at_no_length() {
        let key = Key::generate(Alg::Es256, "k").unwrap();
        let secret = key.exposed()["d"].as_str().unwrap().to_owned();
        let told = set(Part::Header(Jws::Proof), "jwk", key.exposed()).to_string();
        assert!(!told.contains(&secret) && told.contains("private key"), "{told}");
        assert!(set(Part::PushForm, "state", "x".repeat(5000)).to_string().len() < 150);
        assert_eq!(remove(Part::PushForm, "state").to_string(), "no state in PushForm");
    }

    #[test]
    fn a_duplicated_claim_is_really_there_twice() {
        let key = Key::generate(Alg::EdDsa, "k").unwrap();
        let [token] =
            sealed(&key, &[duplicate(Part::Claims(Jws::Assertion), "sub", "other")]).try_into().unwrap();
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        assert_eq!(String::from_utf8(claims).unwrap().matches("\"sub\":").count(), 2);
    }

    #[test]
    fn every_forgery_fails_verification() {
        let key = Key::generate(Alg::Ps256, "k").unwrap();
        for forgery in [
            Forgery::OtherKey,
            Forgery::Algorithm("RS256"),
            Forgery::Algorithm("HS256"),
            Forgery::Algorithm("none"),
            Forgery::ClaimedAlgorithm("ES256"),
            Forgery::Broken,
            Forgery::Longer,
            Forgery::FiveParts,
            Forgery::Verbatim("a.b.c".into()),
        ] {
            let [token] = sealed(&key, &[forge(Jws::Assertion, forgery.clone())]).try_into().unwrap();
            assert!(!holds(&key, &token), "{forgery:?}");
        }
        assert!(sealed(&key, &[forge(Jws::Assertion, Forgery::Omitted)]).is_empty());
        assert_eq!(sealed(&key, &[forge(Jws::Assertion, Forgery::Twice)]).len(), 2);
    }
}
