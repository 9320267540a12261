//! The mailbox's master list of categories, which gives a category its colour.

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{
    client::{Call, Graph, GraphUser},
    error::GraphError,
};

impl Graph {
    /// Makes sure that the master list has `name`; one that is there keeps the colour that the person gave it.
    /// `color`: one of Graph's presets. Source: <https://learn.microsoft.com/graph/api/resources/outlookcategory>
    pub async fn ensure_category(&self, user: &GraphUser, name: &str, color: &str) -> Result<(), GraphError> {
        let path = format!("{}/outlook/masterCategories", user.path());
        let list: WireList = self.json(self.get(&path, "list the master categories".to_owned())).await?;
        if list.value.iter().any(|category| category.display_name.eq_ignore_ascii_case(name)) {
            return Ok(());
        }
        let call = Call {
            method: Method::POST,
            body: Some(json!({ "displayName": name, "color": color })),
            ..self.get(&path, "make a master category".to_owned())
        };
        match self.send(call).await {
            // Another made it in between.
            Err(e) if e.status() == Some(409) => Ok(()),
            other => other.map(drop),
        }
    }
}

#[derive(Deserialize)]
struct WireList {
    value: Vec<WireCategory>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCategory {
    display_name: String,
}
