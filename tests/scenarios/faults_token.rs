//! R14: what the sign-in service answers in an odd way passes, and costs no sign-in.

use std::time::Duration;

use microsoft365::{Scripted, Times};
use serde_json::Value;
use tests::World;

use crate::faults::{MINUTE, pass, state};

fn text(from: &str, to: &str) -> Scripted {
    Scripted::Text(from.to_owned(), to.to_owned())
}

fn raw(status: u16, body: &str) -> Scripted {
    Scripted::Raw(status, vec![], body.as_bytes().to_vec())
}

#[tokio::test]
async fn an_odd_answer_to_a_token_request_ends_no_connection() {
    let throttled = r#"{"error":"invalid_request","error_description":"AADSTS50196: loop","error_codes":[50196]}"#;
    for fault in [
        Scripted::Garbage,
        raw(500, r#"{"error":"invalid_grant","error_description":"","error_codes":[]}"#),
        raw(429, r#"{"error":"invalid_request","error_description":"","error_codes":[]}"#),
        raw(400, throttled),
        text("\"access_token\":\"", "\"access_token\":\"\\n"),
        text("\"refresh_token\":\"", "\"refresh_token\":\"\",\"unknown\":\""),
        text("\"expires_in\":3599", "\"expires_in\":18446744073709551615"),
        text("\"expires_in\":3599", "\"expires_in\":-1"),
    ] {
        let world = World::new().await;
        let registry = world.registry().await;
        pass(&world, 60 * MINUTE).await;
        world.microsoft.faults().answer("token", None, fault.clone(), Times::N(2));
        let mail = world.deliver("inbox", "Meanwhile");
        pass(&world, 20 * MINUTE).await;
        // Whatever was issued has ended.
        world.pass(Duration::from_secs(2 * 86_400)).await;
        let later = world.deliver("inbox", "Two days later");
        pass(&world, 5 * MINUTE).await;
        let connector = world.connector_view(&registry.firm, &registry.connector).await;
        assert_eq!((&connector["state"], &connector["problem"]), (&"connected".into(), &Value::Null), "{fault:?}");
        assert_eq!(state(&world, &registry, &mail).await, "marked", "{fault:?}");
        assert_eq!(state(&world, &registry, &later).await, "marked", "{fault:?}");
        world.settle(&registry).await;
    }
}

#[tokio::test]
async fn a_token_that_lives_short_is_not_asked_for_with_each_request() {
    let world = World::new().await;
    let registry = world.registry().await;
    pass(&world, 60 * MINUTE).await;
    world.microsoft.faults().answer("token", None, text("\"expires_in\":3599", "\"expires_in\":120"), Times::Forever);
    pass(&world, 60 * MINUTE).await;
    let before = world.token_requests();
    let mails: Vec<String> = (0..30).map(|n| world.deliver("inbox", &format!("Mail {n}"))).collect();
    world.run_until_idle().await;
    assert_eq!(state(&world, &registry, &mails[29]).await, "marked");
    assert!(world.token_requests() - before <= 2, "{}", world.token_requests() - before);
}

#[tokio::test]
async fn keys_of_another_form_among_those_that_sign_keep_nobody_from_signing_in() {
    let world = World::new().await;
    let odd =
        text("\"keys\":[", "\"keys\":[null,7,{\"kid\":7,\"n\":null,\"e\":[]},{\"kty\":\"EC\",\"crv\":\"P-256\"},");
    world.microsoft.faults().answer("keys", None, odd, Times::Forever);
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "Signed in");
    world.run_until_idle().await;
    assert_eq!(state(&world, &registry, &mail).await, "marked");
}

#[tokio::test]
async fn a_sign_in_that_meets_an_odd_answer_can_be_repeated() {
    for (kind, fault) in [
        ("keys", Scripted::Garbage),
        ("keys", raw(200, r#"{"keys":null}"#)),
        ("configuration", raw(503, "")),
        ("configuration", raw(200, "{}")),
        ("token", Scripted::Garbage),
        ("token", raw(200, "{}")),
        ("token", text("\"id_token\":\"", "\"id_token\":\"x")),
        ("token", text("\"refresh_token\":\"", "\"refresh_token\":\"\",\"unknown\":\"")),
    ] {
        let world = World::new().await;
        let firm = world.firm("Lumen").await;
        let connector = world.connector(&firm, "delegated", Value::Null).await;
        world.microsoft.faults().answer(kind, None, fault.clone(), Times::Forever);
        let refused = world.sign_in(&firm, &connector, tests::ADA).await;
        assert!(!refused.status.is_success() && refused.status.as_u16() != 500, "{kind} {fault:?} {}", refused.status);
        let shown = world.connector_view(&firm, &connector).await;
        assert_ne!(shown["state"], "connected", "{kind} {fault:?}");
        world.microsoft.faults().clear();
        world.sign_in(&firm, &connector, tests::ADA).await.ok();
    }
}

#[tokio::test]
async fn a_token_endpoint_that_is_not_well_at_a_sign_in_is_nobodys_matter() {
    for fault in [raw(500, ""), raw(503, ""), raw(429, ""), raw(200, "{}"), Scripted::Garbage] {
        let world = World::new().await;
        let firm = world.firm("Lumen").await;
        let connector = world.connector(&firm, "delegated", Value::Null).await;
        world.microsoft.faults().answer("token", None, fault.clone(), Times::Forever);
        world.sign_in(&firm, &connector, tests::ADA).await;
        let shown = world.connector_view(&firm, &connector).await;
        assert_eq!(shown["sign_in_problem"]["code"], "microsoft_busy", "{fault:?} {shown}");
        assert_eq!(shown["sign_in_problem"]["who"], "nobody", "{fault:?} {shown}");
    }
}

#[tokio::test]
async fn the_sign_in_service_is_left_alone_as_long_as_it_asks_whatever_asks_for_a_token() {
    for (named, minutes) in [
        (Some("300"), 5),
        (Some("Mon, 02 Mar 2026 10:05:00 GMT"), 5),
        (Some("99999999"), 15),
        (Some("-1"), 0),
        (Some("soon"), 0),
        (None, 0),
    ] {
        let world = World::new().await;
        let registry = world.registry().await;
        // The token has ended since.
        world.clock.advance(120 * MINUTE);
        let headers = named.map(|named| ("retry-after", named.to_owned())).into_iter().collect();
        world.microsoft.faults().answer("token", None, Scripted::Raw(503, headers, Vec::new()), Times::N(1));
        let mail = world.deliver("inbox", "Meanwhile");
        world.run_until_idle().await;
        let before = world.token_requests();
        for n in 0..minutes {
            assert_eq!(world.token_requests(), before, "{named:?} after {n} minutes");
            world.deliver("inbox", "Another");
            world.pass(Duration::from_secs(59)).await;
        }
        pass(&world, 5 * MINUTE).await;
        assert_eq!(state(&world, &registry, &mail).await, "marked", "{named:?}");
        let connector = world.connector_view(&registry.firm, &registry.connector).await;
        assert_eq!((&connector["state"], &connector["problem"]), (&"connected".into(), &Value::Null), "{named:?}");
    }
}
