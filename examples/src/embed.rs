//! The smallest authorization server that is still a real one, shared by the embedding examples: one client, one key,
//! stores in memory. A bank replaces every port here by its own.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use oauth_core::jose::{Alg, SigningKey};
use oauth_core::json::read_strict;
use oauth_core::store::memory::{MemoryClaims, MemoryStore};
use oauth_core::{
    AuthorizationServer, Client, Clock as _, Entropy as _, FAPI2_SECURITY, Fault, FixedClients, InlineKeys,
    Interaction, Issuer, KeyId, LocalSigner, LogAudit, NoConsents, NoDecrypter, NoDetailTypes, NoUserClaims,
    Ports, Resource, Scope, ServerSecret, Settings, SystemClock, SystemEntropy, VettedRequest,
};

/// Where the bank's own login and consent page lives.
#[derive(Debug)]
struct LoginPage;

#[async_trait]
impl Interaction for LoginPage {
    async fn begin(&self, ticket: &str, _request: &VettedRequest) -> Result<String, Fault> {
        Ok(format!("/login?ticket={ticket}"))
    }
}

/// Ports over memory, with the clients of this JSON array (RFC 7591 metadata).
///
/// # Errors
/// When a client or a key cannot be used.
pub fn ports(clients: &[u8]) -> Result<Ports, Box<dyn Error + Send + Sync>> {
    let random = ring::rand::SystemRandom::new();
    let key = SigningKey::from_pkcs8_der(Alg::Es256, &SigningKey::generate_es256(&random)?, &random)?;
    let mut registered = Vec::new();
    for metadata in read_strict::<Vec<oauth_core::ClientMetadata>>(clients)? {
        registered.push(Client::register(metadata, &FAPI2_SECURITY).map_err(|wrong| format!("{wrong:?}"))?);
    }
    Ok(Ports {
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy::default()),
        clients: Arc::new(FixedClients::new(registered)),
        client_keys: Arc::new(InlineKeys),
        signer: LocalSigner::new(vec![(KeyId::new("es256-1")?, key)]),
        decrypter: Arc::new(NoDecrypter),
        // refuses for ten seconds what may have been used before this process began
        claims: Arc::new(MemoryClaims::new(SystemClock.now())),
        store: Arc::new(MemoryStore::new()),
        details: Arc::new(NoDetailTypes),
        consents: Arc::new(NoConsents),
        interaction: Arc::new(LoginPage),
        users: Arc::new(NoUserClaims),
        audit: Arc::new(LogAudit),
    })
}

/// An authorization server for `issuer` under the FAPI 2.0 Security Profile.
///
/// # Errors
/// When a setting is out of the profile's bounds; the message lists all of them.
pub fn server(issuer: &str, ports: Ports) -> Result<Arc<AuthorizationServer>, Box<dyn Error + Send + Sync>> {
    let secret = ServerSecret::new(SystemEntropy::default().draw()?);
    let mut settings =
        Settings::recommended(Issuer::new(issuer)?, Resource::new(&format!("{issuer}/api"))?, secret);
    settings.scopes = Scope::new("openid accounts")?;
    let server = AuthorizationServer::new(&FAPI2_SECURITY, settings, ports);
    Ok(Arc::new(server.map_err(|wrong| format!("{wrong:?}"))?))
}
