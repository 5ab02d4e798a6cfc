// The store that the examples of docs/QUERY.md ask: three hours of two bots, up to noon.
//
// Every minute each bot answers one request on each channel. From 11:30 to 11:40 the support bot is
// slow on slack, and every second answer there is an error. At 11:30 is the mark "release 7".

use silverback::output::{Format, write_answer};
use silverback::{ErrorKind, RunOptions, SeriesKey, Snapshot, Store, Timestamp};

const NOON: i64 = 1_770_638_400; // 2026-02-09T12:00:00Z
const MINUTES: i64 = 180;

fn example_store() -> silverback::Result<Store> {
    let store = Store::in_memory()?;
    store.metric("latency").event().unit("ms").define()?;
    store.metric("tokens").delta().unit("tokens").define()?;
    store.metric("requests").counter().define()?;
    store.metric("queue").gauge().define()?;
    store.mark("release 7", Timestamp::from_secs(NOON - 30 * 60).unwrap_or(Timestamp::MIN))?;
    for minute in 0..MINUTES {
        let time = Timestamp::from_secs(NOON - (MINUTES - minute) * 60).unwrap_or(Timestamp::MIN);
        for (bot, model, base) in [("sales", "small", 200.0), ("support", "large", 600.0)] {
            for channel in ["slack", "web"] {
                let slow = bot == "support" && channel == "slack" && (150..160).contains(&minute);
                let status = if slow && minute % 2 == 0 { "error" } else { "ok" };
                let value = (base + (minute * 37 % 100) as f64) * if slow { 10.0 } else { 1.0 };
                let key = SeriesKey::new("latency").label("bot", bot).label("channel", channel);
                store.series(&key.label("status", status))?.append(time, value)?;
            }
            let tokens = SeriesKey::new("tokens").label("bot", bot).label("model", model);
            store.series(&tokens)?.append(time, 100.0 + (minute * 13 % 50) as f64)?;
            // The process began again at 11:00, and its counter with it.
            let requests = SeriesKey::new("requests").label("bot", bot);
            store.series(&requests)?.append(time, (2 * (minute % 120)) as f64)?;
            let queue = SeriesKey::new("queue").label("bot", bot);
            store.series(&queue)?.append(time, (minute % 7) as f64)?;
        }
    }
    Ok(store)
}

fn snapshot() -> Snapshot {
    example_store().and_then(|store| store.snapshot()).expect("a store in memory")
}

/// Asks at noon, and returns the answer as the command line prints it.
fn ask(question: &str) -> String {
    let query = question.parse().expect("a question");
    let noon = Timestamp::from_secs(NOON).expect("in range");
    let answer = snapshot().run(&query, &RunOptions::default().now(noon)).expect("an answer");
    let mut text = Vec::new();
    write_answer(&answer, Format::Table, None, &mut text).expect("memory to write to");
    String::from_utf8(text).expect("UTF-8")
}

/// Returns what is said about a question that is wrong.
fn refused(question: &str) -> String {
    match snapshot().query(question).map_err(silverback::Error::into_kind) {
        Err(ErrorKind::Query(found)) => found.render(),
        other => panic!("{other:?}"),
    }
}
