//! The options in the environment, looked at once, without allocating.

use core::fmt::Write;

use super::{
    BACKGROUND, FIRST_RANGE, HUGE_PAGES, HugePages, LARGEST_RANGE, LEAST_RANGE, NEVER, PURGE_DELAY,
    TRIM_IDLE,
};
use crate::error::Message;
use crate::platform;
use crate::sync::{AtomicBool, Ordering};

/// What the name of every variable begins with.
const PREFIX: &str = "FAMALLOC_";

/// Whether it has been looked at.
static LOADED: AtomicBool = AtomicBool::new(false);

/// Looks at it, unless somebody has.
#[inline]
pub(super) fn load() {
    if !LOADED.load(Ordering::Relaxed) {
        load_now();
    }
}

#[cold]
fn load_now() {
    // Allocations may come before the system's own library, which then knows no environment yet.
    if !platform::has_environment() || LOADED.swap(true, Ordering::Relaxed) {
        return;
    }
    platform::for_each_variable(|variable| {
        if let Some((name, value)) = named(variable) {
            if let Some(wanted) = apply(name, value) {
                complain(name, value, wanted);
            }
        }
    });
}

/// What a variable is called behind the prefix, and its value.
fn named(variable: &str) -> Option<(&str, &str)> {
    variable.strip_prefix(PREFIX)?.split_once('=')
}

/// Does what a variable says; where that cannot be understood, returns what would be.
fn apply(name: &str, value: &str) -> Option<&'static str> {
    let understood = match name {
        "PURGE_DELAY" => {
            milliseconds(value).map(|it| PURGE_DELAY.store(it, Ordering::Relaxed)).is_some()
        }
        "HUGE_PAGES" => {
            pages(value).map(|it| HUGE_PAGES.store(it as u8, Ordering::Relaxed)).is_some()
        }
        "RESERVE" => range(value).map(|it| FIRST_RANGE.store(it, Ordering::Relaxed)).is_some(),
        "RESERVE_STEP" => {
            range(value).map(|it| LARGEST_RANGE.store(it, Ordering::Relaxed)).is_some()
        }
        "BACKGROUND" => switch(value).map(|it| BACKGROUND.store(it, Ordering::Relaxed)).is_some(),
        "TRIM_IDLE" => switch(value).map(|it| TRIM_IDLE.store(it, Ordering::Relaxed)).is_some(),
        _ => true,
    };
    if understood {
        return None;
    }
    Some(match name {
        "PURGE_DELAY" => "a number of milliseconds, or never",
        "HUGE_PAGES" => "never, auto or always",
        "RESERVE" | "RESERVE_STEP" => "a number of bytes of at least 4M, such as 1G",
        _ => "on or off",
    })
}

fn milliseconds(value: &str) -> Option<u64> {
    if value == "never" { Some(NEVER) } else { digits(value).filter(|&it| it < NEVER) }
}

fn pages(value: &str) -> Option<HugePages> {
    match value {
        "never" => Some(HugePages::Never),
        "auto" => Some(HugePages::Auto),
        "always" => Some(HugePages::Always),
        _ => None,
    }
}

fn switch(value: &str) -> Option<bool> {
    match value {
        "on" | "1" | "yes" | "true" => Some(true),
        "off" | "0" | "no" | "false" => Some(false),
        _ => None,
    }
}

/// Bytes of a range.
fn range(value: &str) -> Option<usize> {
    bytes(value).filter(|&bytes| bytes >= LEAST_RANGE).map(super::range)
}

/// A number of bytes, with a unit or without.
fn bytes(value: &str) -> Option<usize> {
    let number = value.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let shift = match value[number.len()..].trim_end_matches("iB") {
        "" => 0,
        "K" | "k" => 10,
        "M" | "m" => 20,
        "G" | "g" => 30,
        "T" | "t" => 40,
        _ => return None,
    };
    let number = usize::try_from(digits(number)?).ok()?;
    number.checked_mul(1 << shift)
}

/// Digits and nothing else: Rust's own parser takes a sign as well.
fn digits(value: &str) -> Option<u64> {
    value.bytes().all(|it| it.is_ascii_digit()).then(|| value.parse().ok())?
}

/// Says that a value cannot be understood, in one line.
#[cold]
fn complain(name: &str, value: &str, wanted: &str) {
    let mut line = Message::new();
    let _ = write!(line, "famalloc: {PREFIX}{name}=\"");
    for part in value.escape_debug().take(80) {
        let _ = line.write_char(part);
    }
    let _ = writeln!(line, "\" is ignored: expected {wanted}");
    // Where standard error is closed, there is nobody to tell.
    platform::write_stderr(line.bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, expected) in [
            ("0", Some(0)),
            ("4096", Some(4096)),
            ("3K", Some(3 << 10)),
            ("64M", Some(64 << 20)),
            ("64MiB", Some(64 << 20)),
            ("2g", Some(2 << 30)),
            ("1T", Some(1 << 40)),
            ("18446744073709551615", Some(usize::MAX)),
            ("18446744073709551616", None),
            ("16777216T", None),
            ("", None),
            ("M", None),
            ("+5", None),
            ("-5", None),
            ("5 M", None),
            ("5MB", None),
            ("5X", None),
            ("0x10", None),
        ] {
            assert_eq!(bytes(text), expected, "{text:?}");
        }
        assert_eq!((range("4M"), range("4194303")), (Some(4 << 20), None));
        assert_eq!(range("4194305"), Some(6 << 20));
        assert_eq!(range("18446744073709551615"), Some(usize::MAX - (2 << 20) + 1));
    }

    #[test]
    fn delays_are_milliseconds_or_never() {
        assert_eq!(milliseconds("0"), Some(0));
        assert_eq!(milliseconds("1500"), Some(1500));
        assert_eq!(milliseconds("never"), Some(NEVER));
        for text in ["18446744073709551615", "-1", "", "soon", "5s"] {
            assert_eq!(milliseconds(text), None, "{text:?}");
        }
    }

    #[test]
    fn switches_are_on_or_off() {
        assert_eq!(["on", "1", "yes", "true"].map(switch), [Some(true); 4]);
        assert_eq!(["off", "0", "no", "false"].map(switch), [Some(false); 4]);
        assert_eq!(["", "2", "ON!", "maybe"].map(switch), [None; 4]);
    }

    #[test]
    fn a_variable_has_a_name_and_a_value() {
        assert_eq!(named("FAMALLOC_RESERVE=1G"), Some(("RESERVE", "1G")));
        assert_eq!(named("FAMALLOC_RESERVE="), Some(("RESERVE", "")));
        assert_eq!(named("FAMALLOC_RESERVE"), None);
        assert_eq!(named("MALLOC_RESERVE=1G"), None);
        // What nobody knows of is somebody else's.
        assert_eq!(apply("TEST_LIBRARY", "x"), None);
        assert_eq!(apply("HUGE_PAGES", "sometimes"), Some("never, auto or always"));
    }
}
