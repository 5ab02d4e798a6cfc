//! The table of codecs: bits a value, and values a second of CPU time, for each codec, column and
//! chunk size, beside what others make of the same columns.
//!
//! ```text
//! SILVERBACK_DATA=… cargo bench --bench codec_table            the tables, in Markdown
//! SILVERBACK_DATA=… cargo bench --bench codec_table -- --long  every measurement, tab-separated
//! ```
//!
//! `SILVERBACK_DATA` names the folder of the real columns; without it there are synthetic ones
//! alone, and a line says so. Under `cargo test` each method proves on a few short columns that it
//! gives back what it took.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that fails should stop")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it prints tables")]
#![allow(clippy::cast_precision_loss, reason = "figures of a few digits")]

mod columns;
mod methods;
mod synthetic;

use std::env;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::columns::Column;
use crate::methods::{Entry, Method};

/// An hour at two samples a minute, two sizes of chunks, and what pays for most peers.
const CHUNKS: [usize; 4] = [120, 1024, 8192, 65_536];
/// No more entries of a column are measured, so that the whole takes a minute or two.
const ENTRIES_MAX: usize = 65_536;
/// As many, so that `cargo test` proves the same paths in seconds.
const ENTRIES_MAX_OF_TEST: usize = 2_000;
/// A chunk is decoded until so much time was spent on it, for the clock is coarse.
const DECODING_MIN: Duration = Duration::from_millis(1);

/// What a method did with one column in chunks of one size.
#[derive(Debug, Clone, Copy)]
struct Measured {
    bits: f64,
    encoded_per_second: f64,
    decoded_per_second: f64,
}

fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.cast_unsigned(), u32::try_from(now.tv_nsec).unwrap())
}

/// Returns nothing where the method does not hold a chunk.
fn measure<T: Entry>(method: Method, entries: &[T], chunk: usize) -> Option<Measured> {
    let mut bytes = 0;
    let (mut encoding, mut decoding, mut decoded_entries) = (Duration::ZERO, Duration::ZERO, 0);
    // The caches and the allocator are warmed up on the first chunk.
    if let Some(first) = entries.chunks(chunk).next() {
        black_box(method.encode(first));
    }
    let chunks = entries.len().div_ceil(chunk);
    for part in entries.chunks(chunk) {
        let start = cpu_time();
        let block = method.encode(part)?;
        encoding += cpu_time().saturating_sub(start);
        bytes += block.len_bytes;
        let start = cpu_time();
        loop {
            let decoded: Vec<T> = method.decode(&block, part.len());
            decoded_entries += part.len();
            let spent = cpu_time().saturating_sub(start);
            if spent >= DECODING_MIN / u32::try_from(chunks).unwrap() {
                decoding += spent;
                assert!(are_same(&decoded, part), "{method:?} lost something");
                break;
            }
        }
    }
    let count = entries.len() as f64;
    Some(Measured {
        bits: bytes as f64 * 8.0 / count,
        encoded_per_second: count / encoding.as_secs_f64().max(1e-9),
        decoded_per_second: decoded_entries as f64 / decoding.as_secs_f64().max(1e-9),
    })
}

/// Bit for bit.
fn are_same<T: Entry>(a: &[T], b: &[T]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_word() == b.to_word())
}

fn mean(figures: impl Iterator<Item = f64> + Clone) -> f64 {
    figures.clone().sum::<f64>() / figures.count() as f64
}

fn geometric_mean(figures: impl Iterator<Item = f64> + Clone) -> f64 {
    mean(figures.map(|figure| figure.max(1e-3).ln())).exp()
}

fn print_row(title: &str, entropy: &str, cells: impl Iterator<Item = String>) {
    println!("| {title} | {entropy} | {} |", cells.collect::<Vec<_>>().join(" | "));
}

/// Makes one figure of many.
type Mean<'a> = &'a dyn Fn(&[f64]) -> f64;

/// Prints one table: a row for each column, a column for each method, and their means.
fn print_table<T: Entry>(kind: &str, columns: &[Column<T>], chunk: usize, methods: &[Method]) {
    let mut rows: Vec<Vec<Measured>> = Vec::new();
    println!("\n### {kind}, chunks of {chunk}: bits each\n");
    print_row("column", "entropy", methods.iter().map(|method| method.name()));
    print_row("---", "---", methods.iter().map(|_| "---".to_owned()));
    for column in columns {
        let row: Vec<Measured> =
            methods.iter().filter_map(|method| measure(*method, &column.entries, chunk)).collect();
        let entropy = column.entropy.map_or(String::new(), |bits| format!("{bits:.2}"));
        print_row(&column.name, &entropy, row.iter().map(|cell| format!("{:.2}", cell.bits)));
        assert_eq!(row.len(), methods.len(), "all of these hold any column");
        rows.push(row);
    }
    let geometric: Mean<'_> = &|figures| geometric_mean(figures.iter().copied());
    let arithmetic: Mean<'_> = &|figures| mean(figures.iter().copied());
    let print_means = |title: &str, mean: Mean<'_>, figure: &dyn Fn(&Measured) -> f64| {
        let cells = (0..methods.len()).map(|method| {
            let figures: Vec<f64> = rows.iter().map(|row| figure(&row[method])).collect();
            format!("{:.2}", mean(&figures))
        });
        print_row(title, "", cells);
    };
    print_means("**geometric mean**", geometric, &|cell| cell.bits);
    print_means("**arithmetic mean**", arithmetic, &|cell| cell.bits);
    print_means("encoded, M/s", geometric, &|cell| cell.encoded_per_second / 1e6);
    print_means("decoded, M/s", geometric, &|cell| cell.decoded_per_second / 1e6);
}

fn print_long<T: Entry>(kind: &str, columns: &[Column<T>], chunk: usize, methods: &[Method]) {
    for column in columns {
        for method in methods {
            let Some(measured) = measure(*method, &column.entries, chunk) else { continue };
            let Measured { bits, encoded_per_second, decoded_per_second } = measured;
            println!(
                "{kind}\t{}\t{}\t{chunk}\t{bits:.4}\t{:.1}\t{:.1}",
                column.name,
                method.name(),
                encoded_per_second / 1e6,
                decoded_per_second / 1e6
            );
        }
    }
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    // Cargo passes this to benches that it runs as such, and not where it tests them.
    let is_test = !has("--bench");
    let data = env::var_os("SILVERBACK_DATA").map(PathBuf::from);
    if data.is_none() {
        eprintln!("SILVERBACK_DATA is not set: synthetic columns alone, the real ones are skipped");
    }
    let data = data.filter(|_| !is_test);
    let entries_max = if is_test { ENTRIES_MAX_OF_TEST } else { ENTRIES_MAX };
    let values = columns::values(data.as_deref(), entries_max);
    let timestamps = columns::timestamps(data.as_deref(), entries_max);
    let chunks = if is_test { &CHUNKS[..2] } else { &CHUNKS[..] };
    let (of_values, of_timestamps) = (Method::of_values(), Method::of_timestamps());
    if has("--long") || is_test {
        println!("kind\tcolumn\tmethod\tchunk\tbits\tencoded M/s\tdecoded M/s");
        for chunk in chunks {
            print_long("values", &values, *chunk, &of_values);
            print_long("timestamps", &timestamps, *chunk, &of_timestamps);
        }
        return;
    }
    for chunk in chunks {
        print_table("values", &values, *chunk, &Method::compared(&of_values));
        print_table("timestamps", &timestamps, *chunk, &Method::compared(&of_timestamps));
    }
}
