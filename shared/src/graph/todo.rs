//! To Do: lists and tasks. A task carries neither a transaction id nor an extended property.

use std::collections::HashMap;

use jiff::civil::Date;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{
    calendar::{LocalTime, Series, in_zone},
    client::{Call, Graph, GraphUser, segment},
    graph_error::GraphError,
};
use crate::base::id::{TaskId, TaskListId};

impl Graph {
    /// The list that tasks go to when none is named: everybody has one.
    /// Source: <https://learn.microsoft.com/graph/api/todo-list-lists>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn default_task_list(&self, user: &GraphUser) -> Result<TaskListId, GraphError> {
        let default = |list: &WireTaskList| list.wellknown_list_name.as_deref() == Some("defaultList");
        let found = self.find_task_list(user, default).await?;
        let attempted = || "find the default task list".to_owned();
        found.ok_or_else(|| GraphError::Unreadable { attempted: attempted(), source: "there is none".into() })
    }

    async fn find_task_list(
        &self,
        user: &GraphUser,
        is: impl Fn(&WireTaskList) -> bool,
    ) -> Result<Option<TaskListId>, GraphError> {
        let (lists, all) = self.task_lists(user).await?;
        match lists.into_iter().find(is) {
            None if !all => Err(unreadable_list()),
            found => Ok(found.map(|list| list.id)),
        }
    }

    /// The lists, as far as they can be read; true if they are all.
    async fn task_lists(&self, user: &GraphUser) -> Result<(Vec<WireTaskList>, bool), GraphError> {
        let listed = self.list(self.url(&format!("{}/todo/lists", user.path())), &[], "look for a task list").await?;
        let entries = listed.entries.len();
        let lists: Vec<_> = listed.entries.into_iter().filter_map(|list| serde_json::from_value(list).ok()).collect();
        let all = !listed.has_unreadable && lists.len() == entries;
        Ok((lists, all))
    }

    /// The ordinary lists, each with its name. A list carries nothing by which ours could be told from a person's own.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn task_lists_named(&self, user: &GraphUser) -> Result<Vec<(TaskListId, String)>, GraphError> {
        let plain = |list: &WireTaskList| list.wellknown_list_name.as_deref().is_none_or(|known| known == "none");
        let (lists, all) = self.task_lists(user).await?;
        if !all {
            return Err(unreadable_list());
        }
        Ok(lists.into_iter().filter(plain).map(|list| (list.id, list.display_name.unwrap_or_default())).collect())
    }

    /// Whether every task of the list is linked to `application`.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn has_only_tasks_of(
        &self,
        user: &GraphUser,
        list: &TaskListId,
        application: &str,
    ) -> Result<bool, GraphError> {
        let tasks = self.tasks_linked(user, list).await?;
        Ok(tasks.iter().all(|(links, _)| links.iter().any(|link| link.is_of(application))))
    }

    /// The categories of the tasks of a list, by task.
    pub(super) async fn task_categories(
        &self,
        user: &GraphUser,
        list: &TaskListId,
    ) -> Result<HashMap<String, Value>, GraphError> {
        let url = self.url(&format!("{}?$top=100&$select=id,categories", tasks(user, list)));
        let listed = self.list(url, &[], "read the categories of tasks").await?;
        // Graph leaves out of a task what it does not have.
        let categories = |mut task: Value| Some((task["id"].as_str()?.to_owned(), task["categories"].take()));
        Ok(listed.entries.into_iter().filter_map(categories).collect())
    }

    /// Makes a list. Source: <https://learn.microsoft.com/graph/api/todo-post-lists>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn create_task_list(&self, user: &GraphUser, name: &str) -> Result<TaskListId, GraphError> {
        let call = Call {
            method: Method::POST,
            body: Some(json!({ "displayName": name })),
            repeatable: false,
            ..self.get(&format!("{}/todo/lists", user.path()), "make a task list".to_owned())
        };
        self.json::<WireTaskList>(call).await.map(|list| list.id)
    }

    /// Whether the list is still there.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn has_task_list(&self, user: &GraphUser, id: &TaskListId) -> Result<bool, GraphError> {
        Ok(self.find_task_list(user, |list| list.id == *id).await?.is_some())
    }

    /// The tasks of a list, each with what it is linked to.
    pub(super) async fn tasks_linked(
        &self,
        user: &GraphUser,
        list: &TaskListId,
    ) -> Result<Vec<(Vec<WireLink>, TaskId)>, GraphError> {
        let url = self.url(&format!("{}?$top=100&$expand=linkedResources", tasks(user, list)));
        let found = self.tasks_at(url, "find what is ours among the tasks").await?;
        Ok(found.into_iter().map(|task| (task.linked_resources, task.id)).collect())
    }

    async fn tasks_at(&self, url: Url, attempted: &str) -> Result<Vec<WireTask>, GraphError> {
        Ok(self.list(url, &[], attempted).await?.entries.into_iter().filter_map(WireTask::read).collect())
    }

    /// Makes a task. When the answer was lost it may be there all the same: [`Graph::tasks_titled`] tells.
    /// Source: <https://learn.microsoft.com/graph/api/todotasklist-post-tasks>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn create_task(&self, user: &GraphUser, list: &TaskListId, title: &str) -> Result<TaskId, GraphError> {
        let call = Call {
            method: Method::POST,
            body: Some(json!({ "title": title })),
            repeatable: false,
            ..self.get(&tasks(user, list), "make a task".to_owned())
        };
        self.json::<WireMadeTask>(call).await.map(|task| task.id)
    }

    /// The tasks of a list that have this very title.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn tasks_titled(
        &self,
        user: &GraphUser,
        list: &TaskListId,
        title: &str,
    ) -> Result<Vec<TaskId>, GraphError> {
        let url = self.url(&format!("{}?$top=100&$select=id,title", tasks(user, list)));
        let titled = |task: &WireTask| task.title.as_deref() == Some(title);
        Ok(self.tasks_at(url, "list the tasks").await?.into_iter().filter(titled).map(|task| task.id).collect())
    }

    /// Deletes a task; one that is not there is deleted.
    /// Source: <https://learn.microsoft.com/graph/api/todotask-delete>
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn delete_task(&self, user: &GraphUser, list: &TaskListId, id: &TaskId) -> Result<(), GraphError> {
        let path = format!("{}/{}", tasks(user, list), segment(id.as_str()));
        self.delete(&path, format!("delete task {id}")).await
    }
}

