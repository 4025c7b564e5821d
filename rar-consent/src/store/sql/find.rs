//! Consents as an operator looks for them.

use oauth_core::store::database::Statement;
use oauth_core::{ClientId, Fault, Subject};

use super::SqlConsents;
use crate::consent::Consent;
use crate::consent::status::ConsentStatus;

/// Which consents. What is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsentQuery {
    /// Of this third party.
    pub client: Option<ClientId>,
    /// Of this customer.
    pub subject: Option<Subject>,
    /// With this status, as it is kept: time may have overtaken it.
    pub status: Option<ConsentStatus>,
    /// The beginning of its identifier.
    pub begins: Option<String>,
}

const FIND: &str = "SELECT revision, body FROM consent
    WHERE ($1 IS NULL OR client = $1) AND ($2 IS NULL OR subject = $2) AND ($3 IS NULL OR status = $3)
        AND ($4 IS NULL OR substr(id, 1, length($4)) = $4)
    ORDER BY created_at DESC, id DESC LIMIT 200";

impl SqlConsents {
    /// The consents that fit, newest first, at most [`LIST_MAX`](crate::LIST_MAX). Looks through the table, for people.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find(&self, query: &ConsentQuery) -> Result<Vec<Consent>, Fault> {
        let statement = Statement::new(FIND)
            .opt_text(query.client.as_ref().map(ClientId::as_str))
            .opt_text(query.subject.as_ref().map(Subject::as_str))
            .opt_text(query.status.map(ConsentStatus::as_str))
            .opt_text(query.begins.as_deref());
        self.list(statement).await
    }
}
