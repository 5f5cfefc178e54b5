//! Floor 3: the web entrance. Pages and API are two skins over the same flows; webhooks change state and enqueue.

pub mod api;
pub mod cookies;
pub mod forms;
pub mod hooks;
pub mod identity;
pub mod layers;
pub mod limits;
pub mod listen;
pub mod live;
pub mod pages;
pub mod paths;
pub mod respond;
pub mod routes;

use crate::app::App;
use axum::{Router, middleware};
use hooks::sockets::Sockets;
use std::{future::Future, io, net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Everything that is served, wrapped and guarded.
pub fn router(app: Arc<App>) -> Router {
    router_over(app, Arc::default())
}

fn router_over(app: Arc<App>, sockets: Arc<Sockets>) -> Router {
    guarded(&app, paths::routes()).merge(layers::wrap_hooks(&app, hooks::routes_over(sockets))).with_state(app)
}

/// Puts routes behind the table of permissions and the layers; a route without a row answers 403 to everybody.
pub fn guarded(app: &Arc<App>, routes: Router<Arc<App>>) -> Router<Arc<App>> {
    layers::wrap(app, routes.layer(middleware::from_fn_with_state(Arc::clone(app), identity::guard)))
}

/// Serves until `shutdown` resolves, then lets running requests end.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let routes = router(app).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, routes).with_graceful_shutdown(shutdown).await
}

/// Serves until `stop` is cancelled. Then nobody new is let in, running requests end, and streams that run are heard until
/// they end or `cut` is cancelled, whichever is first; the carrier forks their legs again, to whoever serves then.
///
/// # Errors
/// When the listener fails.
pub async fn serve_and_drain(
    app: Arc<App>,
    listener: TcpListener,
    stop: CancellationToken,
    cut: CancellationToken,
) -> io::Result<()> {
    let sockets = Arc::<Sockets>::default();
    let routes = router_over(app, Arc::clone(&sockets)).into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, routes).with_graceful_shutdown(stop.clone().cancelled_owned());
    let draining = async {
        stop.cancelled().await;
        sockets.drained(cut).await;
    };
    let (served, ()) = tokio::join!(serving, draining);
    served
}
