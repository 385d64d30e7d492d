//! The resolver: finds out which variable each name means.
//!
//! It follows the scopes of the program and writes a [`Binding`] into every name: a slot of the
//! function's frame, a captured variable, or a global. It also notes, for each scope, whether any
//! of its variables is captured, and for each class how many fields its methods assign to `this`.
//!
//! Slots are positions on the virtual machine's stack: a variable's value is where it was computed,
//! for declarations are statements, and between statements nothing but variables is on the stack.
//! Slot 0 is the function itself, or the receiver in a method.
//!
//! As the parser does, it reports one error in each declaration only.

use hashbrown::HashSet;

use crate::ast::{
    Binding, Captured, ClassNode, Expr, FunctionKind, FunctionNode, Name, ScopeEnd, Stmt,
};
use crate::chunk::Capture;
use crate::diagnostics::Diagnostics;
use crate::globals::Globals;
use crate::object::{Ref, Str};
use crate::token::Span;

/// Variables and captured variables are numbered in a byte.
const MOST_VARIABLES: usize = 256;

/// Resolves all names of a script; `this` is the text of the word.
pub(crate) fn resolve(
    script: &FunctionNode,
    this: Ref<Str>,
    globals: &mut Globals,
    diagnostics: &mut Diagnostics<'_>,
) {
    let mut resolver = Resolver {
        this,
        globals,
        diagnostics,
        functions: Vec::new(),
        classes: Vec::new(),
        spine: Vec::new(),
        panicking: false,
    };
    resolver.functions.push(Scopes::new(None, 0));
    resolver.statements(&script.body);
    script.captures.get_or_init(|| std::iter::empty().collect());
}

struct Local {
    name: Option<Ref<Str>>,
    depth: u32,
    initialized: bool,
    captured: bool,
}

/// The scopes of one function.
struct Scopes {
    locals: Vec<Local>,
    captures: Vec<Capture>,
    depth: u32,
}

impl Scopes {
    fn new(first: Option<Ref<Str>>, depth: u32) -> Self {
        let callee = Local { name: first, depth, initialized: true, captured: false };
        Self { locals: vec![callee], captures: Vec::new(), depth }
    }
}

struct Resolver<'r, 's> {
    this: Ref<Str>,
    globals: &'r mut Globals,
    diagnostics: &'r mut Diagnostics<'s>,
    /// The functions around this place, the script first.
    functions: Vec<Scopes>,
    /// For each class around this place, the fields that its methods assign to `this`.
    classes: Vec<HashSet<Ref<Str>>>,
    /// Expressions whose leftmost operand is being resolved, innermost last.
    spine: Vec<*const Expr>,
    panicking: bool,
}

impl Resolver<'_, '_> {
    fn error(&mut self, span: Span, message: &'static str) {
        if !self.panicking && !self.diagnostics.is_silent(span.start) {
            self.panicking = true;
            self.diagnostics.error_at(span, message);
        }
    }

    fn function(&mut self) -> &mut Scopes {
        self.functions.last_mut().expect("the script is always there")
    }

    fn begin_scope(&mut self) {
        self.function().depth += 1;
    }

    fn end_scope(&mut self) -> ScopeEnd {
        let function = self.function();
        let depth = function.depth;
        let first = function.locals.partition_point(|local| local.depth < depth);
        let captured = function
            .locals
            .drain(first..)
            .fold((0, false), |(count, any), local| (count + 1, any || local.captured));
        function.depth -= 1;
        ScopeEnd { first_slot: first.min(255) as u8, count: captured.0, captured: captured.1 }
    }

    /// Makes a name a variable of the scope, or a global.
    fn declare(&mut self, name: &Name) {
        let function = self.function();
        let depth = function.depth;
        if depth == 0 {
            let binding = self.global(name);
            name.binding.set(binding);
            return;
        }
        let in_scope = function.locals.iter().rev().take_while(|local| local.depth == depth);
        if in_scope.into_iter().any(|local| local.name == Some(name.text)) {
            self.error(name.span, "Already a variable with this name in this scope.");
        }
        self.add_local(name);
    }

    fn add_local(&mut self, name: &Name) {
        let function = self.function();
        let slot = function.locals.len();
        if slot == MOST_VARIABLES {
            self.error(name.span, "Too many local variables in function.");
            return;
        }
        let depth = function.depth;
        function.locals.push(Local {
            name: Some(name.text),
            depth,
            initialized: false,
            captured: false,
        });
        name.binding.set(Binding::Local(slot as u8));
    }

    /// From here on the variable that was declared last can be used.
    fn define(&mut self) {
        let function = self.function();
        if function.depth > 0 {
            if let Some(local) = function.locals.last_mut() {
                local.initialized = true;
            }
        }
    }

    fn global(&mut self, name: &Name) -> Binding {
        match self.globals.slot(name.text) {
            Some(slot) => Binding::Global(slot),
            None => {
                self.error(name.span, "Too many global variables.");
                Binding::Unknown
            }
        }
    }

    /// Binds a name that is used.
    fn use_name(&mut self, name: &Name) {
        let innermost = self.functions.len() - 1;
        let binding = if let Some(slot) = self.local(innermost, name) {
            Binding::Local(slot)
        } else if let Some(index) = self.upvalue(innermost, name) {
            Binding::Upvalue(index)
        } else {
            self.global(name)
        };
        name.binding.set(binding);
    }

    fn local(&mut self, function: usize, name: &Name) -> Option<u8> {
        let locals = &self.functions[function].locals;
        let slot = locals.iter().rposition(|local| local.name == Some(name.text))?;
        if !locals[slot].initialized {
            self.error(name.span, "Can't read local variable in its own initializer.");
        }
        Some(slot as u8)
    }

