//! An input, read byte by byte.

use std::alloc::Layout;

/// The part of an input that has not been read yet.
#[derive(Clone, Debug)]
pub struct Input {
    bytes: Vec<u8>,
    at: usize,
}

impl Input {
    /// An input from its beginning.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), at: 0 }
    }

    /// Whether all has been read.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The next byte; 0 behind the end.
    pub fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        byte
    }

    /// The next two bytes.
    pub fn short(&mut self) -> usize {
        usize::from(self.byte()) << 8 | usize::from(self.byte())
    }

    /// A number below `bound`, which is not 0: of one byte or two.
    pub fn below(&mut self, bound: usize) -> usize {
        let number = if bound <= 256 { usize::from(self.byte()) } else { self.short() };
        number % bound
    }

    /// A size: mostly of small objects, then around the bounds of classes, large ones and, if `most`
    /// allows it, huge ones.
    pub fn size(&mut self, most: usize) -> usize {
        const CORNERS: [usize; 16] = [
            0,
            1,
            1 << 12,
            1 << 15,
            1 << 16,
            1 << 17,
            1 << 18,
            (2 << 20) - (1 << 16),
            2 << 20,
            4 << 20,
            6 << 20,
            (8 << 20) - (4 << 10),
            3 << 20,
            33_000,
            66_000,
            300_000,
        ];
        let size = match self.byte() {
            kind @ 0..180 => 1 + usize::from(kind) * usize::from(self.byte()) / 90,
            180..225 => self.short() % 40_000,
            225..235 => self.short() * 16,
            235..245 => self.short() * 100,
            _ => {
                let corner = CORNERS[self.below(CORNERS.len())];
                (corner + self.below(3)).saturating_sub(1)
            }
        };
        size.min(most)
    }

    /// A layout: alignments above 4 KiB are rare.
    pub fn layout(&mut self, most: usize) -> Layout {
        let size = self.size(most);
        let align = match self.byte() {
            0..160 => 8,
            log @ 160..224 => 1 << (log % 8),
            log @ 224..252 => 1 << (log % 14),
            log => 1 << (16 + log % 7),
        };
        Layout::from_size_align(size, align).expect("small")
    }
}

/// Random numbers from a seed that is part of an input, where bytes would be too many (xorshift64*).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The numbers of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }
}
