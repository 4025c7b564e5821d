//! What every adapter of [`ConsentStore`] must do, as a suite to run in the tests of the adapter.
//!
//! ```ignore
//! #[tokio::test(flavor = "multi_thread")]
//! async fn our_store_keeps_the_contract() {
//!     consent_store_contract(|| async { our_empty_store().await }).await.unwrap();
//! }
//! ```
//!
//! Each part starts with an empty store of its own, so `make` is called many times. Run it on a runtime of several
//! threads: sixty-four tasks race for one consent, round after round.

mod events;

use std::sync::Arc;

pub use events::{EventPorts, event_outbox_contract};
pub use oauth_core::store::contract::Breach;
use oauth_core::store::contract::{BEGINNING, ROUNDS, race, same};
use oauth_core::{ClientId, ConsentId, IllFormed, Issuer, Seconds, Subject, Timestamp, UriFault};

use crate::consent::approval::{Authorizer, Decision, FirstApproval};
use crate::consent::history::{Actor, HistoryEntry};
use crate::consent::status::{ConsentStatus, IllegalMove};
use crate::consent::terms::{AccountInformation, AccountPermission, Terms};
use crate::consent::{Consent, Lodged};
use crate::port::{ConsentStore, DUE_MAX, Inserted, LIST_MAX, Replaced};

/// Holds a [`ConsentStore`] to its port.
///
/// # Errors
/// The first thing it does that the port does not say.
pub async fn consent_store_contract<F>(make: impl Fn() -> F) -> Result<(), Breach>
where
    F: Future<Output = Arc<dyn ConsentStore>>,
{
    kept(&*make().await).await?;
    unique(&*make().await).await?;
    replaced(&*make().await).await?;
    listed(&*make().await).await?;
    due(&*make().await).await?;
    forgotten(&*make().await).await?;
    waiting_for(&*make().await).await?;
    replace_race(&make().await).await?;
    insert_race(&make().await).await
}

async fn kept(store: &dyn ConsentStore) -> Result<(), Breach> {
    let (consent, entry) = waiting(1, BEGINNING)?;
    same("a consent nobody made is not there", &store.consent(&consent.id).await?, &None)?;
    same("it has no history", &store.history(&consent.id).await?, &Vec::new())?;
    same("a new consent is kept", &store.insert(&consent, &entry).await?, &Inserted::New)?;
    same("it comes back as it was", &store.consent(&consent.id).await?, &Some(consent.clone()))?;
    same("so does its history", &store.history(&consent.id).await?, &vec![entry])?;
    let other = id(&consent.id.as_str().to_ascii_uppercase())?;
    same("another spelling is another name", &store.consent(&other).await?, &None)
}

async fn unique(store: &dyn ConsentStore) -> Result<(), Breach> {
    let (consent, entry) = waiting(1, BEGINNING)?;
    store.insert(&consent, &entry).await?;
    let bare = consent.id.as_str().to_owned();
    for text in [bare.clone(), format!("aac-{bare}"), format!("xyz-{bare}"), bare.to_ascii_uppercase()] {
        let mut again = Consent { id: id(&text)?, ..consent.clone() };
        again.client = client("somebody-else")?;
        let outcome = store.insert(&again, &entry).await?;
        same("a used identifier is not used again in any spelling", &outcome, &Inserted::IdUsed)?;
    }
    same("and the first consent stays", &store.consent(&consent.id).await?, &Some(consent.clone()))?;
    same("with its history", &store.history(&consent.id).await?, &vec![entry.clone()])?;
    let (revoked, by) = rejected(&consent)?;
    store.replace(&revoked, &by).await?;
    let outcome = store.insert(&consent, &entry).await?;
    same("nor after its consent has ended", &outcome, &Inserted::IdUsed)
}

async fn replaced(store: &dyn ConsentStore) -> Result<(), Breach> {
    let (consent, entry) = waiting(1, BEGINNING)?;
    let (changed, by) = authorised(&consent)?;
    let outcome = store.replace(&changed, &by).await?;
    same("a consent that is not there is not changed", &outcome, &Replaced::Conflict)?;
    same("nor made", &store.consent(&consent.id).await?, &None)?;
    store.insert(&consent, &entry).await?;
    same(
        "a consent is changed by the revision it was read at",
        &store.replace(&changed, &by).await?,
        &Replaced::Done,
    )?;
    let after = Consent { revision: changed.revision + 1, ..changed.clone() };
    same("the change is kept", &store.consent(&consent.id).await?, &Some(after))?;
    let (late, by_late) = rejected(&consent)?;
    let outcome = store.replace(&late, &by_late).await?;
    same("a change by an older revision is refused", &outcome, &Replaced::Conflict)?;
    let status = store.consent(&consent.id).await?.map(|found| found.status);
    same("and changes nothing", &status, &Some(ConsentStatus::Authorized))?;
    same("nor the history", &store.history(&consent.id).await?, &vec![entry, by])
}

