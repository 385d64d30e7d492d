//! Runs what was compiled.

use std::fmt;

use crate::code::{Op, Program};

/// How many calls may be open, and how many instructions are run, before the machine gives up.
const DEEPEST: usize = 10_000;
const LONGEST: u64 = 50_000_000;

/// Why a program has no value.
#[derive(Debug)]
pub(crate) enum Failure {
    Arithmetic(Op),
    TooDeep,
    TooLong,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arithmetic(Op::Apply(operator)) => {
                write!(f, "the program failed: `{operator}` has no result for its operands")
            }
            Self::Arithmetic(_) => f.write_str("the program failed"),
            Self::TooDeep => write!(f, "the program failed: more than {DEEPEST} calls are open"),
            Self::TooLong => write!(f, "the program did not end within {LONGEST} instructions"),
        }
    }
}

/// The value of `main`; truth is 1 and 0.
pub(crate) fn run(program: &Program) -> Result<i64, Failure> {
    let Some(main) = program.main else { return Ok(0) };
    let functions = &program.functions;
    let mut stack = vec![0; usize::from(functions[main].slots)];
    // Of the calls that are open: which function, where it is, and where its variables begin.
    let mut calls = Vec::new();
    let (mut function, mut at, mut base) = (main, 0, 0);
    for _ in 0..LONGEST {
        let op = functions[function].ops[at];
        at += 1;
        match op {
            Op::Push(value) => stack.push(value),
            Op::Load(slot) => stack.push(stack[base + usize::from(slot)]),
            Op::Store(slot) => stack[base + usize::from(slot)] = pop(&mut stack),
            Op::Apply(operator) => {
                let (right, left) = (pop(&mut stack), pop(&mut stack));
                stack.push(operator.apply(left, right).ok_or(Failure::Arithmetic(op))?);
            }
            Op::JumpIfFalse(to) => {
                if pop(&mut stack) == 0 {
                    at = to as usize;
                }
            }
            Op::Jump(to) => at = to as usize,
            Op::Call(called) => {
                if calls.len() == DEEPEST {
                    return Err(Failure::TooDeep);
                }
                calls.push((function, at, base));
                (function, at) = (usize::from(called), 0);
                // The arguments are the first variables.
                let code = &functions[function];
                base = stack.len() - usize::from(code.parameters);
                stack.resize(base + usize::from(code.slots), 0);
            }
            Op::Return => {
                let value = pop(&mut stack);
                let Some(caller) = calls.pop() else { return Ok(value) };
                stack.truncate(base);
                stack.push(value);
                (function, at, base) = caller;
            }
        }
    }
    Err(Failure::TooLong)
}

fn pop(stack: &mut Vec<i64>) -> i64 {
    stack.pop().expect("what is compiled pops what it has pushed")
}
