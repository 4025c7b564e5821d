//! Days as each ecosystem counts them, and instants as RFC 3339 writes them.
//!
//! A business day begins at midnight of a fixed offset: neither Dubai nor Manila changes its clocks.

use std::fmt;

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, NaiveTime, Timelike as _, Utc};
use oauth_core::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};

/// Where a day begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Zone {
    /// UTC+04:00.
    Dubai,
    /// UTC+08:00.
    Manila,
    /// UTC.
    Utc,
}

const ARABIC_MONTHS: [&str; 12] = [
    "يناير",
    "فبراير",
    "مارس",
    "أبريل",
    "مايو",
    "يونيو",
    "يوليو",
    "أغسطس",
    "سبتمبر",
    "أكتوبر",
    "نوفمبر",
    "ديسمبر",
];

impl Zone {
    /// The day that holds this instant here. Instants beyond the years 1 to 9999 give the nearest day within.
    #[must_use]
    pub fn day(self, at: Timestamp) -> Day {
        civil(at.millis().saturating_add(self.ahead_millis()))
            .map_or(if at < Timestamp::EPOCH { Day::MIN } else { Day::MAX }, |local| Day(local.date_naive()))
    }

    /// The same clock time one year later; on 28 February for 29 February.
    pub(crate) fn year_after(self, at: Timestamp) -> Timestamp {
        let day = self.day(at);
        let days = day.add_months(12).unwrap_or(Day::MAX).days_since(day);
        at.plus(Seconds::days(days))
    }

    /// An instant in words: `21 November 2026, 23:59:59 (Dubai time)`.
    pub(crate) fn words(self, at: Timestamp) -> String {
        let local =
            civil(at.millis().saturating_add(self.ahead_millis())).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let place = match self {
            Self::Dubai => "Dubai time",
            Self::Manila => "Manila time",
            Self::Utc => "UTC",
        };
        format!("{} ({place})", local.format("%-d %B %Y, %H:%M:%S"))
    }

    /// An instant in Arabic: the day, the month as a word, the time of day with Latin digits.
    pub(crate) fn words_in_arabic(self, at: Timestamp) -> String {
        let local =
            civil(at.millis().saturating_add(self.ahead_millis())).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let place = match self {
            Self::Dubai => "بتوقيت دبي",
            Self::Manila => "بتوقيت مانيلا",
            Self::Utc => "بالتوقيت العالمي",
        };
        format!("{}، الساعة {} ({place})", self.day(at).words_in_arabic(), local.format("%H:%M:%S"))
    }

    const fn ahead_millis(self) -> i64 {
        match self {
            Self::Dubai => 4 * HOUR_MILLIS,
            Self::Manila => 8 * HOUR_MILLIS,
            Self::Utc => 0,
        }
    }
}

/// A day of the calendar, years 1 to 9999. Its text is `YYYY-MM-DD`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(NaiveDate);

impl Day {
    /// 0001-01-01.
    pub const MIN: Self = Self(first_of_year_one());
    /// 9999-12-31.
    pub const MAX: Self = Self(last_of_year_9999());

    /// A day that exists in the calendar.
    ///
    /// # Errors
    /// [`CalendarFault::NoSuchDay`].
    pub fn new(year: i32, month: u32, day: u32) -> Result<Self, CalendarFault> {
        NaiveDate::from_ymd_opt(year, month, day).and_then(Self::within).ok_or(CalendarFault::NoSuchDay)
    }

    /// Reads `YYYY-MM-DD`, ASCII digits only (RFC 3339 section 5.6 `full-date`).
    ///
    /// # Errors
    /// [`CalendarFault::Malformed`] for any other spelling, [`CalendarFault::NoSuchDay`] for 30 February.
    pub fn parse(text: &str) -> Result<Self, CalendarFault> {
        match text.as_bytes() {
            [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] => {
                let year = decimal(&[*y1, *y2, *y3, *y4])?;
                let year = i32::try_from(year).map_err(|_| CalendarFault::Malformed)?;
                Self::new(year, decimal(&[*m1, *m2])?, decimal(&[*d1, *d2])?)
            }
            _ => Err(CalendarFault::Malformed),
        }
    }

