//! The header `famalloc.h`, made from the lists.
//!
//! The package contains it as text, so its users need not generate it. The test below compares it with the
//! lists; `FAMALLOC_WRITE_HEADER=1 cargo test -p famalloc-c --lib header` writes it again.

use std::fmt::Write as _;

use crate::types::{CONSTANTS, STRUCTURES, Structure};

/// A function.
struct Declaration {
    text: &'static [&'static str],
    name: &'static str,
    attributes: &'static str,
    arguments: &'static [(&'static str, &'static str)],
    result: &'static str,
}

/// Makes a table of the list.
macro_rules! declarations {
    (
        $(
            $(#[doc = $text:literal])*
            fn $name:ident $([$($attribute:tt)*])?($($argument:ident: $type:ty),*) $(-> $result:ty)?
                = $face:path;
        )*
    ) => {
        &[$(Declaration {
            text: &[$($text),*],
            name: stringify!($name),
            attributes: concat!("", $(stringify!($($attribute)*))?),
            arguments: &[$((stringify!($argument), stringify!($type))),*],
            result: concat!("", $(stringify!($result))?),
        }),*]
    };
}

const FUNCTIONS: &[Declaration] = crate::__interface!([declarations]);

/// What stands above a function, and all that follow.
const HEADINGS: &[(&str, &str)] = &[
    ("fam_family", "Families"),
    ("fam_malloc", "Memory of a family"),
    ("fam_realloc", "Memory of any family, and of malloc"),
    ("fam_scope_enter", "Scopes"),
    ("fam_region_new", "Regions"),
    ("fam_query", "Statistics and queries"),
    ("fam_reclaim", "Returning memory to the system"),
    ("fam_initialize", "Optional setup and teardown, for embedders"),
];

const BEGIN: &str = "\
/*
 * famalloc.h: malloc with families.
 *
 * A family names a lifetime: the nodes of a parser, the session of a server. Allocations of one family
 * share no block with those of another. So objects that live and die together are adjacent in memory,
 * and their memory is returned as whole blocks. In a program that is linked to libfamalloc, or started
 * with it in LD_PRELOAD, malloc, free and the related functions of the C library are those of
 * libfamalloc; <stdlib.h> and <malloc.h> declare them.
 *
 * Functions that return an int return 0 or an error number, unless their description says otherwise.
 * Functions that return a pointer return NULL and set errno to ENOMEM if no memory is available.
 */
#ifndef FAMALLOC_H
#define FAMALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define FAM_ATTRIBUTE(list) __attribute__(list)
#else
#define FAM_ATTRIBUTE(list)
#endif

#ifdef __cplusplus
#define FAM_NOEXCEPT noexcept
extern \"C\" {
#else
#define FAM_NOEXCEPT
#endif

/* The number of a family. */
typedef uint32_t fam_family_t;
/* A region: an arena of one family. */
typedef struct fam_region fam_region_t;
/* Called with the address and size of an object, and the context that the caller passed. */
typedef void (*fam_visit_t)(void *object, size_t size, void *context);
";

const END: &str = r#"
#ifdef __cplusplus
} /* extern "C" */

#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>
#include <type_traits>

namespace fam {

/* A scope for the lifetime of this object: its thread allocates in this family when it names none. */
class scope {
public:
    explicit scope(fam_family_t family) noexcept : before(fam_scope_enter(family)) {}
    ~scope() { fam_scope_leave(before); }
    scope(const scope &) = delete;
    scope &operator=(const scope &) = delete;

private:
    fam_family_t before;
};

/* An allocator that puts the elements of a container into a family. All allocators are equal, since each
 * can free what another has allocated. Memory stays in its family when its owner changes. */
template <class T> class allocator {
public:
    using value_type = T;
    using is_always_equal = std::true_type;
    using propagate_on_container_move_assignment = std::true_type;

    explicit allocator(fam_family_t family) noexcept : number(family) {}
    template <class U> allocator(const allocator<U> &other) noexcept : number(other.family()) {}

    T *allocate(std::size_t count) {
        void *start = nullptr;
        if (count <= std::numeric_limits<std::size_t>::max() / sizeof(T)) {
            start = alignof(T) > alignof(std::max_align_t)
                        ? fam_aligned_alloc(number, alignof(T), count * sizeof(T))
                        : fam_malloc(number, count * sizeof(T));
        }
        if (start == nullptr) {
#if defined(__cpp_exceptions)
            throw std::bad_alloc();
#else
            std::abort();
#endif
        }
        return static_cast<T *>(start);
    }
    void deallocate(T *start, std::size_t) noexcept { fam_free(start); }
    fam_family_t family() const noexcept { return number; }

private:
    fam_family_t number;
};

template <class T, class U>
bool operator==(const allocator<T> &, const allocator<U> &) noexcept {
    return true;
}
template <class T, class U>
bool operator!=(const allocator<T> &, const allocator<U> &) noexcept {
    return false;
}

} /* namespace fam */
#endif

#endif
"#;

