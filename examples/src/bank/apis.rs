//! The bank's APIs over its books: what the pages choose from and what third parties call.

use std::sync::Arc;

use async_trait::async_trait;
use oauth_core::jose::Alg;
use oauth_core::store::database::Database;
use oauth_core::{Clock, Entropy, Fault, ServerSecret, Subject, TokenVerifier, VerifierSettings};
use rar_consent::{AccountGroup, ConsentEngine, ConsentStore, Mandates as _};
use resource_server::dialect::consent_manager::ConsentManager;
use resource_server::dialect::ofxpera::{Ofxpera, OfxperaSettings};
use resource_server::dialect::uae_bsi::UaeBsi;
use resource_server::domain::{
    Account, AccountId, AccountKind, AccountStatus, Balance, OrganisationKind, Rail,
};
use resource_server::guard::{Guard, GuardPorts, MessageSigning, SignedRequests, SignedResponses};
use resource_server::http::{Origin, ResourceService};
use resource_server::operation::{OperationSettings, Operations, Settlement};
use resource_server::port::{AccountBook, PeraPorts, Ports};
use resource_server::rail::SandboxRail;
use resource_server::store::sql::SqlBank;

use super::assemble::StartFault;
use super::deployment::{BankPlan, IssuerPlan};
use super::mandates::BankMandates;
use super::ui::{CustomerAccounts, Debit, OwnAccount};

/// The organisation this bank is unless its deployment says otherwise: identifier, name, BIC (ISO 9362).
pub(super) const fn organisation(kind: OrganisationKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        OrganisationKind::PeraAdministrator => ("bayan-trust", "Bayan Trust", "BAYTPHMM"),
        OrganisationKind::ContributorInstitution => ("luzon-bank", "Luzon Bank", "LUZBPHMM"),
    }
}

/// What all APIs of the deployment work on, and what the pages need of it.
pub struct Books {
    /// Accounts, payments, consents.
    pub ports: Ports,
    /// What customers choose from.
    pub accounts: Arc<dyn CustomerAccounts>,
    /// What is decided about consents.
    pub consents: Arc<ConsentEngine>,
}

impl Books {
    /// The books in this database.
    #[must_use]
    pub fn open(
        database: &Database,
        (clock, entropy): (&Arc<dyn Clock>, &Arc<dyn Entropy>),
        (consents, engine): (Arc<dyn ConsentStore>, Arc<ConsentEngine>),
    ) -> Self {
        let book = Arc::new(SqlBank::new(database.clone()));
        let ports = Ports {
            clock: Arc::clone(clock),
            entropy: Arc::clone(entropy),
            accounts: book.clone(),
            payments: book.clone(),
            lodgings: book.clone(),
            rail: Arc::new(SandboxRail),
            consents,
            pera: PeraPorts::over(&book),
        };
        let mandates = BankMandates::new(database.clone());
        Self { ports, accounts: Arc::new(Book { book, mandates }), consents: engine }
    }
}

/// The APIs for the tokens of one issuer.
///
/// # Errors
/// When a configured address is not well-formed.
pub fn apis(
    (plan, bank): (&IssuerPlan, &BankPlan),
    (books, consents): (&Ports, &Arc<ConsentEngine>),
    oauth: &oauth_core::Ports,
    secret: ServerSecret,
) -> Result<ResourceService, StartFault> {
    let issuer = plan.issuer().clone();
    let origin = Origin::new(issuer.origin()).map_err(|fault| StartFault::IllFormed(fault.to_string()))?;
    let settings = VerifierSettings {
        issuer: issuer.clone(),
        policy: plan.policy,
        audience: plan.audience().to_owned(),
        proof_nonce: plan.proof_nonce(),
        secret,
    };
    let verifier = TokenVerifier::new(settings, oauth);
    let signing = MessageSigning {
        requests: SignedRequests::WhenSigned,
        responses: SignedResponses::ToSignedRequests,
        signer: Arc::clone(&oauth.signer),
        alg: Alg::Es256,
        jwks_uri: Some(plan.jwks_uri()),
    };
    let guarded = GuardPorts::new(oauth, Arc::clone(&books.consents));
    let guard = Guard::new(verifier, plan.policy, guarded).with_message_signing(signing);
    let guard = Arc::new(guard.with_rate(bank.rate));
    let limits = bank.pera;
    let settings = OperationSettings {
        rail_max: vec![(Rail::Instapay, limits.instapay_max)],
        contribution_max: Some(limits.yearly_max),
        contribution_max_overseas: Some(limits.yearly_max_overseas),
        pera_accounts_max: limits.accounts_max,
        ..OperationSettings::default()
    };
    let operations = Operations { ports: books.clone(), settings };
    // payments under the UAE interface are moved by the worker alone, never inside a request
    let settings = OperationSettings { settlement: Settlement::ByWorker, ..operations.settings.clone() };
    let by_worker = Operations { settings, ..operations.clone() };
    let uae = UaeBsi::new((issuer, plan.policy), Arc::clone(&oauth.signer), by_worker)
        .with_client_keys(Arc::clone(&oauth.client_keys))
        .with_decrypter(Arc::clone(&oauth.decrypter));
    let bank_side = ConsentManager::new(operations.clone(), Arc::clone(consents));
    let named = OfxperaSettings::of(&bank.id, &bank.name, &bank.bic);
    let ofxpera = Ofxpera::new(operations, OfxperaSettings { exposure: bank.exposure, ..named })
        .with_encryption(Arc::clone(&oauth.client_keys), Arc::clone(&oauth.signer));
    let service = ResourceService::at(origin).mount(uae.in_v1_2(), Arc::clone(&guard));
    let service = service.mount(uae, Arc::clone(&guard));
    Ok(service.mount(bank_side, Arc::clone(&guard)).mount(ofxpera, guard).service())
}

