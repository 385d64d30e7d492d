//! Tests of the machine from within: what the collector keeps and frees.

use std::io;
use std::ptr::NonNull;

use super::*;
use crate::interpreter::{Interpreter, Outcome};
use crate::object::Header;

fn interpreted(source: &str) -> Interpreter {
    let mut interpreter = Interpreter::new(Box::new(io::sink()), Box::new(io::sink()), false);
    assert!(matches!(interpreter.interpret(source), Outcome::Done), "{source}");
    interpreter
}

fn collected(interpreter: &mut Interpreter) -> &mut Vm {
    let vm = interpreter.vm();
    vm.collect();
    vm
}

#[test]
fn what_globals_reach_is_kept_and_the_rest_is_freed() {
    let mut interpreter = interpreted(
        "class Node { init(next) { this.next = next; } }
         var kept = nil;
         for (var i = 0; i < 10; i = i + 1) { kept = Node(kept); Node(Node(nil)); }
         fun lost() { fun inner() { return kept; } return inner; }
         lost();",
    );
    let vm = collected(&mut interpreter);
    // SAFETY: listed objects are live.
    let kind_of = |object: NonNull<u8>| unsafe { object.cast::<Header>().as_ref() }.kind;
    let objects = vm.heap.objects.list().iter().copied();
    let count = |kind| objects.clone().filter(|&object| kind_of(object) == kind).count();
    use crate::object::ObjectKind::{Class, Closure, Instance, Native};
    assert_eq!([Instance, Class, Closure, Native].map(count), [10, 1, 2, 1]);
    assert!(matches!(
        interpreter.interpret("kept = nil; lost = nil; Node = nil; clock = nil;"),
        Outcome::Done
    ));
    assert_eq!(collected(&mut interpreter).heap.objects.list().len(), 0);
}

#[test]
fn strings_that_nobody_refers_to_are_freed() {
    let mut interpreter = interpreted(
        "var kept = \"a\" + \"b\"; for (var i = 0; i < 3; i = i + 1) { kept = kept + kept; }",
    );
    let vm = collected(&mut interpreter);
    let before = vm.heap.strings.len();
    assert!(matches!(interpreter.interpret("kept = nil;"), Outcome::Done));
    assert_eq!(collected(&mut interpreter).heap.strings.len(), before - 1);
}

#[test]
fn bytes_are_counted_down_to_the_last() {
    let source = "
        class A { init() { this.a = 1; } m() { return this.a; } }
        class B < A { n() { return super.m; } }
        fun f() { var v = 1; fun g() { return v; } return g; }
        for (var i = 0; i < 20; i = i + 1) {
          var b = B(); b.c = 1; b.d = 2; b.e = 3; b.f = 4; b.g = 5; b.h = b.n(); f()();
        }
        A = nil; B = nil; f = nil; clock = nil;";
    let mut interpreter = interpreted(source);
    let vm = collected(&mut interpreter);
    let strings = vm.heap.bytes();
    assert_eq!(vm.heap.objects.list().len(), 0);
    // SAFETY: nothing is run afterwards, and no string is looked at.
    unsafe { vm.heap.free_everything() };
    assert!(strings > 0);
    assert_eq!(vm.heap.bytes(), 0);
}

#[test]
fn shapes_of_dead_classes_are_used_again() {
    let source =
        "fun make() { class A {} var a = A(); a.x = 1; a.y = 2; return a.x + a.y; } make();";
    let mut interpreter = interpreted(source);
    for _ in 0..5 {
        let _vm = collected(&mut interpreter);
        assert!(matches!(interpreter.interpret("make();"), Outcome::Done));
    }
    assert_eq!(collected(&mut interpreter).heap.shapes.capacity(), 3);
}
