//! One page that needs nothing else: no script, no font, no picture.

use super::{Report, Row, Suite, escaped};
use crate::runner::case::{Level, Outcome};

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--paper:#fff;--line:#d0d7de;--band:#f6f8fa;\
--passed:#116329;--warned:#7d4e00;--failed:#a40e26;--skipped:#57606a}\
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9ea7b3;--paper:#0d1117;--line:#30363d;--band:#161b22;\
--passed:#56d364;--warned:#e3b341;--failed:#ff7b72;--skipped:#9ea7b3}}\
*{box-sizing:border-box}body{margin:0 auto;max-width:70rem;padding:2rem 1.25rem 4rem;font:16px/1.5 system-ui,sans-serif;\
color:var(--ink);background:var(--paper)}h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2.5rem 0 .5rem}\
p{margin:.25rem 0;color:var(--soft)}.counts{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.25rem 0;padding:0;list-style:none}\
.counts li{border:1px solid var(--line);border-radius:.5rem;padding:.5rem 1rem;background:var(--band)}\
.counts b{display:block;font-size:1.5rem;line-height:1.2}\
table{border-collapse:collapse;width:100%}th{text-align:left;font-weight:600;color:var(--soft);font-size:.85rem}\
th,td{padding:.5rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}td:first-child{white-space:nowrap}\
.o{font-weight:600}.passed{color:var(--passed)}.warned{color:var(--warned)}.failed{color:var(--failed)}.skipped{color:var(--skipped)}\
.where{color:var(--soft);font-size:.85rem;white-space:nowrap}code{font:.9em ui-monospace,monospace}small{display:block;color:var(--soft)}\
.detail{margin-top:.25rem;overflow-wrap:anywhere}details{margin-top:.25rem}summary{color:var(--soft);font-size:.85rem;cursor:pointer}\
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--band);border:1px solid var(--line);border-radius:.4rem;\
padding:.6rem;font-size:.8rem;margin:.4rem 0 0}";

/// The page. What did not pass stands first.
pub fn html(report: &Report) -> String {
    let tally = report.tally();
    let verdict = match (tally.failed, tally.warned) {
        (0, 0) => "Nothing failed.",
        (0, _) => "Nothing failed; some recommendations are not followed.",
        _ => "Some cases failed.",
    };
    let counts: String = [
        ("passed", tally.passed),
        ("warned", tally.warned),
        ("failed", tally.failed),
        ("skipped", tally.skipped),
    ]
    .iter()
    .map(|(word, count)| format!("<li class=\"{word}\"><b>{count}</b> {word}</li>"))
    .collect();
    let suites: String = report.suites.iter().map(suite).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{plan}: {issuer}</title><style>{STYLE}</style></head>\
         <body><h1>{plan}</h1><p>{issuer}, {seconds} seconds. {verdict}</p><ul class=\"counts\">{counts}</ul>{suites}</body></html>\n",
        plan = escaped(report.plan),
        issuer = escaped(&report.issuer),
        seconds = report.ended - report.began,
    )
}

fn suite(suite: &Suite) -> String {
    let mut rows: Vec<&Row> = suite.rows.iter().collect();
    rows.sort_by_key(|row| match row.outcome {
        Outcome::Failed(_) => 0,
        Outcome::Warned(_) => 1,
        Outcome::Passed => 2,
        Outcome::Skipped(_) => 3,
    });
    let rows: String = rows.into_iter().map(row).collect();
    format!(
        "<h2>{}</h2><p>{}</p><table><thead><tr><th>Outcome</th><th>What must be so</th><th>Where it says so</th></tr></thead>\
         <tbody>{rows}</tbody></table>",
        escaped(&suite.name),
        suite.tally()
    )
}

fn row(row: &Row) -> String {
    let word = row.outcome.word();
    let detail = match row.outcome.detail() {
        "" => String::new(),
        text => format!("<div class=\"detail {word}\">{}</div>", escaped(text)),
    };
    let exchanges = match row.exchanges.as_slice() {
        [] => String::new(),
        lines => format!(
            "<details><summary>Requests and answers: {}</summary><pre>{}</pre></details>",
            lines.len(),
            escaped(&lines.join("\n"))
        ),
    };
    let level = match row.case.level {
        Level::Must => "",
        Level::Should => ", recommended",
    };
    format!(
        "<tr><td class=\"o {word}\">{word}</td><td>{says} <small>{name}</small>{detail}{exchanges}</td>\
         <td class=\"where\">{document} {section}{level}</td></tr>",
        says = with_code(row.case.says),
        name = row.case.name,
        document = row.case.document,
        section = row.case.section,
    )
}

/// What stands between back quotes is code.
fn with_code(text: &str) -> String {
    let marked = |(at, part): (usize, &str)| match at % 2 {
        0 => escaped(part),
        _ => format!("<code>{}</code>", escaped(part)),
    };
    text.split('`').enumerate().map(marked).collect()
}
