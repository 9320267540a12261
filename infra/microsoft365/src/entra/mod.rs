//! Entra ID's sign-in service, v2.0 endpoints: authorize, token, admin consent, keys and configuration.

mod assertion;
mod authorize;
mod code;
mod consent;
pub(crate) mod page;
mod request;
mod scope;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::json;

use crate::world::World;
use request::{Authority, Refusal, authority, count, json_answer};

pub(crate) fn router(world: Arc<World>) -> Router {
    Router::new()
        .route("/{authority}/oauth2/v2.0/authorize", get(authorize::show).post(authorize::decide))
        .route("/{authority}/oauth2/v2.0/token", post(token::answer))
        .route("/{authority}/v2.0/adminconsent", get(consent::show).post(consent::decide))
        .route("/{authority}/v2.0/.well-known/openid-configuration", get(configuration))
        .route("/{authority}/discovery/v2.0/keys", get(jwks))
        .with_state(world)
}

/// The metadata document. Source: v2-protocols-oidc.
async fn configuration(State(world): State<Arc<World>>, Path(name): Path<String>) -> Response {
    count(&world, "configuration");
    let found = world.store.read(|db| authority(db, &name)).map_err(Refusal::from);
    let issuer = match found {
        Ok(Ok(Authority::Tenant(tenant))) => tenant.id,
        Ok(Ok(Authority::Any | Authority::Work)) => "{tenantid}".to_owned(),
        Ok(Err(refusal)) | Err(refusal) => {
            return json_answer(
                StatusCode::BAD_REQUEST,
                &json!({ "error": "invalid_tenant", "error_description": refusal.text() }),
            );
        }
    };
    let origin = &world.origin;
    request::told(
        &world,
        "configuration",
        &json!({
            "token_endpoint": format!("{origin}/{name}/oauth2/v2.0/token"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": format!("{origin}/{name}/discovery/v2.0/keys"),
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": format!("{origin}/{issuer}/v2.0"),
            "authorization_endpoint": format!("{origin}/{name}/oauth2/v2.0/authorize"),
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "oid", "ver", "email"],
        }),
    )
}

async fn jwks(State(world): State<Arc<World>>) -> Response {
    count(&world, "keys");
    match world.signing_keys() {
        Ok(keys) => request::told(&world, "keys", &json!({ "keys": keys.public() })),
        Err(error) => Refusal::from(error).page(),
    }
}
