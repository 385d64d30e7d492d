//! Text of all kinds.

use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::path::{Path, PathBuf};

use famalloc::FamilyBox;

use crate::common::{InA, InB};

#[test]
fn text_comes_from_every_kind_of_text() {
    let expected = "grüße";
    assert_eq!(&*InA::<str>::from(expected), expected);
    assert_eq!(&*InA::<str>::from(String::from(expected).as_mut_str()), expected);
    assert_eq!(&*InA::<str>::from(String::from(expected)), expected);
    assert_eq!(&*InA::<str>::from(Box::<str>::from(expected)), expected);
    assert_eq!(&*InA::<str>::from(Cow::Borrowed(expected)), expected);
    assert_eq!(&*InA::<str>::from(Cow::<str>::Owned(expected.into())), expected);
    assert_eq!(&*InA::<str>::from(expected).clone(), expected);
    assert_eq!(&*InA::<str>::default(), "");
}

#[test]
fn text_is_collected_from_pieces() {
    let chars = ['a', 'ß', 'c'];
    let words = ["a", "ß", "c"];
    assert_eq!(&*chars.into_iter().collect::<InA<str>>(), "aßc");
    assert_eq!(&*chars.iter().collect::<InA<str>>(), "aßc");
    assert_eq!(&*words.into_iter().collect::<InA<str>>(), "aßc");
    assert_eq!(&*words.map(String::from).into_iter().collect::<InA<str>>(), "aßc");
    assert_eq!(&*words.map(Box::<str>::from).into_iter().collect::<InA<str>>(), "aßc");
    assert_eq!(&*words.map(Cow::Borrowed).into_iter().collect::<InA<str>>(), "aßc");
    assert_eq!(&*words.map(InB::<str>::from).into_iter().collect::<InA<str>>(), "aßc");
    assert_eq!(words.map(InA::<str>::from).into_iter().collect::<String>(), "aßc");
    let mut whole = String::from("-");
    whole.extend(words.map(InA::<str>::from));
    assert_eq!(whole, "-aßc");
}

#[test]
fn text_becomes_text_elsewhere() {
    let text = InA::<str>::from("text");
    let address = text.as_ptr();
    let bytes = FamilyBox::<[u8], _>::from(text);
    assert_eq!((bytes.as_ptr(), &*bytes), (address, &b"text"[..]));
    let text = FamilyBox::from_utf8(bytes).unwrap();
    assert_eq!(text.as_ptr(), address);
    assert_eq!(String::from(text.clone()), "text");
    assert_eq!(&*Box::<str>::from(text), "text");

    let (bytes, error) = FamilyBox::from_utf8(InA::<[u8]>::from(*b"ab\xff")).unwrap_err();
    assert_eq!((&*bytes, error.valid_up_to()), (&b"ab\xff"[..], 2));
}

#[test]
fn text_can_be_changed_in_place() {
    let mut text = InA::<str>::from("text");
    text.make_ascii_uppercase();
    assert_eq!(&*text, "TEXT");
    text.clone_from(&InA::from("longer text"));
    assert_eq!(&*text, "longer text");
}

/// What the three kinds of platform text have in common.
macro_rules! platform_text {
    ($name:ident, $text:ty, $owned:ty, $into:ident, $sample:expr) => {
        #[test]
        fn $name() {
            let expected: &$text = $sample;
            let owned: $owned = expected.to_owned();
            assert_eq!(&*InA::<$text>::from(expected), expected);
            assert_eq!(&*InA::<$text>::from(owned.clone()), expected);
            assert_eq!(&*InA::<$text>::from(Cow::Borrowed(expected)), expected);
            assert_eq!(&*InA::<$text>::from(Cow::<$text>::Owned(owned.clone())), expected);
            assert_eq!(&*InA::<$text>::from(Box::<$text>::from(expected)), expected);
            assert_eq!(&*InA::<$text>::from(&mut *Box::<$text>::from(expected)), expected);
            let boxed = InA::<$text>::from(expected);
            assert_eq!(boxed.clone().$into(), owned);
            assert_eq!(<$owned>::from(boxed.clone()), owned);
            assert_eq!(&*Box::<$text>::from(boxed), expected);
        }
    };
}

platform_text!(paths, Path, PathBuf, into_path_buf, Path::new("a/grüße"));
platform_text!(os_text, OsStr, OsString, into_os_string, OsStr::new("grüße"));
platform_text!(c_text, CStr, CString, into_c_string, c"grüße");

#[test]
fn platform_text_has_a_default() {
    assert_eq!(&*InA::<OsStr>::default(), OsStr::new(""));
    assert_eq!(&*InA::<CStr>::default(), c"");
}
