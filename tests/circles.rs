//! Fails when files of a crate import each other in a circle.
//!
//! A file imports another by a path that begins with `crate`, `self` or `super`, or with the name of a child. A module and
//! what lies in its folder may know each other: they are one thing in several files. A circle that leads through any other
//! file is one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

/// A file of a crate, as its module is called: `a::b` for `src/a/b.rs`.
type Module = String;

/// Which modules each module imports.
type Imports = BTreeMap<Module, BTreeSet<Module>>;

#[test]
fn no_files_import_each_other_in_a_circle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut sources: Vec<PathBuf> = folders(&root.join("crates"));
    sources.extend([root.join("apps/chat"), root.join("bench")]);
    let mut circles = Vec::new();
    let mut files = 0;
    for source in sources.iter().map(|package| package.join("src")) {
        let imports = imports(&source);
        files += imports.len();
        for circle in self::circles(&imports) {
            circles.push(format!("{}: {circle:?}", source.display()));
        }
    }
    assert!(files > 300, "the files were found: {files}");
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn a_circle_is_found_and_a_folder_is_none() {
    let imports = |rows: &[(&str, &[&str])]| -> Imports {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let rows = rows.iter();
        rows.map(|(name, names)| ((*name).to_owned(), set(names)))
            .collect()
    };
    let folder = imports(&[("a", &["a::b"]), ("a::b", &["a", "c"]), ("c", &[])]);
    assert_eq!(circles(&folder), Vec::<Vec<String>>::new());
    let circle = imports(&[("a", &["b"]), ("b", &["c"]), ("c", &["a", "d"]), ("d", &[])]);
    assert_eq!(circles(&circle), [["a", "b", "c"]]);
    let by_a_child = imports(&[("a", &["a::b"]), ("a::b", &["c"]), ("c", &["a::b"])]);
    assert_eq!(circles(&by_a_child), [["a::b", "c"]]);
    let over_a_child = imports(&[("a", &["a::b"]), ("a::b", &["c"]), ("c", &["a"])]);
    assert_eq!(circles(&over_a_child), [["a", "a::b", "c"]]);
}

#[test]
fn paths_lead_to_the_files_that_hold_what_they_name() {
    let modules: BTreeSet<Module> = ["a", "a::b", "c"].map(str::to_owned).into();
    let found = |text: &str| {
        imported("a::b", text, &modules)
            .into_iter()
            .collect::<Vec<_>>()
    };
    assert_eq!(found("use crate::c::Thing;"), ["c"]);
    assert_eq!(found("use super::Thing;"), ["a"]);
    assert_eq!(found("use super::super::{self, c};"), ["c"]);
    assert_eq!(
        found("use crate::{\n    a::Thing,\n    c::Thing,\n};"),
        ["a", "c"]
    );
    assert_eq!(found("let it = super::super::c::thing();"), ["c"]);
    assert_eq!(found("// use crate::c::Thing;"), Vec::<String>::new());
    assert_eq!(
        found("#[cfg(test)]\nmod tests {\n    use crate::c::Thing;\n}"),
        Vec::<String>::new()
    );
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

fn imports(source: &Path) -> Imports {
    let mut files = Vec::new();
    collect(source, &mut files);
    let name = |file: &Path| {
        let inner = file.strip_prefix(source).expect("it lies in the folder");
        let parts = inner.with_extension("");
        let parts = parts.iter().map(|part| part.to_string_lossy().into_owned());
        parts.collect::<Vec<_>>().join("::")
    };
    let modules: BTreeSet<Module> = files.iter().map(|file| name(file)).collect();
    let imports = |file: &PathBuf| {
        let text = std::fs::read_to_string(file).expect("a source file");
        let module = name(file);
        let imported = imported(&module, &text, &modules);
        (module, imported)
    };
    files.iter().map(imports).collect()
}

/// Files of a crate, but for those of its tests, its programs, and its root, which only lists the others.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for path in folders(folder) {
        let stem = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if matches!(&*stem, "tests" | "bin" | "lib" | "main") {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The modules that `text`, the file of `module`, names; parents and children of it are among them.
fn imported(module: &str, text: &str, modules: &BTreeSet<Module>) -> BTreeSet<Module> {
    static PATH: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r"\b((?:crate|self|super)\b(?:::\w+)*)(?:::\{([^{}]*)\})?";
        Regex::new(pattern).expect("a pattern")
    });
    let text = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let code = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    // Who may see something is no import.
    let code = code.collect::<Vec<_>>().join("\n").replace("(super)", "");
    let mut found = BTreeSet::new();
    for path in PATH.captures_iter(&code) {
        let start = &path[1];
        let names = path.get(2).map_or("", |names| names.as_str());
        for name in names.split(',').map(str::trim) {
            let whole = format!("{start}::{name}");
            found.extend(resolved(module, &whole, modules));
        }
    }
    // A parent names its children without a prefix.
    let children = modules.iter().filter_map(|child| {
        let name = child.strip_prefix(module)?.strip_prefix("::")?;
        (!name.contains("::")).then_some((child, name))
    });
    for (child, name) in children {
        let uses = Regex::new(&format!(r"\b{name}::")).expect("a pattern");
        if uses.is_match(&code) {
            found.insert(child.clone());
        }
    }
    found.remove(module);
    found
}

/// The module that a path in the file of `module` leads to, or leads into.
fn resolved(module: &str, path: &str, modules: &BTreeSet<Module>) -> Option<Module> {
    let mut full: Vec<&str> = module.split("::").collect();
    for part in path.split("::") {
        match part {
            "crate" => full.clear(),
            "" | "self" => {}
            "super" => drop(full.pop()),
            name => full.push(name),
        }
    }
    while !full.is_empty() && !modules.contains(&full.join("::")) {
        full.pop();
    }
    (!full.is_empty()).then(|| full.join("::"))
}

/// Groups of modules each of which leads to all others of the group. A group is none if it lies in one folder, with the
/// folder's own module in it.
fn circles(imports: &Imports) -> Vec<Vec<Module>> {
    let lies_in = |one: &Module, other: &Module| {
        one.strip_prefix(other.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    let reach: Imports = imports
        .keys()
        .map(|from| (from.clone(), reached(from, imports)))
        .collect();
    let leads = |from: &Module, to: &Module| reach.get(from).is_some_and(|it| it.contains(to));
    let mut circles: BTreeSet<Vec<Module>> = BTreeSet::new();
    for from in imports.keys().filter(|from| leads(from, from)) {
        let circle = imports
            .keys()
            .filter(|to| leads(from, to) && leads(to, from));
        let circle: Vec<Module> = circle.cloned().collect();
        let is_folder = circle
            .iter()
            .any(|top| circle.iter().all(|one| lies_in(one, top)));
        if !is_folder {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}

/// All that a module leads to.
fn reached(from: &Module, ways: &Imports) -> BTreeSet<Module> {
    let mut reached = BTreeSet::new();
    let mut left = vec![from];
    while let Some(module) = left.pop() {
        for next in ways.get(module).into_iter().flatten() {
            if reached.insert(next.clone()) {
                left.push(next);
            }
        }
    }
    reached
}
