//! The attribute macro of famalloc.
//!
//! One attribute, [`macro@alloc_family`], with two uses: on an enum it declares a family set, with a path it
//! makes a type a member of a family. famalloc exports it; do not use this crate by itself.

mod arguments;
mod attributes;
mod errors;
mod expand;
mod family_set;
mod member;
mod names;
mod sizes;
mod visibility;

/// Declares a family set, or makes a type a member of a family.
///
/// A *family* is a lifetime class: objects that live and die together. Its allocations share blocks of
/// memory only with each other.
///
/// # On an enum: a family set
///
/// ```
/// use famalloc::{Family, FamilySet, alloc_family, alloc_in, free_in};
///
/// #[alloc_family]
/// enum Lives {
///     /// Dies with the compilation of its function.
///     Ast,
///     /// Lives until the collector finds it unreachable.
///     #[family(zero_on_free, limit = "64 MiB", block = "1 MiB")]
///     Object,
/// }
///
/// // Each variant is a family: a key, and a zero-sized marker type in the module `lives`.
/// assert_eq!(Lives::Object.index(), 1);
/// assert_eq!(lives::Object::SPEC.limit_bytes(), Some(64 << 20));
///
/// let node = alloc_in::<lives::Ast>(48)?;
/// // SAFETY: allocated above, with this family and size, and not used afterwards.
/// unsafe { free_in::<lives::Ast>(node, 48) };
/// # Ok::<(), famalloc::AllocError>(())
/// ```
///
/// The macro does not change the enum; derive on it what you like. The enum must have from 1 to 65,535
/// variants, with or without discriminants. It must have no generics, and its variants no data. The macro
/// adds
///
/// - `impl FamilySet for Lives`, with one static table;
/// - `mod lives`, as visible as the enum, with one marker type for each variant, and
///   `impl Family` for each.
///
/// The name of the module is that of the enum in snake case. A word begins at an upper-case letter after
/// any other letter or digit, and at the last capital of an acronym: `GameLives` gives `game_lives`,
/// `HTTPServer` gives `http_server`, `Lives2D` gives `lives2_d`. A keyword becomes a raw identifier:
/// `Type` gives `r#type`. Where that name is taken, or another reads better, name the module:
///
/// ```
/// use famalloc::{FamilyBox, alloc_family};
///
/// mod lives {
///     // Something else of this name.
/// }
///
/// #[alloc_family(module = families)]
/// enum Lives {
///     Ast,
/// }
///
/// // The path names the module then.
/// #[alloc_family(families::Ast)]
/// struct Node(u32);
///
/// assert_eq!(FamilyBox::new(Node(7)).0, 7);
/// ```
///
/// A variant may have `#[cfg(..)]`, which then applies to its family, too.
///
/// ## `#[family(..)]` on a variant
///
/// | attribute | the family ... |
/// |---|---|
/// | `isolate` | never shares an address with another family for the life of the process |
/// | `zero_on_free` | zeroes each slot when it is freed |
/// | `limit = "64 MiB"` | takes at most this much memory at any time; the limit is at least `"64 KiB"` and one block |
/// | `align = "natural"` | aligns raw sizes naturally, up to a page |
/// | `fallback` | serves unmodified code outside of any scope, if the set is the global allocator's; by default the first family does |
/// | `block = "1 MiB"` | has blocks of at least this size; a power of two from `"64 KiB"` to `"2 MiB"` |
///
/// A size is a whole number and a unit in quotes: `B`; `KiB`, `MiB`, `GiB` (powers of 1,024); `KB`,
/// `MB`, `GB` (powers of 1,000). A number without a unit is in bytes and needs no quotes.
///
/// ## `source`: the page source of the set
///
/// `#[alloc_family(source = BUFFER)]` takes the set's address space from `BUFFER`, the path of a
/// `static` that is a page source, instead of from the operating system. Without famalloc's feature
/// `std` there is no default source, and every set must name one.
///
/// # On a struct, enum or union, with a path: membership
///
/// ```
/// use famalloc::{FamilyOf, FamilySpec, Family, alloc_family};
///
/// #[alloc_family]
/// enum Lives {
///     Ast,
/// }
///
/// #[alloc_family(Lives::Ast)]
/// struct Node<'source, T: Copy> {
///     name: &'source str,
///     value: T,
/// }
///
/// assert_eq!(<FamilyOf<Node<'_, f64>> as Family>::SPEC.name(), "Ast");
/// # let node = Node { name: "", value: 0.0 };
/// # let _ = (node.name, node.value);
/// ```
///
/// The macro does not change the type. It adds `impl InFamily for Node`, for all of its generics. (None of
/// them may have `#[cfg(..)]`, which cannot be repeated where a type is named.)
///
/// The path names the set and the variant, and stands for the marker type: `a::Lives::Ast` for
/// `a::lives::Ast`. So the module must be in scope. If the set is declared elsewhere, import the module and
/// write `lives::Ast` (which is used unchanged), or write the whole path:
///
/// ```
/// mod families {
///     #[famalloc::alloc_family]
///     pub enum Lives {
///         Ast,
///         Object,
///     }
/// }
///
/// # #[allow(unused)]
/// mod ast {
///     use super::families::lives;
///
///     #[famalloc::alloc_family(lives::Ast)]
///     pub struct Node(u32);
///
///     #[famalloc::alloc_family(super::families::Lives::Object)]
///     pub struct Value(u32);
/// }
/// # fn main() {}
/// ```
///
/// A set must be at least as visible as its members: a `pub` type can join only the families of a `pub`
/// enum. (That enum may be in a private module.)
///
/// # `crate`: the path of famalloc
///
/// The expansion refers to famalloc as `::famalloc`. If it has another name, or another crate re-exports it,
/// give its path, with or without quotes:
///
/// ```
/// mod reexport {
///     pub use famalloc;
/// }
///
/// #[reexport::famalloc::alloc_family(crate = reexport::famalloc)]
/// enum Lives {
///     Ast,
/// }
///
/// #[reexport::famalloc::alloc_family(Lives::Ast, crate = "reexport::famalloc")]
/// struct Node;
/// ```
///
/// # Unsafe code
///
/// `FamilySet` and `Family` are unsafe to implement, and the expansion implements them. A crate with
/// `#![forbid(unsafe_code)]` can still use the macro.
///
/// # Names
///
/// The expansion uses full paths for everything, primitive types included. So it means the same without the
/// prelude, where your code redefines `Option`, `usize` or `core`, in crates of any edition, in the body of a
/// function, and in the expansion of a `macro_rules!` macro. Its own names begin with `__famalloc`, except
/// the parameters of `lives::Ast::scope`, `outside` and `scope_future`, which appear in documentation: next to a set
/// there can be no `static` with the name `work` or `future`.
///
/// # Errors
///
/// Every error points to the tokens that cause it, and all errors of one item are reported together:
///
/// ```compile_fail
/// #[famalloc::alloc_family]
/// enum Lives {
///     #[family(isolated)]            // unknown attribute `isolated`; did you mean `isolate`?
///     Ast,
///     #[family(block = "3 MiB")]     // a block is a power of two from 64 KiB to 2 MiB; ...
///     Object,
/// }
/// ```
#[proc_macro_attribute]
pub fn alloc_family(
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    expand::expand(arguments.into(), item.into()).into()
}
