//! How does ISA-L inflate into borrowed memory?
//!
//! An [`Inflater`] owns the state of one raw deflate stream and lends ISA-L two slices for the time of one call. It knows
//! nothing of gzip but the checksum that gzip asks for. The plain twin, which tests compare with, is `flate2`.
#![expect(unsafe_code, reason = "calls of a C library")]

use std::mem::size_of;
use std::ptr;

use isal_sys::igzip_lib::{
    ISAL_DECOMP_OK, ISAL_GZIP_NO_HDR, inflate_state, isal_block_state_ISAL_BLOCK_FINISH,
    isal_inflate, isal_inflate_init,
};

/// Memory of one inflater; the library allocates none.
pub(super) const STATE_BYTES: u64 = size_of::<inflate_state>() as u64;

/// ISA-L counts in 32 bits, some of them signed.
const MOST_AT_ONCE: usize = 1 << 30;

/// One deflate stream.
pub(super) struct Inflater {
    /// Its pointers are null between calls.
    state: Box<inflate_state>,
    is_damaged: bool,
}

// SAFETY: between calls the state points to nothing, so it is plain memory that this type owns. The library
// keeps nothing of a stream elsewhere; it chooses its code for the processor once, by a store of one aligned
// word that is the same from any thread.
unsafe impl Send for Inflater {}

/// What one call took and gave.
pub(super) struct Step {
    pub(super) taken: usize,
    pub(super) given: usize,
}

impl Inflater {
    pub(super) fn new() -> Self {
        let mut state = Box::<inflate_state>::new_uninit();
        // SAFETY: the pointer is to memory of this type, which zeros make valid: integers, arrays and a union of such, and
        // pointers that may be null. `isal_inflate_init` leaves out the tables, which a stream builds before it uses them.
        let mut state = unsafe {
            ptr::write_bytes(state.as_mut_ptr(), 0, 1);
            isal_inflate_init(state.as_mut_ptr());
            state.assume_init()
        };
        state.crc_flag = ISAL_GZIP_NO_HDR;
        Self { state, is_damaged: false }
    }

    /// Inflates the front of `compressed` to the front of `out`, as far as either goes. `None` where the data are
    /// damaged and everything before the damage was given.
    ///
    /// Without any progress and before the end, there is too little of `compressed`, or the data are damaged.
    pub(super) fn inflate(&mut self, compressed: &[u8], out: &mut [u8]) -> Option<Step> {
        if !self.is_damaged {
            let step = self.call(compressed, out);
            if step.given > 0 || !self.is_damaged {
                return Some(step);
            }
        }
        self.give_the_rest(out)
    }

    fn call(&mut self, compressed: &[u8], out: &mut [u8]) -> Step {
        let most_in = compressed.len().min(MOST_AT_ONCE);
        let most_out = out.len().min(MOST_AT_ONCE);
        let state = &mut *self.state;
        // The library only reads what `next_in` points to.
        state.next_in = compressed.as_ptr().cast_mut();
        state.avail_in = most_in as u32;
        state.next_out = out.as_mut_ptr();
        state.avail_out = most_out as u32;
        // SAFETY: the state was initialised and has met no damage; both pointers are good for the lengths beside
        // them, and the two slices and the state are borrowed for the whole call. The library stays within them.
        let code = unsafe { isal_inflate(state) };
        // Where it met damage, what it says is available is off by the slack of its fast loop; the pointers are right.
        let taken = state.next_in.addr().wrapping_sub(compressed.as_ptr().addr());
        let given = state.next_out.addr().wrapping_sub(out.as_ptr().addr());
        state.next_in = ptr::null_mut();
        state.next_out = ptr::null_mut();
        self.is_damaged = code != ISAL_DECOMP_OK as i32;
        Step { taken: taken.min(most_in), given: given.min(most_out) }
    }

    /// Gives what was inflated ahead, into the state, before the damage was met.
    fn give_the_rest(&mut self, out: &mut [u8]) -> Option<Step> {
        let state = &mut *self.state;
        let (from, to) = (state.tmp_out_processed as usize, state.tmp_out_valid as usize);
        let rest = state.tmp_out_buffer.get(from..to).filter(|rest| !rest.is_empty())?;
        let given = rest.len().min(out.len());
        out[..given].copy_from_slice(&rest[..given]);
        state.tmp_out_processed += given as i32;
        Some(Step { taken: 0, given })
    }

    /// Whether the stream has ended and everything of it was given.
    pub(super) fn has_ended(&self) -> bool {
        self.state.block_state == isal_block_state_ISAL_BLOCK_FINISH
    }

    /// CRC-32 of everything that was given.
    pub(super) fn crc(&self) -> u32 {
        self.state.crc
    }

    /// Bytes behind the stream's end that were taken with it, and how many they are: it reads eight at once.
    pub(super) fn taken_beyond(&self) -> ([u8; 8], usize) {
        let bits = self.state.read_in_length.clamp(0, 64) as u32;
        // What is left of the byte in which the stream ended comes first.
        ((self.state.read_in >> (bits % 8)).to_le_bytes(), bits as usize / 8)
    }
}
