//! App registrations, seen from their own tenant: their credentials, added and removed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use x509_cert::der::Decode as _;

use super::answer::{Answer, Problem, Reply};
use super::call::Asked;
use super::query::Query;
use super::users::not_found;
use crate::directory::{self, App, Certificate, Secret};
use crate::error::Result as Kept;
use crate::time::after;

const READ: [&str; 2] = ["Application.Read.All", "Application.ReadWrite.All"];
const WRITE: [&str; 1] = ["Application.ReadWrite.All"];
/// Only together with a service principal that is among the owners of the registration (permissions-reference).
const OWNED: [&str; 1] = ["Application.ReadWrite.OwnedBy"];
const PROPERTIES: [&str; 5] = ["id", "appId", "displayName", "passwordCredentials", "keyCredentials"];
/// Client secrets live two years if nothing else is said.
const SECRET_LIFE: SignedDuration = SignedDuration::from_hours(2 * 365 * 24);

fn denied() -> Problem {
    Problem::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
}

/// The registration with this client id. It lies in one tenant: from another one, which only consented, it is not to be
/// seen.
fn find(asked: &Asked<'_>, client_id: &str, rights: &[&str]) -> Result<App, Problem> {
    if !asked.caller.has_any(rights) && !asked.caller.has_any(&OWNED) {
        return Err(denied());
    }
    let app = asked.world.store.read(|db| directory::app(db, client_id))?;
    let app = app.filter(|app| app.is_of(&asked.caller.tenant)).ok_or_else(|| not_found(client_id))?;
    let owned = app.owns_itself && asked.caller.app == app.client_id;
    if asked.caller.has_any(rights) || owned { Ok(app) } else { Err(denied()) }
}

/// Changes a registration, if the caller may and the tenant's policy lets it.
fn change<T>(
    asked: &Asked<'_>,
    client_id: &str,
    adds: bool,
    change: impl FnOnce(&mut App) -> Result<T, Problem>,
) -> Result<T, Problem> {
    find(asked, client_id, &WRITE)?;
    if let Some(code) = asked.world.faults.current_app_policy().filter(|_| adds) {
        return Err(Problem::new(400, code, "Credential not allowed as per assigned policy."));
    }
    asked.world.store.write(|db| -> Kept<Result<T, Problem>> {
        let Some(mut app) = directory::app(db, client_id)? else { return Ok(Err(not_found(client_id))) };
        let changed = match change(&mut app) {
            Ok(changed) => changed,
            Err(problem) => return Ok(Err(problem)),
        };
        directory::put_app(db, &app)?;
        Ok(Ok(changed))
    })?
}

pub(super) fn get(asked: &Asked<'_>, client_id: &str) -> Answer {
    let app = find(asked, client_id, &READ)?;
    let query = Query::read(&asked.call.query, &["select"])?;
    let select = query.select(&PROPERTIES)?;
    // Only who asks for the certificates is shown them whole.
    let whole = asked.call.query.contains("keyCredentials");
    let mut shown = Map::from_iter([
        ("id".to_owned(), id_of(&app.client_id).into()),
        ("appId".to_owned(), app.client_id.into()),
        ("displayName".to_owned(), app.name.into()),
        ("passwordCredentials".to_owned(), app.client_secrets.iter().map(credential).collect()),
        ("keyCredentials".to_owned(), app.certificates.iter().map(|key| certificate(key, whole)).collect()),
    ]);
    select.keep(&mut shown);
    shown.insert("@odata.context".to_owned(), asked.context("applications/$entity").into());
    Ok(Reply::json(shown.into()))
}

/// Makes a client secret and shows it, this once (application-addpassword).
pub(super) fn add_password(asked: &Asked<'_>, client_id: &str) -> Answer {
    let body = asked.body()?;
    let new = body.get("passwordCredential").cloned().unwrap_or_default();
    let now = asked.world.now();
    let expires = match new["endDateTime"].as_str().map(str::parse::<Timestamp>) {
        None => after(now, SECRET_LIFE),
        Some(Ok(end)) if end > now => end,
        Some(_) => return Err(Problem::bad_request("Invalid value specified for property 'endDateTime'.")),
    };
    let value = format!("{}8Q~{}", &asked.world.uuid().simple().to_string()[..3], asked.world.uuid().simple());
    let effective = Some(after(now, asked.world.faults.credentials_delay()));
    let name = new["displayName"].as_str().map(str::to_owned);
    let secret = Secret { value, expires: Some(expires), name, effective };
    let mut shown = credential(&secret);
    shown["secretText"] = secret.value.as_str().into();
    shown["@odata.context"] = asked.context("microsoft.graph.passwordCredential").into();
    change(asked, client_id, true, |app| {
        app.client_secrets.push(secret);
        Ok(())
    })?;
    Ok(Reply::json(shown))
}

