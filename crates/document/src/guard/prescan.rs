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
        hashed.extend(unsigned(body.len() as u64));
        hashed.extend_from_slice(body);
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&Sha256::digest(&hashed)[..4]);
        bytes.extend_from_slice(&hashed);
        bytes
    }

    /// The parts of a change that have a limit, as many of each as told.
    #[derive(Clone, Default)]
    struct Parts {
        deps: u64,
        actor: u64,
        start_op: u64,
        message: u64,
        other_actors: u64,
        other_actor: u64,
        columns: u64,
        rows: u64,
        predecessors: u64,
        rest: usize,
    }

    fn parts() -> Parts {
        Parts { actor: 16, start_op: 2, other_actor: 16, rows: 1, ..Parts::default() }
    }

    fn unsigned(mut value: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while value >= 0x80 {
            bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    }

    /// So many rows of the value 1 in a column of runs: the signed count, and the value.
    fn run(rows: u64) -> Vec<u8> {
        if rows == 0 {
            return Vec::new();
        }
        let mut bytes = unsigned(rows);
        if bytes.last().is_some_and(|last| last & 0x40 != 0) {
            *bytes.last_mut().unwrap() |= 0x80;
            bytes.push(0);
        }
        bytes.push(1);
        bytes
    }

    fn change(parts: &Parts) -> Vec<u8> {
        let mut body = unsigned(parts.deps);
        body.extend(vec![0xde; parts.deps as usize * 32]);
        body.extend(unsigned(parts.actor));
        body.extend(vec![0xac; parts.actor as usize]);
        body.push(1);
        body.extend(unsigned(parts.start_op));
        body.push(0);
        body.extend(unsigned(parts.message));
        body.extend(vec![b'm'; parts.message as usize]);
        body.extend(unsigned(parts.other_actors));
        for _ in 0..parts.other_actors {
            body.extend(unsigned(parts.other_actor));
            body.extend(vec![0xac; parts.other_actor as usize]);
        }
        let mut columns = vec![(ACTION_COLUMN, run(parts.rows))];
        if parts.predecessors > 0 {
            columns.push((PREDECESSOR_COLUMNS[0], run(parts.predecessors)));
        }
        // Further columns of a number that Automerge does not know.
        columns.extend((columns.len() as u64..parts.columns).map(|n| (0x402 + n * 16, run(1))));
        body.extend(unsigned(columns.len() as u64));
        for (specification, data) in &columns {
            body.extend(unsigned(*specification));
            body.extend(unsigned(data.len() as u64));
        }
        columns.iter().for_each(|(_, data)| body.extend(data));
        body.extend(vec![0; parts.rest]);
        chunk(&body)
    }

    #[test]
    fn fifty_million_rows_in_a_few_bytes_are_not_decoded() {
        assert_eq!(measure(&change(&Parts { rows: 50_000_000, ..parts() })).unwrap_err(), Refusal::TooLarge);
        assert_eq!(measure(&change(&Parts { predecessors: u64::MAX >> 2, ..parts() })).unwrap_err(), Refusal::TooLarge);
    }

    /// What one of the parts may be at most, and how to make it so large.
    type Limit = (u64, fn(&mut Parts, u64));

    #[test]
    fn every_limit_holds_at_itself_and_not_above() {
        let limits: [Limit; 8] = [
            (CHANGE_DEPS_MAX, |parts, n| parts.deps = n),
            (ACTOR_BYTES_MAX, |parts, n| parts.actor = n),
            (MESSAGE_BYTES_MAX, |parts, n| parts.message = n),
            (CHANGE_ACTORS_MAX, |parts, n| parts.other_actors = n),
            (ACTOR_BYTES_MAX, |parts, n| (parts.other_actors, parts.other_actor) = (1, n)),
            (COLUMNS_MAX, |parts, n| parts.columns = n),
            (CHANGE_OPS_MAX, |parts, n| parts.rows = n),
            (CHANGE_PREDECESSORS_MAX, |parts, n| parts.predecessors = n),
        ];
        for (index, (limit, set)) in limits.into_iter().enumerate() {
            let of = |n: u64| {
                let mut parts = parts();
                set(&mut parts, n);
                measure(&change(&parts))
            };
            assert!(of(limit).is_ok(), "limit {index}");
            assert_eq!(of(limit + 1).unwrap_err(), Refusal::TooLarge, "limit {index}");
        }
    }

    #[test]
    fn bytes_hold_at_their_limit_and_not_above() {
        let beside = change(&parts()).len();
        // The chunk's length takes two bytes more once it is that long.
        let rest = CHANGE_BYTES_MAX - beside - 2;
        let largest = change(&Parts { rest, ..parts() });
        assert_eq!((largest.len(), measure(&largest).unwrap().ops), (CHANGE_BYTES_MAX, 1));
        assert_eq!(measure(&change(&Parts { rest: rest + 1, ..parts() })).unwrap_err(), Refusal::TooLarge);
    }

    #[test]
    fn numbers_of_operations_hold_up_to_their_limit() {
        let of =
            |start_op: u64, rows: u64| measure(&change(&Parts { start_op, rows, ..parts() })).map(|measure| measure.start_op);
        assert_eq!(of(OP_NUMBER_MAX - 2, 1), Ok(OP_NUMBER_MAX - 2));
        assert_eq!(of(OP_NUMBER_MAX - 1, 1), Err(Refusal::TooLarge));
        assert_eq!(of(OP_NUMBER_MAX - 2, 2), Err(Refusal::TooLarge));
        assert_eq!(of(u64::MAX, 1), Err(Refusal::TooLarge));
        assert_eq!(of(0, 1), Err(Refusal::Malformed));
        assert_eq!(of(1, 0), Err(Refusal::Malformed));
    }

    #[test]
    fn it_measures_what_the_decoder_finds() {
        for released in crate::released::RELEASED.iter() {
            for bytes in [&released.genesis, &released.create, &released.edit] {
                let (measure, change) = (measure(bytes).unwrap(), automerge::Change::try_from(bytes.as_slice()).unwrap());
                assert_eq!(measure.hash, change.hash().0);
                assert_eq!(measure.deps, change.deps().iter().map(|dep| dep.0).collect::<Vec<_>>());
                assert_eq!((measure.actor.as_slice(), measure.seq), (change.actor_id().to_bytes(), change.seq()));
                assert_eq!((measure.start_op, measure.ops), (change.start_op().get(), change.len() as u64));
            }
        }
    }

    #[test]
    fn deflated_and_descending_columns_are_refused() {
        let header = [0, 1, 7, 1, 1, 0, 0, 0];
        let body = |columns: &[u8]| measure(&chunk(&[&header[..], columns].concat())).map(|measure| measure.ops);
        assert_eq!(body(&[1, 0x42, 2, 1, 1]), Ok(1));
        assert_eq!(body(&[1, 0x4a, 2, 1, 1]), Err(Refusal::Malformed));
        assert_eq!(body(&[2, 0x42, 2, 0x12, 2, 1, 1, 1, 1]), Err(Refusal::Malformed));
        assert_eq!(body(&[2, 0x42, 2, 0x42, 2, 1, 1, 1, 1]), Err(Refusal::Malformed));
    }

    #[test]
    fn one_number_has_one_form() {
        let honest = change(&parts());
        assert!(measure(&honest).is_ok());
        // The same length in two bytes.
        let mut long = [&honest[..8], &[1, honest[9] | 0x80, 0], &honest[10..]].concat();
        crate::released::mend(&mut long);
        assert_eq!(measure(&long).unwrap_err(), Refusal::Malformed);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_measured_or_refused(body: Vec<u8>) {
            let _ = measure(&body);
            let _ = measure(&chunk(&body));
        }
    }
}
