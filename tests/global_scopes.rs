//! Scopes: what unmodified code allocates is in the family of the innermost scope of its thread, and
//! in the fallback outside of any, however a scope is entered and left.

mod common;

use std::cell::Cell;
use std::collections::LinkedList;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use common::{Random, Watchdog};
use famalloc::{
    FamAlloc, Family, FamilySet, ScopeGuard, alloc_family, alloc_in, free_in, query, raw,
};

#[alloc_family]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lives {
    First,
    #[family(fallback)]
    General,
    Ast,
    Code,
    Request,
}

#[global_allocator]
static GLOBAL: FamAlloc<Lives> = FamAlloc::new();

/// A set that is not the global allocator's.
#[alloc_family]
enum Others {
    Here,
    There,
}

/// The family of a value on the heap.
fn of<T: ?Sized>(value: &T) -> &'static str {
    let found = query(value).expect("in a family");
    assert_eq!(found.set, "Lives");
    found.family
}

/// The family in which this thread allocates now.
fn here() -> &'static str {
    let fresh = [of(&*Box::new(7u64)), of(&*vec![1u8; 100_000]), of(&*String::from("a"))];
    assert!(fresh.iter().all(|family| *family == fresh[0]), "{fresh:?}");
    fresh[0]
}

#[test]
fn scopes_nest_and_end() {
    assert_eq!(here(), "General");
    lives::Ast::scope(|| {
        assert_eq!(here(), "Ast");
        lives::Code::scope(|| {
            assert_eq!(here(), "Code");
            lives::General::scope(|| assert_eq!(here(), "General"));
            lives::Code::scope(|| assert_eq!(here(), "Code"));
            assert_eq!(here(), "Code");
        });
        assert_eq!(here(), "Ast");
    });
    assert_eq!(here(), "General");
    // By the trait as well as by the marker.
    fn by_trait<F: Family>() -> &'static str {
        F::scope(here)
    }
    assert_eq!((by_trait::<lives::First>(), by_trait::<lives::Request>()), ("First", "Request"));
    assert_eq!(here(), "General");
}

#[test]
fn a_panic_ends_the_scopes_it_passes() {
    lives::Ast::scope(|| {
        let payload = catch_unwind(|| {
            lives::Code::scope(|| {
                let _request = lives::Request::enter();
                assert_eq!(here(), "Request");
                std::panic::panic_any(String::from("made in the scope"));
            })
        })
        .unwrap_err();
        assert_eq!(here(), "Ast");
        assert_eq!(of(payload.downcast_ref::<String>().unwrap().as_str()), "Request");
    });
    assert_eq!(here(), "General");
}

#[test]
fn leaving_early_ends_a_scope() {
    fn first_even(numbers: &[u32]) -> Option<String> {
        lives::Ast::scope(|| {
            for number in numbers {
                let _code = lives::Code::enter();
                if number % 2 == 0 {
                    return Some(number.to_string());
                }
            }
            None
        })
    }
    fn fails() -> Result<(), std::num::ParseIntError> {
        let _scope = lives::Request::enter();
        let _number: u32 = "none".parse()?;
        unreachable!("it was no number");
    }
    assert_eq!(of(first_even(&[1, 3, 4]).unwrap().as_str()), "Code");
    assert_eq!(here(), "General");
    assert_eq!(first_even(&[1]), None);
    assert!(fails().is_err());
    let mut rounds = 0;
    loop {
        let _scope = lives::Ast::enter();
        rounds += 1;
        if rounds < 3 {
            continue;
        }
        break;
    }
    assert_eq!(here(), "General");
}

