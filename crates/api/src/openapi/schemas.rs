//! Schemas: the shapes of requests and answers, as JSON Schema.

use std::collections::BTreeMap;

use super::methods::METHODS;
use super::shape::{Field, Kind, Shape};
use crate::json::{self, ObjectWriter};

/// Where the key may stand: a name for it, the place, the field, and a word about it.
pub(super) const SCHEMES: [(&str, &str, &str, &str); 3] = [
    ("ApiKeyAuth", "header", "X-API-Key", "The key."),
    (
        "ApiKeyAuthorization",
        "header",
        "Authorization",
        "The word `apikey`, a space, and the key.",
    ),
    (
        "ApiKeyQuery",
        "query",
        "api_key",
        "The key, where headers cannot be set.",
    ),
];

/// Every schema, and where the key may stand.
pub(super) fn components() -> Vec<u8> {
    let mut schemas = BTreeMap::new();
    for method in &METHODS {
        collect(
            method.request,
            Side::Request(method.wants_data),
            &mut schemas,
        );
        collect(method.result, Side::Answer, &mut schemas);
    }
    schemas.insert("Error", error());
    schemas.insert("Refusal", refusal());
    schemas.insert("BatchRequest", batch_request());
    schemas.insert("BatchReplies", batch_replies());
    schemas.insert("Command", command());
    schemas.insert("CommandReply", command_reply());
    let schemas = schemas.into_iter().map(|(name, it)| (name.to_owned(), it));
    let schemes = SCHEMES.map(|(name, place, field, about)| {
        let scheme = ObjectWriter::new()
            .string("type", "apiKey")
            .string("in", place)
            .string("name", field)
            .string("description", about);
        (name.to_owned(), scheme.end())
    });
    ObjectWriter::new()
        .raw("securitySchemes", &json::map(schemes))
        .raw("schemas", &json::map(schemas))
        .end()
}

/// Which way an object goes.
#[derive(Clone, Copy)]
enum Side {
    /// To the server; whether it must carry data.
    Request(bool),
    Answer,
}

/// Writes a shape, and all within it. A shape that goes both ways is written as requests are read.
fn collect(shape: &'static Shape, side: Side, schemas: &mut BTreeMap<&'static str, Vec<u8>>) {
    let is_known = schemas.contains_key(shape.name);
    if is_known && matches!(side, Side::Answer) {
        return;
    }
    schemas.insert(shape.name, schema(shape, side));
    for within in shape.fields.iter().filter_map(|field| field.kind.shape()) {
        let side = match side {
            Side::Request(_) => Side::Request(false),
            Side::Answer => Side::Answer,
        };
        collect(within, side, schemas);
    }
}

fn schema(shape: &Shape, side: Side) -> Vec<u8> {
    let fields = shape.fields.iter();
    let fields = fields.map(|it| (it.name.to_owned(), property(it, side)));
    let mut writer = ObjectWriter::new()
        .string("type", "object")
        .raw("properties", &json::map(fields));
    let required = shape.fields.iter().filter(|field| field.is_required);
    let required: Vec<_> = required.map(|field| json::text(field.name)).collect();
    if !required.is_empty() {
        writer = writer.raw("required", &json::list(required));
    }
    match side {
        Side::Request(true) => {
            writer = writer.raw("anyOf", &json::list([DATA, B64_DATA].map(Vec::from)))
        }
        Side::Request(false) => {}
        Side::Answer => writer = writer.raw("additionalProperties", b"false"),
    }
    writer.end()
}

/// Data is there as JSON, or as bytes of which there is at least one.
const DATA: &str = r#"{"required":["data"]}"#;
const B64_DATA: &str =
    r#"{"required":["b64data"],"properties":{"b64data":{"type":"string","minLength":4}}}"#;

