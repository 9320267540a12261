//! Validating a connection: tries each thing that greffe does with an account once, and leaves nothing behind.
//!
//! Checks are independent; only the token is needed by all. A check deletes what it creates (an event in the year 2000,
//! a task, a contact, a category, a subscription). If the answer to the creation was lost, it searches for the item
//! first. All checks end before the caller's request times out.

use std::{future::Future, time::Duration};

use futures::future::join_all;
use jiff::{Timestamp, civil::date};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::{
        app_owner::AppOwner,
        clients::Clients,
        connector::{Access, Connector},
        credential::Credential,
        credential_record::{CredentialRecord, ExpirySource, FoundCredential},
        reminder::days_left,
    },
    aws::table::TableError,
    base::{clock::TimeLimit, config::ConfigError, telemetry::ErrorChain},
    firm::{
        marks,
        member::{DateTarget, Member, Push},
    },
    graph::{BatchOrder, CategoriesPatch, Graph, GraphError, GraphUser, NewEvent, TokenError},
    mail::mailbox::{Mailbox, MailboxKind},
    problem::{Code, Problem},
};

/// How long may be tried, all together: API Gateway gives up after thirty seconds.
const TRY_FOR: Duration = Duration::from_secs(20);
/// How long may be cleaned up after that.
const CLEAN_FOR: Duration = Duration::from_secs(6);
/// How often a message is read again that was changed by another before its categories could be set.
const CONFLICTS_MAX: usize = 3;
/// What a person sees who looks into Outlook at that very moment.
const NAME: &str = "greffe: connection test";

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckedResource {
    /// A new access token is issued.
    Token,
    /// Who is connected: the person, the mailbox's owner, or the organisation.
    Profile,
    /// The mail folders are read.
    Folders,
    /// The newest mail is read, and the beginning of its original.
    Mail,
    /// A mail's categories are set to what they are, and a category is made and removed.
    Marking,
    /// Microsoft reaches greffe: a subscription is made and removed.
    Notifications,
    /// An event is made and removed.
    Calendar,
    /// A task is made and removed.
    Tasks,
    /// A contact is made and removed.
    Contacts,
    /// The app's client secret is accepted, and until when it is good.
    Secret,
}

impl CheckedResource {
    /// All that needs a token, in the order in which it is told.
    const OTHERS: [Self; 9] = [
        Self::Profile,
        Self::Folders,
        Self::Mail,
        Self::Marking,
        Self::Notifications,
        Self::Calendar,
        Self::Tasks,
        Self::Contacts,
        Self::Secret,
    ];

    /// The rights of which it needs one each, as Entra names them.
    fn rights(self, access: Access) -> &'static str {
        match (self, access) {
            (Self::Profile, Access::Delegated) => "User.Read",
            (Self::Profile, Access::Organization) => "User.Read.All",
            (Self::Folders | Self::Mail | Self::Notifications, _) => "Mail.Read",
            (Self::Marking, _) => "Mail.ReadWrite and MailboxSettings.ReadWrite",
            (Self::Calendar, _) => "Calendars.ReadWrite",
            (Self::Tasks, Access::Delegated) => "Tasks.ReadWrite",
            (Self::Tasks, Access::Organization) => "Tasks.ReadWrite.All",
            (Self::Contacts, _) => "Contacts.ReadWrite",
            (Self::Token | Self::Secret, _) => "no right of its own",
        }
    }
}

/// A service of Microsoft 365 that is tested for one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "its name says what each is")]
pub enum Service {
    Mail,
    Calendar,
    Tasks,
    Contacts,
}

/// One check and what came of it.
#[derive(Debug, Clone)]
pub struct ServiceCheck {
    /// What was tried.
    pub resource: CheckedResource,
    /// What came of it.
    pub outcome: CheckOutcome,
}

/// What came of a check.
#[derive(Debug, Clone)]
pub enum CheckOutcome {
    /// It works.
    Works(Finding),
    /// It is not used, so it need not work: why.
    NotNeeded(&'static str),
    /// It could not even be tried: why.
    NotTried(&'static str),
    /// It does not work.
    Fails(Box<Problem>),
}

impl CheckOutcome {
    /// Whether nobody has to do anything.
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Works(_) | Self::NotNeeded(_))
    }
}

