//! How does a rectangle of bytes become a PNG?

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use png::{BitDepth, ColorType, Encoder, Filter};

use super::colour_maps::{ColourMap, Palette};

/// A byte a pixel, row by row from the top, and the map their colours come from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IndexedImage {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<u8>,
    pub(crate) map: ColourMap,
}

impl IndexedImage {
    /// `byte` of the pixel (x, y).
    pub(crate) fn from_fn(
        width: usize,
        height: usize,
        map: ColourMap,
        mut byte: impl FnMut(usize, usize) -> u8,
    ) -> Self {
        let mut pixels = Vec::with_capacity(width * height);
        for y in 0..height {
            pixels.extend((0..width).map(|x| byte(x, y)));
        }
        Self { width, height, pixels, map }
    }

    /// A PNG with a palette. Its rows are not filtered: the bytes of the picture are the bytes of the
    /// numbers, which a page reads back.
    pub(crate) fn png(&self) -> Vec<u8> {
        let palette: Palette = self.map.palette();
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, self.width as u32, self.height as u32);
        encoder.set_color(ColorType::Indexed);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_palette(palette.concat());
        write(encoder, &self.pixels);
        out
    }

    /// The PNG as an address that needs no network.
    pub(crate) fn data_uri(&self) -> String {
        format!("data:image/png;base64,{}", STANDARD.encode(self.png()))
    }
}

/// A PNG of pixels in red, green and blue.
pub(super) fn rgb_png(width: usize, height: usize, pixels: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, width as u32, height as u32);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    write(encoder, pixels);
    out
}

fn write(mut encoder: Encoder<'_, &mut Vec<u8>>, pixels: &[u8]) {
    encoder.set_compression(png::Compression::High);
    encoder.set_filter(Filter::NoFilter);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(pixels)?;
        writer.finish()
    });
    written.expect("a picture of a size above 0, in memory");
}

#[cfg(test)]
mod tests {
    use super::IndexedImage;
    use crate::picture::colour_maps::ColourMap;

    #[test]
    fn bytes_come_back_from_the_png_with_their_colours() {
        let image = IndexedImage::from_fn(7, 5, ColourMap::Viridis, |x, y| (x * 31 + y * 7) as u8);
        let mut reader = png::Decoder::new(std::io::Cursor::new(image.png())).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!(pixels, image.pixels);
        let palette = reader.info().palette.as_ref().unwrap();
        assert_eq!(palette[..], ColourMap::Viridis.palette().concat());
    }
}
