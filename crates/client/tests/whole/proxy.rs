//! A route to a server that can be cut, slowed down, stopped without a word, and led elsewhere.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    server: Arc<Mutex<Option<SocketAddr>>>,
    route: watch::Sender<Route>,
}

/// What a route does with what comes.
#[derive(Clone, Copy, Debug, Default)]
struct Route {
    /// Connections that were made before it was raised are cut.
    generation: u64,
    /// Nothing passes, and nobody is told.
    is_black: bool,
    /// The same for what the server sends alone.
    is_black_down: bool,
    delay: Duration,
    /// After so many bytes more from the server, in the middle of a frame as likely as not, a
    /// connection is cut.
    down_left: Option<usize>,
    /// The same for bytes of the client's.
    up_left: Option<usize>,
}

impl Proxy {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let proxy = Self {
            address,
            server: Arc::new(Mutex::new(Some(server))),
            route: watch::Sender::new(Route::default()),
        };
        let accepting = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().carry(client));
            }
        });
        proxy
    }

    pub(crate) fn url(&self) -> String {
        crate::server::url(self.address)
    }

    /// Leads new connections to another server, or nowhere.
    pub(crate) fn lead_to(&self, server: Option<SocketAddr>) {
        *self.server.lock().expect("nobody panics") = server;
    }

    /// Cuts every connection.
    pub(crate) fn cut(&self) {
        self.route.send_modify(|route| route.generation += 1);
    }

    /// Lets nothing pass any more, and tells nobody.
    pub(crate) fn swallow(&self, is_black: bool) {
        self.route.send_modify(|route| route.is_black = is_black);
    }

    /// Lets nothing of the server's pass any more.
    pub(crate) fn swallow_down(&self, is_black: bool) {
        self.route
            .send_modify(|route| route.is_black_down = is_black);
    }

    /// Lets everything arrive so much later.
    pub(crate) fn delay(&self, delay: Duration) {
        self.route.send_modify(|route| route.delay = delay);
    }

    /// Cuts new connections after so many bytes from the server.
    pub(crate) fn halve_down(&self, bytes: Option<usize>) {
        self.route.send_modify(|route| route.down_left = bytes);
    }

    /// Cuts new connections after so many bytes to the server.
    pub(crate) fn halve_up(&self, bytes: Option<usize>) {
        self.route.send_modify(|route| route.up_left = bytes);
    }

    async fn carry(self, client: TcpStream) {
        let mut route = self.route.subscribe();
        let server = *self.server.lock().expect("nobody panics");
        let Some(server) = server else { return };
        let Ok(server) = TcpStream::connect(server).await else {
            return;
        };
        let before = *route.borrow_and_update();
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let (up_route, down_route) = (self.route.subscribe(), self.route.subscribe());
        let open = |route: &Route| !route.is_black;
        let up = pass(from_client, to_server, up_route, before.up_left, open);
        let open = |route: &Route| !route.is_black && !route.is_black_down;
        let down = pass(from_server, to_client, down_route, before.down_left, open);
        // When either direction ends, both halves are dropped, and so both connections.
        tokio::select! {
            () = up => {}
            () = down => {}
            _ = route.wait_for(|route| route.generation > before.generation) => {}
        }
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut route: watch::Receiver<Route>,
    mut left: Option<usize>,
    is_open: fn(&Route) -> bool,
) {
    let mut buffer = vec![0; 16 << 10];
    while left != Some(0) {
        let Ok(len @ 1..) = from.read(&mut buffer).await else {
            return;
        };
        let delay = route.borrow().delay;
        tokio::time::sleep(delay).await;
        if route.wait_for(is_open).await.is_err() {
            return;
        }
        let len = left.map_or(len, |left| len.min(left));
        left = left.map(|left| left - len);
        if to.write_all(&buffer[..len]).await.is_err() {
            return;
        }
    }
}
