//! How much of this process is in memory.

use std::fs::File;
use std::io::Read;

/// The bytes of anonymous and shared memory that are resident: what an allocator can be made
/// responsible for, without the pages of the program file that happen to have been run.
///
/// Read from the kernel's walk over the page tables, which is exact; the cheaper counters are kept
/// per processor and may be off by more than what some of the rows are about.
///
/// # Panics
///
/// Panics where the kernel does not tell.
#[must_use]
pub fn resident() -> usize {
    // No allocation on the way: it would be weighed too.
    let mut text = [0; 4096];
    let mut file =
        File::open("/proc/self/smaps_rollup").expect("the kernel tells what is resident");
    let mut length = 0;
    loop {
        match file.read(&mut text[length..]).expect("it can be read") {
            0 => break,
            count => length += count,
        }
    }
    let text = core::str::from_utf8(&text[..length]).expect("it is text");
    field(text, "Anonymous:") + field(text, "Pss_Shmem:")
}

/// The value of a line such as `Anonymous:    112 kB`, in bytes; 0 if there is no such line.
fn field(text: &str, name: &str) -> usize {
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    let number = value.and_then(|value| value.split_whitespace().next());
    number.map_or(0, |number| number.parse::<usize>().expect("a number of KiB") << 10)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_name() {
        let text = "Rss:  1760 kB\nPss_Shmem:   4 kB\nAnonymous:      112 kB\n";
        assert_eq!(field(text, "Anonymous:"), 112 << 10);
        assert_eq!(field(text, "Pss_Shmem:"), 4 << 10);
        assert_eq!(field(text, "Swap:"), 0);
    }

    #[test]
    fn touched_memory_is_resident() {
        let before = resident();
        // Much more than other tests may free meanwhile.
        let bytes = core::hint::black_box(vec![1_u8; 256 << 20]);
        let grown = resident().saturating_sub(before);
        assert!(grown >= 192 << 20, "{grown} more bytes for {}", bytes.len());
    }
}
