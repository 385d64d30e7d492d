//! The interner: every string exists once, so that equal strings are the same object.
//!
//! The table holds its strings weakly: the collector drops what nothing refers to. Strings that
//! code refers to are pinned, since code stays for good.

use hashbrown::HashTable;

use crate::mem;
use crate::object::{Header, ObjectKind, Ref, Str};

/// All strings, by content.
#[derive(Default)]
pub(crate) struct Strings {
    table: HashTable<Ref<Str>>,
}

impl Strings {
    /// The string with this text, and how many bytes it took to make it: 0 if it was there.
    pub(crate) fn intern(&mut self, text: &str, colour: u8) -> (Ref<Str>, usize) {
        let hash = hash(text.as_bytes());
        if let Some(found) = self.find(hash, text) {
            return (found, 0);
        }
        let string = new_string(&[text], colour);
        string.1.set_hash(hash);
        self.insert(string.0, hash);
        (string.0, Str::layout(text.len()).size())
    }

    /// The string that consists of the two, likewise; their lengths together fit a string.
    pub(crate) fn concatenate(
        &mut self,
        left: Ref<Str>,
        right: Ref<Str>,
        colour: u8,
    ) -> (Ref<Str>, usize) {
        // It is put together in place: it is new far more often than not.
        let (string, unfinished) = new_string(&[left.text(), right.text()], colour);
        let hash = hash(string.text().as_bytes());
        unfinished.set_hash(hash);
        if let Some(found) = self.find(hash, string.text()) {
            // SAFETY: nobody has seen the new string.
            unsafe { free_string(string) };
            return (found, 0);
        }
        self.insert(string, hash);
        (string, Str::layout(string.len()).size())
    }

    fn find(&self, hash: u64, text: &str) -> Option<Ref<Str>> {
        self.table.find(hash, |string| string.hash == hash && string.text() == text).copied()
    }

    fn insert(&mut self, string: Ref<Str>, hash: u64) {
        self.table.insert_unique(hash, string, |string| string.hash);
    }

    /// Frees the strings that `keep` declines; says how many bytes that gave back.
    ///
    /// # Safety
    ///
    /// The strings declined are not used again.
    pub(crate) unsafe fn sweep(&mut self, keep: impl Fn(Ref<Str>) -> bool) -> usize {
        let mut freed = 0;
        self.table.retain(|string| {
            let kept = keep(*string);
            if !kept {
                freed += Str::layout(string.len()).size();
                // SAFETY: the caller's promise; the table forgets it too.
                unsafe { free_string(*string) };
            }
            kept
        });
        freed
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }
}

/// A string whose hash is still to be set, before anybody else sees it.
struct Unfinished(Ref<Str>);

impl Unfinished {
    fn set_hash(self, hash: u64) {
        // SAFETY: the string was just made and is seen by its maker alone, who holds no reference
        // to its struct.
        unsafe { (&raw mut (*self.0.address()).hash).write(hash) };
    }
}

fn new_string(parts: &[&str], colour: u8) -> (Ref<Str>, Unfinished) {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    let word = u32::try_from(length).expect("callers check that a string is not too long");
    let memory = mem::alloc_interned(Str::layout(length)).cast::<Str>();
    let header = Header::new(ObjectKind::Str, 0, word);
    header.mark.set(colour);
    // SAFETY: the memory has room for the struct and, behind it, all the bytes.
    unsafe {
        memory.write(Str { header, hash: 0 });
        let mut bytes = memory.cast::<u8>().add(Str::BYTES);
        for part in parts {
            std::ptr::copy_nonoverlapping(part.as_ptr(), bytes.as_ptr(), part.len());
            bytes = bytes.add(part.len());
        }
        let string = Ref::from_pointer(memory);
        (string, Unfinished(string))
    }
}

/// # Safety
///
/// The string is not used again.
unsafe fn free_string(string: Ref<Str>) {
    let layout = Str::layout(string.len());
    // SAFETY: it was allocated with this layout; the caller promises the rest.
    unsafe { mem::free_interned(std::ptr::NonNull::new_unchecked(string.address()).cast(), layout) }
}

/// Eight bytes at a time, each multiplied in and folded; the length tells short ones apart.
fn hash(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    fn mix(state: u64, word: u64) -> u64 {
        let product = u128::from(state ^ word) * u128::from(FACTOR);
        (product as u64) ^ ((product >> 64) as u64)
    }
    fn word_of(bytes: &[u8]) -> u64 {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(word)
    }
    let mut state = mix(FACTOR, bytes.len() as u64);
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        state = mix(state.rotate_left(23), word_of(word));
    }
    mix(mix(state.rotate_left(23), word_of(words.remainder())), FACTOR >> 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free_all(mut strings: Strings) {
        // SAFETY: the tests are done with them.
        unsafe { strings.sweep(|_| false) };
        assert_eq!(strings.len(), 0);
    }

    #[test]
    fn equal_texts_are_one_object() {
        let mut strings = Strings::default();
        let (one, bytes) = strings.intern("lifetime", 0);
        assert_eq!(bytes, Str::BYTES + 8);
        assert_eq!(strings.intern("lifetime", 0), (one, 0));
        assert_ne!(strings.intern("lifetimes", 0).0, one);
        let (life, time) = (strings.intern("life", 0).0, strings.intern("time", 0).0);
        assert_eq!(strings.concatenate(life, time, 0), (one, 0));
        let (timelife, bytes) = strings.concatenate(time, life, 0);
        assert_eq!((timelife.text(), bytes), ("timelife", Str::BYTES + 8));
        assert_eq!(strings.intern("timelife", 0), (timelife, 0));
        free_all(strings);
    }

    #[test]
    fn sweeping_keeps_what_it_is_told_to() {
        let mut strings = Strings::default();
        let kept = strings.intern("kept", 0).0.pin();
        strings.intern("dropped", 0);
        // SAFETY: "dropped" is not used again.
        let freed = unsafe { strings.sweep(Ref::<Str>::is_pinned) };
        assert_eq!((freed, strings.len()), (Str::BYTES + 7, 1));
        assert_eq!(strings.intern("kept", 0), (kept, 0));
        free_all(strings);
    }

    #[test]
    fn hashes_differ_in_length_and_in_every_byte() {
        let mut seen = std::collections::HashSet::new();
        for length in 0..64 {
            let mut bytes = vec![0; length];
            assert!(seen.insert(hash(&bytes)));
            for index in 0..length {
                bytes[index] = 1;
                assert!(seen.insert(hash(&bytes)));
                bytes[index] = 0;
            }
        }
    }
}
