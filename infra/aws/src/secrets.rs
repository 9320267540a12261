//! Secrets Manager: versions and their staging labels.
//!
//! Answered: CreateSecret, DescribeSecret, GetSecretValue, PutSecretValue, UpdateSecretVersionStage, RotateSecret,
//! DeleteSecret. RotateSecret only says that a rotation is wanted: the host calls the function with its four steps, see
//! [`Secrets::rotations`]. Not played: rotation by a timetable, resource policies, tags, replication, and the removal
//! of versions without labels.
//!
//! Source: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/>

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{OptionalExtension, Transaction, params};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::engine::{ACCOUNT, Clock, OpenError, REGION, millis, unopened};
use crate::fault::{Fault, parse};
use crate::store::Store;

/// The version in use.
const CURRENT: &str = "AWSCURRENT";
/// The version that was in use before it.
const PREVIOUS: &str = "AWSPREVIOUS";
/// The version that a rotation brings.
const PENDING: &str = "AWSPENDING";
/// The most bytes of a secret's value.
const VALUE_BYTES_MAX: usize = 65_536;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

const SCHEMA: &str = "
    PRAGMA foreign_keys = ON;
    CREATE TABLE IF NOT EXISTS secret (
        name TEXT PRIMARY KEY,
        arn TEXT NOT NULL UNIQUE,
        description TEXT,
        created_ms INTEGER NOT NULL,
        changed_ms INTEGER NOT NULL,
        deleted_ms INTEGER,
        purge_ms INTEGER
    );
    CREATE TABLE IF NOT EXISTS version (
        secret TEXT NOT NULL REFERENCES secret ON DELETE CASCADE,
        id TEXT NOT NULL,
        text TEXT,
        binary TEXT,
        created_ms INTEGER NOT NULL,
        PRIMARY KEY (secret, id)
    );
    CREATE TABLE IF NOT EXISTS stage (
        secret TEXT NOT NULL,
        label TEXT NOT NULL,
        version TEXT NOT NULL,
        PRIMARY KEY (secret, label),
        FOREIGN KEY (secret, version) REFERENCES version ON DELETE CASCADE
    );
    CREATE TABLE IF NOT EXISTS rotation (
        secret TEXT NOT NULL,
        version TEXT NOT NULL,
        PRIMARY KEY (secret, version),
        FOREIGN KEY (secret, version) REFERENCES version ON DELETE CASCADE
    );";

fn refuse<T>(code: &'static str, message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::sender(code, message))
}

