//! The examples do what they say.
//!
//! `cargo test` builds the examples, but does not run them; that is done here. They lie beside the folder
//! of the tests. Where only some tests are asked for, cargo does not build the examples, and what lies
//! there may be old or missing; so it is asked for them here, which takes a moment if there is nothing
//! to do.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::{env, fs};

struct Ran {
    stdout: String,
    stderr: String,
    code: i32,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            stdout: String::from_utf8(output.stdout).expect("the output is text"),
            stderr: String::from_utf8(output.stderr).expect("the messages are text"),
            code: output.status.code().expect("the example ends by itself"),
        }
    }
}

impl Ran {
    fn has(&self, line: &str) -> bool {
        self.stdout.lines().any(|given| given.trim() == line)
    }

    /// The numbers of objects of a family, in each table that was printed.
    fn objects(&self, family: &str) -> Vec<usize> {
        let rows = self.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        rows.filter(|row| row.len() > 8 && row[0] == family)
            .map(|row| row[1].parse().expect("the column of objects"))
            .collect()
    }

    /// The last table's row of a family in which all columns but that of peaks and locks are nothing.
    fn is_empty_at_the_end(&self, family: &str) -> bool {
        let row = self.stdout.lines().rfind(|line| line.starts_with(family)).expect("its row");
        let row = Vec::from_iter(row.split_whitespace());
        (row[1], row[2], row[6], row[7]) == ("0", "0", "0", "0")
    }
}

/// The folder of what is built for this profile, in which that is now up to date.
fn build(arguments: &[&str]) -> PathBuf {
    let this = env::current_exe().expect("this test has a path");
    let folder = this.parent().and_then(Path::parent).expect("target/<profile>/deps/<test>");
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    // Cargo says where it is. Without it, what was built last has to do.
    if let Some(cargo) = env::var_os("CARGO") {
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--package"])
            .args(arguments)
            .args(["--profile", profile, "--target-dir"])
            .arg(folder.parent().expect("the folder of all profiles"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(status.is_ok_and(|status| status.success()), "the examples can be built");
    }
    folder.to_owned()
}

/// The folder of the examples, which are as new as their sources.
fn examples() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| build(&["famalloc", "--examples"]).join("examples"))
}

fn run(name: &str, arguments: &[&Path]) -> Ran {
    start(&examples().join(name), arguments)
}

fn start(program: &Path, arguments: &[&Path]) -> Ran {
    Command::new(program.with_extension(env::consts::EXE_EXTENSION))
        .args(arguments)
        .output()
        .expect("the example starts")
        .into()
}

/// A folder for the sources of one test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples").join(name);
    fs::create_dir_all(&folder).expect("the folder can be made");
    folder
}

#[test]
fn the_game_is_the_same_every_time_and_its_memory_comes_back() {
    let ran = run("game_loop", &[]);
    assert_eq!((ran.code, &*ran.stderr), (0, ""));
    for (score, raiders) in [
        ("The Gate          700        0    6440  31b0108e", 700),
        ("The Palisade      294        6    3550  076ceb19", 300),
        ("The Ford          149       11    2182  3be3e176", 160),
    ] {
        assert!(ran.has(score), "{}", ran.stdout);
        let words = score.split_whitespace();
        let numbers = Vec::from_iter(words.filter_map(|word| word.parse::<u32>().ok()));
        assert_eq!(numbers[0] + numbers[1], raiders, "shot or escaped, and nothing between");
        let frames = numbers[2];
        let line = format!(
            "{frames} frames took 0 bytes from the system and 0 locks; the region has 256 KiB"
        );
        assert!(ran.has(&line), "{}", ran.stdout);
    }
    let reclaimed = ran.stdout.lines().filter(|line| line.ends_with("dropped, 0 reclaimed"));
    assert_eq!(reclaimed.count(), 3, "{}", ran.stdout);
    assert!(ran.is_empty_at_the_end("Level"), "{}", ran.stdout);
    // Six names and three scores.
    assert_eq!(ran.objects("Forever"), [9]);
}

