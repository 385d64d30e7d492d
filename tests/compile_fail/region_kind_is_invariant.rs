//! A region that keeps what lives for long is none that keeps what lives for less, nor the reverse:
//! otherwise it could keep a value until after its end.

use famalloc::region::{Drops, SendDrops, Tracked};
use famalloc::{Region, alloc_family};

#[alloc_family]
enum Lives {
    Frame,
}
use lives::Frame;

fn shorter<'short, 'long: 'short>(
    region: &'short Region<Frame, Drops<'long>>,
) -> &'short Region<Frame, Drops<'short>> {
    region
}

fn longer<'short, 'long: 'short>(
    region: &'short Region<Frame, Drops<'short>>,
) -> &'short Region<Frame, Drops<'long>> {
    region
}

fn shorter_and_sent<'short, 'long: 'short>(
    region: &'short Region<Frame, Tracked<SendDrops<'long>>>,
) -> &'short Region<Frame, Tracked<SendDrops<'short>>> {
    region
}

fn main() {}
