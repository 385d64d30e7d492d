//! A server: pipelined load on several connections, memory that comes and goes, and saving by a child
//! process.
//!
//! Some builds bring jemalloc along as a shared library, and ask that for statistics (`mallctl`,
//! `nallocx`). They take memory by the plain names `malloc`, `calloc`, `realloc`, `free` and
//! `malloc_usable_size`, which the loader finds in the preloaded library first: [`redis`] looks.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Running, Trial, assert_served, compare, find, has, log_bindings};

/// How long one answer may take, and how long the server may take to start or to save.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection that speaks the server's protocol.
struct Client {
    reader: BufReader<UnixStream>,
}

impl Client {
    /// Waits until the server listens. Its socket lies in its folder; the way there by its process keeps
    /// the path short, which a socket's must be.
    fn connect(server: &mut Running) -> Self {
        let path = format!("/proc/{}/cwd/redis.sock", server.id());
        let start = Instant::now();
        loop {
            if let Ok(stream) = UnixStream::connect(&path) {
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                stream.set_write_timeout(Some(PATIENCE)).unwrap();
                return Self { reader: BufReader::new(stream) };
            }
            assert!(!server.is_over(), "the server ended at once");
            assert!(start.elapsed() < PATIENCE, "the server does not listen");
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn send(&mut self, commands: &[Vec<String>]) {
        let mut bytes = Vec::new();
        for command in commands {
            bytes.extend(format!("*{}\r\n", command.len()).bytes());
            for word in command {
                bytes.extend(format!("${}\r\n{word}\r\n", word.len()).bytes());
            }
        }
        self.reader.get_mut().write_all(&bytes).unwrap();
    }

    /// One answer, with those inside of it, as text.
    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("the server answers");
        let line = line.trim_end();
        let (kind, rest) = line.split_at_checked(1).expect("the server is still there");
        match (kind, rest.parse()) {
            ("$", Ok(length)) => {
                let mut bytes = vec![0; length + 2];
                self.reader.read_exact(&mut bytes).unwrap();
                String::from_utf8_lossy(&bytes[..length]).into_owned()
            }
            ("*", Ok(count)) => {
                let parts: Vec<_> = (0..count).map(|_: usize| self.answer()).collect();
                format!("[{}]", parts.join(", "))
            }
            _ => line.to_owned(),
        }
    }

    fn pipeline(&mut self, commands: &[Vec<String>]) -> Vec<String> {
        self.send(commands);
        commands.iter().map(|_| self.answer()).collect()
    }

    fn ask(&mut self, command: &str) -> String {
        self.send(&[words(command)]);
        self.answer()
    }

    /// A number from the server's own report.
    fn info(&mut self, field: &str) -> String {
        let report = self.ask("INFO everything");
        let line = report.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {field} in:\n{report}")).trim().to_owned()
    }

    fn used(&mut self) -> u64 {
        self.info("used_memory").parse().unwrap()
    }
}

fn words(command: &str) -> Vec<String> {
    command.split(' ').map(str::to_owned).collect()
}

fn start(trial: &Trial, arguments: &[&str], logged: bool) -> Running {
    let mut all = "--port 0 --unixsocket redis.sock --appendonly no --dbfilename dump.rdb --logfile redis.log \
        --daemonize no --lazyfree-lazy-user-del no --save"
        .split_ascii_whitespace()
        .collect::<Vec<_>>();
    all.push("");
    all.extend(arguments);
    let mut command = trial.command("redis-server", &all);
    if logged {
        log_bindings(trial, &mut command);
    }
    trial.start(command)
}

/// A clean end; the answer to this command is that the connection closes.
fn stop(trial: &Trial, mut client: Client, server: Running) {
    client.send(&[words("SHUTDOWN NOSAVE")]);
    let mut rest = Vec::new();
    client.reader.read_to_end(&mut rest).unwrap();
    assert_eq!(String::from_utf8_lossy(&rest), "");
    let finished = server.finish();
    let log = String::from_utf8_lossy(&trial.read("redis.log")).into_owned();
    assert!(finished.status.success(), "{}\n{log}", finished.status);
    for bad in ["Guru Meditation", "BUG REPORT", "Out Of Memory", "crashed by signal"] {
        assert!(!log.contains(bad), "{log}");
    }
}

/// What one connection asks for. Keys carry its number, so that connections do not meet.
fn load(number: u64) -> Vec<Vec<String>> {
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut chance = move |bound: u64| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    };
    let mut commands = Vec::new();
    for step in 0..6000 {
        let (k, n) = (chance(150), chance(1000));
        let text = "v".repeat(chance(if step % 50 == 0 { 30_000 } else { 300 }) as usize);
        let command = match chance(16) {
            0..3 => format!("SET s{number}:{k} {text}."),
            3 => format!("APPEND s{number}:{k} {text}."),
            4 => format!("SETRANGE s{number}:{k} {n} {n}"),
            5 => format!("LPUSH l{number}:{} {n} {text}. {step}", k % 20),
            6 => format!("LTRIM l{number}:{} 0 60", k % 20),
            7 => format!("HSET h{number}:{} f{n} {text}. g{step} {n}", k % 20),
            8 => format!("SADD t{number}:{} {n} m{step}", k % 20),
            9 => format!("ZADD z{number}:{} {n} m{step} {step} o{n}", k % 20),
            10 => format!("ZRANGE z{number}:{} 0 20 WITHSCORES", k % 20),
            11 => format!("XADD x{number} {}-1 field {text}. n {n}", step + 1),
            12 => format!("UNLINK h{number}:{} s{number}:{k}", k % 20),
            13 => format!("DEL l{number}:{} z{number}:{}", k % 20, n % 20),
            14 => format!("GETRANGE s{number}:{k} 0 50"),
            _ => format!("SORT l{number}:{} ALPHA LIMIT 0 5", k % 20),
        };
        commands.push(words(&command));
    }
    commands
}

