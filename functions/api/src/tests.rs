use axum::{
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use local::{machine::Machine, provision};
use serde_json::{Value, json};
use shared::{
    aws::secrets,
    base::{clock::Clock, config::Config, headers::HSTS, http::http_client, random::Random},
};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::*;

const OPERATOR: &str = "the operator's key";

/// The API over embedded engines.
struct World {
    api: Router,
    documents: Router,
    calls: ::aws::Calls,
    secrets: aws_sdk_secretsmanager::Client,
    _folder: TempDir,
}

struct Answered {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl World {
    async fn new() -> Self {
        Self::of_table(provision::TABLE).await
    }

    /// The API that was given this name as its table's.
    async fn of_table(table: &str) -> Self {
        let (calls, folder) = (::aws::Calls::default(), tempfile::tempdir().unwrap());
        let engines = ::aws::Cloud::open(folder.path(), Arc::new(|| Clock::system().now().into())).unwrap();
        let http = calls.before(engines.http_client());
        let sdk = Machine::reached_by(engines, http).await.aws;
        let queues = provision::provision(&sdk).await.unwrap();
        let client = aws_sdk_secretsmanager::Client::new(&sdk);
        let keyring = json!({ "current": "k1", "k1": "x".repeat(40) }).to_string();
        for (name, text) in [(secrets::OPERATOR_KEY, OPERATOR), (secrets::KEYRING, &keyring)] {
            client.create_secret().name(name).secret_string(text).send().await.unwrap();
        }
        let config = Config::from_lookup(|name| match name {
            "GREFFE_TABLE" => Some(table.to_owned()),
            "GREFFE_BUCKET" => Some(provision::BUCKET.to_owned()),
            "GREFFE_INDEX_BUCKET" => Some(provision::INDEX_BUCKET.to_owned()),
            "GREFFE_EVENT_BUS" => Some(provision::EVENT_BUS.to_owned()),
            "GREFFE_MAIL_QUEUE_URL" => Some(queues.mail.clone()),
            "GREFFE_OLDER_QUEUE_URL" => Some(queues.older.clone()),
            "GREFFE_PUSH_QUEUE_URL" => Some(queues.push.clone()),
            "GREFFE_DELIVERY_QUEUE_URL" => Some(queues.delivery.clone()),
            "GREFFE_PUBLIC_URL" => Some("https://greffe.example".to_owned()),
            _ => None,
        });
        let app = App::new(config.unwrap(), &sdk, http_client().unwrap(), Clock::system(), Random::seeded(3));
        Self { api: router(app.clone()), documents: documents(app), calls, secrets: client, _folder: folder }
    }

    async fn send(&self, request: Request<Body>) -> Answered {
        let is_of_documents = is_of_documents(request.uri().path());
        let function = if is_of_documents { &self.documents } else { &self.api };
        let (head, body) = function.clone().oneshot(request).await.unwrap().into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let answered = Answered {
            status: head.status,
            headers: head.headers,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        };
        assert_eq!(answered.headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(answered.headers[header::STRICT_TRANSPORT_SECURITY], HSTS);
        assert_eq!(answered.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        if !answered.status.is_success() {
            assert_eq!(answered.headers[header::CONTENT_TYPE], "application/problem+json");
            assert_eq!(answered.body["status"], answered.status.as_u16());
        }
        answered
    }

    async fn get(&self, key: &str, path: &str) -> Answered {
        let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {key}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn post(&self, key: &str, path: &str, body: impl Into<Body>) -> Answered {
        let request = Request::post(path)
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }

    /// A new firm: the path of its resources.
    async fn firm(&self) -> String {
        let created = self.post(OPERATOR, "/v1/firms", firm().to_string()).await;
        assert_eq!(created.status, StatusCode::CREATED);
        created.headers[header::LOCATION].to_str().unwrap().to_owned()
    }

    async fn key(&self, firm: &str) -> String {
        let created = self.post(OPERATOR, &format!("{firm}/keys"), r#"{"name":"case software"}"#).await;
        assert_eq!(created.status, StatusCode::CREATED);
        created.body["key"].as_str().unwrap().to_owned()
    }

    /// How often something was written to the table.
    fn writes(&self) -> usize {
        self.calls.count(&["PutItem", "TransactWriteItems", "BatchWriteItem"])
    }

    async fn secret(&self, name: &str) -> Option<String> {
        let read = self.secrets.get_secret_value().secret_id(name).send().await.ok()?;
        read.secret_string().map(str::to_owned)
    }
}

fn firm() -> Value {
    json!({ "name": "Cabinet Duval", "domains": ["Duval.example"], "language": "fr", "time_zone": "Europe/Brussels" })
}

#[tokio::test]
async fn no_route_answers_without_a_valid_key() {
    let world = World::new().await;
    let document = world.send(Request::get("/openapi.json").body(Body::empty()).unwrap()).await.body;
    let mut routes = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys().filter(|_| path != "/healthz") {
            for authorization in ["", "Basic x", "Bearer", "Bearer wrong", "Bearer greffe_a_b_c"] {
                let request = Request::builder().method(method.to_uppercase().as_str()).uri(path.as_str());
                let request = request.header(header::AUTHORIZATION, authorization);
                let refused = world.send(request.body(Body::empty()).unwrap()).await;
                assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{method} {path} {authorization}");
                assert!(refused.headers[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Bearer"));
            }
            routes += 1;
        }
    }
    assert!(routes >= 32, "{routes} routes are described");
}

#[tokio::test]
async fn a_firm_made_by_the_operator_is_seen_by_its_key() {
    let world = World::new().await;
    let firm = world.firm().await;
    let key = world.key(&firm).await;
    let shown = world.get(&key, &firm).await.body;
    assert_eq!((&shown["name"], &shown["domains"]), (&json!("Cabinet Duval"), &json!(["duval.example"])));
    assert_eq!(world.post(&key, "/v1/firms", self::firm().to_string()).await.body["code"], "not_found");
    let forged = format!("{}x", &key[..key.len() - 1]);
    assert_eq!(world.get(&forged, &firm).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_operator_lists_the_firms_and_nobody_else_does() {
    let world = World::new().await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(world.firm().await.rsplit('/').next().unwrap().to_owned());
    }
    made.sort();
    let first = world.get(OPERATOR, "/v1/firms?limit=2").await.body;
    let rest = world.get(OPERATOR, &format!("/v1/firms?after={}", first["next"].as_str().unwrap())).await.body;
    let listed = [&first, &rest].into_iter().flat_map(|page| page["items"].as_array().unwrap());
    assert_eq!(listed.map(|firm| firm["id"].as_str().unwrap()).collect::<Vec<_>>(), made);
    assert_eq!((&rest["next"], &rest["items"][0]["name"]), (&Value::Null, &json!("Cabinet Duval")));
    let key = world.key(&format!("/v1/firms/{}", made[0])).await;
    for path in ["/v1/firms", "/v1/events"] {
        assert_eq!(world.get(&key, path).await.body["code"], "not_found");
    }
}

#[tokio::test]
async fn another_firms_path_is_as_if_there_were_none() {
    let world = World::new().await;
    let (own, other) = (world.firm().await, world.firm().await);
    let key = world.key(&own).await;
    let nowhere = format!("/v1/firms/{}", uuid::Uuid::nil());
    for below in ["", "/connectors", "/mailboxes/x", "/messages/x/content", "/events?after=x"] {
        let others = world.get(&key, &format!("{other}{below}")).await;
        let nobodys = world.get(&key, &format!("{nowhere}{below}")).await;
        let operators = world.get(OPERATOR, &format!("{nowhere}{below}")).await;
        assert_eq!(others.status, StatusCode::NOT_FOUND);
        assert_eq!((&others.body, &nobodys.body), (&nobodys.body, &operators.body));
    }
    let new_key = world.post(&key, &format!("{other}/keys"), r#"{"name":"mine"}"#).await;
    assert_eq!(new_key.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_a_body_has_wrong_is_named_and_nothing_is_stored() {
    let world = World::new().await;
    let with = |field: &str, value: Value| {
        let mut firm = firm();
        firm[field] = value;
        firm.to_string()
    };
    let cases = [
        (String::new(), "not JSON"),
        ("{".to_owned(), "not JSON"),
        ("[]".to_owned(), "an object belongs here"),
        ("{}".to_owned(), "name: it is missing"),
        (format!("{} x", firm()), "something follows after its end"),
        (with("name", json!("")), "name: "),
        (with("name", json!(7)), "name: "),
        (with("name", json!("a\u{7}b")), "name: "),
        (with("domains", json!(["a.example", "not a domain"])), "domains[1]: "),
        (with("domains", json!(vec!["a.example"; 101])), "domains: "),
        (with("language", json!("xx")), "language: "),
        (with("time_zone", json!("Brussels")), "time_zone: "),
        (with("extra", json!(1)), "extra: unknown field"),
    ];
    for (body, named) in cases {
        let refused = world.post(OPERATOR, "/v1/firms", body.clone()).await;
        assert_eq!(refused.body["code"], "invalid_request", "{body}");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains(named), "{body}: {detail}");
    }
    let too_large = world.post(OPERATOR, "/v1/firms", with("name", json!("x".repeat(BODY_BYTES_MAX)))).await;
    assert_eq!(too_large.body["code"], "body_too_large");
    let form = Request::post("/v1/firms").header(header::AUTHORIZATION, format!("Bearer {OPERATOR}"));
    let form = form.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(Body::from("name=x"));
    assert_eq!(world.send(form.unwrap()).await.body["code"], "unsupported_media_type");
    assert_eq!(world.writes(), 0);
}

#[tokio::test]
async fn what_an_address_has_wrong_is_named() {
    let world = World::new().await;
    let firm = world.firm().await;
    for (below, named) in [
        ("/connectors/x", "connector: this is no connector id"),
        ("/connectors?limit=0", "limit: a page has 1 to 100 items"),
        ("/connectors?after=x", "after: not the `next` of a page"),
        ("/mailboxes/x/folders", "mailbox: this is no mailbox id"),
        ("/mailboxes?page=2", "page: unknown parameter"),
        ("/messages?after=-1", "after: a whole number belongs here"),
        ("/messages?mailbox=x", "mailbox: this is no mailbox id"),
        ("/messages/x", "message: this is no message id"),
        ("/messages/%FF", "UTF-8"),
        ("/events?limit=1&limit=2", "limit: it is there twice"),
    ] {
        let refused = world.get(OPERATOR, &format!("{firm}{below}")).await;
        assert_eq!(refused.body["code"], "invalid_request", "{below}");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains(named), "{below}: {detail}");
    }
    for nowhere in ["/", "/v1", "/v2/firms", "/v1/firms/", "/v1/firms/x", &format!("{firm}/nothing")] {
        assert_eq!(world.get(OPERATOR, nowhere).await.body["code"], "not_found", "{nowhere}");
    }
    let put = Request::put(&firm).header(header::AUTHORIZATION, format!("Bearer {OPERATOR}"));
    let refused = world.send(put.body(Body::empty()).unwrap()).await;
    assert_eq!((&refused.body["code"], refused.status), (&json!("method_not_allowed"), StatusCode::METHOD_NOT_ALLOWED));
    assert!(refused.headers[header::ALLOW].to_str().unwrap().contains("GET"));
}

#[tokio::test]
async fn a_firm_keeps_one_app_of_its_own_and_its_secret_is_never_shown() {
    let world = World::new().await;
    let firm = world.firm().await;
    let path = format!("{firm}/connectors");
    let stored = secrets::firm_app_client_secret(firm.rsplit('/').next().unwrap().parse().unwrap());
    let with = |client_id: &str, secret: &str| {
        let app = json!({ "tenant_id": "Duval.example", "client_id": client_id, "client_secret": secret });
        json!({ "name": "Office", "access": "delegated", "app": app }).to_string()
    };
    let (one, two) = ("6F9619FF-8B86-4011-B42D-00C04FC964FF", "00000000-8b86-4011-b42d-00c04fc964ff");
    let created = world.post(OPERATOR, &path, with(one, "s3cret")).await;
    assert_eq!(created.status, StatusCode::CREATED);
    let body = &created.body;
    assert_eq!(body["app"], json!({ "tenant_id": "duval.example", "client_id": one.to_lowercase() }));
    assert_eq!((&body["state"], &body["connected_as"]), (&json!("awaiting_sign_in"), &Value::Null));
    assert!(body["connect_url"].as_str().unwrap().starts_with("https://greffe.example/oauth/connect/k1."));
    assert!(!body.to_string().contains("s3cret"));
    assert_eq!(world.secret(&stored).await.as_deref(), Some("s3cret"));

    assert_eq!(world.post(OPERATOR, &path, with(one, "another")).await.status, StatusCode::CREATED);
    assert_eq!(world.post(OPERATOR, &path, with(two, "third")).await.body["code"], "other_own_app");
    assert_ne!(world.secret(&stored).await.as_deref(), Some("third"));

    let platform = json!({ "name": "Office", "access": "organization", "app": null }).to_string();
    assert_eq!(world.post(OPERATOR, &path, platform).await.body["code"], "no_platform_app");
}

#[tokio::test]
async fn what_is_ours_is_told_by_a_request_id_and_nothing_else() {
    let world = World::of_table("no-such-table").await;
    let failed = world.get(OPERATOR, &format!("/v1/firms/{}", uuid::Uuid::nil())).await;
    assert_eq!(failed.body["code"], "internal");
    let id = failed.headers["x-request-id"].to_str().unwrap();
    assert!(failed.body["detail"].as_str().unwrap().contains(id));
    assert!(!failed.body.to_string().contains("FIRM#"), "{}", failed.body);
}

#[tokio::test]
async fn the_description_is_whole() {
    let world = World::new().await;
    let document = world.send(Request::get("/openapi.json").body(Body::empty()).unwrap()).await.body;
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"].get(name).is_some(), "{name} is not described");
    }
    assert_eq!(document["components"]["securitySchemes"]["key"]["scheme"], "bearer");
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let problem = &operation["responses"]["default"]["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(problem, "#/components/schemas/Problem", "{method} {path}");
            let named = |place: &str| {
                let parameters = operation["parameters"].as_array().into_iter().flatten();
                parameters.filter(|p| p["in"] == place).filter_map(|p| p["name"].as_str()).collect::<Vec<_>>()
            };
            assert_eq!(named("path").len(), path.matches('{').count(), "{method} {path}");
            assert_eq!(operation.get("requestBody").is_some(), takes_a_body(method, path), "{method} {path}");
        }
    }
    let create = &document["paths"]["/v1/firms"]["post"];
    assert_eq!(create["requestBody"]["content"]["application/json"]["schema"]["$ref"], "#/components/schemas/NewFirm");
}

fn takes_a_body(method: &str, path: &str) -> bool {
    let without = ["/pause", "/rotate", "/confirm", "/app/grant", "/operator-links"];
    matches!(method, "post" | "put" | "patch") && !without.iter().any(|end| path.ends_with(end))
}

#[tokio::test]
async fn health_is_told_to_anybody() {
    let world = World::new().await;
    let request = Request::builder().method(Method::GET).uri("/healthz").body(Body::empty()).unwrap();
    let answer = world.send(request).await;
    assert_eq!((answer.status, &answer.body["version"]), (StatusCode::OK, &json!(env!("CARGO_PKG_VERSION"))));
}

#[tokio::test]
async fn every_route_needs_one_right_and_a_key_without_it_is_told_which() {
    let world = World::new().await;
    let firm = world.firm().await;
    let all = ["read", "file", "push", "manage"];
    let mut keys = Vec::new();
    for right in all {
        let body = json!({ "name": "one right", "rights": [right] }).to_string();
        let made = world.post(OPERATOR, &format!("{firm}/keys"), body).await;
        assert_eq!((made.status, &made.body["rights"]), (StatusCode::CREATED, &json!([right])));
        keys.push((right, made.body["key"].as_str().unwrap().to_owned()));
    }
    let document = world.send(Request::get("/openapi.json").body(Body::empty()).unwrap()).await.body;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap().iter().filter(|_| path.starts_with("/v1/")) {
            let needed = operation["x-right"].as_str().unwrap_or_else(|| panic!("{method} {path} has no right"));
            assert!(needed == "operator" || all.contains(&needed), "{method} {path}: {needed}");
            let here = path.replace("/v1/firms/{firm}", &firm);
            for (right, key) in &keys {
                let request = Request::builder().method(method.to_uppercase().as_str()).uri(&here);
                let request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
                let answered = world.send(request.body(Body::empty()).unwrap()).await;
                let code = &answered.body["code"];
                match needed {
                    "operator" => assert_eq!(code, "not_found", "{method} {path} with {right}"),
                    needed if needed == *right => assert_ne!(code, "key_right_missing", "{method} {path} with {right}"),
                    needed => {
                        assert_eq!(answered.status, StatusCode::FORBIDDEN, "{method} {path} with {right}");
                        assert!(answered.body["detail"].as_str().unwrap().contains(needed), "{}", answered.body);
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn each_operation_refuses_the_parameters_and_the_conditions_that_it_does_not_take() {
    let world = World::new().await;
    let firm = world.firm().await;
    let document = world.send(Request::get("/openapi.json").body(Body::empty()).unwrap()).await.body;
    for (path, operations) in document["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/v1"))
    {
        for (method, operation) in operations.as_object().unwrap() {
            let here = path.replace("/v1/firms/{firm}", &firm);
            let send = async |path: &str, condition: Option<header::HeaderName>| {
                let request = Request::builder().method(method.to_uppercase().as_str()).uri(path);
                let mut request = request.header(header::AUTHORIZATION, format!("Bearer {OPERATOR}"));
                if let Some(condition) = condition {
                    request = request.header(condition, "*");
                }
                world.send(request.body(Body::empty()).unwrap()).await.body
            };
            let refused = send(&format!("{here}?nonsense=1"), None).await;
            assert_eq!(refused["code"], "invalid_request", "{method} {path}");
            let detail = refused["detail"].as_str().unwrap();
            assert!(detail.starts_with("nonsense: unknown parameter"), "{method} {path}: {detail}");
            let conditions = [(header::IF_MATCH, "If-Match"), (header::IF_NONE_MATCH, "If-None-Match")];
            for (condition, name) in conditions.into_iter().filter(|_| method != "get") {
                let parameters = operation["parameters"].as_array().into_iter().flatten();
                let takes = parameters.into_iter().any(|parameter| parameter["name"] == name);
                let answered = send(&here, Some(condition)).await;
                let detail = answered["detail"].as_str().unwrap_or_default();
                assert_eq!(detail.starts_with(&format!("{name}: this request takes no")), !takes, "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn the_trail_has_a_form_for_every_id_of_a_path() {
    let world = World::new().await;
    let document = world.send(Request::get("/openapi.json").body(Body::empty()).unwrap()).await.body;
    let id = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
    let text = |name: &str| match name {
        "message" => format!("{id}.{}", "0a".repeat(16)),
        "attachment" => "7".to_owned(),
        _ => id.to_owned(),
    };
    for path in document["paths"].as_object().unwrap().keys() {
        for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            let shown = gate::shown(name, &text(name).to_uppercase());
            assert!(shown.is_some_and(|shown| name == "external_id" || shown == text(name)), "{path}: {name}");
            assert_eq!(gate::shown(name, &format!("greffe_{id}_{id}_{}", "x".repeat(43))), None, "{path}: {name}");
        }
    }
}

#[tokio::test]
async fn a_cursor_that_is_too_long_is_the_callers_fault_and_an_empty_value_is_none() {
    let world = World::new().await;
    let firm = world.firm().await;
    let document = world.send(Request::get("/openapi.json").body(Body::empty()).unwrap()).await.body;
    let long = "x".repeat(20_000);
    for (path, operations) in document["paths"].as_object().unwrap() {
        let parameters = operations["get"]["parameters"].as_array().into_iter().flatten();
        for name in parameters.filter(|p| p["in"] == "query").map(|p| p["name"].as_str().unwrap()) {
            let here = path.replace("/v1/firms/{firm}", &firm);
            let plain = world.get(OPERATOR, &here).await;
            let empty = world.get(OPERATOR, &format!("{here}?{name}=")).await;
            assert_eq!((empty.status, &empty.body), (plain.status, &plain.body), "{path} {name}");
            let long = world.get(OPERATOR, &format!("{here}?{name}={long}")).await;
            assert_ne!(long.status, StatusCode::INTERNAL_SERVER_ERROR, "{path} {name}");
        }
    }
    let long = world.get(OPERATOR, &format!("{firm}/audit?after={long}")).await;
    assert_eq!(long.body["code"], "invalid_request");
}
