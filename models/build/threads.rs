//! The protocols of threads: what is copied, and how it can be broken.

use super::{Protocol, Source};

/// The handshake. Its barrier is the model's.
const HANDSHAKE: Source = Source {
    module: "handshake",
    file: "src/thread/handshake.rs",
    items: &[],
    adapted: &[],
    everywhere: &[],
};

/// Heads, whose magazines are made of places that the checker knows.
const HEAD: Source = Source {
    module: "head",
    file: "src/thread/head.rs",
    items: &[],
    adapted: &[
        ("use crate::sync::", "use crate::place::{Place, copy};\nuse crate::sync::"),
        ("const _: () = assert!(size_of::<Head>() == 1 << class::SCALE);", ""),
        ("NonNull::new_unchecked(*top)", "NonNull::new_unchecked((*top).get())"),
        ("visit: impl FnMut(&[*mut u8])", "visit: impl FnMut(&[Place])"),
        ("self.first().copy_to(start, len)", "copy(self.first(), start, len)"),
        ("last.write(ptr::null_mut())", "(*last).set(ptr::null_mut())"),
        (
            "(0..count).map(move |index| unsafe { *first.add(index) })",
            "(0..count).map(move |index| unsafe { (*first.add(index)).get() })",
        ),
        ("into.buffer(count).iter_mut()", "into.buffer(count).iter()"),
        (
            "*place = unsafe { *first.add(index) };",
            "place.set(unsafe { (*first.add(index)).get() });",
        ),
    ],
    everywhere: &[
        ("AtomicPtr<*mut u8>", "AtomicPtr<Place>"),
        ("*mut *mut u8", "*mut Place"),
        ("size_of::<*mut u8>()", "size_of::<Place>()"),
        ("*top = renewed(slot).as_ptr()", "(*top).set(renewed(slot).as_ptr())"),
        ("*top.sub(1)", "(*top.sub(1)).get()"),
    ],
};

/// The caches of a family.
const CACHES: Source = Source {
    module: "caches",
    file: "src/table/caches.rs",
    items: &[],
    adapted: &[],
    everywhere: &[],
};

/// A cache, and what its thread does out of line.
const CACHE: Source = Source {
    module: "",
    file: "src/thread/mod.rs",
    items: &[
        "pub(crate) struct ThreadCache ",
        "impl ThreadCache ",
        "fn take_in_turn(",
        "fn give_in_turn(",
    ],
    adapted: &[
        ("[const { Head::new() }; class::COUNT]", "core::array::from_fn(|_| Head::new())"),
        ("[const { AtomicU64::new(0) }; 2]", "core::array::from_fn(|_| AtomicU64::new(0))"),
    ],
    everywhere: &[],
};

/// How a thread's caches are given back.
const CLOSE: Source = Source {
    module: "",
    file: "src/thread/exit.rs",
    items: &["enum Owner ", "fn family_of(", "unsafe fn close_list(", "unsafe fn close("],
    adapted: &[
        ("enum Owner ", "#[derive(Clone, Copy, PartialEq)]\nenum Owner "),
        ("super::background::wake();", ""),
    ],
    everywhere: &[],
};

/// How a thread gets caches, and what becomes of them in the end.
const EXIT: Source = Source {
    module: "",
    file: "src/thread/exit.rs",
    items: &[
        "struct Busy(",
        "struct Mark<",
        "impl Busy ",
        "impl Drop for Mark<",
        "enum Stage ",
        "struct ThreadState ",
        "impl ThreadState ",
        "crate::__thread_local! ",
        "fn make_cache<",
        "fn begin_life(",
        "unsafe extern \"C\" fn end_thread(",
        "pub(crate) fn close_all_of_dead(",
        "fn close_caches_of_dead(",
        "pub(crate) fn close_caches(",
    ],
    adapted: &[
        (
            "struct Busy(",
            "use super::barrier::light_barrier;\nuse core::ffi::c_void;\nuse life::LifeMark;\nstruct Busy(",
        ),
        ("enum Stage ", "#[derive(Clone, Copy, PartialEq)]\nenum Stage "),
        ("crate::__thread_local! ", "sync::thread_local! "),
        ("const { ThreadState::new() }", "ThreadState::new()"),
        ("unsafe { raw.write_bytes(0, 1) };", "unsafe { raw.write(ThreadCache::new()) };"),
        ("super::background::wake();", ""),
        ("super::attend();", ""),
    ],
    everywhere: &[],
};

