//! Programs with errors: what is said about them, where, and with which exit code.

use crate::common::check_fails;

/// On its way to the next statement the parser may skip a brace, which is then missing at the end:
/// that second message is the book's.
#[test]
fn what_the_parser_expects() {
    check_fails(
        65,
        &[
            ("print 1", "", "[line 1] Error at end: Expect ';' after value."),
            ("1 + ;", "", "[line 1] Error at ';': Expect expression."),
            ("print;", "", "[line 1] Error at ';': Expect expression."),
            ("a b;", "", "[line 1] Error at 'b': Expect ';' after expression."),
            ("var 1 = 2;", "", "[line 1] Error at '1': Expect variable name."),
            ("var nil = 2;", "", "[line 1] Error at 'nil': Expect variable name."),
            ("var a = 1", "", "[line 1] Error at end: Expect ';' after variable declaration."),
            ("var a 1;", "", "[line 1] Error at '1': Expect ';' after variable declaration."),
            ("(1 + 2;", "", "[line 1] Error at ';': Expect ')' after expression."),
            ("if 1) print 2;", "", "[line 1] Error at '1': Expect '(' after 'if'."),
            ("if (1 print 2;", "", "[line 1] Error at 'print': Expect ')' after condition."),
            ("while 1) {}", "", "[line 1] Error at '1': Expect '(' after 'while'."),
            ("while (1 {}", "", "[line 1] Error at '{': Expect ')' after condition."),
            ("for 1;;) {}", "", "[line 1] Error at '1': Expect '(' after 'for'."),
            ("for (;1) {}", "", "[line 1] Error at ')': Expect ';' after loop condition."),
            ("for (;;1 {}", "", "[line 1] Error at '{': Expect ')' after for clauses."),
            ("{ print 1;", "", "[line 1] Error at end: Expect '}' after block."),
            (
                "fun 1() {}",
                "",
                "[line 1] Error at '1': Expect function name.\n[line 1] Error at end: Expect '}' after block.",
            ),
            ("fun f {}", "", "[line 1] Error at '{': Expect '(' after function name."),
            (
                "fun f(1) {}",
                "",
                "[line 1] Error at '1': Expect parameter name.\n[line 1] Error at end: Expect '}' after block.",
            ),
            ("fun f(a {}", "", "[line 1] Error at '{': Expect ')' after parameters."),
            (
                "fun f(a, b c) {}",
                "",
                "[line 1] Error at 'c': Expect ')' after parameters.\n[line 1] Error at end: Expect '}' after block.",
            ),
            (
                "fun f() 1;",
                "",
                "[line 1] Error at '1': Expect '{' before function body.\n[line 1] Error at end: Expect '}' after block.",
            ),
            ("f(1, 2;", "", "[line 1] Error at ';': Expect ')' after arguments."),
            (
                "class 1 {}",
                "",
                "[line 1] Error at '1': Expect class name.\n[line 1] Error at end: Expect '}' after block.",
            ),
            ("class A < {}", "", "[line 1] Error at '{': Expect superclass name."),
            (
                "class A 1",
                "",
                "[line 1] Error at '1': Expect '{' before class body.\n[line 1] Error at end: Expect '}' after block.",
            ),
            (
                "class A { 1() {} }",
                "",
                "[line 1] Error at '1': Expect method name.\n[line 1] Error at end: Expect '}' after block.",
            ),
            ("class A { m() {}", "", "[line 1] Error at end: Expect '}' after class body."),
            ("a.1;", "", "[line 1] Error at '1': Expect property name after '.'."),
            ("return 1", "", "[line 1] Error at 'return': Can't return from top-level code."),
            (
                "fun f() { return 1 }",
                "",
                "[line 1] Error at '}': Expect ';' after return value.\n[line 1] Error at end: Expect '}' after block.",
            ),
            (
                "class A < B { m() { super; } }",
                "",
                "[line 1] Error at ';': Expect '.' after 'super'.",
            ),
            (
                "class A < B { m() { super.1; } }",
                "",
                "[line 1] Error at '1': Expect superclass method name.",
            ),
            ("else 1;", "", "[line 1] Error at 'else': Expect expression."),
            ("1 = 2;", "", "[line 1] Error at '=': Invalid assignment target."),
            ("a + b = c;", "", "[line 1] Error at '=': Invalid assignment target."),
            ("(a) = 1;", "", "[line 1] Error at '=': Invalid assignment target."),
            ("!a = 1;", "", "[line 1] Error at '=': Invalid assignment target."),
            ("a() = 1;", "", "[line 1] Error at '=': Invalid assignment target."),
            (
                "class A { m() { this = 1; } }",
                "",
                "[line 1] Error at '=': Invalid assignment target.",
            ),
        ],
    );
}

