//! Programs that refuse to run as root.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Whom root runs them as: the first of these that there is.
const USERS: [&str; 2] = ["postgres", "nobody"];

/// A program that does not run as root: where we are root, as a user without rights.
pub fn command(program: &Path) -> Command {
    let Some(user) = user() else { return Command::new(program) };
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", &group_of(user), "--clear-groups", "--"]).arg(program);
    command
}

/// A folder that goes away when it is dropped, and a folder in it that such a program may write to.
pub fn folder() -> (tempfile::TempDir, PathBuf) {
    let outer = tempfile::Builder::new().prefix("tokenward-server-").tempdir().unwrap();
    let inner = outer.path().join("data");
    std::fs::create_dir(&inner).unwrap();
    if let Some(user) = user() {
        // It has to pass through the outer one.
        std::fs::set_permissions(outer.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let owner = format!("{user}:{}", group_of(user));
        assert!(Command::new("chown").arg(owner).arg(&inner).status().unwrap().success());
    }
    (outer, inner)
}

/// Whether there is such a program.
pub fn is_program(name: &str) -> bool {
    find(name).is_some()
}

/// Where a program is, also if it is of those that only an administrator usually calls.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// Whom to run them as, if we are root.
fn user() -> Option<&'static str> {
    if said_by("id", &["-u"])? != "0" {
        return None;
    }
    USERS.into_iter().find(|user| said_by("id", &["-u", user]).is_some())
}

fn group_of(user: &str) -> String {
    said_by("id", &["-g", user]).expect("a user has a group")
}

fn said_by(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
