//! One bank for the whole binary and kind of database, and the verbs the tests speak in.

use std::path::Path;

use conformance::bank::{Bank, Settings};
use conformance::client::Answer;
use conformance::host;
use conformance::tpp::config::Registered;
use conformance::tpp::flow::{Ask, Tokens, Tpp};
use conformance::tpp::keys::{Alg, Key};
use conformance::tpp::mutate::HONEST;
use conformance::user::{Decision, Place, Returned, User, Visit};
use tokio::process::Command;
use tokio::sync::OnceCell;

pub(crate) mod certificates;
pub(crate) mod ear;
pub(crate) mod judge;
pub(crate) mod raw;
pub(crate) mod uae;

/// A running bank with everyone who deals with it.
pub(crate) struct World {
    pub(crate) bank: Bank,
    pub(crate) user: User,
    palm: Tpp,
    luzon: Tpp,
    apis: Tpp,
    signed_in: OnceCell<Visit>,
    since: i64,
}

static EMBEDDED: OnceCell<World> = OnceCell::const_new();
static SHARED: OnceCell<World> = OnceCell::const_new();

/// The bank on `SQLite`.
pub(crate) async fn embedded() -> &'static World {
    EMBEDDED.get_or_init(|| World::outliving_the_test(Settings::default())).await
}

/// The bank on PostgreSQL and Redis, where the check command offers them.
pub(crate) async fn shared() -> Option<&'static World> {
    let postgres = host::setting("MANDATE_TEST_POSTGRES")?;
    let redis = host::setting("MANDATE_TEST_REDIS")?;
    let start = || async {
        let database = Some(fresh_database(&postgres).await);
        World::outliving_the_test(Settings { database, redis: Some(redis), ..Settings::default() }).await
    };
    Some(SHARED.get_or_init(start).await)
}

/// Runs each test over every kind of database there is.
macro_rules! over_every_database {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::support::embedded().await).await;
            })+
        }
        mod on_postgres_and_redis {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some(world) = $crate::support::shared().await {
                    super::$name(world).await;
                }
            })+
        }
    };
}
pub(crate) use over_every_database;

