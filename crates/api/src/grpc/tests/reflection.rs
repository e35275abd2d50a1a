//! Tests of what tools are told about the services.

use prost_types::FileDescriptorProto;

use super::*;

/// Asks questions on one stream of a version of the protocol, and gives the answers to them.
macro_rules! ask {
    ($version:ident, $($question:expr),*) => {{
        use tonic_reflection::pb::$version::server_reflection_request::MessageRequest as Question;
        use tonic_reflection::pb::$version::{ServerReflectionRequest, ServerReflectionResponse};
        let questions = [$({ use Question::*; $question }),*];
        let count = questions.len();
        let body: Vec<u8> = questions
            .into_iter()
            .map(|question| ServerReflectionRequest {
                host: "h".into(),
                message_request: Some(question),
            })
            .flat_map(|message| prefixed(0, &message.encode_to_vec()))
            .collect();
        let mut call = request("", Full::new(Bytes::from(body)));
        let service = concat!("/grpc.reflection.", stringify!($version), ".ServerReflection/");
        let path = format!("{service}ServerReflectionInfo");
        *call.uri_mut() = path.parse().expect("an address");
        let options = GrpcOptions {
            reflection: true,
            ..GrpcOptions::default()
        };
        let answer = send(&Arc::default(), options, call).await;
        assert_eq!(answer.code, Code::Ok, "{answer:?}");
        let mut rest = &answer.body[..];
        let mut answers = Vec::new();
        while let [0, a, b, c, d, message @ ..] = rest {
            let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
            let response = ServerReflectionResponse::decode(&message[..length]).expect("a response");
            assert_eq!(response.valid_host, "h");
            assert!(response.original_request.is_some());
            answers.push(response.message_response.expect("an answer"));
            rest = &message[length..];
        }
        assert_eq!(answers.len(), count, "every question has an answer");
        answers
    }};
}

#[tokio::test]
async fn what_is_not_there_is_told_in_a_response_and_the_stream_goes_on() {
    macro_rules! check {
        ($version:ident) => {{
            use tonic_reflection::pb::$version::server_reflection_response::MessageResponse;
            let answers = ask!(
                $version,
                FileContainingSymbol("no.such.Symbol".into()),
                FileByFilename("no.proto".into()),
                AllExtensionNumbersOfType("no.such.Type".into()),
                FileContainingExtension(Default::default()),
                FileContainingSymbol(SERVICE_NAME.into())
            );
            let codes: Vec<_> = answers
                .iter()
                .map(|answer| match answer {
                    MessageResponse::ErrorResponse(error) => {
                        assert!(error.error_message.starts_with("there is no "));
                        error.error_code
                    }
                    _ => 0,
                })
                .collect();
            assert_eq!(codes, [5, 5, 5, 5, 0], "NOT_FOUND is 5");
        }};
    }
    check!(v1);
    check!(v1alpha);
}

#[tokio::test]
async fn services_methods_messages_and_fields_are_found_in_their_files() {
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    let symbols = [
        (SERVICE_NAME.to_owned(), "api.proto"),
        (format!("{SERVICE_NAME}.Publish"), "api.proto"),
        (
            "centrifugal.centrifugo.api.PublishRequest.channel".to_owned(),
            "api.proto",
        ),
        ("veche.api.UsersResult".to_owned(), "veche.proto"),
    ];
    for (symbol, file) in symbols {
        let answers = ask!(
            v1,
            FileContainingSymbol(symbol.clone()),
            FileByFilename(file.to_owned())
        );
        let files: Vec<_> = answers
            .into_iter()
            .map(|answer| match answer {
                MessageResponse::FileDescriptorResponse(found) => found.file_descriptor_proto,
                other => panic!("{symbol}: {other:?}"),
            })
            .collect();
        assert_eq!(files[0], files[1], "{symbol}");
        let found = FileDescriptorProto::decode(&files[0][0][..]).expect("a file");
        assert_eq!(found.name(), file);
    }
    let answers = ask!(
        v1,
        ListServices(String::new()),
        AllExtensionNumbersOfType("veche.api.UsersResult".into())
    );
    let [
        MessageResponse::ListServicesResponse(list),
        MessageResponse::AllExtensionNumbersResponse(numbers),
    ] = &answers[..]
    else {
        panic!("{answers:?}");
    };
    let names: Vec<_> = list.service.iter().map(|it| it.name.as_str()).collect();
    let expected = [
        SERVICE_NAME,
        OWN_SERVICE_NAME,
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    ];
    assert_eq!(names, expected);
    assert!(numbers.extension_number.is_empty());
}
