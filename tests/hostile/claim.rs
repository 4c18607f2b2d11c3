//! What does a NIfTI header claim of the bytes behind it? A parser of its own, which shares nothing with
//! the library's.

/// What the bytes of an inflated file say about its voxels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Claim {
    pub(crate) shape: [u64; 4],
    pub(crate) dtype: &'static str,
    item: usize,
    big_endian: bool,
    pub(crate) offset: usize,
    pub(crate) slope: f64,
    pub(crate) inter: f64,
    /// Rows of the sform in millimetres, where its code asks for it and it spans space without doubt.
    pub(crate) sform: Option<[[f64; 4]; 3]>,
}

/// Where a version of the header has its fields, and how wide they are.
struct Fields<'a> {
    bytes: &'a [u8],
    big_endian: bool,
    two: bool,
}

impl Fields<'_> {
    fn raw<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut field: [u8; N] = self.bytes[at..at + N].try_into().unwrap();
        if self.big_endian {
            field.reverse();
        }
        field
    }

    fn dim(&self, at: usize) -> i64 {
        if self.two {
            i64::from_le_bytes(self.raw(16 + 8 * at))
        } else {
            i16::from_le_bytes(self.raw(40 + 2 * at)).into()
        }
    }

    fn float(&self, one: usize, two: usize) -> f64 {
        if self.two {
            f64::from_le_bytes(self.raw(two))
        } else {
            f32::from_le_bytes(self.raw(one)).into()
        }
    }

    fn code(&self, one: usize, two: usize) -> i32 {
        if self.two {
            i32::from_le_bytes(self.raw(two))
        } else {
            i16::from_le_bytes(self.raw(one)).into()
        }
    }
}

