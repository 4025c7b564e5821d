//! Demo data of the retirement-account scheme: who takes part, what is known of customers, products, and what accounts are
//! invested in. Adding what is there already changes nothing.

use oauth_core::{Fault, HttpsUrl, Seconds, Subject, Timestamp};
use resource_server::domain::{
    AccountId, Contact, ContributorType, Country, Currency, CustomerFile, CustomerRisk, Day, DueDiligence,
    Email, Endpoints, Figure, Holding, Line, MobileNumber, Money, Organisation, OrganisationId,
    OrganisationStatus, Performance, Person, PlaceCode, PoliticalExposure, PostalAddress, PostalCode,
    PresentedId, Product, ProductId, ProductKind, RiskRating, Tin, Trade, TransactionId, WebOrigin,
};
use resource_server::port::{KeyedRequest, Participants as _, Registration};
use resource_server::store::sql::SqlBank;

use super::deployment::BankPlan;
use super::fixture::broken;

/// Seeds the scheme.
///
/// # Errors
/// When the database fails.
pub(super) async fn seed(bank: &SqlBank, own: &BankPlan, now: Timestamp) -> Result<(), Fault> {
    bank.register(KeyedRequest { by: None, wanted: itself(own, now)?, at: now }).await?;
    for one in PRODUCTS {
        bank.stock(&product(one)?).await?;
    }
    for one in PEOPLE {
        bank.keep_file(&file(one)?).await?;
    }
    for (account, product, units, price, minor) in HOLDINGS {
        let holding = Holding {
            product: ProductId::new(product).map_err(broken)?,
            units: Figure::new(units).map_err(broken)?,
            unit_price: Figure::new(price).map_err(broken)?,
            value: Money::new(*minor, Currency::Php).map_err(broken)?,
            as_of: now.minus(Seconds::days(1)),
        };
        bank.hold(&AccountId::new(account).map_err(broken)?, &holding).await?;
    }
    for (line, units, price, fee) in TRADES {
        let trade = Trade {
            units: Figure::new(units).map_err(broken)?,
            unit_price: Figure::new(price).map_err(broken)?,
            fee: Some(Money::new(*fee, Currency::Php).map_err(broken)?),
        };
        bank.note_trade(&TransactionId::new(line).map_err(broken)?, &trade).await?;
    }
    Ok(())
}

/// The bank itself takes part; everybody else registers.
fn itself(own: &BankPlan, now: Timestamp) -> Result<Registration, Fault> {
    let domain = format!("{}.example", own.id.to_ascii_lowercase().replace(['_', '.'], "-"));
    let url = |text: String| HttpsUrl::new(&text).map_err(broken);
    let organisation = Organisation {
        id: OrganisationId::new(&own.id).map_err(broken)?,
        name: Line::new(&own.name).map_err(broken)?,
        registered_name: Line::new(&format!("{} Corporation", own.name)).map_err(broken)?,
        kind: own.kind,
        contact: Contact {
            phone: Line::new("0288881234").map_err(broken)?,
            email: Email::new(&format!("openfinance@{domain}")).map_err(broken)?,
            website: Some(url(format!("https://{domain}"))?),
        },
        endpoints: Endpoints {
            authorization: url(format!("https://as.{domain}/oauth/authorize"))?,
            token: url(format!("https://as.{domain}/oauth/token"))?,
            resource: url(format!("https://api.{domain}/OFPH/v1"))?,
        },
        origins: vec![WebOrigin::new(&format!("https://app.{domain}")).map_err(broken)?],
        registered_office: None,
        business_address: None,
        authorization_servers: Vec::new(),
        status: OrganisationStatus::Active,
        registered_at: now,
    };
    Ok(Registration { organisation, certificate: None })
}

/// Identifier, name, kind, currency, rating, price of a unit, yearly fee.
type Offer = (&'static str, &'static str, ProductKind, Currency, RiskRating, &'static str, &'static str);

const PRODUCTS: &[Offer] = &[
    (
        "GS-RTB-10Y",
        "Retail Treasury Bond, ten years",
        ProductKind::GovernmentSecurities,
        Currency::Php,
        RiskRating::Conservative,
        "100.25",
        "0.10",
    ),
    (
        "INS-LIFE-01",
        "Bayan Life Retirement",
        ProductKind::Insurance,
        Currency::Php,
        RiskRating::Moderate,
        "10.00",
        "2.00",
    ),
    (
        "MF-USEQ-01",
        "Bayan Global Shares",
        ProductKind::MutualFund,
        Currency::Usd,
        RiskRating::Aggressive,
        "25.4310",
        "1.75",
    ),
    (
        "UITF-BD-01",
        "Bayan Peso Bond Fund",
        ProductKind::Uitf,
        Currency::Php,
        RiskRating::Conservative,
        "1.082341",
        "0.75",
    ),
    (
        "UITF-EQ-01",
        "Bayan Philippine Index Fund",
        ProductKind::Uitf,
        Currency::Php,
        RiskRating::Aggressive,
        "1.234567",
        "1.25",
    ),
];

