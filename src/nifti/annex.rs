//! What does git-annex say that a file's bytes are?
//!
//! In a dataset under git-annex a file is a link to an object that is named by its key, such as
//! `MD5E-s123--<32 hex digits>.nii.gz`: the size and the hash that the bytes must have. Reads names only.

use std::path::Path;

use crate::files;

/// What the key of a file promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) bytes: Option<u64>,
    pub(super) hash: Option<KeyHash>,
}

/// A hash in hex, of a kind that is checked here. Others (SHA1, BLAKE2, ...) are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeyHash {
    Md5(String),
    Sha256(String),
}

/// The key of the object that a link leads to; `None` for any other file.
pub(super) fn key_of(path: &Path) -> Option<Key> {
    if !files::look_at_link(path).ok()?.is_symlink() {
        return None;
    }
    let object = files::canonicalize(path).ok()?;
    let is_annexed = object.parent()?.to_str()?.contains("/annex/objects/");
    is_annexed.then(|| parse(object.file_name()?.to_str()?)).flatten()
}

/// Takes apart `BACKEND-sSIZE--NAME`; other fields may stand beside the size.
fn parse(key: &str) -> Option<Key> {
    let (fields, name) = key.split_once("--")?;
    let mut fields = fields.split('-');
    let backend = fields.next()?;
    let bytes = fields.find_map(|field| field.strip_prefix('s')?.parse().ok());
    // A backend with an E keeps the ending of the file behind the hash.
    let digits = match backend.strip_suffix('E') {
        Some(_) => name.split('.').next().unwrap_or(name),
        None => name,
    };
    let is_hash = |len| digits.len() == len && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let hash = match backend {
        "MD5" | "MD5E" if is_hash(32) => Some(KeyHash::Md5(digits.to_ascii_lowercase())),
        "SHA256" | "SHA256E" if is_hash(64) => Some(KeyHash::Sha256(digits.to_ascii_lowercase())),
        _ => None,
    };
    Some(Key { bytes, hash })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use sha2::{Digest, Sha256};

    use super::{Key, KeyHash, parse};
    use crate::nifti::hex::hex;
    use crate::nifti::testing::{Folder, Image, drain};
    use crate::nifti::{NiftiError, open};

    #[test]
    fn keys_are_taken_apart() {
        let md5 = "d41d8cd98f00b204e9800998ecf8427e";
        let sha = "0f".repeat(32);
        let key = |bytes, hash| Some(Key { bytes, hash });
        let md5_hash = || Some(KeyHash::Md5(md5.to_owned()));
        assert_eq!(parse(&format!("MD5E-s12--{md5}.nii.gz")), key(Some(12), md5_hash()));
        assert_eq!(parse(&format!("MD5-s0-m7--{md5}")), key(Some(0), md5_hash()));
        let sha_hash = Some(KeyHash::Sha256(sha.clone()));
        assert_eq!(parse(&format!("SHA256E-s12--{sha}.hdr")), key(Some(12), sha_hash.clone()));
        assert_eq!(parse(&format!("SHA256--{sha}")), key(None, sha_hash));
        assert_eq!(parse("WORM-s5-m1--x.nii"), key(Some(5), None));
        assert_eq!(parse(&format!("MD5E-s12--{sha}.nii")), key(Some(12), None));
        assert_eq!(parse("x_bold.nii.gz"), None);
    }

    /// A link into an annex whose object has this key and these bytes.
    fn annexed(folder: &Folder, name: &str, key: &str, bytes: &[u8]) -> PathBuf {
        let object = folder.write(&format!(".git/annex/objects/Xx/9q/{key}/{key}"), bytes);
        let link = folder.path(name);
        drop(fs::remove_file(&link));
        symlink(object, &link).unwrap();
        link
    }

    #[test]
    fn a_size_that_is_not_the_keys_is_refused_when_the_file_is_opened() {
        let (folder, image) = (Folder::new(), Image::v1());
        for (size, is_ok) in [(image.bytes.len(), true), (image.bytes.len() + 1, false)] {
            let opened = open(annexed(&folder, "x.nii", &format!("WORM-s{size}--x"), &image.bytes));
            assert_eq!(opened.is_ok(), is_ok);
            if let Err(error) = opened {
                assert!(matches!(error, NiftiError::NotTheKey { .. }), "{error}");
                assert!(error.to_string().contains("449 bytes"), "{error}");
            }
        }
    }

    #[test]
    fn each_file_of_a_pair_has_a_key_of_its_own() {
        let (header, voxels) = Image::v1().pair();
        let key = |bytes: &[u8], backend: &str, is_right: bool| {
            let mut hash = match backend {
                "MD5E" => hex(&<md5::Md5 as md5::Digest>::digest(bytes)),
                _ => hex(&Sha256::digest(bytes)),
            };
            if !is_right {
                hash = hash.chars().rev().collect();
            }
            format!("{backend}-s{}--{hash}.x", bytes.len())
        };
        let both = hex(&Sha256::digest([&header.bytes[..], &voxels].concat()));
        for backends in [["MD5E", "SHA256E"], ["SHA256E", "MD5E"], ["SHA256E", "SHA256E"]] {
            for right in [[true, true], [false, true], [true, false]] {
                let folder = Folder::new();
                let [of_header, of_image] = [(&header.bytes, 0), (&voxels, 1)]
                    .map(|(bytes, at)| key(bytes, backends[at], right[at]));
                annexed(&folder, "x.img", &of_image, &voxels);
                let run = open(annexed(&folder, "x.hdr", &of_header, &header.bytes)).unwrap();
                match drain(&run, true) {
                    Ok((_, end)) => {
                        assert_eq!((right, end.sha256.as_ref()), ([true; 2], Some(&both)));
                    }
                    Err(error) => {
                        let wrong = if right[0] { "x.img" } else { "x.hdr" };
                        let text = error.to_string();
                        assert!(right != [true; 2] && text.contains(wrong), "{text}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_hash_that_is_not_the_keys_is_an_error_once_all_bytes_were_hashed() {
        let (folder, image) = (Folder::new(), Image::v1());
        for (name, bytes) in [("x.nii", image.bytes.clone()), ("x.nii.gz", image.gzip())] {
            let sha256 = hex(&Sha256::digest(&bytes));
            let md5 = hex(&<md5::Md5 as md5::Digest>::digest(&bytes));
            let zeros = "0".repeat(64);
            for (backend, right) in [("MD5E", &md5), ("SHA256E", &sha256)] {
                let wrong = &zeros[..right.len()];
                for (hash, is_right) in [(&right[..], true), (wrong, false)] {
                    let key = format!("{backend}-s{}--{hash}.nii", bytes.len());
                    let run = open(annexed(&folder, name, &key, &bytes)).unwrap();
                    let drained = drain(&run, true);
                    assert_eq!(drained.is_ok(), is_right, "{key}");
                    match drained {
                        Ok((_, end)) => assert_eq!(end.sha256.as_ref(), Some(&sha256)),
                        Err(error) => {
                            let text = error.to_string();
                            assert!(text.contains(hash) && text.contains(right), "{text}");
                        }
                    }
                    assert!(drain(&run, false).is_ok(), "nobody asked for hashes");
                }
            }
        }
    }
}
