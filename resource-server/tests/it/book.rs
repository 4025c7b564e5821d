//! Booking: one transaction, and as many of any number at once as consent, year and balance allow.

use std::sync::Arc;

use oauth_core::{ClientId, ConsentId, CorrelationId, Seconds, Subject};
use rar_consent::{ExerciseFault, Permission, Use};
use resource_server::domain::{
    AccountId, Creditor, Currency, EntryId, IdempotencyKey, Money, Payment, PaymentId, PaymentKind,
    PaymentStatus, PaymentTerms, Rail, RejectionReason, RequestFingerprint, Stage, TransactionId,
};
use resource_server::port::{
    Advanced, Allowance, Booked, EntryNames, KeyRef, KeyedOperation, PaymentBook as _, PaymentChange,
    PaymentMove,
};
use resource_server::rail::settle;
use tokio::task::JoinSet;

use super::fixture::{World, everywhere, now};

const PAY: &[Permission] = &[Permission::PaymentInitiate];
const EVERYTHING: (i64, i64) = (1_000_000_00, 10_000_000_00);

fn uuid(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn names(number: u32, part: &str) -> EntryNames {
    EntryNames {
        entry: EntryId::new(&format!("je-{part}-{number}")).unwrap(),
        debit: TransactionId::new(&format!("tx-{part}-{number}-d")).unwrap(),
        credit: TransactionId::new(&format!("tx-{part}-{number}-c")).unwrap(),
    }
}

/// The `number`-th contribution of alice, of so many centavos.
fn change(number: u32, consent: &str, minor: i64) -> PaymentChange {
    let amount = Money::new(minor, Currency::Php).unwrap();
    let payment = Payment::receive(PaymentTerms {
        id: PaymentId::new(&uuid(number)).unwrap(),
        client: ClientId::new("tpp").unwrap(),
        consent: ConsentId::new(consent).unwrap(),
        customer: Subject::new("alice").unwrap(),
        debtor: AccountId::new("sa-1").unwrap(),
        creditor: Creditor::Internal { account: AccountId::new("pa-1").unwrap(), name: None },
        amount,
        kind: PaymentKind::Contribution { year: 2026 },
        rail: Rail::Internal,
        execution_day: None,
        debtor_reference: None,
        creditor_reference: None,
        purpose: None,
        created_at: now(),
    });
    PaymentChange {
        key: KeyRef {
            client: ClientId::new("tpp").unwrap(),
            operation: KeyedOperation::InitiatePayment,
            key: IdempotencyKey::new(&uuid(number)).unwrap(),
        },
        fingerprint: RequestFingerprint::of(format!("{consent} {minor}").as_bytes()),
        key_until: now().plus(Seconds::days(7)),
        payment: payment.unwrap(),
        consent_use: Use { account: Some("sa-1".into()), ..Use::new(minor, "PHP", now()) },
        allowance: Some(Allowance { year: 2026, limit: Money::new(200_000_00, Currency::Php).unwrap() }),
        names: names(number, "b"),
        correlation: CorrelationId::new("c").unwrap(),
    }
}

/// Books all of these at once and counts those that were new.
async fn race(world: &World, changes: Vec<PaymentChange>) -> (usize, Vec<Booked>) {
    let mut tasks = JoinSet::new();
    let barrier = Arc::new(tokio::sync::Barrier::new(changes.len()));
    for change in changes {
        let (bank, barrier) = (world.bank.clone(), Arc::clone(&barrier));
        tasks.spawn(async move {
            barrier.wait().await;
            bank.book(change).await.unwrap()
        });
    }
    let answers = tasks.join_all().await;
    (answers.iter().filter(|booked| matches!(booked, Booked::New(_))).count(), answers)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_payments_at_once_exactly_those_within_the_consent_are_booked() {
    for world in everywhere().await {
        world.consent("c-1", PAY, Some((10_00, 70_00))).await;
        let (new, answers) = race(&world, (0..64).map(|n| change(n, "c-1", 10_00)).collect()).await;
        assert_eq!(new, 7, "{}", world.name);
        let refused = answers.iter().filter(|booked| {
            matches!(booked, Booked::ConsentRefused(refusal) if refusal.fault == ExerciseFault::Total)
        });
        assert_eq!(refused.count(), 57, "{}", world.name);
        assert_eq!(world.number("SELECT count(*) FROM payment").await, 7);
        assert_eq!(world.number("SELECT count(*) FROM idempotency").await, 7, "a refusal keeps no key");
        world.check_books().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_payments_at_once_exactly_those_the_balance_holds_are_booked() {
    for world in everywhere().await {
        // Sixteen consents, so that the balance and not the consent is what they race for.
        for consent in 0..16 {
            world.consent(&format!("c-{consent}"), PAY, Some(EVERYTHING)).await;
        }
        let changes = (0..64)
            .map(|n| PaymentChange { allowance: None, ..change(n, &format!("c-{}", n % 16), 90_000_00) });
        let (new, answers) = race(&world, changes.collect()).await;
        assert_eq!(new, 11, "{}", world.name);
        assert_eq!(answers.iter().filter(|booked| **booked == Booked::FundsGone).count(), 53);
        assert_eq!(world.balance("sa-1").await, 10_000_00);
        world.check_books().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_contributions_at_once_exactly_those_within_the_year_are_booked() {
    for world in everywhere().await {
        for consent in 0..8 {
            world.consent(&format!("c-{consent}"), PAY, Some(EVERYTHING)).await;
        }
        let changes = (0..64).map(|n| change(n, &format!("c-{}", n % 8), 15_000_00));
        let (new, answers) = race(&world, changes.collect()).await;
        assert_eq!(new, 13, "{}", world.name);
        assert_eq!(answers.iter().filter(|booked| **booked == Booked::AllowanceGone).count(), 51);
        world.check_books().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_64_times_at_once_is_one_payment() {
    for world in everywhere().await {
        world.consent("c-1", PAY, Some((10_00, 10_00))).await;
        let same = (0..64).map(|n| PaymentChange {
            payment: change(n, "c-1", 10_00).payment,
            names: names(n, "b"),
            ..change(0, "c-1", 10_00)
        });
        let (new, answers) = race(&world, same.collect()).await;
        assert_eq!(new, 1, "{}", world.name);
        let mut ids: Vec<&str> = Vec::new();
        for booked in &answers {
            match booked {
                Booked::New(payment) | Booked::Repeat(payment) => ids.push(payment.id().as_str()),
                other => panic!("{}: {other:?}", world.name),
            }
        }
        ids.dedup();
        assert_eq!(ids.len(), 1, "{}: every repeat names the one payment", world.name);
        world.check_books().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_request_under_a_taken_key_conflicts_and_changes_nothing() {
    for world in everywhere().await {
        world.consent("c-1", PAY, None).await;
        assert!(matches!(world.bank.book(change(1, "c-1", 10_00)).await.unwrap(), Booked::New(_)));
        let before = world.size().await;
        let other = PaymentChange {
            fingerprint: RequestFingerprint::of(b"another body"),
            payment: change(2, "c-1", 20_00).payment,
            ..change(1, "c-1", 20_00)
        };
        assert_eq!(world.bank.book(other).await.unwrap(), Booked::ConflictingRepeat, "{}", world.name);
        assert_eq!(world.size().await, before, "{}", world.name);
        let foreign = KeyRef { client: ClientId::new("other").unwrap(), ..change(1, "c-1", 10_00).key };
        assert_eq!(world.bank.by_key(&foreign).await.unwrap(), None, "a key belongs to its client");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_booking_changes_nothing_at_all() {
    for world in everywhere().await {
        world.consent("c-1", PAY, Some(EVERYTHING)).await;
        let before = world.size().await;
        let unlimited = PaymentChange { allowance: None, ..change(1, "c-1", 2_000_000_00) };
        let unlimited = PaymentChange {
            consent_use: Use { account: Some("sa-1".into()), ..Use::new(1, "PHP", now()) },
            ..unlimited
        };
        assert_eq!(world.bank.book(unlimited).await.unwrap(), Booked::FundsGone, "{}", world.name);
        let unknown = change(2, "c-unknown", 10_00);
        assert_eq!(world.bank.book(unknown).await.unwrap(), Booked::ConsentGone, "{}", world.name);
        assert_eq!(world.size().await, before, "{}", world.name);
        assert_eq!(world.balance("sa-1").await, 1_000_000_00);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_fails_late_undoes_the_whole_booking() {
    for world in everywhere().await {
        world.consent("c-1", PAY, None).await;
        assert!(matches!(world.bank.book(change(1, "c-1", 10_00)).await.unwrap(), Booked::New(_)));
        let before = world.size().await;
        // The payment's own name is taken, which the database finds out after consent, balance and postings.
        let clash = PaymentChange { names: names(2, "b"), ..change(1, "c-1", 10_00) };
        let clash = PaymentChange { key: change(2, "c-1", 10_00).key, ..clash };
        assert!(world.bank.book(clash).await.is_err(), "{}", world.name);
        assert_eq!(world.size().await, before, "{}", world.name);
        assert_eq!(world.balance("sa-1").await, 999_990_00, "{}", world.name);
        world.check_books().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settled_contribution_has_reached_the_payee_exactly_once() {
    for world in everywhere().await {
        world.consent("c-1", PAY, None).await;
        world.bank.book(change(1, "c-1", 10_00)).await.unwrap();
        assert_eq!((world.balance("sa-1").await, world.balance("pa-1").await), (999_990_00, 50_000_00));
        let (one, two) =
            tokio::join!(settle(&world.operations.ports, now()), settle(&world.operations.ports, now()));
        assert_eq!(one.unwrap() + two.unwrap(), 3, "{}: pending, settled, completed", world.name);
        assert_eq!((world.balance("sa-1").await, world.balance("pa-1").await), (999_990_00, 50_010_00));
        let payment = world.bank.payment(&PaymentId::new(&uuid(1)).unwrap()).await.unwrap().unwrap();
        assert_eq!(payment.status().stage(), Stage::Completed);
        assert_eq!(world.number("SELECT count(*) FROM outbox").await, 0);
        world.check_books().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_or_rejected_payment_gives_back_money_consent_and_year() {
    for world in everywhere().await {
        world.consent("c-1", PAY, Some((10_00, 10_00))).await;
        let to =
            [PaymentStatus::Cancelled, PaymentStatus::Rejected { reason: RejectionReason::FraudSuspected }];
        for (number, to) in (1..).zip(to) {
            let booked = world.bank.book(change(number, "c-1", 10_00)).await.unwrap();
            assert!(matches!(booked, Booked::New(_)), "{}: {booked:?}", world.name);
            let moved = PaymentMove {
                id: PaymentId::new(&uuid(number)).unwrap(),
                to,
                rail_reference: None,
                at: now(),
                names: names(number, "m"),
                correlation: CorrelationId::new("c").unwrap(),
            };
            assert!(matches!(world.bank.advance(&moved).await.unwrap(), Advanced::Moved(_)));
            assert!(matches!(world.bank.advance(&moved).await.unwrap(), Advanced::Illegal(..)));
        }
        assert_eq!(world.balance("sa-1").await, 1_000_000_00, "{}", world.name);
        assert_eq!(world.number("SELECT CAST(SUM(used) AS BIGINT) FROM allowance").await, 0);
        world.check_books().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_and_settling_at_once_ends_in_one_of_the_two() {
    for world in everywhere().await {
        world.consent("c-1", PAY, None).await;
        for number in 0..16 {
            world.bank.book(change(number, "c-1", 10_00)).await.unwrap();
        }
        let mut tasks = JoinSet::new();
        for number in 0..16 {
            let (bank, ports) = (world.bank.clone(), world.operations.ports.clone());
            tasks.spawn(async move {
                let cancel = PaymentMove {
                    id: PaymentId::new(&uuid(number)).unwrap(),
                    to: PaymentStatus::Cancelled,
                    rail_reference: None,
                    at: now(),
                    names: names(number, "m"),
                    correlation: CorrelationId::new("c").unwrap(),
                };
                let (cancelled, settled) = tokio::join!(bank.advance(&cancel), settle(&ports, now()));
                settled.unwrap();
                cancelled.unwrap()
            });
        }
        tasks.join_all().await;
        settle(&world.operations.ports, now()).await.unwrap();
        let done =
            world.number("SELECT count(*) FROM payment WHERE stage IN ('completed', 'cancelled')").await;
        assert_eq!(done, 16, "{}", world.name);
        let paid = world.number("SELECT count(*) FROM payment WHERE stage = 'completed'").await;
        assert_eq!(world.balance("pa-1").await, 50_000_00 + paid * 10_00, "{}", world.name);
        assert_eq!(world.balance("sa-1").await, 1_000_000_00 - paid * 10_00, "{}", world.name);
        world.check_books().await;
    }
}
