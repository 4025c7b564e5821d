//! The processes of a measurement: the server as a child on core 0, this one on core 1.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

use super::measure::Process;
use super::{Doing as _, Failed};

/// Whether both processes have a core of their own. Without it they disturb each other and the rates mean little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pinning {
    /// The server on core 0, the generator on core 1.
    OneCoreEach,
    /// `taskset` is missing, or there are no two cores.
    None,
}

impl Pinning {
    /// Puts this process on core 1, with every thread it starts from now on.
    pub(super) fn of_this_process() -> Self {
        let own = std::process::id().to_string();
        let mut command = Command::new("taskset");
        command.args(["-a", "-c", "-p", "1", &own]).stdout(Stdio::null()).stderr(Stdio::null());
        match command.status() {
            Ok(status) if status.success() => Self::OneCoreEach,
            Ok(_) | Err(_) => Self::None,
        }
    }
}

/// The server's process; ended when this is dropped.
pub(super) struct Server {
    child: Child,
    pub(super) process: Process,
    pub(super) port: u16,
}

/// The line the server prints when it listens.
#[derive(Deserialize)]
struct Ready {
    port: u16,
}

impl Server {
    /// Starts this program again as the server, `under` another one if there is one.
    pub(super) fn start(
        dir: &Path,
        arguments: &[String],
        pinning: Pinning,
        under: Option<&str>,
    ) -> Result<Self, Failed> {
        let own = std::env::current_exe().doing("finding this program")?;
        let pinned: &[&str] = match pinning {
            Pinning::OneCoreEach => &["taskset", "-c", "0"],
            Pinning::None => &[],
        };
        let mut words = pinned.iter().copied().chain(under.unwrap_or_default().split_ascii_whitespace());
        let mut command = match words.next() {
            Some(first) => {
                let mut command = Command::new(first);
                command.args(words).arg(own);
                command
            }
            None => Command::new(own),
        };
        command.args(arguments).arg("--dir").arg(dir);
        let child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().doing("starting the server")?;
        // built first, so that the child is ended even if it never says that it listens
        let mut server = Self { process: Process(child.id()), child, port: 0 };
        let mut line = String::new();
        if let Some(output) = server.child.stdout.take() {
            BufReader::new(output).read_line(&mut line).doing("waiting for the server")?;
        }
        let ready: Ready = serde_json::from_str(&line).doing("waiting for the server")?;
        server.port = ready.port;
        Ok(server)
    }

    /// Ends it in an orderly way: it stops when its standard input does. One that hangs is ended by force.
    pub(super) async fn stop(mut self) {
        drop(self.child.stdin.take());
        for _ in 0..50 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A directory of this run, removed at its end.
pub(super) struct Scratch(pub(super) PathBuf);

impl Scratch {
    pub(super) fn make() -> Result<Self, Failed> {
        let dir = std::env::temp_dir().join(format!("mandate-bench-{}", std::process::id()));
        std::fs::create_dir_all(&dir).doing("making a directory")?;
        Ok(Self(dir))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
