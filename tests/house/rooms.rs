//! The rooms of `shared/src`, that a room imports rooms below it only, and that no crate has modules in a circle.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// From the ground up. `app` is on top: functions only import it.
const ROOMS: [&str; 15] = [
    "base", "aws", "graph", "problem", "firm", "webhook", "reading", "mail", "search", "evidence", "push", "access",
    "health", "app", "fuzzed",
];

/// A module's path below its crate; the crate itself has none.
type Module = Vec<String>;
type Imports = BTreeMap<Module, BTreeSet<Module>>;

fn shared() -> PathBuf {
    super::repository().join("shared/src")
}

/// The sources of all crates of the workspace.
fn crates() -> Vec<PathBuf> {
    let below = ["functions", "infra"].into_iter().flat_map(|folder| {
        let folders = fs::read_dir(super::repository().join(folder)).unwrap();
        folders.map(|folder| folder.unwrap().path().join("src")).filter(|source| source.is_dir())
    });
    below.chain([shared(), super::repository().join("tests/src")]).collect()
}

/// Every module's source outside its tests, without comments.
fn modules(folder: &Path, above: &[String], found: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut name = above.to_vec();
        if path.is_dir() {
            name.push(stem);
            modules(&path, &name, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") && !matches!(stem.as_str(), "tests" | "main") {
            if !matches!(stem.as_str(), "mod" | "lib") {
                name.push(stem);
            }
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let code = code.split("#[cfg(test)]\npub(crate) mod tests {").next().unwrap_or_default();
            let lines = code.lines().map(|line| line.split("//").next().unwrap_or_default());
            found.insert(name, lines.collect::<Vec<_>>().join("\n"));
        }
    }
}

/// A path that a module names.
struct Named {
    path: Vec<String>,
    /// What the module calls it, if a `use` brings it.
    name: Option<String>,
    /// It is given on to others by `pub use`.
    given_on: bool,
}

/// The paths that `code` names: those of `use`, lists in braces written out, and those within the code.
fn named(code: &str) -> Vec<Named> {
    let (mut found, mut rest) = (Vec::new(), String::new());
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let statement = line.trim_start();
        let given_on = statement.starts_with("pub");
        let visible = if given_on { statement.split_once(' ').map_or("", |(_, after)| after) } else { statement };
        let Some(tree) = visible.strip_prefix("use ") else {
            rest.push_str(line);
            rest.push('\n');
            continue;
        };
        let mut tree = tree.to_owned();
        while !tree.contains(';') {
            tree.push_str(lines.next().unwrap_or(";"));
        }
        spell_out("", tree.split(';').next().unwrap_or_default(), &mut |path| {
            let mut parts = segments(path);
            parts.pop_if(|last| last == "self" || last == "*");
            let alias = path.split_once(" as ").map(|(_, alias)| alias.trim().to_owned());
            found.push(Named { name: alias.or_else(|| parts.last().cloned()), path: parts, given_on });
        });
    }
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    let inline = rest.split(|c: char| !is_name(c)).filter(|word| word.contains("::"));
    found.extend(inline.map(|path| Named { path: segments(path), name: None, given_on: false }));
    found
}

/// What the names that `use` brings stand for.
fn brought(named: &[Named]) -> BTreeMap<String, Vec<String>> {
    named.iter().filter_map(|Named { path, name, .. }| Some((name.clone()?, path.clone()))).collect()
}

