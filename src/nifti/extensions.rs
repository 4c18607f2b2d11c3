//! Are the header extensions in order?
//!
//! Their bytes are kept as they are and never interpreted; this walks the chain only to warn.
//! Where voxels start is `vox_offset` and never depends on the chain.

use super::Intake;
use super::header::{Header, bytes_at};

/// Walks the extensions in `head`, the file's bytes before its voxels.
pub(super) fn check(header: &Header, head: &[u8], intake: &mut Intake) {
    let mut at = header.version.least_offset();
    if head.get(at - 4).is_none_or(|&flag| flag == 0) {
        return;
    }
    while at + 8 <= head.len() {
        let raw = bytes_at::<4>(head, at);
        let size =
            if header.big_endian { i32::from_be_bytes(raw) } else { i32::from_le_bytes(raw) };
        let usable = usize::try_from(size).ok().filter(|&n| n >= 8 && n <= head.len() - at);
        let Some(step) = usable else {
            intake
                .warn("N19", format!("the extension at byte {at} has esize {size}; kept as bytes"));
            return;
        };
        if step % 16 != 0 {
            intake.warn(
                "N18",
                format!("the extension at byte {at} has esize {size}, no multiple of 16"),
            );
        }
        at += step;
    }
}

#[cfg(test)]
mod tests {
    use crate::nifti::open;
    use crate::nifti::testing::{Folder, Image, drain, voxel_bytes};

    /// Warning codes for an extension that claims `esize` bytes in 32 bytes of room.
    fn codes(esize: i64) -> Vec<String> {
        let mut image = Image::v1();
        image.float(108, 384.0);
        image.bytes.splice(352..352, [0; 32]);
        image.raw(348, &[1]);
        image.int(352, 4, esize);
        let folder = Folder::new();
        let run = open(folder.write("x.nii", &image.bytes)).unwrap();
        assert_eq!(drain(&run, false).unwrap().0, voxel_bytes());
        assert_eq!(&run.info().header[..], &image.bytes[..384]);
        run.info().warnings.iter().map(|w| w.code.clone()).collect()
    }

    #[test]
    fn a_bad_chain_of_extensions_moves_no_voxel() {
        assert!(codes(32).is_empty());
        assert_eq!(codes(24), ["N18", "N19"]);
        for esize in [0, -16, 33, i64::from(i32::MAX)] {
            assert_eq!(codes(esize), ["N19"], "{esize}");
        }
    }
}
