//! The columns that codecs are measured by: those of real data, series after series, and made ones.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use csv::StringRecord;
use flate2::read::GzDecoder;

use crate::synthetic;

/// A column and its name.
#[derive(Debug)]
pub(crate) struct Column<T> {
    pub(crate) name: String,
    pub(crate) entries: Vec<T>,
    /// What an entry takes at best, where that is known.
    pub(crate) entropy: Option<f64>,
}

/// A column of a file: one cell of each row that passes, series after series.
struct Source {
    name: &'static str,
    file: &'static str,
    /// The columns of labels, by which rows are grouped; rows of one group stay in order.
    labels: &'static [&'static str],
    /// A row passes where the cell of this column begins so; all do where it is empty.
    filter: (&'static str, &'static str),
    cell: &'static str,
}

const CONV: &str = "llm/azure_llm_2023_conv.csv.gz";
const LLMPERF: &str = "llm/llmperf_2023-12.csv.gz";
const SERVEGEN: &str = "llm/servegen_m-small_rates.csv.gz";
const VM_NOISE: &str = "latency/azure_vm_noise_eastus.csv.gz";
const SPANS: &str = "latency/onlineboutique_2022-08-22_spans.csv.gz";
const CLOUD: &str = "devops/ms_cloud_monitoring.csv.gz";
const NAB: &str = "devops/nab.csv.gz";
const NGINX: &str = "devops/nginxplus_status.csv.gz";
const PODS: &str = "devops/onlineboutique_2022-08-22_pod_metrics.csv.gz";
const PETSHOP: &str = "devops/petshop_high_traffic.csv.gz";
const SAMPLES: &str = "floats/alp_samples.csv.gz";

const ENDPOINT: &[&str] = &["provider", "model_size"];
const MACHINE: &[&str] = &["suite", "test", "vm_lifespan", "vm_sku"];
const OPERATION: &[&str] = &["pod", "operation"];
const STATISTIC: &[&str] = &["run", "node", "metric", "statistic"];
const FIELD: &[&str] = &["group", "zone", "field"];
const ALL: (&str, &str) = ("", "");

const fn source(
    name: &'static str,
    file: &'static str,
    labels: &'static [&'static str],
    filter: (&'static str, &'static str),
    cell: &'static str,
) -> Source {
    Source { name, file, labels, filter, cell }
}

const VALUES: [Source; 24] = [
    source("conv, context tokens", CONV, &[], ALL, "ContextTokens"),
    source("conv, generated tokens", CONV, &[], ALL, "GeneratedTokens"),
    source("llmperf, whole latency s", LLMPERF, ENDPOINT, ALL, "end_to_end_latency_s"),
    source("servegen, rate", SERVEGEN, &["client"], ALL, "rate_rps"),
    source("servegen, scale", SERVEGEN, &["client"], ALL, "iat_p2"),
    source("vm noise, PostgreSQL ms", VM_NOISE, MACHINE, ("suite", "PostgreSQL"), "value"),
    source("vm noise, Redis rps", VM_NOISE, MACHINE, ("suite", "Redis"), "value"),
    source("spans, us", SPANS, OPERATION, ALL, "duration_us"),
    source("petshop, latency s", PETSHOP, STATISTIC, ("metric", "latency"), "value"),
    source("petshop, requests", PETSHOP, STATISTIC, ("metric", "requests"), "value"),
    source("petshop, availability", PETSHOP, STATISTIC, ("metric", "availability"), "value"),
    source("nginx, status", NGINX, FIELD, ALL, "value"),
    source("cloud, ingress", CLOUD, &["series"], ("domain", "data-ingress"), "value"),
    source("cloud, latency", CLOUD, &["series"], ("domain", "middle-tier"), "value"),
    source("cloud, machine", CLOUD, &["series"], ("domain", "mongodb-machine"), "value"),
    source("cloud, purchases", CLOUD, &["series"], ("domain", "consumer-purchase"), "value"),
    source("nab, AWS", NAB, &["series"], ("group", "realAWSCloudwatch"), "value"),
    source("nab, known causes", NAB, &["series"], ("group", "realKnownCause"), "value"),
    source("nab, tweets", NAB, &["series"], ("group", "realTweets"), "value"),
    source("pods, CPU m", PODS, &["PodName"], ALL, "CpuUsage(m)"),
    source("pods, memory Mi", PODS, &["PodName"], ALL, "MemoryUsage(Mi)"),
    source("pods, server p99 s", PODS, &["PodName"], ALL, "PodServerLatencyP99(s)"),
    source("pods, received bytes", PODS, &["PodName"], ALL, "NetworkReceiveBytes"),
    source("alp samples", SAMPLES, &["dataset"], ALL, "value"),
];

