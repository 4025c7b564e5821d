//! How fast the authorization server is, and what it spends its time on.
//!
//! One command starts the server as a child process on core 0 and a generator on core 1, sends prepared requests over
//! loopback and reports, for every kind of request, the rate, the latencies, the CPU per request and how that
//! compares with the signatures the request cannot do without. It judges nothing: what is fast enough, the reader says.

mod failed;
pub mod load;
pub mod measure;
pub mod memory;
pub mod payments;
pub mod prepared;
pub mod process;
pub mod report;
pub mod requests;
pub mod serve;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use serde::Deserialize;
use tokio::task::LocalSet;

use self::failed::Doing;
pub use self::failed::Failed;
use self::load::{Connection, Outcome, Work, drive};
use self::measure::{Prices, load_average, median, number};
use self::prepared::get;
use self::process::{Pinning, Scratch, Server};
use self::report::{Report, Row};
use self::requests::{Audience, Parties};
use self::serve::ServeOptions;

/// The issuer under measurement. Nothing resolves this name: requests go to the loopback address.
pub const ISSUER: &str = "https://as.bench.example";
/// The resource whose tokens are JWTs.
pub const RESOURCE: &str = "https://rs.bench.example";
/// The resource whose tokens are opaque.
pub const RESOURCE_OPAQUE: &str = "https://opaque.bench.example";
/// Every scope on offer.
pub const SCOPES: &str = "openid payments";

/// Measures the authorization server on this machine.
#[derive(Debug, Parser)]
#[command(name = "bench")]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Role>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Only the server; started by the measuring process.
    #[command(hide = true)]
    Serve(ServeOptions),
    /// Only the bank; started by the measuring process.
    #[command(hide = true)]
    ServePayments(payments::serve::ServeOptions),
    /// Measures payments, with more and more history.
    Payments(payments::Options),
}

#[derive(Debug, clap::Args)]
struct Options {
    /// Seconds of each measured window.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Keep-alive connections.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u8).range(1..=128))]
    connections: u8,
    /// Turns of each window, however long they take. What a profiler counts in two runs can then be subtracted.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(PREPARED_MAX)))]
    turns: Option<u32>,
    /// A command that runs the server, with its arguments between spaces: a profiler.
    #[arg(long)]
    under: Option<String>,
    /// Windows of each scenario; the medians are reported.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=20))]
    rounds: u8,
    /// Where the server keeps requests and grants.
    #[arg(long, value_enum, default_value_t = StoreKind::Sqlite)]
    store: StoreKind,
    /// Only this scenario.
    #[arg(long, value_enum)]
    only: Option<Scenario>,
    /// Requests at the end, to see what becomes of memory: after every eighth everything expires, and memory is read after
    /// an eighth, a quarter, a half and all of them. Not sent when one scenario is chosen.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    memory_requests: u32,
    /// Writes the numbers as JSON to this file too.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Where the server keeps requests and grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StoreKind {
    /// A SQLite file: write-ahead log, every commit synced.
    Sqlite,
    /// Nowhere but in the process.
    Memory,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "described by Scenario::title")]
pub enum Scenario {
    Jwks,
    Par,
    ParPs256,
    ClientCredentials,
    ClientCredentialsOpaque,
    Introspect,
    IntrospectJwt,
    IntrospectSigned,
    Userinfo,
    Flow,
}

impl Scenario {
    /// What is sent.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Jwks => "GET jwks (floor)",
            Self::Par => "PAR: ES256 assertion, DPoP, 2 kB detail",
            Self::ParPs256 => "PAR: PS256 assertion, DPoP, 2 kB detail",
            Self::ClientCredentials => "client_credentials, DPoP, JWT",
            Self::ClientCredentialsOpaque => "client_credentials, DPoP, opaque",
            Self::Introspect => "introspection of an opaque token",
            Self::IntrospectJwt => "introspection of a JWT",
            Self::IntrospectSigned => "introspection of an opaque token, signed",
            Self::Userinfo => "userinfo, DPoP, JWT",
            Self::Flow => "code flow: PAR, authorize, approve, token",
        }
    }

    /// What the signatures of one turn cost at these prices, in microseconds. They are the least it can cost.
    #[must_use]
    pub fn signature_budget(self, prices: Prices) -> f64 {
        let Prices { es256_verify: verify, es256_sign: sign, ps256_verify } = prices;
        match self {
            Self::Jwks => 0.0,
            Self::Par | Self::ClientCredentialsOpaque | Self::IntrospectJwt | Self::Userinfo => 2.0 * verify,
            Self::ParPs256 => ps256_verify + verify,
            Self::ClientCredentials => 2.0 * verify + sign,
            Self::Introspect => verify,
            Self::IntrospectSigned => verify + sign,
            Self::Flow => 4.0 * verify + 2.0 * sign,
        }
    }
}

