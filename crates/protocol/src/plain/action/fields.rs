//! The fields of an action, by name and type.

use std::borrow::Cow;

use super::RequestId;
use crate::decode_error::DecodeError;
use crate::error_code::{CommandError, ErrorCode};
use crate::json::object::HALF_A_CHARACTER;
use crate::json::raw::RawJson;
use crate::json::reader::Reader;
use crate::payload::{MAX_DEPTH, Payload};
use crate::plain::parse_position;
use crate::position::StreamPosition;

/// The fields of an object that some action has; of duplicates the last.
pub(super) struct Fields<'a>(Vec<(&'static str, RawJson<'a>)>);

const NAMES: [&str; 21] = [
    "action", "event", "id", "channel", "topic", "token", "user", "events", "filter", "since",
    "history", "presence", "data", "key", "binary", "type", "limit", "reverse", "stats", "method",
    "size",
];

impl<'a> Fields<'a> {
    /// Reads one object. Only the fields that some action has are kept, so that others take no memory.
    pub(super) fn parse(text: &'a str) -> Result<Self, CommandError> {
        let fields = Self::read(text);
        fields.map_err(|error| bad(format!("not one JSON object: {error}")))
    }

    fn read(text: &'a str) -> Result<Self, DecodeError> {
        let mut fields: Vec<(&'static str, RawJson<'a>)> = Vec::new();
        let mut reader = Reader::new(text);
        let is_object = reader.object(|name, reader| {
            let name = name.name().ok_or(HALF_A_CHARACTER)?;
            let value = RawJson::next(reader)?;
            let Some(known) = NAMES.into_iter().find(|known| *known == name) else {
                return Ok(());
            };
            match fields.iter_mut().find(|(seen, _)| *seen == known) {
                Some((_, earlier)) => *earlier = value,
                None => fields.push((known, value)),
            }
            Ok(())
        })?;
        if !is_object {
            return Err(DecodeError::fixed("it is null"));
        }
        reader.end()?;
        Ok(Self(fields))
    }

    /// The value of a field; `null` is none.
    pub(super) fn get(&self, name: &str) -> Option<RawJson<'a>> {
        let (_, value) = self.0.iter().find(|(known, _)| *known == name)?;
        Some(*value).filter(|value| !value.is_null())
    }

    /// The value of a field, read as something.
    pub(super) fn read_as<T>(
        &self,
        name: &str,
        kind: &str,
        read: impl FnOnce(RawJson<'a>) -> Option<T>,
    ) -> Result<Option<T>, CommandError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let read = read(value).ok_or_else(|| bad(format!("\"{name}\" must be {kind}")))?;
        Ok(Some(read))
    }

    pub(super) fn string(&self, name: &str) -> Result<Option<String>, CommandError> {
        self.read_as(name, "a string", string)
    }

    pub(super) fn strings(&self, name: &str) -> Result<Option<Vec<String>>, CommandError> {
        self.read_as(name, "a list of strings", |value| {
            value.list()?.into_iter().map(string).collect()
        })
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<u32>, CommandError> {
        self.read_as(name, "a whole number from 0 to 4294967295", RawJson::scalar)
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, CommandError> {
        let flag = self.read_as(name, "true or false", RawJson::scalar)?;
        Ok(flag.unwrap_or_default())
    }

    pub(super) fn id(&self) -> Result<Option<RequestId>, CommandError> {
        let is_mark = |id: &str| id.starts_with(|c: char| matches!(c, '"' | '-' | '0'..='9'));
        match self.get("id").map(RawJson::as_str) {
            None => Ok(None),
            Some(id) if is_mark(id) => Ok(Some(RequestId(id.into()))),
            Some(_) => Err(bad("\"id\" must be a string or a number")),
        }
    }

    pub(super) fn position(&self) -> Result<Option<StreamPosition>, CommandError> {
        let Some(since) = self.string("since")? else {
            return Ok(None);
        };
        let why =
            "\"since\" is no position: take the id of a publication, or a position of an answer";
        parse_position(&since).map(Some).ok_or_else(|| bad(why))
    }

    pub(super) fn data(&self) -> Result<Option<Payload>, CommandError> {
        let Some((_, data)) = self.0.iter().find(|(name, _)| *name == "data") else {
            return Ok(None);
        };
        let payload = data.payload().ok_or_else(|| {
            bad(format!(
                "\"data\" has more than {MAX_DEPTH} levels of nesting"
            ))
        })?;
        Ok(Some(payload))
    }
}

fn string(value: RawJson<'_>) -> Option<String> {
    value.string().map(Cow::into_owned)
}

/// An error of the client, with its reason.
pub(super) fn bad(why: impl Into<Cow<'static, str>>) -> CommandError {
    CommandError::because(ErrorCode::BAD_REQUEST, why)
}
