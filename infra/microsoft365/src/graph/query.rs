//! OData query options and the `Prefer` header, as strictly as Graph reads them.

use http::HeaderMap;
use jiff::Timestamp;

use super::answer::Problem;

/// The `Prefer` headers of a request, comma-joined or repeated. They count for this request only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Prefer {
    pub immutable_ids: bool,
    pub page_size: Option<usize>,
    /// Bodies as text, where HTML is Graph's own choice.
    pub text_bodies: bool,
}

impl Prefer {
    pub fn read(headers: &HeaderMap) -> Self {
        let mut prefer = Self::default();
        let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        for preference in values.flat_map(|value| value.split(',')) {
            let Some((name, value)) = preference.split_once('=') else {
                continue;
            };
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "idtype" => prefer.immutable_ids = value.eq_ignore_ascii_case("ImmutableId"),
                "outlook.body-content-type" => prefer.text_bodies = value.eq_ignore_ascii_case("text"),
                "odata.maxpagesize" => prefer.page_size = value.parse().ok().filter(|&size| size > 0),
                _ => {}
            }
        }
        prefer
    }
}

/// The query options of a request; a name is found with or without its `$` and in any case.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the options, of which only `allowed` (without `$`, lower case) may occur.
    pub fn read(query: &str, allowed: &[&str]) -> Result<Self, Problem> {
        let mut options = Vec::<(String, String)>::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let name = name.to_ascii_lowercase();
            let plain = name.trim_start_matches('$');
            if !allowed.contains(&plain) {
                if name.starts_with('$') {
                    return Err(invalid(format!("The query parameter '{name}' is not supported.")));
                }
                continue; // Graph ignores options that are none of OData's.
            }
            if options.iter().any(|(known, _)| known == plain) {
                return Err(invalid(format!("Query option '{plain}' was specified more than once.")));
            }
            options.push((plain.to_owned(), value.into_owned()));
        }
        Ok(Self(options))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A whole number within bounds.
    pub fn number(&self, name: &str, least: usize, most: usize) -> Result<Option<usize>, Problem> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match value.parse() {
            Ok(number) if (least..=most).contains(&number) => Ok(Some(number)),
            _ => Err(invalid(format!("Invalid value '{value}' for ${name}: it must be between {least} and {most}."))),
        }
    }

    /// The selected properties in their proper spelling; none without `$select`.
    pub fn select(&self, known: &[&'static str]) -> Result<Select, Problem> {
        let Some(value) = self.get("select") else {
            return Ok(Select(None));
        };
        let mut selected = Vec::new();
        for name in value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let spelled = known.iter().find(|known| known.eq_ignore_ascii_case(name)).ok_or_else(|| {
                Problem::new(400, "RequestBroker--ParseUri", format!("Could not find a property named '{name}'."))
            })?;
            selected.push((*spelled).to_owned());
        }
        Ok(Select(Some(selected)))
    }

    /// The options as they go into a next link, with another value for one of them.
    pub fn replaced(&self, name: &str, value: &str) -> String {
        let mut link = form_urlencoded::Serializer::new(String::new());
        for (known, value) in self.0.iter().filter(|(known, _)| known != name) {
            let dollar = if matches!(known.as_str(), "includehiddenfolders") { "" } else { "$" };
            link.append_pair(&format!("{dollar}{known}"), value);
        }
        link.append_pair(&format!("${name}"), value);
        link.finish()
    }
}

/// What `$select` names; everything by default.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Select(Option<Vec<String>>);

impl Select {
    /// Whether this property is asked for by name or by default.
    pub fn has(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|names| names.iter().any(|selected| selected == name))
    }

    /// Whether this property is asked for by name, as the costly ones must be.
    pub fn names(&self, name: &str) -> bool {
        self.0.as_ref().is_some_and(|names| names.iter().any(|selected| selected == name))
    }

    /// Adds a property to what is selected, if anything is.
    pub fn with(mut self, name: &str) -> Self {
        if let Some(names) = &mut self.0 {
            names.push(name.to_owned());
        }
        self
    }

    /// Keeps of an entity what was asked for, its id and its annotations.
    pub fn keep(&self, entity: &mut serde_json::Map<String, serde_json::Value>) {
        entity.retain(|name, _| name == "id" || name.contains('@') || self.has(name));
    }
}

/// One comparison of a `$filter`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Clause {
    Received(Comparison, Timestamp),
    IsRead(bool),
    IsDraft(bool),
    InternetMessageId(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Eq,
    Ge,
    Gt,
    Le,
    Lt,
}

impl Comparison {
    pub fn sql(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ge => ">=",
            Self::Gt => ">",
            Self::Le => "<=",
            Self::Lt => "<",
        }
    }
}

/// Reads the filters that are simulated: comparisons joined by `and`. Anything else is refused rather than ignored.
pub(crate) fn filter(text: &str) -> Result<Vec<Clause>, Problem> {
    text.split(" and ").map(|clause| one_clause(clause.trim())).collect()
}

fn one_clause(clause: &str) -> Result<Clause, Problem> {
    let refused = || invalid(format!("Invalid filter clause: {clause}"));
    let mut words = clause.splitn(3, char::is_whitespace).filter(|word| !word.is_empty());
    let (Some(property), Some(operator), Some(value)) = (words.next(), words.next(), words.next()) else {
        return Err(refused());
    };
    let comparison = match operator {
        "eq" => Comparison::Eq,
        "ge" => Comparison::Ge,
        "gt" => Comparison::Gt,
        "le" => Comparison::Le,
        "lt" => Comparison::Lt,
        _ => return Err(refused()),
    };
    let value = value.trim();
    let truth = || value.parse().map_err(|_| refused());
    match (property, comparison) {
        ("receivedDateTime", _) => {
            let moment = value.trim_matches('\'').parse().map_err(|_| refused())?;
            Ok(Clause::Received(comparison, moment))
        }
        ("isRead", Comparison::Eq) => Ok(Clause::IsRead(truth()?)),
        ("isDraft", Comparison::Eq) => Ok(Clause::IsDraft(truth()?)),
        ("internetMessageId", Comparison::Eq) => {
            let id = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).ok_or_else(refused)?;
            Ok(Clause::InternetMessageId(id.replace("''", "'")))
        }
        _ => Err(refused()),
    }
}

pub(crate) fn invalid(message: String) -> Problem {
    Problem::new(400, "ErrorInvalidUrlQuery", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read_joined_or_repeated() {
        let mut joined = HeaderMap::new();
        joined.append("prefer", "odata.maxpagesize=50, IdType=\"ImmutableId\"".parse().unwrap());
        let mut repeated = HeaderMap::new();
        repeated.append("prefer", "odata.maxpagesize=50".parse().unwrap());
        repeated.append("prefer", "IdType=ImmutableId".parse().unwrap());
        assert_eq!(Prefer::read(&joined), Prefer::read(&repeated));
        assert_eq!(Prefer::read(&joined).page_size, Some(50));
    }

    #[test]
    fn unknown_system_options_and_properties_are_refused() {
        assert!(Query::read("$nonsense=1", &["select"]).is_err());
        let query = Query::read("$select=id,nonsense", &["select"]).unwrap();
        assert!(query.select(&["id"]).is_err());
    }

    #[test]
    fn filters_outside_the_simulated_grammar_are_refused() {
        assert!(filter("receivedDateTime ge 2026-01-01T00:00:00Z and isRead eq false").is_ok());
        assert!(filter("contains(subject,'x')").is_err());
        assert!(filter("receivedDateTime ge yesterday").is_err());
    }
}
