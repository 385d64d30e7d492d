//! jemalloc, as the crate comes by default.

use core::ptr;

/// Empties the thread's cache and purges all arenas.
fn purge() -> bool {
    // 4096 is `MALLCTL_ARENAS_ALL`.
    for order in [c"thread.tcache.flush", c"arena.4096.purge"] {
        // SAFETY: both are orders without arguments or results.
        let failed = unsafe {
            tikv_jemalloc_sys::mallctl(
                order.as_ptr(),
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                0,
            )
        };
        assert_eq!(failed, 0, "jemalloc does not know {order:?}");
    }
    true
}

super::peer!(
    /// jemalloc, as the crate comes by default.
    Jemalloc,
    "jemalloc",
    tikv_jemallocator::Jemalloc,
    purge()
);
