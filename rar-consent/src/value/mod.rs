//! The small values consents are made of, each read in one strict way.

pub(crate) mod amount;
pub(crate) mod calendar;
pub(crate) mod https;
pub(crate) mod iban;
pub(crate) mod period;
pub(crate) mod text;
pub(crate) mod uuid;