#[test]
fn each_thread_has_its_own() {
    let _watchdog = Watchdog::of_seconds(50);
    lives::Ast::scope(|| {
        let inside = thread::spawn(|| {
            let before = here();
            let within = lives::Code::scope(|| {
                assert_eq!(thread::spawn(here).join().unwrap(), "General");
                here()
            });
            (before, within, here())
        });
        assert_eq!(inside.join().unwrap(), ("General", "Code", "General"));
        thread::scope(|threads| {
            let other = threads.spawn(|| lives::Request::scope(here));
            assert_eq!(here(), "Ast");
            assert_eq!(other.join().unwrap(), "Request");
        });
        assert_eq!(here(), "Ast");
    });
    // A scope that is never left ends with its thread.
    for _ in 0..20 {
        thread::spawn(|| {
            assert_eq!(here(), "General");
            core::mem::forget(lives::Ast::enter());
            assert_eq!(here(), "Ast");
        })
        .join()
        .unwrap();
    }
}

#[test]
fn guards_put_back_what_was_there_when_they_were_made() {
    let ast = lives::Ast::enter();
    let code = lives::Code::enter();
    let request = lives::Request::enter();
    assert_eq!(here(), "Request");
    assert_eq!(
        format!("{ast:?} {code:?} {request:?}"),
        "ScopeGuard { before: \"General\" } ScopeGuard { before: \"Ast\" } ScopeGuard { before: \"Code\" }"
    );
    // Out of order: each puts back what it found.
    drop(code);
    assert_eq!(here(), "Ast");
    drop(request);
    assert_eq!(here(), "Code");
    drop(ast);
    assert_eq!(here(), "General");

    // One that is forgotten ends with the one around it.
    let outer = lives::Ast::enter();
    core::mem::forget(lives::Code::enter());
    assert_eq!(here(), "Code");
    drop(outer);
    assert_eq!(here(), "General");
}

#[test]
fn a_scope_of_a_family_known_at_run_time() {
    let all =
        [Lives::First, Lives::General, Lives::Ast, Lives::Code, Lives::Request, Lives::General];
    for lives in all {
        let _scope = ScopeGuard::enter(&lives);
        assert_eq!(here(), format!("{lives:?}"));
    }
    assert_eq!(here(), "General");
}

#[test]
fn scopes_of_different_sets_do_not_touch_each_other() {
    let raw = || {
        let layout = core::alloc::Layout::new::<u64>();
        let start = raw::alloc_in_scope::<Others>(layout).unwrap();
        let found = query(start.as_ptr()).unwrap();
        // SAFETY: allocated above, and not used again.
        unsafe { raw::free::<Others>(start).unwrap() };
        (found.set, found.family)
    };
    others::There::scope(|| {
        assert_eq!((here(), raw()), ("General", ("Others", "There")));
        lives::Ast::scope(|| assert_eq!((here(), raw()), ("Ast", ("Others", "There"))));
        assert_eq!((here(), raw()), ("General", ("Others", "There")));
    });
    lives::Ast::scope(|| assert_eq!((here(), raw()), ("Ast", ("Others", "Here"))));
    // What names a family is in it, in whatever scope.
    lives::Ast::scope(|| {
        let start = alloc_in::<lives::Code>(8).unwrap();
        assert_eq!(query(start.as_ptr()).unwrap().family, "Code");
        // SAFETY: allocated above, and not used again.
        unsafe { free_in::<lives::Code>(start, 8) };
    });
}

#[test]
fn scopes_in_recursion() {
    /// A tree whose levels are in families by turns.
    struct Tree {
        depth: usize,
        parts: Vec<Tree>,
    }
    const FAMILIES: [Lives; 3] = [Lives::Ast, Lives::Code, Lives::Request];
    fn grow(depth: usize) -> Tree {
        let _scope = ScopeGuard::enter(&FAMILIES[depth % 3]);
        let mut parts = Vec::new();
        if depth > 0 {
            for _ in 0..3 {
                parts.push(grow(depth - 1));
                // Growing happens after an inner scope has ended, and stays where it was.
                parts.shrink_to_fit();
            }
        }
        Tree { depth, parts }
    }
    fn verify(tree: &Tree) -> usize {
        if !tree.parts.is_empty() {
            assert_eq!(of(tree.parts.as_slice()), format!("{:?}", FAMILIES[tree.depth % 3]));
        }
        1 + tree.parts.iter().map(verify).sum::<usize>()
    }
    let tree = grow(7);
    assert_eq!(here(), "General");
    assert_eq!(verify(&tree), (3usize.pow(8) - 1) / 2);
}

