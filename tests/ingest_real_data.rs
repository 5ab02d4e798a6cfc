//! Each recorded file is read by the one command that docs/INGEST.md gives for it, and every column
//! holds what an independent reader finds in it, value by value.
//!
//! The files are not part of the repository: `SILVERBACK_DATA` names the folder that holds them.

#![cfg(all(feature = "cli", unix))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]

use std::io::BufReader;
use std::path::Path;
use std::process::Command;

use silverback::{Columns, Reader, Selector, TimeRange};

/// A file, how many rows it has, and which metric holds which column; of rows that name a metric
/// themselves, those of that metric.
type Wanted = (&'static str, usize, &'static [(&'static str, &'static str)]);

const WANTED: [Wanted; 11] = [
    (
        "llm/azure_llm_2023_conv.csv.gz",
        19_366,
        &[("ContextTokens", "ContextTokens"), ("GeneratedTokens", "GeneratedTokens")],
    ),
    (
        "llm/llmperf_2023-12.csv.gz",
        1_350,
        &[
            ("ttft", "ttft_s"),
            ("latency", "end_to_end_latency_s"),
            ("speed", "output_tokens_per_s"),
            ("output", "output_tokens"),
        ],
    ),
    (
        "llm/servegen_m-small_rates.csv.gz",
        40_095,
        &[("rate", "rate_rps"), ("iat_cv", "iat_cv"), ("scale", "iat_p2")],
    ),
    (
        "latency/azure_vm_noise_eastus.csv.gz",
        284_675,
        &[("value", "value"), ("runtime", "runtime_s")],
    ),
    ("latency/onlineboutique_2022-08-22_spans.csv.gz", 209_413, &[("duration", "duration_us")]),
    (
        "devops/ms_cloud_monitoring.csv.gz",
        126_177,
        &[("value", "value"), ("anomaly", "is_anomaly")],
    ),
    ("devops/nab.csv.gz", 160_244, &[("value", "value")]),
    ("devops/nginxplus_status.csv.gz", 136_500, &[("value", "value")]),
    (
        "devops/onlineboutique_2022-08-22_pod_metrics.csv.gz",
        12_090,
        &[
            ("CpuUsage(m)", "CpuUsage(m)"),
            ("MemoryUsage(Mi)", "MemoryUsage(Mi)"),
            ("PodServerLatencyP99(s)", "PodServerLatencyP99(s)"),
            ("NodeNetworkReceiveBytes", "NodeNetworkReceiveBytes"),
        ],
    ),
    (
        "devops/petshop_high_traffic.csv.gz",
        157_337,
        &[("latency", "value"), ("requests", "value"), ("availability", "value")],
    ),
    ("floats/alp_samples.csv.gz", 16_384, &[("value", "value")]),
];

/// Sets of labels, a sample of 1 each.
const LABEL_SETS: &str = "labels/prometheus_20kseries.jsonl.gz";

/// The command that the documentation gives for a file.
fn command_for(file: &str) -> &'static str {
    let document = include_str!("../docs/INGEST.md");
    let start = format!("silverback ingest {file}");
    document.lines().find(|line| line.starts_with(&start)).unwrap()
}

/// Runs a command of the documentation in the folder of the data, with a store elsewhere.
fn run(data: &Path, command: &str, db: &Path) {
    let binary = env!("CARGO_BIN_EXE_silverback");
    let rest = command.strip_prefix("silverback ").unwrap();
    let line = format!("'{binary}' --db '{}' {rest}", db.display());
    let output = Command::new("sh").args(["-c", &line]).current_dir(data).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{command}: {told}");
}

/// All values of a metric, sorted.
fn stored(reader: &Reader, metric: &str) -> Vec<f64> {
    let snapshot = reader.snapshot().unwrap();
    let (mut columns, mut values) = (Columns::default(), Vec::new());
    let selector = Selector::metric(metric);
    for series in snapshot.select(&selector).unwrap() {
        assert_eq!(series.key().metric(), metric);
        snapshot.read(&series, TimeRange::ALL, &mut columns).unwrap();
        values.extend_from_slice(&columns.values);
    }
    values.sort_by(f64::total_cmp);
    values
}

#[test]
fn every_column_of_every_file_is_what_another_reader_finds() {
    let Some(data) = std::env::var_os("SILVERBACK_DATA") else {
        let is_required = std::env::var("SILVERBACK_DATA_REQUIRED").is_ok_and(|word| word == "1");
        assert!(!is_required, "SILVERBACK_DATA_REQUIRED=1, but SILVERBACK_DATA is not set");
        eprintln!("skipped: set SILVERBACK_DATA to the folder that holds the recorded data");
        return;
    };
    let data = Path::new(&data);
    for (file, rows, columns) in WANTED {
        let folder = tempfile::tempdir().unwrap();
        run(data, command_for(file), &folder.path().join("db"));
        let reader = Reader::open(folder.path().join("db")).unwrap();
        let packed = std::fs::OpenOptions::new().read(true).open(data.join(file)).unwrap();
        let plain = BufReader::new(flate2::read::MultiGzDecoder::new(packed));
        let mut other = csv::Reader::from_reader(plain);
        let header = other.headers().unwrap().clone();
        let place = |name: &str| header.iter().position(|column| column == name);
        let records: Vec<csv::StringRecord> = other.records().map(Result::unwrap).collect();
        assert_eq!(records.len(), rows, "{file}");
        for (metric, column) in columns {
            let own = place("metric");
            let column = place(column).unwrap();
            let is_own = |record: &&csv::StringRecord| own.is_none_or(|at| &record[at] == *metric);
            let texts = records.iter().filter(is_own).map(|record| record[column].trim());
            let numbers = texts.filter(|text| !text.is_empty()).map(|text| text.parse().unwrap());
            let mut wanted: Vec<f64> = numbers.filter(|number: &f64| number.is_finite()).collect();
            wanted.sort_by(f64::total_cmp);
            let stored = stored(&reader, metric);
            assert_eq!(stored.len(), wanted.len(), "count of {metric} in {file}");
            assert!(!wanted.is_empty(), "{metric} in {file}");
            let sum = |values: &[f64]| values.iter().sum::<f64>().to_bits();
            assert_eq!(sum(&stored), sum(&wanted), "sum of {metric} in {file}");
            assert!(stored == wanted, "values of {metric} in {file}");
        }
    }
    let file = LABEL_SETS;
    let folder = tempfile::tempdir().unwrap();
    run(data, command_for(file), &folder.path().join("db"));
    let reader = Reader::open(folder.path().join("db")).unwrap();
    assert_eq!(stored(&reader, "label_set"), vec![1.0; 14_511]);
}

/// Needs no data: a command that is documented and not tested is found everywhere.
#[test]
fn every_documented_command_is_one_that_is_tested() {
    let document = include_str!("../docs/INGEST.md");
    let block = document.split("```sh recorded\n").nth(1).unwrap().split("```").next().unwrap();
    let tested: Vec<&str> = WANTED.iter().map(|(file, ..)| *file).collect();
    for line in block.lines() {
        let file = line.strip_prefix("silverback ingest ").unwrap().split(' ').next().unwrap();
        assert!(tested.contains(&file) || file == LABEL_SETS, "{line}");
        assert_eq!(command_for(file), line);
    }
    assert_eq!(block.lines().count(), WANTED.len() + 1);
}
