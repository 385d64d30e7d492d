//! The interactive session, and the command line.

mod common;

use common::{Ran, TemporaryFile, lox};

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
