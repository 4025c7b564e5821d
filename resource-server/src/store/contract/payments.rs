//! Payments: keys, limits, statuses, lists and the rail's turn.

use std::sync::Arc;

use oauth_core::store::contract::{BEGINNING, same};
use oauth_core::{ConsentId, Seconds, Timestamp};
use rar_consent::Use;

use super::desk::{
    Desk, PAID_IN, PAYEE, PAYER, SAVED, YEARLY, change, change_at, later, of, of_client, statement, step,
    uuid, wrong,
};
use super::{Books, Breach};
use crate::domain::{
    AccountId, IllegalMove, Line, PageRequest, PaymentId, PaymentStatus, RejectionReason, RequestFingerprint,
    Stage, TransactionStatus,
};
use crate::port::{
    Advanced, Booked, KeyRef, Keyed, KeyedOperation, OfKind, PaymentChange, PaymentMove, PaymentQuery,
};

pub(super) async fn hold<F>(make: impl Fn() -> F) -> Result<(), Breach>
where
    F: Future<Output = Arc<dyn Books>>,
{
    booked(&Desk::open(make().await).await?).await?;
    keys(&Desk::open(make().await).await?).await?;
    keys_over(&Desk::open(make().await).await?).await?;
    refused(&Desk::open(make().await).await?).await?;
    settled(&Desk::open(make().await).await?).await?;
    undone(&Desk::open(make().await).await?).await?;
    listed(&Desk::open(make().await).await?).await?;
    turns(&Desk::open(make().await).await?).await
}

async fn booked(desk: &Desk) -> Result<(), Breach> {
    desk.consent("c-1", None).await?;
    let book = &desk.ports.payments;
    let order = change(1, "c-1", 1000)?;
    same("a payment nobody booked is not there", &book.payment(order.payment.id()).await?, &None)?;
    same("a payment is booked as it was ordered", &desk.booked(&order).await?, &order.payment)?;
    same("it comes back so", &book.payment(order.payment.id()).await?, &Some(order.payment.clone()))?;
    same("it leaves the payer's account at once", &desk.balance(PAYER).await?, &(PAID_IN - 1000))?;
    same("and is not yet the payee's", &desk.balance(PAYEE).await?, &SAVED)?;
    same("it counts under its consent", &desk.usage("c-1").await?, &(1, 1000))?;
    desk.sound().await
}

async fn keys(desk: &Desk) -> Result<(), Breach> {
    desk.consent("c-1", Some((1000, 1000))).await?;
    let book = &desk.ports.payments;
    let first = change(1, "c-1", 1000)?;
    same("a free key holds nothing", &book.by_key(&first.key, BEGINNING).await?, &None)?;
    desk.booked(&first).await?;
    desk.moved(1, "m", PaymentStatus::Pending).await?;
    let now = desk.moved(1, "n", PaymentStatus::DebtorSettled).await?;
    let before = desk.state().await?;
    let again = PaymentChange { key: first.key.clone(), ..change(2, "c-1", 1000)? };
    let repeat = desk.book(&again).await?;
    same("a repeat is the payment as it came in", &repeat, &Booked::Repeat(first.payment.clone()))?;
    let other = PaymentChange { key: first.key.clone(), ..change(3, "c-1", 900)? };
    let conflict = desk.book(&other).await?;
    same("another request under a taken key conflicts", &conflict, &Booked::ConflictingRepeat)?;
    same("neither changes anything", &desk.state().await?, &before)?;
    let held = Some(Keyed { fingerprint: first.fingerprint, payment: now });
    same("a key holds the payment as it is now", &book.by_key(&first.key, BEGINNING).await?, &held)?;
    let stranger = KeyRef { client: of("https://as.example", "other")?, ..first.key.clone() };
    same("a key belongs to its client", &book.by_key(&stranger, BEGINNING).await?, &None)?;
    let namesake = KeyRef { client: of("https://other.example", "tpp")?, ..first.key.clone() };
    same("and to the issuer of the client", &book.by_key(&namesake, BEGINNING).await?, &None)?;
    let elsewhere = KeyRef { operation: KeyedOperation::LodgeConsent, ..first.key };
    same("and to its operation", &book.by_key(&elsewhere, BEGINNING).await?, &None)?;
    desk.sound().await
}

