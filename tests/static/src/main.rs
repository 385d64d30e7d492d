//! What depends on the C library: unwinding, the ends of threads, forks. Says in one line for each of them
//! that it went well.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_void;
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::{panic, ptr, thread};

use famalloc::{ClassUse, FamAlloc, FamilyBox, alloc_family, check, flush, walk};

#[alloc_family]
enum Lives {
    General,
    Node,
}

#[global_allocator]
static GLOBAL: FamAlloc<Lives> = FamAlloc::new();

fn main() {
    panics_are_caught();
    memory_is_aligned();
    late_rows_are_found();
    children_are_whole();
    check().unwrap();
}

fn panics_are_caught() {
    panic::set_hook(Box::new(|_| ()));
    for round in 0..20 {
        let result = panic::catch_unwind(|| {
            if black_box(true) {
                panic::panic_any(vec![round; 3]);
            }
        });
        assert_eq!(*result.unwrap_err().downcast::<Vec<i32>>().unwrap(), [round; 3]);
    }
    let _ = panic::take_hook();
    println!("panics were caught");
}

fn memory_is_aligned() {
    let least = |size| if cfg!(target_env = "musl") && size >= 16 { 16 } else { 1 };
    for size in 1..3_000 {
        let layout = Layout::from_size_align(size, 1).unwrap();
        // SAFETY: the size is not 0; freed with the layout that it has in the end.
        unsafe {
            let starts: [_; 3] = std::array::from_fn(|_| GLOBAL.alloc(layout));
            for start in starts {
                assert_eq!(start.addr() % least(size), 0, "{size} bytes at {start:p}");
                start.write_bytes(7, size);
                let moved = GLOBAL.realloc(start, layout, size + 9);
                assert_eq!(moved.addr() % least(size + 9), 0, "{} bytes at {moved:p}", size + 9);
                assert_eq!(moved.add(size - 1).read(), 7);
                GLOBAL.dealloc(moved, Layout::from_size_align(size + 9, 1).unwrap());
            }
            let zeroed = GLOBAL.alloc_zeroed(layout);
            assert_eq!(zeroed.addr() % least(size), 0, "{size} zeros at {zeroed:p}");
            GLOBAL.dealloc(zeroed, layout);
        }
    }
    println!("memory is aligned");
}

type Boxed = FamilyBox<[u64; 5], lives::Node>;

/// Waits for a thread that is none of the standard library's, which allocates for itself.
fn live_through(body: extern "C" fn(*mut c_void) -> *mut c_void, value: *mut c_void) {
    let mut thread = MaybeUninit::uninit();
    // SAFETY: valid for writes, and a function of the right type.
    let made = unsafe { libc::pthread_create(thread.as_mut_ptr(), ptr::null(), body, value) };
    assert_eq!(made, 0);
    // SAFETY: created above.
    assert_eq!(unsafe { libc::pthread_join(thread.assume_init(), ptr::null_mut()) }, 0);
}

fn parked() -> usize {
    ClassUse::of(lives::Node).map(|class| class.parked_objects).sum()
}

/// Threads whose first use of a family is in the last round of destructors, behind which no hook is called.
fn late_rows_are_found() {
    static KEY: AtomicUsize = AtomicUsize::new(0);
    static LATE: AtomicUsize = AtomicUsize::new(0);
    unsafe extern "C" fn late(round: *mut c_void) {
        if round.addr() < 4 {
            let key = KEY.load(Ordering::Relaxed) as libc::pthread_key_t;
            // SAFETY: the key was created. Asks for another round.
            unsafe { libc::pthread_setspecific(key, round.wrapping_byte_add(1)) };
        } else {
            drop(Boxed::new_in([round.addr() as u64; 5], lives::Node));
            LATE.fetch_add(1, Ordering::Relaxed);
        }
    }
    let mut key: libc::pthread_key_t = 0;
    // SAFETY: valid for writes, and a hook of the right type.
    assert_eq!(unsafe { libc::pthread_key_create(&raw mut key, Some(late)) }, 0);
    KEY.store(key as usize, Ordering::Relaxed);
    extern "C" fn body(key: *mut c_void) -> *mut c_void {
        // SAFETY: the key was created; any value but null makes its hook run.
        unsafe {
            libc::pthread_setspecific(key.addr() as libc::pthread_key_t, ptr::without_provenance(1))
        };
        ptr::null_mut()
    }
    let mut most = 0;
    for _ in 0..200 {
        live_through(body, ptr::without_provenance_mut(key as usize));
        most = most.max(parked());
    }
    assert_eq!(LATE.load(Ordering::Relaxed), 200);
    let one = 126;
    assert!(most <= 4 * one, "{most} slots were left behind");
    flush();
    assert_eq!(parked(), 0, "some are still lost");
    walk(lives::Node, |_, _| ()).expect("nobody else is there");
    println!("late rows were found");
}

fn children_are_whole() {
    /// Forks, and the child too. They end as a thread does: the hook runs, then the C library looks at
    /// its list of what the thread holds.
    extern "C" fn body(_: *mut c_void) -> *mut c_void {
        let live = Boxed::new_in([7; 5], lives::Node);
        // SAFETY: the child uses what a child may use.
        let child = unsafe { libc::fork() };
        let went_well = if child == 0 {
            // SAFETY: as above.
            let grandchild = unsafe { libc::fork() };
            let thread = thread::spawn(|| drop(Boxed::new_in([2; 5], lives::Node)));
            thread.join().is_ok()
                && *live == [7; 5]
                && check().is_ok()
                && (grandchild == 0 || ended_well(grandchild))
        } else {
            ended_well(child)
        };
        if !went_well {
            // SAFETY: it has no preconditions.
            unsafe { libc::_exit(1) };
        }
        ptr::null_mut()
    }
    let (made, wait) = channel();
    let (go_on, gate) = channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            drop(Boxed::new_in([1; 5], lives::Node));
            made.send(()).unwrap();
            gate.recv().unwrap();
        });
        wait.recv().unwrap();
        live_through(body, ptr::null_mut());
        go_on.send(()).unwrap();
    });
    println!("children are whole");
}

fn ended_well(child: libc::pid_t) -> bool {
    let mut status = -1;
    // SAFETY: valid for writes.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    status == 0
}
