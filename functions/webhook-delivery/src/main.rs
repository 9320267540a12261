//! The Lambda function `webhook-delivery`: wiring only.

use lambda_runtime::{LambdaEvent, run, service_fn};
use shared::{app::App, base::telemetry, webhook::deliver::OutboundClient};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let app = App::connect()?;
    let outside = OutboundClient::new(app.config.ca_bundle.as_deref())?;
    run(service_fn(|event: LambdaEvent<webhook_delivery::Input>| webhook_delivery::handle(&app, &outside, event))).await
}
