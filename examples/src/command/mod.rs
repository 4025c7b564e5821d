//! What the binaries do. Everything is compiled once, here, and each `main` is one call: whatever a binary would
//! instantiate for itself, every asynchronous function it waits for included, the compiler would work out anew for it.

pub mod authorization_server;
pub mod bank;
pub mod resource_server;
