//! The pages of the reference bank: view in, HTML out.
//!
//! No routes, no sessions, no decisions. Each method of [`Pages`] renders one page from the view of the same name.
//! Every value is escaped; whatever a stranger may have written is shown with its invisible characters made visible
//! and isolated from the direction of the text around it, and cannot push the amount or the buttons out of view.
//! The pages are plain forms without script, and their style is one file of this server.

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context, value::Serde};
use rar_consent::Language;
use ring::digest::{SHA256, digest};
use serde::Serialize;
use std::sync::Arc;

mod agreed;
pub mod csp;
pub mod my_view;
pub mod operator_view;
mod text;
pub mod view;
pub(crate) mod words;

#[cfg(test)]
mod tests;

pub(crate) use agreed::agreed_text;

use my_view::{ConsentDetailsView, MyConsentsView, RevokeView, RevokedView};
use view::{
    CompletedView, ConsentView, ErrorView, LandingView, LoginStep, LoginView, RefusedView, SignOutView,
    SignedOutView,
};
use words::{Words, fill};

/// The style sheet, served at [`Pages::style_path`] as `text/css`. Its path names its content, so it may be cached
/// for as long as a cache likes.
pub const STYLE_CSS: &str = include_str!("../../pages/style.css");

/// Whose pages these are, where it is not the bank of the words.
#[derive(Debug, Clone)]
pub struct Bank {
    /// Name at the top of each page.
    pub name: String,
    /// One sentence at the foot of each page that says where to get help.
    pub help: String,
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

/// All pages, parsed once, in one language. Clones share the templates.
#[derive(Debug, Clone)]
pub struct Pages {
    templates: Arc<Environment<'static>>,
    style_path: Arc<str>,
    bank: Option<Arc<Bank>>,
    words: &'static Words,
    switch: Option<String>,
}

impl Pages {
    /// Parses the templates, for the bank of the words.
    ///
    /// # Errors
    /// [`PagesFault::Template`] when a template does not parse.
    pub fn new() -> Result<Self, PagesFault> {
        Self::with(None, &[])
    }

    /// Parses the templates for another bank.
    ///
    /// # Errors
    /// [`PagesFault::Template`] when a template does not parse.
    pub fn of(bank: &Bank) -> Result<Self, PagesFault> {
        Self::with(Some(bank), &[])
    }

    /// The same with further templates, for pages of the same look that are not a bank's.
    ///
    /// # Errors
    /// [`PagesFault::Template`] when a template does not parse.
    pub(crate) fn with(
        bank: Option<&Bank>,
        further: &[(&'static str, &'static str)],
    ) -> Result<Self, PagesFault> {
        let style_path = style_path();
        let mut templates = Environment::new();
        templates.set_auto_escape_callback(|_| AutoEscape::Html);
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.add_filter("visible", text::visible);
        templates.add_filter("visible_text", text::visible_text);
        templates.add_filter("told", text::told);
        templates.add_filter("told_text", text::told_text);
        templates.add_filter("fill", text::fill);
        templates.add_filter("lines", text::lines);
        templates.add_filter("short", text::short);
        templates.add_filter("href", text::href);
        templates.add_filter("local", text::local);
        templates.add_global("style_path", style_path.as_str());
        for (name, source) in TEMPLATES.iter().chain(further).copied() {
            templates.add_template(name, source)?;
        }
        Ok(Self {
            templates: Arc::new(templates),
            style_path: style_path.into(),
            bank: bank.cloned().map(Arc::new),
            words: Words::of(Language::English),
            switch: None,
        })
    }

    /// The same pages in this language.
    #[must_use]
    pub fn speaking(&self, language: Language) -> Self {
        Self { words: Words::of(language), switch: None, ..self.clone() }
    }

    /// The same pages with a link to the one at hand in the other language.
    #[must_use]
    pub fn switching_at(self, address: String) -> Self {
        Self { switch: Some(address), ..self }
    }

