//! What is told by reading or building alone, the same in every build: layers of the source, promises of the
//! documents, what the compiler says, and famalloc without the standard library.

mod compile_fail;
mod layers;
mod no_std;
mod promises;