/// Does what the command line says, and tells on standard error why it could not.
#[must_use]
pub fn command() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            drop(writeln!(std::io::stderr(), "bench: {failed}"));
            ExitCode::FAILURE
        }
    }
}

/// Does what the command line says.
///
/// # Errors
/// When the measurement could not be made. Requests that were refused are counted in the report instead.
pub fn run(arguments: &Arguments) -> Result<(), Failed> {
    match &arguments.command {
        Some(Role::Serve(options)) => served(serve::serve(options)),
        Some(Role::ServePayments(options)) => served(payments::serve::serve(options)),
        Some(Role::Payments(options)) => {
            let pinning = Pinning::of_this_process();
            measuring(payments::measured(options, pinning), LONGEST_HISTORY)
        }
        None => {
            let pinning = Pinning::of_this_process();
            let report = measuring(measured(&arguments.options, pinning), LONGEST_RUN)?;
            say(&report.markdown())?;
            if let Some(file) = &arguments.options.json {
                std::fs::write(file, report.json().to_string()).doing("writing the JSON file")?;
            }
            Ok(())
        }
    }
}

fn served(serving: impl Future<Output = Result<(), Failed>>) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.doing("starting the runtime")?;
    let ended = runtime.block_on(serving);
    // the thread that reads standard input may never come back
    runtime.shutdown_background();
    ended
}

fn measuring<T>(run: impl Future<Output = Result<T, Failed>>, longest: Duration) -> Result<T, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    LocalSet::new().block_on(&runtime.doing("starting the runtime")?, async {
        let late = |_| Err(Failed::new("measuring", "it took longer than allowed"));
        tokio::time::timeout(longest, run).await.unwrap_or_else(late)
    })
}

/// The whole measurement.
const LONGEST_RUN: Duration = Duration::from_secs(25 * 60);
/// The whole measurement of payments, the writing of millions of rows included.
const LONGEST_HISTORY: Duration = Duration::from_secs(3 * 60 * 60);
/// A proof is good for a minute: what is prepared must be sent by then.
const PREPARED_MAX: u32 = 120_000;
/// So long a counted number of turns may take under a profiler.
const TURNS_TAKE_MAX: Duration = Duration::from_secs(50);

async fn measured(options: &Options, pinning: Pinning) -> Result<Report, Failed> {
    let dir = Scratch::make()?;
    let parties = Parties::make(&dir.0)?;
    let setup = serde_json::to_vec(&parties.setup()?).doing("writing the setup")?;
    std::fs::write(dir.0.join("setup.json"), setup).doing("writing the setup")?;
    let store = match options.store {
        StoreKind::Sqlite => "sqlite",
        StoreKind::Memory => "memory",
    };
    let arguments = ["serve", "--store", store].map(str::to_owned);
    let server = Server::start(&dir.0, &arguments, pinning, options.under.as_deref())?;
    let mut bench =
        Bench { options, parties, control: Connection::open(server.port).await?, server, prices: Vec::new() };
    let at_rest = bench.server.process.resident_kib()?;
    let mut rows = Vec::new();
    for scenario in Scenario::value_variants() {
        if options.only.is_none_or(|only| only == *scenario) {
            rows.push(bench.scenario(*scenario).await?);
        }
    }
    let memory = bench.memory(at_rest).await?;
    let prices = bench.median_prices();
    bench.server.stop().await;
    Ok(Report {
        store: options.store,
        connections: options.connections,
        pinning,
        prices,
        rows,
        memory,
        load_average: load_average(),
    })
}

struct Bench<'a> {
    options: &'a Options,
    parties: Parties,
    control: Connection,
    server: Server,
    prices: Vec<Prices>,
}

#[derive(Deserialize)]
struct Counters {
    statements: u64,
    commits: u64,
}

