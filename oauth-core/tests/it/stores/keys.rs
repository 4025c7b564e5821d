//! Signing keys that change while several processes sign and verify. A process is a signer and a keeper of its own over
//! a database of its own connections.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use oauth_core::jose::{Alg, EncodedHeader, Header, Jws, PublicJwk};
use oauth_core::store::keys::{
    KeeperSettings, KeyChange, KeyEncryptionKey, KeyKeeper, KeyPorts, MemoryKeyRing, RingMaker, RingSigner,
    SealedVault,
};
use oauth_core::store::sql::SqlKeyRing;
use oauth_core::testkit::FixedClock;
use oauth_core::{
    Audit, AuditEvent, Cause, Clock, Currency, Entropy as _, Fault, Haste, Issuer, KeyEvent, KeyId,
    KeyMaterial, KeyRefusal, KeyRing, KeyStage, KeyStep, KeyTimes, RingChange, RingKey, Seconds, Signer,
    SystemClock, SystemEntropy, Timestamp, Wanted,
};
use zeroize::Zeroizing;

use super::migrated;
use crate::database::fixture::{self, Place};

const TIMES: KeyTimes = KeyTimes {
    set_max_age: Seconds::new(1),
    published_min: Seconds::new(2),
    active_max: Some(Seconds::new(4)),
    retired_min: Seconds::new(3),
    withdrawn_kept: Seconds::new(60),
};

#[derive(Default)]
struct Trail(Mutex<Vec<KeyEvent>>);

