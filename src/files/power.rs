//! What is left on a disk when the power fails?
//!
//! Unit tests only. [`Disk`] plays the record of an ingest on a model of a file system that keeps what was
//! synced and may or may not keep the rest: names last when their folder was synced, bytes when their
//! file was, everything when the file system was. A rename or an exchange is kept whole or not at all,
//! as journalling file systems do; that is asked of them in `docs/format.md`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::faults::Event;

/// What a power cut takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Loss {
    /// All that was not synced.
    Unsynced,
    /// Bytes that were not synced; names stay. Where a file was never synced, it is empty.
    Bytes,
}

/// A value now, and as it is after a power cut.
#[derive(Clone, Debug, Default)]
struct Kept<T> {
    now: T,
    safe: T,
}

#[derive(Clone, Debug)]
enum Node {
    File(Kept<Vec<u8>>),
    Folder(Kept<BTreeMap<OsString, usize>>),
}

/// A folder and what is in it. Node 0 is the folder.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    root: PathBuf,
    nodes: Vec<Node>,
}

/// Files with their bytes, and folders without.
pub(crate) type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

impl Disk {
    /// What is in a folder, all of it synced.
    pub(crate) fn of(folder: &Path) -> Self {
        let root = folder.canonicalize().unwrap();
        let mut disk = Self { root: root.clone(), nodes: vec![Node::Folder(Kept::default())] };
        for entry in walkdir::WalkDir::new(&root).min_depth(1) {
            let entry = entry.unwrap();
            if entry.file_type().is_dir() {
                disk.play(&Event::Folder(entry.path().into()));
            } else {
                disk.play(&Event::File(entry.path().into()));
                let bytes = fs::read(entry.path()).unwrap();
                disk.play(&Event::Write(entry.path().into(), None, bytes));
            }
        }
        disk.play(&Event::SyncAll);
        disk
    }

    /// Has it happen.
    pub(crate) fn play(&mut self, event: &Event) {
        match event {
            Event::File(path) => match self.find(path) {
                Some(id) => self.bytes(id).now.clear(),
                None => {
                    self.add(path, Node::File(Kept::default()));
                }
            },
            Event::Folder(path) => {
                self.folder(path);
            }
            Event::Write(path, at, new) => {
                let id = self.find(path).unwrap();
                let bytes = &mut self.bytes(id).now;
                let at = at.map_or(bytes.len(), |at| at as usize);
                bytes.resize(bytes.len().max(at + new.len()), 0);
                bytes[at..at + new.len()].copy_from_slice(new);
            }
            Event::SyncFile(path) | Event::SyncDir(path) => {
                let id = self.find(path).unwrap();
                self.nodes[id].sync();
            }
            Event::SyncAll => self.nodes.iter_mut().for_each(Node::sync),
            Event::Rename(from, to) => {
                let id = self.take(from);
                self.put(to, id);
            }
            Event::Exchange(one, other) => {
                let (first, second) = (self.take(one), self.take(other));
                self.put(one, second);
                self.put(other, first);
            }
            Event::Link(from, to) => {
                let id = self.find(from).unwrap();
                self.put(to, id);
            }
            Event::Remove(path) => {
                self.take(path);
            }
        }
    }

    /// What is found when the power is back.
    pub(crate) fn after(&self, loss: Loss) -> Tree {
        let mut tree = Tree::new();
        let mut open = vec![(PathBuf::new(), 0)];
        while let Some((path, id)) = open.pop() {
            match &self.nodes[id] {
                Node::File(bytes) => {
                    tree.insert(path, Some(bytes.safe.clone()));
                }
                Node::Folder(names) => {
                    let names = if loss == Loss::Bytes { &names.now } else { &names.safe };
                    open.extend(names.iter().map(|(name, &id)| (path.join(name), id)));
                    tree.insert(path, None);
                }
            }
        }
        tree
    }

    fn find(&self, path: &Path) -> Option<usize> {
        path.strip_prefix(&self.root).unwrap().iter().try_fold(0, |id, name| {
            match &self.nodes[id] {
                Node::Folder(names) => names.now.get(name).copied(),
                Node::File(_) => None,
            }
        })
    }

    /// The folder at a path, which is made with those above it where it is missing.
    fn folder(&mut self, path: &Path) -> usize {
        match self.find(path) {
            Some(id) => id,
            None => self.add(path, Node::Folder(Kept::default())),
        }
    }

    fn add(&mut self, path: &Path, node: Node) -> usize {
        let id = self.nodes.len();
        self.nodes.push(node);
        self.put(path, id);
        id
    }

    fn put(&mut self, path: &Path, id: usize) {
        let parent = self.folder(path.parent().unwrap());
        let name = path.file_name().unwrap().to_owned();
        self.names(parent).now.insert(name, id);
    }

    fn take(&mut self, path: &Path) -> usize {
        let parent = self.find(path.parent().unwrap()).unwrap();
        self.names(parent).now.remove(path.file_name().unwrap()).unwrap()
    }

    fn bytes(&mut self, id: usize) -> &mut Kept<Vec<u8>> {
        match &mut self.nodes[id] {
            Node::File(bytes) => bytes,
            Node::Folder(_) => panic!("a folder has no bytes"),
        }
    }

    fn names(&mut self, id: usize) -> &mut Kept<BTreeMap<OsString, usize>> {
        match &mut self.nodes[id] {
            Node::Folder(names) => names,
            Node::File(_) => panic!("a file has no names in it"),
        }
    }
}

impl Node {
    fn sync(&mut self) {
        match self {
            Self::File(bytes) => bytes.safe.clone_from(&bytes.now),
            Self::Folder(names) => names.safe.clone_from(&names.now),
        }
    }
}

/// Writes a tree into an empty folder.
pub(crate) fn lay_out(tree: &Tree, folder: &Path) {
    for (path, bytes) in tree {
        match bytes {
            None => fs::create_dir_all(folder.join(path)).unwrap(),
            Some(bytes) => fs::write(folder.join(path), bytes).unwrap(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Disk, Loss};
    use crate::files::faults::Event;

    #[test]
    fn a_power_cut_takes_what_was_not_synced() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let mut disk = Disk::of(&root);
        let (x, y) = (root.join("x"), root.join("y"));
        let left = |disk: &Disk, loss, name: &str| {
            disk.after(loss).get(Path::new(name)).map(|bytes| bytes.clone().unwrap())
        };
        disk.play(&Event::File(x.clone()));
        disk.play(&Event::Write(x.clone(), None, b"abc".into()));
        assert_eq!(left(&disk, Loss::Unsynced, "x"), None);
        assert_eq!(left(&disk, Loss::Bytes, "x"), Some(vec![]));
        disk.play(&Event::SyncFile(x.clone()));
        assert_eq!(left(&disk, Loss::Unsynced, "x"), None);
        assert_eq!(left(&disk, Loss::Bytes, "x"), Some(b"abc".into()));
        disk.play(&Event::SyncDir(root.clone()));
        disk.play(&Event::Rename(x, y));
        assert_eq!(left(&disk, Loss::Unsynced, "x"), Some(b"abc".into()));
        assert_eq!(left(&disk, Loss::Unsynced, "y"), None);
        disk.play(&Event::SyncDir(root));
        assert_eq!(left(&disk, Loss::Unsynced, "x"), None);
        assert_eq!(left(&disk, Loss::Unsynced, "y"), Some(b"abc".into()));
    }
}
