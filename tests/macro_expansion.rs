//! What `#[alloc_family]` expands to: names, positions, wishes, visibility, places, memberships.

// Nothing that the macro writes may cost the user a warning, whatever the user has switched on.
#![deny(warnings)]
#![deny(
    missing_docs,
    unreachable_pub,
    unused,
    missing_debug_implementations,
    missing_copy_implementations,
    single_use_lifetimes,
    trivial_casts,
    unused_results,
    let_underscore_drop,
    non_local_definitions
)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]
#![deny(clippy::allow_attributes_without_reason, clippy::undocumented_unsafe_blocks)]
// The implementations are unsafe, and the macro's own affair.
#![forbid(unsafe_code)]

use core::fmt::Debug;
use core::hash::Hash;
use famalloc::{Family, FamilyOf, FamilySet, FamilySpec, InFamily, alloc_family};

/// The name of the family that values of a type live in.
fn family_name<T: InFamily + ?Sized>() -> &'static str {
    <FamilyOf<T> as Family>::SPEC.name()
}

fn assert_marker<F>()
where
    F: Family + Debug + Clone + Copy + PartialEq + Eq + Hash + Default + Send + Sync,
{
    assert_eq!(size_of::<F>(), 0);
    assert_eq!(F::KEY.index(), F::INDEX);
    assert_eq!(F::SPEC, F::Set::FAMILIES[F::INDEX]);
    assert_eq!(F::default(), F::default());
}

mod sets {
    //! A set of private families, and one with everything.

    use super::*;

    #[alloc_family]
    enum Lives {
        Ast,
        Object,
    }

    #[alloc_family]
    enum Wishes {
        Plain,
        #[family(isolate)]
        Isolated,
        #[family(zero_on_free)]
        Zeroed,
        #[family(limit = "64 MiB")]
        Limited,
        #[family(limit = 100_000)]
        LimitedInBytes,
        #[family(align = "natural")]
        Natural,
        #[family(block = "1 MiB")]
        Large,
        /// Has everything.
        #[family(isolate, zero_on_free)]
        #[family(limit = "2 GB", align = "natural", block = "2 MiB")]
        All,
    }

    #[test]
    fn names_and_positions() {
        assert_eq!(Lives::NAME, "Lives");
        assert_eq!(Lives::FAMILIES.len(), 2);
        assert_eq!(Lives::FAMILIES, [FamilySpec::new("Ast"), FamilySpec::new("Object")]);
        assert_eq!((Lives::Ast.index(), Lives::Object.index()), (0, 1));
        assert_eq!((lives::Ast::INDEX, lives::Object::INDEX), (0, 1));
        assert!(matches!(lives::Object::KEY, Lives::Object));
        assert_marker::<lives::Ast>();
        assert_marker::<lives::Object>();
        assert_eq!(format!("{:?}", lives::Ast), "Ast");
    }

    #[test]
    fn the_specs_say_what_the_attributes_ask_for() {
        let spec = FamilySpec::new;
        assert_eq!(
            Wishes::FAMILIES,
            [
                spec("Plain"),
                spec("Isolated").isolate(),
                spec("Zeroed").zero_on_free(),
                spec("Limited").limit(64 << 20),
                spec("LimitedInBytes").limit(100_000),
                spec("Natural").natural_alignment(),
                spec("Large").block(1 << 20),
                spec("All")
                    .isolate()
                    .zero_on_free()
                    .limit(2_000_000_000)
                    .natural_alignment()
                    .block(2 << 20),
            ]
        );
        assert_eq!(wishes::All::SPEC, Wishes::FAMILIES[7]);
    }

    #[test]
    fn a_set_has_one_table() {
        assert!(core::ptr::eq(Lives::table(), Lives::table()));
        assert!(core::ptr::eq(Lives::table(), <lives::Ast as Family>::Set::table()));
        assert!(!core::ptr::addr_eq(Lives::table(), Wishes::table()));
    }

    #[test]
    fn everything_is_constant() {
        const SPEC: FamilySpec = Wishes::FAMILIES[wishes::Limited::INDEX];
        const KEY: Wishes = wishes::Limited::KEY;
        const { assert!(SPEC.limit_bytes().is_some()) };
        assert_eq!(KEY.index(), 3);
    }

