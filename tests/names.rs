//! Fails when ARCHITECTURE.md names a file, or a member of a type, that does not exist.
//!
//! A path is complete (`node/src/hub.rs`, below `crates/`), or the end of one (`hub.rs`). `Type::name` is a function, a
//! field, a variant or a constant of the type; where a path follows in brackets, it lies in that file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

#[test]
fn what_the_architecture_names_exists() {
    let tree = Tree::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    let text = &tree.files["ARCHITECTURE.md"];
    let (wrong, count) = tree.missing(text);
    assert!(count > 300, "the names were found: {count}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_name_that_is_nowhere_is_found() {
    let hub =
        "pub struct Hub {\n    names: u32,\n}\n\nimpl Hub {\n    fn attach(&mut self) {}\n}\n";
    let worker = "impl Worker {\n    pub(crate) fn run(self) {}\n}\n";
    let files = [
        ("crates/node/src/hub.rs", hub),
        ("crates/node/src/worker.rs", worker),
        ("crates/node/src/worker/driver.rs", "impl Worker {}\n"),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
    let tree = Tree::new(files.into());
    let missing = |text: &str| tree.missing(text).0;
    let known =
        "`Hub::attach` (`node/src/hub.rs`), `Hub::names`, `worker.rs`, `worker/` and `Vec::new`";
    assert_eq!(missing(known), Vec::<String>::new());
    assert_eq!(missing("`node/src/hubs.rs`").len(), 1);
    assert_eq!(missing("`ub.rs`").len(), 1);
    assert_eq!(missing("`Hub::detach`").len(), 1);
    assert_eq!(
        missing("`Worker::run` (`node/src/worker/driver.rs`)").len(),
        1
    );
    assert_eq!(missing("`Worker::run`\n(`node/src/worker.rs`)").len(), 0);
}

/// A repository: the texts of its files, and what they say of types.
struct Tree {
    files: BTreeMap<String, String>,
    /// For each type the blocks of its definition and of its `impl`s, and the file of each.
    blocks: BTreeMap<String, Vec<(String, String)>>,
}

impl Tree {
    fn read(root: &Path) -> Self {
        let mut files = BTreeMap::new();
        collect(root, root, &mut files);
        Self::new(files)
    }

    fn new(files: BTreeMap<String, String>) -> Self {
        let mut blocks: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for (path, text) in files.iter().filter(|(path, _)| path.ends_with(".rs")) {
            for (kind, block) in self::blocks(text) {
                blocks.entry(kind).or_default().push((path.clone(), block));
            }
        }
        Self { files, blocks }
    }

    /// The names in a text that are nowhere, and how many names there are.
    fn missing(&self, text: &str) -> (Vec<String>, usize) {
        static NAME: LazyLock<Regex> = LazyLock::new(|| {
            // What stands between backquotes, and a path in brackets behind it.
            let pattern = r"`([^`\n]+)`(?:\s+\(`([\w./-]+\.rs)`)?";
            Regex::new(pattern).expect("a pattern")
        });
        let (mut wrong, mut count) = (Vec::new(), 0);
        for found in NAME.captures_iter(text) {
            let name = &found[1];
            let place = found.get(2).map(|place| place.as_str());
            let paths = place.into_iter().chain(is_path(name).then_some(name));
            for path in paths {
                count += 1;
                if !self.has_path(path) {
                    wrong.push(format!("there is no {path}"));
                }
            }
            if let Some((kind, member)) = member(name) {
                count += 1;
                if !self.has_member(kind, member, place) {
                    let place = place.map_or(String::new(), |place| format!(" in {place}"));
                    wrong.push(format!("there is no {name}{place}"));
                }
            }
        }
        (wrong, count)
    }

    /// Whether there is a file, or a folder, with this path or with a path that ends so.
    fn has_path(&self, path: &str) -> bool {
        let whole = [path.to_owned(), format!("crates/{path}")];
        let end = format!("/{path}");
        self.files.keys().any(|file| {
            if path.ends_with('/') {
                whole.iter().any(|whole| file.starts_with(whole)) || file.contains(&end)
            } else {
                whole.contains(file) || (!path.contains("src/") && file.ends_with(&end))
            }
        })
    }

    /// Whether a type has a member, where the type is one of ours; in the file `place`, if one is said.
    fn has_member(&self, kind: &str, member: &str, place: Option<&str>) -> bool {
        let Some(blocks) = self.blocks.get(kind) else {
            return true;
        };
        let pattern =
            format!(r"(?m)^\s+(?:pub(?:\([^)]*\))? )?(?:const )?(?:async )?(?:fn )?{member}\b");
        let member = Regex::new(&pattern).expect("a pattern");
        let is_there = |path: &str| place.is_none_or(|place| path.ends_with(place));
        blocks
            .iter()
            .any(|(path, block)| is_there(path) && member.is_match(block))
    }
}

/// The definitions of types, and the `impl`s, that begin at the margin: the type's name, and what is within the braces.
fn blocks(text: &str) -> Vec<(String, String)> {
    static HEAD: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r"^(?:pub(?:\([^)]*\))? )?(?:struct|enum|trait|impl(?:<.*?>)?) (?:.* for )?(?:\w+::)*(\w+)";
        Regex::new(pattern).expect("a pattern")
    });
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        if line == "}" {
            blocks.extend(open.take());
        } else if let Some((_, block)) = &mut open {
            block.push_str(line);
            block.push('\n');
        } else if let Some(head) = HEAD.captures(line).filter(|_| !line.ends_with(['}', ';'])) {
            open = Some((head[1].to_owned(), String::new()));
        }
    }
    blocks
}

fn is_path(name: &str) -> bool {
    static PATH: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r"^(?:[\w.-]+/)*[\w-]+(?:\.(?:rs|md|toml|sh|mjs)|/)$";
        Regex::new(pattern).expect("a pattern")
    });
    PATH.is_match(name)
}

/// The type and the member in `Type::member`.
fn member(name: &str) -> Option<(&str, &str)> {
    let (kind, member) = name.split_once("::")?;
    let is_word = |word: &str| word.chars().all(|c| c.is_alphanumeric() || c == '_');
    let is_type = kind.starts_with(|c: char| c.is_ascii_uppercase());
    (is_type && is_word(kind) && is_word(member)).then_some((kind, member))
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
    let entries = std::fs::read_dir(folder).expect("a folder");
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_symlink() || name.starts_with('.') || SKIPPED.contains(&&*name) {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let inner = path.strip_prefix(root).expect("it lies below the root");
            // What is no text is of interest by its path only.
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            files.insert(inner.to_string_lossy().into_owned(), text);
        }
    }
}

/// What is built or downloaded.
const SKIPPED: [&str; 3] = ["target", "node_modules", "corpus"];
