//! Under which names a server answers.

use crate::origin::Origins;

/// Names by which a machine reaches itself, as the header `Host` spells them.
const OWN: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Which values of the header `Host` are answered.
///
/// A web page can give its own name the address 127.0.0.1 (DNS rebinding). To the browser a server on this machine is
/// then the page's own: it lets the page read everything, and names the page's origin beside an equal host. Only the
/// name itself shows that the page does not belong here.
#[derive(Clone, Debug, Default)]
pub enum Hosts {
    /// All of them.
    #[default]
    Any,
    /// Those of this machine with any port (tunnels change it), and those whose own pages may connect.
    ThisMachine(Origins),
}

impl Hosts {
    /// Whether a request with these headers `Host` is answered; without any it does not come from a browser.
    ///
    /// # Errors
    /// The first one that is not answered.
    pub fn admit<'a>(&self, hosts: impl Iterator<Item = &'a [u8]>) -> Result<(), Foreign> {
        let Self::ThisMachine(origins) = self else {
            return Ok(());
        };
        for host in hosts {
            let host = String::from_utf8_lossy(host);
            if !is_own(&host) && !has_pages(&host, origins) {
                return Err(Foreign(host.into_owned()));
            }
        }
        Ok(())
    }
}

/// A name under which the server does not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this server answers to the names localhost, 127.0.0.1 and [::1] only, and not to {0:?}: to serve it under that \
     name too, add its origin (\"http://{name}\") to client.allowed_origins", name = .0.escape_debug()
)]
pub struct Foreign(String);

fn is_own(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    OWN.iter().any(|own| own.eq_ignore_ascii_case(name))
}

fn has_pages(host: &str, origins: &Origins) -> bool {
    ["http", "https"]
        .iter()
        .any(|scheme| origins.admit(Some(&format!("{scheme}://{host}")), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(hosts: &Hosts, given: &[&str]) -> bool {
        hosts
            .admit(given.iter().map(|host| host.as_bytes()))
            .is_ok()
    }

    #[test]
    fn a_server_for_this_machine_answers_to_its_own_names() {
        let patterns = ["https://chat.example.com".to_owned()];
        let hosts = Hosts::ThisMachine(Origins::new(&patterns, true).unwrap());
        for own in [
            "localhost",
            "LocalHost:8000",
            "127.0.0.1:8000",
            "[::1]",
            "[::1]:9000",
            "chat.example.com",
        ] {
            assert!(admits(&hosts, &[own]), "{own}");
        }
        for foreign in [
            "evil.example:8000",
            "localhost.evil.example",
            "localhost:8000.evil.example",
            "127.0.0.1.evil.example",
            "evil.localhost",
            "::1",
            "",
            "\u{fffd}",
        ] {
            assert!(!admits(&hosts, &[foreign]), "{foreign}");
        }
        assert!(admits(&hosts, &[]));
        assert!(!admits(&hosts, &["localhost:8000", "evil.example"]));
    }

    #[test]
    fn any_other_server_answers_to_every_name() {
        assert!(admits(&Hosts::default(), &["anything"]));
    }

    #[test]
    fn a_refusal_names_the_host_and_what_to_change() {
        let hosts = Hosts::ThisMachine(Origins::default());
        let host = b"evil\xff\x1b.example".as_slice();
        let text = hosts.admit(std::iter::once(host)).unwrap_err().to_string();
        assert!(text.contains("client.allowed_origins"), "{text}");
        assert!(text.contains("http://evil"), "{text}");
        assert!(text.chars().all(|c| !c.is_control()), "{text}");
    }
}
