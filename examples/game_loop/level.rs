//! What lives as long as a level: the map and its graph, towers, raiders. And the rules of the game.

use std::cell::Cell;

use famalloc::{FamilyBox, Region, alloc_family};

use crate::forever::Name;
use crate::lives;
use crate::random::Random;

pub(crate) const WIDTH: usize = 72;
pub(crate) const HEIGHT: usize = 18;

/// A tile of the map. Tiles refer to each other by plain references: they live in one region, so none
/// outlives another, and a graph with cycles is no trouble.
pub(crate) struct Tile<'l> {
    pub(crate) x: usize,
    pub(crate) y: usize,
    pub(crate) wall: bool,
    /// Steps to the gate.
    pub(crate) distance: Cell<u32>,
    /// The next tile on the way to the gate.
    pub(crate) next: Cell<Option<&'l Tile<'l>>>,
}

/// Built on a wall, once and for all.
pub(crate) struct Tower<'l> {
    pub(crate) tile: &'l Tile<'l>,
    pub(crate) loaded_at: Cell<u32>,
}

/// Raiders come and go one at a time, so each is a box of its own. Its memory is still the level's,
/// and what one raider leaves is used by the next.
#[alloc_family(Lives::Level)]
pub(crate) struct Raider<'l> {
    pub(crate) kind: Name,
    pub(crate) tile: &'l Tile<'l>,
    pub(crate) health: i32,
    /// Frames per tile.
    pub(crate) pace: u32,
    pub(crate) steps_at: u32,
}

/// Where a raider was shot, until the dust settles.
#[derive(Clone, Copy)]
pub(crate) struct Blast<'l> {
    pub(crate) tile: &'l Tile<'l>,
    pub(crate) since: u32,
}

pub(crate) struct Map<'l> {
    pub(crate) tiles: &'l [Tile<'l>],
    pub(crate) towers: &'l [Tower<'l>],
    pub(crate) start: &'l Tile<'l>,
}

/// How long a blast is seen.
pub(crate) const BLAST: u32 = 40;
/// How far a tower reaches.
const REACH: usize = 5;

impl<'l> Map<'l> {
    /// Draws up a map in the level's region. Everything in it is gone when the region is.
    pub(crate) fn new(level: &'l Region<lives::Level>, random: &mut Random, towers: usize) -> Self {
        // A slice is made in place, from a function of the position; no `Vec` is filled and copied.
        let tiles: &'l [Tile<'l>] = level.alloc_slice_fill_with(WIDTH * HEIGHT, |at| {
            let (x, y) = (at % WIDTH, at / WIDTH);
            let border = y == 0 || y == HEIGHT - 1 || x == 0 || x == WIDTH - 1;
            // A palisade at every eighth column, open at one end.
            let palisade = x % 8 == 4 && if x % 16 == 4 { y > 3 } else { y < HEIGHT - 4 };
            let rock = x > 2 && x < WIDTH - 3 && random.below(14) == 0;
            let path = x % 8 != 4 && (y == 2 || y == HEIGHT - 3);
            Tile {
                x,
                y,
                wall: border || palisade || rock && !path,
                distance: Cell::new(u32::MAX),
                next: Cell::new(None),
            }
        });
        let (start, gate) = (&tiles[2 * WIDTH + 1], &tiles[2 * WIDTH + WIDTH - 2]);
        find_ways(level, tiles, gate);
        // `from_iter` for slices: how many tiles fit is not known before.
        let sites = level.alloc_slice_fill_iter(tiles.iter().filter(|tile| {
            let near = neighbours(tiles, tile);
            tile.wall && near.filter(|tile| tile.next.get().is_some()).count() >= 2
        }));
        random.shuffle(sites);
        let towers = level.alloc_slice_fill_iter(
            sites.iter().take(towers).map(|&tile| Tower { tile, loaded_at: Cell::new(0) }),
        );
        Self { tiles, towers, start }
    }
}

/// Finds the shortest way to the gate from everywhere, breadth first.
fn find_ways<'l>(level: &Region<lives::Level>, tiles: &'l [Tile<'l>], gate: &'l Tile<'l>) {
    // The queue is needed no longer than this call: a scope is a region within the region, and its
    // memory is there for the next scope when it ends.
    level.nested(|scratch| {
        let queue = scratch.alloc_slice_fill_copy(tiles.len(), gate);
        let (mut first, mut last) = (0, 1);
        gate.distance.set(0);
        while first < last {
            let tile = queue[first];
            first += 1;
            for near in neighbours(tiles, tile) {
                if !near.wall && near.distance.get() == u32::MAX {
                    near.distance.set(tile.distance.get() + 1);
                    near.next.set(Some(tile));
                    queue[last] = near;
                    last += 1;
                }
            }
        }
    });
}

fn neighbours<'l>(
    tiles: &'l [Tile<'l>],
    tile: &Tile<'l>,
) -> impl Iterator<Item = &'l Tile<'l>> + use<'l> {
    let at = tile.y * WIDTH + tile.x;
    [at.wrapping_sub(WIDTH), at.wrapping_sub(1), at + 1, at + WIDTH]
        .into_iter()
        .filter_map(|near| tiles.get(near))
}

/// A level in progress.
pub(crate) struct Battle<'l> {
    pub(crate) map: Map<'l>,
    pub(crate) raiders: Vec<FamilyBox<Raider<'l>>>,
    pub(crate) blasts: Vec<Blast<'l>>,
    pub(crate) to_come: u32,
    pub(crate) shot: u32,
    pub(crate) escaped: u32,
}

impl<'l> Battle<'l> {
    /// One frame of the game's rules.
    pub(crate) fn advance(&mut self, now: u32, random: &mut Random, kinds: [Name; 3]) {
        if self.to_come > 0 && random.below(9) == 0 {
            self.to_come -= 1;
            let kind = random.below(3);
            self.raiders.push(FamilyBox::new(Raider {
                kind: kinds[kind],
                tile: self.map.start,
                health: [3, 5, 11][kind],
                pace: [2, 4, 7][kind],
                steps_at: now + 1,
            }));
        }
        for raider in &mut self.raiders {
            if raider.steps_at <= now {
                raider.steps_at = now + raider.pace;
                raider.tile = raider.tile.next.get().unwrap_or(raider.tile);
            }
        }
        for tower in self.map.towers.iter().filter(|tower| tower.loaded_at.get() <= now) {
            let reached = |raider: &&mut FamilyBox<Raider<'_>>| {
                let (x, y) = (raider.tile.x, raider.tile.y);
                x.abs_diff(tower.tile.x) + y.abs_diff(tower.tile.y) <= REACH && raider.health > 0
            };
            let nearest_the_gate = |raider: &&mut FamilyBox<Raider<'_>>| raider.tile.distance.get();
            let target = self.raiders.iter_mut().filter(reached).min_by_key(nearest_the_gate);
            if let Some(raider) = target {
                raider.health -= 1;
                tower.loaded_at.set(now + 7);
            }
        }
        // Dropping a box gives its slot back to the family at once.
        self.raiders.retain(|raider| {
            let (shot, escaped) = (raider.health <= 0, raider.tile.distance.get() == 0);
            if shot {
                self.blasts.push(Blast { tile: raider.tile, since: now });
            }
            self.shot += u32::from(shot);
            self.escaped += u32::from(escaped && !shot);
            !shot && !escaped
        });
        self.blasts.retain(|blast| now - blast.since < BLAST);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.to_come == 0 && self.raiders.is_empty() && self.blasts.is_empty()
    }
}
