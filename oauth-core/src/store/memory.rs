//! Stores that live in this process: replay protection for a bank of one process, and everything else for tests and
//! for embedders without a database. What they hold is gone with the process.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::limits;
use crate::model::grant::{Grant, Stage};
use crate::model::request::VettedRequest;
use crate::model::token::AccessClaims;
use crate::port::claims::{Claimed, Claims, Once};
use crate::port::store::{
    Opening, Redemption, RefreshRecord, Spend, Store, StoredAccess, TokenStanding, UseState,
};
use crate::refusal::Fault;
use crate::vocabulary::id::{GrantId, Subject};
use crate::vocabulary::secret::{Access, Code, Fingerprint, Refresh, RequestUri};
use crate::vocabulary::time::Timestamp;

/// Replay protection for one process. It remembers since its start, and says so: what was issued before is refused, and
/// so is what may have been used before although it says that it was issued later, because clocks differ.
///
/// It holds at most [`limits::CLAIMS_IN_MEMORY`] records. When all of them are still needed, a claim is a [`Fault`]:
/// nothing is forgotten early.
#[derive(Debug)]
pub struct MemoryClaims {
    since: Timestamp,
    durable: Option<Durable>,
    shards: [Mutex<Shard>; SHARDS],
    shard_max: usize,
}

/// Parts with a lock each. Keys are hashes, so they fill evenly.
const SHARDS: usize = 64;
/// Records below which nobody looks for those that are over.
const PURGE_MIN: usize = 64;

impl MemoryClaims {
    /// Nothing remembered, from this instant and the [skew](limits::SKEW_MAX) on: a proof that says it was issued in ten
    /// seconds may have been used already. It is rounded up to a whole second, because `iat` is told in seconds.
    #[must_use]
    pub fn new(started_at: Timestamp) -> Self {
        Self::holding(started_at.plus(limits::SKEW_MAX), limits::CLAIMS_IN_MEMORY)
    }

    /// Nothing remembered from this instant on, and nothing to remember from before: no client of this server has ever
    /// signed anything for it, because its keys are younger.
    #[must_use]
    pub fn without_past() -> Self {
        Self::holding(Timestamp::EPOCH, limits::CLAIMS_IN_MEMORY)
    }

    /// As [`Self::new`], but ready at the next whole second. What is ahead of our clock is claimed in a durable store
    /// too, and looked for there in the first seconds after the start: clients whose clock is right cost it nothing.
    #[must_use]
    pub fn backed(started_at: Timestamp, by: Arc<dyn Claims>) -> Self {
        let memory = Self::holding(started_at, limits::CLAIMS_IN_MEMORY);
        let doubtful_until = memory.since.plus(limits::SKEW_MAX);
        Self { durable: Some(Durable { claims: by, doubtful_until }), ..memory }
    }

    fn holding(since: Timestamp, records: usize) -> Self {
        Self {
            since: super::whole_second_after(since),
            durable: None,
            shards: std::array::from_fn(|_| Mutex::default()),
            shard_max: records / SHARDS,
        }
    }
}

#[async_trait]
impl Claims for MemoryClaims {
    async fn claim(&self, once: &[Once], now: Timestamp) -> Result<Claimed, Fault> {
        for one in once {
            let [first, ..] = one.key;
            let shard = self.shards.get(usize::from(first) % SHARDS).ok_or_else(full)?;
            let claimed = locked(shard).claim(one, now, self.shard_max)?;
            if claimed == Claimed::SeenBefore {
                return Ok(claimed);
            }
            if let Some(durable) = self.durable.as_ref().filter(|durable| durable.concerns(one, now)) {
                let claimed = durable.claims.claim(std::slice::from_ref(one), now).await?;
                if claimed == Claimed::SeenBefore {
                    return Ok(claimed);
                }
            }
        }
        Ok(Claimed::First)
    }

    async fn remembers_since(&self, _now: Timestamp) -> Result<Timestamp, Fault> {
        Ok(self.since)
    }
}

