//! Running a program and learning what it cost.

use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::process::{Command, Stdio};
use std::time::Instant;

/// What one run of a program cost.
#[derive(Clone, Debug)]
pub struct Run {
    /// Seconds from start to end.
    pub wall: f64,
    /// Seconds of processor time outside the system.
    pub user: f64,
    /// The most bytes that were resident.
    pub peak: f64,
    /// The exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub output: Vec<u8>,
}

/// Runs a program to its end, without input.
///
/// # Errors
///
/// It cannot be started, read from, or waited for.
pub fn run(mut command: Command) -> io::Result<Run> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn()?;
    let mut output = Vec::new();
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_end(&mut output)?;
    }
    let id = libc::pid_t::try_from(child.id()).expect("process ids fit their own type");
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both are places to write to. It is a child that nobody has waited for; as it is
    // waited for here, `child` is not used again.
    if unsafe { libc::wait4(id, &raw mut status, 0, usage.as_mut_ptr()) } != id {
        return Err(io::Error::last_os_error());
    }
    let wall = start.elapsed().as_secs_f64();
    // SAFETY: zeroed, and every value is a valid number.
    let usage = unsafe { usage.assume_init() };
    Ok(Run {
        wall,
        user: usage.ru_utime.tv_sec as f64 + usage.ru_utime.tv_usec as f64 / 1e6,
        // Linux counts in KiB here.
        peak: usage.ru_maxrss as f64 * 1024.0,
        code: libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)),
        output,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_tells_output_code_and_cost() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo said; exit 3"]);
        let run = run(command).unwrap();
        assert_eq!(run.output, b"said\n");
        assert_eq!(run.code, Some(3));
        assert!(run.wall > 0.0 && run.peak > 0.0);
    }

    #[test]
    fn what_does_not_exist_cannot_run() {
        assert!(run(Command::new("/nonexistent/program")).is_err());
    }
}
