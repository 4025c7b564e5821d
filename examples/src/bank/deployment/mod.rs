//! A deployment: listeners, issuers, stores, certificates, clients and users, as flags and one TOML file describe them.

mod clients;
mod document;
mod issuers;
mod people;
mod place;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use oauth_core::{FAPI2_SECURITY, Policy, ProofNonce};
use toml::de::DeTable;

pub use document::Problem;
pub use issuers::{IssuerPlan, resource_of};
pub use people::{AccountPlan, Fixture, UserPlan};
pub use place::{
    BankPlan, CallsPlan, Certificates, Ends, HsmPlan, Listeners, PeraLimits, ResourcePlan, Together,
};

use document::{Document, GUIDE, Table};
use issuers::Around;

use super::config::Flags;
use super::fixture;

/// The policy of an issuer that names none.
pub const DEFAULT_POLICY: &Policy = &FAPI2_SECURITY;

/// A complete deployment.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// Where keys, certificates and the database file live.
    pub data_dir: PathBuf,
    /// Where it listens, and under which names.
    pub listeners: Listeners,
    /// Database URL.
    pub database: String,
    /// Redis URL.
    pub redis: Option<String>,
    /// Certificates that the bank brings, and the authorities it trusts.
    pub certificates: Certificates,
    /// The device in which signing keys are made and used; without one they are sealed in the database.
    pub hsm: Option<HsmPlan>,
    /// Calls that the bank makes itself.
    pub calls: CallsPlan,
    /// Who issues; never empty.
    pub issuers: Vec<IssuerPlan>,
    /// Where the APIs are, and whose tokens they take.
    pub apis: Vec<ApiPlan>,
    /// The bank as an organisation.
    pub bank: BankPlan,
    /// Logins besides the demo ones.
    pub users: Vec<UserPlan>,
    /// Which demo data there is.
    pub demo: DemoData,
    /// Whether the clock can be moved and data put back.
    pub controls: TestControls,
    /// The listeners of the APIs where they are a process of their own.
    pub resource_server: ResourcePlan,
}

/// A place of the APIs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiPlan {
    /// Below this path.
    pub path: String,
    /// Whose tokens are taken there, by position in [`Deployment::issuers`].
    pub issuers: Vec<usize>,
}

/// Which demo customers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DemoData {
    /// All of them.
    All,
    /// Those with accounts in dirhams.
    Uae,
    /// Those with accounts in pesos.
    Ofxpera,
    /// None, and no demo clients.
    None,
}

/// Whether demo clients are registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DemoClients {
    /// They are.
    Registered,
    /// They are not.
    Absent,
}

/// Whether the test controls are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestControls {
    /// As in production.
    Absent,
    /// Clock, reset and approval at the admin listener; loopback targets pass the outbound guard.
    Present,
}

/// Where calls to third parties (`jwks_uri`, webhooks) may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outbound {
    /// To addresses of the public internet.
    Public,
    /// To this machine as well.
    PublicAndLoopback,
}

/// Why a deployment cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigFault {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{} cannot be used as it is:\n{}", path.display(), .problems.iter().map(|one| format!("  {one}")).collect::<Vec<_>>().join("\n"))]
    Content {
        /// Which file.
        path: PathBuf,
        /// Everything that is wrong, from top to bottom.
        problems: Vec<Problem>,
    },
}