    #[test]
    fn each_thread_has_homes_of_its_own() {
        let address = |home: *const _| home as *const () as usize;
        let here = [lives::Ast::home(), lives::Object::home()].map(address);
        assert_eq!(here, [lives::Ast::home(), lives::Object::home()].map(address));
        assert_eq!(here[1] - here[0], size_of_val(&famalloc::__private::RowHome::new()));
        let there =
            std::thread::spawn(move || [lives::Ast::home(), lives::Object::home()].map(address));
        let there = there.join().unwrap();
        assert!(here.iter().all(|home| !there.contains(home)));
    }
}

mod silence {
    //! Sets of which nothing is used, and that the user's own lints must not hear of.

    use super::alloc_family;

    #[alloc_family]
    enum Unused {
        A,
        B,
    }

    #[alloc_family]
    pub(crate) enum UnusedToo {
        /// See [`Nothing`](nowhere) of the kind.
        #[deprecated]
        A,
    }

    /// Member of a set otherwise unused.
    #[alloc_family(Unused::B)]
    struct Member;

    #[test]
    fn member() {
        assert_eq!(super::family_name::<Member>(), "B");
        let _ = Member;
    }
}

mod spelling {
    //! Names that need care.

    use super::*;

    #[alloc_family]
    enum HTTPServer {
        #[expect(non_camel_case_types, reason = "a keyword, raw")]
        r#type,
        Request2,
    }

    #[alloc_family]
    enum Type {
        A,
    }

    #[alloc_family]
    enum Gen {
        A,
    }

    #[alloc_family]
    enum GameLives {
        A,
    }

    // Shadow what the expansion must not look for by its short name.
    #[alloc_family]
    enum Core {
        Debug,
        Copy,
        Family,
        Some,
        Ok,
    }

    #[alloc_family(HTTPServer::r#type)]
    struct Member;

    #[alloc_family(self::Type::A)]
    struct OfType;

    #[alloc_family(game_lives::A)]
    struct ByModule;

