//! Random operations on a store against a naive multiset: after each, a snapshot of the store, a
//! reader beside it, and the model hold the same samples.
//!
//! Late samples, equal timestamps, duplicate policies, batches that are sent again, deletions,
//! retention, flushes, merges, purges, clean and unclean ends.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    reason = "tests"
)]

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use silverback::vfs::MemVfs;
use silverback::{
    Background, Columns, DuplicatePolicy, Durability, Limits, ManualClock, Matcher, Reader,
    Retention, Selector, SeriesKey, Snapshot, Store, TimeRange, Timestamp,
};

const DAY: i64 = 86_400_000_000_000;
/// Noon of some day.
const NOW: i64 = 20_000 * DAY + DAY / 2;
const SERIES: usize = 4;

fn key(series: usize) -> SeriesKey {
    // Two keep everything, one keeps the last of a timestamp, one the greatest.
    let metric = ["latency", "latency", "level", "peak"][series];
    SeriesKey::new(metric).label("bot", ["support", "shop", "support", "shop"][series])
}

fn policy(series: usize) -> DuplicatePolicy {
    [DuplicatePolicy::Keep, DuplicatePolicy::Keep, DuplicatePolicy::Last, DuplicatePolicy::Max]
        [series]
}

#[derive(Debug, Clone)]
enum Op {
    Append { series: usize, time: i64, value: i64 },
    Batch(Vec<(usize, i64, i64)>),
    Once { producer: usize, position: u64, rows: Vec<(usize, i64, i64)> },
    Delete { metric: Option<usize>, bot: Option<bool>, start: i64, end: i64 },
    Keep { days: u8 },
    KeepMetric { series: usize, days: u8 },
    Flush,
    Compact,
    Purge,
    Tick { hours: u8 },
    Reopen { clean: bool },
}

/// Times over five days, few of them, so that timestamps meet; most on the last two days.
fn time() -> impl Strategy<Value = i64> {
    let near = (0..40_i64).prop_map(|step| -step * DAY / 20);
    let far = (0..20_i64).prop_map(|step| -step * DAY / 4);
    prop_oneof![3 => near, 1 => far]
}

fn row() -> impl Strategy<Value = (usize, i64, i64)> {
    (0..SERIES, time(), -3..3_i64)
}

fn op() -> impl Strategy<Value = Op> {
    let rows = || proptest::collection::vec(row(), 0..6);
    prop_oneof![
        6 => row().prop_map(|(series, time, value)| Op::Append { series, time, value }),
        4 => rows().prop_map(Op::Batch),
        2 => (0..2_usize, 0..5_u64, rows())
            .prop_map(|(producer, position, rows)| Op::Once { producer, position, rows }),
        2 => (any::<Option<u8>>(), any::<Option<bool>>(), time(), time()).prop_map(
            |(metric, bot, a, b)| Op::Delete {
                metric: metric.map(|series| usize::from(series) % SERIES),
                bot,
                start: a.min(b),
                end: a.max(b),
            }
        ),
        1 => (1..6_u8).prop_map(|days| Op::Keep { days }),
        1 => (0..SERIES, 1..6_u8).prop_map(|(series, days)| Op::KeepMetric { series, days }),
        3 => Just(Op::Flush),
        1 => Just(Op::Compact),
        1 => Just(Op::Purge),
        2 => (0..30_u8).prop_map(|hours| Op::Tick { hours }),
        1 => any::<bool>().prop_map(|clean| Op::Reopen { clean }),
    ]
}

/// What a store should hold.
#[derive(Debug, Default)]
struct Model {
    /// In order of arrival.
    rows: Vec<(usize, i64, i64)>,
    positions: [Option<u64>; 2],
    keep: Option<u8>,
    keep_metric: Vec<(String, u8)>,
    expired_before: i64,
    metric_expired_before: Vec<(String, i64)>,
}

impl Model {
    fn edge(now: i64, days: u8) -> i64 {
        (now - i64::from(days) * DAY).div_euclid(DAY) * DAY
    }

    fn expired_before(&self, series: usize) -> i64 {
        let metric = key(series).metric().to_owned();
        let rules = self.metric_expired_before.iter();
        let of_metric = rules.filter(|(name, _)| *name == metric).map(|(_, before)| *before);
        of_metric.fold(self.expired_before, i64::max)
    }

    fn takes(&self, series: usize, time: i64) -> bool {
        time >= self.expired_before(series)
    }

