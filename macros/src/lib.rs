//! The attribute macro of famalloc.
//!
//! One attribute, [`macro@alloc_family`], with two uses: on an enum it declares a family set, with a
//! path it makes a type a member of a family. It is exported by famalloc; this crate is not meant to
//! be used by itself.

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
/// A *family* is a lifetime class: things that live and die together. Its allocations share blocks
/// of memory with each other and with nothing else.
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
/// The enum itself stays as it is; derive on it what you like. It has no generics and its variants
/// have no data; from 1 to 65,535 variants, with or without discriminants. Beside it come
///
/// - `impl FamilySet for Lives`, with one static table;
/// - `mod lives`, as visible as the enum, with one marker type for each variant, and
///   `impl Family` for each.
///
/// The module has the enum's name in snake case. A word begins at an upper-case letter after any
/// other letter or digit, and at the last capital of an acronym: `GameLives` gives `game_lives`,
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
/// A variant may be under `#[cfg(..)]`; its family then comes and goes with it.
///
/// ## `#[family(..)]` on a variant
///
/// | attribute | the family ... |
/// |---|---|
/// | `isolate` | never shares an address with another family for the life of the process |
/// | `zero_on_free` | overwrites each slot with zeros when it is freed |
/// | `limit = "64 MiB"` | takes at most so much memory at any time; at least `"64 KiB"` and one block |
/// | `align = "natural"` | serves a raw size at its natural alignment, up to a page |
/// | `fallback` | is where unmodified code allocates outside of any scope, when the set is the global allocator's; otherwise the first family is |
/// | `block = "1 MiB"` | makes its blocks at least so long; a power of two from `"64 KiB"` to `"2 MiB"` |
///
/// A size is a whole number and a unit in quotes: `B`; `KiB`, `MiB`, `GiB` (powers of 1,024); `KB`,
/// `MB`, `GB` (powers of 1,000). Without a unit it is in bytes, and the quotes may be left out.
///
/// ## `source`: where the set's pages come from
///
/// `#[alloc_family(source = BUFFER)]` takes the set's address space from `BUFFER`, the path of a
/// `static` that is a page source, instead of from the operating system. Without famalloc's feature
/// `std` there are no such pages, and every set has to name its source.
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
/// The type stays as it is; beside it comes `impl InFamily for Node`, for all of its generics. (None of them
/// may be under `#[cfg(..)]`: where a type is named, that cannot be repeated.)
///
/// The path names the set and the variant, and stands for the marker type: `a::Lives::Ast` for
/// `a::lives::Ast`. So it is the module that has to be in scope. Where the set is declared elsewhere,
/// import the module and write `lives::Ast` (which is taken as it is), or write the whole path:
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
/// A set has to be declared at least as visible as its members: a `pub` type joins the families of
/// a `pub` enum. (That enum may well stand in a private module.)
///
/// # `crate`: where famalloc is
///
/// The expansion reaches famalloc as `::famalloc`. Where it has another name, or comes by way of
/// another crate, say so with a path, in quotes or without:
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
/// `FamilySet` and `Family` are unsafe to implement, and the expansion implements them. It does so
/// in its own name: a crate with `#![forbid(unsafe_code)]` can use the macro.
///
/// # Names
///
/// The expansion calls everything by its full path, primitive types included, so it means the same where
/// the prelude is missing, where `Option`, `usize` or `core` are something of yours, in crates of any
/// edition, in a function's body, and in what `macro_rules!` writes. Its own names begin with
/// `__famalloc`, but for the parameters of `lives::Ast::scope` and `scope_future`, which documentation
/// shows: beside a set there can be no `static` of the name `work` or `future`.
///
/// # Errors
///
/// Every mistake is an error at the words that made it, and all mistakes of one item are reported
/// together:
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