    /// The same day of the month so many months later, or the last day of that month when it is shorter. Count from the
    /// original anchor each time: 31 January gives 28 February, 31 March, 30 April.
    ///
    /// # Errors
    /// [`CalendarFault::OutOfRange`] after the year 9999.
    pub fn add_months(self, months: u32) -> Result<Self, CalendarFault> {
        let later = self.0.checked_add_months(Months::new(months));
        later.and_then(Self::within).ok_or(CalendarFault::OutOfRange)
    }

    /// So many days later.
    ///
    /// # Errors
    /// [`CalendarFault::OutOfRange`] after the year 9999.
    pub fn add_days(self, days: u32) -> Result<Self, CalendarFault> {
        let later = self.0.checked_add_days(Days::new(u64::from(days)));
        later.and_then(Self::within).ok_or(CalendarFault::OutOfRange)
    }

    /// So many days earlier.
    ///
    /// # Errors
    /// [`CalendarFault::OutOfRange`] before the year 1.
    pub fn sub_days(self, days: u32) -> Result<Self, CalendarFault> {
        let earlier = self.0.checked_sub_days(Days::new(u64::from(days)));
        earlier.and_then(Self::within).ok_or(CalendarFault::OutOfRange)
    }

    /// Days from `earlier` to this day; negative when `earlier` is later.
    #[must_use]
    pub fn days_since(self, earlier: Self) -> i64 {
        self.0.signed_duration_since(earlier.0).num_days()
    }

    /// The first instant of this day there.
    #[must_use]
    pub fn start_of_day(self, zone: Zone) -> Timestamp {
        let midnight = self.0.and_time(NaiveTime::MIN).and_utc().timestamp_millis();
        Timestamp::from_millis(midnight.saturating_sub(zone.ahead_millis()))
    }

    /// The first instant of the next day there: this day is `start_of_day..end_of_day`.
    #[must_use]
    pub fn end_of_day(self, zone: Zone) -> Timestamp {
        Timestamp::from_millis(self.start_of_day(zone).millis().saturating_add(24 * HOUR_MILLIS))
    }

    /// A day in words: `21 November 2026`.
    pub(crate) fn words(self) -> String {
        self.0.format("%-d %B %Y").to_string()
    }

    /// A day in Arabic, with the names that months have in the Emirates and Latin digits.
    pub(crate) fn words_in_arabic(self) -> String {
        let month = usize::try_from(self.0.month0()).ok().and_then(|month| ARABIC_MONTHS.get(month));
        format!("{} {} {}", self.0.day(), month.unwrap_or(&""), self.0.year())
    }

    /// The Monday that begins its week.
    pub(crate) fn monday(self) -> Self {
        self.sub_days(self.0.weekday().num_days_from_monday()).unwrap_or(Self::MIN)
    }

    /// The year.
    #[must_use]
    pub fn year(self) -> i32 {
        self.0.year()
    }

    /// The month, 1 to 12.
    #[must_use]
    pub fn month(self) -> u32 {
        self.0.month()
    }

    /// The day of the month, 1 to 31.
    #[must_use]
    pub fn day_of_month(self) -> u32 {
        self.0.day()
    }

    fn within(date: NaiveDate) -> Option<Self> {
        (1..=9999).contains(&date.year()).then_some(Self(date))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year(), self.month(), self.day_of_month())
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Day({self})")
    }
}

