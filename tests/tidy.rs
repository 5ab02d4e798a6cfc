//! The house style that neither rustc nor clippy checks: layering, purity, size, names, places.
//!
//! Reads the sources once and lists every offence. Each rule is also shown to fail on an offence
//! planted for it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

/// Each module of the library, and the modules it may name. One that is absent here does not
/// belong to the crate; `docs/ARCHITECTURE.md` argues the table.
const LAYERS: &[(&str, &[&str])] = &[
    // Pure: input slices, output values.
    ("model", &[]),
    ("codec", &[]),
    ("sketch", &[]),
    ("lang", &["model"]),
    ("format", &["model", "codec", "sketch"]),
    // The crate's error wraps those of the pure modules.
    ("error", &["model", "codec", "sketch", "format", "lang"]),
    // Effects.
    ("vfs", &["error", "model"]),
    ("wal", &["error", "format", "model", "vfs"]),
    ("head", &["codec", "error", "format", "model", "sketch"]),
    ("segment", &["codec", "error", "format", "model", "sketch", "vfs"]),
    ("manifest", &["error", "format", "model", "vfs"]),
    ("tombstone", &["error", "format", "model", "vfs"]),
    // Views and verbs.
    ("snapshot", SNAPSHOT),
    ("store", STORE),
    ("query", &["error", "lang", "model", "sketch", "snapshot"]),
    // Edges: text in, text out, and other crates. Adapters see the public items alone.
    ("ingest", &["error", "model", "snapshot", "store", "query"]),
    ("output", &["error", "model", "snapshot", "query"]),
    ("workload", &["error", "model", "snapshot", "query"]),
    ("adapters", &[]),
];
const SNAPSHOT: &[&str] = &[
    "codec",
    "error",
    "format",
    "head",
    "manifest",
    "model",
    "segment",
    "sketch",
    "tombstone",
    "vfs",
    "wal",
];
const STORE: &[&str] = &[
    "codec",
    "error",
    "format",
    "head",
    "manifest",
    "model",
    "segment",
    "sketch",
    "snapshot",
    "tombstone",
    "vfs",
    "wal",
];
/// The binary's modules: they see the library as any other crate does.
const BINARY: &[&str] = &["main", "cli"];
const PURE: &[&str] = &["model", "codec", "sketch", "lang", "format"];
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "SystemTime",
];
/// Where the file system may be named: behind the seam, and in the binary.
const FILE_SYSTEM_ALLOWED: &[&str] = &["vfs", "main", "cli"];
const UNSAFE_ALLOWED: &[&str] = &["src/vfs/os.rs", "src/codec/simd.rs"];
const BANNED_NAMES: &[&str] =
    &["util", "helper", "common", "misc", "manager", "handler", "data", "info"];
const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
/// A `mod.rs` holds docs, declarations, and the type that names the module.
const MOD_LINES_MAX: usize = 120;
const COLUMNS_MAX: usize = 100;

/// A rule broken at a line of a file.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Offence {
    file: String,
    line: usize,
    what: String,
}

/// A source file, cut where its unit tests begin.
struct Source<'a> {
    /// Relative to the package, with `/` between folders.
    file: &'a str,
    /// The top module that the file belongs to.
    module: &'a str,
    text: &'a str,
    /// The lines before the unit tests.
    lines: Vec<&'a str>,
}

impl<'a> Source<'a> {
    fn new(file: &'a str, text: &'a str) -> Self {
        let inner = file.trim_start_matches("src/");
        let module = inner.split(['/', '.']).next().unwrap();
        let code = text.split("\n#[cfg(test)]\nmod tests").next().unwrap();
        Self { file, module, text, lines: code.lines().collect() }
    }

    /// Returns each line with its number, without comments.
    fn code(&self) -> impl Iterator<Item = (usize, &'a str)> {
        (1..).zip(self.lines.iter().map(|line| line.split("//").next().unwrap()))
    }

