//! The rooms of `shared/src`, and that a room imports rooms below it only.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// From the ground up. `app` is on top: functions only import it.
const ROOMS: [&str; 10] = ["base", "aws", "graph", "problem", "firm", "mail", "push", "access", "health", "app"];

type Imports = BTreeMap<String, BTreeSet<String>>;

fn source() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every module's source outside its tests, without comments, by its path.
fn modules(folder: &Path, above: &str, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let name = if above.is_empty() { stem.clone() } else { format!("{above}::{stem}") };
        if path.is_dir() {
            modules(&path, &name, found);
        } else if stem != "tests" && stem != "lib" {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let code = code.split("#[cfg(test)]\npub(crate) mod tests {").next().unwrap_or_default();
            let lines = code.lines().map(|line| line.split("//").next().unwrap_or_default());
            let name = if stem == "mod" { above.to_owned() } else { name };
            found.insert(name, lines.collect::<Vec<_>>().join(" "));
        }
    }
}

/// What follows `crate::`, a list in braces written out.
fn paths(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, prefix) in text.match_indices("crate::") {
        let rest = &text[at + prefix.len()..];
        let end = rest.char_indices().scan(0i32, |depth, (at, c)| {
            *depth += i32::from(c == '{') - i32::from(c == '}');
            (*depth > 0 || c == '}' || c.is_alphanumeric() || matches!(c, '_' | ':' | '{')).then_some(at + c.len_utf8())
        });
        spell_out("", &rest[..end.last().unwrap_or(0)], &mut found);
    }
    found
}

fn spell_out(before: &str, tree: &str, found: &mut Vec<String>) {
    let Some(open) = tree.find('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().trim();
        found.push(format!("{before}{path}"));
        return;
    };
    let before = format!("{before}{}", tree[..open].trim());
    let inner = &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())];
    let (mut depth, mut from) = (0i32, 0);
    for (at, c) in inner.char_indices() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if c == ',' && depth == 0 {
            spell_out(&before, &inner[from..at], found);
            from = at + 1;
        }
    }
    if !inner[from..].trim().is_empty() {
        spell_out(&before, &inner[from..], found);
    }
}

fn imports() -> Imports {
    let mut sources = BTreeMap::new();
    modules(&source(), "", &mut sources);
    let names: BTreeSet<String> = sources.keys().cloned().collect();
    // The longest part of a path that is a module.
    let module = |path: &str| {
        let ends = path.match_indices("::").map(|(at, _)| at).chain([path.len()]);
        ends.map(|end| path[..end].to_owned()).filter(|part| names.contains(part)).last()
    };
    let of = |(name, text): (&String, &String)| {
        let used: BTreeSet<String> = paths(text).iter().filter_map(|path| module(path)).filter(|m| m != name).collect();
        (name.clone(), used)
    };
    sources.iter().map(of).collect()
}

fn room(module: &str) -> &str {
    module.split("::").next().unwrap_or_default()
}

#[test]
fn a_room_imports_rooms_below_it_only() {
    let floor = |module: &str| ROOMS.iter().position(|known| *known == room(module));
    let mut upwards = BTreeSet::new();
    for (module, used) in &imports() {
        let own = floor(module).unwrap_or_else(|| panic!("{module}: its room is not in the list of rooms"));
        upwards.extend(used.iter().filter(|used| floor(used) > Some(own)).map(|used| (module.clone(), used.clone())));
    }
    assert!(upwards.is_empty(), "imports upwards: {upwards:?}");
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    // What imports nothing that is left is in no circle.
    let mut rest = imports();
    loop {
        let leaves: Vec<String> = rest
            .iter()
            .filter(|(_, used)| !used.iter().any(|u| rest.contains_key(u)))
            .map(|(m, _)| m.clone())
            .collect();
        if leaves.is_empty() {
            break;
        }
        rest.retain(|module, _| !leaves.contains(module));
    }
    // Nor is what nothing that is left imports.
    loop {
        let used: BTreeSet<String> = rest.values().flatten().cloned().collect();
        let before = rest.len();
        rest.retain(|module, _| used.contains(module));
        if rest.len() == before {
            break;
        }
    }
    let circle: Vec<&String> = rest.keys().collect();
    assert!(circle.is_empty(), "modules in a circle: {circle:?}");
}

#[test]
fn each_room_says_first_what_it_is_for_and_which_rooms_it_uses() {
    for room in ROOMS.iter().filter(|room| **room != "app") {
        let text = fs::read_to_string(source().join(room).join("mod.rs")).unwrap();
        let doc: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
        let doc = doc.join(" ");
        let first = doc.split(". ").next().unwrap_or_default();
        assert!(first.contains("uses"), "{room}/mod.rs: its first sentence does not say which rooms it uses: {first}");
    }
}