/// What outlives this process.
struct Durable {
    claims: Arc<dyn Claims>,
    /// What says that it was issued before this may have been used by the process before.
    doubtful_until: Timestamp,
}

impl Durable {
    fn concerns(&self, one: &Once, now: Timestamp) -> bool {
        one.issued > now || one.issued < self.doubtful_until
    }
}

impl std::fmt::Debug for Durable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Durable").field("doubtful_until", &self.doubtful_until).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Shard {
    seen: HashMap<[u8; 32], Timestamp>,
    /// How many records there must be before those that are over are looked for again: twice what was left the last
    /// time, so that a claim pays for a constant number of looks.
    purge_at: usize,
    /// No record is over before this.
    first_end: Timestamp,
}

impl Default for Shard {
    fn default() -> Self {
        Self { seen: HashMap::new(), purge_at: PURGE_MIN, first_end: Timestamp::FAR_FUTURE }
    }
}

impl Shard {
    fn claim(&mut self, one: &Once, now: Timestamp, max: usize) -> Result<Claimed, Fault> {
        if self.seen.get(&one.key).is_some_and(|until| *until > now) {
            return Ok(Claimed::SeenBefore);
        }
        if self.seen.len() >= self.purge_at.min(max) {
            self.purge(now, max);
        }
        if self.seen.len() >= max {
            return Err(full());
        }
        self.seen.insert(one.key, one.until);
        self.first_end = self.first_end.min(one.until);
        Ok(Claimed::First)
    }

    fn purge(&mut self, now: Timestamp, max: usize) {
        if self.first_end <= now {
            self.seen.retain(|_, until| *until > now);
            self.first_end = self.seen.values().copied().min().unwrap_or(Timestamp::FAR_FUTURE);
        }
        self.purge_at = self.seen.len().saturating_mul(2).clamp(PURGE_MIN.min(max), max);
    }
}

fn full() -> Fault {
    Fault::new("claims", "the memory for replay records is full")
}

/// Pushed requests, grants and tokens in this process. One lock makes every verb atomic.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Tables>);

#[derive(Debug, Default)]
struct Tables {
    pushed: HashMap<Fingerprint<RequestUri>, (VettedRequest, Timestamp)>,
    grants: HashMap<GrantId, Grant>,
    codes: HashMap<Fingerprint<Code>, GrantId>,
    refresh: HashMap<Fingerprint<Refresh>, RefreshToken>,
    access: HashMap<Fingerprint<Access>, StoredAccess>,
    revoked: HashMap<String, Timestamp>,
}

#[derive(Debug)]
struct RefreshToken {
    grant: GrantId,
    until: Timestamp,
    use_state: UseState,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        locked(&self.0)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn push(
        &self,
        key: &Fingerprint<RequestUri>,
        request: &VettedRequest,
        until: Timestamp,
    ) -> Result<(), Fault> {
        self.tables().pushed.insert(*key, (request.clone(), until));
        Ok(())
    }

    async fn pushed(
        &self,
        key: &Fingerprint<RequestUri>,
        now: Timestamp,
    ) -> Result<Option<VettedRequest>, Fault> {
        let tables = self.tables();
        Ok(tables.pushed.get(key).filter(|(_, until)| *until > now).map(|(request, _)| request.clone()))
    }

    async fn open(
        &self,
        request: &Fingerprint<RequestUri>,
        opening: &Opening,
        now: Timestamp,
    ) -> Result<Spend, Fault> {
        let mut tables = self.tables();
        let spend = tables.spend_request(request, now);
        if spend == Spend::Applied {
            tables.codes.insert(opening.code, opening.grant.id.clone());
            tables.grants.insert(opening.grant.id.clone(), opening.grant.clone());
        }
        Ok(spend)
    }

    async fn close(&self, request: &Fingerprint<RequestUri>, now: Timestamp) -> Result<Spend, Fault> {
        Ok(self.tables().spend_request(request, now))
    }

