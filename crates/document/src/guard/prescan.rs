//! Measures a change chunk without decoding it and without allocating more than its own header says and has.
//!
//! Layout (Automerge's binary format): magic 4 · checksum 4 · type 1 · LEB128 length · dependencies · actor · seq · start op · time ·
//! message · other actors · columns (specification, length) · column data · rest.

use sha2::{Digest, Sha256};

use super::{
    CHANGE_ACTORS_MAX, CHANGE_BYTES_MAX, CHANGE_DEPS_MAX, CHANGE_OPS_MAX, CHANGE_PREDECESSORS_MAX, OP_NUMBER_MAX, Refusal,
};
use crate::ChangeHash;

/// The first bytes of every chunk.
const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
/// The type of an uncompressed change; documents, compressed changes and bundles of changes are not taken.
const CHANGE_CHUNK: u8 = 1;
/// Bytes of an actor at most; ours have 16.
pub const ACTOR_BYTES_MAX: u64 = 64;
/// Bytes of a commit message at most; ours have none.
pub const MESSAGE_BYTES_MAX: u64 = 256;
/// Columns that Automerge knows, and room for a few it may come to know.
pub const COLUMNS_MAX: u64 = 32;
/// The column of what each operation does: it has a row for every operation.
const ACTION_COLUMN: u64 = 0x42;
/// Columns of what an operation writes over: a list for each of them, told by the first.
const PREDECESSOR_COLUMNS: [u64; 2] = [0x71, 0x73];

/// What a change claims to be.
#[derive(Debug)]
pub struct Measure {
    /// Its name: SHA-256 from the chunk's type on.
    pub hash: ChangeHash,
    /// What it builds on.
    pub deps: Vec<ChangeHash>,
    /// Its writer.
    pub actor: Vec<u8>,
    /// Its number among the changes of its writer, from 1.
    pub seq: u64,
    /// Number of its first operation.
    pub start_op: u64,
    /// Operations it has.
    pub ops: u64,
}

/// Measures `bytes` as one whole change chunk.
///
/// # Errors
/// [`Refusal::TooLarge`] over a limit, [`Refusal::Malformed`] otherwise.
pub fn measure(bytes: &[u8]) -> Result<Measure, Refusal> {
    if bytes.len() > CHANGE_BYTES_MAX {
        return Err(Refusal::TooLarge);
    }
    let mut chunk = Reader(bytes);
    if chunk.take(4)? != MAGIC {
        return Err(Refusal::Malformed);
    }
    let checksum = chunk.take(4)?;
    let hashed = chunk.0;
    if chunk.take(1)? != [CHANGE_CHUNK] {
        return Err(Refusal::Malformed);
    }
    let length = chunk.unsigned()?;
    let hash: ChangeHash = Sha256::digest(hashed).into();
    if length != chunk.0.len() as u64 || hash.get(..4) != Some(checksum) {
        return Err(Refusal::Malformed);
    }
    let dep_count = chunk.unsigned()?;
    if dep_count > CHANGE_DEPS_MAX {
        return Err(Refusal::TooLarge);
    }
    let mut deps = Vec::new();
    for _ in 0..dep_count {
        deps.push(ChangeHash::try_from(chunk.take(32)?).map_err(|_| Refusal::Malformed)?);
    }
    let actor = chunk.prefixed(ACTOR_BYTES_MAX)?.to_vec();
    let seq = chunk.unsigned()?;
    let start_op = chunk.unsigned()?;
    chunk.signed()?;
    chunk.prefixed(MESSAGE_BYTES_MAX)?;
    let other_actors = chunk.unsigned()?;
    if other_actors > CHANGE_ACTORS_MAX {
        return Err(Refusal::TooLarge);
    }
    for _ in 0..other_actors {
        chunk.prefixed(ACTOR_BYTES_MAX)?;
    }
    let ops = measure_columns(&mut chunk)?;
    if ops == 0 || start_op == 0 {
        return Err(Refusal::Malformed);
    }
    if start_op.saturating_add(ops) >= OP_NUMBER_MAX {
        return Err(Refusal::TooLarge);
    }
    Ok(Measure { hash, deps, actor, seq, start_op, ops })
}

/// Rows of the column of actions. Columns must ascend, none may be deflated, and none may have more rows than there may be operations
/// (or predecessors of them).
fn measure_columns(chunk: &mut Reader<'_>) -> Result<u64, Refusal> {
    let count = chunk.unsigned()?;
    if count > COLUMNS_MAX {
        return Err(Refusal::TooLarge);
    }
    let mut columns = [(0_u64, 0_u64); COLUMNS_MAX as usize];
    let mut last = None;
    for column in columns.iter_mut().take(usize::try_from(count).unwrap_or(0)) {
        let specification = chunk.unsigned()?;
        let deflated = specification & 0b1000 != 0;
        if deflated || specification > u64::from(u32::MAX) || last.is_some_and(|last| specification <= last) {
            return Err(Refusal::Malformed);
        }
        last = Some(specification);
        *column = (specification, chunk.unsigned()?);
    }
    let mut ops = 0;
    for (specification, length) in columns.into_iter().take(usize::try_from(count).unwrap_or(0)) {
        let data = Reader(chunk.take(length)?);
        let max = if PREDECESSOR_COLUMNS.contains(&specification) { CHANGE_PREDECESSORS_MAX } else { CHANGE_OPS_MAX };
        let rows = match specification & 0b111 {
            // Raw values: as many as the column of their lengths before them says.
            7 => 0,
            4 => data.boolean_rows(max)?,
            5 => data.run_length_rows(max, |data| data.prefixed(CHANGE_BYTES_MAX as u64).map(drop))?,
            3 => data.run_length_rows(max, |data| data.signed().map(drop))?,
            _ => data.run_length_rows(max, |data| data.unsigned().map(drop))?,
        };
        if specification == ACTION_COLUMN {
            ops = rows;
        }
    }
    Ok(ops)
}

