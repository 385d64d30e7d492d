//! rallocator, a Rust allocator after snmalloc. It has no call that asks for unused memory.

super::peer!(
    /// rallocator, a Rust allocator after snmalloc.
    Rallocator,
    "rallocator",
    ::rallocator::Rallocator,
    false
);
