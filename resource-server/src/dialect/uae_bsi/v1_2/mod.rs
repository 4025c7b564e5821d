//! Version 1.2 (section 5.3): other words for the same consents and payments. Its own are the table of routes, the shapes and
//! the mapping; everything else is that of the early drafts.

mod body;
mod described;
pub(super) mod map;
pub(super) mod patch;
mod routes;
mod shapes;

use async_trait::async_trait;
use oauth_core::Client;

pub(super) use described::interface;

use super::{HEADERS, UaeBsi, of_guard};
use crate::dialect::{Answer, Dialect, HeaderRules, Route};
use crate::guard::{Arrived, GuardRefusal};
use crate::openapi::Interface;

/// UAE Bank Service Initiation in the words of version 1.2: see [`UaeBsi::in_v1_2`].
#[derive(Debug, Clone)]
pub struct UaeBsiV1_2(UaeBsi);

impl UaeBsiV1_2 {
    pub(super) const fn new(bank: UaeBsi) -> Self {
        Self(bank)
    }
}

#[async_trait]
impl Dialect for UaeBsiV1_2 {
    fn routes() -> &'static [Route<Self>] {
        routes::ROUTES
    }

    fn headers() -> &'static HeaderRules {
        &HEADERS
    }

    fn base(&self) -> &str {
        self.0.base()
    }

    fn interface(&self) -> Option<Interface> {
        Some(interface())
    }

    async fn refuse(&self, refusal: &GuardRefusal, arrived: &Arrived) -> Answer {
        self.0.denied(of_guard(refusal), None, arrived).await
    }

    async fn refuse_client(&self, refusal: &GuardRefusal, arrived: &Arrived, client: &Client) -> Answer {
        self.0.denied(of_guard(refusal), Some(client), arrived).await
    }
}
