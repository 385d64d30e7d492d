//! What holds of the handles of a shared value.

/// The properties, of the copy that this stands in.
macro_rules! properties {
    () => {
        use super::cell::Cell as Watched;
        use super::thread;
        use std::sync::Arc;

        /// A value with its counter, as a slot has them; what is done to either is watched.
        struct Slot {
            counter: Shared,
            value: Watched<u32>,
            memory: Watched<u32>,
        }

        impl Slot {
            fn new(counter: Shared) -> Arc<Self> {
                Arc::new(Self { counter, value: Watched::new(1), memory: Watched::new(1) })
            }

            /// Whoever has a handle finds the slot there.
            fn look(&self) {
                assert_eq!(self.memory.get(), 1, "freed while there is a handle");
            }

            fn read(&self) {
                self.look();
                assert_eq!(
                    self.value.get(),
                    1,
                    "read after it was dropped, or before it was there"
                );
            }

            fn drop_value(&self) {
                assert_eq!(self.value.replace(2), 1, "dropped twice");
            }

            fn free(&self) {
                assert_ne!(self.value.get(), 1, "freed before it was dropped");
                assert_eq!(self.memory.replace(2), 1, "freed twice");
            }

            fn end(&self, left: Left) {
                match left {
                    Left::Strong => {}
                    Left::Weak => {
                        self.drop_value();
                        if self.counter.drop_weak() {
                            self.free();
                        }
                    }
                    Left::Nothing => {
                        self.drop_value();
                        self.free();
                    }
                }
            }

            fn drop_strong(&self) {
                self.end(self.counter.drop_strong());
            }

            fn drop_weak(&self) {
                self.look();
                if self.counter.drop_weak() {
                    self.free();
                }
            }

            fn verify_gone(&self) {
                assert_eq!((self.value.get(), self.memory.get()), (2, 2), "something is left");
            }
        }

        fn both(slot: &Arc<Slot>, one: fn(&Slot), other: fn(&Slot)) {
            let of_other = Arc::clone(slot);
            let thread = thread::spawn(move || other(&of_other));
            one(slot);
            thread.join().unwrap();
        }

        /// Two threads read and drop; one of them makes another handle before.
        pub(crate) fn the_last_drops_it() {
            let slot = Slot::new(Shared::alone());
            slot.counter.add_strong();
            both(
                &slot,
                |slot| {
                    slot.read();
                    slot.drop_strong();
                },
                |slot| {
                    slot.counter.add_strong();
                    slot.drop_strong();
                    slot.read();
                    slot.drop_strong();
                },
            );
            slot.verify_gone();
        }

        /// One thread drops the only strong handle, another tries to get one from a weak one.
        pub(crate) fn a_weak_handle_races_with_the_last() {
            let slot = Slot::new(Shared::alone());
            slot.counter.add_weak();
            both(
                &slot,
                |slot| {
                    slot.read();
                    slot.drop_strong();
                },
                |slot| {
                    if slot.counter.upgrade() {
                        slot.read();
                        slot.drop_strong();
                    }
                    slot.drop_weak();
                },
            );
            slot.verify_gone();
        }

        /// The same where the one takes the value out, if he has the only handle.
        pub(crate) fn a_weak_handle_races_with_an_unwrap() {
            let slot = Slot::new(Shared::alone());
            slot.counter.add_weak();
            both(
                &slot,
                |slot| match slot.counter.drop_only_strong() {
                    Some(left) => slot.end(left),
                    None => slot.drop_strong(),
                },
                |slot| {
                    if slot.counter.upgrade() {
                        slot.read();
                        slot.drop_strong();
                    }
                    slot.drop_weak();
                },
            );
            slot.verify_gone();
        }

        /// Who finds himself alone may write.
        pub(crate) fn who_is_alone_may_write() {
            let slot = Slot::new(Shared::alone());
            slot.counter.add_strong();
            both(
                &slot,
                |slot| {
                    if slot.counter.is_alone() {
                        slot.value.replace(1);
                    }
                    slot.drop_strong();
                },
                |slot| {
                    slot.read();
                    slot.drop_strong();
                },
            );
            slot.verify_gone();
        }

        /// A value in the making is got from a weak handle, elsewhere, when it is there and not before.
        pub(crate) fn what_is_born_is_seen_whole() {
            let slot = Slot::new(Shared::unborn());
            slot.value.replace(0);
            slot.counter.add_weak();
            both(
                &slot,
                |slot| {
                    slot.value.replace(1);
                    slot.counter.bear();
                    slot.drop_strong();
                },
                |slot| {
                    if slot.counter.upgrade() {
                        slot.read();
                        slot.drop_strong();
                    }
                    slot.drop_weak();
                },
            );
            slot.verify_gone();
        }

        /// So many threads make and drop handles of both sorts.
        fn everybody_makes_and_drops(threads: u32) {
            let slot = Slot::new(Shared::alone());
            let others: Vec<_> = (0..threads)
                .map(|own| {
                    // Half of them begin with a weak one.
                    if own % 2 == 0 {
                        slot.counter.add_strong()
                    } else {
                        slot.counter.add_weak()
                    }
                    let slot = Arc::clone(&slot);
                    thread::spawn(move || {
                        if own % 2 == 0 {
                            slot.counter.add_weak();
                            slot.read();
                            slot.drop_strong();
                        }
                        if slot.counter.upgrade() {
                            slot.read();
                            slot.counter.add_strong();
                            slot.drop_strong();
                            slot.drop_strong();
                        }
                        slot.drop_weak();
                    })
                })
                .collect();
            slot.read();
            slot.drop_strong();
            for other in others {
                other.join().unwrap();
            }
            slot.verify_gone();
        }

        pub(crate) const LARGE: &[fn()] =
            &[|| everybody_makes_and_drops(4), || everybody_makes_and_drops(8)];
        /// How often threads are interrupted, at most, where all executions are tried.
        pub(crate) const INTERRUPTIONS: usize = 3;
        /// All of them.
        pub(crate) const PROPERTIES: &[fn()] = &[
            the_last_drops_it,
            a_weak_handle_races_with_the_last,
            a_weak_handle_races_with_an_unwrap,
            who_is_alone_may_write,
            what_is_born_is_seen_whole,
        ];
    };
}

pub(crate) use properties;
