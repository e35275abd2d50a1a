//! `veche doctor`: looks at a deployment from outside, and says what to change.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use veche_doctor::check::{Check, Mark, Report};
use veche_doctor::examine::{Options, Progress, examine};
use veche_doctor::target::Target;

use crate::cli::DoctorOptions;
use crate::failure::Failure;
use crate::output::{self, Paint};

/// Prints each finding as soon as it is there.
///
/// # Errors
/// [`Failure::NO`] where something is wrong, [`Failure::Misused`] where there is nothing to look at.
pub(crate) fn run(options: &DoctorOptions) -> Result<(), Failure> {
    let (target, assumed) =
        Target::parse_address(options.url.trim()).map_err(|what| Failure::new(what).misused())?;
    let mut wishes = Options::new(target);
    wishes.token = options.token.as_deref().map(|it| it.trim().to_owned());
    wishes.origin.clone_from(&options.origin);
    wishes.watch = options.wait.map(Duration::from_secs);
    wishes.timeout = Duration::from_secs(options.timeout.max(1));
    if let Some(file) = &options.ca {
        let cannot = |what| Failure::new(format!("--ca {}: {what}", file.display())).misused();
        wishes.authorities = Some(veche_doctor::authorities(file).map_err(cannot)?);
    }
    let paint = Paint::for_standard_output();
    let mut waiting = StatusLine::new(!options.json);
    if let Some(scheme) = assumed {
        let url = options.url.trim();
        waiting.note(&format!("{url} names no scheme: looking at {scheme}{url}"));
    }
    let mut written = Ok(());
    let report = examine(&wishes, &mut |progress| match progress {
        Progress::Checked(check) => {
            waiting.clear();
            if !options.json && written.is_ok() {
                written = output::line(&told(check, paint));
            }
        }
        Progress::Looking(name) => waiting.show(&format!("… {name}")),
        Progress::Watching {
            elapsed,
            longest,
            pings,
        } => waiting.watch(elapsed, longest, pings),
    });
    waiting.clear();
    written.map_err(Failure::misused)?;
    let end = if options.json {
        format!("{:#}", report.to_json())
    } else {
        verdict(&report)
    };
    output::line(&end).map_err(Failure::misused)?;
    if report.is_well() {
        Ok(())
    } else {
        Err(Failure::NO)
    }
}

fn told(check: &Check, paint: Paint) -> String {
    let sign = match check.mark {
        Mark::Fine => paint.good("✓"),
        Mark::Note => paint.dim("·"),
        Mark::Doubtful => paint.doubtful("!"),
        Mark::Wrong => paint.bad("✗"),
    };
    let mut text = format!("{sign} {}: {}", check.name, check.found);
    for line in &check.advice {
        text.push_str("\n    ");
        text.push_str(line);
    }
    text
}

/// What a person sees who waits: on a terminal a line that is rewritten, elsewhere a line where it takes long.
struct StatusLine {
    is_wanted: bool,
    is_terminal: bool,
    is_shown: bool,
    has_told: bool,
}

impl StatusLine {
    fn new(is_wanted: bool) -> Self {
        Self {
            is_wanted,
            is_terminal: std::io::stderr().is_terminal(),
            is_shown: false,
            has_told: false,
        }
    }

    /// A line among the findings, so that it keeps its place in a pipe.
    fn note(&self, text: &str) {
        if self.is_wanted {
            // The next finding tells that nobody reads.
            let _ = output::line(text);
        }
    }

    fn show(&mut self, text: &str) {
        if self.is_wanted && self.is_terminal {
            self.write(&format!("\r\x1b[K{text}"));
            self.is_shown = true;
        }
    }

    fn watch(&mut self, elapsed: Duration, longest: Duration, pings: u32) {
        let longest = longest.as_secs();
        self.show(&format!(
            "… idle: {} s of {longest} s at the most, {pings} pings so far (--wait 0 leaves it out)",
            elapsed.as_secs()
        ));
        if !self.is_terminal && !self.has_told {
            self.note(&format!(
                "… idle: a quiet connection is watched, for {longest} s at the most (--wait 0 leaves it out)"
            ));
        }
        self.has_told = true;
    }

    fn clear(&mut self) {
        if self.is_shown {
            self.write("\r\x1b[K");
            self.is_shown = false;
        }
    }

    /// If nobody reads it, nobody waits.
    fn write(&self, text: &str) {
        let mut out = std::io::stderr().lock();
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
    }
}

fn verdict(report: &Report) -> String {
    let (wrong, doubtful) = (report.count(Mark::Wrong), report.count(Mark::Doubtful));
    match (wrong, doubtful) {
        (0, 0) => "all is well".to_owned(),
        (0, _) => "all works; look at the lines with !".to_owned(),
        _ => "clients have trouble; change what the lines with ✗ say".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use veche_doctor::check::{Check, Mark, Report};

    use super::{Paint, told, verdict};

    #[test]
    fn a_finding_is_a_line_and_what_to_change_stands_below() {
        let check = Check {
            name: "upgrade",
            mark: Mark::Wrong,
            found: "it fails".to_owned(),
            advice: vec!["in nginx:".to_owned(), "    do this;".to_owned()],
        };
        assert_eq!(
            told(&check, Paint::Plain),
            "✗ upgrade: it fails\n    in nginx:\n        do this;"
        );
        let report = Report {
            checks: vec![check],
        };
        assert!(verdict(&report).contains("trouble"));
        assert_eq!(verdict(&Report::default()), "all is well");
    }
}
