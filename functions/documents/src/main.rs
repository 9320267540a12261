//! The Lambda function: wiring only. Its routes are listed with all others, in `functions/api/src/routes/mod.rs`.

use shared::{app::App, base::telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    let app = App::connect()?;
    lambda_http::run(api::documents(app)).await
}
