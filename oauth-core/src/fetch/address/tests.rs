//! The tables by value: the first and the last address of every range, and their neighbours.

use proptest::prelude::*;

use super::*;

fn verdict(text: &str) -> Result<(), &'static str> {
    Reach::Internet.judge(text.parse().unwrap()).map_err(|Range(name)| name)
}

#[track_caller]
fn refused(addresses: &[&str]) {
    for address in addresses {
        assert!(verdict(address).is_err(), "{address}");
    }
}

#[track_caller]
fn allowed(addresses: &[&str]) {
    for address in addresses {
        assert_eq!(verdict(address), Ok(()), "{address}");
    }
}

#[test]
fn first_and_last_address_of_every_special_ipv4_range_are_refused() {
    refused(&["0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255"]);
    refused(&["127.0.0.0", "127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.255.255"]);
    refused(&["172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.255", "192.0.2.0", "192.0.2.255"]);
    refused(&[
        "192.31.196.0",
        "192.31.196.255",
        "192.52.193.0",
        "192.52.193.255",
        "192.88.99.0",
        "192.88.99.255",
    ]);
    refused(&[
        "192.168.0.0",
        "192.168.255.255",
        "192.175.48.0",
        "192.175.48.255",
        "198.18.0.0",
        "198.19.255.255",
    ]);
    refused(&["198.51.100.0", "198.51.100.255", "203.0.113.0", "203.0.113.255"]);
    refused(&["224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.254", "255.255.255.255"]);
}

#[test]
fn their_public_neighbours_are_allowed() {
    allowed(&["1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"]);
    allowed(&[
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
    ]);
    allowed(&["192.0.1.0", "192.0.1.255", "192.0.3.0", "192.31.195.255", "192.31.197.0", "192.52.192.255"]);
    allowed(&[
        "192.52.194.0",
        "192.88.98.255",
        "192.88.100.0",
        "192.167.255.255",
        "192.169.0.0",
        "192.175.47.255",
    ]);
    allowed(&[
        "192.175.49.0",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.99.255",
        "198.51.101.0",
        "203.0.112.255",
    ]);
    allowed(&["203.0.114.0", "223.255.255.255", "8.8.8.8", "168.63.129.15", "168.63.129.17"]);
}

#[test]
fn first_and_last_address_of_every_special_ipv6_range_are_refused() {
    refused(&["::", "::1", "::2", "::ffff", "100::", "100::ffff:ffff:ffff:ffff", "1fff:ffff::"]);
    refused(&[
        "fc00::",
        "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "fe80::",
        "febf:ffff::1",
        "fec0::",
        "feff::1",
    ]);
    refused(&["ff00::", "ff02::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "4000::", "5f00::1", "e000::"]);
    refused(&[
        "2001::",
        "2001::1",
        "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:2::1",
        "2001:10::",
        "2001:20::1",
    ]);
    refused(&["2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2002::", "2002:ffff:ffff:ffff::1"]);
    refused(&["2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff"]);
    refused(&["3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "64:ff9b:1::808:808"]);
    allowed(&["2000::", "2001:200::", "2001:db7:ffff::1", "2001:db9::", "2001:ffff::1", "2003::1"]);
    allowed(&["2606:4700:4700::1111", "2620:4f:7fff::1", "2620:4f:8001::1", "3ffe::1", "3fff:1000::1"]);
}

#[test]
fn an_ipv4_address_inside_an_ipv6_address_is_judged_like_itself() {
    for inner in
        ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "0.0.0.0", "224.0.0.1"]
    {
        for outer in ["::ffff:", "64:ff9b::", "::", "2606:4700::5efe:", "2606:4700::200:5efe:"] {
            assert!(verdict(&format!("{outer}{inner}")).is_err(), "{outer}{inner}");
        }
    }
    for address in ["2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:4136:e378:8000:63bf:80ff:fffe"] {
        assert!(verdict(address).is_err(), "{address}");
    }
    allowed(&["::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2606:4700::5efe:8.8.8.8"]);
    assert!(verdict("::8.8.8.8").is_err());
    assert!(verdict("2002:808:808::1").is_err());
}

#[test]
fn addresses_of_cloud_services_are_refused() {
    refused(&["169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "192.0.0.192"]);
    refused(&["fd00:ec2::254", "fd20:ce::254", "fe80::a9fe:a9fe", "::ffff:169.254.169.254"]);
}

#[test]
fn only_loopback_is_opened_for_test_setups() {
    let test = Reach::InternetAndLoopback;
    for address in ["127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1", "8.8.8.8"] {
        assert_eq!(test.judge(address.parse().unwrap()), Ok(()), "{address}");
    }
    for address in ["10.0.0.1", "0.0.0.0", "169.254.169.254", "::", "fe80::1", "192.168.0.1", "2002:7f00:1::"]
    {
        assert!(test.judge(address.parse().unwrap()).is_err(), "{address}");
    }
}

/// What the standard library knows, and the registries' blocks by their own numbers.
fn is_global_unicast_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let plain = !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || address.is_unspecified());
    plain
        && a != 0
        && a < 224
        && !(a == 100 && (64..128).contains(&b))
        && !(a == 198 && (b == 18 || b == 19))
        && !(a == 192 && b == 0 && c == 0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn every_allowed_ipv4_address_is_global_unicast(bits: u32) {
        let address = Ipv4Addr::from_bits(bits);
        if Reach::Internet.judge(address.into()).is_ok() {
            prop_assert!(is_global_unicast_v4(address));
        }
    }

    #[test]
    fn every_allowed_ipv6_address_is_global_unicast(
        high in prop_oneof![any::<u16>(), Just(0x2001), Just(0x2002), Just(0x64), Just(0), Just(0x3fff)],
        middle in prop_oneof![Just(0_u128), any::<u128>()],
        low: u64,
    ) {
        let bits = (u128::from(high) << 112) | ((middle >> 16) & !u128::from(u64::MAX)) | u128::from(low);
        let address = Ipv6Addr::from_bits(bits);
        if Reach::Internet.judge(address.into()).is_ok() {
            let inner = address.to_ipv4_mapped().or_else(|| {
                address.segments().starts_with(&[0x64, 0xff9b, 0, 0, 0, 0]).then(|| low_bits(bits))
            });
            match inner {
                Some(inner) => prop_assert!(is_global_unicast_v4(inner)),
                None => {
                    prop_assert_eq!(bits >> 125, 1);
                    prop_assert!(!address.is_loopback() && !address.is_multicast() && !address.is_unspecified());
                    prop_assert!(!address.is_unique_local() && !address.is_unicast_link_local());
                    prop_assert!(!address.segments().starts_with(&[0x2001, 0xdb8]) && high != 0x2002);
                }
            }
        }
    }
}
