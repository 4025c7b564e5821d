use oauth_core::store::contract::BEGINNING;
use oauth_core::store::database::{Database, Engine, Statement};
use oauth_core::store::sql::{SqlClaims, SqlStore};
use oauth_core::testkit::{access_claims, fingerprint, grant, issuer, vetted_request};
use oauth_core::{
    Claims, Fingerprint, Once, Opening, Redemption, Refresh, RequestUri, Seconds, Spend, Store, StoredAccess,
    Timestamp,
};

use super::migrated;
use crate::database::fixture::everywhere;

fn later(seconds: i64) -> Timestamp {
    BEGINNING.plus(Seconds::new(seconds))
}

fn opening(name: &str) -> Opening {
    Opening { code: fingerprint(name), grant: grant(name, BEGINNING) }
}

fn opaque(name: &str) -> StoredAccess {
    let claims = access_claims(name, None, BEGINNING);
    StoredAccess { token: fingerprint(name), claims, until: later(300) }
}

fn tokens(refresh: Option<&str>, access: Option<&str>) -> Redemption {
    Redemption {
        at: later(1),
        access: access.map(opaque),
        refresh: refresh.map(|name| (fingerprint::<Refresh>(name), later(3600))),
    }
}

/// Statements that a verb takes.
struct Count<'d>(&'d Database, &'static str);

