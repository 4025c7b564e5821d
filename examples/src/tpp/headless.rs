//! The customer's part without a browser: the bank's pages are plain forms, so they can be filled in by hand.
//!
//! Only pages of the bank's own origin are visited, and only 302 and 303 are followed, each by a new GET.

use std::collections::BTreeMap;

use http::header::{ACCEPT, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use http::{Method, StatusCode};
use url::{Origin, Url};

use super::Tpp;
use super::config::Demo;
use super::error::{Refusal, Stop, quoted};
use super::flow::Pending;
use super::forms::{self, Form};
use super::http::{Ask, Channel, Reply};

/// Pages and redirects until the bank must have answered.
const STEPS_MAX: usize = 20;
const PLACE: &str = "bank's pages";

/// What the page in front of us asks for.
enum Page {
    SignIn(Form),
    Consent(Form),
    Code,
    Other(String),
}

/// Signs in as this customer, approves, and returns the URL of the redirect back to the client.
pub(crate) async fn approve(tpp: &Tpp, pending: &Pending, customer: &Demo) -> Result<String, Stop> {
    tpp.narrator.step("Sign in and approve at the bank, form by form", "RFC 6749 section 4.1.1");
    let start =
        Url::parse(&pending.url).map_err(|error| Stop::local("opening the authorization URL", error))?;
    let mut visit = Visit {
        tpp,
        origin: start.origin(),
        redirect_uri: &pending.redirect_uri,
        cookies: BTreeMap::new(),
        signed_in: Done::NotYet,
        approved: Done::NotYet,
    };
    visit.run(start, customer).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Done {
    NotYet,
    Once,
}

struct Visit<'a> {
    tpp: &'a Tpp,
    origin: Origin,
    redirect_uri: &'a str,
    cookies: BTreeMap<String, String>,
    signed_in: Done,
    approved: Done,
}

/// Where an answer leads.
enum Next {
    Page(Url),
    Back(String),
}

impl Visit<'_> {
    async fn run(&mut self, start: Url, customer: &Demo) -> Result<String, Stop> {
        let mut at = start;
        let mut ask = self.page(at.clone());
        for _ in 0..STEPS_MAX {
            let reply = self.tpp.http.send(self.with_cookies(ask)).await?;
            self.keep_cookies(&reply);
            if reply.status.is_redirection() {
                match self.next(&at, &reply)? {
                    Next::Back(url) => return Ok(url),
                    Next::Page(url) => at = url,
                }
                ask = self.page(at.clone());
            } else {
                let (form, button) = self.fill(&reply, customer)?;
                (at, ask) = self.submit(&at, &form, button)?;
            }
        }
        Err(Stop::Declined(format!("the bank's pages did not end after {STEPS_MAX} steps")))
    }

    fn fill(&mut self, reply: &Reply, customer: &Demo) -> Result<(Form, &'static str), Stop> {
        match read_page(reply)? {
            Page::SignIn(_) if self.signed_in == Done::Once => {
                let page = String::from_utf8_lossy(&reply.body);
                let said =
                    forms::text_of(&page, "error").unwrap_or_else(|| "the login form again".to_owned());
                Err(Stop::Declined(format!(
                    "the bank did not accept user name and password: {}",
                    quoted(&said)
                )))
            }
            Page::SignIn(mut form) => {
                self.signed_in = Done::Once;
                let filled = form.fill("username", &customer.username);
                if filled.and_then(|()| form.fill("password", &customer.password)).is_none() {
                    return Err(Stop::Declined("the login form has no user name or no password".to_owned()));
                }
                Ok((form, "sign-in"))
            }
            Page::Consent(_) if self.approved == Done::Once => {
                Err(Stop::Declined("the bank shows the consent again after it was approved".to_owned()))
            }
            Page::Consent(mut form) => {
                self.approved = Done::Once;
                let ticked = form.tick("accounts");
                self.tpp.narrator.say(&format!("consent page: {ticked} account(s) chosen, approving"));
                Ok((form, "approve"))
            }
            Page::Code => {
                Err(Stop::Declined("the bank asks for a one-time code: run without --headless".to_owned()))
            }
            Page::Other(said) => {
                Err(Stop::Answer { place: PLACE, status: reply.status.as_u16(), said: quoted(&said) })
            }
        }
    }

    fn submit(&self, at: &Url, form: &Form, button: &str) -> Result<(Url, Ask), Stop> {
        let target = at.join(&form.action).map_err(|_| self.left(&form.action))?;
        if target.origin() != self.origin {
            return Err(self.left(target.as_str()));
        }
        let fields = form.press(button);
        let Some(fields) = fields.filter(|_| form.method == "post") else {
            return Err(Stop::Declined(format!("the form of {button} cannot be sent")));
        };
        let ask = Ask::form(target.as_str(), Channel::Plain, &fields)
            .with(ACCEPT, "text/html")
            .with(ORIGIN, &self.origin.ascii_serialization())
            .with(http::HeaderName::from_static("sec-fetch-site"), "same-origin");
        Ok((target, ask))
    }

    /// RFC 9110 section 15.4: 302 and 303 lead to a GET; 307 and 308 would send the form, password included, on.
    fn next(&self, at: &Url, reply: &Reply) -> Result<Next, Stop> {
        if ![StatusCode::FOUND, StatusCode::SEE_OTHER].contains(&reply.status) {
            let found = reply.status.as_u16().to_string();
            return Err(Refusal::new("CL-19", PLACE, "a redirect with 303 or 302", found).into());
        }
        let location = reply.header(LOCATION.as_str()).unwrap_or_default();
        let bare = |url: &str| url.split(['?', '#']).next().unwrap_or_default().to_owned();
        if bare(location) == bare(self.redirect_uri) {
            return Ok(Next::Back(location.to_owned()));
        }
        let target = at.join(location).map_err(|_| self.left(location))?;
        if target.origin() == self.origin { Ok(Next::Page(target)) } else { Err(self.left(target.as_str())) }
    }

    fn left(&self, target: &str) -> Stop {
        let expected = format!("pages of {} until {}", self.origin.ascii_serialization(), self.redirect_uri);
        Refusal::new("CL-19", PLACE, expected, quoted(target.split('?').next().unwrap_or_default())).into()
    }

    fn page(&self, url: Url) -> Ask {
        let ask = Ask::get(url, Channel::Plain);
        Ask { method: Method::GET, ..ask }.with(ACCEPT, "text/html")
    }

    fn with_cookies(&self, ask: Ask) -> Ask {
        if self.cookies.is_empty() {
            return ask;
        }
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        ask.with(COOKIE, &pairs.collect::<Vec<_>>().join("; "))
    }

    /// RFC 6265 section 5.3, for one origin: name and value, and whether it is being removed.
    fn keep_cookies(&mut self, reply: &Reply) {
        for cookie in reply.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let Some((name, value)) = pair.split_once('=') else {
                continue;
            };
            let is_removed =
                attributes.split(';').any(|one| one.trim_ascii().eq_ignore_ascii_case("max-age=0"));
            if is_removed {
                self.cookies.remove(name.trim_ascii());
            } else {
                self.cookies.insert(name.trim_ascii().to_owned(), value.trim_ascii().to_owned());
            }
        }
    }
}

