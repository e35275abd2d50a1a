//! A chat in forty lines, as docs/rust-client.md shows it: `chat URL NAME ROOM`.
#![expect(clippy::print_stdout, reason = "that is what it is for")]

use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use veche_client::{Client, Recovery, SubscriptionEvent};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, name, room] = arguments.as_slice() else {
        return Err("chat URL NAME ROOM".into());
    };
    let client = Client::builder(url).user(name);
    let client = client.outbox(format!("{name}.outbox")).connect().await?;
    let mut events = client.subscribe(room).history(20).presence().await?;
    let mut lines = BufReader::new(stdin()).lines();
    loop {
        tokio::select! {
            line = lines.next_line() => match line? {
                Some(text) => drop(client.publish(room, &text).queue().await?),
                None => break,
            },
            event = events.next() => match event {
                Some(SubscriptionEvent::Publication(said)) => {
                    let text = said.data.parse().unwrap_or_else(|_| format!("{:?}", said.data));
                    println!("{}: {text}", said.from.map_or_else(String::new, |from| from.user));
                }
                Some(SubscriptionEvent::Subscribed { recovery: Recovery::Lost, .. }) => {
                    println!("(something may be missing here)");
                }
                Some(SubscriptionEvent::Join(who)) => println!("({} is here)", who.user),
                Some(SubscriptionEvent::Leave(who)) => println!("({} has left)", who.user),
                Some(SubscriptionEvent::Interrupted) => println!("(offline; what you write is kept)"),
                Some(SubscriptionEvent::Ended(end)) => return Err(end.into()),
                _ => {}
            },
        }
    }
    client.flushed().await?;
    client.close().await;
    Ok(())
}