impl TryFrom<String> for Day {
    type Error = CalendarFault;
    fn try_from(text: String) -> Result<Self, CalendarFault> {
        Self::parse(&text)
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

/// Reads an RFC 3339 section 5.6 `date-time` of the years 1 to 9999 in UTC. The offset is mandatory, `T` and `Z`
/// are upper case, a leap second is refused, and what is finer than a millisecond is dropped.
///
/// # Errors
/// [`CalendarFault`] says which of these rules it breaks.
pub fn read_instant(text: &str) -> Result<Timestamp, CalendarFault> {
    let (date, rest) = text.split_once('T').ok_or(CalendarFault::Malformed)?;
    let day = Day::parse(date)?;
    let (clock, rest) = rest.split_at_checked(8).ok_or(CalendarFault::Malformed)?;
    let seconds = seconds_of_day(clock)?;
    let (fraction, offset) = rest.split_at(rest.find(['Z', '+', '-']).ok_or(CalendarFault::Malformed)?);
    let millis = seconds
        .saturating_mul(1000)
        .saturating_add(fraction_millis(fraction)?)
        .saturating_sub(offset_minutes(offset)?.saturating_mul(60_000));
    let at = day.start_of_day(Zone::Utc).millis().saturating_add(millis);
    match civil(at).map(|civil| civil.year()) {
        Some(1..=9999) => Ok(Timestamp::from_millis(at)),
        Some(_) | None => Err(CalendarFault::OutOfRange),
    }
}

/// How finely an instant is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// `2026-11-21T08:15:30Z`, rounded down.
    Seconds,
    /// `2026-11-21T08:15:30.412Z`.
    Milliseconds,
}

/// Writes RFC 3339 in UTC with `Z`. Instants beyond the years 1 to 9999 are written as the nearest one within.
#[must_use]
pub fn write_instant(at: Timestamp, precision: Precision) -> String {
    let last = Day::MAX.end_of_day(Zone::Utc).millis().saturating_sub(1);
    let millis = at.millis().clamp(Day::MIN.start_of_day(Zone::Utc).millis(), last);
    let utc = DateTime::<Utc>::from_timestamp_millis(millis).unwrap_or_default();
    let day = Day(utc.date_naive());
    let clock = format!("{:02}:{:02}:{:02}", utc.hour(), utc.minute(), utc.second());
    match precision {
        Precision::Seconds => format!("{day}T{clock}Z"),
        Precision::Milliseconds => format!("{day}T{clock}.{:03}Z", utc.timestamp_subsec_millis()),
    }
}

/// Why a day or an instant cannot be read or computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CalendarFault {
    /// Not the required spelling.
    #[error("not a date or date-time in the required form")]
    Malformed,
    /// The calendar or the clock has no such day, hour, minute or offset; leap seconds included.
    #[error("no such day or time")]
    NoSuchDay,
    /// Outside the years we carry.
    #[error("date out of range")]
    OutOfRange,
}

const HOUR_MILLIS: i64 = 3_600_000;

fn civil(millis: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(millis).filter(|civil| (1..=9999).contains(&civil.year()))
}

fn decimal(digits: &[u8]) -> Result<u32, CalendarFault> {
    digits.iter().try_fold(0_u32, |value, byte| {
        let digit =
            byte.is_ascii_digit().then(|| byte.saturating_sub(b'0')).ok_or(CalendarFault::Malformed)?;
        Ok(value.saturating_mul(10).saturating_add(u32::from(digit)))
    })
}

fn bounded(digits: [u8; 2], end: u32) -> Result<i64, CalendarFault> {
    let value = decimal(&digits)?;
    if value < end { Ok(i64::from(value)) } else { Err(CalendarFault::NoSuchDay) }
}

fn seconds_of_day(clock: &str) -> Result<i64, CalendarFault> {
    match *clock.as_bytes() {
        [h1, h2, b':', m1, m2, b':', s1, s2] => {
            let minutes = bounded([h1, h2], 24)?.saturating_mul(60).saturating_add(bounded([m1, m2], 60)?);
            Ok(minutes.saturating_mul(60).saturating_add(bounded([s1, s2], 60)?))
        }
        _ => Err(CalendarFault::Malformed),
    }
}

