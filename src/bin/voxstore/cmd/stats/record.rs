//! What is written beside a table by region: its columns, as BIDS describes them, and how it was made.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value, json};
use voxstore::Run;
use voxstore::jobs::{MemoryRecord, RunRecord};

use super::table::COLUMNS;

#[derive(Serialize)]
pub(super) struct Record {
    #[serde(flatten)]
    columns: Map<String, Value>,
    map: RunRecord,
    atlas: RunRecord,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<String>,
    warnings: Vec<String>,
    memory: MemoryRecord,
    tool: &'static str,
}

impl Record {
    pub(super) fn new(
        map: &Run,
        atlas: &Run,
        labels: Option<&Path>,
        warnings: Vec<String>,
        memory: MemoryRecord,
    ) -> Self {
        let column = |(name, is): (&str, &str)| (name.to_owned(), json!({ "Description": is }));
        Self {
            columns: COLUMNS.into_iter().map(column).collect(),
            map: RunRecord::of(map),
            atlas: RunRecord::of(atlas),
            labels: labels
                .and_then(Path::file_name)
                .map(|name| name.to_string_lossy().into_owned()),
            warnings,
            memory,
            tool: concat!("voxstore ", env!("CARGO_PKG_VERSION")),
        }
    }

    pub(super) fn warnings(&self) -> &[String] {
        &self.warnings
    }
}
