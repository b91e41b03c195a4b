//! The admin API of the running store, tried by a property tester that is not ours, and its document by a
//! linter that is not ours either.

use crate::program::Folder;
use crate::python;

/// A long run by hand: `TOKENWARD_FUZZ_EXAMPLES=500`, and another seed by `TOKENWARD_FUZZ_SEED`.
#[test]
fn schemathesis_finds_nothing_in_the_admin_api() {
    let Some(python) = python::find() else { return };
    let folder = Folder::new();
    let store = folder.start();
    let url = format!("http://127.0.0.1:{}/admin/api/v1", store.client.port());
    let said = |variable: &str, usual: &str| std::env::var(variable).unwrap_or_else(|_| usual.to_owned());
    let examples = said("TOKENWARD_FUZZ_EXAMPLES", "2");
    let seed = said("TOKENWARD_FUZZ_SEED", "2026");
    let token = format!("{}\n", folder.admin_tokens().acme);
    let report = python.run("fuzz.py", &[&url, &examples, &seed], &token);
    println!("{report}");
    store.stop();
}
