//! Threads of Windows: their ends, whether they live, barriers in all of them, one of the allocator's own.

use core::ffi::c_void;
use core::num::NonZeroUsize;
use core::ptr::{self, NonNull};

use once_cell::race::OnceNonZeroUsize;
use windows_sys::Win32::Foundation::{CloseHandle, HANDLE, WAIT_ABANDONED_0, WAIT_OBJECT_0};
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
    GetModuleHandleW, GetProcAddress,
};
use windows_sys::Win32::System::Threading::{
    CreateMutexW, CreateThread, FlushProcessWriteBuffers, GetCurrentThreadId, ReleaseMutex,
    STACK_SIZE_PARAM_IS_A_RESERVATION, TLS_OUT_OF_INDEXES, TlsAlloc, TlsFree, TlsGetValue,
    TlsSetValue, WaitForSingleObject,
};
use windows_sys::core::BOOL;

use crate::platform::keeping_error;
use crate::sync::{AtomicPtr, AtomicU32, Ordering};

/// What an exit hook is.
type Hook = unsafe extern "C" fn(*mut c_void);

/// The one hook; null before it is asked for.
static HOOK: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

/// Has `hook` called with `value`, which is not null, when the calling thread ends; returns whether it will be.
///
/// All calls name the same hook. It is called by the loader, which calls a list of functions in each module. These
/// go with their module, while a callback of fibre-local storage stays behind when its module is unloaded, and is called for fibres
/// as well as threads. Ours is the last of its module's, so whatever the thread's own destructors free still finds its
/// magazines. The loader calls it under its lock, so nothing that this crate waits for may wait for the loader.
pub(crate) fn exit_hook(hook: Hook, value: *mut c_void) -> bool {
    HOOK.store(hook as *mut (), Ordering::Release);
    // The linker leaves out what nobody refers to.
    // SAFETY: a static.
    if unsafe { (&raw const CALLBACK).read_volatile() }.is_none() {
        return false;
    }
    keeping_error(|| {
        // SAFETY: the number is one that was given out, and is never given back.
        exit_slot().is_some_and(|slot| unsafe { TlsSetValue(slot, value) != 0 })
    })
}

/// Where a thread keeps the value for its hook.
static SLOT: OnceNonZeroUsize = OnceNonZeroUsize::new();

/// The number of that place, which is made now if there is none.
fn exit_slot() -> Option<u32> {
    if let Some(slot) = known_slot() {
        return Some(slot);
    }
    // SAFETY: it has no preconditions.
    let slot = unsafe { TlsAlloc() };
    let kept = NonZeroUsize::MIN.saturating_add(slot as usize);
    if slot != TLS_OUT_OF_INDEXES && SLOT.set(kept).is_err() {
        // Another thread was first. There are few.
        // SAFETY: given out above, and nobody has seen it.
        unsafe { TlsFree(slot) };
    }
    known_slot()
}

/// The number of that place, if there is one: kept plus one, as it may be 0.
fn known_slot() -> Option<u32> {
    SLOT.get().map(|kept| (kept.get() - 1) as u32)
}

/// A function in the loader's list.
type Callback = unsafe extern "system" fn(*mut c_void, u32, *mut c_void);

/// The loader calls what is in the sections between `.CRT$XLA` and `.CRT$XLZ`, in the order of their names. The
/// standard library's is in `.CRT$XLB`, and those of C's libraries are in `.CRT$XLC` and `.CRT$XLD`.
#[used]
#[unsafe(link_section = ".CRT$XLY")]
static CALLBACK: Option<Callback> = Some(at_change);

/// Is told that the module comes or goes, or a thread does.
///
/// When the process ends it is told, too: the other threads are gone by then, wherever they were, and may have held
/// locks. What the last one has goes with the process, so it is left alone.
unsafe extern "system" fn at_change(_module: *mut c_void, reason: u32, _reserved: *mut c_void) {
    const THREAD_ENDS: u32 = 3;
    let hook = HOOK.load(Ordering::Acquire);
    if reason != THREAD_ENDS || hook.is_null() {
        return;
    }
    let Some(slot) = known_slot() else { return };
    // (A value that can be read sets the last error to none.)
    keeping_error(|| {
        // SAFETY: the number is one that was given out.
        let value = unsafe { TlsGetValue(slot) };
        if value.is_null() {
            return;
        }
        // SAFETY: as above.
        unsafe { TlsSetValue(slot, ptr::null()) };
        // SAFETY: stored as a hook.
        let hook = unsafe { core::mem::transmute::<*mut (), Hook>(hook) };
        // SAFETY: with the value that this thread gave for it, at its end.
        unsafe { hook(value) };
    });
}

/// Has every running thread of this process pass a full barrier, between one instruction of its and the next; those
/// that do not run do so when they are taken from their processor. Returns whether it did.
///
/// Wine up to 8 has a function of the name that does nothing, and which one it is cannot be told: so not there.
pub(crate) fn barrier_all_threads() -> bool {
    if is_wine() {
        return false;
    }
    // SAFETY: it changes no memory.
    keeping_error(|| unsafe { FlushProcessWriteBuffers() });
    true
}

