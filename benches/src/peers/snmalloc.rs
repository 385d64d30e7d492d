//! snmalloc, as its crate comes by default but for the tool that builds it. It has no call that asks
//! for unused memory.
//!
//! The crate builds snmalloc unoptimised when cargo's profile asks for debug information, however
//! little of it, so the workspace's manifest takes it away from that package.

super::peer!(
    /// snmalloc, built optimised.
    Snmalloc,
    "snmalloc",
    snmalloc_rs::SnMalloc,
    false
);
