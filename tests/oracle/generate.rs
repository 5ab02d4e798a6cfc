//! Random questions over the whole grammar of what is computed.

use crate::oracle::civil::Part;
use crate::oracle::question::{
    Call, Condition, Expr, Fill, Function, Item, Key, Op, Past, Question, Range, Selector, Split,
};
use crate::oracle::random::Random;
use crate::oracle::store::LENGTH_SECONDS;

/// What the parts of a question must fit to.
struct Asking<'r> {
    random: &'r mut Random,
    split: Split,
    /// Values are left out, so that steps between samples have no meaning.
    filters_values: bool,
}

/// Makes a question; a coarse one has few windows.
pub(crate) fn question(random: &mut Random, coarse: bool) -> Question {
    let condition = random.maybe(30, |random| condition(random, 2));
    let split = split(random);
    let filters_values = condition.as_ref().is_some_and(has_value);
    let civil = random.percent(20);
    let every = random.maybe(50, |random| {
        let steps = if coarse { [900, 3600, 7000] } else { [300, 420, 1200] };
        let steps = [steps[0], steps[1], steps[2], 3600, 86_400];
        random.one(&steps)
    });
    let over = every.filter(|&every| every < 86_400 && random.percent(20));
    let over = over.map(|every| every * random.number(1, 4));
    let range = range(random);
    let mut asking = Asking { random, split: split.clone(), filters_values };
    let items = asking.items();
    let having = if asking.random.percent(20) { Some(asking.having()) } else { None };
    let random = asking.random;
    let rank = random.maybe(30, |random| (random.number(1, 5) as usize, random.percent(50)));
    let alone = matches!(items.as_slice(), [Item::Expr(_)]);
    let rank_as_call = alone && rank.is_some() && random.percent(30);
    let fill = every.and_then(|_| random.maybe(40, fill));
    let compare = random.maybe(15, |random| match random.number(0, 3) {
        0 => Past::Previous,
        hours => Past::Ago(hours * 3600),
    });
    // Of civil days the time before is as many days, which is another question.
    let compare = compare.filter(|_| !(civil && every == Some(86_400)));
    let limit = random.maybe(10, |random| random.number(1, 20) as usize);
    Question {
        items,
        condition,
        split,
        every,
        over,
        range,
        rank,
        rank_as_call,
        having,
        fill,
        compare,
        limit,
        civil,
    }
}

fn fill(random: &mut Random) -> Fill {
    let number = random.number(-3, 10);
    random.one(&[Fill::Number(number), Fill::Null, Fill::None, Fill::Previous, Fill::Linear])
}

fn range(random: &mut Random) -> Range {
    let from = random.number(-1000, LENGTH_SECONDS);
    let length = random.number(1, LENGTH_SECONDS);
    match random.number(0, 8) {
        0..3 => Range::Last(length * 2),
        3 => Range::FromTo(from, from + length),
        4 => Range::FromFor(from, length),
        // All samples lie before `now` plus the length of a store.
        5 => Range::Since(-length - 1),
        6 => Range::SinceUntil(from, from + length),
        _ => Range::LastUntil(length, from),
    }
}

fn split(random: &mut Random) -> Split {
    let keys = [
        Key::Label(0),
        Key::Label(1),
        Key::Label(2),
        Key::Part(Part::Hour),
        Key::Part(Part::Weekday),
        Key::Part(Part::Day),
    ];
    match random.number(0, 10) {
        0..2 => Split::Nothing,
        2 => Split::All,
        3 => Split::Without(vec![random.index(3)]),
        4 => Split::Without(vec![2, random.index(2)]),
        kind => {
            let mut by: Vec<Key> = Vec::new();
            for _ in 0..random.number(1, 4) {
                let key = random.one(&keys[..if kind < 7 { 6 } else { 3 }]);
                if !by.contains(&key) {
                    by.push(key);
                }
            }
            Split::By(by)
        }
    }
}

fn label_condition(random: &mut Random) -> Condition {
    let label = random.index(3);
    let values = [["alpha", "beta", ""], ["web", "slack", ""], ["ok", "error", ""]];
    let firsts: [&'static [&'static str]; 3] = [&["al", "g"], &["s"], &["o", "e"]];
    let value = random.one(&values[label]);
    match random.number(0, 7) {
        0..3 => Condition::Equal(label, value),
        3 => Condition::NotEqual(label, value),
        4 => Condition::Begins(label, firsts[label]),
        5 => Condition::BeginsNot(label, firsts[label]),
        _ => Condition::In(label, vec![value, random.one(&values[label])]),
    }
}