async fn listed(store: &dyn ConsentStore) -> Result<(), Breach> {
    let owner = Subject::new("customer").map_err(wrong)?;
    for n in 0..LIST_MAX + 3 {
        let second = i64::try_from(n).unwrap_or(i64::MAX);
        let (consent, entry) = waiting(n, BEGINNING.plus(Seconds::new(second)))?;
        store.insert(&consent, &entry).await?;
        if n % 2 == 0 {
            let (changed, by) = authorised(&consent)?;
            store.replace(&changed, &by).await?;
        }
    }
    let of_client = store.of_client(&client("tpp")?).await?;
    same("a list has a bound", &of_client.len(), &LIST_MAX)?;
    same(
        "a list begins with the newest",
        &of_client.is_sorted_by(|a, b| a.created_at > b.created_at),
        &true,
    )?;
    let newest = of_client.first().map(|consent| consent.created_at);
    let last = i64::try_from(LIST_MAX + 2).unwrap_or_default();
    same("the newest is in it", &newest, &Some(BEGINNING.plus(Seconds::new(last))))?;
    let of_subject = store.of_subject(&owner).await?;
    same("a customer has what that customer authorised", &of_subject.len(), &((LIST_MAX + 4) / 2))?;
    let own = of_subject.iter().all(|consent| consent.subject.as_ref() == Some(&owner));
    same("and nothing else", &own, &true)?;
    let nobody = store.of_client(&client("nobody")?).await?;
    same("another client has nothing", &nobody, &Vec::new())
}

async fn due(store: &dyn ConsentStore) -> Result<(), Breach> {
    for n in 0..4 {
        let (consent, entry) =
            waiting(n, BEGINNING.plus(Seconds::new(i64::try_from(n).unwrap_or_default())))?;
        store.insert(&consent, &entry).await?;
        if n == 3 {
            let (over, by) = rejected(&consent)?;
            store.replace(&over, &by).await?;
        }
    }
    let deadline = BEGINNING.plus(Seconds::minutes(60));
    let before = store.due(Timestamp::from_millis(deadline.millis() - 1)).await?;
    same("nothing is due before its time", &before.len(), &0)?;
    let first = store.due(deadline).await?;
    same("what is due is due at its very time", &first.len(), &1)?;
    let all = store.due(deadline.plus(Seconds::days(400))).await?;
    same("what has ended is never due", &all.len(), &3)?;
    same("the longest overdue comes first", &all.is_sorted_by_key(Consent::due_at), &true)?;
    same("a batch has a bound", &(all.len() <= DUE_MAX), &true)
}

async fn waiting_for(store: &dyn ConsentStore) -> Result<(), Breach> {
    let subject = |text: &str| Subject::new(text).map_err(wrong);
    let (consent, entry) = waiting(1, BEGINNING)?;
    store.insert(&consent, &entry).await?;
    let authorizer = |name: &str| {
        Ok::<_, Breach>(Authorizer {
            id: format!("fin-{name}"),
            kind: "Financial".to_owned(),
            subject: Some(subject(name)?),
        })
    };
    let authorizers = vec![authorizer("customer")?, authorizer("second")?, authorizer("t%ird")?];
    let first = FirstApproval { by: subject("customer")?, accounts: vec!["acc-1".to_owned()], authorizers };
    let refused = |fault: &dyn std::fmt::Display| Breach::Suite(fault.to_string());
    let (asked, by) = consent.approved_by(first, BEGINNING).map_err(|fault| refused(&fault))?;
    store.replace(&asked, &by).await?;
    let asked = Consent { revision: asked.revision + 1, ..asked };
    for name in ["second", "t%ird"] {
        let found = store.waiting_for(&subject(name)?).await?;
        same("who has to approve finds what waits", &found, &vec![asked.clone()])?;
    }
    for name in ["customer", "secon", "third", "%", "_econd"] {
        let found = store.waiting_for(&subject(name)?).await?;
        same("who has approved, and anybody else, finds nothing", &found, &Vec::new())?;
    }
    let ops = Actor::Operator("contract".to_owned());
    let (decided, by) =
        asked.decided("fin-second", Decision::Rejected, &ops, BEGINNING).map_err(|fault| refused(&fault))?;
    store.replace(&decided, &by).await?;
    let found = store.waiting_for(&subject("t%ird")?).await?;
    same("what has ended waits for nobody", &found, &Vec::new())
}

