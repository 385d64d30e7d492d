//! Large and deep programs: what has a limit says so, what has none works, and nothing crashes.

use crate::common::{Ran, TemporaryFile, lox, run};

fn prints(source: &str, stdout: &str) {
    let expected = Ran { stdout: stdout.to_owned(), stderr: String::new(), code: 0 };
    let ran = run(source);
    assert!(ran == expected, "{:.200}\n{:.200}", ran.stdout, ran.stderr);
}

fn refuses(source: &str, message: &str) {
    let ran = run(source);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str(), ran.code), ("", message, 65));
}

fn nested(open: &str, middle: &str, close: &str, depth: usize) -> String {
    [open.repeat(depth), middle.to_owned(), close.repeat(depth)].concat()
}

#[test]
fn too_deep_nesting_is_one_error() {
    for (open, middle, close, quoted) in [
        ("(", "1", ")", "("),
        ("-", "1", "", "-"),
        ("!", "1", "", "!"),
        ("a = ", "1", "", "a"),
        ("f(", "1", ")", "f"),
        ("1 + (", "1", ")", "("),
        ("a.b = ", "1", "", "a"),
    ] {
        for depth in [401, 100_000] {
            let source = format!("print {};", nested(open, middle, close, depth));
            let ran = run(&source);
            assert_eq!((ran.stdout.as_str(), ran.code), ("", 65), "{open}");
            let expected = "[line 1] Error at ";
            let message = format!("{expected}'{quoted}': Code is nested too deeply.\n");
            let other = format!("{expected}'1': Code is nested too deeply.\n");
            assert!(ran.stderr == message || ran.stderr == other, "{open}: {}", ran.stderr);
        }
    }
}

#[test]
fn too_deep_statements_are_one_error() {
    for (open, close) in [
        ("{ ", "}"),
        ("if (true) ", ""),
        ("if (true) {", "}"),
        ("while (true) ", ""),
        ("for (;;) ", ""),
        ("fun f() {", "}"),
        ("class A { m() {", "}}"),
        ("if (true) 1; else {", "}"),
    ] {
        for depth in [401, 100_000] {
            let ran = run(&nested(open, "print 1;", close, depth));
            assert_eq!((ran.stdout.as_str(), ran.code), ("", 65), "{open}");
            assert_eq!(ran.stderr.lines().count(), 1, "{open}: {}", ran.stderr);
            assert!(ran.stderr.ends_with("Code is nested too deeply.\n"), "{}", ran.stderr);
        }
    }
}

#[test]
fn reasonable_nesting_works() {
    prints(&format!("print {};", nested("(", "7", ")", 390)), "7\n");
    prints(&format!("print {};", nested("-", "7", "", 390)), "7\n");
    prints(&nested("{", "print 7;", "}", 190), "7\n");
    prints(&nested("if (true) ", "print 7;", "", 390), "7\n");
    prints(&nested("{ var a = 1; ", "print a;", "}", 190), "1\n");
    let functions = nested("fun f() { ", "print 7;", "} f();", 60);
    prints(&functions, "7\n");
}

#[test]
fn chains_have_no_limit() {
    let sum = vec!["1"; 100_000].join(" + ");
    prints(&format!("print {sum};"), "100000\n");
    let or = "nil or ".repeat(10_000);
    prints(&format!("print {or} 5;"), "5\n");
    let calls = ".me()".repeat(50_000);
    prints(&format!("class C {{ me() {{ return this; }} }} print C(){calls};"), "C instance\n");
    let fields = ".me".repeat(50_000);
    prints(&format!("class C {{}} var c = C(); c.me = c; print c{fields};"), "C instance\n");
    let others = "else if (false) print 0; ".repeat(5_000);
    prints(&format!("if (false) print 0; {others} else print 1;"), "1\n");
    let prints_many = "print 1;\n".repeat(50_000);
    prints(&prints_many, &"1\n".repeat(50_000));
}

#[test]
fn broken_chains_are_dropped_without_overflow() {
    let sum = vec!["1"; 100_000].join(" + ");
    refuses(&format!("print {sum}"), "[line 1] Error at end: Expect ';' after value.\n");
}

#[test]
fn a_string_of_ten_megabytes_works() {
    let text = "0123456789".repeat(1 << 20);
    let source = format!("var s = \"{text}\"; print s == s + \"\"; print s;");
    prints(&source, &format!("true\n{text}\n"));
}

#[test]
fn an_open_string_of_ten_megabytes_is_one_short_error() {
    refuses(
        &format!("print \"{}", "line\n".repeat(2 << 20)),
        "[line 2097153] Error: Unterminated string.\n",
    );
    let long_name = "a".repeat(10 << 20);
    let quote = "a".repeat(120);
    refuses(
        &format!("print 1 {long_name};"),
        &format!("[line 1] Error at '{quote}...': Expect ';' after value.\n"),
    );
}

