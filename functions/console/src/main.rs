//! The Lambda function: wiring only.

use console::ApiClient;
use shared::{app::App, base::telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    let app = App::connect()?;
    let client = ApiClient::web(&app)?;
    lambda_http::run(console::router(app, client)).await
}