/// Removes a client secret (application-removepassword).
pub(super) fn remove_password(asked: &Asked<'_>, client_id: &str) -> Answer {
    let body = asked.body()?;
    let key_id = body.get("keyId").and_then(Value::as_str).unwrap_or_default().to_owned();
    change(asked, client_id, false, |app| {
        let before = app.client_secrets.len();
        app.client_secrets.retain(|secret| id_of(&secret.value) != key_id);
        match app.client_secrets.len() < before {
            true => Ok(()),
            false => {
                let message = format!("No password credential found with keyId '{key_id}'.");
                Err(Problem::new(400, "Request_BadRequest", message))
            }
        }
    })?;
    Ok(Reply::no_content())
}

/// Puts other certificates in the place of all (application-update): one that is not sent again is gone.
pub(super) fn patch(asked: &Asked<'_>, client_id: &str) -> Answer {
    let body = asked.body()?;
    let refused = |message: &str| Problem::new(400, "Request_BadRequest", message);
    let Some(sent) = body.get("keyCredentials").and_then(Value::as_array) else {
        return Err(refused("A resource without changes."));
    };
    let effective = Some(after(asked.world.now(), asked.world.faults.credentials_delay()));
    let (mut certificates, mut adds) = (Vec::new(), false);
    let held = find(asked, client_id, &WRITE)?.certificates;
    for new in sent {
        let known = held.iter().find(|held| new["keyId"].as_str() == Some(held.key_id.to_string().as_str()));
        let key = new["key"].as_str().unwrap_or_default();
        match known {
            Some(known) if key.is_empty() || key == known.key => certificates.push(known.clone()),
            _ => {
                let certificate = STANDARD.decode(key).ok();
                let certificate = certificate.and_then(|der| x509_cert::Certificate::from_der(&der).ok());
                let certificate =
                    certificate.ok_or_else(|| refused("The value for property 'keyCredentials' is invalid."))?;
                let ends = certificate.tbs_certificate.validity.not_after.to_unix_duration().as_secs();
                let expires = i64::try_from(ends).ok().and_then(|ends| Timestamp::from_second(ends).ok());
                adds = true;
                certificates.push(Certificate {
                    key_id: asked.world.uuid(),
                    key: key.to_owned(),
                    expires: expires.unwrap_or(Timestamp::MAX),
                    name: new["displayName"].as_str().map(str::to_owned),
                    effective,
                });
            }
        }
    }
    change(asked, client_id, adds, |app| {
        app.certificates = certificates;
        Ok(())
    })?;
    Ok(Reply::no_content())
}

/// A secret as it is shown ever after: its first three characters and its end.
fn credential(secret: &Secret) -> Value {
    json!({
        "customKeyIdentifier": null,
        "displayName": secret.name,
        "endDateTime": secret.expires.map(|end| end.to_string()),
        "hint": secret.value.chars().take(3).collect::<String>(),
        "keyId": id_of(&secret.value),
        "secretText": null,
        "startDateTime": null,
    })
}

fn certificate(certificate: &Certificate, whole: bool) -> Value {
    json!({
        "customKeyIdentifier": null,
        "displayName": certificate.name,
        "endDateTime": certificate.expires.to_string(),
        "key": whole.then_some(&certificate.key),
        "keyId": certificate.key_id,
        "startDateTime": null,
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    })
}

/// An answer as it may be logged: a new secret is shown to its caller only.
pub(super) fn without_secret(mut answer: Value) -> Value {
    if answer["secretText"].is_string() {
        answer["secretText"] = "redacted".into();
    }
    answer
}

/// An id that stays the same for the same text and tells nothing of it.
fn id_of(text: &str) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(text);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}
