//! Tests of what a body may be.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http_body::Frame;
use tokio_stream::StreamExt;

use super::*;

fn small() -> GrpcOptions {
    GrpcOptions {
        max_message: 1000,
        ..GrpcOptions::default()
    }
}

/// A request whose whole message has this many bytes.
fn publish_of(length: usize) -> PublishRequest {
    let of = |data| PublishRequest {
        channel: "a".into(),
        data: vec![b'x'; data],
        ..PublishRequest::default()
    };
    let prefix = of(length).encoded_len() - length;
    let request = of(length - prefix);
    assert_eq!(request.encoded_len(), length);
    request
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

#[tokio::test]
async fn a_message_is_bounded() {
    let full = request("Publish", framed(&publish_of(1000)));
    let answer = send(&Arc::default(), small(), full).await;
    assert_eq!(answer.code, Code::Ok);
    let backend = Arc::default();
    let larger = request("Publish", framed(&publish_of(1001)));
    let answer = send(&backend, small(), larger).await;
    answer.assert_says(Code::ResourceExhausted, "1000 bytes");
    assert!(backend.asked().is_empty());
}

#[tokio::test]
async fn a_message_that_announces_too_much_is_not_waited_for() {
    let prefix = Bytes::from_static(&[0, 0, 0, 4, 0]);
    let parts = [prefix.slice(..2), prefix.slice(2..)].map(|part| Ok(Frame::data(part)));
    let silence = tokio_stream::pending::<Result<_, Infallible>>();
    let body = StreamBody::new(tokio_stream::iter(parts).chain(silence));
    let answer = send(&Arc::default(), small(), request("Publish", body)).await;
    answer.assert_says(Code::ResourceExhausted, "1000 bytes");
}

#[tokio::test]
async fn messages_behind_the_first_do_not_go_on_for_ever() {
    let message = prefixed(0, &publish_of(100).encode_to_vec());
    let endless = std::iter::repeat_with(move || Ok::<_, Infallible>(Frame::data(message.clone())));
    let body = StreamBody::new(tokio_stream::iter(endless));
    let answer = send(&Arc::default(), small(), request("Publish", body)).await;
    answer.assert_says(Code::ResourceExhausted, "1000 bytes");
}

#[tokio::test]
async fn what_never_comes_is_given_up() {
    let impatient = GrpcOptions {
        read_timeout: Duration::from_millis(1),
        ..small()
    };
    let silence = StreamBody::new(tokio_stream::pending::<Result<_, Infallible>>());
    let answer = send(&Arc::default(), impatient, request("Publish", silence)).await;
    answer.assert_says(Code::DeadlineExceeded, "in time");
}

#[tokio::test]
async fn what_is_no_message_is_an_internal_error() {
    for body in [
        prefixed(0, b"\xff\xff"),
        prefixed(0, b"\x0a\x01\xff"), // a channel that is not UTF-8
        prefixed(1, b""),             // compressed, and not said how
        prefixed(2, b""),
        Bytes::from_static(&[0, 0, 0, 0, 9, 1]),
        Bytes::new(),
    ] {
        let backend = Arc::default();
        let call = request("Publish", Full::new(body.clone()));
        let answer = send(&backend, small(), call).await;
        answer.assert_says(Code::Internal, "");
        assert!(backend.asked().is_empty(), "{body:?}");
    }
}

#[tokio::test]
async fn a_compressed_request_is_understood_and_answered_alike() {
    let message = gzip(&presence().encode_to_vec());
    let call = |flag, body: &[u8]| {
        let call = request("Presence", Full::new(prefixed(flag, body)));
        with(call, "grpc-accept-encoding", "identity, deflate, gzip")
    };
    let packed = with(call(1, &message), "grpc-encoding", "gzip");
    let answer = send(&Arc::default(), small(), packed).await;
    assert_eq!(answer.code, Code::Ok);
    assert_eq!(answer.headers["grpc-encoding"], "gzip");
    assert_eq!(answer.body[0], 1);
    let mut plain = Vec::new();
    let read = GzDecoder::new(&answer.body[5..]).read_to_end(&mut plain);
    read.expect("compressed bytes");
    PresenceResponse::decode(plain.as_slice()).expect("a message");

    let plain = call(0, &presence().encode_to_vec());
    let answer = send(&Arc::default(), small(), plain).await;
    answer.message::<PresenceResponse>();

    let unknown = with(call(1, &message), "grpc-encoding", "br");
    let answer = send(&Arc::default(), small(), unknown).await;
    assert_eq!(answer.code, Code::Unimplemented);
    assert_eq!(answer.headers["grpc-accept-encoding"], "gzip,identity");
}

#[tokio::test]
async fn a_compressed_message_is_bounded_when_it_is_unpacked() {
    let message = gzip(&publish_of(100_000).encode_to_vec());
    assert!(message.len() < 1000);
    let call = request("Publish", Full::new(prefixed(1, &message)));
    let backend = Arc::default();
    let answer = send(&backend, small(), with(call, "grpc-encoding", "gzip")).await;
    answer.assert_says(Code::ResourceExhausted, "");
    assert!(backend.asked().is_empty());
}

#[tokio::test]
async fn data_that_are_no_json_are_bytes() {
    for (data, b64data, kind) in [
        (&b"{}"[..], "", "Json {}"),
        (b"{} ", "", "Json {} "),
        (b"\xff", "", "Binary \u{fffd}"),
        (b"", "", "Binary "),
        (b"{}", "AQ==", "Binary \u{1}"),
        (b"", "e30=", "Json {}"),
    ] {
        let message = PublishRequest {
            channel: "a".into(),
            data: data.to_vec(),
            b64data: b64data.into(),
            ..PublishRequest::default()
        };
        let backend = Arc::default();
        let call = request("Publish", framed(&message));
        let answer = send(&backend, small(), call).await;
        let PublishResponse { error, result } = answer.message();
        assert_eq!(error, None);
        let position = result.map(|it| (it.offset, it.epoch));
        assert_eq!(position, Some((7, "epoch".to_owned())));
        let expected = format!("publish a {kind} None \"\" 0 \"\" false false");
        assert_eq!(backend.asked(), [expected]);
    }
}
