//! The syntax tree of the query language, with the place of every node in the text.
//!
//! Two trees are equal when they mean the same text in canonical form: spans do not count, so that
//! `parse(print(tree)) == tree` holds.

use jiff::civil::DateTime;

pub use crate::lang::diagnostic::Span;

/// A node and its place in the text; the place does not count in comparisons.
#[derive(Debug, Clone, Copy)]
pub struct Spanned<T> {
    /// The node.
    pub node: T,
    /// Its place.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Puts a node at a place.
    pub const fn new(node: T, span: Span) -> Self {
        Self { node, span }
    }
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

/// A name with its place.
pub type Ident = Spanned<String>;

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// A question.
    Query(Query),
    /// `explain` and a question.
    Explain(Query),
    /// `alert name if …`.
    Alert(Alert),
    /// `record name as …`.
    Record(Record),
}

/// A question: items or a bare sample selector, and clauses.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// What is asked.
    pub body: Body,
    /// The clauses, in the order of the text, each kind at most once.
    pub clauses: Vec<Spanned<Clause>>,
}

/// What a question asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Computed values.
    Items(Vec<Item>),
    /// The raw samples of a selector.
    Samples(Sample),
}

/// One computed value, and the name of its column.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The expression.
    pub expr: Expr,
    /// The name behind `as`.
    pub name: Option<Ident>,
}

/// An expression with its place.
pub type Expr = Spanned<Box<ExprKind>>;

/// The forms of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A number, percent, size, duration or text.
    Literal(Literal),
    /// A call of a function.
    Call(Call),
    /// A unary minus.
    Negate(Expr),
    /// Two sides and an operator.
    Binary {
        /// The operator, with its place.
        op: Spanned<BinaryOp>,
        /// The left side.
        left: Expr,
        /// The right side.
        right: Expr,
    },
    /// `expr per 1m`.
    Per(Expr, Spanned<Duration>),
    /// `expr offset 7d`.
    Offset(Expr, Spanned<Duration>),
}

/// The operators, weakest first: `or` < `and`, `unless` < comparisons < `+ -` < `* /` < `default`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// Groups of either side.
    Or,
    /// Groups of both sides.
    And,
    /// Groups of the left side that the right side lacks.
    Unless,
    /// A comparison: keeps where it holds.
    Compare(CompareOp),
    /// Addition.
    Add,
    /// Subtraction.
    Subtract,
    /// Multiplication.
    Multiply,
    /// Division.
    Divide,
    /// The right side where the left has no value.
    Default,
}

/// The comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

/// A call: `name by (keys) (args)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The function's name in lower case.
    pub name: Ident,
    /// An own grouping before the arguments.
    pub grouping: Option<Grouping>,
    /// The arguments.
    pub args: Vec<Spanned<Arg>>,
}

/// One argument of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Arg {
    /// A selector of samples; a bare `{…}` has no metric and is a condition.
    Sample(Sample),
    /// An expression that is not a bare selector.
    Expr(Expr),
    /// A sub-query: `expr every 1m`.
    SubQuery(Expr, Spanned<Duration>),
    /// `where` and a condition on samples.
    Where(Predicate),
    /// `name=value`.
    Option(Ident, Spanned<OptionValue>),
}

/// The value of a named option.
#[derive(Debug, Clone, PartialEq)]
pub enum OptionValue {
    /// A literal.
    Literal(Literal),
    /// A word, such as `linear` or `true`.
    Word(String),
}

/// A selector and an optional filter on each sample's value.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Which series.
    pub selector: SampleSelector,
    /// Which of their samples.
    pub filter: Option<(Spanned<CompareOp>, Spanned<Literal>)>,
}

/// A metric, matchers, a window and an offset.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleSelector {
    /// The metric's name, given before the braces or as their first string.
    pub metric: Option<Ident>,
    /// The matchers in the braces.
    pub matchers: Vec<Spanned<LabelMatcher>>,
    /// The window in square brackets.
    pub window: Option<Spanned<Duration>>,
    /// The shift into the past.
    pub offset: Option<Spanned<Duration>>,
}

/// A condition on one label.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelMatcher {
    /// The label's name.
    pub label: Ident,
    /// The comparison.
    pub op: MatchOp,
    /// The value, or the values of `in`.
    pub values: Vec<Spanned<String>>,
}

/// How a matcher compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Matches,
    /// `!~`
    NotMatches,
    /// `in (…)`
    In,
}

/// A condition on samples.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicate {
    /// Either holds.
    Or(Box<Predicate>, Box<Predicate>),
    /// Both hold.
    And(Box<Predicate>, Box<Predicate>),
    /// It does not hold.
    Not(Box<Predicate>),
    /// A condition on a label.
    Label(Spanned<LabelMatcher>),
    /// `value > literal`.
    Value(Spanned<CompareOp>, Spanned<Literal>),
}

/// A literal value.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// A plain number.
    Number(f64),
    /// `5%` holds 5.
    Percent(f64),
    /// `10k`, `4KiB`: the value, and the suffix for printing.
    Size(f64, SizeSuffix),
    /// A duration.
    Duration(Duration),
    /// A quoted text.
    Text(String),
}

