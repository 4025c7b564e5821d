//! The bank's part of the audit trail: the key that signs checkpoints, the sealer's rounds, and the file of checkpoints that
//! lies outside the database.
//!
//! Every process appends every checkpoint to a file of its own, whoever signed it, so that each of the files is complete:
//! one that is kept where the database's administrators cannot write finds a trail that was cut or rewritten.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use oauth_core::jose::JwkSet;
use oauth_core::store::database::Database;
use oauth_core::{Clock, Fault};
use rar_consent::audit::{Checkpoint, CheckpointFault, CheckpointKey, CheckpointPace, Trail};
use ring::rand::SystemRandom;

use super::assemble::StartFault;
use super::data_dir::DataFault;
use crate::keys::{self, Access, Existing};
use crate::serve::Shutdown;

/// The key that signs checkpoints, below the data directory. Processes over one database share it.
const KEY: &str = "keys/audit.pem";
/// Its public half, for auditors.
const PUBLIC: &str = "audit/keys.json";
/// Signed checkpoints, one per line.
const CHECKPOINTS: &str = "audit/checkpoints.jws";
/// Bytes at the end of the file of checkpoints that hold its last line.
const LAST_LINE_BYTES: u64 = 4096;

/// Between two rounds of the sealer.
const PAUSE: Duration = Duration::from_millis(500);
/// After a round that failed.
const PAUSE_AFTER_FAULT: Duration = Duration::from_secs(5);
/// Turns of one round: what is left over waits for the next.
const TURNS: u32 = 200;

/// Where the files of the trail are.
#[derive(Debug, Clone)]
pub struct AuditFiles {
    /// Signed checkpoints, one per line.
    pub checkpoints: PathBuf,
    /// The public halves of the keys that sign them, as a JWK set.
    pub keys: PathBuf,
}

impl AuditFiles {
    /// Those of a data directory.
    #[must_use]
    pub fn of(data_dir: &Path) -> Self {
        Self { checkpoints: data_dir.join(CHECKPOINTS), keys: data_dir.join(PUBLIC) }
    }
}

/// Seals the trail and keeps its checkpoints.
#[derive(Clone)]
pub struct Sealer {
    trail: Trail,
    key: Arc<CheckpointKey>,
    files: AuditFiles,
    pace: CheckpointPace,
    clock: Arc<dyn Clock>,
}

impl Sealer {
    /// Loads the key, or makes it, and writes its public half where auditors find it. Blocks.
    ///
    /// # Errors
    /// [`StartFault`], naming the file.
    pub fn open(data_dir: &Path, database: &Database, clock: &Arc<dyn Clock>) -> Result<Self, StartFault> {
        let path = data_dir.join(KEY);
        let made = keys::ensure_es256(&path, &SystemRandom::new()).map_err(DataFault::from)?;
        let unusable = |message: String| DataFault::Unusable { path: path.clone(), message };
        let key =
            CheckpointKey::new(made.pkcs8.secret_pkcs8_der()).map_err(|fault| unusable(fault.to_string()))?;
        let files = AuditFiles::of(data_dir);
        publish(&files.keys, &key).map_err(DataFault::from)?;
        let (trail, pace) = (Trail::new(database.clone()), CheckpointPace::default());
        Ok(Self { trail, key: Arc::new(key), files, pace, clock: Arc::clone(clock) })
    }

