//! Arithmetic and comparisons of calls and numbers, and names for what is computed.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::lang::ast::{
    Arg, BinaryOp, Call, CompareOp, Duration, Expr, ExprKind, Item, Literal, Spanned,
};
use crate::lang::build::{at, comparisons, name};

fn expr(kind: ExprKind) -> Expr {
    at(Box::new(kind))
}

fn binary(op: BinaryOp, left: impl Into<Expr>, right: impl Into<Expr>) -> Expr {
    expr(ExprKind::Binary { op: at(op), left: left.into(), right: right.into() })
}

impl From<Call> for Spanned<Box<ExprKind>> {
    fn from(call: Call) -> Self {
        expr(ExprKind::Call(call))
    }
}

/// A literal; a negative number is the negation of one without a sign, as it is in text.
impl From<Literal> for Spanned<Box<ExprKind>> {
    fn from(literal: Literal) -> Self {
        match literal {
            Literal::Number(number) if number.is_sign_negative() => {
                expr(ExprKind::Negate(expr(ExprKind::Literal(Literal::Number(-number)))))
            }
            other => expr(ExprKind::Literal(other)),
        }
    }
}

impl From<f64> for Spanned<Box<ExprKind>> {
    fn from(number: f64) -> Self {
        Literal::Number(number).into()
    }
}

impl From<Duration> for Spanned<Box<ExprKind>> {
    fn from(length: Duration) -> Self {
        Literal::Duration(length).into()
    }
}

/// Writes what can be computed with a type that is a value.
macro_rules! computed {
    ($type:ty) => {
        impl $type {
            /// A comparison: keeps the groups and windows where it holds.
            #[must_use]
            pub fn compare(self, op: CompareOp, other: impl Into<Expr>) -> Expr {
                binary(BinaryOp::Compare(op), self, other)
            }

            comparisons!(Expr, Expr);

            /// `a and b`: keeps this where both sides hold.
            #[must_use]
            pub fn and(self, other: impl Into<Expr>) -> Expr {
                binary(BinaryOp::And, self, other)
            }

            /// `a or b`: keeps this, else the other.
            #[must_use]
            pub fn or(self, other: impl Into<Expr>) -> Expr {
                binary(BinaryOp::Or, self, other)
            }

            /// `a unless b`: keeps this where the other does not hold.
            #[must_use]
            pub fn unless(self, other: impl Into<Expr>) -> Expr {
                binary(BinaryOp::Unless, self, other)
            }

            /// `a default 0`: the other where this has no value.
            #[must_use]
            pub fn or_default(self, other: impl Into<Expr>) -> Expr {
                binary(BinaryOp::Default, self, other)
            }

            /// `a per 1m`: rescales an amount or a rate.
            #[must_use]
            pub fn per(self, length: impl Into<Duration>) -> Expr {
                expr(ExprKind::Per(self.into(), at(length.into())))
            }

            /// `a offset 7d`: the same of an earlier time.
            #[must_use]
            pub fn offset(self, back: impl Into<Duration>) -> Expr {
                expr(ExprKind::Offset(self.into(), at(back.into())))
            }

            /// `a every 1m`: the values of windows, for a function of them.
            ///
            /// ```
            /// use silverback::lang::ast::Duration;
            /// use silverback::lang::build::{max, percentile};
            /// let worst = max(percentile(95.0, "latency").every(Duration::minutes(1)));
            /// assert_eq!(worst.to_string(), "max(p95(latency) every 1m)");
            /// ```
            #[must_use]
            pub fn every(self, step: impl Into<Duration>) -> Arg {
                Arg::SubQuery(self.into(), at(step.into()))
            }

            /// `a as column`
            #[must_use]
            pub fn named(self, column: impl Into<String>) -> Item {
                Item { expr: self.into(), name: Some(name(column)) }
            }
        }

        impl From<$type> for Item {
            fn from(value: $type) -> Self {
                Self { expr: value.into(), name: None }
            }
        }

        impl Neg for $type {
            type Output = Expr;

            fn neg(self) -> Expr {
                expr(ExprKind::Negate(self.into()))
            }
        }

        arithmetic!($type, Add, add, BinaryOp::Add);
        arithmetic!($type, Sub, sub, BinaryOp::Subtract);
        arithmetic!($type, Mul, mul, BinaryOp::Multiply);
        arithmetic!($type, Div, div, BinaryOp::Divide);
    };
}

/// Writes one operator of arithmetic, also with a number on its left.
macro_rules! arithmetic {
    ($type:ty, $trait:ident, $method:ident, $op:expr) => {
        impl<R: Into<Expr>> $trait<R> for $type {
            type Output = Expr;

            fn $method(self, other: R) -> Expr {
                binary($op, self, other)
            }
        }

        impl $trait<$type> for f64 {
            type Output = Expr;

            fn $method(self, other: $type) -> Expr {
                binary($op, self, other)
            }
        }
    };
}

computed!(Call);
computed!(Spanned<Box<ExprKind>>);
