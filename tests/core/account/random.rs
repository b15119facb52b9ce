//! Reproducible random numbers from a seed, and the shrinking of histories that break a rule.

/// A generator of pseudo-random numbers (xorshift64*).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A number below `bound`.
    pub(crate) fn index(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).unwrap()
    }

    /// `true` in `percent` of the cases.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.index(all.len())]
    }
}

/// Plays histories of `length` random acts from the seeds below `count`. A history that breaks a rule is shortened before it is
/// shown.
///
/// # Panics
/// If a history breaks a rule.
pub(crate) fn play_all<A: Clone + std::fmt::Debug>(
    count: u64,
    length: usize,
    act: impl Fn(&mut Random) -> A,
    play: impl Fn(&[A]) -> Result<(), String>,
) {
    for seed in 0..count {
        let mut random = Random::new(seed);
        let mut history: Vec<A> = (0..length).map(|_| act(&mut random)).collect();
        let Err(mut broken) = play(&history) else {
            continue;
        };
        let mut at = history.len();
        while at > 0 {
            at -= 1;
            let mut shorter = history.clone();
            shorter.remove(at);
            if let Err(still) = play(&shorter) {
                (history, broken) = (shorter, still);
                at = at.min(history.len());
            }
        }
        panic!("seed {seed}: {broken}\n{history:#?}");
    }
}
