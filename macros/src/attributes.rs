//! `#[family(..)]`: what a variant asks of the allocator.
//!
//! Everything here is checked while the macro runs, so a family that could never work is an error at
//! the words that ask for it; the assertions in `FamilySpec` say the same for those who build one by
//! hand.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Lit, Meta, Token};

use crate::arguments::{skip_past_comma, tokens_before_comma};
use crate::errors::{Errors, nearest};
use crate::sizes::{display_size, parse_size};

const MIN_BLOCK: u64 = 64 << 10;
const MAX_BLOCK: u64 = 2 << 20;

/// The attributes there are, in the order of the documentation.
pub(crate) const KEYS: [&str; 6] =
    ["isolate", "zero_on_free", "limit", "align", "block", "fallback"];

/// A size and where it was written.
#[derive(Clone, Copy, Debug)]
struct Size {
    bytes: u64,
    span: Span,
}

/// What the attributes of one variant ask for.
#[derive(Debug, Default)]
pub(crate) struct FamilyAttributes {
    given: Vec<String>,
    isolate: bool,
    zero_on_free: bool,
    natural_alignment: bool,
    /// The word that says so.
    pub(crate) fallback: Option<Ident>,
    limit: Option<Size>,
    block: Option<Size>,
}

/// Whether this is a `#[family]` attribute, or one that may become so.
pub(crate) fn is_family(attribute: &Attribute) -> bool {
    attribute.path().is_ident("family") || is_conditional_family(attribute)
}

impl FamilyAttributes {
    /// Reads the `#[family]` attributes of a variant; what cannot be read is left out and noted in
    /// `errors`.
    pub(crate) fn parse(attributes: &[Attribute], errors: &mut Errors) -> Self {
        let mut family = Self::default();
        for attribute in attributes {
            if is_conditional_family(attribute) {
                errors.at(
                    attribute,
                    "`#[family]` cannot depend on `cfg_attr`; write two variants, each with its own `#[cfg]`",
                );
            } else if is_family(attribute) {
                family.parse_attribute(attribute, errors);
            }
        }
        match (family.limit, family.block) {
            (Some(limit), Some(block)) if limit.bytes < block.bytes => errors.at_span(
                limit.span,
                format!(
                    "the limit is less than one block of this family; write at least \"{}\"",
                    display_size(block.bytes)
                ),
            ),
            _ => {}
        }
        family
    }

