//! What every case begins with: a discovered server, honest clients, a customer with a browser.

use std::slice;
use std::sync::Arc;

use serde_json::Value;
use tokio::process::Command;

use crate::client::{Answer, Client, Trace};
use crate::runner::case::{At, Changes, Expect, Finding, Need};
use crate::runner::config::Config;
use crate::runner::judge::{judge, refusal};
use crate::runner::plan::Plan;
use crate::runner::variant::{Form, Openid, Variant};
use crate::tpp::config::{Authentication, Constraint};
use crate::tpp::flow::{Ask, Carried, Tokens, Tpp};
use crate::tpp::keys::{Alg, Key};
use crate::tpp::mutate::{HONEST, Jws, Mistake, Part};
use crate::user::{Decision, Place, Returned, User, Visit};
use crate::{Doing as _, Trouble};

/// The beginning of every case.
#[derive(Debug, Clone)]
pub struct Scene {
    config: Arc<Config>,
    tpp: Tpp,
    other: Option<Tpp>,
    /// Shows the certificate of another client, whether or not that client needs one.
    certified: Option<Client>,
    variant: Variant,
}

impl Scene {
    /// Discovers the server for one client, and for another where the file has one.
    ///
    /// # Errors
    /// When keys or metadata cannot be read.
    pub async fn open(
        config: &Config,
        client: &str,
        plan: &Plan,
        variant: &Variant,
    ) -> Result<Self, Trouble> {
        let tpp = Tpp::discover(config.registered(client)?).await?;
        let other = match config.clients.keys().find(|id| *id != client) {
            Some(id) => Some(Tpp::discover(config.registered(id)?).await?),
            None => None,
        };
        let certified = config.certified(|id| id != client)?;
        let variant = variant.settled(plan, tpp.metadata());
        Ok(Self { config: Arc::new(config.clone()), tpp, other, certified, variant })
    }

    /// The same scene, telling a trace what is sent.
    #[must_use]
    pub fn traced(&self, trace: &Trace) -> Self {
        let traced = |tpp: &Tpp| tpp.over(tpp.registered().http.traced(trace));
        let certified = self.certified.as_ref().map(|http| http.traced(trace));
        Self { tpp: traced(&self.tpp), other: self.other.as_ref().map(traced), certified, ..self.clone() }
    }

    /// The client and the variant, for people.
    pub fn name(&self) -> String {
        let entry = &self.tpp.registered().entry;
        let authentication = match entry.token_endpoint_auth_method {
            Authentication::PrivateKeyJwt => "private_key_jwt",
            Authentication::TlsClientAuth => "tls_client_auth",
            Authentication::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
        };
        let constraint = match entry.sender_constraint {
            Constraint::Dpop => "dpop",
            Constraint::Mtls => "mtls",
        };
        format!("{authentication}, {constraint}, {} ({})", self.variant, self.tpp.id())
    }

    /// Why a case with this need does not apply here.
    pub fn lacks(&self, need: Need) -> Option<String> {
        let entry = &self.tpp.registered().entry;
        let keyed = entry.token_endpoint_auth_method == Authentication::PrivateKeyJwt;
        let (there, reason) = match need {
            Need::OpenId => (self.has_openid(), "the scope has no openid".to_owned()),
            Need::Dpop => {
                (entry.sender_constraint == Constraint::Dpop, "tokens are not bound to a key".into())
            }
            Need::Mtls => {
                (entry.sender_constraint == Constraint::Mtls, "tokens are not bound to a certificate".into())
            }
            Need::Assertions => (keyed, "the client does not authenticate by assertions".into()),
            Need::CertificateAuth => (!keyed, "the client does not authenticate by certificate".into()),
            Need::Second => (self.other.is_some(), "the file has no second client".into()),
            Need::Refresh => (
                self.lists("grant_types_supported", "refresh_token"),
                "refresh tokens are not announced".into(),
            ),
            Need::Alone => (self.config.own_scope.is_some(), "the file names no own_scope".into()),
            Need::SignedRequest => (self.signs_requests(), "requests are not signed in this variant".into()),
            Need::PlainRequest => (!self.signs_requests(), "requests are signed in this variant".into()),
            Need::SignedAnswer => (self.signs_answers(), "answers are not signed in this variant".into()),
            Need::PlainAnswer => (!self.signs_answers(), "answers are signed in this variant".into()),
            Need::Metadata(name) => (self.metadata(name).is_some(), format!("the metadata has no {name}")),
            Need::Patience(seconds) => {
                (seconds <= self.config.patience_s, format!("it waits {seconds} s, patience_s is less"))
            }
        };
        (!there).then_some(reason)
    }

