//! The statistics of glibc's manual: `mallinfo`, `malloc_stats`, `malloc_info`, and `mallopt`.
//!
//! glibc's numbers are of heaps, trees and bins; ours are of families, blocks and lanes. Each field has
//! what comes nearest to its meaning: what glibc calls free are slots that can be handed out. Nothing here
//! allocates or holds a lock while it writes.

use core::ffi::{CStr, c_int};
use core::fmt::{self, Write};

use famalloc::{AnyFamily, ClassUse, FamilySet, FamilyUse, options};

use crate::calls::FamilyOf;
use crate::cancel;
use crate::set::Exports;
use crate::text::{StandardError, Text};
use crate::types::{FILE, mallinfo as Info, mallinfo2 as Info2};

/// The families of a set.
fn families<E: Exports>() -> impl Iterator<Item = FamilyOf<E>> {
    (0..E::Set::FAMILIES.len()).filter_map(AnyFamily::at)
}

/// What a family is called: by the program, otherwise by the set.
fn name<E: Exports>(family: FamilyOf<E>) -> &'static str {
    let given = E::names().get(family.position()).map(CStr::to_str);
    given.and_then(Result::ok).unwrap_or(family.spec().name())
}

/// What all families use.
fn total<E: Exports>() -> FamilyUse {
    let mut sum = FamilyUse::totals(AnyFamily::<E::Set>::FALLBACK);
    sum.name = "total";
    let others = families::<E>().filter(|&family| family != AnyFamily::FALLBACK);
    for used in others.map(FamilyUse::totals) {
        sum.live_objects += used.live_objects;
        sum.live_bytes += used.live_bytes;
        sum.peak_bytes += used.peak_bytes;
        sum.large_objects += used.large_objects;
        sum.large_bytes += used.large_bytes;
        sum.blocks += used.blocks;
        sum.region_bytes += used.region_bytes;
        sum.committed_bytes += used.committed_bytes;
        sum.peak_committed_bytes += used.peak_committed_bytes;
        sum.lock_acquisitions += used.lock_acquisitions;
    }
    sum
}

/// Free slots.
#[derive(Clone, Copy, Debug, Default)]
struct Free {
    /// Those that wait in magazines, depots and mailboxes, and their bytes.
    parked: usize,
    parked_bytes: usize,
    /// Those in blocks.
    rest: usize,
    rest_bytes: usize,
}

impl Free {
    fn of<E: Exports>(family: FamilyOf<E>) -> Self {
        ClassUse::of(family).map(Self::of_class).fold(Self::default(), Self::plus)
    }

    fn of_all<E: Exports>() -> Self {
        families::<E>().map(Self::of::<E>).fold(Self::default(), Self::plus)
    }

    fn of_class(class: ClassUse) -> Self {
        let (parked, bytes) = (class.parked_objects, class.slot_bytes);
        let rest = (class.committed_bytes / bytes).saturating_sub(class.live_objects + parked);
        Self { parked, parked_bytes: parked * bytes, rest, rest_bytes: rest * bytes }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            parked: self.parked + other.parked,
            parked_bytes: self.parked_bytes + other.parked_bytes,
            rest: self.rest + other.rest,
            rest_bytes: self.rest_bytes + other.rest_bytes,
        }
    }
}

/// `mallinfo2`.
///
/// | field | what |
/// |---|---|
/// | `arena` | bytes of blocks and regions |
/// | `ordblks` | free slots |
/// | `smblks` | those of them that wait in magazines and depots |
/// | `hblks`, `hblkhd` | large objects, their bytes |
/// | `usmblks` | the most bytes that were ever committed |
/// | `fsmblks` | bytes of the free slots of `smblks` |
/// | `uordblks` | live bytes in blocks, and regions as a whole |
/// | `fordblks` | `arena` less `uordblks` |
/// | `keepcost` | 0: there is no topmost block |
#[must_use]
pub fn mallinfo2<E: Exports>() -> Info2 {
    let total = total::<E>();
    let arena = total.committed_bytes.saturating_sub(total.large_bytes);
    let used = total.live_bytes.saturating_sub(total.large_bytes) + total.region_bytes;
    let free = Free::of_all::<E>();
    Info2 {
        arena,
        ordblks: free.parked + free.rest,
        smblks: free.parked,
        hblks: total.large_objects,
        hblkhd: total.large_bytes,
        usmblks: total.peak_committed_bytes,
        fsmblks: free.parked_bytes,
        uordblks: used,
        fordblks: arena.saturating_sub(used),
        keepcost: 0,
    }
}

