//! Stores on other machines are reached over TLS, and the other side must be who it says.

use oauth_core::store::contract::BEGINNING;
use oauth_core::store::database::{Database, DatabaseUrl, Statement};
use oauth_core::store::redis::RedisClaims;
use oauth_core::testkit::issuer;
use oauth_core::{Claimed, Claims as _, Once, Seconds};

use crate::services::{Authority, Redis, postgres_with_tls};

#[tokio::test(flavor = "multi_thread")]
async fn redis_over_tls_serves_claims_and_must_have_a_certificate_of_its_name_from_our_authority() {
    let authority = Authority::new();
    let Some(redis) = Redis::start_with_tls(&authority) else {
        println!("SKIPPED: no redis-server");
        return;
    };
    let at = |host: &str, file: &str| format!("rediss://{host}:{}/?sslrootcert={file}", redis.port);
    let connect = |url: String| async move { RedisClaims::connect(&url, "bank", BEGINNING).await };
    let claims = connect(at("localhost", &authority.file())).await.unwrap();
    let once = [Once::proof(&issuer(), &[7; 32], "a", BEGINNING.plus(Seconds::minutes(5)))];
    assert_eq!(claims.claim(&once, BEGINNING).await.unwrap(), Claimed::First);
    assert_eq!(claims.claim(&once, BEGINNING).await.unwrap(), Claimed::SeenBefore);

    let other = Authority::new();
    assert!(connect(at("localhost", &other.file())).await.is_err(), "signed by another authority");
    assert!(connect(at("127.0.0.1", &authority.file())).await.is_err(), "a certificate for another name");
    assert!(connect(format!("rediss://localhost:{}", redis.port)).await.is_err(), "no public authority");
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_over_tls_serves_and_must_have_a_certificate_of_its_name_from_our_authority() {
    let authority = Authority::new();
    let Some((port, mut server)) = postgres_with_tls(&authority) else {
        println!("SKIPPED: PostgreSQL is not installed");
        return;
    };
    let open = |host: &'static str, rest: String| async move {
        let url = format!("postgres://mandate@{host}:{port}/postgres?sslmode=verify-full{rest}");
        Database::open(&DatabaseUrl::parse(&url).unwrap()).await
    };
    let database = open("localhost", format!("&sslrootcert={}", authority.file())).await.unwrap();
    let protected = "SELECT count(*) FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl";
    let row = database.read_one(Statement::new(protected)).await.unwrap().unwrap();
    assert_eq!(row.int(0_usize).unwrap(), 1);
    database.close().await;

    let other = Authority::new();
    assert!(open("localhost", format!("&sslrootcert={}", other.file())).await.is_err());
    assert!(open("127.0.0.1", format!("&sslrootcert={}", authority.file())).await.is_err());
    assert!(open("localhost", String::new()).await.is_err());
    drop(server.stdin.take());
    drop(server.wait());
}
