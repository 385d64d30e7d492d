//! C and C++: small programs that are compiled once, and run with one library after the other in front.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Cell, Group, Program};

/// The rows: what each is called, the program, and what it is told.
const PROBES: [(&str, &str, &str); 8] = [
    ("pair 48 B", "calls", "pair"),
    ("1,000 LIFO 48 B", "calls", "lifo"),
    ("churn 1,000 48 B", "calls", "churn"),
    ("churn 1,000 mixed 8..512 B", "calls", "mixed"),
    ("calloc pair 48 B", "calls", "calloc"),
    ("realloc 40 <-> 48 B", "calls", "realloc"),
    ("free_sized pair 48 B", "calls", "free_sized"),
    ("new, sized delete pair 48 B", "operators", "new"),
];

/// Libraries that the loader may know, by the names under which it does.
const INSTALLED: [(&str, &[&str]); 2] = [
    ("jemalloc", &["libjemalloc.so.2", "libjemalloc.so"]),
    ("tcmalloc", &["libtcmalloc_minimal.so.4", "libtcmalloc.so.4"]),
];

/// The programs, and the libraries that there are.
#[derive(Clone, Debug)]
pub struct Preloads {
    /// Where the programs are, and the clock.
    folder: PathBuf,
    /// Names of allocators, famalloc first; glibc has no library, since it is there anyway.
    libraries: Vec<(&'static str, Option<PathBuf>)>,
    /// Those for which there is none, and why.
    missing: Vec<String>,
}

impl Preloads {
    /// Compiles the programs into `target/counts`, builds the library of this repository, and looks for the
    /// others, unless only ours is wanted.
    ///
    /// # Errors
    ///
    /// Something does not compile, or what it became does not take effect.
    pub fn make(target: &Path, ours_alone: bool) -> Result<Self, String> {
        let folder = target.join("counts");
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let sources = workspace.join("benches/src/counts/c");
        compile("cc", &sources.join("calls.c"), &folder.join("calls"), &[])?;
        compile("c++", &sources.join("operators.cpp"), &folder.join("operators"), &[])?;
        compile("cc", &sources.join("clock.c"), &folder.join("clock.so"), &["-shared", "-fPIC"])?;
        let whose = folder.join("whose");
        compile("cc", &workspace.join("malloc/bench/whose.c"), &whose, &["-ldl"])?;

        let ours = build(&workspace, target)?;
        if loaded(&whose, &ours).is_none() {
            return Err(format!("{} cannot be preloaded", ours.display()));
        }
        let mut found =
            Self { folder, libraries: vec![("famalloc", Some(ours))], missing: Vec::new() };
        if !ours_alone {
            found.look_for_others(target, &whose);
        }
        Ok(found)
    }

    fn look_for_others(&mut self, target: &Path, whose: &Path) {
        self.libraries.push(("glibc", None));
        let mimalloc = newest_mimalloc(&target.join("malloc-bench"));
        match mimalloc.and_then(|library| loaded(whose, &library)) {
            Some(library) => self.libraries.push(("mimalloc", Some(library))),
            None => self.missing.push("mimalloc (`malloc/bench/run` builds it)".to_owned()),
        }
        for (name, files) in INSTALLED {
            match files.iter().find_map(|file| loaded(whose, Path::new(file))) {
                Some(library) => self.libraries.push((name, Some(library))),
                None => self.missing.push(format!("{name} ({})", files.join(", "))),
            }
        }
    }

    /// The allocators that are left out, and what was looked for.
    #[must_use]
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// The clock that stands still.
    #[must_use]
    pub fn clock(&self) -> PathBuf {
        self.folder.join("clock.so")
    }

    /// The cells of all libraries, row by row.
    pub(super) fn cells(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for (row, program, told) in PROBES {
            for (peer, library) in &self.libraries {
                let preloads = library.iter().cloned().chain([self.clock()]).collect();
                let arguments = vec![told.to_owned()];
                let program = Program { path: self.folder.join(program), arguments, preloads };
                cells.push(Cell { group: Group::Preloaded, row, peer, program });
            }
        }
        cells
    }
}

/// Compiles a source; what comes first in `more` are flags, and libraries may follow the source.
fn compile(compiler: &str, source: &Path, output: &Path, more: &[&str]) -> Result<(), String> {
    let mut command = Command::new(compiler);
    command.args(["-O2", "-fno-builtin", "-Wall", "-o"]).arg(output).arg(source).args(more);
    succeed(&mut command, &format!("{compiler} {}", source.display()))
}

/// Builds the library as it is shipped; gives back where it is.
fn build(workspace: &Path, target: &Path) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(workspace).args(["build", "--quiet", "--profile", "library"]);
    command.args(["-p", "libfamalloc", "--target-dir"]).arg(target);
    succeed(&mut command, "cargo build -p libfamalloc")?;
    Ok(target.join("library/libfamalloc.so"))
}

fn succeed(command: &mut Command, what: &str) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what}: {status}")),
        Err(error) => Err(format!("{what} does not start: {error}")),
    }
}

/// The file that `malloc` comes from when this library is preloaded, if it is that library's.
fn loaded(whose: &Path, library: &Path) -> Option<PathBuf> {
    let output = Command::new(whose).env("LD_PRELOAD", library).output().ok()?;
    let found = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    let name = library.file_name()?.to_str()?;
    found.file_name()?.to_str()?.starts_with(name).then_some(found)
}

/// What `malloc/bench/run` has built, the highest version of it.
fn newest_mimalloc(folder: &Path) -> Option<PathBuf> {
    let files = folder.read_dir().ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let is_mimalloc = |file: &PathBuf| {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("libmimalloc-") && name.ends_with(".so")
    };
    files.filter(is_mimalloc).max()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn preloads() -> Preloads {
        let libraries = vec![("famalloc", Some("/libfamalloc.so".into())), ("glibc", None)];
        Preloads { folder: "/counts".into(), libraries, missing: Vec::new() }
    }

    #[test]
    fn the_clock_comes_after_the_library() {
        let cells = preloads().cells();
        assert_eq!(cells.len(), 2 * PROBES.len());
        let preloaded = |cell: &Cell| cell.program.preloads.clone();
        assert_eq!(
            preloaded(&cells[0]),
            ["/libfamalloc.so", "/counts/clock.so"].map(PathBuf::from)
        );
        assert_eq!(preloaded(&cells[1]), ["/counts/clock.so"].map(PathBuf::from));
        assert_eq!(cells[0].program.path, Path::new("/counts/calls"));
    }

    #[test]
    fn no_two_rows_are_called_the_same() {
        let cells = super::super::cells(&preloads());
        let names: BTreeSet<_> = cells.iter().map(|cell| (cell.row, cell.peer)).collect();
        assert_eq!(names.len(), cells.len());
    }
}
