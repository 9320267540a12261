//! The Lambda function: wiring only.

use shared::{app::App, base::telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    let app = App::connect()?;
    lambda_http::run(graph_webhook::router(app)).await
}
