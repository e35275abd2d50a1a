//! What a certificate is worth to clients, and what to change about it.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::pki_types::UnixTime;
use rustls::{CertificateError, Error};

use crate::check::{Check, Mark};
use crate::target::Target;
use crate::tls::Seen;

const NAME: &str = "certificate";
/// Who renews in time does it earlier.
const SOON_DAYS: u64 = 14;
const DAY_SECS: u64 = 24 * 3600;

/// What was seen, in words.
pub(super) fn check(seen: &Seen, target: &Target) -> Check {
    let host = &target.host;
    let error = match &seen.verdict {
        Ok(()) => return trusted(seen.ends, host),
        Err(Error::InvalidCertificate(error)) => error,
        Err(error) => return Check::new(NAME, Mark::Wrong, format!("it is no good: {error}")),
    };
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            let days = seen
                .ends
                .map_or(0, |end| now().saturating_sub(end.as_secs()) / DAY_SECS);
            let found = format!("it ran out {days} days ago");
            let advice = ["renew it, and let the proxy or server load the new one"];
            Check::new(NAME, Mark::Wrong, found).advising(advice)
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            let advice = ["look at the clock of this machine, and at the certificate's dates"];
            Check::new(NAME, Mark::Wrong, "its time has not come").advising(advice)
        }
        CertificateError::NotValidForName => {
            Check::new(NAME, Mark::Wrong, format!("it is not for {host}"))
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names = presented
                .iter()
                .map(|name| name.chars().filter(|c| !c.is_control()));
            let names: Vec<String> = names.map(|name| name.take(100).collect()).collect();
            let found = format!("it is not for {host}, but for {}", names.join(", "));
            let advice =
                ["serve a certificate that names this host, or give clients a name that it has"];
            Check::new(NAME, Mark::Wrong, found).advising(advice)
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            unknown(seen.intermediates)
        }
        other => Check::new(NAME, Mark::Wrong, format!("it is no good: {other:?}")),
    }
}

fn trusted(ends: Option<UnixTime>, host: &str) -> Check {
    let Some(end) = ends else {
        return Check::new(NAME, Mark::Fine, format!("it is for {host}, and trusted"));
    };
    let days = end.as_secs().saturating_sub(now()) / DAY_SECS;
    let found = format!("it is for {host}, trusted, and runs out in {days} days");
    if days < SOON_DAYS {
        let advice = ["whatever renews it does not: it should have done so by now"];
        return Check::new(NAME, Mark::Doubtful, found).advising(advice);
    }
    Check::new(NAME, Mark::Fine, found)
}

/// Nobody who is trusted has signed it, or what lies between was not sent.
fn unknown(intermediates: usize) -> Check {
    let found = "nobody whom this machine trusts has signed it";
    let check = Check::new(NAME, Mark::Wrong, found);
    if intermediates > 0 {
        return check.advising([
            "get one from an authority that clients trust; --ca FILE trusts your own here",
        ]);
    }
    check.advising([
        "it came alone: send the authority's intermediate certificates with it (nginx: ssl_certificate with the full chain)",
        "if you have signed it yourself, clients must be told to trust it; --ca FILE does so here",
    ])
}

/// There is no TLS at all.
pub(super) fn no_tls(error: &io::Error) -> Check {
    const NAME: &str = "tls";
    let reason = error.get_ref().and_then(|it| it.downcast_ref::<Error>());
    match reason {
        Some(Error::InvalidMessage(_)) => {
            Check::new(NAME, Mark::Wrong, "the port does not speak TLS")
                .advising(["use http:// or ws://, or let the proxy end TLS on this port"])
        }
        _ => Check::new(
            NAME,
            Mark::Wrong,
            format!("there is no agreement on TLS: {error}"),
        )
        .advising(["TLS 1.2 or 1.3 is needed"]),
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