const BINARIES: [(&str, &str); 3] = [
    ("city temperature", "floats/alp_city_temperature_f_tw.f64le.bin.gz"),
    ("food prices", "floats/alp_food_prices_tw.f64le.bin.gz"),
    ("nyc29", "floats/alp_nyc29_tw.f64le.bin.gz"),
];

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const NANOS_PER_MILLI: i64 = 1_000_000;

const TIMESTAMPS: [(Source, i64); 5] = [
    (source("spans, ns", SPANS, &["pod"], ALL, "start_unix_ns"), 1),
    (source("cloud, s", CLOUD, &["series"], ALL, "ts_s"), NANOS_PER_SECOND),
    (source("nab, s", NAB, &["series"], ALL, "ts_s"), NANOS_PER_SECOND),
    (source("nginx, ms", NGINX, FIELD, ALL, "ts_ms"), NANOS_PER_MILLI),
    (source("pods, s", PODS, &["PodName"], ALL, "TimeStamp"), NANOS_PER_SECOND),
];

fn read(data: &Path, file: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let compressed = fs::read(data.join(file)).unwrap();
    GzDecoder::new(compressed.as_slice()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Returns the cells of a source, of no more than `count` rows.
fn cells<T>(
    files: &mut BTreeMap<&'static str, Vec<u8>>,
    data: &Path,
    source: &Source,
    parse: impl Fn(&str) -> Option<T>,
) -> Vec<T> {
    let bytes = files.entry(source.file).or_insert_with(|| read(data, source.file));
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let headers = reader.headers().unwrap().clone();
    let place = |name: &str| headers.iter().position(|header| header == name);
    let labels: Vec<usize> = source.labels.iter().map(|label| place(label).unwrap()).collect();
    let (cell, filter) = (place(source.cell).unwrap(), place(source.filter.0));
    let passes =
        |row: &StringRecord| filter.is_none_or(|column| row[column].starts_with(source.filter.1));
    let mut series: BTreeMap<Vec<String>, Vec<T>> = BTreeMap::new();
    for row in reader.records().map(Result::unwrap).filter(passes) {
        let Some(entry) = parse(&row[cell]) else { continue };
        let key = labels.iter().map(|label| row[*label].to_owned()).collect();
        series.entry(key).or_default().push(entry);
    }
    series.into_values().flatten().collect()
}

/// Returns the columns of values: those of real data where its folder is given, and made ones.
pub(crate) fn values(data: Option<&Path>, count: usize) -> Vec<Column<f64>> {
    let mut columns = Vec::new();
    if let Some(data) = data {
        let mut files = BTreeMap::new();
        for source in &VALUES {
            let entries = cells(&mut files, data, source, |cell| cell.parse().ok());
            columns.push(Column { name: source.name.to_owned(), entries, entropy: None });
        }
        for (name, file) in BINARIES {
            let bytes = read(data, file);
            let (words, _) = bytes.as_chunks();
            let entries = words.iter().map(|word| f64::from_le_bytes(*word)).collect();
            columns.push(Column { name: name.to_owned(), entries, entropy: None });
        }
    }
    columns.extend(synthetic::values(count));
    for column in &mut columns {
        column.entries.truncate(count);
    }
    columns
}

/// Returns the columns of timestamps, in nanoseconds.
pub(crate) fn timestamps(data: Option<&Path>, count: usize) -> Vec<Column<i64>> {
    let mut columns = Vec::new();
    if let Some(data) = data {
        let mut files = BTreeMap::new();
        for (source, unit) in &TIMESTAMPS {
            let parse = |cell: &str| cell.parse().ok().map(|time: i64| time * unit);
            let entries = cells(&mut files, data, source, parse);
            columns.push(Column { name: source.name.to_owned(), entries, entropy: None });
        }
    }
    columns.extend(synthetic::timestamps(count));
    for column in &mut columns {
        column.entries.truncate(count);
    }
    columns
}
