//! The promises of the traits, tested on every implementation.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, ErrorKind};
use crate::vfs::{IoMode, LogFile, LogMode, MemVfs, OsVfs, ReadFile, SimVfs, Vfs, WriteFile};

/// Runs each check on each implementation, in an empty directory of its own.
macro_rules! on_every_vfs {
    ($($check:ident)*) => {
        mod os_mapped { $(
            #[cfg(target_os = "linux")]
            #[test]
            fn $check() {
                super::in_temporary_dir(OsVfs::new().log_mode(LogMode::Mapped), super::$check);
            }
        )*
            #[cfg(target_os = "linux")]
            use crate::vfs::{LogMode, OsVfs};
        }
        mod os_written { $(
            #[test]
            fn $check() {
                let vfs = OsVfs::new().log_mode(LogMode::Written).io_mode(IoMode::Pread);
                super::in_temporary_dir(vfs, super::$check);
            }
        )*
            use crate::vfs::{IoMode, LogMode, OsVfs};
        }
        mod mem { $(
            #[test]
            fn $check() {
                super::in_memory(&crate::vfs::MemVfs::new(), super::$check);
            }
        )* }
        mod sim { $(
            #[test]
            fn $check() {
                super::in_memory(&crate::vfs::SimVfs::new(1), super::$check);
            }
        )* }
    };
}

on_every_vfs! {
    lists_names_in_order
    refuses_what_is_not_there
    creates_only_what_is_not_there
    reads_what_was_written
    renames_over_another_file
    links_give_a_file_a_second_name
    open_files_outlive_their_names
    read_only_files_refuse_writes
    locks_once_and_names_the_holder
    logs_begin_empty_and_grow_with_zeros
    logs_refuse_what_does_not_fit
    logs_read_back_at_any_offset
    logs_are_read_by_others_through_the_file
    readers_see_a_growing_prefix_of_frames
}

fn in_temporary_dir(vfs: OsVfs, check: fn(&dyn Vfs, &Path)) {
    let dir = tempfile::tempdir().unwrap();
    check(&vfs, dir.path());
}

fn in_memory(vfs: &dyn Vfs, check: fn(&dyn Vfs, &Path)) {
    let dir = PathBuf::from("/a/b");
    vfs.create_dir_all(&dir).unwrap();
    check(vfs, &dir);
}

fn put(vfs: &dyn Vfs, path: &Path, bytes: &[u8]) -> Box<dyn WriteFile> {
    let mut file = vfs.create(path).unwrap();
    file.write_all(bytes).unwrap();
    file.sync().unwrap();
    file
}

fn all(file: &dyn ReadFile) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    assert_eq!(file.read_at(0, &mut bytes).unwrap(), bytes.len());
    bytes
}

fn get(vfs: &dyn Vfs, path: &Path) -> Vec<u8> {
    all(&*vfs.open(path).unwrap())
}

fn io_kind(error: &Error) -> io::ErrorKind {
    match error.kind() {
        ErrorKind::Io { source, .. } => source.kind(),
        other => panic!("not an I/O error: {other:?}"),
    }
}

fn lists_names_in_order(vfs: &dyn Vfs, dir: &Path) {
    assert_eq!(vfs.read_dir(dir).unwrap(), Vec::<String>::new());
    vfs.create_dir_all(&dir.join("m/n")).unwrap();
    vfs.create_dir_all(&dir.join("m/n")).unwrap();
    for name in ["z", "a", "m/x", "aa"] {
        put(vfs, &dir.join(name), b"");
    }
    vfs.sync_dir(dir).unwrap();
    assert_eq!(vfs.read_dir(dir).unwrap(), ["a", "aa", "m", "z"]);
    assert_eq!(vfs.read_dir(&dir.join("m")).unwrap(), ["n", "x"]);
    assert!(vfs.exists(&dir.join("m/n")).unwrap());
    assert!(vfs.exists(&dir.join("m/x")).unwrap());
    assert!(!vfs.exists(&dir.join("m/y")).unwrap());
}

