//! Payments on listed days, in English.

use super::{Around, InAll, PartWords, counted, in_all, of_all};
use crate::consent::outlook::bounds;
use crate::consent::schedule::{ListedPayment, Maxima};
use crate::describe::{Row, plain, strong};
use crate::value::amount::Amount;

pub(super) fn exactly((payments, lifetime): (&[ListedPayment], &Maxima), around: &Around<'_>) -> PartWords {
    let Around { payee, until } = around;
    let most = bounds(payments, lifetime);
    let bounded = most != bounds(payments, &Maxima::default());
    let InAll { bounds, .. } = in_all(&most);
    let total = most.value.as_ref().map(Amount::to_string).unwrap_or_default();
    let counted = counted(most.count.unwrap_or(u32::MAX));
    let mut rows: Vec<Row> =
        payments.iter().map(|listed| strong(&listed.day.words(), listed.amount.to_string())).collect();
    match bounded {
        true => rows.extend(of_all(lifetime)),
        false => rows.push(strong("All payments together", total.clone())),
    }
    let in_all = if bounded { bounds } else { format!("{total} in all") };
    rows.push(plain("How often", "Once on each of these days"));
    PartWords {
        headline: format!("Pay {total} to {payee} in {counted}?"),
        gist: format!("{total} in {counted} on days that are listed"),
        lead: "You pay in all",
        amount: total,
        note: format!("{counted} on the days listed below"),
        rows,
        next: format!(
            "exactly the amounts listed are paid to {payee} on their days, {in_all}. A payment that is missed is \
             not made later. Nothing is paid after {until}."
        ),
    }
}

pub(super) fn up_to((payments, lifetime): (&[ListedPayment], &Maxima), around: &Around<'_>) -> PartWords {
    let Around { payee, until } = around;
    let most = bounds(payments, lifetime);
    let InAll { bounds, .. } = in_all(&most);
    let counted = counted(most.count.unwrap_or(u32::MAX));
    let total = most.value.as_ref().map(Amount::to_string).unwrap_or_default();
    let day = |listed: &ListedPayment| strong(&listed.day.words(), format!("Up to {}", listed.amount));
    let mut rows: Vec<Row> = payments.iter().map(day).collect();
    rows.extend(of_all(lifetime));
    rows.push(plain("How often", "At most once on each of these days, when the third party orders it"));
    PartWords {
        headline: format!("Allow payments of up to {total} in all to {payee}, in {counted}?"),
        gist: format!("up to {total} in {counted} on days that are listed"),
        lead: "All payments together, at most",
        amount: total,
        note: format!("At most {counted}, on the days listed below"),
        rows,
        next: format!(
            "the third party can order one payment to {payee} on each of the days listed, up to the amount of that day, \
             without asking you again: {bounds}. A payment that is missed is not made later. Nothing is paid after \
             {until}."
        ),
    }
}
