//! The requirement ledger: what every document demands, where it is met, and which tests would notice if it were not.
//!
//! One TOML file per document in `conformance/ledger/`. A row says the demand in our own words; `where` names the item
//! that meets it as `path::item`, `rules` the rules that refuse, `tests` the tests by their names. Beside the rows stands
//! every rule once, with tests in which it holds and tests in which it is broken.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{Doing as _, Trouble};

/// Every document.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// In the order of their file names.
    pub documents: Vec<Document>,
}

/// One file of the ledger.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// File name without its ending.
    #[serde(skip)]
    pub name: String,
    /// What the document is called.
    #[serde(rename = "document")]
    pub title: String,
    /// What it demands.
    #[serde(rename = "requirement", default)]
    pub requirements: Vec<Requirement>,
    /// The rules whose rows stand here.
    #[serde(rename = "rule", default)]
    pub rules: Vec<RuleCover>,
}

/// One demand.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Unique within the ledger; tests name it in their first comment line.
    pub id: String,
    /// Section of the document.
    pub section: String,
    /// How strict it is.
    pub level: Level,
    /// The demand.
    pub requirement: String,
    /// `path::item` of what meets it.
    #[serde(rename = "where")]
    pub places: Vec<String>,
    /// Rules that refuse what it forbids.
    pub rules: Vec<String>,
    /// Names of tests.
    pub tests: Vec<String>,
    /// How it stands.
    pub status: Status,
    /// Why it is not met.
    pub reason: Option<String>,
}

/// One rule and the tests around it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleCover {
    /// The id in refusals, log and audit.
    pub id: String,
    /// Tests in which it is judged and holds.
    pub holds: Vec<String>,
    /// Tests in which it refuses.
    pub breaks: Vec<String>,
    /// Why one of the two is missing.
    pub reason: Option<String>,
}

/// How strict a demand is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Level {
    /// The public conformance suite fails a server without it.
    #[serde(rename = "M")]
    Must,
    /// The public conformance suite warns.
    #[serde(rename = "W")]
    Warned,
    /// Demanded or recommended, and exercised by no public plan: our own tests carry it.
    #[serde(rename = "S")]
    Own,
}

/// How a demand stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Code and test stand.
    Met,
    /// Some of it; the reason says what is missing.
    Partial,
    /// None of it.
    Open,
    /// It does not concern this server; the reason says why.
    NotApplicable,
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Met => "met",
            Self::Partial => "partial",
            Self::Open => "open",
            Self::NotApplicable => "not applicable",
        })
    }
}

impl Ledger {
    /// Reads every file of a directory.
    ///
    /// # Errors
    /// When one cannot be read or has an unknown member; the trouble names file and line.
    pub fn read(directory: &Path) -> Result<Self, Trouble> {
        let entries = std::fs::read_dir(directory).doing(format!("list {}", directory.display()))?;
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|ending| ending == "toml"));
        files.sort();
        let documents: Result<Vec<Document>, Trouble> = files.iter().map(|file| document(file)).collect();
        Ok(Self { documents: documents? })
    }

    /// The ledger of this repository.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn own() -> Result<Self, Trouble> {
        Self::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("ledger"))
    }

    /// Every demand, with the document it stands in.
    pub fn requirements(&self) -> impl Iterator<Item = (&Document, &Requirement)> {
        self.documents
            .iter()
            .flat_map(|document| document.requirements.iter().map(move |row| (document, row)))
    }

    /// Every rule, with the document it stands in.
    pub fn rules(&self) -> impl Iterator<Item = (&Document, &RuleCover)> {
        self.documents.iter().flat_map(|document| document.rules.iter().map(move |row| (document, row)))
    }
}

fn document(file: &Path) -> Result<Document, Trouble> {
    let text = std::fs::read_to_string(file).doing(format!("read {}", file.display()))?;
    let mut read: Document = toml::from_str(&text).doing(format!("understand {}", file.display()))?;
    read.name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(read)
}
