//! How fast payments are made, and whether history makes them slower.
//!
//! The same set-up as for the authorization server: the bank as a child process on core 0, the generator on core 1. Between
//! two measurements the stored consents and payments are multiplied, so that one run shows what each power of ten costs.

mod history;
mod orders;
pub mod serve;

use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use self::history::Grown;
use self::orders::Orders;
use self::serve::Prices;
use super::load::{Connection, Outcome};
use super::measure::{load_average, number, percentile};
use super::process::{Pinning, Scratch, Server};
use super::{Counters, Doing as _, Failed, say};

/// What is measured.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Seconds of each measured window.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Keep-alive connections.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u8).range(1..=128))]
    connections: u8,
    /// Where the bank keeps everything: a PostgreSQL URL of an empty database. A SQLite file when there is none.
    #[arg(long)]
    database: Option<String>,
    /// Stored consents and payments at each measurement, as in `1:0,10000:100000`. They only ever grow.
    #[arg(long, value_delimiter = ',', default_value = "1:0,10000:100000")]
    history: Vec<Stored>,
    /// Writes the numbers as JSON to this file too.
    #[arg(long)]
    json: Option<std::path::PathBuf>,
}

/// How many consents and payments are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    consents: u64,
    payments: u64,
}

impl FromStr for Stored {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (consents, payments) = text.split_once(':').ok_or("consents:payments, as in 10000:100000")?;
        let read = |part: &str| part.parse().map_err(|_| format!("{part} is no number"));
        Ok(Self { consents: read(consents)?, payments: read(payments)? })
    }
}

/// Measures payments at every stage of the history.
///
/// # Errors
/// When the measurement could not be made.
pub async fn measured(options: &Options, pinning: Pinning) -> Result<(), Failed> {
    let dir = Scratch::make()?;
    let orders = Orders::make(&dir.0)?;
    let setup = serde_json::to_vec(&orders.setup()?).doing("writing the setup")?;
    std::fs::write(dir.0.join("setup.json"), setup).doing("writing the setup")?;
    let mut arguments = vec!["serve-payments".to_owned()];
    arguments.extend(options.database.iter().flat_map(|url| ["--database".to_owned(), url.clone()]));
    let server = Server::start(&dir.0, &arguments, pinning, None)?;
    let mut control = Connection::open(server.port).await?;
    say(
        "| stored consents | stored payments | payments/s | p50 ms | p99 ms | CPU us | signatures us | rest us | \
         statements | commits | resident MiB |\n|---|---|---|---|---|---|---|---|---|---|---|",
    )?;
    let mut rows = Vec::new();
    for stored in &options.history {
        let path = format!("/bench/history?consents={}&payments={}", stored.consents, stored.payments);
        let grown: Grown = control.fetch(&path).await?;
        // a long past takes longer to write than a token lives
        let grants = orders.grants(server.port).await?;
        let prices: Prices = control.fetch("/bench/signatures").await?;
        let trial = orders.send(server.port, 1, TRIAL, (Duration::from_secs(10), &grants)).await?;
        let time = Duration::from_secs(options.seconds);
        let expected = count(&trial) / trial.elapsed.as_secs_f64().max(0.001) * time.as_secs_f64();
        let wanted: usize = format!("{:.0}", expected * 4.0).parse().unwrap_or(MOST).clamp(400, MOST);
        let before: Counters = control.fetch("/bench/counters").await?;
        let cpu = server.process.cpu()?;
        let outcome = orders.send(server.port, options.connections, wanted, (time, &grants)).await?;
        settled(&mut control).await?;
        let cpu = server.process.cpu()?.saturating_sub(cpu);
        let after: Counters = control.fetch("/bench/counters").await?;
        let row = Row::new(grown, &outcome, (cpu, &before, &after), (prices, server.process.resident_kib()?));
        say(&row.markdown())?;
        rows.push(row);
    }
    let sum: Balanced = control.fetch("/bench/balanced").await?;
    say(&format!("\npostings sum to {}; load average {:.1}", sum.postings, load_average()))?;
    if let Some(file) = &options.json {
        let all: Vec<_> = rows.iter().map(Row::json).collect();
        std::fs::write(file, json!({ "payments": all }).to_string()).doing("writing the JSON file")?;
    }
    server.stop().await;
    Ok(())
}

/// Payments before the measured ones: they warm the bank and tell how many to prepare.
const TRIAL: usize = 200;
/// A signed body is good for five minutes: what is prepared must be sent by then.
const MOST: usize = 60_000;

/// Waits until nothing is left to do for the rail, so that the whole cost of a payment is counted.
async fn settled(control: &mut Connection) -> Result<(), Failed> {
    #[derive(Deserialize)]
    struct Waiting {
        waiting: u64,
    }
    for _ in 0..600 {
        let left: Waiting = control.fetch("/bench/waiting").await?;
        if left.waiting == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err(Failed::new("waiting for the rail", "payments are still on their way after two minutes"))
}

fn count(outcome: &Outcome) -> f64 {
    number(u64::try_from(outcome.latencies.len()).unwrap_or(u64::MAX))
}

/// What all postings of the ledger sum to.
#[derive(Deserialize)]
struct Balanced {
    postings: i64,
}

/// One measurement.
struct Row {
    grown: Grown,
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    cpu_us: f64,
    signatures_us: f64,
    statements: f64,
    commits: f64,
    resident_mib: f64,
    errors: u64,
    first_error: Option<String>,
}

impl Row {
    fn new(
        grown: Grown,
        outcome: &Outcome,
        (cpu, before, after): (Duration, &Counters, &Counters),
        (prices, resident_kib): (Prices, u64),
    ) -> Self {
        let done = count(outcome).max(1.0);
        let Prices { es256_verify, ps256_verify, ps256_sign } = prices;
        Self {
            grown,
            per_second: count(outcome) / outcome.elapsed.as_secs_f64(),
            p50_ms: percentile(&outcome.latencies, 50),
            p99_ms: percentile(&outcome.latencies, 99),
            cpu_us: cpu.as_secs_f64() * 1e6 / done,
            // the token and the proof, the body, the answer
            signatures_us: 2.0 * es256_verify + ps256_verify + ps256_sign,
            statements: number(after.statements - before.statements) / done,
            commits: number(after.commits - before.commits) / done,
            resident_mib: number(resident_kib) / 1024.0,
            errors: outcome.errors,
            first_error: outcome.first_error.clone(),
        }
    }

    fn markdown(&self) -> String {
        let trouble = match &self.first_error {
            Some(error) => format!(" {} errors: {error}", self.errors),
            None => String::new(),
        };
        format!(
            "| {} | {} | {:.0} | {:.1} | {:.1} | {:.0} | {:.0} | {:.0} | {:.1} | {:.2} | {:.1} |{trouble}",
            self.grown.consents,
            self.grown.payments,
            self.per_second,
            self.p50_ms,
            self.p99_ms,
            self.cpu_us,
            self.signatures_us,
            self.cpu_us - self.signatures_us,
            self.statements,
            self.commits,
            self.resident_mib
        )
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "consents": self.grown.consents, "payments": self.grown.payments, "per_second": self.per_second,
            "p50_ms": self.p50_ms, "p99_ms": self.p99_ms, "cpu_us": self.cpu_us,
            "signatures_us": self.signatures_us, "statements": self.statements, "commits": self.commits,
            "resident_mib": self.resident_mib, "errors": self.errors,
        })
    }
}
