//! What programs mean: sources that run to their end, and what they print.

use crate::common::check_prints;

#[test]
fn values_and_operators() {
    check_prints(&[
        ("print nil; print true; print false; print 7; print \"s\";", "nil true false 7 s"),
        ("print 1 + 2 * 3 - 4 / 8;", "6.5"),
        ("print (1 + 2) * -3;", "-9"),
        ("print - - 3; print !!nil; print !0;", "3 false false"),
        ("print 10 - 2 - 3; print 16 / 4 / 2;", "5 2"),
        ("print 1 < 2; print 2 <= 2; print 1 > 2; print 2 >= 3;", "true true false false"),
        (
            "print 1 == 1; print 1 != 1; print nil == false; print \"1\" == 1;",
            "true false false false",
        ),
        ("print 1 < 2 == true; print 1 + 1 == 2;", "true true"),
        (
            "var n = 0/0; print n == n; print n != n; print n < 1; print n >= 1;",
            "false true false false",
        ),
        ("print 0/0; print 1/0; print -1/0; print -0;", "nan inf -inf -0"),
        ("print 0 == -0;", "true"),
        (
            "print 123.456; print 0.0001; print 1000000; print 100000 * 10 + 1;",
            "123.456 0.0001 1e+06 1e+06",
        ),
        ("print 0.1 + 0.2; print 1/3; print 2/3;", "0.3 0.333333 0.666667"),
        ("print \"a\" + \"b\" + \"c\" == \"ab\" + \"c\";", "true"),
        ("print \"\" + \"\" == \"\"; print \"\";", "true"),
        ("print \"\u{20ac}\" + \"\u{e9}\";", "\u{20ac}\u{e9}"),
        ("print \"a // b\"; // print \"c\";", "a // b"),
        (
            "print clock; fun f() {} print f; class C {} print C; print C();",
            "<native fn> <fn f> C C instance",
        ),
        ("class C { m() {} } print C().m; print C().m == C().m;", "<fn m> false"),
        ("class C { m() {} } var m = C().m; print m == m; print clock == clock;", "true true"),
        ("print clock() - clock() <= 0; print clock(1, 2) >= 0;", "true true"),
        ("", ""),
        ("// only a comment", ""),
    ]);
}

#[test]
fn logic_gives_operands_and_stops_early() {
    check_prints(&[
        ("print nil or 1; print 1 or unknown; print false or nil;", "1 1 nil"),
        ("print nil and unknown; print 1 and 2; print 1 and false;", "nil 2 false"),
        ("print false or false and true; print true or true and false;", "false true"),
        ("print 1 and 2 and 3 and nil and unknown;", "nil"),
        ("print nil or false or 3 or unknown;", "3"),
        ("var a = 1; true and (a = 2); false and (a = 3); print a;", "2"),
        ("if (0) print \"zero\"; if (\"\") print \"empty\"; if (nil) print \"nil\";", "zero empty"),
    ]);
}

#[test]
fn variables_and_scopes() {
    check_prints(&[
        ("var a; print a; a = 2; print a; var a = 3; print a;", "nil 2 3"),
        ("var a = 1; { var a = 2; { var a = 3; print a; } print a; } print a;", "3 2 1"),
        ("var a = 1; { var b = a; var a = b + 1; print a; } print a;", "2 1"),
        ("var a = 1; { a = 2; var a = 3; a = 4; } print a;", "2"),
        ("fun f() { return later; } var later = 5; print f();", "5"),
        ("{ var a = 1; var b = 2; var c = 3; a = b = c = 9; print a + b + c; }", "27"),
        ("{ var a = 1; { var b = 2; } { var c = 3; print a + c; } }", "4"),
        ("var x = 1; { fun f() { print x; } f(); var x = 2; f(); }", "1 1"),
        ("{ var _a1 = \"ok\"; print _a1; }", "ok"),
    ]);
}

#[test]
fn decisions_and_loops() {
    check_prints(&[
        ("if (true) print 1; else print 2; if (false) print 3; else print 4;", "1 4"),
        ("if (true) if (false) print 1; else print 2;", "2"),
        ("if (false) print 1; else if (nil) print 2; else if (1) print 3; else print 4;", "3"),
        ("if (false) { print 1; } else if (false) { print 2; }", ""),
        (
            "if (1 < 2) print 1; if (2 <= 1) print 2; if (2 > 1) print 3; if (1 >= 2) print 4;",
            "1 3",
        ),
        (
            "if (1 == 2) print 1; if (1 != 2) print 2; if (\"a\" == \"a\") print 3; if (nil != nil) print 4;",
            "2 3",
        ),
        (
            "var n = 0/0; if (n < 1) print 1; else if (n >= 1) print 2; else if (n == n) print 3; else print 4;",
            "4",
        ),
        ("var i = 0; while (i < 3) { print i; i = i + 1; }", "0 1 2"),
        ("while (false) print 1; var i = 0; while ((i = i + 1) < 3) print i;", "1 2"),
        ("for (var i = 0; i < 3; i = i + 1) print i;", "0 1 2"),
        ("var i = 5; for (; i < 7;) { print i; i = i + 1; }", "5 6"),
        ("var i; for (i = 0; i < 2; i = i + 1) {} print i;", "2"),
        ("var i = \"out\"; for (var i = 0; i < 1; i = i + 1) {} print i;", "out"),
        ("fun f() { for (;;) { return \"done\"; } } print f();", "done"),
        (
            "fun f() { var i = 0; while (true) { var j = i; i = i + 1; if (j == 3) return j; } } print f();",
            "3",
        ),
        (
            "for (var i = 0; i < 2; i = i + 1) for (var j = 0; j < 2; j = j + 1) print i * 2 + j;",
            "0 1 2 3",
        ),
        ("for (var i = 0; i < 1; i = i + 1) { var i = -1; print i; }", "-1"),
    ]);
}