/// A database of our own on the server that is offered.
pub(crate) async fn fresh_database(url: &str) -> String {
    let name = format!("blackbox_{}", host::uuid().replace('-', ""));
    let psql = host::program("psql", &[]).expect("psql");
    let made =
        Command::new(psql).args(["-XAtq", "-c", &format!("create database {name}"), url]).status().await;
    assert!(made.unwrap().success());
    let (server, _) = url.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

impl World {
    pub(crate) async fn start(settings: Settings) -> Self {
        Self::around(Bank::start(settings).await.unwrap()).await
    }

    /// Everyone around a bank that runs already.
    pub(crate) async fn around(bank: Bank) -> Self {
        let file = with_the_apis(&bank.directory().join("tpp"));
        let user = demo_user(&file);
        let load = |name: &'static str| Tpp::load(&file, Some(name));
        let (palm, luzon, apis) =
            (load("palm-books").await, load("luzon-bank").await, load("bank-apis").await);
        let (palm, luzon, apis) = (palm.unwrap(), luzon.unwrap(), apis.unwrap());
        // what was signed in the second of the start may have been used before it, and is refused
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        Self { bank, user, palm, luzon, apis, signed_in: OnceCell::new(), since: host::now() }
    }

    /// No destructor runs for a static: a shell waits for the end of this process and tidies up.
    async fn outliving_the_test(settings: Settings) -> Self {
        let world = Self::start(settings).await;
        let script = "while kill -0 $1 2>/dev/null; do sleep 1; done; kill -9 $2; sleep 1; rm -rf \"$3\"";
        let watch = std::process::Command::new("sh")
            .args(["-c", script, "sh", &std::process::id().to_string()])
            .arg(world.bank.process_id().unwrap().to_string())
            .arg(world.bank.directory())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn();
        drop(watch.unwrap());
        world
    }

    /// Waits until the bank has been up for so many seconds: what was signed before its start is refused.
    pub(crate) async fn up_for(&self, seconds: i64) {
        let left = u64::try_from(self.since + seconds - host::now()).unwrap_or(0);
        tokio::time::sleep(std::time::Duration::from_secs(left)).await;
    }

    /// `private_key_jwt` and `DPoP`, with a fresh proof key.
    pub(crate) fn palm(&self) -> Tpp {
        self.palm.with_proof_key(Key::generate(Alg::Es256, "proof").unwrap())
    }

    /// `tls_client_auth` and certificate-bound tokens.
    pub(crate) fn luzon(&self) -> Tpp {
        self.luzon.clone()
    }

    /// Any registered client by its name, freshly read.
    pub(crate) async fn client(&self, id: &str) -> Tpp {
        self.bank.tpp(Some(id)).await.unwrap()
    }

    /// The resource server as a client.
    pub(crate) fn apis(&self) -> Tpp {
        self.apis.with_proof_key(Key::generate(Alg::Es256, "proof").unwrap())
    }

    pub(crate) fn issuer(&self) -> String {
        self.bank.origin()
    }

    /// A browser in which the customer has signed in before.
    pub(crate) async fn signed_in(&self) -> Visit {
        let sign_in = || async {
            let mut visit = self.palm.visit().unwrap();
            let place = visit.open(&format!("{}/sign-in", self.issuer())).await.unwrap();
            let form = page_form(&place, "password");
            visit.sign_in(form, &self.user).await.unwrap();
            visit
        };
        self.signed_in.get_or_init(sign_in).await.clone()
    }

    pub(crate) async fn push(&self, tpp: &Tpp, ask: &Ask) -> String {
        tpp.push(ask, HONEST).await.unwrap().member("request_uri").unwrap()
    }

    /// Opens a pushed request in the signed-in browser and decides it.
    pub(crate) async fn decide(&self, tpp: &Tpp, request_uri: &str, decision: &Decision) -> Returned {
        let url = tpp.authorization_url(request_uri).unwrap();
        let place = self.signed_in().await.complete(&url, &self.user, decision).await.unwrap();
        place.returned().unwrap()
    }

    pub(crate) async fn code(&self, tpp: &Tpp, ask: &Ask) -> String {
        let request_uri = self.push(tpp, ask).await;
        let returned = self.decide(tpp, &request_uri, &Decision::Approve).await;
        tpp.code(ask, &returned).await.unwrap()
    }

    pub(crate) async fn tokens(&self, tpp: &Tpp, ask: &Ask) -> Tokens {
        let code = self.code(tpp, ask).await;
        Tokens::read(&tpp.redeem(ask, &code, HONEST).await.unwrap()).unwrap()
    }

    /// Userinfo: the protected resource that every token with `openid` opens.
    pub(crate) async fn userinfo(&self, tpp: &Tpp, token: &str) -> Answer {
        tpp.get(&tpp.endpoint("userinfo_endpoint").unwrap(), token, HONEST).await.unwrap()
    }
}

/// The form of a page that has this control.
#[track_caller]
pub(crate) fn page_form(place: &Place, control: &str) -> conformance::html::Form {
    let Place::Page(page) = place else { panic!("left the bank: {place:?}") };
    conformance::html::form_with(&page.text(), control)
        .unwrap_or_else(|| panic!("no form with {control}: {} {}", page.status, page.text()))
}

/// The page a browser stands on.
#[track_caller]
pub(crate) fn page(place: &Place) -> &Answer {
    match place {
        Place::Page(page) => page,
        Place::Returned(url) => panic!("left the bank: {url}"),
    }
}

/// An ask for the customer's identity only.
pub(crate) fn identity() -> Ask {
    Ask::new("openid profile email")
}

/// The bank's own resource server has its keys beside those of the third parties; a file of ours names it as well.
fn with_the_apis(directory: &Path) -> std::path::PathBuf {
    let text = std::fs::read_to_string(directory.join("tpp.toml")).unwrap();
    let apis = "\n[clients.bank-apis]\nredirect_uri = \"https://localhost/none\"\n\
                token_endpoint_auth_method = \"private_key_jwt\"\nsender_constraint = \"dpop\"\n\
                signing_key = \"bank-apis.sig.pem\"\nsigning_kid = \"bank-apis-1\"\nsigning_alg = \"ES256\"\n";
    let file = directory.join("blackbox.toml");
    std::fs::write(&file, text + apis).unwrap();
    file
}

fn demo_user(file: &Path) -> User {
    let read: toml::Table = std::fs::read_to_string(file).unwrap().parse().unwrap();
    let text = |name: &str| read["demo"][name].as_str().unwrap().to_owned();
    User::new(&text("username"), &text("password"))
}

/// A client of our own making: another key, another certificate.
pub(crate) fn registered_with(tpp: &Tpp, change: impl FnOnce(&mut Registered)) -> Registered {
    let mut registered = tpp.registered().clone();
    change(&mut registered);
    registered
}
