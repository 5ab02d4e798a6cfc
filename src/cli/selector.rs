//! Selectors of the query language, as arguments of verbs.

use silverback::lang::ast::{Body, MatchOp, SampleSelector, Statement};
use silverback::lang::parse;
use silverback::{Limits, Matcher, MatcherOp, Selector};

use crate::cli::Usage;

/// Reads a selector of the query language, such as `latency{bot="support"}`.
pub(crate) fn selector(text: &str) -> anyhow::Result<Selector> {
    let statement = parse(text, &Limits::default())?;
    let Statement::Query(query) = statement else {
        return Err(Usage("a selector is like latency{bot=\"support\"}, not a question").into());
    };
    match query.body {
        Body::Samples(sample) if sample.filter.is_none() && query.clauses.is_empty() => {
            compile(&sample.selector)
        }
        _ => Err(Usage("a selector is like latency{bot=\"support\"}, without clauses").into()),
    }
}

fn compile(written: &SampleSelector) -> anyhow::Result<Selector> {
    let metric = written.metric.as_ref().map(|name| name.node.clone());
    let mut selector = Selector { metric, matchers: Vec::new() };
    for matcher in &written.matchers {
        let label = matcher.node.label.node.clone();
        let value = matcher.node.values.first().map_or("", |value| value.node.as_str());
        let limits = Limits::default();
        selector.matchers.push(match matcher.node.op {
            MatchOp::Equal => Matcher::equal(label, value),
            MatchOp::NotEqual => Matcher { label, op: MatcherOp::NotEqual(value.to_owned()) },
            MatchOp::Matches => {
                Matcher::regex(label, value, false, &limits).map_err(silverback::Error::from)?
            }
            MatchOp::NotMatches => {
                Matcher::regex(label, value, true, &limits).map_err(silverback::Error::from)?
            }
            MatchOp::In => {
                let values = matcher.node.values.iter().map(|value| value.node.clone()).collect();
                Matcher { label, op: MatcherOp::In(values) }
            }
        });
    }
    Ok(selector)
}
