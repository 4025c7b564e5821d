//! A person with a browser that has cookies and no script: signs in, reads, approves or denies.

use http::Request;
use http::header::{COOKIE, LOCATION};
use serde::Deserialize;
use url::Url;

use crate::client::{Answer, Client};
use crate::html::{self, Form};
use crate::{Doing as _, Trouble};

const REDIRECTS_MAX: usize = 10;

/// What a person knows.
#[derive(Debug, Clone)]
pub struct User {
    /// User name at the bank.
    pub name: String,
    /// Password at the bank.
    pub password: String,
    /// One-time code, where the bank asks for one.
    pub otp: Option<String>,
}

impl User {
    /// A person with a password.
    pub fn new(name: &str, password: &str) -> Self {
        Self { name: name.to_owned(), password: password.to_owned(), otp: None }
    }
}

/// What a person reads on the pages of a server: the id or name of each control.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pages {
    /// The field for the name.
    pub username: String,
    /// The field for the password.
    pub password: String,
    /// The field for the one-time code.
    pub otp: String,
    /// The button that sends name and password, and the one-time code.
    pub sign_in: String,
    /// The button that approves.
    pub approve: String,
    /// The button that denies.
    pub deny: String,
    /// The boxes to tick before approving.
    pub tick: String,
}

impl Default for Pages {
    fn default() -> Self {
        let [username, password, otp, sign_in, approve, deny, tick] =
            ["username", "password", "otp", "sign-in", "approve", "deny", "accounts"].map(str::to_owned);
        Self { username, password, otp, sign_in, approve, deny, tick }
    }
}

/// What a person decides on the consent page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Approve with every account offered.
    Approve,
    /// Approve with these accounts ticked and no other.
    ApproveOnly(Vec<String>),
    /// Deny.
    Deny,
}

/// Where the browser stands.
#[derive(Debug, Clone)]
pub enum Place {
    /// On a page of the bank.
    Page(Answer),
    /// Sent back to the client, at this address.
    Returned(Url),
}

impl Place {
    /// The parameters handed to the client.
    ///
    /// # Errors
    /// When the browser still stands on a page of the bank; the trouble quotes its message.
    pub fn returned(&self) -> Result<Returned, Trouble> {
        match self {
            Self::Returned(url) => Ok(Returned(url.clone())),
            Self::Page(page) => {
                let message = html::text_of(&page.text(), "error").unwrap_or_else(|| page.text());
                Err(Trouble::new(format!("not sent back to the client: {} {message}", page.status)))
            }
        }
    }
}

/// An answer that the browser carried to the client's redirect URI.
#[derive(Debug, Clone)]
pub struct Returned(Url);

impl Returned {
    /// The address at which a browser of another kind ended.
    ///
    /// # Errors
    /// When it is no address.
    pub fn at(address: &str) -> Result<Self, Trouble> {
        Ok(Self(Url::parse(address).doing("read the address at which the browser ended")?))
    }

    /// The only value of a query parameter; none when absent or repeated.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut values =
            self.0.query_pairs().filter(|(own, _)| own == name).map(|(_, value)| value.into_owned());
        let first = values.next()?;
        values.next().is_none().then_some(first)
    }

    /// The whole address.
    pub fn url(&self) -> &Url {
        &self.0
    }
}

/// One browser session.
#[derive(Debug, Clone)]
pub struct Visit {
    client: Client,
    home: String,
    at: Url,
    cookies: Vec<(String, String)>,
    statuses: Vec<u16>,
    pages: Pages,
}

impl Visit {
    /// A browser without cookies. `home` is the redirect URI at which it leaves the bank.
    ///
    /// # Errors
    /// When `home` is no address.
    pub fn new(client: &Client, home: &str) -> Result<Self, Trouble> {
        let at = Url::parse(home).doing("read the redirect URI")?;
        Ok(Self {
            client: client.clone(),
            home: home.to_owned(),
            at,
            cookies: Vec::new(),
            statuses: Vec::new(),
            pages: Pages::default(),
        })
    }

    /// The same browser before a server whose pages have other controls.
    #[must_use]
    pub fn reading(self, pages: &Pages) -> Self {
        Self { pages: pages.clone(), ..self }
    }

