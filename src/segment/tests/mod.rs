//! What a segment promises, through the whole of writing, opening, reading and checking.

mod damage;
mod example;
mod fixture;
mod hostile;
mod round_trip;
mod select;
