//! A thread that asks an allocator to give back what is unused, over and over, while another one is
//! at work with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use crate::allocator::Heap;

/// The thread. It sleeps between [`finish`](Self::finish) and [`begin`](Self::begin).
#[derive(Debug)]
pub(super) struct Giver {
    /// Which heap is to be asked; the thread ends when this is gone.
    orders: Option<Sender<&'static dyn Heap>>,
    /// How often it was asked: first once, and then in all.
    answers: Receiver<u64>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Giver {
    pub(super) fn new() -> Self {
        let (orders, received) = mpsc::channel::<&'static dyn Heap>();
        let (answer, answers) = mpsc::channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let is_told = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            for heap in received {
                let mut asked = 0;
                while asked == 0 || !is_told.load(Relaxed) {
                    heap.give_back_a_little();
                    asked += 1;
                    if asked == 1 && answer.send(1).is_err() {
                        return;
                    }
                }
                if answer.send(asked).is_err() {
                    return;
                }
            }
        });
        Self { orders: Some(orders), answers, is_over, thread: Some(thread) }
    }

    /// Begins to ask this heap. It has been asked once when this comes back.
    pub(super) fn begin(&self, heap: &'static dyn Heap) {
        self.is_over.store(false, Relaxed);
        let orders = self.orders.as_ref().expect("present until dropped");
        orders.send(heap).expect("the thread listens until dropped");
        self.answer();
    }

    /// Ends that, and tells how often the heap was asked.
    pub(super) fn finish(&self) -> u64 {
        self.is_over.store(true, Relaxed);
        self.answer()
    }

    fn answer(&self) -> u64 {
        self.answers.recv().expect("the thread answers every order")
    }
}

impl Drop for Giver {
    fn drop(&mut self) {
        self.is_over.store(true, Relaxed);
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported there, and shows here as a missing answer.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use core::alloc::Layout;
    use core::ptr::NonNull;
    use std::sync::atomic::AtomicU64;

    use super::*;
    use crate::allocator::Life;

    /// Counts how often it is asked.
    struct Asked(AtomicU64);

    impl Heap for Asked {
        fn name(&self) -> &'static str {
            "asked"
        }

        fn alloc(&self, _: Life, layout: Layout) -> NonNull<u8> {
            layout.dangling_ptr()
        }

        unsafe fn free(&self, _: Life, _: NonNull<u8>, _: Layout) {}

        fn give_back(&self) -> bool {
            self.0.fetch_add(1, Relaxed);
            true
        }
    }

    #[test]
    fn it_asks_from_beginning_to_finish_and_not_longer() {
        static HEAP: Asked = Asked(AtomicU64::new(0));
        let giver = Giver::new();
        let mut told = 0;
        for _ in 0..3 {
            giver.begin(&HEAP);
            let asked = HEAP.0.load(Relaxed);
            assert!(asked > told, "not yet asked");
            while HEAP.0.load(Relaxed) < asked + 10 {
                thread::yield_now();
            }
            told += giver.finish();
            assert_eq!(HEAP.0.load(Relaxed), told);
        }
        thread::sleep(core::time::Duration::from_millis(2));
        assert_eq!(HEAP.0.load(Relaxed), told);
    }
}
