//! Thread-locals that an allocator can use: reaching one never allocates, and it is there until the thread is gone.
//!
//! The standard library's are that wherever the compiler knows the target's thread-local storage. With the GNU tools
//! for Windows it does not: there the standard library puts each thread's copy into a box, which the global allocator
//! serves (until Rust 1.93), and that may be the one that is asking. So it is written out here what the compiler does
//! for other targets, by what the loader does for every program (Microsoft, "PE Format", the section `.tls`): a thread
//! has a copy of all that a module's sections named `.tls` have, and the address of the copy in an array in its
//! environment block. A variable lies as far into the copy as its template does into the section.

#[cfg(all(windows, target_env = "gnu", not(target_abi = "llvm")))]
mod template {
    use core::cell::Cell;
    use core::fmt;
    use core::ptr;

    /// Where the loader finds the section, and tells which number this module has (`IMAGE_TLS_DIRECTORY64`).
    #[repr(C)]
    struct Directory {
        start: *const u8,
        end: *const u8,
        number: *const u32,
        callbacks: *const (),
        zeros: u32,
        flags: u32,
    }

    unsafe extern "C" {
        /// This module's. The C run-time library has it.
        #[link_name = "_tls_used"]
        static DIRECTORY: Directory;
    }

    /// What a thread's own value is copied from.
    #[doc(hidden)]
    #[repr(transparent)]
    pub struct ThreadLocal<T: 'static>(T);

    // SAFETY: no thread reaches the template, only its own copy.
    unsafe impl<T> Sync for ThreadLocal<T> {}

    impl<T> ThreadLocal<T> {
        /// Wraps a template.
        ///
        /// # Safety
        ///
        /// It is the value of a static in the section `.tls$FAM`, which the linker puts between `.tls` and `.tls$ZZZ`,
        /// where the C run-time library says that it begins and ends.
        pub const unsafe fn new(value: T) -> Self {
            const { assert!(!core::mem::needs_drop::<T>(), "nobody would drop the copies") };
            Self(value)
        }

        /// Uses the calling thread's own value.
        // In the module that has the static, whose directory it is.
        #[inline(always)]
        pub fn with<R>(&'static self, access: impl FnOnce(&T) -> R) -> R {
            let copies: *const *mut u8;
            // SAFETY: reads a word of the thread's environment block (`TEB.ThreadLocalStoragePointer`).
            unsafe {
                core::arch::asm!("mov {}, gs:[0x58]", out(reg) copies, options(pure, readonly, nostack, preserves_flags));
            }
            // SAFETY: the linker and the loader have written it, and it stays.
            let (start, number) = unsafe { (DIRECTORY.start, DIRECTORY.number.read()) };
            // SAFETY: there is a copy for each number that the loader has given a module.
            let copy = unsafe { copies.add(number as usize).read() };
            let offset = ptr::from_ref(self).addr() - start.addr();
            // SAFETY: the template lies so far into the section (contract of `new`), of which this is a copy.
            let own = unsafe { copy.add(offset) }.cast::<T>();
            // SAFETY: a copy of a valid value, aligned like the template, that no other thread reaches.
            access(unsafe { &*own })
        }
    }

    impl<T: Copy> ThreadLocal<Cell<T>> {
        /// The calling thread's value.
        pub fn get(&'static self) -> T {
            self.with(Cell::get)
        }

        /// Sets it.
        pub fn set(&'static self, value: T) {
            self.with(|cell| cell.set(value));
        }
    }

    impl<T> fmt::Debug for ThreadLocal<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("ThreadLocal").finish_non_exhaustive()
        }
    }
}

#[cfg(all(windows, target_env = "gnu", not(target_abi = "llvm")))]
pub use template::ThreadLocal;

#[cfg(not(all(windows, target_env = "gnu", not(target_abi = "llvm"))))]
pub use std::thread_local;

/// Declares one thread-local, as `std::thread_local!` does: constant, and without a destructor.
#[cfg(not(all(windows, target_env = "gnu", not(target_abi = "llvm"))))]
#[doc(hidden)]
#[macro_export]
macro_rules! __thread_local {
    ($($declaration:tt)*) => {
        $crate::__private::local::thread_local! { $($declaration)* }
    };
}

/// Declares one thread-local, as `std::thread_local!` does: constant, and without a destructor.
#[cfg(all(windows, target_env = "gnu", not(target_abi = "llvm")))]
#[doc(hidden)]
#[macro_export]
macro_rules! __thread_local {
    ($(#[$about:meta])* static $name:ident: $type:ty = const $value:block;) => {
        $(#[$about])*
        #[unsafe(link_section = ".tls$FAM")]
        static $name: $crate::__private::local::ThreadLocal<$type> =
            // SAFETY: in such a section.
            unsafe { $crate::__private::local::ThreadLocal::new(const $value) };
    };
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;
    use std::thread;

    crate::__thread_local! {
        /// Not zero, so that a copy is told from memory that nobody has written.
        static COUNT: Cell<(u64, *const u8)> = const { Cell::new((7, c"seven".as_ptr().cast())) };
    }

    #[test]
    fn each_thread_has_its_own_from_the_start() {
        let take = || COUNT.with(|count| count.replace((8, core::ptr::null())).0);
        assert_eq!(take(), 7);
        assert_eq!(take(), 8);
        let places: Vec<_> = thread::scope(|scope| {
            let threads = [(); 3].map(|()| {
                scope.spawn(|| (COUNT.with(|count| count.as_ptr().addr()), take(), take()))
            });
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(places.iter().all(|&(_, first, second)| (first, second) == (7, 8)));
        let own = COUNT.with(|count| count.as_ptr().addr());
        assert!(places.iter().all(|&(place, ..)| place != own && place % 8 == 0));
    }
}
