//! How is a word typed in a shell?

/// A word of a shell's command, in quotes where it needs them.
pub(crate) fn in_shell(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::in_shell;

    #[test]
    fn what_a_shell_would_take_apart_or_replace_is_quoted() {
        assert_eq!(in_shell("--run=a/b-1_x.nii.gz"), "--run=a/b-1_x.nii.gz");
        assert_eq!(in_shell(""), "''");
        assert_eq!(in_shell("sub-*/$HOME a"), "'sub-*/$HOME a'");
        assert_eq!(in_shell("it's"), r"'it'\''s'");
    }
}
