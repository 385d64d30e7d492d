//! Saving and loading by way of JSON: the same text as for the standard library's types, the same
//! values back, made in the family; and nothing left behind where the input is wrong.

use std::alloc::Layout;
use std::collections::HashMap as Model;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::fmt::Debug;
use std::path::Path;
use std::ptr::NonNull;

use crate::common::{one_at_a_time, usage};
use famalloc::collections::{
    HashMap, HashSet, SmallVec, String as Text, Vec as FamilyVec, api2_02, api2_04, serde_map,
    serde_seq,
};
use famalloc::region::{RegionString, RegionVec};
use famalloc::{
    AllocError, AnyFamily, Family, FamilyArc, FamilyBox, FamilyRc, RawAlloc, Region, ThinSlice,
    ThinStr, alloc_family,
};
use serde_core::de::{DeserializeOwned, SeqAccess, Visitor, value};
use serde_core::{Deserialize, Deserializer, Serialize};
use serde_json::{from_str, to_string};

#[alloc_family]
enum Lives {
    Alike,
    Mine,
    Made,
    Recursive,
    Wrong,
    Hints,
    Tree,
    Maps,
}

/// Both write the same, and each reads what the other wrote. `Ours` compares equal to itself only,
/// since a box does.
fn alike<Ours, Theirs>(ours: Ours, theirs: Theirs)
where
    Ours: Serialize + DeserializeOwned + PartialEq + Debug,
    Theirs: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let text = to_string(&theirs).unwrap();
    assert_eq!(to_string(&ours).unwrap(), text);
    assert_eq!(from_str::<Ours>(&text).unwrap(), ours);
    assert_eq!(from_str::<Theirs>(&text).unwrap(), theirs);
    // By way of a tree of values, which hands over owned text.
    let tree = serde_json::to_value(&ours).unwrap();
    assert_eq!(serde_json::from_value::<Ours>(tree).unwrap(), ours);
}

type Boxed<T> = FamilyBox<T, lives::Alike>;

#[test]
fn handles_read_and_write_what_box_does() {
    let _alone = one_at_a_time();
    alike(Boxed::new_in(7, lives::Alike), Box::new(7));
    alike(Boxed::new_in((), lives::Alike), Box::new(()));
    alike(Boxed::new_in([1.5; 3], lives::Alike), Box::new([1.5; 3]));
    alike(Boxed::<[u32]>::from([1, 2, 3]), Box::<[u32]>::from([1, 2, 3]));
    alike(Boxed::<[u32]>::from([]), Box::<[u32]>::from([]));
    alike(Boxed::<[()]>::from([(); 5]), Box::<[()]>::from([(); 5]));
    alike(Boxed::<str>::from("\"n\u{e9}\"\n"), Box::<str>::from("\"n\u{e9}\"\n"));
    alike(Boxed::<Path>::from(Path::new("a/b")), Box::<Path>::from(Path::new("a/b")));
    alike(Boxed::<OsStr>::from(OsStr::new("name")), OsString::from("name"));
    alike(Boxed::<CStr>::from(c"name"), CString::from(c"name"));
    alike(Boxed::new_in(Boxed::<str>::from("in it"), lives::Alike), "in it".to_owned());
    alike(Some(Boxed::new_in(true, lives::Alike)), Some(true));

    type F = lives::Alike;
    alike(FamilyRc::new_in(7, F::default()), 7);
    alike(FamilyRc::<str, F>::from("text"), "text".to_owned());
    alike(FamilyRc::<[u8], F>::from([1, 2]), vec![1, 2]);
    alike(FamilyArc::new_in("text".to_owned(), F::default()), "text".to_owned());
    alike(FamilyArc::<[u8], F>::from([]), Vec::<u8>::new());
    alike(ThinStr::<F>::from("text"), "text".to_owned());
    alike(ThinSlice::<u8, F>::from([1, 2]), vec![1, 2]);
    alike(ThinSlice::<u8, F>::from([]), Vec::<u8>::new());
}

