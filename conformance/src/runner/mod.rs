//! The runner: FAPI 2.0 plans against any issuer, from outside, with clients and a customer from a file.
//!
//! - [`config`]: the file that says whom to test, with which clients, and how its pages are filled in
//! - [`case`]: a case is data: one good flow, one change, what must come back
//! - [`plan`]: the cases, by document and section
//! - [`scene`]: the honest verbs that every case begins with
//! - [`judge`]: what an answer must look like
//! - [`variant`]: which of the ways that a profile leaves open
//! - [`report`]: the results as JUnit, JSON and one page of HTML

pub mod case;
pub mod config;
pub mod judge;
pub mod plan;
pub mod report;
pub mod scene;
pub mod variant;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::client::Trace;
use crate::host;
use crate::{Doing as _, Trouble};
use case::{Act, Case, Finding, Level, Outcome};
use config::Config;
use plan::Plan;
use report::{Report, Row, Suite};
use scene::Scene;
use variant::Variant;

/// How many cases run at once. More would test the load that a server bears, which is another question.
const AT_ONCE: usize = 4;

/// Runs a plan with every client of the file that fits the variant.
///
/// # Errors
/// When the file names no such client, or a key or the metadata cannot be read. What a case finds is no error.
pub async fn run(config: &Config, plan: &'static Plan, variant: &Variant) -> Result<Report, Trouble> {
    let began = host::now();
    let mut running = JoinSet::new();
    let room = Arc::new(Semaphore::new(AT_ONCE));
    for (at, client) in config.clients_for(variant).into_iter().enumerate() {
        let scene = Scene::open(config, &client, plan, variant).await?;
        let room = Arc::clone(&room);
        running.spawn(async move { (at, suite(&scene, plan, &room).await) });
    }
    let mut suites = Vec::new();
    while let Some(done) = running.join_next().await {
        let (at, suite) = done.doing("finish a client")?;
        suites.push((at, suite?));
    }
    suites.sort_by_key(|(at, _)| *at);
    let suites: Vec<Suite> = suites.into_iter().map(|(_, suite)| suite).collect();
    if suites.is_empty() {
        return Err(Trouble::new(format!("no client of the file fits the variant {variant}")));
    }
    Ok(Report { plan: plan.title, issuer: config.issuer.clone(), began, ended: host::now(), suites })
}

async fn suite(scene: &Scene, plan: &'static Plan, room: &Arc<Semaphore>) -> Result<Suite, Trouble> {
    let mut running = JoinSet::new();
    for (at, case) in plan.cases().enumerate() {
        let (scene, room) = (scene.clone(), Arc::clone(room));
        running.spawn(async move {
            // those that wait for something to expire stand aside
            let _room = match case.is_long() {
                true => None,
                false => room.acquire_owned().await.ok(),
            };
            (at, judged(&scene, case).await)
        });
    }
    let mut rows = Vec::new();
    while let Some(done) = running.join_next().await {
        rows.push(done.doing("finish a case")?);
    }
    rows.sort_by_key(|(at, _)| *at);
    Ok(Suite { name: scene.name(), rows: rows.into_iter().map(|(_, row)| row).collect() })
}

async fn judged(scene: &Scene, case: &'static Case) -> Row {
    let began = host::now();
    let trace = Trace::default();
    let outcome = match case.needs.iter().find_map(|need| scene.lacks(*need)) {
        Some(reason) => Outcome::Skipped(reason),
        None => {
            let scene = scene.traced(&trace);
            let found = match case.act {
                Act::Each { at, changes, expect } => scene.each(at, changes, expect).await,
                Act::Story(tell) => tell(scene).await,
            };
            verdict(case, found)
        }
    };
    Row {
        case,
        outcome,
        seconds: host::now() - began,
        exchanges: trace.lines().iter().map(|line| masked(line)).collect(),
    }
}

fn verdict(case: &Case, found: Result<(), Finding>) -> Outcome {
    match (found, case.level) {
        (Ok(()), _) => Outcome::Passed,
        (Err(Finding::Skips(reason)), _) => Outcome::Skipped(reason),
        (Err(Finding::Warns(what)), _) | (Err(Finding::Fails(what)), Level::Should) => {
            Outcome::Warned(masked(&what))
        }
        (Err(Finding::Fails(what)), Level::Must) => Outcome::Failed(masked(&what)),
    }
}

/// Nothing as long as a token, a code or a key stands in a report: of such a word the beginning is enough.
fn masked(text: &str) -> String {
    let in_word =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '+' | '=');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !in_word(letter)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        match word.get(..12).filter(|_| word.len() >= SECRET_LETTERS) {
            Some(beginning) => out.extend([beginning, "…"]),
            None => out.push_str(word),
        }
        let mut letters = after.chars();
        out.extend(letters.next());
        rest = letters.as_str();
    }
    out
}

/// 128 bits in base64url have 22 letters; our names of cases and of hosts are rarely longer than this.
const SECRET_LETTERS: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_as_long_as_a_secret_are_cut_and_the_rest_stays() {
        let token = host::token();
        let told = masked(&format!("another state: https://c.example/cb?code={token}&state=x (\u{e9})"));
        assert!(
            !told.contains(&token)
                && told.contains("https://c.example/cb?")
                && told.ends_with("&state=x (\u{e9})"),
            "{told}"
        );
        assert_eq!(
            masked("status is none of [400]: 201, a success"),
            "status is none of [400]: 201, a success"
        );
    }
}
