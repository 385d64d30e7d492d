//! Collections against the standard library's, with elements that are boxes of another allocator, whose
//! checks see one that is dropped twice, or not, over a page source that fails.

use std::collections::HashMap as Map;
use std::fmt::Debug;

use famalloc::collections::{FamilyCollection, HashMap, SmallVec, String as Text, api2_04};
use famalloc::{Family, FamilyUse, alloc_family, check, flush};

use crate::counting;
use crate::input::Input;
use crate::source::{CALLS, Scheduled};

static PAGES: Scheduled = Scheduled::new(1 << 40);

/// Of every collection.
#[alloc_family(source = PAGES)]
enum Lives {
    Boxes,
    Bytes,
    Nothings,
    Text,
    Other,
}

/// No more elements than that.
const MOST: usize = 5_000;

/// What a model made of its element.
trait Element: Clone + Debug + PartialEq {
    fn make(byte: u8) -> Self;
}

impl Element for Box<u64> {
    fn make(byte: u8) -> Self {
        Self::new(u64::from(byte) * 0x0101_0101_0101)
    }
}

impl Element for u16 {
    fn make(byte: u8) -> Self {
        u16::from(byte) * 257
    }
}

impl Element for () {
    fn make(_: u8) {}
}

struct Pair<T, const N: usize, F: Family> {
    ours: SmallVec<T, N, F>,
    model: Vec<T>,
}

impl<T: Element, const N: usize, F: Family> Pair<T, N, F> {
    const fn new() -> Self {
        Self { ours: SmallVec::new(), model: Vec::new() }
    }

    /// Whether there is room for so many more, in the model and in memory.
    fn has_room(&mut self, more: usize) -> bool {
        let refused = PAGES.refused();
        let room = self.ours.try_reserve(more);
        assert!(room.is_ok() || PAGES.refused() > refused, "{room:?}");
        room.is_ok() && self.model.len() + more <= MOST
    }

    fn step(&mut self, input: &mut Input) {
        let (op, len) = (input.byte() % 26, self.model.len());
        let at = input.below(len + 1);
        let grows = matches!(op, 0..10 | 18 | 19);
        if grows && !self.has_room(260) {
            return;
        }
        if matches!(op, 8 | 18 | 19 | 23) {
            // These ask for memory of which they cannot say that there is none.
            PAGES.recover();
        }
        let Self { ours, model } = self;
        let mut some = |most: usize| -> Vec<T> {
            (0..input.below(most)).map(|_| T::make(input.byte())).collect()
        };
        match op {
            0..3 => {
                let new = some(2).pop().unwrap_or_else(|| T::make(7));
                ours.push(new.clone());
                model.push(new);
            }
            3 | 4 => {
                let new = T::make(at as u8);
                ours.insert(at, new.clone());
                model.insert(at, new);
            }
            5 => {
                let more = some(20);
                ours.extend_from_slice(&more);
                model.extend_from_slice(&more);
            }
            6 => {
                let more = some(20);
                ours.extend(more.clone());
                model.extend(more);
            }
            7 => {
                let to = len + at % 250;
                ours.resize(to, T::make(3));
                model.resize(to, T::make(3));
            }
            8 => {
                let mut other: SmallVec<T, 3, lives::Other> = some(12).into_iter().collect();
                model.extend(other.iter().cloned());
                ours.append(&mut other);
                assert!(other.is_empty());
            }
            9 => {
                // It asks for what it needs itself, and refuses without a loss.
                let new = T::make(at as u8);
                ours.shrink_to_fit();
                match ours.try_push(new.clone()) {
                    Ok(()) => model.push(new),
                    Err((back, _)) => assert_eq!(back, new),
                }
            }
            10 => assert_eq!(ours.pop(), model.pop()),
            11 if at < len => assert_eq!(ours.remove(at), model.remove(at)),
            12 if at < len => assert_eq!(ours.swap_remove(at), model.swap_remove(at)),
            13 => {
                ours.truncate(at);
                model.truncate(at);
            }
            14 => {
                let to = at + (len - at) / 2;
                let gone: Vec<_> = ours.drain(at..to).collect();
                assert_eq!(gone, model.drain(at..to).collect::<Vec<_>>());
            }
            15 => {
                let to = at + (len - at) / 2;
                let mut drain = ours.drain(at..to);
                drop((drain.next(), drain.next_back()));
                drop(drain);
                drop(model.drain(at..to));
            }
            16 => {
                let (mut one, mut other) = (0..len, 0..len);
                ours.retain(|_| one.next().is_some_and(|place| place % 3 != at % 3));
                model.retain(|_| other.next().is_some_and(|place| place % 3 != at % 3));
            }
            17 => {
                ours.dedup();
                model.dedup();
            }
            18 => {
                let (tail, other) = (ours.split_off(at), model.split_off(at));
                assert_eq!(tail[..], other[..]);
                if len % 2 == 0 {
                    ours.extend(tail);
                    model.extend(other);
                }
            }
            19 => {
                let copy = ours.clone();
                *ours = copy;
            }
            20 => {
                let mut iter = std::mem::take(ours).into_iter();
                let mut other = std::mem::take(model).into_iter();
                for _ in 0..at.min(9) {
                    assert_eq!(iter.next(), other.next());
                    assert_eq!(iter.next_back(), other.next_back());
                }
                assert_eq!(iter.as_slice(), other.as_slice());
            }
            21 => ours.shrink_to_fit(),
            22 => {
                ours.clear();
                model.clear();
            }
            23 => {
                let boxed = std::mem::take(ours).into_boxed_slice();
                assert_eq!(boxed[..], model[..]);
                *ours = boxed.into();
            }
            _ => {
                model.reverse();
                ours.reverse();
            }
        }
        assert_eq!(ours[..], model[..]);
        assert!(ours.capacity() >= ours.len());
    }
}

