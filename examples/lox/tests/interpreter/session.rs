//! The interactive session, and the command line.

use crate::common::{Ran, TemporaryFile, lox};

fn session(input: &str) -> Ran {
    lox::<&str>([], input.as_bytes())
}

fn ran(stdout: &str, stderr: &str, code: i32) -> Ran {
    Ran { stdout: stdout.to_owned(), stderr: stderr.to_owned(), code }
}

#[test]
fn state_is_kept_between_lines() {
    let input = "var a = 1;\nfun f() { a = a + 1; return a; }\nf();\nprint f();\n\
                 class C { m() { return a; } }\nprint C().m();";
    assert_eq!(session(input), ran("> > > > 3\n> > 3\n> \n", "", 0));
}

#[test]
fn errors_do_not_end_it() {
    let input = "print 1 +;\nprint a;\nvar a = 2;\nfun f() { return nil + 1; }\nf();\nprint a;\n";
    let errors = "[line 1] Error at ';': Expect expression.\n\
                  Undefined variable 'a'.\n[line 1] in script\n\
                  Operands must be two numbers or two strings.\n[line 1] in f()\n[line 1] in script\n";
    assert_eq!(session(input), ran("> > > > > > 2\n> \n", errors, 0));
}

#[test]
fn closures_survive_an_error_with_their_variables() {
    let input = "var f; { var x = 7; fun g() { x = x + 1; return x; } f = g; nil(); }\n\
                 { var other = \"on the stack now\"; print f(); }\nprint f();\n";
    let errors = "Can only call functions and classes.\n[line 1] in script\n";
    assert_eq!(session(input), ran("> > 8\n> 9\n> \n", errors, 0));
}

#[test]
fn what_is_no_text_is_refused_and_the_rest_goes_on() {
    let run = lox::<&str>([], b"print 1;\nprint \"\xff\";\nprint 2;\n");
    assert_eq!(run, ran("> 1\n> > 2\n> \n", "lox: the line is not UTF-8 text\n", 0));
}

#[test]
fn an_empty_session_is_one_prompt() {
    assert_eq!(session(""), ran("> \n", "", 0));
}

#[test]
fn misuse_is_explained() {
    let try_help = "\nTry 'lox --help'.\n";
    let unknown = format!("lox: unknown option '--heep'{try_help}");
    assert_eq!(lox(["--heep", "a.lox"], b""), ran("", &unknown, 64));
    let files = format!("lox: more than one file{try_help}");
    assert_eq!(lox(["a.lox", "b.lox"], b""), ran("", &files, 64));
}

#[test]
fn help_and_version_are_printed() {
    let help = lox(["--help"], b"");
    assert!(help.stdout.starts_with("Usage: lox [OPTIONS] [FILE]\n"), "{}", help.stdout);
    for option in ["--heap ", "--heap-json ", "--gc-stress ", "--help ", "--version "] {
        assert!(help.stdout.contains(option), "{option}");
    }
    assert_eq!((help.stderr.as_str(), help.code), ("", 0));
    let version = concat!("lox ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(lox(["--version"], b""), ran(version, "", 0));
}

#[test]
fn exit_codes_tell_what_happened() {
    for (source, code) in [("print 1;", 0), ("print", 65), ("nil();", 70)] {
        let file = TemporaryFile::new(source.as_bytes());
        assert_eq!(lox([&file.0], b"").code, code, "{source}");
    }
}

#[cfg(feature = "plain")]
#[test]
fn a_plain_build_has_no_heap_to_show() {
    let file = TemporaryFile::new(b"print 1;");
    let message = "lox: this program was built without families, so there is no heap to show\n";
    for option in ["--heap", "--heap-json"] {
        let path = file.0.to_str().expect("the path is text");
        assert_eq!(lox([option, path], b""), ran("1\n", message, 0));
    }
}

/// A number of one family in a line of the report.
#[cfg(not(feature = "plain"))]
fn number(line: &str, family: &str, field: &str) -> u64 {
    let after = |text: &str, key: &str| {
        let from = text.find(key).expect("the key is in the report") + key.len();
        text[from..].to_owned()
    };
    let family = after(line, &format!("\"name\":\"{family}\","));
    let digits = after(&family, &format!("\"{field}\":"));
    let end = digits.find([',', '}']).expect("the number ends");
    digits[..end].parse().expect("it is a number")
}

#[cfg(not(feature = "plain"))]
#[test]
fn the_heap_report_shows_lifetimes() {
    let source = "class A {} var a = A(); fun f() { return \"text\"; } print f();";
    let file = TemporaryFile::new(source.as_bytes());
    let path = file.0.to_str().expect("the path is text");
    let run = lox(["--heap-json", path], b"");
    assert_eq!((run.stdout.as_str(), run.code), ("text\n", 0));
    let lines = run.stderr.lines().collect::<Vec<_>>();
    let phases = ["parsed", "compiled", "ran", "ended"];
    let live =
        |line: &str| ["Ast", "Code", "Interned", "Object"].map(|f| number(line, f, "live_objects"));
    assert_eq!(lines.len(), phases.len(), "{}", run.stderr);
    for (line, phase) in lines.iter().zip(phases) {
        assert!(line.starts_with(&format!("{{\"phase\":\"{phase}\",")), "{line}");
    }
    let [parsed, compiled, ran, ended] =
        [live(lines[0]), live(lines[1]), live(lines[2]), live(lines[3])];
    // The tree comes and goes, code stays, and so do the strings in it; objects are made by running.
    assert!(parsed[0] > 5 && parsed[1] == 0, "{parsed:?}");
    assert_eq!((compiled[0], compiled[3]), (0, 1), "only the native is an object before the run");
    assert!(compiled[1] > 5 && compiled[2] > 5, "{compiled:?}");
    assert_eq!((ran[0], ran[1], ran[2]), (0, compiled[1], compiled[2]));
    // The memory of the tree goes with it.
    assert!(number(lines[0], "Ast", "committed_bytes") > 0);
    for field in ["blocks", "committed_bytes"] {
        assert_eq!(number(lines[1], "Ast", field), 0, "{}", lines[1]);
    }
    // The script's closure, the native, the class, the instance, and the function.
    assert_eq!(ran[3], 5);
    assert_eq!(ended, [0; 4]);

    let table = lox(["--heap", path], b"").stderr;
    assert_eq!(table.matches("\n  Interned  ").count(), 4, "{table}");
    assert_eq!(table.matches("\n  total  ").count(), 4, "{table}");
}