impl Bench<'_> {
    async fn scenario(&mut self, scenario: Scenario) -> Result<Row, Failed> {
        let tokens = self.tokens(scenario).await?;
        let trial_max = self.options.turns.map_or(Duration::from_secs(5), |_| TURNS_TAKE_MAX);
        let trial = self.window(scenario, &tokens, TRIAL, trial_max).await?;
        let time = Duration::from_secs(self.options.seconds);
        let turns = number(trial.done) / trial.seconds * time.as_secs_f64() * 1.5;
        // truncated: a few turns more or less do not matter
        let turns: u32 = format!("{turns:.0}").parse().unwrap_or(PREPARED_MAX).clamp(TRIAL, PREPARED_MAX);
        let (turns, time) = self.options.turns.map_or((turns, time), |turns| (turns, TURNS_TAKE_MAX));
        let mut windows = Vec::new();
        for _ in 0..self.options.rounds {
            self.prices.push(self.control.fetch("/bench/signatures").await?);
            windows.push(self.window(scenario, &tokens, turns, time).await?);
        }
        Ok(Row::new(scenario, &windows, &trial.outcome))
    }

    /// Access tokens to introspect or to present.
    async fn tokens(&self, scenario: Scenario) -> Result<Vec<String>, Failed> {
        let audience = match scenario {
            Scenario::Introspect | Scenario::IntrospectSigned => Audience::Opaque,
            Scenario::IntrospectJwt | Scenario::Userinfo => Audience::Jwt,
            Scenario::Jwks
            | Scenario::Par
            | Scenario::ParPs256
            | Scenario::ClientCredentials
            | Scenario::ClientCredentialsOpaque
            | Scenario::Flow => return Ok(Vec::new()),
        };
        let flow = || Ok(Work::Flow(Box::new(self.parties.flow(audience)?)));
        let work = (0..TOKENS).map(|_| flow()).collect::<Result<_, _>>()?;
        let outcome = drive(self.server.port, 4, Duration::from_secs(10), work).await?;
        match outcome.first_error {
            None => Ok(outcome.tokens),
            Some(error) => Err(Failed::new("getting tokens", error)),
        }
    }

    fn work(&self, scenario: Scenario, token: &str) -> Result<Work, Failed> {
        let parties = &self.parties;
        let plain = "application/json";
        Ok(Work::One(Box::new(match scenario {
            Scenario::Flow => return Ok(Work::Flow(Box::new(parties.flow(Audience::Jwt)?))),
            Scenario::Jwks => get("/jwks")?,
            Scenario::Par => parties.push()?,
            Scenario::ParPs256 => parties.push_ps256()?,
            Scenario::ClientCredentials => parties.client_credentials(Audience::Jwt)?,
            Scenario::ClientCredentialsOpaque => parties.client_credentials(Audience::Opaque)?,
            Scenario::Introspect => parties.introspect(token, Audience::Opaque, plain)?,
            Scenario::IntrospectJwt => parties.introspect(token, Audience::Jwt, plain)?,
            Scenario::IntrospectSigned => {
                parties.introspect(token, Audience::Opaque, "application/token-introspection+jwt")?
            }
            Scenario::Userinfo => parties.userinfo(token)?,
        })))
    }

    async fn window(
        &mut self,
        scenario: Scenario,
        tokens: &[String],
        turns: u32,
        time: Duration,
    ) -> Result<Window, Failed> {
        let mut tokens = tokens.iter().map(String::as_str).cycle();
        let work = (0..turns).map(|_| self.work(scenario, tokens.next().unwrap_or_default()));
        let work = work.collect::<Result<_, _>>()?;
        let before: Counters = self.control.fetch("/bench/counters").await?;
        let cpu_before = self.server.process.cpu()?;
        let outcome = drive(self.server.port, self.options.connections.into(), time, work).await?;
        let cpu = self.server.process.cpu()?.saturating_sub(cpu_before);
        let after: Counters = self.control.fetch("/bench/counters").await?;
        Ok(Window {
            done: u64::try_from(outcome.latencies.len()).unwrap_or(u64::MAX),
            seconds: outcome.elapsed.as_secs_f64(),
            cpu,
            statements: after.statements - before.statements,
            commits: after.commits - before.commits,
            outcome,
        })
    }

    async fn drive(&self, work: Vec<Work>) -> Result<Outcome, Failed> {
        drive(self.server.port, self.options.connections.into(), Duration::from_secs(50), work).await
    }

    fn median_prices(&self) -> Prices {
        let middle = |pick: fn(&Prices) -> f64| median(&mut self.prices.iter().map(pick).collect::<Vec<_>>());
        Prices {
            es256_verify: middle(|price| price.es256_verify),
            es256_sign: middle(|price| price.es256_sign),
            ps256_verify: middle(|price| price.ps256_verify),
        }
    }
}

/// Turns before the measured ones: they warm the server and tell how many to prepare.
const TRIAL: u32 = 400;
/// Tokens that introspection and userinfo take turns with.
const TOKENS: u32 = 50;

/// One measured window.
pub struct Window {
    done: u64,
    seconds: f64,
    cpu: Duration,
    statements: u64,
    commits: u64,
    outcome: Outcome,
}

/// One line, or several, on standard output.
fn say(text: &str) -> Result<(), Failed> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{text}").and_then(|()| output.flush()).doing("writing to standard output")
}
