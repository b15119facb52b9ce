//! Writes the valid inputs of every target where libFuzzer looks for them: `corpus/TARGET`.

#[path = "../targets/mod.rs"]
mod targets;

fn main() -> std::io::Result<()> {
    for targets::Target { name, check, seeds } in targets::ALL {
        let folder = format!("{}/corpus/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::create_dir_all(&folder)?;
        for (number, seed) in seeds().into_iter().enumerate() {
            check(&seed);
            std::fs::write(format!("{folder}/seed-{number}"), seed)?;
        }
    }
    Ok(())
}
