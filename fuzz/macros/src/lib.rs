//! The sources of `#[alloc_family]` as an ordinary library: a crate of procedural macros exports nothing
//! but those, and they run in a compiler alone.

#[path = "../../../macros/src/arguments.rs"]
mod arguments;
#[path = "../../../macros/src/attributes.rs"]
mod attributes;
#[path = "../../../macros/src/errors.rs"]
mod errors;
#[path = "../../../macros/src/expand.rs"]
mod expand;
#[path = "../../../macros/src/family_set.rs"]
mod family_set;
#[path = "../../../macros/src/member.rs"]
mod member;
#[path = "../../../macros/src/names.rs"]
mod names;
#[path = "../../../macros/src/sizes.rs"]
mod sizes;
#[path = "../../../macros/src/visibility.rs"]
mod visibility;

use proc_macro2::TokenStream;

/// What the attribute makes of its arguments and the item that it stands at.
#[must_use]
pub fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(arguments, item)
}
