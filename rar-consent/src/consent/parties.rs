//! Who pays and who is paid under a UAE consent: accounts and names, which are told to nobody but the customer and the bank.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// An account with the names of its holder.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UaeAccount {
    /// The IBAN.
    pub iban: String,
    /// Who holds it.
    pub name: Option<UaeName>,
    /// The name it trades under.
    pub trading_name: Option<UaeName>,
    /// `CreditorAgent` and `Creditor` of version 1.2, as they were sent: told and compared, never interpreted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Value>,
}

impl std::fmt::Debug for UaeAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UaeAccount(…)")
    }
}

/// Terms that were kept before version 1.2 was served have exactly one creditor, and no list.
pub(super) fn one_or_several<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<UaeAccount>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Kept {
        One(UaeAccount),
        Several(Vec<UaeAccount>),
    }
    Ok(match Kept::deserialize(deserializer)? {
        Kept::One(only) => vec![only],
        Kept::Several(creditors) => creditors,
    })
}

/// A name in English, in Arabic, or both.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UaeName {
    /// In English.
    pub en: Option<String>,
    /// In Arabic.
    pub ar: Option<String>,
}

impl std::fmt::Debug for UaeName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UaeName(…)")
    }
}
