//! Licences, sources and versions of all that is compiled on this platform, as `cargo metadata` tells without a
//! network.

use std::{
    collections::{BTreeMap, BTreeSet},
    env::consts::ARCH,
    process::Command,
};

use serde_json::Value;

/// Licences that ask for nothing but a notice, by their SPDX names.
const LICENCES: [&str; 9] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CDLA-Permissive-2.0",
    "ISC",
    "Unicode-3.0",
    "Zlib",
];

/// Where crates come from; ours have no source.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Crates that are there in more than one version, and who holds the old one back.
const DUPLICATES: [(&str, &str); 23] = [
    ("base64", "serde_dynamo has 0.21, jsonwebtoken and lambda_runtime 0.22, reqwest 0.23"),
    ("block-buffer", RUST_CRYPTO),
    ("const-oid", RUST_CRYPTO),
    ("cpufeatures", RUST_CRYPTO),
    ("crypto-common", RUST_CRYPTO),
    ("digest", RUST_CRYPTO),
    ("foldhash", HASHBROWN),
    ("getrandom", "ring and rand_core 0.6 (rsa) have 0.2, rand 0.9 (tantivy) 0.3"),
    ("hashbrown", HASHBROWN),
    ("hashlink", "rusqlite 0.36, which dynoxide binds, has 0.10; saphyr 0.12"),
    ("hmac", RUST_CRYPTO),
    ("indexmap", SERDE_WITH),
    ("nom", "x509-parser has 7, s3s 8"),
    ("rand", RAND),
    ("rand_chacha", RAND),
    ("rand_core", RAND),
    ("schemars", SERDE_WITH),
    ("sha2", RUST_CRYPTO),
    ("spin", "lazy_static has 0.9, crc-fast 0.10"),
    ("syn", "macros change one by one from 2 to 3"),
    ("synstructure", "asn1-rs-derive has 0.13"),
    ("thiserror", "oauth2 has 1"),
    ("thiserror-impl", "oauth2 has thiserror 1"),
];
const RUST_CRYPTO: &str = "rsa and jsonwebtoken stand on digest 0.10, the AWS SDK and s3s on 0.11";
const HASHBROWN: &str = "serde_with's indexmap 1 and rusqlite's hashlink 0.10 have old ones";
const RAND: &str = "rsa has 0.8, tantivy-columnar 0.9";
const SERDE_WITH: &str = "serde_with supports old and new ones at once, by features that aws_lambda_events turns on";

/// All that is compiled on this platform.
fn packages() -> Vec<Value> {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked", "--filter-platform"])
        .arg(format!("{ARCH}-unknown-linux-gnu"))
        .current_dir(super::repository())
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let used: BTreeSet<&str> = nodes.iter().map(|node| node["id"].as_str().unwrap()).collect();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let packages: Vec<Value> = packages.filter(|p| used.contains(p["id"].as_str().unwrap())).cloned().collect();
    assert!(packages.len() > 100, "{} packages", packages.len());
    packages
}

/// Whether one may choose only licences of the list. Old crates write `OR` as a slash.
/// Source: <https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/>
fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', "( ").replace(')', " )");
    holds(&spaced.split_whitespace().collect::<Vec<_>>())
}

fn holds(words: &[&str]) -> bool {
    let (alternatives, parts) = (split(words, "OR"), split(words, "AND"));
    match words {
        _ if alternatives.len() > 1 => alternatives.into_iter().any(holds),
        _ if parts.len() > 1 => parts.into_iter().all(holds),
        ["(", inner @ .., ")"] => holds(inner),
        licence => LICENCES.contains(&licence.join(" ").as_str()),
    }
}

/// At an operator that stands outside all parentheses.
fn split<'a>(words: &'a [&'a str], operator: &str) -> Vec<&'a [&'a str]> {
    let mut depth = 0;
    let outside = |word: &&str| {
        depth += i32::from(*word == "(") - i32::from(*word == ")");
        depth == 0 && *word == operator
    };
    words.split(outside).collect()
}

#[test]
fn an_alternative_is_enough_and_a_conjunction_needs_all() {
    for allowed in ["MIT", "MIT/Apache-2.0", "GPL-3.0 OR MIT", "(MIT OR GPL-3.0) AND Unicode-3.0", "(MIT)"] {
        assert!(is_allowed(allowed), "{allowed}");
    }
    for refused in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0", "LGPL-2.1 OR MPL-2.0"] {
        assert!(!is_allowed(refused), "{refused}");
    }
}

#[test]
fn every_dependency_has_a_licence_that_asks_for_a_notice_only() {
    let refused = packages().into_iter().filter(|p| !is_allowed(p["license"].as_str().unwrap_or_default()));
    let refused: Vec<String> = refused.map(|p| format!("{} {}: {}", p["name"], p["version"], p["license"])).collect();
    assert_eq!(refused, Vec::<String>::new());
}

#[test]
fn every_dependency_comes_from_the_registry() {
    let elsewhere = packages().into_iter().filter(|p| p["source"].as_str().is_some_and(|source| source != REGISTRY));
    let elsewhere: Vec<String> = elsewhere.map(|p| format!("{} from {}", p["name"], p["source"])).collect();
    assert_eq!(elsewhere, Vec::<String>::new());
}

#[test]
fn a_crate_is_there_in_one_version_or_there_is_a_reason() {
    let mut versions = BTreeMap::<String, BTreeSet<String>>::new();
    for package in packages() {
        let [name, version] = ["name", "version"].map(|field| package[field].as_str().unwrap().to_owned());
        versions.entry(name).or_default().insert(version);
    }
    let more: Vec<&str> = versions.iter().filter(|(_, all)| all.len() > 1).map(|(name, _)| name.as_str()).collect();
    assert_eq!(more, DUPLICATES.map(|(name, _)| name), "the list of duplicates and their reasons is not the truth");
}
