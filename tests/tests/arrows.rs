//! Which crate may know which: the walls of the house, from docs/architecture.md.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Result, ensure};
use serde_json::Value;

/// Every crate of the workspace with the crates of the workspace it may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("lentera-domain", &[]),
    ("lentera-document", &["lentera-domain"]),
    ("lentera-protocol", &["lentera-domain"]),
    ("lentera-api", &["lentera-domain"]),
    ("lentera-engine", &["lentera-domain", "lentera-document", "lentera-protocol", "lentera-api"]),
    ("lentera-server", &["lentera-domain", "lentera-document", "lentera-protocol"]),
    ("lentera-cli", &["lentera-engine", "lentera-api"]),
    ("lentera-app", &["lentera-engine", "lentera-api"]),
    ("lentera-ui", &["lentera-api", "lentera-domain"]),
    (
        "lentera-tests",
        &[
            "lentera-domain",
            "lentera-document",
            "lentera-protocol",
            "lentera-api",
            "lentera-engine",
            "lentera-server",
            "lentera-cli",
            "lentera-app",
            "lentera-ui",
        ],
    ),
    ("xtask", &[]),
];

#[test]
fn every_arrow_between_crates_is_allowed() {
    let metadata = metadata().expect("cargo metadata");
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |package: &Value| package["name"].as_str().expect("a name").to_owned();
    let members: BTreeSet<String> = packages.iter().map(name).collect();
    let known: BTreeSet<String> = ALLOWED.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(members, known, "a crate came or went: say here what it may depend on");
    for package in packages {
        let from = name(package);
        let (_, allowed) = ALLOWED.iter().find(|(name, _)| *name == from).expect("a known crate");
        // Those for tests and build scripts too.
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let to = name(dependency);
            assert!(!members.contains(&to) || allowed.contains(&to.as_str()), "{from} may not depend on {to}");
        }
    }
}

#[test]
fn nothing_depends_on_itself_in_a_circle() {
    for (name, allowed) in ALLOWED {
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut next: Vec<&str> = allowed.to_vec();
        while let Some(one) = next.pop() {
            if reached.insert(one) {
                next.extend(ALLOWED.iter().filter(|(name, _)| *name == one).flat_map(|(_, allowed)| *allowed));
            }
        }
        assert!(!reached.contains(name), "{name} may reach itself");
    }
}

fn metadata() -> Result<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}