    async fn grant_by_code(&self, code: &Fingerprint<Code>) -> Result<Option<Grant>, Fault> {
        let tables = self.tables();
        Ok(tables.codes.get(code).and_then(|id| tables.grants.get(id)).cloned())
    }

    async fn redeem(&self, code: &Fingerprint<Code>, change: &Redemption) -> Result<Spend, Fault> {
        Ok(self.tables().redeem(code, change).unwrap_or(Spend::Unknown))
    }

    async fn grant_by_refresh(&self, token: &Fingerprint<Refresh>) -> Result<Option<RefreshRecord>, Fault> {
        let tables = self.tables();
        Ok(tables.refresh.get(token).and_then(|token| {
            let grant = tables.grants.get(&token.grant)?.clone();
            Some(RefreshRecord { grant, until: token.until, use_state: token.use_state })
        }))
    }

    async fn rotate(&self, old: &Fingerprint<Refresh>, change: &Redemption) -> Result<Spend, Fault> {
        Ok(self.tables().rotate(old, change).unwrap_or(Spend::Unknown))
    }

    async fn issue(&self, token: &StoredAccess) -> Result<(), Fault> {
        self.tables().access.insert(token.token, token.clone());
        Ok(())
    }

    async fn access(
        &self,
        token: &Fingerprint<Access>,
        now: Timestamp,
    ) -> Result<Option<AccessClaims>, Fault> {
        let tables = self.tables();
        let live = tables.access.get(token).filter(|token| token.until > now);
        Ok(live.filter(|token| !tables.revoked_behind(&token.claims)).map(|token| token.claims.clone()))
    }

    async fn grant(&self, id: &GrantId) -> Result<Option<Grant>, Fault> {
        Ok(self.tables().grants.get(id).cloned())
    }

    async fn grants_of(&self, subject: &Subject, now: Timestamp) -> Result<Vec<Grant>, Fault> {
        let tables = self.tables();
        let live =
            |grant: &&Grant| grant.subject == *subject && grant.stage != Stage::Revoked && grant.until > now;
        let mut grants: Vec<Grant> = tables.grants.values().filter(live).cloned().collect();
        grants.sort_by(|a, b| (b.opened_at, &b.id).cmp(&(a.opened_at, &a.id)));
        grants.truncate(super::GRANTS_LISTED);
        Ok(grants)
    }

    async fn revoke(&self, grant: &GrantId, _now: Timestamp) -> Result<(), Fault> {
        if let Some(grant) = self.tables().grants.get_mut(grant) {
            grant.stage = Stage::Revoked;
        }
        Ok(())
    }

    async fn revoke_token(&self, jti: &str, until: Timestamp) -> Result<(), Fault> {
        let mut tables = self.tables();
        let kept = tables.revoked.entry(jti.to_owned()).or_insert(until);
        *kept = until.max(*kept);
        Ok(())
    }

    async fn token_standing(&self, jti: &str, now: Timestamp) -> Result<TokenStanding, Fault> {
        let ended = self.tables().revoked.get(jti).is_some_and(|until| *until > now);
        Ok(if ended { TokenStanding::Revoked } else { TokenStanding::Good })
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, Fault> {
        Ok(self.tables().sweep(now))
    }
}

impl Tables {
    fn spend_request(&mut self, request: &Fingerprint<RequestUri>, now: Timestamp) -> Spend {
        match self.pushed.remove(request) {
            Some((_, until)) if until > now => Spend::Applied,
            Some(_) | None => Spend::Unknown,
        }
    }

    fn redeem(&mut self, code: &Fingerprint<Code>, change: &Redemption) -> Option<Spend> {
        let id = self.codes.get(code)?.clone();
        let grant = self.grants.get_mut(&id)?;
        match grant.stage {
            Stage::Redeemed => return Some(Spend::SpentBefore(Some(id))),
            Stage::Revoked => return None,
            Stage::Opened if grant.code_until.min(grant.until) <= change.at => return None,
            Stage::Opened => grant.stage = Stage::Redeemed,
        }
        self.record(&id, change);
        Some(Spend::Applied)
    }