#[test]
fn the_server_answers_every_request_and_keeps_nothing_of_it() {
    let ran = run("request_server", &[]);
    assert_eq!((ran.code, &*ran.stderr), (0, ""), "{}", ran.stdout);
    // Eight clients, 25 visits each.
    let (clients, visits) = (8, 25);
    let statuses = [
        // Logging in, twelve pages, and reading the notes.
        (200, clients * visits * (1 + 12 + 1)),
        (201, clients * visits * 3),
        // All visits but the last end with it, and are told so.
        (204, clients * (visits - 1)),
        (401, clients * (visits - 1)),
        (400, clients * 3),
        (404, clients),
        (413, clients * 3),
    ];
    for (status, count) in statuses {
        assert!(ran.has(&format!("{status}  {count:>6}")), "{status}: {}", ran.stdout);
    }
    let requests = statuses.iter().map(|(_, count)| count).sum::<i32>();
    assert!(ran.has(&format!("served {requests} requests")), "{}", ran.stdout);
    // A session, its user, and three notes for each client; later, nothing.
    assert_eq!(ran.objects("Session"), [clients as usize * 5, 0]);
    for family in ["Request", "Session", "Cache"] {
        assert!(ran.is_empty_at_the_end(family), "{family}: {}", ran.stdout);
    }
}