async fn keys_over(desk: &Desk) -> Result<(), Breach> {
    desk.consent("c-1", None).await?;
    let book = &desk.ports.payments;
    let until = later(100);
    let short = |change: PaymentChange| PaymentChange { key_until: until, ..change };
    for n in 1..=3 {
        desk.booked(&short(change(n, "c-1", 1000)?)).await?;
    }
    let kept = PaymentChange { key_until: Timestamp::FAR_FUTURE, ..change(4, "c-1", 1000)? };
    desk.booked(&kept).await?;
    let just_before = Timestamp::from_millis(until.millis() - 1);
    same("a sweep leaves keys whose time is not over", &book.sweep(just_before).await?, &0)?;
    let held = change(1, "c-1", 1000)?.key;
    same("until then a key holds", &book.by_key(&held, just_before).await?.is_some(), &true)?;
    same("at its end it holds nothing", &book.by_key(&held, until).await?, &None)?;
    let other = RequestFingerprint::of(b"another request");
    let anew = PaymentChange { key: held.clone(), fingerprint: other, ..change_at(5, ("c-1", 500), until)? };
    same("and is taken anew before any sweep", &desk.booked(&anew).await?, &anew.payment)?;
    let holds = book.by_key(&held, until).await?.map(|held| held.payment);
    same("by the newer request", &holds, &Some(anew.payment.clone()))?;
    same("a sweep counts the keys it deletes", &book.sweep(until).await?, &2)?;
    same("and finds them only once", &book.sweep(until).await?, &0)?;
    let holds = book.by_key(&held, until).await?.map(|held| held.payment);
    same("it leaves a key that was taken anew", &holds, &Some(anew.payment))?;
    same("and one without an end", &book.by_key(&kept.key, later(1_000_000)).await?.is_some(), &true)?;
    let first = PaymentId::new(&uuid(1)).map_err(wrong)?;
    same("what a swept key held stays", &book.payment(&first).await?.is_some(), &true)?;
    desk.sound().await
}

async fn refused(desk: &Desk) -> Result<(), Breach> {
    desk.consent("c-1", Some((1000, 1000))).await?;
    desk.consent("c-2", None).await?;
    let before = desk.state().await?;
    let beyond = desk.book(&change(1, "c-1", 1001)?).await?;
    same("a consent's limit holds", &matches!(beyond, Booked::ConsentRefused(_)), &true)?;
    same("a consent must be there", &desk.book(&change(1, "c-0", 1000)?).await?, &Booked::ConsentGone)?;
    let yearly = desk.book(&change(1, "c-2", YEARLY + 1)?).await?;
    same("so does the year's", &yearly, &Booked::AllowanceGone)?;
    let rich = PaymentChange { allowance: None, ..change(1, "c-2", PAID_IN + 1)? };
    same("there is no overdraft", &desk.book(&rich).await?, &Booked::FundsGone)?;
    let disguised = PaymentChange { consent_use: Use::new(1, "PHP", BEGINNING), ..rich };
    same("whatever the consent is told", &desk.book(&disguised).await?, &Booked::FundsGone)?;
    same("a refusal changes nothing", &desk.state().await?, &before)?;
    let whole = PaymentChange { allowance: None, ..change(1, "c-2", PAID_IN)? };
    same("and binds no key; the last centavo may be spent", &desk.booked(&whole).await?, &whole.payment)?;
    same(
        "a payment to the very limit of its consent waits for funds",
        &desk.book(&change(2, "c-1", 1000)?).await?,
        &Booked::FundsGone,
    )?;
    desk.sound().await
}