/// What is worth knowing of something that works.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finding {
    /// In words.
    pub detail: Option<String>,
    /// Until when it works, where that is known.
    pub expires_at: Option<Timestamp>,
}

impl Finding {
    fn saying(detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), expires_at: None }
    }
}

/// Whose account things are tried on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The account.
    pub user: GraphUser,
    /// The kind of a mailbox.
    pub kind: MailboxKind,
}

impl From<&Mailbox> for Subject {
    fn from(mailbox: &Mailbox) -> Self {
        Self { user: mailbox.user.clone(), kind: mailbox.kind }
    }
}

impl Subject {
    /// Where nobody named a mailbox: the signed-in user's own, which organisation-wide access has not.
    pub fn of(connector: &Connector) -> Option<Self> {
        let user = connector.account.as_ref()?.user_id.as_ref()?;
        Some(Self { user: GraphUser::new(user), kind: MailboxKind::User })
    }
}

/// Tries everything that `connector` is for, on the mailbox of `subject`, or `only` one thing besides the token. Costs
/// about fifteen requests to Graph and one token; of one thing, three requests and one token.
///
/// Errors: the table refuses or does not answer.
pub async fn validate_connector(
    clients: &Clients,
    connector: &Connector,
    subject: Option<Subject>,
    only: Option<CheckedResource>,
) -> Result<Vec<ServiceCheck>, TableError> {
    let others: Vec<CheckedResource> =
        CheckedResource::OTHERS.into_iter().filter(|other| only.is_none_or(|only| only == *other)).collect();
    let members = Member::of_connector(&clients.table, connector.firm, connector.id).await?;
    let used = UsedServices::of(connector, members.iter().filter_map(|member| member.push.as_ref()));
    let trial = Trial::new(clients, connector, subject, used);
    let tried = trial.of(CheckedResource::Token).await;
    trial.note(&tried).await;
    let token = trial.check(CheckedResource::Token, tried, false);
    if !token.outcome.is_ok() {
        let others: Vec<_> = others.into_iter().map(|resource| without_token(resource, &token.outcome)).collect();
        return Ok([token].into_iter().chain(others).collect());
    }
    // Each on the heap: nine of them side by side are more than a small stack holds.
    let tried = join_all(others.iter().map(|resource| Box::pin(trial.of(*resource)))).await;
    // If one check works in a mailbox, the connector reaches it: a refusal of another check there means a missing
    // right.
    let in_mailbox =
        |resource| !matches!(resource, CheckedResource::Profile | CheckedResource::Tasks | CheckedResource::Secret);
    let mut outcomes = others.iter().zip(&tried);
    let works = outcomes.any(|(resource, tried)| in_mailbox(*resource) && tried.is_ok());
    let has_failed = tried.iter().any(Result::is_err);
    let reached = works || only.is_some() && has_failed && trial.of(CheckedResource::Folders).await.is_ok();
    if !reached {
        let of_connection =
            |resource: &CheckedResource| matches!(resource, CheckedResource::Profile | CheckedResource::Folders);
        for (_, tried) in others.iter().zip(&tried).filter(|(resource, _)| of_connection(resource)) {
            trial.note(tried).await;
        }
    }
    let others = others.into_iter().zip(tried).map(|(resource, tried)| trial.check(resource, tried, reached));
    Ok([token].into_iter().chain(others).collect())
}

/// Whether the checks show that the connection itself works: a token is issued, and Graph takes it.
pub fn proves_connection(checks: &[ServiceCheck]) -> bool {
    let works = |resource| checks.iter().any(|check| check.resource == resource && check.outcome.is_ok());
    works(CheckedResource::Token) && works(CheckedResource::Profile)
}