fn text_step(ours: &mut Text<lives::Text>, model: &mut String, input: &mut Input) {
    const PARTS: [&str; 6] =
        ["", "a", "\u{e4}", "\u{20ac}uro", "\u{1f600}", "words and more words"];
    if ours.try_reserve(200).is_err() || model.len() > MOST {
        PAGES.recover();
        model.clear();
        return ours.clear();
    }
    let (op, part) = (input.byte() % 11, PARTS[input.below(PARTS.len())]);
    let mut at = input.below(model.len() + 1);
    while !model.is_char_boundary(at) {
        at -= 1;
    }
    let character = part.chars().next();
    match (op, character) {
        (0..3, _) => {
            ours.push_str(part);
            model.push_str(part);
        }
        (3, Some(character)) => {
            ours.insert(at, character);
            model.insert(at, character);
        }
        (4, _) => {
            ours.insert_str(at, part);
            model.insert_str(at, part);
        }
        (5, _) => assert_eq!(ours.pop(), model.pop()),
        (6, _) if at < model.len() => assert_eq!(ours.remove(at), model.remove(at)),
        (7, _) => {
            ours.remove_range(at..);
            model.truncate(at);
        }
        (8, Some(gone)) => {
            ours.retain(|other| other != gone);
            model.retain(|other| other != gone);
        }
        (9, _) => {
            // It cannot say that there is no memory.
            PAGES.recover();
            let (tail, other) = (ours.split_off(at), model.split_off(at));
            assert_eq!(tail.as_str(), other);
        }
        _ => ours.shrink_to_fit(),
    }
    assert_eq!(ours.as_str(), model);
}

type OurMap = HashMap<u16, Box<u64>, lives::Other>;

fn map_step(ours: &mut OurMap, model: &mut Map<u16, Box<u64>>, input: &mut Input) {
    if ours.try_reserve(1).is_err() || model.len() > MOST {
        PAGES.recover();
        model.clear();
        return ours.clear();
    }
    let (op, key) = (input.byte() % 8, input.short() as u16 % 512);
    match op {
        0..4 => {
            let value = Box::new(u64::from(key) << 8);
            assert_eq!(ours.insert(key, value.clone()), model.insert(key, value));
        }
        4 | 5 => assert_eq!(ours.remove(&key), model.remove(&key)),
        6 => {
            ours.retain(|&other, _| other % 7 != key % 7);
            model.retain(|&other, _| other % 7 != key % 7);
            ours.shrink_to_fit();
        }
        _ => {
            assert_eq!(ours.get(&key), model.get(&key));
            assert!(ours.iter().all(|(key, value)| model.get(key) == Some(value)));
        }
    }
    assert_eq!(ours.len(), model.len());
}

/// Does what an input says.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut operations = 0;
    {
        let mut boxes = Pair::<Box<u64>, 3, lives::Boxes>::new();
        let mut bytes = Pair::<u16, 0, lives::Bytes>::new();
        let mut nothings = Pair::<(), 2, lives::Nothings>::new();
        let (mut text, mut model_text) = (Text::<lives::Text>::new(), String::new());
        let (mut map, mut model_map) = (OurMap::new_in_family(), Map::new());
        let mut theirs: api2_04::Vec<Box<u64>, lives::Other> = FamilyCollection::new_in_family();
        while !input.is_over() {
            operations += 1;
            match input.byte() {
                0..100 => boxes.step(&mut input),
                100..150 => bytes.step(&mut input),
                150..160 => nothings.step(&mut input),
                160..200 => text_step(&mut text, &mut model_text, &mut input),
                200..236 => map_step(&mut map, &mut model_map, &mut input),
                236..242 => {
                    if theirs.try_reserve(3).is_ok() && theirs.len() < MOST {
                        theirs.push(Box::new(theirs.len() as u64));
                        let at = input.below(theirs.len());
                        theirs.insert(at, Box::new(1));
                        theirs.swap_remove(at);
                    }
                }
                242..247 => {
                    let (call, after) = (input.below(CALLS), input.below(6));
                    PAGES.fail(call, after, 1 + input.below(4));
                }
                247..252 => PAGES.recover(),
                252 => check().expect("all is whole"),
                253.. => drop(flush()),
            }
            // What is made without an error to return has memory.
            if operations % 2 == 0 {
                PAGES.recover();
            }
        }
    }
    PAGES.recover();
    check().expect("all is whole");
    flush();
    for used in [
        FamilyUse::of(lives::Boxes),
        FamilyUse::of(lives::Bytes),
        FamilyUse::of(lives::Nothings),
        FamilyUse::of(lives::Text),
        FamilyUse::of(lives::Other),
    ] {
        assert_eq!((used.live_objects, used.committed_bytes), (0, 0), "left in {}", used.name);
    }
    counting::add(operations);
}
