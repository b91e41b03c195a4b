//! Whether a limiter that has failed is to be asked: pure logic over time.

/// So many failures one after the other open it.
const FAILURES: u32 = 3;
const FIRST_PAUSE_MS: u64 = 200;
const LONGEST_PAUSE_MS: u64 = 5_000;

/// Keeps requests from waiting for a limiter that does not answer.
///
/// It is closed while the limiter works. A few failures one after the other open it, or one that says
/// that nobody is there: then nobody asks. After a pause one request asks, as a probe. If that is
/// answered it is closed again, and if not the next pause is twice as long.
///
/// It also knows the last fault: from the first failure to the first answer after it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Breaker {
    state: State,
    fault: Option<Fault>,
    /// How often the limiter has told that what it knew may be lost.
    losses: u64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum State {
    Closed { failures: u32 },
    Open { until_ms: u64, pause_ms: u64, is_probing: bool },
}

impl Default for State {
    fn default() -> Self {
        State::Closed { failures: 0 }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Fault {
    began_ms: u64,
    ended_ms: Option<u64>,
}

/// Whether a request may ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Permit {
    Ask,
    /// Its answer decides for all.
    Probe,
    No,
}

/// What an answer has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    Opened,
    Closed,
    None,
}

impl Breaker {
    pub(crate) fn ask(&mut self, now_ms: u64) -> Permit {
        match &mut self.state {
            State::Closed { .. } => Permit::Ask,
            State::Open { until_ms, is_probing, .. } if !*is_probing && now_ms >= *until_ms => {
                *is_probing = true;
                Permit::Probe
            }
            State::Open { .. } => Permit::No,
        }
    }

    /// It has answered. A loss that nobody had noted is a fault, which is over at once.
    pub(crate) fn succeeded(&mut self, permit: Permit, losses: u64, now_ms: u64) -> Turn {
        if losses > self.losses {
            self.losses = losses;
            self.begin_fault(now_ms);
        }
        match (&mut self.state, permit) {
            (State::Closed { failures }, _) => {
                *failures = 0;
                self.end_fault(now_ms);
                Turn::None
            }
            (State::Open { .. }, Permit::Probe) => {
                self.state = State::default();
                self.end_fault(now_ms);
                Turn::Closed
            }
            // An answer to a question of before.
            (State::Open { .. }, _) => Turn::None,
        }
    }

    pub(crate) fn failed(&mut self, permit: Permit, is_unreachable: bool, now_ms: u64) -> Turn {
        self.begin_fault(now_ms);
        match (&mut self.state, permit) {
            (State::Closed { failures }, _) => {
                *failures += 1;
                if *failures < FAILURES && !is_unreachable {
                    return Turn::None;
                }
                self.open(FIRST_PAUSE_MS, now_ms);
                Turn::Opened
            }
            (State::Open { pause_ms, .. }, Permit::Probe) => {
                let pause_ms = (*pause_ms * 2).min(LONGEST_PAUSE_MS);
                self.open(pause_ms, now_ms);
                Turn::None
            }
            (State::Open { .. }, _) => Turn::None,
        }
    }

    /// Whoever asked has gone away before there was an answer. Another one may probe.
    pub(crate) fn abandoned(&mut self, permit: Permit) {
        if let (State::Open { is_probing, .. }, Permit::Probe) = (&mut self.state, permit) {
            *is_probing = false;
        }
    }

    /// How long ago the last fault has ended: 0 while there is one, none if there was none.
    pub(crate) fn since_fault_ms(&self, now_ms: u64) -> Option<u64> {
        let fault = self.fault?;
        Some(fault.ended_ms.map_or(0, |ended_ms| now_ms.saturating_sub(ended_ms)))
    }

    /// For how long there has been a fault, if there is one.
    pub(crate) fn failing_for_ms(&self, now_ms: u64) -> Option<u64> {
        let fault = self.fault.filter(|fault| fault.ended_ms.is_none())?;
        Some(now_ms.saturating_sub(fault.began_ms))
    }

    /// How long nobody will ask.
    pub(crate) fn pause_left_ms(&self, now_ms: u64) -> u64 {
        match self.state {
            State::Closed { .. } => 0,
            State::Open { until_ms, .. } => until_ms.saturating_sub(now_ms),
        }
    }

    fn open(&mut self, pause_ms: u64, now_ms: u64) {
        let until_ms = now_ms.saturating_add(pause_ms);
        self.state = State::Open { until_ms, pause_ms, is_probing: false };
    }

    fn begin_fault(&mut self, now_ms: u64) {
        let began_ms = self.fault.filter(|fault| fault.ended_ms.is_none()).map(|fault| fault.began_ms);
        self.fault = Some(Fault { began_ms: began_ms.unwrap_or(now_ms), ended_ms: None });
    }