fn segments(path: &str) -> Vec<String> {
    let parts = path.split("::").map(|part| part.split(" as ").next().unwrap_or_default().trim());
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn spell_out(before: &str, tree: &str, found: &mut impl FnMut(&str)) {
    let Some(open) = tree.find('{') else {
        return found(&format!("{before}{}", tree.trim()));
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

/// The modules of one crate, and what each gives on of others.
struct Crate {
    sources: BTreeMap<Module, String>,
    given_on: BTreeMap<(Module, String), Vec<String>>,
}

impl Crate {
    fn read(source: &Path) -> Self {
        let mut sources = BTreeMap::new();
        modules(source, &[], &mut sources);
        let mut read = Self { sources, given_on: BTreeMap::new() };
        for (module, code) in &read.sources {
            let named = named(code);
            let brought = brought(&named);
            for Named { path, name, .. } in named.into_iter().filter(|named| named.given_on) {
                if let (Some(absolute), Some(name)) = (read.absolute(module, &brought, &path), name) {
                    read.given_on.insert((module.clone(), name), absolute);
                }
            }
        }
        read
    }

    /// The same path from the crate on; none for another crate's. `brought` are the names that `use` brings into
    /// `module`.
    fn absolute(
        &self,
        module: &[String],
        brought: &BTreeMap<String, Vec<String>>,
        path: &[String],
    ) -> Option<Vec<String>> {
        let mut base = module.to_vec();
        let first = path.first()?;
        // `use tokio;` brings `tokio` as itself.
        if let Some(stands_for) = brought.get(first).filter(|stands_for| stands_for.first() != Some(first)) {
            let path: Vec<String> = stands_for.iter().chain(&path[1..]).cloned().collect();
            return self.absolute(module, brought, &path);
        }
        let mut path = path;
        match path.first()?.as_str() {
            "crate" => return Some(path[1..].to_vec()),
            "self" => path = &path[1..],
            "super" => {
                while path.first().is_some_and(|part| part == "super") {
                    base.pop()?;
                    path = &path[1..];
                }
            }
            first => {
                base.push(first.to_owned());
                let child = self.sources.contains_key(&base);
                base.pop();
                child.then_some(())?;
            }
        }
        base.extend_from_slice(path);
        Some(base)
    }

    /// The module in which what a path names is written: the longest part of it that is a module, or what that gives
    /// on.
    fn home(&self, path: &[String]) -> Module {
        let end = (0..=path.len()).rev().find(|end| self.sources.contains_key(&path[..*end])).unwrap_or_default();
        let module = path[..end].to_vec();
        let further = path.get(end).and_then(|name| self.given_on.get(&(module.clone(), name.clone())));
        match further {
            Some(further) => {
                let further: Vec<String> = further.iter().chain(path[end..].iter().skip(1)).cloned().collect();
                self.home(&further)
            }
            None => module,
        }
    }

    /// The modules that each module uses. What it only gives on of a module below it, it does not use.
    fn imports(&self) -> Imports {
        let used = |module: &Module, code: &str| {
            let named = named(code);
            let brought = brought(&named);
            let paths = named.into_iter().filter_map(|Named { path, given_on, .. }| {
                let absolute = self.absolute(module, &brought, &path)?;
                (!given_on || !absolute.starts_with(module)).then(|| self.home(&absolute))
            });
            paths.filter(|used| used != module).collect()
        };
        self.sources.iter().map(|(module, code)| (module.clone(), used(module, code))).collect()
    }
}

/// What is left once nothing is in it that is in no circle.
fn circle(mut rest: Imports) -> Vec<String> {
    loop {
        let before = rest.len();
        let there: BTreeSet<Module> = rest.keys().cloned().collect();
        rest.retain(|_, used| used.iter().any(|used| there.contains(used)));
        let used: BTreeSet<Module> = rest.values().flatten().cloned().collect();
        rest.retain(|module, _| used.contains(module));
        if rest.len() == before {
            return rest.keys().map(|module| module.join("::")).collect();
        }
    }
}

#[test]
fn a_room_imports_rooms_below_it_only() {
    let room = |module: &Module| module.first().cloned().unwrap_or_default();
    let floor = |module: &Module| ROOMS.iter().position(|known| *known == room(module));
    let mut upwards = BTreeSet::new();
    for (module, used) in Crate::read(&shared()).imports().into_iter().filter(|(module, _)| !module.is_empty()) {
        let own = floor(&module).unwrap_or_else(|| panic!("{module:?}: its room is not in the list of rooms"));
        upwards.extend(used.into_iter().filter(|used| floor(used) > Some(own)).map(|used| (module.clone(), used)));
    }
    assert!(upwards.is_empty(), "imports upwards: {upwards:?}");
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    let circles = crates().into_iter().map(|source| {
        let modules = circle(Crate::read(&source).imports());
        (source, modules)
    });
    let circles: Vec<_> = circles.filter(|(_, modules)| !modules.is_empty()).collect();
    assert!(circles.is_empty(), "modules in a circle: {circles:#?}");
}

#[test]
fn a_circle_is_found_through_super_through_lists_and_through_what_a_module_gives_on() {
    let circle_of = |sources: &[(&str, &str)]| {
        let folder = tempfile::tempdir().unwrap();
        for (name, code) in sources {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, code).unwrap();
        }
        circle(Crate::read(folder.path()).imports())
    };
    let both = ["a", "b"];
    assert_eq!(circle_of(&[("a.rs", "use crate::{c, b::{self, X}};"), ("b.rs", "fn f() { super::a::f() }")]), both);
    // What `room` gives on of `a` is `a`'s; giving on is no use.
    let facade = "mod a;\nmod b;\npub use a::X;";
    assert_eq!(circle_of(&[("room/mod.rs", facade), ("room/a.rs", ""), ("room/b.rs", "use super::X;")]), [""; 0]);
    let through = [("room/mod.rs", facade), ("room/a.rs", "use super::b::Y;"), ("room/b.rs", "use crate::room::X;")];
    assert_eq!(circle_of(&through), ["room::a", "room::b"]);
    assert_eq!(circle_of(&[("a.rs", "use crate::b;"), ("b.rs", "// crate::a\nuse crate::c;"), ("c.rs", "")]), [""; 0]);
    // What is called through a name that `use` brings, its own or another, is used.
    let through = [("a.rs", "use crate::b;\nfn f() { b::c::f() }"), ("b/mod.rs", ""), ("b/c.rs", "use crate::a;")];
    assert_eq!(circle_of(&through), ["a", "b::c"]);
    let renamed = [("a.rs", "use crate::b as d;\nuse d::c as e;\nfn f() { e::f() }"), through[1], through[2]];
    assert_eq!(circle_of(&renamed), ["a", "b::c"]);
}

#[test]
fn each_room_says_first_what_it_is_for_and_which_rooms_it_uses() {
    let mut used = BTreeMap::<String, BTreeSet<String>>::new();
    for (module, modules) in Crate::read(&shared()).imports().into_iter().filter(|(module, _)| !module.is_empty()) {
        let rooms = modules.into_iter().filter_map(|used| used.into_iter().next()).filter(|room| *room != module[0]);
        used.entry(module[0].clone()).or_default().extend(rooms);
    }
    for room in ROOMS.iter().filter(|room| !["app", "fuzzed"].contains(room)) {
        let text = fs::read_to_string(shared().join(room).join("mod.rs")).unwrap();
        let doc: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
        let doc = doc.join(" ");
        let first = doc.split(". ").next().unwrap_or_default();
        let (_, said) = first.rsplit_once(" uses ").unwrap_or_else(|| panic!("{room}/mod.rs says no rooms: {first}"));
        let said: BTreeSet<String> = said.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        assert_eq!(said, used.remove(*room).unwrap_or_default(), "{room}/mod.rs: the rooms said, and those used");
    }
}

/// The types of a crate, each with the modules that declare one of that name.
fn types(source: &Path) -> BTreeMap<String, Vec<String>> {
    let mut homes = BTreeMap::<String, Vec<String>>::new();
    for (module, code) in Crate::read(source).sources {
        let words = ["struct", "enum", "trait", "type"];
        let private = ["pub ", "pub(crate) ", "pub(super) "].iter().fold(code, |code, word| code.replace(word, ""));
        let declared = private.lines().filter_map(|line| line.split_once(' '));
        for (_, rest) in declared.filter(|(word, _)| words.contains(word)) {
            let name = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            homes.entry(name.to_owned()).or_default().push(module.join("::"));
        }
    }
    homes
}

#[test]
fn no_two_types_of_the_common_crate_share_one_name() {
    let mut homes = types(&shared());
    homes.retain(|_, modules| modules.len() > 1);
    assert!(homes.is_empty(), "name each by its noun: {homes:#?}");
}

#[test]
fn no_type_of_a_function_has_the_name_of_one_of_the_common_crate() {
    let (common, mut both) = (types(&shared()), BTreeSet::new());
    for folder in fs::read_dir(super::repository().join("functions")).unwrap() {
        let source = folder.unwrap().path().join("src");
        let names = types(&source).into_keys().filter(|name| common.contains_key(name));
        both.extend(names.map(|name| (source.clone(), name)));
    }
    assert!(both.is_empty(), "name each by its noun: {both:#?}");
}
