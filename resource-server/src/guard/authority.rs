//! Who may do what in this call. Only the guard makes one, after token, binding and standing were checked.

use std::sync::Arc;

use oauth_core::{AccessClaims, Client, CorrelationId, Scope, Standing, Subject, Timestamp};
use rar_consent::{Consent, Permission};

use crate::domain::ClientOf;

use super::needs::{Authentication, Needs, TokenKind};
use super::refusal::GuardRefusal;
use super::standing::permits;

/// Who calls, for whom, under which consent, with which scope.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Authority {
    /// The client, registered and active at this moment.
    pub client: Arc<Client>,
    /// The customer; `None` when the client acts for itself.
    pub subject: Option<Subject>,
    /// The consent behind the token, as it is stored now.
    pub consent: Option<Consent>,
    /// How that consent stands; [`Standing::Good`] when there is none.
    pub standing: Standing,
    /// The scope of the token.
    pub scope: Scope,
    /// The identifier of this call.
    pub correlation: CorrelationId,
    /// When the call began.
    pub now: Timestamp,
    claims: AccessClaims,
    needs: Needs,
}

/// What the guard has gathered before an [`Authority`] exists.
pub(super) struct Gathered {
    pub(super) client: Arc<Client>,
    pub(super) claims: AccessClaims,
    pub(super) standing: Standing,
    pub(super) consent: Option<Consent>,
    pub(super) correlation: CorrelationId,
    pub(super) now: Timestamp,
}

impl Authority {
    /// The authority of a call. Kind and scope of the token are judged by [`Authority::in_scope`].
    pub(super) fn new(gathered: Gathered, needs: &Needs) -> Result<Self, GuardRefusal> {
        let Gathered { client, claims, standing, consent, correlation, now } = gathered;
        let subject = match claims.grant_id {
            Some(_) => {
                Some(Subject::new(&claims.sub).map_err(|fault| oauth_core::Fault::new("token", fault))?)
            }
            None => None,
        };
        let scope = claims.scope.clone();
        Ok(Self { client, subject, consent, standing, scope, correlation, now, claims, needs: *needs })
    }

    /// What the token says.
    #[must_use]
    pub const fn claims(&self) -> &AccessClaims {
        &self.claims
    }

    /// The client, as its issuer knows it.
    #[must_use]
    pub fn client_of(&self) -> ClientOf {
        ClientOf { issuer: self.claims.iss.clone(), id: self.client.id.clone() }
    }

    /// Whether the token is of the kind the route needs and carries a scope of it (RFC 6750 section 3.1).
    ///
    /// # Errors
    /// [`GuardRefusal::Scope`].
    pub fn in_scope(&self) -> Result<(), GuardRefusal> {
        match (self.needs.token, &self.subject) {
            (TokenKind::Either, _) | (TokenKind::Customer, Some(_)) | (TokenKind::Client, None) => {}
            (TokenKind::Customer, None) | (TokenKind::Client, Some(_)) => return Err(lacking(&self.needs)),
        }
        let consent = self.claims.consent_id.as_ref().map(oauth_core::ConsentId::as_str);
        let one_of = self.needs.scope;
        if one_of.is_empty() || one_of.iter().any(|scoped| scoped.is_in(&self.scope, consent)) {
            return Ok(());
        }
        Err(lacking(&self.needs))
    }

    /// Whether the customer signed in as recently and as strongly as the route needs (RFC 9470 section 3).
    ///
    /// # Errors
    /// [`GuardRefusal::Authentication`].
    pub fn signed_in_well(&self) -> Result<(), GuardRefusal> {
        let Authentication { acr_values, max_age } = self.needs.authentication;
        let acr = self.claims.acr.as_deref();
        let strong = acr_values.is_empty() || acr.is_some_and(|acr| acr_values.contains(&acr));
        let recent = max_age.is_none_or(|age| {
            let at = self.claims.auth_time.map(Timestamp::from_seconds);
            at.is_some_and(|at| self.now <= at.plus(age))
        });
        match (&self.subject, strong && recent) {
            (None, _) | (Some(_), true) => Ok(()),
            (Some(_), false) => Err(GuardRefusal::Authentication(self.needs.authentication)),
        }
    }

    /// Whether the consent stands and permits what the route is for. The guard asks this itself, except on routes that
    /// are retried by key: there the operation asks it after it has looked for a repeat.
    ///
    /// # Errors
    /// [`GuardRefusal::Standing`] or [`GuardRefusal::Permission`].
    pub fn pass(&self) -> Result<(), GuardRefusal> {
        if self.claims.consent_id.is_some() && !self.needs.standing.contains(&self.standing) {
            return Err(GuardRefusal::Standing(self.standing));
        }
        match (self.needs.permission, &self.subject) {
            (Some(permission), Some(_)) if !self.permits(permission) => {
                Err(GuardRefusal::Permission(permission))
            }
            (_, _) => Ok(()),
        }
    }

    /// Whether the consent holds this permission now.
    #[must_use]
    pub fn permits(&self, permission: Permission) -> bool {
        self.consent.as_ref().is_some_and(|consent| permits(consent, permission, self.now))
    }
}

fn lacking(needs: &Needs) -> GuardRefusal {
    let names: Vec<&str> = needs.scope.iter().map(|scoped| scoped.name()).collect();
    GuardRefusal::Scope { needed: names.join(" ") }
}
