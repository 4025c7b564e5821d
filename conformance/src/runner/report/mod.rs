//! The results of a run.

mod html;
mod junit;

pub use html::html;
pub use junit::junit;

use serde_json::{Value, json};

use crate::runner::case::{Case, Level, Outcome};

/// A whole run.
#[derive(Debug)]
pub struct Report {
    /// Title of the plan.
    pub plan: &'static str,
    /// Whom it was run against.
    pub issuer: String,
    /// When it began, in seconds since 1970.
    pub began: i64,
    /// When it ended.
    pub ended: i64,
    /// One per client.
    pub suites: Vec<Suite>,
}

/// The cases of one client.
#[derive(Debug)]
pub struct Suite {
    /// Client and variant.
    pub name: String,
    /// In the order of the plan.
    pub rows: Vec<Row>,
}

/// One case and how it ended.
#[derive(Debug)]
pub struct Row {
    /// The case.
    pub case: &'static Case,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub seconds: i64,
    /// What was sent and what came back, without secrets.
    pub exchanges: Vec<String>,
}

/// How many ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// As they must.
    pub passed: usize,
    /// Not as recommended.
    pub warned: usize,
    /// Not as they must.
    pub failed: usize,
    /// Not tried.
    pub skipped: usize,
}

impl Report {
    /// Over all clients.
    pub fn tally(&self) -> Tally {
        self.suites.iter().flat_map(|suite| &suite.rows).fold(Tally::default(), Tally::with)
    }

    /// Every row with its suite.
    pub fn rows(&self) -> impl Iterator<Item = (&Suite, &Row)> {
        self.suites.iter().flat_map(|suite| suite.rows.iter().map(move |row| (suite, row)))
    }

    /// The results as JSON.
    pub fn json(&self) -> Value {
        let Tally { passed, warned, failed, skipped } = self.tally();
        let row = |row: &Row| {
            json!({
                "case": row.case.name,
                "document": row.case.document,
                "section": row.case.section,
                "level": match row.case.level { Level::Must => "must", Level::Should => "should" },
                "says": row.case.says,
                "outcome": row.outcome.word(),
                "detail": row.outcome.detail(),
                "seconds": row.seconds,
                "exchanges": row.exchanges,
            })
        };
        let suite = |suite: &Suite| json!({"name": suite.name, "cases": suite.rows.iter().map(row).collect::<Vec<_>>()});
        json!({
            "plan": self.plan,
            "issuer": self.issuer,
            "began": self.began,
            "ended": self.ended,
            "passed": passed,
            "warned": warned,
            "failed": failed,
            "skipped": skipped,
            "suites": self.suites.iter().map(suite).collect::<Vec<_>>(),
        })
    }
}

impl Suite {
    /// How many ended how.
    pub fn tally(&self) -> Tally {
        self.rows.iter().fold(Tally::default(), Tally::with)
    }
}

impl Tally {
    fn with(mut self, row: &Row) -> Self {
        match row.outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Warned(_) => self.warned += 1,
            Outcome::Failed(_) => self.failed += 1,
            Outcome::Skipped(_) => self.skipped += 1,
        }
        self
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { passed, warned, failed, skipped } = self;
        write!(out, "{passed} passed, {warned} warned, {failed} failed, {skipped} skipped")
    }
}

/// Text that is safe between tags and in attributes, of XML and HTML alike; what XML cannot say becomes a mark.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(letter),
            other if other.is_control() || matches!(other, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::plan::PLANS;

    fn report() -> Report {
        let mut cases = PLANS[0].cases();
        let outcomes = [
            Outcome::Passed,
            Outcome::Warned("w".into()),
            Outcome::Failed("<script>\u{1}&\"".into()),
            Outcome::Skipped("s".into()),
        ];
        let rows = outcomes.map(|outcome| Row {
            case: cases.next().unwrap(),
            outcome,
            seconds: 1,
            exchanges: vec!["POST https://as.example/par -> 400 <html>".into()],
        });
        let suites = vec![Suite { name: "a & b".into(), rows: rows.into() }];
        Report { plan: "P", issuer: "https://as.example".into(), began: 0, ended: 5, suites }
    }

    #[test]
    fn every_outcome_is_counted_once() {
        let report = report();
        assert_eq!(report.tally(), Tally { passed: 1, warned: 1, failed: 1, skipped: 1 });
        let json = report.json();
        assert_eq!(
            (&json["failed"], &json["suites"][0]["cases"][2]["outcome"]),
            (&json!(1), &json!("failed"))
        );
    }

    #[test]
    fn what_a_server_said_cannot_break_out_of_a_report() {
        let report = report();
        for text in [junit(&report), html(&report)] {
            assert!(
                !text.contains("<script>") && !text.contains('\u{1}') && text.contains("&lt;script&gt;"),
                "{text}"
            );
            assert!(text.contains("a &amp; b"));
        }
        assert!(junit(&report).contains("tests=\"4\" failures=\"1\" skipped=\"1\""), "{}", junit(&report));
    }
}