#[test]
fn what_the_scanner_refuses() {
    check_fails(
        65,
        &[
            ("print 1;\n@", "", "[line 2] Error: Unexpected character."),
            ("f(a | b);", "", "[line 1] Error: Unexpected character."),
            ("print \u{20ac};", "", "[line 1] Error: Unexpected character."),
            ("\"open\n", "", "[line 2] Error: Unterminated string."),
        ],
    );
}

#[test]
fn what_means_nothing() {
    check_fails(
        65,
        &[
            (
                "{ var a = a; }",
                "",
                "[line 1] Error at 'a': Can't read local variable in its own initializer.",
            ),
            (
                "{ var a = 1; var a = 2; }",
                "",
                "[line 1] Error at 'a': Already a variable with this name in this scope.",
            ),
            (
                "fun f(a, a) {}",
                "",
                "[line 1] Error at 'a': Already a variable with this name in this scope.",
            ),
            (
                "fun f(a) { var a; }",
                "",
                "[line 1] Error at 'a': Already a variable with this name in this scope.",
            ),
            (
                "{ fun f() {}\nclass f {} }",
                "",
                "[line 2] Error at 'f': Already a variable with this name in this scope.",
            ),
            (
                "{ var a = 1; { var b = fun_() + b; } }",
                "",
                "[line 1] Error at 'b': Can't read local variable in its own initializer.",
            ),
            ("{ return; }", "", "[line 1] Error at 'return': Can't return from top-level code."),
            (
                "class A { init() { return 1; } }",
                "",
                "[line 1] Error at 'return': Can't return a value from an initializer.",
            ),
            ("print this;", "", "[line 1] Error at 'this': Can't use 'this' outside of a class."),
            (
                "fun f() { return this.a; }",
                "",
                "[line 1] Error at 'this': Can't use 'this' outside of a class.",
            ),
            ("super.m();", "", "[line 1] Error at 'super': Can't use 'super' outside of a class."),
            (
                "fun f() { super.m; }",
                "",
                "[line 1] Error at 'super': Can't use 'super' outside of a class.",
            ),
            (
                "class A { m() { super.m(); } }",
                "",
                "[line 1] Error at 'super': Can't use 'super' in a class with no superclass.",
            ),
            ("class A < A {}", "", "[line 1] Error at 'A': A class can't inherit from itself."),
        ],
    );
}

#[test]
fn several_errors_come_in_order_and_once_each() {
    check_fails(
        65,
        &[
            (
                "var;\nprint 1;\nprint +;\n1 = 2;",
                "",
                "[line 1] Error at ';': Expect variable name.\n\
                 [line 3] Error at '+': Expect expression.\n\
                 [line 4] Error at '=': Invalid assignment target.",
            ),
            (
                "{\n  var a = 1; var a = 2;\n  var b = b;\n  print 1 +;\n  var c = c;\n}\nreturn;",
                "",
                "[line 2] Error at 'a': Already a variable with this name in this scope.\n\
                 [line 3] Error at 'b': Can't read local variable in its own initializer.\n\
                 [line 4] Error at ';': Expect expression.\n\
                 [line 5] Error at 'c': Can't read local variable in its own initializer.\n\
                 [line 7] Error at 'return': Can't return from top-level code.",
            ),
            (
                "for ({}; a < 2; a = a + 1) {}",
                "",
                "[line 1] Error at '{': Expect expression.\n\
                 [line 1] Error at ')': Expect ';' after expression.",
            ),
            // The brace is skipped on the way to the next statement, as the book's compiler does.
            (
                "{\n  class A < A {}\n}",
                "",
                "[line 2] Error at 'A': A class can't inherit from itself.\n\
                 [line 3] Error at end: Expect '}' after block.",
            ),
            (
                "fun f() {\n  print 1 2;\n  print 3 4;\n}",
                "",
                "[line 2] Error at '2': Expect ';' after value.\n\
                 [line 3] Error at '4': Expect ';' after value.",
            ),
        ],
    );
}

#[test]
fn operands_of_the_wrong_kind() {
    let number = "Operand must be a number.\n[line 1] in script";
    let numbers = "Operands must be numbers.\n[line 1] in script";
    let either = "Operands must be two numbers or two strings.\n[line 1] in script";
    check_fails(
        70,
        &[
            ("-\"a\";", "", number),
            ("-nil;", "", number),
            ("1 - \"a\";", "", numbers),
            ("nil * 1;", "", numbers),
            ("\"a\" / \"b\";", "", numbers),
            ("1 < \"a\";", "", numbers),
            ("\"a\" <= \"b\";", "", numbers),
            ("nil > 1;", "", numbers),
            ("true >= false;", "", numbers),
            ("1 + \"a\";", "", either),
            ("\"a\" - 1;", "", numbers),
            ("if (\"a\" < 1) print 1;", "", numbers),
            ("if (nil >= nil) print 1; else print 2;", "", numbers),
            ("\"a\" + 1;", "", either),
            ("nil + nil;", "", either),
            ("print 1; fun f() {} print f + \"a\";", "1\n", either),
        ],
    );
}

