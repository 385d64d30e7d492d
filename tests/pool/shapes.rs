//! Objects without a size, large ones, and those of a large alignment.

use famalloc::Pool;
use famalloc::pool::Pooled;

use crate::common::{assert_all_given_back, one_at_a_time, times};
use crate::{Lives, books, dropped, lives};

#[test]
fn types_of_every_shape() {
    #[derive(Clone, Copy)]
    #[repr(align(4096))]
    struct Page([u8; 4096]);
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            books(|books| books.drops.push(1));
        }
    }

    fn shape<T: Copy>(make: fn() -> T, change: fn(&mut T), is_changed: fn(&T) -> bool) {
        let pool = Pool::<T, _>::new_in(make, lives::Shapes);
        let front = pool.front();
        const EACH: usize = times(40, 10);
        for round in 0..2 {
            let (mut some, mut others) = (Vec::new(), Vec::new());
            others.extend((0..EACH).map(|_| front.get()));
            front.flush();
            some.extend((0..EACH).map(|_| pool.get()));
            let mut addresses: Vec<_> = some.iter().map(|it| &raw const **it).collect();
            addresses.extend(others.iter().map(|it| &raw const **it));
            assert!(addresses.iter().all(|it| it.is_aligned()));
            addresses.sort_unstable();
            assert!(addresses.windows(2).all(|it| it[1].addr() - it[0].addr() >= size_of::<T>()));
            let changed = some.iter().map(|it| is_changed(it));
            let changed = changed.chain(others.iter().map(|it| is_changed(it)));
            assert_eq!(changed.filter(|&it| it).count(), round * 2 * EACH);
            some.iter_mut().for_each(|it| change(it));
            others.iter_mut().for_each(|it| change(it));
            drop((some, others));
            assert!(
                front.len() >= 2 && front.len() * size_of::<T>() <= 2 * size_of::<T>().max(1 << 15)
            );
            front.flush();
        }
        assert_eq!((pool.counts().made, pool.len()), (2 * EACH, 2 * EACH));
    }
    let _alone = one_at_a_time();
    shape(|| 0_u8, |it| *it = 7, |it| *it == 7);
    shape(|| Page([0; 4096]), |it| it.0[4095] = 7, |it| it.0[4095] == 7);
    shape(|| [0_u8; 1 << 16], |it| it[65_535] = 7, |it| it[65_535] == 7);
    shape(|| [0_u64; 500], |it| it[499] = 7, |it| it[499] == 7);

    let pool = Pool::<Nothing, _>::new_in(|| Nothing, lives::Shapes);
    drop((0..100).map(|_| pool.get()).collect::<Vec<_>>());
    assert_eq!((pool.len(), pool.counts().made, dropped()), (100, 100, 0));
    drop(Pooled::detach(pool.get()));
    assert_eq!((pool.trim(50), dropped()), (49, 50));
    drop(pool);
    assert_eq!(dropped(), 100);
    assert_all_given_back::<Lives>();
}
