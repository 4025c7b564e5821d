//! What operators see of a payment beside its rows in the audit trail: what was said of people for the assessment of risk, which
//! is kept as it came, encrypted to the bank, and opened here.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth_core::jose::{Jwe, KeyManagement};
use oauth_core::store::database::Database;
use oauth_core::{Decrypter as _, Fault, Issuer, LocalDecrypter, Opened, limits};
use resource_server::domain::PaymentId;
use resource_server::port::PaymentBook as _;
use resource_server::store::sql::SqlBank;
use serde_json::{Value, json};

use super::key_admin::text;

/// How a note may be encrypted: UAE bank service initiation sections 2.3 and 16.
const TAKEN: &[KeyManagement] = &[KeyManagement::RsaOaep256, KeyManagement::RsaOaep];

/// Payments, and what opens what was encrypted to each issuer.
#[derive(Clone)]
pub(super) struct PaymentRecords {
    books: SqlBank,
    openers: Arc<[(Issuer, Arc<LocalDecrypter>)]>,
}

impl PaymentRecords {
    pub(super) fn new(database: &Database, openers: Vec<(Issuer, Arc<LocalDecrypter>)>) -> Self {
        Self { books: SqlBank::new(database.clone()), openers: openers.into() }
    }

    /// A payment under this consent.
    pub(super) async fn one(&self, consent: &str, id: &str) -> Result<Option<Value>, Fault> {
        let Ok(id) = PaymentId::new(id) else { return Ok(None) };
        let found = self.books.payment(&id).await?;
        let Some(payment) = found.filter(|payment| payment.terms().consent.as_str() == consent) else {
            return Ok(None);
        };
        let terms = payment.terms();
        let risk = match self.books.personal(payment.id()).await? {
            Some(sealed) => self.risk(&terms.client.issuer, sealed.as_str()).await?,
            None => None,
        };
        Ok(Some(json!({
            "payment": id.as_str(),
            "consent": consent,
            "client": terms.client.id.as_str(),
            "customer": terms.customer.as_str(),
            "created_at": text(terms.created_at),
            "status": payment.status().stage().as_str(),
            "risk": risk,
        })))
    }

    /// `Risk` within a sealed note. Its signature was verified when it came.
    async fn risk(&self, issuer: &Issuer, sealed: &str) -> Result<Option<Value>, Fault> {
        let opener = self.openers.iter().find(|(own, _)| own == issuer).map(|(_, opener)| opener);
        let (Some(opener), Ok(jwe)) = (opener, Jwe::parse_among(sealed, limits::SIGNED_BODY_BYTES, TAKEN))
        else {
            return Ok(None);
        };
        let Opened::Content(content) = opener.decrypt(&jwe).await? else { return Ok(None) };
        let said =
            content.split(|byte| *byte == b'.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let said: Option<Value> = said.and_then(|said| serde_json::from_slice(&said).ok());
        Ok(said.and_then(|said| said.get("Risk").cloned()))
    }
}
