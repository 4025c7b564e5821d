//! Signing keys and secrets on disk.
//!
//! A key is made once, by whichever process comes first, and loaded by every later one. Private keys are PKCS#8
//! PEM as OpenSSL writes and reads them. Every key signs and verifies
//! a test message when it is loaded, so that a damaged file stops the start and not the first token.
//!
//! Everything here blocks; an asynchronous caller uses [`ensure_all`] from `tokio::task::spawn_blocking`.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SecureRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding, SecretDocument};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

/// What a signing key signs with (RFC 7518 section 3.1, RFC 8037 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSASSA-PSS with SHA-256, modulus of 2048 bits.
    Ps256,
    /// `EdDSA` on Ed25519.
    Ed25519,
}

/// A private key that has proven that it signs.
#[derive(Debug)]
pub struct SigningKey {
    /// What it signs with.
    pub algorithm: KeyAlgorithm,
    /// The key, as ring reads it. Its `Debug` form shows nothing of it.
    pub pkcs8: PrivatePkcs8KeyDer<'static>,
}

/// Thirty-two random bytes, for instance the key of DPoP nonces.
pub struct Secret32([u8; 32]);

impl Secret32 {
    /// The bytes. Only a keyed function should ever see them.
    #[must_use]
    pub const fn reveal(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Why a key could not be made or loaded.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was attempted.
        action: &'static str,
        /// Which file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Others may read or change the file, so it is no longer a secret.
    #[error("{} has mode {mode:03o}, so others can reach it; run: chmod 600 '{}'", path.display(), path.display())]
    OpenToOthers {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file holds something else than it should.
    #[error("{} does not hold {expected}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What should be in it.
        expected: &'static str,
    },
    /// The key was read, but what it signs does not verify.
    #[error("the key in {} does not sign: it is damaged", path.display())]
    DoesNotSign {
        /// Which file.
        path: PathBuf,
    },
    /// A key could not be generated; the source of random bytes failed.
    #[error("a key could not be generated")]
    NotGenerated,
}

/// The ES256 key at `path`, made when there is none.
///
/// # Errors
/// [`KeyFault`], when the file cannot be made, read, or trusted.
pub fn ensure_es256(path: &Path, random: &dyn SecureRandom) -> Result<SigningKey, KeyFault> {
    ensure(KeyAlgorithm::Es256, path, random)
}

/// The PS256 key at `path`, made when there is none. Making one takes tens to hundreds of milliseconds of CPU.
///
/// # Errors
/// [`KeyFault`], when the file cannot be made, read, or trusted.
pub fn ensure_ps256(path: &Path, random: &dyn SecureRandom) -> Result<SigningKey, KeyFault> {
    ensure(KeyAlgorithm::Ps256, path, random)
}

/// The Ed25519 key at `path`, made when there is none.
///
/// # Errors
/// [`KeyFault`], when the file cannot be made, read, or trusted.
pub fn ensure_ed25519(path: &Path, random: &dyn SecureRandom) -> Result<SigningKey, KeyFault> {
    ensure(KeyAlgorithm::Ed25519, path, random)
}

/// The 32 secret bytes at `path`, drawn when there is no such file. They are kept as one line of base64url.
///
/// # Errors
/// [`KeyFault`], when the file cannot be made, read, or trusted.
pub fn ensure_secret32(path: &Path, random: &dyn SecureRandom) -> Result<Secret32, KeyFault> {
    let text = read_or_make(path, || {
        let mut bytes = [0; 32];
        random.fill(&mut bytes).map_err(|_| KeyFault::NotGenerated)?;
        Ok(format!("{}\n", URL_SAFE_NO_PAD.encode(bytes)).into_bytes())
    })?;
    let line = text.strip_suffix(b"\n").unwrap_or(&text);
    URL_SAFE_NO_PAD
        .decode(line)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .map(Secret32)
        .ok_or_else(|| KeyFault::Unreadable { path: path.to_owned(), expected: "32 bytes in base64url" })
}

/// The private key at `path` as PKCS#8 DER, if there is such a file.
///
/// # Errors
/// [`KeyFault`], when the file cannot be read, or trusted, or is no key.
pub(crate) fn read_pkcs8(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, KeyFault> {
    let Some(pem) = read_secret(path)? else { return Ok(None) };
    let unreadable =
        |_| KeyFault::Unreadable { path: path.to_owned(), expected: "a PKCS#8 private key in PEM" };
    let key = PrivatePkcs8KeyDer::from_pem_slice(&Zeroizing::new(pem)).map_err(unreadable)?;
    Ok(Some(Zeroizing::new(key.secret_pkcs8_der().to_vec())))
}

/// Several keys at once, each on its own thread: RSA generation is the slowest part of a first start.
/// The answer has the order of `wanted`.
///
/// # Errors
/// The first [`KeyFault`] in that order.
pub fn ensure_all(
    wanted: &[(KeyAlgorithm, PathBuf)],
    random: &(dyn SecureRandom + Sync),
) -> Result<Vec<SigningKey>, KeyFault> {
    std::thread::scope(|scope| {
        let running: Vec<_> = wanted
            .iter()
            .map(|(algorithm, path)| scope.spawn(move || ensure(*algorithm, path, random)))
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap_or(Err(KeyFault::NotGenerated))).collect()
    })
}

fn ensure(algorithm: KeyAlgorithm, path: &Path, random: &dyn SecureRandom) -> Result<SigningKey, KeyFault> {
    let pem = read_or_make(path, || generate(algorithm, random).map(String::into_bytes))?;
    let pkcs8 = PrivatePkcs8KeyDer::from_pem_slice(&pem).map_err(|_| KeyFault::Unreadable {
        path: path.to_owned(),
        expected: "a PKCS#8 private key in PEM",
    })?;
    let verdict = match algorithm {
        KeyAlgorithm::Es256 => try_es256(pkcs8.secret_pkcs8_der(), random),
        KeyAlgorithm::Ps256 => try_ps256(pkcs8.secret_pkcs8_der(), random),
        KeyAlgorithm::Ed25519 => try_ed25519(pkcs8.secret_pkcs8_der()),
    };
    match verdict {
        Trial::Passed => Ok(SigningKey { algorithm, pkcs8 }),
        Trial::OtherKey => {
            Err(KeyFault::Unreadable { path: path.to_owned(), expected: algorithm.described() })
        }
        Trial::Failed => Err(KeyFault::DoesNotSign { path: path.to_owned() }),
    }
}

impl KeyAlgorithm {
    const fn described(self) -> &'static str {
        match self {
            Self::Es256 => "a P-256 key with its public key",
            Self::Ps256 => "an RSA key of at least 2048 bits",
            Self::Ed25519 => "an Ed25519 key",
        }
    }
}

