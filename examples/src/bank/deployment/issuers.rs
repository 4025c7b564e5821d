//! `[[issuers]]`: who issues under which policy, what the bank chooses within it, and which clients are registered.

use std::path::Path;
use std::sync::Arc;

use oauth_core::jose::Alg;
use oauth_core::{
    ClientMetadata, Issuer, KeyTimes, Paths, Policy, ProofNonce, PushRate, Resource, ResourceSetting, Scope,
    Seconds, ServerSecret, Settings, TokenForm,
};
use zeroize::Zeroizing;

use super::clients::{self, Organisations};
use super::document::{GUIDE, Table};
use super::place::{Listeners, host_name, origin};
use super::{DEFAULT_POLICY, DemoClients};

/// One issuer of the deployment.
#[derive(Debug, Clone)]
pub struct IssuerPlan {
    /// What it demands.
    pub policy: &'static Policy,
    /// Clients of the deployment file.
    pub clients: Vec<ClientMetadata>,
    /// Whether the demo clients are registered here as well.
    pub demo_clients: DemoClients,
    /// Everything chosen, over a secret that signs nothing.
    draft: Arc<Settings>,
}

/// Scopes third parties may ask for, besides the parameterised ones a consent brings.
const SCOPES: &str = "openid profile email phone address payments consent products accounts accounts.basic \
                      accounts.details accounts.open bank_account customer customer_details customer_onboarding \
                      introspection consent_manager admin:read admin:write admin:registry";

/// The identifier of the bank's APIs as a resource, below the issuer.
#[must_use]
pub fn resource_of(issuer: &str) -> String {
    format!("{issuer}/api")
}

impl IssuerPlan {
    /// Its identifier.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.draft.issuer
    }

    /// The audience of its tokens at the bank's APIs.
    #[must_use]
    pub fn audience(&self) -> &str {
        self.draft.resources.first().map_or("", |first| first.uri.as_str())
    }

    /// Where its keys are published.
    #[must_use]
    pub fn jwks_uri(&self) -> String {
        format!("{}{}", self.draft.issuer, self.draft.paths.jwks)
    }

    /// Whether proofs need a nonce.
    #[must_use]
    pub fn proof_nonce(&self) -> ProofNonce {
        self.draft.proof_nonce
    }

    /// The algorithm of its own signatures.
    #[must_use]
    pub fn signing_alg(&self) -> Alg {
        self.draft.signing_alg
    }

    /// How long its signing keys stay in each stage of their life.
    #[must_use]
    pub fn keys(&self) -> KeyTimes {
        self.draft.keys
    }

    /// Origin of its listener for client certificates.
    #[must_use]
    pub fn mtls_origin(&self) -> &str {
        self.draft.mtls_origin.as_deref().unwrap_or_default()
    }

    /// A short name for files and cookies: empty for an issuer that is only the deployment's own host.
    #[must_use]
    pub fn slug(&self, own_origin: &str) -> String {
        let issuer = self.issuer();
        let host = if issuer.origin() == own_origin { "" } else { issuer.origin() };
        let text = format!("{}{}", host.strip_prefix("https://").unwrap_or(host), issuer.path());
        let dashed = |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte) } else { '-' };
        text.bytes().map(dashed).collect::<String>().trim_matches('-').to_owned()
    }

    /// The settings with the issuer's real secret.
    #[must_use]
    pub fn settings(&self, secret: ServerSecret) -> Settings {
        let draft = &self.draft;
        Settings {
            issuer: draft.issuer.clone(),
            mtls_origin: draft.mtls_origin.clone(),
            paths: draft.paths.clone(),
            scopes: draft.scopes.clone(),
            resources: draft.resources.clone(),
            secret,
            code_lifetime: draft.code_lifetime,
            request_uri_lifetime: draft.request_uri_lifetime,
            access_token_lifetime: draft.access_token_lifetime,
            refresh_token_lifetime: draft.refresh_token_lifetime,
            id_token_lifetime: draft.id_token_lifetime,
            interaction_lifetime: draft.interaction_lifetime,
            authorization_response_lifetime: draft.authorization_response_lifetime,
            client_policies: draft.client_policies.clone(),
            push_rate: draft.push_rate,
            proof_nonce: draft.proof_nonce,
            signing_alg: draft.signing_alg,
            keys: draft.keys,
        }
    }
}

