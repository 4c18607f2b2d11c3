//! How is a BIDS name taken apart, and made from another?
//!
//! `key-value` pairs and a suffix, joined by `_`, and an extension. Judges no more than that: which pairs
//! a suffix may have is a validator's business.

use std::fmt;

/// Keys that BIDS puts behind all others in a name.
const LAST_KEY: &str = "desc";

/// A file name by the rule of BIDS: `sub-01_task-rest_bold.nii.gz`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// In the order of the name.
    entities: Vec<(String, String)>,
    suffix: String,
    extension: String,
}

impl Name {
    /// Takes a file name apart; the extension begins at the first dot of the last part. `None` where a
    /// part is no pair, or the suffix is empty.
    ///
    /// ```
    /// use voxstore::bids::Name;
    ///
    /// let name = Name::parse("sub-01_task-rest_run-2_bold.nii.gz").unwrap();
    /// assert_eq!((name.entity("run"), name.suffix()), (Some("2"), "bold"));
    /// assert_eq!(name.extension(), ".nii.gz");
    /// assert_eq!(Name::parse("run1.nii.gz").unwrap().entity("sub"), None);
    /// assert_eq!(Name::parse("sub-01_rest_bold.nii.gz"), None);
    /// ```
    pub fn parse(file_name: &str) -> Option<Self> {
        let last = file_name.rfind('_').map_or(0, |at| at + 1);
        let dot = file_name[last..].find('.').map_or(file_name.len(), |at| last + at);
        let name = Self::of_stem(&file_name[..dot])?;
        Some(Self { extension: file_name[dot..].to_owned(), ..name })
    }

    /// Takes a name without an extension apart: all dots are part of values and suffix.
    pub(crate) fn of_stem(stem: &str) -> Option<Self> {
        let (pairs, suffix) = stem.rsplit_once('_').map_or(("", stem), |(p, suffix)| (p, suffix));
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('-')?;
            (!key.is_empty() && !value.is_empty()).then(|| (key.to_owned(), value.to_owned()))
        };
        let entities: Option<Vec<_>> =
            pairs.split('_').filter(|_| stem.contains('_')).map(pair).collect();
        let (suffix, extension) = (suffix.to_owned(), String::new());
        let entities = entities.filter(|_| !suffix.is_empty())?;
        Some(Self { entities, suffix, extension })
    }

    /// Keys and values in the order of the name.
    pub fn entities(&self) -> &[(String, String)] {
        &self.entities
    }

    /// The value of the entity with this key.
    pub fn entity(&self, key: &str) -> Option<&str> {
        self.entities.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// The last part, such as `bold`.
    pub fn suffix(&self) -> &str {
        &self.suffix
    }

    /// What follows the suffix, from its first dot: `.nii.gz`; empty where nothing does.
    pub fn extension(&self) -> &str {
        &self.extension
    }

    /// The name with this entity, in the place of one of the same key, else before `desc`, which BIDS has
    /// last.
    #[must_use]
    pub fn with_entity(mut self, key: &str, value: &str) -> Self {
        let at = |wanted: &str| self.entities.iter().position(|(key, _)| key == wanted);
        match (at(key), at(LAST_KEY)) {
            (Some(at), _) => value.clone_into(&mut self.entities[at].1),
            (None, before) => {
                let before = before.unwrap_or(self.entities.len());
                self.entities.insert(before, (key.to_owned(), value.to_owned()));
            }
        }
        self
    }

    /// The name with another suffix and extension.
    #[must_use]
    pub fn with_ending(self, suffix: &str, extension: &str) -> Self {
        Self { suffix: suffix.to_owned(), extension: extension.to_owned(), ..self }
    }

    /// True where metadata of this name apply to a file of that one: the same suffix, and no entity that the
    /// file has not (BIDS, the inheritance principle, rule 2).
    pub(crate) fn applies_to(&self, file: &Self) -> bool {
        self.suffix == file.suffix && self.entities.iter().all(|pair| file.entities.contains(pair))
    }

    /// The first key that stands in the name twice.
    pub(super) fn repeated_key(&self) -> Option<&str> {
        let before = |at: usize, key: &String| self.entities[..at].iter().any(|(k, _)| k == key);
        let mut keys = self.entities.iter().map(|(key, _)| key).enumerate();
        keys.find(|(at, key)| before(*at, key)).map(|(_, key)| key.as_str())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, value) in &self.entities {
            write!(f, "{key}-{value}_")?;
        }
        write!(f, "{}{}", self.suffix, self.extension)
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn a_name_and_its_parts_are_the_same() {
        for text in [
            "sub-01_ses-test_task-a_acq-b_ce-c_rec-d_dir-AP_run-1_echo-2_part-mag_bold.nii.gz",
            "sub-01_space-MNI_res-2_stat-tsnr_desc-preproc_boldmap.json",
            "task-rest_bold.json",
            "bold.json",
            "sub-01_task-v1.5_bold.nii",
            "sub-01_T1w",
        ] {
            let name = Name::parse(text).unwrap();
            assert_eq!(name.to_string(), text);
            let count = text.matches('-').count();
            assert_eq!(name.entities().len(), count, "{text}");
        }
        let name = Name::parse("sub-01_task-v1.5_bold.nii").unwrap();
        assert_eq!((name.entity("task"), name.extension()), (Some("v1.5"), ".nii"));
    }

    #[test]
    fn what_is_no_pair_is_no_name() {
        for text in
            ["", ".json", "_bold.nii", "sub-01_.nii", "sub_bold.nii", "sub-_bold.nii", "-1_bold"]
        {
            assert_eq!(Name::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_derived_name_keeps_the_order_of_bids() {
        let derived = |text: &str| {
            let name = Name::parse(text).unwrap().with_entity("stat", "tsnr");
            name.with_ending("boldmap", ".nii.gz").to_string()
        };
        assert_eq!(derived("sub-1_task-x_bold.nii"), "sub-1_task-x_stat-tsnr_boldmap.nii.gz");
        assert_eq!(
            derived("sub-1_space-T1w_desc-preproc_bold.nii.gz"),
            "sub-1_space-T1w_stat-tsnr_desc-preproc_boldmap.nii.gz"
        );
        assert_eq!(derived("sub-1_stat-mean_bold.nii"), "sub-1_stat-tsnr_boldmap.nii.gz");
    }

    #[test]
    fn metadata_apply_where_they_say_nothing_that_the_file_does_not() {
        let file = Name::parse("sub-01_ses-a_task-x_run-1_bold.nii.gz").unwrap();
        for (other, applies) in [
            ("bold.json", true),
            ("task-x_bold.json", true),
            ("run-1_sub-01_bold.json", true),
            ("task-y_bold.json", false),
            ("task-x_echo-1_bold.json", false),
            ("task-x_events.json", false),
            ("run-01_bold.json", false),
        ] {
            assert_eq!(Name::parse(other).unwrap().applies_to(&file), applies, "{other}");
        }
    }

    #[test]
    fn a_key_that_stands_twice_is_found() {
        assert_eq!(Name::parse("sub-1_run-1_run-2_bold").unwrap().repeated_key(), Some("run"));
        assert_eq!(Name::parse("sub-1_run-1_bold").unwrap().repeated_key(), None);
    }
}