impl Claim {
    /// `None` where the bytes are no header of a 3- or 4-D array of numbers in one file.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let has = |at: usize, magic: [&[u8]; 2]| {
            bytes.get(at..at + 4).is_some_and(|found| magic.contains(&found))
        };
        // The magic of a pair is accepted where the voxels lie in the file all the same.
        let size: [u8; 4] = bytes.get(..4)?.try_into().unwrap();
        let is_size = |n: i32| size == n.to_le_bytes() || size == n.to_be_bytes();
        let magic = [has(344, [b"n+1\0", b"ni1\0"]), has(4, [b"n+2\0", b"ni2\0"])];
        let two = is_size(540) || (!is_size(348) && !magic[0]);
        if bytes.len() < if two { 544 } else { 352 } || !magic[usize::from(two)] {
            return None;
        }
        let header = if two { 540_i32 } else { 348 };
        let sizes = [size == header.to_le_bytes(), size == header.to_be_bytes()];
        let fields = [false, true].map(|big_endian| Fields { bytes, big_endian, two });
        let fields = match sizes {
            [true, _] => &fields[0],
            [_, true] => &fields[1],
            _ => fields.iter().find(|fields| (1..=7).contains(&fields.dim(0)))?,
        };
        let ndim = usize::try_from(fields.dim(0)).ok().filter(|n| (3..=7).contains(n))?;
        let length = |axis: usize| if axis <= ndim { fields.dim(axis) } else { 1 };
        if (5..=7).any(|axis| length(axis) != 1) {
            return None;
        }
        let shape = [1, 2, 3, 4].map(|axis| u64::try_from(length(axis)).unwrap_or(0));
        let datatype = i16::from_le_bytes(fields.raw(if two { 12 } else { 70 }));
        let (dtype, item) = match datatype {
            2 => ("uint8", 1),
            4 => ("int16", 2),
            8 => ("int32", 4),
            16 => ("float32", 4),
            64 => ("float64", 8),
            256 => ("int8", 1),
            512 => ("uint16", 2),
            768 => ("uint32", 4),
            1024 => ("int64", 8),
            1280 => ("uint64", 8),
            _ => return None,
        };
        let offset = if two {
            i64::from_le_bytes(fields.raw(168)) as f64
        } else {
            f32::from_le_bytes(fields.raw(108)).into()
        };
        let (slope, inter) = (fields.float(112, 176), fields.float(116, 184));
        let scaled = slope.is_finite() && slope != 0.0;
        Some(Self {
            shape,
            dtype,
            item,
            big_endian: fields.big_endian,
            offset: (offset >= 0.0 && offset.fract() == 0.0).then_some(offset as usize)?,
            slope: if scaled { slope } else { 1.0 },
            inter: if scaled { inter } else { 0.0 },
            sform: sform(fields),
        })
    }

    /// The voxels it claims of these bytes, little-endian; `None` where there are fewer.
    pub(crate) fn voxels(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let count = self
            .shape
            .iter()
            .try_fold(1_usize, |n, &length| n.checked_mul(usize::try_from(length).ok()?))?;
        let end = self.offset.checked_add(count.checked_mul(self.item)?)?;
        let mut voxels = bytes.get(self.offset..end)?.to_vec();
        if self.big_endian {
            voxels.chunks_exact_mut(self.item).for_each(<[u8]>::reverse);
        }
        Some(voxels)
    }

    /// tSNR of those voxels, x fastest; `None` for types and slopes whose sums need more care than a test's.
    pub(crate) fn tsnr(&self, voxels: &[u8]) -> Option<Vec<f64>> {
        let number = |raw: &[u8]| -> Option<f64> {
            Some(match self.dtype {
                "uint8" => raw[0].into(),
                "int8" => raw[0].cast_signed().into(),
                "int16" => i16::from_le_bytes(raw.try_into().unwrap()).into(),
                "uint16" => u16::from_le_bytes(raw.try_into().unwrap()).into(),
                "int32" => i32::from_le_bytes(raw.try_into().unwrap()).into(),
                "uint32" => u32::from_le_bytes(raw.try_into().unwrap()).into(),
                _ => return None,
            })
        };
        if !(1e-200..1e200).contains(&self.slope.abs()) {
            return None;
        }
        let numbers: Option<Vec<f64>> = voxels.chunks_exact(self.item).map(number).collect();
        let numbers = numbers?;
        let volume = numbers.len() / self.shape[3] as usize;
        let map = (0..volume).map(|at| {
            let series: Vec<f64> = numbers[at..].iter().step_by(volume).copied().collect();
            let n = series.len() as f64;
            let mean = series.iter().sum::<f64>() / n;
            let variance = series.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
            if variance == 0.0 {
                return 0.0;
            }
            (self.slope * mean + self.inter) / (self.slope.abs() * variance.sqrt())
        });
        Some(map.collect())
    }
}

fn sform(fields: &Fields<'_>) -> Option<[[f64; 4]; 3]> {
    if !(1..=5).contains(&fields.code(254, 348)) {
        return None;
    }
    let units = if fields.two { fields.code(0, 500) } else { fields.bytes[123].into() };
    let mm = match units & 7 {
        1 => 1000.0,
        3 => 0.001,
        _ => 1.0,
    };
    let rows = [0, 1, 2].map(|row| {
        [0, 1, 2, 3].map(|column| {
            let at = 4 * row + column;
            fields.float(280 + 4 * at, 400 + 8 * at) * mm
        })
    });
    // Near to a plane it may be passed over or not; that line is the library's to draw.
    let column = |j: usize| rows.map(|row| row[j]);
    let length = |v: [f64; 3]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let ([a, b, c], [d, e, f], [g, h, i]) = (column(0), column(1), column(2));
    let volume = a * (e * i - f * h) - d * (b * i - c * h) + g * (b * f - c * e);
    let sides = length(column(0)) * length(column(1)) * length(column(2));
    let range = 1e-100..1e100;
    let measurable = (0..3).all(|j| range.contains(&length(column(j))));
    let finite = rows.iter().flatten().all(|v| v.is_finite());
    (finite && measurable && (volume / sides).abs() > 1e-3).then_some(rows)
}
