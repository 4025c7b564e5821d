//! What tells one memory of Redis from the next.

use redis::aio::MultiplexedConnection;

use super::{RedisTrouble, unavailable};
use crate::limits;
use crate::vocabulary::time::Timestamp;

/// One unbroken memory: since when, and how Redis shows that it is still the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Incarnation {
    /// Server process, instant, and what makes it differ from all others: `run-id/millis/server time`.
    pub(super) text: String,
    /// What was issued before may have been used and forgotten.
    pub(super) since: Timestamp,
}

/// Finds the incarnation, or makes it. One made by another server process is replaced: a restart or a failover may have
/// kept it and lost claims. It has no end of its own; the claims beside it have.
pub(super) async fn settle(
    connection: &mut MultiplexedConnection,
    key: &str,
    now: Timestamp,
) -> Result<Incarnation, RedisTrouble> {
    let info: String =
        redis::cmd("INFO").query_async(connection).await.map_err(|error| unavailable(&error))?;
    let server = Server::read(&info)?;
    let (seconds, micros): (u64, u64) =
        redis::cmd("TIME").query_async(connection).await.map_err(|error| unavailable(&error))?;
    // What was used before may say that it was issued later.
    let since = super::super::whole_second_after(now.plus(limits::SKEW_MAX));
    let fresh = format!("{}/{}/{seconds}.{micros:06}", server.run_id, since.millis());
    let found = put(connection, key, &fresh, Unless::There).await?;
    if found.starts_with(&format!("{}/", server.run_id)) {
        return read(found);
    }
    read(put(connection, key, &fresh, Unless::Never).await?)
}

#[derive(Clone, Copy)]
enum Unless {
    There,
    Never,
}

/// Sets the incarnation and reads what stands there then, which may be another process's.
async fn put(
    connection: &mut MultiplexedConnection,
    key: &str,
    fresh: &str,
    unless: Unless,
) -> Result<String, RedisTrouble> {
    let mut pipe = redis::pipe();
    pipe.cmd("SET").arg(key).arg(fresh);
    match unless {
        Unless::There => pipe.arg("NX"),
        Unless::Never => &mut pipe,
    };
    pipe.ignore().cmd("GET").arg(key);
    let (found,): (Option<String>,) =
        pipe.query_async(connection).await.map_err(|error| unavailable(&error))?;
    found.ok_or(RedisTrouble::Forgetful)
}

fn read(text: String) -> Result<Incarnation, RedisTrouble> {
    let millis = text.split('/').nth(1).and_then(|millis| millis.parse().ok());
    let since = Timestamp::from_millis(millis.ok_or(RedisTrouble::Silent("a readable incarnation"))?);
    Ok(Incarnation { text, since })
}

struct Server<'i> {
    run_id: &'i str,
}

impl<'i> Server<'i> {
    fn read(info: &'i str) -> Result<Self, RedisTrouble> {
        let member = |name: &'static str| {
            let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.ok_or(RedisTrouble::Silent(name))
        };
        let bounded = member("maxmemory")? != "0";
        if bounded && member("maxmemory_policy")? != "noeviction" {
            return Err(RedisTrouble::Evicting);
        }
        Ok(Self { run_id: member("run_id")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(maxmemory: &str, policy: &str) -> String {
        format!(
            "# Server\r\nrun_id:abc\r\n# Memory\r\nmaxmemory:{maxmemory}\r\nmaxmemory_policy:{policy}\r\n"
        )
    }

    #[test]
    fn a_server_that_evicts_is_not_used() {
        let read =
            |maxmemory, policy| Server::read(&info(maxmemory, policy)).map(|server| server.run_id.to_owned());
        assert_eq!(read("0", "allkeys-lru"), Ok("abc".to_owned()));
        assert_eq!(read("1000", "noeviction"), Ok("abc".to_owned()));
        assert_eq!(read("1000", "allkeys-lru"), Err(RedisTrouble::Evicting));
        assert_eq!(read("1000", "volatile-ttl"), Err(RedisTrouble::Evicting));
        assert_eq!(Server::read("# Server\r\n").map(|_| ()), Err(RedisTrouble::Silent("maxmemory")));
    }
}
