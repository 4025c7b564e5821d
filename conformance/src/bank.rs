//! The reference bank as a child process with a data directory and ports of its own.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use tokio::process::Command;

use crate::client::Client;
use crate::host::{self, Scratch};
use crate::process::{Process, Ready};
use crate::tpp::flow::Tpp;
use crate::{Doing as _, Trouble};

/// How a bank is started.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `--database`: PostgreSQL instead of the embedded store.
    pub database: Option<String>,
    /// `--redis`: short-lived records there.
    pub redis: Option<String>,
    /// `--test-controls`: the clock, reset and approval at the admin listener.
    pub controls: Controls,
    /// `--config`: a deployment file of this text. Data directory and ports stay the ones of the place.
    pub deployment: Option<String>,
    /// Further words for the command line.
    pub words: Vec<String>,
    /// The program; otherwise as [`binary`] finds it.
    pub program: Option<PathBuf>,
}

/// Whether the test controls are there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Controls {
    /// As in production.
    #[default]
    Absent,
    /// With the clock, reset and approval at the admin listener.
    Present,
}

/// A running bank.
#[derive(Debug)]
pub struct Bank {
    process: Process,
    place: Place,
}

/// Data directory, ports and settings of a bank that has ended; it can be started again there.
#[derive(Debug)]
pub struct Place {
    directory: Scratch,
    settings: Settings,
    port: u16,
    mtls_port: u16,
    admin_port: u16,
}

impl Place {
    /// An empty data directory and three free ports.
    ///
    /// # Errors
    /// When the machine has none.
    pub fn new(settings: Settings) -> Result<Self, Trouble> {
        Ok(Self {
            directory: Scratch::new("bank")?,
            settings,
            port: host::free_port()?,
            mtls_port: host::free_port()?,
            admin_port: host::free_port()?,
        })
    }

    /// The data directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Starts the bank here and waits until it publishes its metadata.
    ///
    /// # Errors
    /// When there is no binary, or it does not come up; the trouble quotes its log.
    pub async fn start(self) -> Result<Bank, Trouble> {
        let program = self.settings.program.clone().map_or_else(binary, Ok)?;
        if let Some(text) = &self.settings.deployment {
            std::fs::write(self.deployment(), text).doing("write the deployment file")?;
        }
        let mut command = Command::new(program);
        command.args(self.words()).current_dir(self.directory());
        let mut process = Process::spawn(command, &self.directory().join("bank.log"))?;
        process.until(|| self.ready()).await?;
        Ok(Bank { process, place: self })
    }

    fn deployment(&self) -> PathBuf {
        self.directory().join("bank.toml")
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec!["--data-dir".to_owned(), self.directory().display().to_string()];
        for (flag, port) in
            [("--port", self.port), ("--mtls-port", self.mtls_port), ("--admin-port", self.admin_port)]
        {
            words.extend([flag.to_owned(), port.to_string()]);
        }
        for (flag, url) in [("--database", &self.settings.database), ("--redis", &self.settings.redis)] {
            words.extend(url.iter().flat_map(|url| [flag.to_owned(), url.clone()]));
        }
        if self.settings.deployment.is_some() {
            words.extend(["--config".to_owned(), self.deployment().display().to_string()]);
        }
        if self.settings.controls == Controls::Present {
            words.push("--test-controls".to_owned());
        }
        words.extend(self.settings.words.iter().cloned());
        words
    }

    async fn ready(&self) -> Ready {
        // the authority appears during the first start, after the process does
        let Ok(client) = self.client() else { return Ready::NotYet };
        let url = format!("https://localhost:{}/.well-known/oauth-authorization-server", self.port);
        match client.get(&url).await {
            Ok(answer) if answer.status.is_success() => Ready::Yes,
            Ok(_) | Err(_) => Ready::NotYet,
        }
    }

    fn client(&self) -> Result<Client, Trouble> {
        Client::trusting(
            &std::fs::read(self.directory().join("ca.pem")).doing("read the authority of the bank")?,
        )
    }
}

impl Bank {
    /// Starts a bank on fresh data.
    ///
    /// # Errors
    /// When there is no binary, or it does not come up; the trouble quotes its log.
    pub async fn start(settings: Settings) -> Result<Self, Trouble> {
        Place::new(settings)?.start().await
    }

    /// `https://localhost:PORT`
    pub fn origin(&self) -> String {
        format!("https://localhost:{}", self.place.port)
    }

