//! What all channels of a thread share while one of them works: an idle channel owns none of it.

use std::cell::Cell;

use veche_websocket::decoder::Workspace;
use veche_websocket::deflate::Deflater;

/// Room to read into, and the state of compression; both may be used by one channel after the
/// other, since neither side keeps context between messages.
pub(crate) struct Scratch {
    pub(crate) buffer: Box<[u8]>,
    pub(crate) workspace: Workspace,
    deflater: Option<Deflater>,
}

impl Scratch {
    /// Lends the scratch of this thread to `work`. A channel that runs through another one finds
    /// a scratch of its own.
    pub(crate) fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        let mut scratch = SCRATCH.take().unwrap_or_else(|| {
            Box::new(Self {
                buffer: vec![0; BUFFER].into_boxed_slice(),
                workspace: Workspace::new(),
                deflater: None,
            })
        });
        let result = work(&mut scratch);
        SCRATCH.set(Some(scratch));
        result
    }

    /// The compressor, made when a message is to be compressed for the first time.
    pub(crate) fn deflater(&mut self) -> &mut Deflater {
        self.deflater
            .get_or_insert_with(|| Deflater::new(COMPRESSION_LEVEL))
    }
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Bytes that one read may bring: a message of 64 KiB comes whole.
const BUFFER: usize = 128 << 10;
/// Of 1 to 9; zlib's own default.
const COMPRESSION_LEVEL: u32 = 6;
