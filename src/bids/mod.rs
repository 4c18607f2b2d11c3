//! What do the names and folders of a BIDS dataset say?
//!
//! [`Name`] takes a file's name apart, [`Dataset`] goes through the images of a dataset, [`Filter`] says
//! which of them are meant. Which sidecars a run inherits is decided here as well; reading them is
//! [`nifti`](crate::nifti)'s part, so that a run has the same facts however it is opened. Looks at names only:
//! opens no image, and of a dataset's own files none but its description.
//!
//! ```no_run
//! use voxstore::bids::{Dataset, Filter, Found};
//!
//! let dataset = Dataset::open("ds000114")?;
//! let filter = Filter::new(&["sub=01".into(), "task=*verb*".into()], &["bold".into()])?;
//! for found in dataset.images(&filter) {
//!     match found? {
//!         Found::Image(image) => println!("{} {}", image.below, image.name.suffix()),
//!         Found::LeftOut(other) => println!("{}: {}", other.below, other.reason),
//!     }
//! }
//! # Ok::<(), voxstore::bids::BidsError>(())
//! ```

mod dataset;
mod ending;
mod error;
mod filter;
mod inherit;
mod name;
mod place;
mod walk;

pub use dataset::{Dataset, is_dataset};
pub use ending::image_stem;
pub(crate) use ending::{NIFTI_ENDINGS, without_ending};
pub use error::BidsError;
pub use filter::Filter;
pub(crate) use inherit::sidecars_of;
pub use name::Name;
pub(crate) use place::folder_of;
pub use walk::{Found, Image, Images, LeftOut, Reason};
