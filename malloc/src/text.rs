//! Text made where nothing may be allocated: in a buffer that drops what does not fit, and to standard
//! error.

use core::fmt;

use crate::errno;

/// Text in a buffer.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    room: &'a mut [u8],
    len: usize,
}

impl<'a> Text<'a> {
    /// No text yet; at most as much as there is room for, and a null byte.
    pub(crate) fn new(room: &'a mut [u8]) -> Self {
        if let Some(first) = room.first_mut() {
            *first = 0;
        }
        Self { room, len: 0 }
    }

    /// What has been written, with a null byte behind it where there is any room at all.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.room[..self.len]
    }
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let most = self.room.len().saturating_sub(1).saturating_sub(self.len);
        let len = part.len().min(most);
        self.room[self.len..self.len + len].copy_from_slice(&part.as_bytes()[..len]);
        self.len += len;
        if let Some(end) = self.room.get_mut(self.len) {
            *end = 0;
        }
        Ok(())
    }
}

/// Standard error, unbuffered. Written by the system call itself: the C library's `write` is where a thread
/// that was cancelled ends, and nobody expects that of who writes a message.
#[derive(Debug)]
pub(crate) struct StandardError;

impl fmt::Write for StandardError {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let mut rest = part.as_bytes();
        while !rest.is_empty() {
            // SAFETY: so many bytes can be read.
            let written = unsafe {
                libc::syscall(libc::SYS_write, libc::STDERR_FILENO, rest.as_ptr(), rest.len())
            };
            match usize::try_from(written) {
                Ok(count @ 1..) => rest = &rest[count..],
                // A signal came first.
                Err(_) if errno::get() == libc::EINTR => {}
                _ => return Err(fmt::Error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use core::fmt::Write;

    use super::*;

    #[test]
    fn what_does_not_fit_is_dropped_and_the_end_is_marked() {
        for room in 0..8 {
            let mut buffer = [b'x'; 8];
            let mut text = Text::new(&mut buffer[..room]);
            let _ = write!(text, "ab{}", 123);
            let expected = &"ab123"[..room.saturating_sub(1).min(5)];
            assert_eq!(text.as_bytes(), expected.as_bytes());
            if room > 0 {
                assert_eq!(buffer[expected.len()], 0);
            }
            assert_eq!(buffer[room], b'x');
        }
    }
}
