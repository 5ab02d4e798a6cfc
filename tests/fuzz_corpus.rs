//! The fuzz targets hold on every input of their corpus, as they do under the fuzzer.
//!
//! The corpus begins with seeds that the encoders write, whole and damaged. That they are still
//! what the encoders write shows that the layouts have not changed; after a change that is meant,
//! `SILVERBACK_BLESS=1 cargo test --test fuzz_corpus` writes them anew.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::print_stdout, reason = "names the input that fails")]

#[path = "../fuzz/bodies/decode_timestamps.rs"]
mod decode_timestamps;
#[path = "../fuzz/bodies/decode_values.rs"]
mod decode_values;
#[path = "../fuzz/bodies/parse.rs"]
mod parse;
#[path = "../fuzz/bodies/run.rs"]
mod run;

use std::env;
use std::fs;
use std::path::PathBuf;

use silverback::codec::{TimeCodec, ValueCodec};

/// Keeps the repository small and the replay quick.
const INPUT_BYTES_MAX: usize = 4096;

fn folder(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

fn replay(target: &str, run: impl Fn(&[u8])) {
    let mut count = 0;
    for entry in fs::read_dir(folder(target)).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        assert!(bytes.len() < INPUT_BYTES_MAX, "{} is too large", path.display());
        // Names the input if the body panics; the harness shows it on failure alone.
        println!("{}", path.display());
        run(&bytes);
        count += 1;
    }
    assert!(count >= 20, "only {count} inputs for {target}");
}

#[test]
fn decode_values_holds_on_its_corpus() {
    replay("decode_values", decode_values::run);
}

#[test]
fn decode_timestamps_holds_on_its_corpus() {
    replay("decode_timestamps", decode_timestamps::run);
}

#[test]
fn parse_holds_on_its_corpus() {
    replay("parse", parse::run);
}

#[test]
fn run_holds_on_its_corpus() {
    replay("run", run::run);
}

#[test]
fn the_seeds_are_what_the_encoders_write() {
    for (target, seeds) in
        [("decode_values", value_seeds()), ("decode_timestamps", timestamp_seeds())]
    {
        for (name, seed) in seeds {
            let path = folder(target).join(name);
            if env::var_os("SILVERBACK_BLESS").is_some() {
                fs::create_dir_all(folder(target)).unwrap();
                fs::write(&path, &seed).unwrap();
            }
            let stored = fs::read(&path).unwrap_or_default();
            assert!(stored == seed, "{} differs from what is written now", path.display());
        }
    }
}

/// `SplitMix64` (Steele, Lea, Flood, 2014): any seed gives a good sequence.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Returns the input of a block as the target reads it, and two damaged ones.
fn with_damage(name: &str, tag: u8, count: usize, block: &[u8]) -> Vec<(String, Vec<u8>)> {
    let [count_low, count_high] = u16::try_from(count).unwrap().to_le_bytes();
    let whole = [&[tag, count_low, count_high], block].concat();
    let mut state = whole.len() as u64;
    let mut damaged = whole.clone();
    let bit = usize::try_from(random(&mut state) % (damaged.len() as u64 * 8)).unwrap();
    damaged[bit / 8] ^= 1 << (bit % 8);
    let cut = whole[..whole.len() - whole.len() / 3].to_vec();
    let names = ["whole", "flipped", "cut"].map(|state| format!("{name}-{state}"));
    names.into_iter().zip([whole, damaged, cut]).collect()
}

fn value_seeds() -> Vec<(String, Vec<u8>)> {
    let mut state = 1;
    let mut below = |limit: u64| u32::try_from(random(&mut state) % limit).unwrap();
    let gauge: Vec<f64> = (0..150)
        .scan(20_000, |cents, _| {
            *cents += below(101);
            Some(f64::from(*cents - 50) / 100.0)
        })
        .collect();
    let latencies: Vec<f64> = (0..100).map(|_| f64::from(below(200_000)) / 100.0).collect();
    let counter: Vec<f64> = (0..200).map(|step| f64::from(step / 3 * 7)).collect();
    let special = [
        0.0,
        -0.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
    ];
    let rates: Vec<f64> = (0..90).map(|_| f64::from(below(50_000)) / 600.0).collect();
    let sums: Vec<f64> = (0..90).map(|_| f64::from(below(90_000)) * 0.001 + 0.1).collect();
    let mostly: Vec<f64> =
        (0..200).map(|i| if i % 23 == 7 { f64::from(below(900)) } else { 99.5 }).collect();
    let levels: Vec<f64> = (0..200).map(|i| f64::from(i / 19 * i / 19 % 11)).collect();
    let columns: [(&str, &[f64]); 10] = [
        ("empty", &[]),
        ("equal", &[842.0; 90]),
        ("gauge", &gauge),
        ("latencies", &latencies),
        ("counter", &counter),
        ("special", &special),
        ("rates", &rates),
        ("sums", &sums),
        ("mostly", &mostly),
        ("levels", &levels),
    ];
    let mut seeds = Vec::new();
    for (name, values) in columns {
        for codec in ValueCodec::ALL {
            let mut block = Vec::new();
            if codec.encode(values, &mut block) {
                let name = format!("{name}-{}", codec.as_str());
                seeds.extend(with_damage(&name, codec.to_tag(), values.len(), &block));
            }
        }
    }
    seeds
}

fn timestamp_seeds() -> Vec<(String, Vec<u8>)> {
    const START: i64 = 1_700_000_000_000_000_000;
    let mut state = 2;
    let mut below = |limit: u64| i64::try_from(random(&mut state) % limit).unwrap();
    let regular: Vec<i64> = (0..120).map(|step| START + step * 15_000_000_000).collect();
    let jittered: Vec<i64> =
        (0..120).map(|step| START + (step * 15_000 + below(9)) * 1_000_000).collect();
    let arrivals: Vec<i64> = (0..150)
        .scan(START, |time, _| {
            *time += below(900) * below(40) * 1_000_000;
            Some(*time)
        })
        .collect();
    let late: Vec<i64> = (0..100).map(|step| START + step * 1_000 - below(30_000)).collect();
    let columns: [(&str, &[i64]); 7] = [
        ("empty", &[]),
        ("single", &[START]),
        ("regular", &regular),
        ("jittered", &jittered),
        ("arrivals", &arrivals),
        ("late", &late),
        ("extremes", &[i64::MIN, i64::MAX, 0, -1, i64::MAX, i64::MIN]),
    ];
    let mut seeds = Vec::new();
    for (name, timestamps) in columns {
        for codec in TimeCodec::ALL {
            let mut block = Vec::new();
            if codec.encode(timestamps, &mut block) {
                let name = format!("{name}-{}", codec.as_str());
                seeds.extend(with_damage(&name, codec.to_tag(), timestamps.len(), &block));
            }
        }
    }
    seeds
}
