//! Bytes to types and back. No protocol knowledge.

pub(crate) mod form;
pub(crate) mod form_post;
pub(crate) mod header;
pub(crate) mod json;
pub(crate) mod redirect;