    fn is_mod_file(&self) -> bool {
        self.file.ends_with("/mod.rs")
    }

    fn offence(&self, line: usize, what: impl Into<String>) -> Offence {
        Offence { file: self.file.to_owned(), line, what: what.into() }
    }
}

#[test]
fn the_sources_are_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut offences = Vec::new();
    let mut count = 0;
    for folder in ["src", "tests", "benches", "examples", "fuzz"] {
        for path in rust_files(&root.join(folder)) {
            let text = fs::read_to_string(&path).unwrap();
            let file = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            offences.extend(check(&file, &text));
            count += 1;
        }
    }
    offences.sort();
    let list: Vec<String> = offences
        .iter()
        .map(|offence| format!("{}:{}: {}", offence.file, offence.line, offence.what))
        .collect();
    assert!(list.is_empty(), "{} offences in {count} files:\n{}", list.len(), list.join("\n"));
    assert!(count > 20, "only {count} sources found");
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

fn check(file: &str, text: &str) -> Vec<Offence> {
    let source = Source::new(file, text);
    let mut offences = Vec::new();
    check_docs_and_columns(&source, &mut offences);
    let tests = file.ends_with("/tests.rs") || file.contains("/tests/");
    if !file.starts_with("src/") || tests {
        return offences;
    }
    check_names(&source, &mut offences);
    check_lengths(&source, &mut offences);
    check_functions(&source, &mut offences);
    check_layer(&source, &mut offences);
    check_places(&source, &mut offences);
    offences
}

fn check_docs_and_columns(source: &Source<'_>, offences: &mut Vec<Offence>) {
    if !source.text.starts_with("//! ") {
        offences.push(source.offence(1, "no module doc: say what this file is responsible for"));
    }
    for (number, line) in (1..).zip(source.text.lines()) {
        if line.chars().count() > COLUMNS_MAX && !line.contains("://") {
            offences.push(source.offence(number, format!("more than {COLUMNS_MAX} columns")));
        }
    }
}

fn check_names(source: &Source<'_>, offences: &mut Vec<Offence>) {
    for name in source.file.trim_end_matches(".rs").split('/') {
        if BANNED_NAMES.contains(&name.trim_end_matches('s')) {
            offences.push(source.offence(1, format!("`{name}` names no responsibility")));
        }
    }
}

fn check_lengths(source: &Source<'_>, offences: &mut Vec<Offence>) {
    let len = source.lines.len();
    let max = if source.is_mod_file() { MOD_LINES_MAX } else { FILE_LINES_MAX };
    if len > max {
        offences.push(source.offence(len, format!("more than {max} lines: split it")));
    }
    if !source.is_mod_file() {
        return;
    }
    for (number, code) in source.code() {
        let statement = code.trim_start();
        if ["for ", "while ", "loop "].iter().any(|word| statement.starts_with(word)) {
            offences.push(source.offence(number, "an algorithm in a mod.rs: give it a file"));
        }
    }
}

/// Counts the lines of code in each function, by the shape that rustfmt gives it.
fn check_functions(source: &Source<'_>, offences: &mut Vec<Offence>) {
    let code: Vec<(usize, &str)> = source.code().collect();
    for (at, &(number, first)) in code.iter().enumerate() {
        let words = first.split([' ', '(']).map(str::trim);
        let mut words = words.filter(|word| !word.is_empty());
        let opens = words.find(|word| !is_function_qualifier(word)) == Some("fn");
        let mut later = code.get(at..).unwrap().iter().map(|(_, line)| line.trim_end());
        let ends_signature = |line: &&str| ["{", "}", ";"].iter().any(|end| line.ends_with(end));
        if !opens || !later.find(ends_signature).is_some_and(|line| line.ends_with('{')) {
            continue;
        }
        let indent = first.len() - first.trim_start().len();
        let end = format!("{}}}", " ".repeat(indent));
        let body = later.take_while(|line| *line != end);
        let len = body.filter(|line| !line.is_empty()).count();
        if len > FUNCTION_LINES_MAX {
            let what = format!("a function of {len} lines, more than {FUNCTION_LINES_MAX}");
            offences.push(source.offence(number, what));
        }
    }
}

