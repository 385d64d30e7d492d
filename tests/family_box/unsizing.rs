//! From values to trait objects and slices, and back.

use std::any::Any;
use std::error::Error;
use std::fmt::{self, Debug, Display};
use std::num::ParseIntError;

use famalloc::{FamilyBox, unsize};

use crate::common::{InA, Ledger, Node, lives};

#[test]
fn the_slot_and_the_family_stay() {
    let boxed = FamilyBox::new(Node(7));
    let address = FamilyBox::as_ptr(&boxed);
    let object: FamilyBox<dyn Debug, lives::A> = unsize!(boxed => dyn Debug);
    assert!(std::ptr::addr_eq(FamilyBox::as_ptr(&object), address));
    assert_eq!(format!("{object:?}"), "Node(7)");
}

#[test]
fn objects_drop_their_value_once() {
    let ledger = Ledger::default();
    let value = ledger.value();
    let object = unsize!(InA::new_in(move || value.number(), lives::A) => dyn Fn() -> usize);
    assert_eq!((object(), ledger.live()), (0, 1));
    drop(object);
    assert_eq!(ledger.live(), 0);
    let slice = unsize!(InA::new_in([ledger.value(), ledger.value()], lives::A) => [_]);
    assert_eq!((slice.len(), ledger.live()), (2, 2));
}

#[test]
fn closures_are_called_through_their_box() {
    let object = unsize!(InA::new_in(|x: i32| x + 1, lives::A) => dyn Fn(i32) -> i32 + Send + Sync);
    assert_eq!([1, 2].map(&*object), [2, 3]);
    let mut count = 0;
    let mut object =
        unsize!(InA::new_in(|| { count += 1; count }, lives::A) => dyn FnMut() -> i32 + '_);
    assert_eq!((object(), object()), (1, 2));
    fn call(mut f: impl FnMut() -> i32) -> i32 {
        f()
    }
    assert_eq!(call(&mut *object), 3);
}

trait Named {
    fn name(&self) -> String;
}

trait Numbered: Named + Debug {
    fn number(&self) -> u32;
}

impl Named for Node {
    fn name(&self) -> String {
        format!("node {}", self.0)
    }
}

impl Numbered for Node {
    fn number(&self) -> u32 {
        self.0
    }
}

#[test]
fn supertraits_come_along() {
    let object = unsize!(FamilyBox::new(Node(7)) => dyn Numbered);
    assert_eq!((object.number(), object.name().as_str()), (7, "node 7"));
    let object = unsize!(FamilyBox::new(Node(7)) => dyn Named);
    assert_eq!(object.name(), "node 7");
}

#[test]
fn objects_can_borrow() {
    fn shown<'a>(text: &'a str) -> InA<dyn Display + 'a> {
        unsize!(InA::new_in(text, lives::A) => dyn Display + 'a)
    }
    let local = String::from("local");
    assert_eq!(shown(&local).to_string(), "local");
    // And lose auto traits and lifetime as they are unsized further.
    let object = unsize!(InA::new_in(7, lives::A) => dyn Debug + Send + Sync);
    let object = unsize!(object => dyn Debug + Send);
    let object: InA<dyn Debug> = unsize!(object => dyn Debug);
    assert_eq!(format!("{object:?}"), "7");
}

#[test]
fn it_works_in_generic_code() {
    fn erased<'a, T: Debug + 'a, F: famalloc::Family>(value: T) -> FamilyBox<dyn Debug + 'a, F> {
        unsize!(FamilyBox::<T, _>::new_in(value, F::default()) => dyn Debug + 'a)
    }
    fn slice<T, const N: usize>(array: [T; N]) -> InA<[T]> {
        unsize!(InA::new_in(array, lives::A) => [T])
    }
    assert_eq!(format!("{:?}", erased::<_, lives::B>("x")), "\"x\"");
    assert_eq!(*slice([1, 2, 3]), [1, 2, 3]);
    assert!(slice::<String, 0>([]).is_empty());
}

#[test]
fn structs_with_such_a_tail_are_unsized_too() {
    struct Tailed<T: ?Sized> {
        head: u8,
        tail: T,
    }
    let boxed =
        unsize!(InA::new_in(Tailed { head: 1, tail: [2_u32, 3] }, lives::A) => Tailed<[u32]>);
    assert_eq!((boxed.head, &boxed.tail), (1, &[2, 3][..]));
    let boxed =
        unsize!(InA::new_in(Tailed { head: 1, tail: "x" }, lives::A) => Tailed<dyn Display>);
    assert_eq!((boxed.head, boxed.tail.to_string().as_str()), (1, "x"));
    // And an exotic value can move to another owner.
    let boxed = InA::from_box(FamilyBox::into_box(boxed));
    assert_eq!(boxed.tail.to_string(), "x");
}

