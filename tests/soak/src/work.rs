//! What a round does.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use famalloc::collections::{FamilyCollection, HashMap, SmallVec, String as Text};
use famalloc::region::{Drops, Tracked};
use famalloc::{
    Family, FamilyBox, Pool, RawAlloc, Region, RegionPool, alloc_family, alloc_in, free_all,
    free_in, realloc_in,
};

/// Lifetimes of every kind.
#[alloc_family]
pub(crate) enum Lives {
    /// Passed from thread to thread.
    Message,
    /// Of one phase, and then given up whole.
    Phase,
    #[family(isolate)]
    Apart,
    #[family(zero_on_free)]
    Secret,
    #[family(limit = "3 MiB")]
    Tight,
    /// Regions and pools.
    Request,
}

static REQUESTS: RegionPool<lives::Request> = RegionPool::new();
static OBJECTS: Pool<[u64; 30], lives::Request> = Pool::new_in(|| [7; 30], lives::Request);

/// A small generator (xorshift64*).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }

    /// Mostly small, now and then of mebibytes.
    fn size(&mut self) -> usize {
        let bits = match self.below(1000) {
            0..900 => self.below(9),
            900..990 => self.below(15),
            990..998 => self.below(19),
            _ => self.below(22),
        };
        1 + self.below(2 << bits)
    }
}

/// Memory of a family, freed with it.
struct Parcel {
    start: NonNull<u8>,
    size: usize,
    free: unsafe fn(NonNull<u8>, usize),
}

// SAFETY: memory that any thread may free.
unsafe impl Send for Parcel {}

impl Parcel {
    fn new<F: Family>(size: usize) -> Option<Self> {
        let start = alloc_in::<F>(size).ok()?;
        let parcel = Self { start, size, free: free_in::<F> };
        parcel.touch();
        Some(parcel)
    }

    /// Its ends hold its size.
    fn touch(&self) {
        // SAFETY: within the allocation.
        unsafe {
            self.start.write(self.size as u8);
            self.start.add(self.size - 1).write(self.size as u8);
        }
    }

    fn resize<F: Family>(&mut self, size: usize) {
        // SAFETY: live, of that size.
        if let Ok(start) = unsafe { realloc_in::<F>(self.start, self.size, size) } {
            (self.start, self.size) = (start, size);
            self.touch();
        }
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        // SAFETY: live.
        let ends = unsafe { (self.start.read(), self.start.add(self.size - 1).read()) };
        assert_eq!(
            ends,
            (self.size as u8, self.size as u8),
            "{} bytes were overwritten",
            self.size
        );
        // SAFETY: allocated so, and not used again.
        unsafe { (self.free)(self.start, self.size) };
    }
}

