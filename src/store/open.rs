//! Opening: taking the lock, loading the manifest, and starting a new log generation.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Arc, Condvar, Mutex};

use crate::error::{ErrorKind, Result};
use crate::format::frame::OpenFrame;
use crate::format::ledger::Ledger;
use crate::format::log_header::{LOG_HEADER_BYTES, LogHeader};
use crate::format::manifest::ManifestRecord;
use crate::manifest;
use crate::model::MetricDef;
use crate::segment::Segment;
use crate::snapshot::open_segment;
use crate::store::background::MergeCheck;
use crate::store::backup::BACKUP_NAME;
use crate::store::catalog::Catalog;
use crate::store::core::{Core, Handle, Live, LiveGeneration, Store, Wake, locked};
use crate::store::inbox::Inbox;
use crate::store::options::{Durability, Options};
use crate::store::recover::{RecoveredLogs, RecoveryReport, recover_logs, remove_orphans};
use crate::store::rotate::{UNFLUSHED_MAX, create_log};
use crate::vfs::Vfs;
use crate::wal::{Preface, Producers, Wal, log_name};

/// What may stand in a store's directory.
const NAMES: [&str; 8] = ["LOCK", "MANIFEST", "wal", "seg", "tomb", "tmp", "quarantine", "inbox"];

impl Store {
    pub(crate) fn open_with(options: Options, dir: &Path) -> Result<Self> {
        check_place(&options, dir)?;
        let vfs = &*options.vfs;
        vfs.create_dir_all(dir)?;
        let lock = vfs.lock(&dir.join("LOCK"), &format!("process {}", std::process::id()))?;
        let (manifest, is_new) = load_or_create(&options, dir)?;
        let segments = manifest.segments.iter();
        let segments: Vec<_> = segments
            .map(|record| open_segment(vfs, dir, manifest.db_uuid, record))
            .collect::<Result<_>>()?;
        let recovered = recover_logs(&options, dir, &manifest)?;
        remove_orphans(&options, dir, &manifest)?;
        Inbox::new(dir).take_over(vfs)?;
        let metrics = known_metrics(&segments, &recovered)?;
        let (wal, current) = start_generation(&options, dir, &manifest, &recovered, &metrics)?;
        let mut generations = recovered.generations;
        generations.push(current);
        let core = Arc::new(Core {
            dir: dir.to_owned(),
            db_uuid: manifest.db_uuid,
            generation_bytes_max: generation_bytes_max(&options),
            wal,
            newest_known: AtomicI64::new(i64::MIN),
            expired_before: AtomicI64::new(i64::MIN),
            merged: MergeCheck::default(),
            catalog: Catalog::of_metrics(metrics),
            live: Mutex::new(Live { manifest, segments, generations }),
            maintenance: Mutex::new(()),
            rotation: Mutex::new(()),
            flushed: Condvar::new(),
            is_flushing: AtomicBool::new(false),
            synced_at: AtomicI64::new(i64::MIN),
            wake: Wake::default(),
            recovery: RecoveryReport { is_new, ..recovered.report },
            lock: Mutex::new(Some(lock)),
            background_error: Mutex::new(None),
            options,
        });
        let retention = locked(&core.live).manifest.ledger.retention.clone();
        core.refuse_expired(&retention);
        core.claim_begun()?;
        // The page cache of a process that died may hold what its disk refused: with `Sync`,
        // nothing is acknowledged before the old generations lie in segments that were read back.
        if core.options.durability == Durability::Sync || core.unflushed_count() > UNFLUSHED_MAX {
            core.with_rescue(|| core.flush_sealed())?;
        }
        let worker = if core.is_manual() { None } else { Some(core.spawn_worker()?) };
        Ok(Self { handle: Arc::new(Handle { core, worker: Mutex::new(worker) }) })
    }
}

impl Core {
    /// Lets the manifest say that the first log has begun: from then on a log without its beginning
    /// is known to be damaged, and is not taken for one that never was.
    ///
    /// The edit stays the same, since the store holds the same.
    fn claim_begun(&self) -> Result<()> {
        let before = locked(&self.live).manifest.clone();
        if before.claimed().is_some() {
            return Ok(());
        }
        let begun_generation = self.begun_generation(&before)?;
        let record = ManifestRecord { begun_generation, ..before };
        manifest::replace(&*self.options.vfs, &self.dir, &record)?;
        locked(&self.live).manifest = record;
        Ok(())
    }
}

/// Refuses a directory that holds something else, before anything is written into it.
fn check_place(options: &Options, dir: &Path) -> Result<()> {
    let names = match options.vfs.read_dir(dir) {
        Ok(names) => names,
        Err(error) if error.is_not_found() => return Ok(()),
        Err(error) => return Err(error),
    };
    let not_a_store =
        |found: String| Err(ErrorKind::NotAStore { path: dir.to_owned(), found }.into());
    if names.iter().any(|name| name == BACKUP_NAME) {
        return not_a_store("it is a backup, which is read or restored, not written".to_owned());
    }
    if names.iter().any(|name| name == "MANIFEST") {
        return Ok(());
    }
    if let Some(foreign) = names.iter().find(|name| !NAMES.contains(&name.as_str())) {
        return not_a_store(format!(
            "{foreign:?} stands in it; a new store needs an empty or absent directory"
        ));
    }
    // A creation that was cut off leaves empty directories; with data, the manifest is missing.
    for folder in ["wal", "seg"] {
        let has_files = names.iter().any(|name| name == folder)
            && !options.vfs.read_dir(&dir.join(folder))?.is_empty();
        if has_files {
            return not_a_store(format!("there is no MANIFEST, but data in {folder}"));
        }
    }
    Ok(())
}

