//! The bank's own pages: sign in, decide a request, see and end consents. Plain forms, no script.

mod accounts;
mod consent;
mod inbox;
mod interaction;
mod login;
mod mine;
pub(super) mod operator_pages;
mod stand_in;
mod usage;
pub mod web;
mod words;

use std::net::IpAddr;
use std::sync::Arc;

use http::{Method, Request, StatusCode};
use http_body::Body;
use oauth_core::http::{BROWSER_COOKIE, cookie};
use oauth_core::{
    ApprovalReason, AuthorizationServer, ClientDirectory, Clock, CorrelationId, Error, Fault, Issuer, Reason,
    Timestamp, UserClaims as _, UserStanding, VettedRequest,
};
use rar_consent::{Consent, ConsentEngine, Description, Holder, Language, describe_at};

pub use accounts::{CustomerAccounts, Debit, OwnAccount};
pub use interaction::PageInteraction;
pub use stand_in::{StandIn, Verdict};

use self::web::{Answer, Posted, page, redirect};
use super::customers::{Customer, Customers};
use super::sessions::{Sessions, SignedIn};
use crate::pages::view::{CompletedView, ErrorView, Issuer as IssuerLine, LandingView};
use crate::pages::words::{Words, fill};
use crate::pages::{Pages, PagesFault};
use crate::serve::PeerAddress;

/// The language that was chosen on a page.
const LANGUAGE_COOKIE: &str = "__Host-language";

/// Everything the pages work with.
pub struct Ui {
    /// Whose requests are decided here.
    pub server: Arc<AuthorizationServer>,
    /// Who may sign in.
    pub customers: Arc<Customers>,
    /// Who is signed in.
    pub sessions: Sessions,
    /// How it looks.
    pub pages: Arc<Pages>,
    /// What is decided.
    pub consents: Arc<ConsentEngine>,
    /// What the customer chooses from.
    pub accounts: Arc<dyn CustomerAccounts>,
    /// Who asks.
    pub clients: Arc<dyn ClientDirectory>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The organisation that holds the data: identifier and name.
    pub holder: (String, String),
    /// Our own origin, for posted forms.
    pub origin: String,
    /// The issuer's path, below which its pages are.
    pub prefix: String,
    /// Name of the session cookie: sessions of one issuer are none of another's.
    pub session_cookie: String,
    /// Every issuer of the deployment, with the name of its policy.
    pub issuers: Arc<[(Issuer, &'static str)]>,
}

/// Why a page could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum UiFault {
    /// The request may not go on; the page says why.
    #[error(transparent)]
    Protocol(#[from] Error),
    /// Our side broke.
    #[error(transparent)]
    Port(#[from] Fault),
    /// A page could not be rendered.
    #[error(transparent)]
    Page(#[from] PagesFault),
    /// A form that is not one of ours, or no longer.
    #[error("the form does not belong to this page")]
    Form,
    /// There is no such page.
    #[error("there is no such page")]
    NotFound,
    /// The page does not take this method.
    #[error("the page does not take this method")]
    Method,
}

/// One request, taken apart.
pub(crate) struct Visit {
    browser: Option<String>,
    session: Option<String>,
    signed_in: Option<(SignedIn, Customer)>,
    ticket: Option<String>,
    posted: Posted,
    /// The language the customer chose on a page.
    chosen: Option<Language>,
    /// The language the browser asks for.
    accepted: Language,
    /// Where the page at hand can be had in another language; empty when it is the answer to a form.
    address: String,
    /// The other end of the connection.
    from: Option<IpAddr>,
    now: Timestamp,
    correlation: CorrelationId,
}

impl Visit {
    /// The language of the page: chosen on a page, asked for by the third party (`ui_locales`), asked for by the browser, or
    /// English.
    fn language(&self, request: Option<&VettedRequest>) -> Language {
        let asked =
            request.and_then(|request| request.ui_locales.iter().find_map(|tag| Language::of_tag(tag)));
        self.chosen.or(asked).unwrap_or(self.accepted)
    }
}

impl Ui {
    /// Whose pages these are.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.server.settings().issuer
    }

    /// Whether a path is one of the pages.
    #[must_use]
    pub fn serves(&self, path: &str) -> bool {
        self.below(path).is_some_and(is_page)
    }

    /// A consent in words.
    fn describe(&self, consent: &Consent, language: Language) -> Description {
        let (id, name) = &self.holder;
        describe_at(consent, language, Holder { id, name })
    }

    /// The path below this issuer's.
    fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.strip_prefix(&self.prefix).filter(|rest| rest.starts_with('/'))
    }

    /// The address of one of the pages on this host.
    fn at(&self, page: &str) -> String {
        format!("{}{page}", self.prefix)
    }

    /// Answers one request of a browser.
    pub async fn handle<B>(&self, request: Request<B>) -> Answer
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Ok(correlation) = self.server.fresh_correlation() else { return redirect(&self.at("/")) };
        match self.dispatch(request, correlation.clone()).await {
            Ok(answer) => answer,
            Err(fault) => self.failed(&fault, &self.pages, &correlation),
        }
    }

    async fn dispatch<B>(&self, request: Request<B>, correlation: CorrelationId) -> Result<Answer, UiFault>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let path = request.uri().path();
        let path = self.below(path).unwrap_or(path).to_owned();
        let method = request.method().clone();
        if path == self.pages.style_path() {
            return Ok(web::style());
        }
        let visit = self.arrive(request, correlation).await?;
        let routed = Box::pin(self.routed(&visit, &method, &path)).await;
        let routed = match routed {
            Err(fault) => consent::told_in_time(self, &visit, fault).await,
            Ok(answer) => Ok(answer),
        };
        let mut answer = routed.unwrap_or_else(|fault| {
            self.failed(&fault, &self.pages_in(visit.language(None), &visit), &visit.correlation)
        });
        if let Some(chosen) = visit.chosen {
            web::set_cookie(&mut answer, LANGUAGE_COOKIE, chosen.tag());
        }
        Ok(answer)
    }

