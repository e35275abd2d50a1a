//! Reading JSON objects the way the reference server does: names in any case, `null` for nothing, the last of
//! duplicates.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::reader::{Reader, Scalar, StringToken};
use crate::decode_error::DecodeError;
use crate::payload::Payload;

/// Something with named fields.
pub(crate) trait Fields: Default {
    /// Reads the value of a field; names are in lower case. Returns false, and reads nothing, where there is no such
    /// field.
    fn read(&mut self, name: &str, json: &mut Reader<'_>) -> Result<bool, DecodeError>;
}

/// Reads an object into existing fields; `null` changes nothing.
pub(crate) fn fields<T: Fields>(json: &mut Reader<'_>, target: &mut T) -> Result<(), DecodeError> {
    json.object(|name, json| {
        let name = name.name().ok_or(HALF_A_CHARACTER)?;
        // Almost all clients write names in lower case.
        if target.read(&name, json)? {
            return Ok(());
        }
        let is_read = has_upper_case(&name) && target.read(&name.to_ascii_lowercase(), json)?;
        if !is_read {
            json.value()?;
        }
        Ok(())
    })
    .map(drop)
}

/// Reads an object; `null` removes the existing one.
pub(crate) fn object<T: Fields>(
    json: &mut Reader<'_>,
    slot: &mut Option<Box<T>>,
) -> Result<bool, DecodeError> {
    if json.null()? {
        *slot = None;
    } else {
        fields(json, &mut **slot.get_or_insert_default())?;
    }
    Ok(true)
}

/// Reads a number or a boolean; `null` changes nothing.
pub(crate) fn value<T: Scalar>(json: &mut Reader<'_>, slot: &mut T) -> Result<bool, DecodeError> {
    if let Some(value) = json.scalar()? {
        *slot = value;
    }
    Ok(true)
}

/// Reads a string; `null` changes nothing. Escapes that are half of a character become U+FFFD.
pub(crate) fn string(json: &mut Reader<'_>, slot: &mut String) -> Result<bool, DecodeError> {
    if let Some(token) = json.string()? {
        *slot = text(token)?;
    }
    Ok(true)
}

/// Reads any value as the bytes it is spelled with; also `null`.
pub(crate) fn payload(
    json: &mut Reader<'_>,
    slot: &mut Option<Payload>,
) -> Result<bool, DecodeError> {
    let raw = json.value()?.as_bytes();
    *slot = Some(Payload::json(Bytes::copy_from_slice(raw)));
    Ok(true)
}

/// Reads a list and replaces the existing one; `null` is an empty list, and a `null` item is the default.
pub(crate) fn list<T: Element>(
    json: &mut Reader<'_>,
    slot: &mut Vec<T>,
) -> Result<bool, DecodeError> {
    slot.clear();
    json.list(|json| {
        slot.push(T::element(json)?);
        Ok(())
    })?;
    Ok(true)
}

/// Reads names and values; of equal names the last counts, and `null` gives none.
pub(crate) fn entries<T: Element>(
    json: &mut Reader<'_>,
    slot: &mut Vec<(String, T)>,
) -> Result<bool, DecodeError> {
    let mut all: BTreeMap<_, _> = std::mem::take(slot).into_iter().collect();
    let is_object = json.object(|name, json| {
        let name = name.name().ok_or(HALF_A_CHARACTER)?;
        all.insert(name.into_owned(), T::element(json)?);
        Ok(())
    })?;
    if is_object {
        *slot = all.into_iter().collect();
    }
    Ok(true)
}

/// An item of a list or map.
pub(crate) trait Element: Sized {
    /// Reads one.
    fn element(json: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

impl<T: Fields> Element for T {
    fn element(json: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut element = T::default();
        fields(json, &mut element)?;
        Ok(element)
    }
}

impl Element for String {
    fn element(json: &mut Reader<'_>) -> Result<Self, DecodeError> {
        json.string()?.map_or_else(|| Ok(Self::new()), text)
    }
}

fn has_upper_case(name: &str) -> bool {
    name.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn text(token: StringToken<'_>) -> Result<String, DecodeError> {
    let text = token.text().ok_or(DecodeError::fixed("not a string"))?;
    Ok(text.into_owned())
}

pub(crate) const HALF_A_CHARACTER: DecodeError =
    DecodeError::fixed("an escape in the name of a field is half a character");
