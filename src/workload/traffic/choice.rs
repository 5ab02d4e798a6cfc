//! One of several things, each with its weight, in constant time.

/// The alias method (Walker, 1977; Vose, 1991): each of `n` cells holds at most two of the things.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// How much of the cell is its own, and whose the rest is.
    cells: Vec<(f64, u32)>,
}

impl Choice {
    /// Takes weights, which need not add up to 1; without any weight all are alike.
    pub(crate) fn new(weights: &[f64]) -> Self {
        let total: f64 = weights.iter().sum();
        #[expect(clippy::cast_precision_loss, reason = "a count of labels")]
        let count = weights.len() as f64;
        let scaled = |weight: f64| if total > 0.0 { weight * count / total } else { 1.0 };
        let mut left: Vec<f64> = weights.iter().map(|weight| scaled(*weight)).collect();
        let mut cells: Vec<(f64, u32)> = (0..).zip(&left).map(|(own, _)| (1.0, own)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..left.len()).partition(|index| left.get(*index).is_some_and(|left| *left < 1.0));
        while let (Some(less), Some(more)) = (small.pop(), large.last().copied()) {
            let own = left.get(less).copied().unwrap_or(1.0);
            if let Some(cell) = cells.get_mut(less) {
                *cell = (own, u32::try_from(more).unwrap_or(0));
            }
            if let Some(rest) = left.get_mut(more) {
                *rest -= 1.0 - own;
                if *rest < 1.0 {
                    large.pop();
                    small.push(more);
                }
            }
        }
        Self { cells }
    }

    /// Returns the thing that a number from 0 to below 1 falls on.
    pub(crate) fn pick(&self, at: f64) -> usize {
        #[expect(clippy::cast_precision_loss, reason = "a count of labels")]
        let place = at * self.cells.len() as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "below the count of cells"
        )]
        let cell = place as usize;
        #[expect(clippy::cast_precision_loss, reason = "below the count of cells")]
        let within = place - cell as f64;
        match self.cells.get(cell) {
            Some((own, other)) if within >= *own => *other as usize,
            _ => cell,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::workload::Random;
    use crate::workload::traffic::choice::Choice;

    #[test]
    fn each_is_chosen_as_often_as_its_weight_says() {
        let weights = [5.0, 0.0, 1.0, 3.0, 1.0];
        let choice = Choice::new(&weights);
        let mut random = Random::new(1);
        let mut counts = [0.0; 5];
        for _ in 0..100_000 {
            counts[choice.pick(random.unit())] += 1e-4;
        }
        for (count, weight) in counts.iter().zip(weights) {
            assert!((count - weight).abs() < 0.1, "{counts:?}");
        }
        assert!(counts[1] == 0.0);
        assert_eq!(Choice::new(&[0.0]).pick(0.9), 0);
    }
}
