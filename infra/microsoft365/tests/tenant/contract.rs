use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::SignedDuration;
use microsoft365::{Lifecycle, RetryAfter, Times};
use serde_json::json;

use crate::office::*;

/// Something that lies in a directory above this crate.
pub fn beside(path: &str) -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().map(|above| above.join(path)).find(|found| found.exists())
}

fn checker() -> Option<PathBuf> {
    let dir = std::env::var_os("GREFFE_GRAPH_CONTRACT").map(PathBuf::from);
    dir.map(|dir| dir.join("check")).or_else(|| beside("shared/graph/contract/check"))
}

#[tokio::test]
async fn a_varied_conversation_satisfies_microsofts_own_description() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("traffic.jsonl");
    let office = Office::open_with(|options| options.traffic = Some(log.clone())).await;
    office.tenant.grant_full_access(ADA, INFO).unwrap();
    office.world.create_search_folder(ADA, "msgfolderroot", "Unread").unwrap();
    let invite = "Subject: Meeting\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\n";
    office.world.deliver(ADA, "inbox", microsoft365::Mail::new(invite, office.now())).unwrap();
    let ids: Vec<String> = (0..12).map(|number| office.mail(&format!("m{number}"))).collect();
    let (graph, app) = (office.user(ADA).await, office.app().await);
    for path in [
        "/me",
        "/me?$select=id,displayName,mail,userPrincipalName",
        "/organization",
        "/me/mailFolders",
        "/me/mailFolders?includeHiddenFolders=true&$top=100&$expand=childFolders",
        "/me/mailFolders('inbox')",
        "/me/mailFolders/inbox/childFolders?$select=displayName",
        "/me/mailFolders/inbox/messages?$select=subject,from,categories&$top=5&$count=true",
        "/me/messages?$filter=receivedDateTime%20ge%202026-10-01T00:00:00Z",
        "/me/outlook/masterCategories",
        "/subscriptions",
    ] {
        graph.ok(path).await;
    }
    for path in ["/users", "/users?$select=mail&$top=1"] {
        app.ok(path).await;
    }
    app.ok(&format!("/users/{INFO}/mailFolders")).await;
    graph.ok(&format!("/me/messages/{}", ids[0])).await;
    graph.ok(&format!("/me/messages/{}?$select=body,internetMessageHeaders,uniqueBody", ids[0])).await;
    graph.send("GET", &format!("/me/messages/{}/$value", ids[0])).await.bytes().await.unwrap();
    graph.get("/me/messages/none").await;
    graph.json("PATCH", &format!("/me/messages/{}", ids[0]), json!({ "categories": ["Archived"] })).await;
    graph.json("POST", "/me/outlook/masterCategories", json!({ "displayName": "Archived", "color": "preset4" })).await;
    graph.json("POST", "/me/outlook/masterCategories", json!({ "displayName": "Archived", "color": "preset4" })).await;
    let translation =
        json!({ "inputIds": [ids[0], "x"], "sourceIdType": "restImmutableEntryId", "targetIdType": "restId" });
    graph.json("POST", "/me/translateExchangeIds", translation).await;
    let hook = Hook::open().await;
    let subscription = json!({
        "changeType": "created,updated,deleted",
        "notificationUrl": hook.url,
        "lifecycleNotificationUrl": hook.url,
        "resource": "me/mailFolders('inbox')/messages",
        "expirationDateTime": "2026-10-05T10:00:00.0000000Z",
        "clientState": "a secret that must not be logged",
    });
    let (status, made) = graph.json("POST", "/subscriptions", subscription.clone()).await;
    assert_eq!(status, 201);
    graph.json("POST", "/subscriptions", subscription).await;
    let own = format!("/subscriptions/{}", made["id"].as_str().unwrap());
    graph.ok(&own).await;
    graph.ok("/subscriptions").await;
    graph.json("PATCH", &own, json!({ "expirationDateTime": "2026-10-06T10:00:00Z" })).await;
    graph.send("POST", &format!("{own}/reauthorize")).await;
    let delta = "/me/mailFolders/inbox/messages/delta?$select=subject,categories,receivedDateTime&$top=5";
    let (_, link) = graph.round(delta, 3).await;
    graph.round("/me/mailFolders/delta", 5).await;
    graph.round("/me/mailFolders/inbox/messages/delta", 5).await;
    graph.json("POST", &format!("/me/messages/{}/move", ids[1]), json!({ "destinationId": "archive" })).await;
    graph.send("DELETE", &format!("/me/messages/{}", ids[2])).await;
    office.world.delete_message(ADA, &ids[3]).unwrap();
    graph.round(&link, 3).await;
    office.world.faults().delta_gone(ADA, Times::N(1));
    graph.get(&link).await;
    let patch = |id: &str| {
        let headers = json!({ "Content-Type": "application/json" });
        json!({ "id": id, "method": "PATCH", "url": format!("/me/messages/{id}"), "headers": headers, "body": { "categories": ["A"] } })
    };
    let mut parts: Vec<_> = ids[4..8].iter().map(|id| patch(id)).collect();
    parts.push(json!({ "id": "value", "method": "GET", "url": format!("/me/messages/{}/$value", ids[4]) }));
    parts.push(json!({ "id": "missing", "method": "GET", "url": "/me/messages/none" }));
    parts.push(json!({ "id": "after", "method": "GET", "url": "/me/messages", "dependsOn": ["missing"] }));
    graph.batch(parts.into()).await;
    office.world.faults().throttle(ADA, RetryAfter::Fractional(2.128), Times::N(2));
    graph.get("/me/messages").await;
    graph.batch(json!([patch(&ids[5])])).await;
    office.world.send_lifecycle(made["id"].as_str().unwrap(), Lifecycle::ReauthorizationRequired).unwrap();
    office.world.deliver_notices().await.unwrap();
    assert!(!hook.notices().is_empty());
    graph.send("DELETE", &own).await;
    office.pass(SignedDuration::from_hours(2));
    graph.get("/me").await;

    let text = std::fs::read_to_string(&log).unwrap();
    for secret in ["a secret that must not be logged", &graph.token, &app.token] {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
    assert!(text.contains("Bearer redacted"));
    judge(&log);
}

/// Holds the traffic to Microsoft's own description, where that lies beside this crate.
#[expect(clippy::explicit_write, reason = "a test's eprintln is captured")]
pub fn judge(log: &Path) {
    let Some(check) = checker() else {
        // Straight to the terminal: a test that judged nothing must not look as if it had.
        writeln!(std::io::stderr(), "no contract checker here: the traffic was not judged").unwrap();
        return;
    };
    let verdict = Command::new(check).arg(log).output().unwrap();
    let said = String::from_utf8_lossy(&verdict.stdout);
    assert!(verdict.status.success(), "{said}{}", String::from_utf8_lossy(&verdict.stderr));
    assert!(said.trim_end().ends_with("passed, 0 failed"), "{said}");
}
