//! Tests of the parser: the shape of trees, written as S-expressions, and its messages.

use bumpalo::Bump;

use super::*;
use crate::ast::{Expr, LogicalOp, Stmt, UnaryOp};

/// Parses a source; its tree in short, or its messages.
fn parsed(source: &str) -> String {
    // SAFETY: the tree, which alone has `Ref`s, is dropped before the heap.
    let mut heap = unsafe { Heap::new(false, crate::mem::Objects::listed()) };
    let mut diagnostics = Diagnostics::new(source);
    let tree = parse(&mut heap, &mut diagnostics, &Bump::new());
    if !diagnostics.is_empty() {
        return diagnostics.to_string();
    }
    tree.body.iter().map(shown_statement).collect::<Vec<_>>().join(" ")
}

fn shown_statement(statement: &Stmt) -> String {
    match statement {
        Stmt::Expression { expr, .. } => shown(expr),
        Stmt::Print { value, .. } => format!("(print {})", shown(value)),
        Stmt::Var { name, value, .. } => {
            let value = value.as_ref().map_or("nil".to_owned(), shown);
            format!("(var {} {value})", name.text.text())
        }
        Stmt::Block(block) => format!("{{{}}}", all(&block.statements, shown_statement)),
        Stmt::If { arms, otherwise } => {
            let arms = all(arms, |arm| {
                format!("{} {}", shown(&arm.condition), shown_statement(&arm.body))
            });
            let otherwise = otherwise.as_ref().map(|other| format!(" {}", shown_statement(other)));
            format!("(if {arms}{})", otherwise.unwrap_or_default())
        }
        Stmt::Loop(node) => {
            let condition = node.condition.as_ref().map_or("-".to_owned(), shown);
            let step = node.step.as_ref().map_or("-".to_owned(), shown);
            let first = shown_statement(&node.initializer);
            format!("(loop {first} {condition} {step} {})", shown_statement(&node.body))
        }
        Stmt::Return { value, .. } => {
            format!("(return {})", value.as_ref().map_or("-".to_owned(), shown))
        }
        Stmt::Fun { function, .. } => shown_function(function),
        Stmt::Class(class) => {
            let superclass =
                class.superclass.as_ref().map(|s| format!(" < {}", s.name.text.text()));
            let methods = all(&class.methods, shown_function);
            format!(
                "(class {}{} {methods})",
                class.name.text.text(),
                superclass.unwrap_or_default()
            )
        }
        Stmt::Nothing => "-".to_owned(),
    }
}

fn shown_function(function: &FunctionNode) -> String {
    let name = function.name.as_ref().expect("it has a name").text.text();
    let parameters = all(&function.parameters, |name| name.text.text().to_owned());
    let kind = if function.kind == FunctionKind::Initializer { "init" } else { "fun" };
    format!("({kind} {name} ({parameters}) {})", all(&function.body, shown_statement))
}

fn all<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    items.iter().map(show).collect::<Vec<_>>().join(" ")
}

