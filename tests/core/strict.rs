//! Stricter than the field: each rule by its name. What breaks it stands in `tests/vectors`, as data that the npm package
//! is held to as well; `tests/checklists/strict.json` says where each rule is tested.

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

/// No rule of a file is left without a test, and no test without a row.
#[track_caller]
fn covers<'r>(rules: &[&str], rows: impl Iterator<Item = &'r str>) {
    assert_eq!(rules.iter().copied().collect::<BTreeSet<_>>(), rows.collect::<BTreeSet<_>>());
}
