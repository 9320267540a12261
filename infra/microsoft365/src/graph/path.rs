//! From a method and a path to the kind of request it is, and what that kind needs.

use http::Method;
use percent_encoding::percent_decode_str;

use super::answer::Problem;

/// Whose resources a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    Me,
    User(String),
}

/// The kinds of requests that are answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Batch,
    User,
    Users,
    Organization,
    Subscriptions,
    Subscribe,
    Subscription(String),
    Renew(String),
    Unsubscribe(String),
    Reauthorize(String),
    Folders,
    ChildFolders(String),
    Folder(String),
    FolderDelta,
    Messages(Option<String>),
    MessageDelta(String),
    Message(String),
    MessageValue(String),
    PatchMessage(String),
    DeleteMessage(String),
    MoveMessage(String),
    Categories,
    CreateCategory,
    UpdateCategory(String),
    DeleteCategory(String),
    TranslateIds,
    Events,
    Event(String),
    CreateEvent,
    PatchEvent(String),
    DeleteEvent(String),
    TaskLists,
    CreateTaskList,
    DeleteTaskList(String),
    Tasks(String),
    TaskDelta(String),
    CreateTask(String),
    PatchTask(String, String),
    DeleteTask(String, String),
    ContactFolders,
    ChildContactFolders(String),
    CreateContactFolder,
    DeleteContactFolder(String),
    /// In the folder of this id; the default one's is empty.
    Contacts(String),
    ContactDelta(String),
    CreateContact(String),
    PatchContact(String),
    DeleteContact(String),
    Application(String),
    PatchApplication(String),
    AddPassword(String),
    RemovePassword(String),
}

/// Permissions of which the caller needs one: for the own mailbox, for somebody else's, and without a user.
pub(crate) struct Needs {
    pub delegated: &'static [&'static str],
    pub shared: &'static [&'static str],
    pub application: &'static [&'static str],
}

/// Permission tables of Microsoft's devx content, least privileged first.
const READ_BASIC: Needs = Needs {
    delegated: &["Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite"],
    shared: &["Mail.ReadBasic.Shared", "Mail.Read.Shared", "Mail.ReadWrite.Shared"],
    application: &["Mail.ReadBasic.All", "Mail.Read", "Mail.ReadWrite"],
};
const READ: Needs = Needs {
    delegated: &["Mail.Read", "Mail.ReadWrite"],
    shared: &["Mail.Read.Shared", "Mail.ReadWrite.Shared"],
    application: &["Mail.Read", "Mail.ReadWrite"],
};
const WRITE: Needs =
    Needs { delegated: &["Mail.ReadWrite"], shared: &["Mail.ReadWrite.Shared"], application: &["Mail.ReadWrite"] };
// There is no .Shared variant of MailboxSettings: a delegate has no way to the owner's master list.
const SETTINGS_READ: Needs = Needs {
    delegated: &["MailboxSettings.Read", "MailboxSettings.ReadWrite"],
    shared: &[],
    application: &["MailboxSettings.Read", "MailboxSettings.ReadWrite"],
};
const SETTINGS_WRITE: Needs =
    Needs { delegated: &["MailboxSettings.ReadWrite"], shared: &[], application: &["MailboxSettings.ReadWrite"] };
const EVENTS_READ: Needs = Needs {
    delegated: &["Calendars.Read", "Calendars.ReadBasic", "Calendars.ReadWrite"],
    shared: &["Calendars.Read.Shared", "Calendars.ReadWrite.Shared"],
    application: &["Calendars.Read", "Calendars.ReadBasic", "Calendars.ReadWrite"],
};
const EVENTS_WRITE: Needs = Needs {
    delegated: &["Calendars.ReadWrite"],
    shared: &["Calendars.ReadWrite.Shared"],
    application: &["Calendars.ReadWrite"],
};
// A signed-in user reaches no other person's lists.
const TASKS_READ: Needs = Needs {
    delegated: &["Tasks.Read", "Tasks.ReadWrite"],
    shared: &[],
    application: &["Tasks.Read.All", "Tasks.ReadWrite.All"],
};
const TASKS_WRITE: Needs =
    Needs { delegated: &["Tasks.ReadWrite"], shared: &[], application: &["Tasks.ReadWrite.All"] };
