//! `cargo xtask check-android`: type-checks the whole app for Android with no SDK and no NDK. Not part of the CI: it compiles std and takes 10 minutes.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::{checkout, process, toolchain};

const TARGET: &str = "aarch64-linux-android";

/// Checks types only: C code is not compiled, nothing is linked, no Kotlin is looked at.
pub fn run() -> Result<()> {
    ensure!(
        std::path::Path::new("/usr/lib/rustlib/src").exists() && process::find("/usr/bin/cargo").is_some(),
        "needs Debian's Rust with its source: apt-get install rustc-web cargo-web rust-web-src"
    );
    checkout::claim_target()?;
    let target = checkout::target()?.join("android");
    // Tauri's build scripts write into the Android project: these two folders of it must be there.
    let kotlin = target.join("kotlin");
    for folder in [&kotlin, &target.join("app")] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let compiler = checkout::root()?.join("xtask/android/no-compiler");
    let mut cargo = toolchain::debian()?;
    cargo
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CC_aarch64_linux_android", &compiler)
        .env("CXX_aarch64_linux_android", &compiler)
        .env("AR_aarch64_linux_android", "ar")
        .env("WRY_ANDROID_PACKAGE", "id.go.balangankab.lentera")
        .env("WRY_ANDROID_LIBRARY", "lentera_app")
        .env("WRY_ANDROID_KOTLIN_FILES_OUT_DIR", &kotlin)
        .env("TAURI_ANDROID_PROJECT_PATH", &target)
        .env("TAURI_ANDROID_PACKAGE_NAME_APP_NAME", "lentera")
        .env("TAURI_ANDROID_PACKAGE_NAME_PREFIX", "id_go_balangankab")
        .args(["check", "-Zbuild-std=std,panic_abort", "--target", TARGET, "--package", "lentera-app", "--lib"]);
    process::run(&mut cargo)
}
