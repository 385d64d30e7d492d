//! A Lox value in eight bytes.
//!
//! Every `f64` that arithmetic can produce is itself. The other values hide in the quiet NaNs that
//! arithmetic never produces: those with the bits of [`QNAN`] set.
//!
//! ```text
//! number   any pattern without all bits of QNAN
//! nil      QNAN | 1
//! false    QNAN | 2
//! true     QNAN | 3
//! unset    QNAN | 4          a global that nobody defined yet; never seen by a program
//! object   SIGN | QNAN | address (48 bits)
//! ```
//!
//! Invariant: the address in an object value is that of a live object of the heap, for as long as
//! the value can be reached from a root (see [`crate::gc`]).

use std::ptr::NonNull;

use crate::object::{Header, Kind, Ref, Str};

const SIGN: u64 = 1 << 63;
const QNAN: u64 = 0x7ffc_0000_0000_0000;

/// Any value of the language.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Value(u64);

impl Value {
    pub(crate) const NIL: Self = Self(QNAN | 1);
    pub(crate) const FALSE: Self = Self(QNAN | 2);
    pub(crate) const TRUE: Self = Self(QNAN | 3);
    pub(crate) const UNSET: Self = Self(QNAN | 4);

    #[inline(always)]
    pub(crate) fn number(number: f64) -> Self {
        Self(number.to_bits())
    }

    #[inline(always)]
    pub(crate) fn bool(truth: bool) -> Self {
        Self(Self::FALSE.0 | u64::from(truth))
    }

    #[inline(always)]
    pub(crate) fn object<T>(object: Ref<T>) -> Self {
        Self(SIGN | QNAN | object.address().expose_provenance() as u64)
    }

    #[inline(always)]
    pub(crate) fn is_number(self) -> bool {
        self.0 & QNAN != QNAN
    }

    /// The number this is; of another kind of value, a NaN.
    #[inline(always)]
    pub(crate) fn as_number(self) -> f64 {
        f64::from_bits(self.0)
    }

    #[inline(always)]
    pub(crate) fn is_object(self) -> bool {
        self.0 & (SIGN | QNAN) == SIGN | QNAN
    }

    #[inline(always)]
    pub(crate) fn as_object(self) -> Option<Ref<Header>> {
        if !self.is_object() {
            return None;
        }
        let address = (self.0 & !(SIGN | QNAN)) as usize;
        let pointer = std::ptr::with_exposed_provenance_mut::<Header>(address);
        // SAFETY: only `object` makes such a value, from the address of an object, which is not
        // null and is live by the invariant of this module.
        Some(unsafe { Ref::from_pointer(NonNull::new_unchecked(pointer)) })
    }

    /// The object this is, if it is one of type `T`.
    #[inline(always)]
    pub(crate) fn as_kind<T: Kind>(self) -> Option<Ref<T>> {
        self.as_object()?.downcast::<T>()
    }

    #[inline(always)]
    pub(crate) fn as_str(self) -> Option<Ref<Str>> {
        self.as_kind::<Str>()
    }

    /// Everything is true but `nil` and `false`.
    #[inline(always)]
    pub(crate) fn is_truthy(self) -> bool {
        self != Self::NIL && self != Self::FALSE
    }

    /// Equality as the language sees it: numbers by value, so that NaN differs from itself;
    /// objects by identity, which for interned strings is by content.
    #[inline(always)]
    pub(crate) fn equals(self, other: Self) -> bool {
        if self.is_number() && other.is_number() {
            self.as_number() == other.as_number()
        } else {
            self.0 == other.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_themselves() {
        for number in [0.0, -0.0, 1.5, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY, -f64::INFINITY] {
            let value = Value::number(number);
            assert!(value.is_number() && !value.is_object());
            assert_eq!(value.as_number().to_bits(), number.to_bits());
        }
        let zero = std::hint::black_box(0.0_f64);
        assert!(Value::number(zero / zero).is_number());
        assert!(Value::number(-(zero / zero)).is_number());
    }

    #[test]
    fn singletons_are_neither_numbers_nor_objects() {
        for value in [Value::NIL, Value::FALSE, Value::TRUE, Value::UNSET] {
            assert!(!value.is_number() && !value.is_object() && value.as_object().is_none());
        }
    }

    #[test]
    fn only_nil_and_false_are_false() {
        assert!(!Value::NIL.is_truthy() && !Value::bool(false).is_truthy());
        assert!(Value::bool(true).is_truthy() && Value::number(0.0).is_truthy());
    }

    #[test]
    fn equality_is_by_value_for_numbers() {
        assert!(Value::number(0.0).equals(Value::number(-0.0)));
        assert!(!Value::number(f64::NAN).equals(Value::number(f64::NAN)));
        assert!(!Value::NIL.equals(Value::FALSE) && Value::NIL.equals(Value::NIL));
        assert!(!Value::number(0.0).equals(Value::FALSE));
    }
}