impl Count<'_> {
    async fn is<T>(&self, wanted: u64, verb: &str, work: impl Future<Output = T>) -> T {
        let before = self.0.statements();
        let found = work.await;
        assert_eq!(self.0.statements() - before, wanted, "{verb} on {}", self.1);
        found
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_verb_takes_as_many_statements_as_is_documented() {
    for place in everywhere().await {
        let database = migrated(&place).await;
        let store = SqlStore::new(database.clone());
        let count = Count(&database, place.name);
        let (one_trip, of_two, of_three) = match database.engine() {
            Engine::Postgres => (1, 1, 1),
            Engine::Sqlite => (1, 2, 3),
        };
        let request: Fingerprint<RequestUri> = fingerprint("a");
        let vetted = vetted_request(BEGINNING);
        count.is(1, "push", store.push(&request, &vetted, later(60))).await.unwrap();
        count.is(1, "pushed", store.pushed(&request, BEGINNING)).await.unwrap();
        let a = opening("a");
        let spend = count.is(of_two, "open", store.open(&request, &a, BEGINNING)).await.unwrap();
        assert_eq!(spend, Spend::Applied);
        count.is(of_two, "a second open", store.open(&request, &opening("b"), BEGINNING)).await.unwrap();
        count.is(1, "close", store.close(&request, BEGINNING)).await.unwrap();
        count.is(1, "grant_by_code", store.grant_by_code(&a.code)).await.unwrap();
        let both = tokens(Some("r1"), Some("a1"));
        let spend = count.is(of_three, "redeem", store.redeem(&a.code, &both)).await.unwrap();
        assert_eq!(spend, Spend::Applied);
        count.is(2, "a second redeem", store.redeem(&a.code, &tokens(None, None))).await.unwrap();
        count.is(1, "grant_by_refresh", store.grant_by_refresh(&fingerprint("r1"))).await.unwrap();
        let keep = tokens(None, Some("a2"));
        let spend = count.is(one_trip, "rotate that keeps", store.rotate(&fingerprint("r1"), &keep)).await;
        assert_eq!(spend.unwrap(), Spend::Applied);
        let next = tokens(Some("r2"), Some("a3"));
        let spend = count.is(of_three, "rotate", store.rotate(&fingerprint("r1"), &next)).await.unwrap();
        assert_eq!(spend, Spend::Applied);
        count.is(1, "issue", store.issue(&opaque("a4"))).await.unwrap();
        count.is(1, "access", store.access(&fingerprint("a4"), later(2))).await.unwrap();
        count.is(1, "grant", store.grant(&a.grant.id)).await.unwrap();
        count.is(1, "grants_of", store.grants_of(&a.grant.subject, later(2))).await.unwrap();
        count.is(1, "revoke", store.revoke(&a.grant.id, later(2))).await.unwrap();
        count.is(1, "revoke_token", store.revoke_token("jti", later(60))).await.unwrap();
        count.is(1, "token_standing", store.token_standing("jti", later(2))).await.unwrap();
        count.is(7, "sweep", store.sweep(later(2))).await.unwrap();
        let claims = SqlClaims::new(database.clone());
        let once = |name: &str| Once::proof(&issuer(), &[1; 32], name, later(60));
        count.is(1, "claim of two", claims.claim(&[once("a"), once("b")], BEGINNING)).await.unwrap();
        count.is(1, "claim of one", claims.claim(&[once("c")], BEGINNING)).await.unwrap();
        count.is(0, "remembers_since", claims.remembers_since(BEGINNING)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_redeemed_for_a_jwt_alone_takes_one_statement() {
    for place in everywhere().await {
        let database = migrated(&place).await;
        let store = SqlStore::new(database.clone());
        store.push(&fingerprint("a"), &vetted_request(BEGINNING), later(60)).await.unwrap();
        store.open(&fingerprint("a"), &opening("a"), BEGINNING).await.unwrap();
        let count = Count(&database, place.name);
        let (code, change) = (opening("a").code, tokens(None, None));
        let spend = count.is(1, "redeem", store.redeem(&code, &change)).await.unwrap();
        assert_eq!(spend, Spend::Applied);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_deletes_at_most_a_thousand_rows_of_a_table_and_goes_on_next_time() {
    for place in everywhere().await {
        let database = migrated(&place).await;
        let (store, claims) = (SqlStore::new(database.clone()), SqlClaims::new(database.clone()));
        for n in 0..1001 {
            store.revoke_token(&format!("jti-{n}"), later(1)).await.unwrap();
        }
        let once = |name: &str, until| Once::proof(&issuer(), &[1; 32], name, until);
        claims.claim(&[once("over", later(1)), once("live", later(60))], BEGINNING).await.unwrap();
        assert_eq!(store.sweep(later(2)).await.unwrap(), 1001, "{}", place.name);
        assert_eq!(store.sweep(later(2)).await.unwrap(), 1, "{}", place.name);
        assert_eq!(store.sweep(later(2)).await.unwrap(), 0, "{}", place.name);
        let left = database.read(Statement::new("SELECT ends_at FROM claim")).await.unwrap();
        assert_eq!(left.len(), 1, "{}", place.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_is_over_may_be_made_again_before_the_sweep() {
    for place in everywhere().await {
        let claims = SqlClaims::new(migrated(&place).await);
        let once = |until| [Once::proof(&issuer(), &[1; 32], "a", until)];
        assert_eq!(claims.claim(&once(later(60)), BEGINNING).await.unwrap(), oauth_core::Claimed::First);
        assert_eq!(claims.claim(&once(later(120)), later(60)).await.unwrap(), oauth_core::Claimed::First);
        assert_eq!(
            claims.claim(&once(later(120)), later(61)).await.unwrap(),
            oauth_core::Claimed::SeenBefore
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_read_is_a_fault_that_does_not_show_it() {
    for place in everywhere().await {
        let database = migrated(&place).await;
        let store = SqlStore::new(database.clone());
        for (n, change) in [
            "UPDATE pushed_request SET record = '{\"v\":1,\"record\":{\"secret\":\"hunter2\"}}'",
            "UPDATE pushed_request SET record = 'hunter2'",
        ]
        .into_iter()
        .enumerate()
        {
            let key = fingerprint(&format!("a{n}"));
            store.push(&key, &vetted_request(BEGINNING), later(60)).await.unwrap();
            database.write(Statement::new(change)).await.unwrap();
            let fault = store.pushed(&key, BEGINNING).await.unwrap_err();
            assert!(!format!("{fault} {fault:?}").contains("hunter2"), "{fault:?}");
        }
        let key = fingerprint("later");
        store.push(&key, &vetted_request(BEGINNING), later(60)).await.unwrap();
        let newer = "UPDATE pushed_request SET record = replace(record, '{\"v\":1', '{\"v\":2')";
        database.write(Statement::new(newer)).await.unwrap();
        assert!(store.pushed(&key, BEGINNING).await.is_err(), "a newer version must not be guessed at");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_has_read_is_gone_for_it_when_another_decides_or_revokes() {
    for place in everywhere().await {
        let database = migrated(&place).await;
        let (here, there) = (SqlStore::new(database.clone()), SqlStore::new(database));
        let (request, vetted) = (fingerprint::<RequestUri>("a"), vetted_request(BEGINNING));
        there.push(&request, &vetted, later(60)).await.unwrap();
        for _ in 0..2 {
            assert_eq!(here.pushed(&request, BEGINNING).await.unwrap().as_ref(), Some(&vetted));
        }
        let a = opening("a");
        assert_eq!(there.open(&request, &a, BEGINNING).await.unwrap(), Spend::Applied);
        assert_eq!(here.pushed(&request, BEGINNING).await.unwrap(), None, "decided on {}", place.name);
        assert_eq!(there.redeem(&a.code, &tokens(None, Some("t"))).await.unwrap(), Spend::Applied);
        for _ in 0..2 {
            let found = here.access(&fingerprint("t"), later(2)).await.unwrap();
            assert_eq!(found, Some(opaque("t").claims));
        }
        there.revoke(&a.grant.id, later(2)).await.unwrap();
        let found = here.access(&fingerprint("t"), later(2)).await.unwrap();
        assert_eq!(found, None, "revoked on {}", place.name);
    }
}
