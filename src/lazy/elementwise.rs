use super::array::LazyArray;
use super::operators::Operand;
/// x
pub fn where_(c: &LazyArray, _a: impl Into<Operand>, _b: impl Into<Operand>) -> LazyArray { c.clone() }
impl LazyArray {
    /// x
    pub fn not_equal(&self, _x: impl Into<Operand>) -> Self { self.clone() }
    /// x
    pub fn sqrt(&self) -> Self { self.clone() }
    /// x
    pub fn to_f64(&self) -> Self {
        if self.error().is_some() { return self.clone(); }
        Self::from_node(self.node().cast(crate::dtype::DType::F64))
    }
}
