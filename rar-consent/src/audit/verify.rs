//! Reads a trail from its beginning and says what does not fit. Pure: rows in, findings out.

use std::collections::BTreeMap;
use std::fmt;

use oauth_core::Timestamp;

use super::AuditRow;
use super::chain::{ChainHash, Link, link};
use super::checkpoint::Checkpoint;

/// What does not fit, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The row at this position is not the one that was sealed there.
    Edited {
        /// Where.
        position: u64,
    },
    /// The rows of these positions are gone.
    Deleted {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// From this position on, rows have lower numbers than they were sealed with: some before them were taken out.
    Renumbered {
        /// Where it begins.
        from: u64,
        /// How many were taken out.
        missing: u64,
    },
    /// The rows at these two positions stand in each other's place.
    Exchanged {
        /// The lower position.
        one: u64,
        /// The higher position.
        other: u64,
    },
    /// The end of the trail is gone.
    CutOff {
        /// Where it ends now.
        ends_at: u64,
        /// How far it went.
        went_to: u64,
        /// Who says so.
        witness: Witness,
    },
    /// The trail up to this position is another one than was signed for.
    Rewritten {
        /// The position that was signed for.
        position: u64,
        /// When it was signed.
        signed_at: Timestamp,
    },
    /// A checkpoint that the bank did not sign.
    BadCheckpoint {
        /// Where it stands.
        place: String,
        /// What is wrong with it.
        what: String,
    },
    /// What is stored about something is not what its row in the trail is about.
    OtherContent {
        /// The position of the row.
        position: u64,
        /// What it is about.
        about: String,
    },
    /// Rows that nobody sealed for a long time.
    NotSealed {
        /// When the oldest was written.
        since: Timestamp,
    },
}

/// Who knows how far the trail went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Witness {
    /// The record of the chain's head in the database.
    Head,
    /// A checkpoint signed at this instant.
    Checkpoint(Timestamp),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edited { position } => {
                write!(f, "position {position}: edited: the row is not the one that was sealed")
            }
            Self::Deleted { from, to } if from == to => write!(f, "position {from}: deleted"),
            Self::Deleted { from, to } => write!(f, "positions {from} to {to}: deleted"),
            Self::Renumbered { from, missing } => write!(
                f,
                "position {from}: deleted: {missing} row(s) were taken out before it and the rest was renumbered"
            ),
            Self::Exchanged { one, other } => {
                write!(f, "positions {one} and {other}: reordered: the rows stand in each other's place")
            }
            Self::CutOff { ends_at, went_to, witness } => {
                let by = match witness {
                    Witness::Head => "the head of the chain".to_owned(),
                    Witness::Checkpoint(at) => format!("the checkpoint signed at {}", Instant(*at)),
                };
                write!(
                    f,
                    "position {}: cut off: the trail ends at {ends_at}, but {by} saw {went_to}",
                    ends_at + 1
                )
            }
            Self::Rewritten { position, signed_at } => write!(
                f,
                "position {position}: rewritten: the trail up to here is not the one signed at {}",
                Instant(*signed_at)
            ),
            Self::BadCheckpoint { place, what } => write!(f, "{place}: {what}"),
            Self::OtherContent { position, about } => {
                write!(f, "position {position}: what is stored about {about} was changed after this row")
            }
            Self::NotSealed { since } => {
                write!(f, "rows since {} are not sealed: no sealer runs", Instant(*since))
            }
        }
    }
}

/// RFC 3339.
struct Instant(Timestamp);

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = chrono::DateTime::from_timestamp_millis(self.0.millis()).unwrap_or_default();
        f.write_str(&at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
    }
}

/// Rows that do not fit are looked at together, up to so many.
const SUSPECTS_MAX: usize = 64;
/// How many rows taken out at one place are told apart from an edit.
const SHIFT_MAX: u64 = 64;

/// Judges a trail row by row.
#[derive(Debug, Clone, Default)]
pub struct Verifier {
    checkpoints: BTreeMap<u64, Vec<Checkpoint>>,
    last: u64,
    before: Before,
    suspects: Vec<Suspect>,
    findings: Vec<Finding>,
}

/// The hash of the position before the next row.
#[derive(Debug, Clone, Copy)]
enum Before {
    Known(ChainHash),
    /// The row that had it is gone.
    Gone,
}

impl Default for Before {
    fn default() -> Self {
        Self::Known(ChainHash::BEGINNING)
    }
}

/// A row that does not fit where it stands.
#[derive(Debug, Clone)]
struct Suspect {
    found: Link,
    before: ChainHash,
    row: AuditRow,
}

impl Verifier {
    /// A verifier that knows these checkpoints.
    #[must_use]
    pub fn new(checkpoints: impl IntoIterator<Item = Checkpoint>) -> Self {
        let mut known: BTreeMap<u64, Vec<Checkpoint>> = BTreeMap::new();
        for checkpoint in checkpoints {
            known.entry(checkpoint.link.position).or_default().push(checkpoint);
        }
        Self { checkpoints: known, ..Self::default() }
    }