/// What the reading of an issuer needs to know of the rest of the file.
pub(super) struct Around<'a> {
    pub(super) listeners: &'a Listeners,
    pub(super) organisations: &'a Organisations,
    pub(super) directory: &'a Path,
    pub(super) proof_nonce: ProofNonce,
    pub(super) demo_clients: DemoClients,
}

/// The issuer of a deployment that names none.
pub(super) fn only(around: &Around<'_>) -> Option<IssuerPlan> {
    let draft = draft(&around.listeners.origin(None), &around.listeners.mtls_origin(None), around)?;
    Some(IssuerPlan {
        policy: DEFAULT_POLICY,
        clients: Vec::new(),
        demo_clients: around.demo_clients,
        draft: Arc::new(draft),
    })
}

/// Reads one `[[issuers]]`.
pub(super) fn read(table: &Table<'_>, around: &Around<'_>) -> Option<IssuerPlan> {
    let host = table.parsed("host", "RFC 8414 section 2", host_name);
    let path = table.text("path").unwrap_or_default();
    let policy = match table.text("policy") {
        None => Some(DEFAULT_POLICY),
        Some(name) => Policy::named(name).or_else(|| {
            let known: Vec<&str> = Policy::names().collect();
            table.blame("policy", GUIDE, format!("\"{name}\" is none of {}", known.join(", ")));
            None
        }),
    };
    let demo_clients = match table.flag("demo_clients") {
        Some(false) => DemoClients::Absent,
        Some(true) | None => around.demo_clients,
    };
    let own = around.listeners.origin(host.as_deref());
    let settings = draft(&format!("{own}{path}"), &around.listeners.mtls_origin(host.as_deref()), around);
    if settings.is_none() {
        let rule = "RFC 8414 section 2";
        table.blame(
            "path",
            rule,
            "begin with a slash and do not end with one: \"/fapi1\"; or leave it empty",
        );
    }
    let path_is_fine = path.is_empty() || path.starts_with('/');
    if !path_is_fine || path.contains("//") || path.starts_with("/.well-known") {
        table.blame("path", "RFC 8414 section 3.1", "begin with one slash, and not with /.well-known");
    }
    let mut settings = settings?;
    let policy = policy?;
    let chosen = table.table("settings");
    if let Some(chosen) = &chosen {
        choose(chosen, &mut settings);
        chosen.done();
    }
    for wrong in settings.out_of_bounds(policy) {
        chosen.as_ref().unwrap_or(table).blame(wrong.setting, wrong.bound_by, wrong.message);
    }
    let registered = table.tables("clients");
    let clients = registered
        .iter()
        .filter_map(|client| clients::read(client, policy, (around.organisations, around.directory)));
    let clients = clients.collect();
    table.done();
    Some(IssuerPlan { policy, clients, demo_clients, draft: Arc::new(settings) })
}

fn draft(issuer: &str, mtls_origin: &str, around: &Around<'_>) -> Option<Settings> {
    let resource = Resource::new(&resource_of(issuer)).ok()?;
    let secret = ServerSecret::new(Zeroizing::new([0; 32]));
    let mut settings = Settings::recommended(Issuer::new(issuer).ok()?, resource, secret);
    settings.mtls_origin = Some(mtls_origin.to_owned());
    settings.proof_nonce = around.proof_nonce;
    settings.scopes = Scope::new(SCOPES).ok()?;
    Some(settings)
}

