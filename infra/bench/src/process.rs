//! What this process has used, as Linux counts it.

use std::time::Duration;

use super::BenchError;

/// Linux counts in hundredths of a second, whatever the kernel's own clock is.
/// Source: <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU time, user and system, of all threads.
pub(super) fn cpu() -> Result<Duration, BenchError> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The program's name stands in parentheses and may hold anything.
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>();
    Ok(Duration::from_secs_f64(ticks / TICKS_PER_SECOND))
}

/// The most memory that was resident at any time so far.
pub(super) fn peak_memory_mb() -> Result<f64, BenchError> {
    status_mb("VmHWM:")
}

/// The memory that is resident now.
pub(super) fn memory_mb() -> Result<f64, BenchError> {
    status_mb("VmRSS:")
}

fn status_mb(field: &str) -> Result<f64, BenchError> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kilobytes =
        status.lines().find_map(|line| line.strip_prefix(field)?.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kilobytes.unwrap_or_default() / 1024.0)
}
