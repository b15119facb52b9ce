//! Strict rules, each by its name. The rows that break it are in `tests/vectors`, as data that the tests of the npm package
//! read as well; `tests/checklists/strict.json` says where each rule is tested.

mod keys;
mod signatures;
mod tokens;

use std::collections::BTreeSet;

/// Makes a test of each rule, and `RULES`, the names of all.
macro_rules! rules {
    ($check:ident: $($test:ident = $rule:literal,)*) => {
        pub(super) const RULES: &[&str] = &[$($rule),*];

        $(#[test]
        fn $test() {
            $check($rule);
        })*
    };
}
pub(crate) use rules;

/// Every rule of a file has a test, and every test a row.
#[track_caller]
fn covers<'r>(rules: &[&str], rows: impl Iterator<Item = &'r str>) {
    assert_eq!(rules.iter().copied().collect::<BTreeSet<_>>(), rows.collect::<BTreeSet<_>>());
}
