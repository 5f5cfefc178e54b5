//! Floor 3: the web entrance. Pages and API are two skins over the same flows; webhooks change state and enqueue.

pub mod api;
pub mod hooks;
pub mod identity;
pub mod layers;
pub mod live;
pub mod pages;
pub mod respond;
pub mod routes;
