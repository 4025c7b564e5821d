//! The consents of this TPP: kept, listed, shown, revoked, and refreshed.

use serde_json::{Value, json};

use super::Tpp;
use super::command::{ConsentOrder, Customer, Wanted};
use super::config::{Config, ConfigFault, Demo};
use super::error::Stop;
use super::flow::Pending;
use super::narrate::Report;
use super::state::{Api, Consent, State};
use super::token::Granted;
use super::{accounts, browser, headless, parties, payment};

impl Tpp {
    /// From a pushed request to tokens: push, approve, check the response, redeem. The consent is kept on the way.
    pub(crate) async fn authorize(
        &self,
        scope: &str,
        details: &Value,
        (api, consent_id): (Api, &str),
        customer: &Customer,
    ) -> Result<Granted, Stop> {
        let demo = if customer.headless { Some(self.demo(customer)?) } else { None };
        let pending = self.begin(scope, details, (api, consent_id)).await?;
        let came_back_to = match &demo {
            Some(demo) => headless::approve(self, &pending, demo).await?,
            None => browser::approve(self, &pending).await?,
        };
        self.finish(pending, &came_back_to, (api, consent_id)).await
    }

    /// Pushes a request. The consent is kept, so that it can be looked up whatever becomes of it.
    pub(crate) async fn begin(
        &self,
        scope: &str,
        details: &Value,
        (api, consent_id): (Api, &str),
    ) -> Result<Pending, Stop> {
        let pending = self.push(scope, details).await?;
        self.keep((api, consent_id), None)?;
        Ok(pending)
    }

    /// From the answer that the browser came back with to tokens.
    pub(crate) async fn finish(
        &self,
        pending: Pending,
        came_back_to: &str,
        (api, consent_id): (Api, &str),
    ) -> Result<Granted, Stop> {
        self.narrator
            .step("Check the authorization response", "RFC 9207 section 2.4, RFC 6749 section 4.1.2");
        let answered = self.accept(pending, came_back_to).await?;
        self.narrator.say("state and issuer are those of this request");
        let granted = self.redeem(answered, consent_id).await?;
        if let Some(binding) = self.binding(&granted.token)? {
            self.narrator.say(&format!("access token bound: {binding}"));
        }
        self.keep((api, consent_id), Some(&granted))?;
        Ok(granted)
    }

    /// The customer to sign in as: the command line's, or the demo customer of the configuration.
    fn demo(&self, customer: &Customer) -> Result<Demo, Stop> {
        let of_file = |pick: fn(&Demo) -> &String| self.config.demo.as_ref().map(pick).cloned();
        let missing = || ConfigFault::Value {
            member: "demo".to_owned(),
            why: "add [demo] with username and password, or pass --username and --password".to_owned(),
        };
        let username =
            customer.username.clone().or_else(|| of_file(|demo| &demo.username)).ok_or_else(missing)?;
        let password =
            customer.password.clone().or_else(|| of_file(|demo| &demo.password)).ok_or_else(missing)?;
        Ok(Demo { username, password })
    }

    fn keep(&self, (api, id): (Api, &str), granted: Option<&Granted>) -> Result<(), Stop> {
        State::read(&self.config.dir)?.keep(Consent {
            id: id.to_owned(),
            api,
            client: self.config.client.id.clone(),
            issuer: self.config.issuer.clone(),
            created_at: self.clock.now().seconds(),
            subject: granted.and_then(|granted| granted.subject.clone()),
            refresh_token: granted.and_then(|granted| granted.refresh_token.clone()),
        })
    }
}

/// The consents in the local file.
pub(crate) fn list(config: &Config) -> Result<Report, Stop> {
    let state = State::read(&config.dir)?;
    let shown = |consent: &Consent| {
        json!({
            "id": consent.id,
            "api": consent.api,
            "client": consent.client,
            "issuer": consent.issuer,
            "created_at": consent.created_at,
            "can_refresh": consent.refresh_token.is_some(),
        })
    };
    let line = |consent: &Consent| format!("{}  {:8} {}", consent.id, consent.api.as_str(), consent.client);
    let consents: Vec<Value> = state.consents().iter().map(shown).collect();
    let mut lines: Vec<String> = state.consents().iter().map(line).collect();
    if lines.is_empty() {
        lines.push("no consents yet; make one with: tpp pay, or tpp accounts".to_owned());
    }
    Ok(Report { value: json!({ "outcome": "done", "consents": consents }), lines })
}

