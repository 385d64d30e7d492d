//! A thread's rows: made at first use, given back when the thread ends.
//!
//! The rows of a thread hang in one list, which the thread's exit hook takes down: it empties every
//! magazine into its lane, gives up the lanes and the rows, and points the homes at the empty row
//! again. Whatever the thread still allocates or frees after that (other exit hooks may) goes to
//! the lanes without magazines; so does everything on a thread for which no hook can be had, and
//! everything where the standard library is missing and nobody has promised that there is but one
//! thread.
//!
//! The hook may never be called: the rows were made by the last of the thread's steps, behind it,
//! or the thread ended without the C library. So a thread's first allocation makes rows, and its
//! first frees do not: a thread that only ends frees a few blocks for the C library. Rows that are left
//! behind all the same are found by way of [life marks](super::life), and closed as the hook would have
//! done; only the homes are not reset, as they went with the thread.

use core::cell::Cell;
use core::ffi::c_void;
use core::ptr::{self, NonNull};

#[cfg(feature = "std")]
use crate::lane::Lane;
use crate::os;
use crate::sync::{AtomicBool, Ordering, light_barrier};
use crate::table::FamilyTable;

#[cfg(feature = "std")]
use super::life::{self, LifeMark};
use super::{EMPTY_ROW, Homes, Row, RowHome};

/// So many frees a thread without rows does one by one, before it is taken for one that lives on them.
const FREES_WITHOUT: u8 = 16;

/// How many magazines the calling thread may have of one cell.
pub(crate) fn most_magazines() -> usize {
    if may_have_rows() { 2 } else { 0 }
}

/// Whether scopes are the calling thread's own.
#[inline(always)]
pub(crate) fn has_scopes() -> bool {
    cfg!(feature = "std") || may_have_rows()
}

/// Whether threads can be told apart, so that the calling one may have rows.
#[cfg(feature = "std")]
fn may_have_rows() -> bool {
    true
}

/// Whether there is nothing to tell apart.
#[cfg(not(feature = "std"))]
fn may_have_rows() -> bool {
    super::one::is_promised()
}

/// Whether the calling thread is changing which rows it has. No lock tells that, and a fork in a signal
/// handler has to know.
#[derive(Debug)]
struct Busy(AtomicBool);

/// It is, as long as this lives.
struct Mark<'a> {
    busy: &'a Busy,
    before: bool,
}

impl Busy {
    const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    fn mark(&self) -> Mark<'_> {
        let before = self.0.load(Ordering::Relaxed);
        self.0.store(true, Ordering::Relaxed);
        // Nothing of what follows is to be done before.
        light_barrier();
        Mark { busy: self, before }
    }
}

impl Drop for Mark<'_> {
    fn drop(&mut self) {
        light_barrier();
        self.busy.0.store(self.before, Ordering::Relaxed);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No row was ever made.
    New,
    /// The exit hook is set.
    Hooked,
    /// It is, but what was made then has been given up.
    #[cfg(feature = "std")]
    Again,
    /// The exit hook has run, or none can be had: there are no rows.
    Without,
}

struct ThreadState {
    stage: Cell<Stage>,
    rows: Cell<*const Row>,
    /// How often it has freed without rows.
    frees: Cell<u8>,
    /// None before its first row, and where none can be had.
    #[cfg(feature = "std")]
    mark: Cell<Option<&'static LifeMark>>,
    /// Whether rows come or go.
    busy: Busy,
}

impl ThreadState {
    const fn new() -> Self {
        Self {
            stage: Cell::new(Stage::New),
            rows: Cell::new(ptr::null()),
            frees: Cell::new(0),
            #[cfg(feature = "std")]
            mark: Cell::new(None),
            busy: Busy::new(),
        }
    }

    /// Makes `rows` the list of the thread's rows, and returns what it was.
    fn replace_rows(&self, rows: *const Row) -> *const Row {
        #[cfg(feature = "std")]
        if let Some(mark) = self.mark.get() {
            mark.rows.store(rows.cast_mut(), Ordering::Relaxed);
        }
        self.rows.replace(rows)
    }
}

#[cfg(feature = "std")]
std::thread_local! {
    // No destructor, so that it can be used until the very end of the thread.
    static THREAD: ThreadState = const { ThreadState::new() };
}

#[cfg(not(feature = "std"))]
static THREAD: super::one::OneThread<ThreadState> = super::one::OneThread::new(ThreadState::new());

/// The calling thread's row of a family, made now if this is its first use; `None` where the
/// thread has to do without.
pub(crate) fn row<'a>(home: &'a RowHome, family: &'static FamilyTable) -> Option<&'a Row> {
    if home.row().is_empty_row() { make_row(family) } else { Some(home.row()) }
}

