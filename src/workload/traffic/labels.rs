//! Who asks what where: bots and their shares, and the part of the labels' product that exists.

use std::collections::HashSet;

use crate::model::SeriesKey;
use crate::workload::random::Random;
use crate::workload::traffic::choice::Choice;
use crate::workload::traffic::options::{LabelSet, TrafficOptions};
use crate::workload::traffic::outcome::TrafficStatus;
use crate::workload::traffic::response::{MEASURED, MODELS};

/// Channels and their shares.
pub(crate) const CHANNELS: [(&str, f64); 6] = [
    ("web", 0.45),
    ("telegram", 0.20),
    ("whatsapp", 0.15),
    ("slack", 0.10),
    ("discord", 0.07),
    ("voice", 0.03),
];
pub(crate) const REGIONS: [&str; 9] = [
    "us-east-1",
    "us-west-1",
    "us-west-2",
    "eu-west-1",
    "eu-central-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "sa-east-1",
];
const INTENTS: usize = 120;
pub(crate) const INTENTS_A_BOT: usize = 40;
/// How fast intents become rare.
const INTENT_ZIPF: f64 = 1.1;
/// The share of all traffic that is not of the first 1, 3, 10 and 50 of bots, measured on 43
/// clients of a service.
const BOTS_LEFT: [(f64, f64); 5] =
    [(0.0, 1.0), (1.0, 0.701), (3.0, 0.375), (10.0, 0.072), (50.0, 0.000_5)];
/// Bots' coefficients of variation of gaps, by per cent of the bots.
const BOT_GAPS: [(f64, f64); 6] =
    [(5.0, 0.93), (25.0, 1.06), (50.0, 1.21), (75.0, 2.47), (95.0, 9.1), (99.0, 26.7)];
/// Bots of high rank are even: weighted by traffic, the median is 1.22.
const EVEN_BOTS: usize = 5;
/// One bot in so many answers without a language model.
const PLAIN_ONE_IN: usize = 5;

/// One realised combination of labels, as indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) bot: u16,
    pub(crate) channel: u8,
    /// Among the bot's own, most frequent first.
    pub(crate) intent: u8,
    /// None for a bot without a language model.
    pub(crate) model: Option<u8>,
    pub(crate) region: u8,
}

/// The combinations that exist, by bot.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    all: Vec<Place>,
    bots: Vec<Bot>,
    any_bot: Choice,
    labels: LabelSet,
    one_endpoint: bool,
    seed: u64,
}

/// A bot's share of the traffic, and its combinations.
#[derive(Debug, Clone)]
struct Bot {
    share: f64,
    /// How far its share wanders, in logarithms.
    burst: f64,
    first: usize,
    choice: Choice,
}