#[test]
fn functions_and_closures() {
    check_prints(&[
        ("fun f() {} print f();", "nil"),
        ("fun f(a, b) { return a - b; } print f(5, 3);", "2"),
        ("fun f() { return; print 1; } print f();", "nil"),
        (
            "fun fib(n) { if (n < 2) return n; return fib(n - 1) + fib(n - 2); } print fib(15);",
            "610",
        ),
        ("{ fun fact(n) { if (n == 0) return 1; return n * fact(n - 1); } print fact(6); }", "720"),
        (
            "fun even(n) { if (n == 0) return true; return odd(n - 1); } fun odd(n) { if (n == 0) return false; return even(n - 1); } print even(8);",
            "true",
        ),
        (
            "fun outer() { var x = 1; fun inner() { x = x + 1; return x; } inner(); return inner; } var f = outer(); print f(); print f();",
            "3 4",
        ),
        ("var f; { var a = 1; fun g() { print a; } f = g; a = 2; } f();", "2"),
        (
            "var get; var set; { var a = 1; fun g() { return a; } fun s(v) { a = v; } get = g; set = s; } set(7); print get();",
            "7",
        ),
        (
            "fun a() { var x = 1; fun b() { fun c() { x = x + 1; return x; } return c; } return b; } var c = a()(); c(); print c();",
            "3",
        ),
        (
            "var f1; var f2; for (var i = 0; i < 2; i = i + 1) { var j = i; fun g() { return j; } if (i == 0) f1 = g; else f2 = g; } print f1(); print f2();",
            "0 1",
        ),
        (
            "var f; for (var i = 0; i < 3; i = i + 1) { fun g() { return i; } f = g; } print f();",
            "3",
        ),
        (
            "fun f(p) { fun g() { p = p + 1; return p; } return g; } var a = f(1); var b = f(10); a(); print a(); print b();",
            "3 11",
        ),
        (
            "{ var a = 1; var b = 2; fun f() { return b; } fun g() { return a; } print f(); print g(); }",
            "2 1",
        ),
        (
            "{ var a = 1; { var b = 2; fun f() { return a + b; } a = 10; b = 20; print f(); } }",
            "30",
        ),
        ("fun f() { var a = 1; fun g() { return a; } a = 5; return g(); } print f();", "5"),
        (
            "fun apply(f, x) { return f(x); } fun twice(x) { return x * 2; } print apply(twice, 21);",
            "42",
        ),
        ("fun f(a, b, c, d, e, f, g, h) { return h; } print f(1, 2, 3, 4, 5, 6, 7, 8);", "8"),
        (
            "var f; { var a = \"a\"; { var b = \"b\"; fun g() { return a + b; } f = g; } } print f();",
            "ab",
        ),
        ("fun f() { fun g() { return g; } return g; } var g = f(); print g() == g;", "true"),
    ]);
}

