//! Private PostgreSQL, Redis and chromedriver: free ports, a directory of their own, nothing left behind.
//!
//! A test that needs a database takes the one the check command offers in the environment, or starts its own:
//! [`postgres_url`] and [`redis_url`]. A test about crashes always starts its own and kills it.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::host::{self, Scratch};
use crate::process::{self, Process, Ready};
use crate::{Doing as _, Trouble};

/// A service that a test may use, and its own process if it had to be started.
#[derive(Debug)]
pub struct Borrowed<S> {
    /// Where to connect.
    pub url: String,
    /// Present when nothing was offered in the environment; it stops when dropped.
    pub own: Option<S>,
}

/// The database named by `MANDATE_TEST_POSTGRES`, or a private one.
///
/// # Errors
/// When none is named and none can be started.
pub async fn postgres_url() -> Result<Borrowed<Postgres>, Trouble> {
    if let Some(url) = host::setting("MANDATE_TEST_POSTGRES") {
        return Ok(Borrowed { url, own: None });
    }
    let own = Postgres::start().await?;
    Ok(Borrowed { url: own.url(), own: Some(own) })
}

/// The server named by `MANDATE_TEST_REDIS`, or a private one.
///
/// # Errors
/// When none is named and none can be started.
pub async fn redis_url() -> Result<Borrowed<Redis>, Trouble> {
    if let Some(url) = host::setting("MANDATE_TEST_REDIS") {
        return Ok(Borrowed { url, own: None });
    }
    let own = Redis::start().await?;
    Ok(Borrowed { url: own.url(), own: Some(own) })
}

/// A private PostgreSQL cluster with one database, `mandate`.
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    files: PostgresFiles,
}

/// The files of a stopped or killed [`Postgres`], from which it can be started again.
#[derive(Debug)]
pub struct PostgresFiles {
    directory: Scratch,
    programs: PathBuf,
    port: u16,
    account: Option<(u32, u32)>,
}

impl Postgres {
    /// Makes a cluster and starts it.
    ///
    /// # Errors
    /// When PostgreSQL is not installed, or does not come up.
    pub async fn start() -> Result<Self, Trouble> {
        let initdb = host::program("initdb", &debian_postgres()).doing("PostgreSQL is not installed")?;
        let programs = initdb.canonicalize().doing("find PostgreSQL")?;
        let files = PostgresFiles {
            directory: Scratch::new("postgres")?,
            programs: programs.parent().doing("find PostgreSQL")?.to_owned(),
            port: host::free_port()?,
            account: account()?,
        };
        if let Some((user, group)) = files.account {
            chown(files.directory.path(), Some(user), Some(group)).doing("hand a directory to PostgreSQL")?;
        }
        let mut make = files.command("initdb");
        make.args(["-U", "mandate", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(files.data());
        process::run(make).await?;
        let started = files.start().await?;
        let mut create = started.files.command("createdb");
        create.args(started.files.connection()).arg("mandate");
        process::run(create).await?;
        Ok(started)
    }

    /// `postgres://mandate@127.0.0.1:PORT/mandate`
    pub fn url(&self) -> String {
        format!("postgres://mandate@127.0.0.1:{}/mandate", self.files.port)
    }

    /// Runs SQL through `psql` and hands back its bare output.
    ///
    /// # Errors
    /// When the statement fails.
    pub async fn query(&self, sql: &str) -> Result<String, Trouble> {
        let mut psql = self.files.command("psql");
        psql.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql]).arg(self.url());
        Ok(process::run(psql).await?.trim_end().to_owned())
    }

    /// Stops it in order.
    ///
    /// # Errors
    /// When it does not stop.
    pub async fn stop(self) -> Result<PostgresFiles, Trouble> {
        self.process.interrupt().await?;
        Ok(self.files)
    }

    /// Kills it.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn kill(self) -> Result<PostgresFiles, Trouble> {
        self.process.kill().await?;
        Ok(self.files)
    }
}

impl PostgresFiles {
    /// Starts the cluster again, on the same port and with the same data.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(self) -> Result<Postgres, Trouble> {
        let mut server = self.command("postgres");
        server.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        for setting in
            ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "max_connections=300"]
        {
            server.args(["-c", setting]);
        }
        let mut process = Process::spawn(server, &self.directory.path().join("log"))?;
        process.until(|| self.ready()).await?;
        Ok(Postgres { process, files: self })
    }

    async fn ready(&self) -> Ready {
        let mut probe = self.command("pg_isready");
        probe.arg("-q").args(self.connection());
        match process::run(probe).await {
            Ok(_) => Ready::Yes,
            Err(_) => Ready::NotYet,
        }
    }

    fn connection(&self) -> [String; 6] {
        let port = self.port.to_string();
        ["-h".into(), "127.0.0.1".into(), "-p".into(), port, "-U".into(), "mandate".into()]
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// A program of PostgreSQL, run as its own account where we are the administrator.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(self.directory.path());
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        command
    }
}

