//! A pool and its front against a model of them: which object is handed out, and which destroyed.

use std::collections::VecDeque;

use famalloc::object_alloc::{FamilyObjectAlloc, Lent};
use famalloc::pool::{Pooled, Retention};
use famalloc::{AnyFamily, FamilyBox, FamilyKey, Pool, query};

use crate::common::{Random, assert_all_given_back, one_at_a_time, times, usage};
use crate::{
    Books, CANARY, CAPACITY, Front, InFront, Lives, Probe, books, dropped,
    everything_was_dropped_once, lives, made, pool, pool_in,
};

/// An idle object of the model's.
struct Idle {
    id: usize,
    /// In which period it came.
    since: usize,
    /// It lay idle for a whole period, and has not been used since.
    due: bool,
}

/// What a pool and a front of it are to do, told object by object: the oldest idle one first.
///
/// Where the pool counts low-water marks, the model remembers of each object since when it is idle.
#[derive(Default)]
struct Model {
    idle: VecDeque<Idle>,
    front: Vec<usize>,
    /// What the front has not told of yet.
    front_reused: usize,
    period: usize,
    hand_backs: usize,
    most: usize,
    /// As in [`Retention`]: a part, how many hand-backs make a period, how many go at its end.
    one_in: usize,
    every: usize,
    step: usize,
    made: usize,
    reused: usize,
    released: usize,
    resets: Vec<u32>,
    drops: Vec<u32>,
}

impl Model {
    fn make(&mut self) -> usize {
        self.resets.push(0);
        self.drops.push(0);
        self.drops.len() - 1
    }

    fn get(&mut self) -> usize {
        match self.idle.pop_back() {
            Some(idle) => {
                self.reused += 1;
                idle.id
            }
            None => {
                self.made += 1;
                self.make()
            }
        }
    }

    fn front_get(&mut self) -> usize {
        if self.front.is_empty() {
            self.reused += std::mem::take(&mut self.front_reused);
            let from = self.idle.len().saturating_sub(CAPACITY / 2);
            self.front.extend(self.idle.drain(from..).map(|idle| idle.id));
        }
        match self.front.pop() {
            Some(id) => {
                self.front_reused += 1;
                id
            }
            None => {
                self.made += 1;
                self.make()
            }
        }
    }

    fn destroy(&mut self, id: usize) {
        self.drops[id] += 1;
        self.released += 1;
    }

    fn turn(&mut self) {
        if self.one_in > 0 {
            let unused = self.idle.iter().filter(|idle| idle.since < self.period).count();
            let due = unused.div_ceil(self.one_in);
            self.idle.iter_mut().take(due).for_each(|idle| idle.due = true);
        }
        self.period += 1;
        self.hand_backs = 0;
    }

    fn release_due(&mut self, most: usize) -> usize {
        let due = self.idle.iter().take(most).take_while(|idle| idle.due).count();
        for _ in 0..due {
            let idle = self.idle.pop_front().unwrap();
            self.destroy(idle.id);
        }
        due
    }

    /// An object that was reset already arrives.
    fn arrive(&mut self, id: usize) {
        let fits = self.idle.len() < self.most;
        if fits {
            self.idle.push_back(Idle { id, since: self.period, due: false });
        } else {
            self.destroy(id);
        }
        self.hand_backs += 1;
        if self.hand_backs == self.every {
            self.turn();
        }
        if fits {
            self.release_due(2);
        }
    }

    fn put(&mut self, id: usize) {
        self.resets[id] += 1;
        self.arrive(id);
    }

    fn front_put(&mut self, id: usize) {
        self.resets[id] += 1;
        let oldest = if self.front.len() == CAPACITY { CAPACITY / 2 } else { 0 };
        if oldest > 0 {
            self.reused += std::mem::take(&mut self.front_reused);
        }
        let oldest: Vec<_> = self.front.drain(..oldest).collect();
        self.front.push(id);
        oldest.into_iter().for_each(|id| self.arrive(id));
    }

    fn flush(&mut self) {
        self.reused += std::mem::take(&mut self.front_reused);
        for id in std::mem::take(&mut self.front) {
            self.arrive(id);
        }
    }

    fn trim(&mut self, keep: usize) -> usize {
        let beyond = self.idle.len().saturating_sub(keep);
        for _ in 0..beyond {
            let idle = self.idle.pop_front().unwrap();
            self.destroy(idle.id);
        }
        beyond
    }

    fn end_period(&mut self) -> usize {
        self.turn();
        self.release_due(self.step)
    }
}

