//! What deserves attention.

/// From which point on something about a token deserves attention. What is found is told to the
/// hook of [`TokensBuilder::on_event`](crate::TokensBuilder::on_event), and by
/// [`Tokens::findings`](crate::Tokens::findings).
///
/// ```
/// use tokenward::Attention;
/// let attention = Attention { unused_days: Some(30), ..Attention::default() };
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Attention {
    /// After how many days without a granted request a token counts as unused; 90 unless set,
    /// never where there is none.
    pub unused_days: Option<u32>,
    /// Below which share of successful calls a token counts as failing, between 0 and 1; 0.9 unless
    /// set. 0 is never reached. The hook looks at the last hour, a page at the last 24.
    pub success_below: f64,
    /// Of how many calls at least that share is taken; 50 unless set.
    pub least_calls: u64,
}

impl Default for Attention {
    fn default() -> Self {
        Attention { unused_days: Some(90), success_below: 0.9, least_calls: 50 }
    }
}
