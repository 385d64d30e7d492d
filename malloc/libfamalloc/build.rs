//! How the shared library is linked.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    // Memory outlives the handle of a library that was loaded in the midst of a run, and so do the
    // hooks for threads and forks: it stays loaded.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libfamalloc.so");
    // No more than a saving: its own functions call each other without a look at who else defines them.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-Bsymbolic-functions");
    if env::var("CARGO_CFG_TARGET_ENV").as_deref() == Ok("gnu") {
        keep_unwinder()?;
    }
    Ok(())
}

/// Has the library keep what it needs of the unwinder, instead of having every process load `libgcc_s.so`: a
/// file to be found and some forty pages, for messages that are never printed. The compiler names that library to
/// the linker, which finds this script under its name first. Where the archive is not to be had, all stays as it is.
fn keep_unwinder() -> io::Result<()> {
    let linker = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let Ok(asked) = Command::new(linker).arg("-print-file-name=libgcc_eh.a").output() else {
        return Ok(());
    };
    let archive = String::from_utf8_lossy(&asked.stdout);
    let archive = Path::new(archive.trim());
    if !archive.is_absolute() || !archive.exists() {
        return Ok(());
    }
    let folder = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    fs::write(folder.join("libgcc_s.so"), format!("INPUT({})\n", archive.display()))?;
    println!("cargo::rustc-link-search=native={}", folder.display());
    Ok(())
}
