//! Each breach of the contract is found.

use veche_protocol::disconnect::Disconnect;
use veche_protocol::identity::{ClientId, UserId};

use super::*;
use crate::effect::{Attach, Delta};
use crate::question::Failure;

fn enter(number: u32, channel: &str) -> Effect {
    Effect::Ask {
        ask: Ask(number),
        question: Question::Enter {
            channel: Channel::new(channel),
        },
    }
}

fn attach(channel: &str) -> Effect {
    Effect::Attach(Attach {
        channel: Channel::new(channel),
        after: None,
        join_leave: false,
        filter: None,
        delta: Delta::Off,
        compact: false,
    })
}

fn detach(channel: &str) -> Effect {
    Effect::Detach {
        channel: Channel::new(channel),
    }
}

fn connected() -> Effect {
    Effect::Tell(Notice::Connected {
        client: ClientId::from_random([7; 16]),
        user: UserId::default(),
        app: None,
    })
}

/// Asks for effects, and carries them out.
fn play(contract: &mut Contract, effects: &[Effect]) {
    contract.ask_for(effects);
    for effect in effects {
        contract.carry_out(effect);
    }
}

/// A session that has entered `a`, with the number 1.
fn entered() -> Contract {
    let mut contract = Contract::default();
    play(&mut contract, &[connected(), enter(1, "a")]);
    contract.answer(Ask(1), &Answer::Done(Ok(())));
    contract
}

#[test]
fn a_conversation_that_keeps_the_contract_is_let_through() {
    let mut contract = entered();
    contract.deliver(&Channel::new("a"));
    play(&mut contract, &[attach("a"), enter(2, "b")]);
    contract.answer(Ask(2), &Answer::Done(Err(Failure::Unavailable)));
    play(&mut contract, &[detach("b"), enter(3, "b")]);
    // The end is said while something is asked.
    contract.end();
    play(&mut contract, &[detach("a"), detach("b")]);
    contract.forget();
}

#[test]
fn a_session_that_failed_is_let_through() {
    let mut contract = entered();
    contract.ask_for(&[attach("a"), Effect::Ping]);
    contract.fail();
    contract.end();
    contract.forget();
}

#[test]
#[should_panic(expected = "another effect's turn")]
fn effects_are_carried_out_in_order() {
    let mut contract = entered();
    contract.ask_for(&[attach("a"), Effect::Ping]);
    contract.carry_out(&Effect::Ping);
}

#[test]
#[should_panic(expected = "another effect's turn")]
fn an_effect_is_carried_out_once() {
    let mut contract = entered();
    play(&mut contract, &[Effect::Ping]);
    contract.carry_out(&Effect::Ping);
}

#[test]
#[should_panic(expected = "effects are not carried out")]
fn no_effect_is_left_out() {
    let mut contract = entered();
    contract.ask_for(&[attach("a")]);
    contract.end();
}

#[test]
#[should_panic(expected = "is answered already")]
fn a_question_is_answered_once() {
    entered().answer(Ask(1), &Answer::Done(Ok(())));
}

#[test]
#[should_panic(expected = "is no answer to")]
fn a_question_is_answered_by_its_kind_of_answer() {
    let mut contract = Contract::default();
    play(&mut contract, &[enter(1, "a")]);
    contract.answer(Ask(1), &Answer::Count(1));
}

#[test]
#[should_panic(expected = "to what was not asked")]
fn a_question_is_not_answered_before_its_turn() {
    let mut contract = Contract::default();
    contract.ask_for(&[Effect::Ping, enter(1, "a")]);
    contract.answer(Ask(1), &Answer::Done(Ok(())));
}

#[test]
#[should_panic(expected = "an answer after the end")]
fn nothing_is_answered_after_the_end() {
    let mut contract = Contract::default();
    play(&mut contract, &[enter(1, "a")]);
    contract.end();
    contract.answer(Ask(1), &Answer::Done(Ok(())));
}

#[test]
#[should_panic(expected = "a delivery of a: it is Some(Attached)")]
fn an_attached_channel_is_not_delivered_to_the_session() {
    let mut contract = entered();
    play(&mut contract, &[attach("a")]);
    contract.deliver(&Channel::new("a"));
}

#[test]
#[should_panic(expected = "the end was not said")]
fn a_session_is_not_forgotten_before_its_end() {
    entered().forget();
}

#[test]
#[should_panic(expected = "the end is said twice")]
fn the_end_is_said_once() {
    let mut contract = Contract::default();
    contract.end();
    contract.end();
}

#[test]
#[should_panic(expected = "channels are not left")]
fn a_session_leaves_its_channels_before_it_closes() {
    entered().ask_for(&[Effect::Close(Disconnect::SHUTDOWN)]);
}

#[test]
#[should_panic(expected = "follows the end")]
fn nothing_follows_a_close() {
    let effects = [
        detach("a"),
        Effect::Close(Disconnect::SHUTDOWN),
        Effect::Ping,
    ];
    entered().ask_for(&effects);
}

#[test]
#[should_panic(expected = "is sent after the end")]
fn nothing_is_sent_after_the_end() {
    let mut contract = entered();
    contract.end();
    contract.ask_for(&[detach("a"), Effect::Ping]);
}

#[test]
#[should_panic(expected = "a is attached: Some(Entering)")]
fn a_channel_is_not_attached_before_it_is_entered() {
    let mut contract = Contract::default();
    contract.ask_for(&[enter(1, "a"), attach("a")]);
}

#[test]
#[should_panic(expected = "a is entered twice")]
fn a_channel_is_not_entered_twice() {
    entered().ask_for(&[enter(2, "a")]);
}

#[test]
#[should_panic(expected = "was not entered")]
fn a_channel_is_left_once() {
    entered().ask_for(&[detach("a"), detach("a")]);
}

#[test]
#[should_panic(expected = "is a number that was used")]
fn questions_have_numbers_of_their_own() {
    entered().ask_for(&[enter(1, "b")]);
}

#[test]
#[should_panic(expected = "the client is connected twice")]
fn a_client_is_connected_once() {
    entered().ask_for(&[connected()]);
}
