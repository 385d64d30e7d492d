//! Functions of the interpreter's own that programs can call.

use std::sync::OnceLock;
use std::time::Instant;

use crate::value::Value;
use crate::vm::Vm;

/// Makes them global variables.
pub(crate) fn install(vm: &mut Vm) {
    start();
    vm.define_native("clock", clock);
}

fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}

/// Seconds since the first interpreter was made.
fn clock(_arguments: &[Value]) -> Value {
    Value::number(start().elapsed().as_secs_f64())
}
