//! Secrets Manager: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/>

use aws_credential_types::Credentials;
use aws_sdk_secretsmanager::Client;
use uuid::Uuid;

use crate::{World, config, refused, unique};

async fn current(secrets: &Client, name: &str) -> String {
    let value = secrets.get_secret_value().secret_id(name).send().await.unwrap();
    value.secret_string().unwrap().to_owned()
}

async fn staged(secrets: &Client, name: &str, stage: &str) -> Option<String> {
    let value = secrets.get_secret_value().secret_id(name).version_stage(stage).send().await;
    value.ok()?.secret_string
}

#[tokio::test]
async fn a_new_value_becomes_current_and_the_old_one_previous() {
    let world = World::new().await;
    let secrets = Client::new(&world.config);
    let name = unique("app");
    let created = secrets.create_secret().name(&name).secret_string("one").send().await.unwrap();
    let put = secrets.put_secret_value().secret_id(&name).secret_string("two").send().await.unwrap();
    assert_eq!(put.version_stages(), ["AWSCURRENT"]);
    assert_eq!(current(&secrets, &name).await, "two");
    assert_eq!(staged(&secrets, &name, "AWSPREVIOUS").await.as_deref(), Some("one"));

    let by_id = secrets.get_secret_value().secret_id(created.arn().unwrap());
    let by_id = by_id.version_id(created.version_id().unwrap()).send().await.unwrap();
    assert_eq!(by_id.secret_string(), Some("one"));
    assert_eq!(by_id.version_stages(), ["AWSPREVIOUS"]);
}

#[tokio::test]
async fn a_request_sent_twice_adds_one_version() {
    let world = World::new().await;
    let secrets = Client::new(&world.config);
    let name = unique("app");
    secrets.create_secret().name(&name).secret_string("one").send().await.unwrap();
    let token = Uuid::new_v4().to_string();
    let put = |value: &str| {
        let put = secrets.put_secret_value().secret_id(&name);
        put.client_request_token(&token).secret_string(value).send()
    };
    let first = put("two").await.unwrap();
    let again = put("two").await.unwrap();
    assert_eq!(first.version_id(), Some(token.as_str()));
    assert_eq!(again.version_id(), Some(token.as_str()));
    assert_eq!(staged(&secrets, &name, "AWSPREVIOUS").await.as_deref(), Some("one"));
    assert_eq!(refused(put("three").await), "ResourceExistsException");
    assert_eq!(current(&secrets, &name).await, "two");
}

#[tokio::test]
async fn a_rotation_prepares_a_version_and_then_moves_the_label() {
    let world = World::new().await;
    let secrets = Client::new(&world.config);
    let name = unique("app");
    let old = secrets.create_secret().name(&name).secret_string("old").send().await.unwrap();
    let old = old.version_id().unwrap();
    let put = secrets.put_secret_value().secret_id(&name).secret_string("new");
    let new = put.version_stages("AWSPENDING").send().await.unwrap();
    let new = new.version_id().unwrap();
    assert_eq!(current(&secrets, &name).await, "old");
    assert_eq!(staged(&secrets, &name, "AWSPENDING").await.as_deref(), Some("new"));

    let to_new = || {
        let move_label = secrets.update_secret_version_stage().secret_id(&name);
        move_label.version_stage("AWSCURRENT").move_to_version_id(new)
    };
    assert_eq!(refused(to_new().send().await), "InvalidParameterException");
    to_new().remove_from_version_id(old).send().await.unwrap();
    assert_eq!(current(&secrets, &name).await, "new");
    assert_eq!(staged(&secrets, &name, "AWSPREVIOUS").await.as_deref(), Some("old"));

    let described = secrets.describe_secret().secret_id(&name).send().await.unwrap();
    let stages = described.version_ids_to_stages().unwrap();
    assert_eq!(stages[old], ["AWSPREVIOUS"]);
    assert!(stages[new].contains(&"AWSCURRENT".to_owned()));
}

#[tokio::test]
async fn a_secret_exists_once_and_what_is_missing_is_named() {
    let world = World::new().await;
    let secrets = Client::new(&world.config);
    let name = unique("app");
    let missing = secrets.get_secret_value().secret_id(&name).send().await;
    assert_eq!(refused(missing), "ResourceNotFoundException");
    secrets.create_secret().name(&name).secret_string("one").send().await.unwrap();
    let again = secrets.create_secret().name(&name).secret_string("two").send().await;
    assert_eq!(refused(again), "ResourceExistsException");
    let unstaged = secrets.get_secret_value().secret_id(&name).version_stage("AWSPENDING");
    assert_eq!(refused(unstaged.send().await), "ResourceNotFoundException");
}

#[tokio::test]
async fn a_deleted_secret_is_unreadable_at_once() {
    let world = World::new().await;
    let secrets = Client::new(&world.config);
    let name = unique("app");
    secrets.create_secret().name(&name).secret_string("one").send().await.unwrap();
    secrets.delete_secret().secret_id(&name).recovery_window_in_days(7).send().await.unwrap();
    let read = secrets.get_secret_value().secret_id(&name).send().await;
    assert_eq!(refused(read), "InvalidRequestException");
    let again = secrets.create_secret().name(&name).secret_string("two").send().await;
    assert_eq!(refused(again), "InvalidRequestException");
}

#[tokio::test]
async fn a_name_is_free_again_after_the_recovery_window() {
    let world = World::new().await;
    if world.embedded.is_none() {
        return; // The shortest window is a week.
    }
    let secrets = Client::new(&world.config);
    secrets.create_secret().name("app").secret_string("one").send().await.unwrap();
    secrets.delete_secret().secret_id("app").recovery_window_in_days(7).send().await.unwrap();
    world.pass(7 * 24 * 60 * 60).await;
    secrets.create_secret().name("app").secret_string("two").send().await.unwrap();
    assert_eq!(current(&secrets, "app").await, "two");
}

#[tokio::test]
async fn a_secret_deleted_without_recovery_is_gone() {
    let world = World::new().await;
    let secrets = Client::new(&world.config);
    let name = unique("app");
    secrets.create_secret().name(&name).secret_string("one").send().await.unwrap();
    let delete = secrets.delete_secret().secret_id(&name).force_delete_without_recovery(true);
    delete.send().await.unwrap();
    let read = secrets.get_secret_value().secret_id(&name).send().await;
    assert_eq!(refused(read), "ResourceNotFoundException");
}

#[tokio::test]
async fn bytes_come_back_as_they_went() {
    let world = World::new().await;
    let secrets = Client::new(&world.config);
    let name = unique("key-ring");
    let bytes = aws_sdk_secretsmanager::primitives::Blob::new([0u8, 255, 10, 13]);
    secrets.create_secret().name(&name).secret_binary(bytes.clone()).send().await.unwrap();
    let value = secrets.get_secret_value().secret_id(&name).send().await.unwrap();
    assert_eq!(value.secret_binary(), Some(&bytes));
    assert_eq!(value.secret_string(), None);
}

#[tokio::test]
async fn a_request_under_an_unknown_key_is_refused() {
    let world = World::new().await;
    let Some(embedded) = &world.embedded else {
        return;
    };
    let stranger = config(Credentials::from_keys("AKIASTRANGER", "secret", None));
    let stranger = stranger.http_client(embedded.cloud.http_client()).load().await;
    let read = Client::new(&stranger).get_secret_value().secret_id("app");
    assert_eq!(refused(read.send().await), "UnrecognizedClientException");
}
