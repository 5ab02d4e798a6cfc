//! Each exit status of the table in README.md is reached, and by what the table says.

#![cfg(all(feature = "cli", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use silverback::{SeriesKey, Store, Timestamp};

/// A store of three samples in a folder of its own.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let store = place.writer();
        let latency = store.series(&SeriesKey::new("latency").label("bot", "shop")).unwrap();
        for seconds in 0..3 {
            let time = Timestamp::from_secs(1_770_000_000 + seconds).unwrap();
            latency.append(time, 842.5).unwrap();
        }
        store.close().unwrap();
        place
    }

    fn db(&self) -> PathBuf {
        self.0.path().join("db")
    }

    fn writer(&self) -> Store {
        Store::open(self.db()).unwrap()
    }

    /// Runs a line of the shell with the binary as `$S`, and returns its status and its stderr.
    fn run(&self, line: &str) -> (i32, String) {
        let output = Command::new("sh")
            .args(["-c", line])
            .current_dir(self.0.path())
            .env("S", format!("{} --db db", env!("CARGO_BIN_EXE_silverback")))
            .env_remove("SILVERBACK_DB")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    /// Runs the binary itself until it has said something, and sends it a signal. A shell would say
    /// 130 as well of what the signal killed.
    #[track_caller]
    fn is_ended_by(&self, signal: &str, words: &[&str], is_said: impl Fn(&str) -> bool) {
        let said = self.0.path().join("said");
        let mut child = Command::new(env!("CARGO_BIN_EXE_silverback"))
            .arg("--db")
            .arg(self.db())
            .args(words)
            .stdout(std::fs::File::create(&said).unwrap())
            .spawn()
            .unwrap();
        while !is_said(&std::fs::read_to_string(&said).unwrap()) {
            assert!(child.try_wait().unwrap().is_none(), "{words:?} ended by itself");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal} {words:?}");
    }

    #[track_caller]
    fn ends(&self, line: &str, status: i32, says: &str) {
        let (got, err) = self.run(line);
        assert_eq!(got, status, "{line}: {err}");
        assert!(err.contains(says), "{line}: {err}");
    }
}

const RANGE: &str = "from 2026-02-01 to 2026-03-01";

#[test]
fn what_is_done_ends_with_0_also_without_rows() {
    let place = Place::new();
    place.ends(&format!("$S query 'count(latency) {RANGE}'"), 0, "");
    place.ends(&format!("$S query 'latency {RANGE} where bot = \"none\"'"), 0, "Q302");
}

#[test]
fn what_a_writer_refuses_ends_with_1() {
    let place = Place::new();
    let writer = place.writer();
    place.ends("$S mark far --at 2126-02-09", 1, "too far in the future");
    drop(writer);
}

#[test]
fn wrong_words_end_with_2() {
    let place = Place::new();
    place.ends("$S query 'count(latncy)'", 2, "Q104");
    place.ends("$S query --nonsense", 2, "--nonsense");
    place.ends("$S bench write --threads 0", 2, "--threads");
    place.ends("$S bench write --samples 0", 2, "--samples");
    place.ends(
        "echo 'ts,latency,bot' > rows.csv; $S inspect rows.csv",
        2,
        "not a file of a store or backup",
    );
    place.ends("echo > short; $S inspect short", 2, "not a file of a store or backup");
    place.ends("$S query 'count(latency)' -o spark", 2, "every");
    place.ends("$S delete latency", 2, "--yes");
    place.ends("$S retention set --keep soon", 2, "90d");
    place.ends("$S retention set --keep 0s --yes", 2, "90d");
    place.ends("$S query 'count(latency)' --now soon", 2, "--now");
}

