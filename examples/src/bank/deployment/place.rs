//! Where a deployment listens, what it stores in, which certificates it brings, and who it is.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use oauth_core::PushRate;
use resource_server::dialect::ofxpera::Exposure;
use resource_server::domain::{Currency, IntegerDigits, Money, OrganisationKind};
use serde_json::Value;
use url::Url;

use super::document::{GUIDE, Table};
use crate::bank::config::{Flags, Represented};

/// Addresses and names of the listeners.
#[derive(Debug, Clone)]
pub struct Listeners {
    /// Where the two public ones bind.
    pub bind: IpAddr,
    /// The name by which they are reached.
    pub host: String,
    /// Browser and API listener.
    pub port: u16,
    /// Listener that asks for client certificates.
    pub mtls_port: u16,
    /// Health, metrics and admin listener, on the loopback address always.
    pub admin_port: u16,
    /// The origin in front of the browser and API listener, when a proxy forwards to it.
    pub origin: Option<String>,
    /// The same for the listener that asks for client certificates.
    pub mtls_origin: Option<String>,
}

/// Certificates the bank brings.
#[derive(Debug, Clone, Default)]
pub struct Certificates {
    /// Chain and key of the public listeners, PEM; otherwise the local authority issues one.
    pub server: Option<(PathBuf, PathBuf)>,
    /// Authorities of client certificates besides the local one, PEM.
    pub client_authorities: Vec<PathBuf>,
}

/// A device that speaks PKCS #11, in which signing keys are made and used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HsmPlan {
    /// The vendor's library.
    pub module: PathBuf,
    /// The label of the token.
    pub token: String,
    /// A file that holds the PIN in its only line, readable by its owner only.
    pub pin_file: PathBuf,
}

/// `[hsm]`: without it, signing keys are sealed in the database.
pub(super) fn hsm(top: &Table<'_>, directory: &Path) -> Option<HsmPlan> {
    let table = top.table("hsm")?;
    let path = |name: &str| table.need(name, GUIDE, table.text(name)).map(|text| directory.join(text));
    let (module, pin_file) = (path("module"), path("pin_file"));
    let token = table.need("token", GUIDE, table.text("token"));
    table.done();
    Some(HsmPlan { module: module?, token: token?.to_owned(), pin_file: pin_file? })
}

/// Calls that the bank makes itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallsPlan {
    /// Authorities that vouch for the servers of clients, PEM, instead of those of the operating system.
    pub authorities: Option<PathBuf>,
    /// Ports that may be called besides 443.
    pub ports: Vec<u16>,
}

/// The bank as an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankPlan {
    /// Identifier, the data holder of OFxPERA.
    pub id: String,
    /// Name.
    pub name: String,
    /// BIC (ISO 9362).
    pub bic: String,
    /// What it is in the retirement-account scheme.
    pub kind: OrganisationKind,
    /// Who can reach what participants register.
    pub exposure: Exposure,
    /// What the law allows of retirement accounts.
    pub pera: PeraLimits,
    /// How often one client may call the APIs, at one process.
    pub rate: PushRate,
}

/// What law and schemes allow of retirement accounts; the regulator has changed it before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeraLimits {
    /// A contributor's contributions of one calendar year.
    pub yearly_max: Money,
    /// The same for a contributor who works abroad.
    pub yearly_max_overseas: Money,
    /// Open accounts of one contributor.
    pub accounts_max: u32,
    /// One transfer by InstaPay.
    pub instapay_max: Money,
}

/// Ports and origins of one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ends {
    /// Browsers and APIs, client certificates, operators.
    pub ports: [u16; 3],
    /// Origin of the first.
    pub origin: String,
    /// Origin of the second.
    pub mtls_origin: String,
}

/// The APIs as a process of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourcePlan {
    /// Whether they are.
    pub together: Together,
    /// API listener.
    pub port: u16,
    /// Listener that asks for client certificates.
    pub mtls_port: u16,
    /// Health and metrics.
    pub admin_port: u16,
    /// Who vouches for the authorization server's certificate; the local authority without it.
    pub ca: Option<PathBuf>,
}

/// Whether authorization server and APIs are one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Together {
    /// They are.
    OneProcess,
    /// They are two.
    Apart,
}

impl Listeners {
    /// The origin of a host at the browser and API listener; of our own host without one.
    pub(super) fn origin(&self, host: Option<&str>) -> String {
        match (host, &self.origin) {
            (None, Some(origin)) => origin.clone(),
            (host, _) => at(host.unwrap_or(&self.host), self.port),
        }
    }

    pub(super) fn mtls_origin(&self, host: Option<&str>) -> String {
        match (host, &self.mtls_origin) {
            (None, Some(origin)) => origin.clone(),
            (host, _) => at(host.unwrap_or(&self.host), self.mtls_port),
        }
    }
}

