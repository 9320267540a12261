//! The mailbox's master list of categories, which gives a category its colour.

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{
    client::{Call, Graph, GraphUser, segment},
    error::GraphError,
};
use crate::id::CategoryId;

fn categories_path(user: &GraphUser) -> String {
    format!("{}/outlook/masterCategories", user.path())
}

impl Graph {
    /// Makes a category in the master list.
    /// Source: <https://learn.microsoft.com/graph/api/outlookuser-post-mastercategories>
    pub async fn create_category(&self, user: &GraphUser, name: &str, color: &str) -> Result<CategoryId, GraphError> {
        let call = Call {
            method: Method::POST,
            body: Some(json!({ "displayName": name, "color": color })),
            repeatable: false,
            ..self.get(&categories_path(user), "make a master category".to_owned())
        };
        self.json::<WireCategory>(call).await.map(|category| category.id)
    }

    /// The categories of the master list that have this name.
    pub async fn categories_named(&self, user: &GraphUser, name: &str) -> Result<Vec<CategoryId>, GraphError> {
        let list: WireList =
            self.json(self.get(&categories_path(user), "list the master categories".to_owned())).await?;
        Ok(list.value.into_iter().filter(|c| c.display_name == name).map(|c| c.id).collect())
    }

    /// Takes a category out of the master list; one that is not there is gone.
    pub async fn delete_category(&self, user: &GraphUser, id: &CategoryId) -> Result<(), GraphError> {
        let path = format!("{}/{}", categories_path(user), segment(id.as_str()));
        self.delete(&path, "delete a master category".to_owned()).await
    }

    /// Makes sure that the master list has `name`; one that is there keeps the colour that the person gave it.
    /// `color`: one of Graph's presets. Source: <https://learn.microsoft.com/graph/api/resources/outlookcategory>
    pub async fn ensure_category(&self, user: &GraphUser, name: &str, color: &str) -> Result<(), GraphError> {
        let path = categories_path(user);
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
    id: CategoryId,
    display_name: String,
}
