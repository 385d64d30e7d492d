//! How the shared library is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Memory outlives the handle of a library that was loaded in the midst of a run, and so do the
    // hooks for threads and forks: it stays loaded.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libfamalloc.so");
    // No more than a saving: its own functions call each other without a look at who else defines them.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-Bsymbolic-functions");
}
