//! What a route demands, as data. A route cannot be written without saying it.

use oauth_core::{Scope, Seconds, Standing};
use rar_consent::Permission;

/// What a caller must bring. The guard enforces every field before, or together with, the route's own work.
#[derive(Debug, Clone, Copy)]
pub struct Needs {
    /// Whose token.
    pub token: TokenKind,
    /// One of these scope values; an empty list asks for none.
    pub scope: &'static [Scoped],
    /// The standings of the consent that pass; of no effect on tokens without a consent.
    pub standing: &'static [Standing],
    /// How the customer must have signed in.
    pub authentication: Authentication,
    /// What the consent must permit; of no effect on tokens without a customer.
    pub permission: Option<Permission>,
    /// What is sent.
    pub body: Body,
    /// How a repeat is told from a second request.
    pub retry: Retry,
}

/// The consent is in force.
pub const IN_FORCE: &[Standing] = &[Standing::Good];
/// The consent is in force, or has been used up: what happened under it stays readable.
pub const READABLE: &[Standing] = &[Standing::Good, Standing::Finished];
/// The consent is not over, whatever else.
pub const ANY_STANDING: &[Standing] =
    &[Standing::Good, Standing::Finished, Standing::Suspended, Standing::Waiting];

/// Whose token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A customer stands behind it.
    Customer,
    /// The client acts for itself (RFC 6749 section 4.4).
    Client,
    /// Either.
    Either,
}

/// How the customer must have signed in for a call (RFC 9470); of no effect on tokens without a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authentication {
    /// One of these authentication context classes; an empty list takes any.
    pub acr_values: &'static [&'static str],
    /// How long ago at most; `None` takes any.
    pub max_age: Option<Seconds>,
}

impl Authentication {
    /// As the token has it.
    pub const ANY: Self = Self { acr_values: &[], max_age: None };
}

/// One value of `scope` (RFC 6749 section 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scoped {
    /// This value, letter by letter.
    Value(&'static str),
    /// This value, a colon, and the consent of the token: `payments:{ConsentId}`.
    OfConsent(&'static str),
    /// This value, for a client that acts for itself; the token of a consent passes with any.
    OfClient(&'static str),
}

impl Scoped {
    /// Whether a scope holds it, for a token of this consent.
    #[must_use]
    pub fn is_in(self, scope: &Scope, consent: Option<&str>) -> bool {
        match self {
            Self::Value(value) => scope.contains(value),
            Self::OfClient(value) => consent.is_some() || scope.contains(value),
            Self::OfConsent(prefix) => {
                consent.is_some_and(|consent| scope.contains(&format!("{prefix}:{consent}")))
            }
        }
    }

    /// The value for a challenge (RFC 6750 section 3).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Value(value) | Self::OfConsent(value) | Self::OfClient(value) => value,
        }
    }
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    None,
    /// `application/json`.
    Json,
    /// `application/jwt`: a signed message.
    SignedJwt,
}

/// How a repeat is told from a second request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Repeating it changes nothing further.
    None,
    /// By `x-idempotency-key`, which is mandatory. The operation answers repeats first and calls
    /// [`Authority::pass`](super::Authority::pass) afterwards, so that a repeat is answered whatever became of the consent.
    ByIdempotencyKey,
    /// As [`Retry::ByIdempotencyKey`] when `x-idempotency-key` is sent; without it every request is a new one.
    ByOptionalKey,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameterised_scope_names_the_consent_of_the_token_and_no_other() {
        let scope = Scope::new("openid payments:c-1").unwrap();
        assert!(Scoped::OfConsent("payments").is_in(&scope, Some("c-1")));
        assert!(!Scoped::OfConsent("payments").is_in(&scope, Some("c-2")));
        assert!(!Scoped::OfConsent("payments").is_in(&scope, None));
        assert!(!Scoped::Value("payments").is_in(&scope, Some("c-1")));
    }
}