    /// The expression of the variant's `FamilySpec`.
    pub(crate) fn spec(&self, krate: &TokenStream, name: &str) -> TokenStream {
        let mut spec = quote!(#krate::FamilySpec::new(#name));
        if self.isolate {
            spec.extend(quote!(.isolate()));
        }
        if self.zero_on_free {
            spec.extend(quote!(.zero_on_free()));
        }
        if self.natural_alignment {
            spec.extend(quote!(.natural_alignment()));
        }
        if self.fallback.is_some() {
            spec.extend(quote!(.fallback()));
        }
        if let Some(limit) = self.limit {
            let bytes = limit.literal();
            spec.extend(quote!(.limit(#bytes)));
        }
        if let Some(block) = self.block {
            let bytes = block.literal();
            spec.extend(quote!(.block(#bytes)));
        }
        spec
    }

    fn parse_attribute(&mut self, attribute: &Attribute, errors: &mut Errors) {
        let list = match &attribute.meta {
            Meta::List(list) if !list.tokens.is_empty() => list,
            _ => {
                errors.at(
                    &attribute.meta,
                    format!(
                        "`#[family]` is empty; name an attribute, for example `#[family(isolate)]` (the attributes are {}), or remove it",
                        all_keys()
                    ),
                );
                return;
            }
        };
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                self.parse_one(input, errors);
                skip_past_comma(input);
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(list.tokens.clone()) {
            errors.push(error);
        }
    }

    fn parse_one(&mut self, input: ParseStream<'_>, errors: &mut Errors) {
        let Ok(key) = input.call(Ident::parse_any) else {
            errors.at(
                tokens_before_comma(input),
                format!("expected the name of an attribute: {}", all_keys()),
            );
            return;
        };
        let name = key.unraw().to_string();
        let value = match Value::parse(input) {
            Ok(value) => value,
            Err(span) => {
                errors.at_span(span, "expected `,`");
                return;
            }
        };
        if !KEYS.contains(&name.as_str()) {
            let meant = match nearest(&name, &KEYS) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("the attributes are {}", all_keys()),
            };
            errors.at(key, format!("unknown attribute `{name}`; {meant}"));
            return;
        }
        if self.given.contains(&name) {
            errors.at(key, format!("`{name}` is given twice; remove one of them"));
            return;
        }
        match name.as_str() {
            "isolate" => self.isolate = value.expect_none(&key, errors),
            "zero_on_free" => self.zero_on_free = value.expect_none(&key, errors),
            "limit" => self.limit = value.expect_limit(&key, errors),
            "block" => self.block = value.expect_block(&key, errors),
            "fallback" => self.fallback = value.expect_none(&key, errors).then_some(key),
            _ => self.natural_alignment = value.expect_natural(&key, errors),
        }
        self.given.push(name);
    }
}

/// What follows an attribute's name.
enum Value {
    /// Nothing: `isolate`.
    None,
    /// `= tokens`, perhaps none.
    Assigned(TokenStream),
    /// `(tokens)`.
    Parenthesised(TokenStream),
}

impl Value {
    fn parse(input: ParseStream<'_>) -> Result<Self, Span> {
        if input.parse::<Token![=]>().is_ok() {
            return Ok(Self::Assigned(tokens_before_comma(input)));
        }
        if input.is_empty() || input.peek(Token![,]) {
            return Ok(Self::None);
        }
        match input.parse::<TokenTree>() {
            Ok(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => {
                Ok(Self::Parenthesised(group.stream()))
            }
            Ok(other) => Err(other.span()),
            Err(error) => Err(error.span()),
        }
    }

    /// A switch: present or absent.
    fn expect_none(self, key: &Ident, errors: &mut Errors) -> bool {
        match self {
            Self::None => return true,
            Self::Assigned(value) if value.to_string() == "false" => {
                errors.at(value, format!("`{key}` is off by default; remove it"));
            }
            Self::Assigned(value) | Self::Parenthesised(value) => {
                let place = if value.is_empty() { quote!(#key) } else { value };
                errors.at(place, format!("`{key}` takes no value; write `{key}`"));
            }
        }
        false
    }

    /// A literal; `example` is what to write instead of anything else.
    fn expect_literal(self, key: &Ident, example: &str, errors: &mut Errors) -> Option<Lit> {
        let tokens = match self {
            Self::Assigned(tokens) if !tokens.is_empty() => tokens,
            _ => {
                errors.at(key, format!("`{key}` needs a value: `{key} = \"{example}\"`"));
                return None;
            }
        };
        let literal = syn::parse2::<Lit>(tokens.clone()).ok();
        if literal.is_none() {
            errors.at(tokens, format!("expected a value in quotes: `{key} = \"{example}\"`"));
        }
        literal
    }

    fn expect_size(self, key: &Ident, example: &str, errors: &mut Errors) -> Option<Size> {
        let literal = self.expect_literal(key, example, errors)?;
        let text = match &literal {
            Lit::Str(text) => text.value(),
            Lit::Int(number) if matches!(number.suffix(), "" | "usize") => {
                number.base10_digits().to_owned()
            }
            other => {
                errors.at(other, format!("write a size in quotes: `{key} = \"{example}\"`"));
                return None;
            }
        };
        match parse_size(&text) {
            Ok(bytes) => Some(Size { bytes, span: literal.span() }),
            Err(message) => {
                errors.at(literal, message);
                None
            }
        }
    }

    fn expect_limit(self, key: &Ident, errors: &mut Errors) -> Option<Size> {
        let limit = self.expect_size(key, "64 MiB", errors)?;
        if limit.bytes < MIN_BLOCK {
            errors.at_span(
                limit.span,
                "a family allocates memory in blocks of 64 KiB; write at least \"64 KiB\"",
            );
            return None;
        }
        Some(limit)
    }

    fn expect_block(self, key: &Ident, errors: &mut Errors) -> Option<Size> {
        let block = self.expect_size(key, "1 MiB", errors)?;
        if block.bytes.is_power_of_two() && (MIN_BLOCK..=MAX_BLOCK).contains(&block.bytes) {
            return Some(block);
        }
        let nearby = block.bytes.clamp(MIN_BLOCK, MAX_BLOCK).next_power_of_two();
        errors.at_span(
            block.span,
            format!(
                "a block is a power of two from 64 KiB to 2 MiB; write for example \"{}\"",
                display_size(nearby)
            ),
        );
        None
    }

    fn expect_natural(self, key: &Ident, errors: &mut Errors) -> bool {
        let Some(literal) = self.expect_literal(key, "natural", errors) else { return false };
        let natural = matches!(&literal, Lit::Str(text) if text.value() == "natural");
        if !natural {
            errors.at(literal, "the only alignment on offer is `align = \"natural\"`");
        }
        natural
    }
}

impl Size {
    /// A literal at the user's own, so that a size too large for the target's `usize` is an error
    /// there.
    fn literal(self) -> TokenStream {
        let literal = proc_macro2::Literal::u64_unsuffixed(self.bytes);
        quote_spanned!(self.span=> #literal)
    }
}

fn is_conditional_family(attribute: &Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else { return false };
    if !list.path.is_ident("cfg_attr") {
        return false;
    }
    // The predicate comes first; the attributes follow its comma.
    let attributes =
        list.tokens.clone().into_iter().skip_while(
            |token| !matches!(token, TokenTree::Punct(comma) if comma.as_char() == ','),
        );
    attributes.into_iter().any(|token| matches!(token, TokenTree::Ident(name) if name == "family"))
}

fn all_keys() -> String {
    KEYS.map(|key| format!("`{key}`")).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    fn spec_of(attributes: &[Attribute]) -> (String, Vec<String>) {
        let mut errors = Errors::default();
        let family = FamilyAttributes::parse(attributes, &mut errors);
        let spec = family.spec(&quote!(f), "A").to_string().replace(' ', "");
        (spec, errors.messages())
    }

    #[test]
    fn builds_the_spec() {
        assert_eq!(spec_of(&[]), ("f::FamilySpec::new(\"A\")".into(), vec![]));
        let (spec, errors) = spec_of(&[
            parse_quote!(#[doc = "family"]),
            parse_quote!(#[family(isolate, zero_on_free, limit = "64 MiB", align = "natural")]),
            parse_quote!(#[family(block = 0x10_0000,)]),
        ]);
        assert_eq!(errors, [""; 0]);
        assert_eq!(
            spec,
            "f::FamilySpec::new(\"A\").isolate().zero_on_free().natural_alignment().limit(67108864).block(1048576)"
        );
    }

    fn errors_of(list: TokenStream) -> Vec<String> {
        spec_of(&[parse_quote!(#[family(#list)])]).1
    }

    #[test]
    fn says_what_to_write_instead() {
        for (list, part) in [
            ("isolated", "did you mean `isolate`?"),
            ("colour = 3", "the attributes are `isolate`, `zero_on_free`"),
            ("isolate, isolate", "given twice"),
            ("isolate = true", "write `isolate`"),
            ("isolate = false", "remove it"),
            ("isolate(yes)", "write `isolate`"),
            ("isolate =", "write `isolate`"),
            ("limit", "`limit = \"64 MiB\"`"),
            ("limit(\"64 MiB\")", "`limit = \"64 MiB\"`"),
            ("limit = 64 MiB", "in quotes"),
            ("limit = 64MiB", "in quotes"),
            ("limit = -1", "negative"),
            ("limit = 1.5", "in quotes"),
            ("limit = \"-1\"", "negative"),
            ("limit = \"63 KiB\"", "at least \"64 KiB\""),
            ("limit = 1", "at least \"64 KiB\""),
            ("block = \"3 MiB\"", "for example \"2 MiB\""),
            ("block = \"96 KiB\"", "for example \"128 KiB\""),
            ("block = 1", "for example \"64 KiB\""),
            ("align = \"page\"", "`align = \"natural\"`"),
            ("align = 16", "`align = \"natural\"`"),
            ("align", "`align = \"natural\"`"),
            ("block = \"1 MiB\", limit = \"64 KiB\"", "at least \"1 MiB\""),
            ("\"isolate\"", "expected the name"),
            ("isolate zero_on_free", "expected `,`"),
        ] {
            let errors = errors_of(list.parse().unwrap());
            assert_eq!(errors.len(), 1, "{list}: {errors:?}");
            assert!(errors[0].contains(part), "{list}: {errors:?}");
        }
    }

    #[test]
    fn goes_on_after_a_mistake() {
        let list = "isolated, limit = \"\", block = 5, = 3, align = x, zero_on_free = 1";
        assert_eq!(errors_of(list.parse().unwrap()).len(), 6);
    }

    #[test]
    fn empty_and_conditional_attributes_are_errors() {
        for attribute in [
            parse_quote!(#[family]),
            parse_quote!(#[family()]),
            parse_quote!(#[family = "isolate"]),
            parse_quote!(#[cfg_attr(debug_assertions, family(isolate))]),
        ] {
            assert_eq!(spec_of(&[attribute]).1.len(), 1);
        }
        let predicate_only: Attribute = parse_quote!(#[cfg_attr(family, doc = "")]);
        assert!(spec_of(&[predicate_only]).1.is_empty());
    }
}
