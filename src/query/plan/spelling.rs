//! Warnings about labels and values that no series has: most are misspelt.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::lang::ast::{Key, LabelMatcher, Literal, MatchOp, Predicate as Condition, Spanned};
use crate::lang::{Span, closest};
use crate::query::finding::did_you_mean;
use crate::query::plan::selection::Catalogue;
use crate::snapshot::SelectedSeries;

/// The store's names are read only where the chosen series do not show that a name is known.
impl Catalogue<'_> {
    /// Warns of the labels and values of matchers that no series has.
    pub(super) fn warn_of_matchers(
        &self,
        matchers: &[Spanned<LabelMatcher>],
        chosen: &[SelectedSeries],
    ) -> Result<()> {
        matchers.iter().try_for_each(|matcher| self.warn_of_matcher(&matcher.node, chosen))
    }

    /// Warns of the labels and values of a condition that no series has.
    pub(super) fn warn_of_condition(
        &self,
        condition: &Condition,
        chosen: &[SelectedSeries],
    ) -> Result<()> {
        match condition {
            Condition::Or(left, right) | Condition::And(left, right) => {
                self.warn_of_condition(left, chosen)?;
                self.warn_of_condition(right, chosen)
            }
            Condition::Not(inner) => self.warn_of_condition(inner, chosen),
            Condition::Label(matcher) => self.warn_of_matcher(&matcher.node, chosen),
            Condition::Value(..) => Ok(()),
        }
    }

    /// Warns of a label that no series has; returns whether it is known.
    pub(super) fn warn_of_label(
        &self,
        label: &str,
        span: Span,
        chosen: &[SelectedSeries],
    ) -> Result<bool> {
        if chosen.iter().any(|series| !series.key().value_of(label).is_empty()) {
            return Ok(true);
        }
        let names = self.snapshot.label_names()?;
        let known = names.iter().any(|name| name == label);
        if !known && !names.is_empty() {
            let message = format!("no series has a label `{label}`");
            match self.near(label, &names) {
                Some(near) => {
                    let message = format!("{message}; {}", did_you_mean(Some(near)));
                    self.findings.warn_replacing(
                        "Q303",
                        span,
                        message,
                        &Key::Label(near.to_owned()).to_string(),
                    );
                }
                None => self.findings.warn("Q303", span, message),
            }
        }
        Ok(known)
    }

    /// Returns the known name that comes closest, where a warning is still given.
    fn near<'n>(&self, name: &str, known: &'n [String]) -> Option<&'n str> {
        if self.findings.is_full() {
            return None;
        }
        closest(name, known.iter().map(String::as_str))
    }

    fn warn_of_matcher(&self, matcher: &LabelMatcher, chosen: &[SelectedSeries]) -> Result<()> {
        self.check_values(matcher)?;
        let label = &matcher.label;
        let exact = matches!(matcher.op, MatchOp::Equal | MatchOp::In);
        if !self.warn_of_label(&label.node, label.span, chosen)? || !exact {
            return Ok(());
        }
        let mut unseen: BTreeSet<&str> = matcher.values.iter().map(|value| &*value.node).collect();
        unseen.remove("");
        // Most matchers ask for one value, which the first series shows.
        for series in chosen {
            if unseen.is_empty() {
                break;
            }
            unseen.remove(series.key().value_of(&label.node));
        }
        if unseen.is_empty() {
            return Ok(());
        }
        let known = self.snapshot.label_values(&label.node)?;
        for name in &known {
            unseen.remove(name.as_str());
        }
        for value in matcher.values.iter().filter(|value| unseen.contains(&*value.node)) {
            let message = format!("`{}` has no value {:?}", label.node, value.node);
            match self.near(&value.node, &known) {
                Some(near) => {
                    let message = format!("{message}; did you mean {near:?}?");
                    let token = Literal::Text(near.to_owned()).to_string();
                    self.findings.warn_replacing("Q302", value.span, message, &token);
                }
                None => self.findings.warn("Q302", value.span, message),
            }
        }
        Ok(())
    }
}