    async fn routed(&self, visit: &Visit, method: &Method, path: &str) -> Result<Answer, UiFault> {
        match (method, path) {
            (&Method::GET, "/") => self.landing(),
            (&Method::GET, "/sign-in") => login::show(self, visit),
            (&Method::POST, "/sign-in") => login::submit(self, visit).await,
            (&Method::GET, "/sign-out") => login::ask_to_leave(self, visit),
            (&Method::POST, "/sign-out") => login::leave(self, visit).await,
            (&Method::GET, "/request") => consent::show(self, visit, None).await,
            (&Method::POST, "/request/decide") => consent::decide(self, visit).await,
            (&Method::POST, "/request/cancel") => consent::cancel(self, visit).await,
            (&Method::GET, "/my/consents") => mine::list(self, visit).await,
            (method, path) => match path.strip_prefix("/my/consents/") {
                Some(rest) => mine::one(self, visit, method, rest).await,
                None if is_page(path) && !path.starts_with("/assets/") => Err(UiFault::Method),
                None => Err(UiFault::NotFound),
            },
        }
    }

    async fn arrive<B>(&self, request: Request<B>, correlation: CorrelationId) -> Result<Visit, UiFault>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let now = self.clock.now();
        let (parts, body) = request.into_parts();
        let posted = if parts.method == Method::POST {
            if !web::is_our_own(&parts.headers, &self.origin) {
                return Err(UiFault::Form);
            }
            Posted::read(&parts.headers, body).await.ok_or(UiFault::Form)?
        } else {
            Posted::default()
        };
        let session = cookie(&parts.headers, &self.session_cookie);
        let signed_in = self.sessions.find(session.as_deref(), now).await?;
        let signed_in = match signed_in {
            Some(found) if self.customers.standing(&found.subject).await? == UserStanding::Good => {
                self.customers.by_subject(&found.subject).map(|customer| (found, customer))
            }
            Some(_) | None => None,
        };
        let query: Vec<(String, String)> =
            serde_urlencoded::from_str(parts.uri.query().unwrap_or_default()).unwrap_or_default();
        let asked =
            |wanted: &str| query.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
        let chosen =
            [posted.get("lang").map(str::to_owned), asked("lang"), cookie(&parts.headers, LANGUAGE_COOKIE)];
        let from_query = asked("ticket");
        let address =
            if parts.method == Method::GET { web::address(parts.uri.path(), &query) } else { String::new() };
        Ok(Visit {
            browser: cookie(&parts.headers, BROWSER_COOKIE),
            session,
            signed_in,
            ticket: posted.get("ticket").map(str::to_owned).or(from_query),
            chosen: chosen.into_iter().flatten().find_map(|tag| Language::of_tag(&tag)),
            accepted: web::accepted(&parts.headers),
            address,
            from: parts.extensions.get::<PeerAddress>().map(|peer| peer.0.ip()),
            posted,
            now,
            correlation,
        })
    }

    fn landing(&self) -> Result<Answer, UiFault> {
        let line = |(issuer, policy): &(Issuer, &'static str)| IssuerLine {
            identifier: issuer.as_str().to_owned(),
            policy: (*policy).to_owned(),
            metadata_href: format!(
                "{}/.well-known/oauth-authorization-server{}",
                issuer.origin(),
                issuer.path()
            ),
        };
        let view = LandingView {
            my_consents_href: self.at("/my/consents"),
            issuers: self.issuers.iter().map(line).collect(),
        };
        Ok(page(StatusCode::OK, self.pages.landing(&view)?, None))
    }

    /// Every way a page can fail ends in a page.
    fn failed(&self, fault: &UiFault, pages: &Pages, correlation: &CorrelationId) -> Answer {
        let t = pages.words();
        if let UiFault::Protocol(Error::Refused(refusal)) = fault
            && refusal.reason == Reason::Approval(ApprovalReason::DecidedBefore)
        {
            let view = CompletedView { my_consents_href: self.at("/my/consents") };
            return page(StatusCode::GONE, pages.completed(&view).unwrap_or_default(), None);
        }
        let (status, heading, what) = told(fault, t);
        tracing::info!(target: "pages", correlation = correlation.as_str(), status = status.as_u16(), %fault, "page refused");
        let view = ErrorView {
            heading: heading.to_owned(),
            what,
            advice: t.start_again.to_owned(),
            correlation_id: correlation.as_str().to_owned(),
        };
        page(status, pages.error(&view).unwrap_or_default(), None)
    }

    /// The pages in this language, with a link to the other one where the page at hand has an address.
    fn pages_in(&self, language: Language, visit: &Visit) -> Pages {
        let pages = self.pages.speaking(language);
        if visit.address.is_empty() {
            return pages;
        }
        let gap = if visit.address.contains('?') { '&' } else { '?' };
        let other = pages.words().other_tag;
        pages.switching_at(format!("{}{gap}lang={other}", visit.address))
    }
}

