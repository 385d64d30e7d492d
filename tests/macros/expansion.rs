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
#![allow(
    clippy::needless_pub_self,
    clippy::redundant_pub_crate,
    reason = "every way to write a visibility is tried"
)]
// The implementations are unsafe, and the macro's own affair.
#![forbid(unsafe_code)]

use core::fmt::Debug;
use core::hash::Hash;
use famalloc::{Family, FamilyOf, FamilySet, FamilySpec, InFamily, alloc_family};

/// The name of the family that values of a type live in.
const fn family_name<T: InFamily + ?Sized>() -> &'static str {
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
    use famalloc::__private::CacheSlot;

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
    fn each_thread_has_cache_slots_of_its_own() {
        let address = |cache_slot: *const CacheSlot| cache_slot.addr();
        let here = [lives::Ast::cache_slot(), lives::Object::cache_slot()].map(address);
        assert_eq!(here, [lives::Ast::cache_slot(), lives::Object::cache_slot()].map(address));
        assert_eq!(here[1] - here[0], size_of::<CacheSlot>());
        let there = std::thread::spawn(move || {
            [lives::Ast::cache_slot(), lives::Object::cache_slot()].map(address)
        });
        let there = there.join().unwrap();
        assert!(here.iter().all(|cache_slot| !there.contains(cache_slot)));
    }
}

mod silence {
    //! Sets of which next to nothing is used, which the user's own lints must not hear of.

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
        B,
    }

    #[alloc_family(UnusedToo::B)]
    struct OtherMember;

    /// Member of a set otherwise unused.
    #[alloc_family(Unused::B)]
    struct Member;

    #[test]
    fn member() {
        assert_eq!(super::family_name::<Member>(), "B");
        assert_eq!(super::family_name::<OtherMember>(), "B");
        let _ = (Member, OtherMember);
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
        pub(in crate::expansion::visibility) enum Named {
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

    #[alloc_family(crate::expansion::visibility::inner::Everywhere::A)]
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
