//! FamilyBox (placeholder)
/// placeholder
#[derive(Debug)]
pub struct FamilyBox;
