//! The payments of a UAE consent in words: one function for each type, and one for the combined consent. All words about a
//! type stand in its function.

mod listed;

use crate::consent::schedule::{Maxima, MultiPayment, PeriodicSchedule, Schedule, SinglePayment};
use crate::describe::{PaymentWords, Row, Section, plain, section, strong};
use crate::value::amount::Amount;
use crate::value::calendar::{Day, Zone};
use crate::value::period::{Alignment, PeriodType};

/// What is said about the payments of a consent.
pub(super) struct Words {
    /// The question in one line.
    pub(super) headline: String,
    /// The payment, shown first and largest.
    pub(super) payment: PaymentWords,
    /// Every field of the schedule.
    pub(super) sections: Vec<Section>,
    /// What happens on approval.
    pub(super) next: String,
}

/// What is said about one part of a schedule.
pub(super) struct PartWords {
    pub(super) headline: String,
    /// The part in a few words, without the payee.
    pub(super) gist: String,
    pub(super) lead: &'static str,
    pub(super) amount: String,
    pub(super) note: String,
    pub(super) rows: Vec<Row>,
    pub(super) next: String,
}

/// Who is paid and when the consent ends, in words.
pub(super) struct Around<'a> {
    pub(super) payee: &'a str,
    pub(super) until: &'a str,
}

pub(super) fn words(schedule: &Schedule, around: &Around<'_>) -> Words {
    match schedule {
        Schedule::Single(one) => alone(single(one, around), around),
        Schedule::Multi(several) => alone(multi(several, around), around),
        Schedule::Combined { single: one, multi: several } => combined(one, several, around),
    }
}

fn alone(part: PartWords, around: &Around<'_>) -> Words {
    Words {
        headline: part.headline,
        payment: PaymentWords {
            lead: part.lead.to_owned(),
            amount: part.amount,
            payee: around.payee.to_owned(),
            note: Some(part.note),
        },
        sections: section("Payment", part.rows).into_iter().collect(),
        next: format!("If you approve, {}", part.next),
    }
}

fn combined(one: &SinglePayment, several: &MultiPayment, around: &Around<'_>) -> Words {
    let payee = around.payee;
    let (first, further) = (single(one, around), multi(several, around));
    let (first_note, first_next) = match one {
        SinglePayment::Instant { .. } => (
            "Once, on the day you approve".to_owned(),
            format!(
                "one payment of {} to {payee} can be made today, on the day you approve, and not a second time",
                first.amount
            ),
        ),
        SinglePayment::FutureDated { .. } => (first.note, first.next),
    };
    let sections = [section("First payment", first.rows), section("Further payments", further.rows)];
    Words {
        headline: format!("Pay {payee} {}, and {}?", first.gist, further.gist),
        payment: PaymentWords {
            lead: first.lead.to_owned(),
            amount: first.amount,
            payee: payee.to_owned(),
            note: Some(format!("{first_note}; and {}", further.gist)),
        },
        sections: sections.into_iter().flatten().collect(),
        next: format!("If you approve, {first_next}. Beside it, {}", further.next),
    }
}

fn single(part: &SinglePayment, around: &Around<'_>) -> PartWords {
    match part {
        SinglePayment::Instant { amount } => instant(amount, around),
        SinglePayment::FutureDated { amount, execute_at } => {
            future_dated(amount, (Zone::Dubai.day(*execute_at), &Zone::Dubai.words(*execute_at)), around)
        }
    }
}

fn multi(part: &MultiPayment, around: &Around<'_>) -> PartWords {
    match part {
        MultiPayment::FixedRecurring { amount, payments, periodic } => {
            fixed_recurring((amount, *payments), periodic, around)
        }
        MultiPayment::FixedOnDemand { amount, lifetime, periodic } => {
            fixed_on_demand((amount, lifetime), periodic.as_ref(), around)
        }
        MultiPayment::VariableRecurring { individual, lifetime, periodic } => {
            variable_recurring((individual, lifetime), periodic, around)
        }
        MultiPayment::VariableOnDemand { individual, lifetime, periodic } => {
            variable_on_demand((individual.as_ref(), lifetime), periodic.as_ref(), around)
        }
        MultiPayment::VariableDefined { payments, lifetime } => listed::exactly((payments, lifetime), around),
        MultiPayment::DefinedUpTo { payments, lifetime } => listed::up_to((payments, lifetime), around),
    }
}