/// A new private key, as PKCS#8 PEM.
pub(crate) fn generate(algorithm: KeyAlgorithm, random: &dyn SecureRandom) -> Result<String, KeyFault> {
    let lost = |_| KeyFault::NotGenerated;
    let der = match algorithm {
        KeyAlgorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, random),
        KeyAlgorithm::Ed25519 => Ed25519KeyPair::generate_pkcs8(random),
        KeyAlgorithm::Ps256 => return generate_rsa(),
    }
    .map_err(lost)?;
    let der = match algorithm {
        KeyAlgorithm::Ed25519 => Zeroizing::new(without_public_key(der.as_ref())?),
        KeyAlgorithm::Es256 | KeyAlgorithm::Ps256 => Zeroizing::new(der.as_ref().to_vec()),
    };
    let document = SecretDocument::try_from(der.as_slice()).map_err(|_| KeyFault::NotGenerated)?;
    let pem = document.to_pem("PRIVATE KEY", LineEnding::LF).map_err(|_| KeyFault::NotGenerated)?;
    Ok(pem.as_str().to_owned())
}

/// RFC 8410 section 7, version 1: ring appends the public key in a way that OpenSSL, and so most clients, cannot read.
fn without_public_key(der: &[u8]) -> Result<Vec<u8>, KeyFault> {
    let head = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];
    let seed = der
        .get(12..48)
        .filter(|seed| seed.starts_with(&[0x04, 0x22, 0x04, 0x20]))
        .ok_or(KeyFault::NotGenerated);
    Ok([&head, seed?].concat())
}

