//! Code that knows nothing of families, with famalloc as its allocator: everything it does works as
//! it did, lands in the family of its scope, and comes home from wherever it is freed.

mod common;

use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::fmt::Write;
use std::process::{Command, Stdio};
use std::rc::{Rc, Weak};
use std::sync::mpsc::{channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, OnceLock, RwLock};
use std::thread;

use common::{Random, Watchdog, one_at_a_time, usage};
use famalloc::{FamAlloc, Family, Query, QueryKind, alloc_family, check, flush, query};

#[alloc_family]
enum Lives {
    General,
    Work,
    #[family(zero_on_free)]
    Secret,
    #[family(isolate)]
    Alone,
    #[family(block = "1 MiB", align = "natural")]
    Wide,
    Kept,
}

#[global_allocator]
static GLOBAL: FamAlloc<Lives> = FamAlloc::new();

fn found<T: ?Sized>(value: &T) -> Query {
    query(value).expect("in a family")
}

fn of<T: ?Sized>(value: &T) -> &'static str {
    found(value).family
}

fn live<F: Family>() -> usize {
    usage::<F>().live_objects
}

/// Runs `work` in a scope of each family but the fallback, where others are at work too; whatever it
/// allocated is gone afterwards.
fn in_each_family(work: fn(&'static str)) {
    fn run<F: Family>(work: fn(&'static str)) {
        F::scope(|| work(F::SPEC.name()));
        flush();
        check().unwrap();
        let used = usage::<F>();
        assert_eq!((used.live_objects, used.live_bytes), (0, 0), "left in {}", used.name);
    }
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    run::<lives::Work>(work);
    run::<lives::Secret>(work);
    run::<lives::Alone>(work);
    run::<lives::Wide>(work);
}

#[test]
fn collections_of_all_kinds() {
    in_each_family(|family| {
        let mut random = Random::new(1);
        let mut map = HashMap::new();
        let mut tree = BTreeMap::new();
        let (mut list, mut queue, mut heap) =
            (LinkedList::new(), VecDeque::new(), BinaryHeap::new());
        for step in 0..5_000u32 {
            let key = random.below(1_000);
            *map.entry(format!("key {key}")).or_insert(0u32) += 1;
            tree.entry(key).or_insert_with(Vec::new).push(step);
            queue.push_back(step);
            heap.push(key);
            list.push_front(Box::new(step));
            if step % 3 == 0 {
                tree.remove(&random.below(1_000));
                map.remove(&format!("key {}", random.below(1_000)));
                queue.pop_front();
                heap.pop();
                list.pop_back();
            }
        }
        assert_eq!(queue.iter().copied().min(), Some(1667));
        assert_eq!(list.iter().map(|number| **number).max(), Some(4_999));
        assert!(tree.values().flatten().all(|&step| step < 5_000));
        assert!(map.keys().all(|key| of(key.as_str()) == family));
        assert!(tree.values().all(|steps| of(steps.as_slice()) == family));
        assert_eq!(of(&**list.front().unwrap()), family);
        assert_eq!(of(queue.as_slices().0), family);
        let sorted = heap.into_sorted_vec();
        assert!(sorted.is_sorted());
        let set: HashSet<_> = sorted.into_iter().collect();
        let copy = set.clone();
        assert_eq!(copy, set);
    });
}

#[test]
fn text_in_all_its_forms() {
    in_each_family(|family| {
        let mut text = String::new();
        for word in 0..10_000 {
            write!(text, "{word:x} ").unwrap();
        }
        assert_eq!(of(text.as_str()), family);
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        assert!(words.iter().all(|word| of(word.as_str()) == family));
        assert_eq!(words.iter().map(|word| word.len() + 1).sum::<usize>(), text.len());
        let shared: Arc<str> = text.replace(' ', ", ").into();
        let boxed: Box<str> = shared.to_uppercase().into_boxed_str();
        assert_eq!((of(&*shared), of(&*boxed)), (family, family));
        assert!(boxed.ends_with("270F, "));
        let chars: Vec<char> = boxed.chars().rev().collect();
        assert_eq!(chars.into_iter().rev().collect::<String>(), *boxed);
        let path = std::path::Path::new("/a").join("b").with_extension("c");
        assert_eq!(of(path.as_os_str()), family);
        assert_eq!(path.to_string_lossy().replace('\\', "/"), "/a/b.c");
        let c = std::ffi::CString::new(words.concat()).unwrap();
        assert_eq!(of(c.as_c_str().to_bytes_with_nul()), family);
    });
}

#[test]
fn shared_values_trait_objects_and_closures() {
    struct Node {
        parent: RefCell<Weak<Node>>,
        parts: RefCell<Vec<Rc<Node>>>,
    }
    in_each_family(|family| {
        let root = Rc::new(Node { parent: RefCell::default(), parts: RefCell::default() });
        for _ in 0..500 {
            let parent = RefCell::new(Rc::downgrade(&root));
            let part = Rc::new(Node { parent, parts: RefCell::default() });
            root.parts.borrow_mut().push(part);
        }
        assert_eq!((Rc::weak_count(&root), of(&*root)), (500, family));
        let part = Rc::clone(&root.parts.borrow()[7]);
        drop(root);
        assert!(part.parent.borrow().upgrade().is_none());

        let mut held = 7;
        let mut work: Vec<Box<dyn FnMut(u32) -> u32>> = Vec::new();
        for step in 0..100u32 {
            let own = String::from("0123456789").repeat(step as usize + 1);
            work.push(Box::new(move |more| {
                held += more;
                own.len() as u32 + held
            }));
        }
        assert!(work.iter().all(|work| of(&**work) == family));
        assert_eq!(work.iter_mut().map(|work| work(1)).sum::<u32>(), 50_500 + 800);

        let anything: [Box<dyn Any>; 4] =
            [Box::new(1u8), Box::new("text"), Box::new([0u64; 100]), Box::new(())];
        assert!(anything[2].downcast_ref::<[u64; 100]>().is_some());
        let error: Box<dyn std::error::Error + Send + Sync> = "what is wrong".into();
        assert_eq!((error.to_string(), of(&*error)), ("what is wrong".to_owned(), family));
    });
}

#[test]
fn sorting_and_iterating_in_bulk() {
    in_each_family(|family| {
        let mut random = Random::new(5);
        let mut numbers: Vec<u64> = (0..40_000).map(|_| random.next()).collect();
        let mut stable = numbers.clone();
        // Needs room to merge.
        stable.sort_by_key(|number| number >> 20);
        assert!(stable.is_sorted_by_key(|number| number >> 20));
        numbers.sort_unstable();
        stable.sort();
        assert_eq!(numbers, stable);
        assert_eq!(of(numbers.as_slice()), family);
        // Collected in place of what it came from.
        let halves: Vec<u32> = numbers.into_iter().map(|number| (number >> 32) as u32).collect();
        let (even, odd): (Vec<u32>, Vec<u32>) = halves.iter().partition(|half| *half % 2 == 0);
        assert_eq!(even.len() + odd.len(), halves.len());
        let mut kept = halves;
        kept.retain(|half| half % 16 == 0);
        kept.dedup();
        kept.shrink_to_fit();
        assert_eq!(of(kept.as_slice()), family);
        let strings: BTreeMap<_, _> =
            kept.iter().take(1_000).map(|it| (it, it.to_string())).collect();
        assert!(strings.iter().all(|(number, text)| number.to_string() == *text));
    });
}

/// A buffer grows from a byte to many extents and back, and its contents are what they were.
#[test]
fn buffers_grow_and_shrink_in_their_family() {
    in_each_family(|family| {
        let mut buffer: Vec<u32> = Vec::with_capacity(1);
        let mut kinds = [0; 2];
        for number in 0..1_500_000 {
            if buffer.len() == buffer.capacity() {
                // Whatever scope the thread is in.
                lives::General::scope(|| buffer.reserve(1));
                let found = found(buffer.as_slice());
                assert_eq!(found.family, family, "at {number}");
                kinds[usize::from(found.kind == QueryKind::Slot)] += 1;
            }
            buffer.push(number);
        }
        assert!(kinds[0] > 5 && kinds[1] > 5, "{kinds:?}");
        assert!(buffer.iter().copied().eq(0..1_500_000));
        while !buffer.is_empty() {
            buffer.truncate(buffer.len() * 2 / 3);
            lives::General::scope(|| buffer.shrink_to_fit());
            assert!((0..buffer.len()).step_by(97).all(|at| buffer[at] as usize == at));
            if !buffer.is_empty() {
                assert_eq!(of(buffer.as_slice()), family, "at {}", buffer.len());
            }
        }
        let zeros = vec![0u8; 40 << 20];
        assert!(zeros.iter().step_by(1021).all(|&byte| byte == 0));
        assert_eq!(of(zeros.as_slice()), family);
    });
}

/// Zeros are zeros also where something else lay before.
#[test]
fn zeros_where_something_lay_before() {
    in_each_family(|family| {
        for size in [1, 7, 64, 1000, 4096, 32_768, 40_000, 100_000, 1 << 20, 5 << 20] {
            for round in 0..4 {
                drop((0..10).map(|_| vec![0xA5u8; size]).collect::<Vec<_>>());
                let zeros: Vec<_> = (0..10).map(|_| vec![0u8; size]).collect();
                let mut bytes =
                    zeros.iter().flat_map(|zeros| zeros.iter().step_by(1 + size / 5_000));
                assert!(bytes.all(|&byte| byte == 0), "{size} in round {round}");
                assert_eq!(of(zeros[9].as_slice()), family);
            }
        }
    });
}

#[repr(align(4096))]
struct Page([u8; 4096]);

#[repr(align(65536))]
struct Granule([u8; 100]);

#[test]
fn alignments_that_are_out_of_the_ordinary() {
    in_each_family(|family| {
        for _ in 0..3 {
            let pages: Vec<_> = (0..50).map(|at| Box::new(Page([at; 4096]))).collect();
            let granules: Vec<_> = (0..20).map(|at| Box::new(Granule([at; 100]))).collect();
            let mut shared: Vec<Arc<Page>> = Vec::new();
            for (at, page) in pages.iter().enumerate() {
                assert_eq!((&raw const **page).addr() % 4096, 0);
                assert!(page.0.iter().all(|&byte| usize::from(byte) == at));
                assert_eq!(of(&**page), family);
                shared.push(Arc::new(Page(page.0)));
            }
            for (at, granule) in granules.iter().enumerate() {
                assert_eq!((&raw const **granule).addr() % 65_536, 0);
                assert!(granule.0.iter().all(|&byte| usize::from(byte) == at));
            }
            assert!(shared.iter().all(|page| (&raw const **page).addr() % 4096 == 0));
            drop(pages);
            assert!(shared.iter().zip(0..).all(|(page, at): (_, u8)| page.0 == [at; 4096]));
        }
    });
}

#[test]
fn what_other_threads_free_in_other_scopes_goes_home() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    let (send, receive) = sync_channel::<Box<dyn Any + Send>>(64);
    let freeing = thread::spawn(move || {
        lives::Wide::scope(|| {
            let mut received = 0;
            for thing in receive {
                received += 1;
                drop(thing);
            }
            received
        })
    });
    thread::scope(|threads| {
        for thread in 0..3u8 {
            let send = send.clone();
            threads.spawn(move || {
                for step in 0..3_000usize {
                    let size = 1 + (step * 37) % 2_000;
                    // The box is of the family in which it is made; the rest of its own.
                    let thing: Box<dyn Any + Send> = lives::Work::scope(|| {
                        let vector = lives::Secret::scope(|| vec![thread; size]);
                        let tree = lives::Alone::scope(|| BTreeMap::from([(step, thread)]));
                        Box::new((vector, tree, format!("{thread}{step}")))
                    });
                    lives::General::scope(|| send.send(thing).unwrap());
                }
            });
        }
        drop(send);
    });
    assert_eq!(freeing.join().unwrap(), 9_000);
    flush();
    check().unwrap();
    let left = [
        live::<lives::Work>(),
        live::<lives::Secret>(),
        live::<lives::Alone>(),
        live::<lives::Wide>(),
    ];
    assert_eq!(left, [0; 4]);
}

#[test]
fn what_runs_at_once_shares_one_allocator() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    let board = Arc::new(RwLock::new(HashMap::<String, Arc<Vec<u64>>>::new()));
    let gate = Arc::new((Mutex::new(0), Condvar::new()));
    let (send, receive) = channel();
    let handles: Vec<_> = (0..6u64)
        .map(|thread| {
            let (board, gate, send) = (Arc::clone(&board), Arc::clone(&gate), send.clone());
            thread::Builder::new()
                .name(format!("worker {thread}"))
                .spawn(move || {
                    let (count, all_here) = &*gate;
                    *count.lock().unwrap() += 1;
                    all_here.notify_all();
                    drop(all_here.wait_while(count.lock().unwrap(), |count| *count < 6).unwrap());
                    let mut random = Random::new(thread);
                    let _scope = lives::Work::enter();
                    for _ in 0..2_000 {
                        let key = format!("{}", random.below(50));
                        let value = Arc::new(vec![random.next(); 1 + random.below(200)]);
                        let old = board.write().unwrap().insert(key, value);
                        if let Some(old) = old {
                            assert!(old.iter().all(|number| *number == old[0]));
                            send.send(old).unwrap();
                        }
                    }
                    thread::current().name().map(str::to_owned)
                })
                .unwrap()
        })
        .collect();
    drop(send);
    let mut taken = 0;
    while let Ok(old) = receive.recv() {
        assert!(old.iter().all(|number| *number == old[0]));
        taken += 1;
    }
    for (thread, handle) in handles.into_iter().enumerate() {
        assert_eq!(handle.join().unwrap().unwrap(), format!("worker {thread}"));
    }
    assert_eq!(taken + board.read().unwrap().len(), 12_000);
    drop((receive, board));
    flush();
    check().unwrap();
    assert_eq!(live::<lives::Work>(), 0);
}

