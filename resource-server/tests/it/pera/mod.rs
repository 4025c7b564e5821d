//! OFxPERA as a whole: what is served, the registry, customers, the opening of accounts, the life of consents.

mod admin;
mod consents;
mod contributions;
mod cors;
mod customers;
mod description;
mod openings;
mod products;
mod sealed;
mod table;

use oauth_core::Subject;
use rar_consent::Permission;
use resource_server::domain::Currency;
use resource_server::domain::{
    AccountId, ContributorType, Country, CustomerFile, CustomerRisk, Day, DueDiligence, Email, Figure,
    Holding, Line, MobileNumber, Money, Performance, Person, PlaceCode, PoliticalExposure, PostalAddress,
    PostalCode, PresentedId, Product, ProductId, ProductKind, RiskRating, Tin, Trade, TransactionId,
};
use serde_json::{Value, json};

use super::fixture::{Answered, Ask, World, claims, file, now, own_claims};

/// A key of a request.
fn key(number: u32) -> String {
    format!("6a3f6f2e-0000-4000-8000-{number:012}")
}

fn line<const MAX: usize>(text: &str) -> Line<MAX> {
    Line::new(text).unwrap()
}

/// What the bank has verified of alice.
fn alice() -> CustomerFile {
    let address = PostalAddress {
        region: PlaceCode::new("130000000").unwrap(),
        province: PlaceCode::new("133900000").unwrap(),
        city: PlaceCode::new("137602000").unwrap(),
        barangay: Some(line("Bel-Air")),
        street: Some(line("12 Jupiter Street")),
        country: Country::new("PHL").unwrap(),
        postal_code: PostalCode::new("1209").unwrap(),
    };
    CustomerFile {
        customer: Subject::new("alice").unwrap(),
        person: Person {
            title: Some(line("Ms")),
            given_name: line("Maria Clara"),
            middle_name: Some(line("Reyes")),
            last_name: line("Santos"),
            suffix: None,
            phone: None,
            mobile: MobileNumber::new("639171234567").unwrap(),
            email: Email::new("maria@customer.example").unwrap(),
            birthdate: Day::parse("1991-06-19").unwrap(),
            nationality: Country::new("PHL").unwrap(),
            tin: Some(Tin::new("123-456-789-000").unwrap()),
            present_address: Some(address.clone()),
            permanent_address: Some(address),
        },
        presented: vec![PresentedId {
            number: line("N01-23-456789"),
            kind: line("Driver's licence"),
            expires: Some(Day::parse("2030-01-01").unwrap()),
        }],
        due_diligence: Some(DueDiligence {
            employment_status: line("Employed"),
            occupation: Some(line("Engineer")),
            nature_of_work: Some(line("J62")),
            employer_name: Some(line("Luzon Shipping")),
            employer_address: None,
            exposure: PoliticalExposure::None,
            fund_source: line("Salary"),
            risk: CustomerRisk::Normal,
            contributor: Some(ContributorType::Employee),
        }),
        administrator: None,
    }
}

/// The same as an administrator receives it, under a consent.
fn information(consent: &str) -> Value {
    let address = json!({"region": "130000000", "province": "133900000", "city": "137602000",
        "barangay": "Bel-Air", "street_address": "12 Jupiter Street", "country": "PHL", "postal_code": "1209"});
    json!({"data": {
        "sub": "alice", "arrangementId": consent, "peraAdmin": "bayan-trust",
        "personalInformation": {
            "sub": "alice", "title": "Ms", "givenName": "Maria Clara", "middleName": "Reyes", "lastName": "Santos",
            "mobileNumber": "639171234567", "email": "maria@customer.example", "birthdate": "1991-06-19",
            "nationality": "PHL", "tin": "123-456-789-000",
            "presentAddress": address.clone(), "permanentAddress": address},
        "presentedIds": [{"idNumber": "N01-23-456789", "idType": "Driver's licence", "idExpiryDate": "2030-01-01"}],
        "cdd": {"employmentStatus": "Employed", "occupation": "Engineer", "natureOfWork": "J62",
            "employerName": "Luzon Shipping", "pepIndicator": false, "fundSource": "Salary",
            "cddIndicator": "Normal", "contributorType": "Employee"}}})
}

fn product(id: &str, kind: ProductKind, currency: Currency, risk: RiskRating) -> Product {
    let figure = |text: &str| Figure::new(text).unwrap();
    Product {
        id: ProductId::new(id).unwrap(),
        name: line("Bayan Equity Index Fund"),
        kind,
        currency,
        risk,
        unit_price: figure("1.234567"),
        manager: line("Bayan Asset Management"),
        first_min: Money::new(1_000_00, currency).unwrap(),
        further_min: Money::new(500_00, currency).unwrap(),
        fee: figure("1.25"),
        central_bank_approval: Some(line("BSP-2024-001")),
        commission_registration: None,
        performance: Performance {
            year_to_date: figure("4.10"),
            one_year: figure("6.20"),
            three_years: figure("5.00"),
            five_years: figure("-0.50"),
        },
        policy: line("Invests in the shares of the index."),
        cutoff: line("14:00"),
        settlement: line("T+3"),
        key_information: None,
    }
}

/// A bank that knows alice and offers products.
async fn stocked(world: &World) {
    world.bank.keep_file(&alice()).await.unwrap();
    for (id, kind, currency, risk) in [
        ("UITF-EQ-01", ProductKind::Uitf, Currency::Php, RiskRating::Aggressive),
        ("UITF-BD-01", ProductKind::Uitf, Currency::Php, RiskRating::Conservative),
        ("MF-US-01", ProductKind::MutualFund, Currency::Usd, RiskRating::Aggressive),
        ("GS-10Y", ProductKind::GovernmentSecurities, Currency::Php, RiskRating::Conservative),
        ("INS-01", ProductKind::Insurance, Currency::Php, RiskRating::Moderate),
    ] {
        world.bank.stock(&product(id, kind, currency, risk)).await.unwrap();
    }
    let holding = Holding {
        product: ProductId::new("UITF-EQ-01").unwrap(),
        units: Figure::new("40500.123456").unwrap(),
        unit_price: Figure::new("1.234567").unwrap(),
        value: Money::new(50_000_00, Currency::Php).unwrap(),
        as_of: now(),
    };
    world.bank.hold(&AccountId::new("pa-1").unwrap(), &holding).await.unwrap();
}

async fn bank() -> World {
    let world = file().await;
    stocked(&world).await;
    world
}

/// Onboards alice under a consent and lets the desk decide.
async fn onboarded(world: &World, consent: &str) {
    let submitted = world.call(submit(consent, &information(consent), 900)).await;
    assert_eq!(submitted.status, 201, "{}", submitted.body);
    let known =
        world.call(Ask::get("/banking/customer").token(&claims(consent, "customer_onboarding"))).await;
    assert_eq!(known.body["data"]["status"], "active", "{}", known.body);
}

fn submit(consent: &str, body: &Value, number: u32) -> Ask {
    Ask::new("POST", "/banking/customer")
        .token(&claims(consent, "customer_onboarding"))
        .header("x-idempotency-key", &key(number))
        .json(body)
}
