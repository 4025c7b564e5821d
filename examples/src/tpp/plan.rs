//! What a payment consent of each type asks for, and what can be paid under it at once (UAE Bank Service Initiation sections
//! 5 to 5.2). Days are counted from the day the program runs, so it works on every day.

use clap::{Args, ValueEnum};
use oauth_core::Timestamp;
use rar_consent::{Alignment, Amount, Day, PeriodType, Periods, UaePaymentType, Zone};
use serde_json::{Value, json};

use super::error::{Stop, quoted};

/// Which consent is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// One payment, now
    SingleInstant,
    /// One payment, on a later day
    SingleFutureDated,
    /// The same amount every period
    FixedRecurring,
    /// The same amount whenever it is ordered
    FixedOnDemand,
    /// Up to an amount every period
    VariableRecurring,
    /// Up to an amount whenever it is ordered
    VariableOnDemand,
    /// Listed amounts on listed days
    VariableDefined,
    /// Listed days, on each up to an amount; only with --via uae-v1.2
    VariableDefinedUpTo,
    /// One payment now and the same amount every period
    Combined,
}

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Every {
    /// Every day
    Day,
    /// Every seven days
    Week,
    /// Every month
    Month,
    /// Every year
    Year,
}

/// The terms of a consent on the command line.
#[derive(Debug, Clone, Args)]
pub(crate) struct Terms {
    /// Which kind of consent, with --via uae and uae-v1.2
    #[arg(long = "type", value_enum, default_value = "single-instant", value_name = "KIND")]
    pub(super) kind: Kind,
    /// How many payments in all; for the kinds with several
    #[arg(long, value_name = "NUMBER")]
    pub(super) payments: Option<u32>,
    /// How long a period is
    #[arg(long, value_enum, default_value = "month", value_name = "PERIOD")]
    pub(super) every: Every,
    /// The first day, as in 2026-12-01: today without it, for a future dated payment tomorrow
    #[arg(long, value_name = "DAY")]
    pub(super) first: Option<String>,
    /// The most of one payment, for the variable kinds; without it the amount
    #[arg(long, value_name = "AMOUNT")]
    pub(super) most: Option<String>,
    /// The most of all payments together, for the kinds that have it; without it one payment times their number
    #[arg(long, value_name = "AMOUNT")]
    pub(super) total: Option<String>,
}

impl Terms {
    /// One payment, now.
    pub(super) const ONCE: Self = Self {
        kind: Kind::SingleInstant,
        payments: None,
        every: Every::Month,
        first: None,
        most: None,
        total: None,
    };
}

/// A consent to ask for, and what is ordered under it once it is approved.
#[derive(Debug, PartialEq)]
pub(crate) struct Plan {
    /// `ControlParameters.ConsentSchedule`.
    pub(crate) schedule: Value,
    /// `ExpirationDateTime`.
    pub(crate) until: String,
    /// What can be paid today, part by part.
    pub(crate) today: Vec<UaePaymentType>,
    /// What is paid later, in words; empty when nothing is.
    pub(crate) later: String,
}

