//! To Do: lists and tasks. A task carries neither a transaction id nor an extended property.

use std::collections::HashMap;

use jiff::civil::Date;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    calendar::{LocalTime, Series, in_zone},
    client::{Call, Graph, GraphUser, Link, WirePage, segment},
    error::GraphError,
};
use crate::base::id::{TaskId, TaskListId};

/// Pages that are searched at most.
const PAGES_MAX: usize = 50;

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
        Ok(self.task_lists(user).await?.into_iter().find(is).map(|list| list.id))
    }

    async fn task_lists(&self, user: &GraphUser) -> Result<Vec<WireTaskList>, GraphError> {
        let attempted = "look for a task list";
        let mut url = self.url(&format!("{}/todo/lists", user.path()));
        let mut lists = Vec::new();
        for _ in 0..PAGES_MAX {
            let page: WireLists = self.json(Call { url, ..self.get("", attempted.to_owned()) }).await?;
            lists.extend(page.value);
            let Some(next) = page.next_link else { break };
            url = self.link(&Link::new(next), attempted)?;
        }
        Ok(lists)
    }

    /// The ordinary lists, each with its name. A list carries nothing by which ours could be told from a person's own.
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn task_lists_named(&self, user: &GraphUser) -> Result<Vec<(TaskListId, String)>, GraphError> {
        let plain = |list: &WireTaskList| list.wellknown_list_name.as_deref().is_none_or(|known| known == "none");
        let lists = self.task_lists(user).await?.into_iter().filter(plain);
        Ok(lists.map(|list| (list.id, list.display_name.unwrap_or_default())).collect())
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
        let attempted = "read the categories of tasks";
        let mut url = self.url(&format!("{}?$top=100&$select=id,categories", tasks(user, list)));
        let mut found = HashMap::new();
        for _ in 0..PAGES_MAX {
            let page: WirePage = self.json(Call { url, ..self.get("", attempted.to_owned()) }).await?;
            let named = page
                .value
                .into_iter()
                .filter_map(|mut task| Some((task["id"].as_str()?.to_owned(), task["categories"].take())));
            found.extend(named);
            let Some(next) = page.next_link else { break };
            url = self.link(&Link::new(next), attempted)?;
        }
        Ok(found)
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
        let attempted = "find what is ours among the tasks";
        let mut url = self.url(&format!("{}?$top=100&$expand=linkedResources", tasks(user, list)));
        let mut found = Vec::new();
        loop {
            let page: WireTasks = self.json(Call { url, ..self.get("", attempted.to_owned()) }).await?;
            found.extend(page.value.into_iter().map(|task| (task.linked_resources, task.id)));
            let Some(next) = page.next_link else { return Ok(found) };
            url = self.link(&Link::new(next), attempted)?;
        }
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
        self.json::<WireTask>(call).await.map(|task| task.id)
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
    ///
    /// Errors: Graph refuses or does not answer, or there is no access token.
    pub async fn delete_task(&self, user: &GraphUser, list: &TaskListId, id: &TaskId) -> Result<(), GraphError> {
        let path = format!("{}/{}", tasks(user, list), segment(id.as_str()));
        self.delete(&path, format!("delete task {id}")).await
    }
}

pub(super) fn tasks(user: &GraphUser, list: &TaskListId) -> String {
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
    display_name: Option<String>,
    wellknown_list_name: Option<String>,
}

#[derive(Deserialize)]
struct WireTasks {
    value: Vec<WireTask>,
    #[serde(rename = "@odata.nextLink")]
    next_link: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTask {
    id: TaskId,
    title: Option<String>,
    #[serde(default)]
    linked_resources: Vec<WireLink>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
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