#[test]
fn the_fallback_is_the_chosen_family_or_the_first() {
    #[alloc_family]
    enum Unchosen {
        One,
        Two,
    }
    #[alloc_family]
    enum Chosen {
        One,
        #[family(fallback, limit = "1 MiB")]
        Two,
    }
    // What is not there counts as neither a family nor a fallback.
    #[alloc_family]
    enum Conditional {
        #[cfg(any())]
        #[family(fallback)]
        Absent,
        #[cfg(target_pointer_width = "64")]
        Present,
        #[cfg(target_pointer_width = "64")]
        #[family(fallback)]
        Fallback,
        #[cfg(any())]
        #[family(fallback)]
        AbsentToo,
    }
    #[alloc_family]
    enum OnlyAbsent {
        #[cfg(any())]
        #[family(fallback)]
        Absent,
        Present,
        Other,
    }
    fn fallback<S: FamilySet>() -> &'static str {
        let start = raw::alloc_in_scope::<S>(core::alloc::Layout::new::<u32>()).unwrap();
        let found = query(start.as_ptr()).unwrap();
        // SAFETY: allocated above, and not used again.
        unsafe { raw::free::<S>(start).unwrap() };
        assert_eq!(found.family_index, S::FALLBACK);
        assert!(S::FAMILIES.iter().filter(|spec| spec.is_fallback()).count() <= 1);
        found.family
    }
    assert_eq!(fallback::<Unchosen>(), "One");
    assert_eq!(fallback::<Chosen>(), "Two");
    assert_eq!(fallback::<Conditional>(), "Fallback");
    assert_eq!(fallback::<OnlyAbsent>(), "Present");
    assert_eq!((Unchosen::FALLBACK, Chosen::FALLBACK, Lives::FALLBACK), (0, 1, 1));
    // Those that are not the fallback are families like others.
    assert_eq!((unchosen::Two::INDEX, chosen::One::INDEX, only_absent::Other::INDEX), (1, 0, 1));
    assert_eq!(conditional::Present::INDEX, 0);
}

/// Waits as often as it is told to, and allocates before, between and after.
struct Walker {
    left: usize,
    name: &'static str,
    made: LinkedList<u32>,
    seen: Arc<Mutex<Vec<(&'static str, &'static str)>>>,
}