#[test]
fn handles_in_any_home_are_written() {
    let _alone = one_at_a_time();
    let region = Region::<lives::Alike>::new();
    let home = region.allocator();
    assert_eq!(to_string(&region.boxed(7)).unwrap(), "7");
    assert_eq!(to_string(&FamilyRc::new_in(7, home)).unwrap(), "7");
    assert_eq!(to_string(&FamilyArc::<str, _>::from_str_in("text", home)).unwrap(), "\"text\"");
    assert_eq!(to_string(&ThinStr::from_str_in("text", home)).unwrap(), "\"text\"");
    let family = AnyFamily::from(Lives::Alike);
    assert_eq!(to_string(&ThinSlice::from_slice_in(&[1, 2], family)).unwrap(), "[1,2]");
}

/// A family by another name, as an allocator of the user's.
#[derive(Default)]
struct Mine;

// SAFETY: a family's memory.
unsafe impl RawAlloc for Mine {
    fn alloc(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        lives::Mine.alloc(layout)
    }

    unsafe fn free(&self, start: NonNull<u8>, layout: Layout) {
        // SAFETY: passed on.
        unsafe { lives::Mine.free(start, layout) };
    }
}

#[test]
fn handles_are_read_into_any_default_home() {
    let _alone = one_at_a_time();
    let boxed: FamilyBox<u32, Mine> = from_str("7").unwrap();
    let counted: FamilyRc<u32, Mine> = from_str("7").unwrap();
    let text: FamilyArc<str, Mine> = from_str("\"text\"").unwrap();
    let thin: ThinStr<Mine> = from_str("\"text\"").unwrap();
    assert_eq!((*boxed, *counted, &*text, &*thin), (7, 7, "text", "text"));
    assert_eq!(usage::<lives::Mine>().live_objects, 4);
    drop((boxed, counted, text, thin));
    assert_eq!(usage::<lives::Mine>().live_objects, 0);
}

#[test]
fn collections_read_and_write_what_the_standard_library_does() {
    type F = lives::Alike;
    let _alone = one_at_a_time();
    for len in 0..9 {
        let numbers: Vec<u32> = (0..len).collect();
        alike(SmallVec::<u32, 4, F>::from(&numbers[..]), numbers.clone());
        alike(FamilyVec::<u32, F>::from(&numbers[..]), numbers);
    }
    alike(Text::<F>::from("n\u{e9}"), "n\u{e9}".to_owned());
    let texts = ["a", "", "b\t"];
    alike(
        texts.map(Text::<F>::from).into_iter().collect::<FamilyVec<_, F>>(),
        texts.map(String::from).to_vec(),
    );
}

#[alloc_family(Lives::Recursive)]
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
enum Value {
    Number(f64),
    Text(Text<lives::Recursive>),
    List(FamilyVec<Value>),
}

