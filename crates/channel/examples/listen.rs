//! A bare channel in ten lines, as docs/rust-channel.md shows it.
#![expect(clippy::print_stdout, reason = "that is what it is for")]

use veche_channel::connect;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("listen URL")?;
    let mut channel = connect(&url).await?;
    let subscribe = r#"{"action": "subscribe", "channel": "news"}"#;
    channel.send(r#"{"action": "login", "user": "me"}"#).await?;
    channel.send(subscribe).await?;
    while let Some(message) = channel.next().await {
        println!("{}", message?.as_text().unwrap_or_default());
    }
    Ok(())
}
