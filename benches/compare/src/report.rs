//! What was found: a table for people, lines for scripts.

use crate::measure::Spread;

/// The figures for one number of tokens.
pub struct Report {
    size: usize,
    rows: Vec<String>,
    lines: Vec<String>,
}

impl Report {
    pub fn new(size: usize) -> Report {
        Report { size, rows: Vec::new(), lines: Vec::new() }
    }

    /// Nanoseconds for one call, over all of them.
    pub fn time(&mut self, name: &str, nanoseconds: f64) {
        self.rows.push(format!("{name:<32} {nanoseconds:>10.0} ns"));
        self.lines.push(format!("time {name} {} {nanoseconds:.0} ns", self.size));
    }

    pub fn spread_time(&mut self, name: &str, spread: Spread) {
        let Spread { low, median, high } = spread;
        self.rows.push(format!("{name:<32} {median:>10.1} ns      ({low:.1} to {high:.1})"));
        self.lines.push(format!("time {name} {} {median:.1} ns", self.size));
    }

    pub fn ratio(&mut self, name: &str, spread: Spread) {
        let Spread { low, median, high } = spread;
        self.rows.push(format!(
            "{:<32} {median:>10.2} times   ({low:.2} to {high:.2})",
            format!("  as ratio {name}")
        ));
        self.lines.push(format!("ratio {name} {} {median:.2}", self.size));
        self.lines.push(format!("spread {name} {} {low:.2} {high:.2}", self.size));
    }

    pub fn memory(&mut self, name: &str, bytes: f64) {
        self.rows.push(format!("memory/{name:<25} {bytes:>10.0} bytes a token"));
        self.lines.push(format!("memory {name} {} {bytes:.0} bytes/token", self.size));
    }

    pub fn allocations(&mut self, name: &str, a_call: f64) {
        self.rows.push(format!("allocations/{name:<20} {a_call:>10.4} a call"));
        self.lines.push(format!("allocations {name} {} {a_call:.4}", self.size));
    }

    pub fn print(&self) {
        println!("\n{} tokens (in brackets: a tenth of the rounds lies below, a tenth above)\n", self.size);
        self.rows.iter().for_each(|row| println!("  {row}"));
        println!();
        self.lines.iter().for_each(|line| println!("{line}"));
    }
}