/// [`row`] for a thread that frees: `None` also where it has no rows at all and has not freed much.
pub(crate) fn row_to_free<'a>(home: &'a RowHome, family: &'static FamilyTable) -> Option<&'a Row> {
    if home.row().is_empty_row() && THREAD.with(frees_in_passing) {
        return None;
    }
    row(home, family)
}

/// Whether a thread that frees has no rows yet, and shall have none for it. Counts.
fn frees_in_passing(thread: &ThreadState) -> bool {
    let frees = thread.frees.get();
    let in_passing = thread.stage.get() == Stage::New && frees < FREES_WITHOUT;
    if in_passing {
        thread.frees.set(frees + 1);
    }
    in_passing
}

fn make_row<'a>(family: &'static FamilyTable) -> Option<&'a Row> {
    if !may_have_rows() {
        return None;
    }
    THREAD.with(|thread| {
        match thread.stage.get() {
            Stage::Without => return None,
            Stage::Hooked => {}
            #[cfg(feature = "std")]
            Stage::Again => {
                thread.stage.set(Stage::Hooked);
                begin_life(thread, family);
            }
            Stage::New => {
                // Setting the hook may allocate (glibc does for keys from 32 on): until it is set
                // this thread does without.
                thread.stage.set(Stage::Without);
                // Any value but null makes the hook run.
                let value = ptr::from_ref(thread).cast_mut().cast::<c_void>();
                if !os::exit_hook(end_thread, value) {
                    return None;
                }
                #[cfg(feature = "std")]
                begin_life(thread, family);
                thread.stage.set(Stage::Hooked);
            }
        }
        // Where a signal handler comes in here and forks, its child inherits lists that may be half
        // changed. This tells it so, and it starts over.
        let _busy = thread.busy.mark();
        let raw = family.holding.space.take_table::<Row>().ok()?;
        // SAFETY: room for a row, ours alone. A row of zeros is an empty row.
        unsafe { raw.write_bytes(0, 1) };
        // SAFETY: initialised just now.
        let row = unsafe { raw.as_ref() };
        row.family.store(ptr::from_ref(family).cast_mut(), Ordering::Relaxed);
        row.next_of_thread.store(thread.rows.get().cast_mut(), Ordering::Relaxed);
        thread.replace_rows(raw.as_ptr());
        // SAFETY: written just now.
        let links = unsafe { Row::links_of(raw) };
        // SAFETY: in no list yet; `close` takes it out.
        unsafe { family.rows.lock().insert(links) };
        // Not where a signal handler's child has started over meanwhile and gone on.
        if !family.holding.space.is_given_up() {
            point_home(family, raw.as_ptr());
        }
        #[cfg(feature = "std")]
        super::background::wake();
        Some(row)
    })
}

/// Gives the calling thread its life mark, and looks at some of those of others.
#[cfg(feature = "std")]
fn begin_life(thread: &ThreadState, family: &FamilyTable) {
    thread.mark.set(life::begin(family.holding.space));
    close_rows_of_dead(life::LOOKS);
}

/// The exit hook.
unsafe extern "C" fn end_thread(_: *mut c_void) {
    THREAD.with(|thread| {
        // First: what is allocated or freed from here on must not make a thread cache again, as nobody
        // would close it.
        thread.stage.set(Stage::Without);
    });
    close_rows();
    #[cfg(feature = "std")]
    if let Some(mark) = THREAD.with(|thread| thread.mark.take()) {
        life::end(mark);
    }
}

/// Closes the rows that threads which are gone have left behind. Looks at some of the life marks; the
/// next time at the next.
pub(crate) fn close_some_of_dead() {
    #[cfg(feature = "std")]
    close_rows_of_dead(life::LOOKS);
}

/// [`close_all_of_dead`] where another thread has a row of this family. Nobody holds the family still.
pub(crate) fn close_dead_users(family: &FamilyTable) {
    if !is_only_user(family) {
        close_all_of_dead();
    }
}

/// Closes all rows that threads which are gone have left behind.
pub(crate) fn close_all_of_dead() {
    #[cfg(feature = "std")]
    close_rows_of_dead(life::all());
}

#[cfg(feature = "std")]
fn close_rows_of_dead(mut looks: usize) {
    while let Some(dead) = life::next_dead(&mut looks) {
        // SAFETY: rows of a thread that is gone, whose list nobody else has.
        unsafe { close_list(dead.rows(), Home::Gone) };
    }
}

/// For the child of a fork: the calling thread is known by another name.
#[cfg(feature = "std")]
pub(super) fn begin_again() {
    THREAD.with(|thread| thread.mark.set(life::begin_again(thread.mark.get())));
}

