//! The chat by itself, beside a server that runs already, to work on the page.
//!
//! `cargo run -p veche-chat --example chat -- <listen> <server url> <api key> <token secret> <data dir> <socket>`

use veche_chat::ChatConfig;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [listen, url, key, secret, data, socket] = words.as_slice() else {
        return Err(
            "needs: <listen> <server url> <api key> <token secret> <data dir> <socket>".into(),
        );
    };
    let mut config = ChatConfig::new(url.clone(), key.clone(), secret.clone(), data.into());
    config.socket.clone_from(socket);
    let chat = veche_chat::open(config).await?;
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    axum::serve(listener, chat.router())
        .with_graceful_shutdown(stop)
        .await?;
    chat.stop().await;
    Ok(())
}
