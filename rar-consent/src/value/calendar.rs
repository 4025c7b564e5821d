//! Days as each ecosystem counts them, and instants as RFC 3339 writes them.

use std::fmt;

use chrono::{DateTime, Months, NaiveDate, TimeDelta, Utc};
use oauth_core::Timestamp;

/// Where a day begins. Neither Dubai nor Manila changes its clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zone {
    /// UTC+04:00.
    Dubai,
    /// UTC+08:00.
    Manila,
    /// UTC.
    Utc,
}

impl Zone {
    /// The day that holds this instant here.
    pub(crate) fn day(self, at: Timestamp) -> NaiveDate {
        self.local(at).date_naive()
    }

    /// An instant in words: `21 November 2026, 23:59:59 (Dubai time)`.
    pub(crate) fn words(self, at: Timestamp) -> impl fmt::Display {
        self.local(at).format("%-d %B %Y, %H:%M:%S").to_string() + self.suffix()
    }

    fn local(self, at: Timestamp) -> DateTime<Utc> {
        let utc = DateTime::from_timestamp_millis(at.millis()).unwrap_or(DateTime::<Utc>::MAX_UTC);
        utc.checked_add_signed(TimeDelta::hours(self.hours_ahead())).unwrap_or(utc)
    }

    const fn hours_ahead(self) -> i64 {
        match self {
            Self::Dubai => 4,
            Self::Manila => 8,
            Self::Utc => 0,
        }
    }

    const fn suffix(self) -> &'static str {
        match self {
            Self::Dubai => " (Dubai time)",
            Self::Manila => " (Manila time)",
            Self::Utc => " (UTC)",
        }
    }
}

/// Reads a date-time of RFC 3339 section 5.6 with its offset: capital `T` and `Z`, no leap second, whole milliseconds
/// kept.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let shape = bytes.len() >= 20
        && bytes.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'T' | b'Z' | b':' | b'.' | b'+' | b'-'))
        && bytes.get(10) == Some(&b'T')
        && bytes.get(17..19).is_some_and(|seconds| seconds < b"60".as_slice());
    if !shape {
        return None;
    }
    let parsed = DateTime::parse_from_rfc3339(text).ok()?;
    Some(Timestamp::from_millis(parsed.timestamp_millis()))
}

/// The same day one year later; 28 February for 29 February.
pub(crate) fn anniversary(day: NaiveDate) -> NaiveDate {
    day.checked_add_months(Months::new(12)).unwrap_or(NaiveDate::MAX)
}

/// The same clock time one year later, in this zone.
pub(crate) fn year_after(zone: Zone, at: Timestamp) -> Timestamp {
    let local = zone.local(at);
    let later = local.checked_add_months(Months::new(12)).unwrap_or(local);
    Timestamp::from_millis(at.millis().saturating_add((later - local).num_milliseconds()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_in_the_evening_utc_is_already_tomorrow_in_dubai() {
        let before = instant("2026-11-21T19:59:59.999Z").unwrap();
        let after = instant("2026-11-21T20:00:00.000Z").unwrap();
        assert_eq!(Zone::Dubai.day(before).to_string(), "2026-11-21");
        assert_eq!(Zone::Dubai.day(after).to_string(), "2026-11-22");
        assert_eq!(Zone::Manila.day(instant("2026-12-31T16:00:00Z").unwrap()).to_string(), "2027-01-01");
    }

    #[test]
    fn an_instant_has_an_offset_and_one_spelling() {
        assert_eq!(instant("2026-11-21T23:59:59+04:00"), instant("2026-11-21T19:59:59Z"));
        for bad in [
            "2026-11-21T23:59:59",
            "2026-11-21t23:59:59Z",
            "2026-11-21T23:59:59z",
            "2026-11-21 23:59:59Z",
            "2026-11-21T23:59:60Z",
            "2026-02-30T00:00:00Z",
            "2026-11-21",
            "2026-11-21T23:59Z",
            " 2026-11-21T23:59:59Z",
            "2026-11-21T23:59:59Z ",
            "2026-11-21T24:00:00Z",
            "+2026-11-21T23:59:59Z",
            "2026-11-21T23:59:59.Z",
            "",
        ] {
            assert_eq!(instant(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_anniversary_of_a_leap_day_is_the_28th() {
        let leap = NaiveDate::from_ymd_opt(2028, 2, 29).unwrap();
        assert_eq!(anniversary(leap).to_string(), "2029-02-28");
    }
}
