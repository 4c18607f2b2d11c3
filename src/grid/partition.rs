//! Boxes made by cutting each axis at its own places.

use super::Region;

/// Cut points along each axis, from 0 to the axis length; the boxes between them cover the array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    cuts: Vec<Vec<u64>>,
}

impl Partition {
    /// The boxes between these cut points; 0 and the length are cuts already.
    pub(crate) fn new(shape: &[u64], extra: Vec<Vec<u64>>) -> Self {
        let cuts = shape
            .iter()
            .zip(extra)
            .map(|(&len, mut list)| {
                list.retain(|&c| c < len);
                list.extend([0, len]);
                list.sort_unstable();
                list.dedup();
                if len == 0 { vec![0, 0] } else { list }
            })
            .collect();
        Self { cuts }
    }

    /// Number of boxes.
    pub(crate) fn len(&self) -> u64 {
        self.cuts.iter().map(|list| list.len() as u64 - 1).product()
    }

    /// Box number `index`, axis 0 counted fastest.
    pub(crate) fn get(&self, mut index: u64) -> Region {
        let (mut start, mut shape) = (Vec::new(), Vec::new());
        for list in &self.cuts {
            let count = list.len() as u64 - 1;
            let k = (index % count) as usize;
            index /= count;
            start.push(list[k]);
            shape.push(list[k + 1] - list[k]);
        }
        Region::new(start, shape)
    }

    /// The longest box along each axis.
    pub(crate) fn largest(&self) -> Vec<u64> {
        let longest = |list: &Vec<u64>| list.windows(2).map(|w| w[1] - w[0]).max().unwrap_or(0);
        self.cuts.iter().map(longest).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Partition;
    use crate::grid::Region;

    #[test]
    fn boxes_between_cuts_cover_the_array_once() {
        let parts = Partition::new(&[4, 10], vec![vec![], vec![7, 3, 3, 99]]);
        assert_eq!(parts.len(), 3);
        assert_eq!(parts.get(1), Region::new(vec![0, 3], vec![4, 4]));
        assert_eq!(parts.largest(), [4, 4]);
        let total: u64 = (0..parts.len()).map(|i| parts.get(i).len()).sum();
        assert_eq!(total, 40);
    }
}
