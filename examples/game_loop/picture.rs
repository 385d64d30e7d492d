//! What lives for a frame: particles, draw commands, the canvas, texts.

use std::fmt::Write;

use famalloc::Region;

use crate::forever::{Name, Names};
use crate::level::{BLAST, Battle, HEIGHT, Tile, WIDTH};
use crate::lives;

/// Where the particles of a blast fly to.
const DIRECTIONS: [(f32, f32); 8] = [
    (2.0, 0.0),
    (1.4, 0.7),
    (0.0, 1.0),
    (-1.4, 0.7),
    (-2.0, 0.0),
    (-1.4, -0.7),
    (0.0, -1.0),
    (1.4, -0.7),
];

/// One character to draw; higher layers cover lower ones.
#[derive(Clone, Copy)]
struct Draw {
    layer: u8,
    at: u16,
    glyph: u8,
}

/// Makes the picture of a frame. All of it lies in the frame's region, and so does what is returned:
/// the compiler sees to it that nobody keeps the text beyond the reset.
pub(crate) fn picture<'f>(
    frame: &'f Region<lives::Frame>,
    battle: &Battle<'_>,
    names: &Names,
    title: Name,
    now: u32,
) -> &'f str {
    // Particles are a function of the age of their blast, so they live no longer than the picture.
    let particles = frame.alloc_slice_fill_iter(battle.blasts.iter().flat_map(|blast| {
        let age = (now - blast.since) as f32 / BLAST as f32;
        (0..24).map(move |number| {
            let (x, y) = DIRECTIONS[number % DIRECTIONS.len()];
            let speed = 1.0 + (number % 5) as f32 * 0.5;
            let fall = age * age * 2.0;
            (blast.tile.x as f32 + x * speed * age, blast.tile.y as f32 + y * speed * age + fall)
        })
    }));
    let inside = |&&(x, y): &&(f32, f32)| {
        (0.0..WIDTH as f32).contains(&x) && (0.0..HEIGHT as f32).contains(&y)
    };
    let place = |tile: &Tile<'_>| (tile.y * WIDTH + tile.x) as u16;
    let ground = battle.map.tiles.iter().filter(|tile| tile.wall);
    let ground = ground.map(|tile| Draw { layer: 0, at: place(tile), glyph: b'#' });
    let towers = battle.map.towers.iter();
    let towers = towers.map(|tower| Draw { layer: 1, at: place(tower.tile), glyph: b'A' });
    let raiders = battle.raiders.iter().map(|raider| Draw {
        layer: 2,
        at: place(raider.tile),
        glyph: names.text(raider.kind).as_bytes()[0],
    });
    let dust = particles.iter().filter(inside).map(|&(x, y)| Draw {
        layer: 3,
        at: (y as usize * WIDTH + x as usize) as u16,
        glyph: b'*',
    });
    // A renderer sorts its commands; here by layer, then in the order of memory.
    let commands = frame.alloc_slice_fill_iter(ground.chain(towers).chain(raiders).chain(dust));
    commands.sort_unstable_by_key(|command| (command.layer, command.at));
    let canvas = frame.alloc_slice_fill_copy(WIDTH * HEIGHT, b' ');
    for command in &*commands {
        canvas[usize::from(command.at)] = command.glyph;
    }
    // Formatted straight into the region: `format!` without a `String`.
    let status = frame.alloc_fmt(format_args!(
        "{}, frame {now}: {} raiders, {} shot, {} escaped, {} particles",
        names.text(title),
        battle.raiders.len(),
        battle.shot,
        battle.escaped,
        particles.len(),
    ));
    let lines = canvas.chunks(WIDTH).map(|line| std::str::from_utf8(line).unwrap_or("?"));
    let lines = frame.alloc_slice_fill_iter(lines);
    frame.alloc_fmt(format_args!("{status}\n{}", Lines(lines)))
}

/// Lines of text, joined without an allocation between.
struct Lines<'f>(&'f [&'f str]);

impl std::fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for line in self.0 {
            f.write_str(line.trim_end())?;
            f.write_char('\n')?;
        }
        Ok(())
    }
}
