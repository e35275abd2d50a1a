//! The document against the code: what it says is read and answered, and nothing else is.

use std::collections::BTreeSet;
use std::sync::Arc;

use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::document::{Settings, document};
use super::methods::METHODS;
use super::shape::{Described, Field, Kind, Shape};
use super::{Description, router};
use crate::backend::Backend;
use crate::fake::Fake;
use crate::http::ApiOptions;
use crate::method::batch::Batch;
use crate::request::{Object, watch};

/// The method that nothing answers, so that nobody is shown it.
const NOT_ANSWERED: &str = "rpc";

type Paths = BTreeSet<(String, String)>;

fn of(shape: &Shape) -> Paths {
    let mut paths = Paths::new();
    for field in shape.fields {
        collect("", field, &mut paths);
    }
    paths
}

fn collect(path: &str, field: &Field, paths: &mut Paths) {
    let path = format!("{path}{}", field.name);
    paths.insert((path.clone(), kind(field.kind).to_owned()));
    if let Some(shape) = field.kind.shape() {
        for field in shape.fields {
            collect(&format!("{path}."), field, paths);
        }
    }
}

/// The decoder's word for a kind.
fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Name | Kind::Glob | Kind::Cursor | Kind::Base64 | Kind::NoText => "text",
        Kind::Flag | Kind::NoFlag => "flag",
        Kind::I32 => "i32",
        Kind::I64 => "i64",
        Kind::U32 | Kind::CloseCode => "u32",
        Kind::U64 => "u64",
        Kind::Decimal => "f64",
        Kind::Texts | Kind::Names => "texts",
        Kind::Tags => "tags",
        Kind::Json => "json",
        Kind::Object(_) | Kind::NoObject => "object",
        Kind::List(_) | Kind::Map(_) | Kind::Outcomes(_) => "objects",
    }
}

/// A request in which every object is there, so that the decoder looks into it.
fn full(shape: &Shape) -> String {
    let objects = shape.fields.iter().filter_map(|field| match field.kind {
        Kind::Object(shape) => Some(format!("\"{}\":{}", field.name, full(shape))),
        _ => None,
    });
    format!("{{{}}}", objects.collect::<Vec<_>>().join(","))
}

#[test]
fn each_method_reads_the_fields_of_its_description_and_no_others() {
    let names: BTreeSet<_> = METHODS.iter().map(|it| it.name).collect();
    let known = crate::method::METHODS.iter().map(|it| it.name);
    let known: BTreeSet<_> = known.filter(|name| *name != NOT_ANSWERED).collect();
    assert_eq!(names, known);
    for described in &METHODS {
        let mut methods = crate::method::METHODS.iter();
        let method = methods.find(|it| it.name == described.name);
        let method = method.expect("the same names");
        let text = full(described.request);
        let params = Object::parse(&text).expect("an object");
        watch::take();
        assert!(method.call(&params).is_ok(), "{}", described.name);
        assert_eq!(watch::take(), of(described.request), "{}", described.name);
    }
}

