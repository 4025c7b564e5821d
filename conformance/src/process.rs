//! Child processes: started with a log of their own, asked to stop, or killed.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::{Doing as _, Trouble};

/// How long a process may take to become ready, or to stop when asked.
pub const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// Where the children of this process write.
static LOGS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The lines that any child of this process wrote with these words in them.
pub fn logged(words: &str) -> Vec<String> {
    let logs = LOGS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let texts = logs.iter().filter_map(|log| std::fs::read_to_string(log).ok());
    texts.flat_map(|text| with_words(&text, words)).collect()
}

fn with_words(text: &str, words: &str) -> Vec<String> {
    text.lines().filter(|line| line.contains(words)).map(str::to_owned).collect()
}

/// A running child. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Process {
    /// Starts `command`, its output going to the file `log`.
    ///
    /// # Errors
    /// When the program is missing or the log cannot be written.
    pub fn spawn(mut command: Command, log: &Path) -> Result<Self, Trouble> {
        let name = command.as_std().get_program().to_string_lossy().into_owned();
        let out = std::fs::File::options().create(true).append(true).open(log).doing("open a log")?;
        let err = out.try_clone().doing("share a log")?;
        command.stdin(Stdio::null()).stdout(out).stderr(err).kill_on_drop(true);
        let child = command.spawn().doing(format!("start {name}"))?;
        let mut logs = LOGS.lock().unwrap_or_else(PoisonError::into_inner);
        if !logs.iter().any(|known| known == log) {
            logs.push(log.to_owned());
        }
        Ok(Self { child, name, log: log.to_owned() })
    }

    /// Polls until `ready` holds.
    ///
    /// # Errors
    /// With the end of the log, when the process ends first or time runs out.
    pub async fn until<F, R>(&mut self, mut ready: F) -> Result<(), Trouble>
    where
        F: FnMut() -> R,
        R: Future<Output = Ready>,
    {
        let waiting = async {
            loop {
                if let Some(status) = self.child.try_wait().doing("look at a child process")? {
                    return Err(Trouble::new(format!("{} ended with {status}", self.name)));
                }
                if ready().await == Ready::Yes {
                    return Ok(());
                }
                tokio::time::sleep(POLL).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        let verdict = waited.unwrap_or_else(|_| Err(Trouble::new("not ready in time")));
        verdict.doing(format!("wait for {} (its log ends: {})", self.name, self.log_end()))
    }

    /// Asks the process to stop as Ctrl-C does, and waits for it.
    ///
    /// # Errors
    /// When it does not stop in time; it is killed then.
    pub async fn interrupt(mut self) -> Result<ExitStatus, Trouble> {
        self.signal("INT").await?;
        match tokio::time::timeout(PATIENCE, self.child.wait()).await {
            Ok(status) => status.doing(format!("wait for the end of {}", self.name)),
            Err(_) => {
                Err(Trouble::new(format!("{} did not stop; its log ends: {}", self.name, self.log_end())))
            }
        }
    }

    /// Ends the process without giving it a chance to tidy up, as a power cut does.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn kill(mut self) -> Result<(), Trouble> {
        self.child.kill().await.doing(format!("kill {}", self.name))
    }

    /// Its identifier, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Sends a signal by its name without `SIG`: `HUP`, `STOP`, `CONT`.
    ///
    /// # Errors
    /// When the process has already ended.
    pub async fn signal(&self, name: &str) -> Result<(), Trouble> {
        let id = self.child.id().doing(format!("{} has already ended", self.name))?;
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {id}")]).status().await;
        match sent.doing("send a signal")?.success() {
            true => Ok(()),
            false => Err(Trouble::new(format!("send SIG{name} to {}", self.name))),
        }
    }

    /// The last lines that the process wrote.
    pub fn log_end(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(12)..).unwrap_or_default().join(" | ")
    }
}

/// What a readiness probe found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    /// It answers.
    Yes,
    /// Ask again.
    NotYet,
}

/// Probes whether something accepts connections on a port of the loopback address.
pub async fn accepts(port: u16) -> Ready {
    match tokio::net::TcpStream::connect(("127.0.0.1", port)).await {
        Ok(_) => Ready::Yes,
        Err(_) => Ready::NotYet,
    }
}

/// Runs a command to its end and hands back what it wrote.
///
/// # Errors
/// With its error output, when it fails.
pub async fn run(mut command: Command) -> Result<String, Trouble> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().await.doing(format!("run {name}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(Trouble::new(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)))),
    }
}
