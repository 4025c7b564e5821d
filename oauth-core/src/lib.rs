//! OAuth 2.0 and OpenID Connect authorization server for FAPI-grade deployments: the protocol engine.

pub mod jose;
pub mod limits;
#[cfg(feature = "sql")]
pub mod store;
mod vocabulary;
mod wire;

pub use vocabulary::id::{
    ClientId, ConsentId, CorrelationId, DetailType, GrantId, IllFormed, KeyId, Subject,
};
pub use vocabulary::scope::Scope;
pub use vocabulary::secret::{
    Access, Browser, Code, Fingerprint, Kind, Refresh, RequestUri, Secret, Session,
};
pub use vocabulary::time::{Seconds, Timestamp};
pub use vocabulary::uri::{Issuer, RedirectUri, Resource, UriFault};

/// JSON, read strictly and written canonically.
pub mod json {
    pub use crate::wire::json::{JsonFault, JsonPath, canonical, from_tree, read_strict, read_value};
}
