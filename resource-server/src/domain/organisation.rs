//! Participants of a scheme: who they are and where they are reached.

use oauth_core::{HttpsUrl, Timestamp};
use serde::{Deserialize, Serialize};

use super::person::{Email, PostalAddress};
use super::{Line, ascii_text, shown};

ascii_text! {
    /// A participant: 1 to 64 ASCII letters, digits, points, hyphens and underscores.
    OrganisationId, |text| (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}
shown!(OrganisationId);

ascii_text! {
    /// The origin of a web page (RFC 6454 section 6.2) as a browser sends it: scheme, host in lower case, port where it is
    /// not the default of the scheme. `https`, or `http` on this machine.
    WebOrigin, is_origin
}
shown!(WebOrigin);

impl WebOrigin {
    /// Whether it is a page on the reader's own machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.0.split_once("://").is_some_and(|(_, authority)| names_this_machine(authority))
    }
}

/// A participant of a scheme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// Which.
    pub id: OrganisationId,
    /// The name it goes by.
    pub name: Line<140>,
    /// The name it is registered under.
    pub registered_name: Line<140>,
    /// What it does in the scheme.
    pub kind: OrganisationKind,
    /// How people reach it.
    pub contact: Contact,
    /// How machines reach it.
    pub endpoints: Endpoints,
    /// Whose pages may read answers.
    pub origins: Vec<WebOrigin>,
    /// Where it is registered.
    pub registered_office: Option<PostalAddress>,
    /// Where it works.
    pub business_address: Option<PostalAddress>,
    /// Its authorization servers.
    pub authorization_servers: Vec<AuthorizationServerAt>,
    /// Whether it takes part.
    pub status: OrganisationStatus,
    /// Since when it is known.
    pub registered_at: Timestamp,
}

/// What a participant does in the scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganisationKind {
    /// Keeps retirement accounts.
    PeraAdministrator,
    /// Keeps the ordinary accounts that contributions come from.
    ContributorInstitution,
}

/// Whether a participant takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganisationStatus {
    /// It does.
    Active,
    /// It does not any more.
    Inactive,
    /// It is being worked on.
    Maintenance,
    /// The scheme has excluded it for now.
    Suspended,
}

impl OrganisationStatus {
    /// Whether it may call.
    #[must_use]
    pub const fn may_call(self) -> bool {
        match self {
            Self::Active | Self::Maintenance => true,
            Self::Inactive | Self::Suspended => false,
        }
    }
}

/// How people reach a participant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Telephone.
    pub phone: Line<40>,
    /// Mail.
    pub email: Email,
    /// Web site.
    pub website: Option<HttpsUrl>,
}

/// How machines reach a participant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// Authorization endpoint.
    pub authorization: HttpsUrl,
    /// Token endpoint.
    pub token: HttpsUrl,
    /// Base of its APIs.
    pub resource: HttpsUrl,
}

/// An authorization server of a participant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationServerAt {
    /// Its address.
    pub base: HttpsUrl,
    /// What it is for.
    pub description: Line<140>,
}

fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return false };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
        Some(_) | None => (authority, None),
    };
    let default = if scheme == "https" { "443" } else { "80" };
    let is_port = |port: &str| {
        (1..=5).contains(&port.len())
            && !port.starts_with('0')
            && port != default
            && port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse::<u16>().is_ok()
    };
    let allowed = match scheme {
        "https" => true,
        "http" => names_this_machine(authority),
        _ => false,
    };
    allowed && text.len() <= 255 && is_host(host) && port.is_none_or(is_port)
}

/// A name or an address; an address of six is in brackets.
fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().is_ok_and(|address| address.to_string() == inner);
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    host.split('.').all(label)
}

fn names_this_machine(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, _)) if !authority.ends_with(']') => host,
        Some(_) | None => authority,
    };
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_a_browser_would_send_and_nothing_else() {
        for good in
            ["https://app.example", "https://app.example:8443", "http://localhost:3000", "https://[::1]:9"]
        {
            assert!(WebOrigin::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "null",
            "*",
            "https://*.example",
            "https://App.example",
            "https://app.example/",
            "https://app.example:443",
            "https://app.example?x",
            "https://user@app.example",
            "http://app.example",
            "ftp://app.example",
            "https://",
            "https://app.example:0",
            "https://app.example:99999",
            "https://-app.example",
            "https://a..example",
        ] {
            assert!(WebOrigin::new(bad).is_err(), "{bad}");
        }
    }
}
