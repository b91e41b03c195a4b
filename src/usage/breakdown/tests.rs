//! The three promises of a breakdown, over random and hostile streams and any order of merging.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::Breakdown;
use crate::usage::TokenUse;

type Uses = Breakdown<u32, TokenUse>;

/// What happens: a name is called, all is dropped down to the room, or the newest two parts are
/// merged.
#[derive(Clone, Debug)]
enum Step {
    Call(u32, u64),
    Shrink,
    Part,
    Merge,
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_promises_hold_whatever_happens(room in 0..8_usize, steps in vec(steps(), 0..200)) {
        let mut truth = BTreeMap::new();
        let mut parts = vec![Uses::default()];
        for step in steps {
            match step {
                Step::Call(name, calls) => {
                    parts.last_mut().unwrap().add(&name, &uses(calls));
                    *truth.entry(name).or_default() += calls;
                }
                Step::Shrink => parts.last_mut().unwrap().shrink(room),
                Step::Part => parts.push(Uses::default()),
                Step::Merge => merge_newest(&mut parts),
            }
        }
        while parts.len() > 1 {
            merge_newest(&mut parts);
        }
        let mut whole = parts.remove(0);
        whole.shrink(room);
        assert_promises(&whole, room, &truth);
    }

    #[test]
    fn parts_merge_in_any_shape(
        room in 1..6_usize,
        streams in vec(vec((0..30_u32, 1..20_u64), 0..30), 1..12),
        places in vec(any::<prop::sample::Index>(), 12),
    ) {
        let mut truth = BTreeMap::new();
        let mut parts: Vec<Uses> = Vec::new();
        for stream in &streams {
            let mut part = Uses::default();
            for (name, calls) in stream {
                part.add(name, &uses(*calls));
                *truth.entry(*name).or_default() += calls;
            }
            part.shrink(room);
            parts.push(part);
        }
        let mut merged = Uses::default();
        parts.iter().for_each(|part| merged.merge(part));
        prop_assert_eq!(Uses::sum(&parts), merged);
        for place in places {
            if parts.len() > 1 {
                let part = parts.swap_remove(place.index(parts.len()));
                let place = place.index(parts.len());
                parts[place].merge(&part);
                parts[place].shrink(room);
            }
        }
        assert_promises(&parts[0], room, &truth);
    }

    #[test]
    fn nothing_is_lost_while_there_is_room(calls in vec((0..8_u32, 0..9_u64), 0..50)) {
        let (mut uses_of, mut truth) = (Uses::default(), BTreeMap::<u32, u64>::new());
        for (name, calls) in calls {
            uses_of.add(&name, &uses(calls));
            uses_of.shrink(8);
            *truth.entry(name).or_default() += calls;
        }
        prop_assert_eq!(uses_of.error(), 0);
        prop_assert_eq!(uses_of.other(), &TokenUse::default());
        prop_assert_eq!(told(&uses_of), truth);
    }
}

#[test]
fn a_heavy_name_stays_among_ever_new_ones_of_one_call() {
    for room in [1, 2, 10] {
        let (mut breakdown, mut truth) = (Uses::default(), BTreeMap::new());
        for round in 0..1_000_u32 {
            // The heavy one is just more than its share; the others never come again.
            let name = if round % (room as u32 + 1) == 0 { 0 } else { round + 1 };
            breakdown.add(&name, &uses(1));
            breakdown.shrink(room);
            *truth.entry(name).or_default() += 1;
            assert_promises(&breakdown, room, &truth);
        }
        assert!(breakdown.get(&0).is_some());
    }
}

#[test]
fn names_in_turn_that_are_each_just_too_small_keep_the_promises() {
    for room in [1, 3, 10] {
        let (mut breakdown, mut truth) = (Uses::default(), BTreeMap::new());
        for round in 0..2_000 {
            let name = round % (room as u32 + 1);
            breakdown.add(&name, &uses(1));
            breakdown.shrink(room);
            *truth.entry(name).or_default() += 1;
            assert_promises(&breakdown, room, &truth);
        }
    }
}

