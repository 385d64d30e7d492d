//! The enum's visibility, said from one module further in.
//!
//! The marker types live in a module beside the enum and must be visible exactly where it is: less,
//! and `Lives` could be named where `lives::Ast` cannot; more, and the private enum would be part of
//! a public interface.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Path, Visibility, parse_quote};

/// The visibility that means inside a child module what `outer` means outside of it; all of it stands
/// at `span`.
pub(crate) fn from_inside(outer: &Visibility, span: Span) -> TokenStream {
    respan(adjusted(outer).into_token_stream(), span)
}

/// The same visibility, at `span`.
pub(crate) fn beside(outer: &Visibility, span: Span) -> TokenStream {
    respan(outer.into_token_stream(), span)
}

fn respan(tokens: TokenStream, span: Span) -> TokenStream {
    let respan_one = |mut token: TokenTree| {
        if let TokenTree::Group(group) = &token {
            token = Group::new(group.delimiter(), respan(group.stream(), span)).into();
        }
        token.set_span(span);
        token
    };
    tokens.into_iter().map(respan_one).collect()
}

fn adjusted(outer: &Visibility) -> Visibility {
    match outer {
        Visibility::Inherited => parse_quote!(pub(super)),
        Visibility::Public(_) => outer.clone(),
        Visibility::Restricted(restricted) => match path_from_inside(&restricted.path) {
            Some(path) => Visibility::Restricted(path),
            None => outer.clone(),
        },
    }
}

fn path_from_inside(path: &Path) -> Option<syn::VisRestricted> {
    let first = &path.segments.first()?.ident;
    let rest = path.segments.iter().skip(1);
    let path = if first == "self" {
        quote!(super #(:: #rest)*)
    } else if first == "super" {
        quote!(super::#path)
    } else {
        return None;
    };
    match parse_quote!(pub(in #path)) {
        Visibility::Restricted(restricted) => Some(restricted),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_one_module_in() {
        for (outside, inside) in [
            ("", "pub (super)"),
            ("pub", "pub"),
            ("pub(crate)", "pub (crate)"),
            ("pub(self)", "pub (in super)"),
            ("pub(super)", "pub (in super :: super)"),
            ("pub(in crate::a)", "pub (in crate :: a)"),
            ("pub(in self::super)", "pub (in super :: super)"),
            ("pub(in super::super)", "pub (in super :: super :: super)"),
        ] {
            let outside: Visibility = syn::parse_str(outside).unwrap();
            assert_eq!(from_inside(&outside, Span::call_site()).to_string(), inside);
        }
    }
}
