//! The pages of the reference bank: view in, HTML out.
//!
//! No routes, no sessions, no decisions. Each method of [`Pages`] renders one page from the view of the same name.
//! Every value is escaped; whatever a stranger may have written is shown with its invisible characters made visible
//! and isolated from the direction of the text around it, and cannot push the amount or the buttons out of view.
//! The pages are plain forms without script, and their style is one file of this server.

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context, value::Serde};
use ring::digest::{SHA256, digest};
use serde::Serialize;

pub mod csp;
pub mod inbox_view;
pub mod my_view;
mod text;
pub mod view;

#[cfg(test)]
mod tests;

use inbox_view::ApprovalView;
use my_view::{ConsentDetailsView, MyConsentsView, RevokeView, RevokedView};
use view::{
    CompletedView, ConsentView, ErrorView, LandingView, LoginStep, LoginView, RefusedView, SignOutView,
    SignedOutView,
};

/// The style sheet, served at [`Pages::style_path`] as `text/css`. Its path names its content, so it may be cached
/// for as long as a cache likes.
pub const STYLE_CSS: &str = include_str!("../../pages/style.css");

/// The bank as its pages present it.
#[derive(Debug, Clone, Serialize)]
pub struct Bank {
    /// Name at the top of each page.
    pub name: String,
    /// One sentence at the foot of each page that says where to get help.
    pub help: String,
    /// Language of the templates, BCP 47.
    pub language: String,
    /// Direction of that language.
    pub direction: Direction,
}

impl Default for Bank {
    fn default() -> Self {
        Self {
            name: "Mandate Bank".to_owned(),
            help: "The bank never asks for your password by phone or e-mail. In doubt, call the number on your card."
                .to_owned(),
            language: "en".to_owned(),
            direction: Direction::LeftToRight,
        }
    }
}

/// Direction of a language's script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Direction {
    /// English, Filipino.
    #[serde(rename = "ltr")]
    LeftToRight,
    /// Arabic.
    #[serde(rename = "rtl")]
    RightToLeft,
}

/// Why a page could not be made. Always a fault of the bank, never of the visitor.
#[derive(Debug, thiserror::Error)]
pub enum PagesFault {
    /// A template does not parse, or asks for what its view does not hold.
    #[error("a page could not be rendered")]
    Template(#[from] minijinja::Error),
    /// An address to which no page may lead.
    #[error("an address is neither https, nor on this machine, nor of an application")]
    Address,
}

/// All pages, parsed once.
#[derive(Debug)]
pub struct Pages {
    templates: Environment<'static>,
    style_path: String,
}

impl Pages {
    /// Parses the templates for the default bank.
    ///
    /// # Errors
    /// [`PagesFault::Template`] when a template does not parse.
    pub fn new() -> Result<Self, PagesFault> {
        Self::of(&Bank::default())
    }

    /// Parses the templates for a bank.
    ///
    /// # Errors
    /// [`PagesFault::Template`] when a template does not parse.
    pub fn of(bank: &Bank) -> Result<Self, PagesFault> {
        Self::with(bank, &[])
    }

    /// The same with further templates, for pages of the same look that are not a bank's.
    ///
    /// # Errors
    /// [`PagesFault::Template`] when a template does not parse.
    pub(crate) fn with(bank: &Bank, further: &[(&'static str, &'static str)]) -> Result<Self, PagesFault> {
        let style_path = style_path();
        let mut templates = Environment::new();
        templates.set_auto_escape_callback(|_| AutoEscape::Html);
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.add_filter("visible", text::visible);
        templates.add_filter("visible_text", text::visible_text);
        templates.add_filter("short", text::short);
        templates.add_filter("href", text::href);
        templates.add_filter("local", text::local);
        templates.add_global("bank", Value::from(Serde(bank)));
        templates.add_global("style_path", style_path.as_str());
        for (name, source) in TEMPLATES.iter().chain(further).copied() {
            templates.add_template(name, source)?;
        }
        Ok(Self { templates, style_path })
    }

    /// Path of the style sheet: `/assets/style-` and a hash of its content.
    pub fn style_path(&self) -> &str {
        &self.style_path
    }

