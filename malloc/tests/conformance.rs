//! What C23, POSIX.1-2024, C++ and the manual pages of Linux say of `malloc` and its kin, tried by
//! programs in C and C++ with the library in place of the C library's malloc.
//!
//! Each program of `tests/c` is about one subject and says at its head what is asked and why; where the
//! standards leave a choice it takes every allowed answer. A test compiles and runs one, in a process
//! of its own. What only the project's library has to do (its own messages, foreign blocks) is
//! skipped where another is tried with `FAMALLOC_TEST_LIBRARY`.

#![cfg(target_os = "linux")]

mod common;

use common::{Program, archive, library, own, run, run_command};
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// Compiles the program and runs it with the library; it must end well.
#[track_caller]
fn conforms(source: &str, arguments: &[&OsStr]) {
    run(&Program::new(source).compile(), arguments, Some(&library())).well();
}

macro_rules! programs {
    ($($name:ident: $source:literal $(, $argument:literal)*;)*) => {$(
        #[test]
        fn $name() {
            conforms($source, &[$($argument.as_ref()),*]);
        }
    )*};
}

programs! {
    basic: "basic.c";
    zero_sizes: "zero_sizes.c";
    alignment: "alignment.c";
    memalign: "memalign.c";
    memalign_odd: "memalign_odd.c";
    aligned_alloc: "aligned_alloc.c";
    posix_memalign: "posix_memalign.c";
    pages: "pages.c";
    limits: "limits.c";
    errno: "errno.c";
    realloc: "realloc.c";
    calloc: "calloc.c";
    usable_size: "usable_size.c";
    free_sized: "free_sized.c";
    libc_functions: "libc_functions.c";
    threads: "threads.c";
    thread_churn: "thread_churn.c";
    thread_keys: "thread_keys.c";
    thread_last: "thread_last.c";
    thread_last_of_many_keys: "thread_last.c", "many";
    thread_detached: "thread_detached.c";
    thread_locals: "thread_locals.cpp";
    thread_start: "thread_start.c";
    idle_threads: "idle_threads.c";
    trim: "trim.c";
    small_stack: "small_stack.c";
    fork: "fork.c";
    fork_during_stdio: "fork_stdio.c";
    fork_in_a_signal_handler: "fork_signal.c";
    fork_in_signal_handlers_of_threads: "fork_signal.c", "threads";
    fork_in_a_signal_handler_returns: "fork_signal.c", "returns";
    fork_handlers: "fork_handlers.c";
    fork_handlers_that_fork: "fork_handlers.c", "nested";
    spawn: "spawn.c";
    lifecycle: "lifecycle.c";
    signals: "signals.c";
    closed_files: "closed_files.c";
    locked_memory: "locked_memory.c";
    address_space: "address_space.c";
    limited_later: "limited_later.c";
    mappings: "mappings.c";
    statistics: "statistics.c";
    cancelled: "cancelled.c";
    libc_names: "libc_names.c";
    operators: "operators.cpp";
    new_handler: "new_handler.cpp";
    replaced_new: "replaced_new.cpp";
    replaced_array: "replaced_array.cpp";
    standard_library: "standard_library.cpp";
}

/// A program with a malloc of its own over `__libc_malloc`.
#[test]
fn own_malloc_over_the_c_librarys() {
    let program = Program { flags: &["-DOWN_MALLOC"], ..Program::new("libc_names.c") };
    run(&program.compile(), &[], Some(&library())).well();
}

/// A thread that was cancelled says what is wrong before all ends.
#[test]
fn cancelled_with_a_message() {
    if own() {
        let program = Program::new("cancelled.c").compile();
        let ended = run(&program, &["twice".as_ref()], Some(&library()));
        ended.aborted_with("famalloc: free(0x");
    }
}

/// The functions that valgrind does not put its own in place of call those that it does.
#[test]
fn under_valgrind() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("no valgrind here: what it replaces is not tried");
        return;
    }
    let plain = Program::new("not_replaced.c").compile();
    let tried = |program: &Path, preload: Option<&Path>| {
        let mut command = Command::new("valgrind");
        command.args(["-q", "--error-exitcode=9", "--leak-check=full"]).arg(program);
        let ended = run_command(command, &plain, preload);
        assert!(!ended.err.contains("Invalid"), "{}", ended.err);
        ended.well();
    };
    tried(&plain, Some(&library()));
    tried("/bin/ls".as_ref(), Some(&library()));
    if let Some(linked) = common::linked() {
        let libraries = &linked.each_ref().map(|it| it.as_os_str());
        tried(
            &Program { libraries, variant: "-linked", ..Program::new("not_replaced.c") }.compile(),
            None,
        );
    }
}

/// The shared library made of `source`, for programs that open it.
fn plugin(source: &str) -> std::path::PathBuf {
    Program { flags: &["-shared", "-fPIC"], variant: ".so", ..Program::new(source) }.compile()
}

#[test]
fn libraries_come_and_go() {
    conforms("dlopen.c", &[plugin("plugin.c").as_os_str()]);
}

#[test]
fn operators_for_a_library_opened_late() {
    conforms("operators_late.c", &[plugin("plugin_cpp.cpp").as_os_str()]);
}

