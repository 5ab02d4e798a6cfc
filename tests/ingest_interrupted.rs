//! An ingestion that is interrupted, killed or follows its file goes on where it was: no row is
//! lost and none is stored twice.

#![cfg(all(feature = "cli", unix))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use silverback::{Columns, Reader, Selector, TimeRange};

/// A folder with a store and inputs.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn ingest(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_silverback"));
        command.args(["--db", "db", "ingest"]).args(arguments).current_dir(self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// All values in order; a store that is not there yet has none.
    fn values(&self) -> Vec<u64> {
        let Ok(reader) = Reader::open(self.path("db")) else { return Vec::new() };
        let snapshot = reader.snapshot().unwrap();
        let (mut columns, mut values) = (Columns::default(), Vec::new());
        for series in snapshot.select(&Selector::default()).unwrap() {
            snapshot.read(&series, TimeRange::ALL, &mut columns).unwrap();
            let whole = |value: &f64| format!("{value}").parse::<u64>().unwrap();
            values.extend(columns.values.iter().map(whole));
        }
        values.sort_unstable();
        values
    }

    /// Waits until so many values are there.
    fn wait_for(&self, count: usize) {
        let start = Instant::now();
        while self.values().len() < count {
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "{} of {count}",
                self.values().len()
            );
            sleep(Duration::from_millis(20));
        }
    }
}

/// Rows whose values are these numbers; every hundredth is bad.
fn rows(numbers: std::ops::Range<u64>) -> String {
    let mut text = String::new();
    for number in numbers {
        let time = 1_770_000_000_000 + number;
        match number % 100 {
            99 => writeln!(text, "{time},shop,oops").unwrap(),
            _ => writeln!(text, "{time},shop,{number}").unwrap(),
        }
    }
    text
}

fn good(numbers: std::ops::Range<u64>) -> Vec<u64> {
    numbers.filter(|number| number % 100 != 99).collect()
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn interrupt(child: &Child) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
}

