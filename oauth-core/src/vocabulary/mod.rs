//! Words: identifiers, secrets, instants, URIs and scopes. No behaviour beyond being well-formed.

pub(crate) mod https_url;
pub(crate) mod id;
pub(crate) mod scope;
pub(crate) mod secret;
pub(crate) mod time;
pub(crate) mod uri;
