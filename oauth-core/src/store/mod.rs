//! Where things are kept: adapters of the store ports, the suites that every adapter must pass, and the database layer
//! below them.

#[cfg(feature = "testkit")]
pub mod contract;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod database;
pub mod keys;
#[cfg(feature = "memory")]
pub mod memory;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod sql;

/// Grants listed for one customer.
#[cfg(any(feature = "memory", feature = "sqlite", feature = "postgres"))]
const GRANTS_LISTED: usize = 1000;

/// This instant, or the next whole second after it.
#[cfg(any(feature = "memory", feature = "redis"))]
const fn whole_second_after(instant: crate::Timestamp) -> crate::Timestamp {
    crate::Timestamp::from_seconds(
        crate::Timestamp::from_millis(instant.millis().saturating_add(999)).seconds(),
    )
}

/// Whether what is said to this host stays on this machine, so that nobody on a network can read or change it.
#[cfg(any(feature = "postgres", feature = "redis"))]
fn stays_here(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let address = bare.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The parameter of a store's URL by which a deployment accepts that its store is reached over a network in the clear.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "redis"))]
const PLAINTEXT: (&str, &str) = ("plaintext", "allowed");

/// Takes the parameters that are ours out of a store's URL and returns the value each had.
///
/// `None` when one of them is there twice.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "redis"))]
fn take_parameters<const N: usize>(url: &mut ::url::Url, names: [&str; N]) -> Option<[Option<String>; N]> {
    let mut taken = [const { None }; N];
    let mut left: Vec<(String, String)> = Vec::new();
    for (name, value) in url.query_pairs() {
        let place = names.iter().position(|ours| *ours == name).and_then(|at| taken.get_mut(at));
        match place {
            Some(Some(_)) => return None,
            Some(place @ None) => *place = Some(value.into_owned()),
            None => left.push((name.into_owned(), value.into_owned())),
        }
    }
    if taken.iter().any(Option::is_some) {
        url.set_query(None);
        if !left.is_empty() {
            url.query_pairs_mut().extend_pairs(left);
        }
    }
    Some(taken)
}

#[cfg(all(test, any(feature = "postgres", feature = "redis")))]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_stay_here() {
        for here in ["localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]", "::ffff:127.0.0.1"] {
            assert!(stays_here(here), "{here}");
        }
        for away in
            ["10.0.0.1", "db.example", "localhost.example", "0.0.0.0", "LOCALHOST.", "::", "", "2130706433"]
        {
            assert!(!stays_here(away), "{away}");
        }
    }

    #[test]
    fn our_parameters_are_taken_out_of_a_url_and_the_others_stay() {
        let mut url = ::url::Url::parse("postgres://h/d?a=1&plaintext=allowed&b=%2F").unwrap();
        let taken = take_parameters(&mut url, ["plaintext", "other"]).unwrap();
        assert_eq!((taken, url.as_str()), ([Some("allowed".into()), None], "postgres://h/d?a=1&b=%2F"));
        let mut twice = ::url::Url::parse("redis://h/?plaintext=allowed&plaintext=allowed").unwrap();
        assert_eq!(take_parameters(&mut twice, ["plaintext"]), None);
    }
}
