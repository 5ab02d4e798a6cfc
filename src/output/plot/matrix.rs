//! Values by two things: group and time, or two labels such as the hour and the weekday.

use crate::model::Timestamp;
use crate::output::lines::{Chart, Line, charts, label_names, labels_of};
use crate::query::{Answer, Cell, Role};

/// The values of one item, by row and column; nothing where there is none.
#[derive(Debug)]
pub(crate) struct Matrix {
    pub(crate) name: String,
    pub(crate) unit: Option<String>,
    pub(crate) rows: Vec<String>,
    pub(crate) columns: Vec<String>,
    pub(crate) cells: Vec<Vec<Option<f64>>>,
    /// The times of the columns, where they are windows.
    pub(crate) times: Option<(i64, i64)>,
}

/// Returns a matrix an item; nothing where an answer has neither windows nor two labels.
pub(crate) fn matrices(answer: &Answer) -> Option<Vec<Matrix>> {
    if let Some(charts) = charts(answer) {
        return Some(charts.iter().map(of_chart).collect());
    }
    let names = label_names(answer);
    if names.len() < 2 {
        return None;
    }
    // Hours and minutes run to the right, as time does.
    let runs_right = |name: &String| name == "hour()" || name == "minute()";
    let across = names.iter().position(runs_right).unwrap_or(names.len() - 1);
    let values = answer.columns.iter().enumerate().filter(|(_, c)| c.role == Role::Value);
    Some(values.map(|(index, _)| of_labels(answer, index, across)).collect())
}

fn of_chart(chart: &Chart) -> Matrix {
    let points = chart.lines.iter().flat_map(|line| &line.points);
    let mut times: Vec<i64> = points.map(|point| point.0).collect();
    times.sort_unstable();
    times.dedup();
    let mut cells = vec![vec![None; times.len()]; chart.lines.len()];
    for (row, line) in cells.iter_mut().zip(&chart.lines) {
        for (at, value) in &line.points {
            let column = times.partition_point(|time| time < at);
            if let Some(cell) = row.get_mut(column) {
                *cell = greater(*cell, *value);
            }
        }
    }
    Matrix {
        name: chart.name.clone(),
        unit: chart.unit.clone(),
        rows: chart.lines.iter().map(Line::name).collect(),
        columns: times.iter().map(|nanos| Timestamp::from_nanos(*nanos).to_string()).collect(),
        cells,
        times: times.first().copied().zip(times.last().copied()),
    }
}

fn of_labels(answer: &Answer, value: usize, across: usize) -> Matrix {
    let mut places: Vec<(String, String, Option<f64>)> = Vec::new();
    for row in &answer.rows {
        let mut labels = labels_of(answer, row);
        if across >= labels.len() {
            continue;
        }
        let column = labels.remove(across);
        let number = match row.get(value) {
            Some(Cell::Number(number)) => Some(*number),
            _ => None,
        };
        places.push((labels.join(", "), column, number));
    }
    let rows = ordered(places.iter().map(|place| place.0.clone()).collect());
    let columns = ordered(places.iter().map(|place| place.1.clone()).collect());
    let mut cells = vec![vec![None; columns.len()]; rows.len()];
    for (row, column, number) in places {
        let at =
            (rows.iter().position(|name| *name == row), columns.iter().position(|n| *n == column));
        if let (Some(row), Some(column)) = at
            && let Some(cell) = cells.get_mut(row).and_then(|row| row.get_mut(column))
        {
            *cell = greater(*cell, number);
        }
    }
    let head = answer.columns.get(value);
    Matrix {
        name: head.map_or_else(String::new, |column| column.name.clone()),
        unit: head.and_then(|column| column.unit.clone()),
        rows,
        columns,
        cells,
        times: None,
    }
}

/// Puts names into the order that people expect: numbers, days and months by what they mean.
fn ordered(mut names: Vec<String>) -> Vec<String> {
    const DAYS: [&str; 7] =
        ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let number = |name: &String| {
        let calendars = [&DAYS[..], &MONTHS[..]];
        let place = calendars.iter().find_map(|all| all.iter().position(|known| known == name));
        #[expect(clippy::cast_precision_loss, reason = "at most 11")]
        let place = place.map(|position| position as f64);
        place.or_else(|| name.parse().ok()).unwrap_or(f64::INFINITY)
    };
    names.sort_by(|one, other| number(one).total_cmp(&number(other)).then_with(|| one.cmp(other)));
    names.dedup();
    names
}

/// Returns the greater of two values, or the one that is there.
pub(crate) fn greater(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.max(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use crate::output::plot::matrix::ordered;

    #[test]
    fn names_stand_in_the_order_of_their_meaning() {
        let sorted = |names: &[&str]| ordered(names.iter().map(|&name| name.to_owned()).collect());
        assert_eq!(sorted(&["10", "9", "10", "0"]), ["0", "9", "10"]);
        assert_eq!(sorted(&["Sunday", "Friday", "Monday"]), ["Monday", "Friday", "Sunday"]);
        assert_eq!(sorted(&["web", "slack"]), ["slack", "web"]);
    }
}
