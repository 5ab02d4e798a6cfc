//! Civil time in Berlin around the autumn of 2026, reckoned by hand.

pub(crate) const SECOND: i64 = 1_000_000_000;
pub(crate) const HOUR: i64 = 3600 * SECOND;
pub(crate) const DAY: i64 = 24 * HOUR;

/// 2026-10-25T01:00:00Z, when three o'clock becomes two in Berlin.
pub(crate) const CHANGE: i64 = 1_792_890_000 * SECOND;

/// How far clocks are ahead of UTC; `named` is Berlin.
fn ahead(named: bool, time: i64) -> i64 {
    match named {
        false => 0,
        true if time < CHANGE => 2 * HOUR,
        true => HOUR,
    }
}

/// What the clock shows, as nanoseconds since the epoch if it were UTC.
pub(crate) fn clock(named: bool, time: i64) -> i64 {
    time + ahead(named, time)
}

/// When a day begins, counted in days of the clock since the epoch.
fn day_start(named: bool, day: i64) -> i64 {
    let midnight = day * DAY;
    // No clock changes at midnight: the offset that leads back is the right one.
    let early = midnight - 2 * HOUR;
    if named && clock(true, early) == midnight {
        early
    } else {
        midnight - if named { HOUR } else { 0 }
    }
}

pub(crate) fn midnight_before(named: bool, time: i64) -> i64 {
    day_start(named, clock(named, time).div_euclid(DAY))
}

/// The windows that a range meets, each whole.
pub(crate) fn windows(named: bool, step: i64, (start, end): (i64, i64)) -> Vec<(i64, i64)> {
    let mut windows = Vec::new();
    let mut at = window_start(named, step, start);
    while at < end {
        let next = if named && step == DAY {
            day_start(true, clock(true, at).div_euclid(DAY) + 1)
        } else if named && DAY % step == 0 {
            let midnight = day_start(true, clock(true, at).div_euclid(DAY) + 1);
            (at + step).min(midnight)
        } else {
            at + step
        };
        windows.push((at, next));
        at = next;
    }
    windows
}

/// When the window begins that a time lies in.
pub(crate) fn window_start(named: bool, step: i64, time: i64) -> i64 {
    let base = if named && DAY % step == 0 { midnight_before(named, time) } else { 0 };
    if named && step == DAY { base } else { base + (time - base).div_euclid(step) * step }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Hour,
    Weekday,
    Day,
}

pub(crate) const PARTS: [(Part, &str); 3] =
    [(Part::Hour, "hour()"), (Part::Weekday, "weekday()"), (Part::Day, "day()")];

/// A part of the civil time as a text that sorts.
pub(crate) fn part_of(part: Part, named: bool, time: i64) -> String {
    let clock = clock(named, time);
    let day = clock.div_euclid(DAY);
    match part {
        Part::Hour => format!("{:02}", clock.rem_euclid(DAY) / HOUR),
        // The epoch was a Thursday.
        Part::Weekday => (((day + 3).rem_euclid(7)) + 1).to_string(),
        // All stores lie in one week of October 2026, whose 25th is day 20,751.
        Part::Day => format!("2026-10-{:02}", day - 20_751 + 25),
    }
}

/// A part as it is shown.
pub(crate) fn shown(part: Part, text: &str) -> String {
    const DAYS: [&str; 7] =
        ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    match part {
        Part::Weekday => DAYS[text.parse::<usize>().unwrap() - 1].to_owned(),
        _ => text.to_owned(),
    }
}
