//! Texts composed of several statements, each made once: composing one costs more than running some of them.

use std::collections::HashMap;
use std::sync::Arc;

use super::statement::Statement;

/// The texts of one connection.
#[derive(Default)]
pub(super) struct Texts(HashMap<Vec<Piece>, Arc<str>>);

/// A statement by where its text lies, which is a constant of the program, and how many parameters it has.
type Piece = (usize, usize, usize);

/// Texts kept; which statements come together is a matter of few combinations.
const TEXTS: usize = 512;

impl Texts {
    /// The text of these statements, composed when it is asked for the first time. A kind keeps apart what is composed
    /// differently.
    pub(super) fn of<'s>(
        &mut self,
        kind: usize,
        statements: impl Iterator<Item = &'s Statement>,
        compose: impl FnOnce() -> String,
    ) -> Arc<str> {
        let piece = |statement: &Statement| {
            (statement.sql.as_ptr().addr(), statement.sql.len(), statement.params.len())
        };
        let key: Vec<Piece> = [(0, 0, kind)].into_iter().chain(statements.map(piece)).collect();
        if let Some(text) = self.0.get(&key) {
            return Arc::clone(text);
        }
        if self.0.len() >= TEXTS {
            self.0.clear();
        }
        let text: Arc<str> = compose().into();
        self.0.insert(key, Arc::clone(&text));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_composed_once_for_the_same_statements_in_the_same_order() {
        let (one, other) = (Statement::new("SELECT $1").int(1), Statement::new("SELECT 2"));
        let mut texts = Texts::default();
        let mut composed = 0;
        let mut of = |kind, statements: [&Statement; 2]| {
            let compose = || {
                composed += 1;
                composed.to_string()
            };
            texts.of(kind, statements.into_iter(), compose).to_string()
        };
        assert_eq!(of(0, [&one, &other]), "1");
        assert_eq!(of(0, [&one.clone(), &other]), "1");
        assert_eq!(of(0, [&other, &one]), "2", "another order");
        assert_eq!(of(1, [&one, &other]), "3", "another kind");
        assert_eq!(of(0, [&one.clone().int(2), &other]), "4", "more parameters");
    }

    #[test]
    fn texts_do_not_grow_without_end() {
        let mut texts = Texts::default();
        for kind in 0..TEXTS * 2 {
            texts.of(kind, std::iter::empty(), String::new);
        }
        assert!(texts.0.len() <= TEXTS);
    }
}
