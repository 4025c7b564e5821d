//! A small web shop: a basket, "pay by bank", the way to the bank and back, and the result. The same requests and the
//! same checks as in the terminal; only the customer's browser takes the place of ours.

mod pages;
mod sessions;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::SET_COOKIE;
use http::{HeaderValue, Method, Request, Response};
use http_body::Body;
use http_body_util::Full;
use oauth_core::CorrelationId;
use oauth_core::http::cookie;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_service::Service;

use super::Tpp;
use super::accounts;
use super::browser::loopback;
use super::command::{Customer, PayOrder};
use super::error::Stop;
use super::narrate::Report;
use super::payment;
use super::state::Api;
use crate::bank::ui::web::{Answer, Posted, is_our_own, redirect, style};
use crate::pages::PagesFault;
use crate::pages::view::Section;
use crate::serve::{Authorities, Edge, EdgeLimits, Listener, Shutdown};
use pages::{Outcome, ShopPages, row};
use sessions::{COOKIE, Errand, Goal, Visitors};

const BOOKS: &[(&str, &str)] =
    &[("The Date Palm: a Handbook", "89.90 AED"), ("Letters from Luzon", "60.00 AED")];
const TOTAL: &str = "149.90";
const DOING: &str = "running the shop";

/// Everything the shop works with.
struct Shop {
    tpp: Tpp,
    pages: ShopPages,
    visitors: Visitors,
    origin: String,
    callback: String,
    order: PayOrder,
}

/// Runs the shop at the address of the registered redirect URI, until Ctrl-C.
pub(super) async fn serve(tpp: Tpp) -> Result<Report, Stop> {
    let (address, callback) = loopback(&tpp.config.client.redirect_uri)?;
    let origin = tpp.config.client.redirect_uri.split(&callback).next().unwrap_or_default().to_owned();
    let socket = TcpListener::bind(address)
        .await
        .map_err(|error| Stop::local(DOING, format!("{address}: {error}")))?;
    let authority = origin.strip_prefix("http://").unwrap_or(&origin).to_owned();
    let (clock, random) = (Arc::clone(&tpp.clock), tpp.random.clone());
    let edge = Edge {
        authorities: Authorities::new([authority.as_str()]),
        limits: EdgeLimits { connections: 100, ..EdgeLimits::default() },
        now: Arc::new(move || clock.now()),
        correlation: Arc::new(move || correlation(&random)),
    };
    let pages = ShopPages::new(&tpp.config.issuer).map_err(|fault| Stop::local(DOING, fault))?;
    let order = PayOrder::of_the_shop(TOTAL, Customer::elsewhere());
    tpp.narrator.step("Open the shop", "RFC 8252 section 7.3");
    tpp.narrator.say(&format!("open {origin}/ in your browser; Ctrl-C closes the shop"));
    let shop =
        ShopService(Arc::new(Shop { tpp, pages, visitors: Visitors::default(), origin, callback, order }));
    let shutdown = Shutdown::new(Duration::from_secs(5));
    let signals = shutdown.follow_signals();
    Listener::plain(socket, edge).serve(shop, shutdown).await;
    signals.abort();
    Ok(Report { value: json!({ "outcome": "done" }), lines: vec!["the shop is closed".to_owned()] })
}

/// A name for a request that failed without one.
pub(super) fn correlation(random: &super::keys::Random) -> CorrelationId {
    let text = random.uuid().map(|uuid| uuid.to_string()).unwrap_or_default();
    CorrelationId::new(&text)
        .or_else(|_| CorrelationId::new("unnamed"))
        .unwrap_or_else(|_| correlation(random))
}

/// Why a page could not be shown.
#[derive(Debug, thiserror::Error)]
enum ShopFault {
    #[error(transparent)]
    Stop(#[from] Stop),
    #[error(transparent)]
    Page(#[from] PagesFault),
}

impl Shop {
    async fn answer<B>(&self, request: Request<B>) -> Result<Answer, ShopFault>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let sent = cookie(&parts.headers, COOKIE);
        let path = parts.uri.path();
        match (&parts.method, path) {
            (&Method::GET, path) if path == self.pages.style_path() => Ok(style()),
            (&Method::GET, "/") => self.basket(sent.as_deref(), None),
            (&Method::POST, "/pay" | "/accounts") => {
                let posted = Posted::read(&parts.headers, body).await.unwrap_or_default();
                let ours = is_our_own(&parts.headers, &self.origin)
                    && self.visitors.fits(sent.as_deref(), posted.get("csrf"));
                match sent.filter(|_| ours) {
                    Some(visitor) => self.send(&visitor, path).await,
                    None => self.basket(None, Some("This form is not valid any more. Please try again.")),
                }
            }
            (&Method::GET, path) if path == self.callback => {
                let query = parts.uri.query().unwrap_or_default();
                self.returned(sent.as_deref(), query).await
            }
            (&Method::GET, "/result") => {
                let told = self.visitors.outcome(sent.as_deref());
                let nothing = || Outcome::stopped("There is no order in this browser.".to_owned());
                Ok(self.pages.outcome(&told.unwrap_or_else(nothing))?)
            }
            _ => Ok(self.pages.outcome(&Outcome::stopped("There is no such page.".to_owned()))?),
        }
    }

    fn basket(&self, sent: Option<&str>, error: Option<&str>) -> Result<Answer, ShopFault> {
        let (visitor, csrf) = self.visitors.greet(sent, self.tpp.clock.now(), &self.tpp.random)?;
        let mut answer = self.pages.basket((BOOKS, &format!("{TOTAL} AED")), &csrf, error)?;
        // The shop is http on this machine, where a cookie cannot be Secure everywhere.
        let value = format!("{COOKIE}={visitor}; Path=/; HttpOnly; SameSite=Lax");
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers_mut().append(SET_COOKIE, value);
        }
        Ok(answer)
    }

