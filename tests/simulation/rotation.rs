//! Credentials under kills: a function dies at every call in turn, to AWS or to Microsoft, while it rotates a
//! credential or puts another in its place. At no moment is there none that works, and once it is quiet again Entra
//! holds one, the one in use, and nothing that was left behind.

use std::time::Duration;

use microsoft365::{Secret, Times};
use secrecy::ExposeSecret as _;
use serde_json::json;
use shared::{
    access::{
        app_owner::AppOwner,
        connector::Connector,
        credential::{Certificate, Credential},
        credential_record::CredentialError,
        held_registration::HeldRegistration,
        replacement::Replacement,
        rotation::{self, Rotated},
    },
    app::App,
    aws::secrets::CURRENT,
};
use tests::{OWN_CLIENT_ID, OWN_CLIENT_SECRET, World};

use crate::gate::Gate;

const ADMIN: &str = "admin@lumen.example";
/// More calls than any of the stories makes: a story that never ends by itself fails.
const CALLS_MAX: usize = 200;

struct Story {
    world: World,
    gate: Gate,
    owner: AppOwner,
    connector: Connector,
}

impl Story {
    /// A firm whose own app has organisation-wide access, and may change its own credentials.
    async fn begin() -> Self {
        let gate = Gate::new(0);
        tokio::spawn(gate.clone().keep());
        let world = World::behind(&gate).await;
        world.tenant.add_user(ADMIN, "Administrator").unwrap();
        world.tenant.make_admin(ADMIN).unwrap();
        let mut registered = world.microsoft.app(OWN_CLIENT_ID).unwrap();
        registered.application = vec!["User.Read.All".to_owned(), "Application.ReadWrite.OwnedBy".to_owned()];
        registered.owns_itself = true;
        world.microsoft.register_app(registered).unwrap();
        let firm = world.firm("Lumen").await;
        let tenant = world.tenant.id().to_string();
        let app = json!({ "tenant_id": tenant, "client_id": OWN_CLIENT_ID, "client_secret": OWN_CLIENT_SECRET });
        let connector = world.connector(&firm, "organization", app).await;
        world.sign_in(&firm, &connector, ADMIN).await.ok();
        world.host.tick().await;
        let (firm, id) = (firm.parse().unwrap(), connector.parse().unwrap());
        let connector = Connector::find(&world.host.app.table, firm, id).await.unwrap().unwrap().value;
        Self { world, gate, owner: AppOwner::Firm(firm), connector }
    }

    fn function(&self) -> &App {
        &self.world.host.secret_expiry
    }

    /// Has `work` die at the call after `calls` others; what it came to, if it came to an end.
    async fn dying<T>(&self, calls: usize, work: impl Future<Output = T>) -> Option<T> {
        self.gate.kill_after(calls);
        self.gate.or_death(work).await
    }

    /// A function that knows nothing yet gets a token.
    async fn works(&self) {
        let told = self.function();
        let http = shared::base::http::http_client().unwrap();
        let aws = &self.world.host.machine.aws;
        let fresh = App::new(told.config.clone(), aws, http, told.clock.clone(), told.random.clone());
        fresh.tokens.new_token(&self.connector).await.unwrap();
    }

    /// Nothing dies any more, and enough time passes.
    async fn calm_down(&self) {
        for _ in 0..7 {
            self.world.pass(Duration::from_secs(16 * 60)).await;
        }
    }

    async fn in_use(&self) -> Credential {
        let version = self.function().secrets.labelled(&self.owner.secret_id(), CURRENT).await.unwrap().unwrap();
        Credential::parse(&version.text)
    }

    /// Entra holds the credential in use, and nothing else.
    async fn judge(&self, calls: usize) {
        self.works().await;
        let registered = self.world.microsoft.app(OWN_CLIENT_ID).unwrap();
        let (passwords, certificates) = (&registered.client_secrets, &registered.certificates);
        match self.in_use().await {
            Credential::Secret(secret) => {
                assert_eq!((passwords.len(), certificates.len()), (1, 0), "after {calls} calls: {passwords:?}");
                assert_eq!(passwords[0].value, secret.value.expose_secret(), "after {calls} calls");
            }
            Credential::Certificate(_) => {
                assert_eq!((passwords.len(), certificates.len()), (0, 1), "after {calls} calls: {passwords:?}");
            }
            Credential::Federated(_) => panic!("nobody asked for it"),
        }
    }
}

