//! A server whose memory is sorted by how long things live.
//!
//! ```text
//! cargo run --release --example request_server
//! ```
//!
//! A small web server on a free port of this machine, with worker threads, and clients of its own that
//! send it some thousand requests and check the answers. Then it stops, and tells who used how much.
//! What it allocates has one of three lifetimes:
//!
//! | family    | what                                       | dies                                       |
//! |-----------|--------------------------------------------|--------------------------------------------|
//! | `Request` | head, headers, body, whatever it takes to  | with the request: its region goes back to  |
//! |           | answer, the answer                         | a `RegionPool`, empty but with its memory  |
//! | `Session` | who is logged in, and their notes          | when they log out: `FamilyBox`             |
//! | `Cache`   | rendered pages                             | when the family's limit is reached         |
//!
//! No request can take more than [`REQUEST_LIMIT`], wherever it takes it: a large body, a thousand
//! headers, or an answer that gets out of hand end in status 413, because every allocation on the way
//! is one of the region's, and says so when it fails.

mod client;
mod http;
mod site;
mod stats;

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use famalloc::{AllocErrorKind, RegionPool, Snapshot, alloc_family, reclaim};

use http::{Refusal, Response};
use site::Site;
use stats::Stats;

/// The lifetimes of the server. Each variant is a family; the macro makes a type of each, in a module
/// named after the enum: `lives::Request`, `lives::Session`, `lives::Cache`.
#[alloc_family]
enum Lives {
    /// One request.
    Request,
    /// From logging in to logging out.
    Session,
    /// As long as there is room.
    #[family(limit = "2 MiB")]
    Cache,
}

/// The most memory that one request may take.
const REQUEST_LIMIT: usize = 256 << 10;
const WORKERS: usize = 4;
/// How long to wait for whoever is on the other side.
const PATIENCE: Duration = Duration::from_secs(5);
/// What is read at most, and thrown away, of a request that was refused.
const LINGER: u64 = 1 << 20;

/// A region for each request that is being served. As many as workers are kept between requests.
static REGIONS: RegionPool<lives::Request> = RegionPool::with_limits(REQUEST_LIMIT, WORKERS);

fn main() -> ExitCode {
    let (site, stats) = (Site::default(), Mutex::new(Stats::default()));
    let checked = match run(&site, &stats) {
        Ok(checked) => checked,
        Err(error) => {
            eprintln!("request_server: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("{}", stats.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()));
    println!(
        "{} sessions were left open, {} regions wait for the next request\n\n{}",
        site.sessions(),
        REGIONS.idle(),
        Snapshot::of::<Lives>()
    );

    // Each lifetime ends on its own, and its memory goes back whole.
    REGIONS.shrink(0);
    drop(site);
    reclaim(usize::MAX);
    println!("with regions, sessions and cache dropped:\n\n{}", Snapshot::of::<Lives>());

    for complaint in &checked {
        eprintln!("request_server: {complaint}");
    }
    if checked.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Serves until the clients are done; returns what they have to complain about.
fn run(site: &Site, stats: &Mutex<Stats>) -> io::Result<Vec<String>> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    let done = AtomicBool::new(false);
    let (sender, receiver) = mpsc::sync_channel::<TcpStream>(64);
    let receiver = Mutex::new(receiver);
    thread::scope(|scope| {
        let workers = [(); WORKERS].map(|()| {
            scope.spawn(|| {
                let next = || receiver.lock().ok()?.recv().ok();
                while let Some(stream) = next() {
                    // What goes wrong with one connection is no concern of the others.
                    let _ = serve(&stream, site, stats);
                }
            })
        });
        let done = &done;
        scope.spawn(move || {
            // Ends with the first connection after the clients are done; `sender` is dropped then, and
            // the workers end, too.
            for stream in listener.incoming().flatten() {
                if done.load(Ordering::Acquire) || sender.send(stream).is_err() {
                    break;
                }
            }
        });
        let clients = Vec::from_iter((0..client::COUNT).map(|number| {
            thread::Builder::new()
                .name(format!("client {number}"))
                .spawn_scoped(scope, move || client::run(address, number))
        }));
        let mut complaints = Vec::new();
        for client in clients {
            match client.map(|thread| thread.join()) {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(error))) => complaints.push(error),
                Ok(Err(_)) => complaints.push("a client panicked".to_owned()),
                Err(error) => complaints.push(format!("a client did not start: {error}")),
            }
        }
        done.store(true, Ordering::Release);
        drop(TcpStream::connect(address));
        // A thread that has ended has given back what its magazines held. The end of the scope alone
        // would wait for its closure, which is a moment earlier.
        for worker in workers {
            if worker.join().is_err() {
                complaints.push("a worker panicked".to_owned());
            }
        }
        Ok(complaints)
    })
}

/// Serves the requests of one connection, one after the other.
fn serve(stream: &TcpStream, site: &Site, stats: &Mutex<Stats>) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let (mut input, mut output) = (BufReader::new(stream), BufWriter::new(stream));
    // Whoever waits for a request does not hold a region meanwhile.
    while !input.fill_buf()?.is_empty() {
        let region = REGIONS.get();
        let (response, goes_on) = match http::read(&region, &mut input) {
            Ok(request) => match site.answer(&region, &request) {
                Ok(response) => (response, true),
                Err(error) => (refused(Refusal::from(error)), true),
            },
            // Where the next request would begin is not known.
            Err(refusal) => (refused(refusal), false),
        };
        if let Ok(mut stats) = stats.lock() {
            stats.count(response.status, region.usage().live_bytes);
        }
        response.write(&mut output)?;
        output.flush()?;
        if !goes_on {
            // To close a connection with bytes unread would take the answer back.
            stream.shutdown(Shutdown::Write)?;
            io::copy(&mut input.take(LINGER), &mut io::sink())?;
            return Ok(());
        }
        // Here `region` is reset and goes back to the pool. Nothing of the request is left: the compiler
        // would not let anything keep a header or a piece of the body.
    }
    Ok(())
}

/// The answer to what was not understood or had no room.
fn refused(refusal: Refusal) -> Response<'static> {
    let (status, text) = match refusal {
        Refusal::Malformed(what) => (400, what),
        Refusal::TimedOut => (408, "the request took too long to arrive\n"),
        Refusal::NoMemory(error) => match error.kind() {
            // Of the region, that is; the family `Request` has none.
            AllocErrorKind::Limit | AllocErrorKind::TooLarge => {
                (413, "the request needs more memory than one may\n")
            }
            _ => (503, "out of memory\n"),
        },
    };
    Response::new(status, text.as_bytes())
}