async fn settled(desk: &Desk) -> Result<(), Breach> {
    desk.consent("c-1", None).await?;
    desk.booked(&change(1, "c-1", 1000)?).await?;
    let unknown = desk.ports.payments.advance(&step(9, "m", PaymentStatus::Pending)?).await?;
    same("a payment nobody booked does not move", &unknown, &Advanced::Unknown)?;
    let before = desk.state().await?;
    let early = desk.ports.payments.advance(&step(1, "m", PaymentStatus::Completed)?).await?;
    let illegal = IllegalMove { from: Stage::Received, to: Stage::Completed };
    same(
        "a move outside the table is refused",
        &early,
        &Advanced::Illegal(change(1, "c-1", 1000)?.payment, illegal),
    )?;
    same("and changes nothing", &desk.state().await?, &before)?;
    desk.moved(1, "m", PaymentStatus::Pending).await?;
    let traced = PaymentMove {
        rail_reference: Some(Line::new("R-1").map_err(wrong)?),
        ..step(1, "n", PaymentStatus::DebtorSettled)?
    };
    let Advanced::Moved(paid) = desk.ports.payments.advance(&traced).await? else {
        return Err(wrong("a legal move was refused"));
    };
    same("the rail's number is kept", &paid.rail_reference().map(Line::as_str), &Some("R-1"))?;
    same("a status has its instant", &paid.status_at(), &later(1))?;
    let payer = AccountId::new(PAYER).map_err(wrong)?;
    let lines = desk.ports.accounts.transactions(&statement(&payer)?).await?;
    let posted = lines.items.iter().all(|line| line.status != TransactionStatus::Pending);
    same("when the debtor has paid nothing is pending", &posted, &true)?;
    same("the payee still waits", &desk.balance(PAYEE).await?, &SAVED)?;
    let done = desk.moved(1, "o", PaymentStatus::Completed).await?;
    same("a completed payment has reached the payee", &desk.balance(PAYEE).await?, &(SAVED + 1000))?;
    let payee = AccountId::new(PAYEE).map_err(wrong)?;
    let lines = desk.ports.accounts.transactions(&statement(&payee)?).await?;
    let credited = lines.items.iter().filter(|line| line.payment.as_ref() == Some(done.id())).count();
    same("and stands on the payee's statement", &credited, &1)?;
    let due = desk.ports.payments.due(Timestamp::FAR_FUTURE, 10).await?;
    same("what is over has no further turn", &due, &Vec::new())?;
    same("its use of the consent stays", &desk.usage("c-1").await?, &(1, 1000))?;
    desk.sound().await
}

async fn undone(desk: &Desk) -> Result<(), Breach> {
    desk.consent("c-1", Some((YEARLY, YEARLY))).await?;
    let rejected = PaymentStatus::Rejected { reason: RejectionReason::RailRefused };
    for (n, to) in [(1, PaymentStatus::Cancelled), (2, rejected), (3, PaymentStatus::Cancelled)] {
        // Consent and year allow exactly one of this amount, so each is only possible once the one before is undone.
        desk.booked(&change(n, "c-1", YEARLY)?).await?;
        if n == 3 {
            desk.moved(n, "m", PaymentStatus::Pending).await?;
        }
        desk.moved(n, "n", to).await?;
        same("what was taken is given back", &desk.balance(PAYER).await?, &PAID_IN)?;
        same("so is the consent's part", &desk.usage("c-1").await?, &(0, 0))?;
        let before = desk.state().await?;
        let again = desk.ports.payments.advance(&step(n, "o", to)?).await?;
        same("only once", &matches!(again, Advanced::Illegal(..)), &true)?;
        same("and nothing more", &desk.state().await?, &before)?;
        desk.sound().await?;
    }
    let payer = AccountId::new(PAYER).map_err(wrong)?;
    let lines = desk.ports.accounts.transactions(&statement(&payer)?).await?;
    same("a statement shows both the taking and the giving back", &lines.total, &7)
}

