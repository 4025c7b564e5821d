//! Periods counted from an anchor, UAE bank service initiation section 9.2.
//!
//! Period `k` is the half-open span of days from `start(k)` to `start(k + 1)`, and occurrence `k` is the anchor and `k` periods.
//! Months are always added to the anchor itself: 31 January gives 28 February, 31 March and 30 April. As long as periods align
//! to the anchor, occurrences are the first days of periods. Aligned to the calendar, periods begin with weeks, months and
//! years, the first of them at the anchor, and each still holds exactly one occurrence.

use serde::{Deserialize, Serialize};

use super::calendar::Day;

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PeriodType {
    /// One day.
    Day,
    /// Seven days.
    Week,
    /// One month.
    Month,
    /// Twelve months.
    Year,
}

/// Where periods begin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alignment {
    /// With the first day the consent names: a week from a Thursday ends on a Wednesday.
    #[default]
    Consent,
    /// With the calendar: weeks on Monday, months and years on their first day.
    Calendar,
}

/// Periods from an anchor on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Periods {
    /// How long each is.
    pub kind: PeriodType,
    /// The first day of the first.
    pub anchor: Day,
    /// Where those after it begin.
    pub alignment: Alignment,
}

/// One period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    /// Which, from zero.
    pub index: u32,
    /// Its first day.
    pub start: Day,
}

impl Periods {
    /// The period that holds a day; none before the anchor.
    #[must_use]
    pub fn holding(&self, day: Day) -> Option<Period> {
        if day < self.anchor {
            return None;
        }
        let index = match (self.kind, self.alignment) {
            (PeriodType::Day, _) => whole(day.days_since(self.anchor)),
            (PeriodType::Week, Alignment::Consent) => whole(day.days_since(self.anchor) / 7),
            (PeriodType::Week, Alignment::Calendar) => whole(day.days_since(self.anchor.monday()) / 7),
            (PeriodType::Month, Alignment::Calendar) => months(self.anchor, day),
            (PeriodType::Year, Alignment::Calendar) => {
                whole(i64::from(day.year()).saturating_sub(i64::from(self.anchor.year())))
            }
            (PeriodType::Month | PeriodType::Year, Alignment::Consent) => {
                let reached = months(self.anchor, day) / self.step();
                // The month of the day is reached, the day of the month perhaps not.
                let begun = self.occurrence(reached).is_some_and(|start| start <= day);
                if begun { reached } else { reached.saturating_sub(1) }
            }
        };
        self.start(index).map(|start| Period { index, start })
    }

    /// The first day of the `index`-th period; none beyond the calendar.
    #[must_use]
    pub fn start(&self, index: u32) -> Option<Day> {
        match (index, self.kind, self.alignment) {
            (0, ..) => Some(self.anchor),
            (_, PeriodType::Day, _) | (_, _, Alignment::Consent) => self.occurrence(index),
            (_, PeriodType::Week, Alignment::Calendar) => {
                self.anchor.monday().add_days(index.checked_mul(7)?).ok()
            }
            (_, PeriodType::Month, Alignment::Calendar) => {
                first(self.anchor.year(), self.anchor.month())?.add_months(index).ok()
            }
            (_, PeriodType::Year, Alignment::Calendar) => {
                first(self.anchor.year(), 1)?.add_months(index.checked_mul(12)?).ok()
            }
        }
    }

    /// The anchor and `index` periods; none beyond the calendar.
    #[must_use]
    pub fn occurrence(&self, index: u32) -> Option<Day> {
        match self.kind {
            PeriodType::Day => self.anchor.add_days(index).ok(),
            PeriodType::Week => self.anchor.add_days(index.checked_mul(7)?).ok(),
            PeriodType::Month | PeriodType::Year => {
                self.anchor.add_months(index.checked_mul(self.step())?).ok()
            }
        }
    }

    /// The period of which this day is the occurrence.
    #[must_use]
    pub fn occurring_on(&self, day: Day) -> Option<Period> {
        self.holding(day).filter(|period| self.occurrence(period.index) == Some(day))
    }

    /// Months of one period, where it has any.
    const fn step(&self) -> u32 {
        match self.kind {
            PeriodType::Year => 12,
            PeriodType::Day | PeriodType::Week | PeriodType::Month => 1,
        }
    }
}

/// From the month of one day to the month of a later one.
fn months(from: Day, to: Day) -> u32 {
    let number = |day: Day| i64::from(day.year()) * 12 + i64::from(day.month());
    whole(number(to) - number(from))
}

fn whole(count: i64) -> u32 {
    u32::try_from(count).unwrap_or_default()
}