/// The marks of threads with caches.
const LIFE: Source = Source {
    module: "life",
    file: "src/thread/life.rs",
    items: &[],
    adapted: &[("map_or(&NEWEST,", "map_or(&*NEWEST,")],
    everywhere: &[],
};

/// The thread that gives back where nobody else does; with what a model asks of its state.
const BACKGROUND: Source = Source {
    module: "background",
    file: "src/thread/background.rs",
    items: &[],
    adapted: &[
        ("extern \"C\" fn run(", "fn run("),
        (
            "const NONE: u32",
            "pub(super) fn inherit(state: u32) {\n    STATE.store(state, Ordering::Relaxed);\n}\n\npub(super) fn is_state(word: &AtomicU32) -> bool {\n    ptr::eq(word, &*STATE)\n}\n\npub(super) fn is_there() -> bool {\n    STATE.fetch_add(0, Ordering::Relaxed) != NONE\n}\n\nconst NONE: u32",
        ),
    ],
    everywhere: &[
        ("const AWAKE:", "pub(super) const AWAKE:"),
        ("const ASLEEP:", "pub(super) const ASLEEP:"),
    ],
};

/// How far a family has been gone through, and how a lane of it is drained and trimmed.
const PROGRESS: Source = Source {
    module: "",
    file: "src/table.rs",
    items: &[
        "pub(crate) struct Decay ",
        "impl Decay ",
        "impl FamilyTable => pub(crate) fn drain_and_trim(",
    ],
    adapted: &[],
    everywhere: &[],
};

/// What is seen of a lane, which has two blocks.
const TRIM: Source = Source {
    module: "trim",
    file: "src/lane/trim.rs",
    items: &[],
    adapted: &[(
        "    fn trim_some(&self, least_of_huge: usize, place: &mut Place) -> Option<Turn> {\n",
        "    fn trim_some(&self, _: usize, place: &mut Place) -> Option<Turn> {\n        self.trim_its_block(place)\n    }\n    #[cfg(any())]\n    fn others() {\n",
    )],
    everywhere: &[
        ("struct Turn {\n    gone", "pub(super) struct Turn {\n    pub(super) gone"),
        ("    looked_at: usize,", "    pub(super) looked_at: usize,"),
        ("type Place =", "pub(super) type Place ="),
    ],
};

/// The steps of decay.
const DECAY: Source = Source {
    module: "decay",
    file: "src/thread/decay.rs",
    items: &[],
    adapted: &[
        (
            "static LAST: AtomicU64 = AtomicU64::new(0);",
            "super::lazy_static! { static ref LAST: AtomicU64 = AtomicU64::new(0); }",
        ),
        (
            "static NEXT: AtomicUsize = AtomicUsize::new(0);",
            "super::lazy_static! { static ref NEXT: AtomicUsize = AtomicUsize::new(0); }",
        ),
        ("fn look_at_clock(", "pub(super) fn look_at_clock("),
    ],
    everywhere: &[],
};

/// Who is assigned which lane.
const ASSIGNMENT: Source = Source {
    module: "",
    file: "src/table.rs",
    items: &[
        "impl FamilyTable => pub(crate) fn lanes(",
        "impl FamilyTable => pub(crate) fn classes(",
        "impl FamilyTable => pub(crate) fn assign_lane(",
        "impl FamilyTable => fn add_lane(",
        "impl FamilyTable => pub(crate) fn drain(",
        "impl FamilyTable => pub(crate) fn hold_still(",
    ],
    adapted: &[],
    everywhere: &[],
};

