//! Tests of the compiler: the instructions and tables of small functions.

use bumpalo::Bump;

use super::*;
use crate::globals::Globals;
use crate::heap::Heap;

/// Compiles a script and gives what `inspect` finds in it.
fn compiled<T>(source: &str, inspect: impl Fn(&Function) -> T) -> T {
    // SAFETY: the tree, the globals and the code are dropped before the heap.
    let mut heap = unsafe { Heap::new(false, crate::mem::Objects::listed()) };
    let mut diagnostics = Diagnostics::new(source);
    let mut globals = Globals::default();
    let scratch = Bump::new();
    let tree = crate::parser::parse(&mut heap, &mut diagnostics, &scratch);
    let this = heap.intern("this");
    crate::resolver::resolve(&tree, this, &mut globals, &mut diagnostics);
    let script = compile(&tree, &mut diagnostics, &scratch);
    assert!(diagnostics.is_empty(), "{diagnostics}");
    inspect(&script)
}

fn op(byte: u8) -> Op {
    // SAFETY: the tests look at bytes where instructions begin.
    unsafe { Op::decode(byte) }
}

#[test]
fn a_value_that_nobody_wants_is_not_kept() {
    compiled("{ var a = 1; a = 2; print a; }", |script| {
        let code = &script.code;
        let ops = [0, 2, 4, 6, 8, 9, 10, 11].map(|offset| op(code[offset]));
        let expected = [
            Op::Constant,
            Op::Constant,
            Op::StoreLocal,
            Op::GetLocal,
            Op::Print,
            Op::Pop,
            Op::Nil,
            Op::Return,
        ];
        assert_eq!(ops, expected);
        assert_eq!((code.len(), code[5]), (12, 1));
        assert_eq!(script.max_stack, 3);
    });
}

#[test]
fn a_loop_tests_its_condition_at_the_end() {
    compiled("while (x) y;", |script| {
        let code = &script.code;
        let ops = [0, 3, 6, 7, 10, 13, 14].map(|offset| op(code[offset]));
        let expected =
            [Op::Jump, Op::GetGlobal, Op::Pop, Op::GetGlobal, Op::LoopIfTrue, Op::Nil, Op::Return];
        assert_eq!(ops, expected);
        let operand = |offset: usize| u16::from_ne_bytes([code[offset], code[offset + 1]]);
        assert_eq!((operand(1), operand(11)), (4, 10));
    });
}

#[test]
fn equal_constants_are_shared_and_zeros_are_not_confused() {
    compiled("1; \"a\"; 1; \"a\"; 0; 2;", |script| assert_eq!(script.constants.len(), 4));
}

#[test]
fn the_depth_of_the_stack_is_that_of_the_deepest_moment() {
    for (source, depth) in [
        ("", 2),
        ("1 + (2 + (3 + 4));", 4),
        ("a + (b + (c + d));", 5),
        ("f(1, 2, 3);", 5),
        ("{ var a; { var b; var c; } var d; }", 4),
        ("a and b and c;", 2),
        ("o.m(1).n = 2;", 3),
    ] {
        assert_eq!(compiled(source, |script| script.max_stack), depth, "{source}");
    }
}

#[test]
fn lines_are_those_of_the_last_token() {
    compiled("a +\n  b\n;\nc.\nd(\n);", |script| {
        let find = |wanted| {
            (0..script.code.len())
                .find(|offset| script.code[*offset] == wanted as u8)
                .map(|offset| script.line(offset))
        };
        assert_eq!((find(Op::Add), find(Op::Invoke)), (Some(2), Some(6)));
    });
}

#[test]
fn functions_know_their_names_and_parameters() {
    compiled("fun f(a, b) { fun g() { return a; } } class C { m(x) {} }", |script| {
        let f = &script.functions[0];
        assert_eq!((f.to_string().as_str(), f.arity, f.captures.len()), ("<fn f>", 2, 0));
        let g = &f.functions[0];
        assert_eq!((g.to_string().as_str(), g.arity, g.captures.len()), ("<fn g>", 0, 1));
        assert_eq!(script.functions[1].to_string(), "<fn m>");
    });
}

#[test]
fn initialisers_that_only_keep_their_parameters_are_known() {
    let stores = |body: &str| {
        compiled(&format!("var g; class A {{ init(a, b) {{ {body} }} m() {{}} }}"), |script| {
            assert!(script.functions[1].stores.is_none());
            script.functions[0].stores.as_ref().map(|slots| slots.to_vec())
        })
    };
    assert_eq!(stores("this.x = b; this.y = a; this.z = b;"), Some(vec![2, 1, 2]));
    assert_eq!(stores(""), Some(vec![]));
    for body in ["this.x = 1;", "this.x = a; return;", "this.x = g;", "g.x = a;", "this.x.y = a;"] {
        assert_eq!(stores(body), None, "{body}");
    }
}
