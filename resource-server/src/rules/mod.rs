//! What the documents of the resource side demand: one file per document. A rule is a value with an id.

pub(crate) mod fapi_resource;
pub(crate) mod rfc6750;
pub(crate) mod rfc9470;
pub(crate) mod rfc9728;
pub(crate) mod uae_bank_side;
pub(crate) mod uae_payments;
