mod common;
use famalloc::*;
#[alloc_family]
enum Lives {
    A,
    B,
}
#[test]
fn huge_then_small() {
    let h = common::Parcel::new::<lives::A>(9 << 20, 3);
    drop(h);
    let v: Vec<_> = (0..200_000).map(|_| common::Parcel::new::<lives::B>(64, 3)).collect();
    drop(v);
    flush();
}