/// Gives back all rows of the calling thread. Those that it needs again are made anew.
pub(crate) fn close_rows() {
    if !may_have_rows() {
        return;
    }
    super::attend();
    THREAD.with(|thread| {
        let _busy = thread.busy.mark();
        let rows = thread.replace_rows(ptr::null());
        // SAFETY: rows of this thread, taken out of its list.
        unsafe { close_list(rows, Home::Here) };
    });
}

/// What has become of the homes of rows that are to be closed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Home {
    /// They are the calling thread's.
    Here,
    /// They went with their thread.
    #[cfg(feature = "std")]
    Gone,
}

/// Closes a thread's rows.
///
/// # Safety
///
/// They are the calling thread's, or those of one that is gone, and in no thread's list any more.
unsafe fn close_list(mut next: *const Row, home: Home) {
    while let Some(raw) = NonNull::new(next.cast_mut()) {
        // SAFETY: rows are valid until closed.
        next = unsafe { raw.as_ref() }.next_of_thread.load(Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { close(raw, home) };
    }
    // These may have been the last.
    #[cfg(feature = "std")]
    super::background::wake();
}

/// Empties a row and gives it back.
///
/// # Safety
///
/// As for [`close_list`], for this row.
unsafe fn close(raw: NonNull<Row>, home: Home) {
    // SAFETY: valid (contract).
    let row = unsafe { raw.as_ref() };
    let family = family_of(row);
    // From here on the thread takes the slow path, and finds nothing of what is taken apart.
    if home == Home::Here {
        point_home(family, EMPTY_ROW.as_row());
    }
    // Others may be at it, since it is still in the family's list: this waits, and keeps them out until
    // it is not.
    let turn = row.begin();
    for (class, head) in row.heads.iter().enumerate() {
        if let Some(lane) = head.lane() {
            let magazines = [Some(head.unload(class)), head.take_previous()];
            head.forget_lane();
            lane.retire(magazines);
        }
    }
    // SAFETY: valid (contract).
    let links = unsafe { Row::links_of(raw) };
    // After the lanes have all: as long as it is listed, a walk knows that some slots are in nobody's sight.
    // SAFETY: in this list since it was made.
    unsafe { family.rows.lock().remove(links) };
    // Its end is written to what is given back next.
    drop(turn);
    // SAFETY: from this space, and nobody refers to it any more.
    unsafe { family.holding.space.give_table(raw) };
}

/// Empties all magazines of the calling thread.
pub(crate) fn unload_rows() {
    super::attend();
    rows().for_each(unload_row);
}

/// Empties the calling thread's magazines of a family.
pub(crate) fn unload_rows_of(family: &FamilyTable) {
    rows_of(family).for_each(unload_row);
}

/// Drops all addresses in the calling thread's magazines of a family; returns how many.
pub(crate) fn forget_rows_of(family: &FamilyTable) -> usize {
    rows_of(family).map(forget_row).sum()
}

/// Whether no other thread has a row of this family.
pub(crate) fn is_only_user(family: &FamilyTable) -> bool {
    let all = family.rows.lock().iter().count();
    all == rows_of(family).count()
}

/// Takes all rows of a family but the calling thread's off its list and gives them back, magazines and
/// all that is in them left alone; returns how many. For the child of a fork: their threads are no more.
#[cfg(feature = "std")]
pub(super) fn close_rows_of_others(family: &FamilyTable) -> usize {
    let mut list = family.rows.lock();
    let mut closed = 0;
    loop {
        // SAFETY: rows in the list stay valid while the list is locked.
        let row_of = |links| unsafe { Row::of_links(links) };
        let is_own = |row: &Row| rows_of(family).any(|own| ptr::eq(own, row));
        let Some(other) = list.iter().find(|&links| !is_own(row_of(links))) else { return closed };
        // SAFETY: the links of a row.
        let row = unsafe { Row::at_links(other) };
        // SAFETY: in this list, which is locked.
        unsafe { list.remove(other) };
        // SAFETY: from this space, and nobody refers to it: the home was in the storage of its thread.
        unsafe { family.holding.space.give_table(row) };
        closed += 1;
    }
}

/// How many rows of the calling thread have been assigned this lane of a family: one at the most.
#[cfg(feature = "std")]
pub(super) fn rows_with_lane(family: &FamilyTable, lane: &Lane) -> usize {
    let has = |row: &&Row| row.heads[lane.class].lane().is_some_and(|it| ptr::eq(it, lane));
    rows_of(family).filter(has).count()
}

/// Whether the calling thread is in the midst of changing a row: it has interrupted itself.
#[cfg(feature = "std")]
pub(super) fn is_busy() -> bool {
    THREAD.with(|thread| thread.busy.0.load(Ordering::Relaxed)) || rows().any(Row::is_in_turn)
}

/// Has the calling thread's homes point at the empty row, so that whatever it allocates or frees is out of
/// line.
#[cfg(feature = "std")]
pub(super) fn hide_rows() {
    rows().for_each(|row| point_home(family_of(row), EMPTY_ROW.as_row()));
}

/// Ends what [`hide_rows`] began.
#[cfg(feature = "std")]
pub(super) fn show_rows() {
    rows().for_each(|row| point_home(family_of(row), row));
}

/// Leaves the calling thread's rows where they are, and its life mark, and has it do without until it makes
/// others.
#[cfg(feature = "std")]
pub(super) fn forget_rows() {
    hide_rows();
    THREAD.with(|thread| {
        thread.rows.set(ptr::null());
        thread.mark.set(None);
        if thread.stage.get() == Stage::Hooked {
            thread.stage.set(Stage::Again);
        }
        thread.busy.0.store(false, Ordering::Relaxed);
    });
    life::start_over();
}

/// The family of a row.
fn family_of(row: &Row) -> &'static FamilyTable {
    // SAFETY: families live as long as the process.
    unsafe { &*row.family.load(Ordering::Relaxed) }
}

