//! One exchange with a device: the header it begins with, the answer it ends with.

use std::sync::OnceLock;

use ed25519_dalek::VerifyingKey;
use lentera_protocol::limits::{ANSWER_RECEIPTS_MAX, PAGE_BUDGET, PAGE_ROWS_MAX};
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

/// The receipts of one answer, in order: as many as fit into [`ANSWER_RECEIPTS_MAX`]. A device asks again for what it was not told.
#[derive(Debug, Default)]
pub struct Receipts {
    sealed: Vec<Sealed>,
    bytes: usize,
    is_full: bool,
}

impl Receipts {
    /// Puts these behind the others. From the first that does not fit on none is put, so that what is told has no holes.
    pub fn add(&mut self, receipts: impl IntoIterator<Item = Vec<u8>>) {
        for receipt in receipts {
            self.is_full |= self.bytes + receipt.len() > ANSWER_RECEIPTS_MAX;
            if self.is_full {
                return;
            }
            self.bytes += receipt.len();
            self.sealed.push(Sealed(receipt));
        }
    }

    /// How many there are.
    pub const fn count(&self) -> usize {
        self.sealed.len()
    }
}

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
    pub async fn answer(&self, header: &Header, mut receipts: Receipts, unreadable: Vec<Unreadable>) -> Result<Answer, Failure> {
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
        // Behind the first words: the last one counts.
        let expected = receipts.count() + news.amendments.len();
        receipts.add(news.amendments);
        // Bundles without a receipt are asked for again by themselves; amendments are only told.
        let more = news.more || receipts.count() < expected;
        let pages = match news.pages {
            none if none.is_empty() => no_pages()?,
            pages => tokio::task::spawn_blocking(move || stream::pack(&pages)).await?.map_err(Failure::Answer)?,
        };
        Ok(Answer {
            counter: header.counter,
            receipts: receipts.sealed,
            unreadable,
            pages,
            more,
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
    use lentera_domain::Nip;
    use lentera_domain::server_record::Employee;
    use lentera_protocol::stream::{Cursor, Page, Row};

    fn header(device: &TestDevice, version: u16, counter: u64, cursors: &[Cursor]) -> Header {
        Header {
            version,
            device: device.id(),
            counter,
            scope_epoch: 1,
            cursors: cursors.to_vec(),
            page_bytes: Some(4096),
            amendment: None,
        }
    }

    async fn read_as(office: &Office, device: &TestDevice, version: u16, cursors: &[Cursor]) -> (Vec<Page>, bool) {
        let header = header(device, version, 1, cursors);
        let answer = office.service.answer(&header, Receipts::default(), vec![]).await.unwrap();
        (stream::unpack(&answer.pages).unwrap(), answer.more)
    }

    async fn read(office: &Office, device: &TestDevice, cursors: &[Cursor]) -> (Vec<Page>, bool) {
        read_as(office, device, VERSION, cursors).await
    }

    /// All rows, in as many exchanges as it takes.
    async fn read_all(office: &Office, device: &TestDevice, version: u16) -> Vec<Row> {
        let (mut cursors, mut rows, mut more) = (Vec::<Cursor>::new(), Vec::new(), true);
        while more {
            let (pages, remaining) = read_as(office, device, version, &cursors).await;
            assert!(pages.iter().map(|page| page.rows.len()).sum::<usize>() <= ANSWER_ROWS);
            for page in pages {
                cursors.retain(|cursor| cursor.stream != page.cursor.stream);
                cursors.push(page.cursor);
                rows.extend(page.rows);
            }
            more = remaining;
        }
        rows
    }

    fn changes(pages: &[Page]) -> usize {
        pages.iter().flat_map(|page| &page.rows).filter(|row| matches!(row, Row::Change { .. })).count()
    }

    #[test]
    fn receipts_end_where_the_answer_is_full_and_have_no_holes() {
        let half = || vec![1; ANSWER_RECEIPTS_MAX / 2];
        let mut receipts = Receipts::default();
        receipts.add([half(), half()]);
        assert_eq!((receipts.count(), receipts.bytes), (2, ANSWER_RECEIPTS_MAX));
        let mut receipts = Receipts::default();
        receipts.add([half(), vec![2; ANSWER_RECEIPTS_MAX / 2 + 1], vec![3]]);
        receipts.add([vec![4]]);
        assert_eq!((receipts.count(), receipts.bytes), (1, ANSWER_RECEIPTS_MAX / 2));
    }

    #[tokio::test]
    async fn amendments_that_do_not_fit_are_told_in_the_next_answer() {
        use super::super::testing::umkm_in_turn;
        let office = Office::open().await;
        let mut siti = TestDevice::enrol(&office, SITI, 2).await;
        let mut ahmad = TestDevice::enrol(&office, AHMAD, 3).await;
        let [first, second] = umkm_in_turn(&[siti.actor(), ahmad.actor()], 7).try_into().unwrap();
        office.accept(&ahmad.seal(&[second])).await;
        office.accept(&siti.seal(&[first])).await;
        let mut full = Receipts::default();
        full.add([vec![1; ANSWER_RECEIPTS_MAX - 10]]);
        let header = header(&ahmad, VERSION, 1, &[]);
        let answer = office.service.answer(&header, full, vec![]).await.unwrap();
        assert_eq!((answer.receipts.len(), answer.more), (1, true));
        let answer = office.service.answer(&header, Receipts::default(), vec![]).await.unwrap();
        assert_eq!((answer.receipts.len(), answer.more), (1, false));
        assert!(office.verify(&answer.receipts[0].0).amendment.is_some());
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
        // He is her superior, too.
        for (device, expected) in [(&writer, 0), (&second, 2), (&colleague, 2), (&elsewhere, 0)] {
            let (pages, more) = read_as(&office, device, 1, &[]).await;
            assert_eq!((changes(&pages), more), (expected, false));
            // Rules and three people.
            let records = pages.iter().flat_map(|page| &page.rows).filter(|row| matches!(row, Row::Record(_)));
            assert_eq!(records.count(), 4);
            for version in [1, 2] {
                let (pages, _) = read_as(&office, device, version, &[]).await;
                let cursors: Vec<_> = pages.iter().map(|page| page.cursor).collect();
                assert_eq!(read_as(&office, device, version, &cursors).await, (vec![], false));
                assert_eq!(changes(&pages), expected);
            }
        }
    }

    #[tokio::test]
    async fn a_device_asks_for_no_less_and_no_more_than_its_budget_may_be() {
        let office = Office::open().await;
        let mut writer = TestDevice::enrol(&office, SITI, 2).await;
        for id in 1..=ANSWER_ROWS as u128 {
            let text = "kue kering ".repeat(60);
            office.service.accept_bundle(&writer.seal(&log_entry(writer.actor(), id, SITI, &[&text]))).await.unwrap();
        }
        let second = TestDevice::enrol(&office, SITI, 3).await;
        let rows = async |page_bytes| {
            let header = Header { page_bytes: Some(page_bytes), ..header(&second, VERSION, 1, &[]) };
            let answer = office.service.answer(&header, Receipts::default(), vec![]).await.unwrap();
            changes(&stream::unpack(&answer.pages).unwrap())
        };
        let (least, most) = (*PAGE_BUDGET.start(), *PAGE_BUDGET.end());
        assert_eq!((rows(0).await, rows(u32::MAX).await), (rows(least).await, rows(most).await));
        assert!(rows(least).await < rows(least * 4).await && rows(most / 4).await < rows(most).await);
    }

    #[tokio::test]
    async fn a_superior_is_sent_the_log_of_those_below_and_nothing_else_of_theirs() {
        let office = Office::open().await;
        let mut writer = TestDevice::enrol(&office, SITI, 2).await;
        let superior = TestDevice::enrol(&office, LAILA, 5).await;
        let mut all = log_entry(writer.actor(), 1, SITI, &["a"]);
        all.extend(umkm(writer.actor(), 2, &["Dapur"]));
        office.service.accept_bundle(&writer.seal(&all)).await.unwrap();
        assert_eq!(changes(&read(&office, &superior, &[]).await.0), 0);
        let siti = office.storage.person(Nip::parse(SITI).unwrap()).await.unwrap().unwrap().employee;
        let is_below = async |superior: Option<&str>| {
            let superior = superior.map(|nip| Nip::parse(nip).unwrap());
            office.storage.import_staff(vec![Employee { superior, ..siti.clone() }]).await.unwrap();
        };
        is_below(Some(LAILA)).await;
        for version in [1, VERSION] {
            let (pages, _) = read_as(&office, &superior, version, &[]).await;
            let rows: Vec<_> = pages.iter().flat_map(|page| &page.rows).filter(|row| matches!(row, Row::Change { .. })).collect();
            assert!(
                matches!(rows.as_slice(), [Row::Change { kind: 1, .. }, ..]) && rows.len() == usize::from(version),
                "{rows:?}"
            );
            let cursors: Vec<_> = pages.iter().map(|page| page.cursor).collect();
            let next = writer.seal(&log_entry(writer.actor(), 10 + u128::from(version), SITI, &["b"]));
            office.service.accept_bundle(&next).await.unwrap();
            assert_eq!(changes(&read_as(&office, &superior, version, &cursors).await.0), 1);
        }
        is_below(None).await;
        assert_eq!(changes(&read(&office, &superior, &[]).await.0), 0);
    }

    #[tokio::test]
    async fn rows_say_whose_they_are_and_since_when() {
        let office = Office::open().await;
        let mut writer = TestDevice::enrol(&office, SITI, 2).await;
        office.service.accept_bundle(&writer.seal(&log_entry(writer.actor(), 1, SITI, &["a"]))).await.unwrap();
        let second = TestDevice::enrol(&office, SITI, 3).await;
        let Row::Change { origin: Some(origin), .. } = &read(&office, &second, &[]).await.0[0].rows[0] else { panic!() };
        assert_eq!((origin.author.as_str(), origin.arrived), (SITI, office.service.now().millis()));
        assert_eq!(origin.saved, super::super::testing::STAMP);
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
    async fn many_rows_come_page_by_page_each_once_and_regions_last() {
        let office = Office::open().await;
        let mut table = String::from("code,parent_code,name\n");
        (0..700).for_each(|n| table.push_str(&format!("63.11.01.{n:04},63.11.01,Desa {n}\n")));
        office.service.import_wilayah(table.as_bytes()).await.unwrap();
        let mut writer = TestDevice::enrol(&office, SITI, 2).await;
        for id in 1..80 {
            office.service.accept_bundle(&writer.seal(&log_entry(writer.actor(), id, SITI, &["a"]))).await.unwrap();
        }
        let device = TestDevice::enrol(&office, SITI, 3).await;
        for (version, extra) in [(1, 0), (2, 3)] {
            let rows = read_all(&office, &device, version).await;
            // Rules and the people of the unit come once more, before all else.
            assert_eq!(rows.len(), 79 + 4 + 700 + extra);
            let mut distinct: Vec<_> = rows.iter().map(lentera_protocol::encode).collect();
            distinct.sort();
            distinct.dedup();
            assert_eq!(distinct.len(), 783);
            let is_region = |row: &Row| matches!(row, Row::Record(json) if json.contains("Desa"));
            assert_eq!(rows.iter().position(is_region), Some(83 + extra));
        }
    }

    #[tokio::test]
    async fn a_request_is_counted_once() {
        let office = Office::open().await;
        let device = TestDevice::enrol(&office, SITI, 2).await;
        let identify = async |counter| {
            let header = sign::sign(&header(&device, VERSION, counter, &[]), &device.key);
            let identified = office.service.identify(&header).await.map_err(Failure::into_refusal)?;
            office.service.count_request(&identified.0).await.map_err(Failure::into_refusal)
        };
        assert_eq!(identify(7).await, Ok(()));
        assert_eq!(identify(7).await, Err(Refusal::Replayed(7)));
        assert_eq!(identify(3).await, Err(Refusal::Replayed(7)));
        assert_eq!(identify(u64::MAX).await, Err(Refusal::Malformed));
        assert_eq!(identify(8).await, Ok(()));
        // Two that were read at the same moment.
        let nine = header(&device, VERSION, 9, &[]);
        let both = futures::join!(office.service.count_request(&nine), office.service.count_request(&nine));
        assert_eq!([both.0.is_ok(), both.1.is_ok()].iter().filter(|ok| **ok).count(), 1);
    }
}
