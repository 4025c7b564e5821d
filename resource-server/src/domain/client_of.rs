//! Whose a payment or an idempotency key is: a client as one issuer knows it.

use oauth_core::{ClientId, Issuer};
use serde::{Deserialize, Serialize};

/// A client of an issuer. Two issuers over the same books may use one identifier for two clients, so nothing is ever
/// looked up by the identifier alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ClientOf {
    /// Who registered it.
    pub issuer: Issuer,
    /// What it is called there.
    pub id: ClientId,
}

impl ClientOf {
    /// Both in one text, for a column of a table. No issuer holds a space, so no two clients share one.
    #[must_use]
    pub fn column(&self) -> String {
        format!("{} {}", self.issuer, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_identifier_at_two_issuers_is_two_clients() {
        let of = |issuer: &str, id: &str| {
            ClientOf { issuer: Issuer::new(issuer).unwrap(), id: ClientId::new(id).unwrap() }.column()
        };
        assert_ne!(of("https://a.example", "tpp"), of("https://b.example", "tpp"));
        assert_ne!(of("https://a.example/x", "tpp"), of("https://a.example", "x tpp"));
    }
}
