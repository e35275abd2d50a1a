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
/// [`Failure::No`] where something is wrong, [`Failure::Misused`] where there is nothing to look at.
pub(crate) fn run(options: &DoctorOptions) -> Result<(), Failure> {
    let target = Target::parse(&options.url).map_err(|what| Failure::new(what).misused())?;
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
    let mut written = Ok(());
    let report = examine(&wishes, &mut |progress| {
        if options.json || written.is_err() {
            return;
        }
        match progress {
            Progress::Checked(check) => written = output::line(&told(check, paint)),
            Progress::Watching(time) => patience(time),
        }
    });
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
        Err(Failure::No)
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

/// Says that it takes a while, to a person who waits.
fn patience(time: Duration) {
    let mut out = std::io::stderr().lock();
    if out.is_terminal() {
        // If nobody reads it, nobody waits.
        let _ = writeln!(
            out,
            "  (an idle connection is watched, for {} s at the most; --wait 0 leaves it out)",
            time.as_secs()
        );
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
