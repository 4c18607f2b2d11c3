//! How does a frame of blosc come out into memory that is there already?
//!
//! By the C library that zarrs has, too; zarrs itself gives back new memory each time, which the system must clear, and
//! which the allocator keeps or not. Says nothing about sizes that may be believed, which is `frame`'s matter, nor about
//! frames that need no C library, which are `blocks`'.
#![expect(unsafe_code, reason = "decompressing into a buffer by a C library")]

use blosc_src::{blosc_cbuffer_validate, blosc_decompress_ctx, blosc_getitem};

const NO_HEADER: &str = "the header of the blosc frame means nothing";
const DAMAGED: &str = "the blosc frame is damaged";
/// Where a header has the size of a number.
const NUMBER_BYTES_AT: usize = 3;

/// Decompresses a frame into `out`, which is as long as its content. On an error `out` may hold anything.
pub(super) fn decompress_into(frame: &[u8], out: &mut [u8]) -> Result<(), &'static str> {
    check_content(frame, out.len())?;
    // SAFETY: the frame is as long as its header says (validated above), and the library reads no further; it
    // writes no more than `out.len()` bytes of exclusive memory. One thread: it starts none, and shares nothing.
    let written = unsafe {
        blosc_decompress_ctx(frame.as_ptr().cast(), out.as_mut_ptr().cast(), out.len(), 1)
    };
    all_of(out, written)
}

/// Decompresses numbers of a frame's content, from this one on, as many as fill `out`. On an error `out` may hold
/// anything.
pub(super) fn decompress_numbers(
    frame: &[u8],
    first: usize,
    out: &mut [u8],
) -> Result<(), &'static str> {
    let content_bytes = content_bytes(frame)?;
    let number_bytes = usize::from(frame[NUMBER_BYTES_AT]);
    let count = out.len() / number_bytes.max(1);
    let is_inside = (first + count) * number_bytes <= content_bytes;
    if !is_inside || count * number_bytes != out.len() {
        return Err("the size of a number in the blosc frame is another");
    }
    let (Ok(first), Ok(count)) = (first.try_into(), count.try_into()) else { return Err(DAMAGED) };
    // SAFETY: the frame is as long as its header says (validated above), and the library reads no further. It writes
    // `count` numbers of the header's size: `out.len()` bytes of exclusive memory, as they are inside the content.
    let written =
        unsafe { blosc_getitem(frame.as_ptr().cast(), first, count, out.as_mut_ptr().cast()) };
    all_of(out, written)
}

/// Checks that a frame is as long as its header says, and its content so many bytes.
pub(super) fn check_content(frame: &[u8], bytes: usize) -> Result<(), &'static str> {
    if content_bytes(frame)? == bytes { Ok(()) } else { Err(NO_HEADER) }
}

/// Bytes of the content of a frame that is as long as its header says.
fn content_bytes(frame: &[u8]) -> Result<usize, &'static str> {
    let mut content_bytes = 0;
    // SAFETY: the library reads no more than `frame.len()` bytes of the live slice, and writes one number.
    let status = unsafe {
        blosc_cbuffer_validate(frame.as_ptr().cast(), frame.len(), &raw mut content_bytes)
    };
    if status == 0 { Ok(content_bytes) } else { Err(NO_HEADER) }
}

fn all_of(out: &[u8], written: i32) -> Result<(), &'static str> {
    if usize::try_from(written) == Ok(out.len()) { Ok(()) } else { Err(DAMAGED) }
}
