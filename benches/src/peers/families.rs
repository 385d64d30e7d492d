//! Many families at once, and the calls of each by number.
//!
//! famalloc's calls know their family when they are compiled: each family has calls of its own, as
//! each lifetime in a program has its own places that allocate. The other allocators have no families,
//! but as many calls, all of them different to the processor. So to go through a table of calls, and
//! to guess which comes next, is the same work for all.

use core::alloc::Layout;
use core::cell::Cell;
use core::hint::black_box;
use core::marker::PhantomData;
use core::ptr::NonNull;
use std::alloc::handle_alloc_error;

use famalloc::{Family, RawAlloc, alloc_family};

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

impl Calls {
    /// The calls with this number, which makes them different from all others.
    const fn of<A: Allocator, const NUMBER: usize, const SIZE: usize>() -> Self {
        Self {
            pair: |word| {
                black_box(NUMBER);
                let allocator = A::new();
                let object = black_box(allocator.alloc_touched::<SIZE>(word));
                // SAFETY: allocated just now.
                unsafe { allocator.free::<SIZE>(object) };
            },
            alloc: |word| {
                black_box(NUMBER);
                A::new().alloc_touched::<SIZE>(word)
            },
            free: |object| {
                black_box(NUMBER);
                // SAFETY: allocated by the call above (contract of the field).
                unsafe { A::new().free::<SIZE>(object) };
            },
        }
    }
}

/// An allocator, and its calls by the number of a family.
pub trait Families: Allocator {
    /// Family 0, as an allocator.
    type First: Allocator;

    /// The calls of the family of this number, below [`FAMILIES`].
    fn calls<const SIZE: usize>(family: usize) -> Calls;
}

/// A family of famalloc, as an allocator.
#[derive(Clone, Copy, Debug)]
pub struct Of<F>(PhantomData<F>);

impl<F: Family> Allocator for Of<F> {
    const NAME: &'static str = Famalloc::NAME;

    fn new() -> Self {
        Self(PhantomData)
    }

    #[inline(always)]
    fn alloc<const SIZE: usize>(&self) -> NonNull<u64> {
        alloc::<SIZE, F>()
    }

    #[inline(always)]
    unsafe fn free<const SIZE: usize>(&self, object: NonNull<u64>) {
        // SAFETY: allocated above in the same family (contract).
        unsafe { free::<SIZE, F>(object) };
    }

    fn alloc_layout(&self, layout: Layout) -> NonNull<u8> {
        F::default().alloc(layout).unwrap_or_else(|_| handle_alloc_error(layout))
    }

    unsafe fn free_layout(&self, start: NonNull<u8>, layout: Layout) {
        // SAFETY: allocated above with this layout in the same family (contract).
        unsafe { F::default().free(start, layout) };
    }

    unsafe fn grow_layout(&self, start: NonNull<u8>, layout: Layout, size: usize) -> NonNull<u8> {
        let grown = Layout::from_size_align(size, layout.align()).expect("sizes are small");
        // SAFETY: allocated above with this layout in the same family (contract).
        unsafe { F::default().realloc(start, layout, grown) }
            .unwrap_or_else(|_| handle_alloc_error(grown))
    }
}

/// No allocator: always the same object of the thread. It shows what the calls themselves cost.
#[derive(Clone, Copy, Debug)]
pub struct CallsAlone;

std::thread_local! {
    static ONLY: [Cell<u64>; 8] = const { [const { Cell::new(0) }; 8] };
}

impl Allocator for CallsAlone {
    const NAME: &'static str = "calls alone";

    fn new() -> Self {
        Self
    }

    #[inline(always)]
    fn alloc<const SIZE: usize>(&self) -> NonNull<u64> {
        const { assert!(SIZE <= 64, "the object is small") };
        ONLY.with(|only| NonNull::from(only).cast())
    }

    #[inline(always)]
    unsafe fn free<const SIZE: usize>(&self, _: NonNull<u64>) {}

    fn alloc_layout(&self, layout: Layout) -> NonNull<u8> {
        assert!(layout.size() <= 64 && layout.align() <= 8, "the object is small");
        self.alloc::<8>().cast()
    }

