//! Which words of a chunk are free: a bit for each.
//!
//! Freeing an object sets its bits, and touches nothing else; free objects side by side become one run
//! of bits by themselves. The bitmap is only valid from the start of the chunk up to some granule, beyond
//! which nothing was freed yet: so taking and clearing a chunk need not touch it.

use crate::space::family_heap::Chunk;
use crate::sync::{AtomicU64, Ordering};

use super::marks::WORD;

/// A part of a chunk, in words from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Words {
    /// The words of that part of a chunk.
    pub(super) fn of(chunk: Chunk, start: *mut u8, bytes: usize) -> Self {
        let from = (start.addr() - chunk.start().addr().get()) / WORD;
        Self { from, to: from + bytes / WORD }
    }

    /// The bits in each word of the bitmap that it concerns.
    fn masks(self) -> impl Iterator<Item = (usize, u64)> {
        // An empty part has no words, wherever it lies: the masks below could not be made for it.
        let end = if self.from < self.to { self.to.div_ceil(64) } else { 0 };
        (self.from / 64..end).map(move |word| {
            let first = self.from.saturating_sub(word * 64);
            let last = (self.to - word * 64).min(64);
            (word, (u64::MAX >> (64 - (last - first))) << first)
        })
    }
}

/// Marks words as free. Returns whether none of them was before; if one was, nothing has changed.
#[inline]
pub(super) fn set(chunk: Chunk, words: Words) -> bool {
    chunk.validate(words.to * WORD);
    let bits = chunk.bits();
    if words.masks().any(|(word, mask)| bits[word].load(Ordering::Relaxed) & mask != 0) {
        return false;
    }
    for (word, mask) in words.masks() {
        let old = bits[word].load(Ordering::Relaxed);
        bits[word].store(old | mask, Ordering::Relaxed);
    }
    true
}

/// Marks words as free, some of which may be free already.
#[inline(always)]
pub(super) fn fill(chunk: Chunk, words: Words) {
    if words.from < words.to {
        fill_some(chunk, words);
    }
}

#[inline(never)]
fn fill_some(chunk: Chunk, words: Words) {
    chunk.validate(words.to * WORD);
    let bits = chunk.bits();
    for (word, mask) in words.masks() {
        bits[word].store(bits[word].load(Ordering::Relaxed) | mask, Ordering::Relaxed);
    }
}

/// The free words of a chunk. What becomes free where the bitmap was not valid yet is not seen.
#[derive(Clone, Copy)]
pub(super) struct Holes(&'static [AtomicU64]);

impl Holes {
    pub(super) fn of(chunk: Chunk) -> Self {
        Self(&chunk.bits()[..chunk.valid() / WORD / 64])
    }

    /// The position behind the free words from this one on, as far as one word of the bitmap tells; `None`
    /// where it is in use.
    #[inline(always)]
    pub(super) fn behind(self, at: usize) -> Option<usize> {
        let used = !self.0.get(at / 64)?.load(Ordering::Relaxed) >> (at % 64);
        match used {
            0 => Some((at / 64 + 1) * 64),
            _ if used & 1 == 1 => None,
            _ => Some(at + used.trailing_zeros() as usize),
        }
    }
}

/// Marks words, all of which are free, as in use.
pub(super) fn clear(chunk: Chunk, words: Words) {
    let bits = chunk.bits();
    for (word, mask) in words.masks() {
        let old = bits[word].load(Ordering::Relaxed);
        bits[word].store(old & !mask, Ordering::Relaxed);
    }
}

/// The first run of free words from a position on.
pub(super) fn next_run(chunk: Chunk, from: usize) -> Option<Words> {
    let end = chunk.valid() / WORD;
    let bits = chunk.bits();
    // The first position whose bit, or inverted bit, is set.
    let find = |from: usize, invert: u64| {
        (from / 64..end / 64).find_map(|word| {
            let skipped = if word == from / 64 { from % 64 } else { 0 };
            let found = (bits[word].load(Ordering::Relaxed) ^ invert) >> skipped << skipped;
            (found != 0).then(|| word * 64 + found.trailing_zeros() as usize)
        })
    };
    let first = find(from, 0)?;
    Some(Words { from: first, to: find(first, u64::MAX).unwrap_or(end) })
}

/// The position behind the run of free words that starts at this one: itself where it is in use.
#[inline]
pub(super) fn skip_run(chunk: Chunk, at: usize) -> usize {
    if at * WORD >= chunk.valid() {
        return at;
    }
    let bits = chunk.bits();
    if bits[at / 64].load(Ordering::Relaxed) >> (at % 64) & 1 == 0 {
        return at;
    }
    next_run(chunk, at).map_or(at, |run| run.to)
}

/// How many words are free.
pub(super) fn count(chunk: Chunk) -> usize {
    let valid = chunk.valid() / WORD / 64;
    chunk.bits()[..valid]
        .iter()
        .map(|word| word.load(Ordering::Relaxed).count_ones() as usize)
        .sum()
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use core::alloc::Layout;

    use famalloc_macros::alloc_family;

    use super::*;
    use crate::arena::Arena;
    use crate::family::Family;
    use crate::family_set::FamilySet;

    /// A small generator (xorshift), so that a failing run can be run again.
    fn below(state: &mut u64, bound: usize) -> usize {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (*state >> 11) as usize % bound
    }

    #[test]
    fn bits_are_what_a_list_of_words_says() {
        #[alloc_family]
        enum Lives {
            A,
        }
        let table = <<lives::A as Family>::Set as FamilySet>::table;
        let arena = Arena::new(table, lives::A::INDEX, false, false);
        // A chunk of several granules, whose bitmap is partly valid.
        arena.alloc_any(Layout::from_size_align(150_000, 8).unwrap()).unwrap();
        let chunk = arena.each_chunk().next().unwrap();
        chunk.forget_all();
        // An interpreter has time for the first of them.
        let words = if cfg!(miri) { 2_048 } else { chunk.bytes() / WORD };
        // What is not valid may be anything.
        chunk.bits().iter().for_each(|word| word.store(0x5555_AAAA_FFFF_0123, Ordering::Relaxed));
        let mut model = vec![false; words];
        let mut state = 0x1234_5678_9ABC_DEF1;
        for round in 0..if cfg!(miri) { 8 } else { 4_000 } {
            let longest = [3, 64, 65, 300, 5_000][round % 5].min(words / 2);
            let from = below(&mut state, words - longest);
            let to = from + below(&mut state, longest + 1);
            let run = &mut model[from..to];
            if below(&mut state, 3) > 0 {
                let free = run.iter().any(|&word| word);
                assert_eq!(set(chunk, Words { from, to }), !free, "{from}..{to}");
                if !free {
                    run.fill(true);
                }
            } else if to * WORD <= chunk.valid() && run.iter().all(|&word| word) {
                run.fill(false);
                clear(chunk, Words { from, to });
            } else if let Some(run) = next_run(chunk, from) {
                clear(chunk, run);
                model[run.from..run.to].fill(false);
            }
            let at = below(&mut state, words);
            let first = (at..words).find(|&word| model[word]);
            let end = |from: usize| (from..words).find(|&word| !model[word]).unwrap_or(words);
            let expected = first.map(|from| Words { from, to: end(from) });
            assert_eq!(next_run(chunk, at), expected, "from {at}");
            assert_eq!(skip_run(chunk, at), end(at), "at {at}");
        }
        assert_eq!(count(chunk), model.iter().filter(|&&word| word).count());
        assert!(count(chunk) > 0 && (chunk.valid() > 2 * 65_536 || cfg!(miri)));
        assert!(model.iter().any(|&word| !word));
    }
}
