//! Small objects, in detail: every workload, size and allocator by itself, with divan's statistics.
//!
//! divan runs one benchmark after another, so that two lines of its report were measured at
//! different times. For ratios that can be trusted run `duel`, which interleaves.

use divan::Bencher;
use divan::counter::ItemsCount;

use famalloc_bench::allocator::Allocator;
use famalloc_bench::peers::{
    Arena, Famalloc, Jemalloc, Mimalloc, Rallocator, Rpmalloc, Snmalloc, System,
};
use famalloc_bench::workloads::{Batch, Churn, OPERATIONS, Order, Pair, Workload};

fn main() {
    divan::main();
}

/// One iteration is one round; divan counts its objects.
fn rounds(bencher: Bencher, mut workload: impl Workload) {
    bencher.counter(ItemsCount::new(OPERATIONS)).bench_local(|| workload.round());
}

#[divan::bench(
    types = [Famalloc, System, Mimalloc, Jemalloc, Rallocator, Rpmalloc, Snmalloc, Arena],
    consts = [16, 48, 256],
)]
fn pair<A: Allocator, const SIZE: usize>(bencher: Bencher) {
    rounds(bencher, Pair::<A, SIZE>::new());
}

#[divan::bench(
    types = [Famalloc, System, Mimalloc, Jemalloc, Rallocator, Rpmalloc, Snmalloc, Arena],
    consts = [16, 48, 256],
)]
fn batch_lifo<A: Allocator, const SIZE: usize>(bencher: Bencher) {
    rounds(bencher, Batch::<A, SIZE>::new(OPERATIONS, Order::Lifo));
}

#[divan::bench(
    types = [Famalloc, System, Mimalloc, Jemalloc, Rallocator, Rpmalloc, Snmalloc, Arena],
    consts = [16, 48, 256],
)]
fn batch_fifo<A: Allocator, const SIZE: usize>(bencher: Bencher) {
    rounds(bencher, Batch::<A, SIZE>::new(OPERATIONS, Order::Fifo));
}

#[divan::bench(
    types = [Famalloc, System, Mimalloc, Jemalloc, Rallocator, Rpmalloc, Snmalloc, Arena],
    consts = [16, 48, 256],
)]
fn batch_random<A: Allocator, const SIZE: usize>(bencher: Bencher) {
    rounds(bencher, Batch::<A, SIZE>::new(OPERATIONS, Order::Random));
}

#[divan::bench(
    types = [Famalloc, System, Mimalloc, Jemalloc, Rallocator, Rpmalloc, Snmalloc],
    consts = [16, 48, 256],
)]
fn churn_1_000<A: Allocator, const SIZE: usize>(bencher: Bencher) {
    rounds(bencher, Churn::<A, SIZE>::new(1_000));
}

#[divan::bench(
    types = [Famalloc, System, Mimalloc, Jemalloc, Rallocator, Rpmalloc, Snmalloc],
    consts = [16, 48, 256],
)]
fn churn_100_000<A: Allocator, const SIZE: usize>(bencher: Bencher) {
    rounds(bencher, Churn::<A, SIZE>::new(100_000));
}

/// Each thread does batches of its own, made before the clock starts. The few samples of many
/// iterations keep divan's two threads side by side for most of the time.
#[divan::bench(
    types = [Famalloc, System, Mimalloc, Jemalloc, Rallocator, Rpmalloc, Snmalloc],
    consts = [16, 48, 256],
    threads = 2,
    sample_size = 50,
)]
fn two_threads_random<A: Allocator + Send, const SIZE: usize>(bencher: Bencher) {
    bencher
        .counter(ItemsCount::new(OPERATIONS))
        .with_inputs(|| Batch::<A, SIZE>::new(OPERATIONS, Order::Random))
        .bench_refs(Workload::round);
}
