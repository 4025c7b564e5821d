//! Calls to real TLS servers on loopback: the guard, the bounds, the cache.

mod attacks;
mod key_sets;
mod push;
mod server;