fn instant(amount: &Amount, around: &Around<'_>) -> PartWords {
    let Around { payee, until } = around;
    PartWords {
        headline: format!("Pay {amount} to {payee}?"),
        gist: format!("{amount} once, today"),
        lead: "You pay",
        amount: amount.to_string(),
        note: "One payment, today".to_owned(),
        rows: vec![strong("Amount", amount.to_string()), plain("How often", "Once, at once")],
        next: format!(
            "one payment of {amount} to {payee} is made at once. It cannot be made after {until}, and not a second time."
        ),
    }
}

fn future_dated(amount: &Amount, (day, at): (Day, &str), around: &Around<'_>) -> PartWords {
    let payee = around.payee;
    let day = day.words();
    PartWords {
        headline: format!("Pay {amount} to {payee} on {day}?"),
        gist: format!("{amount} once, on {day}"),
        lead: "You pay",
        amount: amount.to_string(),
        note: format!("One payment, on {day}"),
        rows: vec![
            strong("Amount", amount.to_string()),
            plain("How often", "Once, on a later day"),
            strong("Not paid before", at),
        ],
        next: format!(
            "one payment of {amount} to {payee} can be ordered until the end of {day}. It is made on that day, not \
             before {at}, and not a second time."
        ),
    }
}

fn fixed_recurring(
    (amount, payments): (&Amount, u32),
    periodic: &PeriodicSchedule,
    around: &Around<'_>,
) -> PartWords {
    let Around { payee, until } = around;
    let (every, first) = (every(periodic), periodic.periods.anchor.words());
    let last = periodic.periods.occurrence(payments.saturating_sub(1)).unwrap_or(Day::MAX).words();
    let total = Amount::new(amount.minor.saturating_mul(i64::from(payments)), &amount.currency);
    let times = times(payments);
    let mut rows = vec![
        strong("Amount of each payment", amount.to_string()),
        strong("Number of payments", payments.to_string()),
        strong("All payments together", total.to_string()),
        plain("How often", format!("Once {every}")),
        strong("First payment", &*first),
        strong("Last payment", last),
    ];
    rows.extend(of_each_period(periodic));
    PartWords {
        headline: format!("Pay {amount} to {payee} {every}, {times}?"),
        gist: format!("{amount} {every}, {times}"),
        lead: "You pay each time",
        amount: amount.to_string(),
        note: format!("{}, one {every} from {first} on", counted(payments)),
        rows,
        next: format!(
            "exactly {amount} is paid to {payee} on {first} and then {every}, {times} and {total} in all. A payment \
             that is missed is not made later. Nothing is paid after {until}."
        ),
    }
}

fn fixed_on_demand(
    (amount, lifetime): (&Amount, &Maxima),
    periodic: Option<&PeriodicSchedule>,
    around: &Around<'_>,
) -> PartWords {
    let Around { payee, until } = around;
    let InAll { up_to, note, bounds } = in_all(lifetime);
    let mut rows = vec![
        strong("Amount of each payment", amount.to_string()),
        plain("How often", "Whenever the third party orders it"),
    ];
    rows.extend(of_all(lifetime));
    rows.extend(periodic.into_iter().flat_map(of_each_period));
    PartWords {
        headline: format!("Allow payments of {amount} to {payee}{up_to}?"),
        gist: format!("{amount} whenever it is ordered{up_to}"),
        lead: "Each payment",
        amount: amount.to_string(),
        note: sentence(&note),
        rows,
        next: format!(
            "the third party can order payments of exactly {amount} to {payee} without asking you again: {bounds}{}. \
             Nothing is paid after {until}.",
            within_periods(periodic)
        ),
    }
}

fn variable_recurring(
    (individual, lifetime): (&Amount, &Maxima),
    periodic: &PeriodicSchedule,
    around: &Around<'_>,
) -> PartWords {
    let Around { payee, until } = around;
    let (every, first) = (every(periodic), periodic.periods.anchor.words());
    let InAll { up_to, note, bounds } = in_all(lifetime);
    let mut rows = vec![
        strong("Most of one payment", individual.to_string()),
        plain("How often", format!("Once {every}")),
        strong("First payment", &*first),
    ];
    rows.extend(of_all(lifetime));
    rows.extend(of_each_period(periodic));
    PartWords {
        headline: format!("Allow a payment of up to {individual} to {payee} {every}?"),
        gist: format!("up to {individual} {every}{up_to}"),
        lead: "Each payment, at most",
        amount: individual.to_string(),
        note: format!("One {every} from {first} on; {note}"),
        rows,
        next: format!(
            "the third party can order one payment of up to {individual} to {payee} on {first} and then {every}, \
             without asking you again: {bounds}. A payment that is missed is not made later. Nothing is paid after \
             {until}."
        ),
    }
}