/// What a lane takes and gives, but for its blocks.
const LANE: Source = Source {
    module: "",
    file: "src/lane/mod.rs",
    items: &[
        "impl Lane => fn lock(",
        "impl Lane => pub(crate) fn exchange(",
        "impl Lane => pub(crate) fn park(",
        "impl Lane => fn admit(",
        "impl Lane => pub(crate) fn retire(",
        "impl Lane => pub(crate) fn unload(",
        "impl Lane => pub(crate) fn drain(",
        "impl Lane => fn empty_depot<",
        "impl Lane => fn collect_overdue_mail(",
        "impl Lane => fn collect_mail(",
        "impl Lane => fn keep_spare(",
        "impl Lane => fn take_spare(",
    ],
    adapted: &[
        ("        debug_assert!(empty.is_empty());\n", ""),
        (
            "            let block = Block::at(self.space(), granule);\n            if block.is_empty() {\n                // SAFETY: no slot of it is in use.\n                unsafe { self.release_block(&mut state, block) };\n            }\n",
            "",
        ),
        ("let mut candidate = state.room.lowest();", "let mut candidate = None::<()>;"),
        (
            "            candidate = state.room.after(self.space(), granule);\n",
            "            candidate = Some(granule).filter(|_| false);\n",
        ),
    ],
    everywhere: &[],
};

/// How slots of other lanes go home.
const FLUSH: Source = Source {
    module: "",
    file: "src/lane/flush.rs",
    items: &[
        "const REMOTE_BATCHES:",
        "pub(super) struct RemoteBatches ",
        "struct RemoteBatch ",
        "impl RemoteBatches ",
        "impl Lane => pub(super) fn flush(",
        "impl Lane => fn send(",
        "impl Lane => fn post(",
        "impl Lane => pub(super) fn post_all(",
        "impl Lane => pub(super) fn send_one_by_one(",
    ],
    adapted: &[],
    everywhere: &[],
};

const DEPOT: Source = Source {
    module: "",
    file: "src/lane/depot.rs",
    items: &["pub(crate) struct Depot ", "impl Depot "],
    adapted: &[],
    everywhere: &[],
};

const MAILBOX: Source = Source {
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
};