/// The suffixes of sizes; `Size(2.5, M)` means 2,500,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SizeSuffix {
    /// 10^3
    K,
    /// 10^6
    M,
    /// 10^9
    G,
    /// 10^12
    T,
    /// 2^10
    Ki,
    /// 2^20
    Mi,
    /// 2^30
    Gi,
    /// 2^40
    Ti,
}

impl SizeSuffix {
    /// Returns the number that the suffix multiplies by.
    #[must_use]
    pub fn factor(self) -> f64 {
        match self {
            Self::K => 1e3,
            Self::M => 1e6,
            Self::G => 1e9,
            Self::T => 1e12,
            Self::Ki => 1024.0,
            Self::Mi => 1_048_576.0,
            Self::Gi => 1_073_741_824.0,
            Self::Ti => 1_099_511_627_776.0,
        }
    }
}

/// A length of time in three parts that must not be mixed: calendar months, days, and nanoseconds.
///
/// `1y` is 12 months, `1w` is 7 days; fractions of a day become nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Duration {
    /// Calendar months.
    pub months: u32,
    /// Days: 24 h without a time zone, civil days with one.
    pub days: u32,
    /// Nanoseconds.
    pub nanos: u64,
}

/// Labels to split by, or to leave out.
#[derive(Debug, Clone, PartialEq)]
pub struct Grouping {
    /// True for `without`.
    pub without: bool,
    /// The keys.
    pub keys: Keys,
}

/// The keys of a grouping.
#[derive(Debug, Clone, PartialEq)]
pub enum Keys {
    /// `*`: each series for itself.
    All,
    /// The keys in order.
    List(Vec<Spanned<Key>>),
}

/// One key of a grouping.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// A label.
    Label(String),
    /// A part of the civil time: `hour()`.
    Calendar(CalendarPart),
}

/// The parts of civil time that one can split by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CalendarPart {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// Monday to Sunday.
    Weekday,
    /// The civil day.
    Day,
    /// The ISO week.
    Week,
    /// The civil month.
    Month,
}

/// One clause of a question.
#[derive(Debug, Clone, PartialEq)]
pub enum Clause {
    /// `last 1h`
    Last(Duration),
    /// `from t`, with its end.
    From(Spanned<Time>, Option<RangeEnd>),
    /// `since t`
    Since(Spanned<Time>),
    /// `until t`
    Until(Spanned<Time>),
    /// `every 1m`
    Every(Duration),
    /// `over 5m`
    Over(Duration),
    /// `by …` or `without …`
    Group(Grouping),
    /// `where …`
    Where(Predicate),
    /// `having …`
    Having(Expr),
    /// `top 10`
    Top(u64),
    /// `bottom 10`
    Bottom(u64),
    /// `compare 7d`; nothing is `compare previous`.
    Compare(Option<Duration>),
    /// `tz "Europe/Berlin"`
    Tz(String),
    /// `fill 0`
    Fill(Fill),
    /// `limit 50`
    Limit(u64),
}

/// The end of a `from` clause.
#[derive(Debug, Clone, PartialEq)]
pub enum RangeEnd {
    /// `to t`
    To(Spanned<Time>),
    /// `for 1h`
    For(Spanned<Duration>),
}

/// What stands where a window has no value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fill {
    /// A number.
    Number(f64),
    /// No value.
    Null,
    /// The row is left out.
    None,
    /// The value before.
    Previous,
    /// A straight line between neighbours.
    Linear,
}

/// A point in time as written.
#[derive(Debug, Clone, PartialEq)]
pub enum Time {
    /// RFC 3339 with a zone, or `@` and an epoch: nanoseconds since the epoch.
    Instant(i64),
    /// A date, or a date and time without a zone; `true` where only a date was written.
    Civil(DateTime, bool),
    /// `now`
    Now,
    /// Midnight of today.
    Today,
    /// Midnight of yesterday.
    Yesterday,
    /// `mark("…")`
    Mark(String),
    /// `time + duration`
    Plus(Box<Spanned<Time>>, Duration),
    /// `time - duration`
    Minus(Box<Spanned<Time>>, Duration),
}

/// `alert name if expr …`
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// The alert's name.
    pub name: Ident,
    /// The condition.
    pub condition: Expr,
    /// The parts behind it, in the order of the text, each kind at most once.
    pub clauses: Vec<Spanned<AlertClause>>,
}

/// One part of an alert.
#[derive(Debug, Clone, PartialEq)]
pub enum AlertClause {
    /// `for 10m`
    For(Duration),
    /// `keep 24h`
    Keep(Duration),
    /// `severity page`
    Severity(Ident),
    /// `notify slack, email`
    Notify(Vec<Ident>),
    /// `message "…"`
    Message(String),
    /// `labels {…}`
    Labels(Vec<Spanned<LabelMatcher>>),
    /// `every`, `over`, grouping, `where` or `tz`, as in a question.
    Query(Clause),
}

/// `record name as items …`
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The name of the metric that is written.
    pub name: Ident,
    /// What is computed.
    pub items: Vec<Item>,
    /// `every`, `over`, grouping, `where` or `tz`, each at most once.
    pub clauses: Vec<Spanned<Clause>>,
}
