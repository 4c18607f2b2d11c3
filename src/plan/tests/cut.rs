//! Where one pass must end before another begins.

use super::tasks;
use crate::lazy::ReduceOptions;
use crate::lazy::testing::file;

#[test]
fn reductions_over_the_same_axes_are_one_fold() {
    let a = file("a", &[4, 10]);
    let tsnr = a.mean(-1) / a.std(-1);
    assert_eq!(tasks(&[&tsnr]), ["0 fold divide(mean(a; 1), std(a; 1)) -> result 0"]);
    let scaled = a.sum(-1) * 2 + 1;
    assert_eq!(tasks(&[&scaled]), ["0 fold add(multiply(sum(a; 1), 2), 1) -> result 0"]);
}

#[test]
fn elements_alone_are_a_map() {
    let a = file("a", &[4, 10]);
    assert_eq!(tasks(&[&(&a * 2)]), ["0 map multiply(a, 2) -> result 0"]);
}

#[test]
fn a_reduction_used_with_elements_ends_a_pass() {
    let a = file("a", &[4, 10]);
    let keepdims = || ReduceOptions::new().keepdims();
    let centred = a.to_f64() - a.mean_with(-1, keepdims());
    assert_eq!(
        tasks(&[&centred]),
        ["0 fold mean(a; 1) -> held", "1 map subtract(float64(a), mean[: as [4, 10]]) -> result 0",]
    );
    // Used twice, it is computed once.
    let both = tasks(&[&centred, &(&centred * 2)]);
    assert_eq!(both.iter().filter(|task| task.ends_with("held")).count(), 1);
}

#[test]
fn a_reduction_of_a_reduction_comes_after_it() {
    let a = file("a", &[4, 10]);
    assert_eq!(
        tasks(&[&a.mean(-1).max(0)]),
        ["0 fold mean(a; 1) -> held", "1 fold max(mean; 0) -> result 0"]
    );
    let third = (a.mean(-1) - a.mean(-1).max(0)).min(0);
    let depths: Vec<char> =
        tasks(&[&third]).iter().filter_map(|task| task.chars().next()).collect();
    assert_eq!(depths, ['0', '1', '2']);
}

#[test]
fn reductions_over_other_axes_are_not_one_fold() {
    let a = file("a", &[4, 4]);
    assert_eq!(
        tasks(&[&(a.sum(0) + a.sum(1))]),
        ["0 fold sum(a; 0) -> held", "0 fold sum(a; 1) -> held", "1 map add(sum, sum) -> result 0",]
    );
    // Nor are a view of one and the other, or one in groups and one that is not.
    assert_eq!(tasks(&[&(a.sum(-1).flip(0) + a.sum(-1))]).len(), 2);
}

#[test]
fn a_function_of_blocks_is_a_source_and_ends_no_pass() {
    let a = file("a", &[4, 10]);
    let half = a.map_blocks::<i16, i16>("half", 0, |_, _| {});
    assert_eq!(tasks(&[&half.mean(-1)]), ["0 fold mean(half; 1) -> result 0"]);
    // But what it is a function of may.
    let of_mean = a.sum(-1).map_blocks::<i64, i64>("half", 0, |_, _| {});
    assert_eq!(tasks(&[&of_mean]), ["0 fold sum(a; 1) -> held", "1 map half -> result 0"]);
}
