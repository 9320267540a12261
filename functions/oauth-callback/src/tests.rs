use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use axum::{body::Body, http::Request};
use shared::base::{clock::Clock, config::Config, http::http_client, random::Random};
use tower::ServiceExt as _;

use super::*;

/// The function where AWS does not answer.
fn app() -> App {
    let http = http_client().unwrap();
    let sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-central-1"))
        .endpoint_url("http://127.0.0.1:9")
        .retry_config(RetryConfig::disabled())
        .http_client(shared::aws::sdk_http::over(http.clone()))
        .build();
    let config = Config::from_lookup(|name| match name {
        "GREFFE_CLOUD" | "GREFFE_LOGIN_URL" | "GREFFE_GRAPH_URL" | "GREFFE_APP_CLIENT_ID" => None,
        "GREFFE_CONTENT_BYTES_MAX" | "GREFFE_LOG_MINUTES" | "GREFFE_LOCK_DAYS" | "GREFFE_WAITING_CALLS" => None,
        "GREFFE_TIMESTAMP_URL" | "GREFFE_TIMESTAMP_HOURS" | "GREFFE_CALLS_PER_MINUTE" | "GREFFE_RETURN_ORIGINS" => None,
        "GREFFE_PUBLIC_URL" => Some("https://greffe.example".to_owned()),
        _ => Some("greffe".to_owned()),
    });
    App::new(config.unwrap(), &sdk, http, Clock::system(), Random::seeded(1))
}

async fn send(request: Request<Body>) -> (StatusCode, HeaderMap, String) {
    let (head, body) = router(app()).oneshot(request).await.unwrap().into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (head.status, head.headers, String::from_utf8(body.to_vec()).unwrap())
}

async fn problem(method: &str, uri: &str) -> serde_json::Value {
    let request = Request::builder().method(method).uri(uri).header(header::ACCEPT, "text/html;q=.1, application/json");
    let (status, headers, body) = send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
    let problem: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(problem["status"], status.as_u16());
    problem
}

#[tokio::test]
async fn a_callback_that_nobody_asked_for_is_told_as_an_unknown_sign_in() {
    for query in
        ["", "?code=x", "?state=", "?state=x.y&code=z", "?error=access_denied&redirect_uri=https://evil.example"]
    {
        assert_eq!(problem("GET", &format!("/oauth/callback{query}")).await["code"], "sign_in_expired", "{query}");
    }
    assert_eq!(problem("GET", "/oauth/callback?state=a&state=b").await["code"], "invalid_request");
}

#[tokio::test]
async fn a_person_gets_a_page_that_loads_nothing() {
    let request = Request::get("/oauth/callback?state=x").header(header::ACCEPT, "text/html,*/*;q=0.8");
    let (status, headers, body) = send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'none'"));
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
    assert!(body.contains("Open the connector&#39;s sign-in link again"), "{body}");
}

#[tokio::test]
async fn a_person_reads_the_page_in_the_language_of_the_browser() {
    for (language, part) in [
        ("fr-BE, fr;q=0.9", "<html lang=\"fr\"><head>"),
        ("nl-BE", "Open de aanmeldlink van de connector opnieuw"),
        ("de;q=0.8, pl", "Öffnen Sie den Anmeldelink des Konnektors"),
        ("pl", "Open the connector&#39;s sign-in link again"),
    ] {
        let request = Request::get("/oauth/callback?state=x").header(header::ACCEPT_LANGUAGE, language);
        let (_, _, body) = send(request.body(Body::empty()).unwrap()).await;
        assert!(body.contains(part), "{language}: {body}");
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_read_are_told_apart() {
    assert_eq!(problem("GET", "/").await["code"], "not_found");
    assert_eq!(problem("POST", "/oauth/callback").await["code"], "method_not_allowed");
    assert_eq!(problem("GET", "/oauth/connect/%FF").await["code"], "link_damaged");
}

/// What a browser with the cookies `sent` is told to keep, by an answer of `origin`.
fn set_cookies(origin: &str, sent: &[&str]) -> Vec<String> {
    let url = "https://login.example/a?b".parse().unwrap();
    let departure = SignInRedirect { url, suffix: "s".to_owned(), cookie: "abc".to_owned().into() };
    let mut headers = HeaderMap::new();
    for line in sent {
        headers.append(header::COOKIE, line.parse().unwrap());
    }
    let response = redirect(&Origin::parse(origin).unwrap(), &departure, &headers);
    assert_eq!(
        (response.status(), &response.headers()[header::LOCATION]),
        (StatusCode::SEE_OTHER, &"https://login.example/a?b".parse().unwrap())
    );
    response.headers().get_all(header::SET_COOKIE).iter().map(|v| v.to_str().unwrap().to_owned()).collect()
}

#[test]
fn the_cookie_is_bound_to_the_host_wherever_there_is_tls() {
    assert_eq!(
        set_cookies("https://greffe.example", &[]),
        ["__Host-greffe_sign_in_s=abc; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=600"]
    );
    assert_eq!(
        set_cookies("http://127.0.0.1:4000", &[]),
        ["greffe_sign_in_s=abc; HttpOnly; SameSite=Lax; Path=/; Max-Age=600"]
    );
}

#[test]
fn a_browser_keeps_the_cookies_of_a_few_sign_ins_and_forgets_the_oldest() {
    let seven: String = (0..SIGN_INS_MAX - 1).map(|n| format!("greffe_sign_in_{n}=x; ")).collect();
    assert_eq!(set_cookies("http://127.0.0.1:4000", &[&seven, "another=1"]).len(), 1);
    let set = set_cookies("http://127.0.0.1:4000", &["greffe_sign_in_old=1", "another=1", &seven]);
    assert!(set[0].starts_with("greffe_sign_in_s=abc;"), "{set:?}");
    assert_eq!(set[1..], ["greffe_sign_in_old=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"]);
}

#[test]
fn a_cookie_is_found_among_others_and_by_its_whole_name() {
    let mut headers = HeaderMap::new();
    headers.append(header::COOKIE, "a=1; xgreffe_sign_in_s=2".parse().unwrap());
    headers.append(header::COOKIE, "greffe_sign_in_s=3=; b=4".parse().unwrap());
    let found: Vec<_> = cookies(&headers).filter(|(name, _)| *name == "greffe_sign_in_s").collect();
    assert_eq!(found, [("greffe_sign_in_s", "3=")]);
}
