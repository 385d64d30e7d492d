//! A source for the Rust compiler to work on: traits, generics, closures, iterators, macros.
//!
//! Stands for a crate of some size. What is compiled is not run.

#![crate_type = "lib"]

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::{Debug, Display};
use std::rc::Rc;

pub trait Shape: Debug {
    fn area(&self) -> f64;
    fn name(&self) -> String;
    fn scaled(&self, by: f64) -> Box<dyn Shape>;
}

#[derive(Clone, Debug, PartialEq)]
pub enum Node<K, V> {
    Leaf(K, V),
    Inner(Vec<Node<K, V>>),
    Shared(Rc<Node<K, V>>),
}

impl<K: Ord + Clone + Debug, V: Clone + Debug> Node<K, V> {
    pub fn collect(&self) -> BTreeMap<K, Vec<V>> {
        let mut found: BTreeMap<K, Vec<V>> = BTreeMap::new();
        let mut left = VecDeque::from(vec![self]);
        while let Some(node) = left.pop_front() {
            match node {
                Node::Leaf(key, value) => found.entry(key.clone()).or_default().push(value.clone()),
                Node::Inner(nodes) => left.extend(nodes.iter()),
                Node::Shared(node) => left.push_back(node),
            }
        }
        found
    }

    pub fn map<W>(&self, f: &mut impl FnMut(&K, &V) -> W) -> Node<K, W> {
        match self {
            Node::Leaf(key, value) => Node::Leaf(key.clone(), f(key, value)),
            Node::Inner(nodes) => Node::Inner(nodes.iter().map(|node| node.map(&mut *f)).collect()),
            Node::Shared(node) => Node::Shared(Rc::new(node.map(f))),
        }
    }
}

pub fn grouped<T, K>(all: impl IntoIterator<Item = T>, key: impl Fn(&T) -> K) -> HashMap<K, Vec<T>>
where
    K: std::hash::Hash + Eq,
{
    all.into_iter().fold(HashMap::new(), |mut groups, one| {
        groups.entry(key(&one)).or_insert_with(Vec::new).push(one);
        groups
    })
}

pub fn listed<T: Display>(all: &[T]) -> String {
    all.iter().map(|one| format!("[{:>8}]", one)).collect::<Vec<_>>().join(", ")
}

macro_rules! shapes {
    ($($module:ident $kind:ident $number:literal: $($field:ident),*;)*) => { $(
        pub mod $module {
            use super::*;

            #[derive(Clone, Debug, Default, PartialEq, PartialOrd)]
            pub struct $kind {
                $(pub $field: f64,)*
                pub labels: Vec<String>,
            }

            impl Shape for $kind {
                fn area(&self) -> f64 {
                    [$(self.$field),*].iter().enumerate().map(|(i, side)| side * i as f64).sum::<f64>() + $number as f64
                }
                fn name(&self) -> String {
                    format!("{} {:?} {}", stringify!($kind), self.labels, listed(&[$(self.$field),*]))
                }
                fn scaled(&self, by: f64) -> Box<dyn Shape> {
                    Box::new(Self { $($field: self.$field * by,)* labels: self.labels.clone() })
                }
            }

            pub fn sorted(mut all: Vec<$kind>) -> HashMap<usize, Vec<$kind>> {
                all.sort_by(|a, b| a.area().total_cmp(&b.area()).then_with(|| a.labels.cmp(&b.labels)));
                all.dedup_by(|a, b| a == b);
                grouped(all, |one| one.labels.len())
            }

            pub fn tree(all: &[$kind]) -> Result<Node<usize, $kind>, String> {
                let leaves = all.chunks($number).enumerate().map(|(i, some)| {
                    let first = some.first().ok_or_else(|| format!("no {}", stringify!($kind)))?;
                    Ok(Node::Inner(vec![
                        Node::Leaf(i, first.clone()),
                        Node::Shared(Rc::new(Node::Leaf(some.len(), some[some.len() - 1].clone()))),
                    ]))
                });
                Ok(Node::Inner(leaves.collect::<Result<Vec<_>, String>>()?))
            }

            pub fn report(all: &[$kind]) -> Result<Vec<String>, String> {
                let named = tree(all)?.map(&mut |place, shape| (place % $number, shape.scaled(0.5).name()));
                Ok(named.collect().into_iter().map(|(key, names)| format!("{}: {:?}", key, names)).collect())
            }
        }
    )* };
}

shapes! {
    circle Circle 3: radius; triangle Triangle 6: a, b, c; gear Gear 8: inner, outer, teeth, width;
}