mod without_unsafe {
    #![forbid(unsafe_code)]

    #[test]
    fn it_can_be_used_where_unsafe_code_is_forbidden() {
        let boxed = crate::common::InA::new_in(7, crate::common::lives::A);
        assert_eq!(famalloc::unsize!(boxed => dyn std::fmt::Display).to_string(), "7");
    }
}

#[test]
fn names_of_the_caller_do_not_disturb_it() {
    let boxed = InA::new_in(7, lives::A);
    let coerce = 8;
    let value = unsize!(boxed => dyn Display);
    assert_eq!((value.to_string().as_str(), coerce), ("7", 8));
}

#[test]
fn the_expression_is_evaluated_once() {
    let mut evaluations = 0;
    let object = unsize!({ evaluations += 1; InA::new_in(evaluations, lives::A) } => dyn Display);
    assert_eq!((object.to_string().as_str(), evaluations), ("1", 1));
}

#[test]
fn pinned_futures_are_unsized_before_they_are_pinned() {
    let future = unsize!(InA::new_in(async { 7 }, lives::A) => dyn Future<Output = i32>);
    let mut future = FamilyBox::into_pin(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert_eq!(future.as_mut().poll(&mut context), std::task::Poll::Ready(7));
}

#[test]
fn objects_become_what_they_were() {
    let ledger = Ledger::default();
    macro_rules! there_and_back {
        ($object:ty) => {{
            let object = unsize!(InA::new_in(String::from("x"), lives::A) => $object);
            let object = object.downcast::<u32>().unwrap_err();
            assert_eq!(*object.downcast::<String>().unwrap(), "x");
            let object = unsize!(InA::new_in(7_u8, lives::A) => $object);
            // SAFETY: just made of one.
            assert_eq!(*unsafe { object.downcast_unchecked::<u8>() }, 7);
        }};
    }
    there_and_back!(dyn Any);
    there_and_back!(dyn Any + Send);
    there_and_back!(dyn Any + Send + Sync);

    let object = unsize!(InA::new_in(ledger.value(), lives::A) => dyn Any);
    let object = object.downcast::<u32>().unwrap_err();
    assert_eq!(ledger.live(), 1);
    drop(object.downcast::<crate::common::Tracked>());
}

type AnyError<'a> = InA<dyn Error + 'a>;
type SharedError = InA<dyn Error + Send + Sync>;

#[test]
fn errors_are_boxed_by_the_question_mark() {
    fn parse(text: &str) -> Result<u8, AnyError<'static>> {
        Ok(text.parse()?)
    }
    fn parse_shared(text: &str) -> Result<u8, SharedError> {
        if text.is_empty() {
            return Err(SharedError::from_message("empty"));
        }
        Ok(text.parse()?)
    }
    let error = parse("x").unwrap_err();
    assert_eq!(error.to_string(), parse_shared("x").unwrap_err().to_string());
    assert!(error.downcast::<ParseIntError>().is_ok());
    let error = parse_shared("").unwrap_err();
    assert_eq!(format!("{error} {error:?}"), {
        let error: Box<dyn Error> = "empty".into();
        format!("{error} {error:?}")
    });
    let error = error.downcast::<ParseIntError>().unwrap_err();
    drop(unsize!(error => dyn Error + Send).downcast::<fmt::Error>().unwrap_err());
}

#[test]
fn errors_can_borrow() {
    #[derive(Debug)]
    struct Borrowing<'a>(&'a str);
    impl Display for Borrowing<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }
    impl Error for Borrowing<'_> {}
    let local = String::from("local");
    let error: AnyError<'_> = Borrowing(&local).into();
    assert_eq!(error.to_string(), "local");
}

#[test]
fn a_boxed_error_is_an_error() {
    #[derive(Debug)]
    struct Outer(fmt::Error);
    impl Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer")
        }
    }
    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }
    fn source(error: &dyn Error) -> Option<String> {
        error.source().map(ToString::to_string)
    }
    like_box!(Outer(fmt::Error), |b| (b.to_string(), source(&b)));
}
