//! The library's requests, over the guarded way out.

use crate::ports::{Outage, egress::Egress};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use std::{pin::Pin, sync::Arc};

/// Carries a request out.
#[derive(Clone)]
pub(super) struct Wire(pub(super) Arc<dyn Egress>);

impl<'wire> AsyncHttpClient<'wire> for Wire {
    type Error = Outage;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Outage>> + Send + 'wire>>;

    fn call(&'wire self, request: HttpRequest) -> Self::Future {
        self.0.send(request)
    }
}