fn property(field: &Field, side: Side) -> Vec<u8> {
    let may_be_null = matches!(side, Side::Request(_)) && !field.is_required;
    let kinds = |name: &str| {
        if may_be_null {
            json::list([json::text(name), json::text("null")])
        } else {
            json::text(name)
        }
    };
    let about = ObjectWriter::new().string("description", field.about);
    let text = |about: ObjectWriter| about.raw("type", &kinds("string"));
    let whole = |about: ObjectWriter, format: &str, least: &str, most: &str| {
        about
            .raw("type", &kinds("integer"))
            .string("format", format)
            .raw("minimum", least.as_bytes())
            .raw("maximum", most.as_bytes())
    };
    let array =
        |about: ObjectWriter, items: &[u8]| about.raw("type", &kinds("array")).raw("items", items);
    // Among texts `null` is an empty one.
    let string: &[u8] = match side {
        Side::Request(_) => br#"{"type":["string","null"]}"#,
        Side::Answer => br#"{"type":"string"}"#,
    };
    match field.kind {
        Kind::Text => text(about),
        Kind::Name => text(about).number("minLength", 1_u32),
        Kind::Glob => text(about).string("format", "glob"),
        Kind::Cursor => text(about).string("format", "cursor"),
        Kind::NoText => text(about).number("maxLength", 0_u32),
        Kind::NoObject => about.string("type", "null"),
        Kind::NoFlag => about.raw("enum", b"[false,null]"),
        Kind::Base64 => text(about)
            .string("format", "byte")
            .string("contentEncoding", "base64"),
        Kind::Flag => about.raw("type", &kinds("boolean")),
        Kind::I32 => whole(about, "int32", &i32::MIN.to_string(), &i32::MAX.to_string()),
        Kind::I64 => whole(about, "int64", &i64::MIN.to_string(), &i64::MAX.to_string()),
        Kind::U32 => whole(about, "uint32", "0", &u32::MAX.to_string()),
        Kind::U64 => whole(about, "uint64", "0", &u64::MAX.to_string()),
        Kind::CloseCode => whole(about, "uint32", "3000", "4999"),
        Kind::Decimal => about.raw("type", &kinds("number")),
        Kind::Texts => array(about, string),
        Kind::Names => array(about, string).number("minItems", 1_u32),
        Kind::Tags => about
            .raw("type", &kinds("object"))
            .raw("additionalProperties", string),
        Kind::Json => about,
        Kind::List(shape) => array(about, &reference(shape.name)),
        Kind::Map(shape) => about
            .raw("type", &kinds("object"))
            .raw("additionalProperties", &reference(shape.name)),
        Kind::Outcomes(shape) => array(about, &outcome(shape)),
        Kind::Object(shape) if may_be_null => {
            let null = ObjectWriter::new().string("type", "null").end();
            about.raw("anyOf", &json::list([reference(shape.name), null]))
        }
        Kind::Object(shape) => about.raw("allOf", &json::list([reference(shape.name)])),
    }
    .end()
}

/// The result or the error.
pub(super) fn outcome(result: &Shape) -> Vec<u8> {
    let one = |name: &str, schema: Vec<u8>| {
        ObjectWriter::new()
            .string("type", "object")
            .raw("properties", &ObjectWriter::new().raw(name, &schema).end())
            .raw("required", &json::list([json::text(name)]))
            .raw("additionalProperties", b"false")
            .end()
    };
    let both = [
        one("result", reference(result.name)),
        one("error", reference("Error")),
    ];
    ObjectWriter::new().raw("oneOf", &json::list(both)).end()
}

