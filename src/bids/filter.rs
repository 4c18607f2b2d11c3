//! Which files of a dataset are meant?
//!
//! By entities and suffix. Values are patterns as in a shell; several of one key are alternatives, several
//! keys must all hold.

use globset::{Glob, GlobMatcher};

use super::error::BidsError;
use super::name::Name;
use super::walk::Reason;

/// Long names that other tools use, and the keys they stand for.
const LONG_KEYS: [(&str, &str); 9] = [
    ("subject", "sub"),
    ("session", "ses"),
    ("acquisition", "acq"),
    ("reconstruction", "rec"),
    ("direction", "dir"),
    ("ceagent", "ce"),
    ("description", "desc"),
    ("resolution", "res"),
    ("density", "den"),
];

/// Entities that are numbers: `run-1` and `run-01` are one.
const INDICES: [&str; 6] = ["run", "echo", "flip", "inv", "split", "chunk"];

/// Which files are meant; the default means all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// A key and what its value may be, in the order asked for.
    entities: Vec<(String, Allowed)>,
    suffixes: Vec<Pattern>,
}

/// What the value of an entity may be: one of these, or none at all.
#[derive(Clone, Debug, Default)]
struct Allowed {
    patterns: Vec<Pattern>,
    absent: bool,
}

impl Filter {
    /// The files that have these entities, each given as `KEY=VALUE`, and one of these suffixes. Without
    /// entities all, without suffixes all.
    ///
    /// ```
    /// use voxstore::bids::{Filter, Name};
    ///
    /// let entities = ["sub=01", "sub=02", "task=*verb*"].map(String::from);
    /// let filter = Filter::new(&entities, &["bold".to_owned()])?;
    /// assert!(filter.admits(&Name::parse("sub-02_task-overtverb_bold.nii.gz").unwrap()));
    /// assert!(!filter.admits(&Name::parse("sub-03_task-overtverb_bold.nii.gz").unwrap()));
    /// assert!(!filter.admits(&Name::parse("sub-01_bold.nii.gz").unwrap()));
    /// # Ok::<(), voxstore::bids::BidsError>(())
    /// ```
    ///
    /// # Errors
    /// What is no `KEY=VALUE`, or no pattern.
    pub fn new(entities: &[String], suffixes: &[String]) -> Result<Self, BidsError> {
        let mut filter = Self::default();
        for asked in entities {
            let refused = || {
                let found = asked.clone();
                let expected = "expected KEY=VALUE, such as sub=01 or task=rest".to_owned();
                BidsError::Entity { found, expected }
            };
            let (key, value) = asked.split_once('=').ok_or_else(refused)?;
            if key.is_empty() || value.is_empty() || !key.bytes().all(|b| b.is_ascii_alphanumeric())
            {
                return Err(refused());
            }
            filter = filter.with(key, value)?;
        }
        filter.suffixes = suffixes.iter().map(|s| Pattern::new(s)).collect::<Result<_, _>>()?;
        Ok(filter)
    }

    /// The filter with one more value that the entity of this key may have; `sub-01` is as good as `01`.
    ///
    /// # Errors
    /// A value that is no pattern.
    pub fn with(mut self, key: &str, value: &str) -> Result<Self, BidsError> {
        let key = short(key);
        let value = value.strip_prefix(key).and_then(|v| v.strip_prefix('-')).unwrap_or(value);
        let pattern = Pattern::new(value)?;
        self.allowed(key).patterns.push(pattern);
        Ok(self)
    }

    /// The filter that also admits names without an entity of this key; where it says nothing else of the
    /// key, only them.
    ///
    /// ```
    /// use voxstore::bids::{Filter, Name};
    ///
    /// let filter = Filter::default().or_absent("acq");
    /// assert!(filter.admits(&Name::parse("sub-01_task-rest_bold.nii.gz").unwrap()));
    /// assert!(!filter.admits(&Name::parse("sub-01_task-rest_acq-hi_bold.nii.gz").unwrap()));
    /// ```
    #[must_use]
    pub fn or_absent(mut self, key: &str) -> Self {
        self.allowed(short(key)).absent = true;
        self
    }

    fn allowed(&mut self, key: &str) -> &mut Allowed {
        let place = self.entities.iter().position(|(known, _)| known == key);
        let place = place.unwrap_or_else(|| {
            self.entities.push((key.to_owned(), Allowed::default()));
            self.entities.len() - 1
        });
        &mut self.entities[place].1
    }

    /// The filter, with this suffix where none was asked for.
    #[must_use]
    pub fn or_suffix(mut self, suffix: &str) -> Self {
        if self.suffixes.is_empty() {
            self.suffixes.extend(Pattern::new(suffix));
        }
        self
    }