#[test]
fn each_crates_work_is_in_its_family_and_gone_when_it_is_over() {
    let program = build(&["scopes"]).join("scopes");
    let ran = start(&program, &[&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/region")]);
    assert_eq!((ran.code, &*ran.stderr), (0, ""), "{}", ran.stdout);
    // Family, objects, live and committed KiB, share: a table after each phase.
    let rows = ran.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let rows = Vec::from_iter(rows.filter(|row| row.len() == 5 && row[4].ends_with('%')));
    let column = |family: &str, at: usize| -> Vec<f64> {
        let rows = rows.iter().filter(|row| row[0] == family);
        rows.map(|row| row[at].trim_end_matches('%').parse().expect("a number")).collect()
    };
    for phase in 0..6 {
        let shares = rows[5 * phase..][..5].iter().map(|row| row[4].trim_end_matches('%'));
        let sum: f64 = shares.map(|share| share.parse::<f64>().expect("a number")).sum();
        assert!((99.7..100.3).contains(&sum), "{}", ran.stdout);
    }
    let objects = |family| column(family, 1);
    let syntax = objects("Syntax");
    assert!(syntax[1] > 10_000.0 && column("Syntax", 4)[1] > 80.0, "{}", ran.stdout);
    assert_eq!(syntax, [0.0, syntax[1], 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(column("Syntax", 3)[2..], [0.0; 4], "its memory is given back: {}", ran.stdout);
    let engine = objects("Engine");
    assert!(engine[0] > 1_000.0 && engine[5] < 10.0, "{}", ran.stdout);
    assert_eq!(engine[..5], [engine[0]; 5]);
    let compiled = objects("Compiled");
    assert!(compiled[3] > 100.0, "{}", ran.stdout);
    assert_eq!(compiled, [0.0, 0.0, 0.0, compiled[3], compiled[3], 0.0]);
    let script = objects("Script");
    assert!(script[3] > 2.0 * script[4], "{}", ran.stdout);
    assert_eq!(script, [0.0, 0.0, 0.0, script[3], script[4], 0.0]);
    // The notes: a file and a name for each function.
    let noted = ran.stdout.lines().find(|line| line.contains("functions are noted"));
    let noted = noted.and_then(|line| line.split(' ').next()).expect("their number");
    let noted = 2.0 * noted.parse::<f64>().expect("a number");
    let general = objects("General");
    let as_noted = general[2..].iter().all(|objects| (noted..noted + 60.0).contains(objects));
    assert!(as_noted, "{}", ran.stdout);
}

#[test]
fn requests_leave_nothing_behind() {
    let ran = run("global_allocator", &[]);
    assert_eq!((ran.code, &*ran.stderr), (0, ""), "{}", ran.stdout);
    assert!(ran.has("10000 requests, 6666 answers kept"), "{}", ran.stdout);
    assert!(ran.has("Request: 0 objects, 0 bytes"), "{}", ran.stdout);
    // A name and a text each, in a map.
    let kept = ran.stdout.lines().find_map(|line| line.trim().strip_prefix("Cache: "));
    let kept = kept.and_then(|line| line.split(' ').next()).expect("the number of objects");
    let kept: usize = kept.parse().expect("a number");
    assert!((2 * 100..2 * 100 + 60).contains(&kept), "{}", ran.stdout);
}

#[test]
fn the_compiler_lists_and_runs_its_program() {
    let ran = run("compiler", &[]);
    assert_eq!((ran.code, &*ran.stderr), (0, ""));
    let collatz = |from: u64| {
        let mut number = from;
        std::iter::from_fn(|| {
            number = if number % 2 == 0 { number / 2 } else { 3 * number + 1 };
            Some(number)
        })
        .position(|number| number == 1)
        .map_or(0, |steps| steps + 1)
    };
    // gcd(86,400, 25,200) is 3,600.
    let longest = (2..1000).map(collatz).max().unwrap();
    assert!(ran.has(&format!("program.src: main() = {}", 3600 + longest)), "{}", ran.stdout);
    // Folded; and nothing of what would be multiplied or compared is left.
    let listing = ran.stdout.split_once("seconds: 1 parameters, 1 slots\n").unwrap().1;
    let expected = "     0  load    0\n     1  push    86400\n     2  apply   *\n     3  return\n\n\
                    debug: 0 parameters, 0 slots\n     0  push    0\n     1  return\n";
    assert!(listing.starts_with(expected), "{listing}");
    for family in ["Ast", "Scratch", "Code"] {
        assert!(ran.is_empty_at_the_end(family), "{family}: {}", ran.stdout);
    }
    // Seven functions, `a`, `b`, `n`, `from`, `to`, `best`, `here`, `days`, `day`.
    assert_eq!(ran.objects("Name"), [16, 16]);
}

#[test]
fn the_compiler_says_what_is_wrong_and_where() {
    let folder = folder("errors");
    let deep = format!("fn main() -> int = {}1{};", "(".repeat(5000), ")".repeat(5000));
    let long = format!("fn main() -> int = 1{};", " + 1".repeat(5000));
    let cases: [(&str, &[&str]); 22] = [
        ("fn main() -> int = x;", &["1:20: error: there is no variable `x` here"]),
        ("fn main() -> int = f(1);", &["1:20: error: there is no function `f` here"]),
        ("fn main() -> int = let a = a in 1;", &["1:28: error: there is no variable `a` here"]),
        ("", &["1:1: error: there is no function `main`"]),
        ("fn main(a: int) -> int = a;", &["1:4: error: `main` takes no parameters"]),
        (
            "fn f() -> int = 1;\nfn f() -> int = 2;\nfn main() -> int = 1;",
            &["2:4: error: function `f` is declared twice"],
        ),
        (
            "fn f(a: int, a: int) -> int = a; fn main() -> int = 1;",
            &["1:14: error: parameter `a` is declared twice"],
        ),
        ("fn main() -> int = 1 + true;", &["1:24: error: expected int, found bool"]),
        ("fn main() -> bool = 1;", &["1:21: error: expected bool, found int"]),
        ("fn main() -> int = if 1 then 2 else 3;", &["1:23: error: expected bool, found int"]),
        (
            "fn main() -> int = if true then 1 else false;",
            &["1:40: error: expected int, found bool"],
        ),
        ("fn main() -> bool = 1 == true;", &["1:26: error: expected int, found bool"]),
        (
            "fn f(a: int) -> int = a;\nfn main() -> int =\n\tf(1, 2);",
            &["3:2: error: `f` takes 1 argument, found 2", "  \tf(1, 2);", "  \t^"],
        ),
        ("fn main() -> int = 1 @ 2;", &["1:22: error: expected `;`, found `@`"]),
        ("fn main() -> int = \u{e9};", &["1:20: error: expected an expression, found `\u{e9}`"]),
        ("fn main() -> int = (1;", &["1:22: error: expected `)`, found `;`"]),
        ("fn main() -> int = 1", &["1:21: error: expected `;`, found the end of the source"]),
        ("fn if() -> int = 1;", &["1:4: error: expected a name, found `if`"]),
        (
            // Two errors; between them a function that is as it should be.
            "fn a() -> = 1; fn main() -> int = 1; fn b( -> int = 1;",
            &["1:11: error: expected a type", "1:44: error: expected a name, found `->`"],
        ),
        (
            "fn main() -> int = 99999999999999999999;",
            &["1:20: error: `99999999999999999999` is no number of 64 bits"],
        ),
        (&deep, &["error: expressions are nested at most 100 deep"]),
        (&long, &["error: expressions are nested at most 100 deep"]),
    ];
    for (number, (source, messages)) in cases.into_iter().enumerate() {
        let path = folder.join(format!("{number}.src"));
        fs::write(&path, source).unwrap();
        let ran = run("compiler", &[&path]);
        assert_eq!(ran.code, 1, "{source}: {}", ran.stdout);
        let mut rest = &*ran.stderr;
        for message in messages {
            let Some(at) = rest.find(message) else { panic!("{message}: {}", ran.stderr) };
            rest = &rest[at + message.len()..];
        }
        let expected = messages.iter().filter(|message| message.contains("error: ")).count();
        assert_eq!(ran.stderr.matches("error: ").count(), expected, "{}", ran.stderr);
        assert!(!ran.stdout.contains("main()"), "{}", ran.stdout);
    }
}

#[test]
fn the_tree_of_a_unit_is_gone_when_the_next_begins() {
    let path = folder("twice").join("twice.src");
    fs::write(&path, "fn main() -> int = 1 + 2;").unwrap();
    let ran = run("compiler", &[&path, &path]);
    assert_eq!((ran.code, &*ran.stderr), (0, ""));
    let sizes = ran.stdout.lines().filter(|line| line.contains("the syntax tree took"));
    let sizes = Vec::from_iter(sizes);
    assert_eq!((sizes.len(), sizes[0]), (2, sizes[1]));
    assert!(!sizes[0].contains("took 0 bytes"), "{}", sizes[0]);
}

#[test]
fn a_unit_that_fails_does_not_keep_the_compiler_from_the_others() {
    let folder = folder("units");
    let sources = [
        ("good.src", "fn main() -> int = 6 * 7;"),
        ("bad.src", "fn main() -> int = 6 * true;"),
        ("fails.src", "fn zero() -> int = 0; fn main() -> int = 1 / zero();"),
        ("endless.src", "fn main() -> int = main();"),
        ("last.src", "fn main() -> bool = 1 < 2;"),
    ];
    let paths = sources.map(|(name, source)| {
        let path = folder.join(name);
        fs::write(&path, source).unwrap();
        path
    });
    let missing = folder.join("missing.src");
    let files = Vec::from_iter(paths.iter().chain([&missing]).map(PathBuf::as_path));
    let ran = run("compiler", &files);
    assert_eq!(ran.code, 1);
    let [good, bad, fails, endless, last] = paths.map(|path| path.display().to_string());
    assert!(ran.has(&format!("{good}: main() = 42")), "{}", ran.stdout);
    assert!(ran.has(&format!("{last}: main() = 1")), "{}", ran.stdout);
    for message in [
        format!("{bad}:1:24: error: expected int, found bool"),
        format!("{fails}: error: the program failed: `/` has no result for its operands"),
        format!("{endless}: error: the program failed: more than 10000 calls are open"),
        format!("{}: error: ", missing.display()),
    ] {
        assert!(ran.stderr.contains(&message), "{message}: {}", ran.stderr);
    }
}

/// A random program, as text and as what it comes to.
struct Random(u64);

/// What an expression comes to; `None` if evaluating it fails.
type Value = Option<i64>;

/// How it is written, how closely it binds, and what it does.
type Operator<T> = (&'static str, u8, fn(i64, i64) -> T);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    /// Writes an expression that may stand where an operator of that precedence is; all variables are
    /// numbers.
    fn expression(
        &mut self,
        text: &mut String,
        variables: &mut Vec<(String, i64)>,
        truth: bool,
        least: u8,
        depth: u32,
    ) -> Value {
        const NUMBERS: [Operator<Value>; 5] = [
            ("+", 4, i64::checked_add),
            ("-", 4, i64::checked_sub),
            ("*", 5, i64::checked_mul),
            ("/", 5, i64::checked_div),
            ("%", 5, i64::checked_rem),
        ];
        const TRUTHS: [Operator<bool>; 3] =
            [("<", 3, |a, b| a < b), (">", 3, |a, b| a > b), ("==", 3, |a, b| a == b)];
        let choice = if depth == 0 { 0 } else { self.below(6) };
        match choice {
            0 if truth => {
                let value = self.below(2);
                text.push_str(["false", "true"][value as usize]);
                Some(value as i64)
            }
            0 if !variables.is_empty() && self.below(2) == 0 => {
                let at = self.below(variables.len() as u64) as usize;
                text.push_str(&variables[at].0);
                Some(variables[at].1)
            }
            0 => {
                let most = if self.below(8) == 0 { 1 << 40 } else { 50 };
                let number = self.below(most);
                write!(text, "{number}").unwrap();
                Some(number as i64)
            }
            1 => self.in_parentheses(text, least > 0, |random, text| {
                text.push_str("if ");
                let condition = random.expression(text, variables, true, 0, depth - 1);
                text.push_str(" then ");
                let yes = random.expression(text, variables, truth, 0, depth - 1);
                text.push_str(" else ");
                let no = random.expression(text, variables, truth, 0, depth - 1);
                if condition? == 1 { yes } else { no }
            }),
            2 => self.in_parentheses(text, least > 0, |random, text| {
                let name = format!("v{}", random.below(3));
                write!(text, "let {name} = ").unwrap();
                let value = random.expression(text, variables, false, 0, depth - 1);
                text.push_str(" in ");
                let outside = variables.clone();
                variables.retain(|(known, _)| *known != name);
                variables.push((name, value.unwrap_or(0)));
                let body = random.expression(text, variables, truth, 0, depth - 1);
                *variables = outside;
                value?;
                body
            }),
            3 if truth => {
                let (name, precedence) = if self.below(2) == 0 { ("&&", 2) } else { ("||", 1) };
                self.in_parentheses(text, least > precedence, |random, text| {
                    let left = random.expression(text, variables, true, precedence, depth - 1);
                    write!(text, " {name} ").unwrap();
                    let right = random.expression(text, variables, true, precedence + 1, depth - 1);
                    if (left? == 1) == (name == "&&") { right } else { left }
                })
            }
            _ if truth => {
                let (name, precedence, compare) = TRUTHS[self.below(3) as usize];
                self.in_parentheses(text, least > precedence, |random, text| {
                    let left = random.expression(text, variables, false, precedence, depth - 1);
                    write!(text, " {name} ").unwrap();
                    let right =
                        random.expression(text, variables, false, precedence + 1, depth - 1);
                    Some(i64::from(compare(left?, right?)))
                })
            }
            _ => {
                let (name, precedence, apply) = NUMBERS[self.below(5) as usize];
                self.in_parentheses(text, least > precedence, |random, text| {
                    let left = random.expression(text, variables, false, precedence, depth - 1);
                    write!(text, " {name} ").unwrap();
                    let right =
                        random.expression(text, variables, false, precedence + 1, depth - 1);
                    apply(left?, right?)
                })
            }
        }
    }

    fn in_parentheses(
        &mut self,
        text: &mut String,
        needed: bool,
        inside: impl FnOnce(&mut Self, &mut String) -> Value,
    ) -> Value {
        text.push_str(if needed { "(" } else { "" });
        let value = inside(self, text);
        text.push_str(if needed { ")" } else { "" });
        value
    }
}

#[test]
fn the_compiler_agrees_with_an_oracle() {
    let folder = folder("oracle");
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut paths, mut values) = (Vec::new(), Vec::new());
    for number in 0..400 {
        // Parameters are not known when constants are folded, so about half of it is run.
        let (a, b) = (random.below(100) as i64, random.below(3) as i64);
        let mut variables = vec![("a".to_owned(), a), ("b".to_owned(), b)];
        let mut text = String::from("fn f(a: int, b: int) -> int = ");
        let value = random.expression(&mut text, &mut variables, false, 0, 6);
        writeln!(text, ";\nfn main() -> int = f({a}, {b});").unwrap();
        let path = folder.join(format!("{number}.src"));
        fs::write(&path, text).unwrap();
        paths.push(path);
        values.push(value);
    }
    let ran = run("compiler", &Vec::from_iter(paths.iter().map(PathBuf::as_path)));
    let failures = values.iter().filter(|value| value.is_none()).count();
    assert!((50..350).contains(&failures), "both happen: {failures}");
    for (path, value) in paths.iter().zip(values) {
        let path = path.display();
        match value {
            Some(value) => assert!(ran.has(&format!("{path}: main() = {value}")), "{path}"),
            None => {
                let failed = format!("{path}: error: the program failed: ");
                assert!(ran.stderr.contains(&failed), "{path}");
            }
        }
    }
    assert_eq!(ran.code, 1);
}
