//! What the authorization server asks of the pages: where a browser goes, and how an error looks that ends before any page.

use std::sync::Arc;

use async_trait::async_trait;
use oauth_core::{ErrorPage, Fault, Interaction, VettedRequest};
use rar_consent::Language;

use super::{LANGUAGE_COOKIE, web};
use crate::pages::Pages;
use crate::pages::view::ErrorView;
use crate::pages::words::fill;

/// Where the core sends browsers: our own page for the ticket; and how its errors look.
#[derive(Debug)]
pub struct PageInteraction {
    /// The issuer's path, below which its pages are.
    pub prefix: String,
    /// How it looks.
    pub pages: Arc<Pages>,
}

#[async_trait]
impl Interaction for PageInteraction {
    async fn begin(&self, ticket: &str, _request: &VettedRequest) -> Result<String, Fault> {
        Ok(format!("{}/request?ticket={ticket}", self.prefix))
    }

    fn language_cookie(&self) -> Option<&str> {
        Some(LANGUAGE_COOKIE)
    }

    fn error_page(&self, shown: &ErrorPage) -> String {
        let chosen = shown.chosen_language.as_deref().and_then(Language::of_tag);
        let language = chosen.unwrap_or_else(|| web::accepted_in(&shown.accept_language));
        let pages = self.pages.speaking(language);
        let t = pages.words();
        let view = ErrorView {
            heading: t.cannot_open.to_owned(),
            what: fill(t.in_technical_terms, &shown.description),
            advice: t.start_again.to_owned(),
            correlation_id: shown.correlation.as_str().to_owned(),
        };
        pages.error(&view).unwrap_or_default()
    }
}