pub(super) fn at(host: &str, port: u16) -> String {
    if port == 443 { format!("https://{host}") } else { format!("https://{host}:{port}") }
}

/// `[listeners]`, with the flags in front.
pub(super) fn listeners(top: &Table<'_>, flags: &Flags) -> Listeners {
    let chosen = top.table("listeners");
    let port = |name: &str, flag: Option<u16>, otherwise: u16| {
        let table = chosen.as_ref();
        let written = table.and_then(|table| table.integer(name)).map(|number| {
            let port = u16::try_from(number).ok().filter(|port| *port != 0);
            if let (None, Some(table)) = (port, table) {
                table.blame(name, "RFC 6335 section 6", "write a port: 1 to 65535");
            }
            port.unwrap_or(otherwise)
        });
        flag.or(written).unwrap_or(otherwise)
    };
    let (main, mtls) = (port("port", flags.port, 8443), port("mtls_port", flags.mtls_port, 8444));
    let admin = port("admin_port", flags.admin_port, 9400);
    let place = chosen.as_ref().unwrap_or(top);
    for (name, taken) in [("mtls_port", mtls == main), ("admin_port", admin == main || admin == mtls)] {
        if taken {
            place.blame(name, GUIDE, "is the port of another listener; each needs its own");
        }
    }
    let address = |text: &str| text.parse::<IpAddr>().map_err(|_| "write an IP address: \"0.0.0.0\"");
    let listeners = Listeners {
        bind: flags
            .bind
            .or_else(|| chosen.as_ref()?.parsed("bind", GUIDE, address))
            .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        host: chosen
            .as_ref()
            .and_then(|table| table.parsed("host", "RFC 8414 section 2", host_name))
            .unwrap_or_else(|| "localhost".to_owned()),
        port: main,
        mtls_port: mtls,
        admin_port: admin,
        origin: chosen.as_ref().and_then(|table| table.parsed("origin", GUIDE, origin)),
        mtls_origin: chosen.as_ref().and_then(|table| table.parsed("mtls_origin", GUIDE, origin)),
    };
    if let Some(table) = chosen {
        table.done();
    }
    listeners
}

/// `[resource_server]`.
pub(super) fn resource_server(top: &Table<'_>, directory: &Path) -> ResourcePlan {
    let table = top.table("resource_server");
    let port = |name: &str, otherwise: u16| {
        let Some(table) = &table else { return otherwise };
        let Some(number) = table.integer(name) else { return otherwise };
        u16::try_from(number).unwrap_or_else(|_| {
            table.blame(name, "RFC 6335 section 6", "write a port: 1 to 65535");
            otherwise
        })
    };
    let plan = ResourcePlan {
        together: Together::OneProcess,
        port: port("port", 8453),
        mtls_port: port("mtls_port", 8454),
        admin_port: port("admin_port", 9410),
        ca: table.as_ref().and_then(|table| table.text("ca")).map(|text| directory.join(text)),
    };
    if let Some(table) = table {
        table.done();
    }
    plan
}

/// `[stores]`, with the flags in front.
pub(super) fn stores(top: &Table<'_>, flags: &Flags) -> (Option<String>, Option<String>) {
    let chosen = top.table("stores");
    let url = |text: &str| {
        let known = oauth_core::store::database::DatabaseUrl::parse(text);
        known.map(|_| text.to_owned()).map_err(|fault| fault.to_string())
    };
    let redis = |text: &str| match text.starts_with("redis://") || text.starts_with("rediss://") {
        true => Ok(text.to_owned()),
        false => Err("write redis://host"),
    };
    let database = chosen.as_ref().and_then(|table| table.parsed("database", GUIDE, url));
    let shared = chosen.as_ref().and_then(|table| table.parsed("redis", GUIDE, redis));
    if let Some(table) = chosen {
        table.done();
    }
    (flags.database.clone().or(database), flags.redis.clone().or(shared))
}

/// `[certificates]`.
pub(super) fn certificates(top: &Table<'_>, directory: &Path) -> Certificates {
    let Some(table) = top.table("certificates") else { return Certificates::default() };
    let file = |name: &str| table.text(name).map(|text| directory.join(text));
    let server = match (file("chain"), file("key")) {
        (Some(chain), Some(key)) => Some((chain, key)),
        (None, None) => None,
        (Some(_), None) => table.need("key", GUIDE, None),
        (None, Some(_)) => table.need("chain", GUIDE, None),
    };
    let authorities = table.texts("client_authorities").unwrap_or_default();
    let client_authorities: Vec<PathBuf> = authorities.into_iter().map(|text| directory.join(text)).collect();
    for path in &client_authorities {
        if !path.is_file() {
            table.blame(
                "client_authorities",
                "RFC 8705 section 2.1",
                format!("{} is no file", path.display()),
            );
        }
    }
    table.done();
    Certificates { server, client_authorities }
}