/// A private Redis server that writes nothing to disk.
#[derive(Debug)]
pub struct Redis {
    process: Process,
    port: u16,
    _directory: Scratch,
}

impl Redis {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// When Redis is not installed, or does not come up.
    pub async fn start() -> Result<Self, Trouble> {
        Self::start_at(host::free_port()?).await
    }

    /// Starts an empty one on a given port, as after a crash.
    ///
    /// # Errors
    /// When Redis is not installed, or the port is taken.
    pub async fn start_at(port: u16) -> Result<Self, Trouble> {
        let directory = Scratch::new("redis")?;
        let mut server = Command::new(host::program("redis-server", &[]).doing("Redis is not installed")?);
        server.args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
        ]);
        server.arg(directory.path());
        let mut process = Process::spawn(server, &directory.path().join("log"))?;
        process.until(|| process::accepts(port)).await?;
        Ok(Self { process, port, _directory: directory })
    }

    /// `redis://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The port, to start a successor on it.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs one command through `redis-cli` and hands back its bare output.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn command(&self, words: &[&str]) -> Result<String, Trouble> {
        let mut tool = Command::new(host::program("redis-cli", &[]).doing("redis-cli is not installed")?);
        tool.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]).args(words);
        Ok(process::run(tool).await?.trim_end().to_owned())
    }

    /// Stops it in order.
    ///
    /// # Errors
    /// When it does not stop.
    pub async fn stop(self) -> Result<(), Trouble> {
        self.process.interrupt().await.map(drop)
    }

    /// Kills it; everything it held is gone.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn kill(self) -> Result<(), Trouble> {
        self.process.kill().await
    }
}

/// A private chromedriver.
#[derive(Debug)]
pub struct Chromedriver {
    process: Process,
    port: u16,
    _directory: Scratch,
}

impl Chromedriver {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// When it is not installed, or does not come up.
    pub async fn start() -> Result<Self, Trouble> {
        let port = host::free_port()?;
        let directory = Scratch::new("chromedriver")?;
        let mut driver =
            Command::new(host::program("chromedriver", &[]).doing("chromium-driver is not installed")?);
        driver.arg(format!("--port={port}")).current_dir(directory.path());
        let mut process = Process::spawn(driver, &directory.path().join("log"))?;
        process.until(|| process::accepts(port)).await?;
        Ok(Self { process, port, _directory: directory })
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends it. Its browser is closed by then and it keeps nothing, so it need not be asked, which it sometimes ignores.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn stop(self) -> Result<(), Trouble> {
        self.process.kill().await
    }
}

fn debian_postgres() -> Vec<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    found.sort();
    found.reverse();
    found
}

/// PostgreSQL refuses to run as the administrator: user and group of the account its package made.
fn account() -> Result<Option<(u32, u32)>, Trouble> {
    if !host::is_root() {
        return Ok(None);
    }
    let accounts = std::fs::read_to_string(Path::new("/etc/passwd")).doing("read the accounts")?;
    let entry =
        accounts.lines().find(|line| line.starts_with("postgres:")).doing("there is no account postgres")?;
    let mut numbers = entry.split(':').skip(2).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(user)), Some(Ok(group))) => Ok(Some((user, group))),
        _ => Err(Trouble::new("the account postgres has no numbers")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn postgres_keeps_committed_rows_over_a_kill_and_is_gone_after_stop() {
        let database = Postgres::start().await.unwrap();
        database.query("create table t (n int); insert into t values (7)").await.unwrap();
        let database = database.kill().await.unwrap().start().await.unwrap();
        assert_eq!(database.query("select n from t").await.unwrap(), "7");
        assert!(database.query("select nonsense").await.is_err());
        let files = database.stop().await.unwrap();
        assert_eq!(process::accepts(files.port).await, Ready::NotYet);
        let path = files.directory.path().to_owned();
        drop(files);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn redis_forgets_everything_when_killed() {
        let redis = Redis::start().await.unwrap();
        assert_eq!(redis.command(&["set", "k", "v"]).await.unwrap(), "OK");
        assert_eq!(redis.command(&["get", "k"]).await.unwrap(), "v");
        let port = redis.port();
        redis.kill().await.unwrap();
        let redis = Redis::start_at(port).await.unwrap();
        assert_eq!(redis.command(&["get", "k"]).await.unwrap(), "");
        redis.stop().await.unwrap();
        assert_eq!(process::accepts(port).await, Ready::NotYet);
    }

    #[tokio::test]
    async fn a_process_that_ends_early_is_reported_with_its_log() {
        let directory = Scratch::new("early").unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo broken pipe dream; exit 3"]);
        let mut process = Process::spawn(shell, &directory.path().join("log")).unwrap();
        let trouble = process.until(|| async { Ready::NotYet }).await.unwrap_err().to_string();
        assert!(trouble.contains("broken pipe dream") && trouble.contains("exit status: 3"), "{trouble}");
    }
}
