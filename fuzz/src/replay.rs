//! Gives a target what the fuzzer kept of it.

use std::fs;
use std::path::Path;

/// Runs `target` on all of its corpus and on all that ever crashed it.
pub fn all(name: &str, target: fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let mut count = 0;
    for folder in ["corpus", "crashes"] {
        let Ok(files) = fs::read_dir(fuzz.join(folder).join(name)) else { continue };
        for file in files.flatten() {
            let path = file.path();
            let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            println!("{}", path.display());
            target(&bytes);
            count += 1;
        }
    }
    assert!(count > 0, "nothing kept for {name}");
}
