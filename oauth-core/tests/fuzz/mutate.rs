//! Inputs made from other inputs.

/// Bytes of an input that may become a seed.
pub(super) const SEED_BYTES: usize = 4096;
/// Bytes of an input: beyond every bound of a reader, so that the bounds are met.
const INPUT_BYTES: usize = 100_000;

/// What readers trip over.
const TOKENS: &[&[u8]] = &[
    b"\0",
    b"\r\n",
    b"%00",
    b"%",
    b"%zz",
    b"+",
    b" ",
    b"\t",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"null",
    b"-0",
    b"1e999",
    b"9223372036854775808",
    b"0x7f",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b".",
    b"..",
    b"/",
    b"//",
    b"?",
    b"#",
    b"@",
    b"=",
    b"==",
    b"&",
    b";",
    b"\xef\xbb\xbf",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xff",
    b"\xe2\x84\xaa",
    b"\xd9\xa1",
    b":443",
    b"https://",
];

/// Makes inputs; the same number makes the same ones.
pub(super) struct Mutator {
    state: u64,
    words: Vec<Vec<u8>>,
}

impl Mutator {
    pub(super) fn new(number: u64, seeds: &[Vec<u8>]) -> Self {
        let splits = |byte: &u8| !byte.is_ascii_alphanumeric();
        let mut words: Vec<Vec<u8>> = TOKENS.iter().map(|token| token.to_vec()).collect();
        for seed in seeds {
            words.extend(seed.split(splits).filter(|word| word.len() > 1).map(<[u8]>::to_vec));
        }
        Self { state: number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, words }
    }

    /// One of the inputs, changed in one to eight places.
    pub(super) fn input(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.pick(corpus).clone();
        for _ in 0..=self.below(8) {
            self.change(&mut input, corpus);
        }
        input.truncate(INPUT_BYTES);
        input
    }

    pub(super) fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        let end = (at + self.below(32)).min(input.len());
        match self.below(9) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = self.byte(),
            2 => input.insert(at, self.byte()),
            3 => drop(input.drain(at..end)),
            4 => {
                let part = input[at..end].to_vec();
                let to = self.below(input.len() + 1);
                input.splice(to..to, part);
            }
            5 => {
                let other = self.pick(corpus).clone();
                let from = self.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            6 if self.one_in(16) => {
                let part = input[at..end].to_vec();
                let times = self.below(INPUT_BYTES / part.len().max(1));
                input.splice(at..at, part.repeat(times));
            }
            _ => {
                let word = self.below(self.words.len());
                let word = self.words[word].clone();
                let end = if self.one_in(2) { at } else { end };
                input.splice(at..end, word);
            }
        }
        input.truncate(INPUT_BYTES);
    }

    fn pick<'a>(&mut self, corpus: &'a [Vec<u8>]) -> &'a Vec<u8> {
        &corpus[self.below(corpus.len())]
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.next() >> 56).unwrap()
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap();
        usize::try_from(self.next() % bound).unwrap()
    }

    /// xorshift64*, Vigna 2016.
    fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}
