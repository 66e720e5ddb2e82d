//! What a device is sent: the next rows of its streams.

use ed25519_dalek::VerifyingKey;
use lentera_protocol::limits::PAGE_ROWS_MAX;
use lentera_protocol::stream::{self, Cursor};
use lentera_protocol::sync::{Header, Refusal};
use lentera_protocol::{VERSION, VERSION_MIN, sign};

use super::{Failure, Service, scope};
use crate::storage::{Device, Storage, StreamQuery};

/// Rows of one answer at most.
const ANSWER_ROWS: usize = PAGE_ROWS_MAX / 2;
/// Bytes of one answer's rows, inflated, at most: some 15 KB on the wire, a few seconds of a slow link.
const ANSWER_BYTES: usize = 64 * 1024;

/// The next rows of a device's streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pages {
    /// Packed by [`stream::pack`].
    pub packed: Vec<u8>,
    /// How many rows.
    pub rows: usize,
    /// There are more.
    pub more: bool,
}

impl<S: Storage> Service<S> {
    /// The header of a request and the device that signed it.
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
        if device.is_revoked { Err(Refusal::Revoked.into()) } else { Ok((header, device)) }
    }

    /// The next rows of the device's streams behind these cursors.
    ///
    /// # Errors
    /// A fault of the server's.
    pub async fn read_streams(&self, device: &Device, cursors: &[Cursor]) -> Result<Pages, Failure> {
        let (mut pages, mut rows, mut bytes, mut more) = (Vec::new(), 0, 0, false);
        for name in scope::streams_of(&device.employee) {
            // A stream that nothing is left for is still asked whether it has more.
            let query = StreamQuery {
                name,
                cursors: cursors.to_vec(),
                rows: if bytes < ANSWER_BYTES { ANSWER_ROWS - rows } else { 0 },
                bytes: ANSWER_BYTES.saturating_sub(bytes),
                asking: device.id,
            };
            let Some(page) = self.storage.stream_page(query).await? else { continue };
            rows += page.rows.len();
            bytes += page.bytes;
            more |= page.more;
            let stands_already = cursors.contains(&page.cursor) || (page.cursor.position == 0 && page.rows.is_empty());
            if !stands_already {
                pages.push(stream::Page { rows: page.rows, cursor: page.cursor });
            }
        }
        let packed = tokio::task::spawn_blocking(move || stream::pack(&pages)).await?.map_err(Failure::Answer)?;
        Ok(Pages { packed, rows, more })
    }
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