/// Everything that is in use, with the number that the model gave it.
struct InUse<'f, 'p, F: FamilyKey> {
    pooled: Vec<(usize, Pooled<'p, Probe, F>)>,
    fronted: Vec<(usize, InFront<'f, 'p, F>)>,
    boxes: Vec<(usize, FamilyBox<Probe, F>)>,
}

fn take_any<T>(from: &mut Vec<T>, random: &mut Random) -> Option<T> {
    if from.is_empty() { None } else { Some(from.swap_remove(random.below(from.len()))) }
}

fn step<'f, 'p, F: FamilyKey>(
    pool: &'p Pool<Probe, F>,
    front: &'f Front<'p, F>,
    model: &mut Model,
    used: &mut InUse<'f, 'p, F>,
    random: &mut Random,
    growing: bool,
) {
    // A pool that tends to be used more, and then less.
    let bias = if growing { 0 } else { 24 };
    match (random.below(64) + bias) % 88 {
        0..18 => used.pooled.push((model.get(), pool.get())),
        18..36 => used.fronted.push((model.front_get(), front.get())),
        36..48 => {
            if let Some((id, object)) = take_any(&mut used.pooled, random) {
                drop(object);
                model.put(id);
            }
        }
        48..60 => {
            if let Some((id, object)) = take_any(&mut used.fronted, random) {
                drop(object);
                model.front_put(id);
            }
        }
        60..63 => {
            let detached = take_any(&mut used.pooled, random);
            used.boxes.extend(detached.map(|(id, object)| (id, Pooled::detach(object))));
            let detached = take_any(&mut used.fronted, random);
            used.boxes.extend(detached.map(|(id, object)| (id, Lent::detach(object))));
        }
        63 => used.boxes.push((model.make(), FamilyBox::new_in(Probe::new(), pool.family()))),
        64..70 => match (take_any(&mut used.boxes, random), random.below(3)) {
            (Some((id, object)), 0) => {
                pool.put(object);
                model.put(id);
            }
            (Some((id, object)), 1) => {
                front.put(object);
                model.front_put(id);
            }
            (Some((id, object)), _) => {
                drop(object);
                model.drops[id] += 1;
            }
            _ => {}
        },
        70..76 => assert_eq!(pool.end_period(), model.end_period()),
        76 => {
            let keep = random.below(60);
            assert_eq!(pool.trim(keep), model.trim(keep));
        }
        77 => {
            front.flush();
            model.flush();
        }
        78 if random.below(10) == 0 => {
            pool.clear();
            model.trim(0);
        }
        _ => {
            // A burst: what a frame or a request does.
            let count = random.below(40);
            let burst: Vec<_> = (0..count).map(|_| (model.get(), pool.get())).collect();
            for (id, object) in burst {
                assert_eq!(object.id, id);
                drop(object);
                model.put(id);
            }
        }
    }
}

fn agrees<F: FamilyKey>(pool: &Pool<Probe, F>, front: &Front<'_, F>, model: &Model) {
    let counts = pool.counts();
    assert_eq!(
        (counts.idle, counts.made, counts.reused, counts.released, front.len()),
        (model.idle.len(), model.made, model.reused, model.released, model.front.len())
    );
}

fn books_agree(model: &Model) {
    books(|books| {
        assert_eq!(books.resets, model.resets);
        assert_eq!(books.drops, model.drops);
    });
}

fn follows_the_model<F: FamilyKey>(family: F, seed: u64, retention: Retention, mut model: Model) {
    books(|books| *books = Books::default());
    let mut random = Random::new(seed);
    {
        let pool = pool_in(family).with_retention(retention);
        let front = pool.front();
        let mut used = InUse { pooled: Vec::new(), fronted: Vec::new(), boxes: Vec::new() };
        for round in 0..times(6000, 36) {
            let growing = round / 500 % 2 == 0;
            step(&pool, &front, &mut model, &mut used, &mut random, growing);
            agrees(&pool, &front, &model);
            if let Some((id, object)) = used.pooled.last() {
                assert_eq!((object.id, object.canary), (*id, CANARY ^ *id as u64));
            }
            if let Some((id, object)) = used.fronted.last() {
                assert_eq!((object.id, object.canary), (*id, CANARY ^ *id as u64));
            }
            if round % 100 == 0 {
                books_agree(&model);
                if let Some((_, object)) = used.boxes.last() {
                    assert_eq!(query(&raw const **object).unwrap().family, "Probe");
                }
                let live = made() - dropped();
                let arrays = usage::<lives::Probe>().live_objects - live;
                assert!(arrays <= model.idle.len() / 28 + 3, "{arrays} arrays");
            }
        }
        assert!(
            cfg!(miri) || (model.made > 200 && model.reused > 1000),
            "{} {}",
            model.made,
            model.reused
        );
        books_agree(&model);
    }
    everything_was_dropped_once();
    assert_all_given_back::<Lives>();
}

#[test]
fn it_does_what_the_model_does() {
    let _alone = one_at_a_time();
    let model = || Model { most: usize::MAX, step: 64, ..Model::default() };
    for seed in 0..times(3, 1) as u64 {
        for (retention, model) in [
            (Retention::everything(), model()),
            (Retention::everything().at_most(20), Model { most: 20, ..model() }),
            (Retention::working_set(), Model { one_in: 1, ..model() }),
            (
                Retention::working_set().one_in(3).every(40).at_most(100),
                Model { one_in: 3, every: 40, most: 100, ..model() },
            ),
            (
                Retention::working_set().every(70).step(3),
                Model { one_in: 1, every: 70, step: 3, ..model() },
            ),
            (Retention::working_set().one_in(2).step(1), Model { one_in: 2, step: 1, ..model() }),
        ] {
            match seed {
                2 => follows_the_model(AnyFamily::from(Lives::Probe), seed, retention, model),
                _ => follows_the_model(lives::Probe, seed, retention, model),
            }
        }
    }
}

#[test]
fn a_frame_keeps_what_frames_need() {
    let _alone = one_at_a_time();
    let pool = pool().with_retention(Retention::working_set());
    let frame = |need: usize| {
        drop((0..need).map(|_| pool.get()).collect::<Vec<_>>());
        pool.end_period();
        pool.len()
    };
    // One large frame among small ones: what it needed beyond them goes with the next frame's end.
    assert_eq!([5, 5, 50, 5, 5].map(frame), [5, 5, 50, 5, 5]);
    assert_eq!(made(), 50);
    // At most 64 go at once, and two with each hand-back.
    assert_eq!([200, 5, 5, 5].map(frame), [200, 136, 62, 5]);
    assert_eq!([0, 0].map(frame), [0, 0]);
    drop(pool);
    assert_all_given_back::<Lives>();
}
