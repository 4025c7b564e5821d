//! A client to start a test from.
#![expect(clippy::expect_used, reason = "a name that a test chose")]

use super::keys;
use crate::model::client::{Client, ClientStatus, Credential, GrantType, Organisation};
use crate::model::messages::Messages;
use crate::policy::Constraint;
use crate::store::contract::cases::{detail_type, redirect_uri, scope};
use crate::vocabulary::id::ClientId;

/// A client that authenticates with the [test keys](super::keys), holds DPoP tokens, and may do everything the cases of this
/// module ask for.
///
/// # Panics
/// When the name is not a client identifier.
#[must_use]
pub fn client(id: &str) -> Client {
    Client {
        id: ClientId::new(id).expect("a client identifier"),
        organisation: Organisation {
            name: "Test Provider".into(),
            id: "test-provider".into(),
            domain: "tpp.example".into(),
        },
        status: ClientStatus::Active,
        credential: Credential::PrivateKeyJwt,
        keys: keys::public().into(),
        constraint: Constraint::Dpop,
        redirect_uris: vec![redirect_uri()],
        webhook_uris: Vec::new(),
        grant_types: GrantType::ALL.to_vec(),
        scope: scope(),
        detail_types: vec![detail_type()],
        id_token_alg: None,
        messages: Messages::default(),
        message_alg: None,
        tokens: None,
        resource: None,
        policy: None,
    }
}
