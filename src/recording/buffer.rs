//! Where requests leave what is to be counted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::names::{NONE, Names};
use super::noted::Noted;
use crate::id_hash::IdHash;

/// Where requests leave what is to be counted: stripes that threads seldom share.
pub(super) struct Buffer {
    stripes: Box<[Stripe]>,
    /// What full stripes held. Never in the hands of a thread alone that waits to fold it: a flush finds
    /// all that was left before it.
    full: Mutex<Vec<Content>>,
}

/// On cache lines of its own, so that two threads do not slow each other down beside a lock.
#[repr(align(128))]
struct Stripe(Mutex<Content>);

/// What a stripe holds.
pub(super) struct Content {
    pub(super) noted: Vec<Named>,
    pub(super) names: Names,
}

/// What was noted, with the numbers of its names in the same stripe.
pub(super) struct Named {
    pub(super) noted: Noted,
    pub(super) route: u32,
    pub(super) agent: u32,
}

/// How full a stripe is after something was left in it.
pub(super) enum Pushed {
    /// There is room.
    Room,
    /// It is time to fold it.
    HalfFull,
    /// It was full: what [`Buffer::take_full`] gives is to be folded at once, and there is room again.
    Full,
}

const STRIPES: usize = 16;
/// A stripe that holds so much is folded at once, by whoever finds it full. At half of it the
/// background thread is woken, so that this is rare.
const MOST_NOTED: usize = 2_048;
const MOST_NAME_BYTES: usize = 256 << 10;
/// The most that the buffer can claim.
pub(super) const MOST_BYTES: usize = STRIPES * (MOST_NOTED * size_of::<Named>() + MOST_NAME_BYTES);

/// Of a route or an agent not more than so many bytes are kept.
const MOST_NAME: usize = 200;

thread_local! {
    static MINE: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES
    };
}

impl Buffer {
    pub(super) fn new(hash: &IdHash) -> Buffer {
        let empty = || Stripe(Mutex::new(Content::new(hash)));
        Buffer { stripes: (0..STRIPES).map(|_| empty()).collect(), full: Mutex::new(Vec::new()) }
    }

    /// Leaves something to be counted.
    pub(super) fn push(&self, noted: Noted, route: &str, agent: &str) -> Pushed {
        // A thread that is ending may have none any more.
        let mine = MINE.try_with(|mine| *mine).unwrap_or(0);
        let mut content = lock(&self.stripes[mine]);
        let mut pushed = Pushed::Room;
        let numbers = content.number(route).zip(content.number(agent));
        let (route, agent) = match numbers {
            Some(numbers) if content.noted.len() < MOST_NOTED => numbers,
            _ => {
                let empty = content.empty_like();
                let full = std::mem::replace(&mut *content, empty);
                self.full().push(full);
                pushed = Pushed::Full;
                (content.number(route).unwrap_or(NONE), content.number(agent).unwrap_or(NONE))
            }
        };
        content.noted.push(Named { noted, route, agent });
        if content.noted.len() == MOST_NOTED / 2 { Pushed::HalfFull } else { pushed }
    }

    /// What a full stripe held, to be folded. Whoever folds calls it until there is none, and after
    /// [`Buffer::take`].
    pub(super) fn take_full(&self) -> Option<Content> {
        self.full().pop()
    }

    fn full(&self) -> MutexGuard<'_, Vec<Content>> {
        self.full.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what one stripe after the other holds. `content` is where it is put, and what it
    /// held goes on being used, so that memory that was claimed once is not claimed again.
    pub(super) fn take(&self, content: &mut Content, mut each: impl FnMut(&mut Content)) {
        for stripe in &self.stripes {
            std::mem::swap(&mut *lock(stripe), content);
            each(content);
            content.clear();
        }
    }
}

impl Content {
    pub(super) fn new(hash: &IdHash) -> Content {
        // Claimed at once and touched only as far as it is used.
        Content { noted: Vec::with_capacity(MOST_NOTED), names: Names::new(hash.clone()) }
    }

    fn empty_like(&self) -> Content {
        Content { noted: Vec::with_capacity(MOST_NOTED), names: self.names.empty_like() }
    }

    fn clear(&mut self) {
        self.noted.clear();
        self.names.clear();
    }

    fn number(&mut self, name: &str) -> Option<u32> {
        if name.is_empty() {
            return Some(NONE);
        }
        let most = (0..=MOST_NAME.min(name.len())).rev().find(|end| name.is_char_boundary(*end));
        self.names.number(&name[..most.unwrap_or(0)], MOST_NAME_BYTES)
    }
}

fn lock(stripe: &Stripe) -> MutexGuard<'_, Content> {
    stripe.0.lock().unwrap_or_else(PoisonError::into_inner)
}
