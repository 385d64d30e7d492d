//! Where the cache slots of a family set are: in the user's crate, by way of the macro `__cache_slots!`, which
//! the expansion of `#[alloc_family]` calls. What it declares is this crate's business, as it depends
//! on this crate's features and not on those of the user's.
//!
//! Without the standard library there are no thread-locals: all threads share cache slots, which point at the
//! empty cache until somebody promises that there is but one thread.

/// Declares the cache slots of a set: thread-local.
// Constant and without a destructor: reaching them is one instruction, and they outlive whatever
// else the thread keeps.
#[cfg(feature = "std")]
#[doc(hidden)]
#[macro_export]
macro_rules! __cache_slots {
    ($name:ident, $count:expr, $fallback:expr) => {
        $crate::__thread_local! {
            static $name: $crate::__private::CacheSlots<{ $count }> =
                const { $crate::__private::CacheSlots::new($fallback) };
        }
    };
}

/// Declares the cache slots of a set: the same for all threads.
#[cfg(not(feature = "std"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __cache_slots {
    ($name:ident, $count:expr, $fallback:expr) => {
        static $name: $crate::__private::StaticCacheSlots<{ $count }> =
            $crate::__private::StaticCacheSlots::new($fallback);
    };
}

/// Declares the cache slots of a set: thread-local, and reached by a load from a fixed offset even in a shared
/// library.
///
/// In an executable thread-locals always are. In a shared library the compiler has to assume that it
/// is loaded in the midst of a run, when there may be no room left beside the executable's, and calls a
/// function each time (the general dynamic model of the ELF TLS specification; U. Drepper, "ELF Handling
/// For Thread-Local Storage"). Here the variable is declared and addressed as the initial exec model
/// says, which the compiler does not yet offer to whoever wants it.
#[cfg(all(
    feature = "std",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#[doc(hidden)]
#[macro_export]
macro_rules! __cache_slots_initial_exec {
    ($name:ident, $set:ident, $count:expr, $fallback:expr) => {
        #[allow(non_camel_case_types, reason = "in the place of a static")]
        struct $name;

        impl $name {
            #[inline(always)]
            fn with<R>(
                &self,
                __use_cache_slots: impl ::core::ops::FnOnce(&$crate::__private::CacheSlots<{ $count }>) -> R,
            ) -> R {
                let __cache_slots: *const $crate::__private::CacheSlots<{ $count }>;
                // SAFETY: computes an address, as the TLS specification says for this model.
                #[cfg(target_arch = "x86_64")]
                unsafe {
                    ::core::arch::asm!(
                        "addq %fs:0, {cache_slots}",
                        cache_slots = inlateout(reg) $crate::__cache_slots_offset!($set) => __cache_slots,
                        options(att_syntax, pure, readonly, nostack)
                    );
                }
                // SAFETY: as above.
                #[cfg(target_arch = "aarch64")]
                unsafe {
                    ::core::arch::asm!(
                        "mrs {cache_slots}, tpidr_el0",
                        $crate::__cache_slots_symbol!($set, "adrp {offset}, :gottprel:", ""),
                        $crate::__cache_slots_symbol!($set, "ldr {offset}, [{offset}, :gottprel_lo12:", "]"),
                        "add {cache_slots}, {cache_slots}, {offset}",
                        cache_slots = out(reg) __cache_slots,
                        offset = out(reg) _,
                        options(pure, readonly, nostack)
                    );
                }
                // SAFETY: the calling thread's, laid out and initialised above; cells, so they may
                // be shared within the thread.
                __use_cache_slots(unsafe { &*__cache_slots })
            }
        }
    };
}

/// The data of such cache slots. An item of its own, as assembly cannot stand in a block: so the set cannot
/// be declared in a function's body.
#[cfg(all(
    feature = "std",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#[doc(hidden)]
#[macro_export]
macro_rules! __cache_slots_data {
    ($set:ident, $count:expr, $fallback:expr) => {
        // The scope, its cache slot, and a cache slot for each family, as `CacheSlots` has them.
        ::core::arch::global_asm!(
            ".pushsection .tdata.famalloc,\"awT\",@progbits",
            ".p2align 3",
            $crate::__cache_slots_symbol!($set, ".globl ", ""),
            $crate::__cache_slots_symbol!($set, ".hidden ", ""),
            $crate::__cache_slots_symbol!($set, ".type ", ", @tls_object"),
            $crate::__cache_slots_symbol!($set, ".size ", ", 16 + 8 * {count}"),
            $crate::__cache_slots_symbol!($set, "", ":"),
            ".quad {fallback}",
            ".quad {empty}",
            ".rept {count}",
            ".quad {empty}",
            ".endr",
            ".popsection",
            count = const $count,
            fallback = const $fallback,
            empty = sym $crate::__private::EMPTY_CACHE,
        );
    };
}

