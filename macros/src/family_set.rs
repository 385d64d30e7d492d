//! `#[alloc_family]` on an enum: the enum becomes a family set.
//!
//! ```text
//! enum Lives { Ast, Object }         the enum, as it was
//! mod lives {                        the marker types; they need nothing from outside, so the
//!     struct Ast;  struct Object;    module works in a function's body, where a child module
//! }                                  cannot see its neighbours
//! const _: () = {                    everything that needs both, where both can be named, and
//!     impl Family for lives::Ast     whose names are seen by nobody
//!     impl Family for lives::Object
//!     static cells, static table, cache slots: thread-local where there are threads
//!     impl FamilySet for Lives
//! };
//! ```
//!
//! Nothing is called by a name that the user's crate may give to something else: not even `usize`, and
//! no method in such a way that one of a blanket trait could come before it (a reference is passed as it
//! is, so that no method by value fits sooner).
//!
//! A variant under `#[cfg]` takes its marker and its entries with it: the predicate is repeated at
//! each, and the positions are counted by the compiler instead of by the macro.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Fields, ItemEnum, Variant};

use crate::arguments::Arguments;
use crate::attributes::{FamilyAttributes, is_family};
use crate::errors::Errors;
use crate::names::{NoModule, module_of_set};
use crate::visibility::{beside, from_inside};

/// As many as the block map can tell apart.
const MAX_FAMILIES: usize = 65_535;

/// What the expansion needs to know of one variant.
struct FamilyVariant {
    name: Ident,
    documentation: Vec<Attribute>,
    predicates: Vec<Attribute>,
    spec: TokenStream,
    index: TokenStream,
}