/// Every member of [`Settings`] by its own name; lifetimes in seconds.
fn choose(table: &Table<'_>, settings: &mut Settings) {
    let lifetimes = [
        ("code_lifetime", &mut settings.code_lifetime),
        ("request_uri_lifetime", &mut settings.request_uri_lifetime),
        ("access_token_lifetime", &mut settings.access_token_lifetime),
        ("refresh_token_lifetime", &mut settings.refresh_token_lifetime),
        ("id_token_lifetime", &mut settings.id_token_lifetime),
        ("interaction_lifetime", &mut settings.interaction_lifetime),
        ("authorization_response_lifetime", &mut settings.authorization_response_lifetime),
    ];
    for (name, lifetime) in lifetimes {
        if let Some(seconds) = table.integer(name) {
            *lifetime = Seconds::new(seconds);
        }
    }
    if let Some(rate) = table.table("push_rate") {
        settings.push_rate = self::rate(&rate, "RFC 9126 section 2.3");
        rate.done();
    }
    let nonces = [("off", ProofNonce::Off), ("require", ProofNonce::Require)];
    if let Some(nonce) = table.one_of("proof_nonce", &nonces) {
        settings.proof_nonce = nonce;
    }
    let alg = |name: &str| Alg::parse(name).ok_or("write PS256, ES256, EdDSA or RS256");
    if let Some(alg) = table.parsed("signing_alg", "RFC 7518 section 3.1", alg) {
        settings.signing_alg = alg;
    }
    if let Some(scopes) = table.parsed("scopes", "RFC 6749 section 3.3", Scope::new) {
        settings.scopes = scopes;
    }
    if let Some(origin) = table.parsed("mtls_origin", "RFC 8705 section 5", origin) {
        settings.mtls_origin = Some(origin);
    }
    if let Some(keys) = table.table("keys") {
        choose_keys(&keys, &mut settings.keys);
        keys.done();
    }
    if let Some(paths) = table.table("paths") {
        choose_paths(&paths, &mut settings.paths);
        paths.done();
    }
    let resources: Vec<ResourceSetting> = table.tables("resources").iter().filter_map(resource).collect();
    if !resources.is_empty() {
        settings.resources = resources;
    }
}

/// How often one client may do what a document bounds; no limit where `per_minute` is 0.
pub(super) fn rate(table: &Table<'_>, document: &str) -> PushRate {
    let number = |name: &str| {
        let number = table.need(name, document, table.integer(name));
        number.map(u32::try_from).transpose().unwrap_or_else(|_| {
            table.blame(name, document, "must be between 0 and 4294967295");
            None
        })
    };
    match (number("per_minute"), number("burst")) {
        (Some(0), _) => PushRate::Unlimited,
        (per_minute, burst) => {
            PushRate::Limited { per_minute: per_minute.unwrap_or(1), burst: burst.unwrap_or(1) }
        }
    }
}

/// The life of signing keys, in seconds.
fn choose_keys(table: &Table<'_>, keys: &mut KeyTimes) {
    let lengths = [
        ("set_max_age", &mut keys.set_max_age),
        ("published_min", &mut keys.published_min),
        ("retired_min", &mut keys.retired_min),
        ("withdrawn_kept", &mut keys.withdrawn_kept),
    ];
    for (name, length) in lengths {
        if let Some(seconds) = table.integer(name) {
            *length = Seconds::new(seconds);
        }
    }
    // Zero leaves the change to the operator.
    if let Some(seconds) = table.integer("active_max") {
        keys.active_max = (seconds != 0).then_some(Seconds::new(seconds));
    }
}

fn choose_paths(table: &Table<'_>, paths: &mut Paths) {
    let members = [
        ("authorize", &mut paths.authorize),
        ("token", &mut paths.token),
        ("par", &mut paths.par),
        ("introspect", &mut paths.introspect),
        ("revoke", &mut paths.revoke),
        ("userinfo", &mut paths.userinfo),
        ("jwks", &mut paths.jwks),
    ];
    let mut seen: Vec<String> = Vec::new();
    for (name, path) in members {
        let absolute = |text: &str| {
            let fine = text.len() > 1
                && text.starts_with('/')
                && !text.ends_with('/')
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte));
            if fine { Ok(text.to_owned()) } else { Err("write a path below the issuer: \"/token\"") }
        };
        if let Some(chosen) = table.parsed(name, "RFC 8414 section 2", absolute) {
            *path = chosen;
        }
        if seen.contains(path) {
            table.blame(name, "RFC 8414 section 2", format!("{path} is the path of another endpoint"));
        }
        seen.push(path.clone());
    }
}

fn resource(table: &Table<'_>) -> Option<ResourceSetting> {
    let uri = table.parsed("uri", "RFC 8707 section 2", Resource::new);
    let uri = table.need("uri", "RFC 8707 section 2", uri);
    let forms = [("jwt", TokenForm::Jwt), ("opaque", TokenForm::Opaque)];
    let tokens = table.one_of("tokens", &forms).unwrap_or(TokenForm::Jwt);
    table.done();
    Some(ResourceSetting { uri: uri?, tokens })
}
