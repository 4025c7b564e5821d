//! JUnit XML, as build servers read it.

use super::{Report, Row, escaped};
use crate::runner::case::Outcome;

/// One test suite per client. A warning passes and stands in the output of its case.
pub fn junit(report: &Report) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    out.push_str(&format!("<testsuites name=\"{}\">\n", escaped(report.plan)));
    for suite in &report.suites {
        let tally = suite.tally();
        out.push_str(&format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n",
            escaped(&suite.name),
            suite.rows.len(),
            tally.failed,
            tally.skipped
        ));
        for row in &suite.rows {
            out.push_str(&case(row));
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn case(row: &Row) -> String {
    let place = format!("{} section {}", row.case.document, row.case.section);
    let mut out = format!(
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\">\n",
        escaped(&place),
        row.case.name,
        row.seconds
    );
    let detail = escaped(row.outcome.detail());
    match &row.outcome {
        Outcome::Passed => {}
        Outcome::Failed(_) => {
            let exchanges = escaped(&row.exchanges.join("\n"));
            out.push_str(&format!("      <failure message=\"{detail}\">{exchanges}</failure>\n"));
        }
        Outcome::Skipped(_) => out.push_str(&format!("      <skipped message=\"{detail}\"/>\n")),
        Outcome::Warned(_) => out.push_str(&format!("      <system-out>warning: {detail}</system-out>\n")),
    }
    out.push_str("    </testcase>\n");
    out
}
