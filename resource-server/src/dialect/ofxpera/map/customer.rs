//! Sections 7.2 and 8.3: customers, into the domain and out of it.

use oauth_core::{ConsentId, Subject};

use super::{At, instant};
use crate::dialect::ofxpera::body::{
    Address, Cdd, CddIndicator, ContactShown, CustomerInformation, IdType, OnboardingShown,
    PersonalInformation, WireContributor,
};
use crate::dialect::ofxpera::error::Problem;
use crate::domain::{
    ContributorType, Country, CustomerFile, CustomerRisk, Day, DeclineReason, DueDiligence, Email,
    LandlineNumber, Line, MobileNumber, Onboarding, OnboardingStatus, OrganisationId, Person, PlaceCode,
    PoliticalExposure, PostalAddress, PostalCode, PresentedId, Tin,
};

/// Section 7.2: who the customer is and how to reach them, and nothing else.
pub(in super::super) fn contact(file: &CustomerFile) -> ContactShown {
    let person = &file.person;
    ContactShown {
        customer_id: file.customer.as_str().to_owned(),
        sub: file.customer.as_str().to_owned(),
        title: person.title.as_ref().map(text),
        given_name: text(&person.given_name),
        middle_name: person.middle_name.as_ref().map(text),
        last_name: text(&person.last_name),
        suffix: person.suffix.as_ref().map(text),
        mobile_number: person.mobile.as_str().to_owned(),
        email: person.email.as_str().to_owned(),
    }
}

/// Section 7.2: all that is known, under this consent, for this administrator unless the customer has chosen one.
pub(in super::super) fn information(
    file: &CustomerFile,
    consent: &ConsentId,
    caller: &str,
) -> CustomerInformation {
    let administrator = file.administrator.as_ref().map(OrganisationId::as_str).unwrap_or(caller);
    CustomerInformation {
        sub: file.customer.as_str().to_owned(),
        arrangement_id: consent.as_str().to_owned(),
        personal_information: person_shown(&file.person, &file.customer),
        presented_ids: file.presented.iter().map(presented_shown).collect(),
        cdd: file.due_diligence.as_ref().map(diligence_shown),
        pera_admin: administrator.to_owned(),
    }
}

fn person_shown(person: &Person, customer: &Subject) -> PersonalInformation {
    PersonalInformation {
        sub: customer.as_str().to_owned(),
        title: person.title.as_ref().map(text),
        given_name: text(&person.given_name),
        middle_name: person.middle_name.as_ref().map(text),
        last_name: text(&person.last_name),
        suffix: person.suffix.as_ref().map(text),
        phone_number: person.phone.as_ref().map(|phone| phone.as_str().to_owned()),
        mobile_number: person.mobile.as_str().to_owned(),
        email: person.email.as_str().to_owned(),
        birthdate: person.birthdate.to_string(),
        nationality: person.nationality.as_str().to_owned(),
        tin: person.tin.as_ref().map(|tin| tin.as_str().to_owned()),
        present_address: person.present_address.as_ref().map(address_shown),
        permanent_address: person.permanent_address.as_ref().map(address_shown),
    }
}

fn presented_shown(presented: &PresentedId) -> IdType {
    IdType {
        id_number: text(&presented.number),
        id_type: text(&presented.kind),
        id_expiry_date: presented.expires.map(|day| day.to_string()),
    }
}

fn diligence_shown(diligence: &DueDiligence) -> Cdd {
    Cdd {
        employment_status: text(&diligence.employment_status),
        occupation: diligence.occupation.as_ref().map(text),
        nature_of_work: diligence.nature_of_work.as_ref().map(text),
        employer_name: diligence.employer_name.as_ref().map(text),
        employer_address: diligence.employer_address.as_ref().map(address_shown),
        pep_indicator: diligence.exposure == PoliticalExposure::Exposed,
        fund_source: text(&diligence.fund_source),
        cdd_indicator: match diligence.risk {
            CustomerRisk::Low => CddIndicator::Low,
            CustomerRisk::Normal => CddIndicator::Normal,
            CustomerRisk::High => CddIndicator::High,
        },
        contributor_type: diligence.contributor.map(|kind| match kind {
            ContributorType::Employee => WireContributor::Employee,
            ContributorType::SelfEmployed => WireContributor::SelfEmployed,
            ContributorType::OverseasFilipino => WireContributor::OverseasFilipino,
        }),
    }
}

pub(super) fn address_shown(address: &PostalAddress) -> Address {
    Address {
        region: address.region.as_str().to_owned(),
        province: address.province.as_str().to_owned(),
        city: address.city.as_str().to_owned(),
        barangay: address.barangay.as_ref().map(text),
        street_address: address.street.as_ref().map(text),
        country: address.country.as_str().to_owned(),
        postal_code: address.postal_code.as_str().to_owned(),
    }
}

/// Section 8.3: a customer as another institution knows them. Consent and subject must be those of the token.
pub(in super::super) fn file(
    asked: CustomerInformation,
    (consent, customer): (&ConsentId, &Subject),
) -> Result<CustomerFile, Problem> {
    let at = At("data");
    let own = |name: &str, sent: &str, own: &str| match sent == own {
        true => Ok(()),
        false => Err(at.bad(name)),
    };
    own("arrangementId", &asked.arrangement_id, consent.as_str())?;
    own("sub", &asked.sub, customer.as_str())?;
    own("personalInformation.sub", &asked.personal_information.sub, customer.as_str())?;
    if asked.presented_ids.len() > PRESENTED_MAX {
        return Err(at.bad("presentedIds"));
    }
    Ok(CustomerFile {
        customer: customer.clone(),
        person: person(&asked.personal_information)?,
        presented: asked.presented_ids.iter().enumerate().map(presented).collect::<Result<_, _>>()?,
        due_diligence: asked.cdd.as_ref().map(diligence).transpose()?,
        administrator: Some(at.read("peraAdmin", OrganisationId::new(&asked.pera_admin))?),
    })
}

