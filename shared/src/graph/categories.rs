//! The mailbox's master list of categories, which gives a category its colour.

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{
    client::{Call, Graph, GraphUser, segment},
    error::{Disposition, GraphError},
};
use crate::{
    base::{id::CategoryId, telemetry::Chain},
    mail::mark::{Color, Mark},
};

fn categories_path(user: &GraphUser) -> String {
    format!("{}/outlook/masterCategories", user.path())
}

impl Graph {
    /// Makes a category in the master list.
    /// Source: <https://learn.microsoft.com/graph/api/outlookuser-post-mastercategories>
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

    /// Makes sure that the master list has the categories of these marks. One that is there keeps the colour that the person
    /// gave it, unless the mark had another colour `before`. Refused, for want of the right to, it is let be: names show without
    /// colour too. Source: <https://learn.microsoft.com/graph/api/resources/outlookcategory>
    pub async fn keep_categories(&self, user: &GraphUser, marks: &[Mark], before: &[Mark]) -> Result<(), GraphError> {
        match self.make_categories(user, marks, before).await {
            Err(error @ GraphError::Refused { .. }) if !matches!(error.disposition(), Disposition::RetryAfter(_)) => {
                tracing::warn!(error = %Chain(&error), "categories have no colour");
                Ok(())
            }
            other => other,
        }
    }

    async fn make_categories(&self, user: &GraphUser, marks: &[Mark], before: &[Mark]) -> Result<(), GraphError> {
        let path = categories_path(user);
        let list: WireList = self.json(self.get(&path, "list the master categories".to_owned())).await?;
        for mark in marks {
            let recolored = before.iter().any(|before| before.name == mark.name && before.color != mark.color);
            let call = match list.value.iter().find(|category| mark.name.is(&category.display_name)) {
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
struct WireList {
    value: Vec<WireCategory>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCategory {
    id: CategoryId,
    display_name: String,
}
