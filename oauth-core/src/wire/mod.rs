//! Bytes to types and back. No protocol knowledge.

pub(crate) mod json;
