//! rpmalloc, as the crate comes by default. A thread that used it has to say when it ends. Its call
//! that collects, `rpmalloc_thread_collect`, has an empty body in this version, so that it cannot be
//! asked for unused memory.

use core::ffi::c_int;

unsafe extern "C" {
    /// rpmalloc's own. Declared here because its crate forgets the argument, which says whether the
    /// thread's caches are released too.
    fn rpmalloc_thread_finalize(release_caches: c_int);
}

super::peer!(
    /// rpmalloc, as the crate comes by default.
    Rpmalloc,
    "rpmalloc",
    ::rpmalloc::RpMalloc,
    false,
    // SAFETY: has no conditions but that rpmalloc is initialised, which its first use did; the thread
    // has no more use for it, and a later use would start anew.
    unsafe {
        rpmalloc_thread_finalize(1);
    }
);
