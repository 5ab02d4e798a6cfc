//! `bench write` and `bench size`: appending, closing, merging.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use silverback::{Reader, Store};

use crate::cli::bench::arguments::{LoadArguments, Workload};
use crate::cli::bench::load::{Load, Spent};
use crate::cli::bench::machine::{Usage, bytes_below, processor};
use crate::cli::bench::report::Figures;

/// A directory for one store, removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new(arguments: &LoadArguments) -> anyhow::Result<Self> {
        let parent = arguments.dir.clone().unwrap_or_else(std::env::temp_dir);
        let place = parent.join(format!("silverback-bench-{}", std::process::id()));
        std::fs::create_dir_all(&place)
            .with_context(|| format!("cannot make {}", place.display()))?;
        Ok(Self(place))
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.0.join("store")
    }

    pub(crate) fn copy(&self) -> PathBuf {
        self.0.join("copy")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Starts a set of figures with what was asked for.
pub(crate) fn head(bench: &'static str, arguments: &LoadArguments, spent: &Spent) -> Figures {
    let mut figures = Figures::default();
    figures.add("bench", bench);
    figures.add("workload", arguments.workload.name());
    if arguments.workload == Workload::Traffic {
        figures.add("preset", arguments.preset.as_str());
    }
    if let Some(rows) = spent.rows_refused {
        figures.add("rows_refused", rows);
    }
    figures.add("samples", spent.samples);
    figures.add("threads", arguments.threads.get() as u64);
    figures.add("batch", arguments.batch as u64);
    figures.add("durability", format!("{:?}", arguments.durability).to_lowercase());
    figures.add("processor", processor());
    let cores = std::thread::available_parallelism().map(|cores| cores.get() as u64);
    figures.add("cores", cores.ok());
    figures
}

/// Measures how fast samples are taken, and what they take.
pub(crate) fn run(arguments: &LoadArguments) -> anyhow::Result<Figures> {
    let place = Place::new(arguments)?;
    let dir = place.store();
    let before = Usage::now();
    let store = Store::options().durability(arguments.durability).open(&dir)?;
    let mut load = Load::new(arguments, &store)?;
    let mut spent = Spent::default();
    let (mut disk_peak, mut anonymous_peak) = (0, None);
    while load.append_block(arguments, &store, &mut spent)? {
        disk_peak = bytes_below(&dir).max(disk_peak);
        anonymous_peak = Usage::now().anonymous_bytes.max(anonymous_peak);
    }
    let closing = Instant::now();
    store.close()?;
    let close_seconds = closing.elapsed().as_secs_f64();
    anonymous_peak = Usage::now().anonymous_bytes.max(anonymous_peak);
    let after = Usage::now();
    let mut figures = head("write", arguments, &spent);
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let samples = Some(spent.samples as f64);
    figures.add("series", load.series() as u64);
    let wall = spent.wall.as_secs_f64();
    let cpu = after.cpu_seconds.zip(before.cpu_seconds).map(|(after, before)| after - before);
    figures.add("wall_seconds", wall);
    figures.add("samples_per_second", samples.map(|samples| samples / wall));
    figures.add("append_cpu_seconds", spent.cpu_seconds);
    figures.add_ratio("samples_per_append_cpu_second", samples, Some(spent.cpu_seconds));
    figures.add("slowest_million_seconds", spent.slowest.as_secs_f64());
    figures.add("close_seconds", close_seconds);
    figures.add("cpu_seconds", cpu);
    figures.add_ratio("samples_per_cpu_second", samples, cpu);
    figures.add("peak_rss_bytes", after.peak_rss_bytes);
    figures.add("peak_anonymous_bytes", anonymous_peak);
    figures.add("peak_bytes_on_disk", disk_peak);
    sizes(&dir, samples, &mut figures)?;
    Ok(figures)
}

/// Measures how many bytes a sample takes.
pub(crate) fn size(arguments: &LoadArguments) -> anyhow::Result<Figures> {
    let place = Place::new(arguments)?;
    let store = Store::options().durability(arguments.durability).open(place.store())?;
    let mut load = Load::new(arguments, &store)?;
    let mut spent = Spent::default();
    while load.append_block(arguments, &store, &mut spent)? {}
    store.close()?;
    let mut figures = head("size", arguments, &spent);
    figures.add("series", load.series() as u64);
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let samples = spent.samples as f64;
    sizes(&place.store(), Some(samples), &mut figures)?;
    Ok(figures)
}

/// Adds the sizes of a closed store, merges it, and adds them again.
fn sizes(dir: &Path, samples: Option<f64>, figures: &mut Figures) -> anyhow::Result<()> {
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let stats = |dir| -> anyhow::Result<_> {
        let stats = Reader::open(dir)?.snapshot()?.stats()?;
        Ok((stats.segment_bytes, stats.segment_bytes as f64, stats.write_amplification))
    };
    let (bytes, real, _) = stats(dir)?;
    figures.add("bytes_flushed", bytes);
    figures.add_ratio("bytes_per_sample_flushed", Some(real), samples);
    let store = Store::open(dir)?;
    let merging = Instant::now();
    store.compact()?;
    figures.add("merge_seconds", merging.elapsed().as_secs_f64());
    store.close()?;
    let (bytes, real, amplification) = stats(dir)?;
    figures.add("bytes_on_disk", bytes);
    figures.add_ratio("bytes_per_sample", Some(real), samples);
    figures.add("write_amplification", amplification);
    Ok(())
}