/// None.
#[cfg(not(all(
    feature = "std",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
#[doc(hidden)]
#[macro_export]
macro_rules! __cache_slots_data {
    ($set:ident, $count:expr, $fallback:expr) => {};
}

/// Where that is not known, as any thread-local.
#[cfg(all(
    feature = "std",
    not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))
))]
#[doc(hidden)]
#[macro_export]
macro_rules! __cache_slots_initial_exec {
    ($name:ident, $set:ident, $count:expr, $fallback:expr) => {
        $crate::__cache_slots!($name, $count, $fallback);
    };
}

#[cfg(not(feature = "std"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __cache_slots_initial_exec {
    ($name:ident, $set:ident, $count:expr, $fallback:expr) => {
        $crate::__cache_slots!($name, $count, $fallback);
    };
}

/// How far from the thread's own address its cache slots are, which lie at the same offset in each.
#[doc(hidden)]
#[macro_export]
macro_rules! __cache_slots_offset {
    ($set:ident) => {{
        let __offset: ::core::primitive::usize;
        // SAFETY: reads what the loader has written, and is the same for as long as the process lives.
        unsafe {
            ::core::arch::asm!(
                $crate::__cache_slots_symbol!($set, "movq ", "@GOTTPOFF(%rip), {offset}"),
                offset = lateout(reg) __offset,
                options(att_syntax, pure, nomem, nostack, preserves_flags)
            );
        }
        __offset
    }};
}

/// In the implementation of a set with such cache slots: reads what is in them without their address, which would
/// be an instruction more. It is needed out of line alone.
#[cfg(all(feature = "std", target_os = "linux", target_arch = "x86_64"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __cache_slots_reads {
    ($set:ident) => {
        #[inline(always)]
        fn scope() -> ::core::primitive::usize {
            let __scope: ::core::primitive::usize;
            // SAFETY: the first field of the calling thread's cache slots.
            unsafe {
                ::core::arch::asm!(
                    "movq %fs:({offset}), {scope}",
                    offset = in(reg) $crate::__cache_slots_offset!($set),
                    scope = lateout(reg) __scope,
                    options(att_syntax, pure, readonly, nostack, preserves_flags)
                );
            }
            __scope
        }

        #[inline(always)]
        unsafe fn read_head(
            __family: ::core::primitive::usize,
            __scaled: ::core::primitive::usize,
        ) -> $crate::__private::HeadAt {
            let __head: *const ();
            // SAFETY: behind the scope's, the cache slot of a family that there is (contract); heads come first in a cache.
            unsafe {
                ::core::arch::asm!(
                    "addq %fs:16({offset},{family},8), {head}",
                    offset = in(reg) $crate::__cache_slots_offset!($set),
                    family = in(reg) __family,
                    head = inlateout(reg) __scaled => __head,
                    options(att_syntax, pure, readonly, nostack)
                );
            }
            // SAFETY: read just now; passed on.
            unsafe { $crate::__private::HeadAt::as_read(__head) }
        }

        #[inline(always)]
        unsafe fn read_head_of_scope(
            __scaled: ::core::primitive::usize,
        ) -> $crate::__private::HeadAt {
            let __head: *const ();
            // SAFETY: the cache slot behind the scope; heads come first in a cache.
            unsafe {
                ::core::arch::asm!(
                    "addq %fs:8({offset}), {head}",
                    offset = in(reg) $crate::__cache_slots_offset!($set),
                    head = inlateout(reg) __scaled => __head,
                    options(att_syntax, pure, readonly, nostack)
                );
            }
            // SAFETY: read just now; passed on.
            unsafe { $crate::__private::HeadAt::as_read(__head) }
        }
    };
}

/// None: by way of the address.
#[cfg(not(all(feature = "std", target_os = "linux", target_arch = "x86_64")))]
#[doc(hidden)]
#[macro_export]
macro_rules! __cache_slots_reads {
    ($set:ident) => {};
}

/// The symbol of a set's cache slots between two pieces of text: its path makes it the only one.
#[doc(hidden)]
#[macro_export]
macro_rules! __cache_slots_symbol {
    ($set:ident, $before:literal, $after:literal) => {
        ::core::concat!(
            $before,
            "\"famalloc cache_slots of ",
            ::core::module_path!(),
            "::",
            ::core::stringify!($set),
            "\"",
            $after
        )
    };
}