impl Deployment {
    /// Puts flags, file and defaults together. Flags win.
    ///
    /// # Errors
    /// [`ConfigFault`], with everything that is wrong: line, member, what to change, and which document says so.
    pub fn read(flags: &Flags) -> Result<Self, ConfigFault> {
        let Some(path) = &flags.config else {
            return Self::parse("", (flags, Path::new("the command line")));
        };
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigFault::File { path: path.clone(), source })?;
        Self::parse(&text, (flags, path))
    }

    fn parse(text: &str, (flags, path): (&Flags, &Path)) -> Result<Self, ConfigFault> {
        let document = Document::new(text);
        let (members, faults) = DeTable::parse_recoverable(text);
        for fault in &faults {
            document.blame(&fault.span().unwrap_or_default(), "TOML", "TOML 1.0", fault.message());
        }
        let top = Table::top(&document, members.get_ref());
        let deployment = if faults.is_empty() { Self::build(&top, (flags, path)) } else { None };
        let problems = document.into_problems();
        match (deployment, problems.is_empty()) {
            (Some(deployment), true) => Ok(deployment),
            (None | Some(_), _) => Err(ConfigFault::Content { path: path.to_owned(), problems }),
        }
    }

    fn build(top: &Table<'_>, (flags, path): (&Flags, &Path)) -> Option<Self> {
        let directory = path.parent().unwrap_or_else(|| Path::new(""));
        let listeners = place::listeners(top, flags);
        let of_file = |name: &str| top.text(name).map(|text| directory.join(text));
        let data_dir = flags.data_dir.clone().or_else(|| of_file("data_dir"));
        let data_dir = data_dir.unwrap_or_else(|| PathBuf::from("mandate-data"));
        let (database, redis) = place::stores(top, flags);
        let demo = demo(top);
        let organisations = clients::organisations(top);
        let around = Around {
            listeners: &listeners,
            organisations: &organisations,
            directory,
            proof_nonce: if flags.dpop_nonce { ProofNonce::Require } else { ProofNonce::Off },
            demo_clients: if demo == DemoData::None { DemoClients::Absent } else { DemoClients::Registered },
        };
        let mut issuers = issuers_of(top, &around);
        for client in top.tables("clients") {
            if let Some(first) = issuers.first_mut() {
                first.clients.extend(clients::read(&client, first.policy, (&organisations, directory)));
            }
        }
        unique_clients(top, &issuers);
        let apis = apis(top, &issuers);
        let users = people::users(top, fixture::logins(demo));
        people::none_is_a_client(top, (&users, fixture::logins(demo)), &issuers);
        let hsm = place::hsm(top, directory);
        let (certificates, bank) =
            (place::certificates(top, directory), place::bank(top, (flags, &listeners)));
        let (calls, controls) = (place::calls(top, directory), controls(top, flags, &listeners));
        let resource_server = place::resource_server(top, directory);
        top.done();
        let database =
            database.unwrap_or_else(|| format!("sqlite:{}", data_dir.join("bank.sqlite").display()));
        let deployment = Self {
            data_dir,
            listeners,
            database,
            redis,
            certificates,
            hsm,
            calls,
            issuers,
            apis,
            bank,
            users,
            demo,
            controls,
            resource_server,
        };
        (!deployment.issuers.is_empty()).then_some(deployment)
    }

    /// The first issuer: the one that the demo data is for.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.issuers.first().map_or_else(String::new, |first| first.issuer().as_str().to_owned())
    }

    /// The origin of its listener that asks for client certificates.
    #[must_use]
    pub fn mtls_origin(&self) -> String {
        self.issuers.first().map_or_else(String::new, |first| first.mtls_origin().to_owned())
    }

    /// The same deployment with the APIs in a process of their own.
    #[must_use]
    pub fn apart(mut self) -> Self {
        self.resource_server.together = Together::Apart;
        self
    }

    /// The base URL of the APIs that take the first issuer's tokens.
    #[must_use]
    pub fn api(&self) -> String {
        let own =
            || self.issuers.first().map_or_else(String::new, |first| first.issuer().origin().to_owned());
        self.api_at(&match self.resource_server.together {
            Together::OneProcess => own(),
            Together::Apart => self.resource_ends().origin,
        })
    }

    /// The same on the listener that asks for client certificates.
    #[must_use]
    pub fn mtls_api(&self) -> String {
        self.api_at(&match self.resource_server.together {
            Together::OneProcess => self.mtls_origin(),
            Together::Apart => self.resource_ends().mtls_origin,
        })
    }

    fn api_at(&self, origin: &str) -> String {
        let place = self.apis.iter().find(|api| api.issuers.contains(&0));
        format!("{origin}{}", place.map_or("", |api| api.path.as_str()))
    }

    /// Ports and origins of the authorization server, or of everything.
    #[must_use]
    pub fn ends(&self) -> Ends {
        let at = &self.listeners;
        Ends {
            ports: [at.port, at.mtls_port, at.admin_port],
            origin: self.origin(),
            mtls_origin: at.mtls_origin(None),
        }
    }

    /// Ports and origins of the APIs where they are a process of their own.
    #[must_use]
    pub fn resource_ends(&self) -> Ends {
        let (own, host) = (&self.resource_server, &self.listeners.host);
        Ends {
            ports: [own.port, own.mtls_port, own.admin_port],
            origin: place::at(host, own.port),
            mtls_origin: place::at(host, own.mtls_port),
        }
    }

    /// The authority that vouches for the authorization server's certificate.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.resource_server.ca.clone().unwrap_or_else(|| self.data_dir.join("ca.pem"))
    }

    /// The origin under which everything is reached that has no host of its own.
    #[must_use]
    pub fn origin(&self) -> String {
        self.listeners.origin(None)
    }

    /// Which targets calls to third parties may go to.
    #[must_use]
    pub const fn outbound(&self) -> Outbound {
        match self.controls {
            TestControls::Absent => Outbound::Public,
            TestControls::Present => Outbound::PublicAndLoopback,
        }
    }

    /// Where a public listener binds.
    #[must_use]
    pub const fn address(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.listeners.bind, port)
    }
}

