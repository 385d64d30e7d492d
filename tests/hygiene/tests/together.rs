//! Four crates with a set of one name in one program, famalloc under two names.

use fam::{Family, FamilyBox, FamilySet, Snapshot, check, query};
use famalloc_hygiene::{Guest, Node};

#[test]
fn each_set_is_its_own() {
    let mine = FamilyBox::new(Node::new([1_u64; 4], "here"));
    let others = FamilyBox::new(neighbour::Node(2));
    let guest = FamilyBox::new(Guest::default());
    let of = |address| query(address).map(|found| (found.set, found.family));
    assert_eq!(of((&raw const *mine).cast::<u8>()), Some(("Lives", "Object")));
    assert_eq!(of((&raw const *others).cast::<u8>()), Some(("Lives", "Dyn")));
    assert_eq!(of((&raw const *guest).cast::<u8>()), Some(("Lives", "Dyn")));
    assert_eq!(Snapshot::of::<famalloc_hygiene::Lives>().families[1].live_objects, 1);
    assert_eq!(Snapshot::of::<neighbour::Lives>().families[1].live_objects, 2);
    assert_eq!(neighbour::Lives::FAMILIES.len(), 3);
    assert_eq!(neighbour::lives::Ast::INDEX, 0);
    assert_eq!(neighbour::r#async::A::SPEC.name(), "A");
    assert_eq!(famalloc_hygiene::member(3), 3);
    let (earlier, later) =
        (FamilyBox::new(edition_2018::Node(4)), FamilyBox::new(edition_2021::Node(5)));
    assert_eq!(of((&raw const *earlier).cast::<u8>()), Some(("Lives", "gen")));
    assert_eq!(Snapshot::of::<edition_2018::Lives>().families[0].live_objects, 1);
    assert_eq!(Snapshot::of::<edition_2021::Lives>().families[0].live_objects, 1);
    assert_eq!((earlier.0 + later.0, edition_2021::Lives::FAMILIES.len()), (9, 2));
    assert_eq!(edition_2018::r#gen::A::INDEX + edition_2021::r#gen::A::INDEX, 0);
    assert_eq!(edition_2018::families_of_a_body() + edition_2021::families_of_a_body(), 2);
    check().unwrap();
}