impl Audit for Trail {
    fn record(&self, _event: &AuditEvent) {}
    fn record_key(&self, event: &KeyEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

struct Process {
    signer: Arc<RingSigner>,
    keeper: KeyKeeper,
    trail: Arc<Trail>,
    clock: Arc<dyn Clock>,
}

fn issuer() -> Issuer {
    Issuer::new("https://bank.example").unwrap()
}

fn kek(byte: u8) -> KeyEncryptionKey {
    KeyEncryptionKey::new(&Zeroizing::new([byte; 32])).unwrap()
}

fn cause() -> Cause {
    Cause { actor: "olga".to_owned(), reason: "a drill".to_owned() }
}

fn keeper(ring: Arc<dyn KeyRing>, clock: Arc<dyn Clock>) -> (KeyPorts, KeyKeeper, Arc<Trail>) {
    let (maker, entropy) = (Arc::new(RingMaker::default()), Arc::new(SystemEntropy::default()));
    let vault = Arc::new(SealedVault::new(kek(7), Vec::new(), maker, entropy));
    let ports = KeyPorts { issuer: issuer(), ring, vault, clock };
    let trail = Arc::new(Trail::default());
    let settings = KeeperSettings { algs: vec![Alg::Es256], times: TIMES };
    (ports.clone(), KeyKeeper::new(ports, settings, trail.clone()), trail)
}

async fn process(ring: Arc<dyn KeyRing>, clock: Arc<dyn Clock>) -> Process {
    let (ports, keeper, trail) = keeper(ring, Arc::clone(&clock));
    keeper.begin().await.unwrap();
    Process { signer: RingSigner::open(ports).await.unwrap(), keeper, trail, clock }
}

/// A place on every engine that several processes can share, and as many of them as asked for.
async fn processes(count: usize) -> Vec<(Place, Vec<Process>)> {
    let mut all = Vec::new();
    for place in [Some(fixture::file()), fixture::postgres().await].into_iter().flatten() {
        let mut here = Vec::new();
        for _ in 0..count {
            let ring = Arc::new(SqlKeyRing::new(migrated(&place).await));
            here.push(process(ring, Arc::new(SystemClock)).await);
        }
        all.push((place, here));
    }
    all
}

impl Process {
    /// As the token endpoint does it.
    async fn token(&self) -> Result<String, Fault> {
        let signer: &dyn Signer = &*self.signer;
        signer.settle(self.clock.now()).await?;
        let kid = signer.active(Alg::Es256).ok_or_else(|| Fault::new("signer", "no key"))?;
        let header: EncodedHeader = Header { alg: Alg::Es256, kid: kid.clone(), typ: None }.encode();
        let input = header.signing_input(&serde_json::json!({})).unwrap();
        let signature = signer.sign(&kid, input.as_bytes()).await?;
        Ok(input.complete(&signature))
    }

    /// As a resource server in the same process judges it.
    async fn accepts(&self, token: &str) -> bool {
        let signer: &dyn Signer = &*self.signer;
        signer.settle(self.clock.now()).await.unwrap();
        if !verifies(token, &signer.published()) {
            signer.refresh(Wanted::UnknownKey).await.unwrap();
        }
        verifies(token, &signer.published())
    }

    async fn stages(&self) -> HashMap<String, KeyStage> {
        let rows = self.keeper.list().await.unwrap();
        rows.into_iter().map(|row| (row.kid.to_string(), row.stage)).collect()
    }
}

fn verifies(token: &str, keys: &[PublicJwk]) -> bool {
    let jws = Jws::parse(token, 8192).unwrap();
    let named = keys.iter().find(|key| key.kid().map(KeyId::as_str) == jws.kid());
    named.is_some_and(|key| jws.verify(key).is_ok())
}

fn kid_of(token: &str) -> KeyId {
    KeyId::new(Jws::parse(token, 8192).unwrap().kid().unwrap()).unwrap()
}

fn done(change: KeyChange) -> Vec<KeyEvent> {
    match change {
        KeyChange::Done(events) => events,
        KeyChange::Refused(refusal) => panic!("refused: {refusal}"),
    }
}

async fn moment(millis: u64) {
    tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn first_starts_of_many_processes_agree_on_one_key() {
    for place in [Some(fixture::file()), fixture::postgres().await].into_iter().flatten() {
        let mut starting = Vec::new();
        for _ in 0..8 {
            let ring: Arc<dyn KeyRing> = Arc::new(SqlKeyRing::new(migrated(&place).await));
            starting.push(tokio::spawn(async move { process(ring, Arc::new(SystemClock)).await }));
        }
        let mut tokens = Vec::new();
        let mut events = 0;
        let mut started = Vec::new();
        for process in starting {
            let process = process.await.unwrap();
            tokens.push(process.token().await.unwrap());
            events += process.trail.0.lock().unwrap().len();
            started.push(process);
        }
        assert_eq!(events, 1, "{}: one process made the key and says so", place.name);
        assert_eq!(started[0].stages().await.len(), 1);
        for (process, token) in started.iter().flat_map(|process| tokens.iter().map(move |it| (process, it)))
        {
            assert!(process.accepts(token).await);
        }
    }
}

/// Two servers issue as fast as they can while keys rotate every few seconds by schedule; a relying party that keeps the
/// key set for its whole `max-age`, and never looks earlier, verifies every token.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rotation_under_load_fails_no_verification() {
    for (place, processes) in processes(2).await {
        let processes: Vec<Arc<Process>> = processes.into_iter().map(Arc::new).collect();
        let (over, checked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let seen: Arc<Mutex<HashMap<KeyId, u32>>> = Arc::default();
        let mut work = Vec::new();
        for (index, process) in processes.iter().enumerate() {
            let (own, other) = (Arc::clone(process), Arc::clone(&processes[1 - index]));
            let (over, checked, seen) = (Arc::clone(&over), Arc::clone(&checked), Arc::clone(&seen));
            work.push(tokio::spawn(async move {
                let signer: &dyn Signer = &*other.signer;
                let mut cached = (signer.published(), SystemClock.now());
                while !over.load(Ordering::SeqCst) {
                    let token = own.token().await.unwrap();
                    let now = SystemClock.now();
                    if now >= cached.1.plus(TIMES.set_max_age) {
                        signer.settle(now).await.unwrap();
                        cached = (signer.published(), now);
                    }
                    assert!(
                        verifies(&token, &cached.0),
                        "{} is not in a set of {:?}",
                        kid_of(&token),
                        cached.1
                    );
                    assert!(other.accepts(&token).await);
                    *seen.lock().unwrap().entry(kid_of(&token)).or_default() += 1;
                    checked.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                }
            }));
            let ticking = Arc::clone(process);
            work.push(tokio::spawn(async move {
                for _ in 0..55 {
                    ticking.keeper.tick(&ticking.signer.keys()).await.unwrap();
                    moment(200).await;
                }
            }));
        }
        moment(11_000).await;
        over.store(true, Ordering::SeqCst);
        for task in work {
            task.await.unwrap();
        }
        let seen = seen.lock().unwrap().len();
        println!("{}: {} verifications under {seen} keys", place.name, checked.load(Ordering::SeqCst));
        assert!(seen >= 3, "keys changed at least twice, {seen} were seen");
        assert!(checked.load(Ordering::SeqCst) > 500);
        let events: Vec<KeyEvent> =
            processes.iter().flat_map(|process| process.trail.0.lock().unwrap().clone()).collect();
        for kid in events.iter().map(|event| &event.kid) {
            let steps: Vec<_> =
                events.iter().filter(|event| event.kid == *kid).map(|event| event.to).collect();
            let unique: std::collections::HashSet<_> = steps.iter().collect();
            assert_eq!(steps.len(), unique.len(), "each step of {kid} was taken once: {steps:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_withdrawn_key_signed_is_refused_at_every_process_within_a_second() {
    for (place, processes) in processes(3).await {
        let token = processes[0].token().await.unwrap();
        for process in &processes {
            assert!(process.accepts(&token).await);
        }
        let events = done(processes[1].keeper.withdraw(&kid_of(&token), &cause()).await.unwrap());
        let stages: Vec<_> = events.iter().map(|event| (event.from, event.to)).collect();
        assert_eq!(
            stages,
            [(Some(KeyStage::Active), Some(KeyStage::Withdrawn)), (None, Some(KeyStage::Active))]
        );
        assert!(events.iter().all(|event| event.cause == cause()));
        moment(950).await;
        for process in &processes {
            assert!(!process.accepts(&token).await, "{}", place.name);
            assert!(!verifies(&token, &process.signer.published()), "out of the set as well");
            let next = process.token().await.unwrap();
            assert_ne!(kid_of(&next), kid_of(&token));
            for other in &processes {
                assert!(other.accepts(&next).await);
            }
        }
        let again = processes[0].keeper.withdraw(&kid_of(&token), &cause()).await.unwrap();
        assert!(matches!(again, KeyChange::Refused(KeyRefusal::NoSuchWay { .. })));
    }
}

#[tokio::test]
async fn a_key_that_another_process_forced_active_is_accepted_though_its_name_is_new() {
    let ring: Arc<dyn KeyRing> = Arc::new(MemoryKeyRing::new());
    let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(1_000_000)));
    let here = process(Arc::clone(&ring), clock.clone()).await;
    let there = process(ring, clock.clone()).await;
    let first = kid_of(&here.token().await.unwrap());
    let published = done(there.keeper.publish(Alg::Es256, &cause()).await.unwrap());
    let early = there.keeper.activate(&published[0].kid, Haste::Orderly, &cause()).await.unwrap();
    assert!(matches!(early, KeyChange::Refused(KeyRefusal::TooEarly(_))));
    done(there.keeper.activate(&published[0].kid, Haste::Emergency, &cause()).await.unwrap());
    there.signer.look().await.unwrap();
    clock.set(Timestamp::from_millis(clock.now().millis() + 30));
    let token = there.token().await.unwrap();
    assert_ne!(kid_of(&token), first);
    assert!(!verifies(&token, &here.signer.published()), "not seen yet");
    assert!(here.accepts(&token).await, "seen when asked for");
}

#[tokio::test]
async fn a_request_that_chose_a_key_before_it_retired_still_signs_with_it_and_not_when_it_was_withdrawn() {
    let ring: Arc<dyn KeyRing> = Arc::new(MemoryKeyRing::new());
    let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(1_000_000)));
    let it = process(ring, clock.clone()).await;
    let chosen = it.signer.active(Alg::Es256).unwrap();
    let next = done(it.keeper.publish(Alg::Es256, &cause()).await.unwrap())[0].kid.clone();
    clock.advance(TIMES.published_min);
    done(it.keeper.retire(&chosen, &cause()).await.unwrap());
    it.signer.look().await.unwrap();
    assert_eq!(it.signer.active(Alg::Es256), Some(next));
    assert!(it.signer.sign(&chosen, b"input").await.is_ok());
    done(it.keeper.withdraw(&chosen, &cause()).await.unwrap());
    it.signer.look().await.unwrap();
    assert!(it.signer.sign(&chosen, b"input").await.is_err());
}

/// A ring that stops answering.
struct Breaking {
    ring: MemoryKeyRing,
    broken: AtomicBool,
    asked: AtomicU32,
}

impl Breaking {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            ring: MemoryKeyRing::new(),
            broken: AtomicBool::new(false),
            asked: AtomicU32::new(0),
        })
    }

    fn answers(&self) -> Result<(), Fault> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match self.broken.load(Ordering::SeqCst) {
            true => Err(Fault::new("store", "gone")),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl KeyRing for Breaking {
    async fn keys(&self, issuer: &Issuer) -> Result<Vec<RingKey>, Fault> {
        self.answers()?;
        self.ring.keys(issuer).await
    }
    async fn apply(&self, issuer: &Issuer, steps: &[KeyStep]) -> Result<RingChange, Fault> {
        self.answers()?;
        self.ring.apply(issuer, steps).await
    }
    async fn reseal(
        &self,
        issuer: &Issuer,
        kid: &KeyId,
        old: &KeyMaterial,
        new: &KeyMaterial,
    ) -> Result<RingChange, Fault> {
        self.ring.reseal(issuer, kid, old, new).await
    }
}

#[tokio::test]
async fn a_ring_that_does_not_answer_stops_signing_and_accepting_before_the_second_is_over() {
    let ring = Breaking::new();
    let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(1_000_000)));
    let it = process(ring.clone(), clock.clone()).await;
    assert!(it.token().await.is_ok());
    ring.broken.store(true, Ordering::SeqCst);
    assert!(it.token().await.is_ok(), "what was known a moment ago holds");
    clock.advance(Seconds::new(1));
    assert!(it.token().await.is_err());
    ring.broken.store(false, Ordering::SeqCst);
    assert!(it.token().await.is_ok(), "and it recovers by itself");
}

