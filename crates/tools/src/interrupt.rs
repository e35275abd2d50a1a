//! Ctrl+C, and what a service manager sends instead of it.

/// Waits until somebody wants the command to end.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                () = control_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    control_c().await;
}

async fn control_c() {
    if tokio::signal::ctrl_c().await.is_err() {
        // There is no way to be told; the process can still be ended.
        std::future::pending::<()>().await;
    }
}
