//! Tests of commands that name their method.

use super::*;

#[tokio::test]
async fn commands_are_answered_a_line_each_in_order() {
    let commands = r#"{"id": 1, "method": "presence_stats", "params": {"channel": "a"}}
        {"method": "PUBLISH", "params": {"channel": "b", "data": 1}}{"Id": 3, "Method": 9}"#;
    let (status, text, asked) = call("/api", commands).await;
    assert_eq!(status, 200);
    let lines: Vec<_> = text.split('\n').collect();
    assert_eq!(
        lines[0],
        r#"{"id":1,"result":{"num_clients":2,"num_users":1}}"#
    );
    assert_eq!(lines[1], r#"{"result":{"offset":7,"epoch":"epoch"}}"#);
    assert!(
        lines[2].starts_with(r#"{"id":3,"result":{"nodes":[{"#),
        "{text}"
    );
    assert_eq!(asked.len(), 3);
}

#[tokio::test]
async fn a_method_has_a_name_or_a_number_and_publish_is_the_default() {
    let params = r#""params": {"channel": "a", "data": 1, "method": "x"}"#;
    for (method, asked) in [
        (r#""#, "publish a"),
        (r#""method": 0,"#, "publish a"),
        (r#""method": 4,"#, "presence a"),
        (r#""method": "History_Remove","#, "remove_history a"),
        (r#""method": 12,"#, "refresh"),
    ] {
        let (status, _, all) = call("/api", &format!("{{{method} {params}}}")).await;
        assert_eq!(status, 200);
        assert!(
            all.len() == 1 && all[0].starts_with(asked),
            "{method} {all:?}"
        );
    }
}

#[tokio::test]
async fn what_a_command_lacks_is_its_own_error_and_what_it_can_t_be_is_the_call_s() {
    for (command, status, words) in [
        (
            r#"{"id": 2, "method": 100}"#,
            200,
            r#"{"id":2,"error":{"code":104,"message":"not found"}}"#,
        ),
        (r#"{"method": -1}"#, 200, "104"),
        (r#"{"method": "map_publish"}"#, 200, "104"),
        (
            r#"{"method": 10, "params": {"method": "x"}}"#,
            200,
            r#"{"code":104,"message":"not found"}"#,
        ),
        (r#"{"method": "rpc", "params": {}}"#, 200, "107"),
        (
            r#"{"method": "publish"}"#,
            200,
            r#"{"error":{"code":107,"message":"bad request"}}"#,
        ),
        (r#"{"params": {"channel": 1}}"#, 200, "107"),
        (r#"{"params": null}"#, 200, "107"),
        (r#"null"#, 200, "107"),
        (r#"{"method": "batch"}"#, 400, "method"),
        (r#"{"method": "nonsense"}"#, 400, "method"),
        (r#"{"method": 1.5}"#, 400, "method"),
        (r#"{"method": null}"#, 400, "method"),
        (r#"{"id": -1}"#, 400, "id"),
        (r#"{"id": "1"}"#, 400, "id"),
        (r#"[]"#, 400, ""),
        (r#"1"#, 400, ""),
        (r#""#, 400, ""),
    ] {
        let (answered, text, asked) = call("/api", command).await;
        assert_says(&(answered, text), status, words);
        assert!(asked.is_empty(), "{command}");
    }
}

#[tokio::test]
async fn info_has_no_parameters_whatever_stands_there() {
    for command in [r#"{"method": 9}"#, r#"{"method": "info", "params": []}"#] {
        let (_, text, asked) = call("/api", command).await;
        assert!(
            text.starts_with(r#"{"result":"#) && asked.len() == 1,
            "{text}"
        );
    }
}

#[tokio::test]
async fn commands_before_a_malformed_one_are_carried_out() {
    let (status, _, asked) = call("/api", r#"{"method": "info"} {"id": }"#).await;
    assert_eq!((status, asked.len()), (400, 1));
}

#[tokio::test]
async fn nothing_but_spaces_is_no_command_and_no_error() {
    let (status, text, _) = call("/api", " \n").await;
    assert_eq!((status, text.as_str()), (200, ""));
}
