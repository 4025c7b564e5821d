//! Participants, registrations and openings: what many ask for at once goes to as many as there is room for.

use std::sync::Arc;

use oauth_core::store::contract::{BEGINNING, RACERS, race, same};
use oauth_core::{ConsentId, Fault, HttpsUrl, Subject};

use super::desk::{Desk, account, client, count, key, later, uuid, wrong};
use super::races::insist;
use super::{Books, Breach};
use crate::domain::{
    Account, AccountId, AccountKind, Contact, Country, CustomerFile, Day, DeclineReason, Email, Endpoints,
    Line, MobileNumber, Onboarding, OnboardingStatus, Organisation, OrganisationId, OrganisationKind,
    OrganisationStatus, PageRequest, Person, RequestFingerprint, WebOrigin,
};
use crate::port::{
    AccountOpening, AlreadyRegistered, KeyedOperation, KeyedRequest, Made, NotOpened, NotRegistered,
    OrganisationQuery, Outcome, Put, Registration, TakenKey,
};

pub(super) async fn hold<F>(make: impl Fn() -> F) -> Result<(), Breach>
where
    F: Future<Output = Arc<dyn Books>>,
{
    participants(&Desk::open(make().await).await?).await?;
    origins(&Desk::open(make().await).await?).await?;
    registrations(&Desk::open(make().await).await?).await?;
    openings(&Desk::open(make().await).await?).await
}

/// The `n`-th key of an operation, for a request with this body.
fn taken(n: usize, operation: KeyedOperation, body: &str) -> Result<TakenKey, Breach> {
    Ok(TakenKey {
        key: key(&uuid(n), operation)?,
        fingerprint: RequestFingerprint::of(body.as_bytes()),
        until: later(100),
    })
}

fn participant(id: &str, origin: &str) -> Result<Registration, Breach> {
    let line = |text: &str| Line::new(text).map_err(wrong);
    let url = || HttpsUrl::new("https://as.example/a").map_err(wrong);
    let organisation = Organisation {
        id: OrganisationId::new(id).map_err(wrong)?,
        name: line("Name")?,
        registered_name: line("Registered name")?,
        kind: OrganisationKind::PeraAdministrator,
        contact: Contact {
            phone: Line::new("1").map_err(wrong)?,
            email: Email::new("a@b.example").map_err(wrong)?,
            website: None,
        },
        endpoints: Endpoints { authorization: url()?, token: url()?, resource: url()? },
        origins: vec![WebOrigin::new(origin).map_err(wrong)?],
        registered_office: None,
        business_address: None,
        authorization_servers: Vec::new(),
        status: OrganisationStatus::Active,
        registered_at: BEGINNING,
    };
    Ok(Registration { organisation, certificate: None })
}

fn entering(n: usize, id: &str, body: &str) -> Result<KeyedRequest<Registration>, Breach> {
    let wanted = participant(id, &format!("https://{id}.example"))?;
    let by = Some(taken(n, KeyedOperation::RegisterOrganisation, body)?);
    Ok(KeyedRequest { by, wanted, at: BEGINNING })
}

async fn participants(desk: &Desk) -> Result<(), Breach> {
    let book = &desk.ports.pera.participants;
    let first = entering(1, "b-one", "one")?;
    let made = first.wanted.organisation.clone();
    same("a participant is entered", &book.register(first.clone()).await?, &Made::New(made.clone()))?;
    same("a repeat is told of it", &book.register(first.clone()).await?, &Made::Repeat(made.clone()))?;
    let other = book.register(entering(1, "c-two", "other")?).await?;
    same("another request under the key conflicts", &other, &Made::ConflictingRepeat)?;
    let again = book.register(entering(2, "b-one", "two")?).await?;
    same("an identifier is entered once", &again, &Made::Refused(NotRegistered::Duplicate))?;
    let unbound = key(&uuid(2), KeyedOperation::RegisterOrganisation)?;
    same("and a refusal binds no key", &book.registered(&unbound, BEGINNING).await?, &None)?;
    let by = first.by.ok_or_else(|| wrong("a request without a key"))?;
    let held = Outcome { fingerprint: by.fingerprint, made: made.clone() };
    same("a key tells what it made", &book.registered(&by.key, BEGINNING).await?, &Some(held))?;
    same("until its end", &book.registered(&by.key, by.until).await?, &None)?;
    same("a sweep deletes it then", &desk.ports.payments.sweep(by.until).await?, &1)?;
    book.register(KeyedRequest { by: None, ..entering(3, "a-three", "three")? }).await?;
    let query = |status| OrganisationQuery { kind: None, status, page: PageRequest::FIRST };
    let listed = book.organisations(&query(None)).await?;
    let ids: Vec<&str> = listed.items.iter().map(|one| one.id.as_str()).collect();
    same("the list is in order", &ids, &vec!["a-three", "b-one"])?;
    same(
        "excluded by the operator",
        &book.put_status(&made.id, OrganisationStatus::Suspended).await?,
        &Put::Done,
    )?;
    let active = book.organisations(&query(Some(OrganisationStatus::Active))).await?;
    same("and found as such", &active.total, &1)?;
    let known = book.organisation(&made.id).await?.map(|known| known.status);
    same("by itself, too", &known, &Some(OrganisationStatus::Suspended))?;
    let nobody = OrganisationId::new("nobody").map_err(wrong)?;
    same("nobody is not changed", &book.put_status(&nobody, OrganisationStatus::Active).await?, &Put::Unknown)
}

