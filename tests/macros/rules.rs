//! Sets and members whose parts are fragments of `macro_rules!`, one of each kind; sets where items seldom
//! stand; and what a path may say.

// Nothing that the macro writes may cost the user a warning, whatever the user has switched on.
#![deny(warnings)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]
#![allow(clippy::redundant_pub_crate, reason = "every way to write a visibility is tried")]

use famalloc::{Family, FamilyOf, FamilySet, FamilySpec, InFamily, alloc_family};

/// The name of the family that values of a type live in.
const fn family_name<T: InFamily + ?Sized>() -> &'static str {
    <FamilyOf<T> as Family>::SPEC.name()
}

fn names<S: FamilySet>() -> Vec<&'static str> {
    S::FAMILIES.iter().map(FamilySpec::name).collect()
}

mod fragments {
    //! Each kind of fragment where it can stand.

    use super::*;

    macro_rules! set {
        ($(#[$outer:meta])* $visibility:vis enum $name:ident {
            $($(#[$inner:meta])* $variant:ident $(= $number:expr)?),* $(,)?
        }) => {
            $(#[$outer])*
            $visibility enum $name { $($(#[$inner])* $variant $(= $number)?),* }
        };
    }

    set! {
        #[alloc_family]
        #[derive(Debug, Clone, Copy)]
        enum Metas {
            /// Documented.
            #[family(isolate)]
            A = 1 + 2,
            #[cfg(any())]
            B,
            #[cfg(target_pointer_width = "64")]
            #[family(limit = "1 MiB")]
            C = 9,
        }
    }

    set! {
        #[alloc_family]
        pub(super) enum Visible { A }
    }

    macro_rules! of_tokens {
        ($($token:tt)*) => { #[alloc_family] $($token)* };
    }

    of_tokens! { pub(in crate::rules::fragments) enum Tokens { #[family(zero_on_free)] A, #[allow(non_camel_case_types, reason = "a keyword, raw")] r#type } }

    macro_rules! of_item {
        ($item:item) => {
            #[alloc_family]
            $item
        };
    }

    of_item! { pub(crate) enum Item { A, #[family(fallback)] B } }

    macro_rules! of_values {
        ($name:ident, $limit:expr, $block:literal, $($wish:tt)*) => {
            #[alloc_family]
            pub(super) enum $name {
                #[family(limit = $limit, block = $block)]
                A,
                #[family($($wish)*)]
                B,
            }
        };
    }

    of_values!(Values, "3 MiB", "128 KiB", isolate, zero_on_free);
    of_values!(Numbers, 1_048_576, 65_536, align = "natural");

    macro_rules! by_path {
        ($name:ident, $family:path) => {
            #[alloc_family($family)]
            struct $name;
        };
    }
    macro_rules! by_names {
        ($name:ident, $($set:ident)::+) => { #[alloc_family($($set)::+)] struct $name; };
    }
    macro_rules! by_tokens { ($name:ident, $($family:tt)*) => { #[alloc_family($($family)*)] struct $name; } }
    macro_rules! by_type {
        ($name:ident, $family:ty) => {
            #[alloc_family($family)]
            struct $name;
        };
    }

    by_path!(ByPath, self::Metas::C);
    by_names!(ByNames, Metas::C);
    by_tokens!(ByTokens, crate::rules::fragments::Tokens::r#type);
    by_type!(ByType, Item::A);

    macro_rules! member {
        ($visibility:vis $name:ident<$lifetime:lifetime, $parameter:ident: $bound:path> { $($field:ident: $type:ty),* }) => {
            #[alloc_family(Values::B)]
            $visibility struct $name<$lifetime, $parameter: $bound> { $($field: $type),* }
        };
    }

    member!(pub(super) Generic<'a, T: Clone> { text: &'a str, value: T });

    #[test]
    fn all_of_them_work() {
        assert_eq!(names::<Metas>(), ["A", "C"]);
        assert!(metas::A::SPEC.is_isolated());
        assert_eq!((Metas::C as u8, metas::C::SPEC.limit_bytes()), (9, Some(1 << 20)));
        assert_eq!(names::<Visible>(), ["A"]);
        assert_eq!(names::<Tokens>(), ["A", "type"]);
        assert!(tokens::A::SPEC.zeroes_on_free());
        assert_eq!((Item::FALLBACK, item::B::INDEX), (1, 1));
        assert_eq!(values::A::SPEC.limit_bytes(), Some(3 << 20));
        assert!(values::B::SPEC.is_isolated() && values::B::SPEC.zeroes_on_free());
        assert_eq!(numbers::A::SPEC, FamilySpec::new("A").limit(1 << 20).block(1 << 16));
        assert_eq!(family_name::<ByPath>(), "C");
        assert_eq!(family_name::<ByNames>(), "C");
        assert_eq!(family_name::<ByTokens>(), "type");
        assert_eq!(family_name::<ByType>(), "A");
        assert_eq!(family_name::<Generic<'_, u8>>(), "B");
        let generic = Generic { text: "a", value: 1 };
        assert_eq!(generic.text.len(), generic.value);
        let _ = (ByPath, ByNames, ByTokens, ByType);
    }
}

mod nested {
    //! A macro that writes a macro that writes a set, and a set that a macro names by itself.

    use super::*;

    macro_rules! outer {
        ($name:ident, $dollar:tt) => {
            macro_rules! inner {
                ($dollar($dollar variant:ident)*) => {
                    #[alloc_family]
                    enum $name { $dollar($dollar variant),* }
                };
            }
            inner!(A B C);
        };
    }

    outer!(Nested, $);

    macro_rules! fixed {
        () => {
            #[alloc_family]
            enum Fixed {
                A,
            }
            #[alloc_family(Fixed::A)]
            struct InFixed;
        };
    }

    fixed!();

    #[test]
    fn they_work() {
        assert_eq!(names::<Nested>(), ["A", "B", "C"]);
        assert_eq!((nested::C::INDEX, family_name::<InFixed>()), (2, "A"));
        let _ = InFixed;
    }
}

mod unusual_places {
    //! In constants, associated constants, statics, closures in constants, and generic functions.

    use super::*;

    // A block without a name.
    const _: () = {
        #[alloc_family]
        enum Lives {
            A,
            #[family(isolate)]
            B,
        }

        #[alloc_family(Lives::B)]
        struct Node<'a>(&'a str);

        assert!(lives::B::INDEX == 1 && lives::B::SPEC.is_isolated());
        assert!(<FamilyOf<Node<'static>> as Family>::INDEX == 1 && Node("").0.is_empty());
    };

    static HOW_MANY: usize = {
        #[alloc_family]
        enum Lives {
            A,
            B,
            C,
        }
        Lives::FAMILIES.len()
    };

    trait Named {
        const NAME: &'static str;
        fn index() -> usize;
    }

    impl Named for u8 {
        const NAME: &'static str = {
            #[alloc_family]
            enum Lives {
                Inner,
            }
            lives::Inner::SPEC.name()
        };

        fn index() -> usize {
            #[alloc_family]
            enum Lives {
                A,
                B,
            }
            lives::B::INDEX
        }
    }

    fn in_generic<T>() -> (usize, usize) {
        #[alloc_family]
        enum Lives {
            A,
            B,
        }
        (core::ptr::from_ref(Lives::table()).addr(), size_of::<T>())
    }

    #[test]
    fn they_are_sets_like_any_other() {
        assert_eq!((HOW_MANY, u8::NAME, u8::index()), (3, "Inner", 1));
        // One table, however often the function is instantiated.
        assert_eq!(in_generic::<u8>().0, in_generic::<u64>().0);
        assert_ne!(in_generic::<u8>().1, in_generic::<u64>().1);
    }
}

mod names_of_others {
    //! Sets and modules under other names, by `use`, and a module that is called as the set's is.

    mod deep {
        pub(super) mod deeper {
            #[famalloc::alloc_family]
            pub(in crate::rules::names_of_others) enum Lives {
                A,
                B,
            }
        }

        pub(super) use deeper::lives as ages;
        pub(super) use deeper::{Lives as Ages, lives};
    }

    // Of the same name as the module of a set elsewhere.
    mod lives {
        pub(super) const ANSWER: u8 = 42;
    }

    use super::*;
    use deep::ages;
    use deep::deeper::lives as eras;

    #[alloc_family(ages::A)]
    struct ByModule;

    #[alloc_family(Ages::B)]
    struct BySet;

    #[alloc_family(deep::lives::B)]
    struct ByPath;

    #[alloc_family(self::deep::deeper::Lives::B)]
    struct ByWholePath;

    #[alloc_family(eras::A)]
    struct ByEra;

    #[test]
    fn each_is_found() {
        assert_eq!(family_name::<ByModule>(), "A");
        assert_eq!(family_name::<BySet>(), "B");
        assert_eq!(family_name::<ByPath>(), "B");
        assert_eq!(family_name::<ByWholePath>(), "B");
        assert_eq!(family_name::<ByEra>(), "A");
        assert_eq!((deep::Ages::B.index(), lives::ANSWER), (1, 42));
        let _ = (ByModule, BySet, ByPath, ByWholePath, ByEra);
    }
}

mod raw_names {
    //! Names that are keywords, of the set, the variant, the member, the module and the source.

    use super::*;
    use famalloc::System;

    mod r#mod {
        use super::alloc_family;

        #[alloc_family]
        pub(super) enum r#Type {
            #[expect(non_camel_case_types, reason = "a keyword, raw")]
            r#fn,
            #[expect(non_camel_case_types, reason = "a keyword of later editions")]
            r#gen,
        }
    }

    #[expect(non_upper_case_globals, reason = "a keyword, raw")]
    static r#static: System = System::new();

    #[alloc_family(source = self::r#static)]
    enum Dyn {
        A,
    }

    #[alloc_family(r#mod::Type::r#fn)]
    #[expect(non_camel_case_types, reason = "a keyword, raw")]
    struct r#struct<T> {
        r#in: T,
    }

    #[alloc_family(self::r#mod::r#type::r#gen)]
    #[expect(non_camel_case_types, reason = "a keyword, raw")]
    enum r#enum {
        Only,
    }

    #[test]
    fn they_are_names_like_any_other() {
        assert_eq!(names::<r#mod::Type>(), ["fn", "gen"]);
        assert_eq!(r#mod::Type::NAME, "Type");
        assert_eq!(family_name::<r#struct<u8>>(), "fn");
        assert_eq!(family_name::<r#enum>(), "gen");
        assert_eq!(r#dyn::A::INDEX, 0);
        let _ = (r#struct { r#in: 1_u8 }.r#in, r#enum::Only);
    }
}

mod other_attributes {
    //! Attributes of the language and derives, before and behind.

    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[non_exhaustive]
    #[repr(i16)]
    #[alloc_family]
    #[must_use]
    enum Before {
        #[family(isolate)]
        A = -5,
        #[family(limit = "1 MiB")]
        #[cfg(target_pointer_width = "64")]
        B = 300,
        #[cfg(any())]
        C,
    }

    #[alloc_family]
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    #[repr(C, align(16))]
    enum Behind {
        #[default]
        #[family(isolate)]
        A,
        #[allow(dead_code, reason = "only there to be there")]
        B,
    }

    #[cfg_attr(all(), alloc_family, derive(Debug))]
    #[cfg_attr(any(), alloc_family(Nowhere::A))]
    enum Conditional {
        A,
    }

    #[derive(Debug, Clone)]
    #[repr(C)]
    #[alloc_family(Behind::A)]
    #[derive(PartialEq)]
    struct Member<T: ?Sized = str> {
        length: u8,
        #[cfg(any())]
        absent: Nothing,
        rest: T,
    }

    #[test]
    fn they_keep_their_meaning() {
        assert_eq!((Before::A as i16, Before::B as i16), (-5, 300));
        assert_eq!((Before::B.index(), names::<Before>()), (1, vec!["A", "B"]));
        assert!(Before::A < Before::B && before::A::SPEC.is_isolated());
        assert_eq!((Behind::default(), align_of::<Behind>()), (Behind::A, 16));
        assert_eq!(format!("{:?}", Conditional::A), "A");
        assert_eq!((behind::B::INDEX, conditional::A::INDEX), (1, 0));
        let member = Member { length: 1, rest: 2_u8 };
        assert_eq!(member, member.clone());
        assert_eq!((family_name::<Member>(), member.length + member.rest), ("A", 3));
    }
}