    /// Seals until `shutdown` begins, and once more then.
    pub async fn run(self, shutdown: Shutdown) {
        if let Err(fault) = self.look_back().await {
            tracing::error!(%fault, "the audit trail cannot be compared with its checkpoints");
        }
        loop {
            let pause = match self.round().await {
                Ok(()) => PAUSE,
                Err(fault) => {
                    tracing::error!(%fault, "the audit trail could not be sealed");
                    PAUSE_AFTER_FAULT
                }
            };
            tokio::select! {
                () = shutdown.begun() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        if let Err(fault) = self.round().await {
            tracing::error!(%fault, "the audit trail could not be sealed at the end");
        }
    }

    /// Seals what waits and writes the checkpoints that the file lacks.
    ///
    /// # Errors
    /// A fault of the database, the key or the file.
    pub async fn round(&self) -> Result<(), Fault> {
        for _ in 0..TURNS {
            let sealed = self.trail.seal(&self.key, self.pace, self.clock.now()).await?;
            if sealed.checkpoint.is_some() {
                self.keep_checkpoints().await?;
            }
            if !sealed.is_full() {
                break;
            }
        }
        Ok(())
    }

    /// Says at a start when the database knows less than the file: somebody cut the trail, or an older copy of the database
    /// was put back. The command `bank audit verify` says more.
    async fn look_back(&self) -> Result<(), Fault> {
        self.keep_checkpoints().await?;
        let (file, keys) = (self.files.checkpoints.clone(), self.keys());
        let last = blocking(move || last_line(&file)).await?;
        let last = last.and_then(|line| Checkpoint::read(&line, &keys).ok());
        let head = self.trail.head().await?.position;
        if let Some(last) = last.filter(|last| last.link.position > head) {
            let known = last.link.position;
            tracing::error!(
                head,
                known,
                "the audit trail is shorter than its checkpoints: run `bank audit verify`"
            );
        }
        Ok(())
    }

    async fn keep_checkpoints(&self) -> Result<(), Fault> {
        loop {
            let (file, keys) = (self.files.checkpoints.clone(), self.keys());
            let last = blocking(move || last_line(&file)).await?;
            let known = match last.map(|line| Checkpoint::read(&line, &keys)) {
                Some(Ok(checkpoint)) => checkpoint.link.position,
                Some(Err(fault)) => return Err(Fault::new("audit", fault)),
                None => 0,
            };
            let fresh = self.trail.checkpoints_after(known).await?;
            if fresh.is_empty() {
                return Ok(());
            }
            let keys = self.keys();
            let signed: Result<Vec<_>, _> = fresh.iter().map(|line| Checkpoint::read(line, &keys)).collect();
            signed.map_err(|fault: CheckpointFault| Fault::new("audit", fault))?;
            let file = self.files.checkpoints.clone();
            blocking(move || append(&file, &fresh)).await?;
        }
    }

    fn keys(&self) -> JwkSet {
        JwkSet::new(vec![self.key.public()])
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").field("files", &self.files).finish_non_exhaustive()
    }
}

fn publish(path: &Path, key: &CheckpointKey) -> Result<(), keys::KeyFault> {
    // Keys of before stay: what they signed is to be verified for ever.
    let mut known =
        fs::read(path).ok().and_then(|bytes| JwkSet::read(&bytes).ok()).unwrap_or(JwkSet::new(vec![]));
    let public = key.public();
    if known.keys().iter().any(|one| one.kid() == public.kid()) {
        return Ok(());
    }
    known = JwkSet::new(known.keys().iter().cloned().chain([public]).collect());
    keys::place(path, format!("{}\n", known.to_value()).as_bytes(), Access::Everyone, Existing::Replace)
}

/// The last whole line of a file, if there is one.
fn last_line(path: &Path) -> std::io::Result<Option<String>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(fault) => return Err(fault),
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_LINE_BYTES)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let Some((whole, _)) = text.rsplit_once('\n') else { return Ok(None) };
    Ok(whole.rsplit('\n').next().map(str::to_owned))
}

/// Appends lines and waits until the disk has them. A line that a crash left half written is ended first.
fn append(path: &Path, lines: &[String]) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    let mut file = OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path)?;
    let length = file.metadata()?.len();
    let whole = last_byte(&mut file, length)?.is_none_or(|byte| byte == b'\n');
    let begin = if whole { "" } else { "\n" };
    file.write_all(format!("{begin}{}\n", lines.join("\n")).as_bytes())?;
    file.sync_data()
}

fn last_byte(file: &mut File, length: u64) -> std::io::Result<Option<u8>> {
    if length == 0 {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(length - 1))?;
    let mut byte = [0];
    file.read_exact(&mut byte)?;
    Ok(byte.first().copied())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|fault| Fault::new("audit", fault))?;
    done.map_err(|fault| Fault::new("audit", fault))
}
