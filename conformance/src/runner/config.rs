//! The file of a run: whom to test, with which clients and customer, and how its pages are filled in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::client::Client;
use crate::runner::variant::Variant;
use crate::tpp::config::{Entry, Registered};
use crate::user::Pages;
use crate::{Doing as _, Trouble};

/// Authorities trusted when the file names none.
const SYSTEM_AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The file. Paths are relative to it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Whom to test; `--issuer` wins.
    pub issuer: String,
    /// Authorities of its certificates in PEM; those of the machine when absent.
    pub ca: Option<PathBuf>,
    /// What an ordinary request asks for.
    #[serde(default = "openid")]
    pub scope: String,
    /// What a client asks for when it acts alone; without it those cases are skipped.
    pub own_scope: Option<String>,
    /// `authorization_details` of every request, as JSON.
    pub authorization_details: Option<String>,
    /// A protected resource that answers GET; the userinfo endpoint when absent.
    pub resource: Option<String>,
    /// The longest that a case may wait for something to expire, in seconds.
    #[serde(default = "two_minutes")]
    pub patience_s: u64,
    /// The customer.
    pub user: Customer,
    /// The controls of the pages.
    #[serde(default)]
    pub pages: Pages,
    /// A program that completes an authorization instead of the built-in browser.
    #[serde(default)]
    pub browser: Vec<String>,
    /// The clients by their `client_id`.
    pub clients: BTreeMap<String, Entry>,
    #[serde(skip)]
    directory: PathBuf,
}

/// Who signs in.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Customer {
    /// Name at the server.
    pub username: String,
    /// Password at the server.
    pub password: String,
    /// One-time code, where the server asks for one.
    pub otp: Option<String>,
}

impl std::fmt::Debug for Customer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Customer({})", self.username)
    }
}

fn openid() -> String {
    "openid".to_owned()
}

const fn two_minutes() -> u64 {
    120
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read or has an unknown member; the trouble names the line.
    pub fn read(file: &Path) -> Result<Self, Trouble> {
        let text = std::fs::read_to_string(file).doing(format!("read {}", file.display()))?;
        let mut read: Self = toml::from_str(&text).doing(format!("understand {}", file.display()))?;
        read.directory = file.parent().unwrap_or_else(|| Path::new(".")).to_owned();
        read.details()?;
        Ok(read)
    }

    /// The ids of the clients that a variant speaks of.
    pub fn clients_for(&self, variant: &Variant) -> Vec<String> {
        let fitting = self.clients.iter().filter(|(id, entry)| variant.fits(id, entry));
        fitting.map(|(id, _)| id.clone()).collect()
    }

    /// A client with its keys and connection.
    ///
    /// # Errors
    /// When there is no such client or one of its files cannot be read.
    pub fn registered(&self, id: &str) -> Result<Registered, Trouble> {
        let entry = self.clients.get(id).cloned().doing(format!("find the client {id}"))?;
        Registered::read(&self.directory, (id.to_owned(), entry), self.issuer.clone(), &self.plain()?)
    }

    /// A connection that shows the certificate of the first such client that has one.
    ///
    /// # Errors
    /// When its files cannot be read.
    pub fn certified(&self, wanted: impl Fn(&str) -> bool) -> Result<Option<Client>, Trouble> {
        let found = self
            .clients
            .iter()
            .filter(|(id, _)| wanted(id))
            .find_map(|(_, entry)| Some((entry.certificate.as_ref()?, entry.certificate_key.as_ref()?)));
        let Some((certificate, key)) = found else { return Ok(None) };
        let bytes = |path: &PathBuf| {
            let path = self.directory.join(path);
            std::fs::read(&path).doing(format!("read {}", path.display()))
        };
        self.plain()?.with_certificate(&bytes(certificate)?, &bytes(key)?).map(Some)
    }

    fn plain(&self) -> Result<Client, Trouble> {
        let ca = self.ca.clone().unwrap_or_else(|| SYSTEM_AUTHORITIES.into());
        let ca = self.directory.join(ca);
        let authorities = std::fs::read(&ca).doing(format!("read {}", ca.display()))?;
        Client::trusting(&authorities)
    }

    /// `authorization_details`, read.
    ///
    /// # Errors
    /// When they are no JSON.
    pub fn details(&self) -> Result<Option<Value>, Trouble> {
        let read = self.authorization_details.as_deref().map(serde_json::from_str).transpose();
        read.doing("read authorization_details of the file")
    }
}

/// The example bank's own client of its side of the interface: it never asks a customer, so no plan is for it.
const BANK_SIDE: &str = "lfi";

/// The file for a running reference bank, from its data directory.
///
/// # Errors
/// When the directory has no `tpp/tpp.toml`.
pub fn of_bank(directory: &Path) -> Result<String, Trouble> {
    let file = directory.join("tpp").join("tpp.toml");
    let text = std::fs::read_to_string(&file).doing(format!("read {}", file.display()))?;
    let tpp: toml::Table = text.parse().doing(format!("understand {}", file.display()))?;
    let place =
        file.parent().unwrap_or(directory).canonicalize().doing("find the directory of the clients")?;
    let mut out = toml::Table::new();
    let text = |table: &toml::Table, name: &str| {
        table.get(name).and_then(toml::Value::as_str).map(str::to_owned).doing(format!("find {name}"))
    };
    out.insert("issuer".into(), text(&tpp, "issuer")?.into());
    out.insert("ca".into(), place.join(text(&tpp, "ca")?).display().to_string().into());
    out.insert("scope".into(), "openid profile email".into());
    out.insert("own_scope".into(), "payments".into());
    let demo = tpp.get("demo").and_then(toml::Value::as_table).doing("find the demo customer")?;
    let customer =
        ["username", "password"].map(|name| text(demo, name).map(|value| (name.to_owned(), value.into())));
    let customer: Result<toml::Table, Trouble> = customer.into_iter().collect();
    out.insert("user".into(), customer?.into());
    let mut clients =
        tpp.get("clients").and_then(toml::Value::as_table).cloned().doing("find the clients")?;
    clients.remove(BANK_SIDE);
    for (_, client) in &mut clients {
        let Some(client) = client.as_table_mut() else { continue };
        for name in ["signing_key", "certificate", "certificate_key"] {
            if let Some(toml::Value::String(path)) = client.get_mut(name) {
                *path = place.join(path.as_str()).display().to_string();
            }
        }
    }
    out.insert("clients".into(), clients.into());
    toml::to_string(&out).doing("write the file")
}
