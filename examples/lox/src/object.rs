//! The objects of the heap and the pointer to them.
//!
//! ```text
//! every object     kind u8 | mark u8 | small u16 | word u32 |  ...its own part
//!
//! Str              -         -         pinned      length      hash, then the bytes
//! Closure          -         -         captures    -           function, then the upvalues
//! Upvalue          -         -         -           -           where the variable is, next open one
//! Class            -         -         field hint  shape       name, initialiser, methods
//! Instance         -         -         room        shape       room x value  (see `instance`)
//! BoundMethod      -         -         -           -           receiver, method
//! Native           -         -         -           -           the function
//! ```
//!
//! A header is eight bytes, so a class instance with two fields takes 24. Sizes are known from the
//! header, which is how objects are freed with their exact size and without one stored anywhere.
//!
//! [`Ref`] is a copyable pointer whose `Deref` is safe. That rests on two promises, each made at an
//! `unsafe` function that everything must pass: `Heap::new` (no `Ref` is used after its heap is
//! gone) and `Heap::collect` (whatever is used later can be reached from the roots).
//!
//! What can change in an object is in a `Cell`, so that references to it may be shared.

use std::alloc::Layout;
use std::cell::Cell;
use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;

use crate::chunk::Function;
use crate::methods::MethodTable;
use crate::value::Value;

/// A pointer to an object of the heap.
#[repr(transparent)]
pub(crate) struct Ref<T>(NonNull<T>);

impl<T> Clone for Ref<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Ref<T> {}

impl<T> PartialEq for Ref<T> {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> Eq for Ref<T> {}

impl<T> std::hash::Hash for Ref<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<T> fmt::Debug for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Pointer::fmt(&self.0, f)
    }
}

impl<T> Deref for Ref<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the object is live by the two promises in the module documentation, and only
        // cells in it change.
        unsafe { self.0.as_ref() }
    }
}

impl<T> Ref<T> {
    /// # Safety
    ///
    /// `pointer` is that of an initialised object of this type, with permission for all of its
    /// memory, also for what follows the struct.
    #[inline(always)]
    pub(crate) const unsafe fn from_pointer(pointer: NonNull<T>) -> Self {
        Self(pointer)
    }

    #[inline(always)]
    pub(crate) fn address(self) -> *mut T {
        self.0.as_ptr()
    }
}

/// What all objects begin with.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) kind: ObjectKind,
    /// The colour of the last collection that reached the object.
    pub(crate) mark: Cell<u8>,
    pub(crate) small: Cell<u16>,
    pub(crate) word: Cell<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ObjectKind {
    Str,
    Closure,
    Upvalue,
    Class,
    Instance,
    BoundMethod,
    Native,
}

/// An object type: begins with a [`Header`] of its kind.
///
/// # Safety
///
/// The type is `repr(C)`, its first field is a `Header`, and every object whose header says `KIND`
/// is of this type.
pub(crate) unsafe trait Kind: Sized {
    const KIND: ObjectKind;
}

impl<T: Kind> Ref<T> {
    #[inline(always)]
    pub(crate) fn header(self) -> Ref<Header> {
        Ref(self.0.cast())
    }
}

impl Ref<Header> {
    #[inline(always)]
    pub(crate) fn downcast<T: Kind>(self) -> Option<Ref<T>> {
        if self.kind == T::KIND { Some(Ref(self.0.cast())) } else { None }
    }

    /// # Safety
    ///
    /// The object is of kind `T::KIND`.
    #[inline(always)]
    pub(crate) unsafe fn downcast_unchecked<T: Kind>(self) -> Ref<T> {
        debug_assert_eq!(self.kind, T::KIND);
        Ref(self.0.cast())
    }
}

