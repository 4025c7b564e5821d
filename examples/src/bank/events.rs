//! Events on their way to third parties: who writes them for each issuer, and the worker that sends them.

use std::sync::Arc;
use std::time::Duration;

use oauth_core::{Clock, Issuer, Ports};
use resource_server::dialect::uae_bsi::UaeNotices;
use resource_server::http::Origin;
use resource_server::webhook::{Notices, Webhooks};
use tokio::task::JoinSet;

use super::assemble::StartFault;
use super::deployment::IssuerPlan;
use super::ground::Ground;
use crate::serve::Shutdown;

/// Events that are sent at a time. Each consent has at most one of them.
const AT_ONCE: usize = 32;
/// Between two looks for events that are due.
const PAUSE: Duration = Duration::from_millis(100);

/// Writes the events of one issuer.
///
/// # Errors
/// When a configured address is not well-formed.
pub(super) fn notices(
    plan: &IssuerPlan,
    oauth: &Ports,
    ground: &Ground,
) -> Result<(Issuer, Arc<dyn Notices>), StartFault> {
    let origin = |text: &str| Origin::new(text).map_err(|fault| StartFault::IllFormed(fault.to_string()));
    let notices = UaeNotices {
        issuer: plan.issuer().clone(),
        signer: Arc::clone(&oauth.signer),
        entropy: Arc::clone(&oauth.entropy),
        clients: Arc::clone(&oauth.clients),
        client_keys: Arc::clone(&oauth.client_keys),
        consents: ground.consent_store(),
        origins: (origin(plan.issuer().origin())?, origin(plan.mtls_origin())?),
    };
    Ok((plan.issuer().clone(), Arc::new(notices)))
}

/// The worker of this process. Any number of processes have one.
pub(super) struct EventWorker {
    pub(super) webhooks: Arc<Webhooks>,
    pub(super) clock: Arc<dyn Clock>,
}

impl EventWorker {
    /// A worker for the events of these issuers.
    pub(super) fn new(
        ground: &Ground,
        notices: impl IntoIterator<Item = (Issuer, Arc<dyn Notices>)>,
    ) -> Self {
        let events = Arc::clone(&ground.events);
        let webhooks = Webhooks::new(events, ground.courier.clone(), Arc::clone(&ground.entropy), notices);
        Self { webhooks: Arc::new(webhooks), clock: Arc::clone(&ground.clock) }
    }

    /// Sends what is due until `shutdown` begins, and finishes what it has begun: five seconds at most.
    pub(super) async fn run(self, shutdown: Shutdown) {
        let mut sending = JoinSet::new();
        loop {
            tokio::select! {
                () = shutdown.begun() => break,
                () = tokio::time::sleep(PAUSE) => {}
                Some(_) = sending.join_next() => {}
            }
            while sending.try_join_next().is_some() {}
            let free = u32::try_from(AT_ONCE.saturating_sub(sending.len())).unwrap_or_default();
            if free == 0 {
                continue;
            }
            let claimed = match self.webhooks.claim(self.clock.now(), free).await {
                Ok(claimed) => claimed,
                Err(fault) => {
                    tracing::error!(%fault, "events could not be claimed");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            for event in claimed {
                let (webhooks, clock) = (Arc::clone(&self.webhooks), Arc::clone(&self.clock));
                sending.spawn(async move {
                    if let Err(fault) = webhooks.deliver(&event, clock.now()).await {
                        tracing::error!(%fault, "an event's fate could not be kept");
                    }
                });
            }
        }
        while sending.join_next().await.is_some() {}
    }
}