/// The bytes not yet read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8], Refusal> {
        let count = usize::try_from(count).map_err(|_| Refusal::Malformed)?;
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Refusal::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Bytes behind their own count, of at most `max`.
    fn prefixed(&mut self, max: u64) -> Result<&'a [u8], Refusal> {
        let count = self.unsigned()?;
        if count > max { Err(Refusal::TooLarge) } else { self.take(count) }
    }

    fn byte(&mut self) -> Result<u8, Refusal> {
        let (byte, rest) = self.0.split_first().ok_or(Refusal::Malformed)?;
        self.0 = rest;
        Ok(*byte)
    }

    /// Unsigned LEB128 of at most 64 bits.
    fn unsigned(&mut self) -> Result<u64, Refusal> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if (part << shift) >> shift != part {
                return Err(Refusal::Malformed);
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                // One number has one form: nothing has two names.
                return if byte == 0 && shift > 0 { Err(Refusal::Malformed) } else { Ok(value) };
            }
        }
        Err(Refusal::Malformed)
    }

    /// Signed LEB128 of at most 64 bits.
    fn signed(&mut self) -> Result<i64, Refusal> {
        let mut value = 0_i64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let unused = 64 - (shift + 7).min(64);
                return Ok(if byte & 0x40 != 0 && unused > 0 { (value << unused) >> unused } else { value });
            }
        }
        Err(Refusal::Malformed)
    }

    /// Rows of a column of runs: a positive count repeats one value, a negative one stands before as many values, 0 before a count of nulls.
    fn run_length_rows(mut self, max: u64, value: impl Fn(&mut Self) -> Result<(), Refusal>) -> Result<u64, Refusal> {
        let mut rows = 0_u64;
        while !self.0.is_empty() {
            let run = self.signed()?;
            rows = rows.saturating_add(if run == 0 { self.unsigned()? } else { run.unsigned_abs() });
            if rows > max {
                return Err(Refusal::TooLarge);
            }
            let values = if run > 0 { 1 } else { run.unsigned_abs() };
            for _ in 0..values {
                value(&mut self)?;
            }
        }
        Ok(rows)
    }

    /// Rows of a column of alternating counts of false and true.
    fn boolean_rows(mut self, max: u64) -> Result<u64, Refusal> {
        let mut rows = 0_u64;
        while !self.0.is_empty() {
            rows = rows.saturating_add(self.unsigned()?);
            if rows > max {
                return Err(Refusal::TooLarge);
            }
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chunk of a change body, with its right length and checksum.
    fn chunk(body: &[u8]) -> Vec<u8> {
        let mut hashed = vec![CHANGE_CHUNK];
        let mut length = body.len();
        while length >= 0x80 {
            hashed.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        hashed.push(length as u8);
        hashed.extend_from_slice(body);
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&Sha256::digest(&hashed)[..4]);
        bytes.extend_from_slice(&hashed);
        bytes
    }

    /// No dependency, an actor of one byte, seq 1, op 1, time 0, no message, no other actor, then one column of type uint with `data`.
    fn with_column(data: &[u8]) -> Vec<u8> {
        let mut body = vec![0, 1, 7, 1, 1, 0, 0, 0, 1, 0x42, data.len() as u8];
        body.extend_from_slice(data);
        chunk(&body)
    }

    #[test]
    fn fifty_million_rows_in_a_few_bytes_are_not_decoded() {
        let fifty_million = [0x80, 0xe1, 0xeb, 0x17];
        let data: Vec<u8> = fifty_million.into_iter().chain([1]).collect();
        assert_eq!(measure(&with_column(&data)).unwrap_err(), Refusal::TooLarge);
    }

    #[test]
    fn limits_hold_at_and_above() {
        // 256 rows: signed LEB128 0x80 0x02; 257: 0x81 0x02.
        assert_eq!(measure(&with_column(&[0x80, 0x02, 1])).unwrap().ops, CHANGE_OPS_MAX);
        assert_eq!(measure(&with_column(&[0x81, 0x02, 1])).unwrap_err(), Refusal::TooLarge);
    }

    #[test]
    fn deflated_and_descending_columns_are_refused() {
        let header = [0, 1, 7, 1, 1, 0, 0, 0];
        let body = |columns: &[u8]| chunk(&[&header[..], columns].concat());
        assert_eq!(measure(&body(&[1, 0x4a, 2, 1, 1])).unwrap_err(), Refusal::Malformed);
        assert_eq!(measure(&body(&[2, 0x42, 2, 0x12, 2, 1, 1, 1, 1])).unwrap_err(), Refusal::Malformed);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_measured_or_refused(body: Vec<u8>) {
            let _ = measure(&body);
            let _ = measure(&chunk(&body));
        }
    }
}
