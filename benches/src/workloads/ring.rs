//! A bounded ring between two threads: one sends, the other receives, neither takes a lock.
//!
//! ```text
//!              received            sent
//!                 v                 v
//!     | free | free | item | item | free | free |     places, each on cache lines of its own
//! ```
//!
//! Both counts only grow; a place is the count modulo the capacity. The sender alone moves `sent`,
//! the receiver alone moves `received`, and each keeps a copy of the other's count that it renews
//! only when the ring seems full, or empty (Lamport's queue, with the cached counts of FastForward's
//! successors), so that in a run of items the two share no line but those of the items.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Acquire, Ordering::Release};

use super::gate::wait_until;

/// How many items it holds.
pub(super) const CAPACITY: usize = 16;

/// What has cache lines of its own, also where the processor fetches them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Apart<T>(T);

/// What both ends share.
#[derive(Debug)]
struct Ring<T> {
    /// How many items have been sent.
    sent: Apart<AtomicUsize>,
    /// How many have been received.
    received: Apart<AtomicUsize>,
    /// Those between the two counts hold items: they are the receiver's, the others the sender's.
    places: [Apart<UnsafeCell<MaybeUninit<T>>>; CAPACITY],
}

// SAFETY: the counts say which end may use a place; an item goes from one thread to the other.
unsafe impl<T: Send> Sync for Ring<T> {}

/// The end that sends.
#[derive(Debug)]
pub(super) struct Sender<T> {
    ring: Arc<Ring<T>>,
    sent: usize,
    /// At least so many have been received.
    received: usize,
}

/// The end that receives.
#[derive(Debug)]
pub(super) struct Receiver<T> {
    ring: Arc<Ring<T>>,
    received: usize,
    /// At least so many have been sent.
    sent: usize,
}

/// An empty ring. What nobody receives is not dropped, hence `Copy`.
pub(super) fn ring<T: Copy + Send>() -> (Sender<T>, Receiver<T>) {
    let ring = Arc::new(Ring {
        sent: Apart::default(),
        received: Apart::default(),
        places: [const { Apart(UnsafeCell::new(MaybeUninit::uninit())) }; CAPACITY],
    });
    let sender = Sender { ring: Arc::clone(&ring), sent: 0, received: 0 };
    (sender, Receiver { ring, received: 0, sent: 0 })
}

impl<T: Copy + Send> Sender<T> {
    /// Sends an item, when there is room for it.
    #[inline]
    pub(super) fn send(&mut self, item: &T) {
        if self.sent - self.received == CAPACITY {
            let (ring, sent) = (&*self.ring, self.sent);
            let received = &mut self.received;
            wait_until(|| {
                *received = ring.received.0.load(Acquire);
                sent - *received < CAPACITY
            });
        }
        let place = self.ring.places[self.sent % CAPACITY].0.get();
        // SAFETY: what was here has been received, as the count showed; until the count of sent
        // items says otherwise the place is the sender's, and there is one sender.
        unsafe { (*place).write(*item) };
        self.sent += 1;
        self.ring.sent.0.store(self.sent, Release);
    }
}

impl<T: Copy + Send> Receiver<T> {
    /// Receives the next item, when there is one.
    #[inline]
    pub(super) fn receive(&mut self) -> T {
        if self.received == self.sent {
            let (ring, received) = (&*self.ring, self.received);
            let sent = &mut self.sent;
            wait_until(|| {
                *sent = ring.sent.0.load(Acquire);
                received < *sent
            });
        }
        let place = self.ring.places[self.received % CAPACITY].0.get();
        // SAFETY: an item was written here, as the count showed; until the count of received items
        // says otherwise the place is the receiver's, and there is one receiver.
        let item = unsafe { (*place).assume_init_read() };
        self.received += 1;
        self.ring.received.0.store(self.received, Release);
        item
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn items_come_once_and_in_order() {
        const ITEMS: u64 = 100_000;
        let (mut sender, mut receiver) = ring::<[u64; 64]>();
        let sending = thread::spawn(move || {
            for number in 0..ITEMS {
                sender.send(&[number; 64]);
            }
            sender
        });
        for number in 0..ITEMS {
            assert_eq!(receiver.receive(), [number; 64]);
        }
        let sender = sending.join().unwrap();
        assert_eq!((sender.sent, receiver.received), (ITEMS as usize, ITEMS as usize));
        assert_eq!(receiver.ring.sent.0.load(Acquire), ITEMS as usize, "nothing is left");
    }

    #[test]
    fn it_holds_as_many_as_its_capacity() {
        let (mut sender, mut receiver) = ring();
        // Twice, so that the places are used again. One item more would wait for ever.
        for _ in 0..2 {
            (0..CAPACITY).for_each(|item| sender.send(&item));
            (0..CAPACITY).for_each(|item| assert_eq!(receiver.receive(), item));
        }
    }
}