/// A few threads in a ring: each frees what the one before it made.
fn ring(random: &mut Random) {
    let count = 2 + random.below(6);
    let (senders, receivers): (Vec<Sender<Parcel>>, Vec<Receiver<Parcel>>) =
        (0..count).map(|_| channel()).unzip();
    let next = senders.into_iter().cycle().skip(1).take(count);
    let threads: Vec<_> = receivers
        .into_iter()
        .zip(next.collect::<Vec<_>>())
        .map(|(inbox, outbox)| {
            let mut random = Random::new(random.below(1 << 30) as u64);
            thread::spawn(move || {
                let mut held = Vec::new();
                for _ in 0..2_000 {
                    let made = match random.below(8) {
                        0..5 => Parcel::new::<lives::Message>(random.size()),
                        5 => Parcel::new::<lives::Apart>(random.size()),
                        6 => Parcel::new::<lives::Secret>(random.size()),
                        _ => Parcel::new::<lives::Tight>(random.size()),
                    };
                    held.extend(made);
                    if random.below(3) == 0 && !held.is_empty() {
                        // Where the other has ended, it is freed here.
                        drop(outbox.send(held.swap_remove(random.below(held.len()))));
                    }
                    if held.len() > 300 {
                        held.drain(..random.below(300));
                    }
                    drop(inbox.try_recv());
                }
                drop(outbox);
                inbox.into_iter().for_each(drop);
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
}

/// Fills a family, and gives it up.
fn phase(random: &mut Random) {
    let most = 20_000 + random.below(60_000);
    for _ in 0..most {
        let layout = Layout::from_size_align(1 + random.below(200), 8).expect("small");
        let start = lives::Phase.alloc(layout).expect("memory");
        // SAFETY: within the allocation.
        unsafe { start.write(1) };
        if random.below(4) == 0 {
            // SAFETY: allocated above, and not used again.
            unsafe { lives::Phase.free(start, layout) };
        }
    }
    // SAFETY: nothing of it is used again, and no other thread uses the family.
    unsafe { free_all(lives::Phase) }.expect("nobody else is in it");
}

/// Requests, one after the other and side by side.
fn requests(random: &mut Random) {
    for _ in 0..20 {
        let request = REQUESTS.get();
        request.alloc_slice_fill_with(random.size(), |at| at as u8);
        request.nested(|scope| {
            for _ in 0..random.below(100) {
                scope.alloc_str("a part of a request");
            }
        });
        drop((0..random.below(50)).map(|_| OBJECTS.get()).collect::<Vec<_>>());
    }
    let region = Region::<lives::Request, Tracked<Drops<'_>>>::new();
    let kept: Vec<_> = (0..500).map(|number| region.boxed(vec![number; 3])).collect();
    region.alloc(vec![1_u8; random.below(10_000)]);
    assert_eq!(kept.iter().map(|it| it[2]).sum::<usize>(), 499 * 250);
    drop(kept);
    OBJECTS.end_period();
    OBJECTS.clear();
    REQUESTS.shrink(0);
}

fn collections(random: &mut Random) {
    let mut map =
        HashMap::<usize, FamilyBox<[usize; 9], lives::Message>, lives::Secret>::new_in_family();
    let mut text = Text::<lives::Apart>::new();
    let mut list = SmallVec::<usize, 6, lives::Message>::new();
    for number in 0..2_000 + random.below(2_000) {
        map.insert(number, FamilyBox::new_in([number; 9], lives::Message));
        map.remove(&(number / 2));
        text.push_str("word ");
        list.push(number);
    }
    assert!(map.iter().all(|(key, value)| value[8] == *key));
}

/// To the limit, and along it.
fn limit(random: &mut Random) {
    let mut held = Vec::new();
    let mut refused = 0;
    while refused < 20 {
        match Parcel::new::<lives::Tight>(random.size().min(400_000)) {
            Some(parcel) => held.push(parcel),
            None => {
                refused += 1;
                held.drain(..held.len() / 4);
            }
        }
        let size = random.size().min(100_000);
        if let Some(parcel) = held.last_mut() {
            parcel.resize::<lives::Tight>(size);
        }
    }
}

/// A child that uses everything, while threads are at work here.
fn fork(random: &mut Random) {
    let seed = random.below(1 << 30) as u64;
    let busy: Vec<_> = (0..2)
        .map(|thread| {
            thread::spawn(move || {
                let mut random = Random::new(seed + thread);
                for _ in 0..3_000 {
                    drop(Parcel::new::<lives::Message>(random.size()));
                }
            })
        })
        .collect();
    // SAFETY: the child calls nothing but this allocator, and ends.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let mut random = Random::new(seed);
        let mut list: [Option<Parcel>; 40] = [const { None }; 40];
        for _ in 0..400 {
            list[random.below(40)] = Parcel::new::<lives::Message>(random.size());
            list[random.below(40)] = Parcel::new::<lives::Secret>(random.size());
        }
        drop(list);
        // SAFETY: it ends here.
        unsafe { libc::_exit(0) };
    }
    assert!(child > 0, "no child: {}", std::io::Error::last_os_error());
    let mut status = 0;
    // SAFETY: the child, and a place for its status.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0, "how the child ended");
    busy.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
}

/// One round: all of it, in an order of its own.
pub(crate) fn round(number: u64) {
    let mut random = Random::new(number);
    let mut parts: [fn(&mut Random); 6] = [ring, phase, requests, collections, limit, fork];
    for last in (1..parts.len()).rev() {
        parts.swap(last, random.below(last + 1));
    }
    parts.iter().for_each(|part| part(&mut random));
}