const CONTACTS_READ: Needs = Needs {
    delegated: &["Contacts.Read", "Contacts.ReadWrite"],
    shared: &["Contacts.Read.Shared", "Contacts.ReadWrite.Shared"],
    application: &["Contacts.Read", "Contacts.ReadWrite"],
};
const CONTACTS_WRITE: Needs = Needs {
    delegated: &["Contacts.ReadWrite"],
    shared: &["Contacts.ReadWrite.Shared"],
    application: &["Contacts.ReadWrite"],
};
const TRANSLATE: Needs = Needs {
    delegated: &["User.ReadBasic.All", "User.Read", "User.Read.All", "User.ReadWrite", "User.ReadWrite.All"],
    shared: &["User.ReadBasic.All", "User.Read.All", "User.ReadWrite.All"],
    application: &["User.Read.All", "User.ReadWrite.All"],
};
const NOTHING: Needs = Needs { delegated: &[], shared: &[], application: &[] };

impl Kind {
    /// The name under which requests are counted and made to fail.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::User => "user",
            Self::Users => "users",
            Self::Organization => "organization",
            Self::Subscriptions => "subscriptions",
            Self::Subscribe => "subscription create",
            Self::Subscription(_) => "subscription",
            Self::Renew(_) => "subscription renew",
            Self::Unsubscribe(_) => "subscription delete",
            Self::Reauthorize(_) => "subscription reauthorize",
            Self::Folders | Self::ChildFolders(_) => "folders",
            Self::Folder(_) => "folder",
            Self::FolderDelta => "folder delta",
            Self::Messages(_) => "messages",
            Self::MessageDelta(_) => "message delta",
            Self::Message(_) => "message",
            Self::MessageValue(_) => "message value",
            Self::PatchMessage(_) => "message patch",
            Self::DeleteMessage(_) => "message delete",
            Self::MoveMessage(_) => "message move",
            Self::Categories => "categories",
            Self::CreateCategory => "category create",
            Self::UpdateCategory(_) => "category patch",
            Self::DeleteCategory(_) => "category delete",
            Self::TranslateIds => "translate ids",
            Self::Events => "events",
            Self::Event(_) => "event",
            Self::CreateEvent => "event create",
            Self::PatchEvent(_) => "event patch",
            Self::DeleteEvent(_) => "event delete",
            Self::TaskLists => "task lists",
            Self::CreateTaskList => "task list create",
            Self::DeleteTaskList(_) => "task list delete",
            Self::Tasks(_) => "tasks",
            Self::TaskDelta(_) => "task delta",
            Self::CreateTask(_) => "task create",
            Self::PatchTask(..) => "task patch",
            Self::DeleteTask(..) => "task delete",
            Self::ContactFolders => "contact folders",
            Self::ChildContactFolders(_) => "child contact folders",
            Self::CreateContactFolder => "contact folder create",
            Self::DeleteContactFolder(_) => "contact folder delete",
            Self::Contacts(_) => "contacts",
            Self::ContactDelta(_) => "contact delta",
            Self::CreateContact(_) => "contact create",
            Self::PatchContact(_) => "contact patch",
            Self::DeleteContact(_) => "contact delete",
            Self::Application(_) => "application",
            Self::PatchApplication(_) => "application patch",
            Self::AddPassword(_) => "application add password",
            Self::RemovePassword(_) => "application remove password",
        }
    }

    /// The folder or the message that the path names.
    pub fn thing(&self) -> Option<&str> {
        match self {
            Self::Folder(id)
            | Self::ChildFolders(id)
            | Self::Messages(Some(id))
            | Self::MessageDelta(id)
            | Self::Message(id)
            | Self::MessageValue(id)
            | Self::PatchMessage(id)
            | Self::DeleteMessage(id)
            | Self::MoveMessage(id) => Some(id),
            _ => None,
        }
    }

    /// Whether Exchange answers, under a mailbox's permissions and budget, rather than the directory.
    pub fn is_mailbox(&self) -> bool {
        !matches!(
            self,
            Self::Batch
                | Self::User
                | Self::Users
                | Self::Organization
                | Self::Subscriptions
                | Self::Subscribe
                | Self::Subscription(_)
                | Self::Renew(_)
                | Self::Unsubscribe(_)
                | Self::Reauthorize(_)
                | Self::Application(_)
                | Self::PatchApplication(_)
                | Self::AddPassword(_)
                | Self::RemovePassword(_)
        )
    }

    /// Whether an application access policy can keep an app from it.
    pub fn is_scoped(&self) -> bool {
        let needs = self.needs().application;
        needs != TASKS_READ.application && needs != TASKS_WRITE.application
    }

    /// What a request to a mailbox needs.
    pub fn needs(&self) -> Needs {
        match self {
            Self::Folders
            | Self::ChildFolders(_)
            | Self::Folder(_)
            | Self::FolderDelta
            | Self::Messages(_)
            | Self::MessageDelta(_)
            | Self::Message(_) => READ_BASIC,
            Self::MessageValue(_) => READ,
            Self::PatchMessage(_) | Self::DeleteMessage(_) | Self::MoveMessage(_) => WRITE,
            Self::Categories => SETTINGS_READ,
            Self::CreateCategory | Self::UpdateCategory(_) | Self::DeleteCategory(_) => SETTINGS_WRITE,
            Self::Events | Self::Event(_) => EVENTS_READ,
            Self::CreateEvent | Self::PatchEvent(_) | Self::DeleteEvent(_) => EVENTS_WRITE,
            Self::TaskLists | Self::Tasks(_) | Self::TaskDelta(_) => TASKS_READ,
            Self::CreateTaskList
            | Self::DeleteTaskList(_)
            | Self::CreateTask(_)
            | Self::PatchTask(..)
            | Self::DeleteTask(..) => TASKS_WRITE,
            Self::ContactFolders | Self::ChildContactFolders(_) | Self::Contacts(_) | Self::ContactDelta(_) => {
                CONTACTS_READ
            }
            Self::CreateContactFolder
            | Self::DeleteContactFolder(_)
            | Self::CreateContact(_)
            | Self::PatchContact(_)
            | Self::DeleteContact(_) => CONTACTS_WRITE,
            Self::TranslateIds => TRANSLATE,
            Self::Batch
            | Self::User
            | Self::Users
            | Self::Organization
            | Self::Subscriptions
            | Self::Subscribe
            | Self::Subscription(_)
            | Self::Renew(_)
            | Self::Unsubscribe(_)
            | Self::Reauthorize(_)
            | Self::Application(_)
            | Self::PatchApplication(_)
            | Self::AddPassword(_)
            | Self::RemovePassword(_) => NOTHING,
        }
    }
}