macro_rules! object {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[repr(C)]
        pub(crate) struct $name {
            pub(crate) header: Header,
            $($(#[$field_doc])* pub(crate) $field: $type,)*
        }

        // SAFETY: `repr(C)` with the header first; only this macro makes kinds, one per type.
        unsafe impl Kind for $name {
            const KIND: ObjectKind = ObjectKind::$name;
        }
    };
}

object! {
    /// A string; there is at most one of each content.
    Str {
        hash: u64,
    }
}

object! {
    /// A function with the variables that it captured.
    Closure {
        function: NonNull<Function>,
    }
}

object! {
    /// A captured variable: on the stack while its scope lasts, afterwards in here.
    Upvalue {
        location: Cell<*mut Value>,
        closed: Cell<Value>,
        next: Cell<Option<Ref<Upvalue>>>,
    }
}

object! {
    /// A class. `header.small` says for how many fields its instances get room, `header.word` is
    /// the shape of an instance without fields.
    Class {
        name: Ref<Str>,
        initializer: Cell<Option<Ref<Closure>>>,
        methods: MethodTable,
    }
}

object! {
    /// An instance of a class; its parts are described in `instance`.
    Instance {}
}

object! {
    /// A method together with the instance it was taken from.
    BoundMethod {
        receiver: Value,
        method: Ref<Closure>,
    }
}

/// A function of the interpreter's own that programs can call.
pub(crate) type NativeFunction = fn(&[Value]) -> Value;

object! {
    /// A function of the interpreter's own.
    Native {
        function: NativeFunction,
    }
}

impl Header {
    pub(crate) fn new(kind: ObjectKind, small: u16, word: u32) -> Self {
        Self { kind, mark: Cell::new(0), small: Cell::new(small), word: Cell::new(word) }
    }
}

impl Str {
    pub(crate) const BYTES: usize = size_of::<Self>();
    /// The longest string, in bytes: its length has 32 bits.
    pub(crate) const MAX_LEN: usize = u32::MAX as usize;

    pub(crate) fn layout(length: usize) -> Layout {
        debug_assert!(length <= Self::MAX_LEN);
        // SAFETY: the sum of a 32-bit length and a few bytes fits `isize` on 64-bit targets, for
        // which the values' encoding is made; the alignment is that of a type.
        unsafe { Layout::from_size_align_unchecked(Self::BYTES + length, align_of::<Self>()) }
    }
}

impl Ref<Str> {
    #[inline]
    pub(crate) fn len(self) -> usize {
        self.header.word.get() as usize
    }

    /// The text. It lives as long as the object, which the caller keeps reachable.
    #[inline]
    pub(crate) fn text<'a>(self) -> &'a str {
        // SAFETY: the bytes follow the struct, were written when the string was made, are UTF-8,
        // and never change.
        unsafe {
            let bytes = self.address().cast::<u8>().add(Str::BYTES);
            std::str::from_utf8_unchecked(std::slice::from_raw_parts(bytes, self.len()))
        }
    }

    /// Keeps the string for good: code refers to it.
    pub(crate) fn pin(self) -> Self {
        self.header.small.set(1);
        self
    }

    pub(crate) fn is_pinned(self) -> bool {
        self.header.small.get() != 0
    }
}

impl Closure {
    #[inline(always)]
    pub(crate) fn layout(captures: usize) -> Layout {
        let bytes = size_of::<Self>() + captures * size_of::<Ref<Upvalue>>();
        // SAFETY: a function captures at most 256 variables; the alignment is that of a type.
        unsafe { Layout::from_size_align_unchecked(bytes, align_of::<Self>()) }
    }
}

impl Ref<Closure> {
    #[inline(always)]
    pub(crate) fn function<'a>(self) -> &'a Function {
        // SAFETY: functions live as long as the interpreter, and so longer than any closure.
        unsafe { self.function.as_ref() }
    }

    /// The captured variables.
    #[inline(always)]
    pub(crate) fn captures(self) -> *mut Ref<Upvalue> {
        // SAFETY: they follow the struct.
        unsafe { self.address().add(1).cast() }
    }
}

impl Ref<Upvalue> {
    /// Moves the variable from the stack into the upvalue.
    ///
    /// # Safety
    ///
    /// The upvalue is open: its location is a live slot of the stack.
    pub(crate) unsafe fn close(self) {
        // SAFETY: the caller's promise.
        self.closed.set(unsafe { *self.location.get() });
        self.location.set(self.closed.as_ptr());
    }
}

/// An object as `print` shows it.
impl fmt::Display for Ref<Header> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(string) = self.downcast::<Str>() {
            f.write_str(string.text())
        } else if let Some(closure) = self.downcast::<Closure>() {
            write!(f, "{}", closure.function())
        } else if let Some(class) = self.downcast::<Class>() {
            f.write_str(class.name.text())
        } else if let Some(bound) = self.downcast::<BoundMethod>() {
            write!(f, "{}", bound.method.function())
        } else if self.kind == ObjectKind::Native {
            f.write_str("<native fn>")
        } else {
            // An instance is shown with its class, which takes the heap to find; upvalues are no
            // values.
            f.write_str("<object>")
        }
    }
}

const _: () = assert!(size_of::<Header>() == 8 && size_of::<Instance>() == 8);
const _: () = assert!(size_of::<usize>() == 8, "values hold 48-bit addresses in 64 bits");