#[test]
fn of_equal_names_as_many_stay_as_there_is_room_for() {
    let mut breakdown = Uses::default();
    (0..101).for_each(|name| breakdown.add(&name, &uses(1)));
    breakdown.shrink(100);
    assert_eq!(breakdown.len(), 100);
    assert_eq!((breakdown.error(), breakdown.other().calls), (1, 1));
}

#[test]
fn names_without_calls_go_first() {
    let mut breakdown = Uses::default();
    (0..9).for_each(|name| breakdown.add(&name, &uses(0)));
    breakdown.add(&9, &uses(1));
    breakdown.shrink(1);
    assert_eq!(told(&breakdown), [(9, 1)].into());
    assert_eq!(breakdown.error(), 0);
}

#[test]
fn room_for_none_leaves_the_sum() {
    let mut breakdown = Uses::default();
    breakdown.add(&1, &uses(5));
    breakdown.add(&2, &uses(3));
    breakdown.shrink(0);
    assert!(breakdown.is_empty());
    assert_eq!((breakdown.other().calls, breakdown.error()), (8, 5));
}

#[test]
fn names_that_become_the_same_are_one() {
    let mut breakdown = Uses::default();
    (0..6).for_each(|name| breakdown.add(&name, &uses(1)));
    let halved = breakdown.renamed(|name| 3 - name / 2, |share| share);
    assert_eq!(told(&halved), [(1, 2), (2, 2), (3, 2)].into());
    let mut expected = Uses::default();
    (1..4).for_each(|name| expected.add(&name, &uses(2)));
    assert_eq!(halved, expected);
}

#[test]
fn the_busiest_names_come_first() {
    let mut breakdown = Uses::default();
    [(1, 5), (2, 9), (3, 5), (4, 1)].into_iter().for_each(|(name, calls)| breakdown.add(&name, &uses(calls)));
    let names = |number| breakdown.top(number).into_iter().map(|(name, _)| *name).collect::<Vec<_>>();
    assert_eq!(names(3), [2, 1, 3]);
    assert_eq!(names(9).len(), 4);
}

#[test]
fn names_out_of_order_do_not_read() {
    let mut breakdown = Uses::default();
    (1..3).for_each(|name| breakdown.add(&name, &uses(1)));
    let text = serde_json::to_string(&breakdown).unwrap();
    assert_eq!(serde_json::from_str::<Uses>(&text).unwrap(), breakdown);
    let twice = text.replace(r#""name":2"#, r#""name":1"#);
    assert_ne!(twice, text);
    assert!(serde_json::from_str::<Uses>(&twice).is_err());
}

fn steps() -> impl Strategy<Value = Step> {
    // A few names that are called much, and many that hardly are.
    let names = prop_oneof![0..4_u32, 0..40_u32, any::<u32>()];
    prop_oneof![
        8 => (names, prop_oneof![Just(1), 0..5_u64, 0..100_u64]).prop_map(|(name, calls)| Step::Call(name, calls)),
        2 => Just(Step::Shrink),
        1 => Just(Step::Part),
        1 => Just(Step::Merge),
    ]
}

fn merge_newest(parts: &mut Vec<Uses>) {
    if parts.len() > 1 {
        let newest = parts.pop().unwrap();
        parts.last_mut().unwrap().merge(&newest);
    }
}

fn assert_promises(breakdown: &Uses, room: usize, truth: &BTreeMap<u32, u64>) {
    let calls: u64 = truth.values().sum();
    let bound = calls / (room as u64 + 1);
    let told = told(breakdown);
    assert!(told.len() <= room);
    assert!(breakdown.error() <= bound, "error {} above {bound}", breakdown.error());
    for (name, truth) in truth {
        assert!(*truth <= bound || told.contains_key(name), "{name} with {truth} of {calls} is not told");
    }
    for (name, told) in &told {
        let truth = truth[name];
        assert!(*told <= truth && truth - told <= breakdown.error(), "{name}: {told} told of {truth}");
    }
    assert_eq!(told.values().sum::<u64>() + breakdown.other().calls, calls);
}

fn told(breakdown: &Uses) -> BTreeMap<u32, u64> {
    breakdown.iter().map(|(name, share)| (*name, share.calls)).collect()
}

fn uses(calls: u64) -> TokenUse {
    TokenUse { calls, ..TokenUse::default() }
}
