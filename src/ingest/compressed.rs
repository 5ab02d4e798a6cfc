//! Plain bytes out of what may be compressed, told by its first bytes.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// How much of compressed input is read at once.
const BUFFER_BYTES: usize = 64 << 10;
/// Frames that need more memory to be read are refused; `zstd --long` alone writes such.
const WINDOW_BYTES_MAX: u64 = 8 << 20;

/// Returns a reader of the plain bytes of an input: gzipped, in Zstandard frames, or plain.
pub(crate) fn plain<'r, R: Read + 'r>(
    mut bytes: R,
    is_stopped: &dyn Fn() -> bool,
) -> io::Result<Box<dyn Read + 'r>> {
    let mut magic = Vec::new();
    loop {
        let room = (ZSTD_MAGIC.len() - magic.len()) as u64;
        match bytes.by_ref().take(room).read_to_end(&mut magic) {
            Ok(_) => break,
            // There is nothing yet, as in a file that is followed.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if is_stopped() {
                    break;
                }
            }
            Err(error) => return Err(error),
        }
    }
    let (is_gzip, is_zstd) = (magic.starts_with(GZIP_MAGIC), magic == ZSTD_MAGIC);
    let whole = Cursor::new(magic).chain(bytes);
    if is_gzip {
        let packed = BufReader::with_capacity(BUFFER_BYTES, whole);
        return Ok(Box::new(MultiGzDecoder::new(packed)));
    }
    if is_zstd {
        let packed = BufReader::with_capacity(BUFFER_BYTES, whole);
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW_BYTES_MAX);
        return Ok(Box::new(Frames { packed, decoder, is_inside: false }));
    }
    Ok(Box::new(whole))
}

/// Zstandard frames, one after the other.
struct Frames<R: BufRead> {
    packed: R,
    decoder: FrameDecoder,
    is_inside: bool,
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.is_inside {
                if self.packed.fill_buf()?.is_empty() {
                    return Ok(0);
                }
                self.open()?;
                continue;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.packed, one).map_err(io::Error::other)?;
            }
            let count = self.decoder.read(out)?;
            if count > 0 || out.is_empty() {
                return Ok(count);
            }
            self.close()?;
        }
    }
}

impl<R: BufRead> Frames<R> {
    /// Begins the next frame, or passes over one that is not of the content.
    fn open(&mut self) -> io::Result<()> {
        match self.decoder.reset(&mut self.packed) {
            Ok(()) => self.is_inside = true,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let skipped = (&mut self.packed).take(u64::from(length));
                io::copy(&mut BufReader::new(skipped), &mut io::sink())?;
            }
            Err(error) => return Err(io::Error::other(error)),
        }
        Ok(())
    }

    /// Ends a frame, and compares what it held with the checksum that it may have.
    fn close(&mut self) -> io::Result<()> {
        self.is_inside = false;
        let stored = self.decoder.get_checksum_from_data();
        if stored.is_some() && stored != self.decoder.get_calculated_checksum() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a checksum does not match"));
        }
        Ok(())
    }
}
