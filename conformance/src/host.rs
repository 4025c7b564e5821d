//! The outsider's only door to its machine: time, random bytes, environment, ports and directories.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::{Doing as _, Trouble};

/// Seconds since 1970, as `iat` and `exp` count them.
#[expect(
    clippy::disallowed_methods,
    reason = "a client has a clock of its own; this is the one place that reads it"
)]
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// A fresh value of 256 random bits, base64url: state, nonce, verifier, `jti`.
pub fn token() -> String {
    URL_SAFE_NO_PAD.encode(josekit::util::random_bytes(32))
}

/// A fresh UUID, version 4: correlation ids, consent ids.
#[expect(
    clippy::disallowed_methods,
    reason = "a client draws its own identifiers; this is the one place that does"
)]
pub fn uuid() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// A variable of the environment, if set and not empty.
#[expect(clippy::disallowed_methods, reason = "the check command hands over its services in the environment")]
pub fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether this process may become another account, as PostgreSQL demands of the administrator.
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// A port of the loopback address that nothing listens on right now.
///
/// # Errors
/// When the machine has none left.
pub fn free_port() -> Result<u16, Trouble> {
    let listener = TcpListener::bind("127.0.0.1:0").doing("look for a free port")?;
    Ok(listener.local_addr().doing("read the free port")?.port())
}

/// An executable by name, looked for on the path and then in further directories.
pub fn program(name: &str, further: &[PathBuf]) -> Option<PathBuf> {
    let path = setting("PATH").unwrap_or_default();
    let listed = path.split(':').filter(|entry| !entry.is_empty()).map(PathBuf::from);
    listed.chain(further.iter().cloned()).map(|directory| directory.join(name)).find(|file| file.is_file())
}

/// The build directory of this workspace.
pub fn target_directory() -> PathBuf {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join("target");
    setting("CARGO_TARGET_DIR").map_or_else(own, PathBuf::from)
}

/// A directory of our own that vanishes with this value.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// A new, empty directory below the temporary directory of the machine.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(label: &str) -> Result<Self, Trouble> {
        let name: String = token().chars().filter(char::is_ascii_alphanumeric).take(12).collect();
        let path = std::env::temp_dir().join(format!("mandate-{label}-{name}"));
        std::fs::create_dir_all(&path).doing("make a temporary directory")?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // what a killed server still writes into it may keep the directory alive: nothing depends on that
        let _left = std::fs::remove_dir_all(&self.0);
    }
}