fn read_page(reply: &Reply) -> Result<Page, Stop> {
    let page = String::from_utf8_lossy(&reply.body);
    if !reply.is_of("text/html") {
        return Ok(Page::Other("not a page".to_owned()));
    }
    let find = |id| forms::form_with(&page, id).map_err(|fault| reply.unexpected(PLACE, &fault.to_string()));
    if let Some(form) = find("approve")? {
        return Ok(Page::Consent(form));
    }
    if find("otp")?.is_some() {
        return Ok(Page::Code);
    }
    if let Some(form) = find("sign-in")? {
        return Ok(Page::SignIn(form));
    }
    let said = forms::text_of(&page, "error").or_else(|| forms::text_of(&page, "h1"));
    Ok(Page::Other(said.unwrap_or_else(|| "a page without a form".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tpp::http::tests::reply;

    const HTML: [(&str, &str); 1] = [("content-type", "text/html; charset=utf-8")];

    #[test]
    fn pages_are_told_apart_by_the_ids_of_their_controls() {
        let page = |body: &str| read_page(&reply(200, &HTML, body)).unwrap();
        assert!(matches!(page("<form><button id=sign-in></button></form>"), Page::SignIn(_)));
        assert!(matches!(page("<form><button id=approve></button></form>"), Page::Consent(_)));
        assert!(matches!(page("<form><input id=otp><button id=sign-in></button></form>"), Page::Code));
        assert!(matches!(page("<h1>Request expired</h1>"), Page::Other(said) if said == "Request expired"));
        assert!(read_page(&reply(200, &HTML, "<form><form>")).is_err());
    }
}
