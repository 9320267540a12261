//! The Lambda function: wiring only.

use console::Door;
use shared::{app::App, base::telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    let app = App::connect()?;
    let door = Door::web(&app)?;
    lambda_http::run(console::router(app, door)).await
}
