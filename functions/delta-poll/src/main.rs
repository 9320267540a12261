//! The Lambda function `delta-poll`: wiring only.

use lambda_runtime::{LambdaEvent, run, service_fn};
use shared::{app::App, base::telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let app = App::connect()?;
    app.config.webhook_url()?;
    run(service_fn(|event: LambdaEvent<delta_poll::Input>| delta_poll::handle(&app, event))).await
}
