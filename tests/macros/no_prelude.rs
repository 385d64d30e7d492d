//! `#[alloc_family]` in a crate without any prelude.

#![no_implicit_prelude]
#![deny(warnings)]

#[::famalloc::alloc_family]
enum Lives {
    #[family(isolate)]
    Ast,
    #[cfg(any())]
    Absent,
    #[cfg(target_pointer_width = "64")]
    Object,
}

#[::famalloc::alloc_family]
enum Plain {
    A,
}

static PAGES: ::famalloc::System = ::famalloc::System::new();

#[::famalloc::alloc_family(source = PAGES)]
enum Sourced {
    A,
}

#[::famalloc::alloc_family(thread_local = "initial-exec")]
enum Fixed {
    A,
}

#[::famalloc::alloc_family(Lives::Object)]
struct Node<T>(T);

#[::std::prelude::v1::test]
fn it_works_without() {
    use ::famalloc::{Family, FamilyBox, FamilySet, Snapshot, alloc_in, free_in};
    use ::std::{assert, assert_eq};

    assert_eq!((Lives::FAMILIES.len(), lives::Object::INDEX), (2, 1));
    let node = FamilyBox::new(Node(7));
    assert_eq!((node.0, Snapshot::of::<Lives>().families[1].live_objects), (7, 1));
    ::std::mem::drop(node);
    let [one, two, three] = [
        alloc_in::<plain::A>(8).unwrap(),
        alloc_in::<sourced::A>(8).unwrap(),
        alloc_in::<fixed::A>(8).unwrap(),
    ];
    assert!(one != two && two != three);
    // SAFETY: allocated above with this size, and not used again.
    unsafe { free_in::<plain::A>(one, 8) };
    // SAFETY: as above.
    unsafe { free_in::<sourced::A>(two, 8) };
    // SAFETY: as above.
    unsafe { free_in::<fixed::A>(three, 8) };
    assert_eq!(lives::Ast::scope(|| 1), 1);
}
