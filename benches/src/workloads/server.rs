//! The server: threads die and are replaced, and each goes on with what the dead ones left.
//!
//! There is a table of live objects, a slice of it for each post. The thread at a post replaces
//! random objects of its slice for some thousands of operations, says that it leaves, and ends; the
//! coordinator waits for that and puts a successor in its place, who gets the slice. In a round each
//! post is relieved once. The time is the coordinator's, from the first thread's start to the last
//! one's end, and so has the cost of threads in it: the same for all allocators, but not small. An
//! operation is an object freed and another allocated by a thread of one post.

use core::marker::PhantomData;
use core::ptr::NonNull;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Workload;
use crate::allocator::Allocator;
use crate::order::Random;

/// How many objects a post's slice has.
const LIVE: u32 = 1000;
/// How many of them a thread replaces before it ends.
const LIFETIME: u32 = 8000;

/// A post's slice of the table.
#[derive(Debug)]
struct Slice(Vec<NonNull<u64>>);

// SAFETY: who has the slice has the objects.
unsafe impl Send for Slice {}

/// Where a slice is.
#[derive(Debug)]
enum Post {
    /// With the coordinator.
    Vacant(Slice),
    /// With a thread, which gives it back when it ends.
    Taken(JoinHandle<Slice>),
    /// On the way from one to the other.
    Changing,
}

/// The coordinator.
#[derive(Debug)]
pub struct Server<A: Allocator, const SIZE: usize> {
    posts: Vec<Post>,
    /// Which objects each thread replaces.
    choices: Arc<[u32]>,
    allocator: PhantomData<A>,
}

impl<A: Allocator, const SIZE: usize> Server<A, SIZE> {
    /// With so many threads at a time.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        let mut random = Random::new(7);
        let choices = (0..LIFETIME).map(|_| random.below(LIVE)).collect();
        Self::with(threads, LIVE, choices)
    }

    /// With as many threads, which end at once: what the threads alone cost.
    #[must_use]
    pub fn idle(threads: usize) -> Self {
        Self::with(threads, 0, Arc::new([]))
    }

    fn with(threads: usize, live: u32, choices: Arc<[u32]>) -> Self {
        let allocator = A::new();
        let slice = || Slice((0..live).map(|_| allocator.alloc_touched::<SIZE>(0)).collect());
        let posts = (0..threads).map(|_| Post::Vacant(slice())).collect();
        Self { posts, choices, allocator: PhantomData }
    }

    /// What a thread does with its life.
    fn serve(mut slice: Slice, choices: &[u32]) -> Slice {
        let allocator = A::new();
        for &choice in choices {
            let place = &mut slice.0[choice as usize];
            // SAFETY: alive, from whichever thread, and replaced by the next line.
            unsafe { allocator.free::<SIZE>(*place) };
            *place = allocator.alloc_touched::<SIZE>(choice.into());
        }
        allocator.leave();
        slice
    }

    /// Waits until every thread has ended.
    fn close(&mut self) {
        for post in &mut self.posts {
            *post = Post::Vacant(post.vacate());
        }
    }
}

impl Post {
    /// Takes the slice from whoever has it.
    fn vacate(&mut self) -> Slice {
        match core::mem::replace(self, Self::Changing) {
            Self::Vacant(slice) => slice,
            Self::Taken(thread) => thread.join().expect("a serving thread does not panic"),
            Self::Changing => unreachable!("every post that changes has then changed"),
        }
    }
}

impl<A: Allocator, const SIZE: usize> Workload for Server<A, SIZE> {
    /// Those of one thread.
    fn operations(&self) -> u64 {
        LIFETIME.into()
    }

    /// Relieves every post.
    fn round(&mut self) {
        for post in &mut self.posts {
            let slice = post.vacate();
            let choices = Arc::clone(&self.choices);
            *post = Post::Taken(thread::spawn(move || Self::serve(slice, &choices)));
        }
    }

    fn time(&mut self, rounds: u32, laps: &mut [Duration]) {
        self.round();
        self.close();
        let start = Instant::now();
        for _ in 0..rounds {
            self.round();
        }
        self.close();
        laps[0] = start.elapsed();
    }
}

impl<A: Allocator, const SIZE: usize> Drop for Server<A, SIZE> {
    fn drop(&mut self) {
        let allocator = A::new();
        for post in &mut self.posts {
            for object in post.vacate().0 {
                // SAFETY: alive, and not used again.
                unsafe { allocator.free::<SIZE>(object) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads::counting::Counting;

    #[test]
    fn successors_free_what_the_dead_have_left() {
        type A = Counting<3>;
        let mut server = Server::<A, 48>::new(2);
        assert_eq!((server.operations(), A::counts().live), (8000, 2000));
        A::forget();
        server.time(4, &mut [Duration::ZERO]);
        let counts = A::counts();
        let objects = 2 * 8000 * 5;
        assert_eq!((counts.allocated, counts.freed, counts.live), (objects, objects, 2000));
        assert_eq!(counts.left, 2 * 5);
        // Nearly every object of a slice is chosen once in 8,000 times: the first time it is an
        // object of the thread before.
        assert!((2 * 900 * 5..=2 * 1000 * 5).contains(&counts.freed_by_others));
        drop(server);
        assert_eq!((A::counts().live, A::counts().wrong), (0, 0));
    }

    #[test]
    fn idle_threads_allocate_nothing() {
        type A = Counting<4>;
        let mut server = Server::<A, 48>::idle(2);
        server.time(2, &mut [Duration::ZERO]);
        assert_eq!((A::counts().allocated, A::counts().left), (0, 2 * 3));
        assert_eq!(server.operations(), 8000);
    }
}
