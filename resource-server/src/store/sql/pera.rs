//! The tables of the retirement-account scheme.

use oauth_core::store::database::{Migration, MigrationSet};

/// Participants, customers, products, openings.
pub(super) const TABLES: MigrationSet =
    MigrationSet::new("resource-server-pera", &[Migration::shared(1, "participants and customers", ALL)]);

const ALL: &str = "
CREATE TABLE participant (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    certificate TEXT,
    body TEXT NOT NULL
) STRICT;
CREATE TABLE participant_origin (
    origin TEXT PRIMARY KEY,
    participant TEXT NOT NULL
) STRICT;
CREATE TABLE customer_file (
    customer TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;
CREATE TABLE onboarding (
    id SERIAL64,
    reference TEXT NOT NULL UNIQUE,
    customer TEXT NOT NULL,
    status TEXT NOT NULL,
    over INT64 NOT NULL,
    created_at INT64 NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX onboarding_in_force ON onboarding (customer) WHERE over = 0;
CREATE INDEX onboarding_by_customer ON onboarding (customer, created_at);
CREATE TABLE product (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    currency TEXT NOT NULL,
    risk TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE TABLE holding (
    account TEXT NOT NULL,
    product TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (account, product)
) STRICT;
CREATE TABLE trade (
    line TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;
CREATE TABLE account_link (
    account TEXT PRIMARY KEY,
    source TEXT NOT NULL
) STRICT;
CREATE TABLE account_seat (
    customer TEXT PRIMARY KEY,
    openings INT64 NOT NULL
) STRICT;
";
