//! Proves that the committed stubs of the gRPC API are what its schema generates, and writes them anew where
//! `VECHE_GENERATE=1` asks for it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use protox::Compiler;
use protox::prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

/// The schemas of the API, in the order in which they are compiled.
const SCHEMAS: [&str; 2] = ["api.proto", "veche.proto"];
/// Whose names and numbers the first of them has.
const PACKAGE: &str = "centrifugal.centrifugo.api";

#[test]
fn the_committed_stubs_are_what_the_schema_generates() {
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schema");
    generate(&fresh);
    let committed = folder().join("generated");
    if env::var_os("VECHE_GENERATE").is_some() {
        copy(&fresh, &committed);
    }
    let names = names(&fresh);
    assert_eq!(
        names,
        self::names(&committed),
        "other files are committed; {HOW}"
    );
    for name in &names {
        let read = |folder: &Path| fs::read(folder.join(name)).expect("a file that was just seen");
        let same = read(&fresh) == read(&committed);
        assert!(same, "{name} is not what the schema generates; {HOW}");
    }
}

/// What to do when the stubs are old.
const HOW: &str =
    "write them with `VECHE_GENERATE=1 cargo test -p veche-tests --test schema`, and commit them";

#[test]
fn methods_and_fields_have_the_names_and_numbers_of_centrifugo() {
    let theirs: BTreeSet<_> = include_str!("schema/centrifugo.txt").lines().collect();
    let ours = summary(compiler(false).descriptor_pool());
    let wrong: Vec<_> = ours
        .iter()
        .filter(|line| !theirs.contains(line.as_str()) && !is_our_own(line))
        .collect();
    assert!(wrong.is_empty(), "not in Centrifugo: {wrong:?}");
    let messages: BTreeSet<_> = ours.iter().filter_map(|line| message_of(line)).collect();
    let missing: Vec<_> = theirs
        .iter()
        .filter(|line| message_of(line).is_some_and(|name| messages.contains(name)))
        .filter(|line| !ours.contains(**line) && !is_reserved(line))
        .collect();
    assert!(missing.is_empty(), "only in Centrifugo: {missing:?}");
}

/// The message, or the service, that a line of a summary belongs to.
fn message_of(line: &str) -> Option<&str> {
    let name = line.split(' ').next()?;
    Some(name.rsplit_once('.').map_or(name, |(message, _)| message))
}

/// What is not served: methods, and their places in commands and replies, numbered from 18 on.
fn is_reserved(line: &str) -> bool {
    match message_of(line) {
        Some("CentrifugoApi") => true,
        Some("Command" | "Reply") => number_of(line).is_some_and(|number| number >= 18),
        _ => false,
    }
}

/// Fields that Centrifugo has not, far beyond its numbers.
fn is_our_own(line: &str) -> bool {
    number_of(line).is_some_and(|number| number >= 1000)
}

fn number_of(line: &str) -> Option<u32> {
    line.split(' ').nth(1)?.parse().ok()
}

/// Methods and fields of the package, a line each, with types and numbers; messages without fields by name alone.
fn summary(pool: DescriptorPool) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for service in pool.services().filter(|it| it.package_name() == PACKAGE) {
        for method in service.methods() {
            let (input, output) = (method.input(), method.output());
            lines.insert(format!(
                "{}.{} {} {}",
                service.name(),
                method.name(),
                input.name(),
                output.name()
            ));
        }
    }
    for message in pool
        .all_messages()
        .filter(|it| it.package_name() == PACKAGE)
    {
        let name = local(&message);
        if message.fields().len() == 0 {
            lines.insert(name.clone());
        }
        for field in message.fields() {
            lines.insert(format!(
                "{name}.{} {} {}",
                field.name(),
                field.number(),
                kind(&field)
            ));
        }
    }
    lines
}

fn kind(field: &FieldDescriptor) -> String {
    let name = match field.kind() {
        Kind::Message(message) => local(&message),
        scalar => format!("{scalar:?}").to_lowercase(),
    };
    if field.is_list() || field.is_map() {
        return format!("repeated {name}");
    }
    name
}

fn local(message: &MessageDescriptor) -> String {
    let name = message.full_name();
    name.trim_start_matches(PACKAGE)
        .trim_start_matches('.')
        .to_owned()
}

/// Writes stubs, and descriptors for reflection.
fn generate(folder: &Path) {
    if folder.exists() {
        fs::remove_dir_all(folder).expect("the folder for generated files can be emptied");
    }
    fs::create_dir_all(folder).expect("a folder for generated files");
    tonic_prost_build::configure()
        .build_client(false)
        .build_transport(false)
        .emit_rerun_if_changed(false)
        .btree_map(".")
        // An empty command is two bytes on the wire, and must not be a thousand in memory.
        .boxed(format!(".{PACKAGE}.Command"))
        .boxed(format!(".{PACKAGE}.Reply"))
        .out_dir(folder)
        .compile_fds(compiler(true).file_descriptor_set())
        .expect("stubs of the schema");
    let descriptors = compiler(false).encode_file_descriptor_set();
    fs::write(folder.join("descriptors.bin"), descriptors).expect("a file of descriptors");
}

fn compiler(with_comments: bool) -> Compiler {
    let mut compiler = Compiler::new([folder()]).expect("the folder of the schema");
    compiler.include_source_info(with_comments);
    let opened = compiler.open_files(SCHEMAS).map(|_| ());
    opened.expect("the schema is a schema");
    compiler
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/api/schema")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder for the stubs");
    for name in names(from) {
        fs::copy(from.join(&name), to.join(&name)).expect("a file of the stubs");
    }
}

fn names(folder: &Path) -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return BTreeSet::new();
    };
    entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.into_string().expect("names of stubs are ASCII"))
        .collect()
}
