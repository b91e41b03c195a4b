//! The guard around a service.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request as HttpRequest, Response};
use http_body::Body;
use tower_service::Service;

use super::super::guard::short;
use super::super::{Admission, Admitted, Guard, Reply, Request, Source};
use super::{GuardBody, Guarded, client_address, full_path, template};

/// A service behind a [`Guard`]: what is refused never reaches it.
#[derive(Clone, Debug)]
pub struct GuardService<S> {
    inner: S,
    guard: Guard,
}

impl<S> GuardService<S> {
    pub(super) fn new(inner: S, guard: Guard) -> GuardService<S> {
        GuardService { inner, guard }
    }
}

impl<S, RequestBody, ResponseBody> Service<HttpRequest<RequestBody>> for GuardService<S>
where
    S: Service<HttpRequest<RequestBody>, Response = Response<ResponseBody>> + Clone + Send + 'static,
    S::Future: Send,
    RequestBody: Send + 'static,
    ResponseBody: Body<Data = Bytes>,
{
    type Response = Response<GuardBody<ResponseBody>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: HttpRequest<RequestBody>) -> Self::Future {
        // The clone that was polled ready is the one to call.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        let guard = self.guard.clone();
        Box::pin(async move {
            if request.extensions().get::<Guarded>().is_some() {
                return Ok(guarded_twice(&request).into_response());
            }
            let (parts, body) = request.into_parts();
            let asked = Request { path: full_path(&parts), ..text_of(&parts) };
            let admission = guard.admit(&asked).await;
            request = HttpRequest::from_parts(parts, body);
            let mut admitted = match admission {
                Admission::Refused(reply) => return Ok(reply.into_response()),
                Admission::Anonymous => None,
                Admission::Admitted(admitted) => Some(admitted),
            };
            let caller = admitted.as_ref().map(|admitted| admitted.caller().clone());
            mark_sensitive(request.headers_mut(), guard.token_sources());
            request.extensions_mut().insert(Guarded { guard, caller });
            let answer = inner.call(request).await;
            if let (Err(_), Some(admitted)) = (&answer, &mut admitted) {
                admitted.responded(500);
            }
            let mut response = answer?;
            if let Some(admitted) = &mut admitted {
                admitted.responded(response.status().as_u16());
                add_headers(response.headers_mut(), admitted);
            }
            Ok(response.map(|body| GuardBody::inner(body, admitted)))
        })
    }
}

/// A request's parts, as text.
pub(crate) fn text_of(parts: &http::request::Parts) -> Request<'_> {
    Request {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query(),
        authority: parts.uri.authority().map(http::uri::Authority::as_str),
        template: template(&parts.extensions),
        headers: &parts.headers,
        address: client_address(&parts.extensions),
    }
}

/// Whoever logs headers behind the guard does not write the token down, and HTTP/2 does not put it
/// into its tables.
pub(crate) fn mark_sensitive(headers: &mut HeaderMap, sources: &[Source]) {
    for source in sources {
        let name = match source {
            Source::Bearer | Source::Scheme(_) => "authorization",
            Source::Header(name) => name,
        };
        let is_it = |is: &http::HeaderName| is.as_str().eq_ignore_ascii_case(name);
        headers.iter_mut().filter(|(is, _)| is_it(is)).for_each(|(_, value)| value.set_sensitive(true));
    }
}

fn add_headers(headers: &mut HeaderMap, admitted: &Admitted) {
    for (name, value) in admitted.headers(|name| headers.contains_key(name)) {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
}

fn guarded_twice<B>(request: &HttpRequest<B>) -> Reply {
    let route = template(request.extensions()).unwrap_or("this route");
    tracing::error!(
        "two guards stand before {route}: write Rules::route(\"{} {route}\", …) into the outer one's table instead",
        short(request.method().as_str())
    );
    Reply::empty(500)
}
