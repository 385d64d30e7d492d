//! The `lox` command: see [`lox::shell`].

use std::process::ExitCode;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(all(feature = "jemalloc", not(feature = "mimalloc")))]
#[global_allocator]
static GLOBAL: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[cfg(all(feature = "rallocator", not(feature = "mimalloc"), not(feature = "jemalloc")))]
#[global_allocator]
static GLOBAL: rallocator::Rallocator = rallocator::Rallocator;

fn main() -> ExitCode {
    ExitCode::from(lox::shell::main(std::env::args_os().skip(1)))
}
