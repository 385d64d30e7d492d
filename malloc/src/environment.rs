//! The choices that are the C library's own, in the environment. Those of the allocator are
//! `famalloc::options`.

use core::ffi::CStr;
use core::fmt::Write;

use crate::text::{StandardError, Text};

unsafe extern "C" {
    /// `getenv`, and nothing in a process that has more rights than who started it.
    fn secure_getenv(name: *const core::ffi::c_char) -> *const core::ffi::c_char;
}

/// Whether a choice has been made that is `on` or `off`; `otherwise` where it has not, or cannot be
/// understood.
pub(crate) fn switch(name: &'static CStr, otherwise: bool) -> bool {
    // SAFETY: a string; what is returned is null or a string, which is not kept.
    let value = unsafe { secure_getenv(name.as_ptr()) };
    if value.is_null() {
        return otherwise;
    }
    // SAFETY: as above.
    match unsafe { CStr::from_ptr(value) }.to_bytes() {
        b"on" | b"1" | b"yes" | b"true" => true,
        b"off" | b"0" | b"no" | b"false" => false,
        value => {
            complain(name, value);
            otherwise
        }
    }
}

#[cold]
fn complain(name: &CStr, value: &[u8]) {
    let mut room = [0; 256];
    let mut line = Text::new(&mut room);
    // Neither of them fails but where standard error is closed, and nobody is there to tell.
    let _ = write!(line, "famalloc: {}=\"", name.to_str().unwrap_or_default());
    for part in value.escape_ascii().take(80) {
        let _ = line.write_char(part.into());
    }
    let _ = line.write_str("\" is ignored: expected on or off\n");
    let _ = StandardError.write_str(core::str::from_utf8(line.as_bytes()).unwrap_or("\n"));
}