/// A comment of these lines, indented by so much.
fn comment(text: &[&str], indent: usize) -> String {
    let lines: Vec<_> = text.iter().map(|line| line.trim()).collect();
    let joined = lines.join(&format!("\n{:indent$}   ", ""));
    let blank = format!("\n{:indent$}   \n", "");
    format!("{:indent$}/* {} */\n", "", joined.replace(&blank, "\n\n"))
}

/// The C declaration of `name` with a type that is given in Rust's words.
fn declare(rust: &str, name: &str) -> String {
    // How it was spaced depends on the compiler.
    let rust: &str =
        &rust.replace("* ", "*").replace(" <", "<").replace("< ", "<").replace(" >", ">");
    if let Some(of) = rust.strip_prefix("*mut ") {
        return declare(of, &format!("*{name}"));
    }
    if let Some(of) = rust.strip_prefix("*const ") {
        return format!("const {}", declare(of, &format!("*{name}")));
    }
    if let Some(array) = rust.strip_prefix('[') {
        let (of, count) = array.trim_end_matches(']').split_once(';').unwrap();
        return declare(of, &format!("{name}[{}]", count.trim()));
    }
    let c = match rust {
        "" => "void",
        "usize" | "MaybeUninit<usize>" => "size_t",
        "u32" => "uint32_t",
        "c_int" => "int",
        "c_char" => "char",
        "c_void" => "void",
        "bool" => "bool",
        family if family.starts_with("fam_") => family,
        other => panic!("what is `{other}` in C?"),
    };
    format!("{c} {name}")
}

/// Attributes as C has them, out of the reach of a program's macros.
fn attributes(list: &str) -> String {
    let (mut all, mut word) = (String::new(), String::new());
    for character in list.chars().chain([' ']) {
        if character.is_alphanumeric() || character == '_' {
            word.push(character);
            continue;
        }
        let plain = word.is_empty() || word.starts_with(char::is_numeric);
        all += &if plain { word.clone() } else { format!("__{word}__") };
        word.clear();
        match character {
            ',' => all += ", ",
            other if other.is_whitespace() => {}
            other => all.push(other),
        }
    }
    all
}

/// The header.
fn header() -> String {
    let mut text = String::from(BEGIN);
    text.push('\n');
    for &(about, name, value) in CONSTANTS {
        text += &comment(about, 0);
        writeln!(text, "#define {name} UINT32_C({value})").unwrap();
    }
    for structure in STRUCTURES {
        let Structure { text: about, name, fields } = structure;
        let tag = name.trim_end_matches("_t");
        write!(text, "\n{}typedef struct {tag} {{\n", comment(about, 0)).unwrap();
        for &(about, field, of) in *fields {
            if !about.is_empty() {
                text += &comment(about, 4);
            }
            writeln!(text, "    {};", declare(of, field)).unwrap();
        }
        writeln!(text, "}} {name};").unwrap();
    }
    for function in FUNCTIONS {
        if let Some((_, heading)) = HEADINGS.iter().find(|(first, _)| *first == function.name) {
            let rest = "-".repeat(90 - heading.len());
            write!(text, "\n/* ---- {heading} {rest} */\n").unwrap();
        }
        let arguments: Vec<_> =
            function.arguments.iter().map(|(name, of)| declare(of, name)).collect();
        let arguments = if arguments.is_empty() { "void".into() } else { arguments.join(", ") };
        let declaration = declare(function.result, function.name);
        // What is called may throw.
        let calls = function.arguments.iter().any(|(_, of)| *of == "fam_visit_t");
        let noexcept = if calls { "" } else { " FAM_NOEXCEPT" };
        write!(text, "\n{}{declaration}({arguments}){noexcept}", comment(function.text, 0))
            .unwrap();
        if !function.attributes.is_empty() {
            write!(text, "\n    FAM_ATTRIBUTE(({}))", attributes(function.attributes)).unwrap();
        }
        text += ";\n";
    }
    text + END
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use super::*;

    #[test]
    fn the_header_is_what_the_lists_say() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/famalloc.h");
        let header = header();
        if env::var_os("FAMALLOC_WRITE_HEADER").is_some() {
            fs::write(path, &header).unwrap();
        }
        let there = fs::read_to_string(path).unwrap_or_default();
        let differs = header.lines().zip(there.lines()).find(|(made, there)| made != there);
        assert!(
            header == there,
            "famalloc.h is not what the lists say; at first {differs:?}. Write it anew by \
             FAMALLOC_WRITE_HEADER=1 cargo test -p famalloc-c --lib header"
        );
    }

    #[test]
    fn types_and_attributes_are_translated() {
        assert_eq!(declare("*mut *mut c_void", "out"), "void **out");
        assert_eq!(declare("*const c_char", "text"), "const char *text");
        assert_eq!(declare("[MaybeUninit<usize>; 8]", "opaque"), "size_t opaque[8]");
        assert_eq!(declare("", "f"), "void f");
        assert_eq!(attributes("malloc, alloc_size (2 , 3)"), "__malloc__, __alloc_size__(2, 3)");
    }

    #[test]
    fn every_heading_has_its_place() {
        for (first, heading) in HEADINGS {
            assert!(FUNCTIONS.iter().any(|it| it.name == *first), "{heading}: no {first}");
        }
    }
}