fn not_found(what: &str) -> Fault {
    Fault::sender("ResourceNotFoundException", format!("Secrets Manager can't find the specified secret{what}."))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateSecret {
    name: String,
    description: Option<String>,
    #[serde(flatten)]
    value: NewValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutSecretValue {
    secret_id: String,
    #[serde(flatten)]
    value: NewValue,
    version_stages: Option<Vec<String>>,
}

/// A value on its way in; the token becomes the version's id, so that sending it again adds nothing.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NewValue {
    client_request_token: Option<String>,
    secret_string: Option<String>,
    /// Base64, as it came and as it goes out again.
    secret_binary: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretId {
    secret_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetSecretValue {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateSecretVersionStage {
    secret_id: String,
    version_stage: String,
    move_to_version_id: Option<String>,
    remove_from_version_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RotateSecret {
    secret_id: String,
    client_request_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteSecret {
    secret_id: String,
    recovery_window_in_days: Option<i64>,
    #[serde(default)]
    force_delete_without_recovery: bool,
}

pub(crate) struct Secrets {
    store: Arc<Store>,
    clock: Clock,
}

impl Secrets {
    pub(crate) fn open(path: &Path, clock: Clock) -> Result<Secrets, OpenError> {
        let store = Store::open(path, SCHEMA).map_err(unopened(path))?;
        Ok(Secrets { store, clock })
    }

    pub(crate) async fn call(&self, operation: &str, body: &[u8]) -> Result<Value, Fault> {
        match operation {
            "CreateSecret" => self.create(parse(body)?).await,
            "DescribeSecret" => self.describe(parse(body)?).await,
            "GetSecretValue" => self.value(parse(body)?).await,
            "PutSecretValue" => self.put_value(parse(body)?).await,
            "UpdateSecretVersionStage" => self.move_stage(parse(body)?).await,
            "RotateSecret" => self.rotate(parse(body)?).await,
            "DeleteSecret" => self.delete(parse(body)?).await,
            other => Err(Fault::not_embedded("secretsmanager", other)),
        }
    }

    /// Deletes for good what was deleted longer ago than its recovery window.
    pub(crate) fn tick(&self) {
        let now = millis(&self.clock);
        let purged =
            self.store.transact(|transaction| transaction.execute("DELETE FROM secret WHERE purge_ms <= ?1", [now]));
        if let Err(error) = purged {
            tracing::error!(error = &error as &dyn std::error::Error, "deleted secrets could not be purged");
        }
    }

    async fn create(&self, request: CreateSecret) -> Result<Value, Fault> {
        let now = millis(&self.clock);
        self.store
            .run(move |transaction| {
                let CreateSecret { name, description, value } = request;
                let allowed = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
                if !(1..=512).contains(&name.len()) || !name.chars().all(allowed) {
                    return refuse(
                        "ValidationException",
                        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the \
                         following: -/_+=.@!",
                    );
                }
                let secret = match Secret::find(transaction, &name)? {
                    Some(secret) if secret.deleted_ms.is_some() => {
                        return refuse(
                            "InvalidRequestException",
                            "You can't create this secret because a secret with this name is already scheduled for \
                             deletion.",
                        );
                    }
                    // The same request sent twice is answered twice.
                    Some(secret) if value.repeats(transaction, &secret)? => secret,
                    Some(_) => {
                        return refuse(
                            "ResourceExistsException",
                            format!("The operation failed because the secret {name} already exists."),
                        );
                    }
                    None => Secret::create(transaction, name, description, now)?,
                };
                if !value.has_content() {
                    return Ok(json!({"ARN": secret.arn, "Name": secret.name}));
                }
                secret.put(transaction, &value, &[CURRENT.to_owned()], now)
            })
            .await
    }

    async fn put_value(&self, request: PutSecretValue) -> Result<Value, Fault> {
        let now = millis(&self.clock);
        self.store
            .run(move |transaction| {
                let secret = Secret::living(transaction, &request.secret_id)?;
                if !request.value.has_content() {
                    return refuse("InvalidRequestException", "You must provide either SecretString or SecretBinary.");
                }
                let stages = request.version_stages;
                let stages = stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
                secret.put(transaction, &request.value, &stages, now)
            })
            .await
    }

    async fn value(&self, request: GetSecretValue) -> Result<Value, Fault> {
        self.store
            .run(move |transaction| {
                let secret = Secret::living(transaction, &request.secret_id)?;
                secret.value(transaction, request.version_id, request.version_stage)
            })
            .await
    }

    async fn describe(&self, request: SecretId) -> Result<Value, Fault> {
        self.store
            .run(move |transaction| {
                let secret = Secret::named(transaction, &request.secret_id)?;
                let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
                for (label, version) in secret.stages(transaction)? {
                    versions.entry(version).or_default().push(label);
                }
                Ok(json!({
                    "ARN": secret.arn,
                    "Name": secret.name,
                    "Description": secret.description,
                    "CreatedDate": seconds(secret.created_ms),
                    "LastChangedDate": seconds(secret.changed_ms),
                    "DeletedDate": secret.deleted_ms.map(seconds),
                    "VersionIdsToStages": versions,
                }))
            })
            .await
    }

    async fn move_stage(&self, request: UpdateSecretVersionStage) -> Result<Value, Fault> {
        let now = millis(&self.clock);
        self.store
            .run(move |transaction| {
                let secret = Secret::living(transaction, &request.secret_id)?;
                let label = request.version_stage.as_str();
                let held_by = secret.stages(transaction)?.remove(label);
                if held_by != request.remove_from_version_id
                    && (request.remove_from_version_id.is_some() || held_by != request.move_to_version_id)
                {
                    return refuse(
                        "InvalidParameterException",
                        format!("The parameter RemoveFromVersionId must name the version that {label} is attached to."),
                    );
                }
                match request.move_to_version_id {
                    Some(version) => {
                        if !secret.has_version(transaction, &version)? {
                            return Err(not_found(&format!(" version: {version}")));
                        }
                        secret.attach(transaction, label, &version)?;
                    }
                    None if label == CURRENT => {
                        return refuse(
                            "InvalidParameterException",
                            "You can't remove AWSCURRENT from a version without moving it to another version.",
                        );
                    }
                    None => {
                        transaction.execute(
                            "DELETE FROM stage WHERE secret = ?1 AND label = ?2",
                            params![secret.name, label],
                        )?;
                    }
                }
                secret.touch(transaction, now)?;
                Ok(json!({"ARN": secret.arn, "Name": secret.name}))
            })
            .await
    }

    /// Makes a version without a value, waiting to be rotated in. Source: API_RotateSecret
    async fn rotate(&self, request: RotateSecret) -> Result<Value, Fault> {
        let now = millis(&self.clock);
        self.store
            .run(move |transaction| {
                let secret = Secret::living(transaction, &request.secret_id)?;
                let stages = secret.stages(transaction)?;
                if stages.get(PENDING).is_some_and(|pending| stages.get(CURRENT) != Some(pending)) {
                    let message = "A previous rotation isn't complete. That rotation will be reattempted.";
                    return refuse("InvalidRequestException", message);
                }
                let version = request.client_request_token.unwrap_or_else(|| Uuid::new_v4().to_string());
                transaction.execute(
                    "INSERT OR IGNORE INTO version (secret, id, created_ms) VALUES (?1, ?2, ?3)",
                    params![secret.name, version, now],
                )?;
                transaction.execute("INSERT OR IGNORE INTO rotation VALUES (?1, ?2)", params![secret.name, version])?;
                secret.attach(transaction, PENDING, &version)?;
                Ok(json!({"ARN": secret.arn, "Name": secret.name, "VersionId": version}))
            })
            .await
    }

    /// What waits to be rotated in: each is for the host to call the function about.
    pub(crate) fn rotations(&self) -> Vec<(String, String)> {
        let found = self.store.transact(|transaction| {
            let mut select = transaction.prepare_cached(
                "SELECT secret.arn, pending.version FROM stage AS pending
                 JOIN secret ON secret.name = pending.secret
                 JOIN rotation ON rotation.secret = pending.secret AND rotation.version = pending.version
                 JOIN stage AS current ON current.secret = pending.secret AND current.label = 'AWSCURRENT'
                 WHERE pending.label = 'AWSPENDING' AND pending.version <> current.version",
            )?;
            let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<Result<Vec<_>, _>>()
        });
        found.unwrap_or_else(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "the rotations could not be read");
            Vec::new()
        })
    }

    async fn delete(&self, request: DeleteSecret) -> Result<Value, Fault> {
        let now = millis(&self.clock);
        let days = match (request.recovery_window_in_days, request.force_delete_without_recovery) {
            (None, true) => 0,
            (None, false) => 30,
            (Some(days @ 7..=30), false) => days,
            _ => {
                return refuse(
                    "InvalidParameterException",
                    "RecoveryWindowInDays must be between 7 and 30 days, and not be given with \
                     ForceDeleteWithoutRecovery.",
                );
            }
        };
        self.store
            .run(move |transaction| {
                let purge_ms = now + days * DAY_MS;
                if days == 0 {
                    // Without recovery, even a secret that is not there is deleted successfully.
                    let gone = Secret::find(transaction, &request.secret_id)?;
                    let name = gone.as_ref().map_or(&request.secret_id, |secret| &secret.name);
                    transaction.execute("DELETE FROM secret WHERE name = ?1", [name])?;
                    let arn = gone.as_ref().map(|secret| &secret.arn);
                    return Ok(json!({"ARN": arn, "Name": name, "DeletionDate": seconds(purge_ms)}));
                }
                let secret = Secret::living(transaction, &request.secret_id)?;
                transaction.execute(
                    "UPDATE secret SET deleted_ms = ?1, purge_ms = ?2 WHERE name = ?3",
                    params![now, purge_ms, secret.name],
                )?;
                Ok(json!({
                    "ARN": secret.arn,
                    "Name": secret.name,
                    "DeletionDate": seconds(purge_ms),
                }))
            })
            .await
    }
}

/// Time as this API writes it.
fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

impl NewValue {
    fn has_content(&self) -> bool {
        self.secret_string.is_some() || self.secret_binary.is_some()
    }

    /// Whether a version made by the same request with the same content is there already.
    fn repeats(&self, transaction: &Transaction, secret: &Secret) -> Result<bool, Fault> {
        let same = transaction.query_row(
            "SELECT EXISTS (SELECT 1 FROM version
             WHERE secret = ?1 AND id = ?2 AND text IS ?3 AND binary IS ?4)",
            params![secret.name, self.client_request_token, self.secret_string, self.secret_binary],
            |row| row.get(0),
        )?;
        Ok(same)
    }
}

struct Secret {
    name: String,
    arn: String,
    description: Option<String>,
    created_ms: i64,
    changed_ms: i64,
    deleted_ms: Option<i64>,
}

impl Secret {
    fn create(transaction: &Transaction, name: String, description: Option<String>, now: i64) -> Result<Secret, Fault> {
        let suffix = &Uuid::new_v4().simple().to_string()[..6];
        let region = REGION;
        let arn = format!("arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:{name}-{suffix}");
        transaction.execute(
            "INSERT INTO secret (name, arn, description, created_ms, changed_ms) VALUES (?1, ?2, ?3, ?4, ?4)",
            params![name, arn, description, now],
        )?;
        Ok(Secret { name, arn, description, created_ms: now, changed_ms: now, deleted_ms: None })
    }

    /// Finds a secret by its name or ARN.
    fn find(transaction: &Transaction, id: &str) -> Result<Option<Secret>, Fault> {
        let found = transaction
            .prepare_cached(
                "SELECT name, arn, description, created_ms, changed_ms, deleted_ms
                 FROM secret WHERE name = ?1 OR arn = ?1",
            )?
            .query_row([id], |row| {
                Ok(Secret {
                    name: row.get(0)?,
                    arn: row.get(1)?,
                    description: row.get(2)?,
                    created_ms: row.get(3)?,
                    changed_ms: row.get(4)?,
                    deleted_ms: row.get(5)?,
                })
            })
            .optional()?;
        Ok(found)
    }

    fn named(transaction: &Transaction, id: &str) -> Result<Secret, Fault> {
        Secret::find(transaction, id)?.ok_or_else(|| not_found(""))
    }

    /// A secret that is not waiting for its deletion.
    fn living(transaction: &Transaction, id: &str) -> Result<Secret, Fault> {
        let secret = Secret::named(transaction, id)?;
        match secret.deleted_ms {
            None => Ok(secret),
            Some(_) => refuse(
                "InvalidRequestException",
                "You can't perform this operation on the secret because it was marked for deletion.",
            ),
        }
    }

    /// Which version each label is attached to.
    fn stages(&self, transaction: &Transaction) -> Result<BTreeMap<String, String>, Fault> {
        let mut select =
            transaction.prepare_cached("SELECT label, version FROM stage WHERE secret = ?1 ORDER BY label")?;
        let rows = select.query_map([&self.name], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn has_version(&self, transaction: &Transaction, version: &str) -> Result<bool, Fault> {
        let found = transaction.query_row(
            "SELECT EXISTS (SELECT 1 FROM version WHERE secret = ?1 AND id = ?2)",
            params![self.name, version],
            |row| row.get(0),
        )?;
        Ok(found)
    }

    /// Whether a version is there and holds something: one that waits for a rotation does not.
    fn has_value(&self, transaction: &Transaction, version: &str) -> Result<bool, Fault> {
        let found = transaction.query_row(
            "SELECT EXISTS (SELECT 1 FROM version
             WHERE secret = ?1 AND id = ?2 AND (text IS NOT NULL OR binary IS NOT NULL))",
            params![self.name, version],
            |row| row.get(0),
        )?;
        Ok(found)
    }

    /// Adds a version under `stages`, unless the same request has added it before.
    fn put(&self, transaction: &Transaction, value: &NewValue, stages: &[String], now: i64) -> Result<Value, Fault> {
        let text = value.secret_string.as_ref().map_or(0, String::len);
        let binary = value.secret_binary.as_ref().map_or(0, |base64| base64.len() / 4 * 3);
        if text.max(binary) > VALUE_BYTES_MAX {
            return refuse(
                "InvalidParameterException",
                format!("The secret value must not be longer than {VALUE_BYTES_MAX} bytes."),
            );
        }
        let token = value.client_request_token.clone();
        let version = token.unwrap_or_else(|| Uuid::new_v4().to_string());
        if !value.repeats(transaction, self)? {
            if self.has_value(transaction, &version)? {
                return refuse(
                    "ResourceExistsException",
                    format!(
                        "You can't use ClientRequestToken {version} because that value is already in use for a \
                         version of secret {}.",
                        self.arn
                    ),
                );
            }
            transaction.execute(
                "INSERT INTO version (secret, id, text, binary, created_ms) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET text = ?3, binary = ?4, created_ms = ?5",
                params![self.name, version, value.secret_string, value.secret_binary, now],
            )?;
            for label in stages {
                self.attach(transaction, label, &version)?;
            }
            if !self.stages(transaction)?.contains_key(CURRENT) {
                // The first version is the current one, whatever it was asked to be.
                self.attach(transaction, CURRENT, &version)?;
            }
            self.touch(transaction, now)?;
        }
        let labels = self.stages(transaction)?.into_iter();
        let labels = labels.filter_map(|(label, held_by)| (held_by == version).then_some(label));
        let labels: Vec<String> = labels.collect();
        Ok(json!({"ARN": self.arn, "Name": self.name, "VersionId": version, "VersionStages": labels}))
    }

    /// Moves a label to a version. The version that AWSCURRENT leaves becomes AWSPREVIOUS.
    fn attach(&self, transaction: &Transaction, label: &str, version: &str) -> Result<(), Fault> {
        let held_by = self.stages(transaction)?.remove(label);
        let mut attach =
            transaction.prepare_cached("INSERT OR REPLACE INTO stage (secret, label, version) VALUES (?1, ?2, ?3)")?;
        attach.execute(params![self.name, label, version])?;
        match held_by {
            Some(former) if label == CURRENT && former != version => {
                attach.execute(params![self.name, PREVIOUS, former])?;
            }
            _ => {}
        }
        Ok(())
    }

    fn touch(&self, transaction: &Transaction, now: i64) -> Result<(), Fault> {
        transaction.execute("UPDATE secret SET changed_ms = ?1 WHERE name = ?2", params![now, self.name])?;
        Ok(())
    }

    fn value(&self, transaction: &Transaction, version: Option<String>, stage: Option<String>) -> Result<Value, Fault> {
        let stages = self.stages(transaction)?;
        let label = stage.or_else(|| version.is_none().then(|| CURRENT.to_owned()));
        let labelled = match &label {
            None => None,
            Some(label) => Some(
                stages.get(label).cloned().ok_or_else(|| not_found(&format!(" value for staging label: {label}")))?,
            ),
        };
        let version = match (version, labelled) {
            (Some(asked), Some(labelled)) if asked != labelled => {
                return Err(not_found(&format!(" value for VersionId: {asked} under that label")));
            }
            (asked, labelled) => asked.or(labelled).unwrap_or_default(),
        };
        let labels: Vec<&String> =
            stages.iter().filter_map(|(label, held_by)| (*held_by == version).then_some(label)).collect();
        transaction
            .query_row(
                "SELECT text, binary, created_ms FROM version
                 WHERE secret = ?1 AND id = ?2 AND (text IS NOT NULL OR binary IS NOT NULL)",
                params![self.name, version],
                |row| {
                    Ok(json!({
                        "ARN": self.arn,
                        "Name": self.name,
                        "VersionId": version,
                        "VersionStages": labels,
                        "SecretString": row.get::<_, Option<String>>(0)?,
                        "SecretBinary": row.get::<_, Option<String>>(1)?,
                        "CreatedDate": seconds(row.get(2)?),
                    }))
                },
            )
            .optional()?
            .ok_or_else(|| not_found(&format!(" value for VersionId: {version}")))
    }
}