fn variable_on_demand(
    (individual, lifetime): (Option<&Amount>, &Maxima),
    periodic: Option<&PeriodicSchedule>,
    around: &Around<'_>,
) -> PartWords {
    let Around { payee, until } = around;
    let InAll { up_to, note, bounds } = in_all(lifetime);
    let (each, one) = match individual {
        Some(most) => (format!("up to {most} each"), format!("up to {most}")),
        None => ("any amount".to_owned(), "any amount".to_owned()),
    };
    let most = individual.map_or_else(|| "any amount".to_owned(), Amount::to_string);
    let mut rows =
        vec![strong("Most of one payment", &*most), plain("How often", "Whenever the third party orders it")];
    rows.extend(of_all(lifetime));
    rows.extend(periodic.into_iter().flat_map(of_each_period));
    PartWords {
        headline: format!("Allow payments of {each} to {payee}{up_to}?"),
        gist: format!("{one} whenever it is ordered{up_to}"),
        lead: "Each payment, at most",
        amount: most,
        note: sentence(&note),
        rows,
        next: format!(
            "the third party can order payments of {each} to {payee} without asking you again: {bounds}{}. Nothing is \
             paid after {until}.",
            within_periods(periodic)
        ),
    }
}

fn of_all(most: &Maxima) -> impl Iterator<Item = Row> {
    let count = most.count.map(|most| strong("Most payments in all", most.to_string()));
    let value = most.value.as_ref().map(|most| strong("Most of all payments together", most.to_string()));
    count.into_iter().chain(value)
}

/// The bounds of all payments together, at the end of a question, in a note, and in a sentence.
struct InAll {
    up_to: String,
    note: String,
    bounds: String,
}

fn in_all(most: &Maxima) -> InAll {
    let up_to = most.value.as_ref().map(|total| format!(", up to {total} in all")).unwrap_or_default();
    let (note, bounds) = match (most.count.map(counted), &most.value) {
        (Some(count), Some(total)) => {
            (format!("at most {count}, {total} in all"), format!("at most {count} and {total} in all"))
        }
        (Some(count), None) => (format!("at most {count} in all"), format!("at most {count} in all")),
        (None, Some(total)) => (format!("at most {total} in all"), format!("at most {total} in all")),
        (None, None) => {
            const NONE: &str = "no limit on all payments together";
            (NONE.to_owned(), format!("with {NONE}"))
        }
    };
    InAll { up_to, note, bounds }
}

/// With a capital at its beginning.
fn sentence(note: &str) -> String {
    let mut letters = note.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// What a period is and what fits into one.
fn of_each_period(periodic: &PeriodicSchedule) -> Vec<Row> {
    let (length, first) = (length(periodic.periods.kind), periodic.periods.anchor.words());
    let period = match periodic.periods.alignment {
        Alignment::Consent => format!("One {length}, counted from {first} on"),
        Alignment::Calendar => format!("One {length} of the calendar, the first from {first} on"),
    };
    let mut rows = vec![plain("A period", period)];
    rows.extend(periodic.count.map(|most| strong("Most payments in a period", most.to_string())));
    let value = periodic.value.as_ref();
    rows.extend(value.map(|most| strong("Most of a period's payments together", most.to_string())));
    rows
}

/// ` and at most 3 payments and AED 150.00 every week, not before 23 November 2026`
fn within_periods(periodic: Option<&PeriodicSchedule>) -> String {
    let Some(periodic) = periodic else { return String::new() };
    let first = periodic.periods.anchor.words();
    let bounds = [periodic.count.map(counted), periodic.value.as_ref().map(Amount::to_string)];
    let bounds = bounds.into_iter().flatten().collect::<Vec<_>>().join(" and ");
    if bounds.is_empty() {
        return format!(", not before {first}");
    }
    format!(", of these at most {bounds} {}, and nothing before {first}", every(periodic))
}

const fn every(periodic: &PeriodicSchedule) -> &'static str {
    match periodic.periods.kind {
        PeriodType::Day => "every day",
        PeriodType::Week => "every week",
        PeriodType::Month => "every month",
        PeriodType::Year => "every year",
    }
}

const fn length(kind: PeriodType) -> &'static str {
    match kind {
        PeriodType::Day => "day",
        PeriodType::Week => "week",
        PeriodType::Month => "month",
        PeriodType::Year => "year",
    }
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn counted(count: u32) -> String {
    if count == 1 { "1 payment".to_owned() } else { format!("{count} payments") }
}
