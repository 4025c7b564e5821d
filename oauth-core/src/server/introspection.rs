//! Introspection in both forms: that of RFC 7662, and by query for interfaces that list it.

use std::sync::Arc;

use super::AuthorizationServer;
use crate::endpoint::Submitted;
use crate::endpoint::introspect::{self, AnswerForm, IntrospectionAnswer};
use crate::endpoint::introspect_by_query::{self, Queried, QuerySubmitted};
use crate::port::token_index::TokenIndex;
use crate::refusal::Error;
use crate::vocabulary::id::CorrelationId;

impl AuthorizationServer {
    /// Introspection (RFC 7662, RFC 9701).
    ///
    /// # Errors
    /// A refusal, or a fault of a port.
    pub async fn introspect(
        &self,
        submitted: Submitted,
        wanted: AnswerForm,
        correlation: &CorrelationId,
    ) -> Result<IntrospectionAnswer, Error> {
        let context = self.context();
        let result = introspect::introspect(&context, submitted, wanted).await;
        self.audited("introspect", &context, correlation, result)
    }

    /// The same server, which finds its tokens by their hash.
    #[must_use]
    pub fn with_token_index(mut self, index: Arc<dyn TokenIndex>) -> Self {
        self.derived.index = index;
        self
    }

    /// Introspection by query: for registered resource servers with a bound token of their own.
    ///
    /// # Errors
    /// A refusal, or a fault of a port.
    pub async fn introspect_by_query(
        &self,
        submitted: QuerySubmitted,
        correlation: &CorrelationId,
    ) -> Result<Queried, Error> {
        let context = self.context();
        let result = introspect_by_query::introspect(&context, &submitted).await;
        self.audited("introspect", &context, correlation, result)
    }
}