fn is_function_qualifier(word: &str) -> bool {
    ["pub", "crate)", "super)", "const", "async", "unsafe"].contains(&word)
        || ["extern", "\"C\""].contains(&word)
}

fn check_layer(source: &Source<'_>, offences: &mut Vec<Offence>) {
    let module = source.module;
    let binary = BINARY.contains(&module);
    let allowed = LAYERS.iter().find(|(layer, _)| *layer == module).map(|(_, allowed)| *allowed);
    if allowed.is_none() && !binary && module != "lib" {
        offences.push(source.offence(1, format!("module `{module}` has no row in LAYERS")));
    }
    for (number, code) in source.code() {
        if code.contains("super::super") {
            offences.push(source.offence(number, "`super::super` hides the layer: name it"));
        }
        if module == "main"
            && let Some(name) = code.trim().strip_prefix("mod ")
            && name != "cli;"
        {
            offences.push(source.offence(number, "the binary declares `cli` alone"));
        }
        for path in code.split("crate::").skip(1) {
            let used = path.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
            let legal = match module {
                "lib" => true,
                _ if binary => used == "cli",
                "adapters" => used == module || !LAYERS.iter().any(|(layer, _)| *layer == used),
                _ => used == module || allowed.is_some_and(|allowed| allowed.contains(&used)),
            };
            if path.starts_with('{') {
                offences.push(source.offence(number, "one `use crate::module::…` for each module"));
            } else if !legal {
                offences.push(source.offence(number, format!("`{module}` may not name `{used}`")));
            }
        }
    }
}

fn check_places(source: &Source<'_>, offences: &mut Vec<Offence>) {
    let pure = PURE.contains(&source.module);
    for (number, code) in source.code() {
        let opens_unsafe = code.split(|c: char| !c.is_alphanumeric() && c != '_');
        if opens_unsafe.into_iter().any(|word| word == "unsafe")
            && !UNSAFE_ALLOWED.contains(&source.file)
        {
            offences.push(source.offence(number, "unsafe outside UNSAFE_ALLOWED"));
        }
        if code.contains("std::{") {
            offences.push(source.offence(number, "one `use std::module::…` for each module"));
        }
        for impure in IMPURE.iter().filter(|impure| pure && code.contains(**impure)) {
            offences.push(source.offence(number, format!("`{impure}` in a pure module")));
        }
        let file_system = code.contains("std::fs") && !pure;
        if file_system && !FILE_SYSTEM_ALLOWED.contains(&source.module) {
            offences.push(source.offence(number, "`std::fs` outside the vfs"));
        }
        if code.contains("nom::") && source.module != "lang" {
            offences.push(source.offence(number, "nom outside lang"));
        }
    }
}

/// Asserts that a source breaks one rule and no other.
#[track_caller]
fn assert_caught(file: &str, text: &str, line: usize, what: &str) {
    let offences = check(file, text);
    let [offence] = offences.as_slice() else {
        panic!("one offence expected in {file}, found {offences:#?}");
    };
    assert!(offence.what.contains(what), "{offence:?} is not about {what:?}");
    assert_eq!((offence.file.as_str(), offence.line), (file, line));
}

#[track_caller]
fn assert_clean(file: &str, text: &str) {
    assert_eq!(check(file, text), []);
}

