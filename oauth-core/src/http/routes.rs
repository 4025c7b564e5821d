//! Which path leads to which endpoint. Several paths may lead to one handler; none redirects to another.

use crate::policy::settings::Settings;

/// The endpoints of the authorization server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Metadata,
    Jwks,
    Par,
    Authorize,
    Token,
    Introspect,
    IntrospectByQuery,
    Revoke,
    Userinfo,
}

impl Endpoint {
    /// What it is called in log and audit.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Jwks => "jwks",
            Self::Par => "par",
            Self::Authorize => "authorize",
            Self::Token => "token",
            Self::Introspect | Self::IntrospectByQuery => "introspect",
            Self::Revoke => "revoke",
            Self::Userinfo => "userinfo",
        }
    }

    /// The methods it takes, for `Allow` (RFC 9110 section 10.2.1).
    pub(super) const fn methods(self) -> &'static [http::Method] {
        match self {
            Self::Metadata | Self::Jwks | Self::IntrospectByQuery => &[http::Method::GET],
            Self::Par | Self::Token | Self::Introspect | Self::Revoke => &[http::Method::POST],
            Self::Authorize | Self::Userinfo => &[http::Method::GET, http::Method::POST],
        }
    }
}

/// The paths of one server.
#[derive(Debug, Clone)]
pub(super) struct Routes {
    paths: Vec<(String, Endpoint)>,
    /// Where introspection takes a query, too.
    by_query: Vec<String>,
}

impl Routes {
    /// The paths of the settings, below the path of the issuer, and both well-known addresses (RFC 8414 section 3.1,
    /// OpenID Connect Discovery section 4).
    pub(super) fn new(settings: &Settings) -> Self {
        let prefix = settings.issuer.path();
        let paths = &settings.paths;
        let below = |path: &str| format!("{prefix}{path}");
        let paths = vec![
            (format!("/.well-known/oauth-authorization-server{prefix}"), Endpoint::Metadata),
            (below("/.well-known/openid-configuration"), Endpoint::Metadata),
            (below(&paths.jwks), Endpoint::Jwks),
            (below(&paths.par), Endpoint::Par),
            (below(&paths.authorize), Endpoint::Authorize),
            (below(&paths.token), Endpoint::Token),
            (below(&paths.introspect), Endpoint::Introspect),
            (below(&paths.revoke), Endpoint::Revoke),
            (below(&paths.userinfo), Endpoint::Userinfo),
        ];
        Self { paths, by_query: Vec::new() }
    }

    /// Serves the path of one endpoint at another path too.
    ///
    /// Returns whether `existing` is the path of an endpoint.
    pub(super) fn alias(&mut self, existing: &str, also: &str) -> Aliased {
        match self.find(existing) {
            Some(endpoint) => {
                self.paths.push((also.to_owned(), endpoint));
                Aliased::Done
            }
            None => Aliased::NoSuchPath,
        }
    }

    /// Lets the introspection endpoint at a path take a query, too.
    pub(super) fn by_query(&mut self, path: &str) {
        self.by_query.push(path.to_owned());
    }

    /// The endpoint that a request is for.
    pub(super) fn asked(&self, method: &http::Method, path: &str) -> Option<Endpoint> {
        let by_query = *method == http::Method::GET && self.by_query.iter().any(|known| known == path);
        let found = self.find(path)?;
        let queried = found == Endpoint::Introspect && by_query;
        Some(if queried { Endpoint::IntrospectByQuery } else { found })
    }

    /// The methods of a path, for `Allow` (RFC 9110 section 10.2.1).
    pub(super) fn allowed(&self, path: &str) -> String {
        let own = self.find(path).map_or(&[][..], Endpoint::methods);
        let queried = self.by_query.iter().any(|known| known == path).then_some(http::Method::GET);
        let mut methods: Vec<&str> = queried.iter().chain(own).map(http::Method::as_str).collect();
        methods.dedup();
        methods.join(", ")
    }

    /// The endpoint at exactly this path: no decoding, no normalisation, no trailing slash.
    pub(super) fn find(&self, path: &str) -> Option<Endpoint> {
        self.paths.iter().find(|(known, _)| known == path).map(|(_, endpoint)| *endpoint)
    }
}

/// Whether an alias found its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aliased {
    Done,
    NoSuchPath,
}
