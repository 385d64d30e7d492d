//! The attributes of a family: the constants behind the attributes of a variant.

use core::fmt;

/// The name and attributes of a family.
///
/// The macro builds it from the attributes of a variant; everything in it is constant.
///
/// # Examples
///
/// ```
/// use famalloc::FamilySpec;
///
/// const SPEC: FamilySpec = FamilySpec::new("Session").isolate().limit(64 << 20);
/// assert!(SPEC.is_isolated());
/// assert_eq!(SPEC.limit_bytes(), Some(64 << 20));
/// assert_eq!(SPEC.block_bytes(), 64 << 10);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FamilySpec {
    name: &'static str,
    isolate: bool,
    zero_on_free: bool,
    natural_alignment: bool,
    fallback: bool,
    limit: usize,
    block: usize,
}

impl FamilySpec {
    /// The smallest block, and the unit in which a family takes memory: 64 KiB.
    pub const MIN_BLOCK: usize = 64 << 10;
    /// The largest block: a whole extent of 2 MiB.
    pub const MAX_BLOCK: usize = 2 << 20;

    /// A family with the given name and no attributes.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            isolate: false,
            zero_on_free: false,
            natural_alignment: false,
            fallback: false,
            limit: usize::MAX,
            block: Self::MIN_BLOCK,
        }
    }

    /// Never shares an address with another family for the life of the process.
    #[doc(hidden)]
    #[must_use]
    pub const fn isolate(mut self) -> Self {
        self.isolate = true;
        self
    }

    /// Overwrites every slot with zeros when it is freed.
    #[doc(hidden)]
    #[must_use]
    pub const fn zero_on_free(mut self) -> Self {
        self.zero_on_free = true;
        self
    }

    /// Serves raw sizes at their natural alignment (the largest power of two that divides the
    /// size) up to a page, instead of up to 16 bytes.
    #[doc(hidden)]
    #[must_use]
    pub const fn natural_alignment(mut self) -> Self {
        self.natural_alignment = true;
        self
    }

    /// Makes this the family in which unmodified code allocates outside of any scope, if the set is the
    /// global allocator's. Without such a family the first one is. A set with two does not compile:
    ///
    /// ```compile_fail,E0080
    /// #[famalloc::alloc_family]
    /// enum Lives {
    ///     #[cfg(target_os = "linux")]
    ///     #[family(fallback)]
    ///     General,
    ///     #[cfg(unix)]
    ///     #[family(fallback)]
    ///     Other,
    /// }
    /// ```
    #[doc(hidden)]
    #[must_use]
    pub const fn fallback(mut self) -> Self {
        self.fallback = true;
        self
    }

    /// Limits the blocks, extents and huge allocations of the family to `bytes` at any time.
    ///
    /// # Panics
    ///
    /// Panics (at compile time, in a constant) if `bytes` is below [`Self::MIN_BLOCK`].
    #[doc(hidden)]
    #[must_use]
    pub const fn limit(mut self, bytes: usize) -> Self {
        assert!(bytes >= Self::MIN_BLOCK, "a family's limit must be at least one block of 64 KiB");
        self.limit = bytes;
        self
    }

    /// Makes blocks at least `bytes` long.
    ///
    /// # Panics
    ///
    /// Panics (at compile time, in a constant) unless `bytes` is a power of two from
    /// [`Self::MIN_BLOCK`] to [`Self::MAX_BLOCK`].
    #[doc(hidden)]
    #[must_use]
    pub const fn block(mut self, bytes: usize) -> Self {
        assert!(
            bytes.is_power_of_two() && bytes >= Self::MIN_BLOCK && bytes <= Self::MAX_BLOCK,
            "a family's block size must be a power of two from 64 KiB to 2 MiB"
        );
        self.block = bytes;
        self
    }

    /// The variant's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the family keeps its addresses to itself.
    #[must_use]
    pub const fn is_isolated(&self) -> bool {
        self.isolate
    }

    /// Whether slots are zeroed when freed.
    #[must_use]
    pub const fn zeroes_on_free(&self) -> bool {
        self.zero_on_free
    }

    /// Whether raw sizes are served at their natural alignment.
    #[must_use]
    pub const fn aligns_naturally(&self) -> bool {
        self.natural_alignment
    }

    /// Whether unmodified code allocates in the family outside of any scope.
    #[must_use]
    pub const fn is_fallback(&self) -> bool {
        self.fallback
    }

    /// The position of the fallback among the families of a set.
    ///
    /// # Panics
    ///
    /// Panics (at compile time) when there are two.
    pub(crate) const fn fallback_among(families: &[Self]) -> usize {
        let (mut found, mut count, mut index) = (0, 0, 0);
        while index < families.len() {
            if families[index].fallback {
                found = index;
                count += 1;
            }
            index += 1;
        }
        assert!(
            count <= 1,
            "a family set has at most one fallback; remove one `#[family(fallback)]`"
        );
        found
    }

    /// The limit in bytes, if there is one.
    #[must_use]
    pub const fn limit_bytes(&self) -> Option<usize> {
        if self.limit == usize::MAX { None } else { Some(self.limit) }
    }

    /// The least length of a block in bytes.
    #[must_use]
    pub const fn block_bytes(&self) -> usize {
        self.block
    }
}

impl fmt::Display for FamilySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