/// A request whose path and method are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub owner: Option<Owner>,
    pub kind: Kind,
}

impl Route {
    /// Reads a path below `/v1.0`. Names are taken in any case and with keys in either form, `messages/ID` or
    /// `messages('ID')`; ids are taken as they are, because they are case-sensitive.
    #[allow(clippy::too_many_lines, reason = "one table of all paths")]
    pub fn parse(method: &Method, path: &str) -> Result<Self, Problem> {
        let segments = segments(path);
        let lower: Vec<String> = segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        let (owner, skip) = match lower.as_slice() {
            ["me", ..] => (Some(Owner::Me), 1),
            ["users", _, ..] => (Some(Owner::User(segments[1].clone())), 2),
            _ => (None, 0),
        };
        let id = |at: usize| segments[skip + at].clone();
        let get = *method == Method::GET;
        let unknown = || {
            let last = segments.last().map_or("", String::as_str);
            Problem::bad_request(format!("Resource not found for the segment '{last}'."))
        };
        let refused =
            || Problem::new(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.");
        let kind = match (owner.is_some(), &lower[skip..]) {
            (false, ["$batch"]) => only(*method == Method::POST, Kind::Batch),
            (false, ["users"]) => only(get, Kind::Users),
            (false, ["organization"]) => only(get, Kind::Organization),
            (false, ["subscriptions"]) => match *method {
                Method::GET => Some(Kind::Subscriptions),
                Method::POST => Some(Kind::Subscribe),
                _ => None,
            },
            (false, ["subscriptions", _]) => match *method {
                Method::GET => Some(Kind::Subscription(id(1))),
                Method::PATCH => Some(Kind::Renew(id(1))),
                Method::DELETE => Some(Kind::Unsubscribe(id(1))),
                _ => None,
            },
            (false, ["subscriptions", _, "reauthorize"]) => only(*method == Method::POST, Kind::Reauthorize(id(1))),
            (true, []) => only(get, Kind::User),
            (true, ["mailfolders"]) => only(get, Kind::Folders),
            (true, ["mailfolders", "delta"]) => only(get, Kind::FolderDelta),
            (true, ["mailfolders", _]) => only(get, Kind::Folder(id(1))),
            (true, ["mailfolders", _, "childfolders"]) => only(get, Kind::ChildFolders(id(1))),
            (true, ["mailfolders", _, "childfolders", _]) => only(get, Kind::Folder(id(3))),
            (true, ["mailfolders", _, "messages"]) => only(get, Kind::Messages(Some(id(1)))),
            (true, ["mailfolders", _, "messages", "delta"]) => only(get, Kind::MessageDelta(id(1))),
            (true, ["messages"]) => only(get, Kind::Messages(None)),
            (true, ["messages", "delta"]) => return Err(unknown()),
            (true, ["messages", _]) => message(method, id(1)),
            (true, ["mailfolders", _, "messages", _]) => message(method, id(3)),
            (true, ["messages", _, "$value"]) => only(get, Kind::MessageValue(id(1))),
            (true, ["mailfolders", _, "messages", _, "$value"]) => only(get, Kind::MessageValue(id(3))),
            (true, ["messages", _, "move"]) => only(*method == Method::POST, Kind::MoveMessage(id(1))),
            (true, ["outlook", "mastercategories"]) => match *method {
                Method::GET => Some(Kind::Categories),
                Method::POST => Some(Kind::CreateCategory),
                _ => None,
            },
            (true, ["outlook", "mastercategories", _]) => match *method {
                Method::PATCH => Some(Kind::UpdateCategory(id(2))),
                Method::DELETE => Some(Kind::DeleteCategory(id(2))),
                _ => None,
            },
            (true, ["events"] | ["calendar", "events"]) => match *method {
                Method::GET => Some(Kind::Events),
                Method::POST => Some(Kind::CreateEvent),
                _ => None,
            },
            (true, ["events", _]) => match *method {
                Method::GET => Some(Kind::Event(id(1))),
                Method::PATCH => Some(Kind::PatchEvent(id(1))),
                Method::DELETE => Some(Kind::DeleteEvent(id(1))),
                _ => None,
            },
            (true, ["todo", "lists"]) => match *method {
                Method::GET => Some(Kind::TaskLists),
                Method::POST => Some(Kind::CreateTaskList),
                _ => None,
            },
            (true, ["todo", "lists", _]) => only(*method == Method::DELETE, Kind::DeleteTaskList(id(2))),
            (true, ["todo", "lists", _, "tasks"]) => match *method {
                Method::GET => Some(Kind::Tasks(id(2))),
                Method::POST => Some(Kind::CreateTask(id(2))),
                _ => None,
            },
            (true, ["todo", "lists", _, "tasks", "delta"]) => only(get, Kind::TaskDelta(id(2))),
            (true, ["todo", "lists", _, "tasks", _]) => match *method {
                Method::PATCH => Some(Kind::PatchTask(id(2), id(4))),
                Method::DELETE => Some(Kind::DeleteTask(id(2), id(4))),
                _ => None,
            },
            (true, ["contactfolders"]) => match *method {
                Method::GET => Some(Kind::ContactFolders),
                Method::POST => Some(Kind::CreateContactFolder),
                _ => None,
            },
            (true, ["contactfolders", _]) => only(*method == Method::DELETE, Kind::DeleteContactFolder(id(1))),
            (true, ["contactfolders", _, "childfolders"]) => only(get, Kind::ChildContactFolders(id(1))),
            (true, ["contactfolders", _, "contacts", "delta"]) => only(get, Kind::ContactDelta(id(1))),
            (true, ["contacts"]) => contacts(method, String::new()),
            (true, ["contactfolders", _, "contacts"]) => contacts(method, id(1)),
            (true, ["contacts", _]) => contact(method, id(1)),
            (true, ["contactfolders", _, "contacts", _]) => contact(method, id(3)),
            (false, ["applications", key, rest @ ..]) if key.starts_with("appid=") => {
                let client_id = id(1)[6..].to_owned();
                match (method, rest) {
                    (&Method::GET, []) => Some(Kind::Application(client_id)),
                    (&Method::PATCH, []) => Some(Kind::PatchApplication(client_id)),
                    (&Method::POST, ["addpassword"]) => Some(Kind::AddPassword(client_id)),
                    (&Method::POST, ["removepassword"]) => Some(Kind::RemovePassword(client_id)),
                    (_, [] | ["addpassword"] | ["removepassword"]) => None,
                    _ => return Err(unknown()),
                }
            }
            (true, ["translateexchangeids"]) => only(*method == Method::POST, Kind::TranslateIds),
            _ => return Err(unknown()),
        };
        let kind = kind.ok_or_else(refused)?;
        Ok(Self { owner, kind })
    }
}

fn only(allowed: bool, kind: Kind) -> Option<Kind> {
    allowed.then_some(kind)
}

fn contacts(method: &Method, folder: String) -> Option<Kind> {
    match *method {
        Method::GET => Some(Kind::Contacts(folder)),
        Method::POST => Some(Kind::CreateContact(folder)),
        _ => None,
    }
}

fn contact(method: &Method, id: String) -> Option<Kind> {
    match *method {
        Method::PATCH => Some(Kind::PatchContact(id)),
        Method::DELETE => Some(Kind::DeleteContact(id)),
        _ => None,
    }
}

fn message(method: &Method, id: String) -> Option<Kind> {
    match *method {
        Method::GET => Some(Kind::Message(id)),
        Method::PATCH => Some(Kind::PatchMessage(id)),
        Method::DELETE => Some(Kind::DeleteMessage(id)),
        _ => None,
    }
}

/// The names and keys of a path: `mailFolders('inbox')` is two, so is `applications(appId='…')`, whose key is
/// `appId=…`; `microsoft.graph.delta()` is `delta`.
pub(crate) fn segments(path: &str) -> Vec<String> {
    let mut segments = Vec::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        let segment = percent_decode_str(segment).decode_utf8_lossy();
        let plain = match segment.get(..16) {
            Some(prefix) if prefix.eq_ignore_ascii_case("microsoft.graph.") => &segment[16..],
            _ => &*segment,
        };
        match plain.strip_suffix("')").and_then(|rest| rest.split_once('(')) {
            // A key without a name, or with one as in `appId='…'`.
            Some((name, key)) => segments.extend([name.to_owned(), key.replacen('\'', "", 1)]),
            None => segments.push(plain.strip_suffix("()").unwrap_or(plain).to_owned()),
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_in_either_form_and_names_in_any_case() {
        for path in [
            "/me/mailFolders/inbox/messages/delta",
            "/ME/MAILFOLDERS('inbox')/Messages/microsoft.graph.delta()",
            "/me/mailFolders(%27inbox%27)/messages/delta()",
        ] {
            let route = Route::parse(&Method::GET, path).unwrap();
            assert_eq!(route.kind, Kind::MessageDelta("inbox".to_owned()), "{path}");
        }
    }

    #[test]
    fn ids_keep_their_case() {
        let route = Route::parse(&Method::GET, "/users/ada@firm.example/messages/AAMk-x_Y%3D/$value").unwrap();
        assert_eq!(route.owner, Some(Owner::User("ada@firm.example".to_owned())));
        assert_eq!(route.kind, Kind::MessageValue("AAMk-x_Y=".to_owned()));
    }

    #[test]
    fn a_wrong_method_is_told_from_an_unknown_path() {
        assert_eq!(Route::parse(&Method::PUT, "/me/messages/1").unwrap_err().status, 405);
        assert_eq!(Route::parse(&Method::GET, "/me/nonsense").unwrap_err().status, 400);
    }
}
