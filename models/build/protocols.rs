//! What is copied, and how it can be broken.

use super::{Protocol, Source};

/// The word of a lock, where sleeping is no more than letting others go on, for a while each time.
const WORD: Source = Source {
    module: "word",
    file: "src/sync/word.rs",
    items: &[],
    adapted: &[
        ("use core::hint;", "use super::hint;"),
        ("use crate::platform;\n", ""),
        (
            "pub(crate) use crate::platform::this_thread;",
            "pub(crate) fn this_thread() -> usize {\n    super::name()\n}",
        ),
        ("const LOOKS: u32 = 100;", "const LOOKS: u32 = 0;"),
        (
            "unsafe { platform::sleep_while(self.0.as_ptr(), word, SLEEP_NANOSECONDS) }",
            "super::yield_now();\n        true",
        ),
        ("unsafe { platform::wake_one(self.0.as_ptr()) };", ""),
    ],
    everywhere: &[],
};

/// Guests, where the thread that forks always seems to sleep.
const GUESTS: Source = Source {
    module: "guests",
    file: "src/sync/guests.rs",
    items: &[],
    adapted: &[
        ("use crate::platform;\n", ""),
        ("platform::thread_clock()", "1_i32"),
        ("let invited = INVITED.load(Ordering::Relaxed);", "let invited = now;"),
        ("Some(platform::time_of(clock) + 1)", "Some(1)"),
    ],
    everywhere: &[],
};

/// The lock, with a way for who holds it for a fork to what it guards.
const WAITING: Source = Source {
    module: "waiting",
    file: "src/sync/waiting.rs",
    items: &[],
    adapted: &[(
        "impl<T> Lock<T> {\n",
        "impl<T> Lock<T> {\n    pub(crate) unsafe fn guarded(&self) -> &T {\n        // SAFETY: passed on.\n        unsafe { &*self.value.get() }\n    }\n\n",
    )],
    everywhere: &[],
};