    /// True where all files are meant.
    pub fn is_empty(&self) -> bool {
        self.entities.is_empty() && self.suffixes.is_empty()
    }

    /// True where the filter says something of the entity of this key.
    pub fn names(&self, key: &str) -> bool {
        let key = short(key);
        self.entities.iter().any(|(known, _)| known == key)
    }

    /// True for a file that is meant.
    pub fn admits(&self, name: &Name) -> bool {
        self.refusal(name).is_none()
    }

    /// Why a file of this name is not meant, where it is not.
    pub fn refusal(&self, name: &Name) -> Option<Reason> {
        let suffix = name.suffix();
        if !self.suffixes.is_empty() && !self.suffixes.iter().any(|p| p.matches(suffix)) {
            return Some(Reason::Suffix(suffix.to_owned()));
        }
        let refused = |key: &str| !self.admits_value(key, name.entity(key));
        let key = self.entities.iter().map(|(key, _)| key).find(|key| refused(key))?;
        let value = name.entity(key).map(str::to_owned);
        Some(Reason::Entity { key: key.clone(), value })
    }

    /// True where the entity of this key may have this value.
    pub(super) fn admits_value(&self, key: &str, value: Option<&str>) -> bool {
        let Some((_, allowed)) = self.entities.iter().find(|(known, _)| known == key) else {
            return true;
        };
        let Some(value) = value else { return allowed.absent };
        let is_same_index = |pattern: &Pattern| {
            let number = |text: &str| text.parse::<u64>().ok();
            INDICES.contains(&key)
                && number(value).is_some_and(|n| number(&pattern.text) == Some(n))
        };
        allowed.patterns.iter().any(|pattern| pattern.matches(value) || is_same_index(pattern))
    }
}

/// The key that a long name stands for.
fn short(key: &str) -> &str {
    LONG_KEYS.iter().find(|(long, _)| *long == key).map_or(key, |(_, key)| *key)
}

/// A pattern as in a shell, and its text.
#[derive(Clone, Debug)]
struct Pattern {
    text: String,
    matcher: GlobMatcher,
}

impl Pattern {
    fn new(text: &str) -> Result<Self, BidsError> {
        let glob = Glob::new(text).map_err(|error| BidsError::Pattern {
            found: text.to_owned(),
            reason: error.kind().to_string(),
        })?;
        Ok(Self { text: text.to_owned(), matcher: glob.compile_matcher() })
    }

    fn matches(&self, value: &str) -> bool {
        self.text == value || self.matcher.is_match(value)
    }
}

#[cfg(test)]
mod tests {
    use super::{Filter, Name};

    fn admits(entities: &[&str], suffixes: &[&str], name: &str) -> bool {
        let owned = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        let filter = Filter::new(&owned(entities), &owned(suffixes)).unwrap();
        filter.admits(&Name::parse(name).unwrap())
    }

    #[test]
    fn values_of_a_key_are_alternatives_and_keys_must_all_hold() {
        let name = "sub-01_ses-a_task-rest_run-01_bold.nii";
        for entities in [
            &[][..],
            &["sub=01"],
            &["subject=01", "session=a"],
            &["sub=sub-01"],
            &["sub=02", "sub=01"],
            &["sub=0?", "task=re*"],
            &["run=1"],
            &["run=001", "task={rest,move}"],
        ] {
            assert!(admits(entities, &["bold"], name), "{entities:?}");
        }
        for entities in
            [&["sub=1"][..], &["sub=02"], &["sub=01", "task=move"], &["echo=1"], &["run=2"]]
        {
            assert!(!admits(entities, &["bold"], name), "{entities:?}");
        }
        assert!(admits(&[], &["T1w", "b*"], name));
        assert!(!admits(&[], &["T1w"], name));
    }

    #[test]
    fn an_entity_may_be_asked_to_be_absent_alone_or_beside_values() {
        let name = |name: &str| Name::parse(name).unwrap();
        let absent = Filter::default().or_absent("acquisition");
        let either = absent.clone().with("acq", "hi").unwrap();
        for (text, alone, beside) in [
            ("sub-01_bold.nii", true, true),
            ("sub-01_acq-hi_bold.nii", false, true),
            ("sub-01_acq-lo_bold.nii", false, false),
        ] {
            assert_eq!((absent.admits(&name(text)), either.admits(&name(text))), (alone, beside));
        }
        assert!(absent.names("acq") && absent.names("acquisition") && !absent.names("run"));
    }

    #[test]
    fn what_cannot_be_asked_for_is_refused() {
        for entity in ["sub", "=01", "sub=", "s b=1", "sub=[", "sub-01"] {
            assert!(Filter::new(&[entity.to_owned()], &[]).is_err(), "{entity}");
        }
        assert!(Filter::new(&[], &["[".to_owned()]).is_err());
    }
}