    fn rotate(&mut self, old: &Fingerprint<Refresh>, change: &Redemption) -> Option<Spend> {
        let token = self.refresh.get_mut(old)?;
        let id = token.grant.clone();
        if token.use_state == UseState::Spent {
            return Some(Spend::SpentBefore(Some(id)));
        }
        let grant = self.grants.get(&id)?;
        if grant.stage == Stage::Revoked || token.until.min(grant.until) <= change.at {
            return None;
        }
        if change.refresh.is_some() {
            token.use_state = UseState::Spent;
        }
        self.record(&id, change);
        Some(Spend::Applied)
    }

    fn record(&mut self, grant: &GrantId, change: &Redemption) {
        if let Some((token, until)) = change.refresh {
            let row = RefreshToken { grant: grant.clone(), until, use_state: UseState::Current };
            self.refresh.insert(token, row);
        }
        if let Some(access) = &change.access {
            self.access.insert(access.token, access.clone());
        }
    }

    fn revoked_behind(&self, claims: &AccessClaims) -> bool {
        let grant = claims.grant_id.as_ref().and_then(|id| self.grants.get(id));
        grant.is_some_and(|grant| grant.stage == Stage::Revoked)
    }

    fn sweep(&mut self, now: Timestamp) -> u64 {
        let mut swept = sweep(&mut self.pushed, |(_, until)| *until <= now);
        swept += sweep(&mut self.refresh, |token| token.until <= now);
        swept += sweep(&mut self.access, |token| token.until <= now);
        swept += sweep(&mut self.revoked, |until| *until <= now);
        let grants = sweep(&mut self.grants, |grant| ends(grant) <= now);
        if grants > 0 {
            self.codes.retain(|_, id| self.grants.contains_key(id));
        }
        swept + grants
    }
}

/// A grant whose code was never redeemed brought nothing, and is over with its code.
fn ends(grant: &Grant) -> Timestamp {
    if grant.stage == Stage::Opened { grant.code_until.min(grant.until) } else { grant.until }
}

fn sweep<K: Eq + Hash, V>(table: &mut HashMap<K, V>, over: impl Fn(&V) -> bool) -> u64 {
    let mut swept = 0;
    table.retain(|_, row| {
        let goes = swept < u64::from(limits::SWEEP_ROWS) && over(row);
        swept += u64::from(goes);
        !goes
    });
    swept
}

/// A panic elsewhere cannot leave a table half changed: nothing in these verbs panics between two changes.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::uri::Issuer;

    fn once(n: usize, until: i64) -> Once {
        Once::proof(
            &Issuer::new("https://as.example").unwrap(),
            &[7; 32],
            &n.to_string(),
            Timestamp::from_seconds(until),
        )
    }

    async fn claim(claims: &MemoryClaims, one: Once, now: i64) -> Option<Claimed> {
        claims.claim(&[one], Timestamp::from_seconds(now)).await.ok()
    }

    fn records(claims: &MemoryClaims) -> usize {
        claims.shards.iter().map(|shard| locked(shard).seen.len()).sum()
    }

    #[tokio::test]
    async fn what_may_have_been_used_before_the_start_is_before_it_however_far_ahead_it_says() {
        for (millis, since) in [(100_000, 110), (100_001, 111), (100_999, 111)] {
            let claims = MemoryClaims::new(Timestamp::from_millis(millis));
            let found = claims.remembers_since(Timestamp::from_seconds(500)).await.unwrap();
            assert_eq!(found, Timestamp::from_seconds(since), "{millis}");
        }
    }

    #[test]
    fn no_policy_takes_more_skew_than_the_replay_memory_reckons_with() {
        use crate::policy::profiles::{
            FAPI1_ADVANCED, FAPI2_MESSAGE_SIGNING, FAPI2_SECURITY, PLAIN_OAUTH, UAE_OPEN_FINANCE,
        };
        for policy in [PLAIN_OAUTH, FAPI1_ADVANCED, FAPI2_SECURITY, FAPI2_MESSAGE_SIGNING, UAE_OPEN_FINANCE] {
            assert!(policy.skew <= limits::SKEW_MAX, "{}", policy.name);
        }
    }

