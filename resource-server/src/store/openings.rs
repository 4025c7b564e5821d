//! What every book judges when an account is opened. Pure.

use oauth_core::Timestamp;
use rar_consent::{Consent, ConsentStatus};

use crate::domain::{Account, AccountKind, AccountStatus};

/// Whether a customer with these accounts may have one more of this kind.
pub(super) fn has_room(own: &[Account], kind: AccountKind, most: u32) -> bool {
    let open = own.iter().filter(|account| account.kind == kind && account.status != AccountStatus::Closed);
    u32::try_from(open.count()).is_ok_and(|open| open < most)
}

/// The consent with the account that was opened under it: the customer gave it by having it opened. `None` when the
/// consent is not in force, or is another customer's.
pub(super) fn with_account(mut consent: Consent, account: &Account, now: Timestamp) -> Option<Consent> {
    let in_force = consent.status == ConsentStatus::Authorized && consent.at(now).is_none();
    if !in_force || consent.subject.as_ref() != Some(&account.customer) {
        return None;
    }
    consent.accounts.push(account.id.as_str().to_owned());
    Some(consent)
}
