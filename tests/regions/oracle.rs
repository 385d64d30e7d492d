//! Random sequences of everything that a region can do, against a model: a list of live objects.
//!
//! Every object is filled with a pattern of its own; live objects of all regions never overlap; what a
//! region and its family say of themselves is what the model says; a walk visits exactly the model's
//! objects; destructors run in the reverse order; and when the region is gone, so is its memory.

use core::alloc::Layout;
use core::cell::RefCell;
use core::ptr::NonNull;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::common::{Random, all_are, one_at_a_time, times};
use famalloc::region::{Accept, AnyRegion, Drops, Forget, Kind, Tracked};
use famalloc::{
    AllocErrorKind, AnyFamily, FamilyKey, FamilyUse, Region, RegionBox, alloc_family, check,
    reclaim,
};

#[alloc_family]
enum Lives {
    Plain,
    #[family(isolate)]
    Alone,
    /// Isolated, so that whatever is not zero in it comes from itself.
    #[family(zero_on_free, isolate)]
    Secret,
    #[family(block = "1 MiB")]
    Bulk,
}

/// The bytes of a destructor's entry, and of what a checkpoint leaves free behind it.
const ENTRY: usize = 32;
const BARRIER: usize = 16;

/// What can be asked of a kind of region, whichever it is.
trait Probe: Kind + Accept<Canary> + Sized {
    /// Every object with its size, if the region knows.
    fn walked<F: FamilyKey>(_: &Region<F, Self>) -> Option<Vec<(usize, usize)>> {
        None
    }
    /// # Safety
    ///
    /// As for [`Region::sweep`].
    unsafe fn swept<F: FamilyKey>(
        _: &mut Region<F, Self>,
        _: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Option<usize> {
        None
    }
}

impl Probe for Forget {}
impl Probe for Drops<'static> {}
impl<K: Kind + Accept<Canary>> Probe for Tracked<K> {
    fn walked<F: FamilyKey>(region: &Region<F, Self>) -> Option<Vec<(usize, usize)>> {
        let mut found = Vec::new();
        region.walk(|start, bytes| found.push((start.addr().get(), bytes)));
        Some(found)
    }

    unsafe fn swept<F: FamilyKey>(
        region: &mut Region<F, Self>,
        keep: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Option<usize> {
        // SAFETY: passed on.
        Some(unsafe { region.sweep(|start, bytes| keep(start.addr().get(), bytes)) })
    }
}

/// A value that writes down when it is dropped.
struct Canary {
    id: u64,
    log: Rc<RefCell<Vec<u64>>>,
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.log.borrow_mut().push(self.id);
    }
}

#[derive(Clone, Copy)]
struct Object {
    start: NonNull<u8>,
    layout: Layout,
    pattern: u8,
    stamp: u64,
    /// Not filled, and not to be freed by itself.
    canary: bool,
}

/// The bytes that a family has taken.
fn committed_in<F: FamilyKey>(family: F) -> usize {
    let family = AnyFamily::<F::Set>::at(family.position()).unwrap();
    FamilyUse::totals(family).committed_bytes
}

fn room(bytes: usize) -> usize {
    bytes.next_multiple_of(8)
}

/// Objects of up to so many bytes are filled and looked at as a whole.
const SMALL: usize = 1024;

/// Which bytes of a larger one are filled and looked at.
fn positions(size: usize) -> impl Iterator<Item = usize> {
    (0..16).chain((16..size - 16).step_by(1021)).chain(size - 16..size)
}

impl Object {
    fn address(&self) -> usize {
        self.start.addr().get()
    }

    fn fill(&self) {
        let size = self.layout.size();
        if size <= SMALL {
            // SAFETY: a live object.
            return unsafe { self.start.write_bytes(self.pattern, size) };
        }
        for at in positions(size) {
            // SAFETY: within a live object.
            unsafe { self.start.add(at).write(self.pattern) };
        }
    }

