//! Calls that this server makes itself: one guarded client for all of them, and the cache of clients' key sets over it.
//!
//! | Part | What it does |
//! |---|---|
//! | [`Reach`] | judges every address before a connection is made to it |
//! | [`Resolve`] | names to addresses; the only port of this module |
//! | [`Outbound`] | one bounded exchange over a fresh, verified TLS connection |
//! | [`FetchedKeys`] | key sets of clients with `jwks_uri` (RFC 7591 section 2), remembered for a while |

mod address;
mod connect;
mod key_cache;
mod key_set;
mod outbound;
mod places;
mod resolve;

pub use address::{Range, Reach};
pub use key_cache::{FetchedKeys, KeyCacheSettings};
pub use outbound::{Answered, Outbound, OutboundFault, OutboundSettings, Outgoing};
pub use resolve::{Resolve, SystemResolver};
