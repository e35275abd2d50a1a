//! Files with secrets: readable by their owner alone, and never half written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Makes a file that must not exist yet.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`], or what else the system says.
pub(crate) fn create(path: &Path, text: &str) -> io::Result<()> {
    fill(open_new(path)?, text)
}

/// Replaces a file, or makes it. Whatever its mode was, afterwards its owner alone may read it; a reader sees the old
/// text or the new one. A symbolic link stays, and what it leads to is replaced.
///
/// # Errors
/// What the system says; then the old file is as it was.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = match fs::canonicalize(path) {
        Ok(path) => path,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    let beside = beside(&path);
    let done = open_new(&beside)
        .and_then(|file| fill(file, text))
        .and_then(|()| fs::rename(&beside, &path));
    if done.is_err() {
        // It may not be there at all.
        let _ = fs::remove_file(&beside);
    }
    done
}

fn open_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn fill(mut file: File, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A name in the same folder that nobody else uses.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    path.with_file_name(name)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::testing::Folder;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it exists").permissions().mode() & 0o777
    }

    #[test]
    fn whoever_could_read_the_old_file_cannot_read_the_new_one() {
        let folder = Folder::new("replaced");
        let (path, link) = (folder.path.join("secret"), folder.path.join("link"));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        symlink("secret", &link).unwrap();
        let mut before = File::open(&path).unwrap();
        replace(&link, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(mode(&path), 0o600);
        assert!(link.is_symlink());
        // Who has the old file open reads the old text on.
        assert_eq!(io::read_to_string(&mut before).unwrap(), "old");
        assert_eq!(fs::read_dir(&folder.path).unwrap().count(), 2);
    }

    #[test]
    fn a_new_file_is_private_and_an_old_one_is_kept() {
        let folder = Folder::new("created");
        let path = folder.path.join("secret");
        create(&path, "one").unwrap();
        assert_eq!(mode(&path), 0o600);
        let error = create(&path, "two").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        replace(&folder.path.join("other"), "new").unwrap();
        assert_eq!(mode(&folder.path.join("other")), 0o600);
    }
}