    /// Of so many bytes that were filled, the first ones are as they were.
    fn verify(&self, filled: usize, len: usize) {
        if !self.canary {
            assert!(self.holds(self.pattern, filled, len), "{:?} was overwritten", self.layout);
        }
    }

    /// Whether of so many bytes that were filled, or are zero, the first ones are these.
    fn holds(&self, byte: u8, filled: usize, len: usize) -> bool {
        if filled <= SMALL {
            // SAFETY: within a live object, and written.
            return all_are(
                unsafe { NonNull::slice_from_raw_parts(self.start, len).as_ref() },
                byte,
            );
        }
        // SAFETY: within a live object, and written.
        let read = |at| unsafe { self.start.add(at).read() };
        positions(filled).filter(|&at| at < len).all(|at| read(at) == byte)
    }
}

/// The live objects of all regions of a test, and what they share.
struct World {
    ends: RefCell<BTreeMap<usize, usize>>,
    log: Rc<RefCell<Vec<u64>>>,
    random: RefCell<Random>,
    stamp: RefCell<u64>,
    /// Whether objects with alignments above 8 are made: then there are gaps.
    aligns: bool,
}

impl World {
    fn below(&self, bound: usize) -> usize {
        self.random.borrow_mut().below(bound)
    }

    fn stamp(&self) -> u64 {
        *self.stamp.borrow_mut() += 1;
        *self.stamp.borrow()
    }

    fn layout(&self) -> Layout {
        let size = 1 + match self.below(1000) {
            0..700 => self.below(64),
            700..960 => self.below(1 << 10),
            960..990 => self.below(16 << 10),
            990..998 => self.below(150 << 10),
            _ => self.below(3 << 20),
        };
        let align = match self.below(100) {
            _ if !self.aligns => 1 << self.below(4),
            0..60 => 8,
            60..95 => 1 << self.below(8),
            95..99 => 1 << self.below(13),
            _ => 1 << self.below(22),
        };
        Layout::from_size_align(size, align).unwrap()
    }

    fn enter(&self, start: usize, bytes: usize) {
        let mut ends = self.ends.borrow_mut();
        let (end, after) = (start + bytes, ends.range(start..).next());
        assert!(after.is_none_or(|(&next, _)| next >= end), "overlaps what lies behind it");
        let before = ends.range(..start).next_back();
        assert!(before.is_none_or(|(_, &before)| before <= start), "overlaps what is before it");
        ends.insert(start, end);
    }

    fn leave(&self, start: usize) {
        assert!(self.ends.borrow_mut().remove(&start).is_some());
    }
}

/// What one region is to hold.
#[derive(Default)]
struct Model {
    live: Vec<Object>,
    /// The most bytes that gaps and barriers may take.
    slack: usize,
}

impl Model {
    fn bytes(&self, drops: bool) -> usize {
        let entry = if drops { ENTRY } else { 0 };
        let bytes =
            |object: &Object| room(object.layout.size()) + if object.canary { entry } else { 0 };
        self.live.iter().map(bytes).sum()
    }