fn product((id, name, kind, currency, risk, price, fee): &Offer) -> Result<Product, Fault> {
    let figure = |text: &str| Figure::new(text).map_err(broken);
    Ok(Product {
        id: ProductId::new(id).map_err(broken)?,
        name: Line::new(name).map_err(broken)?,
        kind: *kind,
        currency: *currency,
        risk: *risk,
        unit_price: figure(price)?,
        manager: Line::new("Bayan Asset Management").map_err(broken)?,
        first_min: Money::new(100_000, *currency).map_err(broken)?,
        further_min: Money::new(50_000, *currency).map_err(broken)?,
        fee: figure(fee)?,
        central_bank_approval: Some(Line::new(&format!("BSP-{id}")).map_err(broken)?),
        commission_registration: None,
        performance: Performance {
            year_to_date: figure("4.10")?,
            one_year: figure("6.20")?,
            three_years: figure("5.00")?,
            five_years: figure("-0.50")?,
        },
        policy: Line::new("Long-term growth within the limits of the law.").map_err(broken)?,
        cutoff: Line::new("14:00").map_err(broken)?,
        settlement: Line::new("T+3").map_err(broken)?,
        key_information: Some(
            HttpsUrl::new(&format!("https://bayantrust.example/kiid/{id}.pdf")).map_err(broken)?,
        ),
    })
}

/// A demo customer as a person.
struct Who {
    subject: &'static str,
    given: &'static str,
    middle: Option<&'static str>,
    last: &'static str,
    mobile: &'static str,
    email: &'static str,
    born: &'static str,
    nationality: &'static str,
    tin: &'static str,
}

const PEOPLE: &[Who] = &[
    Who {
        subject: "cus-mariam",
        given: "Mariam",
        middle: None,
        last: "Al Suwaidi",
        mobile: "971501234567",
        email: "Mariam@customer.example",
        born: "1988-04-02",
        nationality: "PHL",
        tin: "987-654-321-000",
    },
    Who {
        subject: "cus-maria",
        given: "Maria Clara",
        middle: Some("Reyes"),
        last: "Santos",
        mobile: "639171234567",
        email: "Maria@customer.example",
        born: "1991-06-19",
        nationality: "PHL",
        tin: "123-456-789-000",
    },
];

fn file(who: &Who) -> Result<CustomerFile, Fault> {
    let address = PostalAddress {
        region: PlaceCode::new("1300000000").map_err(broken)?,
        province: PlaceCode::new("1380000000").map_err(broken)?,
        city: PlaceCode::new("1380300000").map_err(broken)?,
        barangay: Some(Line::new("Bel-Air").map_err(broken)?),
        street: Some(Line::new("12 Jupiter Street").map_err(broken)?),
        country: Country::new("PHL").map_err(broken)?,
        postal_code: PostalCode::new("1209").map_err(broken)?,
    };
    Ok(CustomerFile {
        customer: Subject::new(who.subject).map_err(broken)?,
        person: Person {
            title: Some(Line::new("Ms").map_err(broken)?),
            given_name: Line::new(who.given).map_err(broken)?,
            middle_name: who.middle.map(Line::new).transpose().map_err(broken)?,
            last_name: Line::new(who.last).map_err(broken)?,
            suffix: None,
            phone: None,
            mobile: MobileNumber::new(who.mobile).map_err(broken)?,
            email: Email::new(who.email).map_err(broken)?,
            birthdate: Day::parse(who.born).map_err(broken)?,
            nationality: Country::new(who.nationality).map_err(broken)?,
            tin: Some(Tin::new(who.tin).map_err(broken)?),
            present_address: Some(address.clone()),
            permanent_address: Some(address),
        },
        presented: vec![PresentedId {
            number: Line::new("P1234567A").map_err(broken)?,
            kind: Line::new("Passport").map_err(broken)?,
            expires: Some(Day::parse("2031-05-31").map_err(broken)?),
        }],
        due_diligence: Some(DueDiligence {
            employment_status: Line::new("Employed").map_err(broken)?,
            occupation: Some(Line::new("Logistics manager").map_err(broken)?),
            nature_of_work: Some(Line::new("H52").map_err(broken)?),
            employer_name: Some(Line::new("Luzon Shipping").map_err(broken)?),
            employer_address: None,
            exposure: PoliticalExposure::None,
            fund_source: Line::new("Salary").map_err(broken)?,
            risk: CustomerRisk::Normal,
            contributor: Some(ContributorType::Employee),
        }),
        administrator: Some(OrganisationId::new("bayan-trust").map_err(broken)?),
    })
}

/// Account, product, units, price of one, worth in centavos.
const HOLDINGS: &[(&str, &str, &str, &str, i64)] = &[
    ("pa-1", "UITF-EQ-01", "24300.153800", "1.234567", 3_000_016),
    ("pa-1", "UITF-BD-01", "18479.238600", "1.082341", 2_000_084),
    ("pera-mariam-1", "UITF-BD-01", "41576.287800", "1.082341", 4_499_972),
];

/// Line of the statement, units, price of one, fee in centavos: the contributions of the demo history, as they were invested.
const TRADES: &[(&str, &str, &str, i64)] = &[
    ("tx-pa-1-1", "8100.051267", "1.234567", 2_500),
    ("tx-pa-1-2", "8100.051267", "1.234567", 2_500),
    ("tx-pera-mariam-1-1", "9239.095800", "1.082341", 2_500),
];