async fn origins(desk: &Desk) -> Result<(), Breach> {
    const PAGE: &str = "https://page.example";
    let wanted: Vec<Registration> =
        (0..RACERS).map(|racer| participant(&format!("p-{racer}"), PAGE)).collect::<Result<_, _>>()?;
    let found = race(|racer| {
        let (book, wanted) = (Arc::clone(&desk.ports.pera.participants), wanted.get(racer).cloned());
        async move {
            let wanted = wanted.ok_or_else(|| Fault::new("suite", "too few participants"))?;
            insist(|| book.register(KeyedRequest { by: None, wanted: wanted.clone(), at: BEGINNING })).await
        }
    })
    .await?;
    let new = |made: &Made<Organisation, NotRegistered>| matches!(made, Made::New(_));
    same("of all participants with one origin exactly one is entered", &count(&found, new), &1)?;
    let page = WebOrigin::new(PAGE).map_err(wrong)?;
    let at = desk.ports.pera.participants.at_origin(&page).await?;
    let winner = found.iter().find_map(|made| match made {
        Made::New(made) => Some(made.clone()),
        Made::Repeat(_) | Made::ConflictingRepeat | Made::Refused(_) => None,
    });
    same("and found by it", &at, &winner)?;
    let query = OrganisationQuery { kind: None, status: None, page: PageRequest::FIRST };
    same(
        "nothing of the others is kept",
        &desk.ports.pera.participants.organisations(&query).await?.total,
        &1,
    )
}

fn registration(n: usize) -> Result<Onboarding, Breach> {
    let line = |text: &str| Line::new(text).map_err(wrong);
    let person = Person {
        title: None,
        given_name: line("Ana")?,
        middle_name: None,
        last_name: line("Cruz")?,
        suffix: None,
        phone: None,
        mobile: MobileNumber::new("639171234567").map_err(wrong)?,
        email: Email::new("ana@customer.example").map_err(wrong)?,
        birthdate: Day::parse("1991-06-19").map_err(wrong)?,
        nationality: Country::new("PHL").map_err(wrong)?,
        tin: None,
        present_address: None,
        permanent_address: None,
    };
    let customer = Subject::new("alice").map_err(wrong)?;
    Ok(Onboarding {
        reference: uuid(n),
        file: CustomerFile {
            customer,
            person,
            presented: Vec::new(),
            due_diligence: None,
            administrator: None,
        },
        client: client()?,
        status: OnboardingStatus::Received,
        created_at: BEGINNING,
        updated_at: BEGINNING,
    })
}

