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
        for _ in 0..TRIES {
            if kept(self.lodging(request, now).await?).await? == Kept::Done {
                return Ok(());
            }
        }
        Err(contended().into())
    }

    /// What an approval does to a consent.
    ///
    /// # Errors
    /// Those of [`Consents::authorisation`](oauth_core::Consents::authorisation).
    pub async fn authorise(&self, grant: &Grant, approval: &Approval, now: Timestamp) -> Result<(), Error> {
        for _ in 0..TRIES {
            if kept(self.authorisation(grant, approval, now).await?).await? == Kept::Done {
                return Ok(());
            }
        }
        Err(contended().into())
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
        for _ in 0..TRIES {
            if kept(self.rejection(request, subject, now).await?).await? == Kept::Done {
                return Ok(());
            }
        }
        Err(contended().into())
    }
}

async fn kept(change: Option<ConsentChange>) -> Result<Kept, Error> {
    let Some(change) = change else { return Ok(Kept::Done) };
    match (change.companion.keep().await?, change.overtaken) {
        (Kept::Overtaken, Overtaken::Refused(refusal)) => Err(refusal.into()),
        (kept @ (Kept::Done | Kept::Overtaken), _) => Ok(kept),
    }
}
