//! Global variables: a slot for each name, given out when code that mentions it is compiled.
//!
//! Code refers to globals by slot, so using one is a load. A name that is mentioned before it is
//! defined, or never is, has a slot whose value is `UNSET`. Slots stay for good, which is why a
//! later line of an interactive session finds what an earlier one defined.

use hashbrown::HashMap;

use crate::object::{Ref, Str};
use crate::value::Value;

/// All global variables of an interpreter.
#[derive(Default)]
pub(crate) struct Globals {
    slots: HashMap<Ref<Str>, u16>,
    names: Vec<Ref<Str>>,
    pub(crate) values: Vec<Value>,
}

impl Globals {
    /// The slot of a name; `None` if there are too many.
    pub(crate) fn slot(&mut self, name: Ref<Str>) -> Option<u16> {
        if let Some(slot) = self.slots.get(&name) {
            return Some(*slot);
        }
        let slot = u16::try_from(self.names.len()).ok()?;
        self.slots.insert(name.pin(), slot);
        self.names.push(name);
        self.values.push(Value::UNSET);
        Some(slot)
    }

    /// The name of a slot that was given out.
    pub(crate) fn name(&self, slot: u16) -> Ref<Str> {
        self.names[usize::from(slot)]
    }
}