/// `mallinfo`: [`mallinfo2`] with what is too large for an `int` cut to the largest.
#[must_use]
pub fn mallinfo<E: Exports>() -> Info {
    let found = mallinfo2::<E>();
    let cut = |count: usize| c_int::try_from(count).unwrap_or(c_int::MAX);
    Info {
        arena: cut(found.arena),
        ordblks: cut(found.ordblks),
        smblks: cut(found.smblks),
        hblks: cut(found.hblks),
        hblkhd: cut(found.hblkhd),
        usmblks: cut(found.usmblks),
        fsmblks: cut(found.fsmblks),
        uordblks: cut(found.uordblks),
        fordblks: cut(found.fordblks),
        keepcost: cut(found.keepcost),
    }
}

/// A stream of the C library's.
struct Stream(*mut FILE);

impl Stream {
    fn put(&mut self, line: &CStr) -> fmt::Result {
        // SAFETY: whoever made this has said that the stream is open; the line is a string.
        match unsafe { libc::fputs(line.as_ptr(), self.0) } {
            0.. => Ok(()),
            _ => Err(fmt::Error),
        }
    }
}

impl Write for Stream {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        // Without a null byte at its end, so by way of a buffer that gets one.
        let mut rest = part;
        while !rest.is_empty() {
            let most = rest.floor_char(64);
            let (now, later) = rest.split_at(most);
            let mut room = [0; 65];
            let mut text = Text::new(&mut room);
            text.write_str(now)?;
            let line = CStr::from_bytes_until_nul(&room).map_err(|_| fmt::Error)?;
            self.put(line)?;
            rest = later;
        }
        Ok(())
    }
}

trait FloorChar {
    /// The largest boundary between characters that is at most this.
    fn floor_char(&self, most: usize) -> usize;
}

impl FloorChar for str {
    fn floor_char(&self, most: usize) -> usize {
        let most = most.min(self.len());
        (0..=most).rev().find(|&at| self.is_char_boundary(at)).unwrap_or(0)
    }
}

/// Bytes as people read them.
struct Bytes(usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            0..0x400 => {
                let width = f.width().unwrap_or(0).saturating_sub(4);
                return write!(f, "{:width$}   B", self.0);
            }
            0x400..0x10_0000 => (0x400, "KiB"),
            0x10_0000..0x4000_0000 => (0x10_0000, "MiB"),
            _ => (0x4000_0000, "GiB"),
        };
        // Tenths, rounded down.
        let tenths = self.0 % unit * 10 / unit;
        let width = f.width().unwrap_or(0).saturating_sub(6);
        write!(f, "{:width$}.{tenths} {name}", self.0 / unit)
    }
}

/// `malloc_stats`: a table of the families in use, to standard error.
pub fn malloc_stats<E: Exports>() {
    // Where standard error is closed there is nobody to tell.
    let _ = write_table::<E>(&mut StandardError);
}

fn write_table<E: Exports>(out: &mut impl Write) -> fmt::Result {
    // A line at a time, so that lines of several threads stay apart.
    let mut line = |arguments: fmt::Arguments<'_>| {
        let mut room = [0; 256];
        let mut text = Text::new(&mut room);
        text.write_fmt(arguments)?;
        out.write_str(core::str::from_utf8(text.as_bytes()).unwrap_or("\n"))
    };
    line(format_args!(
        "{:20.20}  {:>10}  {:>12}  {:>12}  {:>7}  {:>12}  {:>12}\n",
        E::Set::NAME,
        "objects",
        "live",
        "peak",
        "blocks",
        "committed",
        "regions"
    ))?;
    let mut row = |name: &str, used: &FamilyUse| {
        line(format_args!(
            "{name:20.20}  {:>10}  {:>12}  {:>12}  {:>7}  {:>12}  {:>12}\n",
            used.live_objects,
            Bytes(used.live_bytes),
            Bytes(used.peak_bytes),
            used.blocks,
            Bytes(used.committed_bytes),
            Bytes(used.region_bytes)
        ))
    };
    for family in families::<E>() {
        let used = FamilyUse::totals(family);
        if used.peak_committed_bytes > 0 {
            row(name::<E>(family), &used)?;
        }
    }
    row("total", &total::<E>())
}

/// Text within XML.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                // What XML has no way to write.
                '\0'..' ' => f.write_str("?")?,
                _ => f.write_char(character)?,
            }
        }
        Ok(())
    }
}

/// `malloc_info`: the same as XML, with a `heap` for each family that was ever used.
///
/// # Safety
///
/// The stream is open.
pub unsafe fn malloc_info<E: Exports>(options: c_int, stream: *mut FILE) -> c_int {
    if options != 0 {
        return libc::EINVAL;
    }
    // What writes to a stream ends where the thread was cancelled.
    match cancel::never(|| write_xml::<E>(&mut Stream(stream))) {
        Ok(()) => 0,
        Err(_) => -1,
    }
}

