//! Consents under which many payments may be made, and the payments, signed before the clock starts.

use std::time::Duration;

use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use oauth_core::{Clock as _, Seconds, SystemClock, Thumbprint};
use resource_server::domain::{Precision, Zone, write_instant};
use serde_json::{Value, json};

use super::super::load::{Outcome, Work, drive};
use super::super::prepared::{Prepared, header};
use super::super::requests::{Parties, random_uuid};
use super::super::serve::Setup;
use super::super::{Failed, ISSUER};

/// Consents that the measured payments take turns with.
const CONSENTS: usize = 50;
/// The path of payments.
const PAYMENTS: &str = "/open-finance/payment/v1/payments";

/// Who pays.
pub(super) struct Orders(Parties);

/// A consent and the token for it.
pub(super) struct Granted {
    consent: String,
    token: String,
}

impl Orders {
    /// Fresh keys for everyone.
    pub(super) fn make(dir: &std::path::Path) -> Result<Self, Failed> {
        Parties::make(dir).map(Self)
    }

    /// What the bank has to know of them.
    pub(super) fn setup(&self) -> Result<Setup, Failed> {
        self.0.setup()
    }

    /// Consents, asked for and approved, one code flow each.
    pub(super) async fn grants(&self, port: u16) -> Result<Vec<Granted>, Failed> {
        let mut granted = Vec::with_capacity(CONSENTS);
        for _ in 0..CONSENTS {
            let consent = format!("aac-{}", random_uuid()?);
            let flow = self.0.flow_for(&details(&consent).to_string())?;
            let outcome = drive(port, 1, Duration::from_secs(10), vec![Work::Flow(Box::new(flow))]).await?;
            if let Some(error) = outcome.first_error {
                return Err(Failed::new("getting a token", error));
            }
            let token = outcome.tokens.into_iter().next();
            let token = token.ok_or_else(|| Failed::new("getting a token", "there was none"))?;
            granted.push(Granted { consent, token });
        }
        Ok(granted)
    }

    /// Makes payments, as many as fit into the time.
    pub(super) async fn send(
        &self,
        port: u16,
        connections: u8,
        count: usize,
        (time, granted): (Duration, &[Granted]),
    ) -> Result<Outcome, Failed> {
        let work = granted.iter().cycle().take(count).map(|one| Ok(Work::One(Box::new(self.order(one)?))));
        let work = work.collect::<Result<Vec<_>, Failed>>()?;
        drive(port, connections.into(), time, work).await
    }

    fn order(&self, granted: &Granted) -> Result<Prepared, Failed> {
        let message = json!({"Data": {
            "ConsentId": granted.consent,
            "Instruction": {"Amount": {"Amount": "1.50", "Currency": "AED"}, "BeneficiaryReference": "RIDE"},
            "PaymentPurposeCode": "TRVL",
            "PayerReference": "rides",
        }});
        let body = self.0.message(&format!("{ISSUER}/open-finance/payment/v1"), &message)?;
        let mut prepared = Prepared::post(PAYMENTS, body);
        let hash = Thumbprint::of(granted.token.as_bytes()).to_text();
        let headers = &mut prepared.headers;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/jwt"));
        headers.insert(AUTHORIZATION, header(&format!("DPoP {}", granted.token))?);
        headers.insert("dpop", header(&self.0.proof("POST", PAYMENTS, Some(&hash))?)?);
        headers.insert("x-idempotency-key", header(&random_uuid()?)?);
        Ok(prepared)
    }
}

/// A consent that takes more payments than any run makes.
fn details(consent: &str) -> Value {
    let now = SystemClock.now();
    let ends = write_instant(now.plus(Seconds::days(300)), Precision::Seconds);
    let today = Zone::Dubai.day(now).to_string();
    json!([{"Type": "PaymentConsent", "Data": {
        "ConsentId": consent,
        "ExpirationDateTime": ends,
        "ControlParameters": {"ConsentSchedule": {"MultiPayment": {
            "Type": "UAEOF.VariableOnDemandPayment",
            "MaximumIndividualPaymentAmount": {"Amount": "10.00", "Currency": "AED"},
            "MaximumCumulativeValueOfPayments": {"Amount": "100000000.00", "Currency": "AED"},
            "MaximumCumulativeNumberOfPayments": 10_000_000,
            "PeriodicSchedule": {
                "PeriodType": "Day", "PeriodStartDate": today,
                "MaximumCumulativeValueOfPaymentsPerPeriodType": {"Amount": "100000000.00", "Currency": "AED"}
            }
        }}},
        "Initiation": {"CreditorAccount": {
            "IdentificationType": "UAEOF.IBAN", "Identification": "AE050260001015432198765",
            "Name": {"en": "Desert Cabs"}
        }},
        "UserReference": "rides", "PaymentPurposeCode": "TRVL"
    }}])
}
