//! One exchange with a device: the header it begins with, the answer it ends with.

use std::sync::OnceLock;

use ed25519_dalek::VerifyingKey;
use lentera_protocol::limits::{PAGE_BUDGET, PAGE_ROWS_MAX};
use lentera_protocol::sync::{Answer, Header, Last, Refusal, Sealed, Unreadable};
use lentera_protocol::{VERSION, VERSION_MIN, sign, stream};

use super::{Failure, Service};
use crate::storage::{Device, NewsQuery, Storage};

/// Rows of one answer at most, but for those that every screen needs and a document that is larger.
const ANSWER_ROWS: usize = PAGE_ROWS_MAX / 2;
/// Bytes of one answer's rows, inflated, where the device does not say: some 15 KB on the wire, a few seconds of a slow link.
const ANSWER_BYTES: u32 = 64 * 1024;
/// Amended receipts of one answer at most.
const ANSWER_AMENDMENTS: usize = 32;
/// The first version that knows amendments, and streams that are read newest first.
const VERSION_OF_AMENDMENTS: u16 = 2;

impl<S: Storage> Service<S> {
    /// The header of a request and the device that signed it. Nothing is changed by it.
    ///
    /// # Errors
    /// A [`Refusal`], or a fault of the server's.
    pub async fn identify(&self, header: &[u8]) -> Result<(Header, Device), Failure> {
        let claimed: Header = sign::peek(header).map_err(|_| Refusal::Malformed)?;
        if !(VERSION_MIN..=VERSION).contains(&claimed.version) {
            return Err(Refusal::Version.into());
        }
        let device = self.storage.device(claimed.device).await?.ok_or(Refusal::UnknownDevice)?;
        let key = VerifyingKey::from_bytes(&device.key).map_err(|_| Refusal::UnknownDevice)?;
        let header = sign::verify::<Header>(header, &key).map_err(|_| Refusal::UnknownDevice)?.into_inner();
        if device.revoked_at.is_some() {
            return Err(Refusal::Revoked.into());
        }
        if device.frozen_at.is_some() {
            return Err(Refusal::KeyFrozen.into());
        }
        match header.counter {
            counter if counter <= device.counter => Err(Refusal::Replayed(device.counter).into()),
            counter if i64::try_from(counter).is_err() => Err(Refusal::Malformed.into()),
            _ => Ok((header, device)),
        }
    }

    /// Counts a request, so that the same cannot be made again.
    ///
    /// # Errors
    /// [`Refusal::Replayed`] where it, or a later one, was counted before; a fault of the server's.
    pub async fn count_request(&self, header: &Header) -> Result<(), Failure> {
        let counted = self.storage.count_request(header.device, header.counter).await?;
        Ok(counted.map_err(Refusal::Replayed)?)
    }

    /// The answer to a request: what became of what it handed over, and what is new for its device.
    ///
    /// # Errors
    /// A fault of the server's.
    pub async fn answer(&self, header: &Header, receipts: Vec<Vec<u8>>, unreadable: Vec<Unreadable>) -> Result<Answer, Failure> {
        let knows_amendments = header.version >= VERSION_OF_AMENDMENTS;
        let bytes = header.page_bytes.unwrap_or(ANSWER_BYTES).clamp(*PAGE_BUDGET.start(), *PAGE_BUDGET.end());
        let query = NewsQuery {
            device: header.device,
            cursors: header.cursors.clone(),
            rows: ANSWER_ROWS,
            bytes: bytes as usize,
            newest_first: knows_amendments,
            amendments: knows_amendments.then(|| (header.amendment.unwrap_or_default(), ANSWER_AMENDMENTS)),
        };
        let news = self.storage.news(query).await?.ok_or(Refusal::UnknownDevice)?;
        let (number, hash) = news.last;
        let mut receipts: Vec<_> = receipts.into_iter().map(Sealed).collect();
        // Behind the first words: the last one counts.
        receipts.extend(news.amendments.into_iter().map(Sealed));
        let pages = match news.pages {
            none if none.is_empty() => no_pages()?,
            pages => tokio::task::spawn_blocking(move || stream::pack(&pages)).await?.map_err(Failure::Answer)?,
        };
        Ok(Answer {
            counter: header.counter,
            receipts,
            unreadable,
            pages,
            more: news.more,
            scope_epoch: news.scope_epoch,
            time: self.now().millis(),
            last: (number > 0).then_some(Last { number, hash }),
        })
    }
}