/// What a token that could not be had means for everything else: it is the secret's fault, or it can't be tried.
fn without_token(resource: CheckedResource, token: &CheckOutcome) -> ServiceCheck {
    let outcome = match token {
        CheckOutcome::Fails(problem) if resource == CheckedResource::Secret && problem.code.is_of_the_credential() => {
            token.clone()
        }
        _ => CheckOutcome::NotTried("not tried: there is no token to try it with"),
    };
    ServiceCheck { resource, outcome }
}

/// Tries one service for one member.
pub async fn test_member(clients: &Clients, connector: &Connector, member: &Member, service: Service) -> ServiceCheck {
    let subject = Subject { user: member.user.clone(), kind: MailboxKind::User };
    // What is asked for by name is tried, whether or not anything is pushed there.
    let all = UsedServices { calendar: true, tasks: true, contacts: true };
    let trial = Trial::new(clients, connector, Some(subject), all);
    let resource = match service {
        Service::Mail => CheckedResource::Mail,
        Service::Calendar => CheckedResource::Calendar,
        Service::Tasks => CheckedResource::Tasks,
        Service::Contacts => CheckedResource::Contacts,
    };
    let token = trial.of(CheckedResource::Token).await;
    trial.note(&token).await;
    if token.is_err() {
        return trial.check(resource, token, false);
    }
    let tried = trial.of(resource).await;
    let forbidden = tried.as_ref().is_err_and(CheckStop::is_forbidden);
    let reached = tried.is_err() && trial.of(CheckedResource::Folders).await.is_ok();
    let check = trial.check(resource, tried, reached);
    // Signing in again asks for no right that is switched off.
    let asked = match service {
        Service::Mail => true,
        Service::Calendar | Service::Tasks => connector.dates,
        Service::Contacts => connector.contacts,
    };
    match check.outcome {
        CheckOutcome::Fails(problem) if forbidden && !asked && connector.access == Access::Delegated => {
            let needed = format!("It needs {}.", resource.rights(connector.access));
            let (code, message) = (problem.microsoft_code.unwrap_or_default(), problem.microsoft_message);
            let problem = Problem::new(Code::PushNotGranted, needed).from_microsoft(code, message);
            ServiceCheck { resource, outcome: fails(problem) }
        }
        outcome => ServiceCheck { resource, outcome },
    }
}

/// Which services are used besides mail: those that something is pushed to, and those whose right the connector asks
/// for.
#[derive(Debug, Clone, Copy, Default)]
struct UsedServices {
    calendar: bool,
    tasks: bool,
    contacts: bool,
}

impl UsedServices {
    fn of<'a>(connector: &Connector, pushes: impl Iterator<Item = &'a Push>) -> Self {
        let asked = connector.scopes();
        let asked = |scope| asked.contains(&scope);
        let used = Self {
            calendar: asked("Calendars.ReadWrite"),
            tasks: asked("Tasks.ReadWrite"),
            contacts: asked("Contacts.ReadWrite"),
        };
        pushes.fold(used, |used, push| Self {
            calendar: used.calendar || push.dates && push.target == DateTarget::Calendar,
            tasks: used.tasks || push.dates && push.target == DateTarget::Todo,
            contacts: used.contacts || push.contacts,
        })
    }
}

