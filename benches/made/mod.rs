//! What are made voxels like? A head of about 600 to 1200 with noise of 15, in a background near 20.

use ndarray::{Array4, ShapeBuilder as _};
use rand::{RngCore as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use voxstore::Element;

/// The same numbers each time for a seed; an eighth of them where they have to fit in 8 bits.
pub(crate) fn bold<T: Element>(shape: [u64; 4], seed: u64) -> Array4<T> {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let scale = if size_of::<T>() == 1 { 0.125 } else { 1.0 };
    let [nx, ny, nz, nt] = shape.map(|n| n as usize);
    Array4::from_shape_fn((nx, ny, nz, nt).f(), |(x, y, z, _)| {
        let bytes = rng.next_u32().to_le_bytes();
        // The sum of four is nearly Gaussian; divided so that the deviation is 1.
        let noise = (bytes.iter().map(|&b| f64::from(b)).sum::<f64>() - 510.0) / 148.0;
        // Squared; the head ends at 1.
        let distance = off(x, nx) + off(y, ny) + off(z, nz);
        let value = if distance < 1.0 {
            1200.0 - 600.0 * distance + 15.0 * noise
        } else {
            (20.0 + 6.0 * noise).abs()
        };
        T::from_f64((value * scale).round())
    })
}

/// Distance from the middle of an axis, squared.
fn off(index: usize, len: usize) -> f64 {
    let half = len as f64 / 2.0;
    let distance = (index as f64 + 0.5 - half) / (0.9 * half);
    distance * distance
}
