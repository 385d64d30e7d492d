//! Source code: reading it, having it parsed, and noting what its functions are like.

use std::path::Path;
use std::{fs, io};

use syn::visit::{self, Visit};

/// A file and its text.
pub(crate) struct Source {
    file: String,
    text: String,
}

/// A file and its syntax tree.
pub(crate) struct Tree {
    file: String,
    syntax: syn::File,
}

/// What is noted of a function.
pub(crate) struct Function {
    pub(crate) file: String,
    pub(crate) name: String,
    pub(crate) parameters: usize,
    pub(crate) statements: usize,
    pub(crate) is_unsafe: bool,
}

/// All `.rs` files in a folder, in order of their names.
pub(crate) fn read(folder: &Path) -> io::Result<Vec<Source>> {
    let mut sources = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let file = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
                sources.push(Source { file, text: fs::read_to_string(path)? });
            }
        }
    }
    sources.sort_unstable_by(|a, b| a.file.cmp(&b.file));
    Ok(sources)
}

/// The trees of all of them.
pub(crate) fn parse(sources: &[Source]) -> syn::Result<Vec<Tree>> {
    sources
        .iter()
        .map(|Source { file, text }| {
            Ok(Tree { file: file.clone(), syntax: syn::parse_file(text)? })
        })
        .collect()
}

/// Every function in the trees.
pub(crate) fn functions(trees: &[Tree]) -> Vec<Function> {
    let mut found = Vec::new();
    for tree in trees {
        Notes { file: &tree.file, found: &mut found }.visit_file(&tree.syntax);
    }
    found
}

struct Notes<'a> {
    file: &'a str,
    found: &'a mut Vec<Function>,
}

impl Notes<'_> {
    fn note(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let mut statements = Statements(0);
        statements.visit_block(body);
        self.found.push(Function {
            file: self.file.to_owned(),
            name: signature.ident.to_string(),
            parameters: signature.inputs.len(),
            statements: statements.0,
            is_unsafe: matches!(signature.safety, syn::Safety::Unsafe(_)),
        });
    }
}

impl<'a> Visit<'a> for Notes<'_> {
    fn visit_item_fn(&mut self, function: &'a syn::ItemFn) {
        self.note(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'a syn::ImplItemFn) {
        self.note(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }
}

/// Counts the statements in a body, also those within others.
struct Statements(usize);

impl<'a> Visit<'a> for Statements {
    fn visit_stmt(&mut self, statement: &'a syn::Stmt) {
        self.0 += 1;
        visit::visit_stmt(self, statement);
    }
}
