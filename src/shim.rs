//! Stand-in for the core while it is being written; same signatures.
pub mod table {
    use crate::FamilySpec;
    #[derive(Debug)] pub struct SpaceCell {}
    #[derive(Debug)] pub struct SetTable { pub name: &'static str, pub families: &'static [FamilySpec] }
    impl SpaceCell { pub const fn new(_source: &'static (dyn PageSource + Sync)) -> Self { Self {} } }
    pub static SYSTEM_SPACE: SpaceCell = SpaceCell {};
    pub trait PageSource {}
    impl SetTable {
        pub const fn new<const N: usize>(name: &'static str, families: &'static [FamilySpec; N], _slots: &'static [FamilyCell; N], _space: &'static SpaceCell) -> Self { Self { name, families } }
    }
    #[derive(Debug)] pub struct FamilyCell {}
    impl FamilyCell { pub const fn new() -> Self { Self {} } }
}
pub mod thread {
    use core::cell::Cell;
    #[derive(Debug)] pub struct RowHome(#[allow(dead_code)] Cell<*const u8>);
    impl RowHome { pub const fn new() -> Self { Self(Cell::new(core::ptr::null())) } }
}