fn numbered(count: usize, piece: impl Fn(usize) -> String) -> String {
    (0..count).map(piece).collect()
}

#[test]
fn a_function_has_at_most_256_constants() {
    let constants = |count| numbered(count, |number| format!("{number};\n"));
    prints(&format!("fun f() {{\n{}print 0;}} f();", constants(256)), "0\n");
    refuses(
        &format!("fun f() {{\n{}\"oops\";\n}}", constants(256)),
        "[line 258] Error at '\"oops\"': Too many constants in one chunk.\n",
    );
}

#[test]
fn a_function_has_at_most_256_variables() {
    let variables = |count| numbered(count, |number| format!("var v{number};\n"));
    prints(&format!("fun f() {{\n{}print v0; }} f();", variables(255)), "nil\n");
    refuses(
        &format!("fun f() {{\n{}var oops;\n}}", variables(255)),
        "[line 257] Error at 'oops': Too many local variables in function.\n",
    );
}

#[test]
fn a_function_captures_at_most_256_variables() {
    let declare =
        |from: usize, count: usize| numbered(count, |number| format!("var v{};\n", from + number));
    let use_all = |count| numbered(count, |number| format!("v{number};\n"));
    let source = |last: &str| {
        format!(
            "fun f() {{\n{}fun g() {{\n{}fun h() {{\n{}{last}\n}} h(); }} g(); }} f();",
            declare(0, 128),
            declare(128, 129),
            use_all(256),
        )
    };
    prints(&source("print v0;"), "nil\n");
    refuses(
        &source("v256;"),
        "[line 517] Error at 'v256': Too many closure variables in function.\n",
    );
}

#[test]
fn there_are_at_most_255_parameters_and_arguments() {
    let names =
        |count| (0..count).map(|number| format!("p{number}")).collect::<Vec<_>>().join(", ");
    let values = |count| vec!["1"; count].join(", ");
    prints(&format!("fun f({}) {{ print p254; }} f({});", names(255), values(255)), "1\n");
    refuses(
        &format!("fun f({}) {{}}", names(256)),
        "[line 1] Error at 'p255': Can't have more than 255 parameters.\n",
    );
    refuses(
        &format!("fun f() {{}}\nf({});", values(256)),
        "[line 2] Error at '1': Can't have more than 255 arguments.\n",
    );
}

#[test]
fn jumps_have_a_limit() {
    let filler = "nil; nil; nil; nil; nil; nil; nil; nil; nil; nil;\n".repeat(3300);
    refuses(
        &format!("while (false) {{\n{filler}}}"),
        "[line 3302] Error at '}': Loop body too large.\n",
    );
    refuses(
        &format!("for (;;) {{\n{filler}}}"),
        "[line 3302] Error at '}': Loop body too large.\n",
    );
    refuses(
        &format!("if (false) {{\n{filler}}}"),
        "[line 3302] Error at '}': Too much code to jump over.\n",
    );
    let fits = "nil; nil; nil; nil; nil; nil; nil; nil; nil; nil;\n".repeat(3200);
    prints(&format!("var i = 0; while (i < 2) {{\n{fits} i = i + 1; }} print i;"), "2\n");
}

#[test]
fn an_instance_can_have_many_fields() {
    let set = numbered(2000, |number| format!("o.f{number} = {};\n", number % 200));
    let sum = numbered(2000, |number| format!("s = s + o.f{number};\n"));
    prints(&format!("class O {{}} var o = O();\n{set} var s = 0;\n{sum} print s;"), "199000\n");
}

#[test]
fn garbage_does_not_pile_up() {
    // Classes with instances, each dead at once: also their shapes have to be used again.
    let source = "
        fun make(n) {
          class A { init() { this.a = n; this.b = n; } sum() { return this.a + this.b; } }
          var a = A();
          a.c = 1;
          return a.sum() + a.c;
        }
        var total = 0;
        for (var i = 0; i < 20000; i = i + 1) total = total + make(1);
        print total;";
    prints(source, "60000\n");
}

#[test]
fn files_that_are_no_text_or_not_there() {
    let file = TemporaryFile::new(b"print 1;\nprint \"\xff\";");
    let ran = lox([&file.0], b"");
    let message =
        format!("lox: could not read file '{}': line 2 is not UTF-8 text\n", file.0.display());
    assert_eq!((ran.stdout.as_str(), ran.stderr, ran.code), ("", message, 74));

    let ran = lox(["/no/such/file.lox"], b"");
    assert_eq!((ran.stdout.as_str(), ran.code), ("", 74));
    assert!(ran.stderr.starts_with("lox: could not read file '/no/such/file.lox': "));
    assert_eq!(ran.stderr.lines().count(), 1);
}
