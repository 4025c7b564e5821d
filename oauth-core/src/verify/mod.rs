//! The public door for resource servers: an access token, its binding, and how what stands behind it stands.

pub(crate) mod access_token;
pub(crate) mod message;
