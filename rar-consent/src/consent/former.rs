//! Consents as earlier versions kept them.

use serde_json::Value;

use super::Consent;

/// Reads a consent whose subscription was still one of its terms.
pub(super) fn read(text: &str) -> Option<Consent> {
    let mut kept: Value = serde_json::from_str(text).ok()?;
    let webhook = kept.pointer_mut("/terms/uae_payment_1")?.as_object_mut()?.remove("webhook")?;
    kept.as_object_mut()?.entry("subscription").or_insert(webhook);
    serde_json::from_value(kept).ok()
}