/// Status, heading and sentence of an error page.
fn told(fault: &UiFault, t: &Words) -> (StatusCode, &'static str, String) {
    match fault {
        UiFault::Protocol(Error::Refused(refusal)) => {
            let wire = refusal.reason.wire(oauth_core::At::Browser);
            let status = StatusCode::from_u16(wire.status).unwrap_or(StatusCode::BAD_REQUEST);
            (status, t.cannot_go_on, fill(t.in_technical_terms, &wire.description))
        }
        UiFault::Protocol(Error::Failed(_)) | UiFault::Port(_) | UiFault::Page(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, t.not_now, t.nothing_changed.to_owned())
        }
        UiFault::Form => (StatusCode::FORBIDDEN, t.form_not_valid, t.form_too_old.to_owned()),
        UiFault::NotFound => (StatusCode::NOT_FOUND, t.nothing_here, t.no_such_page.to_owned()),
        UiFault::Method => (StatusCode::METHOD_NOT_ALLOWED, t.works_differently, t.wrong_method.to_owned()),
    }
}

impl std::fmt::Debug for Ui {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ui({})", self.origin)
    }
}

/// Whether a path, below the issuer's own, is one of the pages.
fn is_page(path: &str) -> bool {
    path == "/"
        || matches!(path, "/sign-in" | "/sign-out" | "/request" | "/request/decide" | "/request/cancel")
        || path == "/my/consents"
        || path.starts_with("/my/consents/")
        || path.starts_with("/assets/")
}
