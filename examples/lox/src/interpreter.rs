//! The interpreter: source text in, effects out.
//!
//! ```text
//! source --scanner, parser--> tree --resolver--> tree --compiler--> code --vm--> effects
//!                             ^ family Ast, dropped here            ^ family Code
//! ```
//!
//! An [`Interpreter`] keeps its globals from one source to the next, which is what an interactive
//! session needs; a source with errors leaves them as they were, or as they were when it failed.

use std::io::{self, Write};

use bumpalo::Bump;

use crate::diagnostics::Diagnostics;
use crate::mem::{self, Handle, Objects};
use crate::vm::{Fault, Vm};
use crate::{chunk, compiler, natives, parser, resolver};

/// How an interpretation ended.
#[derive(Debug)]
pub enum Outcome {
    /// The program ran to its end.
    Done,
    /// The program did not run: it has errors, which were reported.
    CompileError,
    /// The program failed while it ran, which was reported.
    RuntimeError,
    /// The program's output could not be written.
    OutputFailed(io::Error),
}

/// How far the interpretation of a source has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The syntax tree is complete.
    Parsed,
    /// The code is complete, and the tree has been dropped.
    Compiled,
    /// The program has ended.
    Ran,
}

impl Phase {
    /// The phase in a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parsed => "parsed",
            Self::Compiled => "compiled",
            Self::Ran => "ran",
        }
    }
}

/// A Lox interpreter and the state of its program.
pub struct Interpreter {
    vm: Vm,
    errors: Box<dyn Write>,
}

impl std::fmt::Debug for Interpreter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interpreter").finish_non_exhaustive()
    }
}

impl Interpreter {
    /// An interpreter that prints to `output` and reports errors to `errors`. With `gc_stress` it
    /// collects garbage before it makes any object, which is slow, and shows the collector's faults.
    #[must_use]
    pub fn new(output: Box<dyn Write>, errors: Box<dyn Write>, gc_stress: bool) -> Self {
        Self::with(output, errors, gc_stress, Objects::listed())
    }

    /// The only interpreter of its process: it needs no list of its objects, because the family
    /// knows them.
    ///
    /// # Safety
    ///
    /// No other interpreter exists while this one does.
    #[must_use]
    pub unsafe fn sole(output: Box<dyn Write>, errors: Box<dyn Write>, gc_stress: bool) -> Self {
        // SAFETY: only interpreters make objects.
        Self::with(output, errors, gc_stress, unsafe { Objects::sole() })
    }

    fn with(
        output: Box<dyn Write>,
        errors: Box<dyn Write>,
        gc_stress: bool,
        objects: Objects,
    ) -> Self {
        let mut vm = Vm::new(output, gc_stress, objects);
        natives::install(&mut vm);
        Self { vm, errors }
    }

    /// Interprets a source.
    pub fn interpret(&mut self, source: &str) -> Outcome {
        self.interpret_watched(source, &mut |_| {})
    }

    /// Interprets a source, and says so at the end of each phase.
    pub fn interpret_watched(&mut self, source: &str, watch: &mut dyn FnMut(Phase)) -> Outcome {
        let Some(script) = self.compile(source, watch) else { return Outcome::CompileError };
        watch(Phase::Compiled);
        let result = self.vm.run(script);
        let result = result.and_then(|()| Ok(self.vm.output.flush()?));
        watch(Phase::Ran);
        match result {
            Ok(()) => Outcome::Done,
            Err(Fault::Runtime(report)) => {
                if let Err(error) = self.vm.output.flush() {
                    return Outcome::OutputFailed(error);
                }
                self.report(&report);
                Outcome::RuntimeError
            }
            Err(Fault::Output(error)) => Outcome::OutputFailed(error),
        }
    }

    #[cfg(test)]
    pub(crate) fn vm(&mut self) -> &mut Vm {
        &mut self.vm
    }

    fn compile(
        &mut self,
        source: &str,
        watch: &mut dyn FnMut(Phase),
    ) -> Option<Handle<chunk::Function>> {
        if u32::try_from(source.len()).is_err() {
            self.report("Error: The source is larger than 4 GiB.\n");
            return None;
        }
        let mut scratch = Bump::new();
        let mut diagnostics = Diagnostics::new(source);
        let Vm { heap, globals, .. } = &mut self.vm;
        let this = heap.intern("this");
        let tree = parser::parse(heap, &mut diagnostics, &scratch);
        resolver::resolve(&tree, this, globals, &mut diagnostics);
        watch(Phase::Parsed);
        // The lists of the parser are all in the tree now.
        scratch.reset();
        let script =
            diagnostics.is_empty().then(|| compiler::compile(&tree, &mut diagnostics, &scratch));
        drop(tree);
        mem::end_phase();
        if !diagnostics.is_empty() {
            self.report(&diagnostics.to_string());
            return None;
        }
        script
    }

    /// There is nowhere to tell that errors cannot be told.
    fn report(&mut self, text: &str) {
        let _ = self.errors.write_all(text.as_bytes()).and_then(|()| self.errors.flush());
    }
}
