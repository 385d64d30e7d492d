//! A weighing in a process of its own.

use std::process::{Command, Stdio};

use super::{Program, weigh};
use crate::allocator::Heap;
use crate::command::complain;
use crate::peers::HEAPS;

/// What is weighed in a child.
#[derive(Clone, Copy, Debug)]
pub enum Weighing {
    /// Live objects of one size: the size, and how many.
    Live(usize, usize),
    /// A program: which, and one part in how many of it.
    Program(&'static Program, usize),
}

impl Weighing {
    /// The command line of the child that weighs this.
    fn arguments(self, heap: &dyn Heap) -> [String; 4] {
        let (what, first, second) = match self {
            Self::Live(size, count) => ("live", size.to_string(), count.to_string()),
            Self::Program(program, divisor) => {
                ("program", program.name.to_owned(), divisor.to_string())
            }
        };
        [heap.name().to_owned(), what.to_owned(), first, second]
    }

    /// The opposite of [`arguments`](Self::arguments).
    fn parse(arguments: &[String]) -> Option<(&'static dyn Heap, Self)> {
        let [heap, what, first, second] = arguments else { return None };
        let heap = HEAPS.into_iter().find(|known| known.name() == heap)?;
        let second = second.parse().ok()?;
        let weighing = match what.as_str() {
            "live" => Self::Live(first.parse().ok()?, second),
            "program" => Self::Program(Program::named(first)?, second),
            _ => return None,
        };
        Some((heap, weighing))
    }

    /// Weighs it here.
    fn numbers(self, heap: &dyn Heap) -> Vec<usize> {
        match self {
            Self::Live(size, count) => {
                let weight = weigh(heap, size, count);
                vec![weight.live, weight.freed, weight.given_back]
            }
            Self::Program(program, divisor) => {
                let phases = program.run(heap, divisor);
                phases.iter().flat_map(|phase| [phase.live, phase.resident]).collect()
            }
        }
    }

    /// Weighs it in a child. `None` when that came to a bad end, which has then been said.
    #[must_use]
    pub(super) fn in_child(self, heap: &dyn Heap) -> Option<Vec<usize>> {
        let program = std::env::current_exe().expect("this program is a file");
        let mut command = Command::new(program);
        command.arg("--child").args(self.arguments(heap)).stderr(Stdio::inherit());
        let output = command.output().expect("this program can be started again");
        let text = String::from_utf8_lossy(&output.stdout);
        let numbers: Result<Vec<_>, _> = text.split_whitespace().map(str::parse).collect();
        match numbers {
            Ok(numbers) if output.status.success() => Some(numbers),
            _ => {
                eprintln!("{self:?} of {}: {}", heap.name(), output.status);
                None
            }
        }
    }
}

/// What a process does that was started to weigh something: prints the numbers in one line.
pub fn child(arguments: &[String]) {
    let Some((heap, weighing)) = Weighing::parse(arguments) else {
        complain(&format!("nothing can be weighed that is called {}", arguments.join(" ")))
    };
    let numbers = weighing.numbers(heap);
    println!("{}", numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(" "));
}

#[cfg(test)]
mod tests {
    use super::super::PROGRAMS;
    use super::*;

    #[test]
    fn a_child_understands_what_it_is_told() {
        for heap in HEAPS {
            let weighings = [Weighing::Live(24, 1000), Weighing::Program(PROGRAMS[1], 10)];
            for weighing in weighings {
                let (parsed_heap, parsed) = Weighing::parse(&weighing.arguments(heap)).unwrap();
                assert_eq!(parsed_heap.name(), heap.name());
                assert_eq!(format!("{parsed:?}"), format!("{weighing:?}"));
            }
        }
    }

    #[test]
    fn a_child_does_not_guess() {
        let told = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
        assert!(Weighing::parse(&told("system live 24 1000")).is_some());
        for line in [
            "nobody live 24 1000",
            "system lived 24 1000",
            "system live 24 many",
            "system live 24",
            "system program chess 1",
        ] {
            assert!(Weighing::parse(&told(line)).is_none(), "{line}");
        }
    }

    #[test]
    fn a_program_has_two_numbers_for_each_phase() {
        for program in PROGRAMS {
            let numbers = Weighing::Program(program, 1000).numbers(&crate::peers::System);
            assert_eq!(numbers.len(), 2 * program.phases, "{}", program.name);
        }
        assert_eq!(Weighing::Live(64, 1000).numbers(&crate::peers::System).len(), 3);
    }
}
