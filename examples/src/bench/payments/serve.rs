//! The bank under measurement: authorization server and UAE payments on plain HTTP, pinned to its own core by whoever
//! starts it. The rail's worker runs as in any bank, so what a payment costs includes its way to the payee.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use oauth_core::http::{BROWSER_COOKIE, OAuthService, cookie, returning};
use oauth_core::jose::{Alg, SigningKey};
use oauth_core::store::database::{Database, DatabaseUrl, Statement};
use oauth_core::store::sql::{SqlStore, migrations};
use oauth_core::{
    Approval, AuthorizationServer, Clock as _, FAPI2_SECURITY, Issuer, KeyId, Outcome, ProofNonce,
    ResumeSubmitted, Seconds, ServerSecret, Subject, SystemClock, TokenVerifier, VerifierSettings,
};
use rar_consent::SqlConsents;
use resource_server::dialect::uae_bsi::UaeBsi;
use resource_server::domain::{
    Account, AccountId, AccountKind, AccountNumber, AccountStatus, BookedTransaction, Currency, EntryId,
    Iban, LedgerAccount, Line, SignedMoney, TransactionId, TransactionKind, TransactionStatus,
};
use resource_server::guard::{Guard, GuardPorts};
use resource_server::http::{Origin, ResourceService};
use resource_server::operation::{OperationSettings, Operations, Settlement};
use resource_server::port::{PeraPorts, Ports};
use resource_server::rail::{SandboxRail, settle};
use resource_server::store::sql::SqlBank;
use ring::rand::SystemRandom;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use super::super::measure::{Sample, price, price_signatures};
use super::super::serve::{
    Answer, LONGEST_RUN, Setup, approval, json_answer, parent_gone, plain, ports, refused, settings,
};
use super::super::{Doing as _, Failed, ISSUER, RESOURCE, say};
use super::history::Grown;
use crate::keys::{self, KeyAlgorithm};

/// What the bank is told on its command line.
#[derive(Debug, clap::Args)]
pub struct ServeOptions {
    /// Directory with `setup.json`; the SQLite file is made in it.
    #[arg(long)]
    dir: PathBuf,
    /// Where everything is kept, when not in that directory.
    #[arg(long)]
    database: Option<String>,
}

/// What a signature costs here, in microseconds of an undisturbed core.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Prices {
    /// Verifying ES256.
    pub es256_verify: f64,
    /// Verifying PS256 with a modulus of 2048 bits.
    pub ps256_verify: f64,
    /// Signing PS256 with such a key.
    pub ps256_sign: f64,
}

