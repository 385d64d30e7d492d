//! Regions of every kind, with regions in regions and checkpoints, over a page source that fails.

use std::alloc::Layout;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::rc::Rc;

use famalloc::region::{Accept, Drops, Forget, Kind, Tracked};
use famalloc::{AllocError, AllocErrorKind, Family, FamilyUse, Region, alloc_family, check, flush};

use crate::counting;
use crate::input::Input;
use crate::memory::{Live, Ranges, Road};
use crate::source::{CALLS, Scheduled};

static PAGES: Scheduled = Scheduled::new(1 << 40);

/// Of every kind.
#[alloc_family(source = PAGES)]
enum Lives {
    Plain,
    #[family(isolate, zero_on_free)]
    Secret,
    #[family(block = "1 MiB", limit = "4 MiB")]
    Bulk,
}

/// No region holds more objects, and all together no more bytes.
const MOST: usize = 3_000;
const MOST_BYTES: usize = 40 << 20;

/// What can be asked of a kind of region, whichever it is.
trait Probe: Kind + Accept<Canary> + Sized {
    /// Every object with its size, if the region knows.
    fn walked<F: Family>(_: &Region<F, Self>) -> Option<BTreeMap<usize, usize>> {
        None
    }

    /// # Safety
    ///
    /// As for [`Region::sweep`].
    unsafe fn swept<F: Family>(
        _: &mut Region<F, Self>,
        _: &mut dyn FnMut(usize) -> bool,
    ) -> Option<usize> {
        None
    }
}

impl Probe for Forget {}
impl Probe for Drops<'static> {}
impl<K: Kind + Accept<Canary>> Probe for Tracked<K> {
    fn walked<F: Family>(region: &Region<F, Self>) -> Option<BTreeMap<usize, usize>> {
        let mut found = BTreeMap::new();
        region.walk(|start, bytes| assert_eq!(found.insert(start.addr().get(), bytes), None));
        assert_eq!(found.len(), region.objects());
        Some(found)
    }

