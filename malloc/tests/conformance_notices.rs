//! The programs of `conformance.rs` notice what they look for: each runs with a malloc that is wrong in
//! one point, and must fail.

#![cfg(all(target_os = "linux", target_env = "gnu"))]

mod common;

use common::{Program, run};

/// Runs the program with the C library's malloc, spoilt by the named fault of `wrong.c`.
#[track_caller]
fn noticed(fault: &str, source: &str) {
    let define = format!("-D{fault}");
    let flags = ["-shared", "-fPIC", define.as_str()];
    let cpp = fault.starts_with("NEW") || fault.starts_with("DELETE");
    let wrong = if cpp { "wrong_new.cpp" } else { "wrong.c" };
    let library = Program { flags: &flags, variant: ".so", ..Program::new(wrong) }.compile();
    let ended = run(&Program::new(source).compile(), &[], Some(&library));
    assert!(!ended.status.success(), "{source} is content with {fault}");
    println!("{}\n{}", ended.status, ended.err);
}

macro_rules! faults {
    ($($name:ident: $fault:ident, $source:literal;)*) => {$(
        #[test]
        fn $name() {
            noticed(stringify!($fault), $source);
        }
    )*};
}

faults! {
    malloc_unaligned: MALLOC_UNALIGNED, "alignment.c";
    malloc_zero_same: MALLOC_ZERO_SAME, "zero_sizes.c";
    malloc_zero_null: MALLOC_ZERO_NULL, "zero_sizes.c";
    malloc_too_much: MALLOC_TOO_MUCH, "limits.c";
    malloc_no_errno: MALLOC_NO_ERRNO, "limits.c";
    malloc_twice: MALLOC_TWICE, "basic.c";
    malloc_late: MALLOC_LATE, "lifecycle.c";
    malloc_interrupted: MALLOC_INTERRUPTED, "signals.c";
    malloc_dead_thread: MALLOC_DEAD_THREAD, "thread_keys.c";
    malloc_dead_object: MALLOC_DEAD_OBJECT, "thread_locals.cpp";
    malloc_thread_leak: MALLOC_THREAD_LEAK, "thread_churn.c";
    malloc_thread_leak_keys: MALLOC_THREAD_LEAK, "thread_keys.c";
    start_leak: START_LEAK, "thread_start.c";
    malloc_open_file: MALLOC_OPEN_FILE, "closed_files.c";
    malloc_reserves: MALLOC_RESERVES, "locked_memory.c";
    malloc_reserves_addresses: MALLOC_RESERVES, "address_space.c";
    malloc_large_stack: MALLOC_LARGE_STACK, "small_stack.c";
    calloc_dirty: CALLOC_DIRTY, "calloc.c";
    calloc_wraps: CALLOC_WRAPS, "limits.c";
    free_errno: FREE_ERRNO, "errno.c";
    free_nothing: FREE_NOTHING, "zero_sizes.c";
    free_nothing_threads: FREE_NOTHING, "threads.c";
    free_nothing_limited: FREE_NOTHING, "address_space.c";
    free_nothing_sized: FREE_NOTHING, "free_sized.c";
    realloc_loses: REALLOC_LOSES, "realloc.c";
    realloc_failure_frees: REALLOC_FAILURE_FREES, "limits.c";
    realloc_zero_leaks: REALLOC_ZERO_LEAKS, "zero_sizes.c";
    reallocarray_wraps: REALLOCARRAY_WRAPS, "limits.c";
    memalign_as_it_is: MEMALIGN_AS_IT_IS, "memalign_odd.c";
    memalign_a_page: MEMALIGN_A_PAGE, "memalign.c";
    aligned_alloc_rounds: ALIGNED_ALLOC_ROUNDS, "aligned_alloc.c";
    posix_memalign_sets_null: POSIX_MEMALIGN_SETS_NULL, "posix_memalign.c";
    posix_memalign_sets_errno: POSIX_MEMALIGN_SETS_ERRNO, "posix_memalign.c";
    pvalloc_no_rounding: PVALLOC_NO_ROUNDING, "pages.c";
    pvalloc_wraps: PVALLOC_WRAPS, "pages.c";
    usable_too_much: USABLE_TOO_MUCH, "usable_size.c";
    trim_nothing: TRIM_NOTHING, "statistics.c";
    info_open: INFO_OPEN, "statistics.c";
    fork_forgets: FORK_FORGETS, "fork.c";
    new_knows_no_handler: NEW_KNOWS_NO_HANDLER, "new_handler.cpp";
    new_calls_once: NEW_CALLS_ONCE, "new_handler.cpp";
    new_gives_null: NEW_GIVES_NULL, "new_handler.cpp";
    new_unaligned: NEW_UNALIGNED, "operators.cpp";
    new_passes_by: NEW_PASSES_BY, "replaced_new.cpp";
    delete_leaks: DELETE_LEAKS, "operators.cpp";
}