#[test]
fn what_is_not_there_ends_with_3() {
    let place = Place::new();
    place.ends("$S query --query-file nowhere", 3, "nowhere");
    place.ends("$S ingest nowhere.csv", 3, "nowhere.csv");
    place.ends("$S inspect nowhere", 3, "");
    place.ends("$S backup restore nowhere", 3, "");
    place.ends("$S metric latnecy", 3, "did you mean \"latency\"?");
    place.ends("$S metrics | grep -q latnecy", 1, "");
    place.ends("$S retention set --keep 9d --metric latnecy", 3, "did you mean \"latency\"?");
    place.ends("$S retention set --keep 9d --metric 'latency{bot=\"shop\"}'", 3, "no metric");
    place.ends("$S retention show | grep -q 9d", 1, "");
    place.ends("rm -r db; $S metrics", 3, "--db");
    place.ends("$S metric latency", 3, "--db");
}

#[test]
fn damage_ends_with_4() {
    let place = Place::new();
    let segment = first_file(&place.db().join("seg"));
    place.ends(&format!("chmod u+w {}", segment.display()), 0, "");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[70] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    place.ends("$S verify", 4, "");
    place.ends(&format!("$S query 'p50(latency) {RANGE}'"), 4, "");
    // What cannot be read is not taken for what is not there.
    place.ends("echo bad > db/MANIFEST; $S metric latency --unit ms", 4, "MANIFEST");
}

fn first_file(folder: &Path) -> PathBuf {
    let path = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    if path.is_dir() { first_file(&path) } else { path }
}

#[test]
fn a_store_that_is_written_ends_ingest_with_5() {
    let place = Place::new();
    let writer = place.writer();
    place.ends("printf 'ts,v\\n1770000000,1\\n' | $S ingest", 5, "db");
    drop(writer);
}

#[test]
fn refused_rows_end_with_6() {
    let place = Place::new();
    place.ends("printf 'ts,v\\n1770000000,1\\nsoon,2\\n' | $S ingest", 6, "soon");
}

#[test]
fn a_condition_that_holds_ends_with_7() {
    let place = Place::new();
    let question = format!("$S query 'max(latency) {RANGE}' --fail-if");
    place.ends(&format!("{question} 'max(latency) > 842'"), 7, "fails");
    place.ends(&format!("{question} 'max(latency) > 843'"), 0, "");
}

#[test]
fn a_full_disk_ends_with_8() {
    let place = Place::new();
    place.ends("$S export > /dev/full", 8, "space");
    place.ends(&format!("$S query 'latency {RANGE}' -o plot > /dev/full"), 8, "space");
}

#[test]
fn a_writer_that_does_not_answer_ends_with_124() {
    let place = Place::new();
    // A writer without its thread looks into no inbox.
    let options = Store::options().background(silverback::Background::Manual);
    let writer = options.open(place.db()).unwrap();
    place.ends("$S mark now --wait 50ms", 124, "answer");
    place.ends("$S mark now --no-wait", 0, "left to the writer");
    drop(writer);
}

#[test]
fn a_question_that_takes_too_long_ends_with_124() {
    let place = Place::new();
    place.ends(&format!("$S query 'p50(latency) {RANGE}' --timeout 0s"), 124, "allow more");
}

#[test]
fn an_interrupt_ends_with_130() {
    let place = Place::new();
    let question = format!("count(latency) {RANGE}");
    for signal in ["INT", "TERM"] {
        let words = ["query", &question, "--watch", "10ms"];
        place.is_ended_by(signal, &words, |said| said.matches("count(latency)").count() > 1);
    }
    let writer = place.writer();
    let latency = writer.series(&SeriesKey::new("latency").label("bot", "shop")).unwrap();
    place.is_ended_by("INT", &["tail", "latency", "--every", "10ms"], |said| {
        latency.append(writer.now(), 842.5).unwrap();
        said.contains("842.5")
    });
}

#[test]
fn an_interrupted_ingestion_ends_with_130() {
    let place = Place::new();
    let rows = "printf 'ts,v\\n1770000000,1\\n' > rows.csv";
    // The metric is there before its first sample is.
    let started = "until $S export v 2> said | grep -q v; do sleep 0.05; done";
    let line = format!("{rows}; $S ingest rows.csv --follow & {started}; kill -INT $!; wait $!");
    place.ends(&line, 130, "1 rows durable, up to line 2 of rows.csv");
}
