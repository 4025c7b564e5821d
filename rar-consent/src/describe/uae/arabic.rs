//! The payments of a UAE consent in Arabic: one function for each type, and one for the combined consent, as `schedule` has
//! them in English. Digits are Latin and months are words, as banks of the Emirates write them. What others wrote is isolated
//! in every sentence, so that its direction moves nothing around it.

use super::schedule::{Around, PartWords, Words};
mod listed;

use crate::consent::schedule::{Maxima, MultiPayment, PeriodicSchedule, Schedule, SinglePayment};
use crate::describe::{PaymentWords, Row, isolated, plain, section, strong};
use crate::value::amount::Amount;
use crate::value::calendar::{Day, Zone};
use crate::value::period::{Alignment, PeriodType};

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
        sections: section("الدفع", part.rows).into_iter().collect(),
        next: format!("عند موافقتك، {}", part.next),
    }
}

fn combined(one: &SinglePayment, several: &MultiPayment, around: &Around<'_>) -> Words {
    let payee = isolated(around.payee);
    let (first, further) = (single(one, around), multi(several, around));
    let (first_note, first_next) = match one {
        SinglePayment::Instant { amount } => (
            "مرة واحدة، في يوم موافقتك".to_owned(),
            format!(
                "يمكن تنفيذ دفعة واحدة بمبلغ {} إلى {payee} اليوم، في يوم موافقتك، ولا تتكرر.",
                isolated(amount)
            ),
        ),
        SinglePayment::FutureDated { .. } => (first.note, first.next),
    };
    let sections = [section("الدفعة الأولى", first.rows), section("الدفعات التالية", further.rows)];
    Words {
        headline: format!("هل تريد دفع {} إلى {payee}، ثم {}؟", first.gist, further.gist),
        payment: PaymentWords {
            lead: first.lead.to_owned(),
            amount: first.amount,
            payee: around.payee.to_owned(),
            note: Some(format!("{first_note}؛ ثم {}", further.gist)),
        },
        sections: sections.into_iter().flatten().collect(),
        next: format!("عند موافقتك، {first_next} وإلى جانب ذلك، {}", further.next),
    }
}

