//! Access tokens without a grant, tokens ended by their `jti`, and the sweep.

use std::sync::Arc;

use super::{BEGINNING, Breach, cases, later, opened, redemption, same, stored};
use crate::model::grant::Stage;
use crate::port::store::{Store, TokenStanding};
use crate::vocabulary::secret::{Access, Secret};
use crate::vocabulary::uri::Issuer;

pub(super) async fn hold<F>(make: &impl Fn() -> F) -> Result<(), Breach>
where
    F: Future<Output = Arc<dyn Store>>,
{
    issued(&*make().await).await?;
    ended(&*make().await).await?;
    swept(&make().await).await
}

async fn issued(store: &dyn Store) -> Result<(), Breach> {
    let token = stored("a", None);
    same("an access token nobody issued is unknown", &store.access(&token.token, BEGINNING).await?, &None)?;
    store.issue(&token).await?;
    let found = store.access(&token.token, later(299)).await?;
    same("an issued access token comes back until its end", &found, &Some(token.claims.clone()))?;
    same("and is gone at its end", &store.access(&token.token, later(300)).await?, &None)?;

    let Ok(other) = Issuer::new("https://other.example") else { return Ok(()) };
    let secret = Secret::<Access>::from_random(&zeroize::Zeroizing::new([7; 32]));
    let mut token = stored("b", None);
    token.token = secret.fingerprint(&cases::issuer());
    store.issue(&token).await?;
    let found = store.access(&secret.fingerprint(&other), BEGINNING).await?;
    same("another issuer does not find the access token", &found, &None)
}

async fn ended(store: &dyn Store) -> Result<(), Breach> {
    let good = TokenStanding::Good;
    same("a token nobody ended is good", &store.token_standing("a", BEGINNING).await?, &good)?;
    store.revoke_token("a", later(300)).await?;
    let found = store.token_standing("a", later(299)).await?;
    same("an ended token stays ended until it would have ended anyway", &found, &TokenStanding::Revoked)?;
    same("and others are as good as before", &store.token_standing("b", BEGINNING).await?, &good)?;
    store.revoke_token("a", later(200)).await?;
    let found = store.token_standing("a", later(299)).await?;
    same("ending it again does not bring it back", &found, &TokenStanding::Revoked)
}

async fn swept(store: &Arc<dyn Store>) -> Result<(), Breach> {
    let live = opened(store, "live").await?;
    store.redeem(&live.code, &redemption("live", &live.grant, BEGINNING)).await?;
    let revoked = opened(store, "revoked").await?;
    store.redeem(&revoked.code, &redemption("revoked", &revoked.grant, BEGINNING)).await?;
    store.revoke(&revoked.grant.id, later(1)).await?;
    let pushed = cases::fingerprint("pushed");
    store.push(&pushed, &cases::vetted_request(BEGINNING), later(60)).await?;
    store.revoke_token("jti", later(60)).await?;

    same("a sweep finds nothing where nothing is over", &store.sweep(later(59)).await?, &0)?;
    let there = store.pushed(&pushed, later(59)).await?.is_some();
    same("a sweep leaves a pushed request", &there, &true)?;
    same("a sweep counts what was over", &store.sweep(later(60)).await?, &2)?;
    same("and finds it only once", &store.sweep(later(60)).await?, &0)?;
    let found = store.grant_by_code(&live.code).await?.map(|grant| grant.stage);
    same("a sweep leaves a redeemed grant, whose code died long ago", &found, &Some(Stage::Redeemed))?;
    let found = store.grant_by_code(&revoked.code).await?.map(|grant| grant.stage);
    same("a sweep leaves a revoked grant until its end", &found, &Some(Stage::Revoked))?;
    let found = store.grant_by_refresh(&cases::fingerprint("live")).await?.is_some();
    same("a sweep leaves a refresh token", &found, &true)?;
    let found = store.access(&cases::fingerprint("live"), later(60)).await?.is_some();
    same("a sweep leaves an access token", &found, &true)?;

    same("two access tokens end", &store.sweep(later(300)).await?, &2)?;
    same("two grants and their refresh tokens end", &store.sweep(live.grant.until).await?, &4)?;
    same("a swept grant is gone", &store.grant(&live.grant.id).await?, &None)?;
    same("and so is its code", &store.grant_by_code(&live.code).await?, &None)
}