fn first(year: i32, month: u32) -> Option<Day> {
    Day::new(year, month, 1).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::calendar::{Zone, read_instant};

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn periods(kind: PeriodType, anchor: &str) -> Periods {
        Periods { kind, anchor: day(anchor), alignment: Alignment::Consent }
    }

    fn starts(periods: Periods, count: u32) -> Vec<String> {
        (0..count).map(|index| periods.start(index).unwrap().to_string()).collect()
    }

    #[test]
    fn months_clamp_from_the_original_anchor() {
        assert_eq!(
            starts(periods(PeriodType::Month, "2026-12-31"), 5),
            ["2026-12-31", "2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]
        );
        let leap = periods(PeriodType::Year, "2028-02-29");
        assert_eq!(starts(leap, 5), ["2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]);
        let from_31 = periods(PeriodType::Month, "2026-12-31");
        for (text, index) in
            [("2027-02-27", 1), ("2027-02-28", 2), ("2027-03-30", 2), ("2027-03-31", 3), ("2027-04-30", 4)]
        {
            assert_eq!(from_31.holding(day(text)).unwrap().index, index, "{text}");
        }
    }

    #[test]
    fn the_day_begins_a_period_at_midnight_in_dubai() {
        let monthly = periods(PeriodType::Month, "2026-12-01");
        let index = |at: &str| monthly.holding(Zone::Dubai.day(read_instant(at).unwrap())).map(|it| it.index);
        assert_eq!(index("2026-11-30T19:59:59.999Z"), None, "before the anchor there is no period");
        assert_eq!(index("2026-11-30T20:00:00.000Z"), Some(0), "the anchor itself is in period 0");
        assert_eq!(index("2026-12-31T23:59:59.999+04:00"), Some(0));
        assert_eq!(index("2027-01-01T00:00:00.000+04:00"), Some(1));
        assert_eq!(index("2026-12-31T20:00:00Z"), Some(1));
    }

    #[test]
    fn a_week_is_seven_days_from_the_anchor_unless_aligned_to_the_calendar() {
        let thursday = periods(PeriodType::Week, "2026-11-26");
        assert_eq!(starts(thursday, 3), ["2026-11-26", "2026-12-03", "2026-12-10"]);
        let calendar = Periods { alignment: Alignment::Calendar, ..thursday };
        assert_eq!(starts(calendar, 3), ["2026-11-26", "2026-11-30", "2026-12-07"]);
        assert_eq!(calendar.occurring_on(day("2026-12-03")).unwrap().index, 1);
    }

    #[test]
    fn both_alignments_agree_when_the_anchor_is_the_first() {
        for (kind, anchor) in [
            (PeriodType::Month, "2026-12-01"),
            (PeriodType::Year, "2027-01-01"),
            (PeriodType::Week, "2026-11-30"),
        ] {
            let own = periods(kind, anchor);
            let calendar = Periods { alignment: Alignment::Calendar, ..own };
            assert_eq!(starts(own, 30), starts(calendar, 30), "{kind:?}");
        }
    }

    #[test]
    fn what_lies_beyond_the_calendar_has_no_start() {
        for kind in [PeriodType::Day, PeriodType::Week, PeriodType::Month, PeriodType::Year] {
            for alignment in [Alignment::Consent, Alignment::Calendar] {
                let periods = Periods { alignment, ..periods(kind, "2026-11-21") };
                assert_eq!((periods.start(u32::MAX), periods.occurrence(u32::MAX)), (None, None));
                assert!(periods.holding(Day::MAX).unwrap().start <= Day::MAX);
            }
        }
    }

    fn any_periods() -> impl Strategy<Value = Periods> {
        let kinds = prop::sample::select(vec![
            PeriodType::Day,
            PeriodType::Week,
            PeriodType::Month,
            PeriodType::Year,
        ]);
        let alignments = prop::sample::select(vec![Alignment::Consent, Alignment::Calendar]);
        (kinds, alignments, 0_u32..40_000).prop_map(|(kind, alignment, days)| Periods {
            kind,
            alignment,
            anchor: day("1990-01-01").add_days(days).unwrap(),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn every_day_from_the_anchor_on_is_in_exactly_one_period(periods in any_periods(), after in 0_u32..5000) {
            let day = periods.anchor.add_days(after).unwrap();
            let Period { index, start } = periods.holding(day).unwrap();
            prop_assert_eq!(periods.start(index), Some(start));
            prop_assert!(start <= day && day < periods.start(index + 1).unwrap());
            if let Ok(before) = periods.anchor.sub_days(after + 1) {
                prop_assert_eq!(periods.holding(before), None);
            }
        }

        #[test]
        fn a_later_period_starts_later_and_holds_its_own_occurrence(periods in any_periods(), index in 0_u32..400) {
            prop_assert!(periods.start(index).unwrap() < periods.start(index + 1).unwrap());
            let occurrence = periods.occurrence(index).unwrap();
            prop_assert_eq!(periods.holding(occurrence).unwrap().index, index);
            prop_assert_eq!(periods.occurring_on(occurrence).unwrap().index, index);
            if periods.kind != PeriodType::Day {
                prop_assert_eq!(periods.occurring_on(occurrence.add_days(1).unwrap()), None);
            }
        }

        #[test]
        fn an_occurrence_keeps_the_day_of_the_anchor_or_is_the_last_of_a_shorter_month(
            periods in any_periods(), index in 0_u32..400,
        ) {
            if matches!(periods.kind, PeriodType::Month | PeriodType::Year) {
                let occurrence = periods.occurrence(index).unwrap();
                let wanted = periods.anchor.day_of_month();
                let last = occurrence.add_days(1).unwrap().day_of_month() == 1;
                let same = occurrence.day_of_month() == wanted;
                prop_assert!(same || (last && occurrence.day_of_month() < wanted), "{occurrence}");
            }
        }
    }
}
