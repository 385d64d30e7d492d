//! How the shared library is linked: as the documentation of `export_malloc!` asks, and not with
//! `-Bsymbolic-functions`, for which it does not.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
