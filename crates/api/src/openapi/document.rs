//! The document, written: OpenAPI 3.1 made of the descriptions.

use std::collections::BTreeMap;

use super::methods::{METHODS, PUBLICATIONS, SERVER};
use super::schemas::{SCHEMES, components, or_null, outcome, reference, request};
use super::shape::Described;
use crate::json::{self, ObjectWriter};

/// What of the document the configuration decides.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    /// Without a slash at its end.
    pub(super) prefix: String,
    /// The way from the document to the root of the server, as a relative reference. So the addresses are right behind
    /// a reverse proxy that adds a prefix to them.
    pub(super) root: String,
    /// The address of the health check, if there is one.
    pub(super) health: Option<String>,
    pub(super) insecure: bool,
    pub(super) version: String,
}

/// Writes the document.
pub(super) fn document(settings: &Settings) -> Vec<u8> {
    let info = ObjectWriter::new()
        .string("title", "Veche server API")
        .string("version", &settings.version)
        .string("description", ABOUT)
        .end();
    let server = ObjectWriter::new().string("url", &settings.root).end();
    let security = if settings.insecure {
        json::list([])
    } else {
        json::list(SCHEMES.map(|(name, ..)| ObjectWriter::new().raw(name, b"[]").end()))
    };
    ObjectWriter::new()
        .string("openapi", "3.1.0")
        .raw("info", &info)
        .raw("servers", &json::list([server]))
        .raw("security", &security)
        .raw("tags", &tags())
        .raw("paths", &paths(settings))
        .raw("components", &components())
        .end()
}

const ABOUT: &str = "Every call is a POST of a JSON object. Keys are read in any case, `null` is as if it were not \
    there, unknown keys are passed over. A command that cannot be carried out is answered with status 200 and \
    `{\"error\": {\"code\", \"message\"}}`; with the header `X-Centrifugo-Error-Mode: transport`, or the option \
    `http_api.error_mode`, with the status that fits and the error alone. `temporary` in an error says that the same \
    call may succeed later. Commands in `batch` and to the address \
    without a method always have their errors in their replies.";

/// The errors that a command can have, by the status that they have in the transport error mode.
const FAILURES: [(&str, &str); 6] = [
    ("400", "107 bad request, 108 not available"),
    ("404", "102 unknown channel, 104 no such method"),
    ("409", "113 conflict"),
    ("416", "112 the position is not in the history"),
    ("429", "111 too many requests"),
    ("500", "100 the server failed"),
];

/// What any call may be answered before it is understood.
const REFUSALS: [(&str, &str); 6] = [
    (
        "400",
        "The body is not such an object; the message says why.",
    ),
    ("401", "The key is missing or wrong."),
    ("405", "The method is not POST."),
    ("408", "The body did not come in time."),
    ("413", "The body is too large."),
    ("503", "The server is shutting down."),
];

fn tags() -> Vec<u8> {
    let mut names: Vec<&str> = METHODS.iter().map(|method| method.group).collect();
    names.dedup();
    json::list(
        names
            .into_iter()
            .map(|name| ObjectWriter::new().string("name", name).end()),
    )
}

fn paths(settings: &Settings) -> Vec<u8> {
    let prefix = settings.prefix.as_str();
    let of_method = |method: &Described| {
        let path = format!("{prefix}/{}", method.name);
        (
            path,
            ObjectWriter::new().raw("post", &operation(method)).end(),
        )
    };
    let batch = (
        format!("{prefix}/batch"),
        ObjectWriter::new().raw("post", &batch()).end(),
    );
    let root = if prefix.is_empty() { "/" } else { prefix };
    let legacy = (
        root.to_owned(),
        ObjectWriter::new().raw("post", &legacy()).end(),
    );
    let health = settings.health.as_ref().map(|path| {
        let both = ObjectWriter::new()
            .raw("get", &health("get_health"))
            .raw("post", &health("post_health"));
        (path.clone(), both.end())
    });
    let all = METHODS
        .iter()
        .map(of_method)
        .chain([batch, legacy])
        .chain(health);
    json::map(all)
}

