//! From what the attribute is given to what it leaves: the item as it is, what goes beside it, and an
//! error for each mistake. Apart from the entry point, which only a compiler can call.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Item;

use crate::arguments::Arguments;
use crate::attributes::KEYS;
use crate::errors::Errors;
use crate::{family_set, member};

/// The item, what goes beside it, and the errors.
pub(crate) fn expand(arguments: TokenStream, tokens: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let arguments = Arguments::parse(arguments, &mut errors);
    let mut item = match syn::parse2::<Item>(tokens.clone()) {
        Ok(item) => item,
        Err(error) => {
            errors.push(error);
            let errors = errors.into_compile_errors();
            return quote!(#tokens #errors);
        }
    };
    let beside = match (&arguments.family, &mut item) {
        (None, _) if arguments.unreadable_family => TokenStream::new(),
        (None, Item::Enum(set)) => family_set::expand(&arguments, set, &mut errors),
        (Some(path), Item::Enum(set)) if is_attribute_of_variants(path) => {
            errors.at(
                path,
                format!(
                    "`{0}` describes one family; put it on a variant: `#[family({0})]`",
                    path.to_token_stream()
                ),
            );
            family_set::expand(&arguments, set, &mut errors)
        }
        (Some(family), Item::Enum(member)) => {
            member::expand(&arguments, family, &member.ident, &member.generics, &mut errors)
        }
        (Some(family), Item::Struct(member)) => {
            member::expand(&arguments, family, &member.ident, &member.generics, &mut errors)
        }
        (Some(family), Item::Union(member)) => {
            member::expand(&arguments, family, &member.ident, &member.generics, &mut errors)
        }
        (None, Item::Struct(member)) => {
            errors.at(&member.ident, join_instead("struct"));
            TokenStream::new()
        }
        (None, Item::Union(member)) => {
            errors.at(&member.ident, join_instead("union"));
            TokenStream::new()
        }
        (_, other) => {
            errors.at(
                head(other),
                "`#[alloc_family]` goes on an enum, whose variants become families, or as `#[alloc_family(Set::Variant)]` on a struct, enum or union, which joins that family",
            );
            TokenStream::new()
        }
    };
    let errors = errors.into_compile_errors();
    quote!(#item #beside #errors)
}

/// What to say of a type without a family.
fn join_instead(kind: &str) -> String {
    format!(
        "a {kind} joins a family: write `#[alloc_family(Set::Variant)]`; only an enum can be a family set"
    )
}

fn is_attribute_of_variants(path: &syn::Path) -> bool {
    path.get_ident().is_some_and(|name| KEYS.iter().any(|key| name == key))
}

/// The part of an item that tells what it is: a function's name, an implementation's type.
fn head(item: &Item) -> TokenStream {
    match item {
        Item::Fn(function) => function.sig.ident.to_token_stream(),
        Item::Trait(item) => item.ident.to_token_stream(),
        Item::TraitAlias(item) => item.ident.to_token_stream(),
        Item::Mod(item) => item.ident.to_token_stream(),
        Item::Type(item) => item.ident.to_token_stream(),
        Item::Const(item) => item.ident.to_token_stream(),
        Item::Static(item) => item.ident.to_token_stream(),
        Item::Impl(item) => item.self_ty.to_token_stream(),
        Item::Use(item) => item.tree.to_token_stream(),
        Item::Macro(item) => item.mac.path.to_token_stream(),
        other => other.to_token_stream().into_iter().take(1).collect(),
    }
}