    /// What the endpoints do: the epoch rule, then the claim.
    async fn accepted(claims: &MemoryClaims, one: &Once, now: i64) -> bool {
        let now = Timestamp::from_seconds(now);
        one.issued >= claims.remembers_since(now).await.unwrap()
            && claims.claim(std::slice::from_ref(one), now).await.unwrap() == Claimed::First
    }

    fn issued(n: usize, at: i64) -> Once {
        once(n, 1000).issued(Timestamp::from_seconds(at))
    }

    #[tokio::test]
    async fn what_was_issued_ahead_of_our_clock_is_not_used_again_after_a_restart() {
        let ahead = issued(1, 109);
        let before = MemoryClaims::without_past();
        assert!(accepted(&before, &ahead, 100).await);
        let after = MemoryClaims::new(Timestamp::from_seconds(101));
        for now in [101, 105, 109, 130] {
            assert!(!accepted(&after, &ahead, now).await, "at {now}");
        }
        assert!(accepted(&after, &issued(2, 111), 111).await, "work goes on");
    }

    #[tokio::test]
    async fn with_a_durable_store_behind_it_a_restart_costs_a_second_and_nothing_is_used_again() {
        let durable: Arc<dyn Claims> = Arc::new(MemoryClaims::without_past());
        let backed = |at| MemoryClaims::backed(Timestamp::from_seconds(at), Arc::clone(&durable));
        let before = backed(10);
        let (ahead, level) = (issued(1, 109), issued(2, 100));
        assert!(accepted(&before, &ahead, 100).await);
        assert!(accepted(&before, &level, 100).await);
        let after = backed(101);
        for now in [101, 105, 109, 130] {
            assert!(!accepted(&after, &ahead, now).await, "at {now}");
            assert!(!accepted(&after, &level, now).await, "at {now}");
        }
        assert!(
            accepted(&after, &issued(3, 101), 101).await,
            "what is issued after the start is taken at once"
        );
        assert!(accepted(&after, &issued(4, 115), 115).await);
        let kept = durable.claim(&[issued(4, 115)], Timestamp::from_seconds(115)).await.unwrap();
        assert_eq!(kept, Claimed::First, "what is not ahead of our clock is in memory alone");
    }

    #[tokio::test]
    async fn when_the_memory_is_full_claims_fail_until_something_is_over_and_nothing_is_forgotten() {
        let claims = MemoryClaims::holding(Timestamp::EPOCH, SHARDS * 4);
        let mut held = Vec::new();
        let mut refused = 0;
        for n in 0..SHARDS * 16 {
            match claim(&claims, once(n, 100), 0).await {
                Some(claimed) => {
                    assert_eq!(claimed, Claimed::First);
                    held.push(n);
                }
                None => refused += 1,
            }
        }
        assert_eq!((held.len(), refused), (SHARDS * 4, SHARDS * 12));
        for n in &held {
            assert_eq!(claim(&claims, once(*n, 100), 99).await, Some(Claimed::SeenBefore));
        }
        assert_eq!(claim(&claims, once(999_999, 100), 99).await, None);
        assert_eq!(claim(&claims, once(999_999, 200), 100).await, Some(Claimed::First));
    }

    #[tokio::test]
    async fn under_steady_load_the_memory_stops_growing() {
        let claims = MemoryClaims::without_past();
        let mut most = 0;
        for second in 0..200 {
            for n in 0..200 {
                let seconds = i64::try_from(second).unwrap();
                claim(&claims, once(second * 1000 + n, seconds + 10), seconds).await.unwrap();
            }
            most = most.max(records(&claims));
        }
        // 2000 are needed at any time.
        assert!((2000..=2 * 2000 + SHARDS * PURGE_MIN).contains(&most), "{most}");
    }
}
