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
use std::{future::Future, io, net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;

/// Everything that is served, wrapped and guarded.
pub fn router(app: Arc<App>) -> Router {
    guarded(&app, paths::routes()).merge(layers::wrap_hooks(&app, hooks::routes())).with_state(app)
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