/// A killed function holds its lease until it ends.
fn ended<T>(result: Option<Result<T, CredentialError>>) -> Option<T> {
    match result {
        None | Some(Err(CredentialError::Busy)) => None,
        Some(other) => Some(other.unwrap()),
    }
}

async fn rotated_under_kills(story: &Story) {
    for calls in 0..CALLS_MAX {
        let rotated = story.dying(calls, rotation::rotate(story.function(), story.owner)).await;
        story.works().await;
        story.calm_down().await;
        story.judge(calls).await;
        if ended(rotated) == Some(Rotated::Done) {
            assert!(calls > 8, "it made {calls} calls");
            return;
        }
    }
    panic!("it never came to its end");
}

#[tokio::test]
async fn a_rotation_of_a_secret_that_dies_anywhere_ends_with_one_that_works() {
    let story = Story::begin().await;
    rotated_under_kills(&story).await;
}

#[tokio::test]
async fn a_rotation_of_a_certificate_that_dies_anywhere_ends_with_one_that_works() {
    let story = Story::begin().await;
    let function = story.function();
    let certificate = Certificate::make("first".to_owned(), function.clock.now(), &function.random).await.unwrap();
    let held = HeldRegistration::take(story.function(), story.owner).await.unwrap();
    held.add_certificate(&story.in_use().await, &certificate).await.unwrap();
    held.replace(Replacement::Credential(Credential::Certificate(certificate)), None).await.unwrap();
    let mut registered = story.world.microsoft.app(OWN_CLIENT_ID).unwrap();
    registered.client_secrets.clear();
    story.world.microsoft.register_app(registered).unwrap();
    rotated_under_kills(&story).await;
}

#[tokio::test]
async fn a_rotation_whose_answers_from_entra_are_lost_leaves_nothing_behind() {
    let story = Story::begin().await;
    for (n, kind) in ["application add password", "application remove password", "application"].into_iter().enumerate()
    {
        story.world.microsoft.faults().lose_answer(kind, Times::N(3));
        let _ = rotation::rotate(story.function(), story.owner).await;
        story.works().await;
        story.calm_down().await;
        story.calm_down().await;
        story.judge(n).await;
    }
}

#[tokio::test]
async fn a_secret_that_is_replaced_by_a_function_that_dies_anywhere_leaves_one_that_works() {
    let story = Story::begin().await;
    for calls in 0..CALLS_MAX {
        let value = format!("new8Q~{calls}");
        let mut registered = story.world.microsoft.app(OWN_CLIENT_ID).unwrap();
        registered.client_secrets.push(Secret::new(&value, None));
        story.world.microsoft.register_app(registered).unwrap();
        let replace = async {
            let held = HeldRegistration::take(story.function(), story.owner).await?;
            held.replace(Replacement::Credential(Credential::secret(value.clone().into())), None).await
        };
        let replaced = story.dying(calls, replace).await;
        story.works().await;
        story.calm_down().await;
        story.works().await;
        let Credential::Secret(in_use) = story.in_use().await else { panic!("another kind") };
        let is_in_use = in_use.value.expose_secret() == value;
        if ended(replaced).is_some() {
            assert!(is_in_use && calls > 4, "it made {calls} calls");
            return;
        }
        // What a person made at Entra that person removes.
        let mut registered = story.world.microsoft.app(OWN_CLIENT_ID).unwrap();
        registered.client_secrets.retain(|secret| secret.value == in_use.value.expose_secret());
        assert_eq!(registered.client_secrets.len(), 1);
        story.world.microsoft.register_app(registered).unwrap();
    }
    panic!("it never came to its end");
}
