//! Where `#[alloc_family]` can be used: on every kind of type, in functions, under other names of the
//! crate, with pages of one's own, and from macros.

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
#![allow(clippy::redundant_pub_crate, reason = "every way to write a visibility is tried")]
// The implementations are unsafe, and the macro's own affair.
#![forbid(unsafe_code)]

use famalloc::{Family, FamilyOf, FamilySet, InFamily, alloc_family};

/// The name of the family that values of a type live in.
const fn family_name<T: InFamily + ?Sized>() -> &'static str {
    <FamilyOf<T> as Family>::SPEC.name()
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
    #[derive(Debug, PartialEq)]
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
        assert_eq!(sum, Expression::Sum(&one, &two));
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
    use famalloc::{System, alloc_in};

    static PAGES: System = System::new();
    // Names that the expansion might have used itself.
    static TABLE: System = System::new();
    static SPACE: System = System::new();

    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
    }

    #[alloc_family(source = self::TABLE, crate = famalloc)]
    enum Pages {
        A,
    }

    #[alloc_family(crate = "famalloc", source = crate::places::sources::SPACE,)]
    enum More {
        A,
    }

    #[test]
    fn in_a_function() {
        static PAGES: System = System::new();

        #[alloc_family(source = PAGES)]
        enum Local {
            A,
        }

        assert_eq!((local::A::INDEX, lives::A::INDEX), (0, 0));
        assert_eq!((pages::A::INDEX, more::A::INDEX), (0, 0));
    }

    #[test]
    fn sets_of_different_sources_share_no_extent() {
        let extents = [
            alloc_in::<lives::A>(8).unwrap().addr().get() >> 21,
            alloc_in::<pages::A>(8).unwrap().addr().get() >> 21,
            alloc_in::<more::A>(8).unwrap().addr().get() >> 21,
        ];
        assert!(extents[0] != extents[1] && extents[1] != extents[2] && extents[2] != extents[0]);
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

    #[deep::allocator::alloc_family(Quoted::A, crate = "crate::places::reexport::deep::allocator")]
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
