//! A layer for [`tower`](https://docs.rs/tower) services: each request is a sample of how long it
//! took, with labels of its own and its status.
//!
//! ```
//! use std::convert::Infallible;
//! use std::future::{Ready, ready};
//! use std::task::{Context, Poll};
//!
//! use silverback::adapters::tower::RecordLayer;
//! use silverback::{SeriesKey, Store};
//! use tower_layer::Layer;
//! use tower_service::Service;
//!
//! /// A bot that answers at once.
//! struct Bot;
//!
//! impl Service<&'static str> for Bot {
//!     type Response = String;
//!     type Error = Infallible;
//!     type Future = Ready<Result<String, Infallible>>;
//!     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
//!         Poll::Ready(Ok(()))
//!     }
//!     fn call(&mut self, question: &'static str) -> Self::Future {
//!         ready(Ok(format!("you said {question}")))
//!     }
//! }
//!
//! # fn main() -> silverback::Result<()> {
//! let store = Store::in_memory()?;
//! let layer = RecordLayer::new(&store, "latency")?
//!     .labels(|question: &&str, key: SeriesKey| key.label("intent", *question));
//! let mut bot = layer.layer(Bot);
//! let reply = bot.call("hello");
//! # let mut reply = Box::pin(reply);
//! # let mut context = Context::from_waker(std::task::Waker::noop());
//! # assert!(Future::poll(reply.as_mut(), &mut context).is_ready());
//! # drop(reply);
//! let answer = store.snapshot()?.query("count(latency) by intent, status last 1h")?;
//! assert_eq!(answer.rows.len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! The sample is stamped with the beginning of the request and written at its end. `status` is `ok`
//! or `error` as the service says, or what [`RecordLayer::status`] makes of the result; `canceled`
//! where the reply was dropped before it was there, and `panic` where it panicked.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::Result;
use crate::SeriesKey;
use crate::Store;
use crate::adapters::elapsed::{Begun, Times};
use crate::adapters::refusals::Refusals;

/// The status of a request whose reply nobody waited for.
const CANCELED: &str = "canceled";

/// Makes services record how long their requests take.
#[derive(Debug, Clone)]
pub struct RecordLayer<L = NoLabels, C = OkOrError> {
    times: Times,
    metric: String,
    labels: L,
    classify: C,
}

/// Gives requests no labels of their own.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLabels;

/// Calls results `ok` or `error`.
#[derive(Debug, Clone, Copy, Default)]
pub struct OkOrError;

/// Gives a request labels; functions from request and key to key do.
pub trait RequestLabels<Request> {
    /// Returns the key with the labels of the request.
    fn of(&self, request: &Request, key: SeriesKey) -> SeriesKey;
}

impl<Request> RequestLabels<Request> for NoLabels {
    fn of(&self, _: &Request, key: SeriesKey) -> SeriesKey {
        key
    }
}

impl<Request, F: Fn(&Request, SeriesKey) -> SeriesKey> RequestLabels<Request> for F {
    fn of(&self, request: &Request, key: SeriesKey) -> SeriesKey {
        self(request, key)
    }
}

/// Names the status of a result; functions do.
pub trait Classify<Response, Error> {
    /// Returns the status, of which there should be few.
    fn status(&self, result: &std::result::Result<Response, Error>) -> &'static str;
}

impl<Response, Error> Classify<Response, Error> for OkOrError {
    fn status(&self, result: &std::result::Result<Response, Error>) -> &'static str {
        if result.is_ok() { "ok" } else { "error" }
    }
}

impl<Response, Error, F> Classify<Response, Error> for F
where
    F: Fn(&std::result::Result<Response, Error>) -> &'static str,
{
    fn status(&self, result: &std::result::Result<Response, Error>) -> &'static str {
        self(result)
    }
}

impl RecordLayer {
    /// Records into this metric, which is defined as an event in milliseconds.
    ///
    /// # Errors
    /// The metric is known as something else.
    pub fn new(store: &Store, metric: &str) -> Result<Self> {
        let times = Times::new(store, metric)?;
        Ok(Self { times, metric: metric.to_owned(), labels: NoLabels, classify: OkOrError })
    }
}

impl<L, C> RecordLayer<L, C> {
    /// Gives each request labels, such as its route. Each combination is a series, so that ids of
    /// requests or users should not be among them.
    #[must_use]
    pub fn labels<F>(self, labels: F) -> RecordLayer<F, C> {
        let Self { times, metric, classify, .. } = self;
        RecordLayer { times, metric, labels, classify }
    }

    /// Names the status of each result: of a response with status 500, say, `error`.
    #[must_use]
    pub fn status<F>(self, classify: F) -> RecordLayer<L, F> {
        let Self { times, metric, labels, .. } = self;
        RecordLayer { times, metric, labels, classify }
    }

    /// Returns what counts the samples that the store refuses.
    #[must_use]
    pub fn refusals(&self) -> Refusals {
        self.times.refusals()
    }
}

impl<S, L: Clone, C: Clone> Layer<S> for RecordLayer<L, C> {
    type Service = Record<S, L, C>;

    fn layer(&self, inner: S) -> Self::Service {
        Record { inner, layer: self.clone() }
    }
}

/// A service whose requests are recorded.
#[derive(Debug, Clone)]
pub struct Record<S, L = NoLabels, C = OkOrError> {
    inner: S,
    layer: RecordLayer<L, C>,
}

impl<Request, S, L, C> Service<Request> for Record<S, L, C>
where
    S: Service<Request>,
    L: RequestLabels<Request>,
    C: Classify<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = RecordFuture<S::Future, C>;

    fn poll_ready(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<std::result::Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let RecordLayer { times, metric, labels, classify } = &self.layer;
        let key = labels.of(&request, SeriesKey::new(metric));
        let open = Open { times: times.clone(), begun: times.begin(), key: Some(key) };
        RecordFuture { inner: self.inner.call(request), open, classify: classify.clone() }
    }
}

pin_project! {
    /// The reply to a request that is recorded.
    #[derive(Debug)]
    pub struct RecordFuture<F, C> {
        #[pin]
        inner: F,
        open: Open,
        classify: C,
    }
}

impl<F, C, Response, Error> Future for RecordFuture<F, C>
where
    F: Future<Output = std::result::Result<Response, Error>>,
    C: Classify<Response, Error>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(context));
        this.open.end(this.classify.status(&result));
        Poll::Ready(result)
    }
}

/// A request that has not ended.
#[derive(Debug)]
struct Open {
    times: Times,
    begun: Begun,
    /// Gone once it has ended.
    key: Option<SeriesKey>,
}

impl Open {
    fn end(&mut self, status: &str) {
        if let Some(key) = self.key.take() {
            self.times.end(self.begun, key, status);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.end(CANCELED);
    }
}
