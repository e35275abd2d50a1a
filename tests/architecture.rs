//! Fails when a crate imports another that the plan of the house does not allow.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Who may import whom: direct, normal dependencies between our own packages.
///
/// A crate is a wall. The rules are pure and know no socket, an engine never sees a session, a transport never sees a
/// command, and the chat knows the server only from outside. Tests of a crate may import more.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("veche-protocol", &[]),
    ("veche-websocket", &[]),
    ("veche-session", &["veche-protocol"]),
    ("veche-engine", &["veche-protocol"]),
    ("veche-auth", &["veche-protocol"]),
    // It reads text. What a key or an origin is, the server asks those who use them.
    ("veche-config", &[]),
    ("veche-engine-redis", &["veche-engine", "veche-protocol"]),
    ("veche-engine-nats", &["veche-engine", "veche-protocol"]),
    ("veche-engine-disk", &["veche-engine", "veche-protocol"]),
    (
        "veche-node",
        &[
            "veche-session",
            "veche-engine",
            "veche-protocol",
            "veche-websocket",
        ],
    ),
    (
        "veche-transport",
        &["veche-node", "veche-websocket", "veche-protocol"],
    ),
    ("veche-proxy", &["veche-node", "veche-protocol"]),
    ("veche-api", &["veche-node", "veche-protocol"]),
    (
        "veche-server",
        &[
            "veche-protocol",
            "veche-websocket",
            "veche-session",
            "veche-engine",
            "veche-engine-redis",
            "veche-engine-nats",
            "veche-engine-disk",
            "veche-config",
            "veche-auth",
            "veche-node",
            "veche-transport",
            "veche-proxy",
            "veche-api",
        ],
    ),
    // A WebSocket for any program: it knows no server of ours and no protocol inside.
    ("veche-channel", &["veche-websocket"]),
    // A published crate: it spells the dialect itself, and brings nothing of the server's.
    ("veche-client", &["veche-channel"]),
    ("veche-chat", &["veche-client", "veche-auth"]),
    // A generator must cost less than any client: it reads frames itself.
    ("veche-bench", &["veche-websocket"]),
    // It sees no more of a server than a client does.
    ("veche-doctor", &["veche-websocket"]),
    // The tools are clients, and see of a server what any client does.
    ("veche-tools", &["veche-client"]),
    (
        "veche",
        &[
            "veche-server",
            "veche-config",
            "veche-client",
            "veche-auth",
            "veche-chat",
            "veche-bench",
            "veche-doctor",
            "veche-tools",
        ],
    ),
    (
        "veche-micro",
        &[
            "veche-protocol",
            "veche-websocket",
            "veche-session",
            "veche-engine",
            "veche-node",
        ],
    ),
    ("veche-tests", &[]),
    (
        "veche-fuzzing",
        &[
            "veche-protocol",
            "veche-websocket",
            "veche-session",
            "veche-engine",
            "veche-auth",
            "veche-config",
            "veche-node",
            "veche-transport",
            "veche-api",
            "veche-server",
            "veche-channel",
            "veche-client",
        ],
    ),
];

/// Foreign crates that a part of the house must never know, whoever brings them.
const MAY_NEVER_IMPORT: &[(&str, &[&str])] = &[
    (
        "veche-protocol",
        &["tokio", "mio", "socket2", "hyper", "axum"],
    ),
    (
        "veche-session",
        &["tokio", "mio", "serde_json", "prost", "rand", "fastrand"],
    ),
    ("veche-websocket", &["tokio", "mio", "socket2", "hyper"]),
    ("veche-node", &["hyper", "axum", "http"]),
    ("veche-transport", &["serde_json", "prost"]),
    (
        "veche-config",
        &["tokio", "mio", "hyper", "axum", "rustls", "aws-lc-rs"],
    ),
];