/// What stopped a check.
#[derive(Debug)]
enum CheckStop {
    NotNeeded(&'static str),
    NotTried(&'static str),
    /// The time was over.
    Late,
    /// Nobody said where notices go.
    NoWebhook(ConfigError),
    Graph(GraphError),
    /// It works, but what was made could not be taken away.
    Left,
    /// What the app proves itself with has ended; how that shows.
    Ended(Code, &'static str),
}

impl From<GraphError> for CheckStop {
    fn from(error: GraphError) -> Self {
        Self::Graph(error)
    }
}

impl From<TokenError> for CheckStop {
    fn from(source: TokenError) -> Self {
        Self::Graph(GraphError::Token { attempted: "ask for an access token".to_owned(), source })
    }
}

impl CheckStop {
    /// Whether it is certain that nothing was made: Graph answered, and refused.
    fn made_nothing(&self) -> bool {
        matches!(self, Self::Graph(error) if !error.may_have_worked())
    }

    fn is_forbidden(&self) -> bool {
        matches!(self, Self::Graph(error) if error.status() == Some(403))
    }
}

type Tried = Result<Finding, CheckStop>;

/// One validation under way.
struct Trial<'a> {
    clients: &'a Clients,
    connector: &'a Connector,
    graph: Graph,
    subject: Option<Subject>,
    used: UsedServices,
    limit: TimeLimit,
    /// What everything that is made carries, to be found again.
    tag: String,
}

impl<'a> Trial<'a> {
    fn new(clients: &'a Clients, connector: &'a Connector, subject: Option<Subject>, used: UsedServices) -> Self {
        let (graph, tag) = (clients.graph(connector), clients.random.uuid().to_string());
        Self { clients, connector, graph, subject, used, limit: TimeLimit::after(TRY_FOR), tag }
    }

    /// What is found out about the connection is the connector's problem at once.
    async fn note(&self, tried: &Tried) {
        let Err(CheckStop::Graph(error)) = tried else { return };
        if (error.concerns_connection() || error.is_forbidden())
            && let Err(error) = self.connector.note(self.clients, error, None).await
        {
            let connector = self.connector.id;
            tracing::warn!(connector.id = %connector, error = %ErrorChain(&error), "what a validation found was not noted");
        }
    }

    async fn of(&self, resource: CheckedResource) -> Tried {
        match resource {
            CheckedResource::Token => self.token().await,
            CheckedResource::Profile => self.profile().await,
            CheckedResource::Folders => self.folders().await,
            CheckedResource::Mail => self.mail().await,
            CheckedResource::Marking => self.marking().await,
            CheckedResource::Notifications => self.notifications().await,
            CheckedResource::Calendar => self.calendar().await,
            CheckedResource::Tasks => self.tasks().await,
            CheckedResource::Contacts => self.contacts().await,
            CheckedResource::Secret => self.secret().await,
        }
    }

    /// A token at hand proves nothing about the secret or the consent: a new one is asked for.
    async fn token(&self) -> Tried {
        let ask = self.clients.tokens.new_token(self.connector);
        let asked = self.limit.hold(ask).await.ok_or(CheckStop::Late)?;
        asked.map(|_| Finding::default()).map_err(CheckStop::from)
    }

    async fn profile(&self) -> Tried {
        let shown = match (self.connector.access, &self.subject) {
            (Access::Delegated, _) => self.in_time(self.graph.me()).await?.address().map(str::to_owned),
            (Access::Organization, Some(subject)) => {
                self.in_time(self.graph.user(&subject.user)).await?.address().map(str::to_owned)
            }
            (Access::Organization, None) => self.in_time(self.graph.organization()).await?.display_name,
        };
        Ok(Finding { detail: shown, expires_at: None })
    }

    async fn folders(&self) -> Tried {
        let subject = self.subject()?;
        self.in_time(self.graph.any_folder(&subject.user)).await?;
        Ok(Finding::default())
    }

    async fn mail(&self) -> Tried {
        let subject = self.subject()?;
        let read = async {
            let Some(mail) = self.graph.newest_mail(&subject.user).await? else {
                return Ok(Finding::saying("The Inbox is empty, so no original was read."));
            };
            match self.graph.mime(&subject.user, &mail.immutable_id).await {
                Ok(mut original) => original.chunk().await.map(|_| Finding::default()),
                Err(e) if e.is_gone() => {
                    Ok(Finding::saying("The newest mail was moved away before its original was read."))
                }
                Err(e) => Err(e),
            }
        };
        self.in_time(read).await
    }

    async fn marking(&self) -> Tried {
        if !self.connector.mark {
            return Err(CheckStop::NotNeeded("marking is switched off"));
        }
        let subject = self.subject()?;
        let finding = self.in_time(self.set_categories_to_what_they_are(&subject.user)).await?;
        // A signed-in user has no way to the master list of somebody else: there the mark shows without its colour.
        if self.connector.access == Access::Delegated && subject.kind == MailboxKind::Shared {
            return Ok(finding);
        }
        let (graph, user) = (&self.graph, &subject.user);
        let name = format!("{NAME} {}", self.tag);
        let made = self.in_time(graph.create_category(user, &name, marks::RECEIVED_COLOR)).await;
        let find = || graph.categories_named(user, &name);
        self.take_away(made, find, |id| async move { graph.delete_category(user, &id).await }).await?;
        Ok(finding)
    }

    async fn set_categories_to_what_they_are(&self, user: &GraphUser) -> Result<Finding, GraphError> {
        let mut tries = 1;
        loop {
            let Some(mail) = self.graph.newest_mail(user).await? else {
                return Ok(Finding::saying("The Inbox is empty, so only the list of categories was written."));
            };
            let patch =
                CategoriesPatch { immutable_id: mail.immutable_id, categories: mail.categories, etag: mail.etag };
            match self.graph.set_categories(user, &[patch], BatchOrder::Chained).await?.pop() {
                Some(Err(e)) if matches!(e.status(), Some(404 | 409 | 412)) && tries < CONFLICTS_MAX => tries += 1,
                Some(Err(e)) => return Err(e),
                Some(Ok(())) | None => return Ok(Finding::default()),
            }
        }
    }

    async fn notifications(&self) -> Tried {
        let subject = self.subject()?;
        if self.connector.access == Access::Delegated && subject.kind == MailboxKind::Shared {
            return Err(CheckStop::NotNeeded(
                "Microsoft sends a signed-in user no notices of a shared mailbox: it is looked at every few minutes",
            ));
        }
        let (graph, user) = (&self.graph, &subject.user);
        let url = self.clients.config.webhook_url().map_err(CheckStop::NoWebhook)?;
        let now = self.clients.clock.now();
        let find = || graph.tried_subscriptions(user);
        let subscribe = || self.in_time(graph.try_subscription(user, url, now));
        let made = match subscribe().await {
            // One that a validation before this one could not remove is in the way.
            Err(CheckStop::Graph(error)) if error.status() == Some(409) => {
                let earlier = self.in_time(find()).await?;
                for id in &earlier {
                    self.in_time(graph.unsubscribe(id)).await?;
                }
                subscribe().await
            }
            made => made,
        };
        self.take_away(made, find, |id| async move { graph.unsubscribe(&id).await }).await
    }

    async fn calendar(&self) -> Tried {
        let subject = self.subject_if(self.used.calendar)?;
        let (graph, user) = (&self.graph, &subject.user);
        let (start, end) = (date(2000, 1, 1).at(0, 0, 0, 0), date(2000, 1, 1).at(0, 30, 0, 0));
        let event = NewEvent { subject: NAME, start, end, tag: &self.tag };
        let made = self.in_time(graph.create_event(user, &event)).await;
        let find = || graph.events_tagged(user, &self.tag);
        self.take_away(made, find, |id| async move { graph.delete_event(user, &id).await }).await
    }

    async fn tasks(&self) -> Tried {
        let subject = self.subject_if(self.used.tasks)?;
        let (graph, user) = (&self.graph, &subject.user);
        let list = &self.in_time(graph.default_task_list(user)).await?;
        let title = format!("{NAME} {}", self.tag);
        let made = self.in_time(graph.create_task(user, list, &title)).await;
        let find = || graph.tasks_titled(user, list, &title);
        self.take_away(made, find, |id| async move { graph.delete_task(user, list, &id).await }).await
    }

    async fn contacts(&self) -> Tried {
        let subject = self.subject_if(self.used.contacts)?;
        let (graph, user) = (&self.graph, &subject.user);
        let made = self.in_time(graph.create_contact(user, NAME, &self.tag)).await;
        let find = || graph.contacts_tagged(user, &self.tag);
        self.take_away(made, find, |id| async move { graph.delete_contact(user, &id).await }).await
    }

    /// The new token has proven the credential; what is left to find out is until when it is good.
    async fn secret(&self) -> Tried {
        let app = self.clients.tokens.app(&self.connector.into()).await?;
        if let Credential::Federated(_) = app.credential {
            return Ok(Finding::saying("There is no secret that could end: AWS vouches for greffe."));
        }
        let known = CredentialRecord::find(&self.clients.table, AppOwner::of(self.connector))
            .await
            .map_err(TokenError::from)?;
        let key_id = known.as_ref().and_then(|known| known.key_id.as_deref());
        let found = match self.in_time(self.graph.application(&app.client_id)).await {
            Ok(shown) => FoundCredential::of(&app.credential, key_id, &shown, self.clients.clock.now()),
            // The right to look is not one that greffe needs, and from another tenant the app is not to be seen.
            Err(CheckStop::Graph(GraphError::Refused { .. })) => None,
            Err(stop) => return Err(stop),
        };
        let told = found.and_then(|found| found.ends_at);
        let source = if told.is_some() { Some(ExpirySource::Entra) } else { known.as_ref().map(|known| known.source) };
        let Some(end) =
            told.or(known.and_then(|known| known.end(self.clients.clock.now()))).or(app.credential.expires_at())
        else {
            let unknown = "It is accepted. When it ends is unknown: look it up in Entra and enter it by hand.";
            return Ok(Finding::saying(unknown));
        };
        let (now, is_entered) = (self.clients.clock.now(), source == Some(ExpirySource::Entered));
        if let Some(code) = app.credential.kind().ended().filter(|_| end <= now) {
            let detail = match is_entered {
                true => "The date that was entered is over, and Microsoft still accepts it: enter the right date.",
                false => {
                    "It has ended. The one before it, or a part of Microsoft that has not heard of that yet, still answers."
                }
            };
            return Err(CheckStop::Ended(code, detail));
        }
        let days = days_left(end, now);
        let entered = if is_entered { " The date was entered by hand." } else { "" };
        Ok(Finding { detail: Some(format!("{days} days left.{entered}")), expires_at: Some(end) })
    }

    fn subject(&self) -> Result<&Subject, CheckStop> {
        self.subject.as_ref().ok_or(CheckStop::NotTried("not tried: add a mailbox to try it on"))
    }

    fn subject_if(&self, used: bool) -> Result<&Subject, CheckStop> {
        if used { self.subject() } else { Err(CheckStop::NotNeeded("not asked for: nothing is pushed there")) }
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, GraphError>>) -> Result<T, CheckStop> {
        Ok(self.limit.hold(work).await.ok_or(CheckStop::Late)??)
    }

    /// Takes away what was made, also where nobody knows whether it was: then what `find` finds.
    async fn take_away<I, F, R>(
        &self,
        made: Result<I, CheckStop>,
        find: impl FnOnce() -> F,
        remove: impl Fn(I) -> R,
    ) -> Tried
    where
        F: Future<Output = Result<Vec<I>, GraphError>>,
        R: Future<Output = Result<(), GraphError>>,
    {
        let (left, failed) = match made {
            Ok(id) => (Some(id), None),
            Err(stop) if stop.made_nothing() => return Err(stop),
            Err(stop) => (None, Some(stop)),
        };
        let clean = async {
            let left = match left {
                Some(id) => vec![id],
                None => find().await?,
            };
            for id in left {
                remove(id).await?;
            }
            Ok::<_, GraphError>(())
        };
        let cleaned = self.limit.later(CLEAN_FOR).hold(clean).await;
        // What may not be looked for could not be made either.
        if let Some(Err(error)) = cleaned.as_ref().filter(|cleaned| cleaned.as_ref().is_err_and(|e| !e.is_forbidden()))
        {
            let connector = self.connector.id;
            tracing::warn!(connector.id = %connector, error = %ErrorChain(error), "what a validation made may be left");
        }
        match (failed, cleaned) {
            (Some(stop), _) => Err(stop),
            (None, Some(Ok(()))) => Ok(Finding::default()),
            (None, _) => Err(CheckStop::Left),
        }
    }

    /// `reached`: something else in the same mailbox works.
    fn check(&self, resource: CheckedResource, tried: Tried, reached: bool) -> ServiceCheck {
        let stop = match tried {
            Ok(finding) => return ServiceCheck { resource, outcome: CheckOutcome::Works(finding) },
            Err(stop) => stop,
        };
        let forbidden = stop.is_forbidden();
        let outcome = match stop {
            CheckStop::NotNeeded(why) => CheckOutcome::NotNeeded(why),
            CheckStop::NotTried(why) => CheckOutcome::NotTried(why),
            CheckStop::Late => fails(Problem::new(Code::MicrosoftBusy, "Microsoft did not answer in time.")),
            CheckStop::Left => fails(Problem::new(
                Code::MicrosoftBusy,
                format!("It works, but what was made to try it could not be removed: delete what is named '{NAME}'."),
            )),
            CheckStop::Ended(code, detail) => fails(Problem::new(code, detail)),
            CheckStop::NoWebhook(error) => fails(Problem::new(Code::NotificationsUnreachable, error.to_string())),
            CheckStop::Graph(GraphError::Token {
                source: source @ (TokenError::Secret(_) | TokenError::Table(_)),
                ..
            }) => {
                tracing::error!(connector.id = %self.connector.id, error = %ErrorChain(&source), "a validation failed");
                fails(Problem::new(Code::Internal, "greffe could not read what it keeps of this connector."))
            }
            CheckStop::Graph(error) => {
                let mut problem = Problem::from(error);
                // Exchange says the same of a right and of a mailbox that it withholds. No limit on mailboxes reaches
                // To Do.
                let unsaid = forbidden && problem.code == Code::MailboxOutOfReach;
                if unsaid && (reached || resource == CheckedResource::Tasks) || problem.code == Code::RightMissing {
                    let needed = format!("It needs {}.", resource.rights(self.connector.access));
                    let (code, message) = (problem.microsoft_code.unwrap_or_default(), problem.microsoft_message);
                    problem = Problem::new(Code::RightMissing, needed).from_microsoft(code, message);
                }
                fails(problem)
            }
        };
        ServiceCheck { resource, outcome }
    }
}

fn fails(problem: Problem) -> CheckOutcome {
    CheckOutcome::Fails(Box::new(problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(resource: CheckedResource, outcome: CheckOutcome) -> ServiceCheck {
        ServiceCheck { resource, outcome }
    }

    fn failing(code: Code) -> CheckOutcome {
        fails(Problem::new(code, "Refused."))
    }

    #[test]
    fn a_connection_is_proven_by_token_and_profile_whatever_else_fails() {
        let works = || CheckOutcome::Works(Finding::default());
        let proven = [
            check(CheckedResource::Token, works()),
            check(CheckedResource::Profile, works()),
            check(CheckedResource::Mail, failing(Code::RightMissing)),
        ];
        assert!(proves_connection(&proven));
        let refused =
            [check(CheckedResource::Token, works()), check(CheckedResource::Profile, failing(Code::RightMissing))];
        assert!(!proves_connection(&refused));
        let untried = [
            check(CheckedResource::Token, works()),
            check(CheckedResource::Profile, CheckOutcome::NotTried("no token")),
        ];
        assert!(!proves_connection(&untried));
    }

    #[test]
    fn without_a_token_only_the_secret_may_be_to_blame() {
        let expired = failing(Code::ClientSecretExpired);
        assert!(matches!(without_token(CheckedResource::Secret, &expired).outcome, CheckOutcome::Fails(_)));
        assert!(matches!(without_token(CheckedResource::Mail, &expired).outcome, CheckOutcome::NotTried(_)));
        let signed_out = failing(Code::SignInRequired);
        assert!(matches!(without_token(CheckedResource::Secret, &signed_out).outcome, CheckOutcome::NotTried(_)));
    }

    #[test]
    fn what_is_not_needed_needs_nobody_and_what_was_not_tried_does() {
        assert!(CheckOutcome::NotNeeded("nothing is pushed").is_ok());
        assert!(!CheckOutcome::NotTried("no token").is_ok());
        assert!(!failing(Code::RightMissing).is_ok());
    }

    #[test]
    fn something_may_have_been_made_unless_graph_answered_that_it_was_not() {
        assert!(!CheckStop::Late.made_nothing() && !CheckStop::Left.made_nothing());
        assert!(!CheckStop::Late.is_forbidden());
    }
}
