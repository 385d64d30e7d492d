//! Many families at once, and the calls of each by number.
//!
//! famalloc's calls know their family when they are compiled, so a table has pointers to the calls
//! of every family. The other allocators have no families: their tables have as many pointers, all
//! to the same calls, so that going through the table costs them the same.

use core::hint::black_box;
use core::ptr::NonNull;

use famalloc::{Family, alloc_family};

use super::famalloc::{Famalloc, alloc, free};
use super::{Jemalloc, Mimalloc, Rallocator, Rpmalloc, Snmalloc, System};
use crate::allocator::Allocator;

/// How many families there are.
pub const FAMILIES: usize = 256;

/// What can be done with objects of one size in one family.
#[derive(Clone, Copy, Debug)]
pub struct Calls {
    /// Allocates an object, writes its first word, frees it.
    pub pair: fn(u64),
    /// Allocates an object and writes its first word.
    pub alloc: fn(u64) -> NonNull<u64>,
    /// Frees an object of the same calls, which is not used again.
    pub free: unsafe fn(NonNull<u64>),
}

/// An allocator whose calls can be had by the number of a family.
pub trait Families: Allocator + Sized {
    /// The calls of the family of this number, below [`FAMILIES`].
    #[must_use]
    fn calls<const SIZE: usize>(_family: usize) -> Calls {
        Calls::without_family::<Self, SIZE>()
    }

    /// An object in family 0.
    #[inline(always)]
    fn alloc_in_first<const SIZE: usize>(&self) -> NonNull<u64> {
        self.alloc::<SIZE>()
    }

    /// Frees such an object.
    ///
    /// # Safety
    ///
    /// `object` is from [`alloc_in_first`](Self::alloc_in_first) with the same `SIZE`, and is not
    /// used again.
    #[inline(always)]
    unsafe fn free_in_first<const SIZE: usize>(&self, object: NonNull<u64>) {
        // SAFETY: passed on; by default `alloc_in_first` is `alloc`.
        unsafe { self.free::<SIZE>(object) };
    }
}

impl Families for System {}
impl Families for Mimalloc {}
impl Families for Jemalloc {}
impl Families for Snmalloc {}
impl Families for Rpmalloc {}
impl Families for Rallocator {}

impl Calls {
    /// Those of an allocator that has no families.
    fn without_family<A: Allocator, const SIZE: usize>() -> Self {
        Self {
            pair: |word| {
                let allocator = A::new();
                let object = black_box(allocator.alloc_touched::<SIZE>(word));
                // SAFETY: allocated just now.
                unsafe { allocator.free::<SIZE>(object) };
            },
            alloc: |word| A::new().alloc_touched::<SIZE>(word),
            // SAFETY: allocated by the call above (contract of the field).
            free: |object| unsafe { A::new().free::<SIZE>(object) },
        }
    }

    /// Those of a family.
    const fn of<F: Family, const SIZE: usize>() -> Self {
        Self { pair: pair::<F, SIZE>, alloc: alloc_touched::<F, SIZE>, free: free::<SIZE, F> }
    }
}

fn alloc_touched<F: Family, const SIZE: usize>(word: u64) -> NonNull<u64> {
    let object = alloc::<SIZE, F>();
    // SAFETY: at least 8 bytes, aligned to 8, ours alone.
    unsafe { object.write(word) };
    object
}

fn pair<F: Family, const SIZE: usize>(word: u64) {
    let object = black_box(alloc_touched::<F, SIZE>(word));
    // SAFETY: allocated just now in the same family.
    unsafe { free::<SIZE, F>(object) };
}

/// A family set with these families, and the table of their calls.
macro_rules! families {
    ($first:ident $($more:ident)*) => {
        #[alloc_family]
        enum Many {
            $first,
            $($more,)*
        }

        type First = many::$first;

        const fn calls_of_all<const SIZE: usize>() -> [Calls; FAMILIES] {
            [Calls::of::<many::$first, SIZE>(), $(Calls::of::<many::$more, SIZE>(),)*]
        }
    };
}

