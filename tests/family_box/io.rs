//! Readers and writers in a box, with `Box` as the oracle.

use std::io::{BufRead, Cursor, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};

use famalloc::unsize;

use crate::common::InA;
use crate::common::lives;

fn text() -> Cursor<Vec<u8>> {
    Cursor::new(b"first\nsecond\nthird".to_vec())
}

#[test]
fn readers() {
    fn everything(mut reader: impl Read) -> (usize, [u8; 4], Vec<u8>, String) {
        let mut two = [0; 2];
        let mut one = [0; 1];
        let mut exact = [0; 4];
        let mut rest = Vec::new();
        let read = reader.read(&mut one).unwrap()
            + reader
                .read_vectored(&mut [IoSliceMut::new(&mut two), IoSliceMut::new(&mut one)])
                .unwrap();
        reader.read_exact(&mut exact).unwrap();
        reader.by_ref().take(3).read_to_end(&mut rest).unwrap();
        let mut end = String::new();
        reader.read_to_string(&mut end).unwrap();
        reader.read_to_end(&mut rest).unwrap();
        (read, exact, rest, end)
    }
    like_box!(text(), |b| everything(b));
    assert_eq!(everything(unsize!(InA::new_in(text(), lives::A) => dyn Read)), everything(text()));
}

#[test]
fn writers() {
    fn everything(writer: &mut impl Write) {
        writer.write_all(b"all ").unwrap();
        assert_eq!(writer.write(b"some ").unwrap(), 5);
        assert_eq!(writer.write_vectored(&[IoSlice::new(b"a"), IoSlice::new(b"b")]).unwrap(), 2);
        write!(writer, " {}", 7).unwrap();
        writer.flush().unwrap();
    }
    like_box!(Vec::new(), |b| {
        everything(&mut b);
        (*b).clone()
    });
    let mut written = Vec::new();
    everything(&mut unsize!(InA::new_in(&mut written, lives::A) => dyn Write + '_));
    assert_eq!(written, b"all some ab 7");
}

#[test]
fn seekers() {
    like_box!(text(), |b| (
        b.seek(SeekFrom::End(-2)).unwrap(),
        b.seek_relative(1).unwrap(),
        b.stream_position().unwrap(),
        b.rewind().unwrap(),
        b.stream_position().unwrap(),
    ));
}

#[test]
fn buffered_readers() {
    fn everything(mut reader: impl BufRead) -> (String, Vec<u8>, usize, Vec<u8>) {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let mut until = Vec::new();
        reader.read_until(b'c', &mut until).unwrap();
        let skipped = reader.skip_until(b'\n').unwrap();
        reader.consume(1);
        let rest = reader.fill_buf().unwrap().to_vec();
        (line, until, skipped, rest)
    }
    like_box!(text(), |b| everything(b));
    assert!(
        unsize!(InA::new_in(text(), lives::A) => dyn BufRead)
            .lines()
            .map(Result::unwrap)
            .eq(["first", "second", "third"])
    );
}

#[cfg(unix)]
#[test]
fn files_in_a_box_have_a_descriptor() {
    use std::os::fd::{AsFd, AsRawFd};
    let (reader, _writer) = std::os::unix::net::UnixStream::pair().unwrap();
    let descriptor = reader.as_raw_fd();
    let boxed = InA::new_in(reader, lives::A);
    assert_eq!(boxed.as_fd().as_raw_fd(), descriptor);
    assert_eq!(AsRawFd::as_raw_fd(&boxed), descriptor);
}
