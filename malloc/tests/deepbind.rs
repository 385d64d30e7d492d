//! Plugins that are opened with `RTLD_DEEPBIND`, and `deepbind.c`, which takes that away.

#![cfg(all(target_os = "linux", target_env = "gnu"))]

mod common;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use common::{Ended, FOLDER, Program, compiler, library, preloaded, run, succeed};

/// The program, beside a folder with the plugin, to which its own path leads.
fn host(test: &str) -> PathBuf {
    let plugin =
        Program { flags: &["-shared", "-fPIC"], variant: ".so", ..Program::new("plugin.c") };
    let plugin = plugin.compile();
    let folder = plugin.with_file_name(format!("{test}-plugins"));
    fs::create_dir_all(&folder).expect("a folder");
    fs::rename(&plugin, folder.join("libdeep-plugin.so")).expect("the plugin is moved");
    let path = format!("-Wl,--enable-new-dtags,-rpath,$ORIGIN/{test}-plugins");
    Program { flags: &[&path], ..Program::new("deepbind.c") }.compile()
}

/// `deepbind.c`, compiled.
fn without_deepbind(host: &Path) -> PathBuf {
    let shim = host.with_extension("shim.so");
    let source = Path::new(FOLDER).join("deepbind.c");
    let flags = ["-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-o"];
    succeed(compiler(false).args(flags).arg(&shim).arg(source).arg("-ldl"));
    shim
}

fn exchange(host: &Path, what: &str, preload: Option<&Path>) -> Ended {
    run(host, &["libdeep-plugin.so".as_ref(), what.as_ref()], preload)
}

/// What such a plugin has allocated is handed on to the C library's malloc.
#[test]
fn what_a_plugin_gives_is_freed() {
    let host = host("gives");
    exchange(&host, "half", None).well();
    exchange(&host, "half", Some(&library())).well();
}

#[test]
fn without_the_flag_all_have_one_malloc() {
    let host = host("one");
    let shim = without_deepbind(&host);
    exchange(&host, "whole", None).well();
    exchange(&host, "whole", Some(&shim)).well();
    if let Some(library) = preloaded() {
        let mut both = OsString::from(library);
        both.push(":");
        both.push(&shim);
        exchange(&host, "whole", Some(Path::new(&both))).well();
    }
}