impl Future for Walker {
    type Output = LinkedList<u32>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let left = self.left as u32;
        self.made.push_back(left);
        let seen = (self.name, of(self.made.back().unwrap()));
        self.seen.lock().unwrap().push(seen);
        if self.left == 0 {
            return Poll::Ready(std::mem::take(&mut self.made));
        }
        self.left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Walker {
    fn drop(&mut self) {
        self.seen.lock().unwrap().push((self.name, here()));
    }
}

type Seen = Arc<Mutex<Vec<(&'static str, &'static str)>>>;

fn walker(name: &'static str, left: usize, seen: &Seen) -> Walker {
    Walker { left, name, made: LinkedList::new(), seen: Arc::clone(seen) }
}

#[test]
fn futures_that_take_turns_are_each_in_their_own_scope() {
    let seen = Seen::default();
    let mut context = Context::from_waker(Waker::noop());
    let mut first = Box::pin(lives::Ast::scope_future(walker("Ast", 4, &seen)));
    let mut second = Box::pin(lives::Code::scope_future(async {
        // A scope within; what is awaited in it is polled in both.
        let inner = lives::Request::scope_future(walker("Request", 2, &seen)).await;
        assert_eq!(here(), "Code");
        let own = walker("Code", 1, &seen).await;
        (inner, own)
    }));
    let (mut made, mut both) = (None, None);
    while made.is_none() || both.is_none() {
        if made.is_none() {
            if let Poll::Ready(boxes) = first.as_mut().poll(&mut context) {
                made = Some(boxes);
            }
        }
        assert_eq!(here(), "General");
        lives::First::scope(|| {
            if both.is_none() {
                if let Poll::Ready(boxes) = second.as_mut().poll(&mut context) {
                    both = Some(boxes);
                }
            }
            assert_eq!(here(), "First");
        });
    }
    drop((first, second));
    let (inner, own) = both.unwrap();
    assert_eq!((made.unwrap().len(), inner.len(), own.len()), (5, 3, 2));
    let seen = seen.lock().unwrap();
    assert!(seen.iter().all(|(expected, family)| expected == family), "{seen:?}");
    // Each poll, and each drop.
    assert_eq!(seen.len(), 5 + 1 + 3 + 1 + 2 + 1);
    drop(seen);
    assert_eq!(here(), "General");
}

#[test]
fn a_future_that_is_given_up_is_dropped_in_its_scope() {
    let seen = Seen::default();
    let mut context = Context::from_waker(Waker::noop());
    let mut task = Box::pin(lives::Ast::scope_future(walker("Ast", 9, &seen)));
    assert!(task.as_mut().poll(&mut context).is_pending());
    lives::Code::scope(|| {
        drop(task);
        assert_eq!(here(), "Code");
    });
    assert_eq!(*seen.lock().unwrap(), [("Ast", "Ast"), ("Ast", "Ast")]);
    // One that was never polled.
    drop(lives::Code::scope_future(walker("Code", 1, &seen)));
    assert_eq!(seen.lock().unwrap().last(), Some(&("Code", "Code")));
    assert_eq!(here(), "General");
}

#[test]
fn a_poll_or_a_drop_that_panics_leaves_its_scope() {
    struct Bomb {
        defused: Cell<bool>,
    }
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(self.defused.get(), "dropped");
        }
    }
    let polled = async |bomb: Bomb| {
        assert_eq!(here(), "Ast");
        bomb.defused.set(true);
        panic!("polled");
    };
    let armed = || Bomb { defused: Cell::new(false) };
    let mut context = Context::from_waker(Waker::noop());
    let mut task = Box::pin(lives::Ast::scope_future(polled(armed())));
    let ended = catch_unwind(AssertUnwindSafe(|| {
        let _: Poll<()> = task.as_mut().poll(&mut context);
    }));
    assert!(ended.is_err());
    assert_eq!(here(), "General");
    drop(task);
    let unpolled = lives::Ast::scope_future(polled(armed()));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(unpolled))).is_err());
    assert_eq!(here(), "General");
}

/// Wakes nobody: the executor below polls what is there.
struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

#[test]
fn tasks_keep_their_families_as_they_wander_between_threads() {
    let _watchdog = Watchdog::of_seconds(50);
    let seen = Seen::default();
    let mut tasks: Vec<Task> = Vec::new();
    for _ in 0..40 {
        let pass = |walker: Walker| async { drop(walker.await) };
        tasks.push(Box::pin(lives::Ast::scope_future(pass(walker("Ast", 20, &seen)))));
        tasks.push(Box::pin(lives::Code::scope_future(pass(walker("Code", 20, &seen)))));
        tasks.push(Box::pin(pass(walker("General", 20, &seen))));
    }
    let queue = Mutex::new(tasks);
    thread::scope(|threads| {
        for thread in 0..4 {
            let queue = &queue;
            threads.spawn(move || {
                let waker = Waker::from(Arc::new(Nobody));
                let mut random = Random::new(thread);
                loop {
                    let mut queued = queue.lock().unwrap();
                    if queued.is_empty() {
                        break;
                    }
                    let at = random.below(queued.len());
                    let mut task = queued.swap_remove(at);
                    drop(queued);
                    if task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
                        queue.lock().unwrap().push(task);
                    }
                    assert_eq!(here(), "General");
                }
            });
        }
    });
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 120 * 22);
    assert!(seen.iter().all(|(expected, family)| expected == family));
}