async fn listed(desk: &Desk) -> Result<(), Breach> {
    for consent in ["c-1", "c-2"] {
        desk.consent(consent, None).await?;
    }
    for n in 0..6_usize {
        let second = i64::try_from(n).unwrap_or_default();
        let consent = if n.is_multiple_of(2) { "c-1" } else { "c-2" };
        desk.booked(&change_at(n, (consent, 1000), later(second / 2))?).await?;
    }
    desk.moved(0, "m", PaymentStatus::Pending).await?;
    desk.moved(1, "m", PaymentStatus::Cancelled).await?;
    let all = desk.ports.payments.payments(&of_client()?).await?;
    let order: Vec<String> = all.items.iter().map(|payment| payment.id().to_string()).collect();
    let wanted: Vec<String> = [4, 5, 2, 3, 0, 1].map(uuid).into();
    same("payments are listed newest first, then by name", &order, &wanted)?;
    let consent = Some(ConsentId::new("c-1").map_err(wrong)?);
    let account = |id: &str| AccountId::new(id).map(Some).map_err(wrong);
    let queries: [(&'static str, PaymentQuery, u64); 9] = [
        (
            "of another client there are none",
            PaymentQuery { client: of("https://other.example", "tpp")?, ..of_client()? },
            0,
        ),
        ("of one consent", PaymentQuery { consent, ..of_client()? }, 3),
        ("of one stage", PaymentQuery { stages: vec![Stage::Received], ..of_client()? }, 4),
        ("of two", PaymentQuery { stages: vec![Stage::Pending, Stage::Cancelled], ..of_client()? }, 2),
        (
            "both bounds inclusive",
            PaymentQuery { oldest: Some(later(1)), newest: Some(later(1)), ..of_client()? },
            2,
        ),
        ("from an account", PaymentQuery { account: account(PAYER)?, ..of_client()? }, 6),
        ("to an account", PaymentQuery { account: account(PAYEE)?, ..of_client()? }, 6),
        ("of one kind", PaymentQuery { kind: OfKind::Contribution, ..of_client()? }, 6),
        ("of the other", PaymentQuery { kind: OfKind::Transfer, ..of_client()? }, 0),
    ];
    for (fact, query, total) in queries {
        let found = desk.ports.payments.payments(&query).await?;
        same(fact, &(found.total, u64::try_from(found.items.len()).unwrap_or_default()), &(total, total))?;
    }
    let page = PaymentQuery { page: PageRequest::new(2, 4).map_err(wrong)?, ..of_client()? };
    let page = desk.ports.payments.payments(&page).await?;
    same("a page has its part", &page.items.as_slice(), &all.items.get(4..).unwrap_or_default())?;
    same("and counts all", &page.total, &6)
}

async fn turns(desk: &Desk) -> Result<(), Breach> {
    desk.consent("c-1", None).await?;
    let book = &desk.ports.payments;
    for n in 0..3_usize {
        let second = i64::try_from(n).unwrap_or_default();
        desk.booked(&change_at(n, ("c-1", 1000), later(second))?).await?;
    }
    let due = async |now, limit| {
        let payments = book.due(now, limit).await?;
        Ok::<_, Breach>(payments.iter().map(|payment| payment.id().to_string()).collect::<Vec<_>>())
    };
    same("a payment has its turn at once, not before", &due(later(1), 10).await?, &vec![uuid(0), uuid(1)])?;
    same("the oldest come first, up to a limit", &due(later(5), 2).await?, &vec![uuid(0), uuid(1)])?;
    let id = |n| PaymentId::new(&uuid(n)).map_err(wrong);
    book.put_off(&id(0)?, Some(later(10))).await?;
    book.put_off(&id(1)?, None).await?;
    same("what is put off waits", &due(later(9), 10).await?, &vec![uuid(2)])?;
    let then = BEGINNING.plus(Seconds::new(10));
    same("until then", &due(then, 10).await?, &vec![uuid(2), uuid(0)])?;
    book.put_off(&id(1)?, Some(then)).await?;
    same("what was taken off the list stays off", &due(Timestamp::FAR_FUTURE, 10).await?.len(), &2)
}