    /// The login page.
    ///
    /// # Errors
    /// [`PagesFault::Template`], as of every page, when a link or form target in the view is not allowed.
    pub fn login(&self, view: &LoginView) -> Result<String, PagesFault> {
        let title = match view.step {
            LoginStep::Password | LoginStep::PasswordAndCode => "Sign in",
            LoginStep::Code => "Enter your code",
        };
        self.page("login", &flagged(title, view.error.as_ref()), view)
    }

    /// The consent page.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn consent(&self, view: &ConsentView) -> Result<String, PagesFault> {
        self.page("consent", &flagged(&view.heading, view.error.as_ref()), view)
    }

    /// The note after a request that was not approved.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn refused(&self, view: &RefusedView) -> Result<String, PagesFault> {
        self.page("refused", "Not approved", view)
    }

    /// An error page.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn error(&self, view: &ErrorView) -> Result<String, PagesFault> {
        self.page("error", &flagged(&view.heading, Some(&view.what)), view)
    }

    /// The neutral page for a request that is no longer open.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn completed(&self, view: &CompletedView) -> Result<String, PagesFault> {
        self.page("completed", "This request is closed", view)
    }

    /// The list of the customer's consents.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn my_consents(&self, view: &MyConsentsView) -> Result<String, PagesFault> {
        self.page("my_consents", "My consents", view)
    }

    /// One consent, with its use and history.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn consent_details(&self, view: &ConsentDetailsView) -> Result<String, PagesFault> {
        let title = flagged(&view.heading, view.error.as_ref());
        self.page("consent_details", &title, view)
    }

    /// A request that waits for several approvals.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn approval(&self, view: &ApprovalView) -> Result<String, PagesFault> {
        self.page("approval", &flagged(&view.heading, view.error.as_ref()), view)
    }

    /// The question before a consent is ended.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn revoke(&self, view: &RevokeView) -> Result<String, PagesFault> {
        self.page("revoke", "End this consent?", view)
    }

    /// The page after a consent was ended.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn revoked(&self, view: &RevokedView) -> Result<String, PagesFault> {
        self.page("revoked", "Consent ended", view)
    }

    /// The page that asks before signing out.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn sign_out(&self, view: &SignOutView) -> Result<String, PagesFault> {
        self.page("sign_out", "Sign out?", view)
    }

    /// The page after signing out.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn signed_out(&self, view: &SignedOutView) -> Result<String, PagesFault> {
        self.page("signed_out", "You are signed out", view)
    }

    /// The landing page.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn landing(&self, view: &LandingView) -> Result<String, PagesFault> {
        self.page("landing", "Welcome", view)
    }

    /// One of the further templates in the frame.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub(crate) fn further<View: Serialize>(
        &self,
        name: &str,
        title: &str,
        view: &View,
    ) -> Result<String, PagesFault> {
        self.page(name, title, view)
    }

    fn page<View: Serialize>(&self, name: &str, title: &str, view: &View) -> Result<String, PagesFault> {
        let view = Value::from(Serde(view));
        let session = view.get_attr("session")?;
        let body = self.templates.get_template(name)?.render(view)?;
        let frame = context! { page => name, title, session, body => Value::from_safe_string(body) };
        Ok(self.templates.get_template("frame")?.render(frame)?)
    }
}

/// A title that says first that something went wrong.
fn flagged(title: &str, error: Option<&String>) -> String {
    match error {
        Some(_) => format!("Error: {title}"),
        None => title.to_owned(),
    }
}

fn style_path() -> String {
    let digest = digest(&SHA256, STYLE_CSS.as_bytes());
    let name: String = digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("/assets/style-{name}.css")
}

/// A template with the shared macros in front of it.
macro_rules! template {
    ($file:literal) => {
        concat!(include_str!("../../pages/macros.html"), include_str!(concat!("../../pages/", $file)))
    };
}

const TEMPLATES: [(&str, &str); 14] = [
    ("frame", template!("frame.html")),
    ("landing", template!("landing.html")),
    ("login", template!("login.html")),
    ("consent", template!("consent.html")),
    ("refused", template!("refused.html")),
    ("error", template!("error.html")),
    ("completed", template!("completed.html")),
    ("my_consents", template!("my_consents.html")),
    ("consent_details", template!("consent_details.html")),
    ("approval", template!("approval.html")),
    ("revoke", template!("revoke.html")),
    ("revoked", template!("revoked.html")),
    ("sign_out", template!("sign_out.html")),
    ("signed_out", template!("signed_out.html")),
];