fn comparison(random: &mut Random) -> (&'static str, i64) {
    let op = random.one(&[">", ">=", "<", "<=", "==", "!="]);
    (op, random.number(0, 80) * 10)
}

fn condition(random: &mut Random, depth: u32) -> Condition {
    let two = |random: &mut Random| {
        (Box::new(condition(random, depth - 1)), Box::new(condition(random, depth - 1)))
    };
    match random.number(0, if depth == 0 { 4 } else { 8 }) {
        0..3 => label_condition(random),
        3 => {
            let (op, number) = comparison(random);
            Condition::Value(op, number)
        }
        4 => Condition::Not(Box::new(condition(random, depth - 1))),
        5 => {
            let (left, right) = two(random);
            Condition::Or(left, right)
        }
        _ => {
            let (left, right) = two(random);
            Condition::And(left, right)
        }
    }
}

fn has_value(condition: &Condition) -> bool {
    match condition {
        Condition::Value(..) => true,
        Condition::Not(inner) => has_value(inner),
        Condition::And(left, right) | Condition::Or(left, right) => {
            has_value(left) || has_value(right)
        }
        _ => false,
    }
}

impl Asking<'_> {
    fn items(&mut self) -> Vec<Item> {
        // Rows stand by the first item, whose values have to be known to the bit.
        let first = if self.random.percent(10) {
            let mut call = self.call(true);
            (call.function, call.condition, call.split) = (Function::Count, None, None);
            Item::Stats(call)
        } else {
            Item::Expr(self.exact(2))
        };
        let mut items = vec![first];
        for _ in 0..self.random.number(0, 3) {
            let item = match self.random.number(0, 4) {
                0 => Expr::Call(self.call(true)),
                1 => self.windows(false),
                2 => self.exact(1),
                _ => Expr::Call(self.call(false)),
            };
            items.push(Item::Expr(item));
        }
        items
    }

    /// An expression whose values are known to the bit; there is a call in it.
    fn exact(&mut self, depth: u32) -> Expr {
        let boxed = |expr: Expr| Box::new(expr);
        let number = self.random.number(-20, 400);
        if depth == 0 {
            return Expr::Call(self.call(true));
        }
        match self.random.number(0, 20) {
            0..7 => Expr::Call(self.call(true)),
            7 => Expr::Negate(boxed(self.exact(depth - 1))),
            8 => Expr::Abs(boxed(self.exact(depth - 1))),
            9 => Expr::Round(boxed(self.exact(depth - 1))),
            10 => Expr::Clamp(boxed(self.exact(depth - 1)), number, number + 100),
            11 => Expr::Offset(boxed(self.exact(depth - 1)), self.random.number(1, 90) * 60),
            12 => Expr::Total(boxed(self.alike())),
            13 => self.windows(true),
            _ => {
                let op = self.random.one(&[
                    Op::Add,
                    Op::Subtract,
                    Op::Multiply,
                    Op::Divide,
                    Op::Default,
                    Op::And,
                    Op::Or,
                    Op::Unless,
                    Op::Compare(">"),
                    Op::Compare("<="),
                    Op::Compare("=="),
                    Op::Compare("!="),
                ]);
                let left = self.exact(depth - 1);
                match self.random.number(0, 8) {
                    0 => Expr::Binary(op, boxed(Expr::Number(number)), boxed(left)),
                    1..4 => Expr::Binary(op, boxed(left), boxed(Expr::Number(number))),
                    _ => Expr::Binary(op, boxed(left), boxed(self.exact(depth - 1))),
                }
            }
        }
    }

    /// A call without a grouping of its own, or a comparison of one.
    fn alike(&mut self) -> Expr {
        let mut call = self.call(true);
        call.split = None;
        let call = Expr::Call(call);
        if self.random.percent(30) {
            let number = Expr::Number(self.random.number(0, 300));
            let op = Op::Compare(self.random.one(&[">", "<="]));
            return Expr::Binary(op, Box::new(call), Box::new(number));
        }
        call
    }

    fn windows(&mut self, exact: bool) -> Expr {
        let exactly = [
            Function::Count,
            Function::Min,
            Function::Max,
            Function::First,
            Function::Last,
            Function::Median,
            Function::Percentile(90),
            Function::Permille(275),
        ];
        let about = [Function::Sum, Function::Avg, Function::Stddev];
        let function = if exact { self.random.one(&exactly) } else { self.random.one(&about) };
        let step = self.random.one(&[600, 1800, 3600, 4000]);
        Expr::Windows(function, Box::new(self.alike()), step)
    }

    fn having(&mut self) -> Expr {
        let mut one = || {
            let mut call = self.call(true);
            call.split = None;
            let op = Op::Compare(self.random.one(&[">=", ">", "<"]));
            let number = Expr::Number(self.random.number(0, 30));
            Expr::Binary(op, Box::new(Expr::Call(call)), Box::new(number))
        };
        let (first, second) = (one(), one());
        match self.random.number(0, 6) {
            0 => Expr::Binary(Op::And, Box::new(first), Box::new(second)),
            1 => Expr::Binary(Op::Or, Box::new(first), Box::new(second)),
            2 => Expr::Binary(Op::Unless, Box::new(first), Box::new(second)),
            _ => first,
        }
    }

    fn call(&mut self, exact: bool) -> Call {
        let function = if exact { self.exact_function() } else { self.other_function() };
        let steps = !exact && needs_kind(&function);
        let random = &mut *self.random;
        let metrics: &[&str] = match &function {
            Function::Delta => &["queue"],
            Function::Rate | Function::Increase if exact => &["latency"],
            function if needs_kind(function) => &["latency", "requests", "tokens"],
            _ => &["latency", "latency", "queue", "requests", "tokens"],
        };
        let any = !needs_kind(&function) && random.percent(5);
        let metric = if any { None } else { Some(random.one(metrics)) };
        let mut matchers = Vec::new();
        while matchers.len() < 2 && (random.percent(20) || (any && matchers.is_empty())) {
            matchers.push(label_condition(random));
        }
        let filtered = !steps;
        let above = random.maybe(15, comparison).filter(|_| filtered);
        let window = random.maybe(10, |random| random.number(1, 100) * 60);
        let offset = random.maybe(10, |random| random.number(1, 120) * 60);
        let has_condition =
            matches!(function, Function::Share(_) | Function::Apdex(..) | Function::Burn(..));
        let condition = random.maybe(15, |random| condition(random, 1));
        let condition =
            condition.filter(|condition| !has_condition && (filtered || !has_value(condition)));
        let split = match &self.split {
            Split::By(keys) if random.percent(10) => {
                let mut fewer = keys.clone();
                fewer.remove(random.index(keys.len()));
                Some(Split::By(fewer))
            }
            _ => None,
        };
        let selector = Selector { metric, matchers, window, offset, above };
        Call { function, selector, condition, split }
    }

    fn exact_function(&mut self) -> Function {
        let random = &mut *self.random;
        match random.number(0, 18) {
            0..3 => Function::Count,
            3 => Function::Min,
            4 => Function::Max,
            5 => Function::First,
            6 => Function::Last,
            7 => Function::Median,
            8..10 => Function::Percentile(random.number(0, 101) as u64),
            10 => Function::Permille(random.number(0, 1001) as u64),
            11 => Function::Share(condition(random, 1)),
            12 => {
                let most = random.number(1, 60) * 10;
                Function::Apdex(most, random.maybe(50, |random| condition(random, 1)))
            }
            13 => {
                let targets = [("99.9%", 0.001), ("99%", 0.01), ("0.95", 0.05), ("50%", 0.5)];
                let (target, allowed) = random.one(&targets);
                Function::Burn(condition(random, 1), target, allowed)
            }
            14 => Function::Distinct(random.index(3)),
            15 => Function::Rate,
            16 => Function::Increase,
            _ => Function::Per(Box::new(Function::Count), random.number(1, 7200)),
        }
    }

    /// A function whose last bits depend on the order of additions.
    fn other_function(&mut self) -> Function {
        let kind = self.random.number(0, if self.filters_values { 5 } else { 9 });
        match kind {
            0 | 1 => Function::Sum,
            2 => Function::Avg,
            3 => Function::Stddev,
            4 => Function::Linear(self.random.number(0, 1001) as u64),
            5 => Function::Rate,
            6 => Function::Increase,
            7 => Function::Delta,
            _ => {
                let inner = self.random.one(&[Function::Rate, Function::Increase, Function::Sum]);
                Function::Per(Box::new(inner), self.random.number(1, 7200))
            }
        }
    }
}

fn needs_kind(function: &Function) -> bool {
    match function {
        Function::Rate | Function::Increase | Function::Delta => true,
        Function::Per(inner, _) => needs_kind(inner),
        _ => false,
    }
}