/// Serves until its standard input ends.
///
/// # Errors
/// When the setup cannot be read or the bank cannot be built.
pub async fn serve(options: &ServeOptions) -> Result<(), Failed> {
    let text = std::fs::read(options.dir.join("setup.json")).doing("reading the setup")?;
    let setup: Setup = serde_json::from_slice(&text).doing("reading the setup")?;
    let bank = Arc::new(Bank::build(options, setup).await?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.doing("listening")?;
    let port = listener.local_addr().doing("listening")?.port();
    say(&json!({ "port": port }).to_string())?;
    let accepting = async {
        loop {
            let (stream, _) = listener.accept().await.doing("accepting")?;
            tokio::spawn(connection(Arc::clone(&bank), stream));
        }
    };
    tokio::select! {
        ended = accepting => ended,
        () = parent_gone() => Ok(()),
        () = rail(&bank) => Ok(()),
        () = tokio::time::sleep(LONGEST_RUN * 8) => Ok(()),
    }
}

/// The rail's worker, at the pace of the reference bank. A fault shows as payments that stay on their way.
async fn rail(bank: &Bank) {
    loop {
        drop(settle(&bank.books, SystemClock.now()).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn connection(bank: Arc<Bank>, stream: TcpStream) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(move |request| {
        let bank = Arc::clone(&bank);
        async move { Ok::<_, std::convert::Infallible>(bank.handle(request).await) }
    });
    // a broken connection shows as an error at the client, where it is counted
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

struct Bank {
    server: Arc<AuthorizationServer>,
    oauth: OAuthService,
    apis: ResourceService,
    books: Ports,
    database: Database,
    grown: Mutex<Grown>,
    prices: Prices,
}

impl Bank {
    async fn build(options: &ServeOptions, setup: Setup) -> Result<Self, Failed> {
        let database = open(options).await?;
        let bank = Arc::new(SqlBank::new(database.clone()));
        furnish(&bank).await?;
        let consents = Arc::new(SqlConsents::new(database.clone()));
        let (keys, prices) = own_keys(options, &setup.sample)?;
        let stores = (Arc::new(SqlStore::new(database.clone())), consents.clone());
        let core = ports((stores.0, stores.1), keys, setup.clients, Arc::new(SystemClock))?;
        let books = Ports {
            clock: Arc::clone(&core.clock),
            entropy: Arc::clone(&core.entropy),
            accounts: bank.clone(),
            payments: bank.clone(),
            lodgings: bank.clone(),
            rail: Arc::new(SandboxRail),
            consents: consents.clone(),
            pera: PeraPorts::over(&bank),
        };
        let issuer = Issuer::new(ISSUER).doing("naming the issuer")?;
        let verifier = TokenVerifier::new(
            VerifierSettings {
                issuer: issuer.clone(),
                policy: &FAPI2_SECURITY,
                audience: RESOURCE.to_owned(),
                proof_nonce: ProofNonce::Off,
                secret: ServerSecret::new(core.entropy.draw().doing("drawing a secret")?),
            },
            &core,
        );
        let guard = Arc::new(Guard::new(verifier, &FAPI2_SECURITY, GuardPorts::new(&core, consents)));
        let operations = Operations {
            ports: books.clone(),
            settings: OperationSettings { settlement: Settlement::ByWorker, ..OperationSettings::default() },
        };
        let uae = UaeBsi::new((issuer, &FAPI2_SECURITY), Arc::clone(&core.signer), operations);
        let origin = Origin::new(ISSUER).doing("naming the origin")?;
        let apis = ResourceService::at(origin).mount(uae, guard).service();
        let server = AuthorizationServer::new(&FAPI2_SECURITY, settings(&core)?, core);
        let server = server.map_err(|wrong| Failed::new("building the server", format!("{wrong:?}")))?;
        let server = Arc::new(server);
        let oauth = OAuthService::new(Arc::clone(&server));
        Ok(Self { server, oauth, apis, books, database, grown: Mutex::default(), prices })
    }

    async fn handle(&self, request: Request<Incoming>) -> Answer {
        match request.uri().path() {
            "/bench/approve" => self.approve(&request).await,
            "/bench/counters" => {
                let (statements, commits) = (self.database.statements(), self.database.commits());
                json_answer(&json!({ "statements": statements, "commits": commits }))
            }
            "/bench/signatures" => json_answer(&self.prices),
            "/bench/history" => answered(self.history(request.uri().query().unwrap_or_default()).await),
            "/bench/waiting" => answered(
                self.count("SELECT count(*) FROM outbox").await.map(|waiting| json!({ "waiting": waiting })),
            ),
            "/bench/balanced" => {
                let sum = self.count("SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) FROM posting").await;
                answered(sum.map(|postings| json!({ "postings": postings })))
            }
            path if path.starts_with("/open-finance/") => self.api(request).await,
            _ => self.oauth.handle(request).await,
        }
    }

    async fn api(&self, request: Request<Incoming>) -> Answer {
        use tower_service::Service as _;
        let Ok(answer) = self.apis.clone().call(request).await;
        let (head, body) = answer.into_parts();
        let Ok(body) = body.collect().await;
        Answer::from_parts(head, Full::new(body.to_bytes()))
    }

    /// Stands in for the bank's pages: says yes at once, to all that is asked.
    async fn approve(&self, request: &Request<Incoming>) -> Answer {
        let ticket = request.uri().query().and_then(|query| query.strip_prefix("ticket="));
        let (Some(ticket), Ok(approval), Ok(correlation)) =
            (ticket, approval(), self.server.fresh_correlation())
        else {
            return plain(StatusCode::BAD_REQUEST);
        };
        let browser = cookie(request.headers(), BROWSER_COOKIE);
        let waiting = match self.server.waiting(ticket, browser.as_deref()).await {
            Ok(waiting) => waiting,
            Err(error) => return refused(&error),
        };
        let outcome = Outcome::Approved(Approval { scope: waiting.request.scope, ..approval });
        let submitted = ResumeSubmitted { ticket: ticket.to_owned(), browser, outcome };
        let resumed = self.server.resume(submitted, &correlation).await;
        resumed.map_or_else(|error| refused(&error), |back| returning(&back))
    }

    async fn history(&self, query: &str) -> Result<serde_json::Value, Failed> {
        let wanted: Grown = serde_urlencoded::from_str(query).doing("reading how much history")?;
        let mut grown = self.grown.lock().await;
        *grown = grown.to(wanted, &self.database).await?;
        serde_json::to_value(*grown).doing("writing an answer")
    }

    async fn count(&self, query: &'static str) -> Result<i64, Failed> {
        let row = self.database.read_one(Statement::new(query)).await.doing("counting")?;
        row.ok_or_else(|| Failed::new("counting", "no row"))?.int(0_usize).doing("counting")
    }
}

fn answered(result: Result<serde_json::Value, Failed>) -> Answer {
    match result {
        Ok(value) => json_answer(&value),
        Err(failed) => {
            let mut answer = plain(StatusCode::INTERNAL_SERVER_ERROR);
            *answer.body_mut() = Full::new(Bytes::from(failed.to_string()));
            answer
        }
    }
}

async fn open(options: &ServeOptions) -> Result<Database, Failed> {
    let url = match &options.database {
        Some(text) => DatabaseUrl::parse(text).doing("reading the database URL")?,
        None => DatabaseUrl::sqlite_file(options.dir.join("bench.db")),
    };
    let database = Database::open(&url).await.doing("opening the database")?;
    for tables in [migrations(), rar_consent::migrations()] {
        database.migrate(&tables).await.doing("migrating the database")?;
    }
    SqlBank::migrate(&database).await.doing("migrating the database")?;
    Ok(database)
}

/// ES256 for tokens, PS256 for answers, and what signing and verifying costs.
fn own_keys(options: &ServeOptions, sample: &Sample) -> Result<(Vec<(KeyId, SigningKey)>, Prices), Failed> {
    let random = SystemRandom::new();
    let der = SigningKey::generate_es256(&random).doing("making a key")?;
    let es256 = SigningKey::from_pkcs8_der(Alg::Es256, &der, &random).doing("loading a key")?;
    let file = [(KeyAlgorithm::Ps256, options.dir.join("server-ps256.pem"))];
    let made = keys::ensure_all(&file, &random).doing("making a key")?;
    let made = made.into_iter().next().ok_or_else(|| Failed::new("making a key", "there is none"))?;
    let der = made.pkcs8.secret_pkcs8_der();
    let ps256 = SigningKey::from_pkcs8_der(Alg::Ps256, der, &random).doing("loading a key")?;
    let verifying = price_signatures(&es256, sample)?;
    let prices = Prices {
        es256_verify: verifying.es256_verify,
        ps256_verify: verifying.ps256_verify,
        ps256_sign: price(|| ps256.sign(&random, &[0x5a; 600]).map(drop).doing("signing"))?,
    };
    let name = |text| KeyId::new(text).doing("naming a key");
    Ok((vec![(name("server-es256")?, es256), (name("server-ps256")?, ps256)], prices))
}

/// The customer's account, with more on it than any run spends.
async fn furnish(bank: &SqlBank) -> Result<(), Failed> {
    let at = SystemClock.now().minus(Seconds::days(400));
    let account = Account {
        id: AccountId::new("current-account").doing("naming an account")?,
        customer: Subject::new("alice").doing("naming the customer")?,
        kind: AccountKind::Current,
        currency: Currency::Aed,
        iban: Some(Iban::issue("AE", "0330000010195511161").doing("issuing an IBAN")?),
        number: AccountNumber::new("0000010195511161").doing("numbering an account")?,
        name: Line::new("Alice").doing("naming the holder")?,
        status: AccountStatus::Active,
        nickname: None,
        product: None,
        opened_at: at,
    };
    bank.open_account(&account).await.doing("opening the account")?;
    let funds = BookedTransaction {
        id: TransactionId::new("tx-opening").doing("naming a line")?,
        account: account.id,
        kind: TransactionKind::Deposit,
        status: TransactionStatus::Posted { at },
        amount: SignedMoney::new(1_000_000_000_000, Currency::Aed),
        description: Line::new("Opening balance").doing("describing a line")?,
        executed_at: at,
        reference: None,
        payment: None,
    };
    let entry = EntryId::new("je-opening").doing("naming an entry")?;
    bank.record(&funds, entry, LedgerAccount::Opening).await.doing("funding the account")?;
    Ok(())
}
