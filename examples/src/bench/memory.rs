//! What becomes of the server's memory over many requests. What must be remembered for a while, replay records above all,
//! takes room; when it is over, the room has to serve what comes next.

use super::requests::Audience;
use super::{Bench, Failed, Scenario, Work};

/// The server's resident memory.
pub struct Memory {
    /// Before any request, in KiB.
    pub at_rest_kib: u64,
    /// After the scenarios, in KiB.
    pub after_run_kib: u64,
    /// After so many requests of client credentials and introspection, in KiB. Between two readings everything expired.
    pub series: Vec<(u32, u64)>,
    /// Requests of the series that were refused.
    pub errors: u64,
}

/// Parts of equal size, so that what is remembered at one time is the same in each.
const PARTS: u32 = 8;

impl Bench<'_> {
    /// Opaque tokens by client credentials, each introspected once, with readings on the way. All of a part is over before
    /// the next begins.
    pub(super) async fn memory(&mut self, at_rest: u64) -> Result<Memory, Failed> {
        let wanted = if self.options.only.is_some() { 0 } else { self.options.memory_requests };
        let after_run = self.server.process.resident_kib()?;
        let mut memory =
            Memory { at_rest_kib: at_rest, after_run_kib: after_run, series: Vec::new(), errors: 0 };
        for part in (1..=PARTS).take_while(|_| wanted > 0) {
            self.parties.later(self.control.fetch("/bench/later").await?);
            memory.errors += self.issue_and_introspect(wanted / PARTS).await?;
            if part.is_power_of_two() {
                memory.series.push((wanted / PARTS * part, self.server.process.resident_kib()?));
            }
        }
        Ok(memory)
    }

    /// How many were refused.
    async fn issue_and_introspect(&self, requests: u32) -> Result<u64, Failed> {
        let (mut left, mut errors) = (requests, 0);
        while left > 0 {
            let half = left.div_ceil(2).min(4000);
            let issue = (0..half).map(|_| self.work(Scenario::ClientCredentialsOpaque, ""));
            let issued = self.drive(issue.collect::<Result<_, _>>()?).await?;
            let ask = issued.tokens.iter().map(|token| {
                let ask = self.parties.introspect(token, Audience::Opaque, "application/json")?;
                Ok(Work::One(Box::new(ask)))
            });
            errors += issued.errors + self.drive(ask.collect::<Result<_, Failed>>()?).await?.errors;
            left = left.saturating_sub(2 * half);
        }
        Ok(errors)
    }
}