/// The plan for these terms on the day of `now` in Dubai.
pub(crate) fn plan(terms: &Terms, amount: &str, now: Timestamp) -> Result<Plan, Stop> {
    let today = Zone::Dubai.day(now);
    let default_first = match terms.kind {
        Kind::SingleFutureDated => today.add_days(1).unwrap_or(Day::MAX),
        Kind::SingleInstant
        | Kind::FixedRecurring
        | Kind::FixedOnDemand
        | Kind::VariableRecurring
        | Kind::VariableOnDemand
        | Kind::VariableDefined
        | Kind::VariableDefinedUpTo
        | Kind::Combined => today,
    };
    let first = terms.first.as_deref().map_or(Ok(default_first), day)?;
    let draft = Draft { terms, amount: money("--amount", amount)?, first, today };
    let one = draft.amount.decimal();
    let several = |part: Value, on: Vec<UaePaymentType>| Plan {
        schedule: json!({"MultiPayment": part}),
        until: end_of(today.add_months(12).unwrap_or(Day::MAX)),
        today: on,
        later: String::new(),
    };
    Ok(match terms.kind {
        Kind::SingleInstant => Plan {
            schedule: json!({"SinglePayment": single(&one)}),
            until: end_of(today),
            today: vec![UaePaymentType::SingleInstant],
            later: String::new(),
        },
        Kind::SingleFutureDated => Plan {
            schedule: json!({"SinglePayment": {
                "Type": UaePaymentType::SingleFutureDated, "Amount": aed(&one),
                "RequestedExecutionDateTime": format!("{first}T06:00:00+04:00")}}),
            until: end_of(first),
            today: vec![UaePaymentType::SingleFutureDated],
            later: format!("the bank pays it on {first}, at 06:00 in Dubai"),
        },
        Kind::FixedRecurring => draft.recurring(several(draft.fixed_recurring(), Vec::new())),
        Kind::FixedOnDemand => several(
            draft.with_maxima(
                json!({"Type": UaePaymentType::FixedOnDemand, "Amount": aed(&one)}),
                &draft.amount,
            )?,
            vec![UaePaymentType::FixedOnDemand],
        ),
        Kind::VariableRecurring => {
            let part = draft.variable(UaePaymentType::VariableRecurring)?;
            draft.recurring(several(part, Vec::new()))
        }
        Kind::VariableOnDemand => {
            several(draft.variable(UaePaymentType::VariableOnDemand)?, vec![UaePaymentType::VariableOnDemand])
        }
        Kind::VariableDefined => draft.recurring(several(draft.listed(), Vec::new())),
        Kind::VariableDefinedUpTo => draft.recurring(several(draft.listed_up_to()?, Vec::new())),
        Kind::Combined => {
            let mut plan = draft.recurring(several(draft.fixed_recurring(), Vec::new()));
            if let Some(schedule) = plan.schedule.as_object_mut() {
                schedule.insert("SinglePayment".to_owned(), single(&one));
            }
            plan.today.insert(0, UaePaymentType::SingleInstant);
            plan
        }
    })
}

/// What the parts of a plan are made of.
struct Draft<'a> {
    terms: &'a Terms,
    amount: Amount,
    first: Day,
    today: Day,
}

