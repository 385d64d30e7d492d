//! Pools, over a page source that fails: no object is in two hands at once, each is reset before it is
//! used again, and each is dropped once.

use std::sync::atomic::{AtomicUsize, Ordering};

use famalloc::object_alloc::Lent;
use famalloc::pool::{PoolFront, Pooled, Retention};
use famalloc::{FamilyBox, FamilyUse, Pool, alloc_family, check, flush};

use crate::counting;
use crate::input::{Input, Random};
use crate::source::{CALLS, Scheduled};

static PAGES: Scheduled = Scheduled::new(1 << 40);
static MADE: AtomicUsize = AtomicUsize::new(0);
static DROPPED: AtomicUsize = AtomicUsize::new(0);

/// Of the pools' objects.
#[alloc_family(source = PAGES)]
enum Lives {
    Probe,
}

type Probes = Pool<Probe, lives::Probe>;

const WHOLE: u64 = 0x0DDB_A115_0DDB_A115;

/// An object that knows whether it is in use.
struct Probe {
    canary: u64,
    used: bool,
    /// As large as a few others.
    _room: [u64; 5],
    /// Of another allocator, which sees what becomes of it.
    name: Box<u64>,
}

impl Probe {
    fn new() -> Self {
        let number = MADE.fetch_add(1, Ordering::Relaxed) as u64;
        Self { canary: WHOLE ^ number, used: false, _room: [number; 5], name: Box::new(number) }
    }

    fn reset(&mut self) {
        self.verify();
        self.used = false;
    }

    fn verify(&self) {
        assert_eq!(self.canary, WHOLE ^ *self.name, "no probe");
    }

    fn take(&mut self) {
        self.verify();
        assert!(!self.used, "in use already");
        self.used = true;
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.verify();
        self.canary = 0;
        DROPPED.fetch_add(1, Ordering::Relaxed);
    }
}

/// Everything that is in use.
#[derive(Default)]
struct Used<'f, 'p> {
    pooled: Vec<Pooled<'p, Probe, lives::Probe>>,
    fronted: Vec<Lent<'f, Probe, PoolFront<'p, Probe, lives::Probe>>>,
    boxes: Vec<FamilyBox<Probe, lives::Probe>>,
}

fn any<T>(from: &mut Vec<T>, at: usize) -> Option<T> {
    if from.is_empty() { None } else { Some(from.swap_remove(at % from.len())) }
}

impl<'f, 'p> Used<'f, 'p> {
    fn get(&mut self, pool: &'p Probes) {
        let refused = PAGES.refused();
        match pool.try_get() {
            Ok(mut probe) => {
                probe.take();
                self.pooled.push(probe);
            }
            Err(error) => assert!(PAGES.refused() > refused, "{error}"),
        }
    }

    fn front_get(&mut self, front: &'f PoolFront<'p, Probe, lives::Probe>) {
        let refused = PAGES.refused();
        match front.try_get() {
            Ok(mut probe) => {
                probe.take();
                self.fronted.push(probe);
            }
            Err(error) => assert!(PAGES.refused() > refused, "{error}"),
        }
    }
}

fn retention(input: &mut Input) -> Retention {
    let retention = match input.byte() % 3 {
        0 => Retention::everything(),
        _ => Retention::working_set().one_in(1 + input.below(4)),
    };
    let retention = retention.step(1 + input.below(70)).at_most(input.below(300));
    if input.byte() % 2 == 0 { retention.every(1 + input.below(100)) } else { retention }
}

/// Three threads take and give at once.
fn crowd(pool: &Probes, seed: usize) {
    std::thread::scope(|scope| {
        let threads = [0, 1, 2].map(|thread| {
            scope.spawn(move || {
                let mut random = Random::new((seed * 3 + thread) as u64);
                let front = pool.front();
                let mut used = Used::default();
                for _ in 0..300 {
                    match random.below(6) {
                        0 | 1 => used.get(pool),
                        2 => used.front_get(&front),
                        3 => drop(any(&mut used.pooled, random.below(1 << 16))),
                        4 => drop(any(&mut used.fronted, random.below(1 << 16))),
                        _ if random.below(30) == 0 => drop(pool.trim(random.below(50))),
                        _ if random.below(30) == 0 => drop(pool.end_period()),
                        _ => {}
                    }
                }
            })
        });
        // Their magazines have gone when they are joined, not before.
        threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
    });
}

/// Does what an input says.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut operations = 0;
    {
        let pool = Probes::new_in(Probe::new, lives::Probe).with_reset(Probe::reset);
        let pool = pool.with_retention(retention(&mut input));
        let front = pool.front();
        let mut used = Used::default();
        let made_before = MADE.load(Ordering::Relaxed);
        while !input.is_over() {
            operations += 1;
            match input.byte() {
                0..50 => used.get(&pool),
                50..100 => used.front_get(&front),
                100..130 => drop(any(&mut used.pooled, input.short())),
                130..160 => drop(any(&mut used.fronted, input.short())),
                160..170 => {
                    let pooled = any(&mut used.pooled, input.short());
                    used.boxes.extend(pooled.map(Pooled::detach));
                }
                170..180 => {
                    let fronted = any(&mut used.fronted, input.short());
                    used.boxes.extend(fronted.map(Lent::detach));
                }
                180..190 => match (any(&mut used.boxes, input.short()), input.byte() % 3) {
                    (Some(probe), 0) => pool.put(probe),
                    (Some(probe), 1) => front.put(probe),
                    (probe, _) => drop(probe),
                },
                190..196 => {
                    if let Ok(mut probe) = FamilyBox::try_new_in(Probe::new(), lives::Probe) {
                        probe.take();
                        used.boxes.push(probe);
                    }
                }
                196..204 => {
                    let count = input.below(200);
                    operations += 2 * count as u64;
                    (0..count).for_each(|_| used.get(&pool));
                    used.pooled.truncate(used.pooled.len().saturating_sub(count));
                }
                204..210 => drop(pool.end_period()),
                210..216 => drop(pool.trim(input.below(100))),
                216..220 => front.flush(),
                220..222 => pool.clear(),
                222..225 => {
                    crowd(&pool, input.short());
                    operations += 900;
                }
                225..240 => {
                    let (call, after) = (input.below(CALLS), input.below(6));
                    PAGES.fail(call, after, 1 + input.below(6));
                }
                240..250 => PAGES.recover(),
                250..253 => drop(flush()),
                253.. => check().expect("all is whole"),
            }
            let counts = pool.counts();
            assert!(
                counts.idle == pool.len()
                    && counts.released <= counts.made + used.boxes.len() + operations as usize
            );
            let in_hands = used.pooled.len() + used.fronted.len() + used.boxes.len() + front.len();
            let alive = MADE.load(Ordering::Relaxed) - DROPPED.load(Ordering::Relaxed);
            assert_eq!(alive, in_hands + counts.idle, "lost, or twice there");
            assert!(MADE.load(Ordering::Relaxed) - made_before >= counts.made);
        }
    }
    PAGES.recover();
    assert_eq!(MADE.load(Ordering::Relaxed), DROPPED.load(Ordering::Relaxed));
    check().expect("all is whole");
    flush();
    let left = FamilyUse::of(lives::Probe);
    assert_eq!((left.live_objects, left.committed_bytes), (0, 0));
    counting::add(operations);
}