    /// Pushes a request and sends the browser to the bank with its reference.
    async fn send(&self, visitor: &str, path: &str) -> Result<Answer, ShopFault> {
        let tpp = &self.tpp;
        let (goal, asked) = match path {
            "/pay" => (Goal::Pay, payment::ask(tpp, &self.order)),
            _ => (Goal::ReadAccounts, accounts::ask(tpp).await),
        };
        let begun = match asked {
            Ok(asked) => tpp
                .begin(asked.scope, &asked.details, (asked.api, &asked.consent_id))
                .await
                .map(|it| (it, asked)),
            Err(stop) => Err(stop),
        };
        match begun {
            Ok((pending, asked)) => {
                let answer = redirect(&pending.url);
                self.visitors.send(visitor, Errand { pending, consent_id: asked.consent_id, goal });
                Ok(answer)
            }
            Err(stop) => Ok(self.pages.outcome(&Outcome::stopped(stop.to_string()))?),
        }
    }

    /// The browser is back. Its answer is taken once, in the browser that was sent, and then leaves the address bar.
    async fn returned(&self, sent: Option<&str>, query: &str) -> Result<Answer, ShopFault> {
        let (Some(visitor), Some(errand)) = (sent, self.visitors.returned(sent)) else {
            let told = "This answer does not belong to an order of this browser.".to_owned();
            return Ok(self.pages.outcome(&Outcome::stopped(told))?);
        };
        let came_back_to = format!("{}{}?{query}", self.origin, self.callback);
        let outcome = self.finish(errand, &came_back_to).await;
        self.visitors.tell(visitor, outcome.unwrap_or_else(|stop| Outcome::stopped(stop.to_string())));
        Ok(redirect("/result"))
    }

    async fn finish(&self, errand: Errand, came_back_to: &str) -> Result<Outcome, Stop> {
        let (tpp, consent_id) = (&self.tpp, errand.consent_id.as_str());
        match errand.goal {
            Goal::Pay => {
                let granted = tpp.finish(errand.pending, came_back_to, (Api::Uae, consent_id)).await?;
                let report = payment::complete(tpp, &self.order, consent_id, &granted).await?;
                let text = |name: &str| report.value.get(name).and_then(Value::as_str).unwrap_or_default();
                let rows = vec![
                    row("Amount", &format!("{} {}", text("amount"), text("currency"))),
                    row("Payment", text("payment_id")),
                    row("Status", text("status")),
                    row("Consent", consent_id),
                ];
                let section = Section { heading: "Your payment".to_owned(), rows };
                Ok(Outcome::done("Thank you", "Your order is paid.".to_owned(), vec![section]))
            }
            Goal::ReadAccounts => {
                let granted = tpp.finish(errand.pending, came_back_to, (Api::Ofxpera, consent_id)).await?;
                let report = accounts::gather(tpp, consent_id, &granted).await?;
                let listed =
                    report.value.get("accounts").and_then(Value::as_array).cloned().unwrap_or_default();
                let told = format!("You share {} account(s) with this shop.", listed.len());
                Ok(Outcome::done("Your accounts", told, listed.iter().map(section_of).collect()))
            }
        }
    }
}

/// The plain members of an account, as the bank names them.
fn section_of(account: &Value) -> Section {
    let members = account.as_object().into_iter().flatten();
    let shown = members.filter_map(|(name, value)| Some(row(name, value.as_str()?)));
    Section { heading: "Account".to_owned(), rows: shown.collect() }
}

#[derive(Clone)]
struct ShopService(Arc<Shop>);

impl<B> Service<Request<B>> for ShopService
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let shop = Arc::clone(&self.0);
        Box::pin(async move {
            Ok(match shop.answer(request).await {
                Ok(answer) => answer,
                Err(fault) => {
                    let told = Outcome::stopped(fault.to_string());
                    shop.pages.outcome(&told).unwrap_or_default()
                }
            })
        })
    }
}