/// The one place with a generator of its own: ring cannot make RSA keys, and the crate that can takes its random
/// bytes through another trait, so the operating system's source is named here instead of being handed in.
fn generate_rsa() -> Result<String, KeyFault> {
    let key =
        rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).map_err(|_| KeyFault::NotGenerated)?;
    let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyFault::NotGenerated)?;
    Ok(pem.as_str().to_owned())
}

/// A new RSA key of 2048 bits as PKCS#8 DER. Takes tens to hundreds of milliseconds of CPU.
///
/// # Errors
/// [`KeyFault::NotGenerated`], when the source of random bytes fails.
pub(crate) fn generate_rsa_der() -> Result<Zeroizing<Vec<u8>>, KeyFault> {
    let pem = Zeroizing::new(generate_rsa()?);
    let key = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyFault::NotGenerated)?;
    Ok(Zeroizing::new(key.secret_pkcs8_der().to_vec()))
}

enum Trial {
    Passed,
    OtherKey,
    Failed,
}

impl Trial {
    fn of(verified: Result<(), ring::error::Unspecified>) -> Self {
        match verified {
            Ok(()) => Self::Passed,
            Err(ring::error::Unspecified) => Self::Failed,
        }
    }
}

const TRIAL_MESSAGE: &[u8] = b"signed once at every start";

fn try_es256(pkcs8: &[u8], random: &dyn SecureRandom) -> Trial {
    let Ok(key) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, random) else {
        return Trial::OtherKey;
    };
    let Ok(signature) = key.sign(random, TRIAL_MESSAGE) else { return Trial::Failed };
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key());
    Trial::of(public.verify(TRIAL_MESSAGE, signature.as_ref()))
}

fn try_ps256(pkcs8: &[u8], random: &dyn SecureRandom) -> Trial {
    let Ok(key) = RsaKeyPair::from_pkcs8(pkcs8) else { return Trial::OtherKey };
    let mut signature = vec![0; key.public().modulus_len()];
    if key.sign(&RSA_PSS_SHA256, random, TRIAL_MESSAGE, &mut signature).is_err() {
        return Trial::Failed;
    }
    let public = PublicKeyComponents::<Vec<u8>>::from(key.public());
    Trial::of(public.verify(&RSA_PSS_2048_8192_SHA256, TRIAL_MESSAGE, &signature))
}

/// Also reads keys without their public half: that is how OpenSSL writes Ed25519.
fn try_ed25519(pkcs8: &[u8]) -> Trial {
    let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8) else { return Trial::OtherKey };
    let public = UnparsedPublicKey::new(&ED25519, key.public_key());
    Trial::of(public.verify(TRIAL_MESSAGE, key.sign(TRIAL_MESSAGE).as_ref()))
}

// The file layer, shared with the local certificates.

/// The secret file's bytes; when there is none, `make` says what to put there. Of several processes that start
/// together one places its file and all load that one.
pub(crate) fn read_or_make(
    path: &Path,
    make: impl FnOnce() -> Result<Vec<u8>, KeyFault>,
) -> Result<Vec<u8>, KeyFault> {
    if let Some(bytes) = read_secret(path)? {
        return Ok(bytes);
    }
    place(path, &make()?, Access::Owner, Existing::Keep)?;
    read_secret(path)?
        .ok_or_else(|| KeyFault::Unreadable { path: path.to_owned(), expected: "what was just written" })
}