fn refuses_what_is_not_there(vfs: &dyn Vfs, dir: &Path) {
    let absent = dir.join("absent");
    assert!(vfs.open(&absent).unwrap_err().is_not_found());
    assert!(vfs.read_dir(&absent).unwrap_err().is_not_found());
    assert!(vfs.remove(&absent).unwrap_err().is_not_found());
    assert!(vfs.rename(&absent, &dir.join("b")).unwrap_err().is_not_found());
    assert!(vfs.sync_dir(&absent).unwrap_err().is_not_found());
    assert!(vfs.create(&absent.join("f")).unwrap_err().is_not_found());
    assert!(vfs.create_log(&absent.join("f"), 8).unwrap_err().is_not_found());
    assert!(vfs.lock(&absent.join("f"), "me").unwrap_err().is_not_found());
    put(vfs, &dir.join("f"), b"");
    assert!(vfs.rename(&dir.join("f"), &absent.join("f")).unwrap_err().is_not_found());
    assert!(vfs.exists(&dir.join("f")).unwrap());
    assert_eq!(io_kind(&vfs.open(dir).unwrap_err()), io::ErrorKind::IsADirectory);
    assert!(vfs.remove(dir).is_err());
    assert!(vfs.create_dir_all(&dir.join("f/g")).is_err());
}

fn creates_only_what_is_not_there(vfs: &dyn Vfs, dir: &Path) {
    let path = dir.join("f");
    put(vfs, &path, b"first");
    assert_eq!(io_kind(&vfs.create(&path).unwrap_err()), io::ErrorKind::AlreadyExists);
    assert_eq!(io_kind(&vfs.create_log(&path, 8).unwrap_err()), io::ErrorKind::AlreadyExists);
    assert_eq!(get(vfs, &path), b"first");
}

fn reads_what_was_written(vfs: &dyn Vfs, dir: &Path) {
    let path = dir.join("f");
    let mut file = vfs.create(&path).unwrap();
    assert_eq!(file.path(), path);
    let bytes: Vec<u8> = (0..300_000_u32).map(|i| i.to_le_bytes()[(i % 3) as usize]).collect();
    for part in bytes.chunks(7_777) {
        file.write_all(part).unwrap();
    }
    file.sync().unwrap();
    let reader = vfs.open(&path).unwrap();
    assert_eq!((reader.path(), reader.len().unwrap()), (path.as_path(), 300_000));
    assert!(!reader.is_empty().unwrap());
    assert_eq!(all(&*reader), bytes);
    let mut buffer = [0xee; 10];
    assert_eq!(reader.read_at(4_093, &mut buffer).unwrap(), 10);
    assert_eq!(buffer, bytes[4_093..4_103]);
    assert_eq!(reader.read_at(299_996, &mut buffer).unwrap(), 4);
    assert_eq!(buffer[..4], bytes[299_996..]);
    assert_eq!(reader.read_at(300_000, &mut buffer).unwrap(), 0);
    assert_eq!(reader.read_at(1 << 40, &mut buffer).unwrap(), 0);
    file.set_read_only().unwrap();
    let reader = vfs.open(&path).unwrap();
    assert!(reader.bytes().is_none_or(|mapped| mapped == bytes));
    assert!(put(vfs, &dir.join("empty"), b"").set_read_only().is_ok());
    let empty = vfs.open(&dir.join("empty")).unwrap();
    assert!(empty.is_empty().unwrap());
    assert!(empty.bytes().is_none_or(<[u8]>::is_empty));
}

fn renames_over_another_file(vfs: &dyn Vfs, dir: &Path) {
    let (tmp, target) = (dir.join("tmp"), dir.join("target"));
    drop(put(vfs, &target, b"old"));
    drop(put(vfs, &tmp, b"new"));
    vfs.rename(&tmp, &target).unwrap();
    vfs.sync_dir(dir).unwrap();
    assert_eq!(get(vfs, &target), b"new");
    assert_eq!(vfs.read_dir(dir).unwrap(), ["target"]);
    vfs.create_dir_all(&dir.join("sub")).unwrap();
    vfs.rename(&target, &dir.join("sub/moved")).unwrap();
    assert_eq!(get(vfs, &dir.join("sub/moved")), b"new");
    assert_eq!(vfs.read_dir(dir).unwrap(), ["sub"]);
}

fn links_give_a_file_a_second_name(vfs: &dyn Vfs, dir: &Path) {
    let (first, second) = (dir.join("first"), dir.join("sub/second"));
    vfs.create_dir_all(&dir.join("sub")).unwrap();
    let mut file = put(vfs, &first, b"kept");
    file.set_read_only().unwrap();
    drop(file);
    vfs.link(&first, &second).unwrap();
    vfs.sync_dir(&dir.join("sub")).unwrap();
    assert_eq!(get(vfs, &second), b"kept");
    let again = vfs.link(&first, &second).unwrap_err();
    assert_eq!(io_kind(&again), io::ErrorKind::AlreadyExists);
    assert!(vfs.link(&dir.join("absent"), &dir.join("third")).unwrap_err().is_not_found());
    assert!(vfs.link(&first, &dir.join("absent/third")).unwrap_err().is_not_found());
    assert!(vfs.link(dir, &dir.join("third")).is_err(), "directories have one name");
    vfs.remove(&first).unwrap();
    assert_eq!(get(vfs, &second), b"kept", "each name is as good as the other");
    assert_eq!(vfs.read_dir(dir).unwrap(), ["sub"]);
}

