//! `simulate --seeds N [--first-seed K] [--jobs J]`, or `simulate --seed S [EVENT…]` to see one history happen.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::{Context, Result, bail};
use lentera_tests::simulation::{DEVICES, Event, Failure, Fault, Outcome, Seen, Template, history, run, shrink};
use tokio::runtime::{Builder, Runtime};

/// After so many seeds that went wrong there is enough to think about.
const FAILURES_MAX: usize = 10;

/// What was asked for.
struct Asked {
    seeds: u64,
    first: u64,
    jobs: usize,
    seed: Option<u64>,
    events: Vec<Event>,
}

fn main() -> ExitCode {
    match read().and_then(|asked| if let Some(seed) = asked.seed { show(seed, &asked.events) } else { try_all(&asked) }) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("simulate: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn read() -> Result<Asked> {
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    let mut asked = Asked { seeds: 300, first: 1, jobs, seed: None, events: Vec::new() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || -> Result<u64> { Ok(arguments.next().context("a number is missing")?.parse()?) };
        match argument.as_str() {
            "--seeds" => asked.seeds = number()?,
            "--first-seed" => asked.first = number()?,
            "--jobs" => asked.jobs = usize::try_from(number()?)?,
            "--seed" => asked.seed = Some(number()?),
            event if !event.starts_with('-') => asked.events.push(event.parse()?),
            other => bail!("what is {other}?"),
        }
    }
    Ok(asked)
}

fn runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// One history, step by step.
fn show(seed: u64, events: &[Event]) -> Result<bool> {
    let runtime = runtime()?;
    let template = Template::make(&runtime)?;
    let events = if events.is_empty() { history(seed, DEVICES) } else { events.to_vec() };
    let failures = run(&runtime, &template, seed, &events, None, true).failures;
    for failure in &failures {
        println!("{}: {}", failure.fault, failure.text);
    }
    Ok(failures.is_empty())
}

/// A seed that went wrong.
struct Wrong {
    seed: u64,
    failures: Vec<Failure>,
}

fn try_all(asked: &Asked) -> Result<bool> {
    // Panics are caught and told with their seed.
    std::panic::set_hook(Box::new(|_| {}));
    let template = Template::make(&runtime()?)?;
    let (next, done) = (AtomicU64::new(asked.first), AtomicU64::new(0));
    let wrong: Mutex<Vec<Wrong>> = Mutex::default();
    let seen: Mutex<Seen> = Mutex::default();
    let end = asked.first.saturating_add(asked.seeds);
    thread::scope(|scope| {
        let work = || -> Result<()> {
            let runtime = runtime()?;
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= end || wrong.lock().unwrap_or_else(PoisonError::into_inner).len() >= FAILURES_MAX {
                    return Ok(());
                }
                let Outcome { failures, seen: happened } = run(&runtime, &template, seed, &history(seed, DEVICES), None, false);
                {
                    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                    happened.into_iter().for_each(|(what, count)| *seen.entry(what).or_default() += count);
                }
                done.fetch_add(1, Ordering::Relaxed);
                if !failures.is_empty() {
                    wrong.lock().unwrap_or_else(PoisonError::into_inner).push(Wrong { seed, failures });
                }
            }
        };
        let threads: Vec<_> = (0..asked.jobs.max(1)).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| bail!("a thread ended")))
    })?;
    let mut wrong = wrong.into_inner().unwrap_or_else(PoisonError::into_inner);
    wrong.sort_by_key(|wrong| wrong.seed);
    let count = |fault: Fault| wrong.iter().flat_map(|wrong| &wrong.failures).filter(|failure| failure.fault == fault).count();
    for wrong in &wrong {
        println!("seed {}:", wrong.seed);
        wrong.failures.iter().for_each(|failure| println!("  {}: {}", failure.fault, failure.text));
    }
    let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    let seen: Vec<String> = seen.iter().map(|(what, count)| format!("{count} {what}")).collect();
    println!("seen: {}", seen.join(", "));
    if let Some(first) = wrong.first() {
        tell_shrunk(&template, first)?;
    }
    let (seeds, lost, diverged, lies) = (done.into_inner(), count(Fault::Lost), count(Fault::Diverged), count(Fault::Lie));
    println!("simulate: {seeds} seeds, {lost} lost, {diverged} diverged, {lies} lies");
    Ok(wrong.is_empty())
}

/// Prints a short history of a seed that goes wrong in the same way.
fn tell_shrunk(template: &Template, wrong: &Wrong) -> Result<()> {
    let runtime = runtime()?;
    let fault = wrong.failures.first().map(|failure| failure.fault);
    let short = shrink(&history(wrong.seed, DEVICES), |events| {
        let failures = run(&runtime, template, wrong.seed, events, None, false).failures;
        failures.first().map(|failure| failure.fault) == fault
    });
    let events: Vec<String> = short.iter().map(ToString::to_string).collect();
    println!(
        "seed {} goes wrong with {} events already; to see it: simulate --seed {} {}",
        wrong.seed,
        short.len(),
        wrong.seed,
        events.join(" ")
    );
    Ok(())
}
