//! The set of the global allocator is a set like any other: boxes, regions, pools and collections of
//! its families beside unmodified code; and all that looks at the heap or cleans it up may run while
//! it serves everybody (I5).

mod common;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use common::{Random, Watchdog, one_at_a_time, usage};
use famalloc::{
    ClassUse, FamAlloc, FamilyArc, FamilyBox, FamilyUse, InUseError, Region, ScopeGuard, Snapshot,
    ThinStr, alloc_family, check, flush, free_all, query, reclaim, sweep, walk,
};

#[alloc_family]
#[derive(Clone, Copy)]
enum Lives {
    General,
    Ast,
    Code,
    #[family(zero_on_free)]
    Secret,
    /// Visited, and of one thread at a time.
    Heap,
    /// What reports are made of.
    Reports,
}

#[global_allocator]
static GLOBAL: FamAlloc<Lives> = FamAlloc::new();

#[alloc_family(Lives::Ast)]
struct Node {
    text: String,
    parts: Vec<FamilyBox<Node>>,
}

fn of<T: ?Sized>(value: &T) -> &'static str {
    query(value).expect("in a family").family
}

/// A count that is no part of what it counts.
fn live(family: &str) -> usize {
    lives::Reports::scope(|| Snapshot::of::<Lives>().family(family).unwrap().live_objects)
}

fn assert_nothing_left() {
    flush();
    check().unwrap();
    for used in &Snapshot::of::<Lives>().families[1..] {
        assert_eq!((used.live_objects, used.live_bytes), (0, 0), "left in {}", used.name);
    }
}

#[test]
fn typed_and_unmodified_values_hold_each_other() {
    fn node(depth: usize) -> FamilyBox<Node> {
        let parts = (0..if depth == 0 { 0 } else { 3 }).map(|_| node(depth - 1)).collect();
        FamilyBox::new(Node { text: format!("depth {depth}"), parts })
    }
    fn count(node: &Node) -> usize {
        assert_eq!((of(node), of(node.text.as_str())), ("Ast", "Code"));
        1 + node.parts.iter().map(|part| count(part)).sum::<usize>()
    }
    let _alone = one_at_a_time();
    let tree = lives::Code::scope(|| node(5));
    assert_eq!(count(&tree), 364);
    // The texts, and the lists of those that have parts.
    assert_eq!((live("Ast"), live("Code")), (364, 364 + 121));
    lives::Secret::scope(|| drop(tree));
    assert_eq!((live("Ast"), live("Code"), live("Secret")), (0, 0, 0));

    let shared = lives::Ast::scope(|| FamilyArc::new_in(vec![7u8; 1_000], lives::Code));
    let thin = ThinStr::<lives::Secret>::from("short text");
    assert_eq!((of(&*shared), of(shared.as_slice()), of(&*thin)), ("Code", "Ast", "Secret"));
    // A box of the standard library and one of the family, from the same slots.
    let boxed = lives::Ast::scope(|| Box::new([1u64; 6]));
    let families = FamilyBox::new_in([2u64; 6], lives::Ast);
    assert_eq!((of(&*boxed), of(&*families)), ("Ast", "Ast"));
    assert_eq!(usage::<lives::Ast>().live_objects, 3);
    drop((boxed, families));
    let text: String = lives::Ast::scope(|| thin.to_string());
    assert_eq!((of(text.as_str()), text.as_str()), ("Ast", "short text"));
    thread::spawn(move || drop((shared, thin, text))).join().unwrap();
    assert_nothing_left();
}

/// Counting allocates, in the family that is counted: after the count.
#[test]
fn counting_does_not_count_itself() {
    let _alone = one_at_a_time();
    let _scope = lives::Heap::enter();
    let boxes: Vec<Box<u64>> = (0..100).map(Box::new).collect();
    for flushed in [true, false, true] {
        if flushed {
            // Then the first allocation of each class takes a magazine of slots from the lane.
            flush();
        }
        let used = FamilyUse::of(lives::Heap);
        assert_eq!(used.live_objects, 101);
        let mut live: Vec<usize> = Vec::new();
        for class in ClassUse::of(lives::Heap) {
            live.push(class.live_objects);
            live.shrink_to_fit();
        }
        // The list of classes in `used` as well.
        assert_eq!(live.iter().sum::<usize>(), 102);
        drop(used);
        drop(live);
        // Its list of families, and the classes of those before.
        let snapshot = Snapshot::of::<Lives>();
        let lists = 1 + snapshot.families[..4].iter().filter(|it| !it.classes.is_empty()).count();
        assert_eq!(snapshot.families[4].live_objects, 101 + lists);
    }
    drop(boxes);
    drop(_scope);
    assert_nothing_left();
}