fn open_files_outlive_their_names(vfs: &dyn Vfs, dir: &Path) {
    let path = dir.join("f");
    let mut writer = put(vfs, &path, b"first");
    let reader = vfs.open(&path).unwrap();
    vfs.remove(&path).unwrap();
    assert!(!vfs.exists(&path).unwrap());
    drop(put(vfs, &path, b"second file"));
    assert_eq!(all(&*reader), b"first");
    writer.write_all(b" more").unwrap();
    writer.sync().unwrap();
    assert_eq!(all(&*reader), b"first more");
    assert_eq!(get(vfs, &path), b"second file");
    let log = vfs.create_log(&dir.join("log"), 4096).unwrap();
    log.grow(8).unwrap();
    vfs.remove(&dir.join("log")).unwrap();
    log.store(0, &[7]).unwrap();
    log.sync().unwrap();
    let mut word = [0; 8];
    assert_eq!(log.read_at(0, &mut word).unwrap(), 8);
    assert_eq!(u64::from_le_bytes(word), 7);
}

fn read_only_files_refuse_writes(vfs: &dyn Vfs, dir: &Path) {
    let path = dir.join("f");
    let mut file = vfs.create(&path).unwrap();
    file.write_all(b"kept").unwrap();
    file.set_read_only().unwrap();
    let error = file.write_all(b"refused").unwrap_err();
    assert_eq!(io_kind(&error), io::ErrorKind::PermissionDenied);
    file.sync().unwrap();
    assert_eq!(get(vfs, &path), b"kept");
    vfs.rename(&path, &dir.join("g")).unwrap();
    vfs.remove(&dir.join("g")).unwrap();
}

fn locks_once_and_names_the_holder(vfs: &dyn Vfs, dir: &Path) {
    let path = dir.join("LOCK");
    let guard = vfs.lock(&path, "process 41, a long text").unwrap();
    match vfs.lock(&path, "process 42").unwrap_err().into_kind() {
        ErrorKind::Locked { path: locked, holder } => {
            assert_eq!((locked, holder.as_str()), (path.clone(), "process 41, a long text"));
        }
        other => panic!("{other:?}"),
    }
    drop(guard);
    let guard = vfs.lock(&path, "process 42").unwrap();
    assert_eq!(get(vfs, &path), b"process 42");
    drop(guard);
    assert!(vfs.exists(&path).unwrap());
}

fn logs_begin_empty_and_grow_with_zeros(vfs: &dyn Vfs, dir: &Path) {
    let path = dir.join("log");
    let log = vfs.create_log(&path, 3 << 20).unwrap();
    assert_eq!((log.path(), log.limit()), (path.as_path(), 0));
    assert_eq!(log.read_at(0, &mut [0; 8]).unwrap(), 0);
    log.grow(8).unwrap();
    let first = log.limit();
    assert!((8..=3 << 20).contains(&first), "{first}");
    log.grow(first).unwrap();
    assert_eq!(log.limit(), first, "what is there already is not grown again");
    log.store(first - 8, &[u64::MAX]).unwrap();
    log.grow(first + 1).unwrap();
    assert!(log.limit() > first);
    log.grow(3 << 20).unwrap();
    assert_eq!(log.limit(), 3 << 20);
    let file = get(vfs, &path);
    assert_eq!(file.len() as u64, log.limit());
    let at = usize::try_from(first).unwrap() - 8;
    assert_eq!(file[at..at + 8], [0xff; 8]);
    assert!(file[..at].iter().chain(&file[at + 8..]).all(|byte| *byte == 0));
}