/// No pages, packed once: compressing takes longer than all else of an answer without news.
fn no_pages() -> Result<Vec<u8>, Failure> {
    static PACKED: OnceLock<Vec<u8>> = OnceLock::new();
    if let Some(packed) = PACKED.get() {
        return Ok(packed.clone());
    }
    let packed = stream::pack(&[]).map_err(Failure::Answer)?;
    Ok(PACKED.get_or_init(|| packed).clone())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{AHMAD, LAILA, Office, SITI, TestDevice, log_entry, umkm};
    use super::*;
    use lentera_protocol::stream::Row;

    async fn read(office: &Office, device: &TestDevice, cursors: &[Cursor]) -> (Vec<stream::Page>, bool) {
        let device = office.storage.device(device.id()).await.unwrap().unwrap();
        let pages = office.service.read_streams(&device, cursors).await.unwrap();
        (stream::unpack(&pages.packed).unwrap(), pages.more)
    }

    fn changes(pages: &[stream::Page]) -> usize {
        pages.iter().flat_map(|page| &page.rows).filter(|row| matches!(row, Row::Change { .. })).count()
    }

    #[tokio::test]
    async fn each_person_is_sent_their_streams_and_no_others() {
        let office = Office::open().await;
        let mut writer = TestDevice::enrol(&office, SITI, 2).await;
        let mut all = log_entry(writer.actor(), 1, SITI, &["a"]);
        all.extend(umkm(writer.actor(), 2, &["Dapur"]));
        office.service.accept_bundle(&writer.seal(&all)).await.unwrap();
        let second = TestDevice::enrol(&office, SITI, 3).await;
        let colleague = TestDevice::enrol(&office, AHMAD, 4).await;
        let elsewhere = TestDevice::enrol(&office, LAILA, 5).await;
        for (device, expected) in [(&writer, 0), (&second, 2), (&colleague, 1), (&elsewhere, 0)] {
            let (pages, more) = read(&office, device, &[]).await;
            assert_eq!((changes(&pages), more), (expected, false));
            // Rules and three people.
            assert_eq!(pages.last().unwrap().rows.len(), 4);
            let cursors: Vec<_> = pages.iter().map(|page| page.cursor).collect();
            assert_eq!(read(&office, device, &cursors).await, (vec![], false));
        }
    }

    #[tokio::test]
    async fn a_cursor_of_another_history_starts_over() {
        let office = Office::open().await;
        let device = TestDevice::enrol(&office, SITI, 2).await;
        let (pages, _) = read(&office, &device, &[]).await;
        let mut cursor = pages[0].cursor;
        cursor.hash = [9; 8];
        assert_eq!(read(&office, &device, &[cursor]).await.0, pages);
        cursor = Cursor { position: u64::MAX, ..pages[0].cursor };
        assert_eq!(read(&office, &device, &[cursor]).await.0, pages);
    }

    #[tokio::test]
    async fn many_rows_come_page_by_page_each_once() {
        let office = Office::open().await;
        let mut table = String::from("code,parent_code,name\n");
        (0..700).for_each(|n| table.push_str(&format!("63.11.01.{n:04},63.11.01,Desa {n}\n")));
        office.service.import_wilayah(table.as_bytes()).await.unwrap();
        let device = TestDevice::enrol(&office, SITI, 2).await;
        let (mut cursors, mut rows, mut more) = (Vec::new(), Vec::new(), true);
        while more {
            let (pages, remaining) = read(&office, &device, &cursors).await;
            assert!(pages.iter().map(|page| page.rows.len()).sum::<usize>() <= ANSWER_ROWS);
            cursors = pages.iter().map(|page| page.cursor).collect();
            rows.extend(pages.into_iter().flat_map(|page| page.rows));
            more = remaining;
        }
        assert_eq!(rows.len(), 704);
        rows.dedup();
        assert_eq!(rows.len(), 704);
    }
}