    unsafe fn free_layout(&self, _: NonNull<u8>, _: Layout) {}

    unsafe fn grow_layout(&self, start: NonNull<u8>, _: Layout, size: usize) -> NonNull<u8> {
        assert!(size <= 64, "the object is small");
        start
    }
}

/// A family set with these families, and the tables of calls.
macro_rules! families {
    ($first:ident $($more:ident)*) => {
        /// The families.
        #[alloc_family]
        #[derive(Debug)]
        pub enum Many {
            $first,
            $($more,)*
        }

        impl Families for Famalloc {
            type First = Of<many::$first>;

            fn calls<const SIZE: usize>(family: usize) -> Calls {
                let all: &[Calls; FAMILIES] = const {
                    &[
                        Calls::of::<Of<many::$first>, { Many::$first as usize }, SIZE>(),
                        $(Calls::of::<Of<many::$more>, { Many::$more as usize }, SIZE>(),)*
                    ]
                };
                all[family]
            }
        }

        /// The calls of an allocator that has no families.
        const fn without_families<A: Allocator, const SIZE: usize>() -> [Calls; FAMILIES] {
            [
                Calls::of::<A, { Many::$first as usize }, SIZE>(),
                $(Calls::of::<A, { Many::$more as usize }, SIZE>(),)*
            ]
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

macro_rules! no_families {
    ($($allocator:ident)*) => {
        $(
            impl Families for $allocator {
                type First = Self;

                fn calls<const SIZE: usize>(number: usize) -> Calls {
                    let all = const { &without_families::<Self, SIZE>() };
                    all[number]
                }
            }
        )*
    };
}

no_families! { System Mimalloc Jemalloc Snmalloc Rpmalloc Rallocator CallsAlone }

#[cfg(test)]
mod tests {
    use famalloc::{ClassUse, Snapshot};

    use super::*;

    /// How many objects of 24 bytes each family has: no other test makes such.
    fn live() -> Vec<usize> {
        let of_size = |classes: &[ClassUse]| {
            let classes = classes.iter().filter(|class| class.slot_bytes == 24);
            classes.map(|class| class.live_objects).sum()
        };
        let families = Snapshot::of::<Many>().families;
        families.iter().map(|family| of_size(&family.classes)).collect()
    }

    #[test]
    fn each_number_has_a_family_of_its_own() {
        type First = <Famalloc as Families>::First;
        let calls: Vec<Calls> = (0..FAMILIES).map(Famalloc::calls::<24>).collect();
        let mut expected = live();
        assert_eq!(expected.len(), FAMILIES);
        let objects: Vec<_> = calls.iter().map(|calls| (calls.alloc)(1)).collect();
        let first = First::new().alloc::<24>();
        expected.iter_mut().for_each(|count| *count += 1);
        expected[0] += 1;
        assert_eq!(live(), expected);
        // SAFETY: allocated above, in the same family.
        unsafe { First::new().free::<24>(first) };
        for (calls, object) in calls.iter().zip(objects) {
            // SAFETY: allocated above by the same calls.
            unsafe { (calls.free)(object) };
        }
    }

    /// Equal calls would be one to the processor, which then has nothing to guess.
    #[test]
    fn all_calls_are_different() {
        fn different<A: Families>() {
            let calls: Vec<Calls> = (0..FAMILIES).map(A::calls::<48>).collect();
            let addresses = |address: fn(&Calls) -> usize| {
                let mut addresses: Vec<usize> = calls.iter().map(address).collect();
                addresses.sort_unstable();
                addresses.dedup();
                addresses.len()
            };
            assert_eq!(addresses(|calls| calls.pair as usize), FAMILIES, "{}", A::NAME);
            assert_eq!(addresses(|calls| calls.alloc as usize), FAMILIES, "{}", A::NAME);
            assert_eq!(addresses(|calls| calls.free as usize), FAMILIES, "{}", A::NAME);
        }
        different::<Famalloc>();
        different::<System>();
        different::<Rallocator>();
        different::<CallsAlone>();
    }
}