    fn expire(&mut self, now: i64) {
        if let Some(days) = self.keep {
            self.expired_before = self.expired_before.max(Self::edge(now, days));
        }
        for (metric, days) in self.keep_metric.clone() {
            let edge = Self::edge(now, days);
            match self.metric_expired_before.iter_mut().find(|(name, _)| *name == metric) {
                Some((_, before)) => *before = (*before).max(edge),
                None => self.metric_expired_before.push((metric, edge)),
            }
        }
        let mut rows = std::mem::take(&mut self.rows);
        rows.retain(|(series, time, _)| self.takes(*series, *time));
        self.rows = rows;
    }

    /// Returns the samples of a series in order of (time, arrival), after its policy.
    fn samples(&self, series: usize) -> Vec<(i64, f64)> {
        let rows = self.rows.iter().filter(|row| row.0 == series);
        let mut rows: Vec<(i64, f64)> = rows.map(|row| (row.1, row.2 as f64)).collect();
        rows.sort_by_key(|row| row.0);
        let mut kept: Vec<(i64, f64)> = Vec::new();
        for row in rows {
            let is_equal = kept.last().is_some_and(|last| last.0 == row.0);
            match policy(series) {
                DuplicatePolicy::Last if is_equal => *kept.last_mut().unwrap() = row,
                DuplicatePolicy::Max if is_equal => {
                    let last = kept.last_mut().unwrap();
                    last.1 = last.1.max(row.1);
                }
                _ => kept.push(row),
            }
        }
        kept
    }
}

struct Run {
    vfs: Arc<MemVfs>,
    clock: Arc<ManualClock>,
    now: i64,
    store: Store,
    reader: Reader,
    model: Model,
}

impl Run {
    fn open(vfs: &Arc<MemVfs>, clock: &Arc<ManualClock>) -> Store {
        let store = Store::options()
            .vfs(Arc::clone(vfs) as _)
            .clock(Arc::clone(clock) as _)
            .durability(Durability::Os)
            .background(Background::Manual)
            .open("/db")
            .unwrap();
        for series in 0..SERIES {
            let key = key(series);
            store.metric(key.metric()).duplicates(policy(series)).define().unwrap();
        }
        store
    }

