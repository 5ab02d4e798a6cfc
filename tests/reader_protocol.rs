//! A reader beside a live writer sees a prefix of the commit order, and all that was committed when
//! it began, however their steps interleave.
//!
//! The first half is a model: a writer that rotates, flushes, is killed twice and has a failed sync
//! behind it, and a reader by the rules of docs/DESIGN.md that reads one frame a step. All of their
//! interleavings are walked through. Each rule has a negative control: a reader without it must be
//! caught. The second half is the real thing: the writer works in between the reader's file
//! operations, at each of them in turn.

#![allow(
    clippy::pedantic,
    clippy::map_entry,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests"
)]

use std::collections::{BTreeMap, HashSet};

type Generation = u32;

/// A log file, whatever its name.
#[derive(Debug, Clone, Default)]
struct Log {
    has_header: bool,
    /// How many samples were committed before it, as its OPEN frame says.
    open: Option<usize>,
    frames: Vec<u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Manifest {
    flushed: Generation,
    /// How many samples lie in segments.
    flushed_seq: usize,
    segments: Vec<Generation>,
}

/// What the disk shows at one moment.
#[derive(Debug, Clone)]
struct World {
    manifest: Manifest,
    segments: BTreeMap<Generation, Vec<u32>>,
    /// Which file stands under a generation's name.
    names: BTreeMap<Generation, usize>,
    logs: Vec<Log>,
    committed: u32,
}

/// The writer's life, moment by moment.
struct Script(Vec<World>);

impl Script {
    fn new() -> Self {
        let world = World {
            manifest: Manifest::default(),
            segments: BTreeMap::new(),
            names: BTreeMap::new(),
            logs: Vec::new(),
            committed: 0,
        };
        Self(vec![world])
    }

    fn then(&mut self, change: impl FnOnce(&mut World)) {
        let mut next = self.0.last().unwrap().clone();
        change(&mut next);
        self.0.push(next);
    }

    fn create(&mut self, generation: Generation) {
        self.then(|world| {
            world.names.insert(generation, world.logs.len());
            world.logs.push(Log::default());
        });
        self.then(|world| world.log(generation).has_header = true);
    }

    fn open(&mut self, generation: Generation) {
        self.then(|world| world.log(generation).open = Some(world.committed as usize));
    }

    fn append(&mut self, generation: Generation) {
        self.then(|world| {
            let sample = world.committed;
            world.log(generation).frames.push(sample);
            world.committed += 1;
        });
    }

    fn remove(&mut self, generation: Generation) {
        self.then(|world| assert!(world.names.remove(&generation).is_some()));
    }

    fn write_segment(&mut self, generation: Generation) {
        self.then(|world| {
            let frames = world.log(generation).frames.clone();
            world.segments.insert(generation, frames);
        });
    }

    fn replace_manifest(&mut self, flushed: Generation) {
        self.then(|world| {
            world.manifest.flushed = flushed;
            world.manifest.flushed_seq += world.segments[&flushed].len();
            world.manifest.segments.push(flushed);
        });
    }

    fn flush(&mut self, generation: Generation) {
        self.write_segment(generation);
        self.replace_manifest(generation);
        self.remove(generation);
    }

    /// Puts all segments into the last of them.
    fn merge(&mut self) {
        self.then(|world| {
            let all = world.manifest.segments.iter().flat_map(|live| world.segments[live].clone());
            let all = all.collect();
            world.segments.insert(100 + world.manifest.flushed, all);
        });
        self.then(|world| world.manifest.segments = vec![100 + world.manifest.flushed]);
        self.then(|world| {
            world.segments.retain(|segment, _| world.manifest.segments.contains(segment))
        });
    }

    /// Rotation, flushes that lag, a merge, two restarts, a rotation cut off, and a failed sync.
    fn whole() -> Self {
        let mut script = Self::new();
        script.create(1);
        script.open(1);
        script.append(1);
        script.append(1);
        script.create(2); // a live rotation: appends go on until OPEN
        script.append(1);
        script.open(2);
        script.append(2);
        script.flush(1);
        script.append(2);
        script.create(3); // killed here: the rotation was never finished
        script.remove(3);
        script.create(3); // the next process
        script.open(3);
        script.append(3);
        script.create(4); // killed again, before 2 was flushed
        script.open(4);
        script.append(4);
        script.flush(2);
        script.append(4);
        script.flush(3);
        script.merge();
        // A sync of 4 fails: it is flushed before the next one takes anything.
        script.create(5);
        script.write_segment(4);
        script.replace_manifest(4);
        script.open(5);
        script.append(5);
        script.remove(4);
        script.append(5);
        script
    }
}

impl World {
    fn log(&mut self, generation: Generation) -> &mut Log {
        let file = self.names[&generation];
        &mut self.logs[file]
    }
}

/// The rules that a reader can be without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Nothing,
    /// The OPEN frame must continue where the log before it ended.
    OpenSequence,
    /// A log whose successor says that it holds more is read again.
    ReadAgain,
    /// A missing segment means that the writer moved on.
    StartOverAtSegment,
    /// No log at all may mean that all were flushed meanwhile: the manifest is read again.
    ManifestAgain,
    /// The end of the chain counts only while its first log is there.
    FirstLogStays,
    /// All logs are opened before any is scanned.
    OpenBeforeScan,
    /// A log without OPEN may be replaced by another of its name: it is not kept open.
    ForgetUnopened,
}