fn operation(method: &Described) -> Vec<u8> {
    let mode = ObjectWriter::new()
        .string("name", "X-Centrifugo-Error-Mode")
        .string("in", "header")
        .string("description", "`transport` makes errors statuses.")
        .raw(
            "schema",
            &ObjectWriter::new().string("type", "string").end(),
        )
        .end();
    let answer = outcome(method.result);
    ObjectWriter::new()
        .string("operationId", method.name)
        .raw("tags", &json::list([json::text(method.group)]))
        .string("summary", method.summary)
        .string("description", method.about)
        .raw("parameters", &json::list([mode]))
        .raw(
            "requestBody",
            &body(&request(method.request), method.example),
        )
        .raw("responses", &responses(&answer, true))
        .end()
}

fn batch() -> Vec<u8> {
    let example = r#"{"commands":[{"publish":{"channel":"news","data":1}},{"presence_stats":{"channel":"news"}}],"parallel":true}"#;
    ObjectWriter::new()
        .string("operationId", "batch")
        .raw("tags", &json::list([json::text(PUBLICATIONS)]))
        .string("summary", "Many commands in one call")
        .string(
            "description",
            "The replies stand in the order of the commands, each under its method's name or as `error`. One that \
             cannot be carried out does not keep the others from it; one that is malformed makes the whole call so, \
             and nothing is done.",
        )
        .raw("requestBody", &body(&or_null(reference("BatchRequest")), example))
        .raw("responses", &responses(&reference("BatchReplies"), false))
        .end()
}

fn legacy() -> Vec<u8> {
    let example = r#"{"id":1,"method":"publish","params":{"channel":"news","data":1}}"#;
    ObjectWriter::new()
        .string("operationId", "run_commands")
        .raw("tags", &json::list([json::text(SERVER)]))
        .string("summary", "Run commands that name their method")
        .string(
            "description",
            "As the API was called before each method had an address of its own. Several commands may follow each \
             other in the body; their replies do, one a line.",
        )
        .raw("requestBody", &body(&reference("Command"), example))
        .raw("responses", &responses(&reference("CommandReply"), false))
        .end()
}

fn health(name: &str) -> Vec<u8> {
    let schema = ObjectWriter::new().string("type", "object").end();
    let answer = ObjectWriter::new()
        .string("description", "The workers and the engine answer.")
        .raw("content", &content("application/json", &schema))
        .end();
    ObjectWriter::new()
        .string("operationId", name)
        .raw("tags", &json::list([json::text(SERVER)]))
        .string("summary", "Whether the server serves")
        .raw("security", b"[]")
        .raw("responses", &json::map([("200".to_owned(), answer)]))
        .end()
}

fn body(schema: &[u8], example: &str) -> Vec<u8> {
    let json = ObjectWriter::new()
        .raw("schema", schema)
        .raw("example", example.as_bytes())
        .end();
    let content = ObjectWriter::new().raw("application/json", &json).end();
    ObjectWriter::new()
        .raw("required", b"true")
        .raw("content", &content)
        .end()
}

/// All answers to a call; with the statuses of the transport error mode, if it has one.
fn responses(answer: &[u8], has_mode: bool) -> Vec<u8> {
    // For each status what it means, and what the body may be.
    let mut all = BTreeMap::<&str, (String, Vec<Vec<u8>>)>::new();
    all.insert("200", ("What came of it.".into(), vec![answer.to_vec()]));
    for (status, about) in REFUSALS {
        all.insert(status, (about.into(), vec![reference("Refusal")]));
    }
    for (status, codes) in FAILURES.iter().filter(|_| has_mode) {
        let (about, schemas) = all.entry(status).or_default();
        let space = if about.is_empty() { "" } else { " " };
        *about += &format!("{space}In the transport error mode: {codes}.");
        schemas.push(reference("Error"));
    }
    json::map(all.into_iter().map(|(status, (about, mut schemas))| {
        let schema = match schemas.pop() {
            Some(only) if schemas.is_empty() => only,
            last => {
                schemas.extend(last);
                ObjectWriter::new().raw("anyOf", &json::list(schemas)).end()
            }
        };
        let response = ObjectWriter::new()
            .string("description", &about)
            .raw("content", &content("application/json", &schema));
        (status.to_owned(), response.end())
    }))
}

fn content(kind: &str, schema: &[u8]) -> Vec<u8> {
    let schema = ObjectWriter::new().raw("schema", schema).end();
    ObjectWriter::new().raw(kind, &schema).end()
}
