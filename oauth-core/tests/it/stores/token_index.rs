//! Tokens by their hash, where they really are.

use oauth_core::store::sql::{SqlStore, SqlTokenIndex};
use oauth_core::testkit::access_claims;
use oauth_core::{Seconds, Store as _, Timestamp, TokenHash, TokenIndex as _};

use super::migrated;
use crate::database::fixture::everywhere;

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_found_by_its_hash_by_every_process_until_it_is_over_and_swept_afterwards() {
    let now = Timestamp::from_seconds(1_800_000_000);
    for place in everywhere().await {
        let database = migrated(&place).await;
        let (hash, claims) = (TokenHash::of("token"), access_claims("jti-1", None, now));
        let until = now.plus(Seconds::minutes(5));
        SqlTokenIndex::new(database.clone()).keep(&hash, &claims, until).await.unwrap();
        let index = SqlTokenIndex::new(database.clone());
        index.keep(&hash, &claims, until).await.unwrap();
        assert_eq!(index.find(&hash, now).await.unwrap().as_ref(), Some(&claims), "{}", place.name);
        assert_eq!(index.find(&TokenHash::of("another"), now).await.unwrap(), None);
        assert_eq!(index.find(&hash, until).await.unwrap(), None, "{}: it is over", place.name);
        assert_eq!(SqlStore::new(database).sweep(until).await.unwrap(), 1, "{}", place.name);
    }
}
