//! The last tries to send. Tries that fail alike one after another share a row, so that a day without signal does not wear out the flash.

use lentera_api::view::{Attempt, Cause};
use lentera_domain::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::StoreError;

/// Rows that are kept.
pub const KEPT: usize = 50;
/// A try that begins later than this after the last one gets a row of its own, in milliseconds: the gap is worth seeing.
const GAP: i64 = 10 * 60_000;

const COLUMNS: &str = "at, last, count, failed, sent, received, millis";

/// Counts `attempt` with `before`, if both failed alike and without a gap between.
pub fn join(before: &Attempt, attempt: &Attempt) -> Option<Attempt> {
    let gap = attempt.at.millis().saturating_sub(before.last.millis());
    let alike = attempt.failed.is_some() && attempt.failed == before.failed && (0..=GAP).contains(&gap);
    alike.then(|| Attempt {
        at: before.at,
        last: attempt.last,
        count: before.count.saturating_add(attempt.count),
        failed: before.failed,
        sent: before.sent.saturating_add(attempt.sent),
        received: before.received.saturating_add(attempt.received),
        millis: before.millis.saturating_add(attempt.millis),
    })
}

/// Notes a try, in the last row where it [`join`]s that, and forgets the oldest.
///
/// # Errors
/// [`StoreError`].
pub fn insert(connection: &Connection, attempt: &Attempt) -> Result<(), StoreError> {
    let newest = connection
        .prepare_cached(&format!("SELECT {COLUMNS}, position FROM attempt ORDER BY position DESC LIMIT 1"))?
        .query_row([], |row| Ok((row.get::<_, i64>(7)?, read(row))))
        .optional()?;
    if let Some((position, before)) = newest
        && let Some(joined) = join(&before?, attempt)
    {
        connection
            .prepare_cached("UPDATE attempt SET last = ?, count = ?, sent = ?, received = ?, millis = ? WHERE position = ?")?
            .execute(params![joined.last.millis(), joined.count, joined.sent, joined.received, joined.millis, position])?;
        return Ok(());
    }
    let failed = attempt.failed.map(|cause| serde_json::to_string(&cause)).transpose()?;
    connection.prepare_cached(&format!("INSERT INTO attempt ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"))?.execute(params![
        attempt.at.millis(),
        attempt.last.millis(),
        attempt.count,
        failed,
        attempt.sent,
        attempt.received,
        attempt.millis
    ])?;
    connection
        .prepare_cached("DELETE FROM attempt WHERE position <= (SELECT max(position) FROM attempt) - ?")?
        .execute([i64::try_from(KEPT).unwrap_or(i64::MAX)])?;
    Ok(())
}

/// The last tries, newest first.
///
/// # Errors
/// [`StoreError`].
pub fn all(connection: &Connection) -> Result<Vec<Attempt>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM attempt ORDER BY position DESC"))?;
    let mut rows = statement.query([])?;
    let mut attempts = Vec::new();
    while let Some(row) = rows.next()? {
        attempts.push(read(row)?);
    }
    Ok(attempts)
}

fn read(row: &Row<'_>) -> Result<Attempt, StoreError> {
    let at = row.get(0)?;
    Ok(Attempt {
        at: Timestamp::from_millis(at),
        last: Timestamp::from_millis(row.get::<_, Option<i64>>(1)?.unwrap_or(at)),
        count: row.get(2)?,
        failed: row.get::<_, Option<String>>(3)?.map(|cause| serde_json::from_str::<Cause>(&cause)).transpose()?,
        sent: row.get(4)?,
        received: row.get(5)?,
        millis: row.get(6)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn one(at: i64, failed: Option<Cause>) -> Attempt {
        let at = Timestamp::from_millis(at);
        Attempt { at, last: at, count: 1, failed, sent: 100, received: 10, millis: 5 }
    }

    #[test]
    fn failures_alike_are_counted_together_and_nothing_is_lost_of_their_figures() {
        let joined = join(&one(0, Some(Cause::Unreachable)), &one(4_000, Some(Cause::Unreachable))).unwrap();
        let joined = join(&joined, &one(9_000, Some(Cause::Unreachable))).unwrap();
        assert_eq!((joined.at.millis(), joined.last.millis(), joined.count), (0, 9_000, 3));
        assert_eq!((joined.sent, joined.received, joined.millis), (300, 30, 15));
    }

    #[test]
    fn what_differs_or_came_after_a_gap_stands_alone() {
        let first = one(0, Some(Cause::Unreachable));
        assert_eq!(join(&first, &one(1, Some(Cause::Busy))), None);
        assert_eq!(join(&one(0, None), &one(1, None)), None, "each success is told");
        assert!(join(&first, &one(GAP, Some(Cause::Unreachable))).is_some());
        assert_eq!(join(&first, &one(GAP + 1, Some(Cause::Unreachable))), None);
        assert_eq!(join(&first, &one(-1, Some(Cause::Unreachable))), None, "the clock was set back");
    }
}
