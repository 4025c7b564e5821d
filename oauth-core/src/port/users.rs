//! Customers as the bank knows them: what userinfo says about one, and whether one may act right now.

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::refusal::Fault;
use crate::vocabulary::id::Subject;
use crate::vocabulary::scope::Scope;

/// What userinfo says about a customer.
#[async_trait]
pub trait UserClaims: Send + Sync {
    /// The claims the scope opens (OpenID Connect Core section 5.4), without `sub`; `None` when the customer is
    /// gone or locked.
    ///
    /// # Errors
    /// When the source cannot be asked.
    async fn claims(&self, subject: &Subject, scope: &Scope) -> Result<Option<Map<String, Value>>, Fault>;

    /// Claims that a client asked for by name (OpenID Connect Core section 5.5), as far as they are known; the customer was
    /// shown the names.
    ///
    /// # Errors
    /// When the source cannot be asked.
    async fn named(&self, subject: &Subject, names: &[String]) -> Result<Map<String, Value>, Fault> {
        let everything = Scope::new(EVERYTHING).map_err(|fault| Fault::new("users", fault))?;
        let mut told = self.claims(subject, &everything).await?.unwrap_or_default();
        told.retain(|name, _| names.contains(name));
        Ok(told)
    }

    /// The name the customer signs in with, for resource servers (RFC 7662 section 2.2 `username`); `None` when they are not to
    /// know it.
    ///
    /// # Errors
    /// When the source cannot be asked.
    async fn username(&self, _subject: &Subject) -> Result<Option<String>, Fault> {
        Ok(None)
    }

    /// Whether the customer may act right now. Asked whenever a grant opens, a token of a grant is made or introspected,
    /// and at every call of a protected resource, so the answer should be cheap; a lock must show within a second.
    ///
    /// # Errors
    /// When the source cannot be asked.
    async fn standing(&self, subject: &Subject) -> Result<UserStanding, Fault> {
        let told = self.claims(subject, &Scope::default()).await?;
        Ok(if told.is_some() { UserStanding::Good } else { UserStanding::Locked })
    }
}

/// The scopes that open the claims of OpenID Connect Core section 5.4.
const EVERYTHING: &str = "profile email address phone";

/// Whether a customer may act right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserStanding {
    /// Nothing is in the way.
    Good,
    /// Gone, or locked: nothing is granted in this name, and what was granted opens nothing meanwhile.
    Locked,
}

/// Says nothing but `sub`.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoUserClaims;

#[async_trait]
impl UserClaims for NoUserClaims {
    async fn claims(&self, _subject: &Subject, _scope: &Scope) -> Result<Option<Map<String, Value>>, Fault> {
        Ok(Some(Map::new()))
    }
}