/// The book of accounts in the words of the pages.
struct Book {
    book: Arc<SqlBank>,
    mandates: BankMandates,
}

#[async_trait]
impl CustomerAccounts for Book {
    async fn own(&self, customer: &Subject) -> Result<Vec<OwnAccount>, Fault> {
        let mut accounts = self.book.accounts(customer).await?;
        for id in self.mandates.of_subject(customer).await? {
            if !accounts.iter().any(|known| known.id.as_str() == id) {
                accounts.extend(self.account(&id).await?);
            }
        }
        let mut own = Vec::new();
        for account in accounts {
            let balance = self.book.balance(&account.id).await?;
            let debit = match self.mandates.authorizers(account.id.as_str()).await?.len() {
                0 | 1 => Debit::Alone,
                persons => Debit::Together(persons),
            };
            own.push(OwnAccount { debit, ..in_words(&account, balance)? });
        }
        Ok(own)
    }

    async fn names(&self, accounts: &[String]) -> Result<Vec<String>, Fault> {
        let mut names = Vec::new();
        for id in accounts {
            let account = self.account(id).await?;
            names.push(
                account.map_or_else(
                    || id.clone(),
                    |account| format!("{}, {}", name(&account), masked(&account)),
                ),
            );
        }
        Ok(names)
    }
}

impl Book {
    async fn account(&self, id: &str) -> Result<Option<Account>, Fault> {
        match AccountId::new(id) {
            Ok(id) => self.book.account(&id).await,
            Err(_) => Ok(None),
        }
    }
}

fn name(account: &Account) -> &str {
    account.nickname.as_ref().or(account.product.as_ref()).unwrap_or(&account.name).as_str()
}

fn masked(account: &Account) -> String {
    account.iban.as_ref().map_or_else(|| account.number.masked(), |iban| iban.masked())
}

fn in_words(account: &Account, balance: Option<Balance>) -> Result<OwnAccount, Fault> {
    let available =
        balance.map(Balance::available).transpose().map_err(|fault| Fault::new("accounts", fault))?;
    let balance = available.map(|sum| format!("{} {}", sum.currency().code(), grouped(&sum.to_text())));
    Ok(OwnAccount {
        id: account.id.as_str().to_owned(),
        iban: account.iban.as_ref().map(|iban| iban.as_str().to_owned()),
        name: name(account).to_owned(),
        masked_number: masked(account),
        currency: account.currency.code(),
        group: match account.kind {
            AccountKind::Pera => AccountGroup::Retirement,
            AccountKind::Current | AccountKind::Savings | AccountKind::EWallet => AccountGroup::Source,
        },
        balance: balance.unwrap_or_default(),
        debit: Debit::Alone,
        unavailable: match account.status {
            AccountStatus::Active => None,
            AccountStatus::Dormant => Some("This account is dormant.".to_owned()),
            AccountStatus::Frozen => Some("This account is frozen.".to_owned()),
            AccountStatus::Closed => Some("This account is closed.".to_owned()),
        },
    })
}

/// Digits in groups of three, for people: `12,345.60`.
fn grouped(amount: &str) -> String {
    let (whole, rest) = amount.split_once('.').map_or((amount, None), |(whole, rest)| (whole, Some(rest)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut text = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(rest) = rest {
        text.push('.');
        text.push_str(rest);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn digits_are_grouped_by_three_from_the_right() {
        for (plain, shown) in [
            ("0.00", "0.00"),
            ("999.90", "999.90"),
            ("1234567.05", "1,234,567.05"),
            ("-1000.00", "-1,000.00"),
            ("12345", "12,345"),
        ] {
            assert_eq!(grouped(plain), shown);
        }
    }
}