    /// `https://localhost:PORT` of the listener that asks for a client certificate.
    pub fn mtls_origin(&self) -> String {
        format!("https://localhost:{}", self.place.mtls_port)
    }

    /// `http://127.0.0.1:PORT` of the listener that is never public.
    pub fn admin_origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.place.admin_port)
    }

    /// The data directory.
    pub fn directory(&self) -> &Path {
        self.place.directory()
    }

    /// A client that trusts this bank.
    ///
    /// # Errors
    /// When its authority cannot be read.
    pub fn client(&self) -> Result<Client, Trouble> {
        self.place.client()
    }

    /// A client registered at this bank, the default one when none is named.
    ///
    /// # Errors
    /// When its keys or the metadata cannot be read.
    pub async fn tpp(&self, client: Option<&str>) -> Result<Tpp, Trouble> {
        Tpp::load(&self.directory().join("tpp").join("tpp.toml"), client).await
    }

    /// The command line it was started with, for a second process of the same deployment.
    pub fn words(&self) -> Vec<String> {
        self.place.words()
    }

    /// Its process, while it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.process.id()
    }

    /// The last lines that the bank logged.
    pub fn log_end(&self) -> String {
        self.process.log_end()
    }

    /// Sends a signal by its name without `SIG`.
    ///
    /// # Errors
    /// When the bank has ended.
    pub async fn signal(&self, name: &str) -> Result<(), Trouble> {
        self.process.signal(name).await
    }

    /// Stops the bank as Ctrl-C does.
    ///
    /// # Errors
    /// When it does not stop, or not with exit code 0.
    pub async fn stop(self) -> Result<Place, Trouble> {
        let log = self.process.log_end();
        let status: ExitStatus = self.process.interrupt().await?;
        match status.success() {
            true => Ok(self.place),
            false => Err(Trouble::new(format!("the bank ended with {status}; its log ended: {log}"))),
        }
    }

    /// Kills the bank as a power cut would.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn kill(self) -> Result<Place, Trouble> {
        self.process.kill().await?;
        Ok(self.place)
    }
}

/// `MANDATE_BANK_BIN`, or the newest build in the build directory.
///
/// # Errors
/// When there is none.
pub fn binary() -> Result<PathBuf, Trouble> {
    if let Some(named) = host::setting("MANDATE_BANK_BIN") {
        return Ok(named.into());
    }
    let built = ["release", "debug"].map(|profile| host::target_directory().join(profile).join("bank"));
    let age = |file: &PathBuf| file.metadata().and_then(|data| data.modified()).ok();
    let newest = built.into_iter().filter(|file| file.is_file()).max_by_key(age);
    newest.doing("find the bank: build it, or name it in MANDATE_BANK_BIN")
}

/// Another program of the same build.
///
/// # Errors
/// When it was not built.
pub fn beside(name: &str) -> Result<PathBuf, Trouble> {
    let path = binary()?.with_file_name(name);
    path.is_file().then_some(path).doing(format!("find {name} beside the bank: build it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_says_every_setting() {
        let settings = Settings {
            database: Some("postgres://d".into()),
            redis: Some("redis://r".into()),
            controls: Controls::Present,
            deployment: Some(String::new()),
            words: vec!["--profile".into(), "uae".into()],
            program: None,
        };
        let place = Place::new(settings).unwrap();
        let line = place.words().join(" ");
        let expected = format!(
            "--data-dir {} --port {} --mtls-port {} --admin-port {} --database postgres://d --redis redis://r \
             --config {} --test-controls --profile uae",
            place.directory().display(),
            place.port,
            place.mtls_port,
            place.admin_port,
            place.deployment().display()
        );
        assert_eq!(line, expected);
        let bare = Place::new(Settings::default()).unwrap().words();
        assert_eq!(bare.len(), 8);
    }

    #[tokio::test]
    async fn a_bank_that_refuses_to_start_is_quoted() {
        let scratch = Scratch::new("refusing").unwrap();
        let program = scratch.path().join("bank");
        std::fs::write(&program, "#!/bin/sh\necho no such profile: $2\nexit 2\n").unwrap();
        let mut permissions = program.metadata().unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
        std::fs::set_permissions(&program, permissions).unwrap();
        let refused = Bank::start(Settings { program: Some(program), ..Settings::default() }).await;
        let trouble = refused.unwrap_err().to_string();
        assert!(trouble.contains("no such profile: /") && trouble.contains("exit status: 2"), "{trouble}");
    }
}
