//! A thread with a connection. What waits at one moment shares one transaction and so one fsync: each piece of work in its own
//! savepoint, each answered after the commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use crate::storage::StorageError;

/// Pieces of work that share a transaction at most, so that the first does not wait long for its answer.
const TOGETHER_MAX: usize = 64;

/// A handle of the thread; it ends when the last handle is dropped.
#[derive(Clone, Debug)]
pub struct Worker {
    work: Sender<Box<dyn Work>>,
    /// Pieces of work handed in and not answered.
    load: Arc<AtomicUsize>,
    thread: Arc<JoinHandle<()>>,
}

/// A piece of work and whoever waits for it.
trait Work: Send {
    /// Does it; why it failed, if it did.
    fn run(&mut self, db: &Connection) -> Option<StorageError>;
    /// Tells who waits. `failure`: the transaction was not committed.
    fn answer(self: Box<Self>, failure: Option<StorageError>);
}

struct Task<T, F> {
    work: Option<F>,
    result: Option<Result<T, StorageError>>,
    waiting: oneshot::Sender<Result<T, StorageError>>,
}

impl<T, F> Work for Task<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, StorageError> + Send,
{
    fn run(&mut self, db: &Connection) -> Option<StorageError> {
        let result = self.work.take()?(db);
        let error = result.as_ref().err().cloned();
        self.result = Some(result);
        error
    }

    fn answer(self: Box<Self>, failure: Option<StorageError>) {
        let result = match (self.result, failure) {
            (Some(Err(error)), _) | (_, Some(error)) => Err(error),
            (Some(Ok(value)), None) => Ok(value),
            (None, None) => Err(StorageError::Closed),
        };
        // Whoever asked may have gone; what was done stays done.
        let _ = self.waiting.send(result);
    }
}

impl Worker {
    /// Starts the thread.
    pub fn start(connection: Connection, behavior: TransactionBehavior) -> Result<Self, StorageError> {
        let (work, waiting) = channel();
        let load = Arc::new(AtomicUsize::new(0));
        let answered = Arc::clone(&load);
        let thread = thread::Builder::new()
            .name("storage".to_owned())
            .spawn(move || serve(connection, behavior, &waiting, &answered))
            .map_err(|error| StorageError::Database(error.to_string()))?;
        Ok(Self { work, load, thread: Arc::new(thread) })
    }

    /// Pieces of work handed in and not answered; as many as there can be where the thread has ended.
    pub fn load(&self) -> usize {
        if self.thread.is_finished() { usize::MAX } else { self.load.load(Ordering::Relaxed) }
    }

    /// Does `work` in a transaction and gives its result once that is committed. Where it fails, none of it was done.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let (waiting, result) = oneshot::channel();
        let task = Task { work: Some(work), result: None, waiting };
        self.load.fetch_add(1, Ordering::Relaxed);
        self.work.send(Box::new(task)).map_err(|_| StorageError::Closed)?;
        result.await.map_err(|_| StorageError::Closed)?
    }
}

fn serve(mut connection: Connection, behavior: TransactionBehavior, waiting: &Receiver<Box<dyn Work>>, load: &AtomicUsize) {
    while let Ok(first) = waiting.recv() {
        let mut together = vec![first];
        together.extend(waiting.try_iter().take(TOGETHER_MAX - 1));
        let failure = run_together(&mut connection, behavior, &mut together).err();
        load.fetch_sub(together.len(), Ordering::Relaxed);
        for work in together {
            work.answer(failure.clone());
        }
    }
}

fn run_together(
    connection: &mut Connection,
    behavior: TransactionBehavior,
    together: &mut [Box<dyn Work>],
) -> Result<(), StorageError> {
    let mut transaction = connection.transaction_with_behavior(behavior)?;
    for work in together {
        // Dropped without a commit, a savepoint takes back what was done in it.
        let savepoint = transaction.savepoint()?;
        let Some(error) = work.run(&savepoint) else {
            savepoint.commit()?;
            continue;
        };
        drop(savepoint);
        // Where the disk is full or fails, SQLite may take back all of the transaction: then nobody's work was done.
        if transaction.is_autocommit() {
            return Err(error);
        }
    }
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn count(db: &Connection) -> i64 {
        db.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }

    /// Inserts a row, and gives how many others had been committed by then. The tenth fails behind that.
    async fn insert(worker: Worker, file: impl AsRef<Path> + Send + 'static, number: usize) -> Result<i64, StorageError> {
        let work = move |db: &Connection| {
            db.execute("INSERT INTO t VALUES (1)", [])?;
            let committed = count(&Connection::open(&file)?);
            if number == 10 { Err(StorageError::Damaged("planted".to_owned())) } else { Ok(committed) }
        };
        worker.run(work).await
    }

    #[tokio::test]
    async fn what_waits_shares_one_commit_up_to_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.sqlite");
        let db = Connection::open(&file).unwrap();
        db.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x)").unwrap();
        let worker = Worker::start(db, TransactionBehavior::Immediate).unwrap();
        let ((begin, begun), (go_on, wait)) = (channel(), channel());
        let first = worker.clone();
        let first = tokio::spawn(async move {
            let hold = move |_: &Connection| {
                begin.send(()).unwrap();
                wait.recv().unwrap();
                Ok(())
            };
            first.run(hold).await
        });
        tokio::task::yield_now().await;
        begun.recv().unwrap();
        // All these wait for the first.
        let all = TOGETHER_MAX + 5;
        let waiting: Vec<_> = (0..all).map(|number| tokio::spawn(insert(worker.clone(), file.clone(), number))).collect();
        while worker.load() < all + 1 {
            tokio::task::yield_now().await;
        }
        go_on.send(()).unwrap();
        first.await.unwrap().unwrap();
        let mut committed = Vec::new();
        for waiting in waiting {
            committed.push(waiting.await.unwrap());
        }
        let planted = Err(StorageError::Damaged("planted".to_owned()));
        assert_eq!(committed[10], planted);
        let before = |number| if number < TOGETHER_MAX { 0 } else { TOGETHER_MAX as i64 - 1 };
        let expected: Vec<_> = (0..all).map(|number| if number == 10 { planted.clone() } else { Ok(before(number)) }).collect();
        assert_eq!(committed, expected);
        assert_eq!(count(&Connection::open(&file).unwrap()), all as i64 - 1);
    }
}
