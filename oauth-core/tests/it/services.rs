//! PostgreSQL and Redis: those the environment names, or private ones that end with this process.

use std::fs::Permissions;
use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// A PostgreSQL server whose database tests share; `None` where there is none.
pub(crate) fn postgres() -> Option<&'static str> {
    static SERVER: OnceLock<Option<(String, Option<Child>)>> = OnceLock::new();
    let server = SERVER.get_or_init(|| match setting("MANDATE_TEST_POSTGRES") {
        Some(url) => Some((url, None)),
        None => start_postgres(None).map(|(url, child)| (url, Some(child))),
    });
    server.as_ref().map(|(url, _)| url.as_str())
}

/// A Redis server that tests share, each under a namespace of its own; `None` where there is none.
pub(crate) fn redis() -> Option<&'static str> {
    static SERVER: OnceLock<Option<(String, Option<Child>)>> = OnceLock::new();
    let server = SERVER.get_or_init(|| match setting("MANDATE_TEST_REDIS") {
        Some(url) => Some((url, None)),
        None => {
            let (port, directory) = (free_port(), scratch("redis"));
            let server = guarded(&redis_server(port, &directory), &directory)?;
            await_port(port);
            Some((format!("redis://127.0.0.1:{port}"), Some(server)))
        }
    });
    server.as_ref().map(|(url, _)| url.as_str())
}

/// A Redis server of one test, to be flushed and killed.
pub(crate) struct Redis {
    child: Child,
    pub(crate) port: u16,
    directory: PathBuf,
}

impl Redis {
    pub(crate) fn start() -> Option<Self> {
        Self::start_at(free_port(), scratch("redis"))
    }

    /// One that speaks TLS only, under the name `localhost`.
    pub(crate) fn start_with_tls(authority: &Authority) -> Option<Self> {
        let (port, directory) = (free_port(), scratch("redis"));
        authority.identify(&directory);
        let mut words = redis_server(0, &directory);
        let file = |name: &str| directory.join(name).display().to_string();
        words.extend(["--tls-port".to_owned(), port.to_string(), "--tls-auth-clients".into(), "no".into()]);
        words.extend([
            "--tls-cert-file".to_owned(),
            file("server.pem"),
            "--tls-key-file".into(),
            file("server.key"),
        ]);
        words.extend(["--tls-ca-cert-file".to_owned(), authority.file()]);
        Self::run(&words, port, directory)
    }

    fn start_at(port: u16, directory: PathBuf) -> Option<Self> {
        Self::run(&redis_server(port, &directory), port, directory)
    }

