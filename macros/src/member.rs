//! `#[alloc_family(Set::Variant)]` on a type: the type joins that family.
//!
//! The item stays as it is; beside it comes an implementation of `InFamily` with the item's own
//! generics. The path is the user's but for the set's segment, which becomes the set's module at the
//! same place in the source, so that a wrong name is the compiler's own error there.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, GenericParam, Generics, Path};

use crate::arguments::Arguments;
use crate::errors::Errors;
use crate::names::module_named_by;

/// The implementation that makes the type a member of `family`.
pub(crate) fn expand(
    arguments: &Arguments,
    family: &Path,
    name: &Ident,
    generics: &Generics,
    errors: &mut Errors,
) -> TokenStream {
    if let Some((key, _)) = &arguments.source {
        errors.at(
            key,
            "a type takes its pages from its family's set; put `source` on the set: `#[alloc_family(source = ..)]`",
        );
    }
    if let Some((key, _)) = &arguments.module {
        errors.at(key, "a type has no module of families; write `module` at its family's set");
    }
    if let Some(key) = &arguments.initial_exec {
        errors.at(key, "a type has no thread-locals; put `thread_local` on its family's set");
    }
    let marker = marker_of(family, errors);
    let conditional = generics.params.iter().flat_map(attributes_of);
    let conditional: Vec<_> = conditional.filter(|one| one.path().is_ident("cfg")).collect();
    for condition in &conditional {
        errors.at(
            condition,
            "a generic parameter of a type in a family cannot have `#[cfg]`; write two types, each with its own `#[cfg]`",
        );
    }
    let Some(marker) = marker.filter(|_| conditional.is_empty()) else { return TokenStream::new() };
    let krate = arguments.krate();
    // The compiler objects to the whole line when the family is less visible than the type.
    let membership = quote_spanned!(marker.span()=> type Family = #marker;);
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::InFamily for #name #type_generics #where_clause {
            #membership
        }
    }
}

fn attributes_of(parameter: &GenericParam) -> &[Attribute] {
    match parameter {
        GenericParam::Lifetime(parameter) => &parameter.attrs,
        GenericParam::Type(parameter) => &parameter.attrs,
        GenericParam::Const(parameter) => &parameter.attrs,
    }
}

/// `a::b::Lives::Object` -> `a::b::lives::Object`.
fn marker_of(family: &Path, errors: &mut Errors) -> Option<Path> {
    let mut marker = family.clone();
    let module = match marker.segments.iter_mut().rev().nth(1) {
        Some(set) => module_named_by(&set.ident).ok().map(|module| set.ident = module),
        None => None,
    };
    if module.is_none() {
        let variant = family.segments.last().map(|last| last.ident.to_token_stream());
        errors.at(
            family,
            format!(
                "name the set of the family, too: `#[alloc_family(Set::{})]`",
                variant.unwrap_or_default()
            ),
        );
    }
    module.map(|()| marker)
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::{DeriveInput, parse_quote};

    fn marker(path: &Path) -> Result<String, Vec<String>> {
        let mut errors = Errors::default();
        match marker_of(path, &mut errors) {
            Some(marker) => Ok(marker.to_token_stream().to_string().replace(' ', "")),
            None => Err(errors.messages()),
        }
    }

    #[test]
    fn finds_the_marker_type() {
        for (written, found) in [
            ("Lives::Object", "lives::Object"),
            ("lives::Object", "lives::Object"),
            ("a::b::GameLives::Object", "a::b::game_lives::Object"),
            ("::a::Type::r#type", "::a::r#type::r#type"),
            ("crate::Lives::Object", "crate::lives::Object"),
            ("super::super::Lives::Object", "super::super::lives::Object"),
        ] {
            assert_eq!(marker(&syn::parse_str(written).unwrap()).unwrap(), found);
        }
    }

    #[test]
    fn a_variant_alone_is_no_family() {
        for written in ["Object", "crate::Object", "self::Object", "super::Object"] {
            let errors = marker(&syn::parse_str(written).unwrap()).unwrap_err();
            assert_eq!(errors.len(), 1);
            assert!(errors[0].contains("Set::Object"), "{errors:?}");
        }
    }

    #[test]
    fn keeps_generics() {
        let item: DeriveInput = parse_quote! {
            struct Node<'a, T: Clone + 'a = u8, const N: usize = 3>(&'a [T; N]) where T: Copy;
        };
        let mut errors = Errors::default();
        let mut arguments = Arguments::parse(quote!(Lives::Ast), &mut errors);
        let family = arguments.family.take().unwrap();
        let expansion = expand(&arguments, &family, &item.ident, &item.generics, &mut errors);
        let expected = quote! {
            #[automatically_derived]
            impl<'a, T: Clone + 'a, const N: usize> ::famalloc::InFamily for Node<'a, T, N>
            where
                T: Copy
            {
                type Family = lives::Ast;
            }
        };
        assert_eq!(expansion.to_string(), expected.to_string());
        assert_eq!(errors.count(), 0);
    }
}
