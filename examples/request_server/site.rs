//! What the server serves: pages from a cache, and notes of those who are logged in.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use famalloc::{AllocError, FamilyBox, Region, alloc_family};

// `Lives::Session` in an attribute stands for `lives::Session`: the module is what has to be in scope.
use crate::http::{Request, Response};
use crate::lives;

/// What outlives a request.
#[derive(Default)]
pub(crate) struct Site {
    sessions: Mutex<Sessions>,
    cache: Mutex<Cache>,
}

/// Everyone who is logged in.
#[derive(Default)]
struct Sessions {
    open: HashMap<u64, FamilyBox<Session>>,
    latest: u64,
}

/// Who is logged in, and what they wrote. The texts have no family of their own, so their type names it.
#[alloc_family(Lives::Session)]
struct Session {
    user: FamilyBox<str, lives::Session>,
    notes: Vec<FamilyBox<str, lives::Session>>,
}

/// A rendered page. All pages are of one size, so that the room of one is room for any other.
#[alloc_family(Lives::Cache)]
struct Page {
    len: usize,
    text: [u8; Page::MOST],
}

impl Page {
    const MOST: usize = (8 << 10) - size_of::<usize>();

    fn new(text: &[u8]) -> Self {
        let mut page = Self { len: text.len(), text: [0; Self::MOST] };
        page.text[..text.len()].copy_from_slice(text);
        page
    }
}

/// Pages, the oldest first. How many there may be is nobody's business but the family's.
#[derive(Default)]
struct Cache {
    pages: BTreeMap<u32, FamilyBox<Page>>,
    by_age: VecDeque<u32>,
}

impl Cache {
    fn insert(&mut self, number: u32, text: &[u8]) {
        if text.len() > Page::MOST || self.pages.contains_key(&number) {
            return;
        }
        // A family at its limit refuses, and nothing is lost: what goes first is up to the program.
        let page = loop {
            match FamilyBox::try_new_with(|| Page::new(text)) {
                Ok(page) => break page,
                Err(_) => match self.by_age.pop_front() {
                    Some(oldest) => drop(self.pages.remove(&oldest)),
                    None => return,
                },
            }
        };
        self.pages.insert(number, page);
        self.by_age.push_back(number);
    }
}

/// Whatever a thread was at when it panicked, maps and boxes are whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Site {
    /// How many are logged in.
    pub(crate) fn sessions(&self) -> usize {
        lock(&self.sessions).open.len()
    }

    /// Answers a request. Whatever that takes comes from the region; when it has no more to give, the
    /// error ends the request and nothing else.
    pub(crate) fn answer<'r>(
        &self,
        region: &'r Region<lives::Request>,
        request: &Request<'r>,
    ) -> Result<Response<'r>, AllocError> {
        let path = region.try_alloc_slice_fill_iter(request.path.split('/').skip(1))?;
        match (request.method, &*path) {
            ("GET", ["page", number]) => match number.parse() {
                Ok(number) => Ok(Response::new(200, self.page(region, number)?)),
                Err(_) => Ok(Response::new(404, b"pages have numbers\n")),
            },
            ("POST", ["login"]) => self.log_in(request),
            (method, ["notes" | "logout"]) => {
                let mut sessions = lock(&self.sessions);
                let token = token_of(request);
                let Some(session) = token.and_then(|token| sessions.open.get_mut(&token)) else {
                    return Ok(Response::new(401, b"log in first\n"));
                };
                match (method, path[0]) {
                    ("POST", "notes") => {
                        let Ok(text) = std::str::from_utf8(request.body) else {
                            return Ok(Response::new(400, b"notes are text\n"));
                        };
                        session.notes.push(FamilyBox::from(text));
                        Ok(Response::new(201, b"noted\n"))
                    }
                    ("GET", "notes") => {
                        // The session may be gone a moment later: the answer is a text of the region's.
                        let text = region.try_alloc_fmt(format_args!("{session}"))?;
                        Ok(Response::new(200, text.as_bytes()))
                    }
                    ("POST", "logout") => {
                        let session = token.and_then(|token| sessions.open.remove(&token));
                        drop(sessions);
                        // Everything of the session goes here, without the lock.
                        drop(session);
                        Ok(Response::new(204, b""))
                    }
                    _ => Ok(Response::new(404, b"no such thing\n")),
                }
            }
            _ => Ok(Response::new(404, b"no such thing\n")),
        }
    }

    fn log_in<'r>(&self, request: &Request<'r>) -> Result<Response<'r>, AllocError> {
        let user = match std::str::from_utf8(request.body) {
            Ok(user) if !user.is_empty() => user,
            _ => return Ok(Response::new(400, b"who?\n")),
        };
        let session =
            FamilyBox::try_new_with(|| Session { user: FamilyBox::from(user), notes: Vec::new() })?;
        let mut sessions = lock(&self.sessions);
        sessions.latest += 1;
        // Anyone could guess it. A server that is not an example draws it at random.
        let token = sessions.latest.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        sessions.open.insert(token, session);
        Ok(Response { cookie: Some(token), ..Response::new(200, b"welcome\n") })
    }

    /// A page, from the cache if it is there.
    fn page<'r>(
        &self,
        region: &'r Region<lives::Request>,
        number: u32,
    ) -> Result<&'r [u8], AllocError> {
        if let Some(page) = lock(&self.cache).pages.get(&number) {
            return Ok(region.try_alloc_slice_copy(&page.text[..page.len])?);
        }
        let text = render(region, number)?.as_bytes();
        lock(&self.cache).insert(number, text);
        Ok(text)
    }
}

/// The session that a request names in its cookie.
fn token_of(request: &Request<'_>) -> Option<u64> {
    let token = request.header("cookie")?.strip_prefix("session=")?;
    u64::from_str_radix(token, 16).ok()
}

/// A page that takes some work: primes, ten to a line. The tables it needs are the request's, too.
fn render(region: &Region<lives::Request>, number: u32) -> Result<&str, AllocError> {
    let (first, count) = (number as usize % 4096 * 1000, 8000);
    let composite = region.try_alloc_slice_fill_copy(count, false)?;
    let root = (first + count).isqrt();
    for factor in 2..=root {
        let multiple = (factor * factor).max(first.next_multiple_of(factor));
        for at in (multiple..first + count).step_by(factor) {
            composite[at - first] = true;
        }
    }
    let numbers = composite.iter().enumerate().filter(|(_, composite)| !**composite);
    let primes = region.try_alloc_slice_fill_iter(
        numbers.map(|(at, _)| first + at).filter(|number| *number > 1),
    )?;
    Ok(region.try_alloc_fmt(format_args!("Primes from {first} on:\n{}", Table(primes)))?)
}

struct Table<'r>(&'r [usize]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.0.chunks(10) {
            for number in line {
                write!(f, "{number} ")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Notes of {}:", self.user)?;
        self.notes.iter().try_for_each(|note| writeln!(f, "- {note}"))
    }
}
