//! Where lines go in the end: a descriptor, which may block, fail, and work again.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Between two tries at a descriptor that somebody has made non-blocking, and that takes nothing now.
const RETRY: Duration = Duration::from_millis(10);

/// The destination of whole lines. Only the thread of a log may block here.
pub(crate) struct Sink {
    out: Box<dyn Write + Send>,
    /// The file, if it is one that can be opened again.
    path: Option<PathBuf>,
    /// A write failed within a line.
    is_torn: bool,
}

impl Sink {
    pub(crate) fn new(out: Box<dyn Write + Send>) -> Self {
        Self {
            out,
            path: None,
            is_torn: false,
        }
    }

    /// Appends to a file.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub(crate) fn file(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: Some(path.to_owned()),
            ..Self::new(Box::new(append(path)?))
        })
    }

    /// Standard output, without the buffer and the lock of the standard library: a write that waits holds up nobody.
    ///
    /// # Errors
    /// If the descriptor cannot be had a second time.
    #[cfg(unix)]
    pub(crate) fn standard_output() -> io::Result<Self> {
        use std::os::fd::AsFd;

        let descriptor = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(Self::new(Box::new(File::from(descriptor))))
    }

    /// Standard output.
    ///
    /// # Errors
    /// None here.
    #[cfg(not(unix))]
    pub(crate) fn standard_output() -> io::Result<Self> {
        // A console wants the conversion that the standard library does.
        Ok(Self::new(Box::new(io::stdout())))
    }

    /// Opens the file again under its name; standard output stays what it is.
    ///
    /// # Errors
    /// If it cannot be opened; then the old one is written on.
    pub(crate) fn reopen(&mut self) -> io::Result<()> {
        if let Some(path) = &self.path {
            self.out = Box::new(append(path)?);
            self.is_torn = false;
        }
        Ok(())
    }

    /// Writes whole lines, and waits where it must.
    ///
    /// # Errors
    /// How many of the lines were lost.
    pub(crate) fn write(&mut self, lines: &[u8]) -> Result<(), u64> {
        let lost = |rest: &[u8]| rest.split(|byte| *byte == b'\n').count() as u64 - 1;
        if self.is_torn && self.all(b"\n") > 0 {
            return Err(lost(lines));
        }
        let unwritten = self.all(lines);
        let (written, rest) = lines.split_at(lines.len() - unwritten);
        self.is_torn = written.last().is_some_and(|last| *last != b'\n');
        if rest.is_empty() {
            Ok(())
        } else {
            Err(lost(rest))
        }
    }

    /// Writes as much as possible, and returns how many bytes are left.
    fn all(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.out.write(rest) {
                Ok(0) => break,
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(RETRY),
                Err(_) => break,
            }
        }
        rest.len()
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Takes so many bytes at each write; `None` is a failure.
    struct Fickle {
        takes: VecDeque<Option<usize>>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Fickle {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let Some(count) = self.takes.pop_front().unwrap_or(Some(usize::MAX)) else {
                return Err(io::Error::from(ErrorKind::StorageFull));
            };
            let count = count.min(bytes.len());
            self.written
                .lock()
                .unwrap()
                .extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn sink(takes: &[Option<usize>]) -> (Sink, Arc<Mutex<Vec<u8>>>) {
        let written = Arc::<Mutex<Vec<u8>>>::default();
        let fickle = Fickle {
            takes: takes.iter().copied().collect(),
            written: written.clone(),
        };
        (Sink::new(Box::new(fickle)), written)
    }

    #[test]
    fn a_line_that_was_torn_does_not_spoil_the_next() {
        let (mut sink, written) = sink(&[Some(3), Some(4), None, None]);
        assert_eq!(sink.write(b"one\ntwo\nthree\nfour\n"), Err(3));
        assert_eq!(sink.write(b"five\n"), Err(1));
        assert_eq!(sink.write(b"six\n"), Ok(()));
        assert_eq!(*written.lock().unwrap(), b"one\ntwo\nsix\n");
        let (mut sink, written) = self::sink(&[Some(6), None]);
        assert_eq!(sink.write(b"one\ntwo\n"), Err(1));
        assert_eq!(sink.write(b"three\n"), Ok(()));
        assert_eq!(*written.lock().unwrap(), b"one\ntw\nthree\n");
    }

    #[test]
    fn a_file_that_was_moved_away_is_opened_again() {
        let folder = std::env::temp_dir().join(format!("veche-{}-sink", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (path, moved) = (folder.join("log"), folder.join("log.1"));
        let mut sink = Sink::file(&path).unwrap();
        sink.write(b"one\n").unwrap();
        std::fs::rename(&path, &moved).unwrap();
        sink.reopen().unwrap();
        sink.write(b"two\n").unwrap();
        assert_eq!(std::fs::read_to_string(&moved).unwrap(), "one\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two\n");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
