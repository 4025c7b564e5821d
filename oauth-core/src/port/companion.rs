//! A change of one port that is kept in the same step as a verb of another: both, or neither.

use std::any::Any;

use async_trait::async_trait;

use crate::refusal::Fault;

/// A change that is judged and ready, and not kept yet: the consent that goes with a pushed request or with a grant.
///
/// A [`Store`](super::store::Store) that lives in the same database as the change knows its concrete type and takes it
/// into its own transaction. Any other store calls [`Companion::keep`], in the order that each of its verbs documents.
#[async_trait]
pub trait Companion: Any + Send + Sync {
    /// Keeps it in a step of its own. It is kept at most once: a second call finds it overtaken.
    ///
    /// # Errors
    /// When the store fails; whether it was kept is then not known.
    async fn keep(&self) -> Result<Kept, Fault>;
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is kept.
    Done,
    /// Somebody was quicker: what it was made from is no longer so. Nothing changed.
    Overtaken,
}
