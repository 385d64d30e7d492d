//! `#[alloc_family]` where nothing is called what it usually is: primitive types, the prelude and the
//! standard crates all have other meanings, and blanket traits offer methods of every name.

#![deny(warnings)]
#![allow(
    non_camel_case_types,
    non_upper_case_globals,
    dead_code,
    unused_imports,
    unused_macros,
    clippy::upper_case_acronyms,
    reason = "the names are chosen to be in the way"
)]

macro_rules! thread_local {
    ($($anything:tt)*) => {
        ::core::compile_error!("the wrong macro");
    };
}
macro_rules! panic {
    ($($anything:tt)*) => {
        ::core::compile_error!("the wrong macro");
    };
}
macro_rules! concat {
    ($($anything:tt)*) => {
        ::core::compile_error!("the wrong macro");
    };
}
macro_rules! stringify {
    ($($anything:tt)*) => {
        ::core::compile_error!("the wrong macro");
    };
}
macro_rules! module_path {
    ($($anything:tt)*) => {
        ::core::compile_error!("the wrong macro");
    };
}
macro_rules! unreachable {
    ($($anything:tt)*) => {
        ::core::compile_error!("the wrong macro");
    };
}

/// Everything that an expansion could be tempted to call by its short name, as something else.
mod shadows {
    pub(crate) struct usize;
    pub(crate) struct u8;
    pub(crate) struct u16;
    pub(crate) struct u64;
    pub(crate) struct isize;
    pub(crate) struct bool;
    pub(crate) struct str;
    pub(crate) struct Option;
    pub(crate) struct Result;
    pub(crate) struct Box;
    pub(crate) struct Vec;
    pub(crate) struct String;
    pub(crate) struct Some;
    pub(crate) struct None;
    pub(crate) struct Ok;
    pub(crate) struct Err;
    pub(crate) trait Send {}
    pub(crate) trait Sync {}
    pub(crate) trait Sized {}
    pub(crate) trait Copy {}
    pub(crate) trait Clone {}
    pub(crate) trait Drop {}
    pub(crate) trait Fn {}
    pub(crate) trait FnOnce {}
    pub(crate) trait FnMut {}
    pub(crate) trait Debug {}
    pub(crate) trait Default {}
    pub(crate) trait PartialEq {}
    pub(crate) trait Eq {}
    pub(crate) trait Hash {}
    pub(crate) trait Iterator {}
    pub(crate) trait From {}
    pub(crate) trait Into {}
    pub(crate) struct Family;
    pub(crate) struct FamilySet;
    pub(crate) struct FamilySpec;
    pub(crate) struct InFamily;
    pub(crate) struct ScopeGuard;
    pub(crate) struct Scoped;
    pub(crate) struct R;
    pub(crate) struct T;
    pub(crate) mod core {}
    pub(crate) mod std {}
    pub(crate) mod alloc {}
    pub(crate) mod famalloc {}
    pub(crate) const cache_slots: () = ();
    pub(crate) fn drop() {}
    pub(crate) fn scope() {}
    pub(crate) fn enter() {}

    /// Methods of every type, taken by value, so that they come before any that takes a reference.
    pub(crate) trait Methods: ::core::marker::Sized {
        fn with(self, _: ()) {}
        fn cache_slot(self, _: ()) {}
        fn start(self, _: ()) {}
        fn index(self, _: ()) {}
        fn len(self, _: ()) {}
        fn isolate(self, _: ()) {}
        fn limit(self, _: ()) {}
        fn block(self, _: ()) {}
        fn fallback(self, _: ()) {}
    }

    impl<Anything> Methods for Anything {}
}

mod in_a_module {
    use super::shadows::*;

    #[::famalloc::alloc_family]
    pub(crate) enum Lives {
        Plain,
        #[family(isolate, limit = "64 MiB", block = "128 KiB", fallback)]
        Ast,
        #[cfg(any())]
        Absent,
        #[cfg(target_pointer_width = "64")]
        Present,
    }

    #[::famalloc::alloc_family]
    pub(crate) enum Uncounted {
        usize,
        str,
        Some,
        Option,
        Family,
        FamilySpec,
        core,
        cache_slots,
        T,
        R,
    }

    #[::famalloc::alloc_family(Lives::Ast)]
    pub(crate) struct Node<T: ?::core::marker::Sized>(
        pub(crate) ::core::primitive::u64,
        pub(crate) T,
    );

    static PAGES: ::famalloc::System = ::famalloc::System::new();

    #[::famalloc::alloc_family(source = PAGES, crate = ::famalloc)]
    pub(crate) enum Sourced {
        A,
    }

    #[::famalloc::alloc_family(thread_local = "initial-exec")]
    pub(crate) enum Fixed {
        A,
        B,
    }
}

#[test]
fn a_set_among_false_friends_works() {
    use famalloc::{Family, FamilyBox, FamilyOf, FamilySet, alloc_in, free_in, query};
    use in_a_module::{Lives, Node, Uncounted, fixed, lives, sourced, uncounted};

    assert_eq!(
        Lives::FAMILIES.iter().map(|spec| spec.name()).collect::<Vec<_>>(),
        ["Plain", "Ast", "Present"]
    );
    assert_eq!(<Lives as FamilySet>::FALLBACK, 1);
    assert_eq!((lives::Present::INDEX, Lives::Present.index()), (2, 2));
    assert!(lives::Ast::SPEC.is_isolated());
    assert_eq!(Uncounted::FAMILIES.len(), 10);
    assert_eq!((uncounted::usize::INDEX, uncounted::cache_slots::INDEX), (0, 7));
    assert_eq!(<FamilyOf<Node<i32>> as Family>::SPEC.name(), "Ast");

    let node = FamilyBox::new(Node(7, [1_u8; 9]));
    assert_eq!(query(&*node).unwrap().family, "Ast");
    assert_eq!((node.0, node.1[8]), (7, 1));
    let slots = [alloc_in::<sourced::A>(8).unwrap(), alloc_in::<fixed::B>(8).unwrap()];
    assert_eq!(query(slots[1].as_ptr()).unwrap().family, "B");
    // SAFETY: allocated above with this size, and not used again.
    unsafe { free_in::<sourced::A>(slots[0], 8) };
    // SAFETY: as above.
    unsafe { free_in::<fixed::B>(slots[1], 8) };
}

#[test]
fn scopes_among_false_friends_work() {
    use in_a_module::lives;
    assert_eq!(lives::Ast::scope(|| 3), 3);
    drop(lives::Plain::enter());
    let _unpolled = lives::Present::scope_future(());
}

/// The same in a function's body, among local items.
#[test]
fn a_body_full_of_false_friends() {
    use shadows::*;

    #[::famalloc::alloc_family]
    enum Lives {
        #[cfg(target_pointer_width = "64")]
        Ast,
        #[family(zero_on_free)]
        Object,
    }

    #[::famalloc::alloc_family(Lives::Object)]
    struct Node;

    ::core::assert_eq!(<lives::Object as ::famalloc::Family>::INDEX, 1);
    ::core::assert_eq!(<::famalloc::FamilyOf<Node> as ::famalloc::Family>::SPEC.name(), "Object");
}