/// Reads a file that must be a secret, judging the opened file and not a name that may change meanwhile. A group
/// that may read is left to the operator: mounted secrets often look so.
pub(crate) fn read_secret(path: &Path) -> Result<Option<Vec<u8>>, KeyFault> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(KeyFault::File { action: "open", path: path.to_owned(), source }),
    };
    let failed = |source| KeyFault::File { action: "read", path: path.to_owned(), source };
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o027 != 0 {
        return Err(KeyFault::OpenToOthers { path: path.to_owned(), mode });
    }
    let mut bytes = Vec::new();
    (&mut file).take(FILE_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Some(bytes))
}

/// Bytes read from a key or certificate file.
pub(crate) const FILE_BYTES: u64 = 1024 * 1024;

/// Who may read a file that we write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Mode 0600.
    Owner,
    /// Mode 0644.
    Everyone,
}

/// What happens to a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    /// It stays, and ours is dropped.
    Keep,
    /// Ours takes its place.
    Replace,
}

/// Writes the whole file or nothing: a reader, or a crash at any moment, never finds half of it.
pub(crate) fn place(path: &Path, bytes: &[u8], access: Access, existing: Existing) -> Result<(), KeyFault> {
    static DRAFTS: AtomicU64 = AtomicU64::new(0);
    let failed = |action| move |source| KeyFault::File { action, path: path.to_owned(), source };
    let directory = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(failed("create the directory of"))?;
    let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
    let draft = directory.join(format!(".draft-{}-{number}", std::process::id()));
    let _ = fs::remove_file(&draft);
    let written = write_synced(&draft, bytes, access).and_then(|()| match existing {
        Existing::Replace => fs::rename(&draft, path),
        Existing::Keep => match fs::hard_link(&draft, path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            // Some mounted file systems have no links; there the last of several first starts wins.
            Err(_) => fs::rename(&draft, path),
            Ok(()) => Ok(()),
        },
    });
    let _ = fs::remove_file(&draft);
    written.map_err(failed("write"))?;
    File::open(directory).and_then(|d| d.sync_all()).map_err(failed("sync the directory of"))
}

