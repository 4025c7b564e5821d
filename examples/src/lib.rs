//! The parts of the reference bank and of the reference third party.

pub mod pages;
