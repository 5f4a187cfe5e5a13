//! What a machine boots with: the first files of its memory, which are all that it has.

use crate::kernel::{Kernel, said};
use crate::modules::closure;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The first program.
const INIT: &str = include_str!("init.sh");

/// Something that the machine does.
pub(crate) struct Step {
    /// One word.
    pub(crate) name: &'static str,
    /// What its shell runs.
    pub(crate) command: String,
}

/// Files that become an image.
pub(crate) struct Image {
    folder: TempDir,
}

impl Image {
    /// What every machine has: a shell, `ip`, and the kernel's modules.
    pub(crate) fn of(kernel: &Kernel, modules: &[&str]) -> Result<Self> {
        let image = Self { folder: tempfile::tempdir()? };
        image.copy(&which("busybox")?, Path::new("/bin/busybox"))?;
        image.write("/init", INIT.as_bytes())?;
        fs::set_permissions(image.place(Path::new("/init")), fs::Permissions::from_mode(0o755))?;
        image.system_program("ip")?;
        let mut order = String::new();
        for module in closure(&kernel.modules, modules)? {
            let path = format!("/lib/modules/{}.ko", module.name);
            image.write(&path, &module.content)?;
            order += &format!("{path}\n");
        }
        image.write("/modules", order.as_bytes())?;
        Ok(image)
    }

    /// Adds a program of the system, with its libraries, where the machine looks for programs.
    pub(crate) fn system_program(&self, name: &str) -> Result<()> {
        self.program(&which(name)?, &format!("/usr/sbin/{name}"))
    }

    /// Adds a program with its libraries.
    pub(crate) fn program(&self, program: &Path, path: &str) -> Result<()> {
        let place = self.place(Path::new(path));
        make_folder_of(&place)?;
        // Without what only debuggers want: the image is in memory twice while the machine boots.
        said(Command::new("strip").arg("-o").args([&place, program]))?;
        libraries(program)?.iter().try_for_each(|library| self.copy(library, library))
    }

    /// Adds a folder with the files in it.
    pub(crate) fn folder(&self, folder: &Path) -> Result<()> {
        for entry in fs::read_dir(folder).with_context(|| format!("{}: cannot list it", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() { self.folder(&path)? } else { self.copy(&path, &path)? }
        }
        Ok(())
    }

    /// Adds what is to be done.
    pub(crate) fn steps(&self, steps: &[Step]) -> Result<()> {
        let lines: String = steps.iter().map(|Step { name, command }| format!("{name} {command}\n")).collect();
        self.write("/steps", lines.as_bytes())
    }

    /// Writes the image to `path`.
    pub(crate) fn pack(self, path: &Path) -> Result<()> {
        let mut names = Vec::new();
        list(self.folder.path(), Path::new(""), &mut names)?;
        let image = fs::File::create(path).with_context(|| format!("{}: cannot write the image", path.display()))?;
        let mut cpio = Command::new("cpio");
        cpio.args(["--create", "--format=newc", "--quiet", "--owner=0:0"]).current_dir(self.folder.path());
        let mut cpio = cpio.stdin(Stdio::piped()).stdout(image).spawn().context("cannot start `cpio`")?;
        let mut list = cpio.stdin.take().context("no way to cpio")?;
        list.write_all(names.join("\n").as_bytes())?;
        drop(list);
        let status = cpio.wait()?;
        ensure!(status.success(), "`cpio` failed ({status})");
        Ok(())
    }

    fn write(&self, path: &str, content: &[u8]) -> Result<()> {
        let place = self.place(Path::new(path));
        make_folder_of(&place)?;
        fs::write(&place, content).with_context(|| format!("{}: cannot write it", place.display()))
    }

    fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        let place = self.place(to);
        make_folder_of(&place)?;
        fs::copy(from, &place).with_context(|| format!("{}: cannot copy it", from.display())).map(drop)
    }

    fn place(&self, path: &Path) -> PathBuf {
        self.folder.path().join(path.strip_prefix("/").unwrap_or(path))
    }
}

fn make_folder_of(file: &Path) -> Result<()> {
    let folder = file.parent().context("a file is in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("{}: cannot make it", folder.display()))
}

/// All below `folder`, each folder before what is in it.
fn list(folder: &Path, name: &Path, names: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder.join(name))? {
        let name = name.join(entry?.file_name());
        names.push(name.to_str().context("a name that is no text")?.to_owned());
        if folder.join(&name).is_dir() {
            list(folder, &name, names)?;
        }
    }
    Ok(())
}

/// Where a program of the system is.
fn which(name: &str) -> Result<PathBuf> {
    let folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(Path::new);
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    found.with_context(|| format!("{name}: not found; `cargo xtask setup` knows how to get it"))
}

/// The libraries that a program is linked with.
fn libraries(program: &Path) -> Result<Vec<PathBuf>> {
    Ok(paths(&said(Command::new("ldd").arg(program))?))
}

/// The paths in what `ldd` prints: `name => path (address)`, or `path (address)` for the loader.
fn paths(lines: &str) -> Vec<PathBuf> {
    let words = lines.lines().flat_map(str::split_whitespace);
    words.filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_found_in_what_ldd_prints() {
        let lines = "\tlinux-vdso.so.1 (0x7ffc)\n\tlibc.so.6 => /lib/libc.so.6 (0x7f1)\n\t/lib64/ld.so.2 (0x7f2)\n";
        assert_eq!(paths(lines), ["/lib/libc.so.6", "/lib64/ld.so.2"].map(PathBuf::from));
    }

    #[test]
    fn folders_come_before_what_is_in_them() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        fs::write(folder.path().join("a/b/c"), "").unwrap();
        let mut names = Vec::new();
        list(folder.path(), Path::new(""), &mut names).unwrap();
        assert_eq!(names, ["a", "a/b", "a/b/c"]);
    }
}
