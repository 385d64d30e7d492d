//! `#[alloc_family]` where famalloc has another name, under every lint there is.

#![deny(warnings)]
#![deny(future_incompatible, keyword_idents, nonstandard_style, rust_2018_idioms, unused)]
#![deny(
    absolute_paths_not_starting_with_crate,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    let_underscore_drop,
    macro_use_extern_crate,
    meta_variable_misuse,
    missing_abi,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_docs,
    non_ascii_idents,
    non_local_definitions,
    redundant_imports,
    redundant_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unnameable_types,
    unreachable_pub,
    unsafe_op_in_unsafe_fn,
    unused_crate_dependencies,
    unused_extern_crates,
    unused_import_braces,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]
#![forbid(unsafe_code)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery, clippy::cargo)]
#![deny(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::as_conversions,
    clippy::default_numeric_fallback,
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    clippy::indexing_slicing,
    clippy::missing_docs_in_private_items,
    clippy::missing_inline_in_public_items,
    clippy::multiple_inherent_impl,
    clippy::multiple_unsafe_ops_per_block,
    clippy::redundant_type_annotations,
    clippy::renamed_function_params,
    clippy::same_name_method,
    clippy::shadow_reuse,
    clippy::shadow_same,
    clippy::shadow_unrelated,
    clippy::single_char_lifetime_names,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::undocumented_unsafe_blocks,
    clippy::unwrap_used,
    clippy::use_self
)]
#![allow(
    clippy::cargo_common_metadata,
    clippy::multiple_crate_versions,
    reason = "of the package, not of what the macro writes"
)]

use fam::alloc_family;

pub use private::member;
// Of the tests.
use {edition_2018 as _, edition_2021 as _};

/// A set that other crates use, with all that can stand at a variant.
#[alloc_family(crate = fam)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum Lives {
    /// The first.
    Ast = 3,
    /// The second.
    #[doc = concat!("Written by ", "a macro.")]
    #[family(isolate, zero_on_free)]
    Object,
    /// Never there.
    #[cfg(any())]
    #[family(isolate)]
    Absent,
    /// Always there.
    #[cfg(target_pointer_width = "64")]
    #[family(limit = "64 MiB")]
    Last = 9,
}

/// The attribute in the midst of others, before it and behind it.
#[derive(Debug)]
#[non_exhaustive]
#[alloc_family(crate = "fam")]
#[derive(Clone, Copy)]
pub enum HTTP {
    /// Lives for a request.
    #[family(block = "128 KiB")]
    Request,
}

/// In a family of this crate.
#[alloc_family(crate = fam, Lives::Object)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Node<'source, T: Copy, const N: usize>
where
    [T; N]: Copy,
{
    /// What it holds.
    pub values: [T; N],
    /// Where it comes from.
    pub source: &'source str,
}

impl<'source, T: Copy, const N: usize> Node<'source, T, N>
where
    [T; N]: Copy,
{
    /// A node.
    #[must_use]
    #[inline]
    pub const fn new(values: [T; N], source: &'source str) -> Self {
        Self { values, source }
    }
}

/// In a family of the other crate, which has a set of the same name.
#[alloc_family(neighbour::Lives::Dyn, crate = fam)]
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Guest(pub u32);

/// Private, beside a module that keeps it so.
mod private {
    use fam::alloc_family;

    /// Used by nobody.
    #[alloc_family(crate = fam)]
    enum Unused {
        /// Not used.
        A,
    }

    /// For this crate.
    #[alloc_family(crate = fam)]
    pub(in crate::private) enum Inner {
        /// The only one.
        A,
    }

    /// In it.
    #[alloc_family(crate = fam, Inner::A)]
    #[derive(Debug)]
    pub(in crate::private) struct Member(u8);

    /// Uses it.
    #[must_use]
    #[inline]
    pub fn member(value: u8) -> u8 {
        fam::FamilyBox::new(Member(value)).0
    }
}
