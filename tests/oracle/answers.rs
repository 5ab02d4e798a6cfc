//! Answers of the library, beside what the naive evaluator expects.

use silverback::{Answer, Cell, ErrorKind, Query, Role, RunOptions, Snapshot, Timestamp};

use crate::oracle::naive::{Answered, Window};
use crate::oracle::numbers::is_met;
use crate::oracle::question::Question;

type Got = (Window, Vec<String>, Vec<Option<f64>>);

fn rows_of(answer: &Answer) -> Vec<Got> {
    answer
        .rows
        .iter()
        .map(|row| {
            let (mut time, mut labels, mut values) = (None, Vec::new(), Vec::new());
            for (column, cell) in answer.columns.iter().zip(row) {
                match (column.role, cell) {
                    (Role::Time, Cell::Time(at)) => time = Some((at.as_nanos(), 0, false)),
                    (Role::End, Cell::Time(at)) => {
                        time = time.map(|(start, _, partial)| (start, at.as_nanos(), partial));
                    }
                    (Role::Partial, Cell::Flag(flag)) => {
                        time = time.map(|(start, end, _)| (start, end, *flag));
                    }
                    (Role::Label, Cell::Text(text)) => labels.push(text.to_string()),
                    (Role::Value, Cell::Number(value)) => values.push(Some(*value)),
                    (Role::Value, Cell::Null) => values.push(None),
                    (role, cell) => panic!("{role:?} {cell:?}"),
                }
            }
            (time, labels, values)
        })
        .collect()
}

/// Compares what one and two threads answered, to the bit.
fn same_bits(
    alone: &silverback::Result<Answer>,
    shared: &silverback::Result<Answer>,
) -> Result<(), String> {
    let is_same = match (alone, shared) {
        (Ok(alone), Ok(shared)) => {
            // Equal numbers may still be zeros of either sign.
            let is_zero_of_its_sign = |one: &Cell, other: &Cell| match (one, other) {
                (Cell::Number(one), Cell::Number(other)) => one.to_bits() == other.to_bits(),
                _ => true,
            };
            let mut cells = alone.rows.iter().flatten().zip(shared.rows.iter().flatten());
            alone == shared && cells.all(|(one, other)| is_zero_of_its_sign(one, other))
        }
        (Err(alone), Err(shared)) => alone.to_string() == shared.to_string(),
        _ => false,
    };
    is_same.then_some(()).ok_or_else(|| format!("with two threads\n{shared:?}\nnot\n{alone:?}"))
}

/// Asks, with two threads as well where that is wanted, and returns what is wrong.
pub(crate) fn judge(
    question: &Question,
    expected: &Result<Answered, &'static str>,
    snapshot: &Snapshot,
    now: i64,
    with_two_threads: bool,
) -> Result<(), String> {
    let text = question.to_string();
    let query: Query = text.parse().map_err(|error| format!("{text}\n{error}"))?;
    let again: Query = query.to_string().parse().map_err(|error| format!("{query}\n{error}"))?;
    if query != again {
        return Err(format!("{text}\nprints as another question:\n{query}"));
    }
    let options = RunOptions::default().now(Timestamp::from_nanos(now));
    let answered = snapshot.run(&query, &options);
    if with_two_threads {
        let shared = snapshot.run(&query, &options.threads(2));
        same_bits(&answered, &shared).map_err(|found| format!("{text}\n{found}"))?;
    }
    let answer = match (answered, expected) {
        (Ok(answer), _) => Ok(answer),
        (Err(error), Err(code)) => match error.kind() {
            ErrorKind::Query(found) if found.code == *code => return Ok(()),
            other => Err(format!("{text}\n{other:?}, not {code}")),
        },
        (Err(error), Ok(_)) => Err(format!("{text}\n{:?}", error.kind())),
    }?;
    let (keys, expected) = match expected {
        Ok(expected) => expected,
        Err(code) => return Err(format!("{text}\nis not refused with {code}")),
    };
    let names = answer.columns.iter().filter(|column| column.role == Role::Label);
    let names: Vec<&str> = names.map(|column| column.name.as_str()).collect();
    if names != *keys {
        return Err(format!("{text}\nis split by {names:?}, not by {keys:?}"));
    }
    let got = rows_of(&answer);
    let got_shape: Vec<_> = got.iter().map(|(at, key, _)| (at, key)).collect();
    let expected_shape: Vec<_> = expected.iter().map(|(at, key, _)| (at, key)).collect();
    if got_shape != expected_shape {
        return Err(format!("{text}\nhas rows\n{got_shape:?}\nnot\n{expected_shape:?}"));
    }
    for ((at, key, values), (_, _, wanted)) in got.iter().zip(expected) {
        for (index, (value, wanted)) in values.iter().zip(wanted).enumerate() {
            if !is_met(*value, *wanted) {
                let what = format!("column {index} at {at:?} of {key:?}");
                return Err(format!("{text}\n{what} is {value:?}, not {wanted:?}"));
            }
        }
        assert_eq!(values.len(), wanted.len(), "{text}");
    }
    Ok(())
}
