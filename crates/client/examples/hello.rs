//! The first message in ten lines, as docs/rust-client.md shows it.
#![expect(clippy::print_stdout, reason = "that is what it is for")]

use veche_client::{Client, SubscriptionEvent};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("hello URL")?;
    let client = Client::builder(url).user("me").connect().await?;
    let mut news = client.subscribe("news").await?;
    client.publish("news", &"hello").await?;
    while let Some(event) = news.next().await {
        if let SubscriptionEvent::Publication(publication) = event {
            println!("{:?}", publication.data);
        }
    }
    Ok(())
}