/// Four connections at once, each with up to 100 commands under way.
fn serve(trial: &Trial, server: &mut Running) {
    let clients: Vec<_> = (1..=4).map(|number| (number, Client::connect(server))).collect();
    let answers: Vec<String> = thread::scope(|scope| {
        let serve = |(number, mut client): (u64, Client)| {
            scope.spawn(move || {
                let commands = load(number);
                let answers = commands.chunks(100).flat_map(|some| client.pipeline(some));
                answers.collect::<Vec<_>>().join("\n")
            })
        };
        let threads: Vec<_> = clients.into_iter().map(serve).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for (index, answers) in answers.iter().enumerate() {
        trial.record(&format!("the answers on connection {index}"), answers.as_bytes());
    }
}

/// Everything that the server keeps, as one number of its own making. Needs a permission since version 7.
const PERMISSION: [&str; 2] = ["--enable-debug-command", "yes"];

fn session(trial: &Trial, permission: &[&str]) {
    let mut server = start(trial, permission, false);
    let mut client = Client::connect(&mut server);
    let empty = client.used();
    serve(trial, &mut server);

    let lua = "local n = 0 for i = 1, 20000 do local t = {} for j = 1, i % 20 do t[j] = tostring(i * j) end \
        n = n + #table.concat(t) end return n";
    client.send(&[vec!["EVAL".into(), lua.into(), "0".into()]]);
    trial.record("what a script says", client.answer().as_bytes());

    // The report of memory counts what `malloc_usable_size` says of each block, given and taken back.
    let (digest, size) = (client.ask("DEBUG DIGEST"), client.ask("DBSIZE"));
    let full = client.used();
    assert!(full > empty + (1 << 20) && full < empty + (1 << 30), "from {empty} to {full}");
    trial.record("the digest", format!("{digest} {size}").as_bytes());
    assert_eq!(client.ask("MEMORY PURGE"), "+OK");
    assert!(!client.ask("MEMORY DOCTOR").starts_with('-'));
    assert!(!client.ask("MEMORY STATS").starts_with('-'));

    // A child writes all of it, while the parent changes some.
    assert!(client.ask("BGSAVE").starts_with("+Background saving"));
    for i in 0..2000 {
        client.ask(&format!("SET s1:{} changed", i % 150));
    }
    for i in 0..150 {
        client.ask(&format!("DEL s1:{i}"));
    }
    let start_of_save = Instant::now();
    while client.info("rdb_bgsave_in_progress") != "0" {
        assert!(start_of_save.elapsed() < PATIENCE, "the child does not end");
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(client.info("rdb_last_bgsave_status"), "ok");

    // Another thread takes the memory back, and the count returns to where it was.
    client.ask("FLUSHALL ASYNC");
    let start_of_flush = Instant::now();
    while client.info("lazyfree_pending_objects") != "0" {
        assert!(start_of_flush.elapsed() < PATIENCE, "the lazy thread does not end");
        thread::sleep(Duration::from_millis(10));
    }
    let left = client.used();
    assert!(left < empty + (full - empty) / 2, "{empty} bytes, {full} when full, {left} left");
    stop(trial, client, server);

    // A new server reads what the child wrote.
    let mut server = start(trial, permission, false);
    let mut client = Client::connect(&mut server);
    assert_eq!(client.ask("PING"), "+PONG");
    let again = format!("{} {}", client.ask("DEBUG DIGEST"), client.ask("DBSIZE"));
    assert_eq!(again, format!("{digest} {size}"), "saved and read again");
    if find("redis-benchmark").is_some() {
        let words =
            ["-s", "redis.sock", "-n", "3000", "-c", "20", "-P", "16", "-q", "-t", "set,get,lpush"];
        trial.run(trial.command("redis-benchmark", &words));
    }
    stop(trial, client, server);
}

#[test]
fn redis() {
    if !has(&["redis-server"]) {
        return;
    }
    assert_served("redis", &["redis-server"], |trial| {
        let mut server = start(trial, &[], true);
        let mut client = Client::connect(&mut server);
        assert_eq!(client.ask("SET key value"), "+OK");
        assert_eq!(client.ask("GET key"), "value");
        stop(trial, client, server);
    });
    compare("redis", |trial| {
        let version = trial.run(trial.command("redis-server", &["--version"])).text();
        let major = version.split("v=").nth(1).and_then(|rest| rest.split('.').next());
        let asks = major.and_then(|major| major.parse().ok()).is_some_and(|major: u32| major >= 7);
        session(trial, if asks { &PERMISSION } else { &[] });
    });
}
