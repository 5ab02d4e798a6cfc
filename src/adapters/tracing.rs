//! A layer for [`tracing_subscriber`]: how long each span was open is a sample, with chosen fields
//! as labels.
//!
//! ```
//! use silverback::Store;
//! use silverback::adapters::tracing::SpanLayer;
//! use tracing_subscriber::layer::SubscriberExt;
//!
//! # fn main() -> silverback::Result<()> {
//! let store = Store::in_memory()?;
//! let layer = SpanLayer::new(&store, "latency")?.fields(["bot", "channel"]);
//! let subscriber = tracing_subscriber::registry().with(layer);
//! tracing::subscriber::with_default(subscriber, || {
//!     let _reply = tracing::info_span!("reply", bot = "support", channel = "web").entered();
//! });
//! let answer = store.snapshot()?.query("count(latency) by span, bot, status last 1h")?;
//! assert_eq!(answer.rows.len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! Labels are `span`, the span's name, and those of the chosen fields that the span has, also where
//! they are recorded later. `status` is `error` where an event of level `ERROR` or a field `error`
//! other than false was recorded in the span itself, `panic` where a panic left it, and else `ok`.
//!
//! A span counts from its creation to its last close, and is stamped with its creation. Which spans
//! are recorded is a matter of the filter that the layer is given.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::Result;
use crate::SeriesKey;
use crate::Store;
use crate::adapters::elapsed::{Begun, STATUS, Times};
use crate::adapters::refusals::Refusals;

/// The label of a span's name.
const SPAN: &str = "span";
/// The field whose presence means that something failed.
const ERROR: &str = "error";

/// The number of the layer that is made next.
static NEXT_LAYER: AtomicU64 = AtomicU64::new(0);

/// Records how long spans are open.
///
/// Several layers may stand in one subscriber; each records into its own metric. Clones are one
/// layer.
#[derive(Debug, Clone)]
pub struct SpanLayer {
    number: u64,
    times: Times,
    metric: String,
    fields: Arc<[String]>,
}

impl SpanLayer {
    /// Records into this metric, which is defined as an event in milliseconds.
    ///
    /// # Errors
    /// The metric is known as something else.
    pub fn new(store: &Store, metric: &str) -> Result<Self> {
        let times = Times::new(store, metric)?;
        let number = NEXT_LAYER.fetch_add(1, Ordering::Relaxed);
        Ok(Self { number, times, metric: metric.to_owned(), fields: Arc::from([]) })
    }

    /// Makes labels of these fields. Each combination of values is a series, so that ids of
    /// requests or users should not be among them. A field `status` takes the place of the
    /// layer's.
    #[must_use]
    pub fn fields<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.fields = names.into_iter().map(Into::into).collect();
        self
    }

    /// Returns what counts the samples that the store refuses.
    #[must_use]
    pub fn refusals(&self) -> Refusals {
        self.times.refusals()
    }

    fn visitor<'v>(&'v self, open: &'v mut Open) -> Visitor<'v> {
        Visitor { fields: &self.fields, open }
    }
}

/// What is known of a span that is open.
struct Open {
    begun: Begun,
    labels: Vec<(&'static str, String)>,
    is_error: bool,
}

/// What each layer knows of one span, by the layer's number: all of them share its extensions.
struct OpenSpans(Vec<(u64, Open)>);

impl OpenSpans {
    fn of(&mut self, layer: u64) -> Option<&mut Open> {
        self.0.iter_mut().find(|(number, _)| *number == layer).map(|(_, open)| open)
    }

    fn take(&mut self, layer: u64) -> Option<Open> {
        let index = self.0.iter().position(|(number, _)| *number == layer)?;
        Some(self.0.swap_remove(index).1)
    }
}

impl<S> Layer<S> for SpanLayer
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut open = Open { begun: self.times.begin(), labels: Vec::new(), is_error: false };
        attributes.record(&mut self.visitor(&mut open));
        let mut extensions = span.extensions_mut();
        if let Some(spans) = extensions.get_mut::<OpenSpans>() {
            spans.0.push((self.number, open));
        } else {
            extensions.insert(OpenSpans(vec![(self.number, open)]));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut extensions = span.extensions_mut();
        let open = extensions.get_mut::<OpenSpans>().and_then(|spans| spans.of(self.number));
        if let Some(open) = open {
            values.record(&mut self.visitor(open));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if *event.metadata().level() != Level::ERROR {
            return;
        }
        let Some(span) = context.event_span(event) else { return };
        let mut extensions = span.extensions_mut();
        let open = extensions.get_mut::<OpenSpans>().and_then(|spans| spans.of(self.number));
        if let Some(open) = open {
            open.is_error = true;
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let mut extensions = span.extensions_mut();
        let open = extensions.get_mut::<OpenSpans>().and_then(|spans| spans.take(self.number));
        drop(extensions);
        let Some(open) = open else { return };
        let mut key = SeriesKey::new(&self.metric).label(SPAN, span.name());
        let mut status = if open.is_error { "error" } else { "ok" };
        for (name, value) in &open.labels {
            if *name == STATUS {
                status = value;
            } else {
                key = key.label(*name, value.as_str());
            }
        }
        self.times.end(open.begun, key, status);
    }
}

/// Keeps the values of chosen fields.
struct Visitor<'v> {
    fields: &'v [String],
    open: &'v mut Open,
}

impl Visitor<'_> {
    fn keep(&mut self, field: &Field, value: impl FnOnce() -> String) {
        let name = field.name();
        if self.fields.iter().any(|chosen| chosen == name) {
            self.open.labels.retain(|(known, _)| *known != name);
            self.open.labels.push((name, value()));
        }
    }
}

impl Visit for Visitor<'_> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        // A field `error` that is false says that nothing failed.
        self.open.is_error |= value && field.name() == ERROR;
        self.keep(field, || value.to_string());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.open.is_error |= field.name() == ERROR;
        self.keep(field, || value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.open.is_error |= field.name() == ERROR;
        self.keep(field, || format!("{value:?}"));
    }
}