async fn forgotten(store: &dyn ConsentStore) -> Result<(), Breach> {
    let (waits, entry) = waiting(1, BEGINNING)?;
    store.insert(&waits, &entry).await?;
    let (refused, entry) = waiting(2, BEGINNING)?;
    store.insert(&refused, &entry).await?;
    let (over, by) = rejected(&refused)?;
    store.replace(&over, &by).await?;
    let (approved, entry) = waiting(3, BEGINNING)?;
    store.insert(&approved, &entry).await?;
    let (given, by) = authorised(&approved)?;
    store.replace(&given, &by).await?;
    let given = Consent { revision: given.revision + 1, ..given };
    let tpp = Actor::Tpp(client("tpp")?);
    let (taken, by) = moved(&given, ConsentStatus::Revoked, &tpp)?;
    store.replace(&taken, &by).await?;
    same("what was made at this instant is kept", &store.forget(BEGINNING).await?, &0)?;
    let later = BEGINNING.plus(Seconds::days(400));
    same("what ended unapproved is deleted", &store.forget(later).await?, &1)?;
    same("and only once", &store.forget(later).await?, &0)?;
    same("with its history", &store.history(&refused.id).await?, &Vec::new())?;
    same("what was approved stays", &store.consent(&approved.id).await?.is_some(), &true)?;
    same("with its history", &store.history(&approved.id).await?.len(), &3)?;
    same("what waits stays", &store.consent(&waits.id).await?, &Some(waits.clone()))
}

/// Of any number of changes to one revision exactly one is kept, and one entry with it.
async fn replace_race(store: &Arc<dyn ConsentStore>) -> Result<(), Breach> {
    for round in 0..ROUNDS {
        let (consent, entry) = waiting(round, BEGINNING)?;
        store.insert(&consent, &entry).await?;
        let changes = [authorised(&consent)?, rejected(&consent)?];
        let outcomes = race(|racer| {
            let [even, odd] = changes.clone();
            let (changed, by) = if racer.is_multiple_of(2) { even } else { odd };
            let store = Arc::clone(store);
            async move { store.replace(&changed, &by).await }
        })
        .await?;
        let done = outcomes.iter().filter(|outcome| **outcome == Replaced::Done).count();
        same("of all racers exactly one changes the consent", &done, &1)?;
        let history = store.history(&consent.id).await?;
        same("and leaves one entry", &history.len(), &2)?;
        let status = store.consent(&consent.id).await?.map(|found| found.status);
        same("which is the one that holds", &status, &history.last().map(|entry| entry.to))?;
    }
    Ok(())
}

async fn insert_race(store: &Arc<dyn ConsentStore>) -> Result<(), Breach> {
    for round in 0..ROUNDS {
        let (consent, entry) = waiting(round, BEGINNING)?;
        let other = Consent { id: id(&format!("aac-{}", consent.id))?, ..consent.clone() };
        let outcomes = race(|racer| {
            let consent = if racer.is_multiple_of(2) { consent.clone() } else { other.clone() };
            let (entry, store) = (entry.clone(), Arc::clone(store));
            async move { store.insert(&consent, &entry).await }
        })
        .await?;
        let new = outcomes.iter().filter(|outcome| **outcome == Inserted::New).count();
        same("of all racers exactly one takes the identifier", &new, &1)?;
    }
    Ok(())
}

fn waiting(n: usize, now: Timestamp) -> Result<(Consent, HistoryEntry), Breach> {
    let lodged = Lodged {
        id: id(&format!("69255d98-ab0e-4758-92a7-{n:012x}"))?,
        issuer: Issuer::new("https://bank.example")
            .map_err(|fault: UriFault| Breach::Suite(fault.to_string()))?,
        client: client("tpp")?,
        element: serde_json::json!({"type": "account_information", "note": "\u{645} \" '"}),
    };
    let terms = AccountInformation {
        permissions: vec![AccountPermission::Balances],
        recurring: true,
        valid_until: BEGINNING.plus(Seconds::days(90)),
    };
    Ok(Consent::awaiting(lodged, Terms::Accounts(terms), now))
}

fn authorised(consent: &Consent) -> Result<(Consent, HistoryEntry), Breach> {
    let owner = Subject::new("customer").map_err(wrong)?;
    let (moved, entry) = moved(consent, ConsentStatus::Authorized, &Actor::Customer(owner.clone()))?;
    Ok((Consent { subject: Some(owner), ..moved }, entry))
}

fn rejected(consent: &Consent) -> Result<(Consent, HistoryEntry), Breach> {
    moved(consent, ConsentStatus::Rejected, &Actor::Engine)
}

fn moved(consent: &Consent, to: ConsentStatus, actor: &Actor) -> Result<(Consent, HistoryEntry), Breach> {
    let moved = consent.moved(to, actor, "contract", BEGINNING.plus(Seconds::new(1)));
    moved.map_err(|refused: IllegalMove| Breach::Suite(refused.to_string()))
}

fn id(text: &str) -> Result<ConsentId, Breach> {
    ConsentId::new(text).map_err(wrong)
}

fn client(text: &str) -> Result<ClientId, Breach> {
    ClientId::new(text).map_err(wrong)
}

fn wrong(fault: IllFormed) -> Breach {
    Breach::Suite(fault.to_string())
}
