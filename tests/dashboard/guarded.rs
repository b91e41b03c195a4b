//! Who may see and do what, and what pages of other sites may not.