    #[test]
    fn raw_names() {
        assert_eq!(HTTPServer::NAME, "HTTPServer");
        assert_eq!(HTTPServer::FAMILIES[0].name(), "type");
        assert_eq!(http_server::Request2::INDEX, 1);
        assert_eq!(family_name::<Member>(), "type");
        assert_eq!(r#type::A::INDEX, 0);
        assert_eq!(r#gen::A::INDEX, 0);
        assert_eq!(family_name::<OfType>(), "A");
        assert_eq!(family_name::<ByModule>(), "A");
        assert_marker::<self::core::Ok>();
        let _ = (Member, OfType, ByModule);
    }

    #[alloc_family]
    #[repr(u8)]
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Numbered {
        Seventh = 7,
        Third = 3,
        Fourth,
    }

    #[test]
    fn discriminants_and_derives_are_the_users() {
        assert_eq!(Numbered::Third as u8, 3);
        assert_eq!(Numbered::Third.index(), 1);
        assert_eq!(numbered::Fourth::KEY, Numbered::Fourth);
        assert_eq!(numbered::Seventh::INDEX, 0);
    }
}

mod visibility {
    //! A marker is visible where its enum is.

    pub(crate) mod inner {
        use famalloc::alloc_family;

        #[alloc_family]
        enum Private {
            A,
        }

        #[alloc_family]
        pub(self) enum SelfOnly {
            A,
        }

        #[alloc_family]
        pub(super) enum Parent {
            A,
        }

        #[alloc_family]
        pub(in super::super) enum Grandparent {
            A,
        }

        #[alloc_family]
        pub(in crate::visibility) enum Named {
            A,
        }

        #[alloc_family]
        pub(crate) enum Everywhere {
            A,
        }

        pub(crate) mod nested {
            use famalloc::Family;

            #[test]
            fn from_below() {
                assert_eq!(super::private::A::INDEX, 0);
                assert_eq!(super::self_only::A::INDEX, 0);
            }
        }
    }

    use famalloc::{Family, alloc_family};

    #[alloc_family(inner::Parent::A)]
    #[derive(Debug, Clone, Copy)]
    pub(self) struct Member;

    #[alloc_family(crate::visibility::inner::Everywhere::A)]
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct CrateMember;

    #[test]
    fn from_above() {
        assert_eq!(inner::named::A::INDEX, 0);
        assert_eq!(inner::parent::A::INDEX, 0);
        let _ = (Member, CrateMember);
    }
}

#[test]
fn from_further_above() {
    assert_eq!(visibility::inner::grandparent::A::INDEX, 0);
    assert_eq!(visibility::inner::everywhere::A::INDEX, 0);
}

mod members {
    //! Every kind of type and of generics.

    use super::*;

    #[alloc_family]
    enum Lives {
        Ast,
        Object,
    }

    trait Shape {
        type Edge;
    }

    impl Shape for u8 {
        type Edge = u16;
    }

    #[alloc_family(Lives::Ast)]
    struct Unit;

    #[alloc_family(Lives::Ast)]
    struct Tuple<T>(T)
    where
        T: Clone;

    #[alloc_family(Lives::Object)]
    struct Everything<'a, 'b: 'a, T: Shape + ?Sized + 'a = u8, const N: usize = { 1 + 2 }>
    where
        T::Edge: Copy,
        [u8; N]: Sized,
        for<'c> &'c T: Sized,
    {
        shape: &'a T,
        edges: &'b [T::Edge; N],
    }

    #[alloc_family(Lives::Object)]
    enum Expression<'a> {
        Number(f64),
        Sum(&'a Self, &'a Self),
    }

    #[alloc_family(Lives::Object)]
    #[derive(Clone, Copy)]
    union Bits<T: Copy> {
        value: T,
        bytes: [u8; 8],
    }

    #[test]
    fn each_finds_its_family() {
        assert_eq!(family_name::<Unit>(), "Ast");
        assert_eq!(family_name::<Tuple<String>>(), "Ast");
        assert_eq!(family_name::<Everything<'_, '_>>(), "Object");
        assert_eq!(family_name::<Everything<'_, '_, u8, 9>>(), "Object");
        assert_eq!(family_name::<Expression<'_>>(), "Object");
        assert_eq!(family_name::<Bits<f64>>(), "Object");
        assert_eq!(family_name::<[Unit]>(), "Ast");
        assert_eq!(family_name::<[Tuple<u8>; 3]>(), "Ast");
    }

    #[test]
    fn the_types_are_as_they_were() {
        let everything = Everything { shape: &1_u8, edges: &[1, 2, 3] };
        assert_eq!(everything.edges.len() + usize::from(*everything.shape), 4);
        let (one, two) = (Expression::Number(1.0), Expression::Number(2.0));
        let sum = Expression::Sum(&one, &two);
        let Expression::Sum(Expression::Number(left), Expression::Number(right)) = sum else {
            unreachable!()
        };
        assert_eq!(left + right, 3.0);
        let (bits, again) = (Bits { value: 1.0 }, Bits::<f64> { bytes: [0; 8] });
        assert_eq!(size_of_val(&bits), size_of_val(&again));
        let _ = (Unit, Tuple(1).0);
    }
}

mod bodies {
    //! Inside functions, where a child module sees nothing of its surroundings.

    use super::*;

    #[test]
    fn in_a_function() {
        #[alloc_family]
        #[derive(Debug)]
        enum Lives {
            Ast,
            #[family(isolate)]
            Object,
        }

        #[alloc_family(Lives::Object)]
        struct Node<'a>(&'a str);

        assert_eq!(family_name::<Node<'_>>(), "Object");
        assert!(lives::Object::SPEC.is_isolated());
        assert_eq!(lives::Ast::KEY.index(), 0);
        assert_marker::<lives::Object>();
        assert_eq!(Node("a").0, "a");
    }

    #[test]
    fn two_of_one_name() {
        fn first() -> usize {
            #[alloc_family]
            enum Lives {
                A,
                B,
            }
            lives::B::INDEX
        }

        fn second() -> usize {
            #[alloc_family]
            enum Lives {
                B,
            }
            lives::B::INDEX
        }

        assert_eq!((first(), second()), (1, 0));
    }

    #[test]
    fn in_blocks_and_closures() {
        let index = || {
            #[alloc_family]
            enum Inner {
                A,
                B,
            }
            inner::B::INDEX
        };
        assert_eq!(index(), 1);
    }
}

mod sources {
    //! Sets with pages of their own.

    use super::*;
    use famalloc::table::PageSource;

    struct Buffer;

    impl PageSource for Buffer {}

    static BUFFER: Buffer = Buffer;
    // Names that the expansion might have used itself.
    static TABLE: Buffer = Buffer;
    static SPACE: Buffer = Buffer;

    #[alloc_family(source = BUFFER)]
    enum Lives {
        A,
    }

    #[alloc_family(source = self::TABLE, crate = famalloc)]
    enum Pages {
        A,
    }

    #[alloc_family(crate = "famalloc", source = crate::sources::SPACE,)]
    enum More {
        A,
    }

    #[test]
    fn in_a_function() {
        static BUFFER: Buffer = Buffer;

        #[alloc_family(source = BUFFER)]
        enum Local {
            A,
        }

        assert_eq!((local::A::INDEX, lives::A::INDEX), (0, 0));
        assert_eq!((pages::A::INDEX, more::A::INDEX), (0, 0));
    }
}

mod reexport {
    //! famalloc by another name.

    mod deep {
        pub(crate) use famalloc as allocator;
    }

    use deep::allocator::{Family, FamilyOf};

    #[deep::allocator::alloc_family(crate = "deep::allocator")]
    enum Quoted {
        A,
    }

    #[deep::allocator::alloc_family(crate = deep::allocator)]
    enum Bare {
        A,
    }

    #[deep::allocator::alloc_family(Quoted::A, crate = "crate::reexport::deep::allocator")]
    struct Node;

    #[deep::allocator::alloc_family(crate = self::deep::allocator, Bare::A)]
    struct OptionFirst;

    #[test]
    fn works_the_same() {
        assert_eq!(<FamilyOf<Node> as Family>::SPEC.name(), "A");
        assert_eq!(<FamilyOf<OptionFirst> as Family>::INDEX, 0);
        let _ = (Node, OptionFirst);
    }
}

mod conditions {
    //! Variants that come and go.

    use super::*;

    #[alloc_family]
    enum Lives {
        #[cfg(not(test))]
        Elsewhere,
        A,
        #[cfg(test)]
        #[family(isolate)]
        B,
        #[cfg(not(test))]
        B,
        #[cfg(not(test))]
        #[family(block = "1 MiB")]
        Late,
        #[cfg_attr(test, doc = "Documented in tests.")]
        C,
    }

    #[alloc_family]
    enum Gone {
        #[cfg(not(test))]
        A,
    }

    #[test]
    fn only_the_present_count() {
        let names: Vec<_> = Lives::FAMILIES.iter().map(FamilySpec::name).collect();
        assert_eq!(names, ["A", "B", "C"]);
        assert_eq!((lives::A::INDEX, lives::B::INDEX, lives::C::INDEX), (0, 1, 2));
        assert!(lives::B::SPEC.is_isolated());
        assert_eq!(Lives::C.index(), 2);
        assert_marker::<lives::C>();
        assert_eq!(Gone::FAMILIES, []);
    }
}

mod written_by_macros {
    //! Sets and members whose parts come from `macro_rules!`.

    use super::*;

    macro_rules! set {
        ($visibility:vis $name:ident { $($variant:ident = $limit:literal),* }) => {
            #[alloc_family]
            $visibility enum $name { $(#[family(limit = $limit)] $variant),* }
        };
    }

    macro_rules! member {
        ($family:path, $name:ident) => {
            #[alloc_family($family)]
            struct $name;
        };
    }

    set!(pub(crate) Lives { A = "1 MiB", B = 65_536 });
    member!(Lives::B, Node);

    #[test]
    fn work_the_same() {
        assert_eq!(lives::A::SPEC.limit_bytes(), Some(1 << 20));
        assert_eq!(lives::B::SPEC.limit_bytes(), Some(64 << 10));
        assert_eq!(family_name::<Node>(), "B");
        let _ = Node;
    }
}
