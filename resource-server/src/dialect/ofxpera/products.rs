//! Section 8.2: what a customer could subscribe to.

use super::answers::{page_request, paged, query};
use super::error::{Code, Problem};
use super::{Ofxpera, map};
use crate::dialect::{Answer, Call};
use crate::domain::{Currency, Page};
use crate::port::{Found, ProductQuery};

pub(super) async fn list_products(dialect: &Ofxpera, call: &Call) -> Result<Answer, Problem> {
    let query = query(call)?;
    let wanted = ProductQuery {
        kind: query.one("product-type")?.map(map::read_kind).transpose()?,
        currency: query.one("currency")?.map(currency).transpose()?,
        risk: query.one("risk-rating")?.map(map::read_risk).transpose()?,
        page: page_request(&query)?,
    };
    let Found { items, total } = dialect.operations.ports.pera.catalogue.products(&wanted).await?;
    let page = Page::new(items, wanted.page, total);
    let page = page.map_err(|_| Problem::at(Code::InvalidPage, "page"))?;
    paged(dialect, call, &query, "/banking/products", page.map(|product| map::product(&product)))
}

/// Section 8.2: products are quoted in pesos or dollars.
fn currency(code: &str) -> Result<Currency, Problem> {
    match code {
        "PHP" => Ok(Currency::Php),
        "USD" => Ok(Currency::Usd),
        _ => Err(Problem::at(Code::InvalidField, "currency")),
    }
}