    /// What these pages say by themselves.
    pub(crate) const fn words(&self) -> &'static Words {
        self.words
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
            LoginStep::Password | LoginStep::PasswordAndCode => self.words.sign_in,
            LoginStep::Code => self.words.enter_code,
        };
        self.page("login", &self.flagged(title, view.error.as_ref()), view)
    }

    /// The consent page.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn consent(&self, view: &ConsentView) -> Result<String, PagesFault> {
        self.page("consent", &self.flagged(&view.heading, view.error.as_ref()), view)
    }

    /// The note after a request that was not approved.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn refused(&self, view: &RefusedView) -> Result<String, PagesFault> {
        self.page("refused", self.words.not_approved, view)
    }

    /// An error page.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn error(&self, view: &ErrorView) -> Result<String, PagesFault> {
        self.page("error", &self.flagged(&view.heading, Some(&view.what)), view)
    }

    /// The neutral page for a request that is no longer open.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn completed(&self, view: &CompletedView) -> Result<String, PagesFault> {
        self.page("completed", self.words.closed, view)
    }

    /// The list of the customer's consents.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn my_consents(&self, view: &MyConsentsView) -> Result<String, PagesFault> {
        self.page("my_consents", self.words.my_consents, view)
    }

    /// One consent, with its use and history.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn consent_details(&self, view: &ConsentDetailsView) -> Result<String, PagesFault> {
        let title = self.flagged(&view.heading, view.error.as_ref());
        self.page("consent_details", &title, view)
    }

    /// The question before a consent is ended.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn revoke(&self, view: &RevokeView) -> Result<String, PagesFault> {
        self.page("revoke", self.words.end_question, view)
    }

    /// The page after a consent was ended.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn revoked(&self, view: &RevokedView) -> Result<String, PagesFault> {
        self.page("revoked", self.words.consent_ended, view)
    }

    /// The page that asks before signing out.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn sign_out(&self, view: &SignOutView) -> Result<String, PagesFault> {
        self.page("sign_out", self.words.sign_out_question, view)
    }

    /// The page after signing out.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn signed_out(&self, view: &SignedOutView) -> Result<String, PagesFault> {
        self.page("signed_out", self.words.signed_out, view)
    }

    /// The landing page.
    ///
    /// # Errors
    /// As [`Pages::login`].
    pub fn landing(&self, view: &LandingView) -> Result<String, PagesFault> {
        // for those who build applications, and in English
        self.speaking(Language::English).page("landing", "Welcome", view)
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
        let t = Value::from(Serde(self.words));
        let body = self.templates.get_template(name)?.render(context! { t => t.clone(), ..view })?;
        let bank = self.bank.as_deref();
        let frame = context! {
            t,
            page => name,
            title,
            session,
            switch => self.switch.clone(),
            bank_name => bank.map_or(self.words.bank, |bank| &bank.name),
            help => bank.map_or(self.words.help, |bank| &bank.help),
            body => Value::from_safe_string(body),
        };
        Ok(self.templates.get_template("frame")?.render(frame)?)
    }

    /// A title that says first that something went wrong.
    fn flagged(&self, title: &str, error: Option<&String>) -> String {
        match error {
            Some(_) => fill(self.words.error_title, title),
            None => title.to_owned(),
        }
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

const TEMPLATES: [(&str, &str); 15] = [
    ("frame", template!("frame.html")),
    ("landing", template!("landing.html")),
    ("login", template!("login.html")),
    ("consent", template!("consent.html")),
    ("refused", template!("refused.html")),
    ("error", template!("error.html")),
    ("completed", template!("completed.html")),
    ("my_consents", template!("my_consents.html")),
    ("consent_details", template!("consent_details.html")),
    ("revoke", template!("revoke.html")),
    ("revoked", template!("revoked.html")),
    ("operator_consents", template!("operator_consents.html")),
    ("operator_consent", template!("operator_consent.html")),
    ("sign_out", template!("sign_out.html")),
    ("signed_out", template!("signed_out.html")),
];
