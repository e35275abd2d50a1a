//! The client that the Autobahn suite tests: it echoes in each of its cases.
//!
//! The suite's server is named by `AUTOBAHN_URL` and `AUTOBAHN_AGENT`, as
//! `tests/conformance/autobahn.sh` sets them.

use std::error::Error;

use veche_channel::{Channel, Connect};

/// The largest messages of the suite have 16 MiB.
const MAX_MESSAGE: usize = 16 << 20;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = std::env::var("AUTOBAHN_URL")?;
    let agent = std::env::var("AUTOBAHN_AGENT")?;
    let mut channel = open(&format!("{server}/getCaseCount")).await?;
    let count = channel.next().await.ok_or("no number of cases")??;
    let count: usize = count.as_text().unwrap_or_default().parse()?;
    while channel.next().await.is_some() {}
    for case in 1..=count {
        let mut channel = open(&format!("{server}/runCase?case={case}&agent={agent}")).await?;
        // Many cases end by a failure, and it is for the suite to say whether by the right one.
        while let Some(Ok(message)) = channel.next().await {
            if channel.send(message).await.is_err() {
                break;
            }
        }
        while channel.next().await.is_some() {}
    }
    let mut channel = open(&format!("{server}/updateReports?agent={agent}")).await?;
    while channel.next().await.is_some() {}
    Ok(())
}

async fn open(url: &str) -> Result<Channel, Box<dyn Error>> {
    let connect = Connect::new(url).compression(0).max_message(MAX_MESSAGE);
    Ok(connect.connect().await?)
}
