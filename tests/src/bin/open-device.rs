//! A device that stays open and is told what to do on its standard input: `open-device DATA`; see [`lentera_tests::remote`].

fn main() -> anyhow::Result<()> {
    let data = std::env::args_os().nth(1).ok_or_else(|| anyhow::anyhow!("which data folder?"))?;
    lentera_tests::remote::serve(data.as_ref())
}