#[test]
fn classes_and_instances() {
    check_prints(&[
        ("class C {} var c = C(); c.a = 1; c.b = 2; c.a = 3; print c.a + c.b;", "5"),
        ("class C { init(a) { this.a = a; } } print C(4).a;", "4"),
        (
            "class C { init(o) { this.a = 1; this.a = this.a + 1; o.b = this.a; this.c = o = nil; } } class O {} var o = O(); C(o); print o.b;",
            "2",
        ),
        (
            "class C { set() { fun f() { this.v = 5; return this.v; } return f; } } print C().set()();",
            "5",
        ),
        (
            "class C { set(n) { this.v = n; } m() { return 1; } } fun f() { return 2; } var a = C(); a.set(1); a.a = 1; a.b = 2; a.c = 3; a.d = 4; a.set(6); print a.v; a.m = f; print a.m();",
            "6 2",
        ),
        (
            "fun get(o) { return o.v; } class C {} class D {} var c = C(); c.v = 1; var d = D(); d.u = 0; d.v = 2; print get(c); print get(d); print get(c);",
            "1 2 1",
        ),
        (
            "class C { init(a, b, c) { this.x = c; this.y = a; this.x = b; } } var c = C(1, 2, 3); print c.x; print c.y; print C(4, 5, 6).init(7, 8, 9).x;",
            "2 1 8",
        ),
        (
            "class C { init(a) { this.s = a; } } class D < C { init(t) { this.t = t; } } var d = D(1); print d.t; d.u = 2; d.v = 3; print C(5).s; print d.t + d.u + d.v;",
            "1 5 6",
        ),
        (
            "class C { init(a, b) { this.a = a; this.b = b; } } var c = nil; for (var i = 0; i < 50; i = i + 1) c = C(c, \"s\" + \"t\"); print c.a.a.b;",
            "st",
        ),
        ("class C { init() {} } print C();", "C instance"),
        ("class C { init() { this.a = 1; return; this.a = 2; } } print C().a;", "1"),
        (
            "class C { init() { this.n = 1; } } var c = C(); c.n = 9; print c.init() == c; print c.n;",
            "true 1",
        ),
        ("class C { init() { fun f() { return 3; } this.x = f(); } } print C().x;", "3"),
        ("class C { m() { return this; } } var c = C(); print c.m() == c;", "true"),
        ("class C { m(a, b) { return a + b; } } var m = C().m; print m(1, 2);", "3"),
        (
            "class C { m() { return 1; } } fun f() { return 2; } var c = C(); c.m = f; print c.m();",
            "2",
        ),
        (
            "class C { get() { fun f() { return this.v; } return f; } } var c = C(); c.v = 8; print c.get()();",
            "8",
        ),
        (
            "class C { m() { return \"C\"; } } class D { m() { return \"D\"; } } var i = 0; var o = C(); while (i < 4) { print o.m(); if (i == 1) o = D(); i = i + 1; }",
            "C C D D",
        ),
        ("class C {} var c = C(); c.f = C; print c.f();", "C instance"),
        (
            "class C {} var a = C(); var b = C(); a.x = 1; b.y = 2; b.x = 3; fun x(o) { return o.x; } print x(a); print x(b); print x(a);",
            "1 3 1",
        ),
        (
            "class C {} var c = C(); c.a = 1; c.b = 2; c.c = 3; c.d = 4; c.e = 5; c.f = 6; c.g = 7; c.h = 8; c.i = 9; print c.a; print c.e; print c.i;",
            "1 5 9",
        ),
        (
            "class C { init() { this.a = 1; } } var c = C(); for (var i = 0; i < 3; i = i + 1) { c.b = i; c.a = c.a + c.b; } print c.a;",
            "4",
        ),
        ("class C { m() { return 1; } m() { return 2; } } print C().m();", "2"),
        ("class C {} class C {} print C();", "C instance"),
        ("{ class C { m() { return C; } } print C().m(); }", "C"),
        (
            "class C {} var c = C(); c.s = \"a\"; c.s = c.s + \"b\"; print c.s; print (c.t = 1) + 1;",
            "ab 2",
        ),
        (
            "class C { init(n) { if (n > 0) this.next = C(n - 1); else this.next = nil; } } print C(20).next.next.next == nil;",
            "false",
        ),
        (
            "class C { a() { return this; } b() { this.n = 1; return this; } } print C().a().b().a().n;",
            "1",
        ),
    ]);
}

#[test]
fn inheritance() {
    check_prints(&[
        ("class A { m() { return 1; } } class B < A {} print B().m();", "1"),
        (
            "class A { m() { return 1; } } class B < A { m() { return super.m() + 1; } } print B().m();",
            "2",
        ),
        ("class A { init(x) { this.x = x; } } class B < A {} print B(3).x;", "3"),
        (
            "class A { init(x) { this.x = x; } } class B < A { init() { super.init(1); this.y = 2; } } var b = B(); print b.x + b.y;",
            "3",
        ),
        (
            "class A { m() { return \"A\"; } } class B < A { m() { return \"B\"; } t() { var s = super.m; return s() + this.m(); } } class C < B {} print C().t();",
            "AB",
        ),
        (
            "class A { n() { return \"A\"; } } class B < A { n() { return \"B\" + super.n(); } } class C < B { n() { return \"C\" + super.n(); } } print C().n();",
            "CBA",
        ),
        (
            "class A { m() { return \"A\"; } } class B < A { f() { fun g() { return super.m(); } return g(); } } print B().f();",
            "A",
        ),
        (
            "class A { m() { return this.n(); } } class B < A { n() { return \"B\"; } } print B().m();",
            "B",
        ),
        (
            "class A { m(a, b) { return a + b; } } class B < A { m(a, b) { return super.m(b, a); } } print B().m(\"x\", \"y\");",
            "yx",
        ),
        (
            "{ class A { m() { return 1; } } class B < A { m() { return super.m() + 1; } } print B().m(); }",
            "2",
        ),
        (
            "fun make(base) { class C < base { name() { return \"C\" + super.name(); } } return C; } class A { name() { return \"A\"; } } print make(make(A))().name();",
            "CCA",
        ),
        (
            "class A { f() {} } var old = A; class B < old { g() { return super.f; } } print B().g();",
            "<fn f>",
        ),
        (
            "class A { init() { this.a = 1; this.b = 2; } } class B < A { init() { super.init(); this.c = 3; this.d = 4; this.e = 5; } } var b = B(); print b.a + b.b + b.c + b.d + b.e;",
            "15",
        ),
    ]);
}
