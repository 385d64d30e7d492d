//! Whether a thread still lives, as others can ask at any time.
//!
//! A hook at a thread's end runs in the midst of what else does: the C library's own last steps come
//! after it, and so may hooks of the program. Only the kernel knows when the last of that is done. It
//! tells by way of *robust* mutexes (POSIX; U. Drepper and I. Molnar, "Robust Futexes", in the kernel's
//! documentation): the C library keeps a list of those that a thread holds, and the kernel marks each
//! of them when the thread ends, however it ends. So a thread takes one and never lets go of it
//! while it lives; who tries to take it learns whether its holder is there, let go, or is gone.
//!
//! It costs no call to the system, neither to take it nor to ask. Where a thread leaves the list (it
//! may tell the kernel of another), its mutex stays held for ever, and it counts as alive.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

/// A robust mutex that a thread holds while it lives.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Pulse {
    mutex: UnsafeCell<libc::pthread_mutex_t>,
}

// SAFETY: the C library's mutex is there to be shared.
unsafe impl Sync for Pulse {}

/// What becomes of who asks for a [`Pulse`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    /// The thread lives, as far as can be known.
    Alive,
    /// It has ended the pulse itself.
    Stopped,
    /// It is gone, and did not end the pulse. Who asks next is told that it was stopped.
    Dead,
}

impl Pulse {
    /// Writes a pulse and starts it, as the calling thread's; returns whether it could. Where not,
    /// there is none.
    ///
    /// # Safety
    ///
    /// `place` is valid for writes, and stays where it is until the pulse is stopped or dead.
    pub(crate) unsafe fn start(place: NonNull<Self>) -> bool {
        // An interpreter knows no robust ones.
        if cfg!(miri) {
            return false;
        }
        let mutex = place.cast::<libc::pthread_mutex_t>().as_ptr();
        let mut attributes = MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
        let attributes = attributes.as_mut_ptr();
        // SAFETY: valid for writes.
        if unsafe { libc::pthread_mutexattr_init(attributes) } != 0 {
            return false;
        }
        // SAFETY: initialised above.
        let robust =
            unsafe { libc::pthread_mutexattr_setrobust(attributes, libc::PTHREAD_MUTEX_ROBUST) };
        // SAFETY: as above; the mutex is valid for writes (contract).
        let made = robust == 0 && unsafe { libc::pthread_mutex_init(mutex, attributes) } == 0;
        // SAFETY: as above.
        unsafe { libc::pthread_mutexattr_destroy(attributes) };
        // SAFETY: initialised above.
        made && unsafe { libc::pthread_mutex_lock(mutex) } == 0
    }

    /// Stops the calling thread's pulse. `false` where it is not this thread's, as in a child that was
    /// forked without a word to anyone: then it is to be left as it is for ever.
    pub(crate) fn stop(&self) -> bool {
        // SAFETY: a mutex, which says so if this thread does not hold it.
        unsafe { libc::pthread_mutex_unlock(self.mutex.get()) == 0 }
    }

    /// Asks for the pulse.
    pub(crate) fn feel(&self) -> Beat {
        // SAFETY: a mutex.
        let beat = match unsafe { libc::pthread_mutex_trylock(self.mutex.get()) } {
            0 => Beat::Stopped,
            libc::EOWNERDEAD => {
                // SAFETY: taken just now from a thread that is gone.
                unsafe { libc::pthread_mutex_consistent(self.mutex.get()) };
                Beat::Dead
            }
            _ => return Beat::Alive,
        };
        // SAFETY: taken above.
        unsafe { libc::pthread_mutex_unlock(self.mutex.get()) };
        beat
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::mpsc::channel;
    use std::thread;

    /// A pulse of this thread, which stays for ever, in sight of who looks for leaks.
    fn start() -> &'static Pulse {
        static ALL: Mutex<Vec<&Pulse>> = Mutex::new(Vec::new());
        let place = NonNull::from(Box::leak(Box::<Pulse>::new_uninit())).cast::<Pulse>();
        // SAFETY: valid for ever.
        assert!(unsafe { Pulse::start(place) });
        // SAFETY: started just now.
        let pulse = unsafe { place.as_ref() };
        ALL.lock().unwrap().push(pulse);
        pulse
    }

    #[test]
    #[cfg_attr(miri, ignore = "an interpreter knows no robust mutexes")]
    fn a_pulse_beats_until_it_is_stopped_or_its_thread_is_gone() {
        for stops in [true, false] {
            let (tell, told) = channel();
            let (go_on, gate) = channel::<()>();
            let thread = thread::spawn(move || {
                let pulse = start();
                tell.send(pulse).unwrap();
                gate.recv().unwrap();
                assert!(!stops || pulse.stop());
            });
            let pulse = told.recv().unwrap();
            assert_eq!(pulse.feel(), Beat::Alive);
            assert!(!pulse.stop(), "it is another thread's");
            assert_eq!(pulse.feel(), Beat::Alive);
            go_on.send(()).unwrap();
            thread.join().unwrap();
            assert_eq!(pulse.feel(), if stops { Beat::Stopped } else { Beat::Dead });
            assert_eq!(pulse.feel(), Beat::Stopped);
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "an interpreter knows no robust mutexes")]
    fn ones_own_pulse_beats() {
        let pulse = start();
        assert_eq!(pulse.feel(), Beat::Alive);
        assert!(pulse.stop());
        assert_eq!(pulse.feel(), Beat::Stopped);
    }
}