impl Draft<'_> {
    fn payments(&self) -> u32 {
        let default = if self.terms.every == Every::Year { 2 } else { 12 };
        self.terms.payments.unwrap_or(default)
    }

    fn periods(&self) -> Periods {
        let kind = match self.terms.every {
            Every::Day => PeriodType::Day,
            Every::Week => PeriodType::Week,
            Every::Month => PeriodType::Month,
            Every::Year => PeriodType::Year,
        };
        Periods { kind, anchor: self.first, alignment: Alignment::Consent }
    }

    fn periodic(&self) -> Value {
        json!({"PeriodType": self.periods().kind, "PeriodStartDate": self.first.to_string()})
    }

    fn fixed_recurring(&self) -> Value {
        let mut periodic = self.periodic();
        set(&mut periodic, "Amount", aed(&self.amount.decimal()));
        json!({
            "Type": UaePaymentType::FixedRecurring,
            "TotalNumberOfPayments": self.payments(),
            "PeriodicSchedule": periodic,
        })
    }

    fn variable(&self, kind: UaePaymentType) -> Result<Value, Stop> {
        let most =
            self.terms.most.as_deref().map_or(Ok(self.amount.clone()), |most| money("--most", most))?;
        let part = json!({"Type": kind, "MaximumIndividualPaymentAmount": aed(&most.decimal())});
        self.with_maxima(part, &most)
    }

    /// The part with its lifetime maxima and its periods.
    fn with_maxima(&self, mut part: Value, one: &Amount) -> Result<Value, Stop> {
        let all = Amount::new(one.minor.saturating_mul(i64::from(self.payments())), CURRENCY);
        let total = self.terms.total.as_deref().map_or(Ok(all), |total| money("--total", total))?;
        set(&mut part, "MaximumCumulativeNumberOfPayments", self.payments().into());
        set(&mut part, "MaximumCumulativeValueOfPayments", aed(&total.decimal()));
        set(&mut part, "PeriodicSchedule", self.periodic());
        Ok(part)
    }

    fn listed(&self) -> Value {
        let days = (0..self.payments()).filter_map(|index| self.periods().occurrence(index));
        let entry = |day: Day| json!({"PaymentExecutionDate": day.to_string(), "Amount": aed(&self.amount.decimal())});
        let listed: Vec<Value> = days.map(entry).collect();
        json!({"Type": UaePaymentType::VariableDefined, "PaymentSchedule": listed})
    }

    /// The same list in the words of version 1.2, which alone has it: the amounts are what each payment has at most.
    fn listed_up_to(&self) -> Result<Value, Stop> {
        let most =
            self.terms.most.as_deref().map_or(Ok(self.amount.clone()), |most| money("--most", most))?;
        let days = (0..self.payments()).filter_map(|index| self.periods().occurrence(index));
        let entry = |day: Day| json!({"PaymentExecutionDate": day.to_string(), "MaximumIndividualAmount": aed(&most.decimal())});
        let mut part = json!({"Type": UP_TO, "PaymentSchedule": days.map(entry).collect::<Vec<Value>>()});
        if let Some(total) = &self.terms.total {
            set(&mut part, "MaximumCumulativeValueOfPayments", aed(&money("--total", total)?.decimal()));
        }
        Ok(part)
    }

    /// The plan of payments that have their days: the first is made at once when its day is today.
    fn recurring(&self, mut plan: Plan) -> Plan {
        let kind = plan.schedule.pointer("/MultiPayment/Type").cloned().unwrap_or_default();
        if self.first == self.today {
            let own = if kind == UP_TO { json!(UaePaymentType::VariableDefined) } else { kind };
            plan.today.extend(serde_json::from_value::<UaePaymentType>(own));
        }
        let next = (0..self.payments()).filter_map(|index| self.periods().occurrence(index));
        let next = next.into_iter().find(|day| *day > self.today);
        plan.later = next.map(|day| format!("the next payment is due on {day}")).unwrap_or_default();
        plan
    }
}

const CURRENCY: &str = "AED";
/// The one type that the early drafts do not have.
pub(super) const UP_TO: &str = "VariableDefinedSchedule";

fn single(amount: &str) -> Value {
    json!({"Type": UaePaymentType::SingleInstant, "Amount": aed(amount)})
}

fn aed(amount: &str) -> Value {
    json!({"Amount": amount, "Currency": CURRENCY})
}

