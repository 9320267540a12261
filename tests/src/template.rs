//! template.yaml, read as CloudFormation reads it: JSON, with each intrinsic function in its long form.

use std::path::{Path, PathBuf};

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value, json};

/// The template. Tests may change what is in it.
#[derive(Debug, Clone)]
pub struct Template(pub Value);

impl Template {
    /// The one that is deployed.
    pub fn read() -> Self {
        let text = std::fs::read_to_string(root().join("template.yaml")).expect("template.yaml");
        let documents = Yaml::load_from_str(&text).expect("template.yaml is YAML");
        Self(json(&documents[0]))
    }

    /// The resources of a type: logical id and properties.
    pub fn resources<'a>(&'a self, kind: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let all = self.0["Resources"].as_object().into_iter().flatten();
        all.filter(move |(_, resource)| resource["Type"] == kind).map(|(id, r)| (id.as_str(), &r["Properties"]))
    }

    /// The properties of a resource, or null.
    pub fn properties(&self, id: &str) -> &Value {
        &self.0["Resources"][id]["Properties"]
    }

    /// A property of a function, its own or that of all.
    pub fn of_function<'a>(&'a self, function: &'a Value, name: &str) -> &'a Value {
        if function[name].is_null() { &self.0["Globals"]["Function"][name] } else { &function[name] }
    }

    /// The functions: the folder's name, logical id and properties.
    pub fn functions(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        self.resources("AWS::Serverless::Function").map(|(id, function)| {
            let code = function["CodeUri"].as_str().unwrap_or_default();
            (code.trim_start_matches("target/lambda/").trim_end_matches('/'), id, function)
        })
    }
}

/// The name of a function, without that of the stack.
pub fn name_of(function: &Value) -> &str {
    function["FunctionName"]["Fn::Sub"]
        .as_str()
        .and_then(|name| name.strip_prefix("${AWS::StackName}-"))
        .unwrap_or_default()
}

/// The logical id of a function's role.
pub fn role_of(function: &Value) -> &str {
    attribute(&function["Role"]).map_or("", |(role, _)| role)
}

/// Where the project lies.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the project").to_owned()
}

/// The logical id and the attribute of a `Fn::GetAtt`.
pub fn attribute(value: &Value) -> Option<(&str, &str)> {
    value["Fn::GetAtt"].as_str()?.split_once('.')
}

fn json(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(**value),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(items) => items.iter().map(json).collect(),
        Yaml::Mapping(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.as_str().expect("a name").to_owned(), json(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Yaml::Tagged(tag, node) => match tag.suffix.as_str() {
            name @ ("Ref" | "Condition") => json!({ name: json(node) }),
            name => json!({ format!("Fn::{name}"): json(node) }),
        },
        other => panic!("nobody writes {other:?} in a template"),
    }
}