families! {
    F0 F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 F11 F12 F13 F14 F15
    F16 F17 F18 F19 F20 F21 F22 F23 F24 F25 F26 F27 F28 F29 F30 F31
    F32 F33 F34 F35 F36 F37 F38 F39 F40 F41 F42 F43 F44 F45 F46 F47
    F48 F49 F50 F51 F52 F53 F54 F55 F56 F57 F58 F59 F60 F61 F62 F63
    F64 F65 F66 F67 F68 F69 F70 F71 F72 F73 F74 F75 F76 F77 F78 F79
    F80 F81 F82 F83 F84 F85 F86 F87 F88 F89 F90 F91 F92 F93 F94 F95
    F96 F97 F98 F99 F100 F101 F102 F103 F104 F105 F106 F107 F108 F109 F110 F111
    F112 F113 F114 F115 F116 F117 F118 F119 F120 F121 F122 F123 F124 F125 F126 F127
    F128 F129 F130 F131 F132 F133 F134 F135 F136 F137 F138 F139 F140 F141 F142 F143
    F144 F145 F146 F147 F148 F149 F150 F151 F152 F153 F154 F155 F156 F157 F158 F159
    F160 F161 F162 F163 F164 F165 F166 F167 F168 F169 F170 F171 F172 F173 F174 F175
    F176 F177 F178 F179 F180 F181 F182 F183 F184 F185 F186 F187 F188 F189 F190 F191
    F192 F193 F194 F195 F196 F197 F198 F199 F200 F201 F202 F203 F204 F205 F206 F207
    F208 F209 F210 F211 F212 F213 F214 F215 F216 F217 F218 F219 F220 F221 F222 F223
    F224 F225 F226 F227 F228 F229 F230 F231 F232 F233 F234 F235 F236 F237 F238 F239
    F240 F241 F242 F243 F244 F245 F246 F247 F248 F249 F250 F251 F252 F253 F254 F255
}

impl Families for Famalloc {
    fn calls<const SIZE: usize>(family: usize) -> Calls {
        let calls = const { &calls_of_all::<SIZE>() };
        calls[family]
    }

    #[inline(always)]
    fn alloc_in_first<const SIZE: usize>(&self) -> NonNull<u64> {
        alloc::<SIZE, First>()
    }

    #[inline(always)]
    unsafe fn free_in_first<const SIZE: usize>(&self, object: NonNull<u64>) {
        // SAFETY: allocated above in the same family (contract).
        unsafe { free::<SIZE, First>(object) };
    }
}

#[cfg(test)]
mod tests {
    use famalloc::{ClassUse, Snapshot};

    use super::*;

    /// How many objects of 24 bytes each family has: no other test makes such.
    fn live() -> Vec<usize> {
        let of_size = |classes: &[ClassUse]| {
            classes
                .iter()
                .filter(|class| class.slot_bytes == 24)
                .map(|class| class.live_objects)
                .sum()
        };
        let families = Snapshot::of::<Many>().families;
        families.iter().map(|family| of_size(&family.classes)).collect()
    }

    #[test]
    fn each_number_has_a_family_of_its_own() {
        let calls: Vec<Calls> = (0..FAMILIES).map(Famalloc::calls::<24>).collect();
        let before = live();
        assert_eq!(before.len(), FAMILIES);
        let objects: Vec<_> = calls.iter().map(|calls| (calls.alloc)(1)).collect();
        let first = Famalloc.alloc_in_first::<24>();
        for (family, (before, now)) in before.iter().zip(live()).enumerate() {
            let more = if family == 0 { 2 } else { 1 };
            assert_eq!(now - before, more, "in family {family}");
        }
        // SAFETY: allocated above, in the same family.
        unsafe { Famalloc.free_in_first::<24>(first) };
        for (calls, object) in calls.iter().zip(objects) {
            // SAFETY: allocated above by the same calls.
            unsafe { (calls.free)(object) };
        }
    }
}