#[test]
fn a_type_that_holds_a_vector_of_itself_has_derived_implementations() {
    type F = lives::Recursive;
    let _alone = one_at_a_time();
    let json = r#"[1.5,["a",[],[[2.0]]]]"#;
    let value: Value = from_str(json).unwrap();
    assert_eq!(to_string(&value).unwrap(), json);
    // Four lists with something in them, and a text.
    assert_eq!(usage::<F>().live_objects, 5);
    drop(value);
    assert!(from_str::<Value>(r#"[1.5,["a",[],[[2.0,{}]]]]"#).is_err());
    assert_eq!(usage::<F>().live_objects, 0);
}

#[test]
fn whatever_is_in_a_region_or_a_family_chosen_at_run_time_can_be_written() {
    let _alone = one_at_a_time();
    let region = Region::<lives::Alike>::new();
    let vec = RegionVec::from_iter_in([1, 2], region.allocator());
    assert_eq!(to_string(&vec).unwrap(), "[1,2]");
    let text = RegionString::from_str_in("text", region.allocator());
    assert_eq!(to_string(&text).unwrap(), r#""text""#);
    let chosen = AnyFamily::from(Lives::Alike);
    let small = SmallVec::<_, 2, _>::from_iter_in([Text::from_str_in("a", chosen)], chosen);
    assert_eq!(to_string(&small).unwrap(), r#"["a"]"#);
}

#[test]
fn what_is_read_is_made_in_the_family_and_nowhere_else() {
    type F = lives::Made;
    let _alone = one_at_a_time();
    let live = || usage::<F>().live_objects;
    let boxed: FamilyBox<u64, F> = from_str("7").unwrap();
    assert_eq!(live(), 1);
    let slice: FamilyBox<[u64], F> = from_str("[1, 2, 3]").unwrap();
    assert_eq!(live(), 2);
    let inline: SmallVec<u64, 3, F> = from_str("[1, 2, 3]").unwrap();
    assert_eq!(live(), 2);
    let spilled: SmallVec<u64, 2, F> = from_str("[1, 2, 3]").unwrap();
    assert_eq!(live(), 3);
    let text: Text<F> = from_str("\"text\"").unwrap();
    assert_eq!(live(), 4);
    let mut json = serde_json::Deserializer::from_str("[1]");
    let two: api2_02::Vec<u8, F> = serde_seq::deserialize(&mut json).unwrap();
    let four: api2_04::Vec<u8, F> = from_str("[1]").unwrap();
    let one: api2_04::Box<u8, F> = from_str("1").unwrap();
    assert_eq!(live(), 7);
    assert_eq!((two[0], four[0], *one), (1, 1, 1));
    drop((boxed, slice, inline, spilled, text, two, four, one));
    assert_eq!(live(), 0);
    // In place: the slot stays.
    let mut place = FamilyBox::<u64, _>::new_in(1, F::default());
    let slot = FamilyBox::as_ptr(&place);
    let mut json = serde_json::Deserializer::from_str("2");
    Deserialize::deserialize_in_place(&mut json, &mut place).unwrap();
    assert_eq!((*place, FamilyBox::as_ptr(&place)), (2, slot));
}

/// A tree of boxes in slices in boxes, written as lists of lists.
#[derive(Debug, PartialEq)]
struct Tree(FamilyBox<[FamilyBox<Tree, lives::Tree>], lives::Tree>);

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Deserialize::deserialize(deserializer).map(Self)
    }
}

#[test]
fn a_tree_that_is_wrong_somewhere_leaves_nothing_behind() {
    let _alone = one_at_a_time();
    let text = "[[[],[]],[[[]]],[]]";
    let tree: Tree = from_str(text).unwrap();
    assert_eq!(tree.0.len(), 3);
    // Seven boxes, and a slot for each of the four lists that is not empty.
    assert_eq!(usage::<lives::Tree>().live_objects, 7 + 4);
    drop(tree);
    assert_eq!(usage::<lives::Tree>().live_objects, 0);
    for cut in 0..text.len() {
        from_str::<Tree>(&text[..cut]).unwrap_err();
        from_str::<Tree>(&format!("{}x{}", &text[..cut], &text[cut..])).unwrap_err();
        assert_eq!(usage::<lives::Tree>().live_objects, 0);
    }
}

fn wrong<T: DeserializeOwned + Debug>(text: &str) {
    from_str::<T>(text).unwrap_err();
    assert_eq!(usage::<lives::Wrong>().live_objects, 0, "{text}");
}

#[test]
fn an_element_that_is_wrong_leaves_nothing_behind() {
    type F = lives::Wrong;
    let _alone = one_at_a_time();
    let mut text = String::from("[");
    for element in 0..20 {
        let text = {
            text += &format!("\"{element}\", ");
            format!("{text}7]")
        };
        wrong::<FamilyBox<[Text<F>], F>>(&text);
        wrong::<FamilyBox<[FamilyBox<str, F>], F>>(&text);
        wrong::<SmallVec<Text<F>, 3, F>>(&text);
        wrong::<FamilyVec<Text<F>, F>>(&text);
        wrong::<FamilyRc<[Text<F>], F>>(&text);
        wrong::<FamilyArc<[FamilyArc<str, F>], F>>(&text);
        wrong::<ThinSlice<ThinStr<F>, F>>(&text);
        wrong::<FamilyVec<Text<F>, F>>(&text);
        let mut json = serde_json::Deserializer::from_str(&text);
        serde_seq::deserialize::<api2_02::Vec<Text<F>, F>, _>(&mut json).unwrap_err();
        assert_eq!(usage::<F>().live_objects, 0, "{text}");
        wrong::<api2_04::Vec<Text<F>, F>>(&text);
        wrong::<HashSet<Text<F>, F>>(&text);
    }
    wrong::<HashMap<Text<F>, Text<F>, F>>(r#"{"a": "b", "c": 7}"#);
    wrong::<FamilyBox<u8, F>>("256");
    wrong::<FamilyBox<str, F>>("7");
    wrong::<Text<F>>("[1]");
    wrong::<FamilyBox<Path, F>>("7");
    wrong::<FamilyBox<CStr, F>>("[65, 0, 65]");
    wrong::<FamilyBox<OsStr, F>>("{}");
    // Bytes are taken for text where they are UTF-8.
    let bytes = |bytes: &'static [u8]| value::BytesDeserializer::<value::Error>::new(bytes);
    assert_eq!(Text::<F>::deserialize(bytes(b"ok")).unwrap(), "ok");
    Text::<F>::deserialize(bytes(b"\xff")).unwrap_err();
    FamilyBox::<str, F>::deserialize(bytes(b"\xff")).unwrap_err();
    assert_eq!(usage::<F>().live_objects, 0);
}

/// A sequence of numbers that claims to be of any length.
struct Claims {
    claimed: usize,
    left: u8,
}

impl<'de> Deserializer<'de> for Claims {
    type Error = value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_seq(self)
    }

    serde_core::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> SeqAccess<'de> for Claims {
    type Error = value::Error;

    fn next_element_seed<T: serde_core::de::DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Self::Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        let number = serde_core::de::IntoDeserializer::<value::Error>::into_deserializer(left);
        seed.deserialize(number).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.claimed)
    }
}