fn single(part: &SinglePayment, around: &Around<'_>) -> PartWords {
    match part {
        SinglePayment::Instant { amount } => instant(amount, around),
        SinglePayment::FutureDated { amount, execute_at } => future_dated(
            amount,
            (Zone::Dubai.day(*execute_at), &Zone::Dubai.words_in_arabic(*execute_at)),
            around,
        ),
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

fn instant(paid: &Amount, around: &Around<'_>) -> PartWords {
    let (amount, payee, until) = (isolated(paid), isolated(around.payee), around.until);
    PartWords {
        headline: format!("هل تريد دفع {amount} إلى {payee}؟"),
        gist: format!("{amount} مرة واحدة اليوم"),
        lead: "المبلغ المدفوع",
        amount: paid.to_string(),
        note: "دفعة واحدة، اليوم".to_owned(),
        rows: vec![strong("المبلغ", paid.to_string()), plain("عدد المرات", "مرة واحدة، فورًا")],
        next: format!(
            "ستُنفَّذ فورًا دفعة واحدة بمبلغ {amount} إلى {payee}. ولا يمكن تنفيذها بعد {until}، ولا تتكرر."
        ),
    }
}

fn future_dated(paid: &Amount, (day, at): (Day, &str), around: &Around<'_>) -> PartWords {
    let (amount, payee) = (isolated(paid), isolated(around.payee));
    let day = day.words_in_arabic();
    PartWords {
        headline: format!("هل تريد دفع {amount} إلى {payee} في {day}؟"),
        gist: format!("{amount} مرة واحدة في {day}"),
        lead: "المبلغ المدفوع",
        amount: paid.to_string(),
        note: format!("دفعة واحدة، في {day}"),
        rows: vec![
            strong("المبلغ", paid.to_string()),
            plain("عدد المرات", "مرة واحدة، في يوم لاحق"),
            strong("لا يُدفع قبل", at),
        ],
        next: format!(
            "يمكن طلب دفعة واحدة بمبلغ {amount} إلى {payee} حتى نهاية يوم {day}. وتُنفَّذ في ذلك اليوم، وليس قبل {at}، ولا تتكرر."
        ),
    }
}

fn fixed_recurring(
    (paid, payments): (&Amount, u32),
    periodic: &PeriodicSchedule,
    around: &Around<'_>,
) -> PartWords {
    let (amount, payee, until) = (isolated(paid), isolated(around.payee), around.until);
    let (every, first) = (every(periodic), periodic.periods.anchor.words_in_arabic());
    let last = periodic.periods.occurrence(payments.saturating_sub(1)).unwrap_or(Day::MAX).words_in_arabic();
    let total = Amount::new(paid.minor.saturating_mul(i64::from(payments)), &paid.currency);
    let times = times(payments);
    let mut rows = vec![
        strong("مبلغ كل دفعة", paid.to_string()),
        strong("عدد الدفعات", payments.to_string()),
        strong("مجموع الدفعات", total.to_string()),
        plain("عدد المرات", format!("مرة {every}")),
        strong("الدفعة الأولى", &*first),
        strong("الدفعة الأخيرة", last),
    ];
    rows.extend(of_each_period(periodic));
    PartWords {
        headline: format!("هل تريد دفع {amount} إلى {payee} {every}، {times}؟"),
        gist: format!("{amount} {every}، {times}"),
        lead: "المبلغ في كل مرة",
        amount: paid.to_string(),
        note: format!("{}، دفعة {every} ابتداءً من {first}", counted(payments)),
        rows,
        next: format!(
            "سيُدفع مبلغ {amount} بالضبط إلى {payee} في {first} ثم {every}، {times}، بمجموع {}. والدفعة التي تفوت لا تُنفَّذ \
             لاحقًا. ولا يُدفع شيء بعد {until}.",
            isolated(&total)
        ),
    }
}

fn fixed_on_demand(
    (paid, lifetime): (&Amount, &Maxima),
    periodic: Option<&PeriodicSchedule>,
    around: &Around<'_>,
) -> PartWords {
    let (amount, payee, until) = (isolated(paid), isolated(around.payee), around.until);
    let InAll { up_to, note, bounds } = in_all(lifetime);
    let mut rows = vec![strong("مبلغ كل دفعة", paid.to_string()), plain("عدد المرات", ON_DEMAND)];
    rows.extend(of_all(lifetime));
    rows.extend(periodic.into_iter().flat_map(of_each_period));
    PartWords {
        headline: format!("هل تسمح بدفعات قيمة كل منها {amount} إلى {payee}{up_to}؟"),
        gist: format!("{amount} عند كل طلب{up_to}"),
        lead: "كل دفعة",
        amount: paid.to_string(),
        note,
        rows,
        next: format!(
            "يمكن للطرف الثالث أن يطلب دفعات قيمة كل منها {amount} بالضبط إلى {payee} دون الرجوع إليك: {bounds}{}. \
             ولا يُدفع شيء بعد {until}.",
            within_periods(periodic)
        ),
    }
}

fn variable_recurring(
    (most, lifetime): (&Amount, &Maxima),
    periodic: &PeriodicSchedule,
    around: &Around<'_>,
) -> PartWords {
    let (amount, payee, until) = (isolated(most), isolated(around.payee), around.until);
    let (every, first) = (every(periodic), periodic.periods.anchor.words_in_arabic());
    let InAll { up_to, note, bounds } = in_all(lifetime);
    let mut rows = vec![
        strong(MOST_OF_ONE, most.to_string()),
        plain("عدد المرات", format!("مرة {every}")),
        strong("الدفعة الأولى", &*first),
    ];
    rows.extend(of_all(lifetime));
    rows.extend(of_each_period(periodic));
    PartWords {
        headline: format!("هل تسمح بدفعة لا تتجاوز {amount} إلى {payee} {every}؟"),
        gist: format!("ما لا يتجاوز {amount} {every}{up_to}"),
        lead: "الحد الأقصى لكل دفعة",
        amount: most.to_string(),
        note: format!("دفعة {every} ابتداءً من {first}؛ {note}"),
        rows,
        next: format!(
            "يمكن للطرف الثالث أن يطلب دفعة واحدة لا تتجاوز {amount} إلى {payee} في {first} ثم {every}، دون الرجوع إليك: {bounds}. \
             والدفعة التي تفوت لا تُنفَّذ لاحقًا. ولا يُدفع شيء بعد {until}."
        ),
    }
}

fn variable_on_demand(
    (most, lifetime): (Option<&Amount>, &Maxima),
    periodic: Option<&PeriodicSchedule>,
    around: &Around<'_>,
) -> PartWords {
    let (payee, until) = (isolated(around.payee), around.until);
    let (each, one) = match most {
        Some(most) => {
            (format!("لا تتجاوز كل منها {}", isolated(most)), format!("ما لا يتجاوز {}", isolated(most)))
        }
        None => (format!("ب{ANY_AMOUNT}"), ANY_AMOUNT.to_owned()),
    };
    let most = most.map_or_else(|| ANY_AMOUNT.to_owned(), Amount::to_string);
    let InAll { up_to, note, bounds } = in_all(lifetime);
    let mut rows = vec![strong(MOST_OF_ONE, &*most), plain("عدد المرات", ON_DEMAND)];
    rows.extend(of_all(lifetime));
    rows.extend(periodic.into_iter().flat_map(of_each_period));
    PartWords {
        headline: format!("هل تسمح بدفعات {each} إلى {payee}{up_to}؟"),
        gist: format!("{one} عند كل طلب{up_to}"),
        lead: "الحد الأقصى لكل دفعة",
        amount: most,
        note,
        rows,
        next: format!(
            "يمكن للطرف الثالث أن يطلب دفعات {each} إلى {payee} دون الرجوع إليك: {bounds}{}. \
             ولا يُدفع شيء بعد {until}.",
            within_periods(periodic)
        ),
    }
}

const ON_DEMAND: &str = "كلما طلب الطرف الثالث ذلك";
const ANY_AMOUNT: &str = "أي مبلغ";
const MOST_OF_ONE: &str = "الحد الأقصى للدفعة الواحدة";

fn of_all(most: &Maxima) -> impl Iterator<Item = Row> {
    let count = most.count.map(|most| strong("الحد الأقصى لعدد الدفعات", most.to_string()));
    let value = most.value.as_ref().map(|most| strong("الحد الأقصى لمجموع الدفعات", most.to_string()));
    count.into_iter().chain(value)
}

/// The bounds of all payments together, at the end of a question, in a note, and in a sentence.
struct InAll {
    up_to: String,
    note: String,
    bounds: String,
}

fn in_all(most: &Maxima) -> InAll {
    let value = most.value.as_ref().map(|total| format!("بمجموع لا يتجاوز {}", isolated(total)));
    let up_to = value.as_ref().map(|value| format!("، {value}")).unwrap_or_default();
    let count = most.count.map(|most| format!("بحد أقصى {}", counted(most)));
    let (note, bounds) = match (count, value) {
        (Some(count), Some(value)) => (format!("{count}، و{value}"), format!("{count} و{value}")),
        (Some(only), None) | (None, Some(only)) => (only.clone(), only),
        (None, None) => {
            const NONE: &str = "دون حد أقصى لمجموع الدفعات";
            (NONE.to_owned(), NONE.to_owned())
        }
    };
    InAll { up_to, note, bounds }
}

/// What a period is and what fits into one.
fn of_each_period(periodic: &PeriodicSchedule) -> Vec<Row> {
    let (length, first) = (length(periodic.periods.kind), periodic.periods.anchor.words_in_arabic());
    let period = match periodic.periods.alignment {
        Alignment::Consent => format!("{length}، تُحسب ابتداءً من {first}"),
        Alignment::Calendar => format!("{length} حسب التقويم، تبدأ أولى الفترات في {first}"),
    };
    let mut rows = vec![plain("الفترة", period)];
    rows.extend(periodic.count.map(|most| strong("الحد الأقصى لعدد الدفعات في الفترة", most.to_string())));
    let value = periodic.value.as_ref();
    rows.extend(value.map(|most| strong("الحد الأقصى لمجموع الدفعات في الفترة", most.to_string())));
    rows
}

fn within_periods(periodic: Option<&PeriodicSchedule>) -> String {
    let Some(periodic) = periodic else { return String::new() };
    let first = periodic.periods.anchor.words_in_arabic();
    let most = |amount: &Amount| format!("مجموع قدره {}", isolated(amount));
    let bounds = [periodic.count.map(counted), periodic.value.as_ref().map(most)];
    let bounds = bounds.into_iter().flatten().collect::<Vec<_>>().join(" و");
    if bounds.is_empty() {
        return format!("، وليس قبل {first}");
    }
    format!("، منها {} بحد أقصى {bounds}، ولا شيء قبل {first}", every(periodic))
}

const fn every(periodic: &PeriodicSchedule) -> &'static str {
    match periodic.periods.kind {
        PeriodType::Day => "كل يوم",
        PeriodType::Week => "كل أسبوع",
        PeriodType::Month => "كل شهر",
        PeriodType::Year => "كل سنة",
    }
}

const fn length(kind: PeriodType) -> &'static str {
    match kind {
        PeriodType::Day => "يوم واحد",
        PeriodType::Week => "أسبوع واحد",
        PeriodType::Month => "شهر واحد",
        PeriodType::Year => "سنة واحدة",
    }
}

/// The noun follows the number: one, two, three to ten, and beyond, where the last two digits decide.
fn counted(count: u32) -> String {
    match (count, count % 100) {
        (1, _) => "دفعة واحدة".to_owned(),
        (2, _) => "دفعتين".to_owned(),
        (_, 3..=10) => format!("{count} دفعات"),
        (_, _) => format!("{count} دفعة"),
    }
}

fn times(count: u32) -> String {
    match (count, count % 100) {
        (1, _) => "مرة واحدة".to_owned(),
        (2, _) => "مرتين".to_owned(),
        (_, 3..=10) => format!("{count} مرات"),
        (_, _) => format!("{count} مرة"),
    }
}
