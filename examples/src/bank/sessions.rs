//! Login sessions of the bank's own pages: a random cookie, its fingerprint in the database, a form token per page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth_core::store::database::{Database, DbError, Migration, MigrationSet, Statement};
use oauth_core::{Authentication, Entropy, Fault, Issuer, Seconds, Secret, Session, Subject, Timestamp};
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// Name of the session cookie. Issuers below a path of the same host have one each.
pub const SESSION_COOKIE: &str = "__Host-session";

/// A session is over this long after signing in, whatever happens.
const LIFETIME: Seconds = Seconds::minutes(20);

/// Who is signed in in this browser, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The customer.
    pub subject: Subject,
    /// When and how they signed in.
    pub authentication: Authentication,
}

/// The sessions of one bank.
pub struct Sessions {
    database: Database,
    issuer: Issuer,
    entropy: Arc<dyn Entropy>,
    form_key: ring::hmac::Key,
}

/// The table of sessions.
#[must_use]
pub fn migrations() -> MigrationSet {
    const ALL: &[Migration] = &[Migration::shared(
        1,
        "session",
        "CREATE TABLE session (fingerprint BYTES PRIMARY KEY, subject TEXT NOT NULL, auth_at INT64 NOT NULL, \
         until INT64 NOT NULL) STRICT; CREATE INDEX session_until ON session (until)",
    )];
    MigrationSet::new("bank_session", ALL)
}

impl Sessions {
    /// The sessions in this database; forms are keyed with `form_key`.
    #[must_use]
    pub fn new(
        database: Database,
        issuer: Issuer,
        entropy: Arc<dyn Entropy>,
        form_key: ring::hmac::Key,
    ) -> Self {
        Self { database, issuer, entropy, form_key }
    }

    /// Opens a session for a customer who has just signed in. Always a new identifier, so none can be planted.
    ///
    /// # Errors
    /// When random bytes or the database fail.
    pub async fn open(&self, subject: &Subject, now: Timestamp) -> Result<String, Fault> {
        let secret: Secret<Session> = Secret::from_random(&self.entropy.draw()?);
        let statement = Statement::new(
            "INSERT INTO session (fingerprint, subject, auth_at, until) VALUES ($1, $2, $3, $4)",
        )
        .bytes(secret.fingerprint(&self.issuer).as_bytes().as_slice())
        .text(subject.as_str())
        .int(now.millis())
        .int(now.plus(LIFETIME).millis());
        self.database.write(statement).await.map_err(broken)?;
        Ok(secret.reveal().to_owned())
    }

    /// Who is signed in with this cookie.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, cookie: Option<&str>, now: Timestamp) -> Result<Option<SignedIn>, Fault> {
        let Some(secret) = cookie.and_then(Secret::<Session>::presented) else { return Ok(None) };
        let statement =
            Statement::new("SELECT subject, auth_at FROM session WHERE fingerprint = $1 AND until > $2")
                .bytes(secret.fingerprint(&self.issuer).as_bytes().as_slice())
                .int(now.millis());
        let Some(row) = self.database.read_one(statement).await.map_err(broken)? else { return Ok(None) };
        let subject =
            Subject::new(row.text(0).map_err(broken)?).map_err(|fault| Fault::new("sessions", fault))?;
        let at = Timestamp::from_millis(row.int(1).map_err(broken)?);
        let authentication =
            Authentication { at, acr: "urn:mandate:password".to_owned(), amr: vec!["pwd".to_owned()] };
        Ok(Some(SignedIn { subject, authentication }))
    }

    /// Ends the session of this cookie. Safe to repeat.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn close(&self, cookie: Option<&str>) -> Result<(), Fault> {
        let Some(secret) = cookie.and_then(Secret::<Session>::presented) else { return Ok(()) };
        let statement = Statement::new("DELETE FROM session WHERE fingerprint = $1")
            .bytes(secret.fingerprint(&self.issuer).as_bytes().as_slice());
        self.database.write(statement).await.map_err(broken)?;
        Ok(())
    }

    /// Deletes sessions that are over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(&self, now: Timestamp) -> Result<u64, Fault> {
        let statement = Statement::new(
            "DELETE FROM session WHERE fingerprint IN (SELECT fingerprint FROM session WHERE until <= $1 LIMIT 1000)",
        )
        .int(now.millis());
        Ok(self.database.write(statement).await.map_err(broken)?.affected)
    }

    /// The token of a form: bound to the browser's own cookie (session or interaction) and to what the form is for.
    #[must_use]
    pub fn form_token(&self, cookie: &str, purpose: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.form_tag(cookie, purpose))
    }

    /// Whether a posted token is the one of this form in this browser.
    #[must_use]
    pub fn form_token_fits(&self, token: Option<&str>, cookie: Option<&str>, purpose: &str) -> bool {
        let (Some(token), Some(cookie)) = (token, cookie) else { return false };
        let Ok(sent) = URL_SAFE_NO_PAD.decode(token) else { return false };
        bool::from(self.form_tag(cookie, purpose).as_ref().ct_eq(&sent))
    }

    fn form_tag(&self, cookie: &str, purpose: &str) -> ring::hmac::Tag {
        let mut context = ring::hmac::Context::with_key(&self.form_key);
        for part in [cookie, purpose] {
            context.update(&part.len().to_be_bytes());
            context.update(part.as_bytes());
        }
        context.sign()
    }
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions(…)")
    }
}

fn broken(fault: DbError) -> Fault {
    Fault::new("sessions", fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use oauth_core::SystemEntropy;
    use oauth_core::store::database::DatabaseUrl;

    async fn sessions() -> Sessions {
        let database = Database::open(&DatabaseUrl::sqlite_memory()).await.unwrap();
        database.migrate(&migrations()).await.unwrap();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &[1; 32]);
        Sessions::new(
            database,
            Issuer::new("https://bank.example").unwrap(),
            Arc::new(SystemEntropy::default()),
            key,
        )
    }

    #[tokio::test]
    async fn a_session_lives_twenty_minutes_and_ends_at_once_when_closed() {
        let sessions = sessions().await;
        let subject = Subject::new("cus-1").unwrap();
        let now = Timestamp::from_seconds(1000);
        let cookie = sessions.open(&subject, now).await.unwrap();
        let found = sessions.find(Some(&cookie), now.plus(Seconds::minutes(19))).await.unwrap().unwrap();
        assert_eq!(found.subject, subject);
        assert_eq!(sessions.find(Some(&cookie), now.plus(LIFETIME)).await.unwrap(), None);
        sessions.close(Some(&cookie)).await.unwrap();
        assert_eq!(sessions.find(Some(&cookie), now).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_form_token_fits_one_browser_and_one_purpose() {
        let sessions = sessions().await;
        let token = sessions.form_token("cookie-a", "decide");
        assert!(sessions.form_token_fits(Some(&token), Some("cookie-a"), "decide"));
        assert!(!sessions.form_token_fits(Some(&token), Some("cookie-b"), "decide"));
        assert!(!sessions.form_token_fits(Some(&token), Some("cookie-a"), "revoke"));
        assert!(!sessions.form_token_fits(None, Some("cookie-a"), "decide"));
    }

    #[tokio::test]
    async fn the_database_never_sees_the_cookie() {
        let sessions = sessions().await;
        let cookie =
            sessions.open(&Subject::new("cus-1").unwrap(), Timestamp::from_seconds(1)).await.unwrap();
        let rows = sessions.database.read(Statement::new("SELECT fingerprint FROM session")).await.unwrap();
        assert_ne!(rows[0].bytes(0).unwrap(), cookie.as_bytes());
    }
}
