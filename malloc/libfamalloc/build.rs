//! How the shared library is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Memory outlives the handle of a library that was loaded in the midst of a run, and so do the
    // hooks for threads and forks: it stays loaded.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libfamalloc.so");
    // What it says of its own functions means its own, whoever else defines the names.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-Bsymbolic-functions");
}