fn error() -> Vec<u8> {
    let code = r#"{"description":"100 internal, 101 unauthorized, 102 unknown channel, 104 not found, 107 bad request, 108 not available, 111 too many requests, 112 unrecoverable position, 113 conflict.","type":"integer"}"#;
    let message = r#"{"description":"The same in words.","type":"string"}"#;
    let temporary =
        r#"{"description":"The same call may succeed later; absent if not.","type":"boolean"}"#;
    let properties = ObjectWriter::new()
        .raw("code", code.as_bytes())
        .raw("message", message.as_bytes())
        .raw("temporary", temporary.as_bytes())
        .end();
    ObjectWriter::new()
        .string("type", "object")
        .raw("properties", &properties)
        .raw("required", br#"["code"]"#)
        .raw("additionalProperties", b"false")
        .end()
}

/// The body of an answer to a call that never became a command.
fn refusal() -> Vec<u8> {
    let error = ObjectWriter::new().raw("error", &reference("Error")).end();
    ObjectWriter::new()
        .string("type", "object")
        .raw("properties", &error)
        .raw("required", br#"["error"]"#)
        .raw("additionalProperties", b"false")
        .end()
}

fn batch_request() -> Vec<u8> {
    let commands = METHODS.iter().map(|method| {
        let name = method.name.to_owned();
        (name, reference(method.request.name))
    });
    let command = ObjectWriter::new()
        .string(
            "description",
            "One method's name and its request. Of several the first known one counts.",
        )
        .string("type", "object")
        .raw("properties", &json::map(commands))
        .end();
    let commands = ObjectWriter::new()
        .string("description", "What is to be done.")
        .raw("type", br#"["array","null"]"#)
        .raw("items", &command)
        .end();
    let parallel = ObjectWriter::new()
        .string("description", "At once, and not one after the other.")
        .raw("type", br#"["boolean","null"]"#)
        .end();
    let properties = ObjectWriter::new()
        .raw("commands", &commands)
        .raw("parallel", &parallel)
        .end();
    ObjectWriter::new()
        .string("type", "object")
        .raw("properties", &properties)
        .end()
}

fn batch_replies() -> Vec<u8> {
    let results = METHODS.iter().map(|method| {
        let name = method.name.to_owned();
        (name, reference(method.result.name))
    });
    let error = ("error".to_owned(), reference("Error"));
    let reply = ObjectWriter::new()
        .string("type", "object")
        .raw("properties", &json::map(results.chain([error])))
        .number("minProperties", 1_u32)
        .number("maxProperties", 1_u32)
        .raw("additionalProperties", b"false")
        .end();
    let replies = ObjectWriter::new()
        .string(
            "description",
            "In the order of the commands; absent if there were none.",
        )
        .string("type", "array")
        .raw("items", &reply)
        .end();
    ObjectWriter::new()
        .string("type", "object")
        .raw(
            "properties",
            &ObjectWriter::new().raw("replies", &replies).end(),
        )
        .raw("additionalProperties", b"false")
        .end()
}

fn command() -> Vec<u8> {
    let id = r#"{"description":"Repeated in the reply.","type":["integer","null"],"minimum":0,"maximum":4294967295}"#;
    let names = METHODS.iter().map(|method| json::text(method.name));
    let method = ObjectWriter::new()
        .string(
            "description",
            "The method's name; `publish` if it is not there.",
        )
        .raw("enum", &json::list(names))
        .end();
    let requests = METHODS.iter().map(|method| reference(method.request.name));
    let params = ObjectWriter::new()
        .string("description", "The method's request.")
        .raw("anyOf", &json::list(requests))
        .end();
    let properties = ObjectWriter::new()
        .raw("id", id.as_bytes())
        .raw("method", &method)
        .raw("params", &params)
        .end();
    ObjectWriter::new()
        .string("type", "object")
        .raw("properties", &properties)
        .end()
}

fn command_reply() -> Vec<u8> {
    let results = METHODS.iter().map(|method| reference(method.result.name));
    let result = ObjectWriter::new().raw("anyOf", &json::list(results)).end();
    let properties = ObjectWriter::new()
        .raw("id", br#"{"type":"integer"}"#)
        .raw("result", &result)
        .raw("error", &reference("Error"))
        .end();
    ObjectWriter::new()
        .string("type", "object")
        .raw("properties", &properties)
        .raw("additionalProperties", b"false")
        .end()
}

pub(super) fn reference(name: &str) -> Vec<u8> {
    let path = format!("#/components/schemas/{name}");
    ObjectWriter::new().string("$ref", &path).end()
}

/// The schema of a body: `null` is an empty object, where nothing must be there.
pub(super) fn request(shape: &Shape) -> Vec<u8> {
    let schema = reference(shape.name);
    if shape.fields.iter().any(|field| field.is_required) {
        return schema;
    }
    or_null(schema)
}

pub(super) fn or_null(schema: Vec<u8>) -> Vec<u8> {
    let null = ObjectWriter::new().string("type", "null").end();
    let both = json::list([schema, null]);
    ObjectWriter::new().raw("anyOf", &both).end()
}
