//! The reference bank: authorization server, APIs and pages in one process, assembled from the crates.

pub mod admin;
pub mod apis;
pub mod assemble;
pub mod bar_admin;
pub mod barred;
pub mod compose;
pub mod config;
pub mod controls;
pub mod customers;
pub mod data_dir;
mod demos;
pub mod deployment;
mod events;
pub mod fixture;
mod ground;
pub mod introspected;
pub mod issuer_files;
mod key_admin;
pub mod keys_command;
mod listeners;
pub mod log;
pub mod outbound;
pub mod resource;
pub mod sealing;
pub mod sessions;
pub mod signing_keys;
pub mod ui;