/// Shows or revokes one.
pub(crate) async fn run(tpp: &Tpp, order: Option<&ConsentOrder>) -> Result<Report, Stop> {
    match order {
        None | Some(ConsentOrder::List) => list(&tpp.config),
        Some(ConsentOrder::Show { id }) => {
            let api = known(tpp, id)?.api;
            let consent = match api {
                Api::Uae | Api::UaeV1_2 => payment::show_consent(tpp, (api, id)).await?,
                Api::Ofxpera => accounts::show_consent(tpp, id).await?,
            };
            let text = serde_json::to_string_pretty(&consent).unwrap_or_default();
            let mut lines = parties::told(&consent);
            lines.extend(text.lines().map(str::to_owned));
            Ok(Report { value: json!({ "outcome": "done", "consent": consent }), lines })
        }
        Some(ConsentOrder::Webhook { id, events, url }) => webhook(tpp, id, (*events, url.as_deref())).await,
        Some(ConsentOrder::Revoke { id }) => {
            let api = known(tpp, id)?.api;
            match api {
                Api::Uae | Api::UaeV1_2 => payment::revoke_consent(tpp, (api, id)).await?,
                Api::Ofxpera => accounts::revoke_consent(tpp, id).await?,
            }
            State::read(&tpp.config.dir)?.end(id)?;
            let lines = vec![format!("consent {id} is revoked")];
            Ok(Report { value: json!({ "outcome": "done", "revoked": id }), lines })
        }
    }
}

/// Changes where the events of a consent go.
async fn webhook(tpp: &Tpp, id: &str, (events, url): (Wanted, Option<&str>)) -> Result<Report, Stop> {
    let api = known(tpp, id)?.api;
    match api {
        Api::Uae | Api::UaeV1_2 => parties::subscribe(tpp, (api, id), (events, url)).await?,
        Api::Ofxpera => return Err(Stop::Declined("this API sends no events".to_owned())),
    }
    let told = match events {
        Wanted::On => "wanted",
        Wanted::Off => "not wanted",
    };
    let lines = vec![format!("events of consent {id} are {told}")];
    Ok(Report { value: json!({ "outcome": "done", "consent": id, "events": told }), lines })
}

/// Refreshes the tokens of a consent with a new key, and asks who the customer is.
pub(crate) async fn refresh(tpp: &Tpp, id: Option<&str>) -> Result<Report, Stop> {
    let consent = match id {
        Some(id) => known(tpp, id)?,
        None => newest(tpp)?,
    };
    let Some(refresh_token) = &consent.refresh_token else {
        return Err(Stop::Declined(format!("consent {} has no refresh token", consent.id)));
    };
    tpp.narrator.say(&format!("consent {}", consent.id));
    let granted = tpp.refresh(refresh_token, consent.subject.as_deref()).await?;
    let binding = tpp.binding(&granted.token)?;
    let shown = binding.clone().unwrap_or_else(|| "not shown, the token is opaque".to_owned());
    tpp.narrator.say(&format!("access token bound: {shown}"));
    tpp.keep((consent.api, &consent.id), Some(&granted))?;
    let claims = tpp.userinfo(&granted).await?;
    Ok(Report {
        lines: vec![
            format!("refreshed, bound to {shown}"),
            format!("customer {}", claims.get("sub").and_then(Value::as_str).unwrap_or_default()),
        ],
        value: json!({
            "outcome": "done",
            "consent_id": consent.id,
            "binding": binding,
            "expires_in": granted.expires_in,
            "userinfo": claims,
        }),
    })
}

fn known(tpp: &Tpp, id: &str) -> Result<Consent, Stop> {
    let state = State::read(&tpp.config.dir)?;
    let found = state.consents().iter().find(|consent| consent.id == id && is_ours(tpp, consent));
    let unknown =
        || Stop::Declined(format!("no consent {id} of client {} in the list", tpp.config.client.id));
    found.cloned().ok_or_else(unknown)
}

fn newest(tpp: &Tpp) -> Result<Consent, Stop> {
    let state = State::read(&tpp.config.dir)?;
    let can_refresh = |consent: &&Consent| consent.refresh_token.is_some() && is_ours(tpp, consent);
    let found = state.consents().iter().rev().find(can_refresh);
    let none = || Stop::Declined("no consent with a refresh token; make one with: tpp accounts".to_owned());
    found.cloned().ok_or_else(none)
}

/// Tokens go to the bank and client they belong to, and to no other (RFC 9700 section 4.4).
fn is_ours(tpp: &Tpp, consent: &Consent) -> bool {
    consent.client == tpp.config.client.id && consent.issuer == tpp.config.issuer
}
