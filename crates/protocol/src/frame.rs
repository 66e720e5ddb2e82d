//! Frames: a length of 4 bytes, most significant first, and as many bytes.

use crate::ProtocolError;

/// Appends `bytes` as one frame.
pub fn push(body: &mut Vec<u8>, bytes: &[u8]) {
    body.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    body.extend_from_slice(bytes);
}

/// Takes frames out of bytes that arrive piece by piece.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
    /// How much of it has been given out: moved out of the way only when more arrives, so that many small frames cost no more than one.
    given: usize,
}

impl Frames {
    /// More bytes have arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.given);
        self.given = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame of at most `max` bytes; `None` until it has arrived.
    ///
    /// # Errors
    /// [`ProtocolError::TooLarge`] as soon as a longer one is announced.
    pub fn next(&mut self, max: usize) -> Result<Option<Vec<u8>>, ProtocolError> {
        let Some((length, rest)) = self.rest().split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        if length > max {
            return Err(ProtocolError::TooLarge);
        }
        let Some(frame) = rest.get(..length).map(<[u8]>::to_vec) else { return Ok(None) };
        self.given += 4 + length;
        Ok(Some(frame))
    }

    /// Whether nothing of a further frame has arrived.
    pub fn is_empty(&self) -> bool {
        self.rest().is_empty()
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.given..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{BUNDLE_MAX, HEADER_MAX};

    proptest::proptest! {
        #[test]
        fn frames_come_back_however_they_are_cut(frames: Vec<Vec<u8>>, size in 1usize..9) {
            let mut body = Vec::new();
            frames.iter().for_each(|frame| push(&mut body, frame));
            let mut reader = Frames::default();
            let mut read = Vec::new();
            for piece in body.chunks(size) {
                reader.push(piece);
                while let Some(frame) = reader.next(1000).unwrap() {
                    read.push(frame);
                }
            }
            proptest::prop_assert_eq!(read, frames);
            proptest::prop_assert!(reader.is_empty());
        }
    }

    #[test]
    fn what_was_given_out_is_not_kept() {
        let mut reader = Frames::default();
        for _ in 0..100 {
            reader.push(&[0, 0, 0, 1, 7]);
            assert_eq!(reader.next(10).unwrap(), Some(vec![7]));
        }
        assert_eq!((reader.buffer.len(), reader.is_empty()), (5, true));
    }

    #[test]
    fn a_frame_of_the_limit_is_taken_and_one_above_refused_before_it_arrives() {
        for max in [0, 10, HEADER_MAX, BUNDLE_MAX] {
            let mut body = Vec::new();
            push(&mut body, &vec![7; max]);
            let mut reader = Frames::default();
            reader.push(&body);
            assert_eq!(reader.next(max), Ok(Some(vec![7; max])));
            assert!(reader.is_empty());
            reader.push(&u32::try_from(max + 1).unwrap().to_be_bytes());
            assert_eq!(reader.next(max), Err(ProtocolError::TooLarge));
        }
    }
}
