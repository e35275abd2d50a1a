//! `batch`: many commands in one call.

use std::sync::Arc;

use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::json::raw::{RawItem, RawItems};

use super::{Call, METHODS, bad_request, log};
use crate::backend::Backend;
use crate::concurrently::InOrder;
use crate::json::{self, JsonResult, ObjectWriter};
use crate::pieces::Pieces;
use crate::request::{Malformed, Object};

/// Commands that make sense, in order. Their number is bounded by the size of the body.
///
/// They are kept as they were written, and each is read again when its turn comes: decoded, a batch of short commands
/// is many times larger.
pub(crate) struct Batch {
    commands: RawItems,
    is_parallel: bool,
}

enum Part {
    Call(Call),
    /// A command that can't be carried out, while the others can.
    Refused(CommandError),
}

impl Batch {
    /// Reads all commands before any is carried out.
    pub(crate) fn parse(params: &Object<'_>) -> Result<Self, Malformed> {
        let commands = params.objects(COMMANDS)?;
        for command in commands.clone() {
            part(&command)?;
        }
        Ok(Self {
            commands,
            is_parallel: params.flag("parallel")?,
        })
    }

    /// Carries out the commands, one after the other or many at once, and answers in their order:
    /// `{"replies":[{"publish":{...}},{"error":{...}}]}`.
    pub(crate) async fn run(self, backend: Arc<dyn Backend>, mut answer: Pieces) -> Pieces {
        if self.commands.clone().next().is_none() {
            answer.write("{}");
            return answer;
        }
        let parts = self.commands.map(move |command| {
            let backend = Arc::clone(&backend);
            let part = part(&command).expect("it was read before");
            async move { part.run(&backend).await }
        });
        answer.write(r#"{"replies":["#);
        if self.is_parallel {
            let mut parts = InOrder::new(parts);
            while let Some(reply) = parts.next().await {
                answer.item(&reply).await;
            }
        } else {
            for part in parts {
                answer.item(&part.await).await;
            }
        }
        answer.write("]}");
        answer
    }
}

/// A command is an object with one method's name; if it has several, the first in the order of [`METHODS`] counts.
fn part(command: &RawItem) -> Result<Part, Malformed> {
    let Some(command) = Object::item(COMMANDS, command)? else {
        return Ok(Part::Refused(bad_request("a command of a batch is null")));
    };
    let mut first = None;
    for method in &METHODS {
        if let Some(params) = command.object(method.name)? {
            let call = method.call(&params)?;
            first.get_or_insert(Part::Call(call));
        }
    }
    Ok(first.unwrap_or_else(|| Part::Refused(no_method())))
}

/// What a command is answered that asks for nothing, or for nothing known.
pub(crate) fn no_method() -> CommandError {
    let why = "a command of a batch names no method";
    CommandError::because(ErrorCode::METHOD_NOT_FOUND, why)
}

/// The list of commands in a request.
const COMMANDS: &str = "commands";

impl Part {
    async fn run(self, backend: &Arc<dyn Backend>) -> Vec<u8> {
        let (name, outcome): (_, JsonResult) = match self {
            Self::Call(call) => (call.method, call.run(backend).await),
            Self::Refused(error) => {
                log("batch", &error);
                ("", Err(error))
            }
        };
        let writer = ObjectWriter::new();
        match &outcome {
            Ok(result) => writer.raw(name, result),
            Err(error) => writer.raw("error", &json::error(error)),
        }
        .end()
    }
}
