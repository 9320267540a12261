//! To Do: lists and tasks. A task carries neither a transaction id nor an extended property.

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{
    client::{Call, Graph, GraphUser, Link, segment},
    error::GraphError,
};
use crate::id::{TaskId, TaskListId};

/// Pages that are searched at most.
const PAGES_MAX: usize = 50;

impl Graph {
    /// The list that tasks go to when none is named: everybody has one.
    /// Source: <https://learn.microsoft.com/graph/api/todo-list-lists>
    pub async fn default_task_list(&self, user: &GraphUser) -> Result<TaskListId, GraphError> {
        let attempted = "find the default task list";
        let mut url = self.url(&format!("{}/todo/lists", user.path()));
        for _ in 0..PAGES_MAX {
            let page: WireLists = self.json(Call { url, ..self.get("", attempted.to_owned()) }).await?;
            let default = |list: &WireTaskList| list.wellknown_list_name.as_deref() == Some("defaultList");
            if let Some(list) = page.value.into_iter().find(default) {
                return Ok(list.id);
            }
            let Some(next) = page.next_link else { break };
            url = self.link(&Link::new(next), attempted)?;
        }
        Err(GraphError::Unreadable { attempted: attempted.to_owned(), source: "there is none".into() })
    }

    /// Makes a task. When the answer was lost it may be there all the same: [`Graph::tasks_titled`] tells.
    /// Source: <https://learn.microsoft.com/graph/api/todotasklist-post-tasks>
    pub async fn create_task(&self, user: &GraphUser, list: &TaskListId, title: &str) -> Result<TaskId, GraphError> {
        let call = Call {
            method: Method::POST,
            body: Some(json!({ "title": title })),
            repeatable: false,
            ..self.get(&tasks(user, list), "make a task".to_owned())
        };
        self.json::<WireTask>(call).await.map(|task| task.id)
    }

    /// The tasks of a list that have this very title.
    pub async fn tasks_titled(
        &self,
        user: &GraphUser,
        list: &TaskListId,
        title: &str,
    ) -> Result<Vec<TaskId>, GraphError> {
        let attempted = "list the tasks";
        let mut url = self.url(&format!("{}?$top=100&$select=id,title", tasks(user, list)));
        let mut found = Vec::new();
        for _ in 0..PAGES_MAX {
            let page: WireTasks = self.json(Call { url, ..self.get("", attempted.to_owned()) }).await?;
            let titled = |task: &WireTask| task.title.as_deref() == Some(title);
            found.extend(page.value.into_iter().filter(titled).map(|task| task.id));
            let Some(next) = page.next_link else { break };
            url = self.link(&Link::new(next), attempted)?;
        }
        Ok(found)
    }

    /// Deletes a task; one that is not there is deleted.
    /// Source: <https://learn.microsoft.com/graph/api/todotask-delete>
    pub async fn delete_task(&self, user: &GraphUser, list: &TaskListId, id: &TaskId) -> Result<(), GraphError> {
        let path = format!("{}/{}", tasks(user, list), segment(id.as_str()));
        self.delete(&path, format!("delete task {id}")).await
    }
}

fn tasks(user: &GraphUser, list: &TaskListId) -> String {
    format!("{}/todo/lists/{}/tasks", user.path(), segment(list.as_str()))
}

#[derive(Deserialize)]
struct WireLists {
    value: Vec<WireTaskList>,
    #[serde(rename = "@odata.nextLink")]
    next_link: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTaskList {
    id: TaskListId,
    wellknown_list_name: Option<String>,
}

#[derive(Deserialize)]
struct WireTasks {
    value: Vec<WireTask>,
    #[serde(rename = "@odata.nextLink")]
    next_link: Option<String>,
}

#[derive(Deserialize)]
struct WireTask {
    id: TaskId,
    title: Option<String>,
}
