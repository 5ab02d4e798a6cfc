//! A field of dots, two across and four down in each character.

/// The bits of a braille character, by row and column of its dots.
const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
const BRAILLE: u32 = 0x2800;

/// Dots, each of the line that was drawn last in its character.
#[derive(Debug)]
pub(crate) struct Canvas {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    cells: Vec<(u8, usize)>,
}

impl Canvas {
    pub(crate) fn new(columns: usize, rows: usize) -> Self {
        Self { columns, rows, cells: vec![(0, 0); columns * rows] }
    }

    /// Draws from one dot to another; dots are counted from the left and from the bottom.
    pub(crate) fn line(&mut self, from: (i64, i64), to: (i64, i64), line: usize) {
        let (across, up) = (to.0 - from.0, to.1 - from.1);
        let steps = across.abs().max(up.abs()).max(1);
        for step in 0..=steps {
            let along = |length: i64| (2 * length * step + steps).div_euclid(2 * steps);
            self.dot((from.0 + along(across), from.1 + along(up)), line);
        }
    }

    fn dot(&mut self, (x, y): (i64, i64), line: usize) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        let Some(down) = (self.rows * 4).checked_sub(y + 1) else { return };
        if x / 2 >= self.columns {
            return;
        }
        let bit = BITS.get(down % 4).and_then(|row| row.get(x % 2)).copied().unwrap_or(0);
        if let Some((bits, owner)) = self.cells.get_mut(down / 4 * self.columns + x / 2) {
            *bits |= bit;
            *owner = line;
        }
    }

    /// Returns the characters of a row from the left, and the line that each belongs to; nothing
    /// where there is no dot.
    pub(crate) fn row(&self, row: usize) -> impl Iterator<Item = Option<(char, usize)>> {
        let cells = self.cells.iter().skip(row * self.columns).take(self.columns);
        cells.map(|(bits, line)| {
            let braille = char::from_u32(BRAILLE + u32::from(*bits)).unwrap_or(' ');
            (*bits != 0).then_some((braille, *line))
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::output::plot::canvas::Canvas;

    fn drawn(canvas: &Canvas) -> Vec<String> {
        let row = |row| canvas.row(row).map(|cell| cell.map_or(' ', |cell| cell.0)).collect();
        (0..canvas.rows).map(row).collect()
    }

    #[test]
    fn lines_join_their_ends_and_stay_inside() {
        let mut canvas = Canvas::new(4, 2);
        canvas.line((0, 0), (7, 7), 0);
        assert_eq!(drawn(&canvas), ["  ⡠⠊", "⡠⠊  "]);
        let mut canvas = Canvas::new(2, 1);
        canvas.line((-50, 3), (50, 3), 0);
        assert_eq!(drawn(&canvas), ["⠉⠉"]);
        canvas.line((1, -9), (1, 99), 1);
        assert_eq!(drawn(&canvas), ["⢹⠉"]);
        assert_eq!(canvas.row(0).flatten().map(|cell| cell.1).collect::<Vec<_>>(), [1, 0]);
    }
}
