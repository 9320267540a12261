//! The mailbox's master list of categories, which gives a category its colour.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{
    client::{Call, Graph, GraphUser, segment},
    graph_error::GraphError,
};
use crate::base::{id::CategoryId, telemetry::ErrorChain};

/// Graph has `preset0` to this one.
const PRESET_MAX: u8 = 24;
/// Longest name of a category that is taken, in characters.
const NAME_CHARS_MAX: usize = 100;

/// A category's colour, as Graph spells it: `preset0` to `preset24`, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(value_type = String, example = "preset12")]
#[serde(try_from = "String", into = "String")]
pub struct Color(Option<u8>);

impl Color {
    /// One of Graph's presets.
    pub(crate) const fn preset(number: u8) -> Self {
        Self(Some(number))
    }
}

impl TryFrom<String> for Color {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let preset = text.strip_prefix("preset").and_then(|number| number.parse().ok()).filter(|n| *n <= PRESET_MAX);
        let color = if text == "none" { Some(Self(None)) } else { preset.map(|preset| Self(Some(preset))) };
        color.filter(|color| color.to_string() == text).ok_or("a colour is none, or preset0 to preset24")
    }
}

impl From<Color> for String {
    fn from(color: Color) -> Self {
        color.to_string()
    }
}

impl std::fmt::Display for Color {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(preset) => write!(f, "preset{preset}"),
            None => f.write_str("none"),
        }
    }
}

/// The name of a category: 1 to 100 characters, no control characters, and no comma or semicolon, by which Outlook
/// divides names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(value_type = String, example = "greffe: received")]
#[serde(try_from = "String", into = "String")]
pub struct CategoryName(String);

impl TryFrom<String> for CategoryName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let name = text.trim();
        let fits = (1..=NAME_CHARS_MAX).contains(&name.chars().count())
            && !name.chars().any(|c| c.is_control() || c == ',' || c == ';');
        if !fits {
            return Err("a category's name has 1 to 100 characters, no control characters, no comma and no semicolon");
        }
        Ok(Self(name.to_owned()))
    }
}

impl From<CategoryName> for String {
    fn from(name: CategoryName) -> Self {
        name.0
    }
}

impl CategoryName {
    /// The name as it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Outlook takes no notice of case in the names of categories.
    pub fn is(&self, name: &str) -> bool {
        self.0.to_lowercase() == name.to_lowercase()
    }
}

/// One mark: a category of Outlook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The category's name, which is the mark.
    pub name: CategoryName,
    /// Its colour. A category that is there before keeps the one that the person gave it.
    pub color: Color,
}

impl Mark {
    /// One of a name and colour that we chose.
    pub(crate) fn of(name: &str, color: Color) -> Self {
        Self { name: CategoryName(name.to_owned()), color }
    }
}

fn categories_path(user: &GraphUser) -> String {
    format!("{}/outlook/masterCategories", user.path())
}

impl Graph {
    /// Makes a category in the master list.
    /// Source: <https://learn.microsoft.com/graph/api/outlookuser-post-mastercategories>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn create_category(&self, user: &GraphUser, name: &str, color: Color) -> Result<CategoryId, GraphError> {
        let call = Call {
            method: Method::POST,
            body: Some(json!({ "displayName": name, "color": color })),
            repeatable: false,
            ..self.get(&categories_path(user), "make a master category".to_owned())
        };
        self.json::<WireCategory>(call).await.map(|category| category.id)
    }

    /// The categories of the master list that have this name.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn categories_named(&self, user: &GraphUser, name: &str) -> Result<Vec<CategoryId>, GraphError> {
        let there = self.categories(user).await?.into_iter();
        Ok(there.filter(|category| category.display_name == name).map(|category| category.id).collect())
    }

    /// Takes a category out of the master list; one that is not there is gone.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn delete_category(&self, user: &GraphUser, id: &CategoryId) -> Result<(), GraphError> {
        let path = format!("{}/{}", categories_path(user), segment(id.as_str()));
        self.delete(&path, "delete a master category".to_owned()).await
    }

    /// Makes sure that the master list has the categories of these marks. One that is there keeps the colour that the
    /// person gave it, unless the mark had another colour `before`. Refused by Graph, for want of the right to, it is
    /// let be: names show without colour too. Source: <https://learn.microsoft.com/graph/api/resources/outlookcategory>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn keep_categories(&self, user: &GraphUser, marks: &[Mark], before: &[Mark]) -> Result<(), GraphError> {
        match self.make_categories(user, marks, before).await {
            Err(error) if error.is_forbidden() || error.is_gone() || matches!(error.status(), Some(400 | 409)) => {
                tracing::warn!(error = %ErrorChain(&error), "categories have no colour");
                Ok(())
            }
            other => other,
        }
    }

    /// The master list, as far as it can be read.
    async fn categories(&self, user: &GraphUser) -> Result<Vec<WireCategory>, GraphError> {
        let listed = self.list(self.url(&categories_path(user)), &[], "list the master categories").await?;
        Ok(listed.entries.into_iter().filter_map(|entry| serde_json::from_value(entry).ok()).collect())
    }

    async fn make_categories(&self, user: &GraphUser, marks: &[Mark], before: &[Mark]) -> Result<(), GraphError> {
        let path = categories_path(user);
        let there = self.categories(user).await?;
        for mark in marks {
            let recolored = before.iter().any(|before| before.name == mark.name && before.color != mark.color);
            let call = match there.iter().find(|category| mark.name.is(&category.display_name)) {
                None => Call {
                    method: Method::POST,
                    body: Some(json!({ "displayName": mark.name, "color": mark.color })),
                    ..self.get(&path, "make a master category".to_owned())
                },
                Some(category) if recolored => Call {
                    method: Method::PATCH,
                    body: Some(json!({ "color": mark.color })),
                    ..self.get(&format!("{path}/{}", segment(category.id.as_str())), "colour a category".to_owned())
                },
                Some(_) => continue,
            };
            match self.send(call).await {
                // Another made it in between.
                Err(e) if e.status() == Some(409) => {}
                other => drop(other?),
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCategory {
    id: CategoryId,
    display_name: String,
}