    /// Opens an address and follows redirects.
    ///
    /// # Errors
    /// When no answer arrives or redirects never end.
    pub async fn open(&mut self, url: &str) -> Result<Place, Trouble> {
        self.at = Url::parse(url).doing(format!("read the address {url}"))?;
        let answer = self.get().await?;
        self.follow(answer).await
    }

    /// Presses a button of a form and follows redirects.
    ///
    /// # Errors
    /// When no answer arrives or redirects never end.
    pub async fn submit(&mut self, form: &Form, button: &str) -> Result<Place, Trouble> {
        self.at = self.at.join(&form.action).doing("read the address of a form")?;
        let fields = form.press(button);
        if form.method == "get" {
            self.at.query_pairs_mut().clear().extend_pairs(fields);
            let answer = self.get().await?;
            return self.follow(answer).await;
        }
        let mut request = crate::client::form_request(self.at.as_str(), &fields)?;
        let origin = self.at.origin().ascii_serialization();
        request.headers_mut().insert("origin", origin.parse().doing("write the origin")?);
        let answer = self.send(request).await?;
        self.follow(answer).await
    }

    /// From the first page to the redirect: signs in if asked, gives a one-time code if asked, decides.
    ///
    /// # Errors
    /// When the bank shows a page that none of this answers.
    pub async fn complete(&mut self, url: &str, user: &User, decision: &Decision) -> Result<Place, Trouble> {
        let mut place = self.open(url).await?;
        for _ in 0..4 {
            let Place::Page(page) = &place else { break };
            let text = page.text();
            place = if let Some(form) = html::form_with(&text, &self.pages.password) {
                self.sign_in(form, user).await?
            } else if let Some(mut form) = html::form_with(&text, &self.pages.otp) {
                let code = user.otp.as_deref().doing("the bank asks for a one-time code")?;
                let _present = form.fill(&self.pages.otp, code);
                self.submit(&form, &self.pages.sign_in.clone()).await?
            } else if let Some(form) = html::form_with(&text, &self.pages.approve) {
                self.decide(form, decision).await?
            } else {
                break;
            };
        }
        Ok(place)
    }

    /// Fills in name and password.
    ///
    /// # Errors
    /// When the form lacks a field or no answer arrives.
    pub async fn sign_in(&mut self, mut form: Form, user: &User) -> Result<Place, Trouble> {
        let filled =
            form.fill(&self.pages.username, &user.name) && form.fill(&self.pages.password, &user.password);
        if !filled {
            return Err(Trouble::new("the login form lacks username or password"));
        }
        self.submit(&form, &self.pages.sign_in.clone()).await
    }

    /// Approves or denies.
    ///
    /// # Errors
    /// When no answer arrives.
    pub async fn decide(&mut self, mut form: Form, decision: &Decision) -> Result<Place, Trouble> {
        match decision {
            Decision::Approve => form.tick(&self.pages.tick, |_| true),
            Decision::ApproveOnly(accounts) => {
                form.tick(&self.pages.tick, |offered| accounts.iter().any(|own| own == offered))
            }
            Decision::Deny => return self.submit(&form, &self.pages.deny.clone()).await,
        }
        self.submit(&form, &self.pages.approve.clone()).await
    }

    /// The cookies held now.
    pub fn cookies(&self) -> &[(String, String)] {
        &self.cookies
    }

    /// Where the browser stands: the page shown, or the address at which it left the bank.
    pub fn at(&self) -> &Url {
        &self.at
    }

    /// The status of every answer so far, redirects included.
    pub fn statuses(&self) -> &[u16] {
        &self.statuses
    }

    async fn get(&mut self) -> Result<Answer, Trouble> {
        let request = Request::get(self.at.as_str()).body(bytes::Bytes::new()).doing("write a request")?;
        self.send(request).await
    }

    async fn send(&mut self, mut request: Request<bytes::Bytes>) -> Result<Answer, Trouble> {
        if !self.cookies.is_empty() {
            let pairs: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request.headers_mut().insert(COOKIE, pairs.join("; ").parse().doing("write the cookies")?);
        }
        request.headers_mut().insert("accept", "text/html".parse().doing("write the accept header")?);
        let answer = self.client.send(request).await?;
        self.statuses.push(answer.status.as_u16());
        for cookie in answer.all("set-cookie") {
            self.keep(cookie);
        }
        Ok(answer)
    }

