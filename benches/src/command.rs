//! Command lines of the benchmarks that have a main of their own.
//!
//! `cargo bench` passes `--bench`; `cargo test --benches` runs the same programs without it, to see
//! whether they start. They are told apart here: a benchmark that was not asked for says how to ask.

use std::process::exit;

/// The arguments after the program's name.
#[derive(Clone, Debug)]
pub struct Arguments(Vec<String>);

impl Arguments {
    /// Those of this process. Ends the process, successfully, when it was not started by
    /// `cargo bench`.
    #[must_use]
    pub fn of_bench(name: &str) -> Self {
        let arguments = Self(std::env::args().skip(1).collect());
        let mut known = arguments.clone();
        if !known.flag("--bench") && known.0.first().is_none_or(|first| first != "--child") {
            println!("run with: cargo bench -p famalloc-bench --bench {name}");
            exit(0);
        }
        known
    }

    /// Whether this flag is there; takes it out.
    pub fn flag(&mut self, name: &str) -> bool {
        let place = self.0.iter().position(|argument| argument == name);
        place.map(|place| self.0.remove(place)).is_some()
    }

    /// The value after this name; takes both out. Ends the process when the value is missing or
    /// not of the type.
    pub fn value<T: core::str::FromStr>(&mut self, name: &str) -> Option<T> {
        let place = self.0.iter().position(|argument| argument == name)?;
        self.0.remove(place);
        if place == self.0.len() {
            complain(&format!("{name} needs a value"));
        }
        let value = self.0.remove(place);
        Some(value.parse().unwrap_or_else(|_| complain(&format!("{name} cannot be {value}"))))
    }

    /// What is left, in order.
    #[must_use]
    pub fn rest(self) -> Vec<String> {
        self.0
    }

    /// Ends the process when something is left.
    pub fn done(self, usage: &str) {
        if !self.0.is_empty() {
            complain(&format!("what is {}?\nusage: {usage}", self.0.join(" ")));
        }
    }
}

/// Ends the process for a command line that makes no sense.
pub fn complain(message: &str) -> ! {
    eprintln!("{message}");
    exit(64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_values_are_taken_out() {
        let mut arguments = Arguments(
            ["--quick", "--json", "out.json", "--rounds", "7", "rest"].map(String::from).to_vec(),
        );
        assert!(arguments.flag("--quick"));
        assert!(!arguments.flag("--quick"));
        assert_eq!(arguments.value("--rounds"), Some(7));
        assert_eq!(arguments.value::<String>("--json").as_deref(), Some("out.json"));
        assert_eq!(arguments.value::<u32>("--json"), None);
        assert_eq!(arguments.rest(), ["rest"]);
    }
}