/// Nobody is there to throw, and no Rust panic may stand in.
#[test]
fn operators_without_a_cpp_library() {
    if !own() {
        return;
    }
    let program = Program::new("operators_alone.c").compile();
    let most = isize::MAX / 2;
    for (argument, message) in [
        ("size", format!("operator new({most}): no memory, and no C++ library")),
        ("no size", "operator new: the size is too large, and no C++ library".to_owned()),
    ] {
        let ended = run(&program, &[argument.as_ref()], Some(&library()));
        ended.aborted_with(&message);
        assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
    }
}

/// The C++ runtime is in the program itself, and so are its operators: `malloc` serves them. (The aligned
/// ones of libstdc++ 12 let sizes near `SIZE_MAX` wrap, so `operators.cpp` is not asked.)
#[test]
fn operators_of_a_static_runtime() {
    for source in
        ["new_handler.cpp", "replaced_new.cpp", "replaced_array.cpp", "standard_library.cpp"]
    {
        let flags = &["-static-libstdc++", "-static-libgcc"];
        let program = Program { flags, ..Program::new(source) }.compile();
        run(&program, &[], Some(&library())).well();
    }
}

#[test]
fn opened_in_the_midst_of_a_run() {
    if library().as_os_str().is_empty() {
        return;
    }
    let program = Program::new("dlopen_malloc.c").compile();
    run(&program, &[library().as_os_str()], None).well();
}

#[test]
fn opened_and_closed() {
    if library().as_os_str().is_empty() {
        return;
    }
    let program = Program::new("dlopen_malloc.c").compile();
    run(&program, &[library().as_os_str(), "close".as_ref()], None).well();
}

/// Blocks of the C library's own malloc.
#[test]
fn foreign_blocks() {
    if own() || library().as_os_str().is_empty() {
        conforms("foreign.c", &[]);
    }
}

/// Runs the program of errors with each of these, and expects it to abort with the message.
#[track_caller]
fn aborts(errors: &[&str], message: &str) {
    let program = Program::new("misuse.c").compile();
    for error in errors {
        println!("{error}");
        let ended = run(&program, &[error.as_ref()], Some(&library()));
        if own() {
            ended.aborted_with(message);
        } else {
            println!("{}: {}", ended.status, ended.err);
        }
    }
}

#[test]
fn double_free_aborts() {
    aborts(
        &[
            "double_free_small",
            "double_free_8",
            "double_free_page",
            "double_free_thread",
            "double_free_realloc",
        ],
        "famalloc",
    );
}

/// The pages of a large block are the system's again, so the second free finds no block of the library's
/// there; the message may be that of the next allocator.
#[test]
fn double_free_of_a_large_block_aborts() {
    aborts(&["double_free_large"], "");
}

/// Of what is no block at all; the message may be that of the next allocator.
#[test]
fn free_of_no_block_aborts() {
    aborts(&["free_stack", "free_static", "free_code", "realloc_stack"], "");
}

#[test]
fn free_inside_a_block_aborts() {
    aborts(
        &[
            "free_interior",
            "free_odd",
            "free_interior_large",
            "free_huge_interior",
            "realloc_interior",
        ],
        "",
    );
}

/// Programs without shared libraries, linked with the archive. One that frees twice shows whose malloc
/// it has.
#[test]
fn linked_statically() {
    if !own() {
        return;
    }
    let archive = archive();
    // The README says what the second is for; C programs have no such symbol.
    assert_linked(&archive, &["-static"], &["-Wl,-u,_ZSt17__throw_bad_allocv"], "-static");
}

/// The archive in a program that uses the C library as a shared one.
#[test]
fn linked_from_the_archive() {
    if !own() {
        return;
    }
    assert_linked(&archive(), &[], &[], "-archive");
}

#[track_caller]
fn assert_linked(archive: &Path, flags: &[&str], more_for_cpp: &[&str], variant: &str) {
    // (What Rust's own library needs comes last.)
    let libraries: &[&OsStr] = &[
        archive.as_os_str(),
        "-lpthread".as_ref(),
        "-ldl".as_ref(),
        "-lm".as_ref(),
        "-lgcc_eh".as_ref(),
        "-lgcc".as_ref(),
        "-lc".as_ref(),
    ];
    let build = |source: &str| {
        let more = if source.ends_with(".cpp") { more_for_cpp } else { &[] };
        let flags = &[flags, more].concat();
        Program { flags, libraries, variant, ..Program::new(source) }.compile()
    };
    for source in [
        "basic.c",
        "zero_sizes.c",
        "limits.c",
        "pages.c",
        "threads.c",
        "thread_keys.c",
        "thread_last.c",
        "thread_detached.c",
        "thread_churn.c",
        "fork.c",
        "fork_handlers.c",
        "lifecycle.c",
        "statistics.c",
        "free_sized.c",
        "operators.cpp",
        "new_handler.cpp",
        "standard_library.cpp",
    ] {
        // There only C++ itself could catch what a handler throws out of a nothrow form.
        if variant == "-static" && source == "new_handler.cpp" {
            continue;
        }
        println!("{source}");
        run(&build(source), &[], None).well();
    }
    let misuse = build("misuse.c");
    run(&misuse, &["double_free_small".as_ref()], None).aborted_with("famalloc");
    // There is no next allocator: the library itself says that it knows no such block.
    if variant == "-static" {
        for error in ["free_stack", "free_static", "realloc_stack"] {
            println!("{error}");
            run(&misuse, &[error.as_ref()], None).aborted_with("famalloc");
        }
    }
}
