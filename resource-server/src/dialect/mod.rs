//! One folder per interface. A dialect translates between its wire form and the bank's operations, and nothing else.

pub(crate) mod uae_bsi;
