//! Products, and what accounts are invested in.

use async_trait::async_trait;
use oauth_core::Fault;
use oauth_core::store::database::Statement;

use crate::domain::{AccountId, Holding, Product, ProductId, ProductKind, RiskRating, Trade, TransactionId};
use crate::port::{Catalogue, Found, ProductQuery};

use super::read::{body, count, written};
use super::{SqlBank, fault};

const STOCK: &str = "INSERT INTO product (id, kind, currency, risk, body) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, currency = excluded.currency, risk = excluded.risk,
    body = excluded.body";
const BY_ID: &str = "SELECT body FROM product WHERE id = $1";
const HOLD: &str = "INSERT INTO holding (account, product, body) VALUES ($1, $2, $3)
    ON CONFLICT (account, product) DO UPDATE SET body = excluded.body";
const HOLDINGS: &str = "SELECT body FROM holding WHERE account = $1 ORDER BY product LIMIT 1000";
const NOTE_TRADE: &str =
    "INSERT INTO trade (line, body) VALUES ($1, $2) ON CONFLICT (line) DO UPDATE SET body = excluded.body";
const TRADE: &str = "SELECT body FROM trade WHERE line = $1";

macro_rules! filter {
    ($start:literal, $end:literal) => {
        concat!(
            $start,
            " FROM product WHERE ($1 IS NULL OR kind = $1) AND ($2 IS NULL OR currency = $2)
              AND ($3 IS NULL OR risk = $3) ",
            $end
        )
    };
}

const COUNT: &str = filter!("SELECT count(*)", "");
const PAGE: &str = filter!("SELECT body", "ORDER BY id LIMIT $4 OFFSET $5");

impl SqlBank {
    /// Offers a product, or changes one that is offered.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn stock(&self, product: &Product) -> Result<(), Fault> {
        let row = Statement::new(STOCK)
            .text(product.id.as_str())
            .text(kind(product.kind))
            .text(product.currency.code())
            .text(risk(product.risk))
            .text(written(product).map_err(fault)?);
        self.database.write(row).await.map(drop).map_err(fault)
    }

    /// Says what an account is invested in, product by product.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn hold(&self, account: &AccountId, holding: &Holding) -> Result<(), Fault> {
        let row = Statement::new(HOLD)
            .text(account.as_str())
            .text(holding.product.as_str())
            .text(written(holding).map_err(fault)?);
        self.database.write(row).await.map(drop).map_err(fault)
    }

    /// Says what a line of a statement bought or sold.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn note_trade(&self, line: &TransactionId, trade: &Trade) -> Result<(), Fault> {
        let row = Statement::new(NOTE_TRADE).text(line.as_str()).text(written(trade).map_err(fault)?);
        self.database.write(row).await.map(drop).map_err(fault)
    }
}

#[async_trait]
impl Catalogue for SqlBank {
    async fn products(&self, query: &ProductQuery) -> Result<Found<Product>, Fault> {
        let total = self.database.read_one(filtered(COUNT, query)).await.map_err(fault)?;
        let total = count(total.as_ref()).map_err(fault)?;
        let page = filtered(PAGE, query)
            .int(i64::from(query.page.size()))
            .int(i64::try_from(query.page.offset()).unwrap_or(i64::MAX));
        let rows = self.database.read(page).await.map_err(fault)?;
        let items = rows.iter().map(body).collect::<Result<_, _>>().map_err(fault)?;
        Ok(Found { items, total })
    }

    async fn product(&self, id: &ProductId) -> Result<Option<Product>, Fault> {
        let row = self.database.read_one(Statement::new(BY_ID).text(id.as_str())).await.map_err(fault)?;
        row.as_ref().map(body).transpose().map_err(fault)
    }

    async fn holdings(&self, account: &AccountId) -> Result<Vec<Holding>, Fault> {
        let query = Statement::new(HOLDINGS).text(account.as_str());
        let rows = self.database.read(query).await.map_err(fault)?;
        rows.iter().map(body).collect::<Result<_, _>>().map_err(fault)
    }

    async fn trade(&self, line: &TransactionId) -> Result<Option<Trade>, Fault> {
        let row = self.database.read_one(Statement::new(TRADE).text(line.as_str())).await.map_err(fault)?;
        row.as_ref().map(body).transpose().map_err(fault)
    }
}

fn filtered(sql: &'static str, query: &ProductQuery) -> Statement {
    Statement::new(sql)
        .opt_text(query.kind.map(kind))
        .opt_text(query.currency.map(|currency| currency.code()))
        .opt_text(query.risk.map(risk))
}

/// Part of the stored format.
const fn kind(kind: ProductKind) -> &'static str {
    match kind {
        ProductKind::Uitf => "uitf",
        ProductKind::MutualFund => "mutual_fund",
        ProductKind::Insurance => "insurance",
        ProductKind::GovernmentSecurities => "government_securities",
    }
}

/// Part of the stored format.
const fn risk(risk: RiskRating) -> &'static str {
    match risk {
        RiskRating::Conservative => "conservative",
        RiskRating::Moderate => "moderate",
        RiskRating::Aggressive => "aggressive",
    }
}
