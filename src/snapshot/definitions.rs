//! The definitions of metrics in several stores that are read as one.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use crate::error::{ErrorKind, Result};
use crate::model::{MetricDef, ModelError};

/// Definitions by name, and which store said so.
#[derive(Debug, Default)]
pub(crate) struct Definitions(BTreeMap<String, Definition>);

#[derive(Debug)]
struct Definition {
    def: MetricDef,
    dir: PathBuf,
    /// The store that gave the unit, which may be a later one.
    unit_dir: PathBuf,
}

impl Definitions {
    /// Adds those of one more store. A unit that only one of them has counts.
    ///
    /// # Errors
    /// [`ErrorKind::MetricsDisagree`] with both directories.
    pub(crate) fn add(&mut self, dir: &Path, metrics: BTreeMap<String, MetricDef>) -> Result<()> {
        for (name, def) in metrics {
            match self.0.entry(name) {
                Entry::Vacant(place) => {
                    place.insert(Definition { def, dir: dir.to_owned(), unit_dir: dir.to_owned() });
                }
                Entry::Occupied(mut known) => known.get_mut().merge(dir, def)?,
            }
        }
        Ok(())
    }

    /// Returns them sorted by name.
    pub(crate) fn into_metrics(self) -> Vec<MetricDef> {
        self.0.into_values().map(|known| known.def).collect()
    }
}

impl Definition {
    fn merge(&mut self, dir: &Path, mut def: MetricDef) -> Result<()> {
        if self.def.unit.is_none() && def.unit.is_some() {
            self.def.unit.clone_from(&def.unit);
            dir.clone_into(&mut self.unit_dir);
        } else if def.unit.is_none() {
            def.unit.clone_from(&self.def.unit);
        }
        let Err(ModelError::MetricConflict { name, property, stored, asked }) =
            self.def.check_same(&def)
        else {
            return Ok(());
        };
        let first = if property == "unit" { &self.unit_dir } else { &self.dir };
        Err(ErrorKind::MetricsDisagree {
            metric: name,
            property,
            first: first.clone(),
            first_value: stored,
            second: dir.to_owned(),
            second_value: asked,
        }
        .into())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    use crate::error::ErrorKind;
    use crate::model::{MetricDef, MetricKind};
    use crate::snapshot::definitions::Definitions;

    fn one(unit: Option<&str>, kind: MetricKind) -> BTreeMap<String, MetricDef> {
        let def = MetricDef { unit: unit.map(str::to_owned), kind, ..MetricDef::new("latency") };
        BTreeMap::from([(def.name.clone(), def)])
    }

    #[test]
    fn a_unit_counts_for_all_and_a_second_one_names_who_gave_the_first() {
        let mut all = Definitions::default();
        for (dir, unit) in [("a", None), ("b", Some("ms")), ("c", None), ("d", Some("ms"))] {
            all.add(Path::new(dir), one(unit, MetricKind::Event)).unwrap();
        }
        let error = all.add(Path::new("e"), one(Some("s"), MetricKind::Event)).unwrap_err();
        match error.into_kind() {
            ErrorKind::MetricsDisagree { first, first_value, second, second_value, .. } => {
                assert_eq!((first, first_value.as_str()), (PathBuf::from("b"), "ms"));
                assert_eq!((second, second_value.as_str()), (PathBuf::from("e"), "s"));
            }
            other => panic!("{other:?}"),
        }
        let error = all.add(Path::new("f"), one(None, MetricKind::Gauge)).unwrap_err();
        match error.into_kind() {
            ErrorKind::MetricsDisagree { property, first, .. } => {
                assert_eq!((property, first), ("kind", PathBuf::from("a")));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(all.into_metrics()[0].unit.as_deref(), Some("ms"));
    }
}