/// A list that can't be read may be the very one that is looked for.
fn unreadable_list() -> GraphError {
    let attempted = "look for a task list".to_owned();
    GraphError::Unreadable { attempted, source: "one of the lists can't be read".into() }
}

pub(super) fn tasks(user: &GraphUser, list: &TaskListId) -> String {
    format!("{}/todo/lists/{}/tasks", user.path(), segment(list.as_str()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTaskList {
    id: TaskListId,
    display_name: Option<String>,
    wellknown_list_name: Option<String>,
}

#[derive(Deserialize)]
struct WireMadeTask {
    id: TaskId,
}

struct WireTask {
    id: TaskId,
    title: Option<String>,
    linked_resources: Vec<WireLink>,
}

impl WireTask {
    /// Reads one task. Only its id is needed.
    fn read(task: Value) -> Option<Self> {
        let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
        let links = task.get("linkedResources").and_then(Value::as_array).into_iter().flatten();
        let link = |link: &Value| WireLink {
            application_name: text(link, "applicationName"),
            external_id: text(link, "externalId"),
        };
        let linked_resources = links.map(link).collect();
        Some(Self { id: text(&task, "id")?.parse().ok()?, title: text(&task, "title"), linked_resources })
    }
}

pub(super) struct WireLink {
    application_name: Option<String>,
    external_id: Option<String>,
}

impl WireLink {
    /// Whether it leads to what has this key.
    pub fn is(&self, key: &str) -> bool {
        self.external_id.as_deref() == Some(key)
    }

    fn is_of(&self, application: &str) -> bool {
        self.application_name.as_deref() == Some(application)
    }
}

/// All that we say of a task. Whether it is done is for the person to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskContent {
    /// Its title.
    pub title: String,
    /// Its text.
    pub text: String,
    /// The day that it is due on: To Do keeps no time of day.
    pub due: Date,
    /// When it reminds; none for no reminder.
    pub reminder: Option<LocalTime>,
    /// Its category.
    pub category: String,
    /// How often it comes again.
    pub series: Option<Series>,
}

impl TaskContent {
    /// The properties of a POST or PATCH. A due date in another zone than UTC becomes the date of UTC, so midnight UTC
    /// is sent.
    /// Source: <https://learn.microsoft.com/graph/api/resources/todotask>
    pub(super) fn wire(&self) -> Value {
        let due = in_zone(self.due.at(0, 0, 0, 0), "UTC");
        json!({
            "title": self.title,
            "body": { "contentType": "text", "content": self.text },
            "dueDateTime": due,
            "isReminderOn": self.reminder.is_some(),
            "reminderDateTime": self.reminder.as_ref().map(LocalTime::wire),
            "categories": [self.category],
            "recurrence": self.series.as_ref().map(Series::wire),
        })
    }
}

/// The properties by which it is seen that a person changed a task. Done and dismissed are the person's own.
pub(super) const TASK_WATCHED: [&str; 5] = ["title", "body", "dueDateTime", "categories", "recurrence"];