fn write_xml<E: Exports>(out: &mut impl Write) -> fmt::Result {
    out.write_str("<malloc version=\"1\">\n")?;
    for family in families::<E>() {
        let used = FamilyUse::totals(family);
        if used.peak_committed_bytes == 0 {
            continue;
        }
        let name = name::<E>(family);
        writeln!(out, "<heap nr=\"{}\" family=\"{}\">\n<sizes>", family.position(), Escaped(name))?;
        let mut smaller = 0;
        for class in ClassUse::of(family) {
            let free = Free::of_class(class);
            writeln!(
                out,
                "  <size from=\"{}\" to=\"{}\" total=\"{}\" count=\"{}\"/>",
                smaller + 1,
                class.slot_bytes,
                free.parked_bytes + free.rest_bytes,
                free.parked + free.rest
            )?;
            smaller = class.slot_bytes;
        }
        out.write_str("</sizes>\n")?;
        totals(out, &used, Free::of::<E>(family))?;
        out.write_str("</heap>\n")?;
    }
    totals(out, &total::<E>(), Free::of_all::<E>())?;
    chosen(out)?;
    out.write_str("</malloc>\n")
}

/// The options, as they are in effect.
fn chosen(out: &mut impl Write) -> fmt::Result {
    let pages = match options::huge_pages() {
        options::HugePages::Never => "never",
        options::HugePages::Auto => "auto",
        options::HugePages::Always => "always",
    };
    let switch = |on| if on { "on" } else { "off" };
    out.write_str("<options purge_delay=\"")?;
    match options::purge_delay() {
        options::NEVER => out.write_str("never")?,
        milliseconds => write!(out, "{milliseconds}")?,
    }
    writeln!(
        out,
        "\" huge_pages=\"{pages}\" reserve=\"{}\" reserve_step=\"{}\" background=\"{}\" trim_idle=\"{}\"/>",
        options::first_range(),
        options::largest_range(),
        switch(options::background()),
        switch(options::trim_idle())
    )
}

fn totals(out: &mut impl Write, used: &FamilyUse, free: Free) -> fmt::Result {
    let blocks = used.committed_bytes.saturating_sub(used.large_bytes);
    let mut row = |kind, count, size| {
        writeln!(out, "<total type=\"{kind}\" count=\"{count}\" size=\"{size}\"/>")
    };
    row("fast", free.parked, free.parked_bytes)?;
    row("rest", free.rest, free.rest_bytes)?;
    row("mmap", used.large_objects, used.large_bytes)?;
    writeln!(out, "<system type=\"current\" size=\"{}\"/>", used.committed_bytes)?;
    writeln!(out, "<system type=\"max\" size=\"{}\"/>", used.peak_committed_bytes)?;
    writeln!(out, "<aspace type=\"total\" size=\"{blocks}\"/>")?;
    writeln!(out, "<aspace type=\"mprotect\" size=\"{blocks}\"/>")
}

/// `mallopt`: accepts what glibc's manual names, from `M_ARENA_MAX` to `M_KEEP`, and does nothing about
/// it: there are no such heaps to be tuned. 1 for those, 0 for others.
#[must_use]
pub fn mallopt<E: Exports>(parameter: c_int, _: c_int) -> c_int {
    c_int::from(matches!(parameter, -8..=-1 | 1..=4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_readable_and_aligned() {
        assert_eq!(Bytes(0).to_string(), "0   B");
        assert_eq!(Bytes(1536).to_string(), "1.5 KiB");
        assert_eq!(Bytes((1 << 20) - 1).to_string(), "1023.9 KiB");
        assert_eq!(Bytes(usize::MAX).to_string(), "17179869183.9 GiB");
        assert_eq!(format!("{:>12}", Bytes(5 << 30)), "     5.0 GiB");
    }

    #[test]
    fn a_name_does_not_break_the_xml() {
        assert_eq!(Escaped("a<b>&\"c\"\n").to_string(), "a&lt;b&gt;&amp;&quot;c&quot;?");
    }

    #[test]
    fn long_text_comes_through_a_stream_whole() {
        let text = "äö-".repeat(100);
        // SAFETY: makes a stream.
        let file = unsafe { libc::tmpfile() };
        assert!(!file.is_null());
        Stream(file).write_str(&text).unwrap();
        let mut read = [0_u8; 1024];
        // SAFETY: an open stream, and so much room.
        let len = unsafe {
            libc::rewind(file);
            let len = libc::fread(read.as_mut_ptr().cast(), 1, read.len(), file);
            libc::fclose(file);
            len
        };
        assert_eq!(String::from_utf8_lossy(&read[..len]), text);
    }
}
