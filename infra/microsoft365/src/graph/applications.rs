//! App registrations, seen from their own tenant: until when their secrets are good.

use serde_json::{Map, Value, json};

use super::query::Query;
use super::users::not_found;
use super::{Answer, Asked, Problem, Reply};
use crate::directory::{self, Audience, Secret};

/// `Application.ReadWrite.OwnedBy` is left out: it needs the app to be an owner of itself, and this world has no owners.
const READ: [&str; 2] = ["Application.Read.All", "Application.ReadWrite.All"];
const PROPERTIES: [&str; 4] = ["id", "appId", "displayName", "passwordCredentials"];

/// The registration with this client id. It lies in one tenant: from another one, which only consented, it is not to be seen.
pub(super) fn get(asked: &Asked<'_>, client_id: &str) -> Answer {
    if !asked.caller.has_any(&READ) {
        let message = "Insufficient privileges to complete the operation.";
        return Err(Problem::new(403, "Authorization_RequestDenied", message));
    }
    let query = Query::read(&asked.call.query, &["select"])?;
    let select = query.select(&PROPERTIES)?;
    let app = asked.world.store.read(|db| directory::app(db, client_id))?;
    let home =
        |audience: &Audience| matches!(audience, Audience::Tenant(home) if home.to_string() == asked.caller.tenant);
    let app = app.filter(|app| home(&app.audience)).ok_or_else(|| not_found(client_id))?;
    let mut shown = Map::from_iter([
        ("id".to_owned(), id_of(&app.client_id).into()),
        ("appId".to_owned(), app.client_id.into()),
        ("displayName".to_owned(), app.name.into()),
        ("passwordCredentials".to_owned(), app.client_secrets.iter().map(credential).collect()),
    ]);
    select.keep(&mut shown);
    shown.insert("@odata.context".to_owned(), asked.context("applications/$entity").into());
    Ok(Reply::json(shown.into()))
}

/// A secret as it is shown ever after: its first three characters and its end.
fn credential(secret: &Secret) -> Value {
    json!({
        "customKeyIdentifier": null,
        "displayName": null,
        "endDateTime": secret.expires.map(|end| end.to_string()),
        "hint": secret.value.chars().take(3).collect::<String>(),
        "keyId": id_of(&secret.value),
        "secretText": null,
        "startDateTime": null,
    })
}

/// An id that stays the same for the same text and tells nothing of it.
fn id_of(text: &str) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(text);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}
