//! Measurements of real servers: a whole one of ours, and one that delivers badly on purpose.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is missing fails the test"
)]

mod faulty;
mod server;

use std::net::SocketAddr;
use std::time::Duration;

use veche_bench::dialect::Dialect;
use veche_bench::options::{Mode, Options};
use veche_bench::report::Report;
use veche_bench::run::{BenchError, run};
use veche_bench::target::Target;

use crate::faulty::Faulty;
use crate::server::Server;

/// 20 subscribers and 200 publications, without a warm-up; `time` is only the deadline.
fn small(address: SocketAddr, mode: Mode, dialect: Dialect) -> Options {
    let target = Target::parse(&format!("ws://{address}"), dialect.path()).expect("an address");
    let mut options = Options::new(mode, target, dialect);
    options.subs = 20;
    options.conns = 20;
    (options.channels, options.members) = if mode == Mode::Chat { (4, 5) } else { (1, 5) };
    options.messages = Some(200);
    options.warmup = Duration::ZERO;
    options.time = Duration::from_secs(20);
    options
}

fn measure(options: &Options) -> Report {
    let report = run(options, &mut |_| {});
    report.unwrap_or_else(|error| panic!("{}: {error}", options.dialect.name()))
}

fn count(report: &Report, key: &str) -> u64 {
    report
        .count_of(key)
        .unwrap_or_else(|| panic!("no {key} in\n{}", report.table()))
}

fn faults(report: &Report) -> [u64; 4] {
    ["lost", "doubled", "disordered", "misrouted"].map(|key| count(report, key))
}

#[test]
fn a_fanout_is_delivered_whole_in_every_dialect() {
    let server = Server::start();
    for dialect in Dialect::ALL {
        let report = measure(&small(server.address, Mode::Fanout, dialect));
        assert_eq!(count(&report, "connections"), 21);
        assert_eq!(count(&report, "publications"), 200);
        assert_eq!(count(&report, "deliveries"), 4000, "{}", report.table());
        assert_eq!(count(&report, "publications_answered"), 200);
        assert_eq!(faults(&report), [0; 4]);
        assert_eq!(report.notes(), [""; 0]);
        let latency = report.number_of("latency_p50_us");
        assert!(latency.is_some_and(|latency| latency > 0.0));
    }
}

#[test]
fn by_a_clock_as_many_publications_leave_as_were_asked_for() {
    let server = Server::start();
    let mut options = small(server.address, Mode::Fanout, Dialect::CentrifugeProtobuf);
    (options.rate, options.burst) = (4000.0, 32);
    let report = measure(&options);
    assert_eq!(
        (count(&report, "publications"), count(&report, "deliveries")),
        (200, 4000)
    );
    assert_eq!(faults(&report), [0; 4]);
}

#[test]
fn in_a_chat_every_member_hears_every_member_of_its_channel_only() {
    let server = Server::start();
    let mut options = small(server.address, Mode::Chat, Dialect::CentrifugeJson);
    options.rate = 2000.0;
    let report = measure(&options);
    assert_eq!(count(&report, "connections"), 20);
    assert_eq!(
        (count(&report, "publications"), count(&report, "deliveries")),
        (200, 1000)
    );
    assert_eq!(faults(&report), [0; 4]);
}

#[test]
fn idle_connections_and_a_storm_are_counted() {
    let server = Server::start();
    for mode in [Mode::Idle, Mode::Storm] {
        let mut options = small(server.address, mode, Dialect::Plain);
        options.time = Duration::from_millis(50);
        let report = measure(&options);
        assert_eq!(count(&report, "connections"), 20, "{}", mode.name());
        assert_eq!(count(&report, "connections_failed"), 0, "{}", mode.name());
    }
}

#[test]
fn the_others_lose_nothing_while_one_does_not_read() {
    let server = Server::start();
    let mut options = small(server.address, Mode::Slow, Dialect::CentrifugeJson);
    (options.rate, options.size) = (200.0, 1024);
    options.time = Duration::from_millis(300);
    let report = measure(&options);
    assert!(count(&report, "while_deliveries") > 0, "{}", report.table());
    assert_eq!(faults(&report), [0; 4]);
    // So little fits into the system's buffers: it resumed, and missed nothing either.
    assert_eq!(
        (
            count(&report, "slow_closed"),
            count(&report, "slow_missing")
        ),
        (0, 0)
    );
}

#[test]
fn loss_doubling_and_disorder_of_a_server_are_found() {
    let server = Faulty::start(|publication| match publication {
        3 => vec![],
        5 => vec![5, 5],
        7 => vec![],
        8 => vec![8, 7],
        whole => vec![whole],
    });
    let mut options = small(server.address, Mode::Fanout, Dialect::CentrifugeJson);
    options.rate = 2000.0;
    let report = measure(&options);
    assert_eq!(count(&report, "publications"), 200);
    assert_eq!(count(&report, "deliveries"), 20 * 199);
    assert_eq!(faults(&report), [20, 20, 20, 0]);
}

#[test]
fn a_closed_loop_goes_on_after_a_loss() {
    let server = Faulty::start(|publication| {
        if publication == 3 {
            vec![]
        } else {
            vec![publication]
        }
    });
    let mut options = small(server.address, Mode::Fanout, Dialect::CentrifugeJson);
    options.messages = Some(10);
    let report = measure(&options);
    assert_eq!(
        (count(&report, "publications"), count(&report, "lost")),
        (10, 20)
    );
    assert!(
        report.notes()[0].contains("stood still"),
        "{:?}",
        report.notes()
    );
}

#[test]
fn a_server_that_refuses_everything_is_an_error_in_its_words() {
    let server = Server::start_without_publishing();
    let mut options = small(server.address, Mode::Fanout, Dialect::CentrifugeJson);
    options.messages = Some(1);
    let error = run(&options, &mut |_| {}).expect_err("it refuses");
    assert!(matches!(error, BenchError::Refused(_)), "{error}");
    assert!(
        error.to_string().contains("permission denied (103)"),
        "{error}"
    );
}

#[test]
fn where_nobody_listens_nobody_is_ready() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = nobody.local_addr().expect("it is bound");
    drop(nobody);
    let error = run(&small(address, Mode::Storm, Dialect::Plain), &mut |_| {})
        .expect_err("nobody is there");
    assert!(matches!(error, BenchError::NobodyReady(_)), "{error}");
}
