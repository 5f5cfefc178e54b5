//! What leaves the product and what it says about itself: a proxy that keeps every request on its way to the town, and a
//! subscriber that keeps every line and field at the finest level, through the filter of production.

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::Request,
    response::{IntoResponse, Response},
};
use careline::telemetry;
use std::{
    fmt::{Debug, Write},
    sync::{Arc, Mutex},
};
use tracing::{
    Dispatch, Event, Id, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Record},
};
use tracing_subscriber::{
    Layer, Registry,
    filter::filter_fn,
    layer::{Context, SubscriberExt},
};

/// Lines that were kept, or handed on. Clones share them.
#[derive(Clone, Default)]
pub struct Lines {
    kept: Arc<Mutex<Vec<String>>>,
    on: Option<fn(&str)>,
}

impl Lines {
    /// Lines that are kept elsewhere.
    pub fn handing_on(on: fn(&str)) -> Self {
        Self { on: Some(on), ..Self::default() }
    }

    pub fn keep(&self, line: String) {
        match self.on {
            Some(on) => on(&line),
            None => self.kept.lock().unwrap().push(line),
        }
    }

    pub fn all(&self) -> Vec<String> {
        self.kept.lock().unwrap().clone()
    }
}

/// A subscriber that keeps everything production would write at its finest setting.
pub fn subscriber(lines: &Lines) -> Dispatch {
    let kept = Keeper(lines.clone()).with_filter(filter_fn(telemetry::may_be_written));
    Dispatch::new(Registry::default().with(kept))
}

struct Keeper(Lines);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl<S: Subscriber> Layer<S> for Keeper {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let mut fields = Fields(format!("span {}", attributes.metadata().name()));
        attributes.record(&mut fields);
        self.0.keep(fields.0);
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut fields = Fields("record".to_owned());
        values.record(&mut fields);
        self.0.keep(fields.0);
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields(format!("{} {}", event.metadata().level(), event.metadata().target()));
        event.record(&mut fields);
        self.0.keep(fields.0);
    }
}

/// A proxy in front of the town; returns its own base URL.
pub async fn proxy(town: String, lines: Lines) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let web = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let routes = Router::new().fallback(move |request: Request| {
        let (web, town, lines) = (web.clone(), town.clone(), lines.clone());
        async move { pass_on(&web, &town, &lines, request).await }
    });
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    base
}

async fn pass_on(web: &reqwest::Client, town: &str, lines: &Lines, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body: Bytes = to_bytes(body, usize::MAX).await.unwrap();
    let address = head.uri.path_and_query().unwrap().as_str();
    lines.keep(format!("{} {address} {:?}", head.method, head.headers));
    // A form is kept as its fields are read.
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(&body).into_owned().collect();
    lines.keep(format!("{address} {} {fields:?}", String::from_utf8_lossy(&body)));
    let mut headers = head.headers.clone();
    headers.remove("host");
    match web.request(head.method, format!("{town}{address}")).headers(headers).body(body).send().await {
        Ok(reply) => {
            let (status, mut headers) = (reply.status(), reply.headers().clone());
            headers.remove("transfer-encoding");
            headers.remove("content-length");
            (status, headers, reply.bytes().await.unwrap_or_default()).into_response()
        }
        Err(_) => axum::http::StatusCode::BAD_GATEWAY.into_response(),
    }
}