#[test]
fn regions_of_the_set_beside_its_slots() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    let region: Region<lives::Ast> = Region::new();
    let mut lists = Vec::new();
    for number in 0..2_000u64 {
        let list = lives::Ast::scope(|| vec![number; 10]);
        // A value in the region that holds memory of the global allocator.
        lists.push(region.alloc(list));
        assert_eq!(
            (of(&*lists[lists.len() - 1]), of(lists[lists.len() - 1].as_slice())),
            ("Ast", "Ast")
        );
    }
    assert!(lists.iter().zip(0..).all(|(list, number)| list.iter().all(|it| *it == number)));
    let used = usage::<lives::Ast>();
    // What lies in the region is not among them.
    assert_eq!(used.live_objects, 2_000);
    assert!(used.region_bytes >= 2_000 * 24);
    // A region drops no values.
    lists.into_iter().for_each(|list| drop(core::mem::take(list)));
    drop(region);
    let left = usage::<lives::Ast>();
    assert_eq!((left.live_objects, left.region_bytes), (0, 0));
    assert_nothing_left();
}

#[test]
fn visiting_what_unmodified_code_allocated() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    let objects: Vec<Box<[u64; 4]>> = {
        let mut objects = Vec::with_capacity(1_000);
        let _scope = lives::Heap::enter();
        (0..1_000).for_each(|number| objects.push(Box::new([number; 4])));
        objects
    };
    let mut seen = BTreeMap::new();
    // The visitor allocates, in another family.
    walk(lives::Heap, |object, bytes| {
        assert!(seen.insert(object.addr().get(), bytes).is_none());
    })
    .unwrap();
    assert!(objects.iter().all(|object| seen[&(&raw const **object).addr()] == 32));
    assert_eq!(seen.len(), 1_000);

    // And in the same one: nothing that was live before is left out.
    let _scope = lives::Heap::enter();
    let mut addresses = Vec::new();
    walk(lives::Heap, |object, _| addresses.push(object.addr().get())).unwrap();
    assert!(objects.iter().all(|object| addresses.contains(&(&raw const **object).addr())));
    drop(addresses);
    drop(_scope);

    // A sweep of what only raw pointers lead to.
    let kept = objects.into_iter().map(Box::into_raw).step_by(4).collect::<Vec<_>>();
    // SAFETY: what is not kept is not used again; the list that is looked at is of another family.
    let freed = unsafe { sweep(lives::Heap, |object, _| kept.contains(&object.as_ptr().cast())) };
    assert_eq!((freed, live("Heap")), (Ok(750), 250));
    for (object, number) in kept.iter().zip(0..) {
        // SAFETY: made by `into_raw`, and not freed since.
        let object = unsafe { Box::from_raw(*object) };
        assert_eq!(*object, [4 * number; 4]);
    }
    assert_eq!(live("Heap"), 0);

    // All at once.
    let lost: Vec<_> =
        lives::Heap::scope(|| (0..500).map(|at| vec![at; 9].leak().as_ptr()).collect());
    assert_eq!(live("Heap"), 501);
    let list = of(lost.as_slice());
    let lost = core::mem::ManuallyDrop::new(lost);
    assert_eq!((list, lost.len()), ("Heap", 500));
    // SAFETY: nothing of the family is used again, and no other thread uses it.
    unsafe { free_all(lives::Heap) }.unwrap();
    assert_eq!(live("Heap"), 0);
    assert_nothing_left();
}

