//! Columns that are made: shapes of which the entropy is known, or that others measure by.

use std::f64::consts::{E, PI};

use crate::columns::Column;

/// `SplitMix64` (Steele, Lea, Flood, 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number in (0, 1].
    fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// Box and Muller, 1958.
    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (2.0 * PI * self.uniform()).cos()
    }

    fn below(&mut self, limit: u64) -> i64 {
        (self.next() % limit).cast_signed()
    }
}

const MEDIAN_MS: f64 = 180.0;
const SIGMA: f64 = 0.6;

/// Returns response times in ms, in units of so many ms, and what they take at best.
fn log_normal(count: usize, seed: u64, per_ms: f64) -> Column<f64> {
    let mut random = Random(seed);
    let mut value = || {
        let exact = MEDIAN_MS * (SIGMA * random.normal()).exp();
        (exact * per_ms).round() / per_ms
    };
    let nats = MEDIAN_MS.ln() + 0.5 * (2.0 * PI * E * SIGMA * SIGMA).ln() + per_ms.ln();
    Column {
        name: format!("synthetic log-normal, 1/{per_ms} ms"),
        entries: (0..count).map(|_| value()).collect(),
        entropy: Some(nats / 2_f64.ln()),
    }
}

pub(crate) fn values(count: usize) -> Vec<Column<f64>> {
    let mut columns: Vec<Column<f64>> =
        [(1, 10.0), (2, 100.0), (3, 1000.0)].map(|(s, per_ms)| log_normal(count, s, per_ms)).into();
    let mut random = Random(4);
    let of = |name: &str, entries: Vec<f64>| Column {
        name: format!("synthetic {name}"),
        entries,
        entropy: None,
    };
    let full = (0..count).map(|_| MEDIAN_MS * (SIGMA * random.normal()).exp()).collect();
    columns.push(of("log-normal, full mantissa", full));
    let mut random = Random(5);
    let mut cents = 200_000;
    let gauge = (0..count).map(|_| {
        cents += random.below(101) - 50;
        cents as f64 / 100.0
    });
    columns.push(of("gauge, 2 decimals", gauge.collect()));
    let mut total = 0;
    let counter = (0..count).map(|i| {
        // A process that ends and begins anew.
        total = if i % 5000 == 4999 { 0 } else { total + random.below(64) };
        total as f64
    });
    columns.push(of("counter, resets", counter.collect()));
    let mut level = 0.0;
    let still = (0..count).map(|_| {
        if random.below(50) == 0 {
            level = random.below(1000) as f64;
        }
        level
    });
    columns.push(of("gauge, still", still.collect()));
    columns
}

const START: i64 = 1_700_000_000_000_000_000;
const MILLI: i64 = 1_000_000;
const MICRO: i64 = 1_000;

/// Returns arrivals of a Poisson process with so many units between them on average.
fn poisson(name: &str, count: usize, unit: i64, mean: f64) -> Column<i64> {
    let mut random = Random(11);
    let mut time = 0.0;
    let mut arrival = || {
        time -= mean * random.uniform().ln();
        #[expect(clippy::cast_possible_truncation, reason = "some days of microseconds")]
        let units = time as i64;
        START + units * unit
    };
    Column {
        name: format!("synthetic Poisson, {name}"),
        entries: (0..count).map(|_| arrival()).collect(),
        entropy: Some((mean * E).log2()),
    }
}

pub(crate) fn timestamps(count: usize) -> Vec<Column<i64>> {
    let steps = || (0_i64..).take(count);
    let mut random = Random(12);
    let regular = steps().map(|step| START + step * 15_000 * MILLI).collect();
    let jittered = steps().map(|step| START + (step * 15_000 + random.below(9)) * MILLI).collect();
    let mut drifting = START;
    let delayed = steps().map(|_| {
        drifting += (15_000 + random.below(9)) * MILLI;
        drifting
    });
    let delayed = delayed.collect();
    let of = |name: &str, entries: Vec<i64>, entropy: f64| Column {
        name: format!("synthetic {name}"),
        entries,
        entropy: Some(entropy),
    };
    vec![
        of("regular, 15 s", regular, 0.0),
        of("schedule with jitter, ms", jittered, 9_f64.log2()),
        of("steps with jitter, ms", delayed, 9_f64.log2()),
        poisson("ms", count, MILLI, 180.8),
        poisson("us", count, MICRO, 180_800.0),
    ]
}
