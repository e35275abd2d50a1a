//! Channels of users' own, and users who may have one connection.

use super::{check_with, options, rules};
use crate::profile::Profile;
use crate::rules::{PersonalChannel, Rules};

fn personal(prefix: &str, single_connection: bool) -> Rules {
    rules(|rules| {
        rules.client.user_connection_limit = 1;
        rules.client.personal_channel = Some(PersonalChannel {
            prefix: prefix.into(),
            single_connection,
        });
        if !single_connection {
            rules.client.user_connection_limit = 0;
        }
    })
}

#[test]
fn a_user_is_subscribed_to_a_channel_of_its_own() {
    check_with(
        Profile::WEBSOCKET,
        &personal("#", false),
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna
        < tell connected \"anna\"
        < ask 3 enter #anna
        ~ 3 done
        < 1 connected ping 25 pong [#anna]
        < attach #anna
    ",
    );
}

#[test]
fn nobody_in_particular_has_no_channel_of_its_own() {
    check_with(
        Profile::WEBSOCKET,
        &personal("#", true),
        "
        > 1 connect
        < tell connected \"\"
        < 1 connected ping 25 pong
    ",
    );
}

#[test]
fn a_channel_of_ones_own_in_no_namespace_is_error_102() {
    check_with(
        Profile::WEBSOCKET,
        &personal("nowhere:#", false),
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna
        < 1 error 102
    ",
    );
}

#[test]
fn a_channel_of_ones_own_is_recovered_and_outlives_a_refresh() {
    let mut rules = personal("#", false);
    options(&mut rules, |options| options.force_recovery = true);
    check_with(
        Profile::WEBSOCKET,
        &rules,
        "
        > 1 connect token=T sub=#anna/e:3
        < ask 1 connection_token T
        ~ 1 claims user=anna
        < tell connected \"anna\"
        < ask 3 enter #anna
        ~ 3 done
        < ask 4 history #anna limit 300 since :3
        ~ 4 top e:4 4
        < 1 connected ping 25 pong [#anna positioned recoverable at e:3 recovered 4]
        < attach #anna after e:4
        > 2 refresh T2
        < ask 5 connection_token T2
        ~ 5 claims user=anna
        < 2 refreshed
    ",
    );
}

#[test]
fn who_may_have_one_connection_ends_the_others_by_a_new_one() {
    check_with(
        Profile::WEBSOCKET,
        &personal("#", true),
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna
        < ask 2 presence_stats #anna
        ~ 2 stats 1 1
        < tell end_others \"anna\"
        < tell connected \"anna\"
        < ask 4 enter #anna
        ~ 4 done
        < 1 connected ping 25 pong [#anna]
        < attach #anna
    ",
    );
    check_with(
        Profile::WEBSOCKET,
        &personal("#", true),
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna
        < ask 2 presence_stats #anna
        ~ 2 stats 0 0
        < tell connected \"anna\"
        < ask 4 enter #anna
        ~ 4 done
        < 1 connected ping 25 pong [#anna]
        < attach #anna
    ",
    );
}

#[test]
fn who_may_have_one_connection_is_not_let_in_while_nobody_knows_of_others() {
    check_with(
        Profile::WEBSOCKET,
        &personal("#", true),
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna
        < ask 2 presence_stats #anna
        ~ 2 failed
        < close 3004 internal server error
    ",
    );
}
