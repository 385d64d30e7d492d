//! The Lox interpreter of `examples/lox`: its builds, its programs, and how many instructions they take.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::counts::Valgrind;

/// A build of the interpreter.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    /// What its memory comes from.
    pub name: &'static str,
    /// Cargo's arguments for it.
    features: &'static [&'static str],
}

/// All of them: ours, with families, then the same interpreter over plain boxes, first with the system's
/// allocator.
pub const BUILDS: [Build; 5] = [
    Build { name: "families", features: &[] },
    Build { name: "system", features: &["--no-default-features", "--features", "plain"] },
    Build { name: "mimalloc", features: &["--no-default-features", "--features", "mimalloc"] },
    Build { name: "jemalloc", features: &["--no-default-features", "--features", "jemalloc"] },
    Build { name: "rallocator", features: &["--no-default-features", "--features", "rallocator"] },
];

impl Build {
    /// Whether it runs under valgrind: rallocator reserves 256 GiB of addresses at once, which that does not have.
    #[must_use]
    pub fn can_be_counted(&self) -> bool {
        self.name != "rallocator"
    }

    /// Builds it in a target folder of its own; gives back where it is.
    ///
    /// # Errors
    ///
    /// Cargo does not start, or fails.
    pub fn make(&self, workspace: &Path) -> Result<PathBuf, String> {
        let target = workspace.join("target").join(format!("lox-{}", self.name));
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.current_dir(workspace).args(["build", "--release", "--quiet", "-p", "lox"]);
        command.args(self.features).arg("--target-dir").arg(&target);
        match command.status() {
            Ok(status) if status.success() => {}
            Ok(status) => return Err(format!("lox with {} does not build: {status}", self.name)),
            Err(error) => return Err(format!("cargo does not start: {error}")),
        }
        Ok(target.join("release").join(format!("lox{}", std::env::consts::EXE_SUFFIX)))
    }
}

/// The Lox programs, by name.
///
/// # Errors
///
/// Their folder cannot be read.
pub fn programs(workspace: &Path) -> Result<Vec<PathBuf>, String> {
    let folder = workspace.join("examples/lox/programs");
    let files = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let files = files.filter_map(Result::ok).map(|entry| entry.path());
    let mut programs: Vec<_> =
        files.filter(|file| file.extension().is_some_and(|extension| extension == "lox")).collect();
    programs.sort();
    Ok(programs)
}

/// What a program is called.
#[must_use]
pub fn name(program: &Path) -> String {
    program.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// What makes a program short enough to be interpreted twice over: a piece of its text, and what stands there
/// instead.
const SHORTER: [(&str, &[(&str, &str)]); 5] = [
    ("binary_trees", &[("var most = 14;", "var most = 9;")]),
    (
        "closure_counter",
        &[
            ("i < 500000;", "i < 25000;"),
            ("i < 200000;", "i < 10000;"),
            ("i < 100000;", "i < 5000;"),
            ("i < 5000;", "i < 500;"),
        ],
    ),
    ("method_calls", &[("var rounds = 200000;", "var rounds = 10000;")]),
    ("nbody", &[("i < 20000;", "i < 1000;")]),
    ("strings", &[("i < 40000;", "i < 4000;"), ("var i = 39999;", "var i = 3999;")]),
];

/// Writes a program into a folder, shorter where it is a long one; gives back where it is now.
///
/// # Errors
///
/// It cannot be read or written, or a piece of it is not there that is to be replaced.
pub fn shortened(program: &Path, folder: &Path) -> Result<PathBuf, String> {
    let of_file = |error: std::io::Error| format!("{}: {error}", program.display());
    let mut text = fs::read_to_string(program).map_err(of_file)?;
    let known = SHORTER.iter().find(|(known, _)| *known == name(program));
    for (long, short) in known.map_or(&[][..], |(_, pieces)| pieces) {
        if !text.contains(long) {
            return Err(format!("{}: it has no `{long}`", program.display()));
        }
        text = text.replace(long, short);
    }
    let shorter = folder.join(program.file_name().unwrap_or_default());
    fs::create_dir_all(folder).and_then(|()| fs::write(&shorter, text)).map_err(of_file)?;
    Ok(shorter)
}

/// How many instructions each of the interpreters takes for a program.
///
/// # Errors
///
/// One does not end well, or prints something else than the first.
pub fn counted(
    valgrind: &Valgrind,
    interpreters: &[PathBuf],
    program: &Path,
) -> Result<Vec<u64>, String> {
    let mut printed: Option<Vec<u8>> = None;
    let mut counts = Vec::new();
    for interpreter in interpreters {
        let (instructions, output) = valgrind.instructions(interpreter, program)?;
        if printed.get_or_insert_with(|| output.clone()) != &output {
            let (interpreter, program) = (interpreter.display(), program.display());
            return Err(format!("{interpreter} prints something else for {program}"));
        }
        counts.push(instructions);
    }
    Ok(counts)
}

/// How much more the families may take than plain boxes over the system's allocator: a hundredth, ...
const TOLERANCE: f64 = 0.01;
/// ... and as much as starting takes: the first of each class and family.
const START: f64 = 150e3;

/// What is wrong with a program's counts, if the families take more than plain boxes.
#[must_use]
pub fn dearer(program: &str, families: u64, plain: u64) -> Option<String> {
    let (families, plain) = (families as f64, plain as f64);
    (families > plain * (1.0 + TOLERANCE) + START).then(|| {
        let ratio = families / plain;
        format!("{program}: with families {ratio:.3} of the instructions over plain boxes")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    #[test]
    fn every_long_program_is_made_shorter() {
        let programs = programs(&workspace()).unwrap();
        let folder = std::env::temp_dir().join(format!("famalloc-lox-{}", std::process::id()));
        for program in &programs {
            let (was, is) = (fs::read_to_string(program).unwrap(), shortened(program, &folder));
            let is = fs::read_to_string(is.unwrap()).unwrap();
            assert_eq!(was == is, name(program) == "tour", "{}", name(program));
        }
        for (known, _) in SHORTER {
            assert!(programs.iter().any(|program| name(program) == known), "no {known}");
        }
        let other = folder.join("other");
        fs::create_dir_all(&other).unwrap();
        fs::write(other.join("nbody.lox"), "print 1;").unwrap();
        let error = shortened(&other.join("nbody.lox"), &folder).unwrap_err();
        assert!(error.ends_with("it has no `i < 20000;`"), "{error}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_hundredth_more_is_dearer() {
        assert_eq!(dearer("nbody", 60_000_000, 60_000_000), None);
        assert_eq!(dearer("nbody", 60_700_000, 60_000_000), None);
        let said = dearer("nbody", 61_500_000, 60_000_000).unwrap();
        assert_eq!(said, "nbody: with families 1.025 of the instructions over plain boxes");
    }
}