#[test]
fn what_layering_forbids_is_caught() {
    let using = |path: &str| format!("//! Doc.\n\nuse crate::{path};\n");
    assert_clean("src/wal/reader.rs", &using("format::Frame"));
    assert_clean("src/wal/reader.rs", &using("wal::Frame"));
    assert_caught("src/model/time.rs", &using("error::Error"), 3, "`model` may not name `error`");
    assert_caught("src/codec/bits.rs", &using("model::Sample"), 3, "may not name `model`");
    assert_caught("src/store/open.rs", &using("lang::ast::Query"), 3, "may not name `lang`");
    assert_caught("src/query/plan.rs", &using("segment::Reader"), 3, "may not name `segment`");
    assert_caught("src/manifest.rs", &using("wal::Frame"), 3, "may not name `wal`");
    // A re-export at the root would walk around the table.
    assert_caught("src/wal/reader.rs", &using("Sample"), 3, "may not name `Sample`");
    let inline = "//! Doc.\n\nfn f() -> crate::store::Store {}\n";
    assert_caught("src/head/mod.rs", inline, 3, "may not name `store`");
    assert_caught("src/cache/mod.rs", "//! Doc.\n", 1, "`cache` has no row");
    assert_caught("src/bin/tool.rs", "//! Doc.\n", 1, "`bin` has no row");
}

#[test]
fn the_edges_see_the_public_items_alone() {
    let using = |path: &str| format!("//! Doc.\n\nuse {path};\n");
    assert_clean("src/lib.rs", &using("crate::store::Store"));
    assert_clean("src/main.rs", &using("silverback::Store"));
    assert_clean("src/cli/query.rs", &using("crate::cli::output"));
    assert_clean("src/adapters/tower.rs", &using("crate::Store"));
    assert_caught("src/cli/query.rs", &using("crate::store::Store"), 3, "may not name `store`");
    assert_caught("src/main.rs", &using("crate::store::Store"), 3, "may not name `store`");
    assert_caught("src/main.rs", "//! Doc.\n\nmod store;\n", 3, "`cli` alone");
    assert_caught(
        "src/adapters/tower.rs",
        &using("crate::store::Store"),
        3,
        "may not name `store`",
    );
}

#[test]
fn imports_that_hide_their_layer_are_caught() {
    let grouped = "//! Doc.\n\nuse crate::{error::Error, model::Sample};\n";
    assert_caught("src/wal/reader.rs", grouped, 3, "one `use crate::module");
    let grouped = "//! Doc.\n\nuse std::{fmt, fs};\n";
    assert_caught("src/model/time.rs", grouped, 3, "one `use std::module");
    let upwards = "//! Doc.\n\nuse super::super::error::Error;\n";
    assert_caught("src/model/time.rs", upwards, 3, "super::super");
}

#[test]
fn impurity_is_caught() {
    for impure in IMPURE {
        let text = format!("//! Doc.\n\nuse {impure};\n");
        for module in PURE {
            assert_caught(&format!("src/{module}/x.rs"), &text, 3, "in a pure module");
        }
    }
    let files = "//! Doc.\n\nfn f() {\n    std::fs::remove_file(path)\n}\n";
    assert_caught("src/segment/writer.rs", files, 4, "outside the vfs");
    assert_caught("src/ingest/csv.rs", files, 4, "outside the vfs");
    assert_clean("src/vfs/os.rs", files);
    assert_caught("src/query/plan.rs", "//! Doc.\n\nuse nom::Parser;\n", 3, "nom outside lang");
}

#[test]
fn unsafe_is_caught_outside_its_places() {
    let text = "//! Doc.\n\nfn f() {\n    unsafe { g() }\n}\n";
    assert_caught("src/wal/reader.rs", text, 4, "unsafe outside");
    assert_caught("src/vfs/mem.rs", text, 4, "unsafe outside");
    assert_clean("src/vfs/os.rs", text);
    assert_clean("src/codec/simd.rs", text);
    assert_clean("src/wal/reader.rs", "//! Doc.\n\n// unsafe is not used\n");
    let split = "//! Doc.\n\nunsafe\nimpl Send for X {}\n";
    assert_caught("src/wal/reader.rs", split, 3, "unsafe outside");
}