/// A log that a reader has open, and how far it has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Followed {
    file: usize,
    open: Option<usize>,
    frames: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Stage {
    Manifest,
    /// Opens this segment of the manifest.
    Segment(usize),
    OpenLog(Generation),
    /// Asks whether the chain that ended before this generation is still the chain.
    CheckChain(Generation),
    Scan(Generation),
    /// Has read this log to its end.
    Link(Generation),
    /// Reads the log before this one again.
    CatchUp(Generation),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct ModelReader {
    stage: Stage,
    /// What was committed when the call began.
    least: u32,
    manifest: Manifest,
    samples: Vec<u32>,
    followed: BTreeMap<Generation, Followed>,
    has_scanned: bool,
    calls_left: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Violation {
    NotPrefix,
    Stale,
    FalseCorruption,
    /// It had to start over though it had begun to scan: a writer that is quick enough could keep
    /// it from ever ending.
    StartedOverLate,
}

impl ModelReader {
    fn new(world: &World, calls: u32) -> Self {
        Self {
            stage: Stage::Manifest,
            least: world.committed,
            manifest: Manifest::default(),
            samples: Vec::new(),
            followed: BTreeMap::new(),
            has_scanned: false,
            calls_left: calls - 1,
        }
    }

    /// Does one step; returns the samples seen where it was the last.
    fn step(&mut self, world: &World, missing: Missing) -> Result<Option<Vec<u32>>, Violation> {
        match self.stage {
            Stage::Manifest => {
                self.manifest = world.manifest.clone();
                self.samples.clear();
                let first = self.manifest.flushed + 1;
                self.followed.retain(|generation, log| {
                    *generation >= first
                        && (log.open.is_some() || missing == Missing::ForgetUnopened)
                });
                self.stage = Stage::Segment(0);
            }
            Stage::Segment(index) => match self.manifest.segments.get(index) {
                None => self.stage = Stage::OpenLog(self.manifest.flushed + 1),
                Some(segment) => match world.segments.get(segment) {
                    None if missing != Missing::StartOverAtSegment => return self.start_over(),
                    found => {
                        self.samples.extend(found.into_iter().flatten());
                        self.stage = Stage::Segment(index + 1);
                    }
                },
            },
            Stage::OpenLog(generation) => return self.open_log(world, missing, generation),
            Stage::CheckChain(end) => {
                let first = self.manifest.flushed + 1;
                let is_same = if end == first {
                    world.manifest.flushed == self.manifest.flushed
                        || missing == Missing::ManifestAgain
                } else {
                    world.names.contains_key(&first) || missing == Missing::FirstLogStays
                };
                if !is_same {
                    return self.start_over();
                }
                if self.has_scanned || end == first {
                    return Ok(Some(self.result(world, end)));
                }
                self.stage = Stage::Scan(first);
            }
            Stage::Scan(generation) => {
                self.has_scanned = true;
                if self.read_frame(world, generation) {
                    self.stage = Stage::Link(generation);
                }
            }
            Stage::Link(generation) => return self.link(world, missing, generation),
            Stage::CatchUp(generation) => {
                if self.read_frame(world, generation - 1) {
                    if self.end_of(generation - 1) != self.followed[&generation].open.unwrap() {
                        return Err(Violation::FalseCorruption);
                    }
                    self.stage = Stage::Link(generation);
                }
            }
        }
        Ok(None)
    }

    fn open_log(
        &mut self,
        world: &World,
        missing: Missing,
        generation: Generation,
    ) -> Result<Option<Vec<u32>>, Violation> {
        let is_lazy = missing == Missing::OpenBeforeScan;
        if !self.followed.contains_key(&generation) {
            match world.names.get(&generation) {
                None => {
                    self.stage = Stage::CheckChain(generation);
                    return Ok(None);
                }
                Some(&file) if !world.logs[file].has_header => {
                    if generation == self.manifest.flushed + 1 || is_lazy {
                        return Ok(Some(self.result(world, generation)));
                    }
                    self.stage = Stage::Scan(self.manifest.flushed + 1);
                    return Ok(None);
                }
                Some(&file) => {
                    self.followed.insert(generation, Followed { file, open: None, frames: 0 });
                }
            }
        }
        self.stage = if is_lazy { Stage::Scan(generation) } else { Stage::OpenLog(generation + 1) };
        Ok(None)
    }

    /// Reads one frame of a log; returns true at its end.
    fn read_frame(&mut self, world: &World, generation: Generation) -> bool {
        let followed = self.followed.get_mut(&generation).unwrap();
        let log = &world.logs[followed.file];
        if followed.open.is_none() {
            followed.open = log.open;
            return followed.open.is_none();
        }
        let is_end = followed.frames == log.frames.len();
        followed.frames += usize::from(!is_end);
        is_end
    }

    /// The number of samples up to the end of what was read of a log.
    fn end_of(&self, generation: Generation) -> usize {
        match self.followed.get(&generation) {
            Some(log) if generation > self.manifest.flushed => log.open.unwrap_or(0) + log.frames,
            _ => self.manifest.flushed_seq,
        }
    }

    /// Joins a log that was read to the ones before it, and goes on with the next.
    fn link(
        &mut self,
        world: &World,
        missing: Missing,
        generation: Generation,
    ) -> Result<Option<Vec<u32>>, Violation> {
        let Some(open) = self.followed[&generation].open else {
            return Ok(Some(self.result(world, generation)));
        };
        if open != self.end_of(generation - 1) && missing != Missing::OpenSequence {
            if missing == Missing::ReadAgain {
                return Err(Violation::FalseCorruption);
            }
            if generation == self.manifest.flushed + 1 {
                return self.start_over();
            }
            self.stage = Stage::CatchUp(generation);
            return Ok(None);
        }
        let next = generation + 1;
        if missing == Missing::OpenBeforeScan {
            self.stage = Stage::OpenLog(next);
        } else if self.followed.contains_key(&next) {
            self.stage = Stage::Scan(next);
        } else {
            return Ok(Some(self.result(world, next)));
        }
        Ok(None)
    }

    fn start_over(&mut self) -> Result<Option<Vec<u32>>, Violation> {
        if self.has_scanned {
            return Err(Violation::StartedOverLate);
        }
        self.stage = Stage::Manifest;
        Ok(None)
    }

    /// All samples of the chain before a generation.
    fn result(&self, world: &World, end: Generation) -> Vec<u32> {
        let mut seen = self.samples.clone();
        for (_, followed) in self.followed.range(self.manifest.flushed + 1..end) {
            seen.extend(&world.logs[followed.file].frames[..followed.frames]);
        }
        seen
    }

    fn check(&self, mut seen: Vec<u32>) -> Result<(), Violation> {
        seen.sort_unstable();
        if !seen.iter().copied().eq(0..seen.len() as u32) {
            return Err(Violation::NotPrefix);
        }
        if seen.len() < self.least as usize { Err(Violation::Stale) } else { Ok(()) }
    }
}

#[derive(Debug, Default)]
struct Findings {
    states: usize,
    views: usize,
    violations: HashSet<Violation>,
}

/// Walks through all interleavings of the writer with a reader that takes two views.
fn explore(script: &Script, missing: Missing) -> Findings {
    let mut findings = Findings::default();
    let mut seen = HashSet::new();
    let mut open: Vec<_> =
        script.0.iter().enumerate().map(|(now, world)| (now, ModelReader::new(world, 2))).collect();
    while let Some((now, reader)) = open.pop() {
        if !seen.insert((now, reader.clone())) {
            continue;
        }
        if now + 1 < script.0.len() {
            open.push((now + 1, reader.clone()));
        }
        let world = &script.0[now];
        let mut next = reader;
        let outcome = next.step(world, missing).and_then(|view| {
            let Some(view) = view else { return Ok(true) };
            findings.views += 1;
            next.check(view)?;
            let goes_on = next.calls_left > 0;
            if goes_on {
                // What was opened stays open for the next view.
                let followed = std::mem::take(&mut next.followed);
                next = ModelReader { followed, ..ModelReader::new(world, 1) };
            }
            Ok(goes_on)
        });
        match outcome {
            Ok(true) => open.push((now, next)),
            Ok(false) => {}
            Err(violation) => drop(findings.violations.insert(violation)),
        }
    }
    findings.states = seen.len();
    findings
}

#[test]
fn no_interleaving_of_the_model_breaks_a_promise() {
    let findings = explore(&Script::whole(), Missing::Nothing);
    println!("{} states, {} views", findings.states, findings.views);
    assert!(findings.violations.is_empty(), "{findings:?}");
    assert!(findings.states > 10_000 && findings.views > 1_000, "{findings:?}");
}

#[test]
fn a_reader_without_one_of_the_rules_is_caught() {
    let controls = [
        (Missing::OpenSequence, Violation::NotPrefix),
        (Missing::ReadAgain, Violation::FalseCorruption),
        (Missing::StartOverAtSegment, Violation::NotPrefix),
        (Missing::ManifestAgain, Violation::Stale),
        (Missing::FirstLogStays, Violation::Stale),
        (Missing::OpenBeforeScan, Violation::StartedOverLate),
        (Missing::ForgetUnopened, Violation::Stale),
    ];
    for (missing, expected) in controls {
        let findings = explore(&Script::whole(), missing);
        println!("without {missing:?}: {:?}", findings.violations);
        assert!(findings.violations.contains(&expected), "without {missing:?}: {findings:?}");
    }
}