/// `[outbound]`.
pub(super) fn calls(top: &Table<'_>, directory: &Path) -> CallsPlan {
    let Some(table) = top.table("outbound") else { return CallsPlan::default() };
    let authorities = table.text("authorities").map(|text| directory.join(text));
    if let Some(path) = authorities.as_ref().filter(|path| !path.is_file()) {
        table.blame("authorities", GUIDE, format!("{} is no file", path.display()));
    }
    let port =
        |value: &Value| value.as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0);
    let ports = match table.json("ports") {
        None => Some(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(port).collect(),
        Some(_) => None,
    };
    if ports.is_none() {
        table.blame("ports", "RFC 6335 section 6", "write a list of ports: [8443]");
    }
    table.done();
    CallsPlan { authorities, ports: ports.unwrap_or_default() }
}

/// Far above what a third party does.
const API_RATE: PushRate = PushRate::Limited { per_minute: 60_000, burst: 100_000 };

/// `[bank]`.
pub(super) fn bank(top: &Table<'_>, (flags, listeners): (&Flags, &Listeners)) -> BankPlan {
    let table = top.table("bank");
    let member = |name: &str, otherwise: &str| {
        table.as_ref().and_then(|table| table.text(name)).unwrap_or(otherwise).to_owned()
    };
    const KINDS: &[(&str, OrganisationKind)] = &[
        ("administrator", OrganisationKind::PeraAdministrator),
        ("institution", OrganisationKind::ContributorInstitution),
    ];
    let of_file = table.as_ref().and_then(|table| table.one_of("represents", KINDS));
    let of_flag = flags.represents.map(Represented::kind);
    let kind = of_flag.or(of_file).unwrap_or(OrganisationKind::PeraAdministrator);
    let (id, name, bic) = crate::bank::apis::organisation(kind);
    let (id, name, bic) = (member("id", id), member("name", name), member("bic", bic));
    // Who listens on this machine alone is a sandbox.
    let exposure = if listeners.bind.is_loopback() { Exposure::Sandbox } else { Exposure::Public };
    let pera = pera(table.as_ref().and_then(|table| table.table("pera")));
    let rate = table.as_ref().and_then(|table| table.table("rate"));
    let rate = rate.map_or(API_RATE, |rate| {
        let read = super::issuers::rate(&rate, "RFC 6585 section 4");
        rate.done();
        read
    });
    let bank = BankPlan { id, name, bic, kind, exposure, pera, rate };
    if let Some(table) = table {
        table.done();
    }
    bank
}

/// `[bank.pera]`.
fn pera(table: Option<Table<'_>>) -> PeraLimits {
    let pesos = |name: &str, otherwise: i64| {
        let read = |text: &str| Money::parse(text, Currency::Php, IntegerDigits::THIRTEEN);
        let said = table.as_ref().and_then(|table| table.parsed(name, "OFxPERA section 8.6", read));
        said.unwrap_or(Money::new(otherwise, Currency::Php).unwrap_or(Money::zero(Currency::Php)))
    };
    let accounts = table.as_ref().and_then(|table| {
        let count = table.integer("accounts_max")?;
        let fits = u32::try_from(count).ok().filter(|count| (1..=1000).contains(count));
        if fits.is_none() {
            table.blame("accounts_max", "OFxPERA section 8.4", "write a number from 1 to 1000");
        }
        fits
    });
    let limits = PeraLimits {
        yearly_max: pesos("yearly_max", 20_000_000),
        yearly_max_overseas: pesos("yearly_max_overseas", 40_000_000),
        accounts_max: accounts.unwrap_or(5),
        instapay_max: pesos("instapay_max", 5_000_000),
    };
    if let Some(table) = table {
        table.done();
    }
    limits
}

/// A DNS name or an IPv4 address, in lower case: what a certificate names.
pub(super) fn host_name(text: &str) -> Result<String, &'static str> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    match (1..=253).contains(&text.len()) && text.bytes().all(fits) {
        true => Ok(text.to_owned()),
        false => Err("write a host name in lower case, without scheme and port"),
    }
}

/// `https://host[:port]` and nothing behind it.
pub(super) fn origin(text: &str) -> Result<String, &'static str> {
    let same = Url::parse(text)
        .is_ok_and(|url| url.scheme() == "https" && url.origin().ascii_serialization() == text);
    if same { Ok(text.to_owned()) } else { Err("write https://host or https://host:port, and nothing more") }
}
