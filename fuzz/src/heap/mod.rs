//! The core, on up to four threads that hand the model from one to the next, so that what happens is the
//! input's doing alone; but for a *crowd*, in which all of them work at once.

mod crowd;
mod faces;
mod look;
mod state;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use crate::counting;
use crowd::Share;
use state::{Next, State};

/// How many threads there are at most beside the first.
const WORKERS: usize = 3;

/// What goes to a thread, and comes back.
enum Job {
    /// The model, to go on with.
    Go(Box<State>),
    /// A share of the live memory, for a crowd.
    Crowd(Box<Share>),
}

struct Worker {
    jobs: Sender<Job>,
    done: Receiver<(Job, Next)>,
    thread: JoinHandle<()>,
}

impl Worker {
    fn start() -> Self {
        let (jobs, inbox) = channel();
        let (outbox, done) = channel();
        let thread = std::thread::spawn(move || {
            for job in inbox {
                let answer = match job {
                    Job::Go(mut state) => {
                        let next = state.go();
                        (Job::Go(state), next)
                    }
                    Job::Crowd(mut share) => {
                        share.work();
                        (Job::Crowd(share), Next::Over)
                    }
                };
                outbox.send(answer).expect("somebody waits");
            }
        });
        Self { jobs, done, thread }
    }

    /// Lets the thread end, and returns when its magazines have gone.
    fn end(self) {
        drop(self.jobs);
        self.thread.join().expect("it does not panic");
    }
}

/// Does what an input says.
pub fn run(bytes: &[u8]) {
    let mut state = Box::new(State::new(bytes));
    let mut workers: [Option<Worker>; WORKERS] = Default::default();
    let mut current = 0;
    loop {
        state.others = current > 0 || workers.iter().any(Option::is_some);
        let next = match current {
            0 => state.go(),
            worker => {
                let worker = workers[worker - 1].get_or_insert_with(Worker::start);
                worker.jobs.send(Job::Go(state)).expect("it waits for jobs");
                let Ok((Job::Go(back), next)) = worker.done.recv() else {
                    unreachable!("what was sent comes back")
                };
                state = back;
                next
            }
        };
        match next {
            Next::Switch(thread) => current = thread % (WORKERS + 1),
            Next::End(thread) => {
                current = 0;
                if let Some(worker) = workers[thread % WORKERS].take() {
                    worker.end();
                }
            }
            Next::Crowd(seed, steps) => {
                current = 0;
                crowd(&mut state, &mut workers, seed, steps);
            }
            Next::Over => break,
        }
    }
    state.source().recover();
    // Some of it is freed elsewhere than it was made.
    state.free_some(usize::MAX);
    workers.into_iter().flatten().for_each(Worker::end);
    state.assert_all_given_back();
    counting::add(state.operations);
}

/// All threads work at once, each with a share of the memory, and then with that of its neighbour.
fn crowd(state: &mut State, workers: &mut [Option<Worker>], seed: usize, steps: usize) {
    let mut shares = state.split(workers.len() + 1, seed, steps);
    for _ in 0..2 {
        shares.rotate_left(1);
        let mut own = shares.pop().expect("one for each thread");
        for (worker, share) in workers.iter_mut().zip(shares.drain(..)) {
            let worker = worker.get_or_insert_with(Worker::start);
            worker.jobs.send(Job::Crowd(Box::new(share))).expect("it waits for jobs");
        }
        own.work();
        for worker in workers.iter().flatten() {
            let Ok((Job::Crowd(share), _)) = worker.done.recv() else {
                unreachable!("what was sent comes back")
            };
            shares.push(*share);
        }
        shares.push(own);
    }
    state.join(shares);
}