impl Places {
    pub(crate) fn new(seed: u64, options: &TrafficOptions) -> Self {
        let mut random = Random::keyed(seed, STREAM, 0);
        let shares = bot_shares(options.bots);
        // In time each combination has every status.
        let wanted = (options.series / TrafficStatus::ALL.len()).max(options.bots);
        let roots: f64 = shares.iter().map(|share| share.sqrt()).sum();
        let (mut all, mut bots) = (Vec::new(), Vec::new());
        for (index, share) in shares.iter().enumerate() {
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count of label combinations"
            )]
            let count = (wanted as f64 * share.sqrt() / roots).round().max(1.0) as usize;
            let first = all.len();
            let plain = !options.one_endpoint && index % PLAIN_ONE_IN == PLAIN_ONE_IN - 1;
            let weights = realise(&mut random, index, plain, count, &mut all);
            let burst = if index < EVEN_BOTS { 0.46 } else { burst(random.unit()) };
            bots.push(Bot { share: *share, burst, first, choice: Choice::new(&weights) });
        }
        let any_bot = Choice::new(&shares);
        let one_endpoint = options.one_endpoint;
        Self { all, bots, any_bot, labels: options.labels, one_endpoint, seed }
    }

    /// Returns how many combinations exist.
    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn place(&self, index: usize) -> Option<Place> {
        self.all.get(index).copied()
    }

    /// Returns the bots' choice for a while, in which some have more of the traffic than usual.
    pub(crate) fn bots_for(&self, window: i64) -> Choice {
        let mut random = Random::keyed(self.seed, STREAM, window);
        let weights = self.bots.iter().map(|bot| {
            // The mean of a log-normal number lies above its median.
            bot.share * (bot.burst * random.normal() - bot.burst * bot.burst / 2.0).exp()
        });
        Choice::new(&weights.collect::<Vec<_>>())
    }

    /// Returns a combination of a bot that was chosen.
    pub(crate) fn pick(&self, bots: &Choice, random: &mut Random) -> usize {
        let bot = self.bots.get(bots.pick(random.unit()));
        bot.map_or(0, |bot| bot.first + bot.choice.pick(random.unit()))
    }

    /// Returns the combination and the status of a session, which follow from its number.
    pub(crate) fn session(&self, session: u64) -> (usize, TrafficStatus) {
        let mut random = Random::keyed(self.seed, SESSION_STREAM, session.cast_signed());
        let place = self.pick(&self.any_bot, &mut random);
        let failed = random.unit() < 0.018;
        let status = if failed { TrafficStatus::RateLimited } else { TrafficStatus::Ok };
        (place, status)
    }

    /// Returns the key of a metric's series of this index.
    pub(crate) fn key(&self, metric: &str, index: usize) -> SeriesKey {
        let statuses = TrafficStatus::ALL.len();
        let (place, status) = if self.labels == LabelSet::Session {
            self.session(index as u64)
        } else {
            let status = TrafficStatus::ALL.get(index % statuses).copied();
            (index / statuses, status.unwrap_or(TrafficStatus::Ok))
        };
        let Some(place) = self.place(place) else { return SeriesKey::new(metric) };
        let (channel, _) = CHANNELS.get(usize::from(place.channel)).copied().unwrap_or_default();
        let region = REGIONS.get(usize::from(place.region)).copied().unwrap_or_default();
        let key = SeriesKey::new(metric)
            .label("bot", format!("bot{:02}", place.bot))
            .label("channel", channel)
            .label("intent", format!("intent{:03}", intent_number(place)))
            .label("model", self.model_name(place))
            .label("region", region)
            .label("status", status.as_str());
        match self.labels {
            LabelSet::Six => key,
            LabelSet::Session => key.label("session", format!("{index:016x}")),
            LabelSet::Thirteen => deployment(key, place),
        }
    }

    fn model_name(&self, place: Place) -> &'static str {
        if self.one_endpoint {
            return MEASURED.name;
        }
        let model = place.model.and_then(|model| MODELS.get(usize::from(model)));
        model.map_or("", |model| model.name)
    }
}

/// The keys of randomness.
const STREAM: u64 = 1;
const SESSION_STREAM: u64 = 2;

/// Returns the number of a bot's intent among all.
pub(crate) fn intent_number(place: Place) -> usize {
    (usize::from(place.bot) * 7 + usize::from(place.intent)) % INTENTS
}

/// Adds labels that follow from the others, as those of a deployment do.
fn deployment(key: SeriesKey, place: Place) -> SeriesKey {
    let (bot, region) = (place.bot, place.region);
    key.label("cluster", format!("prod-{}", region % 3))
        .label("deployment", format!("bot{bot:02}-{}", 40 + bot % 9))
        .label("host", format!("ip-10-{region}-{}-{}", bot % 16, place.channel))
        .label(
            "language",
            ["en", "de", "fr", "es"].get(usize::from(bot % 4)).copied().unwrap_or("en"),
        )
        .label("namespace", "bots")
        .label("tier", if bot < 10 { "gold" } else { "standard" })
        .label("version", format!("1.{}.{}", bot % 7, region))
}

/// Returns the bots' shares of the traffic, most first.
pub(crate) fn bot_shares(bots: usize) -> Vec<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a count of bots")]
    let left = |rank: usize| left_behind(rank as f64);
    let all = 1.0 - left(bots);
    (1..=bots).map(|rank| (left(rank - 1) - left(rank)) / all).collect()
}

