//! Saving and loading: `Serialize` and `Deserialize` for handles and collections.
//!
//! Each reads and writes what its counterpart in the standard library does, so data written from the
//! one can be read into the other. What is loaded is made in the family; where an element or the
//! input is wrong on the way, what was made before is dropped and its memory freed. How much room a
//! sequence gets in advance is limited, whatever length the input claims.

mod boxed;
mod counted;
#[cfg(feature = "std")]
mod platform_text;
mod text;
mod thin;
mod vec;
