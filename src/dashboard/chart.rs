//! Charts, drawn here as SVG with classes and presentation attributes: no style of its own, no
//! script, and the same figures in words or in a table beside each.

pub(super) mod trend;
