//! The name of the module that a family set's marker types live in: the enum's, in snake case.
//!
//! A new word begins at an upper-case letter that follows anything but an upper-case letter, and at
//! the last upper-case letter of a run that goes on in lower case: `HTTPServer` is `http_server`.
//! Underscores at the front stay, runs of them elsewhere become one, so the result never trips
//! `non_snake_case`. What is in snake case already stays as it is, which lets a path to a marker
//! type be written either way. A keyword becomes a raw identifier.

use proc_macro2::Ident;
use syn::ext::IdentExt;

/// Why an enum's name gives no module name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoModule {
    /// The module would have the enum's own name.
    SameAsEnum,
    /// The name is one of the keywords that cannot be raw identifiers.
    Keyword(String),
}

/// The module of the family set `set`, at the same place in the source.
pub(crate) fn module_of_set(set: &Ident) -> Result<Ident, NoModule> {
    let name = set.unraw().to_string();
    if snake_case(&name) == name { Err(NoModule::SameAsEnum) } else { module_named_by(set) }
}

/// The module that `set` in a path `set::Variant` stands for: also `set` itself, if that is in snake
/// case already.
pub(crate) fn module_named_by(set: &Ident) -> Result<Ident, NoModule> {
    let name = snake_case(&set.unraw().to_string());
    match name.as_str() {
        "crate" | "self" | "super" | "_" => Err(NoModule::Keyword(name)),
        // A keyword since edition 2024, of which the parser does not know.
        "gen" => Ok(Ident::new_raw(&name, set.span())),
        _ if syn::parse_str::<Ident>(&name).is_err() => Ok(Ident::new_raw(&name, set.span())),
        _ => Ok(Ident::new(&name, set.span())),
    }
}

fn snake_case(name: &str) -> String {
    let words = name.trim_start_matches('_');
    let mut snake = name[..name.len() - words.len()].to_owned();
    let mut previous: Option<char> = None;
    let mut letters = words.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '_' {
            if previous != Some('_') {
                snake.push('_');
            }
        } else {
            let begins_word = letter.is_uppercase()
                && previous.is_some_and(|before| {
                    before != '_'
                        && (!before.is_uppercase()
                            || letters.peek().is_some_and(|after| after.is_lowercase()))
                });
            if begins_word {
                snake.push('_');
            }
            snake.extend(letter.to_lowercase());
        }
        previous = Some(letter);
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;
    use proc_macro2::Span;

    fn ident(name: &str) -> Ident {
        Ident::new(name, Span::call_site())
    }

    #[test]
    fn turns_camel_case_into_snake_case() {
        for (camel, snake) in [
            ("Lives", "lives"),
            ("GameLives", "game_lives"),
            ("HTTPServer", "http_server"),
            ("MyHTTP", "my_http"),
            ("HTTP", "http"),
            ("A", "a"),
            ("AB", "ab"),
            ("ABc", "a_bc"),
            ("Lives2D", "lives2_d"),
            ("Level12", "level12"),
            ("I18nData", "i18n_data"),
            ("_Lives", "_lives"),
            ("__Lives", "__lives"),
            ("Lives_", "lives_"),
            ("Game_Lives", "game_lives"),
            ("Game__Lives", "game_lives"),
            ("SCREAMING_CASE", "screaming_case"),
            ("ÜberLeben", "über_leben"),
            ("lives", "lives"),
            ("game_lives", "game_lives"),
        ] {
            assert_eq!(snake_case(camel), snake, "{camel}");
            assert_eq!(snake_case(snake), snake, "{snake} stays as it is");
        }
    }

    #[test]
    fn keywords_become_raw() {
        assert_eq!(module_of_set(&ident("Type")).unwrap().to_string(), "r#type");
        assert_eq!(module_of_set(&ident("Gen")).unwrap().to_string(), "r#gen");
        assert_eq!(module_of_set(&ident("Dyn")).unwrap().to_string(), "r#dyn");
        assert_eq!(module_of_set(&ident("Union")).unwrap().to_string(), "union");
    }

    #[test]
    fn raw_enums_lose_their_prefix() {
        let raw = Ident::new_raw("Lives", Span::call_site());
        assert_eq!(module_of_set(&raw).unwrap().to_string(), "lives");
    }

    #[test]
    fn some_names_give_no_module() {
        assert_eq!(module_of_set(&ident("lives")), Err(NoModule::SameAsEnum));
        assert_eq!(module_of_set(&ident("Crate")), Err(NoModule::Keyword("crate".into())));
        assert_eq!(module_named_by(&ident("super")), Err(NoModule::Keyword("super".into())));
        assert_eq!(module_named_by(&ident("lives")).unwrap().to_string(), "lives");
    }
}