fn load_or_create(options: &Options, dir: &Path) -> Result<(ManifestRecord, bool)> {
    let vfs = &*options.vfs;
    for folder in ["wal", "seg", "tmp", "quarantine"] {
        vfs.create_dir_all(&dir.join(folder))?;
    }
    if let Some(manifest) = manifest::load(vfs, dir)? {
        // A process that died between the rename and its sync left a name that a power cut may
        // take back: what follows removes files that only the older manifest needs.
        vfs.sync_dir(dir)?;
        return Ok((manifest, false));
    }
    vfs.sync_dir(dir)?;
    sync_ancestors(vfs, dir)?;
    let manifest = ManifestRecord {
        db_uuid: options.uuid.unwrap_or_else(random_uuid),
        edit: 1,
        flushed_generation: 0,
        flushed_seq: 0,
        begun_generation: 0,
        segments: Vec::new(),
        ledger: Ledger::default(),
    };
    manifest::replace(vfs, dir, &manifest)?;
    Ok((manifest, true))
}

/// Makes the entries of a new directory and of those above it durable: some may be new as well.
pub(crate) fn sync_ancestors(vfs: &dyn Vfs, dir: &Path) -> Result<()> {
    for (level, ancestor) in dir.ancestors().skip(1).enumerate() {
        // A relative path of one part lies in the current directory.
        let is_empty = ancestor.as_os_str().is_empty();
        let synced = vfs.sync_dir(if is_empty { Path::new(".") } else { ancestor });
        match synced {
            // Directories far above may be closed to this user, who then did not make them.
            Err(error) if level > 0 && error.is_refused() => {}
            synced => synced?,
        }
    }
    Ok(())
}

/// Makes 128 random bits of the seeds that the standard library draws from the system.
fn random_uuid() -> [u8; 16] {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let mut uuid = [0; 16];
    for half in uuid.chunks_exact_mut(8) {
        half.copy_from_slice(&RandomState::new().build_hasher().finish().to_le_bytes());
    }
    uuid
}

fn known_metrics(segments: &[Arc<Segment>], logs: &RecoveredLogs) -> Result<Vec<MetricDef>> {
    let mut metrics = Vec::new();
    for segment in segments {
        metrics.extend(segment.metrics()?);
    }
    metrics.extend(logs.metrics.iter().cloned());
    metrics.sort_unstable();
    // A unit may have been added later: of two definitions, the one with a unit sorts last.
    metrics.dedup_by(|later, kept| {
        let is_same = later.name == kept.name;
        if is_same {
            std::mem::swap(later, kept);
        }
        is_same
    });
    Ok(metrics)
}

/// Starts the generation behind the recovered ones. What they hold is on disk before OPEN says so.
fn start_generation(
    options: &Options,
    dir: &Path,
    manifest: &ManifestRecord,
    recovered: &RecoveredLogs,
    metrics: &[MetricDef],
) -> Result<(Wal, LiveGeneration)> {
    let open = match recovered.generations.last() {
        None => OpenFrame {
            previous_generation: manifest.flushed_generation,
            previous_end: 0,
            previous_seq: manifest.flushed_seq,
        },
        Some(last) => {
            options.vfs.sync_file(&dir.join("wal").join(log_name(last.number)))?;
            OpenFrame {
                previous_generation: last.number,
                previous_end: last.sealed_end.unwrap_or(0),
                previous_seq: recovered.seq,
            }
        }
    };
    let created = options.clock.now();
    let header = LogHeader {
        db_uuid: manifest.db_uuid,
        generation: open.previous_generation + 1,
        created: created.as_nanos(),
    };
    let log = create_log(options, dir, header, generation_bytes_max(options))?;
    let begun = LiveGeneration::begun(log.generation());
    let mut positions = manifest.ledger.producers.clone();
    for generation in &recovered.generations {
        positions.extend(locked(&generation.follower).producers());
    }
    let producers = Producers { positions, count_max: options.limits.producers_max };
    let preface = Preface { metrics, tombstones: &[] };
    let wal = Wal::start(log, open, preface, producers)?;
    Ok((wal, begun))
}

/// Appends go on for as long again as a flush is long, and there is room for the longest frame; in
/// whole pages.
fn generation_bytes_max(options: &Options) -> u64 {
    let spare = options.limits.frame_bytes_max.saturating_add(LOG_HEADER_BYTES as u64);
    let (_, most) = options.flush_bytes_range();
    most.saturating_mul(2).saturating_add(spare) & !4095
}
