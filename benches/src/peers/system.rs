//! The allocator of the C library.

super::peer!(
    /// The allocator of the C library.
    System,
    "system",
    std::alloc::System,
    {
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        // SAFETY: has no conditions.
        unsafe {
            libc::malloc_trim(0);
        }
        cfg!(all(target_os = "linux", target_env = "gnu"))
    }
);
