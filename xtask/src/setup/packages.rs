//! System packages, by apt where there is one.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Outcome, announce};
use crate::{process, toolchain};

/// Something the system must have, and the packages that bring it: the first that the system knows is taken.
struct Need {
    sign: Sign,
    packages: &'static [&'static str],
}

/// How to see that it is there, on any distribution.
enum Sign {
    Program(&'static str),
    /// A library with its headers, by its pkg-config name.
    Library(&'static str),
    Header(&'static str),
    WasmClang,
    WasmArchiver,
    Font,
}

const NEEDS: &[Need] = &[
    Need { sign: Sign::Program("cc"), packages: &["build-essential"] },
    Need { sign: Sign::Program("pkg-config"), packages: &["pkg-config"] },
    Need { sign: Sign::Library("webkit2gtk-4.1"), packages: &["libwebkit2gtk-4.1-dev"] },
    Need { sign: Sign::Library("librsvg-2.0"), packages: &["librsvg2-dev"] },
    Need { sign: Sign::Library("openssl"), packages: &["libssl-dev"] },
    Need { sign: Sign::Library("ayatana-appindicator3-0.1"), packages: &["libayatana-appindicator3-dev"] },
    Need { sign: Sign::Header("xdo.h"), packages: &["libxdo-dev"] },
    Need { sign: Sign::Program("WebKitWebDriver"), packages: &["webkit2gtk-driver"] },
    Need { sign: Sign::Program("Xvfb"), packages: &["xvfb"] },
    Need { sign: Sign::Program("dbus-run-session"), packages: &["dbus", "dbus-daemon"] },
    Need { sign: Sign::Program("import"), packages: &["imagemagick"] },
    Need { sign: Sign::Program("ip"), packages: &["iproute2"] },
    Need { sign: Sign::WasmClang, packages: &["clang-19", "clang-18", "clang-16", "clang"] },
    Need { sign: Sign::WasmArchiver, packages: &["llvm-22", "llvm-19", "llvm-18", "llvm"] },
    Need { sign: Sign::Font, packages: &["fonts-dejavu-core"] },
];

/// Installs the missing ones of [`NEEDS`].
pub fn install() -> Result<Outcome> {
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !is_there(&need.sign)).collect();
    if missing.is_empty() {
        return Ok(Outcome::Present);
    }
    let choices: Vec<&[&str]> = missing.iter().map(|need| need.packages).collect();
    apt_install(&choices)?;
    match missing.iter().find(|need| !is_there(&need.sign)) {
        Some(need) => {
            bail!("{} is installed but does not bring what the build needs: this system is too old", need.packages.join(" or "))
        }
        None => Ok(Outcome::Installed),
    }
}

/// Installs one package of each choice by apt.
pub fn apt_install(choices: &[&[&str]]) -> Result<()> {
    let wanted: Vec<String> = choices.iter().map(|names| names.join(" or ")).collect();
    let wanted = wanted.join(", ");
    if process::find("apt-get").is_none() {
        bail!("this system is not Debian or Ubuntu: install its equivalents of {wanted} yourself, then run this again");
    }
    let by_hand = || format!("could not install {wanted}: install them yourself, then run this again");
    announce("system packages", &format!("installing {wanted}"));
    process::run(apt_get()?.arg("update")).with_context(by_hand)?;
    let packages: Vec<&str> = choices
        .iter()
        .map(|names| {
            let known = names.iter().find(|name| is_known(name));
            known
                .copied()
                .with_context(|| format!("this system knows no package {}: Debian 12 and Ubuntu 24.04 do", names.join(" or ")))
        })
        .collect::<Result<_>>()?;
    process::run(apt_get()?.args(["install", "-y", "--no-install-recommends"]).args(packages)).with_context(by_hand)
}

fn apt_get() -> Result<Command> {
    let mut command = process::as_root("env")?;
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]);
    Ok(command)
}

/// Whether apt can install the package: `apt-cache show` alone also knows names that have no version to install.
fn is_known(package: &str) -> bool {
    let printed = Command::new("apt-cache").args(["policy", package]).env("LC_ALL", "C").output();
    printed.is_ok_and(|printed| {
        let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
        printed.lines().any(|line| line.trim_start().starts_with("Candidate:") && !line.ends_with("(none)"))
    })
}

fn is_there(sign: &Sign) -> bool {
    match sign {
        Sign::Program(name) => process::find(name).is_some(),
        Sign::Library(name) => process::succeeds(Command::new("pkg-config").args(["--exists", name])),
        Sign::Header(name) => Path::new("/usr/include").join(name).exists(),
        Sign::WasmClang => toolchain::clang().is_some(),
        Sign::WasmArchiver => toolchain::llvm_ar().is_some(),
        Sign::Font => has_font(Path::new("/usr/share/fonts")),
    }
}

fn has_font(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    entries.flatten().any(|entry| {
        let path = entry.path();
        let font = path.extension().is_some_and(|ending| ending == "ttf" || ending == "otf");
        font || (path.is_dir() && has_font(&path))
    })
}
