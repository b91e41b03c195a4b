//! Charts, drawn here as SVG with classes and presentation attributes: no style of its own, no
//! script, and the same figures in a table beside each.
