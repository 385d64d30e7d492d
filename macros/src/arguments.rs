//! What stands in the parentheses of `#[alloc_family(..)]`: the path of a family, options, or both.
//!
//! A path makes the item a member of that family; options are `key = value`. So the first token
//! after a name decides, and `crate = crate` (an option) and `crate::Lives::Ast` (a path) do not get
//! in each other's way.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{LitStr, Path, Token};

use crate::errors::{Errors, nearest};

const OPTIONS: [&str; 4] = ["crate", "module", "source", "thread_local"];

/// The arguments of one `#[alloc_family]`.
#[derive(Default)]
pub(crate) struct Arguments {
    /// The family that the item joins.
    pub(crate) family: Option<Path>,
    /// Where the set gets its address space; with the place of the key for errors.
    pub(crate) source: Option<(Ident, TokenStream)>,
    /// Whether threads reach the set's cache slots by a fixed offset, wherever it ends up; with the place of
    /// the key for errors.
    pub(crate) initial_exec: Option<Ident>,
    /// What the module of the set's marker types is called; with the place of the key for errors.
    pub(crate) module: Option<(Ident, Ident)>,
    /// Whether the item was to join a family that could not be read; that has been reported.
    pub(crate) unreadable_family: bool,
    krate: Option<Path>,
}

