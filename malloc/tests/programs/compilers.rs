//! The compilers, and what they make.

use crate::harness::{Trial, assert_served, compare, has, log_bindings};

/// Compiles with debug information, links, and runs the result; object and program are compared.
fn compile_and_run(trial: &Trial, compiler: &str, source: &str, text: &str, flags: &[&str]) {
    trial.write(source, text);
    let compile = ["-O1", "-g", "-Wall", "-c", source, "-o", "out.o"];
    trial.step(compiler, &[flags, &compile].concat());
    trial.step(compiler, &["out.o", "-o", "program", "-pthread"]);
    trial.record_file("out.o");
    trial.record_file("program");
    trial.step("bash", &["-c", "./program"]);
}

#[test]
fn gcc() {
    if !has(&["gcc", "bash"]) {
        return;
    }
    const SOURCE: &str = include_str!("scripts/lists.c");
    assert_served("gcc", &["gcc", "cc1", "as", "ld", "program"], |trial| {
        trial.write("lists.c", SOURCE);
        let mut compile = trial.command("gcc", &["lists.c", "-o", "program", "-pthread"]);
        log_bindings(trial, &mut compile);
        trial.run(compile);
        let mut program = trial.command("bash", &["-c", "./program"]);
        log_bindings(trial, &mut program);
        trial.run(program);
    });
    compare("gcc", |trial| compile_and_run(trial, "gcc", "lists.c", SOURCE, &[]));
}

#[test]
fn gxx_and_templates() {
    if !has(&["g++", "bash"]) {
        return;
    }
    const SOURCE: &str = include_str!("scripts/templates.cc");
    compare("templates", |trial| {
        compile_and_run(trial, "g++", "templates.cc", SOURCE, &["-std=c++17"]);
    });
}

#[test]
fn static_objects_of_cxx() {
    if !has(&["g++", "bash"]) {
        return;
    }
    const SOURCE: &str = include_str!("scripts/statics.cc");
    assert_served("statics", &["cc1plus", "program", "libstdc++.so.6"], |trial| {
        trial.write("statics.cc", SOURCE);
        let mut compile = trial.command("g++", &["-std=c++17", "statics.cc", "-o", "program"]);
        log_bindings(trial, &mut compile);
        trial.run(compile);
        let mut program = trial.command("bash", &["-c", "./program"]);
        log_bindings(trial, &mut program);
        trial.run(program);
    });
    compare("statics", |trial| {
        compile_and_run(trial, "g++", "statics.cc", SOURCE, &["-std=c++17"]);
    });
}