#[test]
fn the_claimed_length_is_not_believed() {
    type F = lives::Hints;
    let _alone = one_at_a_time();
    for claimed in [0, 1, 3, 1 << 40, usize::MAX] {
        let claims = || Claims { claimed, left: 3 };
        let vec = FamilyVec::<u64, F>::deserialize(claims()).unwrap();
        assert_eq!(vec, [2, 1, 0]);
        assert!(vec.capacity() <= 8192, "room for {}", vec.capacity());
        assert_eq!(SmallVec::<u64, 2, F>::deserialize(claims()).unwrap(), [2, 1, 0]);
        assert_eq!(*FamilyBox::<[u64], F>::deserialize(claims()).unwrap(), [2, 1, 0]);
        let vec: FamilyVec<u64, F> = serde_seq::deserialize(claims()).unwrap();
        assert!(vec.capacity() <= 8192, "room for {}", vec.capacity());
        assert_eq!(vec, [2, 1, 0]);
    }
    assert_eq!(usage::<F>().live_objects, 0);
}

#[test]
fn maps_and_sets() {
    type F = lives::Maps;
    let _alone = one_at_a_time();
    let model: Model<String, u32> = (0..1000).map(|key| (key.to_string(), key)).collect();
    let ours: HashMap<String, u32, F> = from_str(&to_string(&model).unwrap()).unwrap();
    assert_eq!((ours.len(), usage::<F>().live_objects), (1000, 1));
    assert!(ours.iter().all(|(key, value)| model[key] == *value));
    assert_eq!(from_str::<Model<String, u32>>(&to_string(&ours).unwrap()).unwrap(), model);
    drop(ours);

    let set: HashSet<u32, F> = from_str("[1, 2, 2, 3]").unwrap();
    let mut back: Vec<u32> = from_str(&to_string(&set).unwrap()).unwrap();
    back.sort_unstable();
    assert_eq!(back, [1, 2, 3]);

    // The helpers for types without the traits work for those with them as well.
    let mut json = serde_json::Deserializer::from_str(r#"{"a": 1, "b": 2}"#);
    let map: HashMap<Text<F>, u32, F> = serde_map::deserialize(&mut json).unwrap();
    assert_eq!((map.len(), map["b"]), (2, 2));
    let mut written = Vec::new();
    serde_map::serialize(&map, &mut serde_json::Serializer::new(&mut written)).unwrap();
    assert_eq!(serde_json::from_slice::<HashMap<Text<F>, u32, F>>(&written).unwrap(), map);
    let mut json = serde_json::Deserializer::from_str(r#"{"a": 1, "b": []}"#);
    serde_map::deserialize::<HashMap<Text<F>, u32, F>, _, _, _>(&mut json).unwrap_err();
    drop((set, map));
    assert_eq!(usage::<F>().live_objects, 0);
    assert_eq!(<F as Family>::SPEC.name(), "Maps");
}
