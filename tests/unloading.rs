//! A shared library with families of its own is loaded in the midst of a run, used, and closed: the
//! package `tests/plugin`, which is built by itself here. What was registered for the ends of threads
//! and for forks is still there when its time comes, and the next load finds the memory of the one before.

#![cfg(all(target_os = "linux", not(miri)))]

use std::ffi::{CString, c_void};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;

type Work = extern "C" fn(bool) -> u64;

/// Builds the library with a feature or none, and returns a copy that no other test loads.
fn build(features: &str, test: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin");
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--package", "famalloc-plugin", "--offline", "--features", features]);
    command.arg("--target-dir").arg(&target).current_dir(env!("CARGO_MANIFEST_DIR"));
    // Flags for this build, a sanitizer's for instance, are not for that one.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        command.env_remove(variable);
    }
    let output = command.env("CARGO_TERM_COLOR", "never").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let copy = target.join(format!("{test}{features}.so"));
    fs::copy(target.join("debug/libfamalloc_plugin.so"), &copy).unwrap();
    copy
}

/// The library, loaded.
struct Plugin {
    handle: *mut c_void,
    work: Work,
}

impl Plugin {
    fn load(path: &Path) -> Self {
        let name = CString::new(path.as_os_str().as_bytes()).unwrap();
        // SAFETY: a library of this project, whose constructors do nothing.
        let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        assert!(!handle.is_null(), "{} cannot be loaded", path.display());
        // SAFETY: just loaded.
        let work = unsafe { libc::dlsym(handle, c"famalloc_plugin_work".as_ptr()) };
        assert!(!work.is_null());
        // SAFETY: it is declared so there.
        let work = unsafe { core::mem::transmute::<*mut c_void, Work>(work) };
        Self { handle, work }
    }

    fn close(self) {
        // SAFETY: loaded once, and not used any more.
        assert_eq!(unsafe { libc::dlclose(self.handle) }, 0);
    }
}

/// One test at a time: they build in one place, and count what is mapped.
fn with_each_build(test: &str, use_library: impl Fn(&Path)) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for features in ["", "global"] {
        use_library(&build(features, test));
    }
}

#[test]
fn a_thread_ends_after_the_library_was_closed() {
    with_each_build("thread", |library| {
        for keep in [false, true] {
            let plugin = Plugin::load(library);
            let work = plugin.work;
            let (worked, closed) = (Barrier::new(2), Barrier::new(2));
            thread::scope(|scope| {
                let thread = scope.spawn(|| {
                    work(keep);
                    worked.wait();
                    closed.wait();
                });
                worked.wait();
                plugin.close();
                closed.wait();
                thread.join().unwrap();
            });
        }
    });
}

#[test]
fn a_fork_after_the_library_was_closed() {
    with_each_build("fork", |library| {
        let plugin = Plugin::load(library);
        (plugin.work)(false);
        plugin.close();
        // SAFETY: the child does nothing but end.
        match unsafe { libc::fork() } {
            // SAFETY: without a word to anyone.
            0 => unsafe { libc::_exit(3) },
            child => {
                let mut status = 0;
                // SAFETY: valid for writes.
                assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
                assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 3, "{status:#x}");
            }
        }
    });
}

/// Bytes of addresses that are mapped in the name of nobody.
fn anonymous_bytes() -> usize {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let anonymous = maps.lines().filter(|line| line.split_whitespace().count() == 5);
    let ends = anonymous.filter_map(|line| line.split_once(' ')?.0.split_once('-'));
    let address = |digits| usize::from_str_radix(digits, 16).unwrap();
    ends.map(|(start, end)| address(end) - address(start)).sum()
}

#[test]
fn many_loads_have_one_reservation() {
    with_each_build("loads", |library| {
        let mut first = 0;
        for load in 1..=300 {
            let plugin = Plugin::load(library);
            assert_eq!((plugin.work)(false), load, "what it was has gone");
            plugin.close();
            if load == 1 {
                first = anonymous_bytes();
            }
        }
        let more = anonymous_bytes().saturating_sub(first);
        assert!(more < 256 << 20, "{} MiB more are mapped", more >> 20);
    });
}