/// Returns the share of the traffic that is of bots behind a rank.
fn left_behind(rank: f64) -> f64 {
    let above = BOTS_LEFT.partition_point(|(known, _)| *known < rank).clamp(1, 4);
    let knot = |at: usize| BOTS_LEFT.get(at).copied().unwrap_or((1.0, 1.0));
    let ((low, low_left), (high, high_left)) = (knot(above - 1), knot(above));
    low_left * (high_left / low_left).powf((rank - low) / (high - low))
}

/// Returns how far a bot's share wanders so that its gaps vary as those of a measured client.
fn burst(share: f64) -> f64 {
    let at = BOT_GAPS.iter().rev().find(|(percent, _)| percent / 100.0 <= share);
    let variation = at.map_or(0.93, |(_, variation)| *variation);
    // A log-normal rate of deviation s turns a variation of 1 into one of 2 exp(s²) - 1, squared.
    f64::midpoint(variation * variation, 1.0).max(1.0).ln().sqrt().min(1.9)
}

/// Adds combinations of one bot, popular ones first; returns how often each is used.
fn realise(
    random: &mut Random,
    bot: usize,
    plain: bool,
    count: usize,
    all: &mut Vec<Place>,
) -> Vec<f64> {
    let channels: Vec<f64> = CHANNELS.iter().map(|(_, share)| *share).collect();
    #[expect(clippy::cast_precision_loss, reason = "a count of intents")]
    let intents: Vec<f64> =
        (1..=INTENTS_A_BOT).map(|rank| (rank as f64).powf(-INTENT_ZIPF)).collect();
    let (any_channel, any_intent) = (Choice::new(&channels), Choice::new(&intents));
    let first_model = random.below(MODELS.len() as u64);
    let models = 1 + random.below(3);
    let (mut known, mut weights) = (HashSet::new(), Vec::new());
    // A bot that has fewer combinations than wanted ends with what was found.
    for _ in 0..count.saturating_mul(50) {
        if weights.len() == count {
            break;
        }
        let (channel, intent) = (any_channel.pick(random.unit()), any_intent.pick(random.unit()));
        let model = (first_model + random.below(models)) % MODELS.len() as u64;
        let region = random.below(REGIONS.len() as u64);
        let byte = |number: u64| u8::try_from(number).unwrap_or(0);
        let place = Place {
            bot: u16::try_from(bot).unwrap_or(u16::MAX),
            channel: byte(channel as u64),
            intent: byte(intent as u64),
            model: (!plain).then_some(byte(model)),
            region: byte(region),
        };
        if known.insert(place) {
            all.push(place);
            let weight = |weights: &[f64], at: usize| weights.get(at).copied().unwrap_or(0.0);
            weights.push(weight(&channels, channel) * weight(&intents, intent));
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use crate::workload::traffic::labels::{Places, bot_shares};
    use crate::workload::traffic::options::{LabelSet, Preset};

    #[test]
    fn a_few_bots_have_most_of_the_traffic() {
        let shares = bot_shares(43);
        let top = |count: usize| shares[..count].iter().sum::<f64>();
        assert!((top(43) - 1.0).abs() < 1e-9);
        for (count, share) in [(1, 0.299), (3, 0.625), (10, 0.928)] {
            assert!((top(count) - share).abs() < 0.002, "{count}: {}", top(count));
        }
        assert!(shares.is_sorted_by(|a, b| a >= b), "{shares:?}");
    }

    #[test]
    fn keys_differ_and_have_as_many_labels_as_asked() {
        for (set, labels) in [(LabelSet::Six, 5..=6), (LabelSet::Thirteen, 12..=13)] {
            let places = Places::new(1, &Preset::Day.options().label_set(set));
            let keys: Vec<_> = (0..places.count() * 6).map(|at| places.key("m", at)).collect();
            assert!((300..400).contains(&places.count()), "{}", places.count());
            assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
            assert!(keys.iter().all(|key| labels.contains(&key.labels().count())));
        }
        let places = Places::new(1, &Preset::Churn.options());
        assert_eq!(places.key("m", 9), places.key("m", 9));
        assert_ne!(places.key("m", 9), places.key("m", 10));
    }
}
