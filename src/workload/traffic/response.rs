//! Response times: until the first token, and for each token after it.

use crate::workload::random::Random;

/// What answers: medians in seconds, and deviations in logarithms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Endpoint {
    pub(crate) name: &'static str,
    first_median: f64,
    first_sigma: f64,
    token_median: f64,
    token_sigma: f64,
}

/// Eight models of six classes, as services of language models were measured.
pub(crate) const MODELS: [Endpoint; 8] = [
    endpoint("small-fast", [0.20, 0.09, 0.007_8, 0.12]),
    endpoint("tiny", [0.20, 0.10, 0.018_8, 0.07]),
    endpoint("large-fast", [0.21, 0.21, 0.014_6, 0.16]),
    endpoint("small", [0.33, 0.05, 0.012_5, 0.03]),
    endpoint("medium", [0.50, 0.21, 0.023, 0.03]),
    endpoint("medium-plus", [0.52, 0.24, 0.024, 0.07]),
    endpoint("medium-fat", [0.55, 0.21, 0.009_7, 0.08]),
    endpoint("large", [0.64, 0.17, 0.015_3, 0.08]),
];
/// The one that goes with the measured tokens.
pub(crate) const MEASURED: Endpoint = endpoint("measured", [0.35, 0.25, 0.015, 0.1]);
/// What the bots without a language model take: a median, and a deviation in logarithms.
const PLAIN_MEDIAN: f64 = 0.184;
const PLAIN_SIGMA: f64 = 1.45;
/// How many first tokens are late by a factor of 2 to 3, and by one of 50 to 100.
const LATE_SHARE: f64 = 0.012;
const VERY_LATE_SHARE: f64 = 0.001_5;

const fn endpoint(name: &'static str, parameters: [f64; 4]) -> Endpoint {
    let [first_median, first_sigma, token_median, token_sigma] = parameters;
    Endpoint { name, first_median, first_sigma, token_median, token_sigma }
}

impl Endpoint {
    /// Returns the seconds until the first token and until the last.
    pub(crate) fn answer(&self, random: &mut Random, tokens: u32) -> (f64, f64) {
        let first = random.log_normal(self.first_median, self.first_sigma);
        let luck = random.unit();
        let late = if luck < VERY_LATE_SHARE {
            // Pareto's, cut at twice its least.
            50.0 / (1.0 - 0.875 * luck / VERY_LATE_SHARE).cbrt()
        } else if luck < VERY_LATE_SHARE + LATE_SHARE {
            2.0 + (luck - VERY_LATE_SHARE) / LATE_SHARE
        } else {
            1.0
        };
        let first = first * late;
        let token = random.log_normal(self.token_median, self.token_sigma);
        (first, first + f64::from(tokens) * token)
    }
}

/// Returns the seconds that a bot without a language model takes.
pub(crate) fn plain_answer(random: &mut Random) -> f64 {
    random.log_normal(PLAIN_MEDIAN, PLAIN_SIGMA)
}