#[test]
#[cfg_attr(windows, ignore = "runs programs that Windows has not got")]
fn processes_and_their_environment() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    lives::Work::scope(|| {
        let variables: BTreeMap<_, _> = std::env::vars_os().collect();
        assert!(variables.keys().all(|name| of(name.as_os_str()) == "Work"));
        assert!(std::env::current_dir().unwrap().is_absolute());
        let mut child = Command::new("cat")
            .env("FAMALLOC_SAYS", "something")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let said = thread::spawn(move || {
            let text = "a line of text\n".repeat(50_000);
            std::io::Write::write_all(&mut stdin, text.as_bytes()).unwrap();
            text
        });
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        assert_eq!(of(output.stdout.as_slice()), "Work");
        assert_eq!(output.stdout, said.join().unwrap().into_bytes());
        let output =
            Command::new("sh").args(["-c", "echo $MARK"]).env("MARK", "7").output().unwrap();
        assert_eq!(output.stdout, b"7\n");
        let missing = Command::new("/nothing/is/here").spawn();
        assert!(missing.is_err());
        let here = std::fs::read_to_string(file!()).unwrap();
        assert_eq!(
            here.lines().next(),
            Some(
                "//! Code that knows nothing of families, with famalloc as its allocator: everything it does works as"
            )
        );
    });
    flush();
    assert_eq!(live::<lives::Work>(), 0);
}

/// What is made once and stays is of the scope in which it was made: a scope is around what is done
/// in it, not only around what one sees being done.
#[test]
fn what_is_made_once_stays_where_it_was_made() {
    static ONCE: OnceLock<Vec<String>> = OnceLock::new();
    let _alone = one_at_a_time();
    let first = lives::Kept::scope(|| ONCE.get_or_init(|| vec!["once".to_owned()]));
    let again = lives::Work::scope(|| ONCE.get_or_init(|| unreachable!("it is made")));
    assert_eq!((of(first.as_slice()), of(again[0].as_str())), ("Kept", "Kept"));
    let mut copy = ONCE.get().cloned().unwrap();
    copy.push("more".to_owned());
    assert_eq!(of(copy.as_slice()), "General");
}
