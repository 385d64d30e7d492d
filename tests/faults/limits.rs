//! The system's limits, each in a process of its own: little address space, little data, and no thread to
//! be had.

use core::alloc::Layout;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use famalloc::collections::SmallVec;
use famalloc::{AllocError, AllocErrorKind, Family, Region, alloc_family, check, flush};

use crate::common::{Parcel, Watchdog, assert_all_given_back, assert_success, case, child};
use crate::mix::everything;

#[alloc_family]
enum Lives {
    A,
    #[family(isolate)]
    B,
    C,
}

const MIB: usize = 1 << 20;

fn limit(resource: libc::__rlimit_resource_t, bytes: usize) {
    let limit = libc::rlimit { rlim_cur: bytes as u64, rlim_max: bytes as u64 };
    // SAFETY: it is read.
    assert_eq!(unsafe { libc::setrlimit(resource, &raw const limit) }, 0);
}

/// The bytes of addresses that this process has, or (by position) of its data.
fn in_use(position: usize) -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    // SAFETY: no preconditions.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
    statm.split_whitespace().nth(position).unwrap().parse::<usize>().unwrap() * page
}

/// A list with room for all there may be: the list is not what is to fail.
fn list() -> Vec<Parcel> {
    Vec::with_capacity(512 * MIB / 1_000)
}

/// Takes all there is in pieces of a size.
fn fill<F: Family>(held: &mut Vec<Parcel>, size: usize) {
    loop {
        match Parcel::try_new::<F>(size, held.len() as u8) {
            Ok(parcel) => held.push(parcel),
            Err(error) => return assert_refused(error),
        }
        assert!(held.len() < held.capacity(), "there is no limit");
    }
}

fn assert_refused(error: AllocError) {
    let kinds = [AllocErrorKind::AddressSpace, AllocErrorKind::Commit];
    assert!(kinds.contains(&error.kind()), "{error}");
}

/// What is not there is refused by all, and nothing comes to harm.
fn refuse_everything(held: &mut [Parcel]) {
    let more = 256 * MIB;
    if let Some(parcel) = held.last_mut() {
        assert_refused(parcel.try_resize::<lives::A>(more).unwrap_err());
        parcel.verify();
    }
    assert_refused(Parcel::try_new_zeroed::<lives::C>(more, 1).expect_err("too large"));
    let region = Region::<lives::C>::new();
    let layout = Layout::from_size_align(more, 64).unwrap();
    assert_refused(region.alloc_layout(layout).unwrap_err());
    let mut vec = SmallVec::<u8, 4, lives::C>::new();
    vec.push(7);
    assert_refused(vec.try_reserve(more).unwrap_err());
    assert_eq!(vec[..], [7]);
    assert_whole();
}

/// To the limit and back, in every size, again and again; each time much of it can be had. (No thread is
/// made here: what was taken once may stay reserved, or count as data.)
fn to_the_limit(bytes: usize, [mut held, mut others]: [Vec<Parcel>; 2]) {
    let _watchdog = Watchdog::of_seconds(120);
    for size in [1_000, 60_000, 300_000, 5 * MIB, 1_000] {
        fill::<lives::A>(&mut held, size);
        assert!(held.len() * size >= bytes / 6, "{} of {size}", held.len());
        assert_whole();
        fill::<lives::B>(&mut others, size);
        refuse_everything(&mut held);
        held.iter().for_each(Parcel::verify);
        held.clear();
        others.clear();
        flush();
        assert_all_given_back::<Lives>();
    }
}

/// Everything is whole, as far as there is memory to look.
fn assert_whole() {
    if let Err(corruption) = check() {
        assert_eq!(corruption.what, "no memory is available for the check itself", "{corruption}");
    }
}

#[test]
fn little_address_space_before_the_first_use() {
    const NAME: &str = "limits::little_address_space_before_the_first_use";
    if case().is_some() {
        let lists = [list(), list()];
        limit(libc::RLIMIT_AS, in_use(0) + 200 * MIB);
        return to_the_limit(200 * MIB, lists);
    }
    assert_success(child(NAME, "limited"));
}

#[test]
fn little_address_space_after_the_first_use() {
    const NAME: &str = "limits::little_address_space_after_the_first_use";
    if case().is_some() {
        assert!(everything::<lives::A, lives::B, lives::C>().0.is_empty());
        assert_all_given_back::<Lives>();
        let lists = [list(), list()];
        limit(libc::RLIMIT_AS, in_use(0) + 200 * MIB);
        // Nobody has lost what a thread needs.
        thread::spawn(|| drop(Parcel::new::<lives::A>(100, 1))).join().unwrap();
        return to_the_limit(100 * MIB, lists);
    }
    assert_success(child(NAME, "limited"));
}

#[test]
fn little_data() {
    const NAME: &str = "limits::little_data";
    if case().is_some() {
        let lists = [list(), list()];
        limit(libc::RLIMIT_DATA, in_use(5) + 200 * MIB);
        return to_the_limit(200 * MIB, lists);
    }
    assert_success(child(NAME, "limited"));
}

/// Threads that cannot be had: those that there are go on, and so does the one that asked.
#[test]
fn no_threads() {
    const NAME: &str = "limits::no_threads";
    if case().is_some() {
        let _watchdog = Watchdog::of_seconds(120);
        let held: Vec<_> = (0..200).map(|at| Parcel::new::<lives::A>(100 + at, at as u8)).collect();
        limit(libc::RLIMIT_AS, in_use(0) + 40 * MIB);
        // Each wants more of the addresses than its part. One begins after the other, since the standard
        // library ends the process where a thread that has begun has no room for its signal stack.
        let gate = Arc::new(AtomicBool::new(false));
        let (begun, wait) = channel();
        let mut threads = Vec::new();
        let stack = || thread::Builder::new().stack_size(6 * MIB);
        loop {
            let (begun, gate) = (begun.clone(), Arc::clone(&gate));
            let spawned = stack().spawn(move || {
                let parcels: Vec<_> =
                    (0..50).filter_map(|at| Parcel::try_new::<lives::A>(48, at).ok()).collect();
                begun.send(()).unwrap();
                while !gate.load(Ordering::Relaxed) {
                    thread::sleep(std::time::Duration::from_millis(1));
                }
                drop(parcels);
            });
            let Ok(thread) = spawned else { break };
            wait.recv().unwrap();
            threads.push(thread);
            assert!(threads.len() < 100, "there is no limit");
        }
        held.iter().for_each(Parcel::verify);
        gate.store(true, Ordering::Relaxed);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        // Not before: it needs some memory itself.
        check().unwrap();
        stack().spawn(|| ()).unwrap().join().unwrap();
        drop(held);
        return assert_all_given_back::<Lives>();
    }
    assert_success(child(NAME, "limited"));
}
