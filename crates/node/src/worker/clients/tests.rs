//! Places among the connections of a user, over all workers.

use std::sync::Arc;

use veche_engine::memory::broker::MemoryBroker;
use veche_engine::memory::clock::SystemClock;
use veche_engine::memory::presence::MemoryPresence;
use veche_protocol::batch::Encoding;
use veche_protocol::identity::UserId;
use veche_session::question::{Answer, Ask, Question};
use veche_session::rules::Rules;

use crate::node::{Engine, NodeConfig};
use crate::simulate::{Nobody, Simulation};
use crate::worker::driver::Fate;

/// A node that counts users' connections.
fn counting() -> Simulation {
    let config = NodeConfig {
        count_users: true,
        ..NodeConfig::default()
    };
    let nobody = || Arc::new(Nobody);
    let simulation = Simulation::with(config, Rules::default(), nobody(), nobody(), |sink| {
        let clock = Arc::new(SystemClock::default());
        Engine {
            broker: Arc::new(MemoryBroker::new(sink, clock.clone())),
            presence: Arc::new(MemoryPresence::new(clock)),
            controller: None,
        }
    });
    simulation.expect("event queues")
}

/// Asks for one of two places of anna's.
fn ask(simulation: &mut Simulation, slot: u32) -> Option<Answer> {
    let worker = &mut simulation.workers[0];
    let key = worker.connections.key(slot).expect("the client is there");
    let question = Question::UserPlace {
        user: anna(),
        limit: 2,
    };
    let open = worker.connections.take_open(slot).expect("it talks");
    let answer = worker.ask(key, &open, Ask(1), question);
    worker.put_back(slot, open, Fate::Alive);
    answer
}

fn anna() -> UserId {
    UserId::new("anna")
}

#[test]
fn a_place_is_taken_when_it_is_asked_for_not_when_its_connection_is_let_in() {
    let mut simulation = counting();
    let clients: Vec<u32> = (0..4)
        .map(|_| simulation.open(Encoding::Json, None).expect("a slot"))
        .collect();
    // Two are about to be let in, and no more, though none is yet.
    let answers = [0, 1, 2, 2].map(Answer::Count).map(Some);
    for (client, answer) in clients.iter().zip(answers) {
        assert_eq!(ask(&mut simulation, *client), answer);
    }
    let worker = &mut simulation.workers[0];
    let (connections, context) = (&mut worker.connections, &worker.context);
    worker
        .clients
        .remember(clients[0], anna(), connections, context);
    assert_eq!(ask(&mut simulation, clients[2]), Some(Answer::Count(2)));
    // The second goes before it was let in, the first afterwards.
    simulation.lose(clients[1]);
    assert_eq!(ask(&mut simulation, clients[2]), Some(Answer::Count(1)));
    assert_eq!(
        ask(&mut simulation, clients[2]),
        Some(Answer::Count(1)),
        "it asks again, after it was refused for something else"
    );
    let worker = &mut simulation.workers[0];
    let (connections, context) = (&mut worker.connections, &worker.context);
    worker
        .clients
        .forget(clients[0], &anna(), connections, context);
    assert_eq!(ask(&mut simulation, clients[3]), Some(Answer::Count(1)));
    simulation.lose(clients[2]);
    simulation.lose(clients[3]);
    assert_eq!(ask(&mut simulation, clients[0]), Some(Answer::Count(0)));
}
