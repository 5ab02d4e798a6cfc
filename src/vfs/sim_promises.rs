//! Tests of the simulator: it loses what may be lost, and keeps what must be kept.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::vfs::{LogFile, LossPattern, OperationKind, SimVfs, SyncFailure, Vfs, loss_patterns};

fn path(text: &str) -> &Path {
    Path::new(text)
}

/// Creates a file with bytes, and syncs it but not its directory.
fn put(vfs: &SimVfs, name: &str, bytes: &str) {
    let mut file = vfs.create(path(name)).unwrap();
    file.write_all(bytes.as_bytes()).unwrap();
    file.sync().unwrap();
}

fn get(vfs: &SimVfs, name: &str) -> String {
    let Ok(file) = vfs.open(path(name)) else { return "-".to_owned() };
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    file.read_at(0, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn many_patterns() -> impl Iterator<Item = LossPattern> {
    let random = (0..200).map(LossPattern::Random);
    loss_patterns().chain(random).chain((0..40).map(LossPattern::InOrder))
}

/// Returns what the names hold after a power cut now, over many patterns.
fn outcomes<const N: usize>(vfs: &SimVfs, names: [&str; N]) -> BTreeSet<[String; N]> {
    many_patterns()
        .map(|pattern| {
            let after = vfs.power_loss(pattern);
            names.map(|name| get(&after, name))
        })
        .collect()
}

fn set<const N: usize>(expected: &[[&str; N]]) -> BTreeSet<[String; N]> {
    expected.iter().map(|texts| texts.map(str::to_owned)).collect()
}

fn io_text(error: &Error) -> (&'static str, String) {
    match error.kind() {
        ErrorKind::Io { operation, source, .. } => (operation, source.to_string()),
        other => panic!("{other:?}"),
    }
}

fn log(vfs: &SimVfs) -> Arc<dyn LogFile> {
    let log = vfs.create_log(path("/log"), 1 << 20).unwrap();
    log.grow(4 * 4096).unwrap();
    vfs.sync_dir(path("/")).unwrap();
    log
}

fn words(vfs: &SimVfs, offset: u64, count: usize) -> Vec<u64> {
    let mut bytes = vec![0; count * 8];
    let file = vfs.open(path("/log")).unwrap();
    assert_eq!(file.read_at(offset, &mut bytes).unwrap(), bytes.len());
    bytes.chunks(8).map(|word| u64::from_le_bytes(word.try_into().unwrap())).collect()
}

#[test]
fn an_unsynced_file_vanishes_or_shows_any_prefix_or_zeros() {
    let vfs = SimVfs::new(1);
    let mut file = vfs.create(path("/f")).unwrap();
    vfs.sync_dir(path("/")).unwrap();
    file.write_all(b"ab").unwrap();
    file.write_all(b"cd").unwrap();
    let expected = ["", "ab", "abcd", "\0\0", "\0\0\0\0", "ab\0\0"].map(|text| [text]);
    assert_eq!(outcomes(&vfs, ["/f"]), set(&expected));
}

#[test]
fn a_synced_file_with_a_synced_name_is_never_lost() {
    let vfs = SimVfs::new(1);
    vfs.create_dir_all(path("/d")).unwrap();
    vfs.sync_dir(path("/")).unwrap();
    let mut file = vfs.create(path("/d/f")).unwrap();
    file.write_all("x".repeat(9000).as_bytes()).unwrap();
    file.sync().unwrap();
    vfs.sync_dir(path("/d")).unwrap();
    assert!(!vfs.is_dirty());
    put(&vfs, "/d/g", "other work goes on");
    vfs.create(path("/d/h")).unwrap().write_all(b"unsynced").unwrap();
    assert_eq!(outcomes(&vfs, ["/d/f"]), set(&[[&"x".repeat(9000)]]));
}

#[test]
fn a_synced_file_needs_its_name() {
    let vfs = SimVfs::new(1);
    put(&vfs, "/f", "text");
    assert_eq!(outcomes(&vfs, ["/f"]), set(&[["text"], ["-"]]));
    vfs.sync_dir(path("/")).unwrap();
    assert_eq!(outcomes(&vfs, ["/f"]), set(&[["text"]]));
}

#[test]
fn a_directory_that_was_not_synced_takes_its_files_along() {
    let vfs = SimVfs::new(1);
    vfs.create_dir_all(path("/a/b")).unwrap();
    vfs.sync_dir(path("/")).unwrap();
    put(&vfs, "/a/b/f", "text");
    vfs.sync_dir(path("/a/b")).unwrap();
    assert_eq!(outcomes(&vfs, ["/a/b/f"]), set(&[["text"], ["-"]]));
    vfs.sync_dir(path("/a")).unwrap();
    assert_eq!(outcomes(&vfs, ["/a/b/f"]), set(&[["text"]]));
}

#[test]
fn a_rename_is_done_or_undone_but_loses_no_file() {
    let vfs = SimVfs::new(1);
    put(&vfs, "/tmp", "new");
    put(&vfs, "/target", "old");
    vfs.sync_dir(path("/")).unwrap();
    vfs.rename(path("/tmp"), path("/target")).unwrap();
    assert_eq!(outcomes(&vfs, ["/tmp", "/target"]), set(&[["new", "old"], ["-", "new"]]));
    vfs.sync_dir(path("/")).unwrap();
    assert_eq!(outcomes(&vfs, ["/tmp", "/target"]), set(&[["-", "new"]]));
}

#[test]
fn a_rename_between_directories_needs_both_syncs() {
    let names = ["/s/f", "/t/f"];
    let run = |dirs: &[&str]| {
        let vfs = SimVfs::new(1);
        vfs.create_dir_all(path("/s")).unwrap();
        vfs.create_dir_all(path("/t")).unwrap();
        put(&vfs, "/s/f", "text");
        for dir in ["/", "/s", "/t"] {
            vfs.sync_dir(path(dir)).unwrap();
        }
        vfs.rename(path("/s/f"), path("/t/f")).unwrap();
        for dir in dirs {
            vfs.sync_dir(path(dir)).unwrap();
        }
        outcomes(&vfs, names)
    };
    assert_eq!(run(&[]), set(&[["text", "-"], ["-", "text"]]));
    assert_eq!(run(&["/s"]), set(&[["text", "-"], ["-", "text"]]));
    assert_eq!(run(&["/t"]), set(&[["text", "text"], ["-", "text"]]));
    assert_eq!(run(&["/t", "/s"]), set(&[["-", "text"]]));
}

#[test]
fn a_name_used_again_keeps_the_renames_before_it() {
    let vfs = SimVfs::new(1);
    vfs.create_dir_all(path("/tmp")).unwrap();
    vfs.sync_dir(path("/")).unwrap();
    for text in ["one", "two", "three"] {
        put(&vfs, "/tmp/m", text);
        vfs.sync_dir(path("/tmp")).unwrap();
        vfs.rename(path("/tmp/m"), path("/m")).unwrap();
    }
    // Syncing the name's next use has made the rename before it durable, or "two" would be lost.
    let expected = set(&[["three", "two"], ["-", "three"]]);
    assert_eq!(outcomes(&vfs, ["/tmp/m", "/m"]), expected);
}

#[test]
fn a_name_used_again_survives_only_with_the_rename_before_it() {
    let vfs = SimVfs::new(1);
    put(&vfs, "/a", "one");
    vfs.sync_dir(path("/")).unwrap();
    vfs.rename(path("/a"), path("/b")).unwrap();
    put(&vfs, "/a", "two");
    let expected = set(&[["one", "-"], ["-", "one"], ["two", "one"]]);
    assert_eq!(outcomes(&vfs, ["/a", "/b"]), expected);
}

#[test]
fn a_file_is_not_moved_into_a_directory_that_vanishes() {
    let vfs = SimVfs::new(1);
    put(&vfs, "/f", "text");
    vfs.sync_dir(path("/")).unwrap();
    vfs.create_dir_all(path("/d")).unwrap();
    vfs.rename(path("/f"), path("/d/f")).unwrap();
    assert_eq!(outcomes(&vfs, ["/f", "/d/f"]), set(&[["text", "-"], ["-", "text"]]));
}

#[test]
fn a_removed_file_may_come_back_until_its_directory_is_synced() {
    let vfs = SimVfs::new(1);
    put(&vfs, "/f", "text");
    vfs.sync_dir(path("/")).unwrap();
    vfs.remove(path("/f")).unwrap();
    assert_eq!(outcomes(&vfs, ["/f"]), set(&[["text"], ["-"]]));
    vfs.sync_dir(path("/")).unwrap();
    assert_eq!(outcomes(&vfs, ["/f"]), set(&[["-"]]));
}

#[test]
fn a_store_cut_after_some_words_leaves_exactly_these() {
    for done in 0..=5 {
        let vfs = SimVfs::new(1);
        let log = log(&vfs);
        log.store(0, &[1, 2, 3]).unwrap();
        vfs.crash_at_store(vfs.operations(), done);
        let error = log.store(24, &[4, 5, 6]).unwrap_err();
        assert_eq!(io_text(&error), ("store to", "power lost".to_owned()));
        let frame = match done {
            0 => [0, 0, 0],
            1 => [0, 5, 0],
            2 => [0, 5, 6],
            _ => [4, 5, 6],
        };
        assert_eq!(words(&vfs.kill(), 0, 6), [&[1, 2, 3], &frame[..]].concat(), "{done}");
        assert_eq!(words(&vfs.power_loss(LossPattern::Everything), 24, 3), frame);
        assert_eq!(words(&vfs.power_loss(LossPattern::Nothing), 0, 6), [0; 6]);
    }
}

#[test]
fn pages_of_a_log_are_lost_in_any_order_and_at_any_state() {
    let vfs = SimVfs::new(1);
    let log = log(&vfs);
    log.store(8, &[1]).unwrap();
    log.sync().unwrap();
    log.store(16, &[2]).unwrap();
    log.store(4096, &[3]).unwrap();
    log.store(24, &[4]).unwrap();
    let states: HashSet<(Vec<u64>, u64)> = many_patterns()
        .map(|pattern| vfs.power_loss(pattern))
        .map(|after| (words(&after, 8, 3), words(&after, 4096, 1)[0]))
        .collect();
    let pages = [vec![1, 0, 0], vec![1, 2, 0], vec![1, 2, 4]];
    let expected = pages.into_iter().flat_map(|page| [(page.clone(), 0), (page, 3)]).collect();
    assert_eq!(states, expected, "six states, and what was synced in all of them");
    assert_eq!(words(&vfs.power_loss(LossPattern::OddPages), 8, 3), [1, 0, 0], "a gap");
    log.sync().unwrap();
    assert!(many_patterns().all(|pattern| words(&vfs.power_loss(pattern), 8, 3) == [1, 2, 4]));
}

#[test]
fn growth_is_durable_and_makes_nothing_else_so() {
    let vfs = SimVfs::new(1);
    let log = log(&vfs);
    log.store(0, &[1]).unwrap();
    log.grow(log.limit() + 1).unwrap();
    let after = vfs.power_loss(LossPattern::Nothing);
    assert_eq!(after.open(path("/log")).unwrap().len().unwrap(), log.limit());
    assert_eq!(words(&after, 0, 1), [0]);
}

#[test]
fn a_cut_at_any_operation_stops_everything() {
    let run = |vfs: &SimVfs| -> Result<(), Error> {
        vfs.create_dir_all(path("/d"))?;
        let _guard = vfs.lock(path("/d/LOCK"), "me")?;
        let log = vfs.create_log(path("/d/log"), 1 << 20)?;
        log.grow(8)?;
        log.store(0, &[1, 2])?;
        log.sync()?;
        let mut file = vfs.create(path("/d/f"))?;
        file.write_all(&[b'x'; 5000])?;
        file.sync()?;
        file.set_read_only()?;
        vfs.rename(path("/d/f"), path("/d/g"))?;
        vfs.sync_dir(path("/d"))?;
        vfs.remove(path("/d/g"))
    };
    let whole = SimVfs::new(7);
    run(&whole).unwrap();
    let trace = whole.trace();
    let kinds: HashSet<OperationKind> = trace.iter().map(|operation| operation.kind).collect();
    assert_eq!(kinds.len(), trace.len(), "each kind of operation once");
    assert_eq!(kinds.len(), 13);
    let mut hashes = HashSet::new();
    for (at, operation) in (0..).zip(&trace) {
        let vfs = SimVfs::new(7);
        vfs.crash_at(at);
        let error = run(&vfs).unwrap_err();
        assert_eq!(io_text(&error).1, "power lost", "{operation:?}");
        assert_eq!((vfs.operations(), vfs.is_down()), (at + 1, true), "it was the last one");
        assert_eq!(vfs.trace(), trace[..vfs.trace().len()]);
        assert_eq!(io_text(&vfs.create(path("/x")).unwrap_err()).1, "power lost");
        assert_eq!(io_text(&vfs.exists(path("/")).unwrap_err()).1, "power lost");
        for pattern in loss_patterns() {
            let after = vfs.power_loss(pattern);
            assert_eq!(after.durable_hash(), vfs.power_loss(pattern).durable_hash(), "repeatable");
            assert!(!after.is_dirty());
            hashes.insert(after.durable_hash());
        }
    }
    assert!(hashes.len() >= 25, "{} distinct states", hashes.len());
}

#[test]
fn a_cut_write_leaves_a_prefix() {
    let lens: BTreeSet<u64> = (0..20)
        .map(|seed| {
            let vfs = SimVfs::new(seed);
            let mut file = vfs.create(path("/f")).unwrap();
            vfs.crash_at(vfs.operations());
            file.write_all(b"0123456789").unwrap_err();
            let text = get(&vfs.kill(), "/f");
            assert!("0123456789".starts_with(&text), "{text}");
            text.len() as u64
        })
        .collect();
    assert!(lens.len() > 5, "{lens:?}");
}

#[test]
fn a_killed_process_leaves_the_page_cache_and_no_lock() {
    let vfs = SimVfs::new(1);
    let log = log(&vfs);
    let _guard = vfs.lock(path("/LOCK"), "first").unwrap();
    log.store(0, &[1, 2]).unwrap();
    let next = vfs.kill();
    assert_eq!(io_text(&log.store(16, &[3]).unwrap_err()).1, "process killed");
    assert_eq!(io_text(&log.read_at(0, &mut [0; 8]).unwrap_err()).1, "process killed");
    assert_eq!(words(&next, 0, 2), [1, 2]);
    assert_eq!(get(&next, "/LOCK"), "first");
    assert_eq!(next.operations(), 0);
    let guard = next.lock(path("/LOCK"), "second").unwrap();
    assert!(next.lock(path("/LOCK"), "third").is_err());
    drop(guard);
    assert_eq!(words(&next.power_loss(LossPattern::Nothing), 0, 2), [0, 0], "not synced yet");
}

#[test]
fn a_failed_sync_is_followed_by_one_that_lies() {
    for failure in [SyncFailure::PagesKept, SyncFailure::PagesDropped] {
        let vfs = SimVfs::new(1);
        let log = log(&vfs);
        log.store(0, &[1]).unwrap();
        vfs.fail_sync_at(vfs.operations(), failure);
        assert_eq!(io_text(&log.sync().unwrap_err()).0, "sync");
        log.sync().unwrap();
        let seen = u64::from(failure == SyncFailure::PagesKept);
        assert_eq!(words(&vfs, 0, 1), [seen]);
        assert_eq!(words(&vfs.power_loss(LossPattern::Everything), 0, 1), [0]);
        log.store(4096, &[2]).unwrap();
        log.sync().unwrap();
        assert_eq!(words(&vfs.power_loss(LossPattern::Nothing), 4096, 1), [2], "other pages work");
    }
}

#[test]
fn a_failed_sync_of_growth_is_one_of_the_log() {
    let vfs = SimVfs::new(1);
    let log = log(&vfs);
    log.store(0, &[1]).unwrap();
    let limit = log.limit();
    vfs.fail_sync_at(vfs.operations(), SyncFailure::PagesKept);
    assert_eq!(io_text(&log.grow(limit + 1).unwrap_err()).0, "sync");
    assert_eq!(log.limit(), limit);
    log.sync().unwrap();
    assert_eq!(words(&vfs.power_loss(LossPattern::Everything), 0, 1), [0]);
    log.grow(limit + 1).unwrap();
    assert!(log.limit() > limit);
}

#[test]
fn faults_of_syncs_of_other_files_and_names() {
    let vfs = SimVfs::new(1);
    let mut file = vfs.create(path("/f")).unwrap();
    file.write_all(b"text").unwrap();
    vfs.fail_sync_at(vfs.operations(), SyncFailure::PagesKept);
    file.sync().unwrap_err();
    file.sync().unwrap();
    vfs.fail_sync_at(vfs.operations(), SyncFailure::PagesKept);
    vfs.sync_dir(path("/")).unwrap_err();
    assert_eq!(get(&vfs.power_loss(LossPattern::Nothing), "/f"), "-");
    vfs.sync_dir(path("/")).unwrap();
    assert_eq!(get(&vfs.power_loss(LossPattern::Everything), "/f"), "\0\0\0\0");
    vfs.fail_sync_at(vfs.operations(), SyncFailure::PagesKept);
    vfs.remove(path("/f")).unwrap();
}

#[test]
fn stores_into_a_dead_device_succeed_and_are_lost() {
    let vfs = SimVfs::new(1);
    let log = log(&vfs);
    log.store(0, &[1]).unwrap();
    vfs.die_at(vfs.operations());
    log.store(8, &[2]).unwrap();
    log.sync().unwrap_err();
    vfs.create(path("/f")).unwrap_err();
    assert_eq!(words(&vfs, 0, 2), [1, 2], "processes see it");
    let states: BTreeSet<Vec<u64>> =
        many_patterns().map(|pattern| words(&vfs.power_loss(pattern), 0, 2)).collect();
    assert_eq!(states, BTreeSet::from([vec![0, 0], vec![1, 0]]));
    let after = vfs.power_loss(LossPattern::Nothing);
    after.create(path("/f")).expect("a new start finds a working device");
}

#[test]
fn a_full_disk_takes_what_fits() {
    let vfs = SimVfs::new(1);
    put(&vfs, "/old", "0123456789");
    vfs.limit_space(4);
    let mut file = vfs.create(path("/f")).unwrap();
    file.write_all(b"abc").unwrap();
    let is_full = |error: &Error| {
        let ErrorKind::Io { source, .. } = error.kind() else { return false };
        source.kind() == io::ErrorKind::StorageFull
    };
    assert!(is_full(&file.write_all(b"def").unwrap_err()));
    assert_eq!(get(&vfs, "/f"), "abcd");
    let log = vfs.create_log(path("/log"), 1 << 20).unwrap();
    let error = log.grow(8).unwrap_err();
    assert!(is_full(&error));
    assert_eq!((io_text(&error).0, log.limit()), ("write", 0));
    vfs.remove(path("/old")).unwrap();
    file.write_all(b"0123456789").unwrap();
    assert!(is_full(&file.write_all(b"!").unwrap_err()));
    vfs.limit_space(1 << 20);
    log.grow(8).unwrap();
    log.store(0, &[1]).unwrap();
}

#[test]
fn unreadable_ranges_stay_after_a_restart() {
    let vfs = SimVfs::new(1);
    put(&vfs, "/f", "0123456789");
    put(&vfs, "/g", "0123456789");
    vfs.fail_reads(path("/f"), 4..6);
    let check = |vfs: &SimVfs| {
        let file = vfs.open(path("/f")).unwrap();
        assert_eq!(file.read_at(0, &mut [0; 4]).unwrap(), 4);
        assert_eq!(file.read_at(6, &mut [0; 4]).unwrap(), 4);
        assert_eq!(io_text(&file.read_at(5, &mut [0; 4]).unwrap_err()).0, "read");
        file.read_at(0, &mut [0; 5]).unwrap_err();
        assert_eq!(get(vfs, "/g"), "0123456789");
    };
    check(&vfs);
    check(&vfs.power_loss(LossPattern::Everything));
    check(&vfs.kill());
}

#[test]
fn one_operation_can_fail_without_effect() {
    let vfs = SimVfs::new(1);
    let log = log(&vfs);
    vfs.fail_at(vfs.operations(), io::ErrorKind::StorageFull);
    vfs.fail_at(vfs.operations() + 2, io::ErrorKind::PermissionDenied);
    log.store(0, &[1]).unwrap_err();
    assert_eq!(words(&vfs, 0, 1), [0]);
    log.store(0, &[2]).unwrap();
    vfs.rename(path("/log"), path("/moved")).unwrap_err();
    assert_eq!(words(&vfs, 0, 1), [2]);
    vfs.rename(path("/log"), path("/moved")).unwrap();
}

/// What was synced with its name and not touched since must be there under every pattern.
#[test]
fn random_work_never_loses_what_was_synced() {
    use crate::vfs::sim_loss::Random;
    let mut distinct = HashSet::new();
    for seed in 0..40 {
        let (vfs, mut random) = (SimVfs::new(seed), Random::new(seed));
        let mut certain: std::collections::BTreeMap<String, String> = [].into();
        for step in 0..30 {
            let [name, other] = [(); 2].map(|()| format!("/{}", random.below(6)));
            match random.below(6) {
                0 if !vfs.exists(path(&name)).unwrap() => {
                    put(&vfs, &name, &format!("{name} {step} {seed}"));
                    certain.remove(&name);
                }
                1 => {
                    let mut file = vfs.create(path(&format!("/unsynced {step}"))).unwrap();
                    file.write_all(&[b'x'; 3000]).unwrap();
                    file.write_all(&[b'y'; 3000]).unwrap();
                }
                2 if vfs.exists(path(&name)).unwrap() => {
                    vfs.rename(path(&name), path(&other)).unwrap();
                    certain.retain(|certain, _| *certain != name && *certain != other);
                }
                3 if vfs.exists(path(&name)).unwrap() => {
                    vfs.remove(path(&name)).unwrap();
                    certain.remove(&name);
                }
                4 => {
                    vfs.sync_dir(path("/")).unwrap();
                    let mut names = vfs.read_dir(path("/")).unwrap();
                    names.retain(|name| !name.starts_with("unsynced"));
                    let paths = names.iter().map(|name| format!("/{name}"));
                    certain = paths.map(|name| (name.clone(), get(&vfs, &name))).collect();
                }
                _ => {}
            }
            for pattern in loss_patterns() {
                let after = vfs.power_loss(pattern);
                for (name, text) in &certain {
                    assert_eq!(get(&after, name), *text, "{name}, {pattern:?}, seed {seed}");
                }
                distinct.insert(after.durable_hash());
            }
        }
    }
    assert!(distinct.len() > 2_000, "{} distinct states", distinct.len());
}
