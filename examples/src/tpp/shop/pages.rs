//! The pages of the shop, in the frame and style of the bank's: plain forms, no script.

use http::StatusCode;
use serde::Serialize;

use crate::bank::ui::web::{Answer, page};
use crate::pages::csp::ReturnOrigin;
use crate::pages::view::{Emphasis, Form, Hidden, Row, Section};
use crate::pages::{Bank, Pages, PagesFault};

const TEMPLATES: [(&str, &str); 2] = [
    (
        "basket",
        concat!(include_str!("../../../pages/macros.html"), include_str!("../../../pages/shop/basket.html")),
    ),
    (
        "result",
        concat!(include_str!("../../../pages/macros.html"), include_str!("../../../pages/shop/result.html")),
    ),
];

/// What lies in the basket.
#[derive(Serialize)]
struct Basket {
    lines: Vec<Row>,
    total: String,
    pay: Form,
    accounts: Form,
    error: Option<String>,
}

/// How an order ended.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Outcome {
    /// One or two words.
    pub(super) heading: String,
    /// One sentence.
    pub(super) outcome: String,
    /// What went wrong, when something did.
    pub(super) error: Option<String>,
    /// Details.
    pub(super) sections: Vec<Section>,
    back_href: &'static str,
}

impl Outcome {
    /// An end that was wanted.
    pub(super) fn done(heading: &str, outcome: String, sections: Vec<Section>) -> Self {
        Self { heading: heading.to_owned(), outcome, error: None, sections, back_href: "/" }
    }

    /// Any other.
    pub(super) fn stopped(why: String) -> Self {
        let outcome = "Nothing more was sent.".to_owned();
        Self {
            heading: "Not done".to_owned(),
            outcome,
            error: Some(why),
            sections: Vec::new(),
            back_href: "/",
        }
    }
}

/// The pages, and where their forms may lead.
pub(super) struct ShopPages {
    pages: Pages,
    bank: ReturnOrigin,
}

impl ShopPages {
    pub(super) fn new(issuer: &str) -> Result<Self, PagesFault> {
        let shop = Bank {
            name: "Palm Books".to_owned(),
            help: "This shop never sees your password: you sign in at your bank.".to_owned(),
        };
        Ok(Self { pages: Pages::with(Some(&shop), &TEMPLATES)?, bank: ReturnOrigin::of(issuer)? })
    }

    pub(super) fn style_path(&self) -> &str {
        self.pages.style_path()
    }

    /// The basket; its forms carry the browser's own token.
    pub(super) fn basket(
        &self,
        (lines, total): (&[(&str, &str)], &str),
        csrf: &str,
        error: Option<&str>,
    ) -> Result<Answer, PagesFault> {
        let form = |action: &str| Form { action: action.to_owned(), csrf: Hidden::new(csrf), ticket: None };
        let view = Basket {
            lines: lines.iter().map(|(term, value)| row(term, value)).collect(),
            total: total.to_owned(),
            pay: form("/pay"),
            accounts: form("/accounts"),
            error: error.map(str::to_owned),
        };
        let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        Ok(page(status, self.pages.further("basket", "Your basket", &view)?, Some(&self.bank)))
    }

    pub(super) fn outcome(&self, outcome: &Outcome) -> Result<Answer, PagesFault> {
        let status = if outcome.error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        Ok(page(status, self.pages.further("result", &outcome.heading, outcome)?, None))
    }
}

/// A line of details.
pub(super) fn row(term: &str, value: &str) -> Row {
    Row { term: term.to_owned(), value: value.to_owned(), emphasis: Emphasis::Plain }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn the_basket_leads_to_the_bank_and_nowhere_else_and_hides_only_its_token() {
        let pages = ShopPages::new("https://localhost:8443").unwrap();
        let answer = pages.basket((&[("A <book>", "10.00 AED")], "10.00 AED"), "token-1", None).unwrap();
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("form-action 'self' https://localhost:8443;"), "{policy}");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let html = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(html.matches("value=\"token-1\"").count(), 2, "both forms");
        assert_eq!(html.matches("type=\"hidden\"").count(), 2, "and nothing else");
        assert!(!html.contains("<book>") && !html.contains("<script"), "{html}");
    }
}
