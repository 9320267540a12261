//! Connections from outside that send nothing, or too slowly, are closed.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    response::Response,
};
use futures::{StreamExt as _, stream};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use shared::base::telemetry::ErrorChain;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// How long a request may take to arrive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For its head, counted from the connection or the answer before.
    pub head: Duration,
    /// For its body.
    pub body: Duration,
}

impl Default for Patience {
    /// API Gateway gives a request 30 seconds in all.
    /// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
    fn default() -> Self {
        Self { head: Duration::from_secs(10), body: Duration::from_secs(20) }
    }
}

/// The pause after no connection could be accepted, as when too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers on `listener` until `stop`, then lets what is under way end.
pub(crate) async fn serve(listener: TcpListener, router: Router, patience: Patience, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, caller)) => {
                connections.spawn(attend(stream, caller, router.clone(), patience, stop.clone()));
            }
            Err(error) => {
                tracing::warn!(error = %ErrorChain(&error), "no connection could be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    while connections.join_next().await.is_some() {}
}

/// One connection, until either side ends it; with `stop`, after the answer that is under way.
async fn attend(stream: TcpStream, caller: SocketAddr, router: Router, patience: Patience, stop: CancellationToken) {
    let service = service_fn(move |request| answer(router.clone(), caller, patience, request));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience.head);
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = %ErrorChain(&error), "a connection ended");
    }
}

async fn answer(
    router: Router,
    caller: SocketAddr,
    patience: Patience,
    request: hyper::Request<hyper::body::Incoming>,
) -> Result<Response, Infallible> {
    let mut request: Request = request.map(|body| within(patience.body, Body::new(body)));
    request.extensions_mut().insert(ConnectInfo(caller));
    router.oneshot(request).await
}

/// A body that fails if it has not ended within `time`.
fn within(time: Duration, body: Body) -> Body {
    let deadline = Instant::now() + time;
    let chunks = stream::try_unfold(body.into_data_stream(), move |mut chunks| async move {
        match tokio::time::timeout_at(deadline, chunks.next()).await {
            Ok(Some(chunk)) => Ok(Some((chunk?, chunks))),
            Ok(None) => Ok(None),
            Err(late) => Err(axum::Error::new(late)),
        }
    });
    Body::from_stream(chunks)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test ends where something is not as told")]

    use axum::routing::post;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// What a connection that sends `sent`, then nothing, is answered until it is closed.
    async fn answer_until_closed(sent: &str) -> String {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", post(|body: String| async move { body }));
        let patience = Patience { head: Duration::from_millis(300), body: Duration::from_millis(300) };
        tokio::spawn(serve(listener, router, patience, CancellationToken::new()));
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(sent.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let closed = tokio::time::timeout(Duration::from_secs(60), connection.read_to_string(&mut answer));
        // Closing what was not read to its end may reset the connection.
        let _ = closed.await.expect("the connection is closed");
        answer
    }

    #[tokio::test]
    async fn who_sends_nothing_or_too_slowly_is_shown_the_door() {
        let whole = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nok";
        for cut in [0, 5, whole.len() - 1] {
            let answer = answer_until_closed(&whole[..cut]).await;
            assert!(!answer.contains("200 OK"), "{cut}: {answer}");
        }
        let answer = answer_until_closed(whole).await;
        assert!(
            answer.contains("200 OK"),
            "what is complete is answered, and then the idle connection closed: {answer}"
        );
    }
}