    /// The file.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The client, with a proof key and nonces of its own.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn tpp(&self) -> Result<Tpp, Trouble> {
        Ok(self.tpp.with_proof_key(Key::generate(Alg::Es256, "proof")?))
    }

    /// Another client of the file.
    ///
    /// # Errors
    /// When there is none.
    pub fn other(&self) -> Result<Tpp, Trouble> {
        self.other.clone().doing("find a second client in the file")
    }

    /// A client that shows another client's certificate.
    ///
    /// # Errors
    /// A reason to skip when no other client of the file has one.
    pub fn certified(&self) -> Result<Client, Finding> {
        self.certified
            .clone()
            .ok_or_else(|| Finding::Skips("no other client of the file has a certificate".to_owned()))
    }

    /// A member of the metadata.
    pub fn metadata(&self, name: &str) -> Option<&Value> {
        self.tpp.metadata().get(name)
    }

    /// Whether a list of the metadata holds a value.
    pub fn lists(&self, name: &str, value: &str) -> bool {
        self.metadata(name).and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| one == value))
    }

    /// Whether requests are signed.
    pub fn signs_requests(&self) -> bool {
        self.variant.request == Some(Form::Signed)
    }

    /// Whether answers are signed.
    pub fn signs_answers(&self) -> bool {
        self.variant.answer == Some(Form::Signed)
    }

    fn has_openid(&self) -> bool {
        self.variant.openid != Some(Openid::Plain) && self.config.scope.split(' ').any(|one| one == "openid")
    }

    /// Where the parameters of a request stand: in the form, or in the request object.
    pub fn request(&self) -> Part {
        if self.signs_requests() { Part::Claims(Jws::RequestObject) } else { Part::PushForm }
    }

    /// An ordinary request of this variant.
    pub fn ask(&self) -> Ask {
        let scope: Vec<&str> =
            self.config.scope.split(' ').filter(|one| self.has_openid() || *one != "openid").collect();
        let mut ask = Ask::new(&scope.join(" "));
        ask.carried = if self.signs_requests() { Carried::Signed } else { Carried::Plain };
        if let Ok(Some(details)) = self.config.details() {
            ask = ask.with_details(&details);
        }
        if self.signs_answers() { ask.with("response_mode", "jwt") } else { ask }
    }

    /// A fresh browser before the pages of this server.
    ///
    /// # Errors
    /// When the redirect URI is no address.
    pub fn visit(&self, tpp: &Tpp) -> Result<Visit, Trouble> {
        Ok(tpp.visit()?.reading(&self.config.pages))
    }

    /// Pushes honestly.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn push(&self, tpp: &Tpp, ask: &Ask) -> Result<String, Trouble> {
        tpp.push(ask, HONEST).await?.member("request_uri")
    }

    /// Completes an authorization in a fresh browser.
    ///
    /// # Errors
    /// When it does not end at the client.
    pub async fn decide(
        &self,
        tpp: &Tpp,
        request_uri: &str,
        decision: &Decision,
    ) -> Result<Returned, Trouble> {
        let url = tpp.authorization_url(request_uri)?;
        if let [program, words @ ..] = self.config.browser.as_slice() {
            return self.by_program(tpp, (program, words), &url, decision).await;
        }
        let customer = &self.config.user;
        let user = User {
            name: customer.username.clone(),
            password: customer.password.clone(),
            otp: customer.otp.clone(),
        };
        Place::returned(&self.visit(tpp)?.complete(&url, &user, decision).await?)
    }

    /// The program is told the address, what to decide and where it ends; it prints the address at which it ended.
    async fn by_program(
        &self,
        tpp: &Tpp,
        (program, words): (&String, &[String]),
        url: &str,
        decision: &Decision,
    ) -> Result<Returned, Trouble> {
        let decision = if *decision == Decision::Deny { "deny" } else { "approve" };
        let home = &tpp.registered().entry.redirect_uri;
        let run = Command::new(program).args(words).args([url, decision, home.as_str()]).output().await;
        let output = run.doing(format!("run {program}"))?;
        if !output.status.success() {
            return Err(Trouble::new(format!("{program} ended with {}", output.status)));
        }
        Returned::at(String::from_utf8_lossy(&output.stdout).trim())
    }

    /// A code for an ask.
    ///
    /// # Errors
    /// At the first step that does not lead on.
    pub async fn code(&self, tpp: &Tpp, ask: &Ask) -> Result<String, Trouble> {
        let request_uri = self.push(tpp, ask).await?;
        let returned = self.decide(tpp, &request_uri, &Decision::Approve).await?;
        tpp.code(ask, &returned).await
    }

    /// Tokens for an ask.
    ///
    /// # Errors
    /// At the first step that does not lead on.
    pub async fn tokens(&self, tpp: &Tpp, ask: &Ask) -> Result<Tokens, Trouble> {
        let code = self.code(tpp, ask).await?;
        Tokens::read(&tpp.redeem(ask, &code, HONEST).await?)
    }

    /// The protected resource.
    ///
    /// # Errors
    /// When neither file nor metadata name one.
    pub fn resource(&self) -> Result<String, Trouble> {
        self.config.resource.clone().map_or_else(|| self.tpp.endpoint("userinfo_endpoint"), Ok)
    }

    /// Calls the protected resource.
    ///
    /// # Errors
    /// When no answer arrives.
    pub async fn call(&self, tpp: &Tpp, token: &str, mistakes: &[Mistake]) -> Result<Answer, Trouble> {
        tpp.get(&self.resource()?, token, mistakes).await
    }

    /// A refresh token, where the server issues them.
    ///
    /// # Errors
    /// A reason to skip when it does not.
    pub async fn refresh_token(&self, tpp: &Tpp) -> Result<String, Finding> {
        let tokens = self.tokens(tpp, &self.ask()).await?;
        tokens.refresh.ok_or_else(|| Finding::Skips("no refresh token was issued".to_owned()))
    }

    /// Makes each change alone in an honest request and compares what comes back.
    pub(crate) async fn each(
        &self,
        at: At,
        changes: fn(&Self) -> Changes,
        expect: Expect,
    ) -> Result<(), Finding> {
        let tpp = self.tpp()?;
        let token = match at {
            At::Refresh => self.refresh_token(&tpp).await?,
            At::Resource => self.tokens(&tpp, &self.ask()).await?.access,
            At::Push | At::Clients | At::Redeem | At::Alone => String::new(),
        };
        for change in changes(self) {
            let told = |what: String| Finding::Fails(format!("{}: {what}", in_words(&change)));
            for answer in self.changed((&tpp, &token), at, &change).await? {
                let through = at == At::Clients && refusal(&answer, &[400], &["invalid_grant"]).is_ok();
                match expect {
                    // a made-up code is refused only once the client is known
                    Expect::Taken if through => {}
                    Expect::Taken | Expect::Refused(..) | Expect::Challenged(..) => {
                        judge(&answer, expect).map_err(told)?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn changed(
        &self,
        (tpp, token): (&Tpp, &str),
        at: At,
        change: &[Mistake],
    ) -> Result<Vec<Answer>, Trouble> {
        let ask = self.ask();
        let answer = match at {
            At::Push => tpp.push(&ask, change).await?,
            At::Redeem => tpp.redeem(&ask, &self.code(tpp, &ask).await?, change).await?,
            At::Refresh => tpp.refresh(token, change).await?,
            At::Alone => tpp.act_alone(self.config.own_scope.as_deref().unwrap_or_default(), change).await?,
            At::Resource => self.call(tpp, token, change).await?,
            At::Clients => {
                let pushed = tpp.push(&ask, change).await?;
                return Ok(vec![pushed, tpp.redeem(&ask, "made-up-code", change).await?]);
            }
        };
        Ok(slice::from_ref(&answer).to_vec())
    }
}

fn in_words(change: &[Mistake]) -> String {
    change.iter().map(Mistake::to_string).collect::<Vec<_>>().join(" and ")
}
