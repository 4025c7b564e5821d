//! Which addresses this server may call: global unicast, and nothing that leads back inside.
//!
//! Names prove nothing, so the judgement falls on addresses, on every one of them, and the connection is made to the address
//! that was judged. The tables follow the special-purpose registries of RFC 6890; where a range carries an IPv4 address
//! inside, that address is judged as well or the range is refused as a whole.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far calls may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// Global unicast addresses only.
    #[default]
    Internet,
    /// These and the loopback addresses 127.0.0.0/8 and `::1`: for test set-ups that listen nowhere else.
    InternetAndLoopback,
}

/// Why an address may not be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Range(&'static str);

impl Reach {
    /// Judges an address.
    ///
    /// # Errors
    /// The range that it belongs to, when that may not be called.
    pub fn judge(self, address: IpAddr) -> Result<(), Range> {
        let found = match address {
            IpAddr::V4(address) => range_of_v4(address),
            IpAddr::V6(address) => range_of_v6(address),
        };
        match found {
            Some(Range(LOOPBACK)) if self == Self::InternetAndLoopback => Ok(()),
            Some(range) => Err(range),
            None => Ok(()),
        }
    }
}

const LOOPBACK: &str = "a loopback address";
const METADATA: &str = "an address of a cloud's own services";
const EMBEDDED: &str = "an address that carries another one inside";
const RESERVED: &str = "an address reserved for other uses";

/// First address, length of the prefix, what the range is for. Several ranges say the same; the list is complete.
const V4: &[([u8; 4], u32, &str)] = &[
    ([0, 0, 0, 0], 8, "an unspecified address"),
    ([10, 0, 0, 0], 8, "a private address"),
    ([100, 64, 0, 0], 10, "an address shared behind a carrier"),
    ([127, 0, 0, 0], 8, LOOPBACK),
    ([168, 63, 129, 16], 32, METADATA),
    ([169, 254, 0, 0], 16, "a link-local address"),
    ([172, 16, 0, 0], 12, "a private address"),
    ([192, 0, 0, 0], 24, RESERVED),
    ([192, 0, 2, 0], 24, "a documentation address"),
    ([192, 31, 196, 0], 24, RESERVED),
    ([192, 52, 193, 0], 24, RESERVED),
    ([192, 88, 99, 0], 24, RESERVED),
    ([192, 168, 0, 0], 16, "a private address"),
    ([192, 175, 48, 0], 24, RESERVED),
    ([198, 18, 0, 0], 15, "a benchmarking address"),
    ([198, 51, 100, 0], 24, "a documentation address"),
    ([203, 0, 113, 0], 24, "a documentation address"),
    ([224, 0, 0, 0], 4, "a multicast address"),
    ([240, 0, 0, 0], 4, "a reserved or broadcast address"),
];

/// The same for IPv6. Outside of 2000::/3 nothing is global unicast (RFC 4291 section 2.4), with the exceptions that
/// [`range_of_v6`] makes.
const V6: &[([u16; 8], u32, &str)] = &[
    ([0, 0, 0, 0, 0, 0, 0, 1], 128, LOOPBACK),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, "a unique local address"),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, "a link-local address"),
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, "a multicast address"),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, RESERVED),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, "a documentation address"),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, EMBEDDED),
    ([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48, RESERVED),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, "a documentation address"),
];

/// RFC 4291 section 2.5.5.2.
const MAPPED: u128 = 0xffff_0000_0000;
/// RFC 6052 section 2.1.
const NAT64: u128 = 0x0064_ff9b << 96;
/// RFC 4291 section 2.4: what is assigned as global unicast, its first three bits.
const GLOBAL_UNICAST: u128 = 1 << 125;

fn range_of_v4(address: Ipv4Addr) -> Option<Range> {
    let bits = address.to_bits();
    let found = V4.iter().find(|(first, length, _)| {
        let first = Ipv4Addr::from(*first).to_bits();
        (bits ^ first).leading_zeros() >= *length
    });
    found.map(|(_, _, name)| Range(name))
}

fn range_of_v6(address: Ipv6Addr) -> Option<Range> {
    let bits = address.to_bits();
    let shares = |first: u128, length: u32| (bits ^ first).leading_zeros() >= length;
    if shares(MAPPED, 96) || shares(NAT64, 96) {
        return range_of_v4(low_bits(bits));
    }
    let found = V6.iter().find(|(first, length, _)| shares(Ipv6Addr::from(*first).to_bits(), *length));
    match found {
        Some((_, _, name)) => Some(Range(name)),
        None if !shares(GLOBAL_UNICAST, 3) => Some(Range(RESERVED)),
        None if is_isatap(bits) => range_of_v4(low_bits(bits)).map(|_| Range(EMBEDDED)),
        None => None,
    }
}

/// RFC 5214 section 6.1: an interface identifier that carries an IPv4 address.
const fn is_isatap(bits: u128) -> bool {
    let marker = (bits >> 32) & 0xffff_ffff;
    matches!(marker, 0x0000_5efe | 0x0200_5efe)
}

fn low_bits(bits: u128) -> Ipv4Addr {
    let [.., a, b, c, d] = bits.to_be_bytes();
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests;