/// Documents of one customer.
const PRESENTED_MAX: usize = 20;

fn person(sent: &PersonalInformation) -> Result<Person, Problem> {
    let at = At("data.personalInformation");
    let place = |address: &Option<Address>, name: &str| {
        address
            .as_ref()
            .map(|known| self::address(known, &format!("data.personalInformation.{name}")))
            .transpose()
    };
    Ok(Person {
        title: at.line("title", sent.title.as_deref())?,
        given_name: at.read("givenName", Line::new(&sent.given_name))?,
        middle_name: at.line("middleName", sent.middle_name.as_deref())?,
        last_name: at.read("lastName", Line::new(&sent.last_name))?,
        suffix: at.line("suffix", sent.suffix.as_deref())?,
        phone: at.read("phoneNumber", sent.phone_number.as_deref().map(LandlineNumber::new).transpose())?,
        mobile: at.read("mobileNumber", MobileNumber::new(&sent.mobile_number))?,
        email: at.read("email", Email::new(&sent.email))?,
        birthdate: at.read("birthdate", Day::parse(&sent.birthdate))?,
        nationality: at.read("nationality", Country::new(&sent.nationality))?,
        // A malformed number is as good as none: section 8.3 makes both a question of eligibility.
        tin: sent.tin.as_deref().and_then(|tin| Tin::new(tin).ok()),
        present_address: place(&sent.present_address, "presentAddress")?,
        permanent_address: place(&sent.permanent_address, "permanentAddress")?,
    })
}

fn presented((index, sent): (usize, &IdType)) -> Result<PresentedId, Problem> {
    let place = format!("data.presentedIds.{index}");
    let at = At(&place);
    Ok(PresentedId {
        number: at.read("idNumber", Line::new(&sent.id_number))?,
        kind: at.read("idType", Line::new(&sent.id_type))?,
        expires: at.read("idExpiryDate", sent.id_expiry_date.as_deref().map(Day::parse).transpose())?,
    })
}

fn diligence(sent: &Cdd) -> Result<DueDiligence, Problem> {
    let at = At("data.cdd");
    Ok(DueDiligence {
        employment_status: at.read("employmentStatus", Line::new(&sent.employment_status))?,
        occupation: at.line("occupation", sent.occupation.as_deref())?,
        nature_of_work: at.line("natureOfWork", sent.nature_of_work.as_deref())?,
        employer_name: at.line("employerName", sent.employer_name.as_deref())?,
        employer_address: sent
            .employer_address
            .as_ref()
            .map(|known| address(known, "data.cdd.employerAddress"))
            .transpose()?,
        exposure: match sent.pep_indicator {
            true => PoliticalExposure::Exposed,
            false => PoliticalExposure::None,
        },
        fund_source: at.read("fundSource", Line::new(&sent.fund_source))?,
        risk: match sent.cdd_indicator {
            CddIndicator::Low => CustomerRisk::Low,
            CddIndicator::Normal => CustomerRisk::Normal,
            CddIndicator::High => CustomerRisk::High,
        },
        contributor: sent.contributor_type.map(|kind| match kind {
            WireContributor::Employee => ContributorType::Employee,
            WireContributor::SelfEmployed => ContributorType::SelfEmployed,
            WireContributor::OverseasFilipino => ContributorType::OverseasFilipino,
        }),
    })
}

pub(super) fn address(sent: &Address, path: &str) -> Result<PostalAddress, Problem> {
    let at = At(path);
    Ok(PostalAddress {
        region: at.read("region", PlaceCode::new(&sent.region))?,
        province: at.read("province", PlaceCode::new(&sent.province))?,
        city: at.read("city", PlaceCode::new(&sent.city))?,
        barangay: at.line("barangay", sent.barangay.as_deref())?,
        street: at.line("street_address", sent.street_address.as_deref())?,
        country: at.read("country", Country::new(&sent.country))?,
        postal_code: at.read("postal_code", PostalCode::new(&sent.postal_code))?,
    })
}

/// Section 8.3: how far a registration has come, at this administrator.
pub(in super::super) fn onboarding(known: &Onboarding, administrator: &str) -> OnboardingShown {
    let (status, reason) = match known.status {
        OnboardingStatus::Received => ("received", None),
        OnboardingStatus::Pending => ("pending", None),
        OnboardingStatus::Active => ("active", None),
        OnboardingStatus::Declined { reason } => ("declined", Some(decline(reason))),
        OnboardingStatus::Closed => ("closed", None),
    };
    OnboardingShown {
        customer_id: known.customer().as_str().to_owned(),
        admin_id: administrator.to_owned(),
        reference_id: known.reference.clone(),
        status,
        reason,
        creation_date: instant(known.created_at),
        last_update_date: instant(known.updated_at),
    }
}

const fn decline(reason: DeclineReason) -> &'static str {
    match reason {
        DeclineReason::InvalidTin => "invalid_tin",
        DeclineReason::ExistingAccount => "existing_account",
        DeclineReason::IncompleteInformation => "incomplete_info",
        DeclineReason::FailedDueDiligence => "failed_dd",
        DeclineReason::FailedCreditCheck => "failed_cc",
        DeclineReason::Others => "others",
    }
}

fn text<const MAX: usize>(line: &Line<MAX>) -> String {
    line.as_str().to_owned()
}