fn logs_refuse_what_does_not_fit(vfs: &dyn Vfs, dir: &Path) {
    for len_max in [0, 4095] {
        let error = vfs.create_log(&dir.join("odd"), len_max).unwrap_err();
        assert_eq!(io_kind(&error), io::ErrorKind::InvalidInput);
    }
    assert!(!vfs.exists(&dir.join("odd")).unwrap());
    let log = vfs.create_log(&dir.join("log"), 4096).unwrap();
    let limit_got = |outcome: Result<(), Error>| match outcome.unwrap_err().into_kind() {
        ErrorKind::Limit { limit, got, .. } => (limit, got),
        other => panic!("{other:?}"),
    };
    assert_eq!(limit_got(log.store(0, &[1])), (0, 8), "nothing was grown yet");
    assert_eq!(limit_got(log.grow(4097)), (4096, 4097));
    assert_eq!(log.limit(), 0);
    log.grow(4096).unwrap();
    assert_eq!(limit_got(log.store(4088, &[1, 2])), (4096, 4104));
    assert_eq!(limit_got(log.store(u64::MAX - 7, &[1, 2])), (4096, u64::MAX));
    assert_eq!(io_kind(&log.store(4, &[1]).unwrap_err()), io::ErrorKind::InvalidInput);
    assert_eq!(io_kind(&log.store(8, &[]).unwrap_err()), io::ErrorKind::InvalidInput);
    assert_eq!(get(vfs, &dir.join("log")), vec![0; 4096], "nothing was stored");
    log.store(4080, &[1, 2]).unwrap();
}

fn logs_read_back_at_any_offset(vfs: &dyn Vfs, dir: &Path) {
    let log = vfs.create_log(&dir.join("log"), 8192).unwrap();
    log.grow(8192).unwrap();
    let words: Vec<u64> = (1..=1024).map(|i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    for (i, frame) in words.chunks(3).enumerate() {
        log.store(i as u64 * 24, frame).unwrap();
    }
    log.sync().unwrap();
    for (offset, len) in [(0, 8192), (1, 7), (7, 10), (4090, 20), (8191, 1), (5, 8187)] {
        let mut buffer = vec![0; len];
        assert_eq!(log.read_at(offset as u64, &mut buffer).unwrap(), len);
        assert_eq!(buffer, bytes[offset..offset + len]);
    }
    let mut buffer = [0; 16];
    assert_eq!(log.read_at(8185, &mut buffer).unwrap(), 7);
    assert_eq!(buffer[..7], bytes[8185..]);
    assert_eq!(log.read_at(8192, &mut buffer).unwrap(), 0);
    assert_eq!(log.read_at(u64::MAX, &mut buffer).unwrap(), 0);
    log.store(24, &[5]).unwrap();
    assert_eq!(log.read_at(24, &mut buffer[..8]).unwrap(), 8);
    assert_eq!(buffer[..8], 5_u64.to_le_bytes(), "stored again at the same place");
}

fn logs_are_read_by_others_through_the_file(vfs: &dyn Vfs, dir: &Path) {
    let path = dir.join("log");
    let log = vfs.create_log(&path, 1 << 20).unwrap();
    log.grow(8).unwrap();
    let reader = vfs.open(&path).unwrap();
    assert_eq!(reader.bytes(), None, "a log is no immutable file");
    for i in 0..100_u64 {
        let frame = [i + 1, i + 2, i + 3];
        log.store(i * 24, &frame).unwrap();
        let mut buffer = [0; 24];
        assert_eq!(reader.read_at(i * 24, &mut buffer).unwrap(), 24);
        assert_eq!(buffer, *frame.map(u64::to_le_bytes).concat(), "seen without a sync");
    }
}

/// One thread stores frames and publishes a watermark; others must find all frames below it whole.
fn readers_see_a_growing_prefix_of_frames(vfs: &dyn Vfs, dir: &Path) {
    const FRAMES: u64 = 3_000;
    let log: Arc<dyn LogFile> = vfs.create_log(&dir.join("log"), FRAMES * 24).unwrap();
    let watermark = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while watermark.load(Ordering::Acquire) < FRAMES * 24 {
                    let end = watermark.load(Ordering::Acquire);
                    let mut bytes = vec![0; usize::try_from(end).unwrap()];
                    assert_eq!(log.read_at(0, &mut bytes).unwrap(), bytes.len());
                    for (i, frame) in (1_u64..).zip(bytes.chunks(24)) {
                        assert_eq!(frame, [i, !i, i << 32].map(u64::to_le_bytes).concat());
                    }
                }
            });
        }
        for i in 1..=FRAMES {
            log.grow(i * 24).unwrap();
            log.store((i - 1) * 24, &[i, !i, i << 32]).unwrap();
            watermark.store(i * 24, Ordering::Release);
        }
    });
}

#[test]
fn the_handles_are_for_many_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<OsVfs>();
    shared::<MemVfs>();
    shared::<SimVfs>();
    assert_eq!(IoMode::default(), IoMode::Mmap);
    assert_eq!(LogMode::default(), LogMode::Auto);
}