impl Arguments {
    /// Reads the arguments; what cannot be read is left out and noted in `errors`.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut arguments = Self::default();
        let mut given = Vec::new();
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                let known = errors.count();
                arguments.parse_one(input, &mut given, errors);
                if errors.count() == known && !input.is_empty() && !input.peek(Token![,]) {
                    errors.at_span(input.span(), "expected `,`");
                }
                skip_past_comma(input);
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            errors.push(error);
        }
        arguments
    }

    /// The path under which the expansion reaches famalloc.
    pub(crate) fn krate(&self) -> TokenStream {
        self.krate.as_ref().map_or_else(|| quote!(::famalloc), |path| quote!(#path))
    }

    fn parse_one(&mut self, input: ParseStream<'_>, given: &mut Vec<String>, errors: &mut Errors) {
        if input.peek(Ident::peek_any) && input.peek2(Token![=]) {
            self.parse_option(input, given, errors);
            return;
        }
        match parse_family(input) {
            Ok(path) if self.family.is_some() => {
                errors.at(path, "a type joins one family; remove all paths but one");
            }
            Ok(path) => self.family = Some(path),
            Err(error) => {
                self.unreadable_family = true;
                errors.push(error);
            }
        }
    }

    fn parse_option(
        &mut self,
        input: ParseStream<'_>,
        given: &mut Vec<String>,
        errors: &mut Errors,
    ) {
        let (Ok(key), Ok(_)) = (input.call(Ident::parse_any), input.parse::<Token![=]>()) else {
            return;
        };
        let name = key.unraw().to_string();
        let value = tokens_before_comma(input);
        if !OPTIONS.contains(&name.as_str()) {
            let meant = match nearest(&name, &OPTIONS) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "the options are `crate`, `module`, `source` and `thread_local`".to_owned(),
            };
            errors.at(key, format!("unknown option `{name}`; {meant}"));
            return;
        }
        if given.contains(&name) {
            errors.at(key, format!("`{name}` is given twice; remove one of them"));
            return;
        }
        if name == "thread_local" {
            match syn::parse2::<LitStr>(value.clone()) {
                Ok(model) if model.value() == "initial-exec" => self.initial_exec = Some(key),
                _ => errors.at(
                    if value.is_empty() { quote!(#key) } else { value },
                    "write `thread_local = \"initial-exec\"`, or remove `thread_local`",
                ),
            }
        } else if name == "module" {
            match Parser::parse2(Ident::parse_any, value.clone()) {
                Ok(module) if is_name(&module) => self.module = Some((key, module)),
                _ => errors.at(
                    if value.is_empty() { quote!(#key) } else { value },
                    "write the name of a module: `module = name`",
                ),
            }
        } else if value.is_empty() {
            errors.at(&key, format!("`{name}` needs a path: `{name} = some::path`"));
        } else if name == "crate" {
            match parse_crate(value) {
                Ok(path) => self.krate = Some(path),
                Err(span) => errors.at_span(
                    span,
                    "expected the path of the crate famalloc: `crate = some::path` or `crate = \"some::path\"`",
                ),
            }
        } else {
            match Parser::parse2(syn::Path::parse_mod_style, value.clone()) {
                Ok(_) => self.source = Some((key, value)),
                Err(error) => errors.at_span(
                    error.span(),
                    "expected the path of a static that is a page source: `source = some::STATIC`",
                ),
            }
        }
        given.push(name);
    }
}

/// The path of a family.
fn parse_family(input: ParseStream<'_>) -> syn::Result<Path> {
    if let Ok(text) = input.fork().parse::<LitStr>() {
        return Err(syn::Error::new_spanned(
            &text,
            format!("write the family without quotes: `#[alloc_family({})]`", text.value()),
        ));
    }
    let path = input.call(Path::parse_mod_style).map_err(|error| {
        syn::Error::new(
            error.span(),
            "expected the path of a family, `Set::Variant`, or an option: `crate = path` or `source = path`",
        )
    })?;
    if input.peek(Token![<]) || input.peek2(Token![<]) {
        return Err(syn::Error::new_spanned(
            tokens_before_comma(input),
            "a family set has no parameters; write `Set::Variant`",
        ));
    }
    Ok(path)
}

/// Whether something can be called that as it is written.
fn is_name(name: &Ident) -> bool {
    syn::parse_str::<Ident>(&name.to_string()).is_ok() && name != "_" && name != "gen"
}

/// `crate = path` or `crate = "path"`.
fn parse_crate(value: TokenStream) -> Result<Path, Span> {
    match syn::parse2::<LitStr>(value.clone()) {
        Ok(text) => text.parse_with(Path::parse_mod_style).map_err(|_| text.span()),
        Err(_) => Parser::parse2(Path::parse_mod_style, value).map_err(|error| error.span()),
    }
}

/// The tokens up to the next comma; the comma stays.
pub(crate) fn tokens_before_comma(input: ParseStream<'_>) -> TokenStream {
    let mut tokens = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        match input.parse::<TokenTree>() {
            Ok(token) => tokens.extend([token]),
            Err(_) => break,
        }
    }
    tokens
}

/// Goes on after the next comma.
pub(crate) fn skip_past_comma(input: ParseStream<'_>) {
    tokens_before_comma(input);
    // There is a comma or nothing.
    let _ = input.parse::<Option<Token![,]>>();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Arguments, Vec<String>) {
        let mut errors = Errors::default();
        let arguments = Arguments::parse(text.parse().unwrap(), &mut errors);
        (arguments, errors.messages())
    }

    #[test]
    fn nothing_is_a_family_set() {
        let (arguments, errors) = parse("");
        assert!(arguments.family.is_none() && arguments.source.is_none() && errors.is_empty());
        assert_eq!(arguments.krate().to_string(), ":: famalloc");
    }

    #[test]
    fn a_path_is_a_membership() {
        for text in ["Lives::Ast", "crate::Lives::Ast", "::other::Lives::Ast", "self::r#type::B"] {
            let (arguments, errors) = parse(text);
            assert!(arguments.family.is_some() && errors.is_empty(), "{text}: {errors:?}");
        }
    }

    #[test]
    fn options_take_paths() {
        for text in ["crate = crate", "crate = \"crate\"", "crate = crate,"] {
            assert_eq!(parse(text).0.krate().to_string(), "crate", "{text}");
        }
        let (arguments, errors) = parse("source = pages::BUFFER, crate = \"::a::famalloc\"");
        assert_eq!(arguments.source.as_ref().unwrap().1.to_string(), "pages :: BUFFER");
        assert_eq!(arguments.krate().to_string(), ":: a :: famalloc");
        assert!(errors.is_empty());
        let (arguments, errors) = parse("crate::Lives::Ast, crate = crate");
        assert!(arguments.family.is_some() && errors.is_empty());
    }

    #[test]
    fn the_module_has_a_name() {
        for (text, name) in [("module = life", "life"), ("module = r#type, crate = a", "r#type")] {
            let (arguments, errors) = parse(text);
            assert_eq!(arguments.module.unwrap().1.to_string(), name);
            assert!(errors.is_empty(), "{text}: {errors:?}");
        }
        for text in ["a::b", "\"life\"", "type", "gen", "_", "self", "7", "", "a b"] {
            let (arguments, errors) = parse(&format!("module = {text}"));
            assert!(arguments.module.is_none() && errors.len() == 1, "{text}: {errors:?}");
            assert!(errors[0].contains("the name of a module"), "{text}: {errors:?}");
        }
    }

    #[test]
    fn what_was_to_be_a_path_is_no_family_set() {
        for text in ["\"Lives::Ast\"", "Lives<u8>::Ast", "Lives::<u8>::Ast", "7", "Lives::"] {
            let (arguments, errors) = parse(text);
            assert!(arguments.unreadable_family && errors.len() == 1, "{text}: {errors:?}");
        }
        assert!(!parse("sauce = X").0.unreadable_family);
    }

    #[test]
    fn reports_all_mistakes_at_once() {
        let (_, errors) = parse(
            "\"Lives::Ast\", sauce = X, size = 3, crate = 5, crate = b, source =, A::B, C::D, A B, 7",
        );
        let parts = [
            "without quotes: `#[alloc_family(Lives::Ast)]`",
            "did you mean `source`?",
            "the options are",
            "path of the crate famalloc",
            "given twice",
            "`source` needs a path",
            "joins one family",
            "joins one family",
            "expected the path of a family",
        ];
        assert_eq!(errors.len(), parts.len(), "{errors:?}");
        for (error, part) in errors.iter().zip(parts) {
            assert!(error.contains(part), "{error}: {part}");
        }
    }
}