fn shown(expr: &Expr) -> String {
    match expr {
        Expr::Nil { .. } => "nil".to_owned(),
        Expr::True { .. } => "true".to_owned(),
        Expr::False { .. } => "false".to_owned(),
        Expr::Number { value, .. } => value.to_string(),
        Expr::String { value, .. } => format!("{:?}", value.text()),
        Expr::Variable { name } | Expr::This { name } => name.text.text().to_owned(),
        Expr::Assign { name, value, .. } => format!("(= {} {})", name.text.text(), shown(value)),
        Expr::Unary { operator, operand, .. } => {
            let sign = if *operator == UnaryOp::Not { '!' } else { '-' };
            format!("({sign} {})", shown(operand))
        }
        Expr::Binary { operator, left, right, .. } => {
            format!("({operator:?} {} {})", shown(left), shown(right))
        }
        Expr::Logical { operator, left, right, .. } => {
            let word = if *operator == LogicalOp::And { "and" } else { "or" };
            format!("({word} {} {})", shown(left), shown(right))
        }
        Expr::Call { callee, arguments, .. } => {
            format!("(call {} [{}])", shown(callee), all(arguments, shown))
        }
        Expr::Get { object, property } => format!("(. {} {})", shown(object), property.text.text()),
        Expr::Set { object, property, value, .. } => {
            format!("(.= {} {} {})", shown(object), property.text.text(), shown(value))
        }
        Expr::Invoke { object, property, arguments, .. } => {
            format!(
                "(.call {} {} [{}])",
                shown(object),
                property.text.text(),
                all(arguments, shown)
            )
        }
        Expr::Super(node) => match &node.arguments {
            Some(arguments) => {
                format!("(super.call {} [{}])", node.property.text.text(), all(arguments, shown))
            }
            None => format!("(super {})", node.property.text.text()),
        },
        Expr::Missing => "?".to_owned(),
    }
}

#[test]
fn operators_group_by_how_tightly_they_bind() {
    for (source, tree) in [
        ("1 + 2 * 3;", "(Add 1 (Multiply 2 3))"),
        ("1 - 2 - 3;", "(Subtract (Subtract 1 2) 3)"),
        ("-a.b * !c();", "(Multiply (- (. a b)) (! (call c [])))"),
        (
            "a or b and c == d < e + f * -g;",
            "(or a (and b (Equal c (Less d (Add e (Multiply f (- g)))))))",
        ),
        ("a and b and c;", "(and (and a b) c)"),
        ("a = b = c or d;", "(= a (= b (or c d)))"),
        ("(a = 1) + 2;", "(Add (= a 1) 2)"),
        ("a.b.c = d.e;", "(.= (. a b) c (. d e))"),
        ("a.b(1)(2).c;", "(. (call (.call a b [1]) [2]) c)"),
        ("1 != 2 >= 3;", "(NotEqual 1 (GreaterEqual 2 3))"),
        ("\"s\" / nil;", "(Divide \"s\" nil)"),
    ] {
        assert_eq!(parsed(source), tree, "{source}");
    }
}

#[test]
fn statements_have_their_parts() {
    for (source, tree) in [
        ("var a; var b = 1;", "(var a nil) (var b 1)"),
        ("{ print 1; { } }", "{(print 1) {}}"),
        ("if (a) b; else if (c) d; else e;", "(if a b c d e)"),
        ("if (a) if (b) c; else d;", "(if a (if b c d))"),
        ("while (a) b;", "(loop - a - b)"),
        ("for (var i = 0; i < 1; i = i + 1) i;", "(loop (var i 0) (Less i 1) (= i (Add i 1)) i)"),
        ("for (;;) {}", "(loop - - - {})"),
        ("fun f(a, b) { return a; return; }", "(fun f (a b) (return a) (return -))"),
        (
            "class A < B { init() { super.init(1); } m(x) { super.m; this.x = x; } }",
            "(class A < B (init init () (super.call init [1])) (fun m (x) (super m) (.= this x x)))",
        ),
    ] {
        assert_eq!(parsed(source), tree, "{source}");
    }
}

#[test]
fn the_next_statement_is_read_after_an_error() {
    let expected = "[line 1] Error at '=': Expect variable name.\n\
                    [line 3] Error at ')': Expect expression.\n";
    assert_eq!(parsed("var = 1;\nprint 2;\nprint (;) 3;\n".replace("(;)", ")").as_str()), expected);
}

#[test]
fn nesting_is_counted_in_expressions_and_statements_together() {
    let source = |depth| format!("{}{};", "{ if (1) ".repeat(depth), "(".repeat(100));
    assert!(parsed(&source(99)).starts_with("[line 1] Error at ';': Expect expression.\n"));
    let depth = parsed(&source(101));
    assert_eq!(depth, "[line 1] Error at '(': Code is nested too deeply.\n");
}