fn fraction_millis(text: &str) -> Result<i64, CalendarFault> {
    match text.as_bytes() {
        [] => Ok(0),
        [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => {
            decimal(digits)?;
            let mut padded = digits.iter().copied().chain([b'0', b'0']);
            let millis = std::array::from_fn::<u8, 3, _>(|_| padded.next().unwrap_or(b'0'));
            decimal(&millis).map(i64::from)
        }
        _ => Err(CalendarFault::Malformed),
    }
}

fn offset_minutes(text: &str) -> Result<i64, CalendarFault> {
    match *text.as_bytes() {
        [b'Z'] => Ok(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let minutes = bounded([h1, h2], 24)?.saturating_mul(60).saturating_add(bounded([m1, m2], 60)?);
            Ok(if sign == b'-' { minutes.saturating_neg() } else { minutes })
        }
        _ => Err(CalendarFault::Malformed),
    }
}

const fn first_of_year_one() -> NaiveDate {
    match NaiveDate::from_ymd_opt(1, 1, 1) {
        Some(day) => day,
        None => NaiveDate::MIN,
    }
}

const fn last_of_year_9999() -> NaiveDate {
    match NaiveDate::from_ymd_opt(9999, 12, 31) {
        Some(day) => day,
        None => NaiveDate::MAX,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        read_instant(text).unwrap()
    }

    #[test]
    fn a_day_begins_at_midnight_of_its_zone() {
        assert_eq!(Zone::Dubai.day(at("2026-11-21T19:59:59.999Z")), day("2026-11-21"));
        assert_eq!(Zone::Dubai.day(at("2026-11-21T20:00:00Z")), day("2026-11-22"));
        assert_eq!(Zone::Manila.day(at("2026-12-31T15:59:59.999Z")).year(), 2026);
        assert_eq!(Zone::Manila.day(at("2026-12-31T16:00:00Z")).year(), 2027);
        assert_eq!(day("2026-11-22").start_of_day(Zone::Dubai), at("2026-11-22T00:00:00+04:00"));
        assert_eq!(day("2026-11-22").end_of_day(Zone::Manila), at("2026-11-23T00:00:00+08:00"));
    }

    #[test]
    fn instants_beyond_the_calendar_give_its_first_or_last_day() {
        assert_eq!(Zone::Manila.day(Timestamp::FAR_FUTURE), Day::MAX);
        assert_eq!(Zone::Utc.day(Timestamp::from_millis(i64::MIN)), Day::MIN);
        assert_eq!(Day::MAX.add_days(1), Err(CalendarFault::OutOfRange));
        assert_eq!(Day::MAX.add_months(u32::MAX), Err(CalendarFault::OutOfRange));
        assert_eq!(Day::MIN.sub_days(1), Err(CalendarFault::OutOfRange));
        assert_eq!(Day::MAX.to_string(), "9999-12-31");
        assert_eq!(Day::MIN.to_string(), "0001-01-01");
    }

    #[test]
    fn only_the_canonical_spelling_of_a_day_is_read() {
        for text in [
            "2026-1-1",
            "26-01-01",
            "2026/01/01",
            "2026-01-01 ",
            "+2026-01-01",
            "-026-01-01",
            "2026-01-+1",
            "",
            "\u{ff12}026-01-01",
            "2026-01-01T00:00:00Z",
            "20260101",
        ] {
            assert_eq!(Day::parse(text), Err(CalendarFault::Malformed), "{text:?}");
        }
        for text in
            ["2026-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "2026-01-00", "0000-01-01", "1900-02-29"]
        {
            assert_eq!(Day::parse(text), Err(CalendarFault::NoSuchDay), "{text}");
        }
        assert_eq!(day("2028-02-29").to_string(), "2028-02-29");
        assert_eq!(serde_json::to_string(&day("2026-11-21")).unwrap(), "\"2026-11-21\"");
    }

    #[test]
    fn months_are_counted_from_the_anchor_and_clamped() {
        let anchor = day("2026-01-31");
        let starts: Vec<String> = (0..5).map(|k| anchor.add_months(k).unwrap().to_string()).collect();
        assert_eq!(starts, ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]);
        assert_eq!(day("2028-02-29").add_months(12), Ok(day("2029-02-28")));
        assert_eq!(day("2028-02-29").add_months(48), Ok(day("2032-02-29")));
    }

    #[test]
    fn an_instant_needs_its_offset_and_nothing_else_around_it() {
        for (text, utc) in [
            ("2026-11-21T08:15:30Z", "2026-11-21T08:15:30.000Z"),
            ("2026-11-21T08:15:30.4129Z", "2026-11-21T08:15:30.412Z"),
            ("2026-11-21T08:15:30.5+04:00", "2026-11-21T04:15:30.500Z"),
            ("2026-11-21T08:15:30-23:59", "2026-11-22T08:14:30.000Z"),
            ("2026-11-21T08:15:30-00:00", "2026-11-21T08:15:30.000Z"),
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
            ("0141-10-15T18:30:05.0+15:03", "0141-10-15T03:27:05.000Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(write_instant(at(text), Precision::Milliseconds), utc, "{text}");
        }
        for text in [
            "2026-11-21T08:15:30",
            "2026-11-21",
            "2026-11-21 08:15:30Z",
            "2026-11-21t08:15:30Z",
            "2026-11-21T08:15:30z",
            "2026-11-21T08:15Z",
            "2026-11-21T08:15:30.Z",
            "2026-11-21T08:15:30,5Z",
            "2026-11-21T08:15:30.0123456789Z",
            "2026-11-21T08:15:30+4:00",
            "2026-11-21T08:15:30+0400",
            "2026-11-21T08:15:30+04",
            "2026-11-21T08:15:30Z ",
            " 2026-11-21T08:15:30Z",
            "2026-11-21T08:15:30ZZ",
            "2026-11-21T8:15:30Z",
            "2026-11-21T+8:15:30Z",
            "2026-11-21T08:15:\u{ff13}0Z",
            "2026-11-21T08:15:30.\u{661}Z",
            "1700000000",
            "",
            "T",
            "2026-11-21T",
        ] {
            assert_eq!(read_instant(text), Err(CalendarFault::Malformed), "{text:?}");
        }
        for text in [
            "2026-11-21T24:00:00Z",
            "2026-11-21T08:60:00Z",
            "2016-12-31T23:59:60Z",
            "2026-02-30T00:00:00Z",
            "2026-11-21T08:15:30+24:00",
            "2026-11-21T08:15:30+04:60",
        ] {
            assert_eq!(read_instant(text), Err(CalendarFault::NoSuchDay), "{text}");
        }
        for text in ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"] {
            assert_eq!(read_instant(text), Err(CalendarFault::OutOfRange), "{text}");
        }
    }

    #[test]
    fn a_year_later_is_the_same_time_of_the_same_day() {
        for (zone, early, late) in [
            (Zone::Manila, "2026-11-21T15:00:00Z", "2027-11-21T15:00:00Z"),
            (Zone::Dubai, "2028-02-28T20:00:00Z", "2029-02-27T20:00:00Z"),
            (Zone::Utc, "2027-03-01T00:00:00Z", "2028-03-01T00:00:00Z"),
        ] {
            assert_eq!(zone.year_after(at(early)), at(late), "{early}");
        }
        assert_eq!(Zone::Dubai.words(at("2026-11-21T19:59:59Z")), "21 November 2026, 23:59:59 (Dubai time)");
        assert_eq!(day("2026-11-01").words(), "1 November 2026");
    }

    #[test]
    fn every_instant_can_be_written() {
        assert_eq!(write_instant(Timestamp::FAR_FUTURE, Precision::Milliseconds), "9999-12-31T23:59:59.999Z");
        assert_eq!(
            write_instant(Timestamp::from_millis(i64::MIN), Precision::Seconds),
            "0001-01-01T00:00:00Z"
        );
        assert_eq!(write_instant(Timestamp::from_millis(-1), Precision::Seconds), "1969-12-31T23:59:59Z");
    }

    /// Walks month by month with a table of lengths.
    fn naive_add_months((mut year, mut month, day): (i32, u32, u32), months: u32) -> String {
        for _ in 0..months {
            (year, month) =
                if month == 12 { (year.saturating_add(1), 1) } else { (year, month.saturating_add(1)) };
        }
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let length = lengths[usize::try_from(month.saturating_sub(1)).unwrap()];
        format!("{year:04}-{month:02}-{:02}", day.min(length))
    }

    proptest! {
        #[test]
        fn adding_months_agrees_with_walking_the_calendar(
            year in 1970_i32..2400, month in 1_u32..=12, date in 1_u32..=31, months in 0_u32..600
        ) {
            if let Ok(anchor) = Day::new(year, month, date) {
                let expected = naive_add_months((year, month, date), months);
                prop_assert_eq!(anchor.add_months(months).unwrap().to_string(), expected);
            }
        }

        #[test]
        fn an_instant_reads_back_as_it_was_written(millis in 0_i64..253_402_300_800_000) {
            let instant = Timestamp::from_millis(millis);
            prop_assert_eq!(read_instant(&write_instant(instant, Precision::Milliseconds)), Ok(instant));
            let whole = Timestamp::from_seconds(instant.seconds());
            prop_assert_eq!(read_instant(&write_instant(instant, Precision::Seconds)), Ok(whole));
        }

        #[test]
        fn every_instant_lies_within_its_day(millis in 0_i64..253_402_200_000_000) {
            for zone in [Zone::Dubai, Zone::Manila, Zone::Utc] {
                let instant = Timestamp::from_millis(millis);
                let day = zone.day(instant);
                prop_assert!(day.start_of_day(zone) <= instant && instant < day.end_of_day(zone));
            }
        }

        #[test]
        fn reading_an_instant_never_panics(text in "\\PC{0,40}") {
            let _ = read_instant(&text);
            let _ = Day::parse(&text);
        }
    }
}
