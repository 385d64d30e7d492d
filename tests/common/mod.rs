//! What the tests of the core share: parcels of patterned memory, random numbers, a watchdog, and
//! running a test of this binary again as a process of its own.

#![allow(dead_code, reason = "every test file uses some of this, none all of it")]

pub(crate) mod recorder;
pub(crate) mod sources;
pub(crate) mod system;

use core::ptr::NonNull;
use std::io::Write as _;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use famalloc::{
    AllocError, Family, FamilySet, FamilyUse, Snapshot, alloc_in, alloc_zeroed_in, check, flush,
    free_in, realloc_in,
};

/// How often something is done: `often`, or under Miri, for which that is too much, `rarely`.
pub(crate) const fn times(often: usize, rarely: usize) -> usize {
    if cfg!(miri) { rarely } else { often }
}

/// Whether every byte is this one. Many are compared in one step, as an interpreter needs long for each.
pub(crate) fn all_are(bytes: &[u8], byte: u8) -> bool {
    let expected = [byte; times(512, 8192)];
    bytes.chunks(expected.len()).all(|chunk| *chunk == expected[..chunk.len()])
}

/// A small generator (xorshift64*), so that a failing seed can be run again.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 11) as usize % bound
    }

    /// Sizes from 1 byte to 256 KiB, small ones far more often than large ones. Miri has some, of
    /// which few fill a magazine: it would have to go through those whenever all is checked.
    pub(crate) fn size(&mut self) -> usize {
        if cfg!(miri) {
            return [500, 500, 5_000, 5_000, 30_000, 100_000][self.below(6)];
        }
        let bits = match self.below(1000) {
            0..960 => self.below(9),
            960..997 => self.below(14),
            _ => self.below(18),
        };
        1 + self.below(2 << bits)
    }
}

/// Memory that is filled with a pattern, knows how it is freed, and looks at the pattern before.
///
/// Freed when dropped.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) start: NonNull<u8>,
    pub(crate) size: usize,
    pattern: u8,
    free: unsafe fn(NonNull<u8>, usize),
}

// SAFETY: a parcel owns its memory, which may be freed by any thread.
unsafe impl Send for Parcel {}

impl Parcel {
    pub(crate) fn try_new<F: Family>(size: usize, pattern: u8) -> Result<Self, AllocError> {
        let start = alloc_in::<F>(size)?;
        let parcel = Self { start, size, pattern, free: free_in::<F> };
        parcel.fill();
        Ok(parcel)
    }

    pub(crate) fn new<F: Family>(size: usize, pattern: u8) -> Self {
        Self::try_new::<F>(size, pattern).unwrap()
    }

    /// Memory that was zero when it came.
    pub(crate) fn try_new_zeroed<F: Family>(size: usize, pattern: u8) -> Result<Self, AllocError> {
        let start = alloc_zeroed_in::<F>(size)?;
        let parcel = Self { start, size, pattern, free: free_in::<F> };
        let zero = all_are(parcel.bytes(), 0);
        parcel.fill();
        assert!(zero, "{size} bytes are not zero");
        Ok(parcel)
    }

    /// Resized in its family `F`; on an error it is as it was.
    pub(crate) fn try_resize<F: Family>(&mut self, size: usize) -> Result<(), AllocError> {
        self.verify();
        // SAFETY: live, of this size.
        self.start = unsafe { realloc_in::<F>(self.start, self.size, size)? };
        self.verify_first(self.size.min(size));
        self.size = size;
        self.fill();
        Ok(())
    }

    pub(crate) fn address(&self) -> usize {
        self.start.addr().get()
    }

    /// All of it, which is to be filled or zero.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: live, and all of it was written.
        unsafe { core::slice::from_raw_parts(self.start.as_ptr(), self.size) }
    }

    pub(crate) fn verify(&self) {
        self.verify_first(self.size);
    }

    fn verify_first(&self, len: usize) {
        let intact = if self.size <= SMALL {
            // SAFETY: live, and all of it was filled.
            let bytes = unsafe { core::slice::from_raw_parts(self.start.as_ptr(), len) };
            all_are(bytes, self.pattern)
        } else {
            // SAFETY: live, and filled at these positions.
            let byte = |at| unsafe { self.start.add(at).read() };
            positions(self.size).filter(|&at| at < len).all(|at| byte(at) == self.pattern)
        };
        assert!(intact, "{} bytes at {:p} were overwritten", self.size, self.start);
    }

    fn fill(&self) {
        if self.size <= SMALL {
            // SAFETY: within the allocation.
            unsafe { self.start.write_bytes(self.pattern, self.size) };
            return;
        }
        for at in positions(self.size) {
            // SAFETY: within the allocation.
            unsafe { self.start.add(at).write(self.pattern) };
        }
    }
}

/// Parcels of up to so many bytes are filled and looked at as a whole.
const SMALL: usize = 512;

/// Which bytes of many are filled and looked at: the ends, and some between.
fn positions(size: usize) -> impl Iterator<Item = usize> {
    const EDGE: usize = times(64, 8);
    let step = if size <= 65_536 { 509 } else { 16_381 };
    (0..EDGE).chain((EDGE..size).step_by(step)).chain(size - EDGE..size)
}

impl Drop for Parcel {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.verify();
        }
        // SAFETY: allocated in this family with this size, and not used again.
        unsafe { (self.free)(self.start, self.size) };
    }
}

