//! Questions put together from values: the same trees that text is read into.
//!
//! What stands here is named as it is in text, and every part of the language has its function, so
//! that a question from values and one from text are the same [`Query`](crate::Query).
//!
//! ```
//! use silverback::Query;
//! use silverback::lang::ast::Duration;
//! use silverback::lang::build::{ask, count, label, percentile, samples};
//!
//! # fn main() -> silverback::Result<()> {
//! let latency = samples("latency").with(label("bot").is("support"));
//! let question = ask(percentile(99.0, latency.clone()))
//!     .also(count(latency).named("requests"))
//!     .by("channel")
//!     .every(Duration::minutes(1))
//!     .last(Duration::hours(1));
//! let query = Query::of(question)?;
//! let text = r#"p99(latency{bot="support"}), count(latency{bot="support"}) as requests
//!               by channel every 1m last 1h"#;
//! assert_eq!(query, text.parse()?);
//! # Ok(())
//! # }
//! ```

mod call;
mod condition;
mod expression;
mod question;
mod samples;
mod statement;
mod time;

use crate::lang::ast::{Ident, Span, Spanned};

pub use crate::lang::build::call::{
    abs, anomaly, apdex, avg, bottomk, burn, call, clamp, count, delta, distinct, first, forecast,
    histogram, increase, last, max, median, min, percentile, quantile, rate, round, share, stats,
    stddev, sum, topk, total,
};
pub use crate::lang::build::condition::{Label, Value, label, value};
pub use crate::lang::build::question::{ask, list};
pub use crate::lang::build::samples::{any_samples, samples};
pub use crate::lang::build::statement::{alert, record};

/// Puts a node where no text is.
fn at<T>(node: T) -> Spanned<T> {
    Spanned::new(node, Span::default())
}

fn name(text: impl Into<String>) -> Ident {
    at(text.into())
}

/// Writes the six comparisons of a type by way of its method `compare`.
macro_rules! comparisons {
    ($operand:ident, $output:ty) => {
        /// `>`
        #[must_use]
        pub fn above(self, other: impl Into<$operand>) -> $output {
            self.compare(CompareOp::Greater, other)
        }

        /// `>=`
        #[must_use]
        pub fn at_least(self, other: impl Into<$operand>) -> $output {
            self.compare(CompareOp::GreaterEqual, other)
        }

        /// `<`
        #[must_use]
        pub fn below(self, other: impl Into<$operand>) -> $output {
            self.compare(CompareOp::Less, other)
        }

        /// `<=`
        #[must_use]
        pub fn at_most(self, other: impl Into<$operand>) -> $output {
            self.compare(CompareOp::LessEqual, other)
        }

        /// `==`
        #[must_use]
        pub fn equals(self, other: impl Into<$operand>) -> $output {
            self.compare(CompareOp::Equal, other)
        }

        /// `!=`
        #[must_use]
        pub fn differs(self, other: impl Into<$operand>) -> $output {
            self.compare(CompareOp::NotEqual, other)
        }
    };
}

use comparisons;
