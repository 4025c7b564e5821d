//! What was measured, as a Markdown table and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::load::Outcome;
use super::measure::{Prices, median, number, percentile};
use super::memory::Memory;
use super::process::Pinning;
use super::{Scenario, StoreKind, Window};

/// Everything that was measured.
pub struct Report {
    /// Where the server kept requests and grants.
    pub store: StoreKind,
    /// Connections of the generator.
    pub connections: u8,
    /// Whether server and generator had a core each.
    pub pinning: Pinning,
    /// What signatures cost on the server's core during the run.
    pub prices: Prices,
    /// One row for every scenario.
    pub rows: Vec<Row>,
    /// The server's memory.
    pub memory: Memory,
    /// The load of the machine at the end.
    pub load_average: f64,
}

/// One scenario: medians over its windows.
pub struct Row {
    scenario: Scenario,
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    cpu_us: f64,
    statements: f64,
    commits: f64,
    errors: u64,
    first_error: Option<String>,
}

impl Row {
    /// The medians. Errors are summed, those of the trial before the measured windows included.
    #[must_use]
    pub fn new(scenario: Scenario, windows: &[Window], trial: &Outcome) -> Self {
        let middle =
            |pick: &dyn Fn(&Window) -> f64| median(&mut windows.iter().map(pick).collect::<Vec<_>>());
        let outcomes = || windows.iter().map(|window| &window.outcome).chain([trial]);
        Self {
            scenario,
            per_second: middle(&|window| number(window.done) / window.seconds),
            p50_ms: middle(&|window| percentile(&window.outcome.latencies, 50)),
            p99_ms: middle(&|window| percentile(&window.outcome.latencies, 99)),
            cpu_us: middle(&|window| window.cpu.as_secs_f64() * 1e6 / number(window.done)),
            statements: middle(&|window| number(window.statements) / number(window.done)),
            commits: middle(&|window| number(window.commits) / number(window.done)),
            errors: outcomes().map(|outcome| outcome.errors).sum(),
            first_error: outcomes().find_map(|outcome| outcome.first_error.clone()),
        }
    }
}

impl Report {
    /// For people.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        // writing to a string cannot fail
        let _ = self.write_markdown(&mut text);
        text
    }

    fn write_markdown(&self, text: &mut String) -> std::fmt::Result {
        let place = match self.pinning {
            Pinning::OneCoreEach => "server on core 0, generator on core 1",
            Pinning::None => "NOT pinned (taskset or a second core is missing): rates mean little",
        };
        let store = self.store_name();
        writeln!(
            text,
            "store {store}, {} connections, {place}, load average {:.1}",
            self.connections, self.load_average
        )?;
        writeln!(text)?;
        writeln!(
            text,
            "| request | per s | p50 ms | p99 ms | CPU us | signatures us | rest us | rest / signatures | statements | commits | errors |"
        )?;
        writeln!(text, "|---|---|---|---|---|---|---|---|---|---|---|")?;
        for row in &self.rows {
            let budget = row.scenario.signature_budget(self.prices);
            let rest = row.cpu_us - budget;
            let ratio = if budget > 0.0 { format!("{:.2}", rest / budget) } else { "-".to_owned() };
            writeln!(
                text,
                "| {} | {:.0} | {:.2} | {:.2} | {:.0} | {budget:.0} | {rest:.0} | {ratio} | {:.2} | {:.2} | {} |",
                row.scenario.title(),
                row.per_second,
                row.p50_ms,
                row.p99_ms,
                row.cpu_us,
                row.statements,
                row.commits,
                row.errors,
            )?;
        }
        writeln!(text)?;
        for row in &self.rows {
            if let Some(error) = &row.first_error {
                writeln!(text, "first error of \"{}\": {error}", row.scenario.title())?;
            }
        }
        let Prices { es256_verify, es256_sign, ps256_verify } = self.prices;
        writeln!(
            text,
            "Signatures on the same core: ES256 verify {es256_verify:.1} us, sign {es256_sign:.1} us, PS256 verify {ps256_verify:.1} us."
        )?;
        let Memory { at_rest_kib, after_run_kib, series, errors } = &self.memory;
        let megabytes = |kib: u64| number(kib) / 1024.0;
        let (at_rest, after_run) = (megabytes(*at_rest_kib), megabytes(*after_run_kib));
        write!(text, "Resident memory: {at_rest:.1} MB at rest, {after_run:.1} MB after the run")?;
        for (requests, kib) in series {
            write!(text, ", {:.1} MB after {requests} more", megabytes(*kib))?;
        }
        write!(text, " ({errors} errors).")
    }

    /// For programs. Units are in the names.
    #[must_use]
    pub fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            json!({
                "request": row.scenario.title(),
                "per_second": row.per_second,
                "p50_ms": row.p50_ms,
                "p99_ms": row.p99_ms,
                "cpu_us": row.cpu_us,
                "signatures_us": row.scenario.signature_budget(self.prices),
                "rest_us": row.cpu_us - row.scenario.signature_budget(self.prices),
                "statements": row.statements,
                "commits": row.commits,
                "errors": row.errors,
            })
        });
        json!({
            "store": self.store_name(),
            "connections": self.connections,
            "pinned": self.pinning == Pinning::OneCoreEach,
            "load_average": self.load_average,
            "prices_us": self.prices,
            "memory_kib": {
                "at_rest": self.memory.at_rest_kib,
                "after_run": self.memory.after_run_kib,
                "after_requests": self.memory.series,
                "errors": self.memory.errors,
            },
            "rows": rows.collect::<Vec<_>>(),
        })
    }

    const fn store_name(&self) -> &'static str {
        match self.store {
            StoreKind::Sqlite => "SQLite (WAL, FULL)",
            StoreKind::Memory => "memory",
        }
    }
}
