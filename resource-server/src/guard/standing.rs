//! Is what stands behind the token good for this, now.

use oauth_core::Timestamp;
use rar_consent::{Consent, Permission, Terms};

/// Whether a consent holds a permission and has begun. A consent of another kind permits nothing by name.
pub(super) fn permits(consent: &Consent, permission: Permission, now: Timestamp) -> bool {
    match &consent.terms {
        Terms::Ofxpera(terms) => now >= terms.start && terms.permissions.contains(&permission),
        Terms::UaePayment(_) | Terms::Payment(_) | Terms::Accounts(_) => false,
    }
}