#[tokio::test]
async fn the_ring_is_asked_when_knowledge_has_aged_and_a_made_up_name_costs_little() {
    let ring = Breaking::new();
    let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(1_000_000)));
    let it = process(ring.clone(), clock.clone()).await;
    let asked = || ring.asked.swap(0, Ordering::SeqCst);
    asked();
    for _ in 0..1000 {
        it.token().await.unwrap();
        it.signer.refresh(Wanted::UnknownKey).await.unwrap();
    }
    assert_eq!(asked(), 0);
    clock.set(Timestamp::from_millis(clock.now().millis() + 499));
    assert_eq!(it.signer.currency(clock.now()), Currency::Current);
    it.signer.refresh(Wanted::UnknownKey).await.unwrap();
    assert_eq!(asked(), 1);
    clock.set(Timestamp::from_millis(clock.now().millis() + 500));
    assert_eq!(it.signer.currency(clock.now()), Currency::Aged);
    it.token().await.unwrap();
    assert_eq!(asked(), 1);
    clock.set(Timestamp::from_seconds(999_000));
    assert_eq!(it.signer.currency(clock.now()), Currency::Aged, "a clock that was set back proves nothing");
}

/// What a process that dies between two steps leaves behind is a ring that the next one goes on with.
#[tokio::test]
async fn a_crash_between_any_two_steps_of_a_rotation_leaves_a_ring_that_signs() {
    for place in fixture::everywhere().await {
        let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(1_000_000)));
        let database = migrated(&place).await;
        let mut last: Option<String> = None;
        let mut kids = std::collections::HashSet::new();
        // each second another process starts, does at most what is due, and is gone
        for _ in 0..12 {
            let it = process(Arc::new(SqlKeyRing::new(database.clone())), clock.clone()).await;
            if let Some(token) = &last {
                assert!(it.accepts(token).await, "{}: the token of a second ago", place.name);
            }
            it.keeper.tick(&it.signer.keys()).await.unwrap();
            it.signer.look().await.unwrap();
            let token = it.token().await.unwrap();
            kids.insert(kid_of(&token));
            last = Some(token);
            let active = it.stages().await.values().filter(|stage| **stage == KeyStage::Active).count();
            assert_eq!(active, 1);
            clock.advance(Seconds::new(1));
        }
        assert!(kids.len() >= 3, "{}", kids.len());
    }
}

