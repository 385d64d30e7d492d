//! Random operations on text, against the standard library's `String`.

use std::fmt::Write;

use famalloc::collections::String as Text;
use famalloc::{AnyFamily, FamilyBox, RawAlloc, Region, alloc_family};

use crate::common::{Random, times, usage};
use crate::ledger::panic_of;

#[alloc_family]
enum Lives {
    Random,
    Region,
    Ways,
    Panics,
}

const ALPHABET: [char; 8] = ['a', 'b', '_', 'é', 'ß', '€', '字', '🦀'];

fn boundary(random: &mut Random, text: &str) -> usize {
    let at = random.below(text.len() + 1);
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap()
}

#[test]
fn random_operations_agree_with_the_standard_library() {
    random_operations_in(lives::Random, 1);
    random_operations_in(AnyFamily::from(Lives::Random), 2);
    assert_eq!(usage::<lives::Random>().live_objects, 0);
    let region = Region::<lives::Region>::new();
    random_operations_in(region.allocator(), 3);
    assert_eq!(region.usage().live_bytes, 0);
    random_operations_in(&region, 4);
    assert_eq!(region.usage().live_bytes, 0);
}

fn random_operations_in<A: RawAlloc + Clone>(home: A, seed: u64) {
    let mut random = Random::new(seed);
    let (mut ours, mut model) = (Text::new_in(home), String::new());
    for _ in 0..times(20_000, 60) {
        let character = ALPHABET[random.below(ALPHABET.len())];
        let piece: String = (0..random.below(6)).map(|_| ALPHABET[random.below(8)]).collect();
        let (a, b) = (boundary(&mut random, &model), boundary(&mut random, &model));
        let (a, b) = (a.min(b), a.max(b));
        match random.below(13) {
            0 => (ours.push(character), model.push(character)).0,
            1 => (ours.push_str(&piece), model.push_str(&piece)).0,
            2 => assert_eq!(ours.pop(), model.pop()),
            3 => (ours.insert(a, character), model.insert(a, character)).0,
            4 => (ours.insert_str(a, &piece), model.insert_str(a, &piece)).0,
            5 if a < model.len() => assert_eq!(ours.remove(a), model.remove(a)),
            6 => {
                ours.remove_range(a..b);
                model.drain(a..b);
            }
            7 => (ours.truncate(b), model.truncate(b)).0,
            8 => {
                ours.retain(|kept| kept != character);
                model.retain(|kept| kept != character);
            }
            9 => assert_eq!(ours.split_off(b), model.split_off(b)),
            10 => {
                ours.extend(piece.chars());
                model.push_str(&piece);
            }
            11 => write!(ours, "{a}").and(write!(model, "{a}")).unwrap(),
            _ => ours = Text::from(ours.into_boxed_str()),
        }
        assert_eq!(ours, model);
        assert!(std::str::from_utf8(ours.as_bytes()).is_ok());
        if model.len() > 400 {
            ours.clear();
            model.clear();
        }
    }
}

#[test]
fn every_way_in_and_out() {
    type T = Text<lives::Ways>;
    let text = T::from("né");
    assert_eq!(T::from(String::from("né")), text);
    assert_eq!(['n', 'é'].iter().collect::<T>(), text);
    assert_eq!(["n", "é"].into_iter().collect::<T>(), text);
    assert_eq!(T::from('n') + "é", "né");
    assert_eq!(text.clone().into_bytes(), "né".as_bytes());
    assert_eq!(String::from(text.clone()), "né");
    assert_eq!((format!("{text}"), format!("{text:?}")), ("né".into(), "\"né\"".into()));
    assert_eq!(&*FamilyBox::<str, lives::Ways>::from(text.clone()), "né");
    let later = T::from("o");
    assert!(text < later && "né" == text && text == *"né");
    let (bytes, error) = T::from_utf8(vec![b'n', 0xc3].into()).unwrap_err();
    assert_eq!((bytes.len(), error.valid_up_to()), (2, 1));
    assert_eq!(T::from_utf8("né".as_bytes().into()).unwrap(), text);
}

#[test]
fn a_cut_inside_a_character_panics_and_changes_nothing() {
    let mut text = Text::<lives::Panics>::from("aé");
    panic_of(|| text.truncate(2));
    panic_of(|| text.insert(2, 'x'));
    panic_of(|| text.insert_str(4, ""));
    panic_of(|| text.remove(2));
    panic_of(|| text.remove(3));
    panic_of(|| text.remove_range(..2));
    panic_of(|| drop(text.split_off(2)));
    panic_of(|| text.retain(|_| panic!("closure")));
    assert_eq!(text, "aé");
}
