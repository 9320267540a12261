//! A client of greffe's API, and a browser that signs in: for the demo and the benchmarks.

use reqwest::{Method, Response, StatusCode, header};
use serde_json::Value;

/// Somebody with a key.
pub struct Client {
    /// The HTTP client.
    pub http: reqwest::Client,
    /// Where the API answers, without a final `/`.
    pub base: String,
    /// The operator's.
    pub key: String,
}

/// What was asked for did not come.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The API refused.
    #[error("{method} {path} answered {status}: {body}")]
    Api {
        /// The request's method.
        method: Method,
        /// Its path.
        path: String,
        /// The answer's status.
        status: StatusCode,
        /// The answer's beginning.
        body: String,
    },
    /// An answer without what it must have.
    #[error("an answer without {0}")]
    Without(String),
    /// No answer.
    #[error("ask greffe")]
    Http(#[from] reqwest::Error),
}

impl Client {
    /// Calls the API, and reads the JSON of its answer.
    ///
    /// Errors: the API refuses, or does not answer.
    pub async fn api(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, ClientError> {
        Ok(self.send(method, path, body).await?.json().await?)
    }

    /// Calls the API.
    ///
    /// Errors: the API refuses, or does not answer.
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Response, ClientError> {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base)).bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let status = response.status();
        match status.is_success() {
            true => Ok(response),
            false => Err(ClientError::Api { method, path: path.to_owned(), status, body: response.text().await? }),
        }
    }

    /// What a person does: open the link, sign in at Microsoft, accept whatever is asked, come back.
    pub async fn sign_in(&self, connect_url: &str, account: &str) -> Result<(), ClientError> {
        let mut answer = self.http.get(connect_url).send().await?;
        loop {
            let cookie = answer.headers().get(header::SET_COOKIE).and_then(|c| c.to_str().ok()?.split(';').next());
            let cookie = cookie.unwrap_or_default().to_owned();
            let form = format!("account={}&action=accept", account.replace('@', "%40"));
            let page = self.http.post(location(&answer)?).body(form);
            let accepted = page.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").send().await?;
            let back = self.http.get(location(&accepted)?).header(header::COOKIE, cookie);
            answer = back.header(header::ACCEPT, "application/json").send().await?;
            let status = answer.status();
            match status {
                status if status.is_redirection() => {}
                status if status.is_success() => return Ok(()),
                _ => {
                    let (method, path) = (Method::GET, "/oauth/callback".to_owned());
                    return Err(ClientError::Api { method, path, status, body: answer.text().await? });
                }
            }
        }
    }
}

fn location(response: &Response) -> Result<String, ClientError> {
    let location = response.headers().get(header::LOCATION).and_then(|l| l.to_str().ok());
    location
        .map(str::to_owned)
        .ok_or_else(|| ClientError::Without(format!("a redirect, from {}", response.url().path())))
}

/// The text of a field.
pub fn text(value: &Value, field: &str) -> Result<String, ClientError> {
    value[field].as_str().map(str::to_owned).ok_or_else(|| ClientError::Without(field.to_owned()))
}

/// The id of what was made or read.
pub fn id<T: std::str::FromStr>(value: &Value) -> Result<T, ClientError> {
    text(value, "id")?.parse().map_err(|_| ClientError::Without("an id".to_owned()))
}
