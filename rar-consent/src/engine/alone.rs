//! Steps in the life of a consent without the request or the grant around them, for tests.

use oauth_core::{
    Approval, ConsentChange, Consents as _, Error, Grant, Kept, Overtaken, Subject, Timestamp, VettedRequest,
};

use super::{ConsentEngine, TRIES, contended};

impl ConsentEngine {
    /// What PAR does to a consent.
    ///
    /// # Errors
    /// Those of [`Consents::lodging`](oauth_core::Consents::lodging).
    pub async fn lodge(&self, request: &VettedRequest, now: Timestamp) -> Result<(), Error> {
        settled(async || self.lodging(request, now).await).await
    }

    /// What an approval does to a consent.
    ///
    /// # Errors
    /// Those of [`Consents::authorisation`](oauth_core::Consents::authorisation).
    pub async fn authorise(&self, grant: &Grant, approval: &Approval, now: Timestamp) -> Result<(), Error> {
        settled(async || self.authorisation(grant, approval, now).await).await
    }

    /// What a refusal does to a consent.
    ///
    /// # Errors
    /// Those of [`Consents::rejection`](oauth_core::Consents::rejection).
    pub async fn refuse(
        &self,
        request: &VettedRequest,
        subject: Option<&Subject>,
        now: Timestamp,
    ) -> Result<(), Error> {
        settled(async || self.rejection(request, subject, now).await).await
    }
}

async fn settled(change: impl AsyncFn() -> Result<Option<ConsentChange>, Error>) -> Result<(), Error> {
    for _ in 0..TRIES {
        let Some(change) = change().await? else { return Ok(()) };
        match (change.companion.keep().await?, change.overtaken) {
            (Kept::Done, _) => return Ok(()),
            (Kept::Overtaken, Overtaken::Again) => {}
            (Kept::Overtaken, Overtaken::Refused(refusal)) => return Err(refusal.into()),
        }
    }
    Err(contended().into())
}
