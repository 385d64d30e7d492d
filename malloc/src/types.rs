//! The types and constants of the C interface, by the names that they have in C.
//!
//! What is made by `c_interface!` is declared in the header from the same text.

#![expect(non_camel_case_types, reason = "the names that C has for them")]

use core::marker::{PhantomData, PhantomPinned};
use core::mem::MaybeUninit;

pub use core::ffi::{c_char, c_int, c_void};
pub use libc::FILE;

/// Documentation, name, and type in Rust's words.
#[cfg(test)]
pub(crate) type Named = (&'static [&'static str], &'static str, &'static str);

/// A structure.
#[cfg(test)]
pub(crate) struct Structure {
    pub(crate) text: &'static [&'static str],
    pub(crate) name: &'static str,
    pub(crate) fields: &'static [Named],
}

/// Makes constants and structures, and the table of them from which the header is generated.
macro_rules! c_interface {
    (
        constants {
            $(
                $(#[doc = $constant_text:literal])*
                const $constant:ident: $constant_type:ident = $value:expr;
            )*
        }
        $(
            $(#[doc = $text:literal])*
            struct $name:ident {
                $(
                    $(#[doc = $field_text:literal])*
                    $field:ident: $type:ty,
                )*
            }
        )*
    ) => {
        $(
            $(#[doc = $constant_text])*
            pub const $constant: $constant_type = $value;
        )*
        $(
            $(#[doc = $text])*
            #[repr(C)]
            #[derive(Clone, Copy, Debug)]
            pub struct $name {
                $(
                    $(#[doc = $field_text])*
                    pub $field: $type,
                )*
            }
        )*

        /// The constants: documentation, name and value.
        #[cfg(test)]
        pub(crate) const CONSTANTS: &[(&[&str], &str, u32)] = &[
            $((&[$($constant_text),*], stringify!($constant), $value)),*
        ];

        /// The structures.
        #[cfg(test)]
        pub(crate) const STRUCTURES: &[Structure] = &[
            $(Structure {
                text: &[$($text),*],
                name: stringify!($name),
                fields: &[
                    $((&[$($field_text),*], stringify!($field), stringify!($type))),*
                ],
            }),*
        ];
    };
}

/// The number of a family.
pub type fam_family_t = u32;

/// Called with the address and size of an object, and the context that the caller passed.
pub type fam_visit_t = Option<unsafe extern "C-unwind" fn(*mut c_void, usize, *mut c_void)>;

/// A region: an arena of one family. C sees only its address.
#[repr(C)]
#[derive(Debug)]
pub struct fam_region_t {
    opaque: [u8; 0],
    /// Only one thread at a time may use it, and it must not move.
    marker: PhantomData<(*mut u8, PhantomPinned)>,
}

c_interface! {
    constants {
        /// The general family of libfamalloc: all memory goes here that names no family. A set of your own
        /// may use another one: fam_family("its name").
        const FAM_GENERAL: fam_family_t = 0;
        /// No family.
        const FAM_NONE: fam_family_t = u32::MAX;
        /// Kinds of allocations. A slot of a size class.
        const FAM_SLOT: u32 = 0;
        /// An allocation with 64 KiB granules of its own.
        const FAM_LARGE: u32 = 1;
        /// An allocation with 2 MiB extents of its own.
        const FAM_HUGE: u32 = 2;
        /// A chunk of a region. Only the region knows its objects.
        const FAM_REGION: u32 = 3;
    }

    /// What an address is.
    struct fam_query_t {
        /// The family; FAM_NONE for a family of another set, which a part of the program in Rust may have.
        family: fam_family_t,
        /// FAM_SLOT, FAM_LARGE, FAM_HUGE or FAM_REGION.
        kind: u32,
        /// The start of the slot, allocation or chunk.
        start: *mut c_void,
        /// Its usable bytes.
        size: usize,
        /// The distance of the address from the start in bytes.
        offset: usize,
        /// The block of a slot; otherwise the start.
        block: *mut c_void,
        /// The size of that block in bytes; otherwise the size above.
        block_size: usize,
    }

    /// What a family uses.
    struct fam_stats_t {
        /// Objects that are allocated and not freed, large ones included.
        live_objects: usize,
        /// Their bytes, in whole slots and pages.
        live_bytes: usize,
        /// The sum of the peaks of all size classes in bytes: an upper bound of the peak of live_bytes.
        peak_bytes: usize,
        /// The large ones among the live objects.
        large_objects: usize,
        /// Their bytes.
        large_bytes: usize,
        /// Blocks, in use or empty.
        blocks: usize,
        /// The bytes of the chunks of all regions, used or not.
        region_bytes: usize,
        /// The bytes of blocks, large objects and regions.
        committed_bytes: usize,
        /// The peak of committed_bytes.
        peak_committed_bytes: usize,
        /// The most that committed_bytes may be; SIZE_MAX if there is no limit.
        limit_bytes: usize,
    }

    /// What a region uses.
    struct fam_region_stats_t {
        /// Chunks, in use or kept for later use.
        chunks: usize,
        /// Their bytes.
        committed_bytes: usize,
        /// Allocated and not freed bytes, in whole words of 8 bytes, with gaps for alignment.
        live_bytes: usize,
        /// Bytes of objects that were freed one by one and can be used again.
        free_bytes: usize,
    }

    /// A state of a region, for fam_region_rewind.
    struct fam_region_mark_t {
        /// Private to the region.
        opaque: [MaybeUninit<usize>; 8],
    }
}

/// `struct mallinfo2`, as glibc has it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "glibc's manual has them")]
pub struct mallinfo2 {
    pub arena: usize,
    pub ordblks: usize,
    pub smblks: usize,
    pub hblks: usize,
    pub hblkhd: usize,
    pub usmblks: usize,
    pub fsmblks: usize,
    pub uordblks: usize,
    pub fordblks: usize,
    pub keepcost: usize,
}

/// `struct mallinfo`, as glibc has it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "glibc's manual has them")]
pub struct mallinfo {
    pub arena: c_int,
    pub ordblks: c_int,
    pub smblks: c_int,
    pub hblks: c_int,
    pub hblkhd: c_int,
    pub usmblks: c_int,
    pub fsmblks: c_int,
    pub uordblks: c_int,
    pub fordblks: c_int,
    pub keepcost: c_int,
}
