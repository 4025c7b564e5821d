//! `conformance`: the runner, the matrix of the ledger, and the configuration of the public suite.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use conformance::runner::case::Outcome;
use conformance::runner::config::{Config, of_bank};
use conformance::runner::plan::Plan;
use conformance::runner::report::{Report, html, junit};
use conformance::runner::variant::Variant;
use conformance::{Doing as _, Trouble, matrix, suite_config};

const HELP: &str = "\
conformance: FAPI 2.0 from outside

  run --config FILE [--issuer URL] [--plan fapi2-security|fapi2-message-signing] [--variant NAME=VALUE,…]
      [--junit FILE] [--json FILE] [--html FILE]
      runs a plan against any issuer; ends with 1 when a case failed, with 2 when none could be run
  config-from-bank DIR
      prints the file for a reference bank, from its data directory
  report
      prints rule by endpoint by policy, and how the requirements stand
  suite-config --issuer URL --out DIR [--suite URL] [--username NAME --password WORD]
      writes the configurations of the OpenID Foundation's suite, one per variant, with fresh keys, and the clients
      to register
";

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match command(&words).await {
        Ok(code) => code,
        Err(trouble) => {
            let _told = writeln!(std::io::stderr(), "conformance: {trouble}");
            ExitCode::from(2)
        }
    }
}

async fn command(words: &[String]) -> Result<ExitCode, Trouble> {
    let (name, words) = words.split_first().doing(format!("read a command\n\n{HELP}"))?;
    match (name.as_str(), words) {
        ("run", words) => run(&Options::read(words)?).await,
        ("config-from-bank", [directory]) => say(&of_bank(Path::new(directory))?),
        ("report", []) => say(&matrix::report()?),
        ("suite-config", words) => suite(&Options::read(words)?),
        ("help" | "--help" | "-h", _) => say(HELP),
        _ => Err(Trouble::new(format!("{name} is no command, or has other words\n\n{HELP}"))),
    }
}

async fn run(options: &Options) -> Result<ExitCode, Trouble> {
    let mut config = Config::read(&options.path("--config").doing("find --config FILE")?)?;
    if let Some(issuer) = options.text("--issuer") {
        issuer.clone_into(&mut config.issuer);
    }
    let plan = Plan::named(options.text("--plan").unwrap_or("fapi2-security"))?;
    let variant = Variant::read(options.text("--variant").unwrap_or_default())?;
    let report = conformance::runner::run(&config, plan, &variant).await?;
    for (option, text) in
        [("--junit", junit(&report)), ("--json", format!("{:#}\n", report.json())), ("--html", html(&report))]
    {
        if let Some(file) = options.path(option) {
            std::fs::write(&file, text).doing(format!("write {}", file.display()))?;
        }
    }
    say(&in_lines(&report))?;
    Ok(if report.tally().failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The counts of every client, what did not pass, and why how many were skipped.
fn in_lines(report: &Report) -> String {
    let mut out = format!("{} at {}\n", report.plan, report.issuer);
    for suite in &report.suites {
        out.push_str(&format!("{}: {}\n", suite.name, suite.tally()));
        let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
        for row in &suite.rows {
            let place = format!("{} ({} section {})", row.case.name, row.case.document, row.case.section);
            match &row.outcome {
                Outcome::Passed => {}
                Outcome::Skipped(reason) => *skipped.entry(reason).or_default() += 1,
                Outcome::Warned(what) => out.push_str(&format!("  warned   {place}: {what}\n")),
                Outcome::Failed(what) => out.push_str(&format!("  failed   {place}: {what}\n")),
            }
        }
        let skipped = skipped.iter().map(|(reason, count)| format!("  skipped  {count}: {reason}\n"));
        out.extend(skipped);
    }
    out
}

fn suite(options: &Options) -> Result<ExitCode, Trouble> {
    let wanted = suite_config::Wanted {
        issuer: options.text("--issuer").doing("find --issuer URL")?.to_owned(),
        suite: options.text("--suite").unwrap_or(suite_config::LOCAL_SUITE).to_owned(),
        username: options.text("--username").unwrap_or("mariam").to_owned(),
        password: options.text("--password").unwrap_or("date-palm-7").to_owned(),
    };
    let out = options.path("--out").doing("find --out DIR")?;
    let written = suite_config::write(&wanted, &out)?;
    say(&format!("{} files in {}\n", written, out.display()))
}

fn say(text: &str) -> Result<ExitCode, Trouble> {
    std::io::stdout().write_all(text.as_bytes()).doing("write the answer")?;
    Ok(ExitCode::SUCCESS)
}

/// `--name value` pairs.
struct Options(Vec<(String, String)>);

const KNOWN: &[&str] = &[
    "--config",
    "--issuer",
    "--plan",
    "--variant",
    "--junit",
    "--json",
    "--html",
    "--out",
    "--suite",
    "--username",
    "--password",
];

impl Options {
    fn read(words: &[String]) -> Result<Self, Trouble> {
        let pairs = words.chunks(2).map(|pair| match pair {
            [name, value] if KNOWN.contains(&name.as_str()) => Ok((name.clone(), value.clone())),
            _ => Err(Trouble::new(format!("{} is no option with a value\n\n{HELP}", pair.join(" ")))),
        });
        Ok(Self(pairs.collect::<Result<_, _>>()?))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }
}
