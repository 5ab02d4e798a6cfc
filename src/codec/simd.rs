//! Inner loops compiled twice: for any processor, and for those with AVX2, which is asked once.
//!
//! A [`Kernel`] is written once, in safe code. It works on integers and on single IEEE operations,
//! which are never joined or reordered, so that it returns the same however it was compiled; the
//! second time the compiler may take four lanes at once, and shifts that leave the flags alone.

#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "instructions that not every processor has")
)]

/// A loop over many entries. Its `run` and all that this calls are inlined always, or else they are
/// compiled for any processor.
pub(super) trait Kernel {
    /// What comes out.
    type Output;

    /// Does the work.
    fn run(self) -> Self::Output;
}

/// Runs a kernel in the widest instructions that it was compiled for and the processor has.
#[inline]
pub(super) fn run<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: the processor was asked for each of the features.
        return unsafe { run_with_avx2(kernel) };
    }
    kernel.run()
}

/// Returns whether the processor has what AVX2 came with: Intel since 2013, AMD since 2015.
#[cfg(target_arch = "x86_64")]
#[inline]
fn has_avx2() -> bool {
    #[cfg(test)]
    if tests::PLAIN.get() {
        return false;
    }
    std::is_x86_feature_detected!("avx2")
        && std::is_x86_feature_detected!("bmi1")
        && std::is_x86_feature_detected!("bmi2")
        && std::is_x86_feature_detected!("lzcnt")
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn run_with_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    thread_local! {
        pub(super) static PLAIN: Cell<bool> = const { Cell::new(false) };
    }

    /// Does some work as on a processor without extensions.
    pub(in crate::codec) fn on_any_processor<R>(work: impl FnOnce() -> R) -> R {
        let before = PLAIN.replace(true);
        let output = work();
        PLAIN.set(before);
        output
    }
}