/// Memory that another thread is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sent(NonNull<u8>);

// SAFETY: memory may be used and freed by any thread, and whoever sends it no longer does.
unsafe impl Send for Sent {}

impl Sent {
    pub(crate) fn new(start: NonNull<u8>) -> Self {
        Self(start)
    }

    pub(crate) fn get(self) -> NonNull<u8> {
        self.0
    }
}

/// Keeps the tests of one binary from running beside each other: they count and reclaim for the whole
/// process. Waits for the thread of the test before as well: what is on its way out of the magazines of a
/// thread that ends is counted as live until it has arrived.
pub(crate) fn one_at_a_time() -> MutexGuard<'static, Option<i32>> {
    /// With the thread that had it last.
    static LOCK: Mutex<Option<i32>> = Mutex::new(None);
    let mut last = LOCK.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let own = system::thread_number();
    if let Some(before) = last.replace(own).filter(|&before| before != own) {
        // A thread ends at once; one that has let go early, to take it again, goes on.
        system::wait_for_end(before, Duration::from_millis(200));
    }
    last
}

/// Runs something on a thread of its own, and returns when that has ended, its magazines with it.
/// (A scope waits only until the thread's work is done.)
pub(crate) fn on_a_thread(work: impl FnOnce() + Send) {
    if let Err(panic) = std::thread::scope(|scope| scope.spawn(work).join()) {
        std::panic::resume_unwind(panic);
    }
}

/// How many times as long everything takes as it does by itself: under a sanitizer, which says so in
/// the variable.
pub(crate) fn patience() -> u64 {
    std::env::var("FAMALLOC_TEST_PATIENCE").map_or(1, |times| times.parse().unwrap())
}

/// How often something is done that has the same chance each time: fewer times where each takes longer.
pub(crate) fn rounds(rounds: usize) -> usize {
    rounds.div_ceil(patience() as usize)
}

/// Ends the process when it is not dropped in time: a deadlock fails instead of hanging.
pub(crate) struct Watchdog(Arc<AtomicBool>);

impl Watchdog {
    /// So many times longer where [everything takes longer](patience).
    pub(crate) fn of_seconds(seconds: u64) -> Self {
        let seconds = seconds * patience();
        let done = Arc::new(AtomicBool::new(false));
        if cfg!(miri) {
            // Its clock goes by the instructions, and it sees by itself when nobody can go on.
            return Self(done);
        }
        let seen = Arc::clone(&done);
        let deadline = Instant::now() + Duration::from_secs(seconds);
        std::thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                if Instant::now() > deadline {
                    // Not by the macro: what that prints is kept for the end of a test, which never comes.
                    let said = format!("the watchdog has waited {seconds} s: a deadlock\n");
                    let _ = std::io::stderr().write_all(said.as_bytes());
                    std::process::abort();
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        Self(done)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What the family `F` uses now.
pub(crate) fn usage<F: Family>() -> FamilyUse {
    FamilyUse::of(F::default())
}

/// Nothing of the set is live, and after a flush it has no block and no memory.
pub(crate) fn assert_all_given_back<S: FamilySet>() {
    // It takes Miri long for hundreds of slots in magazines: tests with few look at those themselves.
    if !cfg!(miri) {
        check().unwrap();
        for family in Snapshot::of::<S>().families {
            assert_eq!((family.live_objects, family.live_bytes), (0, 0), "live in {}", family.name);
        }
    }
    flush();
    check().unwrap();
    for family in Snapshot::of::<S>().families {
        assert_eq!((family.live_objects, family.live_bytes), (0, 0), "live in {}", family.name);
        assert_eq!((family.blocks, family.committed_bytes), (0, 0), "held by {}", family.name);
    }
}

#[allow(unused_imports, reason = "as above")]
pub(crate) use system::resident_bytes;

const CASE: &str = "FAMALLOC_TEST_CASE";

/// In a child process, the case it is to run.
pub(crate) fn case() -> Option<String> {
    std::env::var(CASE).ok()
}

/// What this program is to be run by, if not by the system: an emulator and its arguments.
const RUNNER: &str = "FAMALLOC_TEST_RUNNER";

/// This program, to be run again.
fn this_program() -> Command {
    let program = std::env::current_exe().unwrap();
    let runner = std::env::var(RUNNER).unwrap_or_default();
    let mut words = runner.split_whitespace();
    let Some(runner) = words.next() else { return Command::new(program) };
    let mut command = Command::new(runner);
    command.args(words).arg(program);
    command
}

/// Runs the test `test` of this binary, named with its modules, again as a process of its own, with a case to
/// run there.
pub(crate) fn child(test: &str, case: &str) -> Command {
    let mut command = this_program();
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(CASE, case);
    command.env("RUST_BACKTRACE", "0");
    command
}

/// Runs a child; returns how it ended and what it said on standard error.
pub(crate) fn outcome(mut command: Command) -> (Output, String) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, said)
}

/// The child succeeded.
pub(crate) fn assert_success(command: Command) {
    let (output, said) = outcome(command);
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}\n{out}\n{said}", output.status);
    assert!(out.contains("1 passed"), "no such test: {out}");
}

/// The child was ended by `abort`; returns what it said on standard error.
pub(crate) fn assert_aborted(command: Command) -> String {
    let (output, said) = outcome(command);
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(system::is_abort(output.status), "{}\n{out}\n{said}", output.status);
    said
}