    unsafe fn swept<F: Family>(
        region: &mut Region<F, Self>,
        keep: &mut dyn FnMut(usize) -> bool,
    ) -> Option<usize> {
        // SAFETY: passed on.
        Some(unsafe { region.sweep(|start, _| keep(start.addr().get())) })
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

struct Object {
    live: Live,
    stamp: u64,
    canary: bool,
}

/// What all regions of a run share.
struct World {
    input: Input,
    ranges: Ranges,
    log: Rc<RefCell<Vec<u64>>>,
    stamp: u64,
    /// Whether the outermost region has a limit, against which nested ones count, too.
    limited: bool,
    operations: u64,
}

type Level<'r, F, K> = (&'r Region<F, K>, &'r RefCell<Vec<Object>>);

impl World {
    fn expect<F: Family>(&self, error: AllocError, refused: u64) {
        let may_be = match error.kind() {
            AllocErrorKind::Limit => F::SPEC.limit_bytes().is_some() || self.limited,
            AllocErrorKind::Commit | AllocErrorKind::AddressSpace => PAGES.refused() > refused,
            _ => false,
        };
        assert!(may_be, "{error}");
    }

    fn layout(&mut self) -> Layout {
        let layout =
            self.input.layout((MOST_BYTES - self.ranges.bytes.min(MOST_BYTES)).min(5 << 20));
        Layout::from_size_align(layout.size().max(1), layout.align()).expect("small")
    }

    fn enter(&mut self, objects: &mut Vec<Object>, live: Live, canary: bool) {
        self.ranges.enter(&live);
        if !canary {
            live.fill();
        }
        objects.push(Object { live, stamp: self.stamp, canary });
    }

    fn alloc<F: Family, K: Probe>(&mut self, (region, objects): Level<'_, F, K>) {
        let mut objects = objects.borrow_mut();
        if objects.len() >= MOST {
            return;
        }
        self.stamp += 1;
        let (refused, canary) = (PAGES.refused(), self.input.byte() < 24);
        let layout = if canary { Layout::new::<Canary>() } else { self.layout() };
        let made = if canary {
            let canary = Canary { id: self.stamp, log: Rc::clone(&self.log) };
            let made = region.try_alloc(canary).map(|canary| NonNull::from(canary).cast());
            // One that finds no room is dropped; that is none of the region's destructors.
            made.inspect_err(|_| assert_eq!(self.log.take(), [self.stamp]))
        } else {
            region.alloc_layout(layout)
        };
        match made {
            Ok(start) => {
                let pattern = self.stamp as u8 | 1;
                let live = Live { start, layout, pattern, family: F::INDEX, road: Road::Layout };
                if F::SPEC.zeroes_on_free() && F::SPEC.is_isolated() && !canary {
                    live.assert_zero_from(0);
                }
                self.enter(&mut objects, live, canary);
            }
            Err(error) => self.expect::<F>(error, refused),
        }
    }

    /// Takes an object out of the model that may be freed by itself; often one of the latest.
    fn take(&mut self, objects: &mut Vec<Object>) -> Option<(usize, Live)> {
        let (how, at) = (self.input.byte(), self.input.short());
        let at = match how % 3 {
            0 => objects.len().checked_sub(1 + usize::from(how) / 3 % 4)?,
            _ => at % objects.len().max(1),
        };
        if objects.get(at)?.canary {
            return None;
        }
        let object = objects.remove(at);
        object.live.verify();
        self.ranges.leave(&object.live);
        Some((at, object.live))
    }

    fn free<F: Family, K: Probe>(&mut self, (region, objects): Level<'_, F, K>) {
        if let Some((_, live)) = self.take(&mut objects.borrow_mut()) {
            // SAFETY: live, from this region, with this layout.
            unsafe { region.free_layout(live.start, live.layout) };
        }
    }

    fn resize<F: Family, K: Probe>(&mut self, (region, objects): Level<'_, F, K>) {
        let objects = &mut objects.borrow_mut();
        let stamps: Vec<_> = objects.iter().map(|object| object.stamp).collect();
        let Some((at, mut live)) = self.take(objects) else { return };
        let mut new = self.layout();
        if self.input.byte() % 2 == 0 {
            let size = live.layout.size() / 2 + self.input.below(256) + 1;
            new = Layout::from_size_align(size, live.layout.align()).expect("small");
        }
        let (refused, before) = (PAGES.refused(), live.start);
        // SAFETY: live, from this region, with this layout.
        let moved = unsafe { region.resize_layout(live.start, live.layout, new) };
        let mut stamp = stamps[at];
        match moved {
            Ok(start) => {
                live.moved(start, new);
                live.fill();
                if start != before {
                    self.stamp += 1;
                    stamp = self.stamp;
                }
            }
            Err(error) => self.expect::<F>(error, refused),
        }
        self.ranges.enter(&live);
        let at = if live.start == before { at } else { objects.len() };
        objects.insert(at, Object { live, stamp, canary: false });
    }

    /// The objects that go are forgotten; their destructors have run, the latest first, and no others.
    fn gone<K: Kind>(&mut self, objects: &mut Vec<Object>, gone: impl Fn(&Object) -> bool) {
        let (went, stay): (Vec<_>, Vec<_>) = std::mem::take(objects).into_iter().partition(gone);
        *objects = stay;
        let mut expected: Vec<_> =
            went.iter().filter(|object| object.canary).map(|object| object.stamp).collect();
        expected.sort_by_key(|&stamp| std::cmp::Reverse(stamp));
        went.iter().for_each(|object| self.ranges.leave(&object.live));
        let expected = if K::DROPS { expected } else { Vec::new() };
        assert_eq!(self.log.take(), expected, "destructors");
    }

    fn compare<F: Family, K: Probe>(&self, (region, objects): Level<'_, F, K>) {
        let objects = objects.borrow();
        objects.iter().filter(|object| !object.canary).for_each(|object| object.live.verify());
        let used = region.usage();
        let least: usize = objects.iter().map(|object| object.live.layout.size()).sum();
        assert!(
            used.live_bytes >= least && used.committed_bytes >= used.live_bytes + used.free_bytes
        );
        if let Some(walked) = K::walked(region) {
            let room = |object: &Object| object.live.layout.size().next_multiple_of(8);
            let all = objects.iter().map(|object| (object.live.address(), room(object)));
            assert_eq!(walked, all.collect(), "a walk");
        }
    }

    /// Operations on a region that is shared, until it is to be gone on in the one around it.
    fn operate<F: Family, K: Probe>(&mut self, levels: &[Level<'_, F, K>], depth: usize) {
        let top = levels[levels.len() - 1];
        while !self.input.is_over() {
            self.operations += 1;
            match self.input.byte() {
                0..90 => self.alloc(top),
                90..140 => self.free(top),
                140..160 => self.resize(top),
                160..172 => {
                    // In one of the regions around.
                    let outer = levels[self.input.below(levels.len())];
                    if self.input.byte() % 2 == 0 { self.alloc(outer) } else { self.free(outer) }
                }
                172..182 if depth < 12 => {
                    let inner = RefCell::default();
                    top.0.nested(|region| {
                        let all: Vec<_> =
                            levels.iter().copied().chain([(region, &inner)]).collect();
                        self.operate(&all, depth + 1);
                        self.compare((region, &inner));
                    });
                    self.gone::<K>(&mut inner.borrow_mut(), |_| true);
                }
                182..192 if depth < 12 => {
                    let checkpoint = top.0.checkpoint();
                    self.stamp += 1;
                    let stamp = self.stamp;
                    self.operate(levels, depth + 1);
                    if self.input.byte() % 4 > 0 {
                        // SAFETY: the model forgets what was allocated since.
                        unsafe { top.0.rewind(checkpoint) };
                        self.gone::<K>(&mut top.1.borrow_mut(), |object| object.stamp > stamp);
                        self.compare(top);
                    }
                }
                192..200 => self.compare(top),
                200..212 => {
                    let count = self.input.below(200);
                    for _ in 0..count {
                        self.operations += 1;
                        self.alloc(top);
                    }
                }
                212..222 => {
                    let (call, after) = (self.input.below(CALLS), self.input.below(8));
                    PAGES.fail(call, after, 1 + self.input.below(6));
                }
                222..228 => PAGES.recover(),
                228 => check().expect("all is whole"),
                229..232 => drop(flush()),
                232..235 => PAGES.pass_time(200),
                _ if depth > 0 || self.input.byte() % 4 == 0 => return,
                _ => {}
            }
        }
    }

    fn run<F: Family, K: Probe>(&mut self) {
        let mut region = Region::<F, K>::new();
        let objects = RefCell::new(Vec::new());
        while !self.input.is_over() {
            self.operate(&[(&region, &objects)], 0);
            self.operations += 1;
            match self.input.byte() % 8 {
                0 | 1 => {
                    region.reset();
                    self.gone::<K>(&mut objects.borrow_mut(), |_| true);
                    assert!(region.usage().chunks <= 1 && region.usage().live_bytes == 0);
                }
                2 => {
                    let before = region.allocated_bytes();
                    let went = region.shrink();
                    assert_eq!(region.allocated_bytes(), before - went);
                }
                3 => {
                    let more = self.input.below(256) << 14;
                    region.set_limit(Some(region.allocated_bytes() + more));
                    self.limited = true;
                }
                4 => {
                    region.set_limit(None);
                    self.limited = false;
                }
                5 | 6 => self.sweep(&mut region, &mut objects.borrow_mut()),
                _ => {
                    let whole = std::mem::take(&mut region);
                    drop(whole);
                    self.limited = false;
                    self.gone::<K>(&mut objects.borrow_mut(), |_| true);
                }
            }
            self.compare((&region, &objects));
            assert_eq!(FamilyUse::of(F::default()).committed_bytes, region.allocated_bytes());
            assert!(region.limit().is_none_or(|limit| region.allocated_bytes() <= limit));
        }
        PAGES.recover();
        drop(region);
        self.gone::<K>(&mut objects.borrow_mut(), |_| true);
        check().expect("all is whole");
        flush();
        assert_eq!(FamilyUse::of(F::default()).committed_bytes, 0);
    }

    fn sweep<F: Family, K: Probe>(&mut self, region: &mut Region<F, K>, objects: &mut Vec<Object>) {
        let part = self.input.below(256);
        let pinned: BTreeMap<_, _> = objects
            .iter()
            .map(|object| (object.live.address(), object.canary && K::DROPS))
            .collect();
        let stays = |address: usize| pinned[&address] || (address / 8 * 37) % 256 < part;
        // SAFETY: the model forgets what is declined, and all checkpoints have gone.
        let Some(freed) = (unsafe { K::swept(region, &mut |address| stays(address)) }) else {
            return;
        };
        let before = objects.len();
        let ranges = &mut self.ranges;
        objects.retain(|object| {
            let stays = stays(object.live.address());
            if !stays {
                ranges.leave(&object.live);
            }
            stays
        });
        assert_eq!(freed, before - objects.len());
    }
}

/// Does what an input says.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let kind = input.byte();
    let (ranges, log) = (Ranges::default(), Rc::default());
    let mut world = World { input, ranges, log, stamp: 0, limited: false, operations: 0 };
    match kind % 12 {
        0 => world.run::<lives::Plain, Forget>(),
        1 => world.run::<lives::Plain, Tracked>(),
        2 => world.run::<lives::Plain, Drops<'static>>(),
        3 => world.run::<lives::Plain, Tracked<Drops<'static>>>(),
        4 => world.run::<lives::Secret, Forget>(),
        5 => world.run::<lives::Secret, Tracked>(),
        6 => world.run::<lives::Secret, Drops<'static>>(),
        7 => world.run::<lives::Secret, Tracked<Drops<'static>>>(),
        8 => world.run::<lives::Bulk, Forget>(),
        9 => world.run::<lives::Bulk, Tracked>(),
        10 => world.run::<lives::Bulk, Drops<'static>>(),
        _ => world.run::<lives::Bulk, Tracked<Drops<'static>>>(),
    }
    counting::add(world.operations);
}
