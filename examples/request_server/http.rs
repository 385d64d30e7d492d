//! The part of HTTP/1.1 that the server speaks. (RFC 9112, without chunked bodies.)
//!
//! A request is read straight into the region and taken apart where it lies: method, path, header names
//! and values are slices of it, and the list of headers lies behind it.

use std::io::{self, BufRead, Write};

use famalloc::{AllocError, Region};

use crate::lives;

/// A request, all of it borrowed from its region.
pub(crate) struct Request<'r> {
    pub(crate) method: &'r str,
    pub(crate) path: &'r str,
    pub(crate) headers: &'r [Header<'r>],
    pub(crate) body: &'r [u8],
}

#[derive(Clone, Copy)]
pub(crate) struct Header<'r> {
    pub(crate) name: &'r str,
    pub(crate) value: &'r str,
}

/// Why there is no request.
#[derive(Debug)]
pub(crate) enum Refusal {
    Malformed(&'static str),
    TimedOut,
    NoMemory(AllocError),
}

/// So that `?` passes on what the `try_` calls of the region say.
impl From<AllocError> for Refusal {
    fn from(error: AllocError) -> Self {
        Self::NoMemory(error)
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Malformed("the request ends too early\n"),
        }
    }
}

impl<'r> Request<'r> {
    /// The value of the first header of this name, in whatever case.
    pub(crate) fn header(&self, name: &str) -> Option<&'r str> {
        let found = self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| header.value)
    }
}

/// Reads a request into a region.
pub(crate) fn read<'r>(
    region: &'r Region<lives::Request>,
    input: &mut impl BufRead,
) -> Result<Request<'r>, Refusal> {
    // A slice of unknown length: it grows in place, being the latest object of the region, and the limit
    // of the region ends it if nothing else does.
    let mut bytes = Head { input, latest: [0; 4], error: None };
    let head: &'r [u8] = region.try_alloc_slice_fill_iter(&mut bytes)?;
    if let Some(error) = bytes.error {
        return Err(error.into());
    }
    let Some(head) = head.strip_suffix(b"\r\n\r\n") else {
        return Err(Refusal::Malformed("the request ends too early\n"));
    };
    let head =
        std::str::from_utf8(head).map_err(|_| Refusal::Malformed("the head is no text\n"))?;

    let mut lines = head.split("\r\n");
    let mut parts = lines.next().unwrap_or("").split(' ');
    let (Some(method), Some(path), Some("HTTP/1.1"), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Refusal::Malformed("the first line is none of HTTP/1.1\n"));
    };
    let mut malformed = false;
    let headers = region.try_alloc_slice_fill_iter(lines.map_while(|line| {
        let header = header_of(line);
        malformed |= header.is_none();
        header
    }))?;
    if malformed {
        return Err(Refusal::Malformed("a header is not of the form `name: value`\n"));
    }

    let mut request = Request { method, path, headers, body: &[] };
    if request.header("transfer-encoding").is_some() {
        return Err(Refusal::Malformed("bodies come with a content-length here\n"));
    }
    if let Some(length) = request.header("content-length") {
        let digits = length.bytes().all(|digit| digit.is_ascii_digit());
        let length = length.parse().ok().filter(|_| digits);
        let length = length.ok_or(Refusal::Malformed("the content-length is no length\n"))?;
        // Nothing has to be believed: if the region has no room for that much, this fails at once.
        let body = region.try_alloc_slice_fill_copy(length, 0_u8)?;
        input.read_exact(body)?;
        request.body = body;
    }
    Ok(request)
}

fn header_of(line: &str) -> Option<Header<'_>> {
    let (name, value) = line.split_once(':')?;
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b':';
    (!name.is_empty() && name.bytes().all(plain)).then_some(Header { name, value: value.trim() })
}

/// The bytes of a head, up to and with the empty line at its end.
struct Head<'i, R> {
    input: &'i mut R,
    latest: [u8; 4],
    error: Option<io::Error>,
}

impl<R: BufRead> Iterator for Head<'_, R> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if self.latest == *b"\r\n\r\n" {
            return None;
        }
        let mut byte = [0];
        match self.input.read(&mut byte) {
            Ok(0) => None,
            Ok(_) => {
                let [_, second, third, fourth] = self.latest;
                self.latest = [second, third, fourth, byte[0]];
                Some(byte[0])
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.next(),
            Err(error) => {
                self.error = Some(error);
                None
            }
        }
    }
}

/// An answer; its body is borrowed from the region of the request.
pub(crate) struct Response<'r> {
    pub(crate) status: u16,
    /// The session that begins with it.
    pub(crate) cookie: Option<u64>,
    pub(crate) body: &'r [u8],
}

impl<'r> Response<'r> {
    pub(crate) fn new(status: u16, body: &'r [u8]) -> Self {
        Self { status, cookie: None, body }
    }

    pub(crate) fn write(&self, output: &mut impl Write) -> io::Result<()> {
        let reason = match self.status {
            200 => "OK",
            201 => "Created",
            204 => "No Content",
            400 => "Bad Request",
            401 => "Unauthorized",
            404 => "Not Found",
            408 => "Request Timeout",
            413 => "Content Too Large",
            _ => "Service Unavailable",
        };
        write!(output, "HTTP/1.1 {} {reason}\r\n", self.status)?;
        if let Some(session) = self.cookie {
            write!(output, "Set-Cookie: session={session:016x}\r\n")?;
        }
        if self.status != 204 {
            write!(output, "Content-Type: text/plain\r\nContent-Length: {}\r\n", self.body.len())?;
        }
        output.write_all(b"\r\n")?;
        output.write_all(self.body)
    }
}