    fn upvalue(&mut self, function: usize, name: &Name) -> Option<u8> {
        let enclosing = function.checked_sub(1)?;
        if let Some(slot) = self.local(enclosing, name) {
            self.functions[enclosing].locals[usize::from(slot)].captured = true;
            return Some(self.capture(function, name, Capture { index: slot, is_local: true }));
        }
        let index = self.upvalue(enclosing, name)?;
        Some(self.capture(function, name, Capture { index, is_local: false }))
    }

    fn capture(&mut self, function: usize, name: &Name, capture: Capture) -> u8 {
        let captures = &mut self.functions[function].captures;
        if let Some(index) = captures.iter().position(|known| *known == capture) {
            return index as u8;
        }
        if captures.len() == MOST_VARIABLES {
            self.error(name.span, "Too many closure variables in function.");
            return 0;
        }
        captures.push(capture);
        (captures.len() - 1) as u8
    }

    fn statements(&mut self, statements: &[Stmt]) {
        for statement in statements {
            self.statement(statement);
            self.panicking = false;
        }
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Expression { expr, .. } => self.expr(expr),
            Stmt::Print { value, .. } => self.expr(value),
            Stmt::Var { name, value, .. } => {
                self.declare(name);
                self.optional(value.as_ref());
                self.define();
            }
            Stmt::Block(block) => {
                self.begin_scope();
                self.statements(&block.statements);
                block.end.set(self.end_scope());
            }
            Stmt::If { arms, otherwise } => {
                for arm in arms.iter() {
                    self.expr(&arm.condition);
                    self.statement(&arm.body);
                }
                if let Some(otherwise) = otherwise {
                    self.statement(otherwise);
                }
            }
            Stmt::Loop(node) => {
                self.begin_scope();
                self.statement(&node.initializer);
                self.optional(node.condition.as_ref());
                self.optional(node.step.as_ref());
                self.statement(&node.body);
                node.end.set(self.end_scope());
            }
            Stmt::Return { value, .. } => self.optional(value.as_ref()),
            Stmt::Fun { name, function } => {
                self.declare(name);
                self.define();
                self.body(function);
            }
            Stmt::Class(class) => self.class(class),
            Stmt::Nothing => {}
        }
    }

    fn class(&mut self, class: &ClassNode) {
        self.declare(&class.name);
        self.define();
        if let Some(superclass) = &class.superclass {
            self.use_name(&superclass.name);
            self.begin_scope();
            self.add_local(&superclass.variable);
            self.define();
        }
        self.classes.push(HashSet::new());
        for method in class.methods.iter() {
            self.body(method);
            self.panicking = false;
        }
        let fields = self.classes.pop().map_or(0, |fields| fields.len());
        class.fields.set(u16::try_from(fields).unwrap_or(u16::MAX));
        if let Some(superclass) = &class.superclass {
            superclass.end.set(self.end_scope());
        }
    }

    fn body(&mut self, node: &FunctionNode) {
        let is_method = node.kind != FunctionKind::Function;
        self.functions.push(Scopes::new(is_method.then_some(self.this), 1));
        for parameter in node.parameters.iter() {
            self.declare(parameter);
            self.define();
        }
        self.statements(&node.body);
        let scopes = self.functions.pop().expect("it was pushed above");
        node.captures.get_or_init(|| scopes.captures.into_iter().map(Captured).collect());
    }

    fn optional(&mut self, expr: Option<&Expr>) {
        if let Some(expr) = expr {
            self.expr(expr);
        }
    }

    /// An expression: down its spine to the leftmost operand, then up again, in a loop.
    fn expr(&mut self, expr: &Expr) {
        let outer = self.spine.len();
        let mut leftmost = expr;
        while let Some(left) = leftmost.left() {
            self.spine.push(leftmost);
            leftmost = left;
        }
        self.operand(leftmost);
        while self.spine.len() > outer {
            let Some(parent) = self.spine.pop() else { break };
            // SAFETY: it points into the tree, which is borrowed for the whole of `expr`.
            self.rest(unsafe { &*parent });
        }
    }

    /// An expression that has no leftmost operand of unlimited depth.
    fn operand(&mut self, expr: &Expr) {
        match expr {
            Expr::Variable { name } | Expr::This { name } => self.use_name(name),
            Expr::Assign { name, value, .. } => {
                self.expr(value);
                self.use_name(name);
            }
            Expr::Unary { operand, .. } => self.expr(operand),
            Expr::Super(node) => {
                self.use_name(&node.this);
                self.arguments(node.arguments.as_deref().unwrap_or(&[]));
                self.use_name(&node.superclass);
            }
            _ => {}
        }
    }

    /// What is to the right of the leftmost operand.
    fn rest(&mut self, expr: &Expr) {
        match expr {
            Expr::Binary { right, .. } | Expr::Logical { right, .. } => self.expr(right),
            Expr::Call { arguments, .. } | Expr::Invoke { arguments, .. } => {
                self.arguments(arguments);
            }
            Expr::Set { object, property, value, .. } => {
                if let (Expr::This { .. }, Some(fields)) = (&**object, self.classes.last_mut()) {
                    fields.insert(property.text);
                }
                self.expr(value);
            }
            _ => {}
        }
    }

    fn arguments(&mut self, arguments: &[Expr]) {
        for argument in arguments {
            self.expr(argument);
        }
    }
}

#[cfg(test)]
mod tests;