/// Allocates, grows and frees in many families, until it is told to stop.
fn churn(seed: u64, stop: &AtomicBool) {
    let families = [Lives::General, Lives::Ast, Lives::Code, Lives::Secret];
    let mut random = Random::new(seed);
    let mut held: HashMap<usize, Vec<u8>> = HashMap::new();
    while !stop.load(Ordering::Relaxed) {
        let _scope = ScopeGuard::enter(&families[random.below(4)]);
        let key = random.below(300);
        let size = 1 + random.below(3_000);
        match random.below(4) {
            0 => drop(held.remove(&key)),
            1 => held.entry(key).or_default().resize(size, key as u8),
            _ => drop(held.insert(key, vec![key as u8; size])),
        }
        if let Some(bytes) = held.get(&key) {
            assert!(bytes.iter().all(|&byte| byte == key as u8));
        }
        if random.below(200) == 0 {
            held.insert(key, vec![key as u8; 3 << 20]);
        }
        if random.below(50) == 0 {
            let boxed = FamilyBox::new_in(held.len(), lives::Ast);
            thread::spawn(move || drop(boxed)).join().unwrap();
        }
    }
}

#[test]
fn looking_and_cleaning_up_while_others_are_at_work() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    let stop = AtomicBool::new(false);
    thread::scope(|threads| {
        let workers: Vec<_> = (0..3)
            .map(|seed| {
                let stop = &stop;
                threads.spawn(move || churn(seed, stop))
            })
            .collect();
        for round in 0..40 {
            let _scope = ScopeGuard::enter(&[Lives::General, Lives::Code, Lives::Ast][round % 3]);
            check().unwrap();
            let snapshot = Snapshot::of::<Lives>();
            let text = snapshot.to_string();
            assert_eq!(text.lines().count(), 1 + 6 + 1, "{text}");
            assert!(snapshot.families[0].live_objects > 0);
            assert!(format!("{snapshot:?}").contains("peak_committed_bytes"));
            let used = FamilyUse::of(lives::Code);
            assert_eq!(used.name, "Code");
            let classes: Vec<_> = ClassUse::of(lives::Code).collect();
            assert!(classes.len() >= used.classes.len());
            reclaim(64 << 10);
            match walk(lives::Code, |_, bytes| assert!(bytes > 0)) {
                // Those at work may have none of its magazines just now.
                Ok(()) | Err(InUseError) => {}
            }
            walk(lives::Heap, |_, _| unreachable!("nothing is there")).unwrap();
            flush();
            check().unwrap();
        }
        stop.store(true, Ordering::Relaxed);
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
    assert_nothing_left();
}

/// Each of them at once in several threads, and with the heap's own words allocated in the heap.
#[test]
fn cleaning_up_from_several_threads() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    thread::scope(|threads| {
        let handles: Vec<_> = (0..4u64)
            .map(|seed| {
                threads.spawn(move || {
                    let mut random = Random::new(seed);
                    let mut reports = Vec::new();
                    for _ in 0..30 {
                        let _scope = lives::Ast::enter();
                        let work: Vec<_> = (0..200).map(|at| vec![at; random.below(500)]).collect();
                        match random.below(4) {
                            0 => drop(flush()),
                            1 => drop(reclaim(random.below(1 << 20))),
                            2 => check().unwrap(),
                            _ => reports.push(Snapshot::of::<Lives>().to_string()),
                        }
                        assert!(
                            work.iter()
                                .zip(0..)
                                .all(|(vector, at)| vector.iter().all(|it| *it == at))
                        );
                    }
                    reports.iter().all(|report| report.starts_with("Lives"))
                })
            })
            .collect();
        assert!(handles.into_iter().all(|handle| handle.join().unwrap()));
    });
    assert_nothing_left();
}

#[test]
fn what_a_phase_took_comes_back_when_it_ends() {
    let _alone = one_at_a_time();
    let committed = |family: &str| {
        lives::Reports::scope(|| Snapshot::of::<Lives>().family(family).unwrap().committed_bytes)
    };
    let mut kept = Vec::with_capacity(1_000);
    for phase in 0..3 {
        let tree: BTreeMap<u32, String> =
            lives::Ast::scope(|| (0..50_000).map(|at| (at, at.to_string())).collect());
        // Something that stays is made between, of the same sizes, and does not hold the rest.
        for at in 0..300 {
            kept.push(lives::Code::scope(|| tree[&(at * 100)].clone()));
        }
        assert!(committed("Ast") > 1 << 20);
        drop(tree);
        flush();
        assert_eq!((live("Ast"), committed("Ast")), (0, 0), "after phase {phase}");
        assert_eq!(live("Code"), kept.len());
        assert!(committed("Code") <= 192 << 10);
    }
    drop(kept);
    assert_nothing_left();
}