/// Takes the `#[family]` attributes off the enum and returns what goes beside it.
pub(crate) fn expand(
    arguments: &Arguments,
    set: &mut ItemEnum,
    errors: &mut Errors,
) -> TokenStream {
    let krate = arguments.krate();
    let counted = set.variants.iter().any(|variant| variant.attrs.iter().any(is_predicate));
    let mut fallback = None;
    let variants: Vec<FamilyVariant> = (0..)
        .zip(&set.variants)
        .map(|(index, variant)| {
            FamilyVariant::new(variant, index, counted, &mut fallback, &krate, errors)
        })
        .collect();
    let sound = check_shape(set, errors);
    let module = check_name(arguments, set, errors);
    take_family_attributes(set, errors);
    let Some(module) = module.filter(|_| sound) else { return TokenStream::new() };

    let markers = marker_module(set, &module, &variants);
    let implementations = implementations(arguments, set, &module, &variants, counted);
    quote!(#markers #implementations)
}

impl FamilyVariant {
    fn new(
        variant: &Variant,
        index: usize,
        counted: bool,
        fallback: &mut Option<Ident>,
        krate: &TokenStream,
        errors: &mut Errors,
    ) -> Self {
        let name = variant.ident.clone();
        let mut attributes = FamilyAttributes::parse(&variant.attrs, errors);
        // Which of those under a condition are there, the compiler knows: it counts them again.
        if attributes.fallback.is_some() && !variant.attrs.iter().any(is_predicate) {
            match fallback {
                None => *fallback = Some(name.clone()),
                Some(first) => {
                    let message = format!(
                        "a family set has at most one fallback, and `{first}` is it; remove this one"
                    );
                    errors.at(attributes.fallback.take(), message);
                }
            }
        }
        let chosen = |choose: fn(&Attribute) -> bool| {
            variant.attrs.iter().filter(|attribute| choose(attribute)).cloned().collect()
        };
        Self {
            spec: attributes.spec(krate, &name.unraw().to_string()),
            documentation: chosen(|attribute| attribute.path().is_ident("doc")),
            predicates: chosen(is_predicate),
            index: if counted {
                quote!((__FamallocPosition::#name as ::core::primitive::usize))
            } else {
                quote!(#index)
            },
            name,
        }
    }
}

/// Whether the enum can be a family set as it stands.
fn check_shape(set: &ItemEnum, errors: &mut Errors) -> bool {
    let known = errors.count();
    if set.variants.is_empty() {
        errors.at(&set.ident, "a family set needs at least one variant; each variant is a family");
    }
    if set.variants.len() > MAX_FAMILIES {
        errors.at(
            &set.ident,
            format!("a family set has at most {MAX_FAMILIES} variants; split it into several sets"),
        );
    }
    if !set.generics.params.is_empty() {
        errors.at(
            &set.generics,
            "a family set owns one static table, so it cannot be generic; remove the parameters",
        );
    } else if let Some(clause) = &set.generics.where_clause {
        errors.at(clause, "a family set cannot have a `where` clause; remove it");
    }
    for variant in &set.variants {
        if !matches!(variant.fields, Fields::Unit) {
            errors.at(&variant.fields, format!("a family has no data; write `{}`", variant.ident));
        }
    }
    errors.count() == known
}

fn check_name(arguments: &Arguments, set: &ItemEnum, errors: &mut Errors) -> Option<Ident> {
    if let Some((_, module)) = &arguments.module {
        if module.unraw() == set.ident.unraw() {
            errors.at(module, "the module cannot have the enum's own name; give it another");
            return None;
        }
        return Some(module.clone());
    }
    match module_of_set(&set.ident) {
        Ok(module) => Some(module),
        Err(NoModule::SameAsEnum) => {
            errors.at(
                &set.ident,
                "the module of the marker types would have the enum's own name; name the enum in camel case, such as `Lives`, or the module: `#[alloc_family(module = name)]`",
            );
            None
        }
        Err(NoModule::Keyword(keyword)) => {
            errors.at(
                &set.ident,
                format!(
                    "the module of the marker types would be named `{keyword}`, which no module can have as its name; name the module: `#[alloc_family(module = name)]`"
                ),
            );
            None
        }
    }
}

fn take_family_attributes(set: &mut ItemEnum, errors: &mut Errors) {
    for attribute in set.attrs.iter().filter(|attribute| is_family(attribute)) {
        errors.at(attribute, "`#[family]` describes one family; put it on a variant");
    }
    set.attrs.retain(|attribute| !is_family(attribute));
    for variant in &mut set.variants {
        variant.attrs.retain(|attribute| !is_family(attribute));
    }
}

fn is_predicate(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
}

/// The module of marker types.
fn marker_module(set: &ItemEnum, module: &Ident, variants: &[FamilyVariant]) -> TokenStream {
    let set_name = set.ident.unraw().to_string();
    let module_documentation =
        format!("The families of [`{set_name}`](super::{set_name}), one marker type each.");
    let markers = variants.iter().map(|variant| {
        let FamilyVariant { name, documentation, predicates, .. } = variant;
        let marker_visibility = from_inside(&set.vis, name.span());
        // At the variant, for that is where the compiler says that the marker is declared.
        let marker = quote_spanned!(name.span()=> #marker_visibility struct #name;);
        let family = format!("Family `{}` of [`{set_name}`](super::{set_name}).", name.unraw());
        // A paragraph of its own below what the user says.
        let gap = (!documentation.is_empty()).then(|| quote!(#[doc = ""]));
        quote! {
            #(#predicates)*
            #(#documentation)*
            #gap
            #[doc = #family]
            #[derive(
                ::core::fmt::Debug,
                ::core::clone::Clone,
                ::core::marker::Copy,
                ::core::cmp::PartialEq,
                ::core::cmp::Eq,
                ::core::hash::Hash,
                ::core::default::Default,
            )]
            #marker
        }
    });
    let visibility = beside(&set.vis, module.span());
    // At the enum's name, for that is where the compiler says that the module is declared.
    let module = quote_spanned!(module.span()=> #visibility mod #module { #(#markers)* });
    quote! {
        #[doc = #module_documentation]
        #[allow(
            dead_code,
            non_camel_case_types,
            unreachable_pub,
            rustdoc::broken_intra_doc_links,
            rustdoc::private_intra_doc_links,
            clippy::exhaustive_structs,
            clippy::redundant_pub_crate,
            reason = "marker types mirror the variants, used or not, with their names and words"
        )]
        #module
    }
}

/// Everything that names both the enum and its markers.
fn implementations(
    arguments: &Arguments,
    set: &ItemEnum,
    module: &Ident,
    variants: &[FamilyVariant],
    counted: bool,
) -> TokenStream {
    let krate = arguments.krate();
    let private = quote!(#krate::__private);
    let set_name = &set.ident;
    let set_text = set_name.unraw().to_string();
    let names: Vec<&Ident> = variants.iter().map(|variant| &variant.name).collect();
    let predicates: Vec<&Vec<Attribute>> =
        variants.iter().map(|variant| &variant.predicates).collect();
    let indices = variants.iter().map(|variant| &variant.index);

    let positions = counted.then(|| {
        quote! {
            #[allow(clippy::upper_case_acronyms, non_camel_case_types, reason = "the user's names")]
            enum __FamallocPosition { #(#(#predicates)* #names,)* }
        }
    });
    let count = if counted {
        quote!(<[()]>::len(&[#(#(#predicates)* (),)*]))
    } else {
        let count = variants.len();
        quote!(#count)
    };
    let (space_static, space) = match &arguments.source {
        // By way of a macro: whether there is such a thing depends on famalloc's features.
        None => {
            let space = quote_spanned!(set_name.span()=> #krate::__system_space!());
            (TokenStream::new(), space)
        }
        Some((_, source)) => {
            let reference = quote_spanned!(source.span()=> &#source);
            let space = format_ident!("__FAMALLOC_SPACE");
            let item = quote! {
                static #space: #private::SpaceCell = #private::SpaceCell::new(#reference);
            };
            (item, quote!(#space))
        }
    };
    let fallback = quote!(<#set_name as #krate::FamilySet>::FALLBACK);
    let cache_slots = if arguments.initial_exec.is_some() {
        quote! {
            #krate::__cache_slots_initial_exec!(__FAMALLOC_CACHE_SLOTS, #set_name, __FAMALLOC_COUNT, #fallback);
        }
    } else {
        quote!(#krate::__cache_slots!(__FAMALLOC_CACHE_SLOTS, __FAMALLOC_COUNT, #fallback);)
    };
    let families = variants.iter().map(|variant| {
        let FamilyVariant { name, predicates, spec, index, .. } = variant;
        // SAFETY (of the expansion): the index is the variant's position among the specs, which are
        // collected from these very implementations, and the cache slot is the thread's own.
        quote! {
            #(#predicates)*
            #[automatically_derived]
            unsafe impl #krate::Family for #module::#name {
                type Set = #set_name;
                const KEY: #set_name = #set_name::#name;
                const MARKER: Self = Self {};
                const INDEX: ::core::primitive::usize = #index;
                const SPEC: #krate::FamilySpec = #spec;

                #[inline(always)]
                fn cache_slot() -> *const #private::CacheSlot {
                    (&__FAMALLOC_CACHE_SLOTS).with(|__famalloc_cache_slots| __famalloc_cache_slots.cache_slot(#index))
                }
            }

            // The trait's own, for who has not imported it.
            #(#predicates)*
            #[automatically_derived]
            #[allow(
                dead_code,
                unreachable_pub,
                clippy::same_name_method,
                reason = "for whoever uses scopes"
            )]
            impl #module::#name {
                /// Runs `work` in a scope of this family.
                #[inline(always)]
                pub fn scope<R>(work: impl ::core::ops::FnOnce() -> R) -> R {
                    <Self as #krate::Family>::scope(work)
                }

                /// Begins a scope of this family that lasts until the guard is dropped.
                #[inline(always)]
                pub fn enter() -> #krate::ScopeGuard<#set_name> {
                    <Self as #krate::Family>::enter()
                }

                /// Runs `work` outside of all scopes of this family's set, in the fallback family.
                #[inline(always)]
                pub fn outside<R>(work: impl ::core::ops::FnOnce() -> R) -> R {
                    <Self as #krate::Family>::outside(work)
                }

                /// A future that is polled in a scope of this family.
                pub fn scope_future<T>(future: T) -> #krate::Scoped<Self, T> {
                    <Self as #krate::Family>::scope_future(future)
                }
            }
        }
    });

    let data = arguments.initial_exec.is_some().then(|| {
        let count = quote!(<#set_name as #krate::FamilySet>::FAMILIES.len());
        quote!(#krate::__cache_slots_data!(#set_name, #count, #fallback);)
    });

    let reads =
        arguments.initial_exec.is_some().then(|| quote!(#krate::__cache_slots_reads!(#set_name);));

    // SAFETY (of the expansion): the table is one static, made from the specs that are `FAMILIES`, and
    // each index is a position among them.
    quote! {
        #data

        #[allow(deprecated, reason = "a deprecated variant is a family all the same")]
        const _: () = {
            const __FAMALLOC_COUNT: ::core::primitive::usize = #count;
            #positions

            const __FAMALLOC_SPECS: &[#krate::FamilySpec; __FAMALLOC_COUNT] =
                &[#(#(#predicates)* <#module::#names as #krate::Family>::SPEC,)*];
            static __FAMALLOC_CELLS: [#private::FamilyCell; __FAMALLOC_COUNT] =
                [const { #private::FamilyCell::new() }; __FAMALLOC_COUNT];
            #space_static
            static __FAMALLOC_TABLE: #private::SetTable = #private::SetTable::new(
                #set_text,
                __FAMALLOC_SPECS,
                &__FAMALLOC_CELLS,
                &#space,
                || <#set_name as #krate::FamilySet>::cache_slots().cast(),
            );

            #cache_slots

            #(#families)*

            #[automatically_derived]
            unsafe impl #krate::FamilySet for #set_name {
                const NAME: &'static ::core::primitive::str = #set_text;
                const FAMILIES: &'static [#krate::FamilySpec] = __FAMALLOC_SPECS;

                #[inline]
                fn index(&self) -> ::core::primitive::usize {
                    match *self {
                        #(#(#predicates)* #set_name::#names => #indices,)*
                    }
                }

                #[inline]
                fn table() -> &'static #private::SetTable {
                    &__FAMALLOC_TABLE
                }

                #[inline(always)]
                fn cache_slots() -> *const #private::CacheSlots<0> {
                    (&__FAMALLOC_CACHE_SLOTS).with(|__famalloc_cache_slots| __famalloc_cache_slots.start())
                }

                #reads
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    fn expand_set(mut set: ItemEnum) -> (ItemEnum, String, Vec<String>) {
        let mut errors = Errors::default();
        let expansion = expand(&Arguments::default(), &mut set, &mut errors);
        (set, expansion.to_string(), errors.messages())
    }

    #[test]
    fn the_enum_stays_but_for_family_attributes() {
        let (set, expansion, errors) = expand_set(parse_quote! {
            /// Lives.
            #[repr(u8)]
            pub enum Lives {
                /// Nodes.
                #[family(isolate)]
                #[allow(unused)]
                Ast = 3,
            }
        });
        let expected: ItemEnum = parse_quote! {
            /// Lives.
            #[repr(u8)]
            pub enum Lives {
                /// Nodes.
                #[allow(unused)]
                Ast = 3,
            }
        };
        assert_eq!(quote!(#set).to_string(), quote!(#expected).to_string());
        assert!(expansion.contains("pub mod lives"));
        assert!(errors.is_empty());
    }

    #[test]
    fn mistakes_in_attributes_leave_the_families_in_place() {
        let (_, expansion, errors) = expand_set(parse_quote! {
            enum Lives { #[family(isolated)] Ast, #[family(block = 3)] Object }
        });
        assert_eq!(errors.len(), 2);
        assert!(expansion.contains("struct Ast") && expansion.contains("struct Object"));
    }

    #[test]
    fn reports_all_mistakes_of_the_shape_at_once() {
        let (set, expansion, errors) = expand_set(parse_quote! {
            #[family(isolate)]
            enum lives<T> { A(T), B { x: u8 }, #[family(colour)] C }
        });
        assert_eq!(errors.len(), 6, "{errors:?}");
        assert!(expansion.is_empty());
        assert!(!quote!(#set).to_string().contains("family"));
    }

    #[test]
    fn too_many_variants() {
        let names = (0..=MAX_FAMILIES).map(|i| format_ident!("F{i}"));
        let (_, expansion, errors) = expand_set(parse_quote!(enum Lives { #(#names),* }));
        assert!(expansion.is_empty() && errors[0].contains("at most 65535"));
    }
}