    async fn follow(&mut self, mut answer: Answer) -> Result<Place, Trouble> {
        for _ in 0..REDIRECTS_MAX {
            let Some(location) = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok()) else {
                return Ok(Place::Page(answer));
            };
            self.at = self.at.join(location).doing("read where a redirect goes")?;
            if self.is_home() {
                return Ok(Place::Returned(self.at.clone()));
            }
            answer = self.get().await?;
        }
        Err(Trouble::new("redirects without end"))
    }

    fn is_home(&self) -> bool {
        self.at
            .as_str()
            .strip_prefix(&self.home)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['?', '#', '&']))
    }

    fn keep(&mut self, cookie: &str) {
        let Some((name, value)) = cookie.split(';').next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        self.cookies.retain(|(own, _)| own != name);
        let dropped = cookie.to_ascii_lowercase().replace(' ', "").contains(";max-age=0");
        if !dropped {
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Response;
    use http_body_util::Full;

    use super::*;
    use crate::client::tests::serve;

    /// A bank in five lines of state kept in a cookie: login page, consent page, redirect.
    fn bank(request: Request<Bytes>, _: Option<usize>) -> Response<Full<Bytes>> {
        let sent = String::from_utf8_lossy(request.body()).into_owned();
        let signed_in = request.headers().get(COOKIE).is_some_and(|cookie| cookie == "s=1; t=2");
        let page = |text: &str| Response::builder().body(Full::new(text.to_owned().into())).unwrap();
        match (request.uri().path(), signed_in) {
            ("/consent", true) => page(
                "<form method=post action=/done><input type=hidden name=csrf value=c>\
                 <input type=checkbox name=accounts value=A1><input type=checkbox name=accounts value=A2>\
                 <button id=approve name=d value=y></button><button id=deny name=d value=n></button></form>",
            ),
            ("/done", true) => Response::builder()
                .status(303)
                .header("location", format!("http://tpp.example/cb?{sent}&state=s%20t&iss=i&iss=i"))
                .body(Full::default())
                .unwrap(),
            ("/login", _) if sent == "csrf=c&username=amal&password=p+w" => Response::builder()
                .status(303)
                .header("location", "/consent")
                .header("set-cookie", "s=1; Secure; HttpOnly")
                .header("set-cookie", "t=2")
                .header("set-cookie", "gone=; Max-Age=0")
                .body(Full::default())
                .unwrap(),
            _ => page(
                "<p id=error>sign in</p><form method=post action=/login><input type=hidden name=csrf value=c>\
                 <input id=username name=username><input id=password name=password><button id=sign-in></form>",
            ),
        }
    }

    async fn walk(user: &User, decision: &Decision) -> Place {
        let echo = serve(bank).await;
        let mut visit = Visit::new(&echo.client, "http://tpp.example/cb").unwrap();
        visit.complete(&format!("{}/authorize?client_id=x", echo.origin), user, decision).await.unwrap()
    }

    #[tokio::test]
    async fn a_person_signs_in_and_approves_the_chosen_accounts() {
        let user = User::new("amal", "p w");
        let all = walk(&user, &Decision::Approve).await.returned().unwrap();
        assert_eq!(all.url().query().unwrap(), "csrf=c&accounts=A1&accounts=A2&d=y&state=s%20t&iss=i&iss=i");
        let one = walk(&user, &Decision::ApproveOnly(vec!["A2".into()])).await.returned().unwrap();
        assert_eq!(one.parameter("accounts").as_deref(), Some("A2"));
        assert_eq!(one.parameter("state").as_deref(), Some("s t"));
        assert_eq!(one.parameter("iss"), None, "a repeated parameter is no parameter");
    }

    #[tokio::test]
    async fn a_person_denies() {
        let back = walk(&User::new("amal", "p w"), &Decision::Deny).await.returned().unwrap();
        assert_eq!(back.parameter("d").as_deref(), Some("n"));
    }

    #[tokio::test]
    async fn a_wrong_password_leads_nowhere_and_says_so() {
        let place = walk(&User::new("amal", "wrong"), &Decision::Approve).await;
        assert!(place.returned().unwrap_err().to_string().contains("sign in"));
    }
}
