//! What userinfo says about a customer. Called by the userinfo endpoint, after every check.

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