    /// The next row, in the order of positions.
    pub fn take(&mut self, found: Link, row: &AuditRow) {
        let expected = self.last.saturating_add(1);
        if found.position > expected {
            self.findings.push(Finding::Deleted { from: expected, to: found.position - 1 });
            self.before = Before::Gone;
        }
        if let Before::Known(before) = self.before
            && link(before, found.position, row) != found.hash
        {
            self.suspect(Suspect { found, before, row: row.clone() });
        }
        for signed in self.checkpoints.get(&found.position).into_iter().flatten() {
            if signed.link.hash != found.hash {
                self.findings.push(Finding::Rewritten { position: found.position, signed_at: signed.at });
            }
        }
        self.last = found.position;
        self.before = Before::Known(found.hash);
    }

    /// Something that was found elsewhere.
    pub fn note(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// The position of the last row taken.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// Everything that does not fit, by position. `head` is how far the database says that the chain goes.
    #[must_use]
    pub fn finish(mut self, head: u64) -> Vec<Finding> {
        let witnessed = self.checkpoints.last_key_value().and_then(|(position, signed)| {
            let signed = signed.first()?;
            (*position > self.last).then_some((*position, Witness::Checkpoint(signed.at)))
        });
        let by_head = (head > self.last).then_some((head, Witness::Head));
        if let Some((went_to, witness)) = witnessed.or(by_head) {
            self.findings.push(Finding::CutOff { ends_at: self.last, went_to, witness });
        }
        let classified = classify(std::mem::take(&mut self.suspects));
        self.findings.extend(classified);
        self.findings.sort_by_key(place);
        self.findings.dedup();
        self.findings
    }

    /// More rows that do not fit than are looked at together are each an edit, unless the row before tells that they
    /// were only renumbered.
    fn suspect(&mut self, suspect: Suspect) {
        if self.suspects.len() < SUSPECTS_MAX {
            self.suspects.push(suspect);
        } else if shift(&suspect).is_none() {
            self.findings.push(Finding::Edited { position: suspect.found.position });
        }
    }
}

fn classify(suspects: Vec<Suspect>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut explained = vec![false; suspects.len()];
    for (one, a) in suspects.iter().enumerate() {
        for (other, b) in suspects.iter().enumerate().skip(one + 1) {
            if exchanged(a, b) {
                findings.push(Finding::Exchanged { one: a.found.position, other: b.found.position });
                for index in [one, other] {
                    explained.iter_mut().skip(index).take(1).for_each(|done| *done = true);
                }
                // Where the hashes moved with their rows, the rows behind them lost the hash they were sealed after.
                for (index, c) in suspects.iter().enumerate() {
                    let follows = [a, b].iter().any(|moved| c.found.position == moved.found.position + 1);
                    if follows
                        && [a, b]
                            .iter()
                            .any(|moved| link(moved.found.hash, c.found.position, &c.row) == c.found.hash)
                    {
                        explained.iter_mut().skip(index).take(1).for_each(|done| *done = true);
                    }
                }
            }
        }
    }
    let mut renumbered: Option<u64> = None;
    for (index, (suspect, done)) in suspects.iter().zip(&explained).enumerate() {
        if *done {
            continue;
        }
        // The first row behind a gap was sealed after one that is gone; the row behind it tells how many are.
        let behind = suspects.get(index + 1).filter(|next| next.found.position == suspect.found.position + 1);
        let missing = shift(suspect).or_else(|| behind.and_then(shift));
        match missing {
            Some(missing) if renumbered != Some(missing) => {
                renumbered = Some(missing);
                findings.push(Finding::Renumbered { from: suspect.found.position, missing });
            }
            Some(_) => {}
            None => findings.push(Finding::Edited { position: suspect.found.position }),
        }
    }
    findings
}

/// By how much a row's position was lowered, when it still follows the row it was sealed after.
fn shift(suspect: &Suspect) -> Option<u64> {
    let Suspect { found, before, row } = suspect;
    (1..=SHIFT_MAX).find(|by| link(*before, found.position.saturating_add(*by), row) == found.hash)
}

/// Whether two rows stand in each other's place, with their hashes or without.
fn exchanged(a: &Suspect, b: &Suspect) -> bool {
    let contents = link(a.before, a.found.position, &b.row) == a.found.hash
        && link(b.before, b.found.position, &a.row) == b.found.hash;
    // Neighbours: the second was sealed after the first, which now stands behind it.
    let neighbours = b.found.position == a.found.position + 1;
    let after_first = if neighbours { b.found.hash } else { b.before };
    let whole = link(a.before, a.found.position, &b.row) == b.found.hash
        && link(after_first, b.found.position, &a.row) == a.found.hash;
    contents || whole
}

const fn place(finding: &Finding) -> u64 {
    match finding {
        Finding::Edited { position }
        | Finding::Rewritten { position, .. }
        | Finding::OtherContent { position, .. }
        | Finding::Renumbered { from: position, .. }
        | Finding::Deleted { from: position, .. }
        | Finding::Exchanged { one: position, .. } => *position,
        Finding::CutOff { ends_at, .. } => ends_at.saturating_add(1),
        Finding::BadCheckpoint { .. } | Finding::NotSealed { .. } => u64::MAX,
    }
}
