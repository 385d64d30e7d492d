//! A small program for a machine without an operating system: tasks that send each other messages.
//!
//! Neither this crate nor what it depends on uses more of Rust than `core`. All of its memory is one
//! static buffer.
//!
//! ```
//! use famalloc_bare::{Task, messages};
//!
//! let mut logger = Task::new("logger").unwrap();
//! logger.send("hello").unwrap();
//! logger.send("world").unwrap();
//! assert_eq!(messages(), (2, 10));
//!
//! assert_eq!(&*logger.receive().unwrap(), "hello");
//! drop(logger);
//! assert_eq!(messages(), (0, 0));
//! ```

#![no_std]

use famalloc::{AllocError, FamilyBox, FixedBuffer, alloc_family, alloc_in, free_in, walk};

/// All the memory there is.
pub static PAGES: FixedBuffer<{ 1 << 20 }> = FixedBuffer::new();

/// How long things live.
#[alloc_family(source = PAGES)]
#[derive(Clone, Copy, Debug)]
pub enum Lives {
    /// Tasks and their names: as long as the machine runs.
    Task,
    /// Messages, from being sent to being received.
    #[family(limit = "128 KiB")]
    Message,
    /// Their text.
    #[family(zero_on_free)]
    Text,
}

/// Text in a family of its own.
pub type Text = FamilyBox<str, lives::Text>;

/// Something that is sent messages.
#[alloc_family(Lives::Task)]
#[derive(Debug)]
pub struct Task {
    name: &'static str,
    first: Option<FamilyBox<Message>>,
}

#[alloc_family(Lives::Message)]
#[derive(Debug)]
struct Message {
    text: Text,
    next: Option<FamilyBox<Message>>,
}

impl Task {
    /// A task without messages.
    ///
    /// # Errors
    ///
    /// When memory is used up.
    pub fn new(name: &'static str) -> Result<FamilyBox<Self>, AllocError> {
        FamilyBox::try_new(Self { name, first: None })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Puts a message behind those that wait.
    ///
    /// # Errors
    ///
    /// When memory is used up, or there are as many messages as there may be.
    pub fn send(&mut self, text: &str) -> Result<(), AllocError> {
        let bytes = FamilyBox::<[u8], lives::Text>::try_new_uninit_slice(text.len())?;
        let mut bytes = bytes;
        for (place, byte) in bytes.iter_mut().zip(text.bytes()) {
            place.write(byte);
        }
        // SAFETY: every byte is written, and they are those of a text.
        let text = unsafe { FamilyBox::from_utf8_unchecked(bytes.assume_init()) };
        let message = FamilyBox::try_new(Message { text, next: None })?;
        let mut last = &mut self.first;
        while let Some(message) = last {
            last = &mut message.next;
        }
        *last = Some(message);
        Ok(())
    }

    /// The message that has waited longest.
    pub fn receive(&mut self) -> Option<Text> {
        let Message { text, next } = FamilyBox::into_inner(self.first.take()?);
        self.first = next;
        Some(text)
    }
}

/// How many messages there are, and how many bytes their texts have, by a look at every one of them.
///
/// # Panics
///
/// Never: there are no threads whose magazines could be in the way.
#[must_use]
pub fn messages() -> (usize, usize) {
    let (mut count, mut bytes) = (0, 0);
    let walked = walk(lives::Message, |start, size| {
        assert_eq!(size, size_of::<Message>());
        // SAFETY: every object of this family is a message, and nobody else is at work on one.
        let message = unsafe { start.cast::<Message>().as_ref() };
        count += 1;
        bytes += message.text.len();
    });
    assert!(walked.is_ok(), "no thread has magazines");
    (count, bytes)
}

/// Uses raw memory for a moment; returns whether all of it was there.
///
/// # Errors
///
/// When there is not so much.
pub fn try_raw(size: usize) -> Result<bool, AllocError> {
    let start = alloc_in::<lives::Text>(size)?;
    // SAFETY: `size` bytes, ours alone.
    unsafe { start.write_bytes(0xA5, size) };
    // SAFETY: written just now.
    let bytes = unsafe { core::slice::from_raw_parts(start.as_ptr(), size) };
    let whole = bytes.iter().all(|&byte| byte == 0xA5);
    // SAFETY: allocated above with this size, and not used again.
    unsafe { free_in::<lives::Text>(start, size) };
    Ok(whole)
}

/// The standard library has one of these, so it is not here.
#[cfg(feature = "handler")]
#[panic_handler]
fn stop(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

#[cfg(feature = "sourceless")]
#[alloc_family]
enum Sourceless {
    A,
}
