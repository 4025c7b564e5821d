//! What a bank has verified of a customer as a person. None of it is for a log.

use oauth_core::Subject;
use serde::{Deserialize, Serialize};

use super::{Day, Line, OrganisationId, ascii_text};

/// The kind of a value and nothing else.
macro_rules! hidden {
    ($($name:ident)+) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )+};
}

ascii_text! {
    /// A telephone number of eleven digits.
    LandlineNumber, |text| text.len() == 11 && digits(text)
}
ascii_text! {
    /// A mobile number of twelve digits, country code first: `639171234567`.
    MobileNumber, |text| text.len() == 12 && digits(text)
}
ascii_text! {
    /// A mail address: one `@`, no white space, at most 254 characters.
    Email, |text| text.len() <= 254
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && text.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && host.contains('.') && !host.contains('@') && !host.starts_with('.') && !host.ends_with('.')
        })
}
ascii_text! {
    /// A country (ISO 3166-1 alpha-3).
    Country, |text| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}
ascii_text! {
    /// A Philippine taxpayer identification number: four groups of three digits.
    Tin, |text| text.len() == 15 && text.bytes().enumerate().all(|(at, byte)| match at {
        3 | 7 | 11 => byte == b'-',
        _ => byte.is_ascii_digit(),
    })
}
ascii_text! {
    /// A place in the Philippine Standard Geographic Code: up to ten letters and digits.
    PlaceCode, |text| (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
ascii_text! {
    /// A postal code.
    PostalCode, |text| (1..=10).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b' ')
}
hidden!(LandlineNumber MobileNumber Email Country Tin PlaceCode PostalCode Person PostalAddress PresentedId);

/// All that is known of a customer, from one institution to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerFile {
    /// Who.
    pub customer: Subject,
    /// The person.
    pub person: Person,
    /// What was shown to prove it.
    pub presented: Vec<PresentedId>,
    /// How the customer was assessed.
    pub due_diligence: Option<DueDiligence>,
    /// Where the customer's retirement account is, or is to be.
    pub administrator: Option<OrganisationId>,
}

/// A natural person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// `Ms`.
    pub title: Option<Line<20>>,
    /// Given names.
    pub given_name: Line<70>,
    /// Middle name.
    pub middle_name: Option<Line<70>>,
    /// Family name.
    pub last_name: Line<70>,
    /// `Jr`.
    pub suffix: Option<Line<20>>,
    /// At home.
    pub phone: Option<LandlineNumber>,
    /// Everywhere.
    pub mobile: MobileNumber,
    /// Mail.
    pub email: Email,
    /// Born on.
    pub birthdate: Day,
    /// Citizen of.
    pub nationality: Country,
    /// For taxes; only a well-formed one is kept.
    pub tin: Option<Tin>,
    /// Lives here.
    pub present_address: Option<PostalAddress>,
    /// Is at home here.
    pub permanent_address: Option<PostalAddress>,
}

impl Person {
    /// Whether the person has had this birthday on this day. Who was born on 29 February has it on 1 March in other years.
    #[must_use]
    pub fn is_of_age(&self, years: i32, today: Day) -> bool {
        let born = self.birthdate;
        let turned = today.year().saturating_sub(born.year());
        let had = (today.month(), today.day_of_month()) >= (born.month(), born.day_of_month());
        turned > years || (turned == years && had)
    }

    /// Given and family name.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{} {}", self.given_name, self.last_name)
    }
}

/// An address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostalAddress {
    /// Region.
    pub region: PlaceCode,
    /// Province.
    pub province: PlaceCode,
    /// City or municipality.
    pub city: PlaceCode,
    /// Village.
    pub barangay: Option<Line<100>>,
    /// Street and number.
    pub street: Option<Line<140>>,
    /// Country.
    pub country: Country,
    /// Postal code.
    pub postal_code: PostalCode,
}

/// A document that proves who somebody is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresentedId {
    /// Its number.
    pub number: Line<50>,
    /// Its kind.
    pub kind: Line<100>,
    /// Its last day.
    pub expires: Option<Day>,
}

/// How a customer was assessed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueDiligence {
    /// `Employed`.
    pub employment_status: Line<50>,
    /// Profession.
    pub occupation: Option<Line<100>>,
    /// Philippine Standard Industrial Classification.
    pub nature_of_work: Option<Line<10>>,
    /// Employer.
    pub employer_name: Option<Line<140>>,
    /// Where the employer is.
    pub employer_address: Option<PostalAddress>,
    /// Whether the person holds a public office that calls for care.
    pub exposure: PoliticalExposure,
    /// Where the money comes from.
    pub fund_source: Line<100>,
    /// How much care.
    pub risk: CustomerRisk,
    /// What the law calls the contributor.
    pub contributor: Option<ContributorType>,
}

/// Whether a person is politically exposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoliticalExposure {
    /// Not.
    None,
    /// Is.
    Exposed,
}

/// How much care a customer needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerRisk {
    /// Little.
    Low,
    /// The usual.
    Normal,
    /// A person decides.
    High,
}

/// What the law calls a contributor; it decides what may be contributed in a year (Republic Act 9505 section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContributorType {
    /// Works for somebody.
    Employee,
    /// Works for themselves.
    SelfEmployed,
    /// Works abroad.
    OverseasFilipino,
}

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn born(day: &str) -> Person {
        Person {
            title: None,
            given_name: Line::new("Ana").unwrap(),
            middle_name: None,
            last_name: Line::new("Cruz").unwrap(),
            suffix: None,
            phone: None,
            mobile: MobileNumber::new("639171234567").unwrap(),
            email: Email::new("ana@customer.example").unwrap(),
            birthdate: Day::parse(day).unwrap(),
            nationality: Country::new("PHL").unwrap(),
            tin: None,
            present_address: None,
            permanent_address: None,
        }
    }

    #[test]
    fn the_eighteenth_birthday_counts_and_the_day_before_does_not() {
        let today = Day::parse("2026-11-21").unwrap();
        assert!(born("2008-11-21").is_of_age(18, today));
        assert!(!born("2008-11-22").is_of_age(18, today));
        assert!(!born("2008-12-01").is_of_age(18, today));
        assert!(born("2007-12-31").is_of_age(18, today));
        assert!(!born("2008-02-29").is_of_age(18, Day::parse("2026-02-28").unwrap()));
        assert!(born("2008-02-29").is_of_age(18, Day::parse("2026-03-01").unwrap()));
    }

    #[test]
    fn nothing_of_a_person_is_in_a_log() {
        let shown = format!("{:?}", born("1990-01-01"));
        assert!(!shown.contains("Ana") && !shown.contains("6391712"), "{shown}");
        assert!(!shown.contains("customer.example"), "{shown}");
    }
}
