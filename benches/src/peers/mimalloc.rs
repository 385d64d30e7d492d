//! mimalloc, as the crate comes by default.

unsafe extern "C" {
    /// mimalloc's own: frees what the heap of this thread and abandoned segments have left.
    fn mi_collect(force: bool);
}

super::peer!(
    /// mimalloc, as the crate comes by default.
    Mimalloc,
    "mimalloc",
    ::mimalloc::MiMalloc,
    {
        // SAFETY: has no conditions; the library is linked by the crate.
        unsafe { mi_collect(true) };
        true
    }
);
