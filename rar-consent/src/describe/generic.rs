//! The generic types of RFC 9396 in words.

use super::{AccountChoice, Description, PaymentWords, plain, section, strong, yes_or_no};
use crate::consent::terms::{AccountInformation, AccountPermission, PaymentInitiation};
use crate::value::calendar::Zone;

pub(super) fn payment(payment: &PaymentInitiation) -> Description {
    let (amount, payee) = (payment.amount.to_string(), &payment.creditor_name);
    let mut paid = vec![strong("Amount", &*amount)];
    paid.extend(payment.remittance.as_ref().map(|text| plain("Message", &**text)));
    let payee_rows = vec![strong("Name", &**payee), strong("IBAN", &*payment.creditor_iban)];
    let mut use_rows: Vec<_> = payment.actions.iter().map(|action| plain("Action", &**action)).collect();
    use_rows.extend(payment.locations.iter().map(|location| plain("Used at", &**location)));
    let sections =
        [section("Payment", paid), section("Paid to", payee_rows), section("The third party may", use_rows)];
    Description {
        headline: format!("Pay {amount} to {payee}?"),
        next: format!(
            "If you approve, one payment of {amount} to {payee} can be made, and not a second one."
        ),
        payment: Some(PaymentWords {
            lead: "You pay".to_owned(),
            amount,
            payee: payee.clone(),
            note: Some("One payment".to_owned()),
        }),
        sections: sections.into_iter().flatten().collect(),
        choice: AccountChoice::OneOf,
    }
}

pub(super) fn accounts(access: &AccountInformation) -> Description {
    let until = Zone::Utc.words(access.valid_until);
    let may = access.permissions.iter().map(|permission| match permission {
        AccountPermission::Balances => plain("Balances", "See what is on the accounts you choose"),
        AccountPermission::Transactions => plain("Transactions", "See what was paid in and out"),
        AccountPermission::Details => plain("Details", "See names and numbers of the accounts you choose"),
    });
    let consent = vec![strong("Ends", &*until), plain("More than once", yes_or_no(access.recurring))];
    let sections = [section("The third party may", may.collect()), section("Consent", consent)];
    Description {
        headline: "Share your accounts?".to_owned(),
        payment: None,
        sections: sections.into_iter().flatten().collect(),
        next: format!(
            "If you approve, the third party may see this until {until}, or until you take it back."
        ),
        choice: AccountChoice::AnyOf,
    }
}