/// `demo`: which demo data there is.
fn demo(top: &Table<'_>) -> DemoData {
    let choices = [
        ("all", DemoData::All),
        ("uae", DemoData::Uae),
        ("ofxpera", DemoData::Ofxpera),
        ("none", DemoData::None),
    ];
    top.one_of("demo", &choices).unwrap_or(DemoData::All)
}

fn issuers_of(top: &Table<'_>, around: &Around<'_>) -> Vec<IssuerPlan> {
    if !top.has("issuers") {
        return issuers::only(around).into_iter().collect();
    }
    let tables = top.tables("issuers");
    let mut issuers: Vec<IssuerPlan> = Vec::new();
    for table in &tables {
        let Some(issuer) = issuers::read(table, around) else { continue };
        if issuers.iter().any(|known| known.issuer() == issuer.issuer()) {
            table.blame("path", "RFC 8414 section 2", format!("{} is another issuer too", issuer.issuer()));
        }
        let slug = issuer.slug(&around.listeners.origin(None));
        if issuers.iter().any(|known| known.slug(&around.listeners.origin(None)) == slug) {
            table.blame("path", GUIDE, "reads like the path of another issuer; choose another word");
        }
        issuers.push(issuer);
    }
    issuers
}

/// RFC 6749 section 2.2: an identifier names one client of an issuer.
fn unique_clients(top: &Table<'_>, issuers: &[IssuerPlan]) {
    for issuer in issuers {
        let mut seen = Vec::new();
        for client in &issuer.clients {
            if seen.contains(&&client.client_id) {
                let message = format!("{} is registered twice at {}", client.client_id, issuer.issuer());
                top.blame("issuers", "RFC 6749 section 2.2", message);
            }
            seen.push(&client.client_id);
        }
    }
}

/// `[[apis]]`: without one, every issuer has them below its own path.
fn apis(top: &Table<'_>, issuers: &[IssuerPlan]) -> Vec<ApiPlan> {
    if !top.has("apis") {
        let own = |(index, issuer): (usize, &IssuerPlan)| ApiPlan {
            path: issuer.issuer().path().to_owned(),
            issuers: vec![index],
        };
        return issuers.iter().enumerate().map(own).collect();
    }
    let mut places: Vec<ApiPlan> = Vec::new();
    for table in top.tables("apis") {
        let path = table.text("path").unwrap_or_default().to_owned();
        if !path.is_empty() && (!path.starts_with('/') || path.ends_with('/')) {
            table.blame("path", GUIDE, "begin with a slash and do not end with one, or leave it empty");
        }
        if places.iter().any(|known| known.path == path) {
            table.blame("path", GUIDE, "is the place of other APIs");
        }
        let wanted = table.texts("issuers").unwrap_or_default();
        let mut taken = Vec::new();
        for one in wanted {
            let fits = |issuer: &IssuerPlan| issuer.issuer().path() == one || issuer.issuer().as_str() == one;
            match issuers.iter().position(fits) {
                Some(index) => taken.push(index),
                None => table.blame("issuers", GUIDE, format!("\"{one}\" is no path of [[issuers]]")),
            }
        }
        if taken.is_empty() {
            table.blame("issuers", GUIDE, "name the path of at least one issuer whose tokens are taken");
        }
        table.done();
        places.push(ApiPlan { path, issuers: taken });
    }
    places
}

/// Test controls are for this machine alone.
fn controls(top: &Table<'_>, flags: &Flags, listeners: &Listeners) -> TestControls {
    let wanted = flags.test_controls || top.flag("test_controls").unwrap_or_default();
    if wanted && !listeners.bind.is_loopback() {
        let message = format!("every listener must be on a loopback address; bind is {}", listeners.bind);
        top.blame("test_controls", GUIDE, message);
    }
    if wanted { TestControls::Present } else { TestControls::Absent }
}

#[cfg(test)]
mod tests;
