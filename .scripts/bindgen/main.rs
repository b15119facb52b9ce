//! `bindgen MODULE FOLDER NAME TARGET`: writes the glue of a wasm module, and the module that goes with it, to a folder.
//!
//! TARGET is `bundler`, whose glue leaves loading the module to its user, or `web`, whose glue can also replace the instance
//! (`__wbg_reset_state`).

use wasm_bindgen_cli_support::Bindgen;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, folder, name, target] = arguments.as_slice() else {
        return fail("want four arguments: MODULE FOLDER NAME TARGET");
    };
    let mut bindgen = Bindgen::new();
    let chosen = match target.as_str() {
        "bundler" => bindgen.bundler(true),
        "web" => bindgen.reset_state_function(true).web(true),
        _ => return fail("TARGET must be `bundler` or `web`"),
    };
    let outcome = chosen.and_then(|bindgen| bindgen.input_path(module).out_name(name).typescript(false).generate(folder));
    if let Err(error) = outcome {
        fail(&format!("{error:?}"));
    }
}

fn fail(message: &str) {
    eprintln!("bindgen: {message}");
    std::process::exit(1);
}
