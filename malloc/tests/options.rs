//! The options in the environment, tried with a program in C that prints what they do.

#![cfg(target_os = "linux")]

mod common;

use std::process::Command;

use common::{Ended, Program, preloaded, run_command};

/// What the program says in this environment.
struct Said(Ended);

impl Said {
    /// Runs it; `None` where there is no library to try.
    fn with(environment: &[(&str, &str)]) -> Option<Self> {
        let library = preloaded()?;
        // The C++ library allocates before the library under test is initialised.
        let libraries = &["-Wl,--no-as-needed".as_ref(), "-lstdc++".as_ref()];
        let program = Program { libraries, ..Program::new("options.c") }.compile();
        let mut command = Command::new(&program);
        command.envs(environment.iter().copied());
        let ended = run_command(command, &program, Some(&library));
        ended.well();
        Some(Self(ended))
    }

    /// A figure, by its name.
    #[track_caller]
    fn number(&self, name: &str) -> i64 {
        let line = self.0.out.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {}", self.0.out)).parse().expect("a number")
    }

    /// What the options are.
    fn options(&self) -> &str {
        self.0.out.lines().find(|line| line.starts_with("<options ")).expect("a line of options")
    }
}

#[test]
fn empty_memory_is_kept_for_a_while() {
    let Some(said) = Said::with(&[]) else { return };
    assert!(said.number("kept_mib") > 40, "{}", said.0.out);
    assert!(said.number("later_mib") < 20, "{}", said.0.out);
    assert_eq!(said.0.err, "");
    assert!(said.options().contains("purge_delay=\"500\" huge_pages=\"auto\""), "{}", said.0.out);
}

#[test]
fn empty_memory_may_go_at_once_or_never() {
    let Some(said) = Said::with(&[("FAMALLOC_PURGE_DELAY", "0")]) else { return };
    assert!(said.number("kept_mib") < 10, "{}", said.0.out);
    let Some(said) = Said::with(&[("FAMALLOC_PURGE_DELAY", "never")]) else { return };
    assert!(said.number("later_mib") > 40, "{}", said.0.out);
}

#[test]
fn addresses_are_reserved_as_wanted() {
    let Some(said) = Said::with(&[("FAMALLOC_RESERVE", "2G")]) else { return };
    let few = said.number("addresses_mib");
    assert!((2 << 10..3 << 10).contains(&few), "{}", said.0.out);
    let Some(said) = Said::with(&[("FAMALLOC_RESERVE", "16G")]) else { return };
    let many = said.number("addresses_mib");
    assert!((13 << 10..=15 << 10).contains(&(many - few)), "{}", said.0.out);
}

#[test]
fn huge_pages_are_refused_for_all_there_is() {
    let Some(said) = Said::with(&[]) else { return };
    assert_eq!(said.number("refused_mib"), 0, "{}", said.0.out);
    let Some(said) = Said::with(&[("FAMALLOC_HUGE_PAGES", "never")]) else { return };
    assert!(said.number("refused_mib") >= said.number("largest_mib"), "{}", said.0.out);
}

/// All of them are read.
#[test]
fn all_are_read() {
    let environment = [
        ("FAMALLOC_PURGE_DELAY", "1500"),
        ("FAMALLOC_HUGE_PAGES", "always"),
        ("FAMALLOC_RESERVE", "3G"),
        ("FAMALLOC_RESERVE_STEP", "128MiB"),
        ("FAMALLOC_BACKGROUND", "on"),
        ("FAMALLOC_TRIM_IDLE", "off"),
    ];
    let Some(said) = Said::with(&environment) else { return };
    assert_eq!(
        said.options(),
        "<options purge_delay=\"1500\" huge_pages=\"always\" reserve=\"3221225472\" \
         reserve_step=\"134217728\" background=\"on\" trim_idle=\"off\"/>"
    );
    assert_eq!(said.0.err, "");
}

/// What cannot be understood is named in a line, and the rest holds.
#[test]
fn what_is_wrong_is_named_and_passed_over() {
    let environment = [
        ("FAMALLOC_PURGE_DELAY", "soon"),
        ("FAMALLOC_HUGE_PAGES", "never"),
        ("FAMALLOC_RESERVE", "1M"),
        ("FAMALLOC_BACKGROUND", "perhaps\n\u{1b}"),
        ("FAMALLOC_UNHEARD_OF", "1"),
    ];
    let Some(said) = Said::with(&environment) else { return };
    let mut lines: Vec<_> = said.0.err.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "famalloc: FAMALLOC_BACKGROUND=\"perhaps\\n\\u{1b}\" is ignored: expected on or off",
            "famalloc: FAMALLOC_PURGE_DELAY=\"soon\" is ignored: expected a number of milliseconds, or never",
            "famalloc: FAMALLOC_RESERVE=\"1M\" is ignored: expected a number of bytes of at least 4M, such as 1G",
        ]
    );
    let rest = "purge_delay=\"500\" huge_pages=\"never\"";
    assert!(said.options().contains(rest), "{}", said.options());
}

/// What the program about threads that all wait says, where it is asked to wait for their memory or not.
fn background(wish: &str, waits: bool) -> Option<Ended> {
    let library = preloaded()?;
    let program = Program::new("background.c").compile();
    let mut command = Command::new(&program);
    command.env("FAMALLOC_BACKGROUND", wish).args(waits.then_some("wait"));
    let ended = run_command(command, &program, Some(&library));
    ended.well();
    Some(ended)
}

#[test]
fn a_thread_in_the_background_is_there_where_it_is_wished_for() {
    let Some(off) = background("off", false) else { return };
    assert_eq!(off.out, "threads 1\n");
    let Some(on) = background("on", false) else { return };
    assert_eq!(on.out, "threads 2\n");
}

/// Without it the program would wait until it is ended.
#[test]
fn memory_of_threads_that_all_wait_goes_back_by_the_one_in_the_background() {
    background("on", true);
}