pub(super) const PROTOCOLS: &[Protocol] = &[
    Protocol {
        name: "counter",
        sources: &[Source {
            module: "",
            file: "src/rc/counter.rs",
            items: &[],
            adapted: &[],
            everywhere: &[],
        }],
        mutants: &[
            (
                "strong_goes_unnoticed",
                "fetch_sub(STRONG, Ordering::Release)",
                "fetch_sub(STRONG, Ordering::Relaxed)",
            ),
            (
                "last_sees_nothing",
                "self.0.load(Ordering::Acquire);\n        // The others",
                "// The others",
            ),
            (
                "alone_sees_nothing",
                "self.0.load(Ordering::Acquire) == ALONE",
                "self.0.load(Ordering::Relaxed) == ALONE",
            ),
            (
                "weak_goes_unnoticed",
                "fetch_sub(WEAK, Ordering::Release)",
                "fetch_sub(WEAK, Ordering::Relaxed)",
            ),
            (
                "born_before_it_is_there",
                "fetch_add(STRONG, Ordering::Release)",
                "fetch_add(STRONG, Ordering::Relaxed)",
            ),
            ("dead_come_back", "0 => return false,", "u32::MAX => return false,"),
            (
                "weak_ones_are_forgotten",
                "Ok(_) => return Some(Left::Weak),",
                "Ok(_) => return Some(Left::Nothing),",
            ),
            (
                "slot_is_freed_too_soon",
                "if before == ALONE { Left::Nothing } else { Left::Weak }",
                "Left::Nothing",
            ),
        ],
    },
    Protocol {
        name: "mailbox",
        sources: &[Source {
            module: "",
            file: "src/lane/magazine.rs",
            items: &[
                "pub(crate) struct MagazineList ",
                "impl MagazineList ",
                "pub(crate) struct Mailbox ",
                "impl Mailbox ",
            ],
            adapted: &[],
            everywhere: &[],
        }],
        mutants: &[
            (
                "posted_before_it_is_written",
                "Ordering::Release, Ordering::Relaxed",
                "Ordering::Relaxed, Ordering::Relaxed",
            ),
            (
                "taken_before_it_is_seen",
                "swap(core::ptr::null_mut(), Ordering::Acquire)",
                "swap(core::ptr::null_mut(), Ordering::Relaxed)",
            ),
            (
                "posted_over_another",
                "Err(newer) => head = newer,",
                "Err(_) => { self.head.store(raw, Ordering::Release); return before + 1; }",
            ),
            (
                "taken_twice",
                "self.head.swap(core::ptr::null_mut(), Ordering::Acquire)",
                "{ let head = self.head.load(Ordering::Acquire); self.head.store(core::ptr::null_mut(), Ordering::Relaxed); head }",
            ),
            ("counted_for_good", "self.magazines.fetch_sub(1, Ordering::Relaxed);", ""),
        ],
    },
    Protocol {
        name: "lock",
        sources: &[Source {
            module: "",
            file: "src/sync/word.rs",
            items: &[
                "const FREE:",
                "const AWAITED:",
                "const HELD:",
                "const LOOKS:",
                "pub(super) struct Word(",
                "impl Word ",
            ],
            adapted: &[
                ("const LOOKS: u32 = 100;", "const LOOKS: u32 = 1;"),
                // The system's part is played by the checker. Nobody there sleeps for long.
                (
                    "unsafe { platform::sleep_while(self.0.as_ptr(), word, SLEEP_NANOSECONDS) }",
                    "super::sync::futex_wait(&self.0, word);\n        false",
                ),
                (
                    "unsafe { platform::wake_one(self.0.as_ptr()) };",
                    "super::sync::futex_wake_one();",
                ),
            ],
            everywhere: &[],
        }],
        mutants: &[
            (
                "taken_before_it_is_seen",
                "compare_exchange(FREE, held, Ordering::Acquire,",
                "compare_exchange(FREE, held, Ordering::Relaxed,",
            ),
            (
                "awaited_before_it_is_seen",
                "(order, fail) = (Ordering::Acquire,",
                "(order, fail) = (Ordering::Relaxed,",
            ),
            (
                "let_go_before_it_is_written",
                "swap(FREE, Ordering::Release)",
                "swap(FREE, Ordering::Relaxed)",
            ),
            ("nobody_is_woken", "& AWAITED != 0 {", "& AWAITED == 0 {"),
            ("others_are_forgotten", "held_by_me() | AWAITED;", "held_by_me();"),
            (
                "two_have_it",
                "self.0.compare_exchange(FREE, held, order, fail).is_ok()",
                "self.0.swap(held, order) != u32::MAX",
            ),
        ],
    },
    Protocol {
        name: "guests",
        sources: &[WORD, GUESTS, WAITING],
        mutants: &[
            (
                "let_go_beside_a_guest",
                "    enter();\n    CLOCK.store(0, Ordering::Relaxed);\n    FORKING.store(0, Ordering::Relaxed);\n    unlock();\n    leave();\n",
                "    CLOCK.store(0, Ordering::Relaxed);\n    FORKING.store(0, Ordering::Relaxed);\n    unlock();\n",
            ),
            ("guest_of_a_fork_to_be", "CLOCK.load(Ordering::Acquire) != 0 && for_fork", "for_fork"),
            (
                "fork_never_ends",
                "    enter();\n    CLOCK.store(0, Ordering::Relaxed);\n",
                "    enter();\n",
            ),
            (
                "guests_beside_one_another",
                "if !GUESTS.is_mine() && !GUESTS.take() {\n        GUESTS.wait(|_| false);",
                "if !GUESTS.is_mine() {\n        let _ = GUESTS.take();",
            ),
            ("gone_after_the_first_lock", "if passed == 0 {", "if passed < 2 {"),
            (
                "fork_begins_before_it_is_seen",
                "CLOCK.store(clock, Ordering::Release)",
                "CLOCK.store(clock, Ordering::Relaxed)",
            ),
            (
                "next_fork_is_not_seen",
                "CLOCK.load(Ordering::Acquire) != 0 && for_fork",
                "CLOCK.load(Ordering::Relaxed) != 0 && for_fork",
            ),
            (
                "passes_what_others_hold",
                "for_fork.load(Ordering::Relaxed) && (is_forking() || is_passing())",
                "is_forking() || is_passing()",
            ),
            (
                "lets_go_what_others_hold",
                "        if self.for_fork.load(Ordering::Relaxed) {\n            self.for_fork.store(false",
                "        {\n            self.for_fork.store(false",
            ),
            (
                "held_twice",
                "        if guests::is_born_held() && self.word.take() {\n            self.for_fork.store(true",
                "        if guests::is_born_held() {\n            core::mem::forget(self.lock());\n            self.for_fork.store(true",
            ),
            (
                "born_free",
                "pub(crate) fn is_born_held() -> bool {\n    is_forking() || is_passing()",
                "pub(crate) fn is_born_held() -> bool {\n    is_forking()",
            ),
        ],
    },
    Protocol {
        name: "registry",
        sources: &[
            WORD,
            GUESTS,
            WAITING,
            Source {
                module: "first",
                file: "src/sync/first.rs",
                items: &[],
                adapted: &[],
                everywhere: &[],
            },
            Source {
                module: "registry",
                file: "src/space/registry.rs",
                items: &[
                    "static BIRTH:",
                    "static REGISTRY:",
                    "pub(crate) fn register<",
                    "pub(crate) fn count(",
                    "pub(crate) fn lock_for_fork(",
                    "pub(crate) unsafe fn unlock(",
                ],
                adapted: &[(
                    "static BIRTH:",
                    "use super::waiting::{Lock, Patience};\nuse super::{AtomicUsize, Ordering};\nstatic BIRTH:",
                )],
                everywhere: &[],
            },
            Source {
                module: "",
                file: "src/table/fork_locks.rs",
                items: &["pub(crate) fn lock_all_for_fork(", "pub(crate) unsafe fn unlock_all("],
                adapted: &[],
                everywhere: &[],
            },
        ],
        mutants: &[
            (
                "made_over_another",
                "self.0.compare_exchange(none, ours, Ordering::AcqRel, Ordering::Acquire)",
                "{ let _: *mut T = none; Ok::<_, *mut T>(self.0.swap(ours, Ordering::AcqRel)) }",
            ),
            (
                "seen_before_it_is_written",
                "self.0.load(Ordering::Acquire).as_ref()",
                "self.0.load(Ordering::Relaxed).as_ref()",
            ),
            (
                "made_known_before_it_is_written",
                "compare_exchange(none, ours, Ordering::AcqRel,",
                "compare_exchange(none, ours, Ordering::Relaxed,",
            ),
            (
                "counted_before_it_is_seen",
                "REGISTRY.load(Ordering::Relaxed) + 1, Ordering::Release)",
                "REGISTRY.load(Ordering::Relaxed) + 1, Ordering::Relaxed)",
            ),
            (
                "counted_before_it_is_known",
                "let published = publish();",
                "REGISTRY.store(REGISTRY.load(Ordering::Relaxed) + 1, Ordering::Release);\n    let published = publish();",
            ),
            ("born_behind_a_fork", "if held && registry::count() == count {", "if held {"),
        ],
    },
];