#[test]
fn no_crate_imports_what_the_plan_does_not_allow() {
    let house = House::read();
    let plan: BTreeMap<_, _> = MAY_IMPORT.iter().copied().collect();
    let mut wrong = Vec::new();
    for (package, imports) in &house.imports {
        let Some(allowed) = plan.get(package.as_str()) else {
            wrong.push(format!("{package} has no row in the plan"));
            continue;
        };
        for import in imports
            .iter()
            .filter(|import| house.imports.contains_key(*import))
        {
            if !allowed.contains(&import.as_str()) {
                wrong.push(format!("{package} must not import {import}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_crate_knows_a_library_that_belongs_to_another_room() {
    let house = House::read();
    let mut wrong = Vec::new();
    for (package, forbidden) in MAY_NEVER_IMPORT {
        for import in house.imports.get(*package).into_iter().flatten() {
            if forbidden.contains(&import.as_str()) {
                wrong.push(format!("{package} must not import {import}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_first_command_builds_the_binary_and_nothing_else() {
    let house = House::read();
    assert_eq!(house.default_members, ["veche"]);
}

/// They bring packages that nothing else here needs, and the first command is not to wait for them.
#[test]
fn the_clients_of_the_tools_are_built_only_where_they_are_asked_for() {
    let clients = |more: &[&str]| {
        let packages = packages_of("veche", more).into_iter();
        let is_client =
            |it: &String| it.starts_with("centrifuge-client ") || it.starts_with("veche-client ");
        packages.filter(is_client).count()
    };
    assert_eq!(clients(&[]), 0);
    assert_eq!(clients(&["--features=tools"]), 2);
}

/// They are for programs that have nothing else of ours; their READMEs state the numbers.
#[test]
fn the_channel_and_the_client_bring_few_packages_with_tls() {
    for (package, most) in [("veche-channel", 60), ("veche-client", 70)] {
        let packages = packages_of(package, &[]);
        assert!(packages.iter().any(|it| it.starts_with("rustls ")));
        let count = packages.len();
        assert!(count <= most, "{package}: {count}: {packages:?}");
    }
}

/// What a package is built from, itself included.
fn packages_of(package: &str, more: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--edges=normal,build", "--package", package])
        .args(["--prefix=none", "--no-dedupe", "--format={p}", "--locked"])
        .args(more)
        .arg("--manifest-path")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .output()
        .expect("cargo runs, it started this test");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo tree: {errors}");
    let tree = String::from_utf8(output.stdout).expect("names of packages are text");
    // A package that was shown before has a star behind it.
    let lines = tree.lines().map(|line| line.trim_end_matches(" (*)"));
    let packages = lines.filter(|line| !line.is_empty());
    packages.map(str::to_owned).collect()
}

#[test]
fn every_package_wears_the_lints_of_the_workspace() {
    let house = House::read();
    let bare: Vec<_> = house
        .manifests
        .iter()
        .filter(|manifest| {
            let text = std::fs::read_to_string(manifest).expect("cargo just read this manifest");
            !text.contains("[lints]\nworkspace = true")
        })
        .collect();
    assert!(bare.is_empty(), "without `lints.workspace`: {bare:?}");
}

/// What `cargo metadata` says about the packages of this workspace.
struct House {
    /// For each of our packages the names of its direct, normal dependencies, ours and foreign.
    imports: BTreeMap<String, Vec<String>>,
    default_members: Vec<String>,
    manifests: Vec<String>,
}

impl House {
    fn read() -> Self {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version=1", "--no-deps", "--locked"])
            .arg("--manifest-path")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
            .output()
            .expect("cargo runs, it started this test");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cargo metadata: {errors}");
        let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");

        let packages = list(&metadata, "packages");
        let named = |id: &Value| {
            let package = packages
                .iter()
                .find(|package| package.get("id") == Some(id));
            text(package.expect("a member is a package"), "name")
        };
        Self {
            imports: packages.iter().map(imports_of).collect(),
            default_members: list(&metadata, "workspace_default_members")
                .iter()
                .map(named)
                .collect(),
            manifests: packages
                .iter()
                .map(|package| text(package, "manifest_path"))
                .collect(),
        }
    }
}

fn imports_of(package: &Value) -> (String, Vec<String>) {
    let normal = list(package, "dependencies")
        .iter()
        .filter(|dependency| dependency.get("kind").is_none_or(Value::is_null))
        .map(|dependency| text(dependency, "name"))
        .collect();
    (text(package, "name"), normal)
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    let found = value.get(key).and_then(Value::as_array);
    found.expect("cargo metadata has a list here")
}

fn text(value: &Value, key: &str) -> String {
    let found = value.get(key).and_then(Value::as_str);
    found.expect("cargo metadata has a string here").to_owned()
}
