//! Clients that know what the server should answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use crate::PATIENCE;

/// How many clients there are.
pub(crate) const COUNT: usize = 8;
/// How often each of them connects, logs in and looks around.
const VISITS: usize = 25;
/// How many pages it asks for each time.
const PAGES: usize = 12;

type Checked<T> = Result<T, String>;

/// An answer as a client sees it.
struct Answer {
    status: u16,
    cookie: Option<String>,
    body: String,
}

struct Connection {
    stream: TcpStream,
    input: BufReader<TcpStream>,
}

/// Sends requests and checks the answers; the error says what was wrong.
pub(crate) fn run(address: SocketAddr, number: usize) -> Checked<()> {
    for visit in 0..VISITS {
        browse(address, number, visit)?;
    }
    misbehave(address)
}

/// A visit as it should be: all requests on one connection.
fn browse(address: SocketAddr, number: usize, visit: usize) -> Checked<()> {
    let mut server = Connection::open(address)?;
    let user = format!("user {number}");
    let welcome = server.ask("POST", "/login", "", &user)?;
    expect(&welcome, 200, "welcome")?;
    let cookie = format!("Cookie: {}\r\n", welcome.cookie.ok_or("no cookie")?);
    for page in 0..PAGES {
        // Some pages are asked for often, some by one client alone.
        let page = if page % 3 == 0 { page } else { number * 53 + visit * 31 + page * 7 };
        let answer = server.ask("GET", &format!("/page/{page}"), "", "")?;
        expect(&answer, 200, &format!("Primes from {} on:\n", page % 4096 * 1000))?;
    }
    for note in ["buy milk", "read a book", "call home"] {
        expect(&server.ask("POST", "/notes", &cookie, note)?, 201, "noted")?;
    }
    let notes = format!("Notes of {user}:\n- buy milk\n- read a book\n- call home\n");
    expect(&server.ask("GET", "/notes", &cookie, "")?, 200, &notes)?;
    // The last time, everyone forgets to log out.
    if visit + 1 < VISITS {
        expect(&server.ask("POST", "/logout", &cookie, "")?, 204, "")?;
        expect(&server.ask("GET", "/notes", &cookie, "")?, 401, "log in first")?;
    }
    Ok(())
}

/// What no client should do, and a server must survive.
fn misbehave(address: SocketAddr) -> Checked<()> {
    let nowhere = b"GET /nowhere HTTP/1.1\r\n\r\n";
    expect(&alone(address, nowhere)?, 404, "")?;

    // More than a region may hold.
    let length = crate::REQUEST_LIMIT + 1;
    let large = format!("POST /login HTTP/1.1\r\nContent-Length: {length}\r\n\r\n");
    let large = large + &"x".repeat(length);
    expect(&alone(address, large.as_bytes())?, 413, "the request needs more memory")?;

    // A body that is announced, and not even sent.
    let boast = b"POST /login HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n";
    expect(&alone(address, boast)?, 413, "the request needs more memory")?;

    // A head without an end.
    let header = format!("X-Padding: {}\r\n", "y".repeat(100));
    let endless = header.repeat(2 * crate::REQUEST_LIMIT / header.len());
    let endless = format!("GET / HTTP/1.1\r\n{endless}");
    expect(&alone(address, endless.as_bytes())?, 413, "the request needs more memory")?;

    for malformed in ["GET /\r\n\r\n", "GET / HTTP/1.1\r\nno header\r\n\r\n", "GET / HT"] {
        expect(&alone(address, malformed.as_bytes())?, 400, "")?;
    }
    Ok(())
}

/// Sends something on a connection of its own, and nothing after it.
fn alone(address: SocketAddr, bytes: &[u8]) -> Checked<Answer> {
    let mut server = Connection::open(address)?;
    server.send(bytes)?;
    server.stream.shutdown(Shutdown::Write).map_err(text)?;
    server.receive()
}

fn expect(answer: &Answer, status: u16, start: &str) -> Checked<()> {
    if answer.status == status && answer.body.starts_with(start) {
        return Ok(());
    }
    let body = answer.body.lines().next().unwrap_or("");
    Err(format!("expected {status} and {start:?}, not {} and {body:?}", answer.status))
}

fn text(error: impl std::fmt::Display) -> String {
    format!("a client's connection: {error}")
}

impl Connection {
    fn open(address: SocketAddr) -> Checked<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(text)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(text)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(text)?;
        stream.set_nodelay(true).map_err(text)?;
        let input = BufReader::new(stream.try_clone().map_err(text)?);
        Ok(Self { stream, input })
    }

    fn ask(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Checked<Answer> {
        let length = body.len();
        self.send(
            format!(
                "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/plain\r\n{headers}\
                 Content-Length: {length}\r\n\r\n{body}"
            )
            .as_bytes(),
        )?;
        self.receive()
    }

    fn send(&mut self, bytes: &[u8]) -> Checked<()> {
        self.stream.write_all(bytes).map_err(text)
    }

    fn receive(&mut self) -> Checked<Answer> {
        let mut answer = Answer { status: 0, cookie: None, body: String::new() };
        let mut length = 0;
        for number in 0.. {
            let mut line = String::new();
            self.input.read_line(&mut line).map_err(text)?;
            let line = line.trim_end();
            if number == 0 {
                let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
                answer.status =
                    status.and_then(|status| status.parse().ok()).ok_or("no status line")?;
            } else if line.is_empty() {
                break;
            } else if let Some(cookie) = line.strip_prefix("Set-Cookie: ") {
                answer.cookie = Some(cookie.to_owned());
            } else if let Some(digits) = line.strip_prefix("Content-Length: ") {
                length = digits.parse().map_err(text)?;
            }
        }
        let mut body = vec![0; length];
        self.input.read_exact(&mut body).map_err(text)?;
        answer.body = String::from_utf8(body).map_err(text)?;
        Ok(answer)
    }
}
