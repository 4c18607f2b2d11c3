//! What is behind the last byte of a gzip member?
//!
//! [`Members`] inflates member after member and tells padding, junk and further members apart, as
//! `gzip -t` does. The checksum and length of every member that is read to its end are verified by
//! its decoder, `flate2` or (feature `isal`) ISA-L; reading to the end is the caller's duty.

use std::io::{self, BufRead, Read};

#[cfg(feature = "isal")]
use super::isal_member::Member;
use super::window::Window;

/// What inflates one member.
#[cfg(not(feature = "isal"))]
type Member<'a> = flate2::bufread::GzDecoder<Window<'a>>;

/// The first two bytes of every gzip member.
pub(in crate::nifti) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// All members of a gzip file as one stream.
pub(super) struct Members<'a> {
    state: Option<State<'a>>,
    /// Members that were begun.
    pub(super) count: u64,
    /// Compressed bytes after the last member that are neither a member nor zeros.
    pub(super) junk_bytes: u64,
}

enum State<'a> {
    Member(Box<Member<'a>>),
    Ended(Window<'a>),
}

impl<'a> Members<'a> {
    pub(super) fn new(window: Window<'a>) -> Self {
        let state = Some(State::Member(Box::new(Member::new(window))));
        Self { state, count: 1, junk_bytes: 0 }
    }

    /// Where in the compressed file reading stands.
    pub(super) fn position(&self) -> u64 {
        match &self.state {
            Some(State::Member(decoder)) => decoder.get_ref().position(),
            Some(State::Ended(window)) => window.position(),
            None => 0,
        }
    }

    /// The window, wherever it is.
    pub(super) fn window(&mut self) -> Option<&mut Window<'a>> {
        match self.state.as_mut()? {
            State::Member(decoder) => Some(decoder.get_mut()),
            State::Ended(window) => Some(window),
        }
    }

    /// The window, once everything was read.
    pub(super) fn into_window(self) -> Option<Window<'a>> {
        match self.state? {
            State::Member(decoder) => Some(decoder.into_inner()),
            State::Ended(window) => Some(window),
        }
    }

    /// Steps from the end of a member to the next one; false at the end of the file.
    fn next_member(&mut self) -> io::Result<bool> {
        let mut window = match self.state.take() {
            Some(State::Member(decoder)) => decoder.into_inner(),
            ended => {
                self.state = ended;
                return Ok(false);
            }
        };
        let ahead = window.peek(MAGIC.len())?;
        if ahead == MAGIC {
            self.state = Some(State::Member(Box::new(Member::new(window))));
            self.count += 1;
            return Ok(true);
        }
        self.junk_bytes = drain(&mut window)?;
        self.state = Some(State::Ended(window));
        Ok(false)
    }
}

impl Read for Members<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(State::Member(decoder)) = &mut self.state {
                let len = decoder.read(out)?;
                if len > 0 {
                    return Ok(len);
                }
            }
            if !self.next_member()? {
                return Ok(0);
            }
        }
    }
}

/// Consumes what is left; returns its length, or 0 where it is all zeros (tape padding).
fn drain(window: &mut Window<'_>) -> io::Result<u64> {
    let (mut len, mut junk) = (0, false);
    loop {
        let ready = window.fill_buf()?;
        if ready.is_empty() {
            return Ok(if junk { len } else { 0 });
        }
        junk |= ready.iter().any(|&byte| byte != 0);
        let ready = ready.len();
        len += ready as u64;
        window.consume(ready);
    }
}
