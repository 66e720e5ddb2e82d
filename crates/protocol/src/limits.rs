//! Limits, each held before what it limits is decoded or allocated.

/// Compressed size that a sealed bundle aims not to exceed, in bytes: one fits into a few packets of a slow link.
pub const BUNDLE_TARGET: usize = 2 * 1024;
/// Size of a sealed bundle at most. One change larger than [`BUNDLE_TARGET`] rides alone, up to this.
pub const BUNDLE_MAX: usize = 64 * 1024;
/// Bytes of one change, raw, at most. It must equal `document::guard::CHANGE_BYTES_MAX`; a test of the engine compares them.
pub const CHANGE_MAX: usize = 48 * 1024;
/// Bytes of a bundle's changes at most, inflated.
pub const BUNDLE_INFLATED_MAX: usize = 256 * 1024;
/// Changes of one bundle at most.
pub const BUNDLE_CHANGES_MAX: usize = 256;
/// Size of a request's signed header at most.
pub const HEADER_MAX: usize = 8 * 1024;
/// Bundles of one request at most; those in a parcel count. A parcel that begins below it is taken whole.
pub const REQUEST_BUNDLES_MAX: usize = 64;
/// Bundles put into one parcel at most. Parcels made before this was so hold as many as fit into [`PARCEL_MAX`], some 160, and are read.
pub const PARCEL_BUNDLES_MAX: usize = 64;
/// Bytes of an answer's receipts at most. What of them does not fit is asked for again, so it is well under [`ANSWER_MAX`].
pub const ANSWER_RECEIPTS_MAX: usize = 256 * 1024;
/// Bytes of sealed bundles in one parcel of a `.lentera` file at most; its ciphertext, with receipts, fits a frame of [`BUNDLE_MAX`].
pub const PARCEL_MAX: usize = 48 * 1024;
/// Size of a `.lentera` file at most.
pub const FILE_MAX: usize = 8 * 1024 * 1024;
/// Parcels or receipts of a `.lentera` file at most: as many receipts as the smallest bundles that fit into a file of [`FILE_MAX`].
pub const FILE_ITEMS_MAX: usize = 40 * 1024;
/// Size of a request to `/v1/sync` at most.
pub const REQUEST_MAX: usize = 512 * 1024;
/// Size of any other request at most.
pub const ACCOUNT_REQUEST_MAX: usize = 8 * 1024;
/// Size of any answer at most.
pub const ANSWER_MAX: usize = 1024 * 1024;
/// Bytes of one feed page at most, inflated.
pub const PAGE_INFLATED_MAX: usize = 4 * 1024 * 1024;
/// Bytes of one feed page, inflated, that a device may ask for at least and at most.
pub const PAGE_BUDGET: std::ops::RangeInclusive<u32> = 2 * 1024..=128 * 1024;
/// Rows of one feed page at most.
pub const PAGE_ROWS_MAX: usize = 500;
/// Bytes of a password at most.
pub const PASSWORD_MAX: usize = 200;
/// Characters of a new password at least.
pub const PASSWORD_MIN: usize = 8;
