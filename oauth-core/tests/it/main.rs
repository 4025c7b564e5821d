//! Tests against real databases.

#[cfg(test)]
mod database;
#[cfg(test)]
mod fetch;
#[cfg(test)]
mod services;
#[cfg(test)]
mod stores;
