//! Tests of the resolver: bindings as they show in the code that is made of them, and its messages.

use bumpalo::Bump;

use super::*;
use crate::heap::Heap;

/// Resolves a source, and gives what `inspect` finds in the tree, or the messages.
fn resolved(source: &str, inspect: impl Fn(&FunctionNode) -> String) -> String {
    // SAFETY: the tree and the globals, which alone have `Ref`s, are dropped before the heap.
    let mut heap = unsafe { Heap::new(false, crate::mem::Objects::listed()) };
    let mut diagnostics = Diagnostics::new(source);
    let mut globals = Globals::default();
    let tree = crate::parser::parse(&mut heap, &mut diagnostics, &Bump::new());
    resolve(&tree, heap.intern("this"), &mut globals, &mut diagnostics);
    if diagnostics.is_empty() { inspect(&tree) } else { diagnostics.to_string() }
}

/// The bindings of the variables that are printed, in order.
fn bindings(statements: &[Stmt]) -> Vec<Binding> {
    let mut found = Vec::new();
    for statement in statements {
        match statement {
            Stmt::Print { value: Expr::Variable { name } | Expr::This { name }, .. } => {
                found.push(name.binding.get());
            }
            Stmt::Block(block) => found.extend(bindings(&block.statements)),
            Stmt::Fun { function, .. } => found.extend(bindings(&function.body)),
            Stmt::Class(class) => {
                for method in class.methods.iter() {
                    found.extend(bindings(&method.body));
                }
            }
            _ => {}
        }
    }
    found
}

fn check_bindings(source: &str, expected: &[Binding]) {
    let shown = resolved(source, |tree| format!("{:?}", bindings(&tree.body)));
    assert_eq!(shown, format!("{expected:?}"), "{source}");
}

#[test]
fn names_mean_the_innermost_variable() {
    use Binding::{Global, Local, Upvalue};
    check_bindings("print a; var b; print b; print a;", &[Global(0), Global(1), Global(0)]);
    check_bindings(
        "{ var a; print a; { var b; print b; var a; print a; } print a; }",
        &[Local(1), Local(2), Local(3), Local(1)],
    );
    check_bindings(
        "fun f(a, b) { var c; print a; print c; print f; }",
        &[Local(1), Local(3), Global(0)],
    );
    check_bindings("{ fun f() { print f; } print f; }", &[Upvalue(0), Local(1)]);
    check_bindings(
        "fun f(a, b) { fun g() { print b; print a; print b; } }",
        &[Upvalue(0), Upvalue(1), Upvalue(0)],
    );
    check_bindings(
        "class A { m(x) { print this; print x; fun f() { print this; } } }",
        &[Local(0), Local(1), Upvalue(0)],
    );
}

#[test]
fn captures_go_through_the_functions_between() {
    let shown = resolved("fun f(a) { fun g(b) { fun h() { print a; print b; } } }", |tree| {
        let mut captures = Vec::new();
        let mut statements = &tree.body;
        while let Some(Stmt::Fun { function, .. }) = statements.first() {
            let found = function.captures.get().expect("it is resolved");
            captures.push(found.iter().map(|c| (c.0.index, c.0.is_local)).collect::<Vec<_>>());
            statements = &function.body;
        }
        format!("{captures:?}")
    });
    assert_eq!(shown, "[[], [(1, true)], [(0, false), (1, true)]]");
}

#[test]
fn scopes_know_their_size_and_whether_they_are_captured() {
    let ends = |source| {
        resolved(source, |tree| {
            let Some(Stmt::Block(block)) = tree.body.first() else { panic!("it is a block") };
            let end = block.end.get();
            format!("{} {} {}", end.first_slot, end.count, end.captured)
        })
    };
    assert_eq!(ends("{ var a; var b; }"), "1 2 false");
    assert_eq!(ends("{ var a; { var b; fun f() { return b; } } }"), "1 1 false");
    assert_eq!(ends("{ var a; fun f() { fun g() { return a; } } }"), "1 2 true");
}

#[test]
fn fields_that_methods_assign_are_counted_once() {
    let source = "class A { init() { this.a = 1; this.b.c = 2; } m(o) { this.a = 2; this.d = 3; o.e = 4; } }";
    let shown = resolved(source, |tree| {
        let Some(Stmt::Class(class)) = tree.body.first() else { panic!("it is a class") };
        class.fields.get().to_string()
    });
    assert_eq!(shown, "2");
}

#[test]
fn one_error_is_reported_in_each_declaration() {
    let source = "{ var a = a + a;\nvar b = b; fun f(c, c) { var d = d; }\n}";
    let expected = "[line 1] Error at 'a': Can't read local variable in its own initializer.\n\
                    [line 2] Error at 'b': Can't read local variable in its own initializer.\n\
                    [line 2] Error at 'c': Already a variable with this name in this scope.\n";
    assert_eq!(resolved(source, |_| String::new()), expected);
}