#[tokio::test]
async fn the_database_holds_no_private_key_in_clear_and_none_of_a_retired_key() {
    let place = fixture::file();
    let database = migrated(&place).await;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let random = ring::rand::SystemRandom::new();
    let pkcs8 = oauth_core::jose::SigningKey::generate_es256(&random).unwrap();
    let vault = SealedVault::new(
        kek(7),
        Vec::new(),
        Arc::new(RingMaker::default()),
        Arc::new(SystemEntropy::default()),
    );
    let new = vault.adopt(&issuer(), Alg::Es256, &pkcs8, None).unwrap();
    let (ports, keeper, _) = keeper(Arc::new(SqlKeyRing::new(database.clone())), clock);
    done(keeper.add(&new, KeyStage::Active, &cause()).await.unwrap());
    let signer = RingSigner::open(ports).await.unwrap();
    assert!(signer.sign(&new.kid, b"it is the key").await.is_ok());
    let secret = &pkcs8[36..68];
    assert!(!on_disk(&place, secret), "in clear");
    assert!(!on_disk(&place, &[7; 32]), "the sealing key");
    assert!(on_disk(&place, &new.material.0), "sealed");
    done(keeper.withdraw(&new.kid, &cause()).await.unwrap());
    let rows = database
        .read(oauth_core::store::database::Statement::new(
            "SELECT kid FROM signing_key WHERE material IS NOT NULL AND stage IN ('retired', 'withdrawn')",
        ))
        .await
        .unwrap();
    assert!(rows.is_empty());
}

