//! The statements. `ends_at` is the instant from which the sweep may delete a row.

pub(super) const TABLES: &str = "
CREATE TABLE pushed_request (
    fingerprint BYTES NOT NULL PRIMARY KEY,
    ends_at INT64 NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX pushed_request_by_end ON pushed_request (ends_at);

CREATE TABLE grant_record (
    id TEXT NOT NULL PRIMARY KEY,
    issuer TEXT NOT NULL,
    client TEXT NOT NULL,
    subject TEXT NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN ('opened', 'redeemed', 'revoked')),
    code BYTES NOT NULL UNIQUE,
    code_until INT64 NOT NULL,
    opened_at INT64 NOT NULL,
    until INT64 NOT NULL,
    ends_at INT64 NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX grant_record_by_subject ON grant_record (subject, opened_at);
CREATE INDEX grant_record_by_end ON grant_record (ends_at);

CREATE TABLE refresh_token (
    fingerprint BYTES NOT NULL PRIMARY KEY,
    ends_at INT64 NOT NULL,
    grant_id TEXT NOT NULL,
    spent_at INT64
) STRICT;
CREATE INDEX refresh_token_by_end ON refresh_token (ends_at);

CREATE TABLE access_token (
    fingerprint BYTES NOT NULL PRIMARY KEY,
    ends_at INT64 NOT NULL,
    record TEXT NOT NULL,
    grant_id TEXT
) STRICT;
CREATE INDEX access_token_by_end ON access_token (ends_at);

CREATE TABLE revoked_token (
    jti TEXT NOT NULL PRIMARY KEY,
    ends_at INT64 NOT NULL
) STRICT;
CREATE INDEX revoked_token_by_end ON revoked_token (ends_at);
";

/// Issued tokens by their hash, where an interface asks for them so.
pub(super) const TOKEN_HASH: &str = "
CREATE TABLE token_hash (
    hash BYTES NOT NULL PRIMARY KEY,
    ends_at INT64 NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX token_hash_by_end ON token_hash (ends_at);
";
pub(super) const KEEP_HASH: &str =
    "INSERT INTO token_hash (hash, ends_at, record) VALUES ($1, $2, $3) ON CONFLICT (hash) DO NOTHING";
pub(super) const BY_HASH: &str = "SELECT record FROM token_hash WHERE hash = $1 AND ends_at > $2";

/// Small rows, most of the writes: in SQLite the key is the table.
pub(super) const CLAIM_SQLITE: &str = "
CREATE TABLE claim (fingerprint BYTES NOT NULL PRIMARY KEY, ends_at INT64 NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX claim_by_end ON claim (ends_at);
";
pub(super) const CLAIM_POSTGRES: &str = "
CREATE TABLE claim (fingerprint BYTES NOT NULL PRIMARY KEY, ends_at INT64 NOT NULL);
CREATE INDEX claim_by_end ON claim (ends_at);
";

/// The purpose `enc` is for keys that decrypt what is sent to us; the ring of signing keys does not see them.
pub(super) const SIGNING_KEY: &str = "
CREATE TABLE signing_key (
    issuer TEXT NOT NULL,
    kid TEXT NOT NULL,
    purpose TEXT NOT NULL CHECK (purpose IN ('sig', 'enc')),
    alg TEXT NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN ('published', 'active', 'retired', 'withdrawn')),
    public_jwk TEXT NOT NULL,
    made_at INT64 NOT NULL,
    since INT64 NOT NULL,
    ends_at INT64,
    material BYTES,
    PRIMARY KEY (issuer, kid)
) STRICT;
CREATE UNIQUE INDEX signing_key_active ON signing_key (issuer, purpose, alg) WHERE stage = 'active';
CREATE UNIQUE INDEX signing_key_published ON signing_key (issuer, purpose, alg) WHERE stage = 'published';
";

pub(super) const KEYS: &str = "
SELECT kid, alg, stage, public_jwk, made_at, since, ends_at, material FROM signing_key
WHERE issuer = $1 AND purpose = 'sig' ORDER BY made_at, kid";
pub(super) const ADD_KEY: &str = "
INSERT INTO signing_key (issuer, kid, purpose, alg, stage, public_jwk, made_at, since, ends_at, material)
VALUES ($1, $2, 'sig', $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
pub(super) const MOVE_KEY: &str = "
UPDATE signing_key SET stage = $4, since = $5, ends_at = $6 WHERE issuer = $1 AND kid = $2 AND stage = $3";
pub(super) const END_KEY: &str = "
UPDATE signing_key SET stage = $4, since = $5, ends_at = $6, material = NULL
WHERE issuer = $1 AND kid = $2 AND stage = $3";
pub(super) const FORGET_KEY: &str = "DELETE FROM signing_key WHERE issuer = $1 AND kid = $2 AND stage = $3 AND stage IN ('retired', 'withdrawn')";
pub(super) const RESEAL_KEY: &str =
    "UPDATE signing_key SET material = $4 WHERE issuer = $1 AND kid = $2 AND material = $3";

pub(super) const PUSH: &str = "INSERT INTO pushed_request (fingerprint, ends_at, record) VALUES ($1, $2, $3)";
pub(super) const PUSHED: &str = "SELECT record FROM pushed_request WHERE fingerprint = $1 AND ends_at > $2";
/// Whether it is there, for a reader that knows what it says.
pub(super) const PUSHED_STILL: &str =
    "SELECT ends_at FROM pushed_request WHERE fingerprint = $1 AND ends_at > $2";
pub(super) const CLOSE: &str = "DELETE FROM pushed_request WHERE fingerprint = $1 AND ends_at > $2";

pub(super) const INSERT_GRANT: &str = "
INSERT INTO grant_record
    (id, issuer, client, subject, stage, code, code_until, opened_at, until, ends_at, record)
VALUES ($1, $2, $3, $4, 'opened', $5, $6, $7, $8, $9, $10)";
pub(super) const OPEN_AT_ONCE: &str = "
WITH spent AS (DELETE FROM pushed_request WHERE fingerprint = $11 AND ends_at > $12 RETURNING fingerprint)
INSERT INTO grant_record
    (id, issuer, client, subject, stage, code, code_until, opened_at, until, ends_at, record)
SELECT $1, $2, $3, $4, 'opened', $5, $6, $7, $8, $9, $10 FROM spent";

pub(super) const GRANT_BY_CODE: &str = "SELECT record, stage FROM grant_record WHERE code = $1";
pub(super) const GRANT: &str = "SELECT record, stage FROM grant_record WHERE id = $1";
pub(super) const STAGE: &str = "SELECT stage FROM grant_record WHERE id = $1";
pub(super) const GRANTS_OF: &str = "
SELECT record, stage FROM grant_record WHERE subject = $1 AND stage <> 'revoked' AND until > $2
ORDER BY opened_at DESC, id DESC LIMIT $3";
pub(super) const REVOKE: &str =
    "UPDATE grant_record SET stage = 'revoked' WHERE id = $1 AND stage <> 'revoked'";

pub(super) const REDEEM: &str = "
UPDATE grant_record SET stage = 'redeemed', ends_at = until
WHERE code = $1 AND stage = 'opened' AND code_until > $2 AND until > $2 RETURNING id";
pub(super) const REDEEMED_BEFORE: &str = "SELECT id FROM grant_record WHERE code = $1 AND stage = 'redeemed'";
pub(super) const REDEEM_AT_ONCE: &str = "
WITH spent AS (
    UPDATE grant_record SET stage = 'redeemed', ends_at = until
    WHERE code = $1 AND stage = 'opened' AND code_until > $2 AND until > $2 RETURNING id
), next AS (
    INSERT INTO refresh_token (fingerprint, ends_at, grant_id) SELECT $3, $4, id FROM spent WHERE $3 IS NOT NULL
), access AS (
    INSERT INTO access_token (fingerprint, ends_at, record, grant_id)
    SELECT $5, $6, $7, id FROM spent WHERE $5 IS NOT NULL
)
SELECT id FROM spent";

pub(super) const GRANT_BY_REFRESH: &str = "
SELECT g.record, g.stage, r.ends_at, r.spent_at
FROM refresh_token r JOIN grant_record g ON g.id = r.grant_id WHERE r.fingerprint = $1";
pub(super) const ROTATE: &str = "
UPDATE refresh_token SET spent_at = $2
WHERE fingerprint = $1 AND spent_at IS NULL AND ends_at > $2 AND EXISTS (
    SELECT 1 FROM grant_record g WHERE g.id = refresh_token.grant_id AND g.stage <> 'revoked' AND g.until > $2
) RETURNING grant_id";
pub(super) const ROTATED_BEFORE: &str =
    "SELECT grant_id FROM refresh_token WHERE fingerprint = $1 AND spent_at IS NOT NULL";
pub(super) const ROTATE_AT_ONCE: &str = "
WITH spent AS (
    UPDATE refresh_token SET spent_at = $2
    WHERE fingerprint = $1 AND spent_at IS NULL AND ends_at > $2 AND EXISTS (
        SELECT 1 FROM grant_record g WHERE g.id = refresh_token.grant_id AND g.stage <> 'revoked' AND g.until > $2
    ) RETURNING grant_id
), next AS (
    INSERT INTO refresh_token (fingerprint, ends_at, grant_id) SELECT $3, $4, grant_id FROM spent
), access AS (
    INSERT INTO access_token (fingerprint, ends_at, record, grant_id)
    SELECT $5, $6, $7, grant_id FROM spent WHERE $5 IS NOT NULL
)
SELECT grant_id FROM spent";
/// Where refresh tokens are kept, not rotated.
pub(super) const REFRESH_ACCESS: &str = "
INSERT INTO access_token (fingerprint, ends_at, record, grant_id)
SELECT $3, $4, $5, r.grant_id FROM refresh_token r JOIN grant_record g ON g.id = r.grant_id
WHERE r.fingerprint = $1 AND r.spent_at IS NULL AND r.ends_at > $2 AND g.stage <> 'revoked' AND g.until > $2";
pub(super) const REFRESHABLE: &str = "
SELECT r.grant_id FROM refresh_token r JOIN grant_record g ON g.id = r.grant_id
WHERE r.fingerprint = $1 AND r.spent_at IS NULL AND r.ends_at > $2 AND g.stage <> 'revoked' AND g.until > $2";

pub(super) const INSERT_ACCESS: &str =
    "INSERT INTO access_token (fingerprint, ends_at, record, grant_id) VALUES ($1, $2, $3, $4)";
/// Right after the code of the grant was spent, in the same transaction.
pub(super) const CODE_REFRESH: &str = "
INSERT INTO refresh_token (fingerprint, ends_at, grant_id) SELECT $1, $2, id FROM grant_record WHERE code = $3";
pub(super) const CODE_ACCESS: &str = "
INSERT INTO access_token (fingerprint, ends_at, record, grant_id) SELECT $1, $2, $3, id FROM grant_record WHERE code = $4";
/// Right after the refresh token was spent, in the same transaction.
pub(super) const NEXT_REFRESH: &str = "
INSERT INTO refresh_token (fingerprint, ends_at, grant_id)
SELECT $1, $2, grant_id FROM refresh_token WHERE fingerprint = $3";
pub(super) const NEXT_ACCESS: &str = "
INSERT INTO access_token (fingerprint, ends_at, record, grant_id)
SELECT $1, $2, $3, grant_id FROM refresh_token WHERE fingerprint = $4";
pub(super) const ACCESS: &str = "
SELECT record FROM access_token WHERE fingerprint = $1 AND ends_at > $2 AND NOT EXISTS (
    SELECT 1 FROM grant_record g WHERE g.id = access_token.grant_id AND g.stage = 'revoked'
)";

/// Whether it is there, for a reader that knows what it says.
pub(super) const ACCESS_STILL: &str = "
SELECT ends_at FROM access_token WHERE fingerprint = $1 AND ends_at > $2 AND NOT EXISTS (
    SELECT 1 FROM grant_record g WHERE g.id = access_token.grant_id AND g.stage = 'revoked'
)";

pub(super) const REVOKE_TOKEN: &str = "
INSERT INTO revoked_token (jti, ends_at) VALUES ($1, $2)
ON CONFLICT (jti) DO UPDATE SET ends_at = excluded.ends_at WHERE revoked_token.ends_at < excluded.ends_at";
pub(super) const TOKEN_STANDING: &str = "SELECT jti FROM revoked_token WHERE jti = $1 AND ends_at > $2";

/// A row that is over makes room for a new claim of its key; one that is not keeps its place and is not returned.
pub(super) const CLAIM_ONE: &str = "
INSERT INTO claim (fingerprint, ends_at) VALUES ($2, $3)
ON CONFLICT (fingerprint) DO UPDATE SET ends_at = excluded.ends_at WHERE claim.ends_at <= $1 RETURNING ends_at";
pub(super) const CLAIM_TWO: &str = "
INSERT INTO claim (fingerprint, ends_at) VALUES ($2, $3), ($4, $5)
ON CONFLICT (fingerprint) DO UPDATE SET ends_at = excluded.ends_at WHERE claim.ends_at <= $1 RETURNING ends_at";

/// The end is asked for twice: a row that somebody prolongs between the two looks is left alone.
pub(super) const SWEEPS: [&str; 7] = [
    "DELETE FROM pushed_request WHERE ends_at <= $1 AND fingerprint IN
        (SELECT fingerprint FROM pushed_request WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)",
    "DELETE FROM grant_record WHERE ends_at <= $1 AND id IN
        (SELECT id FROM grant_record WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)",
    "DELETE FROM refresh_token WHERE ends_at <= $1 AND fingerprint IN
        (SELECT fingerprint FROM refresh_token WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)",
    "DELETE FROM access_token WHERE ends_at <= $1 AND fingerprint IN
        (SELECT fingerprint FROM access_token WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)",
    "DELETE FROM revoked_token WHERE ends_at <= $1 AND jti IN
        (SELECT jti FROM revoked_token WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)",
    "DELETE FROM token_hash WHERE ends_at <= $1 AND hash IN
        (SELECT hash FROM token_hash WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)",
    "DELETE FROM claim WHERE ends_at <= $1 AND fingerprint IN
        (SELECT fingerprint FROM claim WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)",
];