/// Whether the system is Wine, which says so by a function of its own.
fn is_wine() -> bool {
    /// 1 for Windows, 2 for Wine.
    static KNOWN: OnceNonZeroUsize = OnceNonZeroUsize::new();
    let known = KNOWN.get_or_init(|| {
        let name = windows_sys::core::w!("ntdll.dll");
        // SAFETY: a string. The module is in every process, and stays.
        let module = keeping_error(|| unsafe { GetModuleHandleW(name) });
        let name = c"wine_get_version".as_ptr().cast();
        // SAFETY: the module is loaded, and the name a string.
        let is_wine = keeping_error(|| unsafe { GetProcAddress(module, name) }).is_some();
        NonZeroUsize::MIN.saturating_add(is_wine.into())
    });
    known.get() == 2
}

/// Sees to it that the module that has this code is never unloaded, once others have its addresses.
pub(super) fn stay_loaded() {
    let code = stay_loaded as fn() as *const u16;
    let how = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
    let mut module = ptr::null_mut();
    // SAFETY: an address in a module; the place is valid for writes.
    keeping_error(|| unsafe { GetModuleHandleExW(how, code, &raw mut module) });
}

/// Starts a thread that nobody waits for, with a small stack; returns whether there is one now.
pub(crate) fn spawn_unnoticed(body: extern "C" fn(*mut c_void) -> *mut c_void) -> bool {
    /// Memory comes with use; this is what its calls and the program's thread-locals may need.
    const STACK: usize = 256 << 10;
    /// Runs the body, whose address it is given.
    unsafe extern "system" fn run(body: *mut c_void) -> u32 {
        // SAFETY: such a function's address is what it was given.
        let body = unsafe {
            core::mem::transmute::<*mut c_void, extern "C" fn(*mut c_void) -> *mut c_void>(body)
        };
        body(ptr::null_mut());
        0
    }
    // It runs this code for as long as it likes.
    stay_loaded();
    keeping_error(|| {
        let body = body as *const c_void;
        let how = STACK_SIZE_PARAM_IS_A_RESERVATION;
        // SAFETY: the function takes what it is given.
        let thread =
            unsafe { CreateThread(ptr::null(), STACK, Some(run), body, how, ptr::null_mut()) };
        if thread.is_null() {
            return false;
        }
        // SAFETY: made just now, and not used again: the thread goes on without.
        unsafe { CloseHandle(thread) };
        true
    })
}

/// Whether a thread still lives: a mutex that it holds, which the system marks as abandoned when it ends, however
/// that comes to be.
#[derive(Debug)]
pub(crate) struct Pulse {
    /// Null once it is known to be stopped. Only who asks for the pulse writes that, and only one does at a time.
    mutex: AtomicPtr<c_void>,
    /// The number of the thread until it stops the pulse, then 0. A thread can take its own mutex again, so it must
    /// not ask the system about itself.
    owner: AtomicU32,
}

/// What becomes of who asks for a [`Pulse`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    /// The thread lives, as far as can be known.
    Alive,
    /// It has ended the pulse itself.
    Stopped,
    /// It is gone, and did not end the pulse. Who asks next is told that it was stopped.
    Dead,
}

impl Pulse {
    /// Writes a pulse and starts it, as the calling thread's; returns whether it could. Where not,
    /// there is none.
    ///
    /// # Safety
    ///
    /// `place` is valid for writes, and stays where it is until the pulse is stopped or dead.
    pub(crate) unsafe fn start(place: NonNull<Self>) -> bool {
        const HELD: BOOL = 1;
        // SAFETY: no attributes, and no name.
        let mutex = keeping_error(|| unsafe { CreateMutexW(ptr::null(), HELD, ptr::null()) });
        // SAFETY: it has no preconditions.
        let owner = AtomicU32::new(unsafe { GetCurrentThreadId() });
        // SAFETY: valid for writes (contract).
        unsafe { place.write(Self { mutex: AtomicPtr::new(mutex), owner }) };
        !mutex.is_null()
    }

    /// Stops the calling thread's pulse. `false` where it is not this thread's.
    pub(crate) fn stop(&self) -> bool {
        if !self.is_own() {
            return false;
        }
        let mutex = self.mutex.load(Ordering::Acquire);
        self.owner.store(0, Ordering::Relaxed);
        // Nothing is read after this: who asks may close it at once.
        // SAFETY: a handle that nobody closes while this thread holds the mutex.
        keeping_error(|| unsafe { ReleaseMutex(mutex) != 0 })
    }

    /// Whether it is the calling thread's, and not stopped.
    fn is_own(&self) -> bool {
        // SAFETY: it has no preconditions.
        self.owner.load(Ordering::Relaxed) == unsafe { GetCurrentThreadId() }
    }

    /// Asks for the pulse. One thread asks at a time.
    pub(crate) fn feel(&self) -> Beat {
        let mutex: HANDLE = self.mutex.load(Ordering::Acquire);
        if mutex.is_null() {
            return Beat::Stopped;
        }
        if self.is_own() {
            return Beat::Alive;
        }
        keeping_error(|| {
            // SAFETY: a handle.
            let beat = match unsafe { WaitForSingleObject(mutex, 0) } {
                WAIT_OBJECT_0 => Beat::Stopped,
                WAIT_ABANDONED_0 => Beat::Dead,
                _ => return Beat::Alive,
            };
            self.mutex.store(ptr::null_mut(), Ordering::Release);
            // SAFETY: taken just now.
            unsafe { ReleaseMutex(mutex) };
            // SAFETY: nobody else uses the handle: its thread has done with it.
            unsafe { CloseHandle(mutex) };
            beat
        })
    }
}