async fn registrations(desk: &Desk) -> Result<(), Breach> {
    let book = &desk.ports.pera.customers;
    let alice = Subject::new("alice").map_err(wrong)?;
    same("nobody is registered at first", &book.onboarding(&alice).await?, &None)?;
    let submit = |round: usize| async move {
        let wanted: Vec<Onboarding> =
            (0..RACERS).map(|racer| registration(round * RACERS + racer)).collect::<Result<_, _>>()?;
        race(|racer| {
            let (book, wanted) = (Arc::clone(&desk.ports.pera.customers), wanted.get(racer).cloned());
            async move {
                let wanted = wanted.ok_or_else(|| Fault::new("suite", "too few customers"))?;
                insist(|| book.submit(KeyedRequest { by: None, wanted: wanted.clone(), at: BEGINNING })).await
            }
        })
        .await
    };
    let new = |made: &Made<Onboarding, AlreadyRegistered>| matches!(made, Made::New(_));
    same("of all registrations of one customer exactly one is kept", &count(&submit(0).await?, new), &1)?;
    let known = book.onboarding(&alice).await?.ok_or_else(|| wrong("no registration"))?;
    let pending = known.moved(OnboardingStatus::Pending, later(1)).map_err(wrong)?;
    same("it moves on", &book.advance_onboarding(&known, &pending).await?, &Put::Done)?;
    same("once", &book.advance_onboarding(&known, &pending).await?, &Put::Unknown)?;
    let declined = OnboardingStatus::Declined { reason: DeclineReason::Others };
    let declined = pending.moved(declined, later(2)).map_err(wrong)?;
    book.advance_onboarding(&pending, &declined).await?;
    same("what was declined is still told", &book.onboarding(&alice).await?, &Some(declined))?;
    same("and makes room for one more", &count(&submit(1).await?, new), &1)?;
    let newest = book.onboarding(&alice).await?.map(|newest| newest.status);
    same("which is told from then on", &newest, &Some(OnboardingStatus::Received))
}

/// Accounts a customer may have in this suite: one is there already.
const ACCOUNTS_MAX: u32 = 3;

fn opening(n: usize, id: &str) -> Result<KeyedRequest<AccountOpening>, Breach> {
    let wanted = AccountOpening {
        account: account(id, "alice", (AccountKind::Pera, BEGINNING))?,
        source: Some(AccountId::new(super::desk::PAYER).map_err(wrong)?),
        consent: ConsentId::new("c-1").map_err(wrong)?,
        accounts_max: ACCOUNTS_MAX,
    };
    let by = Some(taken(n, KeyedOperation::OpenAccount, id)?);
    Ok(KeyedRequest { by, wanted, at: BEGINNING })
}

async fn openings(desk: &Desk) -> Result<(), Breach> {
    let book = &desk.ports.pera.openings;
    let early = book.open(opening(0, "pa-early")?).await?;
    same("no account without its consent", &early, &Made::Refused(NotOpened::ConsentGone))?;
    desk.consent("c-1", None).await?;
    let wanted: Vec<KeyedRequest<AccountOpening>> =
        (0..RACERS).map(|racer| opening(racer + 1, &format!("pa-n-{racer}"))).collect::<Result<_, _>>()?;
    let found = race(|racer| {
        let (book, wanted) = (Arc::clone(&desk.ports.pera.openings), wanted.get(racer).cloned());
        async move {
            let wanted = wanted.ok_or_else(|| Fault::new("suite", "too few accounts"))?;
            insist(|| book.open(wanted.clone())).await
        }
    })
    .await?;
    let made = |found: &Made<Account, NotOpened>| matches!(found, Made::New(_) | Made::Repeat(_));
    same("as many are opened as there is room for", &count(&found, made), &2)?;
    let refused = |found: &Made<Account, NotOpened>| *found == Made::Refused(NotOpened::LimitReached);
    same("and no more", &count(&found, refused), &(RACERS - 2))?;
    let id = ConsentId::new("c-1").map_err(wrong)?;
    let given = desk.ports.consents.consent(&id).await?.map(|consent| consent.accounts).unwrap_or_default();
    for (racer, one) in found.iter().enumerate() {
        let account = match one {
            Made::New(account) | Made::Repeat(account) => account,
            Made::ConflictingRepeat | Made::Refused(_) => continue,
        };
        same(
            "an opened account is there",
            &desk.ports.accounts.account(&account.id).await?,
            &Some(account.clone()),
        )?;
        same("with nothing on it", &desk.balance(account.id.as_str()).await?, &0)?;
        let linked = book.source(&account.id).await?;
        same(
            "fed by its source",
            &linked.is_some_and(|source| source.as_str() == super::desk::PAYER),
            &true,
        )?;
        same("and given under the consent", &given.contains(&account.id.as_str().to_owned()), &true)?;
        let again = book.open(opening(racer + 1, account.id.as_str())?).await?;
        same("a repeat is told of it", &again, &Made::Repeat(account.clone()))?;
    }
    let other = book.open(opening(1, "pa-other")?).await?;
    same("what is full stays full", &matches!(other, Made::Refused(_) | Made::ConflictingRepeat), &true)
}