pub(super) const THREADS: &[Protocol] = &[
    Protocol {
        name: "lanes",
        sources: &[ASSIGNMENT, LANE, FLUSH, DEPOT, MAILBOX],
        mutants: &[
            (
                "counted_after_others_choose",
                "        lane.users.fetch_add(1, Ordering::Relaxed);",
                "        drop(_growth);\n        lane.users.fetch_add(1, Ordering::Relaxed);",
            ),
            (
                "added_over_another",
                "        let _growth = self.growth.lock();\n        let least",
                "        let least",
            ),
            (
                "leaves_before_it_has_given",
                "        for mut magazine in magazines.into_iter().flatten() {\n            drop_given_up(&mut magazine);\n            let mut state = self.lock();\n            self.flush(&mut state, &mut magazine, &mut poke);\n            drop(state);\n            self.send_one_by_one(&mut magazine);\n            self.keep_spare(&mut self.lock(), magazine);\n        }\n        if self.users.fetch_sub(1, Ordering::AcqRel) == 1 {\n            self.drain();\n        }\n",
                "        if self.users.fetch_sub(1, Ordering::AcqRel) == 1 {\n            self.drain();\n        }\n        for mut magazine in magazines.into_iter().flatten() {\n            drop_given_up(&mut magazine);\n            let mut state = self.lock();\n            self.flush(&mut state, &mut magazine, &mut poke);\n            drop(state);\n            self.send_one_by_one(&mut magazine);\n            self.keep_spare(&mut self.lock(), magazine);\n        }\n",
            ),
            (
                "leaves_before_it_is_drained",
                "if self.users.fetch_sub(1, Ordering::AcqRel) == 1 {",
                "if self.users.fetch_sub(1, Ordering::AcqRel) == 9 {",
            ),
            (
                "looks_who_is_left_and_then_leaves",
                "if self.users.fetch_sub(1, Ordering::AcqRel) == 1 {",
                "let left = self.users.load(Ordering::Acquire);\n        self.users.fetch_sub(1, Ordering::AcqRel);\n        if left == 1 {",
            ),
            (
                "leaves_twice",
                "if self.users.fetch_sub(1, Ordering::AcqRel) == 1 {",
                "if self.users.fetch_sub(2, Ordering::AcqRel) <= 2 {",
            ),
            ("remote_batches_stay", "        self.post_all(&mut state);\n", ""),
            (
                "mail_is_not_looked_for",
                "        if state.depot.len() == 0 && !self.mailbox.is_empty() {\n            self.collect_mail(&mut state);\n        }\n",
                "",
            ),
        ],
    },
    Protocol {
        name: "decay",
        sources: &[PROGRESS, TRIM, DECAY],
        mutants: &[
            ("mail_is_not_looked_for", "if !idle || !self.mailbox.is_empty() {", "if !idle {"),
            (
                "trimmed_for_good",
                "*seen = Seen { locks, ..Seen::NOTHING }",
                "*seen = Seen { locks, trimmed: seen.trimmed, ..Seen::NOTHING }",
            ),
            (
                "goes_on_behind_what_was_freed",
                "*seen = Seen { locks, ..Seen::NOTHING }",
                "*seen = Seen { locks, place: seen.place, ..Seen::NOTHING }",
            ),
            ("goes_on_behind_the_mail", "if !drained.mail && seen.locks", "if seen.locks"),
            (
                "goes_on_where_another_was",
                "if !drained.mail && seen.locks + 1 == drained.locks {",
                "if !drained.mail {",
            ),
            (
                "what_was_trimmed_is_not_noted",
                "Seen { locks: drained.locks, trimmed, place }",
                "Seen { locks: drained.locks, trimmed: trimmed && false, place }",
            ),
            (
                "looks_are_not_remembered",
                "decay.locks_seen.swap(locks, Ordering::Relaxed);",
                "decay.locks_seen.load(Ordering::Relaxed);",
            ),
            (
                "own_looks_count",
                "Seen { locks: drained.locks, trimmed",
                "Seen { locks: drained.locks - 1, trimmed",
            ),
            (
                "use_meanwhile_is_taken_for_its_own",
                "        *self.state.lock().seen.on(on) = Seen { locks: drained.locks, trimmed, place };\n",
                "        let mut state = self.state.lock();\n        let (_, locks) = (drained, state.counts.locks);\n        *state.seen.on(on) = Seen { locks, trimmed, place };\n",
            ),
            (
                "early_is_quiet",
                "if self.working.load(Ordering::Relaxed) { 0 } else { self.quiet.load(Ordering::Relaxed) }",
                "self.quiet.load(Ordering::Relaxed)",
            ),
            ("work_is_quiet", "            true => 0,\n", "            true => 7,\n"),
            ("round_without_an_end", "if looked.more { CACHES } else { FIRST_CLASS }", "CACHES"),
            (
                "settled_and_not_noted",
                "                family.decay.note_work();\n                let all",
                "                let all",
            ),
        ],
    },
    Protocol {
        name: "background",
        sources: &[BACKGROUND],
        mutants: &[
            (
                "two_are_started",
                "match STATE.swap(AWAKE, Ordering::AcqRel) {",
                "let before = STATE.load(Ordering::Acquire);\n    STATE.store(AWAKE, Ordering::Release);\n    match before {",
            ),
            (
                "stopped_before_it_is_seen",
                "match STATE.load(Ordering::Acquire) {",
                "match STATE.load(Ordering::Relaxed) {",
            ),
            (
                "ended_before_it_is_written",
                "STATE.compare_exchange(ASLEEP, NONE, Ordering::AcqRel,",
                "STATE.compare_exchange(ASLEEP, NONE, Ordering::Acquire,",
            ),
            ("sleeper_is_not_woken", "        wake();\n        match STATE", "        match STATE"),
            (
                "sleeps_only_once_it_has_looked",
                "        STATE.swap(ASLEEP, Ordering::AcqRel);\n        match look() {",
                "        let next = look();\n        STATE.swap(ASLEEP, Ordering::AcqRel);\n        match next {",
            ),
            (
                "ends_although_it_was_woken",
                "STATE.compare_exchange(ASLEEP, NONE, Ordering::AcqRel, Ordering::Relaxed).is_ok();",
                "STATE.swap(NONE, Ordering::AcqRel) != NONE;",
            ),
            (
                "stopped_for_whoever_starts",
                "            _ if PERIOD.load(Ordering::Relaxed) != 0 => return,\n",
                "",
            ),
            ("child_has_its_parents", "STATE.store(NONE, Ordering::Relaxed);", ""),
            ("last_word_wakes_nobody", "    if ends {\n        os::wake(&STATE);\n    }\n", ""),
        ],
    },
    Protocol {
        name: "handshake",
        sources: &[CACHES, HEAD, HANDSHAKE, CACHE, CLOSE],
        mutants: &[
            (
                "closed_without_a_barrier",
                "let reached = os::barrier_all_threads();",
                "let reached = true;",
            ),
            ("taken_without_a_barrier", "if os::barrier_all_threads() {", "{"),
            ("owner_does_not_look", "if self.closed.load(Ordering::Acquire) {", "if false {"),
            ("taken_in_the_midst_of_a_turn", "        closed.spare_those_in_turn();\n", ""),
            (
                "closed_before_it_is_known_who_is_at_work",
                "        closed.spare_those_in_turn();\n        closed.iter().for_each(ThreadCache::close_heads);\n",
                "        closed.iter().for_each(ThreadCache::close_heads);\n        closed.spare_those_in_turn();\n",
            ),
            (
                "the_uppermost_is_taken_too",
                "self.loaded_len(class).saturating_sub(1);",
                "self.loaded_len(class);",
            ),
            (
                "a_memory_is_taken_for_a_double_free",
                "unsafe { (*last).set(ptr::null_mut()) };",
                "let _ = last;",
            ),
            (
                "previous_is_taken_twice",
                "self.previous_len.store(0, Ordering::Relaxed);\n        self.refills",
                "self.refills",
            ),
            (
                "what_is_taken_is_not_noted",
                "self.taken.fetch_add(count as u8, Ordering::Relaxed);",
                "",
            ),
        ],
    },
    Protocol {
        name: "exit",
        sources: &[CACHES, HEAD, HANDSHAKE, CACHE, LIFE, EXIT, CLOSE],
        mutants: &[
            (
                "looks_beside_another",
                "Ordering::Acquire, Ordering::Relaxed).ok()?;",
                "Ordering::Acquire, Ordering::Relaxed).ok();",
            ),
            (
                "newest_is_taken_off_over_a_newer",
                "NEWEST.compare_exchange(this, next, Ordering::AcqRel, Ordering::Relaxed);",
                "Ok::<_, *mut LifeMark>(NEWEST.swap(next, Ordering::AcqRel));",
            ),
            (
                "given_back_in_the_list",
                "put.err().and_then(|_| {",
                "put.err().filter(|_| false).and_then(|_| {",
            ),
            (
                "listed_before_it_is_written",
                "            Ordering::Release,\n            Ordering::Relaxed,\n",
                "            Ordering::Relaxed,\n            Ordering::Relaxed,\n",
            ),
            (
                "looked_before_it_is_seen",
                "LOOKING.store(0, Ordering::Release);",
                "LOOKING.store(0, Ordering::Relaxed);",
            ),
            (
                "caches_are_not_noted",
                "mark.caches.store(caches.cast_mut(), Ordering::Relaxed);",
                "",
            ),
            ("closed_beside_a_taker", "let turn = cache.begin();", "let turn = cache.try_begin();"),
        ],
    },
];
