//! Who is registered. Called while identifying, at every request that authenticates a client.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::model::client::Client;
use crate::refusal::Fault;
use crate::vocabulary::id::ClientId;

/// Who is registered.
#[async_trait]
pub trait ClientDirectory: Send + Sync {
    /// The client of this name.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    async fn client(&self, id: &ClientId) -> Result<Option<Arc<Client>>, Fault>;
}

/// A directory that holds a fixed list in memory.
#[derive(Debug, Clone, Default)]
pub struct FixedClients(HashMap<ClientId, Arc<Client>>);

impl FixedClients {
    /// A directory of these clients. Of two with the same name the later one stands.
    #[must_use]
    pub fn new(clients: impl IntoIterator<Item = Client>) -> Self {
        Self(clients.into_iter().map(|client| (client.id.clone(), Arc::new(client))).collect())
    }
}

#[async_trait]
impl ClientDirectory for FixedClients {
    async fn client(&self, id: &ClientId) -> Result<Option<Arc<Client>>, Fault> {
        Ok(self.0.get(id).cloned())
    }
}