fn told(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn what_ctrl_c_leaves_is_completed_by_resume() {
    const ROWS: u64 = 149_950;
    let place = Place::new();
    let text = format!("ts,bot,v\n{}", rows(0..ROWS));
    fs::write(place.path("rows.csv"), &text).unwrap();
    let child = place.ingest(&["rows.csv", "--rejects", "kept"]).spawn().unwrap();
    place.wait_for(1_000);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let said = told(&output);
    assert_eq!(output.status.code(), Some(130), "{said}");
    let last = said.lines().last().unwrap();
    let (count, line) = last.split_once(" rows durable, up to line ").unwrap();
    let line: u64 = line.strip_suffix(" of rows.csv").unwrap().parse().unwrap();
    let stored = place.values();
    assert_eq!(stored.len().to_string(), count, "{said}");
    assert_eq!(stored, good(0..line - 1), "all up to that line, and none behind it");
    assert!(line < ROWS, "it was interrupted before its end");

    let arguments = ["rows.csv", "--rejects", "kept", "--resume"];
    let output = place.ingest(&arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", told(&output));
    assert_eq!(place.values(), good(0..ROWS));
    // Refused rows are kept once as well, but for those right behind the last good one.
    let kept = fs::read_to_string(place.path("kept")).unwrap();
    let wanted = text.lines().filter(|line| line.ends_with("oops")).count();
    assert_eq!(kept.lines().count(), wanted);
    // There is nothing left; and from the beginning, without being asked to go on, all comes twice.
    let output = place.ingest(&["rows.csv", "--resume"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert_eq!(place.values().len(), good(0..ROWS).len());
    place.ingest(&["rows.csv"]).output().unwrap();
    assert_eq!(place.values().len(), 2 * good(0..ROWS).len());
}

#[test]
fn what_a_kill_leaves_is_completed_by_resume_also_of_compressed_files() {
    const ROWS: u64 = 100_000;
    let place = Place::new();
    let text = format!("ts,bot,v\n{}", rows(0..ROWS));
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    fs::write(place.path("rows.csv.gz"), packed.finish().unwrap()).unwrap();
    for seen in [1_000, 10_000, 40_000] {
        let mut child = place.ingest(&["rows.csv.gz", "--resume"]).spawn().unwrap();
        place.wait_for(seen);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let stored = place.values();
    assert_eq!(stored, good(0..*stored.last().unwrap() + 1), "a prefix, each row once");
    let output = place.ingest(&["rows.csv.gz", "--resume"]).output().unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", told(&output));
    assert_eq!(place.values(), good(0..ROWS));
}

#[test]
fn a_followed_file_may_grow_be_replaced_and_begin_anew() {
    let place = Place::new();
    let log = place.path("log.csv");
    let header = "ts,bot,v\n";
    append(&log, header);
    append(&log, &rows(0..10));
    append(&place.path("other.csv"), &format!("{header}{}", rows(5_000..5_010)));
    let child = place.ingest(&["log.csv", "other.csv", "--follow"]).spawn().unwrap();
    place.wait_for(20);
    // A row comes in two pieces.
    let (first, second) = ("1770000000010,sh", "op,10\n");
    append(&log, first);
    sleep(Duration::from_millis(300));
    append(&log, second);
    place.wait_for(21);
    // It is renamed, written to once more, and another one takes its place.
    fs::rename(&log, place.path("log.csv.1")).unwrap();
    append(&place.path("log.csv.1"), &rows(11..13));
    append(&log, &format!("{header}{}", rows(13..20)));
    place.wait_for(30);
    // It is cut and begins anew.
    fs::write(&log, format!("{header}{}", rows(20..23))).unwrap();
    place.wait_for(33);
    append(&place.path("other.csv"), &rows(5_010..5_012));
    place.wait_for(35);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", told(&output));
    let mut wanted = good(0..23);
    wanted.extend(good(5_000..5_012));
    assert_eq!(place.values(), wanted);
    // What came meanwhile is taken up, of the file that was renamed as well.
    append(&log, &rows(23..30));
    append(&place.path("log.csv.1"), &rows(30..31));
    let files = ["log.csv", "log.csv.1", "other.csv", "--resume"];
    let output = place.ingest(&files).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    wanted.splice(23..23, 23..31);
    assert_eq!(place.values(), wanted);
}

#[test]
fn rows_of_a_slow_pipe_are_stored_as_they_come() {
    let place = Place::new();
    let mut command = place.ingest(&["--format", "influx"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for number in 0..5_usize {
        writeln!(stdin, "m value={number} 177000000000000000{number}").unwrap();
        place.wait_for(number + 1);
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
    // Neither can be read again.
    let output = place.ingest(&["--resume"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    let output = place.ingest(&["-", "--follow"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
}

/// Symptom: a row that was half written when its file was read was stored as it stood, and the
/// whole one beside it. Fix: whoever goes on leaves a line without an end for later.
#[test]
fn a_line_that_is_still_written_is_left_until_it_has_an_end() {
    let place = Place::new();
    let log = place.path("log.csv");
    append(&log, "ts,bot,v\n1770000000000,shop,7\n1770000000001,shop,1");
    let output = place.ingest(&["log.csv", "--resume"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(told(&output).contains("log.csv:3: the line has no end yet"), "{}", told(&output));
    assert_eq!(place.values(), [7]);
    append(&log, "2\n");
    let output = place.ingest(&["log.csv", "--resume"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert_eq!(place.values(), [7, 12]);
}

/// Symptom: a file without a last line end was read whole, and once it had one, its last row came
/// twice. Fix: what was stored is passed; where it went on, the row is refused and told, as nothing
/// that is stored can be taken back.
#[test]
fn a_file_without_a_last_line_end_is_read_whole_and_gone_on_from() {
    let place = Place::new();
    let log = place.path("log.csv");
    append(&log, "ts,bot,v\n1770000000000,shop,1");
    let output = place.ingest(&["log.csv"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    append(&log, "\n1770000000001,shop,2");
    let output = place.ingest(&["log.csv", "--resume"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert_eq!(place.values(), [1]);

    let torn = place.path("torn.csv");
    append(&torn, "ts,bot,v\n1770000000010,shop,3\n1770000000011,shop,4");
    place.ingest(&["torn.csv"]).output().unwrap();
    append(&torn, "5\n1770000000012,shop,6\n");
    for (code, refused) in [(6, 1), (0, 0)] {
        let arguments = ["torn.csv", "--resume", "--rejects", "kept"];
        let output = place.ingest(&arguments).output().unwrap();
        let said = told(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert_eq!(said.contains("torn.csv:3: the line was stored as it stood"), refused == 1);
        assert!(said.contains(&format!("{refused} rows refused")), "{said}");
    }
    assert_eq!(place.values(), [1, 3, 4, 6]);
    assert_eq!(fs::read_to_string(place.path("kept")).unwrap(), "1770000000011,shop,45\n");

    // One that was refused as it stood is read when it is whole.
    let cut = place.path("cut.csv");
    append(&cut, "ts,bot,v\n1770000000020,shop,8\n1770000000021,sh");
    assert_eq!(place.ingest(&["cut.csv"]).output().unwrap().status.code(), Some(6));
    append(&cut, "op,9\n");
    let output = place.ingest(&["cut.csv", "--resume"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert_eq!(place.values(), [1, 3, 4, 6, 8, 9]);
}

/// Symptom: each `--resume` refused the rows behind the last good one again, and a kill lost those
/// that waited to be written to the file of refused rows.
#[test]
fn a_refused_row_is_kept_once_and_told_while_its_file_is_followed() {
    let place = Place::new();
    let log = place.path("log.csv");
    append(&log, "ts,bot,v\n1770000000000,shop,1\nfirst,shop,2\n");
    let arguments = ["log.csv", "--follow", "--resume", "--rejects", "kept"];
    let mut command = place.ingest(&arguments);
    command.stderr(fs::File::create(place.path("said")).unwrap());
    let mut child = command.spawn().unwrap();
    let wait = |file: &str, wanted: &str| {
        let start = Instant::now();
        while !fs::read_to_string(place.path(file)).unwrap_or_default().contains(wanted) {
            assert!(start.elapsed() < Duration::from_secs(30), "{wanted} in {file}");
            sleep(Duration::from_millis(20));
        }
    };
    wait("said", "log.csv:3:1: \"first\" is not a time");
    // Nothing good comes with it.
    append(&log, "second,shop,3\n");
    wait("said", "log.csv:4:1: \"second\" is not a time");
    wait("kept", "second,shop,3\n");
    sleep(Duration::from_millis(300));
    child.kill().unwrap();
    child.wait().unwrap();
    for _ in 0..2 {
        let output = place.ingest(&["log.csv", "--resume", "--rejects", "kept"]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    }
    let kept = fs::read_to_string(place.path("kept")).unwrap();
    assert_eq!(kept, "first,shop,2\nsecond,shop,3\n");
    assert_eq!(place.values(), [1]);
    // Only refused rows, of a file that nothing is known of.
    fs::write(place.path("bad.csv"), "ts,bot,v\nthird,shop,4\n").unwrap();
    for code in [6, 0] {
        let output = place.ingest(&["bad.csv", "--resume"]).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", told(&output));
    }
    // The store that remembers them is sound.
    let mut verify = Command::new(env!("CARGO_BIN_EXE_silverback"));
    let verify =
        verify.args(["--db", "db", "verify"]).current_dir(place.0.path()).output().unwrap();
    assert!(verify.status.success(), "{verify:?}");
}

#[test]
fn refused_rows_go_to_no_input_and_the_one_that_stops_is_kept() {
    let place = Place::new();
    let text = "ts,bot,v\n1770000000000,shop,1\nsoon,shop,2\n";
    fs::write(place.path("log.csv"), text).unwrap();
    let output = place.ingest(&["log.csv", "--rejects", "./log.csv"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert_eq!(fs::read_to_string(place.path("log.csv")).unwrap(), text);
    let mut piped = place.ingest(&["--rejects", "log.csv"]);
    let log = OpenOptions::new().read(true).open(place.path("log.csv")).unwrap();
    let piped = piped.stdin(log).output().unwrap();
    assert_eq!(piped.status.code(), Some(2), "{}", told(&piped));

    let arguments = ["log.csv", "--rejects", "kept", "--on-error", "stop"];
    let output = place.ingest(&arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert_eq!(fs::read_to_string(place.path("kept")).unwrap(), "soon,shop,2\n");
    let output = place.ingest(&["log.csv", "--dry-run"]).output().unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", told(&output));
    assert_eq!(told(&output), "log.csv:3:1: \"soon\" is not a time\n");
}
