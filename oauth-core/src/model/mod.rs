//! What is registered, asked, vetted, granted and issued: plain data that ports carry.

pub(crate) mod binding;
pub(crate) mod certificate;
pub(crate) mod certificate_subject;
pub(crate) mod claims_request;
pub(crate) mod client;
pub(crate) mod details;
pub(crate) mod distinguished_name;
pub(crate) mod grant;
pub(crate) mod id_token;
pub(crate) mod messages;
pub(crate) mod request;
pub(crate) mod signing_key;
pub(crate) mod token;
