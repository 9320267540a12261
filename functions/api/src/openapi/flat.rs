//! Makes the description plain enough for every client generator: no `allOf` of several parts, each variant of a tagged
//! union and each item of a page a schema with a name, each number with its true bounds.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// Flattens the schemas of the description, and drops those that nothing refers to any more.
pub(super) fn flatten(document: &mut Value) {
    widen(document);
    allow_empty(document);
    let schemas = document["components"]["schemas"].as_object().expect("there are schemas").clone();
    let mut flat: Map<_, _> = schemas.iter().map(|(name, schema)| (name.clone(), merged(schema, &schemas))).collect();
    let mut variants = Map::new();
    let asked = asked_for(document);
    for (name, schema) in &mut flat {
        name_variants(name, schema, &mut variants);
        if asked.contains(name) {
            close(schema, &mut variants);
        }
    }
    flat.extend(variants);
    let named = flat.clone();
    flat.values_mut().for_each(|schema| refer_to_named(schema, &named));
    document["components"]["schemas"] = flat.into();
    drop_unused(document);
}

/// The schemas that bodies of requests refer to, and their fields.
fn asked_for(document: &Value) -> BTreeSet<String> {
    let operations = document["paths"].as_object().into_iter().flatten().filter_map(|(_, item)| item.as_object());
    let bodies = operations.flatten().map(|(_, operation)| &operation["requestBody"]["content"]["application/json"]);
    let name = |schema: &Value| Some(schema["$ref"].as_str()?.strip_prefix("#/components/schemas/")?.to_owned());
    let named: BTreeSet<String> = bodies.filter_map(|body| name(&body["schema"])).collect();
    let schemas = &document["components"]["schemas"];
    let fields = named.iter().filter_map(|schema| schemas[schema]["properties"].as_object()).flatten();
    let of_fields: Vec<String> = fields.filter_map(|(_, field)| name(field)).collect();
    named.into_iter().chain(of_fields).collect()
}

/// A request refuses fields that it does not know, also where it is one of several variants: the macro says so of
/// structs only.
fn close(schema: &Value, variants: &mut Map<String, Value>) {
    for variant in schema["oneOf"].as_array().into_iter().flatten() {
        let name = variant["$ref"].as_str().and_then(|to| to.strip_prefix("#/components/schemas/"));
        if let Some(variant) = name.and_then(|name| variants.get_mut(name)) {
            variant["additionalProperties"] = false.into();
        }
    }
}

/// Numbers of 64 bits without a sign, which the macro calls `int64`: they go up to 2^64 - 1.
fn widen(value: &mut Value) {
    match value {
        Value::Object(fields)
            if fields.get("format") == Some(&json!("int64")) && fields.get("minimum") == Some(&json!(0)) =>
        {
            fields.insert("format".to_owned(), "uint64".into());
            fields.insert("maximum".to_owned(), u64::MAX.into());
        }
        Value::Object(fields) => fields.values_mut().for_each(widen),
        Value::Array(items) => items.iter_mut().for_each(widen),
        _ => {}
    }
}

/// An empty parameter of a query counts as not given, because forms send empty ones.
fn allow_empty(value: &mut Value) {
    match value {
        Value::Object(fields) if fields.get("in") == Some(&json!("query")) => {
            fields.insert("allowEmptyValue".to_owned(), true.into());
        }
        Value::Object(fields) => fields.values_mut().for_each(allow_empty),
        Value::Array(items) => items.iter_mut().for_each(allow_empty),
        _ => {}
    }
}

/// The schema without `allOf`: the properties of its parts in one object. Where a part is a union, each of its variants
/// gets the properties of the others.
fn merged(schema: &Value, all: &Map<String, Value>) -> Value {
    if let Some(parts) = schema["allOf"].as_array() {
        let parts: Vec<_> = parts.iter().map(|part| merged(resolved(part, all), all)).collect();
        let (unions, objects): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| part["oneOf"].is_array());
        let common = objects.iter().fold(json!({ "type": "object" }), joined);
        let own = described_as(schema);
        return match unions.as_slice() {
            [] => joined(common, &own),
            [union] => {
                let variants = union["oneOf"].as_array().expect("a union").iter();
                let variants: Vec<_> = variants.map(|variant| joined(variant.clone(), &common)).collect();
                joined(json!({ "oneOf": variants }), &own)
            }
            _ => panic!("two unions in one schema: {schema}"),
        };
    }
    match schema {
        Value::Object(fields) => fields.iter().map(|(name, field)| (name.clone(), merged(field, all))).collect(),
        Value::Array(items) => items.iter().map(|item| merged(item, all)).collect(),
        other => other.clone(),
    }
}

fn resolved<'a>(schema: &'a Value, all: &'a Map<String, Value>) -> &'a Value {
    let name = schema["$ref"].as_str().and_then(|to| to.strip_prefix("#/components/schemas/"));
    name.map_or(schema, |name| &all[name])
}

fn described_as(schema: &Value) -> Value {
    schema.get("description").map_or(json!({}), |text| json!({ "description": text }))
}

/// `schema` with the properties of `other`, and with its description if it has one.
fn joined(mut schema: Value, other: &Value) -> Value {
    for (name, value) in other.as_object().expect("a schema is an object") {
        match (name.as_str(), &mut schema[name], value) {
            ("properties", Value::Object(own), Value::Object(more)) => own.extend(more.clone()),
            ("required", Value::Array(own), Value::Array(more)) => own.extend(more.clone()),
            (_, own, value) => *own = value.clone(),
        }
    }
    schema
}

/// Variants that a property `type` or `kind` tells apart become schemas named by owner and value: of `Event`,
/// `message_archived` becomes `EventMessageArchived`.
fn name_variants(owner: &str, schema: &mut Value, named: &mut Map<String, Value>) {
    let tag = |variant: &Value, property: &str| Some(variant["properties"][property]["enum"][0].as_str()?.to_owned());
    let Some(variants) = schema.get_mut("oneOf").and_then(Value::as_array_mut) else { return };
    let Some(property) = ["type", "kind"].into_iter().find(|name| variants.iter().all(|v| tag(v, name).is_some()))
    else {
        return;
    };
    let mut mapping = Map::new();
    for variant in variants {
        let value = tag(variant, property).expect("it was looked for");
        let words = value.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
        let name = format!("{owner}{}", words.collect::<String>());
        let to = format!("#/components/schemas/{name}");
        mapping.insert(value, to.clone().into());
        named.insert(name, std::mem::replace(variant, json!({ "$ref": to })));
    }
    schema["discriminator"] = json!({ "propertyName": property, "mapping": mapping });
}

/// The items of a generic list are written out where they stand: they become references to the schema of the same
/// content.
fn refer_to_named(schema: &mut Value, named: &Map<String, Value>) {
    for (name, field) in schema.as_object_mut().into_iter().flatten() {
        let same =
            named.iter().find(|(_, schema)| name == "items" && schema["properties"].is_object() && *schema == field);
        match same {
            Some((name, _)) => *field = json!({ "$ref": format!("#/components/schemas/{name}") }),
            None => refer_to_named(field, named),
        }
    }
}

fn drop_unused(document: &mut Value) {
    loop {
        let text = document.to_string();
        let schemas = document["components"]["schemas"].as_object_mut().expect("there are schemas");
        let before = schemas.len();
        schemas.retain(|name, _| text.contains(&format!("\"#/components/schemas/{name}\"")));
        if schemas.len() == before {
            return;
        }
    }
}
