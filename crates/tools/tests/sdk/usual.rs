//! What the SDK does on a good day.

use centrifuge::{Client, DeltaType, Error, Filter, HistoryOptions, Protocol, StreamPosition};

use crate::hearing::{Heard, PROTOCOLS, begin, builder, client, listen, soon};
use crate::server::{Server, token};

#[tokio::test]
async fn publications_history_and_presence_in_both_protocols() {
    let server = Server::start();
    for protocol in PROTOCOLS {
        let anna = builder(&server.url(), protocol).token(token("anna", 600));
        let anna = anna.build().unwrap();
        anna.connect().unwrap();
        let channel = format!("{protocol:?}");
        let mut room = listen(anna.new_subscription(&*channel).recoverable(true)).await;
        room.subscription.publish(r#"{"n":1}"#).await.unwrap();
        anna.publish(&channel, r#"{"n":2}"#).await.unwrap();
        let (first, second) = (room.publication().await, room.publication().await);
        assert_eq!((&*first.data, first.offset), (&br#"{"n":1}"#[..], 1));
        assert_eq!((&*second.data, second.offset), (&br#"{"n":2}"#[..], 2));
        assert_eq!(first.info.unwrap().user, "anna");

        let history = anna.history(&channel, HistoryOptions::new().all()).await;
        let history = history.unwrap();
        assert_eq!((history.publications.len(), history.offset), (2, 2));
        let newest = HistoryOptions::new().limit(1).reverse(true);
        let newest = room.subscription.history(newest).await.unwrap();
        assert_eq!(newest.publications[0].offset, 2);
        let since = StreamPosition::new(1, history.epoch.clone());
        let since = HistoryOptions::new().all().since(since);
        let since = anna.history(&channel, since).await.unwrap();
        assert_eq!(since.publications[0].offset, 2);

        let presence = anna.presence(&channel).await.unwrap();
        assert_eq!(presence.clients.len(), 1);
        let stats = room.subscription.presence_stats().await.unwrap();
        assert_eq!((stats.num_clients, stats.num_users), (1, 1));
        let call = anna.rpc("no_such", "{}").await.unwrap_err();
        assert!(
            matches!(&call, Error::Server(error) if error.code == 108),
            "{call}"
        );
        anna.close().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_allowed_is_told_with_its_code() {
    let server = Server::start();
    for protocol in PROTOCOLS {
        let anna = client(&server.url(), protocol).await;
        for (channel, expected) in [("unknown:x", 102), ("closed:x", 103)] {
            let mut refused = begin(anna.new_subscription(channel));
            assert!(matches!(refused.next().await, Heard::Unsubscribed(code) if code == expected));
        }
        anna.close().await;
    }
    server.stop().await;
}

/// A document of some kilobytes that changes a little each time.
fn document(n: usize) -> String {
    let rows = (0..100).map(|row| format!(r#""row {row}: nothing new here""#));
    let rows = rows.collect::<Vec<_>>().join(",");
    format!(r#"{{"n":{n},"rows":[{rows}]}}"#)
}

#[tokio::test]
async fn deltas_give_the_whole_data_and_take_a_fraction_of_the_bytes() {
    const COUNT: usize = 30;
    let server = Server::start();
    for protocol in PROTOCOLS {
        let channel = format!("delta-{protocol:?}");
        let (writer, reader) = (
            client(&server.url(), Protocol::Json).await,
            client(&server.url(), protocol).await,
        );
        let subscribing = reader.new_subscription(&*channel).recoverable(true);
        let mut deltas = listen(subscribing.delta(DeltaType::Fossil)).await;
        let before = reader.statistics().bytes_in;
        for n in 0..COUNT {
            writer.publish(&channel, document(n)).await.unwrap();
        }
        for n in 0..COUNT {
            assert_eq!(deltas.publication().await.data, document(n));
        }
        let taken = reader.statistics().bytes_in - before;
        let whole = u64::try_from(COUNT * document(0).len()).unwrap();
        assert!(taken < whole / 3, "{taken} of {whole} bytes");
        writer.close().await;
        reader.close().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_tags_filter_lets_through_what_it_says_also_of_what_was_missed() {
    let server = Server::start();
    let writer = veche_client::Client::builder(server.plain_url())
        .connect()
        .await;
    let writer = writer.unwrap();
    for protocol in PROTOCOLS {
        let channel = format!("filter-{protocol:?}");
        let publish = async |n: u32| {
            let event = if n.is_multiple_of(2) { "even" } else { "odd" };
            writer.publish(&*channel, &n).event(event).await.unwrap();
        };
        let reader = client(&server.url(), protocol).await;
        let filter = || Filter::or([Filter::eq("event", "odd"), Filter::not_exists("event")]);
        let subscribing = reader.new_subscription(&*channel).recoverable(true);
        let mut odd = listen(subscribing.tags_filter(filter())).await;
        for n in 0..6 {
            publish(n).await;
        }
        for n in [1, 3, 5] {
            let publication = odd.publication().await;
            assert_eq!(publication.data, n.to_string());
            assert_eq!(publication.tags["event"], "odd");
        }
        odd.subscription.unsubscribe();
        assert!(matches!(odd.next().await, Heard::Unsubscribed(0)));
        for n in 6..10 {
            publish(n).await;
        }
        odd.subscription.subscribe();
        for n in [7, 9] {
            assert_eq!(odd.publication().await.data, n.to_string());
        }
        reader.close().await;
    }
    server.stop().await;
}

/// The server has no HTTP streaming yet. When it has, this becomes a test of it, like those of the WebSocket.
#[tokio::test]
async fn http_streaming_is_answered_as_an_address_that_does_not_exist() {
    let server = Server::start();
    let (sender, mut errors) = tokio::sync::mpsc::unbounded_channel();
    let client = Client::builder(format!("http://{}/connection/http_stream", server.address))
        .on_error(move |_, event| {
            sender.send(event.error).ok();
        })
        .build()
        .unwrap();
    client.connect().unwrap();
    let error = soon("an error", errors.recv()).await.unwrap();
    assert!(error.to_string().contains("404"), "{error}");
    client.close().await;
    server.stop().await;
}