    /// Forgets the objects for which `gone`; returns the canaries among them, the latest first.
    fn forget(&mut self, world: &World, gone: impl Fn(&Object) -> bool) -> Vec<u64> {
        let mut canaries = Vec::new();
        self.live.retain(|object| {
            if gone(object) {
                world.leave(object.address());
                canaries.extend(object.canary.then_some(object.stamp));
            }
            !gone(object)
        });
        canaries.sort_by_key(|&stamp| core::cmp::Reverse(stamp));
        canaries
    }
}

/// Those destructors, and no other, have run in that order, if the region runs any.
fn assert_dropped<K: Kind>(world: &World, expected: Vec<u64>) {
    let expected = if K::DROPS { expected } else { Vec::new() };
    assert_eq!(world.log.take(), expected);
}

fn assert_as_modelled<F: FamilyKey, K: Probe>(region: &Region<F, K>, model: &Model) {
    let (found, least) = (region.usage(), model.bytes(K::DROPS));
    assert!((least..=least + model.slack).contains(&found.live_bytes), "{found:?}, {least}");
    assert!(found.live_bytes + found.free_bytes <= found.committed_bytes);
    assert_eq!(found.committed_bytes, region.allocated_bytes());
    for object in &model.live {
        object.verify(object.layout.size(), object.layout.size());
    }
    if let Some(walked) = K::walked(region) {
        let sizes = |object: &Object| (object.address(), room(object.layout.size()));
        let mut expected: Vec<_> = model.live.iter().map(sizes).collect();
        expected.sort_unstable();
        assert_eq!(walked, expected);
        assert_eq!(region.usage(), found, "a walk that changes nothing");
    }
}

/// A new object, unless a limit is reached.
fn alloc<F: FamilyKey, K: Probe>(world: &World, region: &Region<F, K>, model: &mut Model) {
    let stamp = world.stamp();
    let mut object = Object {
        start: NonNull::dangling(),
        layout: world.layout(),
        pattern: stamp as u8 | 1,
        stamp,
        canary: world.below(16) == 0,
    };
    let made = if object.canary {
        object.layout = Layout::new::<Canary>();
        let canary = Canary { id: stamp, log: Rc::clone(&world.log) };
        // A canary that finds no room is dropped; that is none of the region's destructors.
        let made = region.try_alloc(canary).map(|canary| NonNull::from(canary).cast());
        made.inspect_err(|_| assert_eq!(world.log.take(), [stamp]))
    } else if object.layout.size() == 40 {
        object.layout = Layout::new::<[u64; 5]>();
        region
            .try_boxed([0_u64; 5])
            .map(|boxed| NonNull::new(RegionBox::into_raw(boxed)).unwrap().cast())
    } else {
        region.alloc_layout(object.layout)
    };
    model.slack += object.layout.align().max(8) - 8 + if object.canary { ENTRY } else { 0 };
    match made {
        Ok(start) => {
            object.start = start;
            assert_eq!(object.address() % object.layout.align().max(8), 0);
            world.enter(object.address(), object.layout.size());
            if region.family().spec().zeroes_on_free() && !object.canary {
                assert!(object.holds(0, object.layout.size(), object.layout.size()));
            }
            if !object.canary {
                object.fill();
            }
            model.live.push(object);
        }
        Err(error) => assert_eq!(error.kind(), AllocErrorKind::Limit),
    }
}

/// Some object that may be freed.
fn any(world: &World, model: &Model) -> Option<usize> {
    let len = model.live.len();
    let at = match world.below(3) {
        // Often one of the latest.
        0 => len.checked_sub(1 + world.below(3))?,
        _ => world.below(len.max(1)),
    };
    model.live.get(at).filter(|object| !object.canary).map(|_| at)
}

fn free<F: FamilyKey, K: Probe>(world: &World, region: &Region<F, K>, model: &mut Model) {
    let Some(at) = any(world, model) else { return };
    // In order, so that the latest is the last.
    let object = model.live.remove(at);
    object.verify(object.layout.size(), object.layout.size());
    world.leave(object.address());
    if object.layout == Layout::new::<[u64; 5]>() {
        let raw = object.start.cast::<[u64; 5]>().as_ptr();
        // SAFETY: an object of this region with that layout, and of a type that accepts any bytes.
        drop(unsafe { RegionBox::from_raw_in(raw, region.allocator()) });
    } else {
        // SAFETY: live, from this region, with this layout.
        unsafe { region.free_layout(object.start, object.layout) };
    }
}

fn resize<F: FamilyKey, K: Probe>(world: &World, region: &Region<F, K>, model: &mut Model) {
    let Some(at) = any(world, model) else { return };
    let (old, mut layout) = (model.live[at], world.layout());
    if world.below(2) == 0 {
        let size = old.layout.size() / 2 + world.below(2 * old.layout.size()) + 1;
        layout = Layout::from_size_align(size, old.layout.align()).unwrap();
    }
    model.slack += layout.align().max(8) - 8;
    // SAFETY: live, from this region, with this layout.
    let Ok(start) = (unsafe { region.resize_layout(old.start, old.layout, layout) }) else {
        old.verify(old.layout.size(), old.layout.size());
        return;
    };
    let mut new = Object { start, layout, ..old };
    assert_eq!(new.address() % layout.align().max(8), 0);
    new.verify(old.layout.size(), old.layout.size().min(layout.size()));
    world.leave(old.address());
    world.enter(new.address(), layout.size());
    new.fill();
    if new.start != old.start {
        new.stamp = world.stamp();
        model.live.remove(at);
        model.live.push(new);
    } else {
        model.live[at] = new;
    }
}

/// Operations on a region that is shared; `outer` are those that it is in.
fn operate<F: FamilyKey, K: Probe>(
    world: &World,
    region: &Region<F, K>,
    model: &RefCell<Model>,
    outer: &[(&Region<F, K>, &RefCell<Model>)],
    steps: usize,
) {
    let depth = outer.len();
    let freeing = 20 + 20 * world.below(3);
    for _ in 0..steps {
        match world.below(400) {
            0..4 if steps > 8 => {
                let inner = RefCell::default();
                region.nested(|scope| {
                    let outer: Vec<_> = outer.iter().copied().chain([(region, model)]).collect();
                    operate(world, scope, &inner, &outer, steps.min(128) / 4);
                    let regions = outer.iter().map(|(region, _)| *region).chain([scope]);
                    let committed: usize = regions.map(Region::allocated_bytes).sum();
                    assert_eq!(committed_in(region.family()), committed);
                    assert_as_modelled(scope, &inner.borrow());
                    assert_as_modelled(region, &model.borrow());
                });
                let dropped = inner.borrow_mut().forget(world, |_| true);
                assert_dropped::<K>(world, dropped);
            }
            4..10 if steps > 8 => {
                let (checkpoint, stamp) = (region.checkpoint(), world.stamp());
                let slack = model.borrow().slack;
                model.borrow_mut().slack += BARRIER;
                operate(world, region, model, outer, steps.min(200) / 3);
                if world.below(4) > 0 {
                    // SAFETY: the model forgets what was allocated since.
                    unsafe { region.rewind(checkpoint) };
                    let gone = model.borrow_mut().forget(world, |object| object.stamp > stamp);
                    assert_dropped::<K>(world, gone);
                    model.borrow_mut().slack = slack;
                    assert_as_modelled(region, &model.borrow());
                }
            }
            16..30 if depth > 0 => {
                let (outer, model) = outer[world.below(depth)];
                match world.below(2) {
                    0 => alloc(world, outer, &mut model.borrow_mut()),
                    _ => free(world, outer, &mut model.borrow_mut()),
                }
            }
            30..34 => assert_as_modelled(region, &model.borrow()),
            34..60 => resize(world, region, &mut model.borrow_mut()),
            step if step % 100 < freeing => free(world, region, &mut model.borrow_mut()),
            _ => alloc(world, region, &mut model.borrow_mut()),
        }
    }
}

fn run<F: FamilyKey, K: Probe>(mut region: Region<F, K>, seed: u64) {
    const ROUNDS: usize = times(14, 2);
    let _alone = one_at_a_time();
    let world = World {
        ends: RefCell::default(),
        log: Rc::default(),
        random: RefCell::new(Random::new(seed)),
        stamp: RefCell::default(),
        aligns: seed % 2 == 0,
    };
    let family = region.family();
    let model = RefCell::new(Model::default());
    let all_gone = |region: &Region<F, K>| {
        let gone = model.borrow_mut().forget(&world, |_| true);
        assert_dropped::<K>(&world, gone);
        model.borrow_mut().slack = 0;
        assert_as_modelled(region, &model.borrow());
        assert_eq!(region.usage().free_bytes, 0);
    };
    for _ in 0..ROUNDS {
        let steps = 1 << (3 + world.below(times(7, 2)));
        operate(&world, &region, &model, &[], steps);
        match world.below(7) {
            0..2 => {
                let before = region.allocated_bytes();
                region.reset();
                all_gone(&region);
                assert!(region.allocated_bytes() <= before && region.usage().chunks <= 1);
                if world.below(2) == 0 {
                    let before = region.allocated_bytes();
                    assert_eq!(region.shrink(), before);
                    assert_eq!(region.usage().chunks, 0);
                }
            }
            2..4 => {
                let before = region.allocated_bytes();
                let gone = region.shrink();
                assert_eq!(region.allocated_bytes(), before - gone);
            }
            4 => {
                let more = world.below(4) * world.below(200 << 10);
                region.set_limit(Some(region.allocated_bytes() + more));
            }
            5 => region.set_limit(None),
            _ => sweep(&world, &mut region, &mut model.borrow_mut()),
        }
        assert_as_modelled(&region, &model.borrow());
        assert_eq!(committed_in(family), region.allocated_bytes());
        assert!(region.limit().is_none_or(|limit| region.allocated_bytes() <= limit));
        check().unwrap();
    }
    drop(region);
    let gone = model.borrow_mut().forget(&world, |_| true);
    assert_dropped::<K>(&world, gone);
    assert_eq!(committed_in(family), 0);
    check().unwrap();
    // What was forgotten instead of dropped had its share of the log, and nobody will give that up.
    for _ in 1..Rc::strong_count(&world.log) {
        assert!(!K::DROPS, "an object was not dropped");
        // SAFETY: one of those shares.
        unsafe { Rc::decrement_strong_count(Rc::as_ptr(&world.log)) };
    }
    if seed % 5 == 0 {
        reclaim(usize::MAX);
    }
}

fn sweep<F: FamilyKey, K: Probe>(world: &World, region: &mut Region<F, K>, model: &mut Model) {
    let part = world.below(100);
    let mut declined = Vec::new();
    let mut visited = 0;
    let all: BTreeMap<_, _> = model.live.iter().map(|object| (object.address(), object)).collect();
    let mut keep = |start: usize, bytes: usize| {
        visited += 1;
        let object = all[&start];
        assert_eq!(room(object.layout.size()), bytes);
        let keep = world.below(100) < part || (object.canary && K::DROPS);
        declined.extend((!keep).then_some(start));
        keep
    };
    // SAFETY: the model forgets what is declined, and all checkpoints have gone.
    let Some(freed) = (unsafe { K::swept(region, &mut keep) }) else { return };
    assert_eq!((visited, freed), (model.live.len(), declined.len()));
    model.forget(world, |object| declined.binary_search(&object.address()).is_ok());
}

macro_rules! runs {
    ($($name:ident: $family:ident, $kind:ty;)*) => {
        $(#[test]
        fn $name() {
            for seed in 0..times(7, 1) as u64 {
                run(Region::<lives::$family, $kind>::new(), seed);
            }
            for seed in 7..7 + times(3, 1) as u64 {
                run(AnyRegion::<Lives, $kind>::new_in(Lives::$family.into()), seed);
            }
        })*
    };
}

runs! {
    plain_and_forgets: Plain, Forget;
    plain_and_tracked: Plain, Tracked;
    plain_and_drops: Plain, Drops<'static>;
    plain_tracked_and_drops: Plain, Tracked<Drops<'static>>;
    isolated_and_forgets: Alone, Forget;
    isolated_and_tracked: Alone, Tracked;
    zeroing_and_forgets: Secret, Forget;
    zeroing_tracked_and_drops: Secret, Tracked<Drops<'static>>;
    large_blocks_and_drops: Bulk, Drops<'static>;
    large_blocks_and_tracked: Bulk, Tracked;
}