#[test]
fn a_batch_reads_the_methods_and_how_they_are_to_be_run() {
    let params = Object::parse(r#"{"commands":[{}]}"#).expect("an object");
    watch::take();
    assert!(Batch::parse(&params).is_ok());
    let names = METHODS.iter().map(|method| method.name);
    let mut expected: Paths = names
        .chain([NOT_ANSWERED])
        .map(|name| (format!("commands.{name}"), "object".to_owned()))
        .collect();
    expected.insert(("commands".into(), "objects".into()));
    expected.insert(("parallel".into(), "flag".into()));
    assert_eq!(watch::take(), expected);
}

#[test]
fn every_example_is_a_request() {
    for described in &METHODS {
        let mut methods = crate::method::METHODS.iter();
        let method = methods.find(|it| it.name == described.name);
        let params = Object::parse(described.example).expect("an object");
        assert!(method.expect("the same names").call(&params).is_ok());
    }
}

/// Bytes that the fake has none of.
const NOT_SHOWN: [&str; 5] = [
    "publications.info.b64conn_info",
    "publications.info.b64chan_info",
    "publications.info.chan_info",
    "presence.b64conn_info",
    "presence.chan_info",
];

#[tokio::test]
async fn each_method_answers_with_the_fields_of_its_description_and_no_others() {
    for described in &METHODS {
        let backend: Arc<dyn Backend> = Arc::new(Fake::default());
        let mut methods = crate::method::METHODS.iter();
        let method = methods.find(|it| it.name == described.name);
        let params = Object::parse(described.example).expect("an object");
        let call = method.expect("the same names").call(&params);
        let call = call.unwrap_or_else(|_| panic!("{}", described.name));
        let answer = call.run(&backend).await.expect("the fake answers");
        let answer: Value = serde_json::from_slice(&answer).expect("JSON");
        let mut answered = BTreeSet::new();
        look(&answer, described.result, "", described, &mut answered);
        let expected = of(described.result).into_iter().map(|(path, _)| path);
        let expected = expected.filter(|path| !NOT_SHOWN.contains(&path.as_str()));
        assert_eq!(answered, expected.collect(), "{}", described.name);
    }
}

/// Holds an object against a shape, and notes what it has.
fn look(value: &Value, shape: &Shape, path: &str, method: &Described, seen: &mut BTreeSet<String>) {
    let object = value.as_object().expect("an object");
    for field in shape.fields.iter().filter(|field| field.is_required) {
        assert!(object.contains_key(field.name), "{} {value}", method.name);
    }
    for (name, value) in object {
        let field = shape.fields.iter().find(|field| field.name == name);
        let field = field.unwrap_or_else(|| panic!("{}: {path}{name}", method.name));
        let path = format!("{path}{name}");
        assert!(is_a(value, field.kind), "{path} {value}");
        let within: Vec<&Value> = match (field.kind, value) {
            (Kind::Object(_), value) => vec![value],
            (Kind::List(_), Value::Array(items)) => items.iter().collect(),
            (Kind::Outcomes(_), Value::Array(items)) => {
                items.iter().map(|item| &item["result"]).collect()
            }
            (Kind::Map(_), Value::Object(items)) => items.values().collect(),
            _ => Vec::new(),
        };
        for (value, shape) in within
            .into_iter()
            .zip(field.kind.shape().into_iter().cycle())
        {
            look(value, shape, &format!("{path}."), method, seen);
        }
        seen.insert(path);
    }
}

fn is_a(value: &Value, kind: Kind) -> bool {
    match kind {
        Kind::Json => true,
        Kind::Flag | Kind::NoFlag => value.is_boolean(),
        Kind::I32 | Kind::I64 => value.is_i64(),
        Kind::U32 | Kind::U64 | Kind::CloseCode => value.is_u64(),
        Kind::Decimal => value.is_number(),
        Kind::Texts | Kind::Names | Kind::List(_) | Kind::Outcomes(_) => value.is_array(),
        Kind::Tags | Kind::Object(_) | Kind::NoObject | Kind::Map(_) => value.is_object(),
        _ => value.is_string(),
    }
}

fn settings() -> Settings {
    Settings {
        prefix: "/api".into(),
        root: "..".into(),
        health: Some("/health".into()),
        insecure: false,
        version: "1".into(),
    }
}

fn parsed(settings: &Settings) -> Value {
    serde_json::from_slice(&document(settings)).expect("the document is JSON")
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_referred_to() {
    let document = parsed(&settings());
    let mut referred = BTreeSet::new();
    references(&document, &mut referred);
    let schemas = document["components"]["schemas"].as_object();
    let schemas = schemas.expect("schemas").keys();
    let schemas: BTreeSet<_> = schemas
        .map(|name| format!("#/components/schemas/{name}"))
        .collect();
    assert_eq!(referred, schemas);
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == "$ref" {
                    found.extend(value.as_str().map(str::to_owned));
                }
                references(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn shapes_of_one_name_are_one_shape() {
    let mut known: Vec<&'static Shape> = Vec::new();
    let mut waiting: Vec<&'static Shape> = METHODS
        .iter()
        .flat_map(|method| [method.request, method.result])
        .collect();
    while let Some(shape) = waiting.pop() {
        match known.iter().find(|it| it.name == shape.name) {
            Some(it) => assert!(std::ptr::eq(*it, shape), "{}", shape.name),
            None => {
                known.push(shape);
                waiting.extend(shape.fields.iter().filter_map(|field| field.kind.shape()));
            }
        }
    }
}

#[test]
fn addresses_and_keys_are_those_of_the_configuration() {
    let document = parsed(&settings());
    let paths = document["paths"].as_object().expect("paths");
    for method in METHODS.iter().map(|it| it.name).chain(["batch"]) {
        assert!(paths.contains_key(&format!("/api/{method}")), "{method}");
    }
    assert!(paths.contains_key("/api") && paths.contains_key("/health"));
    assert_eq!(paths.len(), METHODS.len() + 3);
    assert_eq!(document["security"].as_array().map(Vec::len), Some(3));
    let other = parsed(&Settings {
        prefix: String::new(),
        root: ".".into(),
        health: None,
        insecure: true,
        version: "2".into(),
    });
    let paths = other["paths"].as_object().expect("paths");
    assert!(paths.contains_key("/publish") && paths.contains_key("/"));
    assert_eq!(other["security"], Value::Array(Vec::new()));
    assert_eq!(other["info"]["version"], "2");
}

#[test]
fn every_operation_has_a_name_of_its_own_that_says_what_it_does() {
    let document = parsed(&settings());
    let paths = document["paths"].as_object().expect("paths");
    let verbs = paths.values().filter_map(Value::as_object);
    let names: Vec<_> = verbs
        .flat_map(|verbs| verbs.values())
        .filter_map(|operation| operation["operationId"].as_str())
        .collect();
    let distinct: BTreeSet<_> = names.iter().copied().collect();
    assert_eq!(distinct.len(), names.len());
    let expected: BTreeSet<_> = METHODS
        .iter()
        .map(|it| it.name)
        .chain(["batch", "run_commands", "get_health", "post_health"])
        .collect();
    assert_eq!(distinct, expected);
}

#[tokio::test]
async fn page_and_document_lead_only_to_places_beside_them() {
    for (prefix, address, beside, root) in [
        ("/swagger", "/swagger", "swagger/", ".."),
        ("/docs/api/", "/docs/api", "api/", "../.."),
    ] {
        let description = Description {
            prefix: prefix.into(),
            ..Description::default()
        };
        let router = router(&description, &ApiOptions::default());
        let get = |path: String| {
            let request = axum::http::Request::get(path).body(axum::body::Body::empty());
            router.clone().oneshot(request.expect("a request"))
        };
        let Ok(moved) = get(address.to_owned()).await;
        assert_eq!(moved.status(), 307);
        assert_eq!(moved.headers()["location"], beside);
        let Ok(document) = get(format!("{address}/openapi.json")).await;
        let body = document.into_body().collect().await.expect("a body");
        let document: Value = serde_json::from_slice(&body.to_bytes()).expect("JSON");
        assert_eq!(document["servers"][0]["url"], root);
    }
}