/// Whether the bytes stand in the database file or beside it, as they are or as text.
fn on_disk(place: &Place, bytes: &[u8]) -> bool {
    use base64::Engine as _;
    let directory = place.path().parent().unwrap().to_owned();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    std::fs::read_dir(directory).unwrap().any(|file| {
        let found = std::fs::read(file.unwrap().path()).unwrap();
        [bytes, hex.as_bytes(), &text.as_bytes()[..text.len() - 4]]
            .iter()
            .any(|form| found.windows(form.len()).any(|window| window == *form))
    })
}

#[tokio::test]
async fn keys_are_sealed_anew_under_a_new_sealing_key() {
    let ring: Arc<dyn KeyRing> = Arc::new(MemoryKeyRing::new());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let it = process(Arc::clone(&ring), Arc::clone(&clock)).await;
    let token = it.token().await.unwrap();
    let with = |current, previous: Vec<KeyEncryptionKey>| {
        let entropy = Arc::new(SystemEntropy::default());
        entropy.draw().unwrap();
        let vault = SealedVault::new(kek(current), previous, Arc::new(RingMaker::default()), entropy);
        KeyPorts {
            issuer: issuer(),
            ring: Arc::clone(&ring),
            vault: Arc::new(vault),
            clock: Arc::clone(&clock),
        }
    };
    assert!(RingSigner::open(with(8, Vec::new())).await.is_err(), "another sealing key alone opens nothing");
    let settings = KeeperSettings { algs: vec![Alg::Es256], times: TIMES };
    let changing = KeyKeeper::new(with(8, vec![kek(7)]), settings, Arc::new(Trail::default()));
    assert_eq!(changing.reseal().await.unwrap(), 1);
    assert_eq!(changing.reseal().await.unwrap(), 0);
    let signer = RingSigner::open(with(8, Vec::new())).await.unwrap();
    assert!(verifies(&token, &signer.published()));
    assert!(signer.sign(&kid_of(&token), b"x").await.is_ok());
}