/// Points the calling thread's home of a family at its row, or at the empty one.
fn point_home(family: &FamilyTable, row: *const Row) {
    let homes = (family.homes)().cast::<Homes<0>>();
    // SAFETY: the homes of this thread, which still runs, for the set of this family.
    unsafe { Homes::point(homes, family.holding.index, row) };
}

fn unload_row(row: &Row) {
    let _turn = row.begin();
    for (class, head) in row.heads.iter().enumerate() {
        if let Some(lane) = head.lane() {
            head.empty_each(class, |magazine| lane.unload(magazine));
        }
    }
}

fn forget_row(row: &Row) -> usize {
    let mut forgotten = 0;
    let _turn = row.begin();
    for (class, head) in row.heads.iter().enumerate() {
        if let Some(lane) = head.lane() {
            // Before, since a forgotten slot looks as if the program had it.
            lane.note_peak_now();
            head.empty_each(class, |magazine| forgotten += magazine.clear());
        }
    }
    forgotten
}

/// Whether the calling thread has `slot` in a magazine of this class and family.
pub(crate) fn holds(family: &FamilyTable, class: usize, slot: NonNull<u8>) -> bool {
    rows_of(family).any(|row| {
        let _turn = row.begin();
        row.heads[class].slots(class).any(|held| held == slot.as_ptr())
    })
}

/// Does something while nobody takes slots from the calling thread's magazines. Where another thread does just
/// now, it returns `None` and does nothing. Waits for no one, and may be called in the midst of anything.
pub(crate) fn undisturbed<R>(work: impl FnOnce() -> R) -> Option<R> {
    undisturbed_from(rows(), work)
}

fn undisturbed_from<R>(
    mut rows: impl Iterator<Item = &'static Row>,
    work: impl FnOnce() -> R,
) -> Option<R> {
    match rows.next() {
        Some(row) => {
            // By recursion, since each turn has to last as long as the work, and there is no memory for
            // a list of them.
            let _turn = row.try_begin()?;
            undisturbed_from(rows, work)
        }
        None => Some(work()),
    }
}

/// Calls `visit` with the slots of each of the calling thread's magazines of a class and family. The caller
/// is [`undisturbed`].
pub(crate) fn for_each_magazine(
    family: &FamilyTable,
    class: usize,
    mut visit: impl FnMut(&[*mut u8]),
) {
    rows_of(family).for_each(|row| row.heads[class].for_each_magazine(class, &mut visit));
}

/// Calls `visit` with every address in the calling thread's magazines of a class and family. Where the
/// caller holds the lock of a lane, it holds that of the family's growth as well.
pub(crate) fn for_each_slot(family: &FamilyTable, class: usize, mut visit: impl FnMut(*mut u8)) {
    for row in rows_of(family) {
        let _turn = row.begin();
        row.heads[class].slots(class).for_each(&mut visit);
    }
}

/// The calling thread's rows of a family: one at the most.
fn rows_of(family: &FamilyTable) -> impl Iterator<Item = &'static Row> {
    rows().filter(move |row| ptr::eq(row.family.load(Ordering::Relaxed), family))
}

/// The calling thread's rows.
fn rows() -> impl Iterator<Item = &'static Row> {
    let mut next = THREAD.with(|thread| thread.rows.get());
    core::iter::from_fn(move || {
        // SAFETY: rows in the thread's list are valid until they are closed, which they
        // are not while this iterator, which cannot leave this module, is in use.
        let row = unsafe { next.as_ref() }?;
        next = row.next_of_thread.load(Ordering::Relaxed);
        Some(row)
    })
}