#[test]
fn variables_and_properties_that_are_not_there() {
    check_fails(
        70,
        &[
            ("print a;", "", "Undefined variable 'a'.\n[line 1] in script"),
            ("a = 1;", "", "Undefined variable 'a'.\n[line 1] in script"),
            ("{ print a; } var a = 1;", "", "Undefined variable 'a'.\n[line 1] in script"),
            ("var a = a;", "", "Undefined variable 'a'.\n[line 1] in script"),
            ("class C {}\nC().a;", "", "Undefined property 'a'.\n[line 2] in script"),
            ("class C {}\nC().a();", "", "Undefined property 'a'.\n[line 2] in script"),
            ("class C { m() {} } C().n();", "", "Undefined property 'n'.\n[line 1] in script"),
            (
                "class A {} class B < A { m() { super.n(); } } B().m();",
                "",
                "Undefined property 'n'.\n[line 1] in m()\n[line 1] in script",
            ),
            (
                "class A {} class B < A { m() { return super.n; } } B().m();",
                "",
                "Undefined property 'n'.\n[line 1] in m()\n[line 1] in script",
            ),
            ("nil.a;", "", "Only instances have properties.\n[line 1] in script"),
            ("\"s\".length;", "", "Only instances have properties.\n[line 1] in script"),
            ("class C {} C.a;", "", "Only instances have properties.\n[line 1] in script"),
            (
                "fun f(o) { return o.a; }\nf(7);",
                "",
                "Only instances have properties.\n[line 1] in f()\n[line 2] in script",
            ),
            ("nil.a = 1;", "", "Only instances have fields.\n[line 1] in script"),
            ("fun f() {} print f.a = 1;", "", "Only instances have fields.\n[line 1] in script"),
            ("1.a();", "", "Only instances have methods.\n[line 1] in script"),
            ("class C {} C.m();", "", "Only instances have methods.\n[line 1] in script"),
        ],
    );
}

#[test]
fn calls_that_cannot_be() {
    check_fails(
        70,
        &[
            ("nil();", "", "Can only call functions and classes.\n[line 1] in script"),
            ("\"f\"();", "", "Can only call functions and classes.\n[line 1] in script"),
            ("class C {} C()();", "", "Can only call functions and classes.\n[line 1] in script"),
            (
                "class C {} var c = C(); c.f = 1; c.f();",
                "",
                "Can only call functions and classes.\n[line 1] in script",
            ),
            ("fun f(a, b) {} f(1);", "", "Expected 2 arguments but got 1.\n[line 1] in script"),
            ("fun f() {} f(1, 2, 3);", "", "Expected 0 arguments but got 3.\n[line 1] in script"),
            ("class C {} C(1);", "", "Expected 0 arguments but got 1.\n[line 1] in script"),
            (
                "class C { init(a) {} } C();",
                "",
                "Expected 1 arguments but got 0.\n[line 1] in script",
            ),
            (
                "class C { m(a) {} } C().m();",
                "",
                "Expected 1 arguments but got 0.\n[line 1] in script",
            ),
            (
                "class A { m() {} } class B < A { m() { super.m(1); } } B().m();",
                "",
                "Expected 0 arguments but got 1.\n[line 1] in m()\n[line 1] in script",
            ),
            ("var a = 1; class B < a {}", "", "Superclass must be a class.\n[line 1] in script"),
            ("fun f() {}\nclass B < f {}", "", "Superclass must be a class.\n[line 2] in script"),
        ],
    );
}

#[test]
fn traces_name_each_call_and_its_line() {
    let source = "fun a() {\n  b(\n    1);\n}\nfun b(x) {\n  class C {\n    m() {\n      return x +\n        nil;\n    }\n  }\n  C().m();\n}\na();\n";
    let trace = "Operands must be two numbers or two strings.\n[line 9] in m()\n[line 12] in b()\n[line 3] in a()\n[line 14] in script";
    check_fails(70, &[(source, "", trace)]);
}

#[test]
fn calls_nest_as_deeply_as_in_the_book() {
    let trace = "[line 2] in f()\n".repeat(63);
    let message = format!("Stack overflow.\n{trace}[line 3] in script");
    check_fails(70, &[("fun f(n) {\n  f(n + 1); }\nf(0);", "", &message)]);
}
