//! Encoding and decoding of single columns, each codec on the columns that suit it and those that
//! do not. Names are `group/case/count`; throughput is in entries.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]
#![allow(clippy::unwrap_used, reason = "a bench that fails should stop")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use silverback::codec::{
    Tier, TimeCodec, ValueCodec, decode_timestamps, decode_values, encode_timestamps, encode_values,
};

/// A chunk as flush cuts it, and one of an hour at two samples a minute.
const COUNTS: [usize; 2] = [8192, 120];

const TIERS: [(Tier, &str); 2] = [(Tier::Fast, "fast"), (Tier::Dense, "dense")];

/// `SplitMix64` (Steele, Lea, Flood, 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> i32 {
        i32::try_from(self.next() % limit).unwrap()
    }
}

fn value_columns(count: usize) -> Vec<(&'static str, Vec<f64>)> {
    let mut random = Random(7);
    let mut cents = 20_000;
    let gauge = (0..count).map(|_| {
        cents += random.below(101) - 50;
        f64::from(cents) / 100.0
    });
    let gauge: Vec<f64> = gauge.collect();
    // The product of three uniforms has a long tail, as response times do.
    let latency = (0..count).map(|_| {
        let product = (1..=3).fold(1.0, |product, _| product * f64::from(random.below(1000)));
        (product / 1e4).round() / 100.0
    });
    let latency: Vec<f64> = latency.collect();
    let noise = (0..count).map(|_| f64::from_bits(random.next() >> 2)).collect();
    let counter = (0..count).map(|at| f64::from(u32::try_from(at / 4).unwrap() * 3)).collect();
    vec![
        ("constant", vec![842.0; count]),
        ("counter", counter),
        ("gauge", gauge),
        ("latency", latency),
        ("noise", noise),
    ]
}

fn timestamp_columns(count: usize) -> Vec<(&'static str, Vec<i64>)> {
    const START: i64 = 1_700_000_000_000_000_000;
    const NANOS_PER_MILLI: i64 = 1_000_000;
    let mut random = Random(11);
    let steps = || 0..i64::try_from(count).unwrap();
    let regular = steps().map(|step| START + step * 15_000 * NANOS_PER_MILLI).collect();
    let jittered = steps()
        .map(|step| START + (step * 15_000 + i64::from(random.below(9))) * NANOS_PER_MILLI)
        .collect();
    let mut time = START;
    let arrivals = steps().map(|_| {
        time += i64::from(random.below(900) * random.below(3)) * NANOS_PER_MILLI;
        time
    });
    let arrivals = arrivals.collect();
    let nanos = steps().map(|step| START + step * 1_000_003 + i64::from(random.below(999_983)));
    vec![
        ("regular", regular),
        ("jittered_ms", jittered),
        ("arrivals_ms", arrivals),
        ("nanos", nanos.collect()),
    ]
}

fn values(criterion: &mut Criterion) {
    for count in COUNTS {
        for (case, column) in value_columns(count) {
            let mut group = criterion.benchmark_group("values");
            group.throughput(Throughput::Elements(count as u64));
            let mut bytes = Vec::new();
            for (tier, name) in TIERS {
                let chosen = BenchmarkId::new(format!("encode_{name}_tier/{case}"), count);
                group.bench_function(chosen, |bencher| {
                    bencher.iter(|| {
                        bytes.clear();
                        encode_values(black_box(&column), tier, &mut bytes)
                    });
                });
            }
            for codec in ValueCodec::ALL {
                bytes.clear();
                if !codec.encode(&column, &mut bytes) {
                    continue;
                }
                let mut decoded = Vec::with_capacity(count);
                let id = BenchmarkId::new(format!("decode_{}/{case}", codec.as_str()), count);
                group.bench_function(id, |bencher| {
                    bencher.iter(|| {
                        decoded.clear();
                        decode_values(codec, black_box(&bytes), count, &mut decoded).unwrap();
                    });
                });
            }
        }
    }
}

fn timestamps(criterion: &mut Criterion) {
    for count in COUNTS {
        for (case, column) in timestamp_columns(count) {
            let mut group = criterion.benchmark_group("timestamps");
            group.throughput(Throughput::Elements(count as u64));
            let mut bytes = Vec::new();
            for (tier, name) in TIERS {
                let chosen = BenchmarkId::new(format!("encode_{name}_tier/{case}"), count);
                group.bench_function(chosen, |bencher| {
                    bencher.iter(|| {
                        bytes.clear();
                        encode_timestamps(black_box(&column), tier, &mut bytes)
                    });
                });
            }
            for codec in TimeCodec::ALL {
                bytes.clear();
                if !codec.encode(&column, &mut bytes) {
                    continue;
                }
                let mut decoded = Vec::with_capacity(count);
                let id = BenchmarkId::new(format!("decode_{}/{case}", codec.as_str()), count);
                group.bench_function(id, |bencher| {
                    bencher.iter(|| {
                        decoded.clear();
                        decode_timestamps(codec, black_box(&bytes), count, &mut decoded).unwrap();
                    });
                });
            }
        }
    }
}

criterion_group!(benches, values, timestamps);
criterion_main!(benches);
