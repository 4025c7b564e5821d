//! Deciding a request for a customer, by the same steps as the approval page: for the test controls.

use oauth_core::{Approval, Authentication, Denial, Outcome, ResumeSubmitted, Return, ShownText};
use rar_consent::{AuthorizerApproval, Consent, Language};

use super::super::customers::Customer;
use super::super::sessions::SignedIn;
use super::consent::{chosen, gather, offered, render, unfit, waiting};
use super::web::Posted;
use super::{Ui, UiFault, Visit, inbox};

/// A decision in a customer's name.
pub struct StandIn {
    /// The request.
    pub ticket: String,
    /// The cookie of the browser that the ticket belongs to.
    pub browser: Option<String>,
    /// Who decides.
    pub customer: Customer,
    /// How.
    pub verdict: Verdict,
}

// The cookie and the ticket open the request.
impl std::fmt::Debug for StandIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StandIn").field("verdict", &self.verdict).finish_non_exhaustive()
    }
}

/// What is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Yes, for these accounts; without any, for what the page would have ticked or could have.
    Approve(Vec<String>),
    /// No.
    Deny,
}

impl Ui {
    /// Decides, and says where the browser goes.
    ///
    /// # Errors
    /// [`UiFault::Form`] for accounts that the page would not have offered; otherwise what the page would have shown.
    pub async fn stand_in(&self, decided: StandIn) -> Result<Return, UiFault> {
        let (visit, signed_in) = self.visit_of(decided.customer)?;
        let (browser, ticket) = (decided.browser.clone(), Some(decided.ticket.clone()));
        let visit = Visit { browser, ticket, ..visit };
        let outcome = match decided.verdict {
            Verdict::Deny => Outcome::Denied(Denial::Refused),
            Verdict::Approve(accounts) => {
                let shown = gather(self, &visit, waiting(self, &visit).await?).await?;
                if !shown.can_be_given() {
                    let outcome = Outcome::Denied(Denial::Refused);
                    let (ticket, browser) = (decided.ticket, decided.browser);
                    let submitted = ResumeSubmitted { ticket, browser, outcome };
                    return Ok(self.server.resume(submitted, &visit.correlation).await?);
                }
                let accounts = if accounts.is_empty() { offered(&shown.accounts) } else { accounts };
                if unfit(&shown.accounts, &accounts, shown.pages.words()).is_some() {
                    return Err(UiFault::Form);
                }
                let (_, text) = render(self, &visit, &shown, None)?;
                Outcome::Approved(Approval {
                    subject: signed_in.subject,
                    authentication: signed_in.authentication,
                    scope: shown.waiting.request.scope.clone(),
                    accounts: chosen(&shown.accounts, accounts),
                    shown: Some(text),
                })
            }
        };
        let submitted = ResumeSubmitted { ticket: decided.ticket, browser: decided.browser, outcome };
        Ok(self.server.resume(submitted, &visit.correlation).await?)
    }

    /// What one of several authorisers would read on the page before approving.
    ///
    /// # Errors
    /// What the page would have shown.
    pub async fn read_by(
        &self,
        customer: Customer,
        (consent, own): (&Consent, &AuthorizerApproval),
    ) -> Result<ShownText, UiFault> {
        let (visit, _) = self.visit_of(customer)?;
        inbox::agreed(self, &visit, (consent, own)).await
    }

    /// A customer who has just signed in, in no browser.
    fn visit_of(&self, customer: Customer) -> Result<(Visit, SignedIn), UiFault> {
        let now = self.clock.now();
        let authentication =
            Authentication { at: now, acr: "urn:mandate:password".to_owned(), amr: vec!["pwd".to_owned()] };
        let signed_in = SignedIn { subject: customer.subject.clone(), authentication };
        let visit = Visit {
            browser: None,
            session: None,
            signed_in: Some((signed_in.clone(), customer)),
            ticket: None,
            posted: Posted::default(),
            chosen: None,
            accepted: Language::default(),
            address: String::new(),
            from: None,
            now,
            correlation: self.server.fresh_correlation()?,
        };
        Ok((visit, signed_in))
    }
}