#[test]
fn what_is_too_long_is_caught() {
    let lines = |count: usize| format!("//! Doc.\n{}", "const A: u8 = 0;\n".repeat(count - 1));
    assert_clean("src/wal/reader.rs", &lines(FILE_LINES_MAX));
    assert_caught("src/wal/reader.rs", &lines(501), 501, "more than 500 lines");
    assert_caught("src/wal/mod.rs", &lines(121), 121, "more than 120 lines");
    let tested = format!("{}\n#[cfg(test)]\nmod tests {{\n{}}}\n", lines(400), lines(400));
    assert_clean("src/wal/reader.rs", &tested);

    let wide = |len: usize| format!("//! Doc.\n// {}\n", "x".repeat(len - 3));
    assert_clean("src/wal/reader.rs", &wide(COLUMNS_MAX));
    assert_caught("src/wal/reader.rs", &wide(101), 2, "more than 100 columns");
    assert_caught("tests/append.rs", &wide(101), 2, "more than 100 columns");
}

#[test]
fn long_functions_are_caught() {
    let function = |signature: &str, indent: &str, count: usize| {
        let body = format!("{indent}    g();\n").repeat(count);
        format!("//! Doc.\n\n{indent}{signature} {{\n{body}{indent}}}\n\nconst A: u8 = 0;\n")
    };
    for signature in ["fn f()", "pub fn f(&self) -> u8", "pub(crate) const fn f()", "async fn f()"]
    {
        assert_clean("src/wal/reader.rs", &function(signature, "", 70));
        assert_caught("src/wal/reader.rs", &function(signature, "", 71), 3, "of 71 lines");
        assert_caught("src/wal/reader.rs", &function(signature, "    ", 71), 3, "of 71 lines");
    }
    let spread = "fn f(\n    a: u8,\n) -> u8\nwhere\n    A: B,";
    assert_caught("src/wal/reader.rs", &function(spread, "", 71), 3, "of 71 lines");
    // A declaration has no body, and what follows it is not one.
    let declared = function("fn f();\n\nimpl X for Y", "", 71);
    assert_clean("src/wal/reader.rs", &declared);
}

#[test]
fn files_without_doc_or_with_an_empty_name_are_caught() {
    assert_caught("src/wal/reader.rs", "const A: u8 = 0;\n", 1, "no module doc");
    assert_caught("tests/append.rs", "const A: u8 = 0;\n", 1, "no module doc");
    for name in ["util", "utils", "helpers", "common", "misc", "manager", "handlers", "info"] {
        assert_caught(&format!("src/wal/{name}.rs"), "//! Doc.\n", 1, "no responsibility");
        assert_caught(&format!("src/wal/{name}/mod.rs"), "//! Doc.\n", 1, "no responsibility");
    }
    assert_caught("src/wal/data.rs", "//! Doc.\n", 1, "no responsibility");
}

#[test]
fn an_algorithm_in_a_mod_file_is_caught() {
    let body = |line: &str| format!("//! Doc.\n\nfn f() {{\n    {line} {{}}\n}}\n");
    for line in ["for a in b", "while a", "loop"] {
        assert_caught("src/wal/mod.rs", &body(line), 4, "an algorithm in a mod.rs");
        assert_clean("src/wal/reader.rs", &body(line));
    }
    assert_clean("src/wal/mod.rs", "//! Doc.\n\nimpl fmt::Display for Frame {}\n");
}

#[test]
fn the_table_has_no_cycle() {
    // A module may only name modules of rows above its own.
    for (at, (module, allowed)) in LAYERS.iter().enumerate() {
        for name in *allowed {
            let above = LAYERS.iter().take(at).any(|(layer, _)| layer == name);
            assert!(above, "`{module}` may name `{name}`, which does not stand above it");
        }
    }
}
