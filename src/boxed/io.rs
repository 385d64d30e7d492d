//! A box of a reader, writer, or operating-system resource is one.

use std::fmt::Arguments;
use std::io::{BufRead, IoSlice, IoSliceMut, Read, Result, Seek, SeekFrom, Write};
#[cfg(any(unix, target_os = "wasi"))]
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
#[cfg(windows)]
use std::os::windows::io::{AsHandle, AsSocket, BorrowedHandle, BorrowedSocket};

use super::FamilyBox;
use crate::raw_alloc::RawAlloc;

impl<R: ?Sized + Read, A: RawAlloc> Read for FamilyBox<R, A> {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        (**self).read(buffer)
    }

    #[inline]
    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> Result<usize> {
        (**self).read_vectored(buffers)
    }

    #[inline]
    fn read_to_end(&mut self, buffer: &mut Vec<u8>) -> Result<usize> {
        (**self).read_to_end(buffer)
    }

    #[inline]
    fn read_to_string(&mut self, buffer: &mut String) -> Result<usize> {
        (**self).read_to_string(buffer)
    }

    #[inline]
    fn read_exact(&mut self, buffer: &mut [u8]) -> Result<()> {
        (**self).read_exact(buffer)
    }
}

impl<W: ?Sized + Write, A: RawAlloc> Write for FamilyBox<W, A> {
    #[inline]
    fn write(&mut self, buffer: &[u8]) -> Result<usize> {
        (**self).write(buffer)
    }

    #[inline]
    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> Result<usize> {
        (**self).write_vectored(buffers)
    }

    #[inline]
    fn flush(&mut self) -> Result<()> {
        (**self).flush()
    }

    #[inline]
    fn write_all(&mut self, buffer: &[u8]) -> Result<()> {
        (**self).write_all(buffer)
    }

    #[inline]
    fn write_fmt(&mut self, text: Arguments<'_>) -> Result<()> {
        (**self).write_fmt(text)
    }
}

impl<S: ?Sized + Seek, A: RawAlloc> Seek for FamilyBox<S, A> {
    #[inline]
    fn seek(&mut self, position: SeekFrom) -> Result<u64> {
        (**self).seek(position)
    }

    #[inline]
    fn rewind(&mut self) -> Result<()> {
        (**self).rewind()
    }

    #[inline]
    fn stream_position(&mut self) -> Result<u64> {
        (**self).stream_position()
    }

    #[inline]
    fn seek_relative(&mut self, offset: i64) -> Result<()> {
        (**self).seek_relative(offset)
    }
}

impl<B: ?Sized + BufRead, A: RawAlloc> BufRead for FamilyBox<B, A> {
    #[inline]
    fn fill_buf(&mut self) -> Result<&[u8]> {
        (**self).fill_buf()
    }

    #[inline]
    fn consume(&mut self, amount: usize) {
        (**self).consume(amount);
    }

    #[inline]
    fn read_until(&mut self, byte: u8, buffer: &mut Vec<u8>) -> Result<usize> {
        (**self).read_until(byte, buffer)
    }

    #[inline]
    fn skip_until(&mut self, byte: u8) -> Result<usize> {
        (**self).skip_until(byte)
    }

    #[inline]
    fn read_line(&mut self, line: &mut String) -> Result<usize> {
        (**self).read_line(line)
    }
}

#[cfg(any(unix, target_os = "wasi"))]
impl<T: ?Sized + AsFd, A: RawAlloc> AsFd for FamilyBox<T, A> {
    #[inline]
    fn as_fd(&self) -> BorrowedFd<'_> {
        (**self).as_fd()
    }
}

#[cfg(any(unix, target_os = "wasi"))]
impl<T: ?Sized + AsRawFd, A: RawAlloc> AsRawFd for FamilyBox<T, A> {
    #[inline]
    fn as_raw_fd(&self) -> RawFd {
        (**self).as_raw_fd()
    }
}

#[cfg(windows)]
impl<T: ?Sized + AsHandle, A: RawAlloc> AsHandle for FamilyBox<T, A> {
    #[inline]
    fn as_handle(&self) -> BorrowedHandle<'_> {
        (**self).as_handle()
    }
}

#[cfg(windows)]
impl<T: ?Sized + AsSocket, A: RawAlloc> AsSocket for FamilyBox<T, A> {
    #[inline]
    fn as_socket(&self) -> BorrowedSocket<'_> {
        (**self).as_socket()
    }
}
