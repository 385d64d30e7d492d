//! A game loop whose memory is sorted by how long things live.
//!
//! ```text
//! cargo run --release --example game_loop
//! ```
//!
//! The game is a small tower defence that plays itself: raiders walk to the gate by the shortest way,
//! towers shoot at them. Three levels, then the scores. What it allocates has one of three lifetimes:
//!
//! | family    | what                                      | dies                                      |
//! |-----------|-------------------------------------------|-------------------------------------------|
//! | `Frame`   | particles, draw commands, canvas, texts   | after each frame: `Region::reset`         |
//! | `Level`   | the map and its graph, towers             | with the level: its `Region` is dropped   |
//! |           | raiders                                   | one by one, when shot: `FamilyBox`        |
//! | `Forever` | names, scores                             | with the program                          |
//!
//! Nothing here counts references or has a destructor, and nothing is freed by hand. (The lists of raiders,
//! blasts and names are `Vec`s of handles, which come from the global allocator like everywhere.)

mod forever;
mod level;
mod picture;
mod random;

use famalloc::{FamilyBox, Region, Snapshot, alloc_family, reclaim};

use forever::{Name, Names, Score};
use level::{Battle, Map};
use picture::picture;
use random::Random;

/// The lifetimes of the game. Each variant is a family; the macro makes a type of each, in a module
/// named after the enum: `lives::Frame`, `lives::Level`, `lives::Forever`.
#[alloc_family]
enum Lives {
    /// One frame. The region takes 256 KiB of addresses at once, of which only what is used is touched,
    /// so that no frame ever needs another chunk.
    #[family(block = "256 KiB")]
    Frame,
    /// One level.
    Level,
    /// As long as the program.
    Forever,
}

/// What the level under way tells the outside.
struct Played {
    shot: u32,
    escaped: u32,
    frames: u32,
    checksum: u32,
    /// The bytes that the family had when the level ended.
    held: usize,
}

/// Plays one level. The region of the level lives exactly as long as this call.
fn play(
    frame: &mut Region<lives::Frame>,
    names: &mut Names,
    title: Name,
    random: &mut Random,
    (towers, raiders): (usize, u32),
) -> Played {
    let level = Region::<lives::Level>::new();
    let kinds = ["imp", "orc", "troll"].map(|kind| names.intern(kind));
    let map = Map::new(&level, random, towers);
    let mut battle = Battle {
        map,
        raiders: Vec::new(),
        blasts: Vec::new(),
        to_come: raiders,
        shot: 0,
        escaped: 0,
    };
    let (mut now, mut checksum) = (0, 0_u32);
    while !battle.is_over() {
        now += 1;
        battle.advance(now, random, kinds);
        let picture = picture(frame, &battle, names, title, now);
        for byte in picture.bytes() {
            checksum = (checksum ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
        if now == 400 {
            println!("{picture}");
        }
        // Everything of this frame is gone: a few instructions, whatever there was. `picture` cannot be
        // used from here on; the compiler would say so.
        frame.reset();
    }
    println!(
        "  the map took {:.1} KiB of the level's region; {raiders} raiders came and went in boxes",
        level.usage().live_bytes as f64 / 1024.0,
    );
    let held = committed("Level");
    Played { shot: battle.shot, escaped: battle.escaped, frames: now, checksum, held }
    // Here `level` is dropped: the map goes as a whole, without a look at any tile.
}

fn committed(family: &str) -> usize {
    Snapshot::of::<Lives>().family(family).map_or(0, |family| family.committed_bytes)
}

fn main() {
    let mut names = Names::default();
    let mut scores: Option<FamilyBox<Score>> = None;
    let mut random = Random(0x2545_f491);
    let mut frame = Region::<lives::Frame>::new();
    // The first frame is when the region takes its chunk. Done here, so that the rest can be compared.
    frame.alloc_str("warming up");
    frame.reset();

    let levels = [("The Ford", 8, 160), ("The Palisade", 14, 300), ("The Gate", 24, 700)];
    for (title, towers, raiders) in levels {
        let title = names.intern(title);
        let before = Snapshot::of::<Lives>();
        let played = play(&mut frame, &mut names, title, &mut random, (towers, raiders));

        // No frame has taken anything: neither memory, nor as much as a lock to ask for it.
        let after = Snapshot::of::<Lives>();
        let (before, after) = (before.family("Frame").unwrap(), after.family("Frame").unwrap());
        let taken = after.peak_committed_bytes - before.committed_bytes;
        let locks = after.lock_acquisitions - before.lock_acquisitions;
        println!(
            "  {} frames took {taken} bytes from the system and {locks} locks; the region has {} KiB",
            played.frames,
            frame.allocated_bytes() / 1024
        );

        // The level is over, and its family empty. What it had would be used again by the next level; here
        // it goes back to the system instead, whole, because nothing that lives on lies in between.
        let dropped = committed("Level");
        reclaim(usize::MAX);
        println!(
            "  the level's family held {} KiB at its end, {} with its region dropped, {} reclaimed\n",
            played.held / 1024,
            dropped / 1024,
            committed("Level") / 1024
        );

        let Played { shot, escaped, frames, checksum, .. } = played;
        scores = Some(FamilyBox::new(Score {
            level: title,
            shot,
            escaped,
            frames,
            checksum,
            before: scores,
        }));
    }

    println!("level            shot  escaped  frames  checksum");
    let mut next = scores.as_ref();
    while let Some(score) = next {
        println!(
            "{:<15} {:>5}  {:>7}  {:>6}  {:08x}",
            names.text(score.level),
            score.shot,
            score.escaped,
            score.frames,
            score.checksum
        );
        next = score.before.as_ref();
    }
    println!("\n{}", Snapshot::of::<Lives>());
}