/// Adds a member to a part.
pub(super) fn set(part: &mut Value, name: &str, value: Value) {
    if let Some(members) = part.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

/// The last second of a day in Dubai.
fn end_of(day: Day) -> String {
    format!("{day}T23:59:59+04:00")
}

fn day(text: &str) -> Result<Day, Stop> {
    Day::parse(text).map_err(|_| Stop::Declined(format!("--first {}: write it as 2026-12-01", quoted(text))))
}

fn money(flag: &str, text: &str) -> Result<Amount, Stop> {
    Amount::read(text, CURRENCY).map_err(|_| {
        Stop::Declined(format!("{flag} {}: write it as 149.90, and more than 0.00", quoted(text)))
    })
}

#[cfg(test)]
mod tests {
    use oauth_core::{
        AuthorizationDetails, Client, ConsentFacts, DetailTypes as _, DetailsCase, FAPI2_SECURITY, Scope,
    };
    use rar_consent::{DetailRegistry, read_instant};

    use super::*;

    const DETAILS_TYPE: &str = "urn:openfinanceuae:service-initiation-consent";

    fn terms(kind: Kind, every: Every) -> Terms {
        Terms { kind, every, ..Terms::ONCE }
    }

    /// Whether the bank takes a consent with this plan.
    fn is_taken(plan: &Plan, now: Timestamp) -> Result<(), String> {
        let element = json!({"Type": "PaymentConsent", "Data": {
            "ConsentId": "3f0a9b64-9d0e-4c57-8d6b-1f2f7b5c0a01",
            "ExpirationDateTime": plan.until,
            "ControlParameters": {"ConsentSchedule": plan.schedule},
            "Initiation": {"CreditorAccount": {
                "IdentificationType": "UAEOF.IBAN", "Identification": "AE050260001015432198765",
                "Name": {"en": "Date Palm Books LLC"}}},
            "PayerReference": "88121", "PaymentPurposeCode": "GDDS"}});
        let client = json!({
            "client_id": "tpp", "organisation": {"name": "T", "id": "t", "domain": "tpp.example"},
            "token_endpoint_auth_method": "private_key_jwt", "dpop_bound_access_tokens": true,
            "redirect_uris": ["https://tpp.example/cb"], "jwks_uri": "https://tpp.example/jwks",
            "authorization_details_types": [DETAILS_TYPE]});
        let client =
            Client::register(serde_json::from_value(client).unwrap(), &FAPI2_SECURITY).expect("registered");
        let case = DetailsCase {
            asked: &AuthorizationDetails::from_value(json!([element])).unwrap(),
            scope: &Scope::new("openid payments").unwrap(),
            client: &client,
            facts: &ConsentFacts::default(),
            now,
            fresh: &[7; 32].into(),
        };
        DetailRegistry::standard().vet(&case).map(drop).map_err(|refusal| format!("{refusal:?}"))
    }

    #[test]
    fn every_kind_is_taken_by_the_bank_on_every_day_of_the_year() {
        for kind in Kind::value_variants().iter().filter(|kind| **kind != Kind::VariableDefinedUpTo) {
            for every in Every::value_variants() {
                for offset in 0..800 {
                    let day = Day::parse("2027-01-01").unwrap().add_days(offset).unwrap();
                    let now = read_instant(&format!("{day}T23:59:00+04:00")).unwrap();
                    let plan = plan(&terms(*kind, *every), "149.90", now).unwrap();
                    is_taken(&plan, now).unwrap_or_else(|why| panic!("{kind:?} {every:?} {day}: {why}"));
                }
            }
        }
    }

    #[test]
    fn what_is_due_today_is_paid_today_and_the_rest_is_told() {
        let now = read_instant("2026-11-21T08:00:00Z").unwrap();
        let planned = |kind| plan(&terms(kind, Every::Month), "10.00", now).unwrap();
        let recurring = planned(Kind::FixedRecurring);
        assert_eq!(recurring.today, [UaePaymentType::FixedRecurring]);
        assert_eq!(recurring.later, "the next payment is due on 2026-12-21");
        let both = [UaePaymentType::SingleInstant, UaePaymentType::FixedRecurring];
        assert_eq!(planned(Kind::Combined).today, both);
        let later = Terms { first: Some("2026-12-01".to_owned()), ..terms(Kind::Combined, Every::Week) };
        let later = plan(&later, "10.00", now).unwrap();
        assert_eq!((later.today.len(), &*later.later), (1, "the next payment is due on 2026-12-01"));
        let once = planned(Kind::SingleInstant);
        assert_eq!((once.today.len(), &*once.later), (1, ""));
    }

    #[test]
    fn a_flag_that_cannot_be_read_stops_the_run() {
        let now = read_instant("2026-11-21T08:00:00Z").unwrap();
        let bad = [
            Terms { first: Some("1 December".to_owned()), ..Terms::ONCE },
            Terms { most: Some("5".to_owned()), ..terms(Kind::VariableOnDemand, Every::Day) },
            Terms { total: Some("0.00".to_owned()), ..terms(Kind::FixedOnDemand, Every::Day) },
        ];
        assert!(bad.iter().all(|terms| plan(terms, "10.00", now).is_err()));
        assert!(plan(&Terms::ONCE, "10", now).is_err());
    }
}