    fn new() -> Self {
        let vfs = Arc::new(MemVfs::default());
        let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(NOW)));
        let store = Self::open(&vfs, &clock);
        let reader = Reader::with_system(
            Arc::clone(&vfs) as _,
            Arc::clone(&clock) as _,
            Limits::DEFAULT,
            "/db",
        )
        .unwrap();
        let model = Model { expired_before: i64::MIN, ..Model::default() };
        Self { vfs, clock, now: NOW, store, reader, model }
    }

    fn batch(&self, rows: &[(usize, i64, i64)]) -> silverback::Batch {
        let mut batch = self.store.batch();
        for &(series, time, value) in rows {
            let handle = self.store.series(&key(series)).unwrap();
            batch.add(&handle, Timestamp::from_nanos(time), value as f64).unwrap();
        }
        batch
    }

    /// Drops the rows that retention refuses; the store must refuse them too.
    fn taken(&self, rows: Vec<(usize, i64, i64)>) -> Vec<(usize, i64, i64)> {
        let mut taken = Vec::new();
        for (series, time, value) in rows {
            let row = (series, NOW + time, value);
            let handle = self.store.series(&key(series)).unwrap();
            let added = self.store.batch().add(&handle, Timestamp::from_nanos(row.1), 0.0);
            assert_eq!(added.is_ok(), self.model.takes(series, row.1), "{row:?}");
            if added.is_ok() {
                taken.push(row);
            }
        }
        taken
    }

    fn delete(&mut self, metric: Option<usize>, bot: Option<bool>, start: i64, end: i64) {
        let range =
            TimeRange::new(Timestamp::from_nanos(NOW + start), Timestamp::from_nanos(NOW + end));
        let bot = bot.map(|is_shop| if is_shop { "shop" } else { "support" });
        let selector = Selector {
            metric: metric.map(|series| key(series).metric().to_owned()),
            matchers: bot.map(|bot| Matcher::equal("bot", bot)).into_iter().collect(),
        };
        let counted: usize = self.visible(&selector, range);
        let report = self.store.delete(&selector, range).unwrap();
        assert_eq!(report.samples, counted as u64);
        self.model.rows.retain(|(series, time, _)| {
            !(selector.matches(&key(*series))
                && range.start.as_nanos() <= *time
                && *time < range.end.as_nanos())
        });
    }

    /// Counts what a deletion takes of the samples that answers hold.
    fn visible(&self, selector: &Selector, range: TimeRange) -> usize {
        let chosen = (0..SERIES).filter(|series| selector.matches(&key(*series)));
        let samples = chosen.flat_map(|series| self.model.samples(series));
        samples.filter(|(time, _)| range.contains(Timestamp::from_nanos(*time))).count()
    }

    fn retain(&mut self) {
        let hours = |days: u8| Duration::from_hours(24 * u64::from(days));
        let mut retention = Retention::forever();
        if let Some(days) = self.model.keep {
            retention = retention.keep(hours(days));
        }
        for (metric, days) in &self.model.keep_metric {
            retention = retention.keep_metric(metric.as_str(), hours(*days));
        }
        self.store.set_retention(&retention).unwrap();
        self.model.expire(self.now);
        assert_eq!(self.store.retention(), retention);
    }

    fn step(&mut self, op: Op) {
        match op {
            Op::Append { series, time, value } => {
                let taken = self.taken(vec![(series, time, value)]);
                for (series, time, value) in taken {
                    let handle = self.store.series(&key(series)).unwrap();
                    handle.append(Timestamp::from_nanos(time), value as f64).unwrap();
                    self.model.rows.push((series, time, value));
                }
            }
            Op::Batch(rows) => {
                let rows = self.taken(rows);
                self.batch(&rows).commit().unwrap();
                self.model.rows.extend(rows);
            }
            Op::Once { producer, position, rows } => {
                let rows = self.taken(rows);
                let known = self.model.positions[producer];
                let is_new = known.is_none_or(|known| known < position);
                let name = format!("worker {producer}");
                let stored = self.batch(&rows).commit_once(&name, position).unwrap();
                assert_eq!(stored, is_new);
                if is_new {
                    self.model.positions[producer] = Some(position);
                    self.model.rows.extend(rows);
                }
                assert_eq!(self.store.position_of(&name), self.model.positions[producer]);
            }
            Op::Delete { metric, bot, start, end } => self.delete(metric, bot, start, end),
            Op::Keep { days } => {
                self.model.keep = Some(days);
                self.retain();
            }
            Op::KeepMetric { series, days } => {
                let metric = key(series).metric().to_owned();
                self.model.keep_metric.retain(|(name, _)| *name != metric);
                self.model.keep_metric.push((metric, days));
                self.retain();
            }
            Op::Flush => drop(self.store.flush().unwrap()),
            Op::Compact => drop(self.store.compact().unwrap()),
            Op::Purge => {
                self.store.purge().unwrap();
                let stats = self.store.snapshot().unwrap().stats().unwrap();
                let left: usize = (0..SERIES).map(|series| self.model.samples(series).len()).sum();
                assert!(stats.samples >= left as u64);
                assert_eq!(stats.deletions, 0, "every deletion is carried out");
            }
            Op::Tick { hours } => {
                self.now += i64::from(hours) * DAY / 24;
                self.clock.set(Timestamp::from_nanos(self.now));
                self.store.tick().unwrap();
                self.model.expire(self.now);
            }
            Op::Reopen { clean } => {
                if clean {
                    self.store.close().unwrap();
                }
                let gone = std::mem::replace(&mut self.store, Store::in_memory().unwrap());
                drop(gone);
                self.store = Self::open(&self.vfs, &self.clock);
            }
        }
    }

    fn check(&self) {
        for snapshot in [self.store.snapshot().unwrap(), self.reader.snapshot().unwrap()] {
            for series in 0..SERIES {
                assert_eq!(samples(&snapshot, series), self.model.samples(series), "{series}");
            }
            let all = (0..SERIES).flat_map(|series| self.model.samples(series));
            let times: Vec<i64> = all.map(|(time, _)| time).collect();
            let extent = snapshot.extent(None).unwrap();
            let extent = extent.map(|range| (range.start.as_nanos(), range.end.as_nanos() - 1));
            assert_eq!(extent, times.iter().min().copied().zip(times.iter().max().copied()));
        }
    }
}

fn samples(snapshot: &Snapshot, series: usize) -> Vec<(i64, f64)> {
    let mut columns = Columns::default();
    for chosen in snapshot.select(&Selector::metric(key(series).metric())).unwrap() {
        if *chosen.key() == key(series) {
            snapshot.read(&chosen, TimeRange::ALL, &mut columns).unwrap();
        }
    }
    columns.iter().map(|sample| (sample.timestamp.as_nanos(), sample.value)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_store_holds_what_a_multiset_holds(ops in proptest::collection::vec(op(), 1..40)) {
        let mut run = Run::new();
        for op in ops {
            run.step(op);
            run.check();
        }
        let report = run.reader.verify().unwrap();
        assert_eq!(report.damages, vec![], "what is left is whole");
    }
}