    fn run(words: &[String], port: u16, directory: PathBuf) -> Option<Self> {
        let child = Command::new(&words[0]).args(&words[1..]).stdout(Stdio::null()).spawn().ok()?;
        await_port(port);
        Some(Self { child, port, directory })
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn command(&self, words: &[&str]) -> String {
        let port = self.port.to_string();
        let output = Command::new("redis-cli").args(["-h", "127.0.0.1", "-p", &port]).args(words).output();
        String::from_utf8(output.unwrap().stdout).unwrap().trim_end().to_owned()
    }

    /// `kill -9`, and a new process on the same port with the files of the old one.
    pub(crate) fn crash_and_restart(mut self) -> Self {
        self.end();
        let (port, directory) = (self.port, std::mem::take(&mut self.directory));
        Self::start_at(port, directory).unwrap()
    }

    pub(crate) fn end(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.end();
        if !self.directory.as_os_str().is_empty() {
            drop(std::fs::remove_dir_all(&self.directory));
        }
    }
}

/// A PostgreSQL server of one test that speaks TLS under the name `localhost`, and its port.
pub(crate) fn postgres_with_tls(authority: &Authority) -> Option<(u16, Child)> {
    let (url, server) = start_postgres(Some(authority))?;
    let port = url.rsplit([':', '/']).nth(1)?.parse().ok()?;
    Some((port, server))
}

/// A certificate authority of one test.
pub(crate) struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    directory: PathBuf,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let directory = scratch("authority");
        std::fs::set_permissions(&directory, Permissions::from_mode(0o755)).unwrap();
        std::fs::write(directory.join("ca.pem"), parameters.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: rcgen::Issuer::new(parameters, key), directory }
    }

    /// The file of its own certificate.
    pub(crate) fn file(&self) -> String {
        self.directory.join("ca.pem").display().to_string()
    }

    /// Writes a certificate for `localhost` and its key.
    fn identify(&self, directory: &Path) {
        let key = rcgen::KeyPair::generate().unwrap();
        let parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(directory.join("server.pem"), certificate.pem()).unwrap();
        std::fs::write(directory.join("server.key"), key.serialize_pem()).unwrap();
        let private = Permissions::from_mode(0o600);
        std::fs::set_permissions(directory.join("server.key"), private).unwrap();
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

fn redis_server(port: u16, directory: &Path) -> Vec<String> {
    let (port, directory) = (port.to_string(), directory.display().to_string());
    ["redis-server", "--port", &port, "--bind", "127.0.0.1", "--save", "", "--dir", &directory]
        .map(str::to_owned)
        .to_vec()
}

fn start_postgres(tls: Option<&Authority>) -> Option<(String, Child)> {
    let programs = postgres_programs()?;
    let (port, directory) = (free_port(), scratch("postgres"));
    if let Some(authority) = tls {
        authority.identify(&directory);
    }
    std::fs::set_permissions(&directory, Permissions::from_mode(0o755)).ok()?;
    let data = directory.join("data").display().to_string();
    // PostgreSQL refuses to run as the administrator.
    let account: &[&str] = if std::fs::metadata("/proc/self").ok()?.uid() == 0 {
        let owner = Command::new("chown").args(["-R", "postgres"]).arg(&directory).status().ok()?;
        owner.success().then_some(&[
            "setpriv",
            "--reuid=postgres",
            "--regid=postgres",
            "--clear-groups",
            "--",
        ])?
    } else {
        &[]
    };
    let program = |name: &str, words: &[&str]| -> Vec<String> {
        let name = programs.join(name).display().to_string();
        account
            .iter()
            .copied()
            .chain([name.as_str()])
            .chain(words.iter().copied())
            .map(str::to_owned)
            .collect()
    };
    let make = program(
        "initdb",
        &["-U", "mandate", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D", &data],
    );
    let made =
        Command::new(&make[0]).args(&make[1..]).current_dir("/").stdout(Stdio::null()).status().ok()?;
    assert!(made.success(), "initdb failed");
    let at = port.to_string();
    let mut words = vec!["-D", &data, "-p", &at];
    for setting in
        ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "max_connections=300"]
    {
        words.extend(["-c", setting]);
    }
    let file = |kind: &str, name: &str| format!("ssl_{kind}_file={}", directory.join(name).display());
    let files = [file("cert", "server.pem"), file("key", "server.key")];
    if tls.is_some() {
        words.extend(["-c", "ssl=on", "-c", &files[0], "-c", &files[1]]);
    }
    let server = guarded(&program("postgres", &words), &directory)?;
    await_port(port);
    let ready = || {
        let probe =
            Command::new(programs.join("pg_isready")).args(["-q", "-h", "127.0.0.1", "-p", &at]).status();
        probe.is_ok_and(|status| status.success())
    };
    patiently("PostgreSQL", ready);
    Some((format!("postgres://mandate@127.0.0.1:{port}/postgres"), server))
}

fn postgres_programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    versions.map(|version| version.path().join("bin")).filter(|path| path.join("initdb").exists()).max()
}

/// Starts a server under a shell that ends it, and removes its files, when this process ends and closes the pipe.
fn guarded(words: &[String], directory: &Path) -> Option<Child> {
    let script =
        "\"$@\" >\"$0/log\" 2>&1 & server=$!; cat >/dev/null; kill -INT $server; wait $server; rm -rf \"$0\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(directory).args(words).current_dir("/");
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
}

fn scratch(name: &str) -> PathBuf {
    let mut random = [0; 8];
    std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut random).unwrap();
    let directory = std::env::temp_dir().join(format!("mandate-{name}-{:016x}", u64::from_be_bytes(random)));
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn await_port(port: u16) {
    patiently("a port", || TcpStream::connect(("127.0.0.1", port)).is_ok());
}

#[expect(clippy::disallowed_methods, reason = "servers are started before any runtime has work to do")]
fn patiently(what: &str, ready: impl Fn() -> bool) {
    for _ in 0..200 {
        if ready() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{what} did not come up");
}

#[expect(clippy::disallowed_methods, reason = "where a test server is, only the one who started it knows")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