    fn end_fault(&mut self, now_ms: u64) {
        if let Some(Fault { ended_ms: ended @ None, .. }) = &mut self.fault {
            *ended = Some(now_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn opened() -> Breaker {
        let mut breaker = Breaker::default();
        assert_eq!(breaker.failed(Permit::Ask, true, 1_000), Turn::Opened);
        breaker
    }

    #[test]
    fn it_opens_after_a_few_failures_in_a_row() {
        let mut breaker = Breaker::default();
        for turn in [Turn::None, Turn::None] {
            assert_eq!(breaker.failed(Permit::Ask, false, 0), turn);
        }
        assert_eq!(breaker.succeeded(Permit::Ask, 0, 0), Turn::None);
        for turn in [Turn::None, Turn::None, Turn::Opened, Turn::None] {
            assert_eq!(
                breaker.ask(0),
                if turn == Turn::None && breaker.pause_left_ms(0) > 0 { Permit::No } else { Permit::Ask }
            );
            assert_eq!(breaker.failed(Permit::Ask, false, 0), turn);
        }
        assert_eq!(breaker.ask(FIRST_PAUSE_MS - 1), Permit::No);
    }

    #[test]
    fn it_opens_at_once_where_nobody_is_there() {
        assert_eq!(opened().ask(1_000), Permit::No);
    }

    #[test]
    fn one_request_probes_after_a_pause_that_grows() {
        let (mut breaker, mut now) = (opened(), 1_000);
        for pause in [200, 400, 800, 1_600, 3_200, 5_000, 5_000] {
            assert_eq!(breaker.ask(now + pause - 1), Permit::No);
            now += pause;
            assert_eq!((breaker.ask(now), breaker.ask(now)), (Permit::Probe, Permit::No));
            assert_eq!(breaker.failed(Permit::Probe, false, now), Turn::None);
        }
        now += 5_000;
        assert_eq!(breaker.ask(now), Permit::Probe);
        assert_eq!(breaker.succeeded(Permit::Probe, 0, now), Turn::Closed);
        assert_eq!((breaker.ask(now), breaker.ask(now)), (Permit::Ask, Permit::Ask));
    }

    #[test]
    fn a_probe_that_is_given_up_is_followed_by_another() {
        let mut breaker = opened();
        assert_eq!(breaker.ask(1_200), Permit::Probe);
        breaker.abandoned(Permit::Probe);
        assert_eq!(breaker.ask(1_200), Permit::Probe);
    }

    #[test]
    fn answers_of_before_neither_close_it_nor_prolong_the_pause() {
        let mut breaker = opened();
        assert_eq!(breaker.succeeded(Permit::Ask, 0, 1_100), Turn::None);
        assert_eq!(breaker.failed(Permit::Ask, true, 1_100), Turn::None);
        assert_eq!(breaker.ask(1_199), Permit::No);
        assert_eq!(breaker.ask(1_200), Permit::Probe);
    }

    #[test]
    fn a_fault_lasts_from_the_first_failure_to_the_next_answer() {
        let mut breaker = Breaker::default();
        assert_eq!((breaker.since_fault_ms(5), breaker.failing_for_ms(5)), (None, None));
        breaker.failed(Permit::Ask, false, 10);
        breaker.failed(Permit::Ask, false, 20);
        assert_eq!((breaker.since_fault_ms(30), breaker.failing_for_ms(30)), (Some(0), Some(20)));
        breaker.succeeded(Permit::Ask, 0, 40);
        breaker.succeeded(Permit::Ask, 0, 50);
        assert_eq!((breaker.since_fault_ms(60), breaker.failing_for_ms(60)), (Some(20), None));
        breaker.failed(Permit::Ask, false, 70);
        assert_eq!((breaker.since_fault_ms(80), breaker.failing_for_ms(80)), (Some(0), Some(10)));
    }

    #[test]
    fn a_loss_that_nobody_noted_is_a_fault() {
        let mut breaker = Breaker::default();
        breaker.succeeded(Permit::Ask, 0, 10);
        assert_eq!(breaker.since_fault_ms(10), None);
        breaker.succeeded(Permit::Ask, 1, 20);
        breaker.succeeded(Permit::Ask, 1, 30);
        assert_eq!((breaker.since_fault_ms(50), breaker.failing_for_ms(50)), (Some(30), None));
    }

    proptest! {
        /// Whatever happens, at most one probe is under way, and the pause never exceeds the longest.
        #[test]
        fn it_never_stays_shut(events in prop::collection::vec((0..4u8, 0..3_000u64), 0..200)) {
            let (mut breaker, mut now, mut probe) = (Breaker::default(), 0, false);
            for (event, time) in events {
                now += time;
                match event {
                    0 => match breaker.ask(now) {
                        Permit::Probe => {
                            prop_assert!(!probe);
                            probe = true;
                        }
                        Permit::No => prop_assert!(probe || breaker.pause_left_ms(now) > 0),
                        Permit::Ask => {}
                    },
                    1 => _ = breaker.failed(Permit::Ask, time % 2 == 0, now),
                    2 if probe => {
                        breaker.failed(Permit::Probe, false, now);
                        probe = false;
                    }
                    3 if probe => {
                        breaker.succeeded(Permit::Probe, 0, now);
                        prop_assert_eq!(breaker.ask(now), Permit::Ask);
                        probe = false;
                    }
                    _ => _ = breaker.succeeded(Permit::Ask, 0, now),
                }
                prop_assert!(breaker.pause_left_ms(now) <= LONGEST_PAUSE_MS);
            }
        }
    }
}
