//! Pushed requests, grants and tokens: the verbs of single use. Each is one statement or one short transaction;
//! none is a read followed by a write. Only fingerprints of secrets get this far.

use async_trait::async_trait;

use super::apart;
use super::companion::{Companion, Kept};
use crate::model::grant::{Grant, Stage};
use crate::model::request::VettedRequest;
use crate::model::token::AccessClaims;
use crate::refusal::Fault;
use crate::vocabulary::id::{GrantId, Subject};
use crate::vocabulary::secret::{Access, Code, Fingerprint, Refresh, RequestUri};
use crate::vocabulary::time::Timestamp;

/// Pushed requests, grants and tokens.
#[async_trait]
pub trait Store: Send + Sync {
    /// Keeps a pushed request until it is decided or over. Called by PAR, last.
    async fn push(
        &self,
        key: &Fingerprint<RequestUri>,
        request: &VettedRequest,
        until: Timestamp,
    ) -> Result<(), Fault>;

    /// [`Self::push`], and with it the consent the request asks for: both or neither where they live in one database,
    /// elsewhere in the order of [`apart::push`].
    async fn push_with(
        &self,
        key: &Fingerprint<RequestUri>,
        (request, until): (&VettedRequest, Timestamp),
        companion: &dyn Companion,
    ) -> Result<Kept, Fault> {
        apart::push(self, key, (request, until), companion).await
    }

    /// Reads a pushed request that is neither decided nor over. Called when a browser arrives; spends nothing.
    async fn pushed(
        &self,
        key: &Fingerprint<RequestUri>,
        now: Timestamp,
    ) -> Result<Option<VettedRequest>, Fault>;

    /// Spends the pushed request and opens its grant with a code, in one step. Called when the customer approved.
    async fn open(
        &self,
        request: &Fingerprint<RequestUri>,
        opening: &Opening,
        now: Timestamp,
    ) -> Result<Spend, Fault>;

    /// [`Self::open`], and with it the consent the grant belongs to: both or neither where they live in one
    /// database, elsewhere in the order of [`apart::open`].
    async fn open_with(
        &self,
        request: &Fingerprint<RequestUri>,
        opening: &Opening,
        now: Timestamp,
        companion: &dyn Companion,
    ) -> Result<Together, Fault> {
        apart::open(self, request, opening, now, companion).await
    }

    /// Spends the pushed request without a grant. Called when the customer refused.
    async fn close(&self, request: &Fingerprint<RequestUri>, now: Timestamp) -> Result<Spend, Fault>;

    /// [`Self::close`], and with it the consent that was refused: both or neither where they live in one database,
    /// elsewhere in the order of [`apart::close`].
    async fn close_with(
        &self,
        request: &Fingerprint<RequestUri>,
        now: Timestamp,
        companion: &dyn Companion,
    ) -> Result<Together, Fault> {
        apart::close(self, request, now, companion).await
    }

    /// The grant behind a code, spent or not, with the code's own end. Called by the token endpoint; spends nothing.
    async fn grant_by_code(&self, code: &Fingerprint<Code>) -> Result<Option<Grant>, Fault>;

    /// Spends the code and records the tokens it brings, in one step. Called after every other check has passed.
    async fn redeem(&self, code: &Fingerprint<Code>, change: &Redemption) -> Result<Spend, Fault>;

    /// The grant behind a refresh token and whether that token was rotated away. Spends nothing.
    async fn grant_by_refresh(&self, token: &Fingerprint<Refresh>) -> Result<Option<RefreshRecord>, Fault>;

    /// Spends the refresh token for the next one, where the policy rotates; or records a new access token where it
    /// does not (`change.refresh` is `None`).
    async fn rotate(&self, old: &Fingerprint<Refresh>, change: &Redemption) -> Result<Spend, Fault>;

    /// Keeps an opaque access token that no grant stands behind (client credentials).
    async fn issue(&self, token: &StoredAccess) -> Result<(), Fault>;

    /// The claims behind an opaque access token that is not over, and whose grant, when it has one, was not revoked:
    /// nobody asks for that grant again.
    async fn access(
        &self,
        token: &Fingerprint<Access>,
        now: Timestamp,
    ) -> Result<Option<AccessClaims>, Fault>;

    /// The grant of this name, whatever its stage.
    async fn grant(&self, id: &GrantId) -> Result<Option<Grant>, Fault>;

    /// How far the grant of this name has come. Called at every introspection and resource call.
    async fn stage(&self, id: &GrantId) -> Result<Option<Stage>, Fault> {
        Ok(self.grant(id).await?.map(|grant| grant.stage))
    }

    /// The grants a customer gave that are not revoked and not over, newest first, at most 1000.
    async fn grants_of(&self, subject: &Subject, now: Timestamp) -> Result<Vec<Grant>, Fault>;

    /// Ends a grant: nothing issued from it is good any more. Safe to repeat.
    async fn revoke(&self, grant: &GrantId, now: Timestamp) -> Result<(), Fault>;

    /// Ends one access token that no grant stands behind, by its `jti`, until it would have ended anyway.
    async fn revoke_token(&self, jti: &str, until: Timestamp) -> Result<(), Fault>;

    /// Whether the token of this `jti` was ended that way.
    async fn token_standing(&self, jti: &str, now: Timestamp) -> Result<TokenStanding, Fault>;

    /// Deletes what is over, at most [`SWEEP_ROWS`](crate::limits::SWEEP_ROWS) rows a table, and says how many.
    async fn sweep(&self, now: Timestamp) -> Result<u64, Fault>;
}

/// Of any number of concurrent calls exactly one sees [`Spend::Applied`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spend {
    /// This call spent it.
    Applied,
    /// Another call had spent it; this grant came of that.
    SpentBefore(Option<GrantId>),
    /// There is nothing of that name, or it is over.
    Unknown,
}

/// What became of a verb and the change that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Together {
    /// The verb found this. With [`Spend::Applied`] both are kept, otherwise neither.
    Decided(Spend),
    /// Somebody had changed what the companion was made from. No grant came of it, and the companion is not kept; the
    /// request is still there where both live in one database, and spent elsewhere.
    Overtaken,
}

/// A grant about to be opened.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The code, as the store may know it.
    pub code: Fingerprint<Code>,
    /// The grant, at stage `Opened`.
    pub grant: Grant,
}

/// What redeeming a code or using a refresh token records.
#[derive(Debug, Clone)]
pub struct Redemption {
    /// When.
    pub at: Timestamp,
    /// The opaque access token, when that is the form.
    pub access: Option<StoredAccess>,
    /// The new refresh token, when there is one, and when it ends.
    pub refresh: Option<(Fingerprint<Refresh>, Timestamp)>,
}

/// An opaque access token as a store keeps it.
#[derive(Debug, Clone)]
pub struct StoredAccess {
    /// The token, as the store may know it.
    pub token: Fingerprint<Access>,
    /// What it stands for.
    pub claims: AccessClaims,
    /// When it ends.
    pub until: Timestamp,
}

/// A refresh token and the grant behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct RefreshRecord {
    /// The grant.
    pub grant: Grant,
    /// When the token ends.
    pub until: Timestamp,
    /// Whether it was rotated away.
    pub use_state: UseState,
}

/// Whether a refresh token was rotated away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UseState {
    /// It is the current one.
    Current,
    /// A later one took its place.
    Spent,
}

/// Whether a token was ended by its `jti`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenStanding {
    /// It was not.
    Good,
    /// It was.
    Revoked,
}
