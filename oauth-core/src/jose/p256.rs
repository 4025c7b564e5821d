//! Whether a point lies on P-256 (FIPS 186-5, SP 800-186 section 3.2.1.3). The signature library checks this at
//! each verification but offers no way to ask when a key is registered. All values here are public, so nothing
//! needs to take constant time.

/// Eight words of 32 bits, the least significant first.
type Field = [u32; 8];

const P: Field = [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0, 0, 0, 1, 0xffff_ffff];
const B: Field =
    [0x27d2_604b, 0x3bce_3c3e, 0xcc53_b0f6, 0x651d_06b0, 0x7698_86bc, 0xb3eb_bd55, 0xaa3a_93e7, 0x5ac6_35d8];
const THREE: Field = [3, 0, 0, 0, 0, 0, 0, 0];

/// Whether both coordinates are below the prime and y² = x³ − 3x + b. The point at infinity has no coordinates; its
/// customary stand-in (0, 0) does not satisfy the equation.
pub(super) fn is_on_curve(x: &[u8; 32], y: &[u8; 32]) -> bool {
    let (x, y) = (read(x), read(y));
    if !is_below(&x, &P) || !is_below(&y, &P) {
        return false;
    }
    let slope = settle(sum(&times(&x, &x), &THREE, -1));
    times(&y, &y) == settle(sum(&times(&slope, &x), &B, 1))
}

fn read(bytes: &[u8; 32]) -> Field {
    let mut field = [0; 8];
    let (words, _) = bytes.as_chunks::<4>();
    for (word, bytes) in field.iter_mut().rev().zip(words) {
        *word = u32::from_be_bytes(*bytes);
    }
    field
}

fn is_below(a: &Field, b: &Field) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

/// `a + factor * b` as eight words and what is carried beyond them.
fn sum(a: &Field, b: &Field, factor: i64) -> (Field, i64) {
    let mut words = [0; 8];
    for ((word, a), b) in words.iter_mut().zip(a).zip(b) {
        *word = i64::from(*a) + factor * i64::from(*b);
    }
    carried(words)
}

fn carried(words: [i64; 8]) -> (Field, i64) {
    let mut field = [0; 8];
    let mut carry = 0;
    for (slot, word) in field.iter_mut().zip(words) {
        let total = word + carry;
        *slot = low((total & 0xffff_ffff).unsigned_abs());
        carry = total >> 32;
    }
    (field, carry)
}

/// The same number modulo the prime. The carry is a single digit, so this takes a few rounds at most.
fn settle((mut field, mut carry): (Field, i64)) -> Field {
    while carry != 0 || !is_below(&field, &P) {
        let (next, change) = sum(&field, &P, if carry < 0 { 1 } else { -1 });
        field = next;
        carry += change;
    }
    field
}

fn times(a: &Field, b: &Field) -> Field {
    let mut product = [0u32; 16];
    for (shift, x) in a.iter().enumerate() {
        let mut carry = 0;
        for (slot, y) in product.iter_mut().skip(shift).zip(b.iter().copied().chain([0])) {
            let total = u64::from(*slot) + u64::from(*x) * u64::from(y) + carry;
            *slot = low(total);
            carry = total >> 32;
        }
    }
    reduced(product)
}

/// SP 800-186 section G.1.2: the prime's shape turns division into additions of rearranged words.
fn reduced(product: [u32; 16]) -> Field {
    let [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15] = product.map(i64::from);
    settle(carried([
        c0 + c8 + c9 - c11 - c12 - c13 - c14,
        c1 + c9 + c10 - c12 - c13 - c14 - c15,
        c2 + c10 + c11 - c13 - c14 - c15,
        c3 + 2 * c11 + 2 * c12 + c13 - c15 - c8 - c9,
        c4 + 2 * c12 + 2 * c13 + c14 - c9 - c10,
        c5 + 2 * c13 + 2 * c14 + c15 - c10 - c11,
        c6 + 3 * c14 + 2 * c15 + c13 - c8 - c9,
        c7 + 3 * c15 + c8 - c10 - c11 - c12 - c13,
    ]))
}

fn low(word: u64) -> u32 {
    u32::try_from(word & 0xffff_ffff).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Multiplication by doubling and adding, as slow and plain as can be.
    fn slow_times(a: &Field, b: &Field) -> Field {
        let mut total = [0; 8];
        for word in b.iter().rev() {
            for bit in (0..32).rev() {
                total = settle(sum(&total, &total, 1));
                if word >> bit & 1 == 1 {
                    total = settle(sum(&total, a, 1));
                }
            }
        }
        total
    }

    fn bytes(hex: &str) -> [u8; 32] {
        std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
    }

    #[test]
    fn the_base_point_is_on_the_curve_and_its_neighbours_are_not() {
        let x = bytes("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296");
        let y = bytes("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5");
        assert!(is_on_curve(&x, &y));
        assert!(!is_on_curve(&y, &x));
        assert!(!is_on_curve(&[0; 32], &[0; 32]));
        for at in 0..32 {
            let mut moved = y;
            moved[at] ^= 1;
            assert!(!is_on_curve(&x, &moved));
        }
    }

    #[test]
    fn a_coordinate_at_or_above_the_prime_is_refused() {
        let y = bytes("66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4");
        assert!(is_on_curve(&[0; 32], &y), "x = 0 has this square root of b");
        let p = bytes("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
        assert!(!is_on_curve(&p, &y));
        assert!(!is_on_curve(&[0xff; 32], &[0xff; 32]));
    }

    proptest::proptest! {
        #[test]
        fn fast_and_slow_multiplication_agree(a: [u32; 8], b: [u32; 8], edge in 0..4u32) {
            let extreme = |field: Field| match edge {
                0 => field,
                1 => field.map(|word| if word % 2 == 0 { 0 } else { u32::MAX }),
                2 => settle(sum(&P, &[field[0] % 5 + 1, 0, 0, 0, 0, 0, 0, 0], -1)),
                _ => [field[0] % 5, 0, 0, 0, 0, 0, 0, field[7]],
            };
            let (a, b) = (settle((extreme(a), 0)), settle((extreme(b), 0)));
            proptest::prop_assert_eq!(times(&a, &b), slow_times(&a, &b));
        }
    }
}