fn write_synced(draft: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
    let mode = match access {
        Access::Owner => 0o600,
        Access::Everyone => 0o644,
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(draft)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
pub(crate) mod tests {
    use ring::rand::SystemRandom;

    use super::*;

    /// A directory of one test, gone with it.
    pub(crate) struct Scratch(pub(crate) PathBuf);

    impl Scratch {
        pub(crate) fn new() -> Self {
            static COUNT: AtomicU64 = AtomicU64::new(0);
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("mandate-{}-{number}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn random() -> SystemRandom {
        SystemRandom::new()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn every_kind_of_key_is_made_once_for_its_owner_alone() {
        let dir = Scratch::new();
        let wanted: Vec<_> = [KeyAlgorithm::Es256, KeyAlgorithm::Ps256, KeyAlgorithm::Ed25519]
            .into_iter()
            .map(|algorithm| (algorithm, dir.0.join(format!("{algorithm:?}.pem"))))
            .collect();
        let first = ensure_all(&wanted, &random()).unwrap();
        let second = ensure_all(&wanted, &random()).unwrap();
        for ((algorithm, path), (a, b)) in wanted.iter().zip(first.iter().zip(&second)) {
            assert_eq!((a.algorithm, b.algorithm), (*algorithm, *algorithm));
            assert_eq!(a.pkcs8.secret_pkcs8_der(), b.pkcs8.secret_pkcs8_der());
            assert_eq!(mode(path), 0o600);
            assert!(fs::read(path).unwrap().starts_with(b"-----BEGIN PRIVATE KEY-----\n"));
        }
        assert_eq!(fs::read_dir(&dir.0).unwrap().count(), 3, "no drafts stay behind");
    }

    #[test]
    fn an_ed25519_key_is_written_in_the_form_that_every_library_reads() {
        let dir = Scratch::new();
        let key = ensure_ed25519(&dir.0.join("key.pem"), &random()).unwrap();
        let der = key.pkcs8.secret_pkcs8_der();
        let (head, seed) = der.split_at(16);
        assert_eq!(
            head, b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20",
            "RFC 8410 section 7"
        );
        assert_eq!(seed.len(), 32);
    }

    #[test]
    fn a_key_file_that_others_can_reach_is_refused_with_the_command_that_helps() {
        let dir = Scratch::new();
        let path = dir.0.join("key.pem");
        ensure_es256(&path, &random()).unwrap();
        for bad in [0o604, 0o602, 0o620, 0o644, 0o666] {
            fs::set_permissions(&path, fs::Permissions::from_mode(bad)).unwrap();
            let fault = ensure_es256(&path, &random()).unwrap_err();
            assert!(matches!(fault, KeyFault::OpenToOthers { mode, .. } if mode == bad), "{bad:o}");
            assert!(fault.to_string().contains(&format!("chmod 600 '{}'", path.display())));
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
        ensure_es256(&path, &random()).unwrap();
    }

    #[test]
    fn a_file_with_another_key_or_none_is_refused_and_left_alone() {
        let dir = Scratch::new();
        let path = dir.0.join("key.pem");
        ensure_ed25519(&path, &random()).unwrap();
        let before = fs::read(&path).unwrap();
        assert!(matches!(ensure_es256(&path, &random()), Err(KeyFault::Unreadable { .. })));
        assert!(matches!(ensure_ps256(&path, &random()), Err(KeyFault::Unreadable { .. })));
        assert!(matches!(ensure_secret32(&path, &random()), Err(KeyFault::Unreadable { .. })));
        assert_eq!(fs::read(&path).unwrap(), before);
        place(&path, b"", Access::Owner, Existing::Replace).unwrap();
        assert!(matches!(ensure_ed25519(&path, &random()), Err(KeyFault::Unreadable { .. })));
    }

    #[test]
    fn a_key_whose_public_half_is_not_its_own_is_refused() {
        let dir = Scratch::new();
        let (one, two) = (dir.0.join("one.pem"), dir.0.join("two.pem"));
        let one_der = ensure_es256(&one, &random()).unwrap().pkcs8.secret_pkcs8_der().to_vec();
        let two_der = ensure_es256(&two, &random()).unwrap().pkcs8.secret_pkcs8_der().to_vec();
        let (kept, _) = one_der.split_at(one_der.len() - 65);
        let mixed = [kept, &two_der[two_der.len() - 65..]].concat();
        let pem = SecretDocument::try_from(mixed.as_slice())
            .unwrap()
            .to_pem("PRIVATE KEY", LineEnding::LF)
            .unwrap();
        place(&one, pem.as_bytes(), Access::Owner, Existing::Replace).unwrap();
        assert!(ensure_es256(&one, &random()).is_err());
    }

    #[test]
    fn of_many_first_starts_at_once_all_load_the_same_secret() {
        let dir = Scratch::new();
        let path = dir.0.join("nonce.secret");
        let secrets: Vec<_> = std::thread::scope(|scope| {
            let all: Vec<_> =
                (0..16).map(|_| scope.spawn(|| ensure_secret32(&path, &random()).unwrap())).collect();
            all.into_iter().map(|thread| *thread.join().unwrap().reveal()).collect()
        });
        assert!(secrets.iter().all(|secret| *secret == secrets[0]));
        assert_ne!(secrets[0], [0; 32]);
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn debug_output_of_a_key_shows_none_of_its_bytes() {
        let dir = Scratch::new();
        let key = ensure_ed25519(&dir.0.join("key.pem"), &random()).unwrap();
        assert_eq!(format!("{key:?}").matches(char::is_numeric).count(), "25519".len() + "8".len() * 2);
    }
}
