//! Tokens by their hash (OFxPERA section 5.4): those of its consents, and those a client has for itself, in the database, so that
//! every process finds them and a start forgets none. The others, which nobody has a reason to ask about so, in memory.

use async_trait::async_trait;
use oauth_core::store::database::Database;
use oauth_core::store::sql::SqlTokenIndex;
use oauth_core::{AccessClaims, Fault, MemoryTokenIndex, Timestamp, TokenHash, TokenIndex};

/// Both.
pub(super) struct TokenHashes {
    kept: SqlTokenIndex,
    passing: MemoryTokenIndex,
}

impl TokenHashes {
    /// Over this database.
    pub(super) fn over(database: &Database) -> Self {
        Self { kept: SqlTokenIndex::new(database.clone()), passing: MemoryTokenIndex::default() }
    }
}

/// `type` of what an OFxPERA token carries.
const CONSENT: &str = "urn:ofxpera:consent:v1";

fn is_of_ofxpera(claims: &AccessClaims) -> bool {
    let own = claims.grant_id.is_none();
    own || claims.authorization_details.iter().any(|detail| detail["type"] == CONSENT)
}

#[async_trait]
impl TokenIndex for TokenHashes {
    async fn keep(&self, hash: &TokenHash, claims: &AccessClaims, until: Timestamp) -> Result<(), Fault> {
        match is_of_ofxpera(claims) {
            true => self.kept.keep(hash, claims, until).await,
            false => self.passing.keep(hash, claims, until).await,
        }
    }

    async fn find(&self, hash: &TokenHash, now: Timestamp) -> Result<Option<AccessClaims>, Fault> {
        match self.passing.find(hash, now).await? {
            Some(claims) => Ok(Some(claims)),
            None => self.kept.find(hash, now).await,
        }
    }
}
