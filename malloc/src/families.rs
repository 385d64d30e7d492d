//! The family set of the C library: the general family, and others that programs give names to.

use famalloc::alloc_family;

/// The families of `libfamalloc`: [`General`](Families::General), where everything goes that names
/// none, and 31 more for whoever asks for one by name.
///
/// Threads reach their homes by a fixed offset: so the library's thread-local storage, 296 bytes of which
/// the homes are 264, is taken from the room that the dynamic loader keeps for libraries loaded in the
/// midst of a run (glibc: 1,664 bytes in all unless told otherwise; without room, `dlopen` says so).
#[alloc_family(thread_local = "initial-exec")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are numbers, until a program names them")]
pub enum Families {
    /// Everything that names no family.
    General,
    F1,
    F2,
    F3,
    F4,
    F5,
    F6,
    F7,
    F8,
    F9,
    F10,
    F11,
    F12,
    F13,
    F14,
    F15,
    F16,
    F17,
    F18,
    F19,
    F20,
    F21,
    F22,
    F23,
    F24,
    F25,
    F26,
    F27,
    F28,
    F29,
    F30,
    F31,
}
