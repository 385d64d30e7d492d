//! Requests, each in a scope: what they allocate by way of the global allocator, in whichever crate,
//! is in a family of its own, and none of it is left when they are over.
//!
//! ```text
//! cargo run --example global_allocator
//! ```

use std::collections::BTreeMap;

use famalloc::{FamAlloc, FamilyUse, alloc_family};

#[alloc_family]
enum Lives {
    /// What is in no scope.
    General,
    /// One request.
    Request,
    /// Answers that are kept.
    Cache,
}

#[global_allocator]
static GLOBAL: FamAlloc<Lives> = FamAlloc::new();

/// Knows nothing of families.
fn answer(request: &str) -> String {
    let mut words: Vec<_> = request.split('/').map(str::to_uppercase).collect();
    words.sort();
    words.join(" ")
}

fn main() {
    let mut cache = BTreeMap::new();
    let mut kept = 0;
    for number in 0..10_000 {
        // Until the end of the block, whatever leads there.
        let _scope = lives::Request::enter();
        let request = format!("users/{}/notes/{number}", number % 100);
        let answer = answer(&request);
        if number % 3 == 0 {
            continue;
        }
        // What outlives the request is made in a scope of its own. So is the map that holds it.
        lives::Cache::scope(|| cache.insert(format!("user {}", number % 100), answer.clone()));
        kept += 1;
    }

    println!("10000 requests, {kept} answers kept");
    for used in [FamilyUse::of(lives::Request), FamilyUse::of(lives::Cache)] {
        println!("{}: {} objects, {} bytes", used.name, used.live_objects, used.live_bytes);
    }
    println!("{} are in the cache at the end", cache.len());
}
