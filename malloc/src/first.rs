//! The functions that a call by name reaches: as a rule this library's own, but those of the program where it
//! has a malloc itself.
//!
//! The C library's `reallocarray` calls `realloc`, and so on: a program that replaces the few functions of
//! which its manual says that they can be replaced (or a tool like valgrind, which replaces functions by
//! their address) is to find its own behind all others. So those that it may not have thought of call
//! what was found here, not each other's bodies. Likewise `__libc_malloc` and its kin: they are the
//! same functions as `malloc`, unless the program's malloc is made over them, which would then call itself.
//!
//! All are looked up when the library is initialised, as looking up may itself allocate. Before that, in a
//! static program, and where this library was opened for one user alone and another malloc serves the
//! process, there is nothing here, and the bodies are used.

use core::ffi::{CStr, c_void};
use core::marker::PhantomData;
use core::mem;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use crate::objects;

type Malloc = unsafe extern "C-unwind" fn(usize) -> *mut c_void;
type Calloc = unsafe extern "C-unwind" fn(usize, usize) -> *mut c_void;
type Realloc = unsafe extern "C-unwind" fn(*mut c_void, usize) -> *mut c_void;
type Memalign = unsafe extern "C-unwind" fn(usize, usize) -> *mut c_void;
type Free = unsafe extern "C-unwind" fn(*mut c_void);

pub(crate) static MALLOC: Function<Malloc> = Function::new(c"malloc");
pub(crate) static CALLOC: Function<Calloc> = Function::new(c"calloc");
pub(crate) static REALLOC: Function<Realloc> = Function::new(c"realloc");
pub(crate) static MEMALIGN: Function<Memalign> = Function::new(c"memalign");
pub(crate) static FREE: Function<Free> = Function::new(c"free");

/// Looks them up.
pub(crate) fn find() {
    MALLOC.find();
    CALLOC.find();
    REALLOC.find();
    MEMALIGN.find();
    FREE.find();
}

/// A function of this name, which has the type `F`.
#[derive(Debug)]
pub(crate) struct Function<F> {
    name: &'static CStr,
    address: AtomicPtr<c_void>,
    /// Whether it is somebody else's.
    theirs: AtomicBool,
    of: PhantomData<F>,
}

impl<F: Copy> Function<F> {
    const fn new(name: &'static CStr) -> Self {
        const { assert!(size_of::<Option<F>>() == size_of::<*mut c_void>()) };
        let address = AtomicPtr::new(ptr::null_mut());
        Self { name, address, theirs: AtomicBool::new(false), of: PhantomData }
    }

    fn find(&self) {
        // SAFETY: the name is a string.
        let first = unsafe { libc::dlsym(libc::RTLD_DEFAULT, self.name.as_ptr()) };
        // SAFETY: as above.
        let next = unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr()) };
        let ours = objects::is_ours(first);
        // What comes behind this library is not what the program put before it.
        if ours || first != next {
            self.theirs.store(!ours, Ordering::Relaxed);
            self.address.store(first, Ordering::Release);
        }
    }

    /// The function; `None` where there is nothing but the body.
    #[inline]
    pub(crate) fn get(&self) -> Option<F> {
        let address = self.address.load(Ordering::Acquire);
        // SAFETY: null, or the address of a function of this type: that is what the name means.
        unsafe { mem::transmute_copy::<*mut c_void, Option<F>>(&address) }
    }

    /// The function if it is this library's.
    #[inline]
    pub(crate) fn if_ours(&self) -> Option<F> {
        self.get().filter(|_| !self.is_theirs())
    }

    /// Whether it is somebody else's.
    #[inline]
    pub(crate) fn is_theirs(&self) -> bool {
        self.theirs.load(Ordering::Relaxed)
    }
}
