//! `Sec-WebSocket-Extensions`: offers of permessage-deflate, and what comes of them.

use crate::deflate::{Deflate, MAX_WINDOW_BITS};

/// Picks the first offer of permessage-deflate that can be kept; `None` if there is none.
///
/// An offer with an unknown, repeated or ill-formed parameter is passed over.
///
/// # Source
/// RFC 7692, sections 5 and 7.1.
pub(crate) fn accept<'a>(offers: impl Iterator<Item = &'a str>) -> Option<Deflate> {
    offers.filter_map(Parameters::parse).find_map(|offer| {
        // `client_max_window_bits` only permits us to ask for less; we inflate any window.
        Some(Deflate {
            window_bits: offer.server_window()?,
        })
    })
}

/// What a server says it agreed to.
pub(crate) fn answer(deflate: Deflate) -> String {
    let mut answer = SERVER_ANSWER.to_owned();
    if deflate.window_bits < MAX_WINDOW_BITS {
        answer.push_str("; server_max_window_bits=");
        answer.push_str(&deflate.window_bits.to_string());
    }
    answer
}

/// Reads a server's answer to [`CLIENT_OFFER`]; `None` if it is not one that the offer allows,
/// or if the server would keep context between messages.
pub(crate) fn agreed(answer: &str) -> Option<Deflate> {
    let answer = Parameters::parse(answer)?;
    // Any window of the server's is inflated.
    answer.server_window()?;
    let window_bits = match answer.client_window {
        Some(bits) => window_bits(bits?)?,
        None => MAX_WINDOW_BITS,
    };
    answer
        .server_no_context_takeover
        .then_some(Deflate { window_bits })
}

/// What our client offers: a server may ask it for a small window.
pub(crate) const CLIENT_OFFER: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits";
/// What our server answers, before what it says about windows.
const SERVER_ANSWER: &str =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

#[derive(Default)]
struct Parameters<'a> {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_window: Option<&'a str>,
    client_window: Option<Option<&'a str>>,
}

impl<'a> Parameters<'a> {
    /// `None` for another extension, and for parameters that RFC 7692 does not know or allow.
    fn parse(extension: &'a str) -> Option<Self> {
        let mut parts = extension.split(';').map(str::trim);
        if !parts.next()?.eq_ignore_ascii_case("permessage-deflate") {
            return None;
        }
        let mut parameters = Self::default();
        for part in parts {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name.trim_end(), Some(unquote(value.trim_start()))),
                None => (part, None),
            };
            let is_new = match (name.to_ascii_lowercase().as_str(), value) {
                ("server_no_context_takeover", None) => {
                    !std::mem::replace(&mut parameters.server_no_context_takeover, true)
                }
                ("client_no_context_takeover", None) => {
                    !std::mem::replace(&mut parameters.client_no_context_takeover, true)
                }
                ("server_max_window_bits", Some(bits)) => {
                    parameters.server_window.replace(bits).is_none()
                }
                ("client_max_window_bits", bits) => {
                    parameters.client_window.replace(bits).is_none()
                }
                _ => return None,
            };
            if !is_new {
                return None;
            }
        }
        if let Some(Some(bits)) = parameters.client_window {
            window_bits(bits)?;
        }
        Some(parameters)
    }

    /// The window that the server is held to; `None` if it is not a window.
    fn server_window(&self) -> Option<u8> {
        self.server_window
            .map_or(Some(MAX_WINDOW_BITS), window_bits)
    }
}

/// 8 to 15 in decimal, without leading zeros.
fn window_bits(value: &str) -> Option<u8> {
    let bits = value
        .parse()
        .ok()
        .filter(|bits| (8..=MAX_WINDOW_BITS).contains(bits))?;
    value.starts_with(['1', '8', '9']).then_some(bits)
}

fn unquote(value: &str) -> &str {
    value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(header: &str) -> Option<u8> {
        accept(header.split(',').map(str::trim)).map(|deflate| deflate.window_bits)
    }

    #[test]
    fn what_browsers_and_dart_offer_is_accepted() {
        for offer in [
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate",
            "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
            "Permessage-Deflate ;  client_max_window_bits = 12",
            "x-webkit-deflate-frame, permessage-deflate; client_max_window_bits=\"10\"",
        ] {
            assert_eq!(accepted(offer), Some(15), "{offer}");
        }
    }

    #[test]
    fn a_window_for_the_server_is_kept() {
        assert_eq!(
            accepted("permessage-deflate; server_max_window_bits=9"),
            Some(9)
        );
        assert_eq!(
            accepted("permessage-deflate; server_max_window_bits=\"15\""),
            Some(15)
        );
        let answered = answer(Deflate { window_bits: 9 });
        assert_eq!(
            answered,
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9"
        );
    }

    #[test]
    fn an_offer_that_cannot_be_kept_is_passed_over_for_the_next() {
        for bad in [
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=010",
            "permessage-deflate; server_max_window_bits=+9",
            "permessage-deflate; client_max_window_bits=0",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            "permessage-deflate; window=9",
            "permessage-deflate;",
            "permessage-bzip2",
        ] {
            assert_eq!(accepted(bad), None, "{bad}");
            let next = format!("{bad}, permessage-deflate; server_max_window_bits=10");
            assert_eq!(accepted(&next), Some(10), "{next}");
        }
    }

    #[test]
    fn a_client_takes_only_an_answer_that_its_offer_allows() {
        for (good, window_bits) in [
            (SERVER_ANSWER, 15),
            (
                "permessage-deflate; server_no_context_takeover; server_max_window_bits=10",
                15,
            ),
            (
                "permessage-deflate; server_no_context_takeover; client_max_window_bits=10",
                10,
            ),
        ] {
            assert_eq!(agreed(good), Some(Deflate { window_bits }), "{good}");
        }
        for bad in [
            "permessage-deflate",
            "permessage-deflate; server_no_context_takeover; client_max_window_bits",
            "permessage-deflate; server_no_context_takeover; client_max_window_bits=7",
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=20",
            "permessage-deflate; server_no_context_takeover; surprise",
            "gzip",
        ] {
            assert_eq!(agreed(bad), None, "{bad}");
        }
    }
}
