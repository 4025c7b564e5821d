//! What the TPP remembers between runs: the consents it made and their refresh tokens, in one file that only its owner
//! may read.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::Stop;

const FILE: &str = "state.json";
const VERSION: u32 = 1;
const DOING: &str = "keeping the list of consents";

/// The consents of this TPP.
#[derive(Debug)]
pub(crate) struct State {
    path: PathBuf,
    stored: Stored,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    consents: Vec<Consent>,
}

/// One consent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Consent {
    /// Its id at the bank.
    pub(crate) id: String,
    /// Which API it is for.
    pub(crate) api: Api,
    /// The client that asked for it.
    pub(crate) client: String,
    /// The bank.
    pub(crate) issuer: String,
    /// When it was asked for, in seconds since 1970.
    pub(crate) created_at: i64,
    /// The customer, by the ID token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    /// A secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<String>,
}

/// An open-finance API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Api {
    /// UAE Bank Service Initiation, early drafts.
    Uae,
    /// UAE Bank Service Initiation, version 1.2.
    #[serde(rename = "uae-v1.2")]
    #[value(name = "uae-v1.2")]
    UaeV1_2,
    /// OFxPERA.
    Ofxpera,
}

impl Api {
    /// The name as written on the command line.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Uae => "uae",
            Self::UaeV1_2 => "uae-v1.2",
            Self::Ofxpera => "ofxpera",
        }
    }
}

impl std::fmt::Debug for Consent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consent").field("id", &self.id).field("api", &self.api).finish_non_exhaustive()
    }
}

impl State {
    /// Reads the file, or begins an empty list.
    pub(crate) fn read(dir: &Path) -> Result<Self, Stop> {
        let path = dir.join(FILE);
        let unusable = |why: String| {
            Stop::local(DOING, format!("{}: {why}; move it away to start over", path.display()))
        };
        let stored = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Stored { version: VERSION, consents: Vec::new() }
            }
            Err(error) => return Err(unusable(error.to_string())),
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| unusable(error.to_string()))?,
        };
        if stored.version != VERSION {
            return Err(unusable(format!("version {} is not known", stored.version)));
        }
        Ok(Self { path, stored })
    }

    /// The consents, oldest first.
    pub(crate) fn consents(&self) -> &[Consent] {
        &self.stored.consents
    }

    /// Adds a consent, or replaces what is known of it, and writes the file.
    pub(crate) fn keep(&mut self, consent: Consent) -> Result<(), Stop> {
        self.stored.consents.retain(|known| known.id != consent.id);
        self.stored.consents.push(consent);
        self.write()
    }

    /// Drops the refresh token of a consent that has ended, and writes the file.
    pub(crate) fn end(&mut self, id: &str) -> Result<(), Stop> {
        for consent in self.stored.consents.iter_mut().filter(|known| known.id == id) {
            consent.refresh_token = None;
        }
        self.write()
    }

    /// A new file takes the place of the old one, so that a crash leaves one or the other.
    fn write(&self) -> Result<(), Stop> {
        let failed =
            |error: &dyn std::fmt::Display| Stop::local(DOING, format!("{}: {error}", self.path.display()));
        let fresh = self.path.with_extension("json.new");
        let bytes = serde_json::to_vec_pretty(&self.stored).map_err(|error| failed(&error))?;
        let _ = std::fs::remove_file(&fresh);
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&fresh)
            .map_err(|error| failed(&error))?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(|error| failed(&error))?;
        std::fs::rename(&fresh, &self.path).map_err(|error| failed(&error))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::tpp::keys::tests::random;

    fn consent(id: &str) -> Consent {
        Consent {
            id: id.to_owned(),
            api: Api::Uae,
            client: "palm".to_owned(),
            issuer: "https://bank".to_owned(),
            created_at: 5,
            subject: Some("u1".to_owned()),
            refresh_token: Some("rt_secret".to_owned()),
        }
    }

    #[test]
    fn consents_are_kept_in_a_file_for_the_owner_alone() {
        let dir = std::env::temp_dir().join(format!("tpp-state-{}", random().uuid().unwrap()));
        std::fs::create_dir(&dir).unwrap();
        let mut state = State::read(&dir).unwrap();
        state.keep(consent("a")).unwrap();
        state.keep(consent("b")).unwrap();
        state.keep(consent("a")).unwrap();
        let mode = std::fs::metadata(dir.join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mut again = State::read(&dir).unwrap();
        assert_eq!(again.consents(), [consent("b"), consent("a")]);
        again.end("a").unwrap();
        assert_eq!(State::read(&dir).unwrap().consents()[1].refresh_token, None);
        std::fs::write(dir.join(FILE), "{").unwrap();
        assert!(State::read(&dir).unwrap_err().to_string().contains("start over"));
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn the_refresh_token_is_not_in_the_debug_form() {
        assert!(!format!("{:?}", consent("a")).contains("secret"));
    }
}
